//! Random programs and einsum strings: compiled code against the interpreters, at two optimisation levels, with one and two
//! threads, with row-major and strided inputs.
//!
//! `EIN_CASES=5000 cargo test -p ein-tests --test oracle` runs more; `EIN_SEED=17` runs one.

use ein_tests::{generate, oracle, spec};

/// Cases of each test where nothing else is asked for.
const CASES: u64 = 200;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|v| v.parse().unwrap_or_else(|_| panic!("{name}={v} is not a number")))
}

/// Runs a check over seeds, on as many threads as there are, and reports the first few failures.
fn over_seeds(cases: u64, check: impl Fn(u64) -> Result<(), String> + Sync) {
    let seeds: Vec<u64> = match variable("EIN_SEED") {
        Some(seed) => vec![seed],
        None => (0..variable("EIN_CASES").map_or(cases, |n| n * cases / CASES)).collect(),
    };
    let guarded = |seed: u64| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(seed))).unwrap_or_else(|_| Err(format!("seed {seed}: panic")))
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let guarded = &guarded;
        let seeds = &seeds;
        let handles: Vec<_> = (0..workers)
            .map(|w| scope.spawn(move || seeds.iter().skip(w).step_by(workers).filter_map(|s| guarded(*s).err()).collect::<Vec<_>>()))
            .collect();
        handles.into_iter().flat_map(|h| h.join().expect("panics are caught")).collect()
    });
    let shown: Vec<&String> = failures.iter().take(3).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail; the first:\n{}",
        failures.len(),
        seeds.len(),
        shown.iter().map(|s| s.as_str()).collect::<Vec<_>>().join("\n====\n")
    );
}

#[test]
fn programs() {
    over_seeds(CASES, |seed| oracle::check_program(&generate::program(seed)));
}

#[test]
fn scans() {
    over_seeds(CASES, |seed| oracle::check_program(&generate::scans(seed)));
}

/// What is accepted without a mode never leaves its axis: nothing is checked where it is computed.
#[test]
fn subscripts() {
    let checked = std::sync::atomic::AtomicUsize::new(0);
    over_seeds(2 * CASES, |seed| {
        let found = oracle::check_subscripts(&generate::subscript::subscripts(seed))?;
        checked.fetch_add(found, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    });
    let checked = checked.into_inner();
    assert!(checked > 100 || variable("EIN_SEED").is_some(), "only {checked} runs");
}

#[test]
fn einsum_strings() {
    over_seeds(CASES, |seed| oracle::check_spec(&spec::spec(seed)));
}

/// Products that go to the library.
#[test]
fn large_products() {
    over_seeds(CASES / 5, |seed| oracle::check_spec(&spec::large(seed)));
}

/// The same seed gives the same program: a failure can be repeated.
#[test]
fn generation_is_a_function_of_the_seed() {
    for seed in 0..20 {
        assert_eq!(generate::program(seed).source, generate::program(seed).source);
        assert_eq!(generate::scans(seed).source, generate::scans(seed).source);
        assert_eq!(spec::spec(seed).equation, spec::spec(seed).equation);
    }
}

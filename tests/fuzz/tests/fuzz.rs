//! A short run of every target. `EIN_FUZZ_SECONDS` says how long each takes; without it one target runs for a moment, so that the
//! program is known to work.

use ein_fuzz::TARGETS;
use std::process::Command;
use std::sync::Mutex;

#[test]
fn a_short_run_finds_nothing() {
    let (targets, seconds) = match std::env::var("EIN_FUZZ_SECONDS") {
        Ok(seconds) => (TARGETS.map(|target| target.name).to_vec(), seconds),
        Err(_) => (vec!["parse"], "1".to_owned()),
    };
    // As many side by side as there are processors: each has the time that it would have alone.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(targets.len());
    let left = Mutex::new(targets.into_iter());
    let next = || left.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| std::iter::from_fn(next).for_each(|target| finds_nothing(target, &seconds)));
        }
    });
}

fn finds_nothing(target: &str, seconds: &str) {
    let status = Command::new(env!("CARGO_BIN_EXE_ein-fuzz")).args([target, "--seconds", seconds]).status().unwrap();
    assert!(status.success(), "{target}: what was found is printed above and kept in tests/fuzz/artifacts");
}

#[test]
fn unknown_targets_are_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_ein-fuzz")).args(["nothing", "--seconds", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("targets: parse"));
}

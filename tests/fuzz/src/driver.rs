//! Runs a target for a while: the same seed gives the same inputs on every machine.
//!
//! A worker process does the work, so that an abort, a hang or too much memory ends it and not the run: the input in progress is
//! in a file, which the parent then keeps under `artifacts/`.

use crate::mutate::Mutator;
use crate::{TARGETS, Target};
use ein_tests::random::Random;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long, for each target.
    pub seconds: u64,
    /// Where choices come from.
    pub seed: u64,
    /// Longest time for one input.
    pub limit: Duration,
    /// Most memory of the process, in MiB.
    pub memory: u64,
    /// Where inputs that went wrong are kept.
    pub artifacts: PathBuf,
}

/// Inputs that are kept as starting points, besides the seeds.
const MAX_KEPT: usize = 3000;

/// Findings after which a run ends.
const MAX_FINDINGS: usize = 8;

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Where the input in progress is, for the parent to find; in memory where the system has such a folder.
fn current(target: &Target, options: &Options) -> PathBuf {
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() { shared } else { &options.artifacts };
    folder.join(format!("ein-fuzz-{}-current-{}", target.name, options.seed))
}

/// Runs a target in worker processes until its time is over; gives the number of findings.
///
/// # Panics
/// If no process can be started.
#[must_use]
pub fn supervise(target: &Target, options: &Options) -> usize {
    std::fs::create_dir_all(&options.artifacts).expect("a folder for findings");
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut findings = 0;
    for round in 0.. {
        let left = end.saturating_duration_since(Instant::now()).as_secs();
        if (left == 0 && round > 0) || findings >= MAX_FINDINGS {
            break;
        }
        let options = Options { seconds: left.max(1), seed: options.seed.wrapping_add(round), ..options.clone() };
        let status = worker_process(target, &options);
        match status.code() {
            Some(code @ 0..100) => findings += usize::try_from(code).unwrap_or(1),
            _ => {
                findings += 1;
                let kept = options.artifacts.join(format!("{}-died-{}", target.name, options.seed));
                let _ = std::fs::copy(current(target, &options), &kept);
                eprintln!("{}: the process died ({status}); its input is {}", target.name, kept.display());
            }
        }
        let _ = std::fs::remove_file(current(target, &options));
    }
    findings
}

fn worker_process(target: &Target, options: &Options) -> ExitStatus {
    let this = std::env::current_exe().expect("this program");
    let mut command = Command::new("sh");
    // The shell sets the limit of memory, and becomes the worker.
    command.arg("-c").arg(format!("ulimit -v {}; ulimit -c 0; exec \"$0\" \"$@\"", options.memory << 10)).arg(this);
    command.args(["--worker", target.name, "--seconds", &options.seconds.to_string(), "--seed", &options.seed.to_string()]);
    command.args(["--limit-ms", &options.limit.as_millis().to_string(), "--artifacts"]).arg(&options.artifacts);
    command.status().expect("a process")
}

/// Where the last panic was, and what it said.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// When the input in progress began, in milliseconds since the start and at least 1; 0 between inputs.
static BEGAN: AtomicU64 = AtomicU64::new(0);

/// The worker: makes inputs and runs them. Gives the number of findings.
#[must_use]
pub fn work(target: &Target, options: &Options) -> usize {
    std::panic::set_hook(Box::new(|info| *LAST_PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = info.to_string()));
    let start = Instant::now();
    watch(start, options.limit);
    let mut corpus = (target.seeds)();
    let seeds = corpus.len();
    let mut random = Random::new(options.seed);
    let (mut seen, mut places) = (BTreeSet::new(), BTreeSet::new());
    let mut runs = 0_u64;
    let current = current(target, options);
    while start.elapsed().as_secs() < options.seconds && places.len() < MAX_FINDINGS {
        let next = usize::try_from(runs).unwrap_or(usize::MAX);
        let input =
            if next < seeds { corpus[next].clone() } else { (target.mutate)(&mut Mutator { random: &mut random, corpus: &corpus }) };
        std::fs::write(&current, &input).expect("there is room");
        BEGAN.store(start.elapsed().as_millis() as u64 + 1, SeqCst);
        let result = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        BEGAN.store(0, SeqCst);
        runs += 1;
        match result {
            Ok(signature) if seen.insert(signature) && next >= seeds && corpus.len() < seeds + MAX_KEPT => corpus.push(input),
            Ok(_) => {}
            Err(_) => report(target, &input, &options.artifacts, &mut places),
        }
    }
    println!("{}: {runs} inputs, {} kinds, {} findings", target.name, seen.len(), places.len());
    places.len()
}

/// Keeps the first input for each place that panicked.
fn report(target: &Target, input: &[u8], artifacts: &Path, places: &mut BTreeSet<String>) {
    let message = LAST_PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let place = message.lines().next().unwrap_or("").to_owned();
    if places.insert(place) {
        let path = artifacts.join(format!("{}-panic-{}", target.name, places.len()));
        let _ = std::fs::write(&path, input);
        let shown: String = message.chars().take(3000).collect();
        eprintln!("{}: {shown}\n  its input is {}", target.name, path.display());
    }
}

/// Ends the process when an input takes too long.
fn watch(start: Instant, limit: Duration) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let began = BEGAN.load(SeqCst);
            if began > 0 && start.elapsed() > Duration::from_millis(began) + limit {
                eprintln!("an input takes longer than {limit:?}");
                std::process::abort();
            }
        }
    });
}

/// Runs one input from a file, with its panic shown.
pub fn replay(target: &Target, input: &[u8]) {
    let start = Instant::now();
    let signature = (target.run)(input);
    println!("{}: {signature:016x} after {:?}", target.name, start.elapsed());
}

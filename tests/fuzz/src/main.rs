//! `ein-fuzz TARGET|all [--seconds N] [--seed S]`, or `ein-fuzz TARGET FILE…` to run inputs again.

use ein_fuzz::driver::{self, Options};
use ein_fuzz::{TARGETS, Target};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "ein-fuzz TARGET|all [FILE…] [--seconds N] [--seed S] [--limit-ms N] [--memory-mib N] [--artifacts FOLDER]
targets: parse front format einsum npy npz safetensors run";

struct Arguments {
    options: Options,
    worker: bool,
    names: Vec<String>,
}

fn arguments() -> Option<Arguments> {
    let options = Options {
        seconds: 10,
        seed: 0,
        limit: Duration::from_secs(20),
        memory: 8 << 10,
        artifacts: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("artifacts"),
    };
    let mut found = Arguments { options, worker: false, names: Vec::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--worker" => found.worker = true,
            "--seconds" => found.options.seconds = words.next()?.parse().ok()?,
            "--seed" => found.options.seed = words.next()?.parse().ok()?,
            "--limit-ms" => found.options.limit = Duration::from_millis(words.next()?.parse().ok()?),
            "--memory-mib" => found.options.memory = words.next()?.parse().ok()?,
            "--artifacts" => found.options.artifacts = words.next()?.into(),
            option if option.starts_with('-') => return None,
            _ => found.names.push(word),
        }
    }
    Some(found)
}

fn chosen(name: &str) -> Vec<&'static Target> {
    if name == "all" { TARGETS.iter().collect() } else { driver::target(name).into_iter().collect() }
}

fn main() -> ExitCode {
    let Some(Arguments { options, worker, names }) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let (targets, files) = match names.split_first() {
        Some((name, files)) => (chosen(name), files),
        None => (Vec::new(), &[][..]),
    };
    if targets.is_empty() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let mut findings = 0;
    for target in targets {
        for file in files {
            match std::fs::read(file) {
                Ok(bytes) => driver::replay(target, &bytes),
                Err(error) => eprintln!("{file}: {error}"),
            }
        }
        if worker {
            findings += driver::work(target, &options);
        } else if files.is_empty() {
            findings += driver::supervise(target, &options);
        }
    }
    ExitCode::from(u8::try_from(findings.min(99)).unwrap_or(99))
}

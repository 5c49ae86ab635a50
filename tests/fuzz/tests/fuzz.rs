//! A short run of every target. `EIN_FUZZ_SECONDS` says how long each takes; without it one target runs for a moment, so that the
//! program is known to work.

use std::process::Command;

#[test]
fn a_short_run_finds_nothing() {
    let (target, seconds) = match std::env::var("EIN_FUZZ_SECONDS") {
        Ok(seconds) => ("all", seconds),
        Err(_) => ("parse", "1".to_owned()),
    };
    let status = Command::new(env!("CARGO_BIN_EXE_ein-fuzz")).args([target, "--seconds", &seconds]).status().unwrap();
    assert!(status.success(), "what was found is printed above and kept in tests/fuzz/artifacts");
}

#[test]
fn unknown_targets_are_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_ein-fuzz")).args(["nothing", "--seconds", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("targets: parse"));
}

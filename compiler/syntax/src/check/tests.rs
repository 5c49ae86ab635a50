//! Whole defs: the programs of the language reference, and the diagnostics that must be good.

use super::{CheckedProgram, check};
use crate::parse::parse;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::FileId;

mod programs;

fn checked(source: &str) -> Result<CheckedProgram, Vec<Diagnostic>> {
    let parsed = parse(source, FileId(0)).unwrap_or_else(|d| panic!("{d:?}\n{source}"));
    check(&parsed.program)
}

/// The tensor IR of the last def.
#[track_caller]
fn tir(source: &str) -> String {
    let program = checked(source).unwrap_or_else(|d| panic!("{d:#?}\n{source}"));
    let def = program.defs().last().copied().expect("a def").to_owned();
    let module = program.lower(&def).unwrap_or_else(|d| panic!("{d:#?}\n{source}"));
    module.to_string()
}

/// Each diagnostic as `code message`, then `| help` if it has one.
fn lines(diagnostics: &[Diagnostic]) -> String {
    let line = |d: &Diagnostic| match &d.help {
        Some(help) => format!("{} {} | {help}", d.code, d.message),
        None => format!("{} {}", d.code, d.message),
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Expects these diagnostics.
#[track_caller]
fn refused(source: &str, expected: &str) {
    let found = match checked(source) {
        Err(diagnostics) => lines(&diagnostics),
        Ok(program) => {
            let def = program.defs().last().copied().expect("a def").to_owned();
            program.lower(&def).err().map(|d| lines(&d)).unwrap_or_default()
        }
    };
    assert_eq!(found, expected, "{source}");
}

//! Whole defs: the programs of the language reference, and the diagnostics that must be good.

use super::{CheckedProgram, check};
use crate::parse::parse;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::FileId;

mod constants;
mod desugar;
mod explain;
mod meaning;
mod mutations;
mod names;
mod programs;
mod ranges;
mod types;

pub(super) fn checked(source: &str) -> Result<CheckedProgram, Vec<Diagnostic>> {
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
pub(crate) fn lines(diagnostics: &[Diagnostic]) -> String {
    let line = |d: &Diagnostic| match &d.help {
        Some(help) => format!("{} {} | {help}", d.code, d.message),
        None => format!("{} {}", d.code, d.message),
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Expects these diagnostics.
#[track_caller]
pub(super) fn refused(source: &str, expected: &str) {
    let found = match checked(source) {
        Err(diagnostics) => lines(&diagnostics),
        Ok(program) => {
            let def = program.defs().last().copied().expect("a def").to_owned();
            program.lower(&def).err().map(|d| lines(&d)).unwrap_or_default()
        }
    };
    same(source, &found, expected);
}

/// Expects these entry checks of the last def, without places.
#[track_caller]
fn checks(source: &str, expected: &[&str]) {
    let text = tir(source);
    let lines = text.lines().filter_map(|l| l.strip_prefix("require "));
    let found: Vec<&str> = lines.map(without_place).collect();
    same(source, &found.join("\n"), &expected.join("\n"));
}

/// Expects these definitions of the last def, and declarations of inner tensors, without places.
#[track_caller]
fn body(source: &str, expected: &[&str]) {
    let text = tir(source);
    let is_inner = |l: &str| l.starts_with("tensor") && l.split('"').nth(1).is_some_and(|name| name.contains('.'));
    let lines = text.lines().filter(|l| is_inner(l) || l.starts_with('t') && l.contains(" = "));
    let found: Vec<&str> = lines.map(without_place).collect();
    same(source, &found.join("\n"), &expected.join("\n"));
}

fn without_place(line: &str) -> &str {
    line.rsplit_once(" @").map_or(line, |(text, _)| text)
}

#[track_caller]
fn same(source: &str, found: &str, expected: &str) {
    assert_eq!(found, expected, "{source}");
}

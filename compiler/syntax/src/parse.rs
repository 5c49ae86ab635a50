//! From text to syntax tree.
//!
//! Three steps: a scan of the raw text (`scan.rs`) that bounds the nesting and finds mistakes within tokens, the recogniser
//! that pest generates from the grammar, and the tree builder, a function for each rule of the grammar. The builder goes on
//! after a mistake, with a placeholder where it needs one, so that one parse reports as much as it can.

mod builder;
mod computed;
mod expected;
mod expr;
mod item;
pub(crate) mod lex;
mod scan;
mod statement;
mod types;

#[cfg(test)]
mod tests;

use crate::ast::{Bind, Program};
use builder::{Builder, Pair};
use ein_grammar::{EinParser, Rule};
use ein_ir::diagnostic::{Diagnostic, sort_by_position};
use ein_ir::span::{FileId, Span};
use pest::Parser as _;

/// A parsed file.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The tree.
    pub program: Program,
    /// Every comment, in order, from its `#` to the end of its line.
    pub comments: Vec<Span>,
}

/// Parses a whole file.
///
/// # Errors
///
/// Syntax mistakes, E0101 to E0119, in the order of the text; the list is never empty.
pub fn parse(source: &str, file: FileId) -> Result<Parsed, Vec<Diagnostic>> {
    let (program, comments) = parse_with(source, file, Rule::program, Builder::program)?;
    Ok(Parsed { program, comments })
}

/// Parses one equation such as `C[i, k] = A[i, j] * B[j, k]`; the semicolon may be missing.
///
/// # Errors
///
/// Syntax mistakes, E0101 to E0119, in the order of the text; the list is never empty.
pub fn parse_equation(source: &str, file: FileId) -> Result<Bind, Vec<Diagnostic>> {
    parse_with(source, file, Rule::equation, Builder::bind).map(|(bind, _)| bind)
}

/// Runs the three steps, with the rule and its builder function.
fn parse_with<'s, T>(
    source: &'s str,
    file: FileId,
    rule: Rule,
    build: impl FnOnce(&mut Builder<'s>, Pair<'s>) -> T,
) -> Result<(T, Vec<Span>), Vec<Diagnostic>> {
    let scanned = scan::scan(source, file);
    if !scanned.diagnostics.is_empty() {
        return Err(sorted(scanned.diagnostics));
    }
    let mut pairs = EinParser::parse(rule, source).map_err(|error| vec![expected::explain(source, file, &error)])?;
    let pair = pairs.next().expect("a rule that matched has a pair");
    let mut builder = Builder::new(source, file);
    let tree = build(&mut builder, pair);
    match builder.into_diagnostics() {
        diagnostics if diagnostics.is_empty() => Ok((tree, scanned.comments)),
        diagnostics => Err(sorted(diagnostics)),
    }
}

fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    sort_by_position(&mut diagnostics);
    diagnostics
}

/// A span of bytes that the scan has bounded by [`crate::limits::MAX_FILE_BYTES`].
fn span_of(file: FileId, start: usize, end: usize) -> Span {
    let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: clamp(start), end: clamp(end) }
}

//! `ein fmt`: the text of a file in canonical form, comments and empty lines kept.

use super::{MAX_WIDTH, align, comments, doc, dump_without_spans, pieces};
use crate::error::refusals::internal;
use crate::parse::lex::{Lexer, TokenKind};
use crate::parse::{Parsed, parse};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::FileId;

/// Formats a file. The result parses to the same tree up to places, has the same comments in the same order, and is what it is
/// formatted to itself.
///
/// # Errors
///
/// The syntax mistakes of the text; E0199 if the result would mean something else, which is a mistake of ours.
pub fn format(source: &str, file: FileId) -> Result<String, Vec<Diagnostic>> {
    let Parsed { program, .. } = parse(source, file)?;
    let mut pieces = comments::weave(pieces(&program), source);
    align::align(&mut pieces);
    let formatted = doc::render(&pieces, MAX_WIDTH);
    let broken = |what: &str| vec![internal(format!("formatting would change {what}; the text is left as it is"))];
    let again = parse(&formatted, file).map_err(|_| broken("what the text means"))?.program;
    if dump_without_spans(&again) != dump_without_spans(&program) {
        return Err(broken("what the text means"));
    }
    if !comment_texts(source).eq(comment_texts(&formatted)) {
        return Err(broken("its comments"));
    }
    Ok(formatted)
}

fn comment_texts(source: &str) -> impl Iterator<Item = &str> {
    Lexer::new(source).filter(|token| token.kind == TokenKind::Comment).map(|token| token.text.trim_end())
}

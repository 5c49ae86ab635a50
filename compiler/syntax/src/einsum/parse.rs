//! From text to terms.

use super::{EinsumString, Form, PlacedSym, Sym, Term, place};
use crate::error::einsum::EinsumError;
use ein_ir::diagnostic::Diagnostic;
use std::iter::Peekable;
use std::str::CharIndices;

/// Parses a classic einsum string.
///
/// # Errors
///
/// `einsum-bad-symbol`, `einsum-bad-ellipsis`, `einsum-bad-arrow`, `einsum-unknown-output` and `einsum-repeated-output`, with
/// the place in the text.
pub fn parse_einsum(text: &str) -> Result<EinsumString, Diagnostic> {
    let mut parser = Parser { text, chars: text.char_indices().peekable() };
    let mut operands = Vec::new();
    let output = loop {
        let (term, end) = parser.term(Some(operands.len()))?;
        operands.push(term);
        match end {
            TermEnd::Comma => {}
            TermEnd::Arrow => break Some(parser.output()?),
            TermEnd::Text => break None,
        }
    };
    let einsum = EinsumString { text: text.to_owned(), operands, output, form: Form::Letters };
    einsum.check()?;
    Ok(einsum)
}

/// What ended a term.
enum TermEnd {
    Comma,
    Arrow,
    Text,
}

struct Parser<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
}

impl Parser<'_> {
    /// Reads a term and what ends it; `operand` is its number, or `None` for the output.
    fn term(&mut self, operand: Option<usize>) -> Result<(Term, TermEnd), Diagnostic> {
        let place_name = || operand.map_or_else(|| "the output".to_owned(), |operand| format!("operand {operand}"));
        let start = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        let mut syms = Vec::new();
        while let Some((at, c)) = self.chars.next() {
            let span = place(at, at + c.len_utf8());
            match c {
                ' ' => {}
                ',' => return Ok((finished(syms, start, at), TermEnd::Comma)),
                '-' if self.eat('>') => return Ok((finished(syms, start, at), TermEnd::Arrow)),
                '-' => return Err(EinsumError::BadArrow { reason: "`-` is not followed by `>`", span }.into()),
                '>' => return Err(EinsumError::BadArrow { reason: "`>` without `-` directly before it", span }.into()),
                '.' if self.eat('.') && self.eat('.') => syms.push(PlacedSym { sym: Sym::Ellipsis, span: place(at, at + 3) }),
                '.' => return Err(EinsumError::BadEllipsis { second: false, place: place_name(), span }.into()),
                c if c.is_alphabetic() => syms.push(PlacedSym { sym: Sym::Label(u32::from(c)), span }),
                symbol => return Err(EinsumError::BadSymbol { symbol, place: place_name(), span }.into()),
            }
        }
        Ok((finished(syms, start, self.text.len()), TermEnd::Text))
    }

    fn output(&mut self) -> Result<Term, Diagnostic> {
        let (term, end) = self.term(None)?;
        let at = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        match end {
            TermEnd::Text => Ok(term),
            TermEnd::Comma => Err(EinsumError::BadArrow { reason: "the output is one term, without `,`", span: place(at - 1, at) }.into()),
            TermEnd::Arrow => Err(EinsumError::BadArrow { reason: "a second `->`", span: place(at - 2, at) }.into()),
        }
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.chars.next_if(|(_, c)| *c == wanted).is_some()
    }
}

/// The term of these symbols; an empty one covers the bytes between its neighbours.
fn finished(syms: Vec<PlacedSym>, start: usize, end: usize) -> Term {
    let span = match (syms.first(), syms.last()) {
        (Some(first), Some(last)) => first.span.to(last.span),
        _ => place(start, end),
    };
    Term { syms, span }
}

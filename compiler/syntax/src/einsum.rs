//! Classic einsum strings such as `ij,jk->ik`, with numpy's meaning.
//!
//! A string is read in two steps. [`parse_einsum`] needs the text alone, so that the `einsum!` macro can run it when a Rust
//! program is compiled. [`resolve`] adds the shapes of the operands and gives what a contraction is made of: a label for
//! every axis, and a size for every label.
//!
//! The meaning is numpy's. `...` stands for the axes that the labels leave over; such axes are aligned from the right across
//! operands. Without `->` the output is `...` first, then the labels that occur exactly once in all operands, in code-point
//! order. A label that repeats within a term selects the diagonal, for axes of exactly equal sizes; across operands an axis
//! of size 1 broadcasts against any size, 0 included. Spaces may stand between symbols. Three limits of numpy are lifted:
//! labels are any letters of Unicode, and neither operands nor axes are limited.
//!
//! None of this holds for the equations of `.ein` files, which broadcast nothing.

mod lower;
mod parse;
mod resolve;

#[cfg(test)]
mod numpy_table;
#[cfg(test)]
mod tests;

pub use lower::lower;
pub use parse::parse_einsum;
pub use resolve::{EinsumSpec, resolve};

use crate::error::einsum::{EinsumError, ShapeError};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;
use std::fmt::Write as _;

/// A symbol of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sym {
    /// A label: the code point of a letter, or the number of an interleaved call. The order is that of an implicit output.
    Label(u32),
    /// `...`
    Ellipsis,
}

/// A symbol and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlacedSym {
    /// The symbol.
    pub sym: Sym,
    /// Its bytes in [`EinsumString::text`].
    pub span: Span,
}

/// The labels of one operand, or of the output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// At most one of them is [`Sym::Ellipsis`].
    pub syms: Vec<PlacedSym>,
    /// The bytes of the term, without surrounding spaces unless it is empty.
    pub span: Span,
}

impl Term {
    /// The place of `...`, if it is there.
    #[must_use]
    pub fn ellipsis(&self) -> Option<Span> {
        self.syms.iter().find(|placed| placed.sym == Sym::Ellipsis).map(|placed| placed.span)
    }

    /// Number of labels, `...` aside.
    #[must_use]
    pub fn n_labels(&self) -> usize {
        self.syms.iter().filter(|placed| placed.sym != Sym::Ellipsis).count()
    }
}

/// A parsed einsum string, independent of shapes.
///
/// Invariants: at least one operand; every label of the output is in an operand, and there once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EinsumString {
    /// The text that spans point into; of an interleaved call, a text made from the lists.
    pub text: String,
    /// One term for each operand.
    pub operands: Vec<Term>,
    /// `None` without `->`.
    pub output: Option<Term>,
    /// How labels are named in messages.
    form: Form,
}

/// Where labels come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Letters,
    Numbers,
}

impl EinsumString {
    /// The interleaved form: a list of labels for each operand. Numbers sort as numbers in an implicit output.
    ///
    /// # Errors
    ///
    /// `einsum-no-operands`, `einsum-bad-ellipsis` (twice in one list), `einsum-unknown-output`, `einsum-repeated-output`.
    pub fn from_labels(operands: &[Vec<Sym>], output: Option<&[Sym]>) -> Result<Self, Diagnostic> {
        if operands.is_empty() {
            return Err(EinsumError::NoOperands.into());
        }
        let mut text = String::new();
        let mut terms = Vec::new();
        for (at, labels) in operands.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { ", " });
            terms.push(write_list(&mut text, labels));
        }
        let output = output.map(|labels| {
            text.push_str(" -> ");
            write_list(&mut text, labels)
        });
        let einsum = Self { text, operands: terms, output, form: Form::Numbers };
        einsum.check()?;
        Ok(einsum)
    }

    /// Checks that there is one operand for each term.
    ///
    /// # Errors
    ///
    /// `einsum-operand-count`.
    pub fn check_operand_count(&self, operands: usize) -> Result<(), Diagnostic> {
        if operands == self.operands.len() {
            return Ok(());
        }
        Err(ShapeError::OperandCount { terms: self.operands.len(), operands, span: place(0, self.text.len()) }.into())
    }

    /// The name of a label in messages.
    #[must_use]
    pub fn label_name(&self, label: u32) -> String {
        match self.form {
            Form::Letters => char::from_u32(label).map_or_else(|| label.to_string(), String::from),
            Form::Numbers => label.to_string(),
        }
    }

    /// "operand 1 (`jk`)", counting from 0.
    #[must_use]
    pub fn operand_name(&self, operand: usize) -> String {
        match self.operands.get(operand) {
            Some(term) => format!("operand {operand} (`{}`)", self.written(term)),
            None => format!("operand {operand}"),
        }
    }

    /// The text of a term.
    fn written(&self, term: &Term) -> &str {
        self.text.get(term.span.start as usize..term.span.end as usize).unwrap_or("")
    }

    /// What holds for both forms and needs no shapes.
    fn check(&self) -> Result<(), Diagnostic> {
        for (at, term) in self.operands.iter().enumerate() {
            self.check_ellipsis(term, || self.operand_name(at))?;
        }
        let Some(output) = &self.output else { return Ok(()) };
        self.check_ellipsis(output, || "the output".to_owned())?;
        for (at, placed) in output.syms.iter().enumerate() {
            let Sym::Label(label) = placed.sym else { continue };
            let earlier = output.syms.get(..at).unwrap_or(&[]);
            if let Some(first) = earlier.iter().find(|earlier| earlier.sym == placed.sym) {
                return Err(EinsumError::RepeatedOutput { label: self.label_name(label), first: first.span, span: placed.span }.into());
            }
            if !self.operands.iter().flat_map(|term| &term.syms).any(|input| input.sym == placed.sym) {
                return Err(EinsumError::UnknownOutput { label: self.label_name(label), span: placed.span }.into());
            }
        }
        Ok(())
    }

    fn check_ellipsis(&self, term: &Term, place: impl FnOnce() -> String) -> Result<(), Diagnostic> {
        match term.syms.iter().filter(|placed| placed.sym == Sym::Ellipsis).nth(1) {
            Some(second) => Err(EinsumError::BadEllipsis { second: true, place: place(), span: second.span }.into()),
            None => Ok(()),
        }
    }
}

/// Appends `[0, ..., 2]` and gives its term.
fn write_list(text: &mut String, labels: &[Sym]) -> Term {
    let start = text.len();
    text.push('[');
    let mut syms = Vec::new();
    for (at, sym) in labels.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { ", " });
        let from = text.len();
        match sym {
            Sym::Label(label) => write!(text, "{label}").expect("a String takes every write"),
            Sym::Ellipsis => text.push_str("..."),
        }
        syms.push(PlacedSym { sym: *sym, span: place(from, text.len()) });
    }
    text.push(']');
    Term { syms, span: place(start, text.len()) }
}

/// Bytes of the text of an einsum string.
fn place(start: usize, end: usize) -> Span {
    let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(clamp(start), clamp(end))
}

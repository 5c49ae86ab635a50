//! From syntax tree to text: the canonical formatting, and a dump of the tree.
//!
//! [`fn@print`] gives back a text that parses to the same tree up to places. Parentheses that the author wrote are in the tree
//! and stay; others are added where a tree built by a program needs them. [`format`] does the same for the text of a file and
//! keeps its comments and its empty lines. Both lay out the same pieces (`doc.rs`).

mod align;
mod comments;
mod doc;
mod dump;
mod expr;
mod format;
mod item;
mod statement;

#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod tests;

pub use dump::{dump, dump_without_spans};
pub use format::format;

use crate::ast::{Bind, Expr, Program, Type};
use doc::{Gap, Piece};

/// Longest line where a text can be broken, in characters.
const MAX_WIDTH: usize = 100;

/// By how much a block is indented.
const BLOCK: usize = 2;

/// By how much the rest of something that does not fit its line is indented.
const CONTINUATION: usize = 4;

/// The canonical text of a program.
#[must_use]
pub fn print(program: &Program) -> String {
    let mut pieces = pieces(program);
    align::align(&mut pieces);
    doc::render(&pieces, MAX_WIDTH)
}

/// The canonical text of an expression, on one line.
#[must_use]
pub fn print_expr(expr: &Expr) -> String {
    flat(|printer| printer.expr(expr))
}

/// The canonical text of a type, on one line.
#[must_use]
pub fn print_type(ty: &Type) -> String {
    flat(|printer| printer.ty(ty))
}

/// The canonical text of one equation, on one line, with its semicolon.
#[must_use]
pub fn print_bind(bind: &Bind) -> String {
    flat(|printer| printer.bind(bind))
}

/// A program as pieces to lay out.
fn pieces(program: &Program) -> Vec<Piece> {
    let mut printer = Printer::default();
    printer.program(program);
    printer.pieces
}

/// What `print` writes, on one line.
fn flat(print: impl FnOnce(&mut Printer)) -> String {
    let mut printer = Printer::default();
    print(&mut printer);
    doc::flat(&printer.pieces)
}

/// Turns a tree into pieces.
#[derive(Default)]
struct Printer {
    pieces: Vec<Piece>,
}

impl Printer {
    fn word(&mut self, text: &str) {
        self.pieces.push(Piece::Text(text.to_owned()));
    }

    fn piece(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }

    /// A place to break, and a word that begins the new line there.
    fn line_word(&mut self, text: &str) {
        self.piece(Piece::Line);
        self.word(text);
    }

    /// What is laid out on one line, or broken at all of its own places.
    fn group(&mut self, print: impl FnOnce(&mut Self)) {
        self.piece(Piece::Open);
        print(self);
        self.piece(Piece::Close);
    }

    fn indented(&mut self, by: usize, print: impl FnOnce(&mut Self)) {
        self.piece(Piece::Indent(by));
        print(self);
        self.piece(Piece::Dedent);
    }

    /// Elements with `, ` between them.
    fn list<T>(&mut self, items: &[T], print: impl FnMut(&mut Self, &T)) {
        self.separated(items, &Piece::Line, print);
    }

    fn separated<T>(&mut self, items: &[T], separator: &Piece, mut print: impl FnMut(&mut Self, &T)) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.word(",");
                self.piece(separator.clone());
            }
            print(self, item);
        }
    }

    /// Elements between two brackets.
    fn bracketed<T>(&mut self, open: &str, items: &[T], close: &str, print: impl FnMut(&mut Self, &T)) {
        self.enclosed(open, close, None, |printer| printer.list(items, print));
    }

    /// As [`Printer::bracketed`], where the grammar takes a comma after the last element.
    fn bracketed_lines<T>(&mut self, open: &str, items: &[T], close: &str, print: impl FnMut(&mut Self, &T)) {
        let last = (!items.is_empty()).then_some(Piece::TrailingComma);
        self.enclosed(open, close, last, |printer| printer.list(items, print));
    }

    /// Something between two brackets, with places to break inside of them.
    fn enclosed(&mut self, open: &str, close: &str, last: Option<Piece>, print: impl FnOnce(&mut Self)) {
        self.word(open);
        self.group(|printer| {
            printer.piece(Piece::IndentRow);
            printer.indented(CONTINUATION, |printer| {
                printer.piece(Piece::Soft);
                print(printer);
                printer.pieces.extend(last);
                printer.piece(Piece::End);
            });
            printer.piece(Piece::Soft);
            printer.piece(Piece::Dedent);
        });
        self.word(close);
    }

    /// `{`, one line for each element, `}`; `{ }` if there is none.
    fn block<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        self.word("{");
        if items.is_empty() {
            self.word(" ");
        }
        self.indented(BLOCK, |printer| {
            for (at, item) in items.iter().enumerate() {
                printer.piece(Piece::Hard(if at == 0 { Gap::None } else { Gap::AsWritten }));
                print(printer, item);
            }
            printer.piece(Piece::End);
        });
        if !items.is_empty() {
            self.piece(Piece::Hard(Gap::None));
        }
        self.word("}");
    }
}

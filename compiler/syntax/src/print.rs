//! From syntax tree to text: the canonical formatting, and a dump of the tree.
//!
//! [`fn@print`] gives back a text that parses to the same tree up to places. Parentheses that the author wrote are in the tree
//! and stay; others are added where a tree built by a program needs them. Comments are not in the tree: `ein fmt` puts them
//! back by their places.

mod dump;
mod expr;
mod item;
mod statement;

#[cfg(test)]
mod tests;

pub use dump::{dump, dump_without_spans};

use crate::ast::{Bind, Expr, Program, Type};

/// Longest line of a `def` header before its parameters stand one a line, in characters.
const MAX_HEADER: usize = 100;

/// The canonical text of a program.
#[must_use]
pub fn print(program: &Program) -> String {
    let mut printer = Printer::default();
    printer.program(program);
    printer.out
}

/// The canonical text of an expression.
#[must_use]
pub fn print_expr(expr: &Expr) -> String {
    let mut printer = Printer::default();
    printer.expr(expr);
    printer.out
}

/// The canonical text of a type.
#[must_use]
pub fn print_type(ty: &Type) -> String {
    let mut printer = Printer::default();
    printer.ty(ty);
    printer.out
}

/// The canonical text of one equation, with its semicolon and without a line end.
#[must_use]
pub fn print_bind(bind: &Bind) -> String {
    let mut printer = Printer::default();
    printer.bind(bind);
    printer.out
}

/// Writes text with indentation.
#[derive(Default)]
struct Printer {
    out: String,
    /// Blocks around the current line; each indents by two spaces.
    level: usize,
}

impl Printer {
    fn word(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn newline(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.level));
    }

    /// Elements with `, ` between them.
    fn list<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.word(", ");
            }
            print(self, item);
        }
    }

    /// Elements between two brackets.
    fn bracketed<T>(&mut self, open: &str, items: &[T], close: &str, print: impl FnMut(&mut Self, &T)) {
        self.word(open);
        self.list(items, print);
        self.word(close);
    }

    /// `{`, one line for each element, `}`; `{ }` if there is none.
    fn block<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        if items.is_empty() {
            return self.word("{ }");
        }
        self.word("{");
        self.level += 1;
        for item in items {
            self.newline();
            print(self, item);
        }
        self.level -= 1;
        self.newline();
        self.word("}");
    }
}

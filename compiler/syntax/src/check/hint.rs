//! Hints: how a def is carried out, never what it computes (language D22).
//!
//! `hint f { memory <= 2GiB; path = auto; threads = 2; }`: the bytes of results and intermediates, who decides the order of products, the
//! compiler or the text (`path = written`), and the threads of a call. Options of whoever compiles are upper bounds as well.

use crate::ast::{self, ExprKind, HintItem, HintRelation, HintValue, NumberValue, QuantityUnit};
use crate::error::sums::error;
use ein_ir::diagnostic::Diagnostic;

/// What the hints of a def come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Bytes that results and intermediates together may take.
    pub memory: Option<u64>,
    /// Threads of a call, at least 1.
    pub threads: Option<usize>,
    /// Whether factors are multiplied in the order of the text.
    pub written_order: bool,
}

impl Hints {
    /// Both: the smaller ones.
    fn and(self, other: Self) -> Self {
        fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            a.into_iter().chain(b).min()
        }
        let written_order = self.written_order || other.written_order;
        Self { memory: least(self.memory, other.memory), threads: least(self.threads, other.threads), written_order }
    }
}

/// What all hints of a program for a def come to; mistakes in them are reported before.
pub(super) fn of_def(program: &ast::Program, def: &str) -> Hints {
    let hints = program.items.iter().filter_map(|item| if let ast::Item::Hint(hint) = item { Some(hint) } else { None });
    let right = hints.filter(|hint| hint.name.as_str() == def).filter_map(|hint| read(hint).ok());
    right.fold(Hints::default(), Hints::and)
}

const KEYS: [&str; 3] = ["memory", "path", "threads"];

/// The hints of a declaration.
///
/// # Errors
/// E0217 for each item that says nothing.
pub(super) fn read(hint: &ast::Hint) -> Result<Hints, Vec<Diagnostic>> {
    let (mut hints, mut errors) = (Hints::default(), Vec::new());
    for (n, item) in hint.items.iter().enumerate() {
        if let Some(first) = hint.items[..n].iter().find(|other| other.key.as_str() == item.key.as_str()) {
            let found = error(217, format!("`{}` is hinted twice", item.key)).at(item.span, "said again");
            errors.push(found.and(first.span, "said here first"));
            continue;
        }
        if let Err(found) = read_item(item, &mut hints) {
            errors.push(found);
        }
    }
    if errors.is_empty() { Ok(hints) } else { Err(errors) }
}

fn read_item(item: &HintItem, hints: &mut Hints) -> Result<(), Diagnostic> {
    let wrong = |message: &str, repair: &str| Err(error(217, message).at(item.span, "says nothing").help(format!("`{repair}`")));
    match (item.key.as_str(), item.relation) {
        ("memory", HintRelation::AtMost) => match bytes(&item.value) {
            Some(n) => hints.memory = Some(n),
            None => return wrong("`memory` is a number of bytes", "memory <= 2GiB;"),
        },
        ("memory", HintRelation::Equal) => return wrong("`memory` is a limit", "memory <= 2GiB;"),
        ("threads", HintRelation::Equal) => match whole(&item.value).and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0) {
            Some(n) => hints.threads = Some(n),
            None => return wrong("`threads` is a number from 1 on", "threads = 2;"),
        },
        ("path", HintRelation::Equal) => match name(&item.value) {
            Some("auto") => {}
            Some("written") => hints.written_order = true,
            _ => return wrong("the `path` is `auto`, found by the compiler, or `written`", "path = auto;"),
        },
        (key @ ("threads" | "path"), HintRelation::AtMost) => {
            return wrong(&format!("`{key}` has a value, not a limit"), if key == "path" { "path = auto;" } else { "threads = 2;" });
        }
        (key, _) => {
            let found = error(217, format!("nothing called `{key}` can be hinted")).at(item.key.span, "not a hint");
            return Err(match crate::builtins::nearest(key, KEYS) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.note(format!("hints are `{}`", KEYS.join("`, `"))),
            });
        }
    }
    Ok(())
}

fn bytes(value: &HintValue) -> Option<u64> {
    let HintValue::Quantity(quantity) = value else { return whole(value) };
    let shift = match quantity.unit {
        QuantityUnit::KiB => 10,
        QuantityUnit::MiB => 20,
        QuantityUnit::GiB => 30,
        QuantityUnit::Milliseconds | QuantityUnit::Microseconds => return None,
    };
    quantity.count.checked_mul(1 << shift)
}

fn name(value: &HintValue) -> Option<&str> {
    match value {
        HintValue::Expr(expression) => match &expression.kind {
            ExprKind::Name(name) => Some(name.as_str()),
            _ => None,
        },
        HintValue::Quantity(_) => None,
    }
}

/// A literal without a unit.
fn whole(value: &HintValue) -> Option<u64> {
    let HintValue::Expr(expression) = value else { return None };
    match &expression.kind {
        ExprKind::Number(number) if !number.imaginary => match number.value {
            NumberValue::Integer(n) => u64::try_from(n).ok(),
            _ => None,
        },
        _ => None,
    }
}

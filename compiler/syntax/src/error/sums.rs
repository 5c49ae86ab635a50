//! Mistakes in sums, scopes and names: E0201 to E0219.

use super::{CodeEntry, coded};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;

/// The codes of this family.
pub const CODES: [CodeEntry; 18] = [
    CodeEntry::new(201, "index-occurs-once", "an index that is not bound occurs once in its product"),
    CodeEntry::new(202, "index-under-function", "an index would be summed but also occurs outside the plain factors of its product"),
    CodeEntry::new(203, "index-bound-twice", "an index is bound where it is bound already"),
    CodeEntry::new(204, "unknown-name", "a name that nothing declares"),
    CodeEntry::new(205, "index-hides-name", "an index has the name of something else"),
    CodeEntry::new(206, "name-repeated", "a name is declared twice"),
    CodeEntry::new(207, "index-unused", "an index is bound but never used"),
    CodeEntry::new(208, "result-undefined", "a result has no equation"),
    CodeEntry::new(209, "recursive-call", "a def calls itself"),
    CodeEntry::new(210, "unknown-def", "there is no def of this name"),
    CodeEntry::new(211, "unknown-function", "there is no function of this name"),
    CodeEntry::new(212, "tensor-as-value", "a tensor with axes stands where one value must"),
    CodeEntry::new(213, "wrong-arguments", "a call does not fit what it calls"),
    CodeEntry::new(214, "misplaced-mode", "`pad`, `clamp`, `wrap` and `reflect` stand directly between brackets"),
    CodeEntry::new(215, "unknown-import", "a `use` names what does not exist"),
    CodeEntry::new(216, "cyclic-constant", "a constant or dim is needed to say what it is"),
    CodeEntry::new(217, "bad-hint", "a hint that says nothing"),
    CodeEntry::new(218, "unknown-target", "`export … for` names no target"),
];

/// A diagnostic with the slug that the table gives to its code.
pub(crate) fn error(code: u16, message: impl Into<String>) -> Diagnostic {
    coded(&CODES, code, message)
}

/// A name that nothing declares, with the nearest one that something does.
pub(crate) fn unknown_name(name: &str, span: Span, near: Option<&str>) -> Diagnostic {
    let found = error(204, format!("`{name}` is not declared")).at(span, "not declared");
    match near {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    }
}

/// A name that is declared twice.
pub(crate) fn repeated(name: &str, span: Span, what: &str, first: Span, first_what: &str) -> Diagnostic {
    error(206, format!("`{name}` is the name of a {first_what} and of a {what}"))
        .at(span, "declared again here")
        .and(first, format!("first declared here, as a {first_what}"))
        .help(match (first_what, what) {
            ("dim", "`where` name") => format!("remove `{name}` from `<…>`: `where` declares it"),
            _ => format!("`{name}2`, or another name"),
        })
}

/// An index with the name of something else.
pub(crate) fn hides(name: &str, span: Span, declared: Span, what: &str) -> Diagnostic {
    error(205, format!("index `{name}` has the name of a {what}"))
        .at(span, "an index here")
        .and(declared, format!("the {what} is declared here"))
        .help(format!("rename the index, for example `{}`", free_index_name(name)))
}

/// A name of the custom for indices: lower case, and primed if it is that already.
fn free_index_name(name: &str) -> String {
    let lower = name.to_lowercase();
    if lower == name { format!("{name}'") } else { lower }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_in_order() {
        super::super::assert_ordered(&super::CODES);
    }
}

//! Mistakes in reducers and scans: E0501 to E0519.

use super::{CodeEntry, coded};
use ein_ir::diagnostic::Diagnostic;

/// The codes of this family.
pub const CODES: [CodeEntry; 9] = [
    CodeEntry::new(501, "prev-without-from", "`prev` of a tensor that has no value before the first step"),
    CodeEntry::new(502, "empty-scan", "a state without `from` is read after a scan of no steps"),
    CodeEntry::new(503, "empty-argmax", "a run takes `argmax` or `argmin` of nothing"),
    CodeEntry::new(504, "unknown-reducer", "there is no reducer of this name"),
    CodeEntry::new(505, "several-indices", "`argmax` or `argmin` over several indices"),
    CodeEntry::new(506, "false-law", "a reducer states a law that it does not obey"),
    CodeEntry::new(507, "reducer-body", "a reducer is not made of its two values, literals and functions"),
    CodeEntry::new(510, "other-step", "a tensor with one slice a step is used as a state, or at another step than the current one"),
    CodeEntry::new(511, "from-of-a-step", "a value before the first step depends on the step"),
];

/// A diagnostic with the slug that the table gives to its code.
pub(crate) fn error(code: u16, message: impl Into<String>) -> Diagnostic {
    coded(&CODES, code, message)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_in_order() {
        super::super::assert_ordered(&super::CODES);
    }
}

//! Mistakes with secrets: E0701 to E0729. Those from E0710 on have the names that the encrypted back ends give them.

use super::{CodeEntry, coded};
use ein_ir::diagnostic::Diagnostic;

/// The codes of this family.
pub const CODES: [CodeEntry; 6] = [
    CodeEntry::new(701, "secret-and-public", "`secret` and `public` of one and the same tensor"),
    CodeEntry::new(702, "bad-approx", "an `approx` without a function of one number, an interval, or a degree that a polynomial can have"),
    CodeEntry::new(710, "he-range", "a function of a secret is approximated on another interval than its argument has, or on none"),
    CodeEntry::new(712, "he-branch", "a branch, a guard or a position depends on a secret"),
    CodeEntry::new(713, "he-div", "a division by a secret"),
    CodeEntry::new(718, "he-leak", "what is computed from a secret goes where it is public"),
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

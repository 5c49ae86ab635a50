//! Mistakes in types and conversions: E0401 to E0419.

use super::{CodeEntry, coded};
use ein_ir::diagnostic::Diagnostic;

/// The codes of this family.
pub const CODES: [CodeEntry; 6] = [
    CodeEntry::new(401, "type-unstated", "an equation of literals, sizes and index values alone states no type"),
    CodeEntry::new(402, "type-mismatch", "two types that must be the same are not"),
    CodeEntry::new(403, "division-by-zero", "a run divides an integer by 0"),
    CodeEntry::new(404, "wrong-operand-type", "an operation has no meaning for the type of its operand"),
    CodeEntry::new(405, "integer-division", "`/` on integers"),
    CodeEntry::new(406, "literal-does-not-fit", "a literal is not a value of the type that it is used as"),
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

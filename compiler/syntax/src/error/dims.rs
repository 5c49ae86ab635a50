//! Mistakes in dims, ranges and bounds: E0301 to E0319.

use super::{CodeEntry, coded};
use ein_ir::diagnostic::Diagnostic;

/// The codes of this family.
pub const CODES: [CodeEntry; 17] = [
    CodeEntry::new(301, "dim-mismatch", "two dims that must be the same are not"),
    CodeEntry::new(302, "range-undetermined", "nothing says what range an index has"),
    CodeEntry::new(303, "out-of-bounds", "a subscript leaves its axis, or cannot be shown to stay inside"),
    CodeEntry::new(304, "two-pad-values", "one access states two pad values"),
    CodeEntry::new(305, "size-condition", "a condition on the sizes does not hold"),
    CodeEntry::new(306, "dim-undetermined", "nothing says what size a dim has"),
    CodeEntry::new(307, "empty-axis", "a run reads a position of an axis of size 0 with `clamp`, `wrap` or `reflect`"),
    CodeEntry::new(308, "not-a-size", "an expression that is not a size stands where a size must"),
    CodeEntry::new(309, "bad-range", "a range that an index cannot have here"),
    CodeEntry::new(310, "rank-mismatch", "a tensor has another number of axes"),
    CodeEntry::new(311, "unknown-size", "a size is given for a name that is no dim of the def"),
    CodeEntry::new(312, "negative-size", "a size is below 0"),
    CodeEntry::new(313, "row-length", "nothing says what a row variable stands for, or two places say different things"),
    CodeEntry::new(314, "ragged-table", "rows of a table differ in length"),
    CodeEntry::new(315, "unproved-size", "strictly: a check of sizes does not follow from what the def states"),
    CodeEntry::new(316, "bad-values", "a range of values whose ends are no literals, stand in the wrong order, or bound no numbers"),
    CodeEntry::new(317, "values-unknown", "nothing shows that an argument has only the values that the parameter states"),
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

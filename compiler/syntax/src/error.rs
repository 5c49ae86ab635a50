//! The mistakes that this crate reports, by family, and the table of their codes.
//!
//! Each family is an enum with the spans and names that its messages need, and turns into a
//! [`Diagnostic`](ein_ir::diagnostic::Diagnostic) beside its definition.

pub mod dims;
pub mod einsum;
pub mod parse;
pub mod reducers;
pub mod refusals;
pub mod secrets;
pub mod sums;
pub mod types;

use ein_ir::diagnostic::Diagnostic;

/// One row of the table of codes: what `ein explain` and the reference list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeEntry {
    /// `109` is shown as E0109.
    pub code: u16,
    /// Our kebab-case name.
    pub slug: &'static str,
    /// What is wrong, in one line.
    pub meaning: &'static str,
}

impl CodeEntry {
    pub(crate) const fn new(code: u16, slug: &'static str, meaning: &'static str) -> Self {
        Self { code, slug, meaning }
    }
}

/// A diagnostic with the slug that a table gives to its code.
pub(crate) fn coded(table: &[CodeEntry], code: u16, message: impl Into<String>) -> Diagnostic {
    let slug = table.iter().find(|entry| entry.code == code).map_or("mistake", |entry| entry.slug);
    Diagnostic::error(code, slug, message)
}

/// Checks that a table has ascending codes and distinct slugs.
#[cfg(test)]
pub(crate) fn assert_ordered(table: &[CodeEntry]) {
    for pair in table.windows(2) {
        assert!(pair[0].code < pair[1].code, "{pair:?}");
    }
    let slugs: std::collections::BTreeSet<_> = table.iter().map(|entry| entry.slug).collect();
    assert_eq!(slugs.len(), table.len());
}

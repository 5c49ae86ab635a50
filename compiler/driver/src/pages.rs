//! The page of each error code, for `ein explain E0201`.

/// What is wrong, why the rule exists, the smallest program that shows it and its repair. `None` for a code that does not exist.
#[must_use]
pub fn page(_code: u16) -> Option<&'static str> {
    None
}

/// Every code with a page, ascending.
#[must_use]
pub fn codes() -> Vec<u16> {
    Vec::new()
}

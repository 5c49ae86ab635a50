//! Makes sizes literal.
use super::Module;
use crate::diagnostic::Diagnostic;
use crate::entity::{Dim, SecondaryMap};
use crate::verified::Verified;

/// Makes sizes literal and discharges the entry checks.
///
/// # Errors
/// Every requirement that fails, with both values, under the code that the requirement states; E0802 where a size
/// or a number of elements does not fit.
pub fn specialise(_module: &Verified<Module>, _sizes: &SecondaryMap<Dim, Option<i64>>) -> Result<Verified<Module>, Vec<Diagnostic>> {
    unreachable!("placeholder")
}

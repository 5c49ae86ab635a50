//! Elements beyond the ends of axes, as sums or by selections of positions.
//!
//! A program that reads such elements of small tensors can be read either way; the lighter plan decides.

use crate::planner::{Options, best};
use crate::read::{Read, read_as};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;

/// How elements beyond the ends of axes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elements {
    /// As sums, each summand zero beyond them.
    InPieces,
    /// By selections of positions.
    Selected,
}

/// Reads a module in the way that has the best plan.
///
/// # Errors
/// As [`read`](crate::read::read).
pub fn reading(module: &Verified<Module>, options: &Options) -> Result<Read, Vec<Diagnostic>> {
    let selected = || read_as(module, Elements::Selected).map(|(read, _)| read);
    let (mut out, may_be_selected) = match read_as(module, Elements::InPieces) {
        Ok(read) => read,
        // A sum may be of more products than there may be.
        Err(errors) => return selected().map_err(|_| errors),
    };
    if !may_be_selected || options.one_shot {
        return Ok(out);
    }
    let mut least = best(&out.program, options).ok();
    if let Ok(other) = selected()
        && let Ok(found) = best(&other.program, options)
        && least.as_ref().is_none_or(|least| found.planned.is_better(&least.planned, options.objective))
    {
        (out, least) = (other, Some(found));
    }
    out.program.best = least;
    Ok(out)
}

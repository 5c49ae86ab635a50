//! Budgets that hold: polynomials follow from what results state, so that a bound of one plan need not be one of the plan that states it.

use super::boot::Available;
use super::budget::remedy;
use super::plan::bounds;
use super::words::at_most;
use crate::planner::Options;
use crate::together::reading;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::tensor::verify::verify;
use ein_ir::tensor::{Module, ToleranceKind};
use ein_ir::verified::Verified;

/// What a bound is multiplied by before it is stated, each time that the one before did not hold.
const GROWTH: [f64; 5] = [1.0, 1.5, 2.0, 4.0, 8.0];

/// The same refusals, which name budgets that the program is planned with.
#[must_use]
pub fn with_budgets_that_hold(
    module: &Verified<Module>,
    mut refused: Vec<Diagnostic>,
    options: &Options,
    available: Available,
) -> Vec<Diagnostic> {
    let is_stated = |found: &Diagnostic| found.code.0 == 722;
    let Some(stating) = refused.iter().any(is_stated).then(|| stating(module, options, available)).flatten() else { return refused };
    for &result in &module.results {
        let (decl, stated) = (&module.tensors[result], stating.tensors[result].tolerance);
        let about = |found: &&mut Diagnostic| is_stated(found) && found.primary.as_ref().is_some_and(|label| label.span == decl.span);
        if let (Some(found), Some(stated)) = (refused.iter_mut().find(about), stated) {
            found.help = Some(remedy(stated.value));
        }
    }
    refused
}

/// The module with larger budgets, which its bounds are within; none if none was found.
fn stating(module: &Module, options: &Options, available: Available) -> Option<Module> {
    let mut stating = module.clone();
    for growth in GROWTH {
        let verified = verify(stating.clone()).ok()?;
        let found = bounds(&reading(&verified, options).ok()?.program, options, available).ok()??;
        let mut holds = true;
        for &result in &module.results {
            let decl = &mut stating.tensors[result];
            let Some(tolerance) = decl.tolerance.as_mut().filter(|tolerance| tolerance.kind == ToleranceKind::Abs) else { continue };
            let Some(bound) = found.results.iter().find(|found| found.name == decl.name).map(|found| found.bound) else { continue };
            if bound > tolerance.value {
                tolerance.value = at_most(bound * growth).parse().ok().filter(|value: &f64| value.is_finite())?;
                holds = false;
            }
        }
        if holds {
            return Some(stating);
        }
    }
    None
}

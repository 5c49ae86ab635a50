//! Error budgets: how far results may be from the exact program, as it states itself, beside what bounds say.
//!
//! `within abs e` of a result is a promise: a plan whose bound is beyond `e`, or that has none, is refused. `within rel e` and `within out e` cannot
//! be kept by a scheme whose noise does not shrink with the results; they choose polynomials only, and a plan says so.

use super::error::{Errors, without_an_end};
use super::words::at_most;
use crate::program::Program;
use ein_ir::diagnostic::Diagnostic;

/// Refuses a plan of reals whose bounds are beyond what its program states.
///
/// # Errors
/// E0722.
pub(crate) fn check(program: &Program, errors: Option<&Errors>) -> Result<(), Vec<Diagnostic>> {
    let bound = |n: usize| errors.and_then(|errors| errors.results.get(n));
    let of = |n: usize| {
        bound(n).map_or(Vec::new(), |found| {
            vec![("noise", found.noise), ("polynomials and rounded operands", found.approximation), ("rounding", found.rounding)]
        })
    };
    let bounds: Vec<Option<f64>> = (0..program.results.len()).map(|n| bound(n).map(|found| found.bound)).collect();
    let assumed = errors.map(|errors| errors.assumed.join(", ")).filter(|names| !names.is_empty());
    beyond(program, &bounds, of).map_err(|refused| {
        let endless = || errors.iter().flat_map(|errors| &errors.endless);
        let noted = |found: Diagnostic| {
            let found = endless().fold(found, |found, operand| found.note(format!("{}, which has no end", without_an_end(operand))));
            match &assumed {
                Some(names) => found.note(format!("no range is declared for {names}, whose elements are taken to lie in -1..1")),
                None => found,
            }
        };
        refused.into_iter().map(noted).collect()
    })
}

/// Refuses a program on integers that stand for reals: `rounding` is what each result is off by because operands are rounded, `polynomials` what it
/// is off by where these stand in the place of functions.
///
/// # Errors
/// E0722.
pub fn check_rounded(program: &Program, rounding: &[f64], polynomials: Option<&[f64]>) -> Result<(), Vec<Diagnostic>> {
    let parts = |n: usize| Some((*rounding.get(n)?, *polynomials?.get(n)?));
    let bounds: Vec<Option<f64>> = (0..program.results.len()).map(|n| parts(n).map(|(a, b)| a + b)).collect();
    beyond(program, &bounds, |n| parts(n).map_or(Vec::new(), |(a, b)| vec![("rounding of operands", a), ("polynomials", b)]))
}

/// What to state instead.
pub(super) fn remedy(bound: f64) -> String {
    format!("`within abs {}`, or declare narrower ranges (`in lo..hi`) of what is secret", at_most(bound))
}

fn beyond(program: &Program, bounds: &[Option<f64>], parts: impl Fn(usize) -> Vec<(&'static str, f64)>) -> Result<(), Vec<Diagnostic>> {
    let stated = program.results.iter().enumerate().filter_map(|(n, result)| Some((n, *result, *program.budgets.get(result)?)));
    let found: Vec<Diagnostic> = stated
        .filter(|(n, _, budget)| !bounds[*n].is_some_and(|bound| bound <= *budget))
        .map(|(n, result, budget)| refused(program, result, budget, bounds[n], &parts(n)))
        .collect();
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn refused(program: &Program, result: usize, budget: f64, bound: Option<f64>, parts: &[(&str, f64)]) -> Diagnostic {
    let tensor = &program.tensors[result];
    let name = &tensor.name;
    let said = |message: String| Diagnostic::error(722, "he-budget", message).at(tensor.span, format!("within {budget:e} is stated here"));
    match bound {
        Some(bound) if bound.is_finite() => {
            let parts: Vec<String> =
                parts.iter().filter(|(_, part)| *part > 0.0).map(|(of, part)| format!("{of} {}", at_most(*part))).collect();
            said(format!("`{name}` may be off by {}, and at most {budget:e} is stated", at_most(bound)))
                .note(format!("the bound is of all operands in their ranges: {}", parts.join(", ")))
                .help(remedy(bound))
        }
        Some(_) => said(format!("nothing bounds by how much `{name}` is off, and at most {budget:e} is stated"))
            .help("leave the budget out, and `ein he plan` says what has no bound"),
        None => said(format!("the plan is too large for a bound of `{name}`, and at most {budget:e} is stated"))
            .help("leave the budget out, or plan fewer elements at a time"),
    }
}

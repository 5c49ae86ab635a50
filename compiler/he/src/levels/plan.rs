//! Plans of reals: a plan with its rescalings, and what a scheme needs for it.

use super::error::{Errors, errors};
use super::level;
use super::parameters::Parameters;
use super::path::{Step, describe, longest};
use crate::planner::{Options, internal, plan_with_makers};
use crate::program::Program;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::Packed;
use ein_ir::verified::Verified;
use serde::Serialize;

/// A plan of reals.
#[derive(Clone, Debug)]
pub struct Reals {
    /// With its rescalings.
    pub packed: Verified<Packed>,
    /// What a scheme needs for it.
    pub levels: Levels,
}

/// Levels, and the parameters for them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Levels {
    /// Levels of a fresh ciphertext.
    pub needed: u32,
    /// Which tensors need them, in the order of the longest path.
    pub path: Vec<Step>,
    /// Ring and moduli.
    pub parameters: Parameters,
    /// By how much the results may be off; none of a program that is too large for this.
    pub errors: Option<Errors>,
}

/// Plans a program of reals; `available` is the most levels that it may need.
///
/// # Errors
/// What cannot be packed, E0711 for more levels than there are, E0719 for more than any secure parameters have.
pub fn plan_reals(program: &Program, options: &Options, available: Option<u32>) -> Result<Reals, Vec<Diagnostic>> {
    let (packed, makers) = plan_with_makers(program, options)?;
    let leveled = level(&packed, &options.costs).map_err(|errors| errors.iter().map(internal).collect::<Vec<_>>())?;
    let path = longest(&packed, program, &makers);
    if let Some(available) = available.filter(|&available| leveled.top > available) {
        return Err(vec![too_deep(leveled.top, available, &path)]);
    }
    let parameters = Parameters::choose(&leveled.packed, leveled.top).or_else(|refused| match options.insecure {
        true => Ok(Parameters::toy(&leveled.packed, leveled.top)),
        false => Err(vec![located(refused, &path)]),
    })?;
    let errors = errors(&leveled.packed, &parameters, (program, &makers), &leveled.origins);
    Ok(Reals { levels: Levels { needed: leveled.top, path, parameters, errors }, packed: leveled.packed })
}

/// Plans a program without its rescalings. What no secure parameters have the levels for is refused as in [`plan_reals`]: the levels of a plan
/// are its depth.
///
/// # Errors
/// What cannot be packed, E0719.
pub fn plan_secure(program: &Program, options: &Options) -> Result<Verified<Packed>, Vec<Diagnostic>> {
    let (packed, makers) = plan_with_makers(program, options)?;
    if program.is_real() && !options.insecure {
        let depth = u32::try_from(packed.counts().depth).unwrap_or(u32::MAX);
        Parameters::choose(&packed, depth).map_err(|refused| vec![located(refused, &longest(&packed, program, &makers))])?;
    }
    Ok(packed)
}

/// With where most levels are needed.
fn located(found: Diagnostic, path: &[Step]) -> Diagnostic {
    let Some(most) = path.iter().max_by_key(|step| step.levels) else { return found };
    let found = match most.span {
        Some(span) => found.at(span, format!("{} of the levels for {}", most.levels, most.name)),
        None => found,
    };
    found.note(format!("levels of the longest path: {}", describe(path)))
}

fn too_deep(needed: u32, available: u32, path: &[Step]) -> Diagnostic {
    let mut found = Diagnostic::error(711, "he-depth", format!("the plan needs {needed} levels, and {available} are available"));
    let mut steps: Vec<&Step> = path.iter().collect();
    // Where most are needed comes first.
    steps.sort_by_key(|step| std::cmp::Reverse(step.levels));
    for (n, step) in steps.into_iter().enumerate() {
        let Some(span) = step.span else { continue };
        let text = format!("{} for {}", step.levels, step.name);
        found = if n == 0 { found.at(span, text) } else { found.and(span, text) };
    }
    found
        .note(format!("levels of the longest path: {}", describe(path)))
        .help(format!("`--levels {needed}`, or fewer products in a row: polynomials of lower degrees, or public factors multiplied before"))
}

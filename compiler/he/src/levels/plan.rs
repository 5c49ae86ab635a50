//! Plans of reals: a plan with its rescalings, and what a scheme needs for it.

use super::boot::{Available, boots, largest_bits, spares};
use super::cost::Weights;
use super::error::{Errors, errors};
use super::parameters::Parameters;
use super::path::{Step, describe, in_words, longest};
use super::{Leveled, at_most, budget, level_by};
use crate::Makers;
use crate::planner::{Options, internal, plan_with_makers};
use crate::program::Program;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed};
use ein_ir::verified::{Verified, VerifierError};
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
    /// Those of them that no product needs: numbers are too large for fewer moduli.
    #[serde(skip_serializing_if = "is_none")]
    pub spare: u32,
    /// Which tensors need them, in the order of the longest path.
    pub path: Vec<Step>,
    /// What is bootstrapped, in the order of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub boots: Vec<Refreshed>,
    /// Ring and moduli, without those that bootstrapping takes itself.
    pub parameters: Parameters,
    /// By how much the results may be off; none of a program that is too large for this.
    pub errors: Option<Errors>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_none(levels: &u32) -> bool {
    *levels == 0
}

/// Bootstrappings of one tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refreshed {
    /// The tensor, as the user wrote it.
    pub name: String,
    /// How many of its ciphertexts, or of those on the way to them.
    pub boots: u32,
    /// The level that they have then.
    pub level: u32,
    /// They are within this power of two.
    pub bits: u32,
}

/// Plans a program of reals in the levels that are available.
///
/// # Errors
/// What cannot be packed, E0711 for more levels than there are, bootstrappings included where they may be, E0719 for more than any secure parameters
/// have, E0722 for results that may be off by more than is stated.
pub fn plan_reals(program: &Program, options: &Options, available: Available) -> Result<Reals, Vec<Diagnostic>> {
    let (packed, makers) = plan_with_makers(program, options)?;
    reals(&packed, (program, &makers), options, available)
}

/// A plan with its rescalings, whose results are within what they state.
fn reals(packed: &Verified<Packed>, of: (&Program, &Makers), options: &Options, available: Available) -> Result<Reals, Vec<Diagnostic>> {
    let found = leveled_reals(packed, of, options, available)?;
    budget::check(of.0, found.levels.errors.as_ref())?;
    Ok(found)
}

/// What results may be off by, whatever they state.
///
/// # Errors
/// As [`plan_reals`], but for E0722.
pub(super) fn bounds(program: &Program, options: &Options, available: Available) -> Result<Option<Errors>, Vec<Diagnostic>> {
    let (packed, makers) = plan_with_makers(program, options)?;
    Ok(leveled_reals(&packed, (program, &makers), options, available)?.levels.errors)
}

fn leveled_reals(
    packed: &Verified<Packed>,
    of: (&Program, &Makers),
    options: &Options,
    available: Available,
) -> Result<Reals, Vec<Diagnostic>> {
    leveled_with_origins(packed, of, options, available).map(|(reals, _)| reals)
}

/// Of each operation of a plan with rescalings the one of the plan without.
type Origins = SecondaryMap<Ciphertext, Ciphertext>;

/// A plan with its rescalings, those of least cost unless its bounds say little with them, and more with less noise.
pub(crate) fn leveled_with_origins(
    packed: &Verified<Packed>,
    of: (&Program, &Makers),
    options: &Options,
    available: Available,
) -> Result<(Reals, Origins), Vec<Diagnostic>> {
    let weights = Weights::of(&options.costs);
    let found = leveled_by(packed, of, (options, weights), available)?;
    if !says_little(of.0, &found.0) {
        return Ok(found);
    }
    match leveled_by(packed, of, (options, weights.quiet()), available) {
        Ok(quiet) if says_more(&quiet.0, &found.0) => Ok(quiet),
        _ => Ok(found),
    }
}

/// Whether a bound is no small part of the largest number of its result, or beyond what is stated of it.
fn says_little(program: &Program, found: &Reals) -> bool {
    let Some(errors) = &found.levels.errors else { return false };
    let budget = |n: usize| program.results.get(n).and_then(|result| program.budgets.get(result)).copied().unwrap_or(f64::INFINITY);
    errors.results.iter().enumerate().any(|(n, result)| !(result.bound <= LITTLE * result.magnitude && result.bound <= budget(n)))
}

/// The part of the largest number that a bound is to be below.
const LITTLE: f64 = 1.0 / 64.0;

/// Whether no bound is larger than another, and one less than half of it, in as many levels.
fn says_more(quiet: &Reals, found: &Reals) -> bool {
    let (Some(a), Some(b)) = (&quiet.levels.errors, &found.levels.errors) else { return false };
    let bounds = || a.results.iter().zip(&b.results).map(|(a, b)| (a.bound, b.bound));
    quiet.levels.needed <= found.levels.needed && bounds().all(|(a, b)| a <= b) && bounds().any(|(a, b)| a < 0.5 * b)
}

fn leveled_by(
    packed: &Verified<Packed>,
    (program, makers): (&Program, &Makers),
    (options, weights): (&Options, Weights),
    available: Available,
) -> Result<(Reals, Origins), Vec<Diagnostic>> {
    let path = longest(packed, program, makers);
    let mut room = Spare::default();
    for _ in 0..MAX_ROUNDS {
        let (leveled, spare) = with_spare(packed, (program, makers), weights, available, room, &path)?;
        let boots = refreshed(&leveled, program, makers);
        let noted = |refused: Vec<Diagnostic>| refused.into_iter().map(|found| room.noted(found)).collect::<Vec<_>>();
        let parameters = parameters(&leveled, options, &path).map_err(noted)?;
        let errors = errors(&leveled.packed, &parameters, (program, makers), &leveled.origins);
        let more = errors.as_ref().map_or(0, |errors| errors.spare);
        if more == 0 {
            let levels = Levels { needed: leveled.top, spare, path, boots, parameters, errors };
            return Ok((Reals { packed: leveled.packed, levels }, leveled.origins));
        }
        room = Spare { levels: spare.saturating_add(more), largest: errors.map_or(0.0, |errors| errors.largest) };
    }
    let products: u32 = path.iter().map(|step| step.levels).sum();
    Err(vec![too_large(products.saturating_add(room.levels), room, available, &path)])
}

/// How often levels are added for numbers that were found not to fit; a bootstrapping more is of larger numbers, so that once may not be enough.
const MAX_ROUNDS: usize = 16;

/// Levels that no product needs.
#[derive(Clone, Copy, Default)]
struct Spare {
    levels: u32,
    /// The number that they are for.
    largest: f64,
}

impl Spare {
    fn noted(self, found: Diagnostic) -> Diagnostic {
        if self.levels == 0 { found } else { found.note(large(self.largest, self.levels)) }
    }
}

/// A plan with its rescalings, whose ciphertexts all have so many moduli more than products need, and its bootstrappings if it has too few levels
/// without; with how many moduli those are: what is bootstrapped may be larger with more of them.
fn with_spare(
    packed: &Verified<Packed>,
    (program, makers): (&Program, &Makers),
    weights: Weights,
    available: Available,
    room: Spare,
    path: &[Step],
) -> Result<(Leveled, u32), Vec<Diagnostic>> {
    let leveled = level_by(packed, weights).map_err(broken)?;
    let needed = leveled.top.saturating_add(room.levels);
    let Some(levels) = available.levels.filter(|&levels| needed > levels) else {
        return Ok((leveled.raised(room.levels).map_err(broken)?, room.levels));
    };
    match available.after_boot {
        Some(after) if after > room.levels => {
            for spare in spares(packed, (program, makers), room.levels..after) {
                let Some(booted) = boots(packed, (program, makers), (levels - spare, after - spare), spare).map_err(broken)? else {
                    continue;
                };
                let mut leveled = level_by(&booted.packed, weights).map_err(broken)?;
                leveled.packed.ops.keys().for_each(|id| leveled.origins[id] = booted.origins[leveled.origins[id]]);
                return Ok((leveled.raised(spare).map_err(broken)?, spare));
            }
            Err(vec![room.noted(nowhere(needed, levels, after, path))])
        }
        None if room.levels == 0 => Err(vec![too_deep(needed, levels, path)]),
        _ => Err(vec![too_large(needed, room, available, path)]),
    }
}

fn broken(errors: Vec<VerifierError>) -> Vec<Diagnostic> {
    errors.iter().map(internal).collect()
}

/// Ring and moduli for a plan.
fn parameters(leveled: &Leveled, options: &Options, path: &[Step]) -> Result<Parameters, Vec<Diagnostic>> {
    Parameters::choose(&leveled.packed, leveled.top).or_else(|refused| match options.insecure {
        true => Ok(Parameters::toy(&leveled.packed, leveled.top)),
        false => Err(vec![located(refused, path)]),
    })
}

/// The bootstrappings of a plan by what they are for.
fn refreshed(leveled: &Leveled, program: &Program, makers: &Makers) -> Vec<Refreshed> {
    let mut found: Vec<Refreshed> = Vec::new();
    for (id, op) in &leveled.packed.ops {
        let Op::Boot { level, bits, .. } = *op else { continue };
        let tensor = makers.of[leveled.origins[id]].tensor.and_then(|tensor| program.tensors.get(tensor));
        let name = tensor.map_or_else(|| leveled.packed.name.clone(), in_words);
        match found.iter_mut().find(|other| (&other.name, other.level, other.bits) == (&name, level, bits)) {
            Some(there) => there.boots += 1,
            None => found.push(Refreshed { name, boots: 1, level, bits }),
        }
    }
    found
}

/// No values that can be bootstrapped are where levels end.
fn nowhere(needed: u32, available: u32, after: u32, path: &[Step]) -> Diagnostic {
    let message = format!(
        "the plan needs {needed} levels, and with {available} and {after} after a bootstrapping it gets to values that cannot be bootstrapped"
    );
    shown(Diagnostic::error(711, "he-depth", message), path)
        .note(format!(
            "a value can be bootstrapped if all slots of its ciphertext are known to be smaller than 2^{}, those without an element too",
            largest_bits(after.saturating_sub(1))
        ))
        .help("more levels, or ranges of what is secret that keep values small: `x: secret f64[N] in -1.0..1.0`")
}

/// Plans a program without its rescalings. What no secure parameters have the levels for is refused as in [`plan_reals`]: the levels of a plan
/// are its depth. So is what may be off by more than is stated; with the operands that this takes to have elements in -1..1.
///
/// # Errors
/// What cannot be packed, E0719, E0722.
pub fn plan_secure(program: &Program, options: &Options) -> Result<(Verified<Packed>, Vec<String>), Vec<Diagnostic>> {
    let (packed, makers) = plan_with_makers(program, options)?;
    let mut assumed = Vec::new();
    if program.is_real() && !program.budgets.is_empty() {
        let found = reals(&packed, (program, &makers), options, Available::default())?;
        assumed = found.levels.errors.map_or(Vec::new(), |errors| errors.assumed);
    } else if program.is_real() && !options.insecure {
        let depth = u32::try_from(packed.counts().depth).unwrap_or(u32::MAX);
        Parameters::choose(&packed, depth).map_err(|refused| vec![located(refused, &longest(&packed, program, &makers))])?;
    }
    Ok((packed, assumed))
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

fn large(largest: f64, spare: u32) -> String {
    let spare = if spare == 1 { "a level".to_owned() } else { format!("{spare} levels") };
    format!("slots may hold numbers up to {}, those without an element too, which need {spare} more than products do", at_most(largest))
}

/// Numbers do not fit.
fn too_large(needed: u32, room: Spare, available: Available, path: &[Step]) -> Diagnostic {
    let levels = available.levels.map_or_else(|| "no number of them is enough".to_owned(), |levels| format!("{levels} are available"));
    let message = match available.after_boot {
        Some(after) => format!("the plan needs {needed} levels, and {levels} and {after} after a bootstrapping"),
        None => format!("the plan needs {needed} levels, and {levels}"),
    };
    // One for a product beside those for the numbers.
    let booted = match available {
        Available { levels: Some(levels), after_boot: Some(_) } if room.levels < levels => format!(", `--bootstrap {}`", room.levels + 1),
        Available { levels: Some(levels), after_boot: None } if room.levels < levels => {
            format!(", or `--levels {levels} --bootstrap {}` for an engine that bootstraps", room.levels + 1)
        }
        _ => String::new(),
    };
    let scaled = "or ranges of what is secret that keep values small: `x: secret f64[N] in -1.0..1.0`";
    let found = shown(Diagnostic::error(711, "he-depth", message), path).note(large(room.largest, room.levels));
    found.help(format!("`--levels {needed}`{booted}, {scaled}"))
}

fn too_deep(needed: u32, available: u32, path: &[Step]) -> Diagnostic {
    let message = format!("the plan needs {needed} levels, and {available} are available");
    shown(Diagnostic::error(711, "he-depth", message), path).help(format!(
        "`--levels {needed}`, or `--levels {available} --bootstrap N` for an engine that bootstraps, or fewer products in a row: polynomials of \
         lower degrees, or public factors multiplied before"
    ))
}

/// With the places of the longest path.
fn shown(mut found: Diagnostic, path: &[Step]) -> Diagnostic {
    let mut steps: Vec<&Step> = path.iter().collect();
    // Where most are needed comes first.
    steps.sort_by_key(|step| std::cmp::Reverse(step.levels));
    for (n, step) in steps.into_iter().enumerate() {
        let Some(span) = step.span else { continue };
        let text = format!("{} for {}", step.levels, step.name);
        found = if n == 0 { found.at(span, text) } else { found.and(span, text) };
    }
    found.note(format!("levels of the longest path: {}", describe(path)))
}

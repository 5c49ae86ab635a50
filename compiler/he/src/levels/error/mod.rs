//! By how much the results of a program of reals may be off: the program is carried out on ranges and deviations, slot by slot.
//!
//! The noise of each operation is that of [`noise::Noise`]; a product passes on the noise of each factor times the largest value of the
//! other. What polynomials are off by, and the rounding of plaintexts, add up in the worst case. A bound is six deviations of the noise, and the
//! rest. Scales are those of their level: an engine that drops a computed value corrects its scale by a number, which rounds as a rescaling
//! does, so that no sum is of different scales.
//!
//! Polynomials, signs and iterations are not followed through their operations ([`close`]): an error of their argument grows by their slope where
//! the argument may be. A sign counts as known where its argument is outside of the dead zone with its error, and as anything between -1 and 1
//! elsewhere; what is multiplied by it is small there if the function has no jump, and of one that has the bound says where it does not hold.
//! A mean by positive weights is no larger than what it is of, also where it is a sum times the reciprocal of another ([`related`]).
//!
//! Ranges are the declared ones and what follows from them; of an operand of which nothing is declared every element is taken to lie in -1..1, and
//! arguments of `approx` in their ranges: the bound says so where it does not follow.

mod alike;
mod close;
mod noise;
mod operands;
mod parts;
mod related;
mod residue;
mod room;
mod rooted;
mod series;
mod slots;
mod sources;
mod tensors;
#[cfg(test)]
mod tests;
mod track;
mod turns;

use super::parameters::Parameters;
use crate::Makers;
use crate::program::{Origin, Program};
use ein_ir::dtype::DType;
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::Packed;
use ein_ir::packed::level::{Level, levels};
pub(crate) use noise::Noise;
pub(crate) use operands::{Facts, Span, plain_ranges};
use serde::Serialize;
pub(crate) use slots::product;
use std::collections::BTreeMap;
use tensors::Tensors;
use track::{Tracked, Tracker};

/// Slots of operations that are looked at: more take too long, and have no bound.
const MAX_WORK: u64 = 1 << 29;

/// By how much a result may be off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputError {
    /// The result.
    pub name: String,
    /// No element is farther from that of the exact program, but for one chance in 10^9 each.
    pub bound: f64,
    /// Six deviations of the noise.
    pub noise: f64,
    /// What polynomials and the rounding of public operands add, at most.
    pub approximation: f64,
    /// What the rounding to the type of the result adds.
    pub rounding: f64,
    /// No element is larger.
    pub magnitude: f64,
    /// By how much the program that is carried out in the clear may be off itself: it rounds to the types of what it computes.
    pub in_the_clear: f64,
}

/// The bounds of the results, and the operands that nothing is declared of.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Errors {
    /// One a result.
    pub results: Vec<OutputError>,
    /// Operands whose elements are taken to lie in -1..1.
    pub assumed: Vec<String>,
    /// Operands that are declared in ranges without an end: nothing bounds what is computed from them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endless: Vec<(String, f64, f64)>,
    /// Ranges of `approx` in which all arguments are taken to lie.
    pub taken: Vec<(f64, f64)>,
    /// Where approximated functions jump, and how near to it no argument is taken to be.
    pub jumps: Vec<(f64, f64)>,
    /// Ranges of reciprocals whose arguments may be off by so much that they reach 0: nothing bounds what is computed from them.
    pub poles: Vec<(f64, f64, f64)>,
    /// Ranges of reciprocals, or of those of roots, that are so small in places that the noise is no small part of what is computed there.
    #[serde(skip)]
    pub noisy: Vec<(f64, f64)>,
    /// Results with a budget in parts of something.
    #[serde(skip)]
    pub relative: Vec<String>,
    /// Levels that a plan needs besides its own so that its numbers fit, in every slot.
    #[serde(skip)]
    pub spare: u32,
    /// The largest number of those that do not fit.
    #[serde(skip)]
    pub largest: f64,
    /// Results that are computed from numbers that nothing bounds, be it in slots without an element: where one does not fit all slots are lost.
    #[serde(skip)]
    pub unbounded: Vec<String>,
}

/// `x` is declared `in 5.0..inf`.
#[must_use]
pub fn without_an_end((name, lo, hi): &(String, f64, f64)) -> String {
    format!("`{name}` is declared `in {lo:?}..{hi:?}`")
}

/// What is known before a plan without rescalings runs.
pub(crate) fn facts(packed: &Packed, (program, makers): (&Program, &Makers)) -> Facts {
    let mut origins = SecondaryMap::with_default(Ciphertext::from_u32(0));
    packed.ops.keys().for_each(|id| origins[id] = id);
    Facts::of(packed, (program, makers), &Tensors::of(program), &origins)
}

/// The bounds of a program with rescalings; none if it is too large for them. `origins` are the operations of the plan that `makers` speaks of.
pub(crate) fn errors(
    packed: &Packed,
    parameters: &Parameters,
    (program, makers): (&Program, &Makers),
    origins: &SecondaryMap<Ciphertext, Ciphertext>,
) -> Option<Errors> {
    if packed.ops.len() as u64 * u64::from(packed.slots) > MAX_WORK {
        return None;
    }
    let top = u32::try_from(parameters.moduli_bits.len()).ok()?.checked_sub(2)?;
    let tensors = Tensors::of(program);
    let facts = Facts::of(packed, (program, makers), &tensors, origins);
    let levels = levels(packed, top).ok()?;
    let close = close::found(packed, (program, makers), origins)?;
    let Tracked { mut results, lost, poles, noisy, room } =
        Tracker::new(packed, (program, &facts), &levels, Noise::of(parameters)).results(&close, &mut |_, _| {});
    let lost_results = results.iter_mut().zip(&lost).filter(|(_, lost)| **lost);
    lost_results.for_each(|(result, _)| {
        (result.approximation, result.bound) = (f64::INFINITY, f64::INFINITY);
        // What was taken to be small is not.
        result.magnitude = if facts.endless.is_empty() { result.magnitude } else { f64::INFINITY };
    });
    let mut assumed = facts.assumed;
    assumed.extend(program.assumed.iter().filter(|name| !assumed.contains(name)).cloned().collect::<Vec<String>>());
    let unbounded = results.iter().zip(&lost).filter(|(_, lost)| **lost).map(|(result, _)| result.name.clone()).collect();
    let endless = facts.endless.into_iter().map(|(name, (lo, hi))| (name, lo, hi)).collect();
    let (spare, largest) = (room.levels, room.largest);
    Some(Errors {
        results,
        assumed,
        endless,
        taken: tensors.taken,
        jumps: tensors.jumps,
        poles,
        noisy,
        relative: program.relative.clone(),
        spare,
        largest,
        unbounded,
    })
}

/// By how much polynomials in the place of functions put the results of a plan without rescalings off; nothing of one that is too large for that.
/// What no range is declared of is no larger than these bounds.
#[must_use]
pub fn approximations(packed: &Packed, (program, makers): (&Program, &Makers), bounds: &BTreeMap<String, f64>) -> Option<Vec<f64>> {
    let mut program = program.clone();
    for (n, tensor) in program.tensors.iter().enumerate().filter(|(_, tensor)| matches!(tensor.origin, Origin::Secret | Origin::Public)) {
        if let Some(&bound) = bounds.get(&tensor.name) {
            program.ranges.entry(n).or_insert((-bound, bound));
        }
    }
    let program = &program;
    if packed.ops.len() as u64 * u64::from(packed.slots) > MAX_WORK {
        return None;
    }
    let mut origins = SecondaryMap::with_default(Ciphertext::from_u32(0));
    packed.ops.keys().for_each(|id| origins[id] = id);
    let (tensors, levels) = (Tensors::of(program), SecondaryMap::with_default(Level { level: 0, scale: 1 }));
    let facts = Facts::of(packed, (program, makers), &tensors, &origins);
    let close = close::found(packed, (program, makers), &origins)?;
    let tracked = Tracker::new(packed, (program, &facts), &levels, Noise::none()).results(&close, &mut |_, _| {});
    Some(tracked.results.into_iter().map(|result| result.approximation).collect())
}

/// By what share of itself a number changes at most that is rounded to a type.
pub(crate) fn unit_of(dtype: DType) -> f64 {
    let digits = match dtype {
        DType::F64 => 53,
        DType::F32 => 24,
        DType::F16 => 11,
        DType::BF16 => 8,
        _ => return 0.0,
    };
    (-f64::from(digits)).exp2()
}

//! Bootstrappings, where a plan has more products in a row than there are levels.
//!
//! [`Op::Boot`] gives a value back with levels of its own. An engine does that within -1..1: the marker says in which power of two the value lies,
//! by which the engine scales among the linear maps that a bootstrapping ends with anyway, at no level. A value can be bootstrapped if it has two
//! parts and if all its slots are known to fit level 0 ([`range`]); which values are is [`place`]. Layouts and operations stay as they are.
//!
//! Larger values fit where every ciphertext has moduli that no product needs: a value that is bootstrapped then has one left, and the engine makes it
//! as small as level 0 wants it by a product with a number.
//!
//! A bootstrapping weighs as much as [`crate::Costs::boot`] says, 300 rotations, whatever it is of: the fewest are the lightest, and of as many those of
//! values that are smaller, which lose fewer digits.

mod place;
mod range;
#[cfg(test)]
mod tests;

use super::demand::demand;
use super::error::{Facts, Span, facts};
use super::parameters::{FIRST, SCALE};
use crate::Makers;
use crate::program::Program;
use ein_ir::entity::{Ciphertext, EntityRef, SecondaryMap};
use ein_ir::packed::verify::verify;
use ein_ir::packed::{Op, Packed};
use ein_ir::verified::{Verified, VerifierError};
use place::Graph;
use std::collections::BTreeSet;
use std::ops::Range;

/// Bits that level 0 has above the point.
const BITS: u32 = FIRST - SCALE - 1;
/// More than any number in double precision has.
const MAX_BITS: u32 = 1 << 10;
/// What a bootstrapping weighs beside a bit of its range.
const WEIGHT: u64 = 1000;

/// How many levels there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Available {
    /// Of a fresh ciphertext, at most; none if as many as are needed.
    pub levels: Option<u32>,
    /// After a bootstrapping, no more than those and at least one; none if there is no bootstrapping.
    pub after_boot: Option<u32>,
}

/// A plan with bootstrappings, and of each operation the one of the given plan that it is or follows.
pub(crate) struct Booted {
    pub(crate) packed: Verified<Packed>,
    pub(crate) origins: SecondaryMap<Ciphertext, Ciphertext>,
}

/// Bits above the point of what can be bootstrapped, where every ciphertext has so many moduli that no product needs.
pub(crate) const fn largest_bits(spare: u32) -> u32 {
    BITS.saturating_add(SCALE.saturating_mul(spare))
}

/// Of these numbers of moduli to spare the first, and those with which more values can be bootstrapped.
pub(crate) fn spares(packed: &Packed, (program, makers): (&Program, &Makers), within: Range<u32>) -> BTreeSet<u32> {
    let bits = bits(packed, makers, &facts(packed, (program, makers)), MAX_BITS);
    let for_bits = |bits: u32| bits.saturating_sub(BITS).div_ceil(SCALE);
    let needed = packed.ops.keys().filter_map(|id| bits[id]).map(for_bits);
    needed.filter(|spare| within.contains(spare)).chain([within.start]).collect()
}

/// Puts bootstrappings into a plan without rescalings, of so many levels of a fresh ciphertext and after a bootstrapping, besides those that are to
/// spare; none if no choice of values leaves enough levels.
///
/// # Errors
/// The program that was made is broken, which is a mistake of this crate.
pub(crate) fn boots(
    packed: &Verified<Packed>,
    (program, makers): (&Program, &Makers),
    (levels, after): (u32, u32),
    spare: u32,
) -> Result<Option<Booted>, Vec<VerifierError>> {
    let facts = facts(packed, (program, makers));
    let bits = bits(packed, makers, &facts, largest_bits(spare));
    let args = packed.ops.values().map(|op| op.args().map(EntityRef::index).collect()).collect();
    let multiplies = packed.ops.values().map(Op::multiplies).collect();
    let weights = packed.ops.keys().map(|id| bits[id].map(|bits| WEIGHT + u64::from(bits))).collect();
    let graph = Graph::new(args, multiplies, weights, i64::from(levels), i64::from(after));
    let Some(chosen) = graph.place() else { return Ok(None) };
    let mut out = Packed { ops: Default::default(), ..(**packed).clone() };
    let mut origins = SecondaryMap::with_default(Ciphertext::from_u32(0));
    let mut read = SecondaryMap::with_default(Ciphertext::from_u32(0));
    let mut made = SecondaryMap::with_default(Ciphertext::from_u32(0));
    for (id, op) in &packed.ops {
        made[id] = out.ops.push(op.renamed(|x| read[x]));
        read[id] = match bits[id].filter(|_| chosen[id.index()]) {
            Some(bits) => out.ops.push(Op::Boot { x: made[id], level: after, bits }),
            None => made[id],
        };
        (origins[made[id]], origins[read[id]]) = (id, id);
    }
    // Whoever decrypts needs no levels.
    out.outputs.iter_mut().flat_map(|output| &mut output.values).for_each(|value| *value = made[*value]);
    Ok(Some(Booted { packed: verify(out)?, origins }))
}

/// Of each value that can be bootstrapped, the bits of the power of two that it lies within.
fn bits(packed: &Packed, makers: &Makers, facts: &Facts, most: u32) -> SecondaryMap<Ciphertext, Option<u32>> {
    let ranges = range::ranges(packed, makers, facts);
    let parts = demand(packed).parts;
    let mut bits = SecondaryMap::with_default(None);
    for id in packed.ops.keys().filter(|id| parts[*id] == 2) {
        bits[id] = exponent(ranges[id], most);
    }
    bits
}

/// The least power of two from 1 on that bounds a range, rounding included, if it is none of more bits than this.
fn exponent((lo, hi): Span, most: u32) -> Option<u32> {
    let largest = lo.abs().max(hi.abs()) * (1.0 + 1e-6);
    (0..=most.min(MAX_BITS)).find(|&bits| largest <= f64::from(bits).exp2())
}

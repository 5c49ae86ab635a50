//! How large the numbers in the slots of a value can get, those that belong to no element among them.
//!
//! One slot that is out of range spoils every slot that a bootstrapping gives back. So nothing is used here that is known of elements alone: the
//! operations are carried out on ranges of whole ciphertexts. Chebyshev polynomials are in -1..1 where all slots of their argument are.

use crate::Makers;
use crate::levels::error::{Facts, Span, plain_ranges, product};
use ein_ir::entity::{Ciphertext, Plain, SecondaryMap};
use ein_ir::packed::{Op, Packed};
use std::collections::BTreeSet;

/// The rounding that a range allows for.
const SLACK: f64 = 1e-9;

/// The range of all slots of every value of a plan without rescalings.
pub(crate) fn ranges(packed: &Packed, makers: &Makers, facts: &Facts) -> SecondaryMap<Ciphertext, Span> {
    let mut plains: SecondaryMap<Plain, Span> = SecondaryMap::with_default((0.0, 0.0));
    packed.plains.keys().for_each(|plain| plains[plain] = hull(&plain_ranges(packed, facts, plain).of));
    let arguments: BTreeSet<Ciphertext> = makers.series.iter().map(|series| series.argument).collect();
    let mut ranges = SecondaryMap::with_default((0.0, 0.0));
    // Made of an argument that is in -1..1 in all slots.
    let mut tame = SecondaryMap::with_default(false);
    for (id, op) in &packed.ops {
        let (lo, hi) = range(op, facts, &plains, &ranges);
        tame[id] = if arguments.contains(&id) {
            lo >= -1.0 - SLACK && hi <= 1.0 + SLACK
        } else {
            op.args().next().is_some() && op.args().all(|x| tame[x])
        };
        ranges[id] = if facts.unit[id] && tame[id] { (lo.max(-1.0), hi.min(1.0)) } else { (lo, hi) };
    }
    ranges
}

fn range(op: &Op, facts: &Facts, plains: &SecondaryMap<Plain, Span>, ranges: &SecondaryMap<Ciphertext, Span>) -> Span {
    match *op {
        Op::Input { input, .. } => (facts.inputs[input].0.min(0.0), facts.inputs[input].1.max(0.0)),
        Op::Rotate { x, .. } | Op::Relin(x) | Op::Rescale(x) | Op::Drop(x, _) | Op::Boot { x, .. } => ranges[x],
        Op::Add(x, y) => (ranges[x].0 + ranges[y].0, ranges[x].1 + ranges[y].1),
        Op::Sub(x, y) => (ranges[x].0 - ranges[y].1, ranges[x].1 - ranges[y].0),
        Op::Neg(x) => (-ranges[x].1, -ranges[x].0),
        Op::AddPlain(x, plain) => (ranges[x].0 + plains[plain].0, ranges[x].1 + plains[plain].1),
        Op::MulPlain(x, plain) | Op::Mask(x, plain) => product(ranges[x], plains[plain]),
        Op::Mul(x, y) if x == y => square(ranges[x]),
        Op::Mul(x, y) => product(ranges[x], ranges[y]),
    }
}

fn square((lo, hi): Span) -> Span {
    let (low, high) = (lo.abs().min(hi.abs()), lo.abs().max(hi.abs()));
    (if lo <= 0.0 && hi >= 0.0 { 0.0 } else { low * low }, high * high)
}

fn hull(ranges: &[Span]) -> Span {
    ranges.iter().copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or_default()
}

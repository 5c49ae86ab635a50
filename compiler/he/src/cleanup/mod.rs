//! The slot graph of a plan: its operations rewritten until they weigh less.
//!
//! The planner weighs every product and every move on its own. What becomes of several together is seen only once the operations are there:
//! sums of moves that rotate by the same giant steps, sums of sums over slots, relinearisations that are added up, masks before products with
//! plaintexts. An e-graph over the operations ([`form`]) takes what the rules ([`rules`]) find; plaintexts that are rotated or multiplied on
//! the way are made in the clear ([`plains`]). From the plan as it is, one operation after the other is exchanged while the whole weighs less
//! ([`extract`]), so that the answer is never worse; it is taken if it weighs less by the planner's one table, also with what rotations of one
//! ciphertext share, and is no deeper.
//!
//! Rescalings are placed after this, and exactly ([`crate::levels`]): a program that has some is left alone. What the bounds of errors speak
//! of is computed as it is ([`pins`]): arguments and values of polynomials among others.

mod extract;
mod form;
mod pins;
mod plains;
mod rules;
#[cfg(test)]
mod tests;
mod write;

use crate::builder::Makers;
use crate::cost::{Cost, Costs};
use crate::program::Program;
use ein_ir::packed::{Op, Packed};
use form::SlotGraph;
use std::collections::BTreeSet;

/// Programs with more operations are left alone: their rules take longer than their plan.
const MAX_OPS: usize = 4_000;

/// A plan that computes the same for less, with its makers; none if none was found. With `keys` it has no rotation that the given one lacks.
pub(crate) fn cleaned(packed: &Packed, (program, makers): (&Program, &Makers), keys: bool, costs: &Costs) -> Option<(Packed, Makers)> {
    let is_leveled = packed.ops.values().any(|op| matches!(op, Op::Rescale(_) | Op::Drop(..) | Op::Boot { .. }));
    if packed.ops.len() > MAX_OPS || is_leveled {
        return None;
    }
    let amounts: Option<BTreeSet<u32>> = keys.then(|| packed.ops.values().filter_map(amount).collect());
    let mut graph = SlotGraph::of(packed, makers, &pins::pins(program, makers), amounts);
    if !rules::saturate(&mut graph) {
        return None;
    }
    let chosen = extract::extract(&graph, costs)?;
    let (made, makers) = write::write(packed, makers, &graph, &chosen);
    is_better(&made, packed, costs).then_some((made, makers))
}

const fn amount(op: &Op) -> Option<u32> {
    match op {
        Op::Rotate { by, .. } => Some(*by),
        _ => None,
    }
}

/// Whether a plan weighs less than another: alone and with shared rotations, in no more levels.
fn is_better(made: &Packed, given: &Packed, costs: &Costs) -> bool {
    let (made, given) = (made.counts(), given.counts());
    let lighter = Cost::of(&made).weigh(costs) < Cost::of(&given).weigh(costs);
    lighter && costs.weigh(&made) <= costs.weigh(&given) && made.depth <= given.depth
}

//! Products of two secret matrices whose joint space is larger than a ciphertext.
//!
//! With `t` for what does not fit, `c[i, j] = sum[t](a[i, i + j + t] b[i + j + t, j])`, indices modulo `T`: one product a `t`. Inputs are
//! packed along diagonals (a roll each), so that the operands of the next product are the inputs turned by one more step: along `j`
//! for `a`, along `i` for `b` (Jiang, Kim, Lauter and Song, *Secure outsourced matrix computation*, 2018, which has `T = n`, and packs on
//! the server). As `j` is the highest field, turning along it comes round. Along `i` the last `t` rows run into the next `j`: they hold
//! terms of column `j + 1` there, so they are multiplied by what that column needs and moved into place once, after the sum.

use crate::contraction::Contraction;
use crate::convert::{Conversion, Source, spread_only};
use crate::cost::Cost;
use crate::packing::{LabelBit, Packing};
use crate::product::{self, Outcome};
use crate::search::{Node, Way};
use ein_ir::packed::layout::AddressBit;

/// A product of two inputs along diagonals.
#[derive(Clone, Debug)]
pub(crate) struct Rolled {
    /// `a` and `b`.
    pub(crate) sides: [Side; 2],
    /// `log2 T`.
    pub(crate) turns: u8,
    /// Lowest address bits of the fields of `i` and `j`.
    pub(crate) fields: [usize; 2],
    /// Bits of the field of `i`.
    pub(crate) rows: u8,
    /// The joint space, without what is turned.
    pub(crate) joint: Packing,
    pub(crate) kept: u64,
    pub(crate) outcome: Outcome,
}

/// An operand of a rolled product.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) way: Way,
    /// Where it is packed, and over what it is then spread.
    pub(crate) conversion: Conversion,
    /// The label that is summed, and the one by which it is rolled.
    pub(crate) roll: (u8, u8),
}

impl Rolled {
    /// What it is a product of.
    pub(crate) fn contraction(&self) -> &Contraction {
        let Node::Input(contraction, _) = &self.sides[0].way.node else { unreachable!("only inputs are rolled") };
        contraction
    }
}

/// The rolled product of two inputs that can be anywhere, if it can be had.
pub(crate) fn candidate(contraction: &Contraction, ways: [&Way; 2], kept: u64, log_slots: usize) -> Option<Rolled> {
    if ways.iter().any(|way| way.source != Source::Anywhere) {
        return None;
    }
    let [a, b] = ways.map(|way| way.labels);
    let width =
        |labels: u64| (0..64).filter(|label| labels >> label & 1 == 1).map(|label| usize::from(contraction.bits(label))).sum::<usize>();
    let turns = u8::try_from(width(a | b).checked_sub(log_slots)?).ok()?;
    let widest = |labels: u64| (0..64).filter(|label| labels >> label & 1 == 1).max_by_key(|&label| contraction.bits(label));
    let (i, j, k) = (widest(a & !b & kept)?, widest(b & !a & kept)?, widest(a & b & !kept)?);
    if turns == 0 || [i, j, k].iter().any(|&label| contraction.bits(label) < turns) {
        return None;
    }
    let joint = joint(contraction, a | b, (i, j, k), turns, log_slots);
    let places = joint.positions();
    let fields = [i, j].map(|label| places[&LabelBit { label, bit: 0 }]);
    let side = |way: &Way, labels: u64, field: usize, by: u8| {
        let mut packing = joint.clone();
        for bit in &mut packing.bits {
            if LabelBit::of(*bit).is_none_or(|bit| labels >> bit.label & 1 == 0) {
                *bit = AddressBit::Zero;
            }
        }
        for bit in 0..turns {
            packing.set(field + usize::from(bit), LabelBit { label: k, bit }.address());
        }
        let missing = |&p: &usize| packing.at(p) == AddressBit::Zero && LabelBit::of(joint.at(p)).is_some();
        let spread = (0..log_slots).filter(missing).collect();
        Side { way: way.clone(), conversion: spread_only(packing, spread, log_slots), roll: (k, by) }
    };
    let sides = [side(ways[0], a, fields[1], i), side(ways[1], b, fields[0], j)];
    let outcome = outcome(&sides, &joint, kept, turns, log_slots);
    Some(Rolled { sides, turns, fields, rows: contraction.bits(i), joint, kept, outcome })
}

/// From the lowest bit: what is neither of the three, what of `k` is folded, `i`, `j`.
fn joint(contraction: &Contraction, labels: u64, (i, j, k): (u8, u8, u8), turns: u8, log_slots: usize) -> Packing {
    let bits_of = |label: u8, from: u8| (from..contraction.bits(label)).map(move |bit| LabelBit { label, bit }.address());
    let others = (0..64).filter(|label| labels >> label & 1 == 1 && ![i, j, k].contains(label));
    let mut bits: Vec<AddressBit> = others.flat_map(|label| bits_of(label, 0)).collect();
    bits.extend(bits_of(k, turns).chain(bits_of(i, 0)).chain(bits_of(j, 0)));
    debug_assert_eq!(bits.len(), log_slots);
    Packing::of(bits)
}

fn outcome(sides: &[Side; 2], joint: &Packing, kept: u64, turns: u8, log_slots: usize) -> Outcome {
    let rounds = (1_u64 << turns) - 1;
    let folds = product::folds(joint, kept, log_slots).len() as u64;
    let mut cost = Cost { rotations: 2 * rounds + 1 + folds, mulcc: rounds + 1, mulcp: 4 * rounds, relins: 2, adds: 4 * rounds + folds };
    for side in sides {
        cost += side.conversion.cost;
        cost += side.way.cost;
    }
    Outcome { packing: product::folded(joint, kept, log_slots), cleaned: None, cost, depth: 3 }
}

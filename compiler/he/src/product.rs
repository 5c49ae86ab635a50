//! One product: operands brought into one joint space, multiplied slot by slot, summed over the labels that nothing needs
//! any more.

use crate::contraction::Contraction;
use crate::convert::{Conversion, Kept, n_chunks};
use crate::cost::Cost;
use crate::packing::{LabelBit, Packing};
use ein_ir::packed::layout::AddressBit;

/// What a product comes to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) packing: Packing,
    /// What is kept of the product before it is summed, where what is beyond the sizes of labels is not known to be zero.
    pub(crate) cleaned: Option<Kept>,
    pub(crate) cost: Cost,
    pub(crate) depth: u32,
}

/// The product of converted operands, each with its depth, and of a public one if `public`; labels outside `kept` are summed.
pub(crate) fn outcome(
    contraction: &Contraction,
    joint: &Packing,
    operands: &[(&Conversion, u32)],
    public: bool,
    kept: u64,
    log_slots: usize,
) -> Outcome {
    let volume = n_chunks(joint, log_slots);
    let mut multiplied = multiplied(joint, operands.iter().map(|(conversion, _)| &conversion.packing), public, log_slots);
    let cleaned = (multiplied.junk & !kept != 0).then(|| Kept::elements(&multiplied, |label| contraction.labels[label].size, log_slots));
    cleaned.iter().for_each(|kept| kept.clean(&mut multiplied));
    let packing = folded(&multiplied, kept, log_slots);
    let mut cost = own(joint, operands.len(), public, kept, log_slots);
    cost.mulcp += u64::from(cleaned.is_some()) * volume;
    operands.iter().for_each(|(conversion, _)| cost += conversion.cost);
    let depths = operands.iter().map(|(conversion, depth)| conversion.depth + depth);
    let depth = tree_depth(depths.chain(public.then_some(0)).collect()) + u32::from(cleaned.is_some());
    Outcome { packing, cleaned, cost, depth }
}

/// What it costs to multiply so many operands where they are, and a public one if `public`, and to sum them.
pub(crate) fn own(joint: &Packing, n_operands: usize, public: bool, kept: u64, log_slots: usize) -> Cost {
    let volume = n_chunks(joint, log_slots);
    let is_kept = |&&p: &&usize| LabelBit::of(joint.at(p)).is_some_and(|bit| kept >> bit.label & 1 == 1);
    let results = 1 << joint.chunk_positions(log_slots).iter().filter(is_kept).count();
    let folds = folds(joint, kept, log_slots).len() as u64;
    let products = n_operands as u64 - 1;
    Cost {
        mulcc: products * volume,
        relins: if products == 0 { 0 } else { (products - 1) * volume + results },
        mulcp: u64::from(public) * volume,
        adds: volume - results + folds * results,
        rotations: folds * results,
    }
}

/// The depth of the product of factors of these depths: the two least are multiplied until one is left.
pub(crate) fn tree_depth(mut depths: Vec<u32>) -> u32 {
    while depths.len() > 1 {
        depths.sort_unstable_by(|a, b| b.cmp(a));
        depths.pop();
        if let Some(last) = depths.last_mut() {
            *last += 1;
        }
    }
    depths.first().copied().unwrap_or(0)
}

/// What the free bits of a product are, and where it is unknown. What is zero somewhere counts only if nothing of it is unknown: it makes zero
/// of what another factor has there.
fn multiplied<'a>(joint: &Packing, operands: impl Iterator<Item = &'a Packing> + Clone, public: bool, log_slots: usize) -> Packing {
    let junk = |packing: &Packing| packing.bits.contains(&AddressBit::Junk);
    let free = |position: usize| {
        if position >= log_slots {
            return AddressBit::Rep;
        }
        let states = || operands.clone().map(|packing| packing.at(position));
        // The public operand is zero where another is unknown.
        let zero = operands.clone().any(|packing| packing.at(position) == AddressBit::Zero && !junk(packing));
        if zero || public && states().any(|bit| bit != AddressBit::Rep) {
            AddressBit::Zero
        } else if states().any(|bit| bit == AddressBit::Junk) {
            AddressBit::Junk
        } else if states().all(|bit| bit == AddressBit::Rep) {
            AddressBit::Rep
        } else if operands.clone().any(junk) {
            AddressBit::Junk
        } else {
            AddressBit::Zero
        }
    };
    let bits = (0..joint.bits.len().max(log_slots)).map(|position| match joint.at(position) {
        bit @ AddressBit::Axis { .. } => bit,
        AddressBit::Rep | AddressBit::Zero | AddressBit::Junk => free(position),
    });
    let zero = |label: u8| operands.clone().any(|packing| !packing.has_junk() && packing.bits.iter().any(|bit| is_of(*bit, label)));
    let unknown = operands.clone().fold(0, |all, packing| all | packing.junk);
    let unknown = (0..64).filter(|label| !public && unknown >> label & 1 == 1 && !zero(*label));
    Packing { bits: bits.collect(), offset: joint.offset, junk: unknown.fold(0, |all, label| all | 1 << label) }
}

fn is_of(bit: AddressBit, label: u8) -> bool {
    LabelBit::of(bit).is_some_and(|bit| bit.label == label)
}

/// Slot bits that are summed over, highest first.
pub(crate) fn folds(joint: &Packing, kept: u64, log_slots: usize) -> Vec<usize> {
    let reduced = |&p: &usize| LabelBit::of(joint.at(p)).is_some_and(|bit| kept >> bit.label & 1 == 0);
    (0..log_slots).rev().filter(reduced).collect()
}

/// The packing once the labels outside `kept` are summed. A sum over the highest bits comes round and leaves the total everywhere;
/// any other leaves it where the bit is 0.
pub(crate) fn folded(multiplied: &Packing, kept: u64, log_slots: usize) -> Packing {
    let mut packing = multiplied.clone();
    for position in folds(multiplied, kept, log_slots) {
        let round = packing.bits[position + 1..log_slots].iter().all(|bit| *bit == AddressBit::Rep);
        packing.bits[position] = if round { AddressBit::Rep } else { AddressBit::Junk };
    }
    for bit in packing.bits.iter_mut().skip(log_slots) {
        if LabelBit::of(*bit).is_some_and(|bit| kept >> bit.label & 1 == 0) {
            *bit = AddressBit::Rep;
        }
    }
    packing
}

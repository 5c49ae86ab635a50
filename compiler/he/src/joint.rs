//! Joint spaces to try for a product: which address bit each label bit takes.

use crate::contraction::Contraction;
use crate::limits::fits_space;
use crate::packing::{LabelBit, Packing};
use ein_ir::packed::layout::AddressBit;
use std::collections::BTreeSet;

/// Up to so many labels are tried in all orders.
const ALL_ORDERS: usize = 6;

/// The first joint spaces, so many at the most, over the labels of a product, those outside `kept` being summed; `seeds` are where
/// operands and results are or are wanted.
pub(crate) fn candidates(
    contraction: &Contraction,
    labels: u64,
    kept: u64,
    seeds: &[&Packing],
    most: usize,
    log_slots: usize,
) -> Vec<Packing> {
    let seeded = seeds.iter().flat_map(|seed| [false, true].map(|from_top| extended(contraction, labels, kept, seed, from_top, log_slots)));
    let orders = orders(contraction, labels, kept);
    let whole = orders.iter().map(|order| in_order(contraction, order, order.len(), log_slots));
    let parted = orders.iter().flat_map(|order| (1..order.len()).map(|at| in_order(contraction, order, at, log_slots)));
    let mut found = BTreeSet::new();
    let fits = |packing: &Packing| fits_space(packing.bits.len(), log_slots) && found.insert(packing.clone());
    seeded.chain(whole).chain(parted).filter(fits).take(most).collect()
}

/// The joint space of a plan without a choice: the result row-major inside, summed labels outside, in the order in which operands have them.
pub(crate) fn one_shot(contraction: &Contraction, labels: u64, log_slots: usize) -> Packing {
    let inside = |label: &u8| labels >> label & 1 == 1;
    let mut order: Vec<u8> = Vec::new();
    for label in contraction.operands.iter().flat_map(|operand| operand.labels()).filter(inside) {
        if !order.contains(&label) && !contraction.output.contains(&label) {
            order.push(label);
        }
    }
    order.extend(contraction.output.iter().filter(|label| inside(label)));
    order.reverse();
    in_order(contraction, &order, order.len(), log_slots)
}

/// Orders of labels, the innermost first.
fn orders(contraction: &Contraction, labels: u64, kept: u64) -> Vec<Vec<u8>> {
    let inside: Vec<u8> = (0..64).filter(|&label| labels >> label & 1 == 1 && contraction.bits(label) > 0).collect();
    if inside.len() <= ALL_ORDERS {
        let mut all = Vec::new();
        permute(&mut inside.clone(), 0, &mut |order| all.push(order.to_vec()));
        return all;
    }
    let summed = |label: &u8| kept >> label & 1 == 0;
    let split = |order: &[u8]| -> Vec<u8> {
        let (outer, inner): (Vec<u8>, Vec<u8>) = order.iter().partition(|label| summed(label));
        inner.into_iter().chain(outer).collect()
    };
    let output: Vec<u8> = contraction.output.iter().rev().copied().filter(|label| inside.contains(label)).collect();
    let rest: Vec<u8> = inside.iter().copied().filter(|label| !output.contains(label)).collect();
    let by_output: Vec<u8> = output.iter().chain(&rest).copied().collect();
    let mut all: Vec<Vec<u8>> = (0..inside.len()).map(|n| inside.iter().cycle().skip(n).take(inside.len()).copied().collect()).collect();
    all.extend([split(&by_output), split(&inside), by_output, inside]);
    all
}

/// Calls a function with every order of the items from `from` on.
pub(crate) fn permute<T>(items: &mut Vec<T>, from: usize, each: &mut dyn FnMut(&[T])) {
    if from == items.len() {
        each(items);
        return;
    }
    for n in from..items.len() {
        items.swap(from, n);
        permute(items, from + 1, each);
        items.swap(from, n);
    }
}

/// Labels as fields one after the other; those from `top` on end at the highest slot bit, if there is room to part them.
fn in_order(contraction: &Contraction, order: &[u8], top: usize, log_slots: usize) -> Packing {
    let width: usize = order.iter().map(|&label| usize::from(contraction.bits(label))).sum();
    let gap = log_slots.saturating_sub(width);
    let mut bits = Vec::new();
    for (n, &label) in order.iter().enumerate() {
        if n == top {
            bits.extend(std::iter::repeat_n(AddressBit::Rep, gap));
        }
        bits.extend((0..contraction.bits(label)).map(|bit| LabelBit { label, bit }.address()));
    }
    bits.resize(bits.len().max(log_slots), AddressBit::Rep);
    Packing::of(bits)
}

/// A packing with the labels that it lacks at its free bits: first where it is replicated, then where it is zero. Summed labels
/// go to the highest bits of a kind, and to ciphertexts first if slots do not suffice.
fn extended(contraction: &Contraction, labels: u64, kept: u64, seed: &Packing, from_top: bool, log_slots: usize) -> Packing {
    let mut joint = Packing { junk: 0, ..seed.clone() };
    let keep = |bit: AddressBit| LabelBit::of(bit).is_some_and(|bit| labels >> bit.label & 1 == 1);
    let mut free: Vec<(u8, usize)> = Vec::new();
    for (position, bit) in joint.bits.iter_mut().enumerate() {
        if keep(*bit) {
            continue;
        }
        if position < log_slots {
            let rank = match *bit {
                AddressBit::Rep => 0,
                AddressBit::Zero | AddressBit::Axis { .. } => 1,
                AddressBit::Junk => 2,
            };
            free.push((rank, position));
        }
        *bit = AddressBit::Rep;
    }
    let there = joint.positions();
    let is_missing = |label: &u8| labels >> label & 1 == 1 && contraction.bits(*label) > 0;
    let all_bits = (0..64).filter(is_missing).flat_map(|label| (0..contraction.bits(label)).map(move |bit| LabelBit { label, bit }));
    let mut missing: Vec<LabelBit> = all_bits.filter(|bit| there.get(bit).is_none()).collect();
    // Of what does not fit into slots, what is summed is the cheapest to have in ciphertexts.
    missing.sort_by_key(|bit| (kept >> bit.label & 1 == 0) ^ from_top);
    free.sort_by_key(|&(rank, position)| (rank, if from_top { usize::MAX - position } else { position }));
    let overflow = missing.len().saturating_sub(free.len());
    let in_chunks: Vec<LabelBit> = missing.iter().copied().filter(|bit| kept >> bit.label & 1 == 0).rev().take(overflow).collect();
    let mut in_chunks = in_chunks;
    let others: Vec<LabelBit> = missing.iter().copied().filter(|bit| !in_chunks.contains(bit)).collect();
    let (in_slots, rest) = others.split_at(others.len().min(free.len()));
    in_chunks.extend(rest);
    let mut places: Vec<usize> = free.iter().take(in_slots.len()).map(|&(_, position)| position).collect();
    places.sort_unstable();
    let in_slots: Vec<LabelBit> = if from_top { in_slots.iter().rev().copied().collect() } else { in_slots.to_vec() };
    for (bit, place) in in_slots.iter().zip(places) {
        joint.set(place, bit.address());
    }
    for bit in in_chunks {
        let place = joint.bits.len().max(log_slots);
        joint.set(place, bit.address());
    }
    joint
}

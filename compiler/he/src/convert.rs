//! From where an operand is to where a product needs it: its labels at their address bits of the joint space, and the same value
//! for every position of the labels that it lacks.

use crate::contraction::{Contraction, Operand, Subscript};
use crate::cost::Cost;
use crate::linear::{LinearMap, Split, Step};
use crate::packing::{LabelBit, Packing};
use ein_ir::packed::layout::AddressBit;
use std::collections::BTreeMap;

/// Where an operand of a product is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// Nowhere yet: whoever encrypts it puts it where it is needed, each element once.
    Anywhere,
    /// Row major from address 0, as it was given; axes with the same label, or with none.
    Strided(LinearMap, Vec<u8>),
    /// Computed, or given with an axis a label.
    Packed(Packing),
}

/// How an operand gets to where it is needed.
#[derive(Clone, Debug)]
pub(crate) struct Conversion {
    pub(crate) route: Route,
    /// Address bits of slots that are filled by adding a rotation, lowest first.
    pub(crate) spread: Vec<usize>,
    /// The value then.
    pub(crate) packing: Packing,
    pub(crate) cost: Cost,
    /// Products on the way.
    pub(crate) depth: u32,
}

/// How an operand gets its labels where they belong.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// They are.
    Direct,
    /// They are; what is unknown is made zero.
    Mask,
    /// By a linear map.
    Map(LinearMap, Split),
}

/// The row-major source of an operand: bits where each axis has a label of its own, steps otherwise.
pub(crate) fn given(operand: &Operand, log_slots: usize) -> Source {
    let layout = ein_ir::packed::Layout::row_major(&operand.shape(), u32::try_from(log_slots).unwrap_or(u32::MAX));
    if operand.is_plain() {
        let relabel = |bit| match bit {
            AddressBit::Axis { axis, bit } => match operand.axes[usize::from(axis)].subscript {
                Subscript::Label(label) => AddressBit::Axis { axis: label, bit },
                Subscript::Fixed(_) => AddressBit::Zero,
            },
            AddressBit::Rep | AddressBit::Zero | AddressBit::Junk => bit,
        };
        return Source::Packed(Packing { bits: layout.bits().map(relabel).collect() });
    }
    strided(operand)
}

fn strided(operand: &Operand) -> Source {
    let mut shift = 0;
    let mut offset = 0;
    let mut weights: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    for axis in operand.axes.iter().rev() {
        match axis.subscript {
            Subscript::Label(label) => weights.entry(label).or_insert((axis.size, 0)).1 += 1 << shift,
            Subscript::Fixed(position) => offset += position << shift,
        }
        shift += ein_ir::packed::layout::axis_bits(axis.size);
    }
    let steps = weights.values().map(|&(size, source)| Step { size, source, target: 0, label: None, scale: 0 }).collect();
    Source::Strided(LinearMap { offset, steps }, weights.into_keys().collect())
}

/// The way of `source`, an operand with these labels, into the joint space. Several are tried; the cheapest is taken.
pub(crate) fn convert(contraction: &Contraction, labels: u64, source: &Source, joint: &Packing, log_slots: usize) -> Conversion {
    let lacking = |p: &usize| LabelBit::of(joint.bits[*p]).is_some_and(|bit| labels >> bit.label & 1 == 0);
    let missing: Vec<usize> = (0..log_slots.min(joint.bits.len())).filter(lacking).collect();
    let target = restrict(joint, labels, log_slots);
    match source {
        Source::Anywhere => spread(Route::Direct, target, missing, log_slots),
        Source::Packed(packing) if packing.positions() == target.positions() => direct(packing, &missing, log_slots),
        Source::Packed(packing) => {
            moved(packed_map(contraction, packing, &target, log_slots), target, &missing, log_slots, n_chunks(packing, log_slots))
        }
        Source::Strided(map, order) => {
            let steps = map
                .steps
                .iter()
                .zip(order)
                .flat_map(|(step, &label)| label_steps(step.size, label, log_slots, |bit| step.source << bit, &target));
            let map = LinearMap { offset: map.offset, steps: steps.collect() };
            moved(map, target, &missing, log_slots, 1)
        }
    }
}

/// The joint space as an operand with these labels is first put there: zero where others vary.
fn restrict(joint: &Packing, labels: u64, log_slots: usize) -> Packing {
    let mut bits: Vec<AddressBit> = joint.bits.clone();
    bits.resize(bits.len().max(log_slots), AddressBit::Zero);
    for (position, bit) in bits.iter_mut().enumerate() {
        if LabelBit::of(*bit).is_none_or(|bit| labels >> bit.label & 1 == 0) {
            *bit = if position < log_slots { AddressBit::Zero } else { AddressBit::Rep };
        }
    }
    Packing { bits }
}

pub(crate) fn n_chunks(packing: &Packing, log_slots: usize) -> u64 {
    1 << packing.chunk_positions(log_slots).len()
}

fn direct(packing: &Packing, missing: &[usize], log_slots: usize) -> Conversion {
    let missing: Vec<usize> = missing.iter().copied().filter(|&p| packing.at(p) != AddressBit::Rep).collect();
    let mut packing = packing.clone();
    // What is unknown must not be carried into the slots that are filled.
    let disturbs = missing.first().is_some_and(|&lowest| packing.bits[lowest..].contains(&AddressBit::Junk));
    if !disturbs {
        return spread(Route::Direct, packing, missing, log_slots);
    }
    packing.bits.iter_mut().filter(|bit| **bit == AddressBit::Junk).for_each(|bit| *bit = AddressBit::Zero);
    spread(Route::Mask, packing, missing, log_slots)
}

/// A linear map, of which some of the missing bits may be part.
fn moved(map: LinearMap, target: Packing, missing: &[usize], log_slots: usize, sources: u64) -> Conversion {
    let targets = n_chunks(&target, log_slots);
    let ways = (0..=missing.len()).flat_map(|n| [(n, true), (n, false)]);
    let ways = ways.filter(|&(n, low)| n == 0 || (targets > 1 && (low || n < missing.len())));
    let try_way = |(n, low): (usize, bool)| {
        let (inside, after) = if low { missing.split_at(n) } else { (&missing[missing.len() - n..], &missing[..missing.len() - n]) };
        let mut map = map.clone();
        let mut target = target.clone();
        for &p in inside {
            map.steps.push(Step { size: 2, source: 0, target: 1 << p, label: None, scale: 0 });
            target.set(p, AddressBit::Rep);
        }
        let split = map.split(1 << log_slots, 1 << log_slots, sources, targets);
        spread(Route::Map(map, split), target, after.to_vec(), log_slots)
    };
    let all = ways.map(try_way);
    let best = all.min_by(|a, b| a.cost.weigh().total_cmp(&b.cost.weigh()));
    let mut best = best.expect("the first way is always tried");
    if sources > 1
        && let Route::Map(_, split) = &best.route
    {
        best.cost.rotations += split.costs().0 * (sources - 1);
    }
    best
}

/// A value that is where it should be, but for address bits that are filled.
pub(crate) fn spread_only(packing: Packing, missing: Vec<usize>, log_slots: usize) -> Conversion {
    spread(Route::Direct, packing, missing, log_slots)
}

/// Fills these address bits after the route.
fn spread(route: Route, mut packing: Packing, missing: Vec<usize>, log_slots: usize) -> Conversion {
    let chunks = n_chunks(&packing, log_slots);
    let mut cost = Cost { rotations: missing.len() as u64 * chunks, adds: missing.len() as u64 * chunks, ..Cost::default() };
    let depth = match &route {
        Route::Direct => 0,
        Route::Mask => {
            cost.mulcp += chunks;
            1
        }
        Route::Map(_, split) => {
            let (babies, giants, products) = split.costs();
            cost += Cost { rotations: babies.saturating_add(giants * chunks), mulcp: products, adds: products, ..Cost::default() };
            1
        }
    };
    for &p in &missing {
        packing.set(p, AddressBit::Rep);
    }
    Conversion { route, spread: missing, packing, cost, depth }
}

/// The map that takes each label bit of a packing to its place in another.
pub(crate) fn packed_map(contraction: &Contraction, from: &Packing, to: &Packing, log_slots: usize) -> LinearMap {
    let from = from.positions();
    let mut labels: Vec<u8> = from.keys().map(|bit| bit.label).collect();
    labels.dedup();
    let steps = labels.into_iter().flat_map(|label| {
        let size = contraction.labels[usize::from(label)].size;
        label_steps(size, label, log_slots, |bit| from.get(&LabelBit { label, bit }).map_or(0, |&p| 1 << p), to)
    });
    LinearMap { offset: 0, steps: steps.collect() }
}

/// The steps along a label: runs of bits that double at the source and at the target.
fn label_steps(size: u64, label: u8, log_slots: usize, source: impl Fn(u8) -> u64, to: &Packing) -> Vec<Step> {
    let positions = to.positions();
    let n_bits = ein_ir::packed::layout::axis_bits(size);
    let weight = |bit: u8| (source(bit), positions.get(&LabelBit { label, bit }).map_or(0, |&p| 1_u64 << p));
    let mut steps = Vec::new();
    let mut lo = 0;
    while lo < n_bits {
        let (first, mut hi) = (weight(lo), lo + 1);
        let chunk = |(source, target): (u64, u64)| (source >> log_slots > 0, target >> log_slots > 0);
        while hi < n_bits && weight(hi) == (first.0 << (hi - lo), first.1 << (hi - lo)) && chunk(weight(hi)) == chunk(first) {
            hi += 1;
        }
        let values = if hi == n_bits { ((size - 1) >> lo) + 1 } else { 1 << (hi - lo) };
        steps.push(Step { size: values, source: first.0, target: first.1, label: Some(label), scale: 1 << lo });
        lo = hi;
    }
    steps
}

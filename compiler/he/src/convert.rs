//! From where an operand is to where a product needs it: its labels at their address bits of the joint space, and the same value
//! for every position of the labels that it lacks.

use crate::contraction::{Contraction, Operand, Subscript};
use crate::cost::{Cost, Costs};
use crate::limits::{MAX_OPERATIONS, MAX_VOLUME};
use crate::linear::{Bound, LinearMap, Split, Step};
use crate::packing::{LabelBit, Packing, Positions};
use crate::staged::Stage;
use crate::view;
use ein_ir::packed::layout::{AddressBit, axis_bits};
use std::collections::BTreeMap;

/// Where an operand of a product is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// Nowhere yet: whoever encrypts it puts it where it is needed, each element once.
    Anywhere,
    /// At addresses that are sums: axes share a label, or are read at one position, or along a line.
    Strided(Strides),
    /// Each label has bits of its own.
    Packed(Packing),
}

/// Addresses as sums, modulo 2^64.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strides {
    /// Where every label is 0.
    pub(crate) offset: u64,
    /// What each bit of a label adds.
    pub(crate) weights: BTreeMap<LabelBit, u64>,
    /// Where the axes are.
    pub(crate) axes: Packing,
    /// Positions beyond which there is nothing.
    pub(crate) bounds: Vec<Bound>,
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
    /// They are once every ciphertext is rotated by so many slots, of which some may then be kept only.
    Turn(u32, Option<Kept>),
    /// By a linear map.
    Map(LinearMap, Split),
    /// By two, over a packing in between.
    Stages(Box<[Stage; 2]>),
}

/// What a mask keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Address bits that are 0.
    pub(crate) zero: Vec<usize>,
    /// Labels that are within their sizes.
    pub(crate) within: Vec<(u8, u64)>,
}

impl Kept {
    /// Everything that is known.
    pub(crate) fn elements(packing: &Packing, size: impl Fn(usize) -> u64, log_slots: usize) -> Self {
        let zero = (0..log_slots).filter(|&p| packing.at(p) == AddressBit::Junk).collect();
        let within = (0..64).filter(|label| packing.junk >> label & 1 == 1).map(|label| (label, size(usize::from(label)))).collect();
        Self { zero, within }
    }

    /// What is known then.
    pub(crate) fn clean(&self, packing: &mut Packing) {
        self.zero.iter().for_each(|&p| packing.set(p, AddressBit::Zero));
        self.within.iter().for_each(|(label, _)| packing.junk &= !(1 << label));
    }
}

/// A held tensor as an operand of a product sees it, and the address bits of the ciphertexts that it reads only; none if an axis that is read
/// along a line is not in one piece.
pub(crate) fn seen(contraction: &Contraction, operand: &Operand, packing: &Packing, log_slots: usize) -> Option<(Source, u64)> {
    if let Some((packing, chunk)) = view::packing(contraction, operand, packing, log_slots) {
        return Some((Source::Packed(packing), chunk));
    }
    strided(operand, packing, |label| contraction.bits(label)).map(|strides| (Source::Strided(strides), 0))
}

fn strided(operand: &Operand, packing: &Packing, bits: impl Fn(u8) -> u8) -> Option<Strides> {
    let places = packing.positions();
    let mut strides = Strides { offset: 0, weights: BTreeMap::new(), axes: packing.clone(), bounds: Vec::new() };
    for (axis, n) in operand.axes.iter().zip(0_u8..) {
        let place = |bit: u8| places.get(&LabelBit { label: n, bit }).map_or(0, |&p| 1_u64 << p);
        let n_bits = axis_bits(axis.size);
        match &axis.subscript {
            Subscript::Label(label) => (0..n_bits).for_each(|bit| strides.add(LabelBit { label: *label, bit }, place(bit))),
            Subscript::Fixed(position) => {
                (0..n_bits).filter(|bit| position >> bit & 1 == 1).for_each(|bit| strides.offset = strides.offset.wrapping_add(place(bit)))
            }
            Subscript::Linear { terms, offset } | Subscript::Padded { terms, offset } => {
                if matches!(axis.subscript, Subscript::Padded { .. }) {
                    strides.bounds.push(Bound { terms: terms.clone(), offset: *offset, size: axis.size });
                }
                let field = place(0);
                if (0..n_bits).any(|bit| place(bit) != field << bit) {
                    return None;
                }
                strides.offset = strides.offset.wrapping_add(offset.wrapping_mul(field.cast_signed()).cast_unsigned());
                for &(label, coefficient) in terms {
                    let weight = coefficient.wrapping_mul(field.cast_signed()).cast_unsigned();
                    (0..bits(label)).for_each(|bit| strides.add(LabelBit { label, bit }, weight.wrapping_shl(bit.into())));
                }
            }
        }
    }
    Some(strides)
}

impl Strides {
    fn add(&mut self, bit: LabelBit, weight: u64) {
        let sum = self.weights.entry(bit).or_default();
        *sum = sum.wrapping_add(weight);
    }

    /// The map from here to where the labels are in a packing; those that it lacks are summed.
    pub(crate) fn map(&self, contraction: &Contraction, to: &Packing, log_slots: usize) -> LinearMap {
        let mut labels: Vec<u8> = self.weights.keys().map(|bit| bit.label).collect();
        labels.dedup();
        let frames = [self.axes.offset, to.offset];
        let to = to.positions();
        let steps = labels.into_iter().flat_map(|label| {
            let size = contraction.labels[usize::from(label)].size;
            label_steps(size, label, log_slots, |bit| self.weights.get(&LabelBit { label, bit }).copied().unwrap_or(0), &to)
        });
        LinearMap { offset: self.offset, frames, steps: steps.collect(), bounds: self.bounds.clone() }
    }
}

/// The way of `source`, an operand with these labels, into the joint space, if it is no larger than any. Several are tried; the cheapest is taken.
pub(crate) fn convert(
    contraction: &Contraction,
    labels: u64,
    source: &Source,
    joint: &Packing,
    log_slots: usize,
    costs: &Costs,
) -> Option<Conversion> {
    let goal = Goal::new(contraction, labels, joint, log_slots);
    Some(goal.offer(source, f64::INFINITY, costs)?.conversion(&goal))
}

/// Where an operand with some labels is needed.
pub(crate) struct Goal<'a> {
    contraction: &'a Contraction,
    target: Packing,
    positions: Positions,
    /// Slot bits of labels that it lacks.
    missing: Vec<usize>,
    log_slots: usize,
}

/// A way there, of which the move is not cut yet.
pub(crate) struct Offer {
    pub(crate) cost: Cost,
    /// Products on the way.
    pub(crate) depth: u32,
    made: Made,
}

enum Made {
    Ready(Conversion),
    /// By a map, from so many ciphertexts; some of the missing bits are part of it, these are filled after it.
    Moved {
        map: LinearMap,
        sources: u64,
        target: Packing,
        after: Vec<usize>,
    },
}

impl<'a> Goal<'a> {
    pub(crate) fn new(contraction: &'a Contraction, labels: u64, joint: &Packing, log_slots: usize) -> Self {
        let lacking = |p: &usize| LabelBit::of(joint.bits[*p]).is_some_and(|bit| labels >> bit.label & 1 == 0);
        let missing = (0..log_slots.min(joint.bits.len())).filter(lacking).collect();
        let target = restrict(joint, labels, log_slots);
        let positions = target.positions();
        Self { contraction, target, positions, missing, log_slots }
    }

    /// How many bits of labels are where they are needed.
    pub(crate) fn alike(&self, source: &Source) -> usize {
        match source {
            Source::Anywhere => usize::MAX,
            Source::Strided(_) => 0,
            Source::Packed(packing) => {
                let pairs = packing.bits.iter().zip(&self.target.bits);
                pairs.filter(|(one, other)| one == other && LabelBit::of(**one).is_some()).count()
            }
        }
    }

    /// The cheapest way from a source, if it costs less than `limit`; if not, there may be none.
    pub(crate) fn offer(&self, source: &Source, limit: f64, costs: &Costs) -> Option<Offer> {
        let Self { contraction, target, missing, log_slots, .. } = self;
        match source {
            Source::Anywhere => Some(Offer::ready(spread(Route::Direct, Cost::default(), target.clone(), missing.clone(), *log_slots))),
            Source::Packed(packing) if packing.positions() == self.positions => {
                Some(Offer::ready(direct(contraction, packing, target.offset, missing, *log_slots)))
            }
            Source::Packed(packing) => {
                self.moved(limit, costs, packed_map(contraction, packing, target, *log_slots), n_chunks(packing, *log_slots))
            }
            Source::Strided(strides) => {
                self.moved(limit, costs, strides.map(contraction, target, *log_slots), n_chunks(&strides.axes, *log_slots))
            }
        }
    }

    /// A linear map, of which some of the missing bits may be part; none if it is known to cost `limit` or more.
    fn moved(&self, mut limit: f64, costs: &Costs, map: LinearMap, sources: u64) -> Option<Offer> {
        let (missing, targets) = (&self.missing, n_chunks(&self.target, self.log_slots));
        let ways = (0..=missing.len()).flat_map(|n| [(n, true), (n, false)]);
        let ways = ways.filter(|&(n, low)| if n == 0 { low } else { targets > 1 && (low || n < missing.len()) });
        let (n_steps, mut map) = (map.steps.len(), map);
        let mut best: Option<(Cost, [&[usize]; 2])> = None;
        for (n, low) in ways {
            let (inside, after) = if low { missing.split_at(n) } else { (&missing[missing.len() - n..], &missing[..missing.len() - n]) };
            let filled = after.len() as u64 * targets;
            let filling = Cost { rotations: filled, adds: filled, ..Cost::default() };
            map.steps.truncate(n_steps);
            map.steps.extend(inside.iter().map(|&p| Step::filling(p)));
            if map.volume() > MAX_VOLUME {
                continue;
            }
            let Some(mut cost) = map.cost_below(limit - filling.weigh(costs), costs, 1 << self.log_slots, sources, targets) else {
                continue;
            };
            if cost.mulcp > MAX_OPERATIONS {
                continue;
            }
            cost += filling;
            if cost.weigh(costs) < limit {
                limit = cost.weigh(costs);
                best = Some((cost, [inside, after]));
            }
        }
        let (cost, [inside, after]) = best?;
        map.steps.truncate(n_steps);
        map.steps.extend(inside.iter().map(|&p| Step::filling(p)));
        let mut target = self.target.clone();
        inside.iter().for_each(|&p| target.set(p, AddressBit::Rep));
        Some(Offer { cost, depth: 1, made: Made::Moved { map, sources, target, after: after.to_vec() } })
    }
}

impl Offer {
    const fn ready(conversion: Conversion) -> Self {
        Self { cost: conversion.cost, depth: conversion.depth, made: Made::Ready(conversion) }
    }

    /// With its move cut.
    pub(crate) fn conversion(self, goal: &Goal<'_>) -> Conversion {
        match self.made {
            Made::Ready(conversion) => conversion,
            Made::Moved { map, sources, target, after } => {
                let (slots, targets) = (1 << goal.log_slots, n_chunks(&target, goal.log_slots));
                let split = map.split(slots, slots, sources, targets);
                let cost = split.cost();
                spread(Route::Map(map, split), cost, target, after, goal.log_slots)
            }
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
    Packing { bits, offset: joint.offset, junk: 0 }
}

pub(crate) fn n_chunks(packing: &Packing, log_slots: usize) -> u64 {
    1 << packing.chunk_positions(log_slots).len()
}

fn direct(contraction: &Contraction, packing: &Packing, offset: u32, missing: &[usize], log_slots: usize) -> Conversion {
    let missing: Vec<usize> = missing.iter().copied().filter(|&p| packing.at(p) != AddressBit::Rep).collect();
    // What is unknown must not be carried into the slots that are filled.
    let disturbs = missing.first().is_some_and(|&lowest| packing.is_disturbed_from(lowest));
    let kept = disturbs.then(|| Kept::elements(packing, |label| contraction.labels[label].size, log_slots));
    let (route, packing) = Route::turned(packing, offset, kept, log_slots);
    let cost = route.turning(n_chunks(&packing, log_slots));
    spread(route, cost, packing, missing, log_slots)
}

/// A value that is where it should be, but for address bits that are filled.
pub(crate) fn spread_only(packing: Packing, missing: Vec<usize>, log_slots: usize) -> Conversion {
    spread(Route::Direct, Cost::default(), packing, missing, log_slots)
}

/// Fills these address bits after a route of this cost.
fn spread(route: Route, mut cost: Cost, mut packing: Packing, missing: Vec<usize>, log_slots: usize) -> Conversion {
    let filled = missing.len() as u64 * n_chunks(&packing, log_slots);
    cost += Cost { rotations: filled, adds: filled, ..Cost::default() };
    let depth = route.depth();
    for &p in &missing {
        packing.set(p, AddressBit::Rep);
    }
    Conversion { route, spread: missing, packing, cost, depth }
}

impl Route {
    /// Products on the way.
    pub(crate) const fn depth(&self) -> u32 {
        match self {
            Route::Direct | Route::Turn(_, None) => 0,
            Route::Turn(_, Some(_)) | Route::Map(..) => 1,
            Route::Stages(_) => 2,
        }
    }

    /// From a packing to the same with another offset, of which some may be kept only.
    pub(crate) fn turned(packing: &Packing, offset: u32, kept: Option<Kept>, log_slots: usize) -> (Self, Packing) {
        let by = packing.turn_to(offset, log_slots);
        let mut packing = Packing { offset, ..packing.clone() };
        kept.iter().for_each(|kept| kept.clean(&mut packing));
        (if by == 0 && kept.is_none() { Route::Direct } else { Route::Turn(by, kept) }, packing)
    }

    /// What that costs for so many ciphertexts.
    pub(crate) fn turning(&self, chunks: u64) -> Cost {
        let Route::Turn(by, kept) = self else { return Cost::default() };
        Cost { rotations: u64::from(*by != 0) * chunks, mulcp: u64::from(kept.is_some()) * chunks, ..Cost::default() }
    }
}

/// The map that takes each label bit of a packing to its place in another.
pub(crate) fn packed_map(contraction: &Contraction, from: &Packing, to: &Packing, log_slots: usize) -> LinearMap {
    sized_map(|label| contraction.labels[usize::from(label)].size, from, to, log_slots)
}

/// The same of a tensor of this shape, whose axes are the labels.
pub(crate) fn shape_map(shape: &[u64], from: &Packing, to: &Packing, log_slots: usize) -> LinearMap {
    sized_map(|axis| shape[usize::from(axis)], from, to, log_slots)
}

fn sized_map(size: impl Fn(u8) -> u64, from: &Packing, to: &Packing, log_slots: usize) -> LinearMap {
    let frames = [from.offset, to.offset];
    let (from, to) = (from.positions(), to.positions());
    let mut labels: Vec<u8> = from.keys().map(|bit| bit.label).collect();
    labels.dedup();
    let place = |label: u8, bit: u8| from.get(&LabelBit { label, bit }).map_or(0, |&p| 1 << p);
    let steps = labels.into_iter().flat_map(|label| label_steps(size(label), label, log_slots, |bit| place(label, bit), &to));
    LinearMap { offset: 0, frames, steps: steps.collect(), bounds: Vec::new() }
}

/// The steps along a label: runs of bits that double at the source and at the target.
fn label_steps(size: u64, label: u8, log_slots: usize, source: impl Fn(u8) -> u64, to: &Positions) -> Vec<Step> {
    let n_bits = axis_bits(size);
    let weight = |bit: u8| (source(bit), to.get(&LabelBit { label, bit }).map_or(0, |&p| 1_u64 << p));
    let mut steps = Vec::new();
    let mut lo = 0;
    while lo < n_bits {
        let (first, mut hi) = (weight(lo), lo + 1);
        let chunk = |(source, target): (u64, u64)| (source.cast_signed().unsigned_abs() >> log_slots > 0, target >> log_slots > 0);
        while hi < n_bits
            && weight(hi) == (first.0.wrapping_shl(u32::from(hi - lo)), first.1 << (hi - lo))
            && chunk(weight(hi)) == chunk(first)
        {
            hi += 1;
        }
        let values = if hi == n_bits { ((size - 1) >> lo) + 1 } else { 1 << (hi - lo) };
        steps.push(Step { size: values, source: first.0, target: first.1, label: Some(label), scale: 1 << lo, extent: size });
        lo = hi;
    }
    steps
}

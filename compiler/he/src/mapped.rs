//! A secret operand times a public one as a linear map: the diagonals of the public operand, as Halevi and Shoup have it.
//!
//! A label that is summed is either *folded*, and then at the same address bits before and after the map, or *turned*: the source
//! is rotated along it while the result stays, `y[i] += w[i, i + t] x[i + t]`. Turned bits lie where the result has labels that the
//! source lacks; of these the source is replicated over the rest, so that rotations come round.

use crate::contraction::Contraction;
use crate::convert::{self, Conversion, Source, Strides, spread_only};
use crate::cost::Cost;
use crate::limits::{MAX_OPERATIONS, MAX_VOLUME};
use crate::linear::{LinearMap, Split, Step};
use crate::packing::{LabelBit, Packing};
use crate::product::{self, Outcome};
use crate::search::{Public, Way};
use ein_ir::packed::layout::AddressBit;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A secret value mapped by a public one, then summed.
#[derive(Clone, Debug)]
pub(crate) struct Mapped {
    pub(crate) way: Way,
    /// What is done to the secret value before.
    pub(crate) conversion: Conversion,
    pub(crate) map: LinearMap,
    pub(crate) split: Split,
    pub(crate) contraction: Rc<Contraction>,
    pub(crate) public: Public,
    /// The result of the map, before sums.
    pub(crate) partial: Packing,
    /// Labels, as bits, that are not summed.
    pub(crate) kept: u64,
    pub(crate) outcome: Outcome,
}

/// The labels of a map by their part in it.
struct Roles<'a> {
    contraction: &'a Rc<Contraction>,
    /// Labels of the secret value that stay.
    batch: Vec<LabelBit>,
    /// Labels that are summed.
    summed: Vec<LabelBit>,
    /// Labels that the public operand brings in.
    new: Vec<LabelBit>,
    log_slots: usize,
}

/// Maps of `way` by public operands; `wanted` are packings in which the result is wanted.
pub(crate) fn candidates(
    contraction: &Rc<Contraction>,
    way: &Way,
    public: Public,
    kept: u64,
    wanted: &[Packing],
    log_slots: usize,
) -> Vec<Mapped> {
    let (secret, brought) = (way.labels, contraction.kept_of(public.operands));
    // What only the secret value has and the result does not would have to be summed before.
    if secret & !brought & !kept != 0 || volume(contraction, secret | brought) > MAX_VOLUME {
        return Vec::new();
    }
    let bits = |labels: u64| -> Vec<LabelBit> {
        let inside = (0..64).filter(|&label| labels >> label & 1 == 1);
        inside.flat_map(|label| (0..contraction.bits(label)).map(move |bit| LabelBit { label, bit })).collect()
    };
    let roles = Roles { contraction, batch: bits(secret & kept), summed: bits(secret & !kept), new: bits(brought & !secret), log_slots };
    let placed = match &way.source {
        Source::Anywhere => roles.anywhere(),
        Source::Packed(packing) => roles.from(packing, wanted),
        Source::Strided(strides) => roles.along(strides, wanted),
    };
    let finish = |(conversion, partial): (Conversion, Packing)| roles.mapped(way, conversion, partial, public, kept);
    placed.into_iter().map(finish).filter(|mapped| mapped.split.cost().mulcp <= MAX_OPERATIONS).collect()
}

/// A packing with zero wherever it has no label.
fn only_labels(packing: &Packing) -> Packing {
    let bit = |bit: &AddressBit| if LabelBit::of(*bit).is_some() { *bit } else { AddressBit::Zero };
    Packing { bits: packing.bits.iter().map(bit).collect(), offset: packing.offset, junk: 0 }
}

fn volume(contraction: &Contraction, labels: u64) -> u64 {
    let sizes = (0..64).filter(|label| labels >> label & 1 == 1).map(|label: usize| contraction.labels[label].size);
    sizes.fold(1, u64::saturating_mul)
}

impl Roles<'_> {
    /// Where a value that can be anywhere is put, and the result of the map: for each number of turned bits.
    fn anywhere(&self) -> Vec<(Conversion, Packing)> {
        (0..=self.summed.len()).filter_map(|turned| self.packed(turned)).collect()
    }

    /// From the lowest bit: batch, folded, and the new labels up to the highest, over the turned bits.
    fn packed(&self, turned: usize) -> Option<(Conversion, Packing)> {
        let (turning, folding) = self.summed.split_at(turned);
        let below = self.batch.len() + folding.len();
        let room = self.log_slots.checked_sub(below)?;
        if turned > room {
            return None;
        }
        let in_slots = self.new.len().min(room);
        let first = self.log_slots - in_slots.max(turned);
        let mut partial = Packing::of(vec![AddressBit::Zero; self.log_slots]);
        for (position, bit) in self.batch.iter().chain(folding).enumerate() {
            partial.set(position, bit.address());
        }
        let mut source = partial.clone();
        for (position, bit) in (first..).zip(turning) {
            source.set(position, bit.address());
        }
        for (n, bit) in self.new.iter().enumerate() {
            let position = if n < in_slots { first + n } else { self.log_slots + n - in_slots };
            partial.set(position, bit.address());
        }
        let spread = (first + turned..self.log_slots).collect();
        Some((spread_only(source, spread, self.log_slots), partial))
    }

    /// From where a value is: all summed bits turned or some folded, into where the result is wanted or over the turned bits.
    fn from(&self, packing: &Packing, wanted: &[Packing]) -> Vec<(Conversion, Packing)> {
        let mut found = Vec::new();
        let positions = packing.positions();
        let zero_above = self.zero_above(packing);
        let mut by_position = self.summed.clone();
        by_position.sort_by_key(|bit| positions[bit]);
        for spread in [&zero_above[..0], &zero_above[..zero_above.len().min(1)], &zero_above[..]] {
            let joint = self.spreading(packing, spread);
            found.extend(wanted.iter().map(|wanted| (joint.clone(), only_labels(wanted))));
            for turned in 0..=by_position.len() {
                found.extend(self.over(packing, &by_position[..turned]).map(|partial| (joint.clone(), partial)));
            }
        }
        found
    }

    /// From addresses that are sums: labels that stay where they step by a power of two, new ones at free bits.
    fn along(&self, strides: &Strides, wanted: &[Packing]) -> Vec<(Conversion, Packing)> {
        let mut partial = Packing::of(vec![AddressBit::Zero; self.log_slots]);
        let mut later: Vec<LabelBit> = Vec::new();
        for bit in &self.batch {
            let weight = strides.weights.get(bit).copied().unwrap_or(0);
            let position = weight.trailing_zeros() as usize;
            let fits = weight.is_power_of_two() && position < self.log_slots && partial.at(position) == AddressBit::Zero;
            if fits { partial.set(position, bit.address()) } else { later.push(*bit) }
        }
        later.extend(&self.new);
        let free: Vec<usize> = (0..self.log_slots).filter(|&p| partial.at(p) == AddressBit::Zero).collect();
        let n_slots = later.len().min(free.len());
        later.iter().zip(free).for_each(|(bit, position)| partial.set(position, bit.address()));
        later[n_slots..].iter().zip(self.log_slots..).for_each(|(bit, position)| partial.set(position, bit.address()));
        let zero_above = self.zero_above(&strides.axes);
        let mut found = Vec::new();
        for spread in [&zero_above[..0], &zero_above[..]] {
            let conversion = self.spreading(&strides.axes, spread);
            found.extend(wanted.iter().map(|wanted| (conversion.clone(), only_labels(wanted))));
            found.push((conversion, partial.clone()));
        }
        found
    }

    /// Free bits above all labels that can be filled.
    fn zero_above(&self, packing: &Packing) -> Vec<usize> {
        let top = packing.bits.iter().take(self.log_slots).rposition(|bit| LabelBit::of(*bit).is_some()).map_or(0, |p| p + 1);
        let free = (top..self.log_slots).filter(|&p| packing.at(p) == AddressBit::Zero);
        free.filter(|&p| !packing.is_disturbed_from(p)).collect()
    }

    fn spreading(&self, packing: &Packing, spread: &[usize]) -> Conversion {
        spread_only(packing.clone(), spread.to_vec(), self.log_slots)
    }

    /// The result of the map with the new labels over the turned bits and then at free bits.
    fn over(&self, packing: &Packing, turning: &[LabelBit]) -> Option<Packing> {
        let mut partial = Packing { junk: 0, ..packing.clone() };
        for bit in &mut partial.bits {
            if LabelBit::of(*bit).is_none_or(|bit| turning.contains(&bit)) {
                *bit = AddressBit::Zero;
            }
        }
        let free: Vec<usize> = (0..self.log_slots).filter(|&p| partial.at(p) == AddressBit::Zero).collect();
        (free.len() >= self.new.len()).then(|| {
            for (bit, position) in self.new.iter().zip(free) {
                partial.set(position, bit.address());
            }
            partial
        })
    }

    fn mapped(&self, way: &Way, conversion: Conversion, partial: Packing, public: Public, kept: u64) -> Mapped {
        let map = self.map(way, &conversion.packing, &partial);
        let packing = product::folded(&partial, kept, self.log_slots);
        let folds = product::folds(&partial, kept, self.log_slots).len() as u64;
        let results = convert::n_chunks(&packing, self.log_slots);
        // Ciphertexts that are summed are summed before giant steps.
        let sources = convert::n_chunks(&conversion.packing, self.log_slots);
        let split = map.split(1 << self.log_slots, self.period(&conversion.packing, &partial), sources, results);
        let mut cost = way.cost;
        cost += conversion.cost;
        cost += split.cost();
        cost += Cost { rotations: folds * results, adds: folds * results, ..Cost::default() };
        let depth = way.depth + conversion.depth + 1;
        let outcome = Outcome { packing, cleaned: None, cost, depth };
        Mapped { contraction: Rc::clone(self.contraction), way: way.clone(), conversion, map, split, public, partial, kept, outcome }
    }

    /// Slots after which the source comes round, as far as the result reads it.
    fn period(&self, source: &Packing, partial: &Packing) -> u64 {
        let top =
            |packing: &Packing| packing.bits.iter().take(self.log_slots).rposition(|bit| LabelBit::of(*bit).is_some()).map_or(0, |p| p + 1);
        let highest = top(source);
        let replicated = (highest..self.log_slots).take_while(|&p| source.at(p) == AddressBit::Rep).count();
        // Twice is enough for a result that lies within the first of them.
        let comes_round = highest + replicated == self.log_slots || replicated > 0 && top(partial) <= highest;
        1 << if comes_round { highest } else { self.log_slots }
    }

    fn map(&self, way: &Way, source: &Packing, partial: &Packing) -> LinearMap {
        let place = |(bit, position): (LabelBit, usize)| (bit, 1_u64 << position);
        let (from, offset, bounds) = match &way.source {
            Source::Strided(strides) => (strides.weights.clone(), strides.offset, strides.bounds.clone()),
            Source::Packed(_) | Source::Anywhere => (source.positions().into_iter().map(place).collect(), 0, Vec::new()),
        };
        let frames = [source.offset, partial.offset];
        let to: BTreeMap<LabelBit, u64> = partial.positions().into_iter().map(place).collect();
        let weight = |weights: &BTreeMap<LabelBit, u64>, bit: &LabelBit| weights.get(bit).copied().unwrap_or(0);
        let mut steps: Vec<Step> = Vec::new();
        let new: Vec<LabelBit> = self.batch.iter().chain(&self.summed).chain(&self.new).copied().collect();
        for bit in &new {
            let (source, target) = (weight(&from, bit), weight(&to, bit));
            let chunk = |weight: u64| weight.cast_signed().unsigned_abs() >> self.log_slots > 0;
            if let Some(last) = steps.last_mut()
                && last.label == Some(bit.label)
                && (last.source.wrapping_mul(last.size), last.target * last.size) == (source, target)
                && (chunk(last.source), chunk(last.target)) == (chunk(source), chunk(target))
            {
                last.size *= 2;
                continue;
            }
            let extent = self.contraction.labels[usize::from(bit.label)].size;
            steps.push(Step { size: 2, source, target, label: Some(bit.label), scale: 1 << bit.bit, extent });
        }
        steps.iter_mut().for_each(|step| step.size = step.size.min((step.extent - 1) / step.scale + 1));
        LinearMap { offset, frames, steps, bounds }
    }
}

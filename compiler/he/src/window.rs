//! Sums over windows by rotations alone.
//!
//! In `y[i] = sum[p](x[i + p])` every element is a sum of neighbours: what a tensor holds is added to itself, rotated along the axis, and `y` is a
//! part of that as it lies. Windows of several axes are summed one axis after the other, and a window of `w` by doubling: `x` and its
//! neighbour, that and the next two, and so on. Where a window goes beyond an axis that is padded, zeros must lie there.

use crate::contraction::{Axis, Contraction, Operand, Subscript};
use crate::convert::n_chunks;
use crate::cost::Cost;
use crate::held::{Held, row_major};
use crate::packing::{LabelBit, Packing};
use crate::view;
use ein_ir::packed::layout::{AddressBit, axis_bits};
use std::rc::Rc;

/// Sums over windows of a tensor.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) held: Rc<Held>,
    /// The address bits of the only ciphertexts that are read.
    pub(crate) chunk: u64,
    pub(crate) runs: Vec<Run>,
    /// The result.
    pub(crate) packing: Packing,
}

/// The sum of so many values that are a step apart, of which some lie before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// In slots.
    pub(crate) step: i64,
    pub(crate) count: u64,
    pub(crate) before: u64,
}

/// One rotation of a run and what it is added to: blocks of values by their number, the one value first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Join {
    pub(crate) to: usize,
    pub(crate) block: usize,
    /// To the left.
    pub(crate) by: i64,
}

impl Run {
    /// The rotations that make it, each of a block and added to one; every join makes the next block.
    pub(crate) fn joins(&self) -> Vec<Join> {
        let (count, before) = (self.count.cast_signed(), self.before.cast_signed());
        let doublings = self.count.ilog2();
        let largest = 1_i64 << doublings;
        // The largest block begins where the run does, or ends where it ends, and holds the value itself either way.
        let is_first = before < largest;
        let start = if is_first { -before } else { count - before - largest };
        let mut joins = Vec::new();
        let mut starts = vec![0_i64];
        for n in 0..doublings {
            let length = 1_i64 << n;
            let backwards = -start & length != 0;
            let (at, by) = (starts[n as usize], if backwards { -length } else { length });
            joins.push(Join { to: n as usize, block: n as usize, by: by * self.step });
            starts.push(at.min(at + by));
        }
        let mut next = if is_first { start + largest } else { -before };
        let mut total = doublings as usize;
        for n in (0..doublings as usize).rev().filter(|n| (count - largest) >> n & 1 == 1) {
            joins.push(Join { to: total, block: n, by: (next - starts[n]) * self.step });
            next += 1 << n;
            total = joins.len();
        }
        joins
    }
}

impl Window {
    /// What it costs, and the tensor.
    pub(crate) fn cost(&self, log_slots: usize) -> Cost {
        let joins = self.runs.iter().map(|run| run.joins().len() as u64).sum::<u64>() * n_chunks(&self.packing, log_slots);
        let mut cost = self.held.cost;
        cost += Cost { rotations: joins, adds: joins, ..Cost::default() };
        cost
    }
}

/// An axis as a window reads it.
struct Line {
    /// What is left to be read, from a first position on.
    label: Option<(u8, i64)>,
    first: i64,
    /// Labels that are summed, each with the positions that one step along it goes.
    summed: Vec<(i64, u64)>,
    /// The first position that is read, and the last one.
    reach: (i64, i64),
}

impl Line {
    fn of(axis: &Axis, contraction: &Contraction, kept: u64) -> Option<Self> {
        let (terms, offset) = axis.subscript.linear();
        let mut line = Self { label: None, first: offset, summed: Vec::new(), reach: (offset, offset) };
        for (label, factor) in terms.into_iter().filter(|(label, factor)| *factor != 0 && contraction.bits(*label) > 0) {
            let size = contraction.labels[usize::from(label)].size;
            let end = factor.checked_mul(i64::try_from(size.checked_sub(1)?).ok()?)?;
            line.reach = (line.reach.0 + end.min(0), line.reach.1 + end.max(0));
            if kept >> label & 1 == 0 {
                // From its last position on, if it goes backwards.
                line.first += end.min(0);
                line.summed.push((factor.abs(), size));
            } else if line.label.replace((label, factor)).is_some() {
                return None;
            }
        }
        Some(line)
    }

    /// How many bits beyond those of the axis must be zero for it to be zero wherever this reads beyond it.
    fn gap(&self, size: u64) -> Option<usize> {
        let beyond = (-self.reach.0).max(self.reach.1 + 1 - i64::try_from(size).ok()?).max(0);
        let bits = axis_bits(size.checked_add(u64::try_from(beyond).ok()?)?);
        Some(usize::from(bits.saturating_sub(axis_bits(size))))
    }
}

/// Windows of an operand that is held, with the labels that are not summed; none if it cannot be read so without a mask.
pub(crate) fn windows(contraction: &Contraction, operand: &Operand, kept: u64, held: &Rc<Held>, log_slots: usize) -> Option<Window> {
    let places = held.packing.positions();
    let is_summed_twice = |label: u8| kept >> label & 1 == 0 && operand.labels().filter(|other| *other == label).count() > 1;
    if operand.labels().any(is_summed_twice) {
        return None;
    }
    let mut packing = held.packing.clone();
    let (mut axes, mut runs, mut turn, mut lowest) = (Vec::new(), Vec::new(), 0_i64, log_slots);
    for (n, axis) in (0_u8..).zip(&operand.axes) {
        let is_padded = matches!(axis.subscript, Subscript::Padded { .. });
        let mut line = Line::of(axis, contraction, kept)?;
        if line.summed.is_empty() && !is_padded {
            axes.push(axis.clone());
            continue;
        }
        let bits = axis_bits(axis.size);
        let field = *places.get(&LabelBit { label: n, bit: 0 })?;
        let is_field = (0..bits).all(|bit| places.get(&LabelBit { label: n, bit }) == Some(&(field + usize::from(bit))));
        let top = field + usize::from(bits);
        if !is_field || top > log_slots {
            return None;
        }
        if is_padded {
            let zeros = (top..log_slots).take_while(|&p| held.packing.at(p) == AddressBit::Zero).count();
            if held.packing.has_junk() || line.gap(axis.size)? > zeros {
                return None;
            }
        }
        for (step, count) in std::mem::take(&mut line.summed) {
            let before = (-line.first).max(0).cast_unsigned().div_ceil(step.cast_unsigned()).min(count - 1);
            line.first += step * before.cast_signed();
            runs.push(Run { step: step << field, count, before });
        }
        let first = line.first.max(0);
        turn += (line.first - first) << field;
        let reached = line.label.map_or(0, |(label, factor)| factor.trailing_zeros() + u32::from(contraction.bits(label)));
        if first.cast_unsigned() >= axis.size || reached > u32::from(bits) {
            return None;
        }
        let subscript = match line.label {
            Some(label) => Subscript::Linear { terms: vec![label], offset: first },
            None => Subscript::Fixed(first.cast_unsigned()),
        };
        axes.push(Axis { size: axis.size, subscript });
        packing.junk |= 1 << n;
        lowest = lowest.min(field);
    }
    // Where a window runs over, something gets beside what was there alone.
    (lowest..log_slots)
        .filter(|&p| packing.at(p) == AddressBit::Zero)
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|p| packing.set(p, AddressBit::Junk));
    let read = Operand { axes, ..operand.clone() };
    let (mut packing, chunk) = view::packing(contraction, &read, &packing, log_slots)?;
    let turned = (i64::from(packing.offset) + turn).rem_euclid(1 << log_slots);
    packing.offset = u32::try_from(turned).ok()?;
    (lowest < log_slots).then(|| Window { held: Rc::clone(held), chunk, runs, packing })
}

/// A row-major packing with zeros where an operand is read beyond its axes; none if it needs none, or there is no room.
pub(crate) fn spaced(contraction: &Contraction, operand: &Operand, log_slots: usize) -> Option<Packing> {
    let mut bits = Vec::new();
    let mut is_spaced = false;
    for (n, axis) in (0_u8..).zip(&operand.axes).collect::<Vec<_>>().into_iter().rev() {
        bits.extend((0..axis_bits(axis.size)).map(|bit| LabelBit { label: n, bit }.address()));
        if matches!(axis.subscript, Subscript::Padded { .. }) {
            let line = Line::of(axis, contraction, 0)?;
            let gap = line.gap(axis.size)?;
            is_spaced |= gap > 0;
            bits.resize(bits.len() + gap, AddressBit::Zero);
        }
    }
    let mut packing = row_major(&operand.shape(), log_slots);
    let fits = bits.len() <= log_slots && packing.bits.len() <= log_slots;
    bits.resize(log_slots, AddressBit::Zero);
    packing.bits = bits;
    (is_spaced && fits).then_some(packing)
}

#[cfg(test)]
mod tests {
    use super::Run;

    /// The positions that a run sums, each as often as it does.
    fn summed(run: &Run) -> Vec<i64> {
        let mut blocks = vec![vec![0]];
        for join in run.joins() {
            let turned: Vec<i64> = blocks[join.block].iter().map(|at| at + join.by).collect();
            blocks.push([&blocks[join.to][..], &turned].concat());
        }
        let mut all = blocks.pop().unwrap();
        all.sort_unstable();
        all
    }

    #[test]
    fn runs_are_summed_by_doubling() {
        for count in 1..40 {
            for before in 0..count {
                let run = Run { step: 3, count, before };
                let wanted: Vec<i64> = (0..count).map(|n| 3 * (n.cast_signed() - before.cast_signed())).collect();
                assert_eq!(summed(&run), wanted, "{run:?}");
                assert_eq!(run.joins().len() as u32, count.ilog2() + count.count_ones() - 1);
            }
        }
    }
}

//! Rotations of a map over several ciphertexts, counted exactly.
//!
//! An index that numbers ciphertexts and also displaces elements chooses other displacements for each ciphertext: not every source is then
//! rotated by every baby step, and not every target by every giant step.

use super::steps::{MAX_STEPS, Rotations, Side, Steps};
use super::{Cut, LinearMap, Progression, Split};
use rustc_hash::FxHashMap as HashMap;
use std::cell::RefCell;

/// Combinations of indices that number ciphertexts beyond which the rotations are not counted.
const MAX_COMBINATIONS: u64 = 1 << 9;
/// Counts that are remembered; beyond that all are forgotten.
const MAX_REMEMBERED: usize = 1 << 14;

thread_local! {
    /// By all that a count depends on. A search for a plan counts the same again and again.
    static COUNTED: RefCell<HashMap<Vec<u64>, u64>> = RefCell::default();
}

impl LinearMap {
    /// The rotations of all ciphertexts; none if every ciphertext takes all of them, or if that was not found out.
    pub(super) fn rotations(&self, split: &Split, slots: u64) -> Option<u64> {
        let is_high = |address: u64| address.cast_signed().unsigned_abs() >= slots;
        let (high, low): (Vec<usize>, Vec<usize>) =
            (0..self.steps.len()).partition(|&n| is_high(self.steps[n].source) || is_high(self.steps[n].target));
        let displaces = |n: &usize| split.parts[*n].is_some();
        if !high.iter().any(displaces) || !self.numbers_ciphertexts(&high, &low, slots) {
            return None;
        }
        let mut within: Vec<Progression> = split.progressions.iter().map(|p| Progression { lo: 0, hi: 0, ..*p }).collect();
        for (at, multiple, size) in low.iter().filter_map(|&n| split.parts[n].map(|(at, multiple)| (at, multiple, self.steps[n].size))) {
            within[at].add(multiple, size);
        }
        let (babies, giants) = split.numbers();
        let combinations = high.iter().fold(1, |n: u64, &step| n.saturating_mul(self.steps[step].size));
        if babies.max(giants) > MAX_STEPS || combinations > MAX_COMBINATIONS {
            return None;
        }
        COUNTED.with_borrow_mut(|counted| {
            if counted.len() >= MAX_REMEMBERED {
                counted.clear();
            }
            let key = self.key(split, &within, &high, slots);
            let count = || self.counted_apart(split, &within, &high, slots).unwrap_or_else(|| self.counted(split, &within, &high, slots));
            Some(*counted.entry(key).or_insert_with(count))
        })
    }

    /// All that the rotations depend on.
    fn key(&self, split: &Split, within: &[Progression], high: &[usize], slots: u64) -> Vec<u64> {
        let mut key = vec![split.progressions.len() as u64, slots, split.period.cast_unsigned(), split.offset.cast_unsigned()];
        for ((progression, cut), within) in split.progressions.iter().zip(&split.cuts).zip(within) {
            key.extend([progression.unit, progression.lo, progression.hi, cut.babies, within.lo, within.hi].map(i64::cast_unsigned));
        }
        for &n in high {
            let (step, part) = (&self.steps[n], split.parts[n]);
            let (at, multiple) = part.map_or((u64::MAX, 0), |(at, multiple)| (at as u64, multiple.cast_unsigned()));
            key.extend([step.size, step.source / slots, step.target / slots, at, multiple, step.scale]);
        }
        for (steps, size) in self.cut() {
            key.push(u64::MAX);
            key.extend(high.iter().zip(0_u64..).filter(|(n, _)| steps.contains(n)).map(|(_, place)| place));
            key.push(size);
        }
        key
    }

    pub(super) fn counted(&self, split: &Split, within: &[Progression], high: &[usize], slots: u64) -> u64 {
        let mut numbers: HashMap<Vec<i64>, usize> = HashMap::default();
        let mut reached: Vec<[Rotations; 2]> = Vec::new();
        // Numbers of ciphertexts, each with from where it is rotated.
        let mut courses: [Vec<(u64, usize)>; 2] = Default::default();
        let mut from = vec![0; split.progressions.len()];
        self.each_combination(high, |values| {
            split.multiples(high, values, &mut from);
            let n = numbers.get(&from).copied().unwrap_or_else(|| {
                numbers.insert(from.clone(), reached.len());
                reached.push(split.reached(within, &from, slots));
                reached.len() - 1
            });
            let sum = |weight: &dyn Fn(usize) -> u64| high.iter().zip(values).map(|(&n, value)| weight(n) * value).sum::<u64>();
            courses[0].push((sum(&|n| self.steps[n].source / slots), n));
            courses[1].push((sum(&|n| self.steps[n].target / slots), n));
        });
        let of_side = |(side, mut courses): (Side, Vec<(u64, usize)>)| {
            courses.sort_unstable();
            courses.dedup();
            let of_one = courses.chunk_by(|(one, _), (other, _)| one == other);
            of_one.map(|courses| Rotations::count(courses.iter().map(|(_, n)| side.of_ref(&reached[*n])), slots)).sum::<u64>()
        };
        Side::BOTH.into_iter().zip(courses).map(of_side).sum()
    }

    /// Whether these indices and no others number ciphertexts: whole ones, and no element runs over from one into the next.
    fn numbers_ciphertexts(&self, high: &[usize], low: &[usize], slots: u64) -> bool {
        let whole = |address: u64| address.cast_signed() >= 0 && (address < slots || address.is_multiple_of(slots));
        let within = |address: &dyn Fn(usize) -> u64| low.iter().map(|&n| address(n) * (self.steps[n].size.max(1) - 1)).sum::<u64>();
        let in_order = low.iter().all(|&n| self.steps[n].source < slots);
        in_order
            && high.iter().all(|&n| whole(self.steps[n].source) && whole(self.steps[n].target))
            && self.offset < slots
            && within(&|n| self.steps[n].source) + self.offset + self.low_reach(high, slots) < slots
    }

    /// How far indices that number ciphertexts of one side only go within those of the source.
    fn low_reach(&self, high: &[usize], slots: u64) -> u64 {
        let steps = high.iter().map(|&n| &self.steps[n]).filter(|step| step.source < slots);
        steps.map(|step| step.source * (step.size.max(1) - 1)).sum()
    }

    /// Calls `f` with all values of these indices, but for those beyond the size of a label: there is nothing to move.
    fn each_combination(&self, of: &[usize], mut f: impl FnMut(&[u64])) {
        let cut: Vec<(Vec<(usize, u64)>, u64)> = self.cut().into_iter().map(|(steps, size)| (self.scales(of, &steps), size)).collect();
        let mut values = vec![0; of.len()];
        loop {
            let position = |steps: &[(usize, u64)]| steps.iter().map(|&(place, scale)| values[place] * scale).sum::<u64>();
            if cut.iter().all(|(steps, size)| position(steps) < *size) {
                f(&values);
            }
            let Some(at) = (0..of.len()).rev().find(|&at| values[at] + 1 < self.steps[of[at]].size) else { return };
            values[at] += 1;
            values[at + 1..].fill(0);
        }
    }

    /// The places among some indices of those that are also among others, with their scales.
    fn scales(&self, of: &[usize], steps: &[usize]) -> Vec<(usize, u64)> {
        let inside = of.iter().enumerate().filter(|(_, step)| steps.contains(step));
        inside.map(|(place, &step)| (place, self.steps[step].scale)).collect()
    }
}

impl Split {
    /// How many baby steps and giant steps there are.
    fn numbers(&self) -> (u64, u64) {
        let pairs = || self.progressions.iter().zip(&self.cuts);
        let babies = pairs().fold(1, |all: u64, (_, cut)| all.saturating_mul(cut.babies.unsigned_abs()));
        (babies, pairs().fold(1, |all: u64, (progression, cut)| all.saturating_mul(progression.giants(*cut).unsigned_abs())))
    }

    /// Writes the multiple of each progression at these values of some indices.
    fn multiples(&self, indices: &[usize], values: &[u64], multiples: &mut [i64]) {
        multiples.fill(0);
        for (&n, value) in indices.iter().zip(values) {
            self.parts[n].into_iter().for_each(|(at, multiple)| multiples[at] += multiple * value.cast_signed());
        }
    }

    /// The rotations by baby steps and by giant steps of elements from these multiples on.
    fn reached(&self, within: &[Progression], from: &[i64], slots: u64) -> [Rotations; 2] {
        Side::BOTH.map(|side| {
            let of = |((progression, cut), (within, from)): ((&Progression, &Cut), (&Progression, &i64))| {
                progression.steps(side, *cut, self.period, from + within.lo, from + within.hi)
            };
            let steps: Vec<Steps> = self.progressions.iter().zip(&self.cuts).zip(within.iter().zip(from)).map(of).collect();
            let mut rotations = Rotations::of(slots);
            self.each_sum(side, &steps, &mut |by| rotations.add(by));
            rotations
        })
    }

    /// Calls `f` with the slots by which each combination of these steps, one of each progression, rotates.
    pub(super) fn each_sum(&self, side: Side, steps: &[Steps], f: &mut impl FnMut(i64)) {
        self.each_from(side, steps, 0, side.of([0, self.offset]), f);
    }

    /// The same with the first progressions chosen.
    fn each_from(&self, side: Side, steps: &[Steps], at: usize, sum: i64, f: &mut impl FnMut(i64)) {
        let Some(of) = steps.get(at) else { return f(sum) };
        for step in of.iter() {
            self.each_from(side, steps, at + 1, sum + self.progressions[at].slots(side, self.cuts[at], step), f);
        }
    }
}

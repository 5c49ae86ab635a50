//! Rotations of a map over several ciphertexts, counted exactly.
//!
//! An index that numbers ciphertexts and also displaces elements chooses other displacements for each ciphertext: not every source is then
//! rotated by every baby step, and not every target by every giant step.

use super::{Cut, LinearMap, Progression, Split};
use rustc_hash::FxHashMap as HashMap;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Combinations of indices that number ciphertexts, and steps of one of them, beyond which the rotations are not counted.
const MAX_COMBINATIONS: u64 = 1 << 9;
const MAX_STEPS: u64 = 1 << 10;
/// Counts that are remembered; beyond that all are forgotten.
const MAX_REMEMBERED: usize = 1 << 14;

thread_local! {
    /// By all that a count depends on. A search for a plan counts the same again and again.
    static COUNTED: RefCell<HashMap<Vec<u64>, u64>> = RefCell::default();
}

/// Steps of each ciphertext, as sets of bits.
type Reached = BTreeMap<u64, Vec<u64>>;

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
            Some(*counted.entry(key).or_insert_with(|| self.counted(split, &within, &high, slots)))
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

    fn counted(&self, split: &Split, within: &[Progression], high: &[usize], slots: u64) -> u64 {
        let (mut of_sources, mut of_targets) = (Reached::new(), Reached::new());
        let mut steps: BTreeMap<Vec<i64>, [Vec<u64>; 2]> = BTreeMap::new();
        for values in self.combinations(high) {
            let sum = |weight: &dyn Fn(usize) -> u64| high.iter().zip(&values).map(|(&n, value)| weight(n) * value).sum::<u64>();
            let (source, target) = (sum(&|n| self.steps[n].source / slots), sum(&|n| self.steps[n].target / slots));
            let from = split.multiples(high, &values);
            let [turns, moves] = &*steps.entry(from).or_insert_with_key(|from| split.reached(within, from, slots));
            of_sources.entry(source).and_modify(|set| join(set, turns)).or_insert_with(|| turns.clone());
            of_targets.entry(target).and_modify(|set| join(set, moves)).or_insert_with(|| moves.clone());
        }
        of_sources.values().chain(of_targets.values()).map(|set| count(set)).sum()
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

    /// All values of these indices.
    fn combinations(&self, of: &[usize]) -> Vec<Vec<u64>> {
        let mut all = vec![Vec::new()];
        for &step in of {
            all = all.iter().flat_map(|before| (0..self.steps[step].size).map(move |value| [&before[..], &[value]].concat())).collect();
        }
        let cut = self.cut();
        // Beyond the size of a label there is nothing to move.
        let position = |values: &[u64], steps: &[usize]| {
            let inside = of.iter().zip(values).filter(|(step, _)| steps.contains(step));
            inside.map(|(&step, value)| value * self.steps[step].scale).sum::<u64>()
        };
        all.retain(|values| cut.iter().all(|(steps, size)| position(values, steps) < *size));
        all
    }
}

impl Split {
    /// How many baby steps and giant steps there are.
    fn numbers(&self) -> (u64, u64) {
        let pairs = || self.progressions.iter().zip(&self.cuts);
        let babies = pairs().fold(1, |all: u64, (_, cut)| all.saturating_mul(cut.babies.unsigned_abs()));
        (babies, pairs().fold(1, |all: u64, (progression, cut)| all.saturating_mul(progression.giants(*cut).unsigned_abs())))
    }

    /// The multiple of each progression at these values of some indices.
    fn multiples(&self, indices: &[usize], values: &[u64]) -> Vec<i64> {
        let mut multiples = vec![0; self.progressions.len()];
        for (&n, value) in indices.iter().zip(values) {
            self.parts[n].into_iter().for_each(|(at, multiple)| multiples[at] += multiple * value.cast_signed());
        }
        multiples
    }

    /// By how many slots the baby steps and the giant steps of elements from these multiples on rotate, as sets of bits; 0 is no rotation.
    fn reached(&self, within: &[Progression], from: &[i64], slots: u64) -> [Vec<u64>; 2] {
        let (mut turns, mut moves) = (vec![0], vec![self.offset]);
        for (((progression, cut), within), from) in self.progressions.iter().zip(&self.cuts).zip(within).zip(from) {
            let [babies, giants] = progression.steps(*cut, self.period, from + within.lo, from + within.hi);
            turns = extended(&turns, |step| (step - cut.start) * progression.unit, babies);
            moves = extended(&moves, |step| (step + progression.first(*cut)) * progression.unit * cut.babies, giants);
        }
        [turns, moves].map(|all| {
            let mut set = vec![0; usize::try_from(slots.div_ceil(64)).unwrap_or(0)];
            for by in all {
                let by = usize::try_from(by.rem_euclid(slots.cast_signed())).unwrap_or(0);
                set[by / 64] |= u64::from(by != 0) << (by % 64);
            }
            set
        })
    }
}

/// Some of a progression's steps by number.
type Steps = Vec<i64>;

impl Progression {
    /// The baby steps and the giant steps of the multiples from one to another.
    fn steps(&self, cut: Cut, period: i64, lo: i64, hi: i64) -> [Steps; 2] {
        let [mut babies, mut giants] = [Steps::new(), Steps::new()];
        let of = |multiple: i64| {
            ((multiple + cut.start).rem_euclid(cut.babies), (multiple + cut.start).div_euclid(cut.babies) - self.first(cut))
        };
        for (lo, hi) in self.once(period, lo, hi) {
            let ((first, from), (last, to)) = (of(lo), of(hi));
            match to - from {
                _ if hi - lo + 1 >= cut.babies => babies.extend(0..cut.babies),
                0 => babies.extend(first..=last),
                _ => babies.extend((0..=last).chain(first..cut.babies)),
            }
            giants.extend(from..=to);
        }
        [babies, giants].map(|mut steps| {
            steps.sort_unstable();
            steps.dedup();
            steps
        })
    }

    /// Multiples from one to another as [`Progression::reduce`] has them.
    fn once(&self, period: i64, lo: i64, hi: i64) -> Vec<(i64, i64)> {
        if lo >= self.lo && hi <= self.hi {
            return vec![(lo, hi)];
        }
        if hi - lo >= self.hi - self.lo {
            return vec![(self.lo, self.hi)];
        }
        let [lo, hi] = [lo, hi].map(|multiple| multiple.rem_euclid(period / self.unit));
        if lo <= hi { vec![(lo, hi)] } else { vec![(lo, self.hi), (self.lo, hi)] }
    }
}

/// Slots, with those of the steps of one more progression.
fn extended(slots: &[i64], of: impl Fn(i64) -> i64, steps: Steps) -> Vec<i64> {
    let steps: Vec<i64> = steps.into_iter().map(of).collect();
    slots.iter().flat_map(|so_far| steps.iter().map(move |step| so_far + step)).collect()
}

fn join(set: &mut [u64], other: &[u64]) {
    set.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}

fn count(set: &[u64]) -> u64 {
    set.iter().map(|word| u64::from(word.count_ones())).sum()
}

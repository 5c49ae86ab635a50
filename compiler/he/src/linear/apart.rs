//! Rotations of a map over several ciphertexts, counted for ciphertexts with the same steps at once.
//!
//! Where the indices that number ciphertexts are free of each other, the steps of a ciphertext are all combinations of some steps of each
//! progression, and these are those of many ciphertexts.

use super::steps::{Rotations, Side, Steps};
use super::{LinearMap, Progression, Split, Step};
use rustc_hash::FxHashMap as HashMap;

/// Steps of a progression that ciphertexts take, and how many values of their indices that are of this progression lead to these.
type Group = (Steps, u64);

impl LinearMap {
    /// The rotations of all ciphertexts; none where indices depend on each other, or ciphertexts have several numbers.
    pub(super) fn counted_apart(&self, split: &Split, within: &[Progression], high: &[usize], slots: u64) -> Option<u64> {
        if self.depend(high) {
            return None;
        }
        let of_side = |side| self.counted_on(side, split, within, high, slots);
        Some(of_side(Side::Source)?.saturating_add(of_side(Side::Target)?))
    }

    /// Whether one of these indices may be beyond the size of its label because of another.
    fn depend(&self, high: &[usize]) -> bool {
        let last = |steps: &[usize]| {
            let inside = steps.iter().filter(|n| high.contains(n));
            inside.map(|&n| self.steps[n].size.saturating_sub(1) * self.steps[n].scale).sum::<u64>()
        };
        self.cut().iter().any(|(steps, size)| last(steps) >= *size)
    }

    fn counted_on(&self, side: Side, split: &Split, within: &[Progression], high: &[usize], slots: u64) -> Option<u64> {
        let number = |n: usize| side.of([self.steps[n].source, self.steps[n].target]) / slots;
        let (own, shared): (Vec<usize>, Vec<usize>) = high.iter().partition(|&&n| number(n) != 0);
        if !is_injective(own.iter().map(|&n| (number(n), self.steps[n].size)).collect()) {
            return None;
        }
        let alike = own.iter().filter(|&&n| split.parts[n].is_none());
        let alike = alike.fold(1, |all: u64, &n| all.saturating_mul(self.steps[n].size));
        let groups: Vec<Vec<Group>> =
            (0..split.progressions.len()).map(|at| self.groups(side, split, (at, &within[at]), &own, &shared)).collect();
        let mut chosen = Vec::with_capacity(groups.len());
        Some(alike.saturating_mul(split.counted_of(side, &groups, &mut chosen, slots)))
    }

    /// The steps of a progression by the indices that number the ciphertexts of a side: all that are reached with those that do not.
    fn groups(&self, side: Side, split: &Split, (at, within): (usize, &Progression), own: &[usize], shared: &[usize]) -> Vec<Group> {
        let (progression, cut) = (&split.progressions[at], split.cuts[at]);
        let shared = self.sums(split, at, shared);
        let mut groups: HashMap<Steps, u64> = HashMap::default();
        for own in self.sums(split, at, own) {
            let mut steps = Steps::default();
            for from in shared.iter().map(|shared| own + shared) {
                steps.join(&progression.steps(side, cut, split.period, from + within.lo, from + within.hi));
            }
            *groups.entry(steps).or_default() += 1;
        }
        groups.into_iter().collect()
    }

    /// Multiples of a progression at all values of these indices.
    fn sums(&self, split: &Split, progression: usize, indices: &[usize]) -> Vec<i64> {
        let parts = indices.iter().filter_map(|&n| split.parts[n].map(|(at, multiple)| (at, multiple, self.steps[n].size)));
        parts.filter(|(at, ..)| *at == progression).fold(vec![0], |sums, (_, multiple, size)| {
            sums.iter().flat_map(|sum| (0..size).map(move |value| sum + multiple * value.cast_signed())).collect()
        })
    }
}

impl Split {
    /// The rotations of ciphertexts that have one group of each progression, and those that are chosen so far.
    fn counted_of(&self, side: Side, groups: &[Vec<Group>], chosen: &mut Vec<Steps>, slots: u64) -> u64 {
        let Some(groups_of) = groups.get(chosen.len()) else {
            let mut rotations = Rotations::of(slots);
            self.each_sum(side, chosen, &mut |by| rotations.add(by));
            return rotations.len();
        };
        let mut all: u64 = 0;
        for (steps, n) in groups_of {
            chosen.push(*steps);
            all = all.saturating_add(n.saturating_mul(self.counted_of(side, groups, chosen, slots)));
            chosen.pop();
        }
        all
    }
}

/// What so many babies and giants take at least: complete pairs of ciphertexts, apart from each other, of so many sources and targets each.
struct Pairs {
    apart: u64,
    sources: u64,
    targets: u64,
}

impl LinearMap {
    /// Rotations below which there is no way to cut this many displacements between every two ciphertexts: `b` babies of a source and `g` giants of a
    /// target have `b g` sums.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of rotations are small"
    )]
    pub(super) fn least_rotations(&self, within: u64, slots: u64) -> u64 {
        let Pairs { apart, sources, targets } = self.pairs(slots);
        let [apart, sources, targets, within] = [apart, sources, targets, within].map(|n| n as f64);
        let babies = (within * targets / sources).sqrt().clamp(1.0, within.max(1.0));
        let of_one = sources * (babies - 1.0) + targets * (within / babies - 1.0);
        // Rounded down, with what a sum of floats may be off by.
        (apart * of_one - 1e-6).max(0.0).floor() as u64
    }

    /// Pairs of ciphertexts that elements move between, each by its own index; one pair if indices do not number whole ciphertexts or depend on each
    /// other.
    fn pairs(&self, slots: u64) -> Pairs {
        let is_high = |address: u64| address.cast_signed().unsigned_abs() >= slots;
        let mut pairs = Pairs { apart: 1, sources: 1, targets: 1 };
        let high: Vec<usize> = (0..self.steps.len()).filter(|&n| is_high(self.steps[n].source) || is_high(self.steps[n].target)).collect();
        let is_whole = |address: u64| address.cast_signed() >= 0 && (address < slots || address.is_multiple_of(slots));
        let numbers = |of: fn(&Step) -> u64| is_injective(high.iter().map(|&n| (of(&self.steps[n]) / slots, self.steps[n].size)).collect());
        let are_whole = high.iter().all(|&n| is_whole(self.steps[n].source) && is_whole(self.steps[n].target));
        if !are_whole || self.depend(&high) || !numbers(|step| step.source) || !numbers(|step| step.target) {
            return pairs;
        }
        for step in high.iter().map(|&n| &self.steps[n]) {
            let number = match (is_high(step.source), is_high(step.target)) {
                (true, true) => &mut pairs.apart,
                (true, false) => &mut pairs.sources,
                _ => &mut pairs.targets,
            };
            *number = number.saturating_mul(step.size);
        }
        pairs
    }
}

/// Whether different values of indices have different sums, as far as is easily seen: each steps over all before it.
fn is_injective(mut steps: Vec<(u64, u64)>) -> bool {
    steps.retain(|(step, _)| *step > 0);
    steps.sort_unstable();
    let mut reach = 0;
    steps.into_iter().all(|(step, size)| {
        let is_beyond = step > reach;
        reach = step.saturating_mul(size.saturating_sub(1)).saturating_add(reach);
        is_beyond
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Random;

    const SLOTS: u64 = 64;

    /// A few indices that move within ciphertexts, and some that number them on one side or on both.
    fn drawn(random: &mut Random) -> LinearMap {
        let low = |random: &mut Random| random.pick(&[0, 0, 1, 2, 4, 8, 3]);
        let high = |n: u64| SLOTS << (2 * (n - 2));
        let step = |n: u64, random: &mut Random| {
            let size = random.pick(&[2, 2, 3, 4]);
            let (source, target) = match n {
                0 | 1 => (low(random), low(random)),
                _ if random.below(3) == 0 => (high(n), high(n)),
                _ if random.below(2) == 0 => (high(n), low(random)),
                _ => (low(random), high(n)),
            };
            Step { size, source, target, label: None, scale: 1, extent: size }
        };
        LinearMap { offset: 0, frames: [0; 2], steps: (0..4).map(|n| step(n, random)).collect(), bounds: Vec::new() }
    }

    #[test]
    fn ciphertexts_with_the_same_steps_are_counted_at_once_as_one_by_one() {
        let mut random = Random(7);
        let mut n_counted = 0;
        for _ in 0..2000 {
            let map = drawn(&mut random);
            let split = map.split(SLOTS, SLOTS, 4, 4);
            let high: Vec<usize> = (0..map.steps.len()).filter(|&n| map.steps[n].source >= SLOTS || map.steps[n].target >= SLOTS).collect();
            let mut within: Vec<Progression> = split.progressions.iter().map(|p| Progression { lo: 0, hi: 0, ..*p }).collect();
            for (n, step) in map.steps.iter().enumerate().filter(|(n, _)| !high.contains(n)) {
                split.parts[n].into_iter().for_each(|(at, multiple)| within[at].add(multiple, step.size));
            }
            let Some(at_once) = map.counted_apart(&split, &within, &high, SLOTS) else { continue };
            n_counted += 1;
            assert_eq!(at_once, map.counted(&split, &within, &high, SLOTS), "{map:?}");
            assert!(map.least_rotations(split.within, SLOTS) <= at_once, "{map:?}");
        }
        assert!(n_counted > 500, "{n_counted}");
    }
}

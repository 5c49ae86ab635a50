//! The elements of a map in lines: one after the other takes the same rotations, and is as far from the one before as that is from its own.
//!
//! An index that displaces nothing is such a line, and so are two that displace against each other: the diagonals of a matrix.

use super::{LinearMap, OverSteps, Split, Step};
use ein_ir::extent::gcd;

/// Elements of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// The indices of the first, its source address and its target address.
    pub(crate) values: &'a [u64],
    pub(crate) source: u64,
    pub(crate) target: u64,
    pub(crate) count: u64,
    /// What the next has more of each, as indices have of steps.
    pub(crate) way: Way<'a>,
}

/// The way from one element of a line to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way<'a> {
    /// Steps, with how many of them are taken.
    pub(crate) steps: &'a [(usize, i64)],
    /// What that adds to the source address and to the target address.
    pub(crate) source: i64,
    pub(crate) target: i64,
}

impl Line<'_> {
    /// The source address and the target address of an element.
    pub(crate) const fn at(&self, t: i64) -> (u64, u64) {
        let Way { source, target, .. } = self.way;
        (self.source.wrapping_add_signed(t.wrapping_mul(source)), self.target.wrapping_add_signed(t.wrapping_mul(target)))
    }
}

impl LinearMap {
    /// Calls `f` with all elements, line by line.
    pub(crate) fn lines(&self, split: &Split, mut f: impl FnMut(Line<'_>)) {
        if self.steps.iter().any(|step| step.size == 0) {
            return;
        }
        let along = self.along(split);
        let others: Vec<usize> = (0..self.steps.len()).filter(|n| along.iter().all(|(step, _)| step != n)).collect();
        let of = |address: fn(&Step) -> u64| along.iter().map(|&(n, by)| by * address(&self.steps[n]).cast_signed()).sum();
        let way = Way { steps: &along, source: of(|step| step.source), target: of(|step| step.target) };
        let within = self.conditions();
        let mut values = vec![0; self.steps.len()];
        loop {
            self.starts(&along, &mut values, |values, count| {
                let Some((skipped, count)) = kept(&within, values, &along, count) else { return };
                along.iter().for_each(|&(n, by)| values[n] = values[n].wrapping_add_signed(by * skipped));
                let total = |address: fn(&Step) -> u64, first: u64| {
                    self.steps.iter().zip(&*values).fold(first, |sum, (step, value)| sum.wrapping_add(address(step).wrapping_mul(*value)))
                };
                let (source, target) = (total(|step| step.source, self.offset), total(|step| step.target, 0));
                f(Line { values, source, target, count, way });
                along.iter().for_each(|&(n, by)| values[n] = values[n].wrapping_add_signed(-by * skipped));
            });
            let Some(at) = others.iter().rposition(|&n| values[n] + 1 < self.steps[n].size) else { return };
            values[others[at]] += 1;
            others[at + 1..].iter().for_each(|&n| values[n] = 0);
        }
    }

    /// The steps that longest lines are along, the first of them forwards; none where lines would be short.
    fn along(&self, split: &Split) -> Vec<(usize, i64)> {
        let moves = |along: &[(usize, i64)]| along.iter().map(|&(n, by)| by * self.steps[n].target.cast_signed()).sum::<i64>() != 0;
        let length = |along: &[(usize, i64)]| along.iter().map(|&(n, by)| self.steps[n].size / by.unsigned_abs()).min().unwrap_or(1);
        let mut best = (1, Vec::new());
        for n in 0..self.steps.len() {
            let found = match split.parts[n] {
                None => vec![vec![(n, 1)]],
                Some((of, multiple)) => {
                    let others = (n + 1..self.steps.len()).filter_map(|other| Some((other, split.parts[other]?)));
                    let against = |(other, (_, against)): (usize, (usize, i64))| {
                        let shared = gcd(multiple.unsigned_abs(), against.unsigned_abs()).cast_signed();
                        let (by, back) = (against / shared, -multiple / shared);
                        vec![(n, by.abs()), (other, back * by.signum())]
                    };
                    others.filter(|(_, (other, _))| *other == of).map(against).collect()
                }
            };
            for along in found {
                if length(&along) > best.0 && moves(&along) {
                    best = (length(&along), along);
                }
            }
        }
        best.1
    }

    /// Calls `f` with every choice of the indices of a line's steps at which a line begins, and how many elements it has.
    fn starts(&self, along: &[(usize, i64)], values: &mut [u64], mut f: impl FnMut(&mut [u64], u64)) {
        match *along {
            [] => f(values, 1),
            [(n, _)] => {
                values[n] = 0;
                f(values, self.steps[n].size);
            }
            [(n, by), (other, back), ..] => {
                let (size, of_other) = (self.steps[n].size, self.steps[other].size);
                // Before the element of index `i` there is one of `i - by` where both indices are then in range.
                let (by, far) = (by.unsigned_abs(), back.unsigned_abs().min(of_other));
                for first in 0..size {
                    let begin = if back > 0 { 0..far } else { of_other - far..of_other };
                    let range = if first < by { 0..of_other } else { begin };
                    for second in range {
                        let room = if back > 0 { (of_other - 1 - second) / back.unsigned_abs() } else { second / back.unsigned_abs() };
                        (values[n], values[other]) = (first, second);
                        f(values, 1 + room.min((size - 1 - first) / by));
                    }
                }
                (values[n], values[other]) = (0, 0);
            }
        }
    }

    /// What has to hold for a choice of indices to be one of the map.
    fn conditions(&self) -> Vec<OverSteps> {
        let of_label =
            |(steps, size): (Vec<usize>, u64)| (steps.into_iter().map(|n| (n, self.steps[n].scale.cast_signed())).collect(), 0, size);
        self.cut().into_iter().map(of_label).chain(self.bounds()).collect()
    }
}

/// The elements of a line from which all conditions hold: how many are skipped, and how many there are.
fn kept(conditions: &[OverSteps], values: &[u64], along: &[(usize, i64)], count: u64) -> Option<(i64, u64)> {
    let (mut first, mut end) = (0, count.cast_signed());
    for (weights, offset, size) in conditions {
        let position = weights.iter().fold(*offset, |sum, &(n, weight)| sum + weight * values[n].cast_signed());
        let of = |step: usize| weights.iter().filter(move |(n, _)| *n == step).map(|(_, weight)| weight);
        let adds: i64 = along.iter().flat_map(|&(n, by)| of(n).map(move |weight| by * weight)).sum();
        let size = i64::try_from(*size).unwrap_or(i64::MAX);
        // 0 <= position + t * adds < size.
        let (lowest, highest) = if adds >= 0 { (-position, size - 1 - position) } else { (position - size + 1, position) };
        match adds.abs() {
            0 if lowest > 0 || highest < 0 => return None,
            0 => {}
            adds => {
                first = first.max(-(-lowest).div_euclid(adds));
                end = end.min(highest.div_euclid(adds) + 1);
            }
        }
    }
    (first < end).then(|| (first, (end - first).cast_unsigned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::{Bound, Turn};
    use crate::tests::Random;
    use std::collections::BTreeMap;

    /// Every element by its indices: its addresses and how it moves.
    fn elements(map: &LinearMap, split: &Split) -> BTreeMap<Vec<u64>, (u64, u64, Turn)> {
        let (conditions, turns) = (map.conditions(), split.turns());
        let mut all = vec![Vec::new()];
        for step in &map.steps {
            all = all.into_iter().flat_map(|values: Vec<u64>| (0..step.size).map(move |value| [&values[..], &[value]].concat())).collect();
        }
        let holds = |values: &Vec<u64>| {
            conditions.iter().all(|(weights, offset, size)| {
                let position = weights.iter().fold(*offset, |sum, &(n, weight)| sum + weight * values[n].cast_signed());
                (0..size.cast_signed()).contains(&position)
            })
        };
        let element = |values: Vec<u64>| {
            let total = |of: fn(&Step) -> u64| map.steps.iter().zip(&values).map(|(step, value)| of(step) * value).sum::<u64>();
            let element = (map.offset + total(|step| step.source), total(|step| step.target), turns.of(&values));
            (values, element)
        };
        all.into_iter().filter(holds).map(element).collect()
    }

    fn drawn(random: &mut Random) -> LinearMap {
        let steps = (0..1 + random.below(3)).map(|_| {
            let (size, scale) = (1 + random.below(8), 1 + random.below(2));
            let address = |random: &mut Random| if random.below(4) == 0 { 0 } else { 1 << random.below(9) };
            let label = Some(u8::try_from(random.below(3)).unwrap());
            Step { size, source: address(random), target: address(random), label, scale, extent: 1 + random.below(8) }
        });
        let steps = steps.collect();
        let term = |random: &mut Random| (u8::try_from(random.below(3)).unwrap(), random.below(7).cast_signed() - 3);
        let bounds = (0..random.below(2)).map(|_| {
            let terms = BTreeMap::from([term(random), term(random)]).into_iter().collect();
            Bound { terms, offset: random.below(9).cast_signed() - 4, size: 1 + random.below(9) }
        });
        let bounds = bounds.collect();
        LinearMap { offset: random.below(5), frames: [0, 0], bounds, steps }
    }

    #[test]
    fn lines_hold_every_element_once_and_turn_alike() {
        let mut random = Random(1);
        let mut longest = 0;
        for _ in 0..2000 {
            let map = drawn(&mut random);
            let split = map.split(256, 256, 2, 2);
            let (mut wanted, turns) = (elements(&map, &split), split.turns());
            map.lines(&split, |line| {
                longest = longest.max(line.count);
                for t in 0..line.count.cast_signed() {
                    let mut values = line.values.to_vec();
                    line.way.steps.iter().for_each(|&(n, by)| values[n] = values[n].checked_add_signed(t * by).unwrap());
                    let (source, target) = line.at(t);
                    assert_eq!(wanted.remove(&values), Some((source, target, turns.of(line.values))), "{values:?} of {map:?}");
                }
            });
            assert_eq!(wanted, BTreeMap::new(), "{map:?}");
        }
        assert!(longest > 6);
    }
}

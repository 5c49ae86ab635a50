//! Linear maps between slots: every element goes from a source address to a target address, perhaps times a public number.
//!
//! An element that goes from slot `a` to slot `b` takes a rotation by `a - b`, its *displacement*, and a plaintext that keeps it
//! and nothing else (Halevi and Shoup, *Algorithms in HElib*, 2014: a map is a sum over diagonals). Displacements of index
//! arithmetic are sums of *progressions*: the steps of some index, or of several indices whose steps are a power of two apart,
//! `127 (i - j)` in a transposition of 128 x 128. Each progression is cut into a baby step and a giant step of its own; babies
//! rotate the source, giants the sums over babies. That takes far fewer rotations than cutting the displacements by value.

mod apart;
mod choose;
mod lines;
mod multiples;
mod reach;
mod steps;

use crate::cost::{Cost, Costs};
use choose::choose;
use multiples::Multiples;
use rustc_hash::FxHashMap as HashMap;
use std::cell::RefCell;

/// Costs that are remembered; beyond that all are forgotten.
const MAX_REMEMBERED: usize = 1 << 16;

/// What a map costs at least, and what it costs, once that was found out.
#[derive(Clone, Copy)]
struct Priced {
    least: Cost,
    exact: Option<Cost>,
}

thread_local! {
    /// By all that a cost depends on. A search for a plan weighs the same moves again and again.
    static PRICED: RefCell<HashMap<Vec<u64>, Priced>> = RefCell::default();
}

/// An index that a map runs over, with what one step along it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// How many values the index has.
    pub(crate) size: u64,
    /// What one step adds to the source address.
    pub(crate) source: u64,
    /// What one step adds to the target address.
    pub(crate) target: u64,
    /// The label that it is part of, if it is of one.
    pub(crate) label: Option<u8>,
    /// What one step adds to the position along the label.
    pub(crate) scale: u64,
    /// Size of the label: where that is cut into several steps, some choices of indices are beyond it, and are none of the map.
    pub(crate) extent: u64,
}

impl Step {
    /// Fills an address bit.
    pub(crate) const fn filling(position: usize) -> Self {
        Self { size: 2, source: 0, target: 1 << position, label: None, scale: 0, extent: 2 }
    }
}

/// A map: the product of its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LinearMap {
    /// Source address where every index is 0.
    pub(crate) offset: u64,
    /// Slots by which ciphertexts of the source and of the target are turned to the right.
    pub(crate) frames: [u32; 2],
    /// The indices, outermost first.
    pub(crate) steps: Vec<Step>,
    /// Choices of indices that are out of one of these are none of the map either.
    pub(crate) bounds: Vec<Bound>,
}

/// A sum of labels with coefficients that is to be below a size, and no less than 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) terms: Vec<(u8, i64)>,
    pub(crate) offset: i64,
    pub(crate) size: u64,
}

/// A bound over steps of a map: what each of them adds, the offset, and the size.
type OverSteps = (Vec<(usize, i64)>, i64, u64);

/// Displacements that are multiples of one unit: `unit * v` for `v` in `lo..=hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progression {
    unit: i64,
    lo: i64,
    hi: i64,
}

/// Multiples `v` of a progression cut in two: `babies` of them from `-start` on, and giants that are multiples of `babies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    babies: i64,
    start: i64,
    /// So many baby steps and giant steps some element takes.
    taken: [u64; 2],
}

/// A map's displacements, cut into baby steps and giant steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// Of each step of the map, the progression that it is part of and its multiple of the unit; none if it displaces nothing.
    parts: Vec<Option<(usize, i64)>>,
    progressions: Vec<Progression>,
    /// Which multiples of each progression elements have.
    multiples: Vec<Multiples>,
    /// How the multiples of each progression are cut.
    cuts: Vec<Cut>,
    /// What is added to every displacement.
    offset: i64,
    /// Displacements count modulo this: the source repeats.
    period: i64,
    /// Pairs of a source and a target ciphertext, each with its displacements.
    products: u64,
    /// Displacements of one such pair.
    within: u64,
    /// Ciphertexts that the map leads to.
    targets: u64,
    /// Baby steps of all sources, and giant steps of all targets.
    rotations: u64,
}

impl LinearMap {
    /// Cuts the displacements so that rotations are few: `sources` ciphertexts are rotated by each baby step, `targets` by each
    /// giant step. The source repeats every `period` slots; `slots` is the whole ciphertext.
    pub(crate) fn split(&self, slots: u64, period: u64, sources: u64, targets: u64) -> Split {
        self.uncut(slots, period, targets).cut(self, slots, sources)
    }

    /// What that costs with a source that does not repeat, if it may be less than `limit`.
    pub(crate) fn cost_below(&self, limit: f64, costs: &Costs, slots: u64, sources: u64, targets: u64) -> Option<Cost> {
        let key = self.priced_by([slots, sources, targets]);
        let known = PRICED.with_borrow(|priced| priced.get(&key).copied());
        if let Some(Priced { exact: Some(exact), .. }) = known {
            return Some(exact);
        }
        if known.is_some_and(|known| known.least.weigh(costs) >= limit) {
            return None;
        }
        let uncut = self.uncut(slots, slots, targets);
        let least = known.map_or_else(|| uncut.least(self, slots), |known| known.least);
        let exact = (least.weigh(costs) < limit).then(|| uncut.cut(self, slots, sources).cost());
        PRICED.with_borrow_mut(|priced| {
            if priced.len() >= MAX_REMEMBERED {
                priced.clear();
            }
            priced.insert(key, Priced { least, exact });
        });
        exact
    }

    /// All that the cost depends on.
    fn priced_by(&self, around: [u64; 3]) -> Vec<u64> {
        let mut key = Vec::with_capacity(5 + 6 * self.steps.len());
        key.extend(around);
        key.extend([self.displaced().cast_unsigned(), self.offset]);
        for step in &self.steps {
            let label = step.label.map_or(u64::MAX, u64::from);
            key.extend([step.size, step.source, step.target, label, step.scale, step.extent]);
        }
        key
    }

    /// The displacements, not yet cut.
    fn uncut(&self, slots: u64, period: u64, targets: u64) -> Split {
        #[expect(clippy::cast_possible_wrap, reason = "slots are below 2^32")]
        let displacement = |step: &Step| step.source.cast_signed() % slots as i64 - (step.target % slots) as i64;
        let mut progressions: Vec<Progression> = Vec::new();
        let mut parts = Vec::with_capacity(self.steps.len());
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        order.sort_by_key(|&n| displacement(&self.steps[n]).trailing_zeros());
        parts.resize(self.steps.len(), None);
        for n in order {
            let (step, d) = (&self.steps[n], displacement(&self.steps[n]));
            if d == 0 || step.size < 2 {
                continue;
            }
            let unit = d.abs() >> d.trailing_zeros();
            let found = progressions.iter().position(|p| p.unit >> p.unit.trailing_zeros() == unit);
            let at = found.unwrap_or_else(|| {
                progressions.push(Progression { unit: d.abs(), lo: 0, hi: 0 });
                progressions.len() - 1
            });
            parts[n] = Some((at, d / progressions[at].unit));
        }
        #[expect(clippy::cast_possible_wrap, reason = "slots are below 2^32")]
        let (offset, period) = (self.displaced() % slots as i64, period as i64);
        let multiples = self.reached(&parts, &mut progressions, period, |_| true);
        let (products, within) = self.products(slots, period, &parts, &progressions);
        Split { parts, progressions, multiples, cuts: Vec::new(), offset, period, products, within, targets, rotations: 0 }
    }

    /// The multiples of each progression that these steps reach, which is extended so far.
    fn reached(
        &self,
        parts: &[Option<(usize, i64)>],
        progressions: &mut [Progression],
        period: i64,
        takes_part: impl Fn(&Step) -> bool,
    ) -> Vec<Multiples> {
        let mut of_one = Vec::with_capacity(self.steps.len());
        let of = |(at, progression): (usize, &mut Progression)| {
            let steps = self.steps.iter().zip(parts).filter(|(step, _)| takes_part(step));
            let steps = steps.filter_map(|(step, part)| part.filter(|(of, _)| *of == at).map(|(_, multiple)| (multiple, step.size)));
            of_one.clear();
            of_one.extend(steps);
            Multiples::reached(progression, &mut of_one, period)
        };
        progressions.iter_mut().enumerate().map(of).collect()
    }

    /// How many plaintexts the elements take, and how many those between two ciphertexts. An index that numbers ciphertexts chooses one
    /// displacement for each of them.
    fn products(&self, slots: u64, period: i64, parts: &[Option<(usize, i64)>], progressions: &[Progression]) -> (u64, u64) {
        let in_slots = |address: u64| address.cast_signed().unsigned_abs() < slots;
        let mut within: Vec<Progression> = progressions.iter().map(|p| Progression { lo: 0, hi: 0, ..*p }).collect();
        let is_within = |step: &Step| in_slots(step.source) && in_slots(step.target);
        let products = self.steps.iter().filter(|step| !is_within(step)).fold(1, |all: u64, step| all.saturating_mul(step.size));
        let multiples = self.reached(parts, &mut within, period, is_within);
        let within = multiples.iter().fold(1, |all: u64, multiples| all.saturating_mul(multiples.len()));
        (products.saturating_mul(within), within)
    }
}

impl LinearMap {
    /// Labels whose steps together go beyond their sizes: the steps, and the size.
    fn cut(&self) -> Vec<(Vec<usize>, u64)> {
        let of = |label: Option<u8>| self.steps.iter().enumerate().filter(move |(_, step)| step.label == label);
        let is_cut = |(n, step): &(usize, &Step)| {
            let last = || of(step.label).map(|(_, step)| (step.size - 1) * step.scale).sum::<u64>();
            step.label.is_some() && of(step.label).next().is_some_and(|(first, _)| first == *n) && last() >= step.extent
        };
        let labels = self.steps.iter().enumerate().filter(is_cut);
        labels.map(|(_, step)| (of(step.label).map(|(n, _)| n).collect(), step.extent)).collect()
    }

    /// The bounds, over steps.
    fn bounds(&self) -> Vec<OverSteps> {
        let factor = |bound: &Bound, label: u8| bound.terms.iter().find(|(other, _)| *other == label).map(|(_, factor)| *factor);
        let over_steps = |bound: &Bound| {
            let weight = |(n, step): (usize, &Step)| Some((n, factor(bound, step.label?)? * step.scale.cast_signed()));
            (self.steps.iter().enumerate().filter_map(weight).collect(), bound.offset, bound.size)
        };
        self.bounds.iter().map(over_steps).collect()
    }

    /// How many elements it moves, and combinations of indices that are none.
    pub(crate) fn volume(&self) -> u64 {
        self.steps.iter().fold(1, |volume: u64, step| volume.saturating_mul(step.size))
    }

    /// Slots that every element moves besides.
    fn displaced(&self) -> i64 {
        self.offset.cast_signed().wrapping_add(i64::from(self.frames[0]) - i64::from(self.frames[1]))
    }
}

impl Progression {
    /// Takes in an index of `size` values that adds `multiple` units a step.
    const fn add(&mut self, multiple: i64, size: u64) {
        #[expect(clippy::cast_possible_wrap, reason = "sizes of packed axes are below 2^32")]
        let reach = multiple * (size as i64 - 1);
        if reach < 0 { self.lo += reach } else { self.hi += reach }
    }

    /// Where multiples come round before the range ends, one round is enough.
    const fn wrap(&mut self, period: i64) {
        if self.unit.count_ones() == 1 && self.unit < period && self.hi - self.lo >= period / self.unit {
            (self.lo, self.hi) = (0, period / self.unit - 1);
        }
    }

    const fn len(&self) -> i64 {
        self.hi - self.lo + 1
    }

    const fn giants(&self, cut: Cut) -> i64 {
        (self.hi + cut.start).div_euclid(cut.babies) - self.first(cut) + 1
    }

    /// The first giant step.
    const fn first(&self, cut: Cut) -> i64 {
        (self.lo + cut.start).div_euclid(cut.babies)
    }
}

impl Split {
    /// Cut, with its rotations.
    fn cut(mut self, map: &LinearMap, slots: u64, sources: u64) -> Self {
        self.cuts = choose(&self.progressions, &self.multiples, sources, self.targets);
        self.rotations = self.every_rotation(sources, self.targets);
        if sources > 1 || self.targets > 1 {
            self.rotations = map.rotations(&self, slots).map_or(self.rotations, |exact| exact.min(self.rotations));
        }
        self
    }

    /// What it costs at least, however it is cut.
    fn least(&self, map: &LinearMap, slots: u64) -> Cost {
        Cost { rotations: map.least_rotations(self.within, slots), ..self.cost() }
    }

    /// What the map takes.
    pub(crate) fn cost(&self) -> Cost {
        Cost { rotations: self.rotations, mulcp: self.products, adds: self.products.saturating_sub(self.targets), ..Cost::default() }
    }

    /// Each source rotated by every baby step, each target by every giant step.
    fn every_rotation(&self, sources: u64, targets: u64) -> u64 {
        let product = |side: usize| self.cuts.iter().fold(1, |all: u64, cut| all.saturating_mul(cut.taken[side]));
        let (babies, giants) = (product(0) - 1, product(1) - u64::from(self.offset == 0));
        babies.saturating_mul(sources).saturating_add(giants.saturating_mul(targets))
    }

    /// How elements move.
    pub(crate) fn turns(&self) -> Turns<'_> {
        let of = |at: usize| {
            let parts = self.parts.iter().enumerate().filter_map(|(step, part)| part.map(|(of, multiple)| (of, step, multiple)));
            parts.filter(|(of, ..)| *of == at).map(|(_, step, multiple)| (step, multiple)).collect()
        };
        Turns { split: self, steps: (0..self.progressions.len()).map(of).collect() }
    }

    /// So many baby steps of each progression.
    pub(crate) fn babies(&self, mut baby: i64) -> Vec<i64> {
        let digit = |cut: &Cut| {
            let step = baby % cut.babies - cut.start;
            baby /= cut.babies;
            step
        };
        let steps: Vec<i64> = self.cuts.iter().rev().map(digit).collect();
        steps.into_iter().rev().collect()
    }

    /// So many giant steps of each progression.
    pub(crate) fn giants(&self, mut giant: i64) -> Vec<i64> {
        let digit = |(progression, cut): (&Progression, &Cut)| {
            let step = giant % progression.giants(*cut) + progression.first(*cut);
            giant /= progression.giants(*cut);
            step
        };
        let steps: Vec<i64> = self.progressions.iter().zip(&self.cuts).rev().map(digit).collect();
        steps.into_iter().rev().collect()
    }

    /// Slots of one baby step of each progression.
    pub(crate) fn baby_units(&self) -> Vec<i64> {
        self.progressions.iter().map(|progression| progression.unit).collect()
    }

    /// Slots of one giant step of each progression.
    pub(crate) fn giant_units(&self) -> Vec<i64> {
        self.progressions.iter().zip(&self.cuts).map(|(progression, cut)| progression.unit * cut.babies).collect()
    }

    /// Slots that every element moves besides.
    pub(crate) const fn offset(&self) -> i64 {
        self.offset
    }
}

/// The rotations of an element: the number of its baby steps and that of its giant steps, and the slots of the latter with the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) baby: i64,
    pub(crate) giant: i64,
    pub(crate) slots: i64,
}

/// How the elements of a map move.
pub(crate) struct Turns<'a> {
    split: &'a Split,
    /// Of each progression the steps of the map that are part of it, each with its multiple of the unit.
    steps: Vec<Vec<(usize, i64)>>,
}

impl Turns<'_> {
    /// How the element at these values of the indices moves.
    pub(crate) fn of(&self, values: &[u64]) -> Turn {
        let mut turn = Turn { baby: 0, giant: 0, slots: self.split.offset };
        for ((progression, cut), steps) in self.split.progressions.iter().zip(&self.split.cuts).zip(&self.steps) {
            let total = steps.iter().map(|&(step, multiple)| multiple * values[step].cast_signed()).sum();
            let total = progression.reduce(total, self.split.period);
            let giant = (total + cut.start).div_euclid(cut.babies);
            turn.baby = turn.baby * cut.babies + total - giant * cut.babies + cut.start;
            turn.giant = turn.giant * progression.giants(*cut) + giant - progression.first(*cut);
            turn.slots += giant * progression.unit * cut.babies;
        }
        turn
    }
}

/// Steps in slots.
pub(crate) fn slots_of(units: &[i64], steps: &[i64]) -> i64 {
    units.iter().zip(steps).map(|(unit, step)| unit * step).sum()
}

impl Progression {
    /// The multiple that stands for this one among those of [`Progression::wrap`].
    const fn reduce(&self, total: i64, period: i64) -> i64 {
        if total < self.lo || total > self.hi { total.rem_euclid(period / self.unit) } else { total }
    }
}

//! Sets of baby steps or of giant steps.

use super::{Cut, Progression};

/// Steps of one progression beyond which rotations are not counted.
pub(super) const MAX_STEPS: u64 = 1 << 10;

/// Some of a progression's steps by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Steps([u64; MAX_STEPS as usize / 64]);

impl Steps {
    /// With those from one to another, which are below [`MAX_STEPS`].
    fn extend(&mut self, first: i64, last: i64) {
        for (word, base) in self.0.iter_mut().zip((0_i64..).step_by(64)) {
            let [from, to] = [first - base, last - base];
            if from < 64 && to >= 0 {
                let above = u64::MAX << from.max(0);
                *word |= if to < 63 { above & ((1 << (to + 1)) - 1) } else { above };
            }
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = i64> {
        self.0.iter().zip((0_i64..).step_by(64)).flat_map(|(&word, base)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| i64::from(left.trailing_zeros()))?;
                left &= left - 1;
                Some(base + bit)
            })
        })
    }
}

/// Baby steps rotate sources, giant steps targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Target,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Side::Source, Side::Target];

    /// What is of this side, of both.
    pub(super) fn of<T>(self, [source, target]: [T; 2]) -> T {
        match self {
            Side::Source => source,
            Side::Target => target,
        }
    }
}

impl Side {
    /// As [`Side::of`], without taking.
    pub(super) const fn of_ref<T>(self, [source, target]: &[T; 2]) -> &T {
        match self {
            Side::Source => source,
            Side::Target => target,
        }
    }
}

impl Progression {
    /// By how many slots a step rotates, by its number.
    pub(super) const fn slots(&self, side: Side, cut: Cut, step: i64) -> i64 {
        match side {
            Side::Source => (step - cut.start) * self.unit,
            Side::Target => (step + self.first(cut)) * self.unit * cut.babies,
        }
    }

    /// The baby steps or the giant steps of the multiples from one to another.
    pub(super) fn steps(&self, side: Side, cut: Cut, period: i64, lo: i64, hi: i64) -> Steps {
        let mut steps = Steps::default();
        let giant = |multiple: i64| (multiple + cut.start).div_euclid(cut.babies) - self.first(cut);
        let baby = |multiple: i64| (multiple + cut.start).rem_euclid(cut.babies);
        for (lo, hi) in self.once(period, lo, hi).into_iter().flatten() {
            match side {
                Side::Target => steps.extend(giant(lo), giant(hi)),
                Side::Source if hi - lo + 1 >= cut.babies => steps.extend(0, cut.babies - 1),
                Side::Source if giant(lo) == giant(hi) => steps.extend(baby(lo), baby(hi)),
                Side::Source => {
                    steps.extend(0, baby(hi));
                    steps.extend(baby(lo), cut.babies - 1);
                }
            }
        }
        steps
    }

    /// Multiples from one to another as [`Progression::reduce`] has them: at most two ranges.
    fn once(&self, period: i64, lo: i64, hi: i64) -> [Option<(i64, i64)>; 2] {
        if lo >= self.lo && hi <= self.hi {
            return [Some((lo, hi)), None];
        }
        if hi - lo >= self.hi - self.lo {
            return [Some((self.lo, self.hi)), None];
        }
        let [lo, hi] = [lo, hi].map(|multiple| multiple.rem_euclid(period / self.unit));
        if lo <= hi { [Some((lo, hi)), None] } else { [Some((lo, self.hi)), Some((self.lo, hi))] }
    }
}

/// Different rotations of a ciphertext.
#[derive(Clone, Debug)]
pub(super) struct Rotations {
    seen: Vec<u64>,
    slots: i64,
}

impl Rotations {
    pub(super) fn of(slots: u64) -> Self {
        Self { seen: vec![0; usize::try_from(slots.div_ceil(64)).unwrap_or(0)], slots: slots.cast_signed() }
    }

    /// Takes in a rotation by so many slots; by none is not one.
    pub(super) fn add(&mut self, by: i64) {
        let by = usize::try_from(by.rem_euclid(self.slots)).unwrap_or(0);
        self.seen[by / 64] |= u64::from(by != 0) << (by % 64);
    }

    /// How many there are in any of some sets.
    pub(super) fn count<'a>(mut sets: impl Iterator<Item = &'a Self> + Clone, slots: u64) -> u64 {
        let only = sets.clone().nth(1).is_none().then(|| sets.next()).flatten();
        if let Some(only) = only {
            return only.len();
        }
        let mut all = Self::of(slots);
        sets.for_each(|set| all.join(set));
        all.len()
    }

    fn join(&mut self, other: &Self) {
        self.seen.iter_mut().zip(&other.seen).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn len(&self) -> u64 {
        self.seen.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

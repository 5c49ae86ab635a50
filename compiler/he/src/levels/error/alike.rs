//! Which slots of a ciphertext are alike: what is known of them is the same, and is computed once.
//!
//! Most ciphertexts hold elements of one range and zeros, so that a few classes of slots stand for thousands.

use ein_ir::packed::Run;
use rustc_hash::FxHashMap as HashMap;
use std::rc::Rc;

/// Pairs of classes beyond which a table of all of them is larger than it is worth.
const MAX_TABLE: usize = 1 << 18;
/// A pair that was not seen yet. There are fewer classes than slots, of which there are at most half of `u16::MAX`.
const UNSEEN: u16 = u16::MAX;

/// The class of each slot.
#[derive(Clone, Debug)]
pub(crate) struct Alike {
    classes: Rc<Vec<u16>>,
    count: usize,
}

/// One thing for each class of slots.
#[derive(Clone, Debug)]
pub(crate) struct Spread<T> {
    pub(crate) alike: Alike,
    pub(crate) of: Vec<T>,
}

impl Alike {
    /// One class.
    pub(crate) fn all(slots: usize) -> Self {
        Self { classes: Rc::new(vec![0; slots]), count: 1 }
    }

    /// A class each.
    pub(crate) fn none(slots: usize) -> Self {
        Self { classes: Rc::new((0..slots).map(number).collect()), count: slots }
    }

    /// Slots in class 0, but for those of class 1. One class if all are in the same.
    pub(crate) fn two(slots: usize, second: impl Iterator<Item = usize>) -> Spread<bool> {
        let mut classes = vec![0_u16; slots];
        second.for_each(|slot| classes[slot] = 1);
        Self::of_two(classes)
    }

    /// The same, of runs in class 1.
    pub(crate) fn two_by_runs(slots: u32, second: impl Iterator<Item = Run>) -> Spread<bool> {
        let mut classes = vec![0_u16; slots as usize];
        for run in second {
            match classes.get_mut(run.slot as usize..).and_then(|rest| rest.get_mut(..run.count as usize)) {
                Some(run_of) if run.dslot == 1 => run_of.fill(1),
                _ => run.slots(slots).for_each(|slot| classes[slot] = 1),
            }
        }
        Self::of_two(classes)
    }

    fn of_two(classes: Vec<u16>) -> Spread<bool> {
        let slots = classes.len();
        let first = classes.first().copied().unwrap_or(0);
        if classes.iter().all(|class| *class == first) {
            return Spread { alike: Self::all(slots), of: vec![first == 1] };
        }
        Spread { alike: Self { classes: Rc::new(classes), count: 2 }, of: vec![false, true] }
    }

    pub(crate) fn slots(&self) -> usize {
        self.classes.len()
    }

    /// How many classes there are.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn class(&self, slot: usize) -> usize {
        usize::from(self.classes[slot])
    }

    /// Of each slot, its class.
    pub(crate) fn classes(&self) -> impl Iterator<Item = usize> {
        self.classes.iter().map(|class| usize::from(*class))
    }

    pub(crate) fn rotated(&self, by: usize) -> Self {
        if self.count == 1 {
            return self.clone();
        }
        let (first, rest) = self.classes.split_at(by % self.slots());
        Self { classes: Rc::new([rest, first].concat()), count: self.count }
    }

    /// Slots that are alike in both; with what each class is of these.
    pub(crate) fn met(&self, other: &Self) -> Spread<(usize, usize)> {
        if Rc::ptr_eq(&self.classes, &other.classes) || other.count == 1 {
            let second = |class: usize| if other.count == 1 { 0 } else { class };
            return Spread { alike: self.clone(), of: (0..self.count).map(|class| (class, second(class))).collect() };
        }
        if self.count == 1 {
            return Spread { alike: other.clone(), of: (0..other.count).map(|class| (0, class)).collect() };
        }
        if self.count == self.slots() {
            let mut of = vec![(0, 0); self.count];
            self.classes().zip(other.classes()).for_each(|pair| of[pair.0] = pair);
            return Spread { alike: self.clone(), of };
        }
        let met = self.met_by_slots(other);
        // The same classes are shared, so that they are known to be the same.
        let is = |alike: &Self, class: &dyn Fn(&(usize, usize)) -> usize| {
            met.of.len() == alike.count && met.of.iter().enumerate().all(|(n, pair)| class(pair) == n)
        };
        let alike = if is(self, &|pair| pair.0) {
            self.clone()
        } else if is(other, &|pair| pair.1) {
            other.clone()
        } else {
            met.alike
        };
        Spread { alike, of: met.of }
    }

    fn met_by_slots(&self, other: &Self) -> Spread<(usize, usize)> {
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let both = || self.classes.iter().zip(&*other.classes);
        let classes: Vec<u16> = if self.count * other.count <= MAX_TABLE {
            let mut table = vec![UNSEEN; self.count * other.count];
            let class = |(&a, &b): (&u16, &u16)| {
                let there = &mut table[usize::from(a) * other.count + usize::from(b)];
                if *there == UNSEEN {
                    *there = number(pairs.len());
                    pairs.push((usize::from(a), usize::from(b)));
                }
                *there
            };
            both().map(class).collect()
        } else {
            let mut table: HashMap<(u16, u16), u16> = HashMap::default();
            let class = |(&a, &b): (&u16, &u16)| {
                *table.entry((a, b)).or_insert_with(|| {
                    pairs.push((usize::from(a), usize::from(b)));
                    number(pairs.len() - 1)
                })
            };
            both().map(class).collect()
        };
        Spread { alike: Self { classes: Rc::new(classes), count: pairs.len() }, of: pairs }
    }

    /// With classes that have the same key put together; with one of the classes that each of the new ones was, and of each class, the new one.
    pub(crate) fn merged<K: Eq + std::hash::Hash>(&self, key: impl Fn(usize) -> K) -> Option<(Spread<usize>, Vec<u16>)> {
        let mut first: HashMap<K, u16> = HashMap::default();
        let mut kept = Vec::new();
        let mut class = |class: usize| {
            *first.entry(key(class)).or_insert_with(|| {
                kept.push(class);
                number(kept.len() - 1)
            })
        };
        let new: Vec<u16> = (0..self.count).map(&mut class).collect();
        (kept.len() < self.count).then(|| {
            let classes = self.classes.iter().map(|class| new[usize::from(*class)]).collect();
            (Spread { alike: Self { classes: Rc::new(classes), count: kept.len() }, of: kept }, new)
        })
    }
}

impl<T> Spread<T> {
    /// What a slot has.
    pub(crate) fn at(&self, slot: usize) -> &T {
        &self.of[self.alike.class(slot)]
    }

    /// Something else for each class.
    pub(crate) fn map<U>(&self, f: impl Fn(&T) -> U) -> Spread<U> {
        Spread { alike: self.alike.clone(), of: self.of.iter().map(f).collect() }
    }
}

fn number(class: usize) -> u16 {
    u16::try_from(class).unwrap_or(UNSEEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Random;

    fn drawn(random: &mut Random, slots: usize, count: u64) -> Alike {
        let classes = (0..slots).map(|_| u16::try_from(random.below(count)).unwrap()).collect();
        Alike { classes: Rc::new(classes), count: usize::try_from(count).unwrap() }
    }

    #[test]
    fn slots_of_one_class_are_alike_in_both() {
        let mut random = Random(1);
        for (a, b) in [(1, 1), (1, 5), (4, 3), (60, 63), (1000, 1000)] {
            let (x, y) = (drawn(&mut random, 64, a), drawn(&mut random, 64, b).rotated(3));
            let met = x.met(&y);
            for slot in 0..64 {
                assert_eq!(*met.at(slot), (x.class(slot), y.class(slot)));
            }
            let merged = met.alike.merged(|class| met.of[class].0 % 2);
            for slot in 0..64 {
                let class = merged.as_ref().map_or(met.alike.class(slot), |(merged, _)| *merged.at(slot));
                assert_eq!(met.of[class].0 % 2, x.class(slot) % 2);
            }
        }
        let each = Alike::none(8).rotated(3).met(&Alike::two(8, [1, 4].into_iter()).alike);
        assert_eq!(*each.at(4), (7, 1));
        assert_eq!(*each.at(5), (0, 0));
        assert_eq!(Alike::two(4, [1, 3].into_iter()).of, [false, true]);
        assert_eq!(Alike::two(4, 0..4).of, [true]);
        assert_eq!(Alike::two(4, 0..0).of, [false]);
    }
}

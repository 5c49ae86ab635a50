//! What is known of the slots of one ciphertext.

use super::alike::{Alike, Spread};
use super::operands::Span;
use super::rooted::Root;
use super::sources::Sources;
use ein_ir::entity::Ciphertext;

/// The number of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Slot {
    /// Least and greatest number, without any error.
    pub(crate) lo: f64,
    pub(crate) hi: f64,
    /// By how much the number may be off, noise aside: polynomials, plaintexts that are rounded.
    pub(crate) off: f64,
    /// By how much it may be off with its noise, in parts of its root.
    pub(crate) root: Root,
}

/// The slots of a ciphertext: those of one class are alike.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    pub(crate) alike: Alike,
    /// Of each class.
    pub(crate) slots: Vec<Slot>,
    /// Their noise, by class.
    pub(crate) sources: Sources,
}

/// Deviations that a bound allows for: beyond six is one of 10^9.
pub(crate) const DEVIATIONS: f64 = 6.0;

impl Slot {
    /// Between two numbers.
    pub(crate) fn between(lo: f64, hi: f64) -> Self {
        Self { lo, hi, ..Self::default() }
    }

    /// Off by more.
    pub(crate) fn and(self, off: f64) -> Self {
        Self { off: self.off + off, root: self.root.and(off), ..self }
    }

    pub(crate) const fn magnitude(&self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// Whether it is zero in the exact program: a slot without an element.
    pub(crate) const fn is_zero(&self) -> bool {
        self.lo == 0.0 && self.hi == 0.0
    }

    pub(crate) fn negated(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo, off: self.off, root: Root::default() }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { lo: self.lo + other.lo, hi: self.hi + other.hi, off: self.off + other.off, root: self.root.plus(other.root) }
    }

    pub(crate) fn times(self, other: Self) -> Self {
        let (lo, hi) = product((self.lo, self.hi), (other.lo, other.hi));
        let off = self.magnitude() * other.off + other.magnitude() * self.off + self.off * other.off;
        Self { lo, hi, off, root: Root::default() }
    }

    pub(crate) fn squared(self) -> Self {
        let far = self.magnitude() * self.magnitude();
        let near = if self.lo <= 0.0 && self.hi >= 0.0 { 0.0 } else { self.lo.abs().min(self.hi.abs()).powi(2) };
        Self { lo: near, hi: far, ..self.times(self) }
    }

    /// Within a range that is known otherwise.
    pub(crate) const fn within(self, (lo, hi): (f64, f64)) -> Self {
        Self { lo: self.lo.clamp(lo, hi), hi: self.hi.clamp(lo, hi), ..self }
    }
}

impl Slots {
    /// One slot.
    pub(crate) fn at(&self, slot: usize) -> &Slot {
        &self.slots[self.alike.class(slot)]
    }

    /// By how much each number may be off, by class.
    pub(crate) fn errors(&self) -> Vec<f64> {
        self.sources.deviations(self.slots.len()).iter().zip(&self.slots).map(|(sigma, slot)| DEVIATIONS * sigma + slot.off).collect()
    }

    /// The largest size of each number with its error, by class.
    pub(crate) fn largest(&self) -> Vec<f64> {
        self.errors().iter().zip(&self.slots).map(|(error, slot)| error + slot.magnitude()).collect()
    }

    pub(crate) fn map(mut self, f: impl Fn(Slot) -> Slot) -> Self {
        self.slots.iter_mut().for_each(|slot| *slot = f(*slot));
        self
    }

    pub(crate) fn rotated(mut self, by: usize) -> Self {
        self.alike = self.alike.rotated(by);
        self.sources.rotate(by);
        self
    }

    /// With other classes, each of which is part of one of its own.
    fn picked<T>(&self, classes: &Spread<T>, of: impl Fn(&T) -> usize) -> Self {
        let old: Vec<usize> = classes.of.iter().map(of).collect();
        Self {
            alike: classes.alike.clone(),
            slots: old.iter().map(|&class| self.slots[class]).collect(),
            sources: self.sources.picked(&old),
        }
    }

    /// Both by the same classes.
    pub(crate) fn together(&self, other: &Self) -> [Self; 2] {
        let met = self.alike.met(&other.alike);
        [self.picked(&met, |pair| pair.0), other.picked(&met, |pair| pair.1)]
    }

    /// By classes that have one of these things each.
    pub(crate) fn split<T: Clone>(&self, by: &Spread<T>) -> (Self, Vec<T>) {
        let met = self.alike.met(&by.alike);
        (self.picked(&met, |pair| pair.0), met.of.iter().map(|pair| by.of[pair.1].clone()).collect())
    }

    /// Every slot in a class of its own.
    pub(crate) fn each(&self) -> Self {
        let old: Vec<usize> = self.alike.classes().collect();
        self.picked(&Spread { alike: Alike::none(old.len()), of: old }, |class| *class)
    }

    /// With classes of which the same is known put together, but for how errors were rounded: of these the largest.
    pub(crate) fn merged(self) -> Self {
        if self.alike.count() == 1 {
            return self;
        }
        let merged = self.alike.merged(|class| {
            let Slot { lo, hi, off, root } = self.slots[class];
            ([lo.to_bits(), hi.to_bits(), about(off)], root.key(), self.sources.key(class))
        });
        let Some((merged, new)) = merged else { return self };
        let mut together = self.picked(&merged, |class| *class);
        for (slot, &new) in self.slots.iter().zip(&new) {
            let there = &mut together.slots[usize::from(new)];
            (there.off, there.root) = (there.off.max(slot.off), there.root.or(slot.root));
        }
        together.sources.raise(&self.sources, &new);
        together
    }

    /// Of what is nothing it is known as well how far it is off, where that is of use beside another.
    fn know_nothing(&mut self, other: &Self) {
        let is_nothing = |slot: &Slot| slot.is_zero() && !slot.root.is_known();
        if other.slots.iter().any(|slot| slot.root.is_known()) && self.slots.iter().any(is_nothing) {
            let errors = self.errors();
            let nothing = self.slots.iter_mut().zip(errors).filter(|(slot, _)| is_nothing(slot));
            nothing.for_each(|(slot, error)| slot.root = Root::of_nothing(error));
        }
    }

    /// With noise in every slot.
    pub(crate) fn noisy(mut self, root: Ciphertext, sigma: f64) -> Self {
        let (classes, slots) = (self.slots.len(), self.alike.slots());
        self.sources.add(root, sigma, (classes, slots));
        self.slots.iter_mut().for_each(|slot| slot.root = slot.root.and(DEVIATIONS * sigma));
        self
    }

    /// The sum.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let [mut a, mut b] = self.together(other);
        a.know_nothing(&b);
        b.know_nothing(&a);
        let slots = a.slots.iter().zip(&b.slots).map(|(&a, &b)| a.plus(b)).collect();
        Self { slots, sources: a.sources.joined(&b.sources), alike: a.alike }.merged()
    }

    pub(crate) fn joined(&self, other: &Self, f: impl Fn(Slot, Slot) -> Slot) -> Self {
        let [a, b] = self.together(other);
        let slots = a.slots.iter().zip(&b.slots).map(|(&a, &b)| f(a, b)).collect();
        Self { slots, sources: a.sources.joined(&b.sources), alike: a.alike }.merged()
    }

    /// The product: the noise of each is multiplied by what the other may be.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let [a, b] = self.together(other);
        let slots = a.slots.iter().zip(&b.slots).map(|(&a, &b)| a.times(b)).collect();
        let sources = a.sources.clone().scaled(&b.largest()).joined(&b.sources.clone().scaled(&a.largest()));
        Self { slots, sources, alike: a.alike }.merged()
    }

    pub(crate) fn squared(&self) -> Self {
        let sources = self.sources.clone().scaled(&self.largest());
        let squared = |(slot, error): (&Slot, f64)| Slot { root: Root::of_square(error), ..slot.squared() };
        let slots = self.slots.iter().zip(self.errors()).map(squared).collect();
        Self { slots, sources: sources.joined(&sources), alike: self.alike.clone() }
    }

    /// With numbers that are known up to ranges, off by as much as `off`.
    pub(crate) fn plus_plain(&self, ranges: &Spread<Span>, off: f64) -> Self {
        let (mut sum, ranges) = self.split(ranges);
        sum.slots.iter_mut().zip(ranges).for_each(|(slot, (lo, hi))| {
            let root = if lo == hi { slot.root.shifted(lo).and(off) } else { Root::default() };
            *slot = Slot { root, ..slot.plus(Slot { off, ..Slot::between(lo, hi) }) };
        });
        sum.merged()
    }

    /// With numbers that are known up to ranges, rounded by as much as `rounding`.
    pub(crate) fn times_plain(&self, ranges: &Spread<Span>, rounding: f64) -> Self {
        let (mut product, ranges) = self.split(ranges);
        let factors: Vec<f64> = ranges.iter().map(|(lo, hi)| lo.abs().max(hi.abs())).collect();
        for (n, largest) in product.largest().into_iter().enumerate() {
            let (lo, hi) = self::product((product.slots[n].lo, product.slots[n].hi), ranges[n]);
            let is_scaled = ranges[n].0 == ranges[n].1 && ranges[n].0 > 0.0 && product.slots[n].root.is_known();
            let root = if is_scaled { product.slots[n].root.scaled(factors[n]).and(largest * rounding) } else { Root::default() };
            product.slots[n] = Slot { lo, hi, off: product.slots[n].off * factors[n] + largest * rounding, root };
        }
        let factors: Vec<f64> = factors.iter().map(|factor| factor + rounding).collect();
        product.sources = product.sources.scaled(&factors);
        product.merged()
    }
}

/// The range of products; nothing times what is unbounded is nothing.
pub(crate) fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1].map(|x| if x.is_nan() { 0.0 } else { x });
    (corners.into_iter().fold(f64::INFINITY, f64::min), corners.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

/// A number that is no less than 0 up to the last bits, which tell only in which order numbers were added.
pub(crate) const fn about(x: f64) -> u64 {
    /// Bits that are left out.
    const ROUNDED: u32 = 22;
    (x.to_bits() + (1 << (ROUNDED - 1))) >> ROUNDED
}

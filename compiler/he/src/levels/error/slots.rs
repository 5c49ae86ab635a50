//! What is known of the slots of one ciphertext.

use super::sources::Sources;

/// The number of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Slot {
    /// Least and greatest number, without any error.
    pub(crate) lo: f64,
    pub(crate) hi: f64,
    /// By how much the number may be off, noise aside: polynomials, plaintexts that are rounded.
    pub(crate) off: f64,
}

/// The slots of a ciphertext.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    pub(crate) slots: Vec<Slot>,
    /// Their noise.
    pub(crate) sources: Sources,
}

/// Deviations that a bound allows for: beyond six is one of 10^9.
pub(crate) const DEVIATIONS: f64 = 6.0;

impl Slot {
    pub(crate) const fn magnitude(&self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// Whether it is zero in the exact program: a slot without an element.
    pub(crate) const fn is_zero(&self) -> bool {
        self.lo == 0.0 && self.hi == 0.0
    }

    pub(crate) fn negated(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo, ..self }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { lo: self.lo + other.lo, hi: self.hi + other.hi, off: self.off + other.off }
    }

    pub(crate) fn times(self, other: Self) -> Self {
        let (lo, hi) = product((self.lo, self.hi), (other.lo, other.hi));
        Self { lo, hi, off: self.magnitude() * other.off + other.magnitude() * self.off + self.off * other.off }
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
    /// By how much each number may be off.
    pub(crate) fn errors(&self) -> Vec<f64> {
        self.sources.deviations(self.slots.len()).iter().zip(&self.slots).map(|(sigma, slot)| DEVIATIONS * sigma + slot.off).collect()
    }

    /// The largest size of each number with its error.
    pub(crate) fn largest(&self) -> Vec<f64> {
        self.errors().iter().zip(&self.slots).map(|(error, slot)| error + slot.magnitude()).collect()
    }

    pub(crate) fn map(mut self, f: impl Fn(Slot) -> Slot) -> Self {
        self.slots.iter_mut().for_each(|slot| *slot = f(*slot));
        self
    }

    pub(crate) fn rotated(mut self, by: usize) -> Self {
        self.slots.rotate_left(by);
        self.sources.rotate(by);
        self
    }

    pub(crate) fn joined(&self, other: &Self, f: impl Fn(Slot, Slot) -> Slot) -> Self {
        let slots = self.slots.iter().zip(&other.slots).map(|(&a, &b)| f(a, b)).collect();
        Self { slots, sources: self.sources.joined(&other.sources) }
    }

    /// The product: the noise of each is multiplied by what the other may be.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let slots = self.slots.iter().zip(&other.slots).map(|(&a, &b)| a.times(b)).collect();
        let sources = self.sources.clone().scaled(&other.largest()).joined(&other.sources.clone().scaled(&self.largest()));
        Self { slots, sources }
    }

    pub(crate) fn squared(&self) -> Self {
        Self { slots: self.slots.iter().map(|slot| slot.squared()).collect(), ..self.times(self) }
    }

    /// With numbers that are known up to ranges, rounded by as much as `rounding`.
    pub(crate) fn times_plain(&self, ranges: &[(f64, f64)], rounding: f64) -> Self {
        let factors: Vec<f64> = ranges.iter().map(|(lo, hi)| lo.abs().max(hi.abs())).collect();
        let mut slots = self.slots.clone();
        for (n, largest) in self.largest().into_iter().enumerate() {
            let (lo, hi) = product((slots[n].lo, slots[n].hi), ranges[n]);
            slots[n] = Slot { lo, hi, off: slots[n].off * factors[n] + largest * rounding };
        }
        let factors: Vec<f64> = factors.iter().map(|factor| factor + rounding).collect();
        Self { slots, sources: self.sources.clone().scaled(&factors) }
    }
}

/// The range of products; nothing times what is unbounded is nothing.
pub(crate) fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1].map(|x| if x.is_nan() { 0.0 } else { x });
    (corners.into_iter().fold(f64::INFINITY, f64::min), corners.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

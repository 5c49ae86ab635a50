//! What is known of the slots of one ciphertext.

use super::spread::Spread;

/// One slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slot {
    /// Least and greatest number, without any error.
    pub(crate) lo: f64,
    pub(crate) hi: f64,
    /// Standard deviation of the noise.
    pub(crate) sigma: f64,
    /// By how much the number may be off otherwise: polynomials, plaintexts that are rounded.
    pub(crate) off: f64,
}

/// The slots of a ciphertext.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    pub(crate) slots: Vec<Slot>,
    pub(crate) spread: Spread,
}

/// Deviations that a bound allows for: beyond six is one of 10^9.
pub(crate) const DEVIATIONS: f64 = 6.0;

impl Slot {
    pub(crate) const fn magnitude(&self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// Of the number with all its errors.
    fn largest(&self) -> f64 {
        self.magnitude() + self.error()
    }

    /// By how much it may be off.
    pub(crate) fn error(&self) -> f64 {
        DEVIATIONS * self.sigma + self.off
    }

    pub(crate) fn negated(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo, ..self }
    }

    pub(crate) fn plus(self, other: Self, independent: bool) -> Self {
        Self {
            lo: self.lo + other.lo,
            hi: self.hi + other.hi,
            sigma: joined(self.sigma, other.sigma, independent),
            off: self.off + other.off,
        }
    }

    pub(crate) fn times(self, other: Self, independent: bool) -> Self {
        let (lo, hi) = product((self.lo, self.hi), (other.lo, other.hi));
        let sigma = joined(self.sigma * other.largest(), other.sigma * self.largest(), independent);
        Self { lo, hi, sigma, off: self.magnitude() * other.off + other.magnitude() * self.off + self.off * other.off }
    }

    pub(crate) fn squared(self) -> Self {
        let square = self.times(self, false);
        let far = self.magnitude() * self.magnitude();
        let near = if self.lo <= 0.0 && self.hi >= 0.0 { 0.0 } else { self.lo.abs().min(self.hi.abs()).powi(2) };
        Self { lo: near, hi: far, ..square }
    }

    /// With a number that is known up to a range, rounded by as much as `rounding`.
    pub(crate) fn times_plain(self, (lo, hi): (f64, f64), rounding: f64) -> Self {
        let range = product((self.lo, self.hi), (lo, hi));
        let factor = lo.abs().max(hi.abs());
        Self { lo: range.0, hi: range.1, sigma: self.sigma * (factor + rounding), off: self.off * factor + self.largest() * rounding }
    }

    pub(crate) fn noisier(self, sigma: f64) -> Self {
        Self { sigma: self.sigma.hypot(sigma), ..self }
    }

    /// Within a range that is known otherwise.
    pub(crate) const fn within(self, (lo, hi): (f64, f64)) -> Self {
        Self { lo: self.lo.clamp(lo, hi), hi: self.hi.clamp(lo, hi), ..self }
    }
}

fn joined(a: f64, b: f64, independent: bool) -> f64 {
    if independent { a.hypot(b) } else { a + b }
}

/// The range of products; nothing times what is unbounded is nothing.
pub(crate) fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1].map(|x| if x.is_nan() { 0.0 } else { x });
    (corners.into_iter().fold(f64::INFINITY, f64::min), corners.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

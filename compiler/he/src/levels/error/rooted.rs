//! Errors that shrink with the number: a square of what is off by `e` is off by `2 e` times its root, and a sum of squares by no more than the root of
//! that sum. What divides by such a sum, or by its root, is off by a small part of itself even where the sum is small.

use super::slots::about;

/// No number `v` is off by more than `by sqrt(v - base) + rest`, and none is less than `base`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Root {
    by: f64,
    rest: f64,
    base: f64,
}

impl Default for Root {
    /// Nothing is known.
    fn default() -> Self {
        Self { by: 0.0, rest: f64::INFINITY, base: 0.0 }
    }
}

impl Root {
    /// The square of a number that is off by this.
    pub(crate) fn of_square(error: f64) -> Self {
        Self { by: 2.0 * error, rest: error * error, base: 0.0 }
    }

    /// Nothing, off by this.
    pub(crate) const fn of_nothing(error: f64) -> Self {
        Self { by: 0.0, rest: error, base: 0.0 }
    }

    /// What tells it from others.
    pub(crate) const fn key(&self) -> [u64; 3] {
        [about(self.by), about(self.rest), self.base.to_bits()]
    }

    /// What is true of numbers of both, which have the same key.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self { by: self.by.max(other.by), rest: self.rest.max(other.rest), ..self }
    }

    pub(crate) const fn is_known(&self) -> bool {
        self.rest < f64::INFINITY
    }

    /// The sum: by Cauchy's inequality the roots add as legs of a triangle do.
    pub(crate) fn plus(self, other: Self) -> Self {
        if !(self.is_known() && other.is_known()) {
            return Self::default();
        }
        Self { by: self.by.hypot(other.by), rest: self.rest + other.rest, base: self.base + other.base }
    }

    /// Off by more.
    pub(crate) fn and(self, error: f64) -> Self {
        if !self.is_known() {
            return self;
        }
        Self { rest: self.rest + error, ..self }
    }

    /// With a number added.
    pub(crate) fn shifted(self, by: f64) -> Self {
        if !self.is_known() {
            return self;
        }
        Self { base: self.base + by, ..self }
    }

    /// Times a positive number.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        if !self.is_known() {
            return self;
        }
        Self { by: self.by * factor.sqrt(), rest: self.rest * factor, base: self.base * factor }
    }

    /// By how many parts of itself a number is off at most that is no less than `least`; nothing of what may be negative.
    pub(crate) fn share(self, least: f64) -> f64 {
        // The base is rounded.
        if self.is_known() && self.base >= -1e-9 * least && least > 0.0 {
            self.by * (1.0 + 1e-9) / least.sqrt() + self.rest / least
        } else {
            f64::INFINITY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Root;

    /// `(x^2 + y^2) / 16 + 0.25` of numbers that are off by as much as is said.
    #[test]
    fn errors_of_sums_of_squares_are_parts_of_them() {
        let error = 1e-3;
        for (x, y) in [(0.0, 0.0), (0.001, 0.02), (1.0, 0.0), (0.3, -0.7), (5.0, 7.0)] {
            let square = Root::of_square(error);
            let root = square.plus(square).scaled(1.0 / 16.0).shifted(0.25).and(1e-7);
            let of = |dx: f64, dy: f64| ((x + dx) * (x + dx) + (y + dy) * (y + dy)) / 16.0 + 0.25;
            let ends = [(error, error), (error, -error), (-error, error), (-error, -error)];
            let worst = ends.into_iter().map(|(dx, dy)| (of(dx, dy) - of(0.0, 0.0)).abs()).fold(0.0, f64::max) + 1e-7;
            assert!(worst <= root.share(of(0.0, 0.0)) * of(0.0, 0.0), "{x} {y}: {worst:e}");
        }
        let negative = Root::of_square(error).shifted(-1.0);
        assert!(negative.share(0.5).is_infinite() && Root::default().share(0.5).is_infinite());
    }
}

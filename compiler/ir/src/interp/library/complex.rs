//! Complex numbers in f64.

use std::ops::{Add, Mul, Neg, Sub};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    pub(super) const ZERO: Self = Self::new(0.0, 0.0);
    pub(super) const ONE: Self = Self::new(1.0, 0.0);
    pub(super) const NAN: Self = Self::new(f64::NAN, f64::NAN);

    pub(super) const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    pub(super) fn conj(self) -> Self {
        Self::new(self.re, -self.im)
    }

    pub(super) fn scale(self, by: f64) -> Self {
        Self::new(self.re * by, self.im * by)
    }

    pub(super) fn modulus(self) -> f64 {
        if self.im == 0.0 { self.re.abs() } else { libm::hypot(self.re, self.im) }
    }

    pub(super) fn square(self) -> f64 {
        self.re * self.re + self.im * self.im
    }

    pub(super) fn is_finite(self) -> bool {
        self.re.is_finite() && self.im.is_finite()
    }

    /// The quotient; a real divisor divides both parts.
    pub(super) fn over(self, by: Self) -> Self {
        if by.im == 0.0 {
            return Self::new(self.re / by.re, self.im / by.re);
        }
        // Smith's method: no square of the divisor, which might overflow.
        if by.re.abs() >= by.im.abs() {
            let r = by.im / by.re;
            let d = by.re + by.im * r;
            Self::new((self.re + self.im * r) / d, (self.im - self.re * r) / d)
        } else {
            let r = by.re / by.im;
            let d = by.re * r + by.im;
            Self::new((self.re * r + self.im) / d, (self.im * r - self.re) / d)
        }
    }

    /// The number of modulus 1 in the same direction; 1 for 0.
    pub(super) fn phase(self) -> Self {
        let modulus = self.modulus();
        if modulus == 0.0 { Self::ONE } else { Self::new(self.re / modulus, self.im / modulus) }
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self::new(self.re + rhs.re, self.im + rhs.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self::new(self.re - rhs.re, self.im - rhs.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, rhs: Self) -> Self {
        if self.im == 0.0 && rhs.im == 0.0 {
            return Self::new(self.re * rhs.re, 0.0);
        }
        Self::new(self.re * rhs.re - self.im * rhs.im, self.re * rhs.im + self.im * rhs.re)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.re, -self.im)
    }
}

//! Element types of operands and results.

use num_complex::Complex;

/// A type whose elements may be read from and written to the memory of a program: plain numbers, any bytes of which are a value.
pub(super) trait Number: Copy + 'static {}

impl Number for u8 {}
impl Number for i8 {}
impl Number for u16 {}
impl Number for i16 {}
impl Number for u32 {}
impl Number for i32 {}
impl Number for u64 {}
impl Number for i64 {}
impl Number for f32 {}
impl Number for f64 {}
impl Number for half::f16 {}
impl Number for half::bf16 {}
impl Number for Complex<f32> {}
impl Number for Complex<f64> {}

/// A type that matrices are made of.
pub(super) trait Field: Number + faer::traits::ComplexField {
    /// The type of its parts.
    type Part: Number;
    /// Relative rounding error.
    const EPSILON: f64;

    /// Real and imaginary part.
    fn parts(self) -> (f64, f64);
    /// The nearest number with these parts; a real type takes the first alone.
    fn from_parts(re: f64, im: f64) -> Self;
    /// The nearest part.
    fn part(x: f64) -> Self::Part;

    /// Modulus.
    fn modulus(self) -> f64 {
        let (re, im) = self.parts();
        if im == 0.0 { re.abs() } else { re.hypot(im) }
    }

    fn all_finite(self) -> bool {
        let (re, im) = self.parts();
        re.is_finite() && im.is_finite()
    }

    /// `self * 2^exponent`.
    fn times_power(self, exponent: i32) -> Self {
        // In two steps: a single power may be out of range where the product is not.
        let (first, second) = (power(exponent / 2), power(exponent - exponent / 2));
        let (re, im) = self.parts();
        Self::from_parts(re * first * second, im * first * second)
    }

    /// `self * (re + im i)`
    fn turned(self, (c, s): (f64, f64)) -> Self {
        let (re, im) = self.parts();
        if s == 0.0 { Self::from_parts(re * c, im * c) } else { Self::from_parts(re * c - im * s, re * s + im * c) }
    }

    /// The unit number in its direction; 1 for 0.
    fn phase(self) -> (f64, f64) {
        let (re, im) = self.parts();
        match self.modulus() {
            0.0 => (1.0, 0.0),
            modulus => (re / modulus, im / modulus),
        }
    }
}

/// `2^exponent`, for exponents of normal numbers.
fn power(exponent: i32) -> f64 {
    f64::from_bits((u64::from((exponent.clamp(-1022, 1023) + 1023).unsigned_abs())) << 52)
}

impl Field for f32 {
    type Part = f32;
    const EPSILON: f64 = f32::EPSILON as f64;
    fn parts(self) -> (f64, f64) {
        (f64::from(self), 0.0)
    }
    fn from_parts(re: f64, _: f64) -> Self {
        re as f32
    }
    fn part(x: f64) -> f32 {
        x as f32
    }
}

impl Field for f64 {
    type Part = f64;
    const EPSILON: f64 = f64::EPSILON;
    fn parts(self) -> (f64, f64) {
        (self, 0.0)
    }
    fn from_parts(re: f64, _: f64) -> Self {
        re
    }
    fn part(x: f64) -> f64 {
        x
    }
}

impl Field for Complex<f32> {
    type Part = f32;
    const EPSILON: f64 = f32::EPSILON as f64;
    fn parts(self) -> (f64, f64) {
        (f64::from(self.re), f64::from(self.im))
    }
    fn from_parts(re: f64, im: f64) -> Self {
        Self::new(re as f32, im as f32)
    }
    fn part(x: f64) -> f32 {
        x as f32
    }
}

impl Field for Complex<f64> {
    type Part = f64;
    const EPSILON: f64 = f64::EPSILON;
    fn parts(self) -> (f64, f64) {
        (self.re, self.im)
    }
    fn from_parts(re: f64, im: f64) -> Self {
        Self::new(re, im)
    }
    fn part(x: f64) -> f64 {
        x
    }
}

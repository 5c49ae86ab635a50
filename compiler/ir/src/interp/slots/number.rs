//! What a slot holds.

/// A number of a slot. Operations change their first argument, so that vectors are changed where they are.
pub trait Number: Clone + PartialEq {
    /// Whether sums do not depend on their order, so that equal numbers are equal bits.
    const EXACT: bool;

    /// 0.
    fn zero() -> Self;

    /// 1.
    fn one() -> Self;

    /// A constant of a program, if there is such a number.
    fn constant(value: f64) -> Option<Self>;

    /// A number that nothing is known of: another for each `n`, and large.
    fn junk(seed: u64, n: u64) -> Self;

    /// Adds.
    fn add(&mut self, other: &Self);

    /// Subtracts.
    fn sub(&mut self, other: &Self);

    /// Changes the sign.
    fn neg(&mut self);

    /// The product.
    #[must_use]
    fn mul(&self, other: &Self) -> Self;
}

/// Exact modulo 2^64.
impl Number for i64 {
    const EXACT: bool = true;

    fn zero() -> Self {
        0
    }

    fn one() -> Self {
        1
    }

    fn constant(value: f64) -> Option<Self> {
        // Beyond 2^53 not every integer is a float.
        let whole = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "it is an integer in range")]
        whole.then_some(value as Self)
    }

    fn junk(seed: u64, n: u64) -> Self {
        // Odd, so that no product of such numbers is 0.
        (random(seed, n) | 1).cast_signed()
    }

    fn add(&mut self, other: &Self) {
        *self = self.wrapping_add(*other);
    }

    fn sub(&mut self, other: &Self) {
        *self = self.wrapping_sub(*other);
    }

    fn neg(&mut self) {
        *self = self.wrapping_neg();
    }

    fn mul(&self, other: &Self) -> Self {
        self.wrapping_mul(*other)
    }
}

impl Number for f64 {
    const EXACT: bool = false;

    fn zero() -> Self {
        0.0
    }

    fn one() -> Self {
        1.0
    }

    fn constant(value: f64) -> Option<Self> {
        Some(value)
    }

    /// Between 2^40 and 2^41: far from any result, and products of a few are finite.
    fn junk(seed: u64, n: u64) -> Self {
        ((1_u64 << 40) + (random(seed, n) >> 24)) as Self
    }

    fn add(&mut self, other: &Self) {
        *self += other;
    }

    fn sub(&mut self, other: &Self) {
        *self -= other;
    }

    fn neg(&mut self) {
        *self = -*self;
    }

    fn mul(&self, other: &Self) -> Self {
        self * other
    }
}

/// Splitmix64.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
const fn random(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

//! Numbers that stand for exact values: what a slot holds, computed modulo a prime from numbers drawn for the operands. Slots with one
//! residue hold the same function of the operands, but for a chance of one in 10^18 that another agrees.
//!
//! Source: Schwartz, "Fast probabilistic algorithms for verification of polynomial identities", 1980.

/// `2^61 - 1`.
const PRIME: u64 = (1 << 61) - 1;

/// A number modulo the prime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Residue(u64);

impl Residue {
    /// Of a float, exactly: a fraction whose denominator is a power of two.
    pub(crate) fn of_number(x: f64) -> Self {
        let bits = x.abs().to_bits();
        let exponent = i64::try_from(bits >> 52).unwrap_or(0);
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
        // 2^61 is 1.
        let shift = u32::try_from(exponent.rem_euclid(61)).unwrap_or(0);
        let size = Self(mantissa).times(Self(1 << shift));
        if x < 0.0 { size.negated() } else { size }
    }

    /// One that is drawn for some words.
    pub(crate) fn drawn(words: [u64; 3]) -> Self {
        // SplitMix64.
        let mix = |z: u64| {
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let all = words.into_iter().fold(0, |all: u64, word| mix((all ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15)));
        Self(all % PRIME)
    }

    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self((self.0 + other.0) % PRIME)
    }

    pub(crate) fn negated(self) -> Self {
        Self((PRIME - self.0) % PRIME)
    }

    #[expect(clippy::cast_possible_truncation, reason = "below the prime")]
    pub(crate) fn times(self, other: Self) -> Self {
        Self((u128::from(self.0) * u128::from(other.0) % u128::from(PRIME)) as u64)
    }

    /// Zero has none, and gives zero.
    pub(crate) fn inverse(self) -> Self {
        let (mut power, mut square, mut left) = (Self(1), self, PRIME - 2);
        while left > 0 {
            if left & 1 == 1 {
                power = power.times(square);
            }
            square = square.times(square);
            left >>= 1;
        }
        power
    }
}

#[cfg(test)]
mod tests {
    use super::Residue;

    #[test]
    fn floats_are_exact() {
        let of = Residue::of_number;
        for (a, b) in [(1.5, -0.375), (-3.0, 1e-300), (0.1, 12345.0), (0.0, 2.0)] {
            assert_eq!(of(a).times(of(2.0)), of(2.0 * a));
            assert_eq!(of(a).plus(of(-a)), of(0.0));
            assert_eq!(of(b).times(of(b).inverse()), of(1.0));
        }
        assert_eq!(of(0.75).plus(of(-2.25)), of(-1.5));
        assert_eq!(of(0.75).times(of(-2.25)), of(-1.6875));
        assert_ne!(Residue::drawn([1, 2, 3]), Residue::drawn([1, 3, 2]));
    }
}

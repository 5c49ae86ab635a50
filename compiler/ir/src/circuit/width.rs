//! How many bits and blocks a range takes.

use crate::interval::Interval;

/// Bits of a block: what one bootstrap cleans, with as many bits for the carry.
pub const BLOCK_BITS: u32 = 2;

/// Whether a range has negative numbers, and its values a sign.
#[must_use]
pub const fn is_signed(range: Interval) -> bool {
    range.0 < 0
}

/// The fewest bits that hold every number of a range: in two's complement if some are negative. At least 1.
#[must_use]
pub const fn bits(range: Interval) -> u32 {
    if !is_signed(range) {
        let bits = i128::BITS - range.1.leading_zeros();
        return if bits == 0 { 1 } else { bits };
    }
    let below = i128::BITS - (!range.0).leading_zeros();
    let above = if range.1 < 0 { 0 } else { i128::BITS - range.1.leading_zeros() };
    1 + if below > above { below } else { above }
}

/// The blocks of a ciphertext of such a value.
#[must_use]
pub const fn blocks(range: Interval) -> u32 {
    bits(range).div_ceil(BLOCK_BITS)
}

#[cfg(test)]
mod tests {
    use super::{bits, blocks};

    #[test]
    fn the_fewest_bits_that_hold_a_range() {
        let cases = [((0, 0), 1), ((0, 1), 1), ((0, 2), 2), ((3, 255), 8), ((-1, 0), 1), ((-1, 1), 2), ((-128, 127), 8), ((-129, 0), 9)];
        for (range, expected) in cases {
            assert_eq!(bits(range), expected, "{range:?}");
        }
        assert_eq!(blocks((-129, 127)), 5);
        assert_eq!(blocks((i128::MIN, i128::MAX)), 64);
    }
}

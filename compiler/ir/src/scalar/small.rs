//! Float formats with fewer bits than f32: their numbers, and the bits that these have in memory.
//!
//! f16 is IEEE's binary16, bf16 the upper half of an f32, f8e5m2 and f8e4m3 those of the OCP's 8-bit specification: f8e5m2 has infinities, f8e4m3
//! (`float8_e4m3fn` elsewhere) has none, and what is above its range becomes NaN. Numbers round to nearest, ties to even. A NaN
//! is written as one pattern, without sign.

use crate::dtype::DType;

/// A float format with fewer bits than f32.
#[derive(Clone, Copy, Debug)]
pub struct SmallFormat {
    /// Bits of an element.
    pub bits: u32,
    /// Bits of the significand, the hidden one included.
    pub precision: i32,
    /// Exponent of the least normal number.
    pub min_exponent: i32,
    /// The greatest finite number.
    pub max: f64,
    /// What is above it: infinity, or NaN in a format without one.
    pub overflow: f64,
}

impl SmallFormat {
    /// The format of a dtype narrower than f32.
    #[must_use]
    pub const fn of(dtype: DType) -> Option<Self> {
        let (precision, min_exponent, max, overflow) = match dtype {
            DType::F16 => (11, -14, 65504.0, f64::INFINITY),
            DType::BF16 => (8, -126, 338_953_138_925_153_547_590_470_800_371_487_866_880.0, f64::INFINITY),
            DType::F8E4M3 => (4, -6, 448.0, f64::NAN),
            DType::F8E5M2 => (3, -14, 57344.0, f64::INFINITY),
            _ => return None,
        };
        Some(Self { bits: dtype.bits(), precision, min_exponent, max, overflow })
    }

    /// Whether the highest exponent is that of infinities and NaN, as IEEE has it; else all its patterns but one are numbers.
    #[must_use]
    pub const fn has_infinity(self) -> bool {
        self.overflow.is_infinite()
    }

    /// The nearest number of the format, ties to even.
    #[must_use]
    pub fn round(self, x: f64) -> f64 {
        if x == 0.0 || x.is_nan() {
            return x;
        }
        if x.is_infinite() {
            return self.overflow.copysign(x);
        }
        // Scaling by powers of two is exact here: f64 has exponents to spare.
        let (_, exponent) = libm::frexp(x);
        let quantum = (exponent - 1).max(self.min_exponent) - (self.precision - 1);
        let rounded = libm::ldexp(libm::rint(libm::ldexp(x, -quantum)), quantum);
        if rounded.abs() > self.max { self.overflow.copysign(x) } else { rounded }
    }

    /// The number with these bits.
    #[must_use]
    pub fn decode(self, raw: u64) -> f64 {
        let fraction_bits = self.fraction_bits();
        let sign = if raw >> (self.bits - 1) & 1 == 1 { -1.0 } else { 1.0 };
        let magnitude = raw & self.top();
        let (exponent, fraction) = (magnitude >> fraction_bits, magnitude & ((1 << fraction_bits) - 1));
        if !self.has_infinity() {
            if magnitude == self.top() {
                return f64::NAN;
            }
        } else if exponent == self.top() >> fraction_bits {
            return if fraction == 0 { sign * f64::INFINITY } else { f64::NAN };
        }
        let significand = if exponent == 0 { fraction } else { fraction | 1 << fraction_bits };
        sign * libm::ldexp(significand as f64, self.min_exponent + exponent.max(1) as i32 - 1 - fraction_bits as i32)
    }

    /// The bits of the nearest number of the format.
    #[must_use]
    pub fn encode(self, x: f64) -> u64 {
        let x = self.round(x);
        let sign = u64::from(x.is_sign_negative()) << (self.bits - 1);
        if x.is_nan() {
            return self.nan();
        }
        if x.is_infinite() {
            return sign | self.infinity();
        }
        if x == 0.0 {
            return sign;
        }
        let fraction_bits = self.fraction_bits();
        let (_, exponent) = libm::frexp(x);
        let exponent = (exponent - 1).max(self.min_exponent);
        let significand = libm::ldexp(x.abs(), fraction_bits as i32 - exponent) as u64;
        // A normal number's hidden bit carries into the exponent field, which makes it one greater.
        sign | ((((exponent - self.min_exponent) as u64) << fraction_bits) + significand)
    }

    /// Bits of the significand that are in memory.
    #[must_use]
    pub const fn fraction_bits(self) -> u32 {
        self.precision as u32 - 1
    }

    /// All bits but the sign.
    #[must_use]
    pub const fn top(self) -> u64 {
        (1 << (self.bits - 1)) - 1
    }

    /// The pattern of infinity, in a format that has one.
    #[must_use]
    pub const fn infinity(self) -> u64 {
        self.top() >> self.fraction_bits() << self.fraction_bits()
    }

    /// The pattern that NaN is written as.
    #[must_use]
    pub const fn nan(self) -> u64 {
        if self.has_infinity() { self.infinity() | 1 << (self.fraction_bits() - 1) } else { self.top() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_the_bits_of_the_half_crate() {
        let (f16, bf16) = (SmallFormat::of(DType::F16).unwrap(), SmallFormat::of(DType::BF16).unwrap());
        for bits in 0..=u16::MAX {
            let (a, b) = (half::f16::from_bits(bits).to_f64(), half::bf16::from_bits(bits).to_f64());
            for (format, x) in [(f16, a), (bf16, b)] {
                let found = format.decode(u64::from(bits));
                assert!(found.to_bits() == x.to_bits() || (found.is_nan() && x.is_nan()));
                if !x.is_nan() {
                    assert_eq!(format.encode(x), u64::from(bits));
                }
            }
        }
    }

    #[test]
    fn eight_bit_floats_round_trip_and_are_fixed_points_of_rounding() {
        for dtype in [DType::F8E4M3, DType::F8E5M2] {
            let format = SmallFormat::of(dtype).unwrap();
            for raw in 0..=255 {
                let x = format.decode(raw);
                if x.is_finite() {
                    assert_eq!(format.encode(x), raw);
                    assert_eq!(format.round(x).to_bits(), x.to_bits());
                }
            }
        }
        let (e4m3, e5m2) = (SmallFormat::of(DType::F8E4M3).unwrap(), SmallFormat::of(DType::F8E5M2).unwrap());
        assert_eq!((e4m3.decode(0x7e), e5m2.decode(0x7b), e4m3.decode(1)), (448.0, 57344.0, 0.001953125));
        assert_eq!((e4m3.encode(464.0), e4m3.encode(464.1), e5m2.encode(-61440.0)), (0x7e, 0x7f, 0xfc));
    }
}

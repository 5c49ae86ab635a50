//! Exact numbers `m * 2^e`: every finite float is one, and so are sums and products of them.

/// An exact number, or one whose digits do not fit, which equals nothing.
#[derive(Clone, Copy, Debug)]
pub struct Dyadic {
    /// Odd, or 0 with exponent 0; [`TOO_LONG`] if the digits do not fit.
    mantissa: i128,
    exponent: i32,
}

/// Stands for a number whose digits do not fit; it stays, whatever is done to it.
const TOO_LONG: i128 = i128::MAX;

impl Dyadic {
    /// 0.
    pub const ZERO: Self = Self { mantissa: 0, exponent: 0 };
    /// 1.
    pub const ONE: Self = Self { mantissa: 1, exponent: 0 };
    const UNKNOWN: Self = Self { mantissa: TOO_LONG, exponent: 0 };

    /// A finite float, exactly.
    #[must_use]
    pub fn of(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let (field, fraction) = ((bits >> 52 & 0x7ff) as i32, i128::from(bits & ((1 << 52) - 1)));
        // Subnormal floats have no hidden bit, and the exponent of the least normal ones.
        let magnitude = if field == 0 { fraction } else { fraction | 1 << 52 };
        Some(Self::normal(if value < 0.0 { -magnitude } else { magnitude }, field.max(1) - 1075))
    }

    const fn normal(mantissa: i128, exponent: i32) -> Self {
        if mantissa == 0 {
            return Self::ZERO;
        }
        let zeros = mantissa.trailing_zeros();
        Self { mantissa: mantissa >> zeros, exponent: exponent + zeros as i32 }
    }

    const fn is_known(self) -> bool {
        self.mantissa != TOO_LONG
    }

    /// The mantissa for a lower exponent.
    fn shifted(self, exponent: i32) -> Option<i128> {
        let by = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        let shifted = self.mantissa.checked_shl(by)?;
        (shifted >> by == self.mantissa).then_some(shifted)
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        if self.mantissa == 0 || other.mantissa == 0 {
            return if self.mantissa == 0 { other } else { self };
        }
        let exponent = self.exponent.min(other.exponent);
        let sum = self.shifted(exponent).zip(other.shifted(exponent)).and_then(|(a, b)| a.checked_add(b));
        match sum {
            Some(sum) if self.is_known() && other.is_known() => Self::normal(sum, exponent),
            _ => Self::UNKNOWN,
        }
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let product = self.mantissa.checked_mul(other.mantissa).zip(self.exponent.checked_add(other.exponent));
        match product {
            Some((mantissa, exponent)) if self.is_known() && other.is_known() => Self::normal(mantissa, exponent),
            _ => Self::UNKNOWN,
        }
    }

    /// With the other sign.
    #[must_use]
    pub const fn negative(self) -> Self {
        // The least of all mantissas is even, hence none.
        if self.is_known() { Self { mantissa: -self.mantissa, exponent: self.exponent } } else { self }
    }

    /// Whether it is 0.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The float next to it, if it is known.
    #[must_use]
    pub fn to_f64(self) -> Option<f64> {
        self.is_known().then(|| self.mantissa as f64 * f64::from(self.exponent).exp2())
    }
}

impl PartialEq for Dyadic {
    fn eq(&self, other: &Self) -> bool {
        self.is_known() && self.mantissa == other.mantissa && self.exponent == other.exponent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_exact() {
        for value in [0.0, -0.0, 1.0, -2.5, 0.1, 5e-324, f64::MAX, f64::MIN_POSITIVE, 9_007_199_254_740_993.0] {
            let read = Dyadic::of(value).unwrap();
            assert!(value.abs() < 1e-300 || read.to_f64() == Some(value), "{value}");
            assert!(read == read && read.plus(read.negative()).is_zero(), "{value}");
            assert!(read.times(Dyadic::of(2.0).unwrap()) == read.plus(read), "{value}");
        }
        assert!(Dyadic::of(f64::NAN).is_none() && Dyadic::of(f64::INFINITY).is_none());
    }

    #[test]
    fn sums_and_products_are_not_rounded() {
        let of = |value: f64| Dyadic::of(value).unwrap();
        let (a, b, c) = (of(0.1), of(0.2), of(0.3));
        assert!(a.plus(b) != c, "0.1 + 0.2 are not 0.3 in floats");
        assert!(a.plus(b).plus(c) == c.plus(b).plus(a));
        assert!(a.times(b).plus(a.times(c)) == a.times(b.plus(c)));
    }

    #[test]
    fn what_does_not_fit_equals_nothing() {
        let large = Dyadic::of(0.1).unwrap();
        let unknown = large.times(large).times(large);
        assert!(unknown.to_f64().is_none() && unknown != unknown);
        assert!(unknown.times(Dyadic::ZERO) != Dyadic::ZERO && !unknown.plus(unknown.negative()).is_zero());
        let apart = Dyadic::of(1e300).unwrap().plus(Dyadic::of(1e-300).unwrap());
        assert!(apart != apart);
    }
}

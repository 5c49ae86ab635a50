//! Run-time values of scalar expressions.
//!
//! A value carries its dtype and is always a value of it: integers are in range, floats are representable. Every real type is
//! held in an f64, which represents all of them exactly; rounding happens where a value is made.

use super::Literal;
use super::small::SmallFormat;
use crate::dtype::{Class, DType};

/// A value with its dtype.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// An integer in the range of its dtype.
    Int(i128, DType),
    /// A real number that its dtype represents.
    Float(f64, DType),
    /// Real and imaginary part, each representable in the real type of the dtype.
    Complex(f64, f64, DType),
    /// The key of a random generator.
    Key(u64),
}

/// Bits decide, except that every NaN equals every other and 0.0 differs from -0.0.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a, s), Value::Int(b, t)) => a == b && s == t,
            (Value::Float(a, s), Value::Float(b, t)) => same(a, b) && s == t,
            (Value::Complex(a, b, s), Value::Complex(c, d, t)) => same(a, c) && same(b, d) && s == t,
            (Value::Key(a), Value::Key(b)) => a == b,
            _ => false,
        }
    }
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

impl Value {
    /// An i64, the type of indices and sizes.
    #[must_use]
    pub const fn index(n: i64) -> Self {
        Value::Int(n as i128, DType::I64)
    }

    /// An integer, wrapped to the width of an integer dtype.
    #[must_use]
    pub fn int(n: i128, dtype: DType) -> Self {
        Value::Int(wrap(n, dtype), dtype)
    }

    /// A real number, rounded to a float dtype.
    #[must_use]
    pub fn float(x: f64, dtype: DType) -> Self {
        Value::Float(round_to(x, dtype), dtype)
    }

    /// A complex number, its parts rounded to the real type of a complex dtype.
    #[must_use]
    pub fn complex(re: f64, im: f64, dtype: DType) -> Self {
        Value::Complex(round_to(re, dtype.real()), round_to(im, dtype.real()), dtype)
    }

    /// A small integer as a value of any dtype.
    #[must_use]
    pub fn small(n: i32, dtype: DType) -> Self {
        match dtype.class() {
            Class::Bool => Value::Bool(n != 0),
            Class::Signed | Class::Unsigned => Value::int(i128::from(n), dtype),
            Class::Float => Value::float(f64::from(n), dtype),
            Class::Complex => Value::complex(f64::from(n), 0.0, dtype),
            Class::Key => Value::Key(u64::from(n.unsigned_abs())),
        }
    }

    /// A literal as a value of the dtype of the node that holds it.
    #[must_use]
    pub fn from_literal(literal: Literal, dtype: DType) -> Self {
        let value = match literal {
            Literal::Bool(b) => Value::Bool(b),
            Literal::Int(n) if dtype.is_integer() => return Value::int(n, dtype),
            Literal::Int(n) => Value::Int(n, DType::I64),
            Literal::Float(x) => Value::Float(x, DType::F64),
            Literal::Complex(re, im) => Value::Complex(re, im, DType::C128),
        };
        super::eval::cast(value, dtype)
    }

    /// The literal that has this value in its dtype; keys have none.
    #[must_use]
    pub fn to_literal(&self) -> Option<Literal> {
        // Literals are compared by their bits, and the text form has one NaN.
        let plain = |x: f64| if x.is_nan() { f64::NAN } else { x };
        match *self {
            Value::Bool(b) => Some(Literal::Bool(b)),
            Value::Int(n, _) => Some(Literal::Int(n)),
            Value::Float(x, _) => Some(Literal::Float(plain(x))),
            Value::Complex(re, im, _) => Some(Literal::Complex(plain(re), plain(im))),
            Value::Key(_) => None,
        }
    }

    /// The type of the value.
    #[must_use]
    pub const fn dtype(&self) -> DType {
        match *self {
            Value::Bool(_) => DType::Bool,
            Value::Int(_, dtype) | Value::Float(_, dtype) | Value::Complex(_, _, dtype) => dtype,
            Value::Key(_) => DType::Key,
        }
    }

    /// The bool, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match *self {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i128> {
        match *self {
            Value::Int(n, _) => Some(n),
            _ => None,
        }
    }

    /// The real number, if it is one.
    #[must_use]
    pub const fn as_float(&self) -> Option<f64> {
        match *self {
            Value::Float(x, _) => Some(x),
            _ => None,
        }
    }

    /// The least value of an integer or float dtype (`-inf`, or the least number where there is none); `None` for the others.
    #[must_use]
    pub fn least(dtype: DType) -> Option<Self> {
        match dtype.class() {
            Class::Signed | Class::Unsigned => Some(Value::Int(int_range(dtype).0, dtype)),
            Class::Float => Some(Value::Float(-greatest_float(dtype), dtype)),
            _ => None,
        }
    }

    /// The greatest value of an integer or float dtype (`inf`, or the greatest number); `None` for the others.
    #[must_use]
    pub fn greatest(dtype: DType) -> Option<Self> {
        match dtype.class() {
            Class::Signed | Class::Unsigned => Some(Value::Int(int_range(dtype).1, dtype)),
            Class::Float => Some(Value::Float(greatest_float(dtype), dtype)),
            _ => None,
        }
    }
}

/// Infinity, or the greatest number of a format without one.
#[must_use]
pub fn greatest_float(dtype: DType) -> f64 {
    match SmallFormat::of(dtype) {
        Some(format) if !format.has_infinity() => format.max,
        _ => f64::INFINITY,
    }
}

/// The least and the greatest value of an integer dtype.
#[must_use]
pub fn int_range(dtype: DType) -> (i128, i128) {
    let bits = dtype.bits();
    match dtype.class() {
        Class::Signed => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        _ => (0, (1i128 << bits) - 1),
    }
}

/// Two's complement wrap to the width of an integer dtype.
#[must_use]
pub fn wrap(n: i128, dtype: DType) -> i128 {
    let spare = 128 - dtype.bits();
    if matches!(dtype.class(), Class::Signed) { (n << spare) >> spare } else { (((n as u128) << spare) >> spare) as i128 }
}

/// The nearest number of a float dtype, ties to even; what is above its range becomes infinity (NaN in f8e4m3, which has none).
#[must_use]
pub fn round_to(x: f64, dtype: DType) -> f64 {
    if dtype == DType::F32 {
        return f64::from(x as f32);
    }
    SmallFormat::of(dtype).map_or(x, |format| format.round(x))
}

/// The shortest text that reads back as this number of a dtype; f32 decides for all floats that are no wider.
#[must_use]
pub fn shortest(x: f64, dtype: DType) -> String {
    if dtype.is_integer() {
        return x.to_string();
    }
    if dtype == DType::F64 { format!("{x:?}") } else { format!("{:?}", x as f32) }
}

/// An integer as the nearest number of a float dtype.
#[must_use]
pub fn int_to_float(n: i128, dtype: DType) -> f64 {
    match dtype {
        DType::F64 => n as f64,
        DType::F32 => f64::from(n as f32),
        _ => {
            // Rounding twice could go wrong at a tie: what does not fit into an f64 keeps a sticky bit instead.
            let magnitude = n.unsigned_abs();
            let wide = if magnitude >> 53 == 0 {
                magnitude as f64
            } else {
                let shift = 128 - magnitude.leading_zeros() - 52;
                let lost = magnitude & ((1 << shift) - 1) != 0;
                libm::ldexp(((magnitude >> shift) | u128::from(lost)) as f64, shift as i32)
            };
            round_to(if n < 0 { -wide } else { wide }, dtype)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_wrap_to_their_width() {
        assert_eq!(wrap(200, DType::I8), -56);
        assert_eq!(wrap(-1, DType::U16), 65535);
        assert_eq!(wrap(1 << 64, DType::U64), 0);
        assert_eq!(wrap((1 << 63) + 5, DType::I64), i128::from(i64::MIN) + 5);
        assert_eq!(wrap(9, DType::I4), -7);
        assert_eq!(int_range(DType::U64), (0, i128::from(u64::MAX)));
        assert_eq!(int_range(DType::I2), (-2, 1));
    }

    #[test]
    fn halves_agree_with_the_half_crate() {
        for n in 0..40_000u32 {
            let x = f32::from_bits(n.wrapping_mul(107_374) ^ 0x5a5a);
            if x.is_nan() {
                continue;
            }
            let (a, b) = (half::f16::from_f32(x).to_f64(), half::bf16::from_f32(x).to_f64());
            assert_eq!(round_to(f64::from(x), DType::F16).to_bits(), a.to_bits(), "{x}");
            assert_eq!(round_to(f64::from(x), DType::BF16).to_bits(), b.to_bits(), "{x}");
        }
    }

    #[test]
    fn small_floats_round_once() {
        // Just above the tie between 1 and 1 + 2^-10: a detour over f32 would make it a tie.
        assert_eq!(round_to(1.0 + 2f64.powi(-11) + 2f64.powi(-50), DType::F16), 1.0 + 2f64.powi(-10));
        assert_eq!(round_to(1.0 + 2f64.powi(-11), DType::F16), 1.0);
        assert_eq!(round_to(65519.0, DType::F16), 65504.0);
        assert_eq!(round_to(65520.0, DType::F16), f64::INFINITY);
        assert_eq!(round_to(2f64.powi(-25), DType::F16), 0.0);
        assert_eq!(round_to(464.0, DType::F8E4M3), 448.0);
        assert!(round_to(480.0, DType::F8E4M3).is_nan());
        assert_eq!(round_to(-61440.0, DType::F8E5M2), f64::NEG_INFINITY);
        assert_eq!(round_to(0.001953125, DType::F8E4M3), 0.001953125);
        assert_eq!(int_to_float((1 << 62) + (1 << 54) + 1, DType::BF16), 2f64.powi(62) + 2f64.powi(55));
        assert_eq!(int_to_float((1 << 62) + (1 << 54), DType::BF16), 2f64.powi(62));
    }

    #[test]
    fn literals_take_the_dtype_of_their_node() {
        assert_eq!(Value::from_literal(Literal::Float(0.1), DType::F32), Value::Float(f64::from(0.1f32), DType::F32));
        assert_eq!(Value::from_literal(Literal::Int(3), DType::C64), Value::Complex(3.0, 0.0, DType::C64));
        assert_eq!(Value::from_literal(Literal::Int(i128::from(u64::MAX)), DType::U64), Value::Int(i128::from(u64::MAX), DType::U64));
        assert_eq!(Value::from_literal(Literal::Bool(true), DType::Bool), Value::Bool(true));
    }
}

//! Wide values and the formats that their errors are counted in.

use crate::dtype::DType;
use crate::scalar::small::SmallFormat;
use crate::scalar::value::Value;

/// Decisions within so many times the error are doubtful.
pub(super) const SLACK: f64 = 8.0;
/// Units in the last place that a function may be off.
pub(super) const FUNCTION_ULPS: f64 = 8.0;

/// A number in wide arithmetic; the dtype is the declared one.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An integer, bool or key.
    Exact(Value),
    /// A real number.
    Real(f64, DType),
    /// Real and imaginary part.
    Complex(f64, f64, DType),
}

/// A number with what is known of its error.
#[derive(Clone, Copy, Debug)]
pub struct WideValue {
    /// The number.
    pub number: Number,
    /// The same expression with every term made positive.
    pub magnitude: f64,
    /// Bound of the absolute error of an implementation, up to a small factor.
    pub error: f64,
    /// Whether the number hangs on a decision that may fall either way.
    pub doubtful: bool,
}

/// What matters of a float format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    /// From 1 to the next number.
    pub(super) eps: f64,
    /// The greatest finite number.
    pub(super) max: f64,
    /// The least normal number.
    pub(super) min: f64,
}

/// The format of a float dtype, or of the parts of a complex one.
pub(super) fn format_of(dtype: DType) -> Format {
    match (dtype.real(), SmallFormat::of(dtype)) {
        (DType::F32, _) => Format { eps: f64::from(f32::EPSILON), max: f64::from(f32::MAX), min: f64::from(f32::MIN_POSITIVE) },
        (_, Some(small)) => {
            Format { eps: libm::ldexp(1.0, 1 - small.precision), max: small.max, min: libm::ldexp(1.0, small.min_exponent) }
        }
        _ => Format { eps: f64::EPSILON, max: f64::MAX, min: f64::MIN_POSITIVE },
    }
}

impl Number {
    pub(super) fn dtype(self) -> DType {
        match self {
            Number::Exact(value) => value.dtype(),
            Number::Real(_, dtype) | Number::Complex(_, _, dtype) => dtype,
        }
    }

    /// Modulus; 0 for what is no float.
    pub(super) fn modulus(self) -> f64 {
        match self {
            Number::Exact(_) => 0.0,
            Number::Real(x, _) => x.abs(),
            Number::Complex(re, im, _) => libm::hypot(re, im),
        }
    }

    /// The number as a value in f64.
    pub(super) fn widest(self) -> Value {
        match self {
            Number::Exact(value) => value,
            Number::Real(x, _) => Value::Float(x, DType::F64),
            Number::Complex(re, im, _) => Value::Complex(re, im, DType::C128),
        }
    }

    /// NaN for an infinity of a format that has none.
    fn in_its_format(self) -> Self {
        match self {
            Number::Real(x, dtype) if SmallFormat::of(dtype).is_some_and(|format| !format.has_infinity() && !x.is_finite()) => {
                Number::Real(f64::NAN, dtype)
            }
            other => other,
        }
    }

    /// A value in f64 as a number of a declared dtype.
    pub(super) fn from_widest(value: Value, dtype: DType) -> Self {
        match value {
            Value::Float(x, _) => Number::Real(x, dtype),
            Value::Complex(re, im, _) => Number::Complex(re, im, dtype),
            other => Number::Exact(other),
        }
    }
}

impl WideValue {
    /// A value that every implementation has.
    pub(super) fn exact(value: Value) -> Self {
        let number = Number::from_widest(value, value.dtype());
        Self { number, magnitude: number.modulus(), error: 0.0, doubtful: false }
    }

    /// A computed number: notices overflow and underflow.
    pub(super) fn computed(number: Number, magnitude: f64, error: f64, doubtful: bool) -> Self {
        let format = format_of(number.dtype());
        if !number.modulus().is_finite() {
            return Self { number: number.in_its_format(), magnitude: 0.0, error: 0.0, doubtful };
        }
        // Half the range, so that neither rounding nor another order can leave it.
        let overflow = magnitude.is_nan() || magnitude > format.max / 2.0 || error.is_nan();
        let underflow = if magnitude > 0.0 && magnitude < format.min { format.min } else { 0.0 };
        Self { number, magnitude, error: error + underflow, doubtful: doubtful || overflow }
    }

    /// How far off a decision about this value must be to be certain.
    pub(super) fn slack(&self) -> f64 {
        SLACK * self.error
    }
}

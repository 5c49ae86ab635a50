//! Wide values as an arithmetic to evaluate in.

use super::number::{Number, WideValue, format_of};
use super::sum::Sum;
use super::{complex, real};
use crate::dtype::{Class, DType};
use crate::interp::engine::Arithmetic;
use crate::interp::multi::Quality;
use crate::scalar::eval::{ScalarFault, cast, eval_binary, eval_unary};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::Value;

/// The arithmetic of [`super::run_wide`].
pub(super) struct Wide;

impl Arithmetic for Wide {
    type V = WideValue;
    type Sum = Sum;

    fn lift(value: Value) -> WideValue {
        WideValue::exact(value)
    }

    fn exact(v: &WideValue) -> Value {
        v.number.widest()
    }

    fn unary(function: UnaryFn, x: WideValue, result: DType) -> WideValue {
        if function == UnaryFn::Keep {
            return x;
        }
        match x.number {
            Number::Exact(value) => WideValue { doubtful: x.doubtful, ..WideValue::exact(eval_unary(function, value, result)) },
            Number::Real(v, dtype) => real::unary(function, &x, v, dtype, result),
            Number::Complex(re, im, dtype) => complex::unary(function, &x, (re, im), dtype),
        }
    }

    fn binary(function: BinaryFn, a: WideValue, b: WideValue) -> Result<WideValue, ScalarFault> {
        Ok(match (a.number, b.number) {
            (Number::Exact(x), Number::Exact(y)) => {
                let value = eval_binary(function, x, y)?;
                WideValue { doubtful: a.doubtful || b.doubtful, ..WideValue::exact(value) }
            }
            (Number::Real(x, dtype), Number::Real(y, _)) => real::binary(function, (&a, x), (&b, y), dtype),
            _ => complex::binary(function, &a, &b),
        })
    }

    fn cast(x: WideValue, dtype: DType) -> WideValue {
        if x.number.dtype() == dtype {
            return x;
        }
        match (x.number, dtype.class()) {
            (Number::Exact(value), _) => WideValue { doubtful: x.doubtful, ..WideValue::exact(cast(value, dtype)) },
            (_, Class::Float | Class::Complex) => to_float(&x, dtype),
            _ => to_exact(&x, dtype),
        }
    }

    fn is_exact(v: &WideValue) -> bool {
        v.error == 0.0 && !v.doubtful
    }

    fn rounded(v: &WideValue) -> Value {
        cast(v.number.widest(), v.number.dtype())
    }

    fn of_library(value: Value, quality: Quality) -> WideValue {
        let exact = WideValue::exact(value);
        match quality {
            Quality::Exact => exact,
            Quality::Within(error) => WideValue::computed(exact.number, exact.magnitude + error, error, false),
            Quality::Doubtful => WideValue { doubtful: true, ..exact },
        }
    }

    fn is_doubtful(v: &WideValue) -> bool {
        v.doubtful
    }

    fn doubt(v: WideValue) -> WideValue {
        WideValue { doubtful: true, ..v }
    }

    fn sum_new(dtype: DType) -> Sum {
        Sum::new(dtype)
    }

    fn sum_add(sum: &mut Sum, v: WideValue) {
        sum.add(v);
    }

    fn sum_done(sum: Sum) -> WideValue {
        sum.done()
    }
}

/// Between floats: only a narrower type rounds.
fn to_float(x: &WideValue, dtype: DType) -> WideValue {
    let number = match (x.number, dtype.is_complex()) {
        (Number::Complex(re, im, _), true) => Number::Complex(re, im, dtype),
        (Number::Complex(re, _, _), false) => Number::Real(re, dtype),
        (Number::Real(v, _), true) => Number::Complex(v, 0.0, dtype),
        (Number::Real(v, _), false) => Number::Real(v, dtype),
        (exact, _) => exact,
    };
    let (from, to) = (format_of(x.number.dtype()).eps, format_of(dtype).eps);
    let rounding = if to > from { to * x.magnitude } else { 0.0 };
    WideValue::computed(number, x.magnitude, x.error + rounding, x.doubtful)
}

/// From a float to an integer or bool: doubtful if the error reaches another one.
fn to_exact(x: &WideValue, dtype: DType) -> WideValue {
    let value = cast(x.number.widest(), dtype);
    let doubtful = x.error > 0.0
        && match (x.number, value) {
            (Number::Real(v, _), Value::Int(..)) => {
                let end = |v: f64| cast(Value::Float(v, DType::F64), dtype);
                end(v - x.slack()) != end(v + x.slack())
            }
            (number, _) => number.modulus() <= x.slack(),
        };
    WideValue { doubtful: x.doubtful || doubtful, ..WideValue::exact(value) }
}

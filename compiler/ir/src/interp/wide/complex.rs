//! Complex functions of wide values.

use super::number::{FUNCTION_ULPS, Number, SLACK, WideValue, format_of};
use super::real::{distance, ring};
use crate::dtype::DType;
use crate::scalar::eval::{eval_binary, eval_unary};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::Value;

/// The four directions in which an operand is moved.
const DIRECTIONS: [(f64, f64); 4] = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)];

/// A function of `x`, whose number is `z`.
pub(super) fn unary(function: UnaryFn, x: &WideValue, z: (f64, f64), dtype: DType) -> WideValue {
    let apply = |re: f64, im: f64| eval_unary(function, Value::Complex(re, im, DType::C128), DType::C128);
    let value = apply(z.0, z.1);
    let number_of = |value: Value| Number::from_widest(value, if matches!(value, Value::Float(..)) { dtype.real() } else { dtype });
    let number = number_of(value);
    match function {
        UnaryFn::IsNan | UnaryFn::IsFinite => WideValue { doubtful: x.doubtful, ..WideValue::exact(value) },
        UnaryFn::Neg | UnaryFn::Conj | UnaryFn::Real | UnaryFn::Imag => WideValue { number, ..*x },
        UnaryFn::Powi(n) if n > 0 => {
            (1..n).fold(WideValue { number: Number::Complex(z.0, z.1, dtype), ..*x }, |power, _| binary(BinaryFn::Mul, &power, x))
        }
        _ => moved(number, x, &|(re, im)| number_of(apply(z.0 + re * x.slack(), z.1 + im * x.slack()))),
    }
}

/// The error of a function found by moving its operand by its error in each direction.
fn moved(number: Number, x: &WideValue, at: &dyn Fn((f64, f64)) -> Number) -> WideValue {
    let modulus = number.modulus();
    let (mut spread, mut undefined) = (0f64, false);
    if x.error > 0.0 {
        for direction in DIRECTIONS {
            let end = at(direction);
            spread = spread.max(distance(number, end));
            undefined |= modulus.is_finite() && !end.modulus().is_finite();
        }
    }
    // Moving both parts at once is at most twice as far.
    let error = 2.0 * spread / SLACK + 2.0 * FUNCTION_ULPS * format_of(number.dtype()).eps * modulus;
    WideValue::computed(number, modulus, error, x.doubtful || undefined)
}

/// A function of two complex numbers.
pub(super) fn binary(function: BinaryFn, a: &WideValue, b: &WideValue) -> WideValue {
    let (x, y) = (a.number.widest(), b.number.widest());
    let apply = |x: Value, y: Value| eval_binary(function, x, y).unwrap_or(Value::Complex(f64::NAN, f64::NAN, DType::C128));
    let number_of = |value: Value| Number::from_widest(value, a.number.dtype());
    let number = number_of(apply(x, y));
    let doubtful = a.doubtful || b.doubtful;
    match function {
        BinaryFn::Eq | BinaryFn::Ne => {
            let slack = a.slack() + b.slack();
            let close = slack > 0.0 && distance(a.number, b.number) <= slack;
            WideValue { doubtful: doubtful || close, ..WideValue::exact(apply(x, y)) }
        }
        BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul | BinaryFn::Div => ring(function, a, b, number),
        _ => {
            let with_a = moved(number, a, &|by| number_of(apply(shift(x, by, a.slack()), y)));
            let with_b = moved(number, b, &|by| number_of(apply(x, shift(y, by, b.slack()))));
            let error = with_a.error + with_b.error;
            WideValue { error, doubtful: doubtful || with_a.doubtful || with_b.doubtful, ..with_a }
        }
    }
}

fn shift(z: Value, by: (f64, f64), amount: f64) -> Value {
    match z {
        Value::Complex(re, im, dtype) => Value::Complex(re + by.0 * amount, im + by.1 * amount, dtype),
        other => other,
    }
}

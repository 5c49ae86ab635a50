//! Real functions of wide values.

use super::number::{FUNCTION_ULPS, Number, SLACK, WideValue, format_of};
use crate::dtype::DType;
use crate::scalar::eval::{comparison, eval_binary, eval_unary};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::Value;

/// A function of `x`, whose number is `v`.
pub(super) fn unary(function: UnaryFn, x: &WideValue, v: f64, dtype: DType, result: DType) -> WideValue {
    let widest_result = if result.is_complex() { DType::C128 } else { DType::F64 };
    let apply = |v: f64| eval_unary(function, Value::Float(v, DType::F64), widest_result);
    let number = Number::from_widest(apply(v), if result.is_complex() { result } else { dtype });
    match function {
        UnaryFn::IsNan | UnaryFn::IsFinite => WideValue { doubtful: x.doubtful, ..WideValue::exact(apply(v)) },
        UnaryFn::Neg | UnaryFn::Abs | UnaryFn::Conj | UnaryFn::Real => WideValue { number, ..*x },
        UnaryFn::Relu => WideValue { number, magnitude: number.modulus(), ..*x },
        UnaryFn::Sign | UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc => {
            let jumps = x.error > 0.0 && apply(v - x.slack()) != apply(v + x.slack());
            WideValue { number, magnitude: number.modulus(), error: 0.0, doubtful: x.doubtful || jumps }
        }
        UnaryFn::Powi(0) => WideValue { doubtful: x.doubtful, ..WideValue::exact(Value::Float(1.0, dtype)) },
        UnaryFn::Powi(n) if n > 0 => power(x, number, n),
        UnaryFn::Sin | UnaryFn::Cos | UnaryFn::Cis => {
            // The slope is at most 1, and the ends of a wide interval would say nothing.
            let rounding = FUNCTION_ULPS * format_of(number.dtype()).eps * number.modulus();
            WideValue::computed(number, number.modulus(), x.error.min(2.0) + rounding, x.doubtful)
        }
        UnaryFn::Tan if tangent_branch(v - x.slack()) != tangent_branch(v + x.slack()) => {
            WideValue::computed(number, number.modulus(), 0.0, true)
        }
        _ => by_ends(number, x.doubtful, &|end| Number::from_widest(apply(v + end * x.slack()), dtype), x.error > 0.0),
    }
}

/// Number of the interval between two poles.
fn tangent_branch(v: f64) -> f64 {
    (v / std::f64::consts::PI + 0.5).floor()
}

/// A product of `n` equal factors.
fn power(x: &WideValue, number: Number, n: i32) -> WideValue {
    let lower = libm::pow(x.magnitude, f64::from(n - 1));
    let rounding = f64::from(n - 1) * format_of(number.dtype()).eps * lower * x.magnitude;
    let vanished = if number.modulus() == 0.0 && x.magnitude > 0.0 { format_of(number.dtype()).min } else { 0.0 };
    WideValue::computed(number, lower * x.magnitude, f64::from(n) * lower * x.error + rounding + vanished, x.doubtful)
}

/// A function whose operand's interval has the ends `at(-1)` and `at(1)`.
fn by_ends(number: Number, doubtful: bool, at: &dyn Fn(f64) -> Number, has_error: bool) -> WideValue {
    let modulus = number.modulus();
    let rounding = FUNCTION_ULPS * format_of(number.dtype()).eps * modulus;
    if !has_error {
        return WideValue::computed(number, modulus, rounding, doubtful);
    }
    let spread = distance(number, at(1.0)).max(distance(number, at(-1.0)));
    // An end where the function is not defined, or infinite: anything can come out.
    let undefined = modulus.is_finite() && !(at(1.0).modulus().is_finite() && at(-1.0).modulus().is_finite());
    WideValue::computed(number, modulus, spread / SLACK + rounding, doubtful || undefined)
}

pub(super) fn distance(a: Number, b: Number) -> f64 {
    match (a, b) {
        (Number::Real(x, _), Number::Real(y, _)) => (x - y).abs(),
        (Number::Complex(a, b, _), Number::Complex(c, d, _)) => libm::hypot(a - c, b - d),
        _ => 0.0,
    }
}

/// A function of `a` and `b`, whose numbers are `x` and `y`.
pub(super) fn binary(function: BinaryFn, (a, x): (&WideValue, f64), (b, y): (&WideValue, f64), dtype: DType) -> WideValue {
    let doubtful = a.doubtful || b.doubtful;
    if let Some(result) = comparison(function, x.partial_cmp(&y)) {
        return WideValue { doubtful: doubtful || is_close_call(a, x, b, y), ..WideValue::exact(Value::Bool(result)) };
    }
    let value = |x: f64, y: f64| eval_binary(function, Value::Float(x, DType::F64), Value::Float(y, DType::F64));
    // Floats have no faults.
    let number_at = |x: f64, y: f64| Number::from_widest(value(x, y).unwrap_or(Value::Float(f64::NAN, DType::F64)), dtype);
    let number = number_at(x, y);
    match function {
        BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul | BinaryFn::Div => ring(function, a, b, number),
        BinaryFn::Max | BinaryFn::Min => extreme(a, x, b, y, number),
        BinaryFn::FloorDiv | BinaryFn::Rem => floored(function, (a, x), (b, y), number),
        _ => {
            let with_a = by_ends(number, doubtful, &|end| number_at(x + end * a.slack(), y), a.error > 0.0);
            let with_b = by_ends(number, doubtful, &|end| number_at(x, y + end * b.slack()), b.error > 0.0);
            let error = with_a.error + with_b.error;
            WideValue { error, doubtful: with_a.doubtful || with_b.doubtful, ..with_a }
        }
    }
}

/// Whether the order of two numbers is within their errors.
fn is_close_call(a: &WideValue, x: f64, b: &WideValue, y: f64) -> bool {
    let slack = a.slack() + b.slack();
    slack > 0.0 && (x - y).abs() <= slack
}

/// Sums, products and quotients of real or complex numbers; `number` is the result.
pub(super) fn ring(function: BinaryFn, a: &WideValue, b: &WideValue, number: Number) -> WideValue {
    let format = format_of(number.dtype());
    let (p, q) = (a.number.modulus(), b.number.modulus());
    let mut doubtful = a.doubtful || b.doubtful;
    // Overflow of finite numbers may not happen in another order.
    doubtful |= function != BinaryFn::Div && p.is_finite() && q.is_finite() && !number.modulus().is_finite();
    let (magnitude, carried) = match function {
        BinaryFn::Mul => (a.magnitude * b.magnitude, a.error * b.magnitude + b.error * a.magnitude + a.error * b.error),
        BinaryFn::Div => {
            doubtful |= b.error > 0.0 && q <= b.slack();
            (a.magnitude / q, (a.error + number.modulus() * b.error) / (q - b.slack().min(q / 2.0)))
        }
        _ => (a.magnitude + b.magnitude, a.error + b.error),
    };
    let vanished = matches!(function, BinaryFn::Mul | BinaryFn::Div) && number.modulus() == 0.0 && p > 0.0 && q.is_finite() && q > 0.0;
    // A complex operation is up to four real ones.
    let roundings = if number.dtype().is_complex() { 4.0 } else { 1.0 };
    let error = carried + roundings * format.eps * magnitude + if vanished { format.min } else { 0.0 };
    WideValue::computed(number, magnitude, error, doubtful)
}

/// `max` and `min`: exact, but within their errors either operand may win.
fn extreme(a: &WideValue, x: f64, b: &WideValue, y: f64, number: Number) -> WideValue {
    let doubtful = a.doubtful || b.doubtful;
    match number {
        Number::Real(result, _) if !result.is_nan() && !is_close_call(a, x, b, y) => {
            let winner = if result == x { a } else { b };
            WideValue { number, doubtful, ..*winner }
        }
        _ => WideValue::computed(number, a.magnitude.max(b.magnitude), a.error.max(b.error), doubtful),
    }
}

/// Floor quotient and remainder: doubtful where the quotient is next to an integer, unless it is exactly one.
fn floored(function: BinaryFn, (a, x): (&WideValue, f64), (b, y): (&WideValue, f64), number: Number) -> WideValue {
    let eps = format_of(number.dtype()).eps;
    let quotient = x / y;
    let exact = a.error == 0.0 && b.error == 0.0 && libm::fmod(x, y) == 0.0;
    let spread = SLACK * (eps * quotient.abs() + (a.error + quotient.abs() * b.error) / y.abs());
    let next_to_integer = !exact && quotient.is_finite() && (quotient - spread).floor() != (quotient + spread).floor();
    let carried = if function == BinaryFn::Rem { a.error + quotient.abs() * b.error + eps * y.abs() } else { 0.0 };
    let doubtful = a.doubtful || b.doubtful || next_to_integer;
    WideValue::computed(number, number.modulus(), carried + eps * number.modulus(), doubtful)
}

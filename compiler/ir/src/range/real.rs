//! Intervals of floats that are not NaN, as exact numbers under the functions of the language: for signs, and for the ranges on which
//! functions are approximated.

use super::Range;
use crate::dtype::{Class, DType};
use crate::interval::Interval;
use crate::scalar::eval::eval_unary;
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::{Value, greatest_float, round_to};

/// Every float.
pub(super) const ANY: Range = Range::Real(f64::NEG_INFINITY, f64::INFINITY);
const NOT_NEGATIVE: Range = Range::Real(0.0, f64::INFINITY);
/// Share of themselves by which values of functions are off, in f32 as well.
const ROUNDED: f64 = 1.0 / (1 << 20) as f64;
/// Where `gelu` and `silu` are least.
const LEAST_OF_GELU: f64 = -0.751_791_524_693_564_5;
const LEAST_OF_SILU: f64 = -1.278_464_542_761_073_7;

pub(super) fn unary(function: UnaryFn, lo: f64, hi: f64) -> Range {
    match function {
        UnaryFn::Neg => Range::Real(-hi, -lo),
        UnaryFn::Abs => abs(lo, hi),
        UnaryFn::Sign => Range::Real(if lo >= 0.0 { 0.0 } else { -1.0 }, if hi <= 0.0 { 0.0 } else { 1.0 }),
        UnaryFn::Floor => Range::Real(lo.floor(), hi.floor()),
        UnaryFn::Ceil => Range::Real(lo.ceil(), hi.ceil()),
        UnaryFn::Round => Range::Real(lo.round_ties_even(), hi.round_ties_even()),
        UnaryFn::Trunc => Range::Real(lo.trunc(), hi.trunc()),
        UnaryFn::Exp | UnaryFn::Softplus => rising(function, lo, hi).and(NOT_NEGATIVE),
        UnaryFn::Sqrt => rising(function, lo.max(0.0), hi.max(0.0)),
        UnaryFn::Rsqrt => rising(function, hi.max(0.0), lo.max(0.0)),
        UnaryFn::Sigmoid => rising(function, lo, hi).and(Range::Real(0.0, 1.0)),
        UnaryFn::Expm1 => rising(function, lo, hi),
        UnaryFn::Log => rising(function, lo.max(0.0), hi.max(0.0)),
        UnaryFn::Log1p => rising(function, lo.max(-1.0), hi.max(-1.0)),
        UnaryFn::Tanh | UnaryFn::Erf => rising(function, lo, hi).and(Range::Real(-1.0, 1.0)),
        UnaryFn::Gelu => with_valley(function, LEAST_OF_GELU, lo, hi),
        UnaryFn::Silu => with_valley(function, LEAST_OF_SILU, lo, hi),
        UnaryFn::Sin | UnaryFn::Cos => Range::Real(-1.0, 1.0),
        UnaryFn::Relu => Range::Real(lo.max(0.0), hi.max(0.0)),
        UnaryFn::Conj | UnaryFn::Real | UnaryFn::Keep => Range::Real(lo, hi),
        UnaryFn::Powi(n) if n >= 0 => power(lo, hi, n),
        UnaryFn::Powi(n) => match power(lo, hi, n.saturating_neg()) {
            Range::Real(lo, hi) => quotient((1.0, 1.0), (lo, hi)),
            other => other,
        },
        _ => ANY,
    }
}

/// A function at both ends, where it never falls; or never rises, with the ends the other way round.
fn rising(function: UnaryFn, lo: f64, hi: f64) -> Range {
    let at = |x: f64| match eval_unary(function, Value::Float(x, DType::F64), DType::F64) {
        Value::Float(y, _) => y,
        _ => f64::NAN,
    };
    outward(at(lo), at(hi))
}

/// A function that falls up to a point and rises from there.
fn with_valley(function: UnaryFn, least: f64, lo: f64, hi: f64) -> Range {
    // Far to the left it comes back to 0.
    let left = rising(function, least, lo.min(least).max(-1e3));
    let right = rising(function, least, hi.max(least));
    match (lo > least, hi < least) {
        (true, _) => rising(function, lo, hi),
        (_, true) => rising(function, hi, lo.max(-1e3)).or(Range::Real(0.0, 0.0)),
        _ => left.or(right),
    }
}

fn power(lo: f64, hi: f64, n: i32) -> Range {
    let (lo, hi) = match abs(lo, hi) {
        Range::Real(lo, hi) if n % 2 == 0 => (lo, hi),
        _ => (lo, hi),
    };
    outward(lo.powi(n), hi.powi(n))
}

/// With what functions are off by.
fn outward(lo: f64, hi: f64) -> Range {
    between(lo - lo.abs() * ROUNDED, hi + hi.abs() * ROUNDED)
}

/// A function of a complex number, as far as it is real.
pub(super) fn of_complex(function: UnaryFn, dtype: DType) -> Range {
    if function == UnaryFn::Abs { NOT_NEGATIVE } else { Range::of_type(dtype) }
}

fn abs(lo: f64, hi: f64) -> Range {
    let (a, b) = (lo.abs(), hi.abs());
    Range::Real(if lo <= 0.0 && hi >= 0.0 { 0.0 } else { a.min(b) }, a.max(b))
}

pub(super) fn square(lo: f64, hi: f64) -> Range {
    let Range::Real(a, b) = abs(lo, hi) else { return NOT_NEGATIVE };
    Range::Real(a * a, b * b)
}

pub(super) fn binary(function: BinaryFn, a: (f64, f64), b: (f64, f64)) -> Range {
    match function {
        BinaryFn::Add => between(a.0 + b.0, a.1 + b.1),
        BinaryFn::Sub => between(a.0 - b.1, a.1 - b.0),
        BinaryFn::Mul => of_corners([times(a.0, b.0), times(a.0, b.1), times(a.1, b.0), times(a.1, b.1)]),
        BinaryFn::Div => quotient(a, b),
        BinaryFn::FloorDiv if a.0 >= 0.0 && b.0 >= 0.0 => NOT_NEGATIVE,
        BinaryFn::Pow if a.0 > 0.0 => powers(a, b),
        BinaryFn::Pow if a.0 >= 0.0 => NOT_NEGATIVE,
        BinaryFn::Rem if b.0 >= 0.0 => Range::Real(0.0, b.1),
        BinaryFn::Max => Range::Real(a.0.max(b.0), a.1.max(b.1)),
        BinaryFn::Min => Range::Real(a.0.min(b.0), a.1.min(b.1)),
        _ => ANY,
    }
}

/// Powers of positive numbers, which rise or fall with each of both.
fn powers(a: (f64, f64), b: (f64, f64)) -> Range {
    match of_corners([a.0.powf(b.0), a.0.powf(b.1), a.1.powf(b.0), a.1.powf(b.1)]) {
        Range::Real(lo, hi) => outward(lo, hi).and(NOT_NEGATIVE),
        other => other,
    }
}

/// Whether a comparison of numbers holds, as far as the ends decide it.
pub(super) fn compared(function: BinaryFn, a: (f64, f64), b: (f64, f64)) -> Interval {
    let (always, never) = match function {
        BinaryFn::Lt => (a.1 < b.0, a.0 >= b.1),
        BinaryFn::Le => (a.1 <= b.0, a.0 > b.1),
        BinaryFn::Gt => (a.0 > b.1, a.1 <= b.0),
        BinaryFn::Ge => (a.0 >= b.1, a.1 < b.0),
        BinaryFn::Eq => (false, a.1 < b.0 || b.1 < a.0),
        BinaryFn::Ne => (a.1 < b.0 || b.1 < a.0, false),
        _ => (false, false),
    };
    (always.into(), i128::from(!never))
}

fn of_corners(corners: [f64; 4]) -> Range {
    between(corners.into_iter().fold(f64::INFINITY, f64::min), corners.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

/// A quotient; of a divisor that may be 0 the sign at most is known.
fn quotient(a: (f64, f64), b: (f64, f64)) -> Range {
    if b.0 <= 0.0 && b.1 >= 0.0 {
        return if a.0 >= 0.0 && b.0 >= 0.0 { NOT_NEGATIVE } else { ANY };
    }
    let over = |a: f64, b: f64| if b.is_infinite() { 0.0 } else { a / b };
    match of_corners([over(a.0, b.0), over(a.0, b.1), over(a.1, b.0), over(a.1, b.1)]) {
        Range::Real(lo, hi) => outward(lo, hi),
        other => other,
    }
}

/// Nothing is known of an end that is no number.
fn between(lo: f64, hi: f64) -> Range {
    Range::Real(if lo.is_nan() { f64::NEG_INFINITY } else { lo }, if hi.is_nan() { f64::INFINITY } else { hi })
}

/// A product of ends: of infinity and 0 it is NaN, or nearer to 0 than any that is none.
fn times(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

/// A sum of so many terms, at least and at most.
pub(super) fn sum(lo: f64, hi: f64, (least, most): (u64, u64)) -> Range {
    let (least, most) = (least as f64, most as f64);
    Range::Real(times(lo, least).min(times(lo, most)), times(hi, least).max(times(hi, most)))
}

pub(super) fn product(lo: f64, _hi: f64) -> Range {
    if lo >= 0.0 { NOT_NEGATIVE } else { ANY }
}

/// After a conversion to another type of floats.
pub(super) fn rounded(lo: f64, hi: f64, dtype: DType) -> Range {
    debug_assert_eq!(dtype.class(), Class::Float, "floats are converted to floats");
    let most = greatest_float(dtype);
    let round = |x: f64| round_to(x.clamp(-most, most), dtype);
    Range::Real(round(lo), round(hi))
}

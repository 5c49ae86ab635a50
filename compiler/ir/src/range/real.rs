//! Intervals of floats that are not NaN, as exact numbers under the functions of the language: signs are what they are for.

use super::Range;
use crate::dtype::{Class, DType};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::{greatest_float, round_to};

/// Every float.
pub(super) const ANY: Range = Range::Real(f64::NEG_INFINITY, f64::INFINITY);
const NOT_NEGATIVE: Range = Range::Real(0.0, f64::INFINITY);

pub(super) fn unary(function: UnaryFn, lo: f64, hi: f64) -> Range {
    match function {
        UnaryFn::Neg => Range::Real(-hi, -lo),
        UnaryFn::Abs => abs(lo, hi),
        UnaryFn::Sign => Range::Real(if lo >= 0.0 { 0.0 } else { -1.0 }, if hi <= 0.0 { 0.0 } else { 1.0 }),
        UnaryFn::Floor => Range::Real(lo.floor(), hi.floor()),
        UnaryFn::Ceil => Range::Real(lo.ceil(), hi.ceil()),
        UnaryFn::Round => Range::Real(lo.round_ties_even(), hi.round_ties_even()),
        UnaryFn::Trunc => Range::Real(lo.trunc(), hi.trunc()),
        UnaryFn::Exp | UnaryFn::Sqrt | UnaryFn::Rsqrt | UnaryFn::Softplus => NOT_NEGATIVE,
        UnaryFn::Sigmoid => Range::Real(0.0, 1.0),
        UnaryFn::Expm1 | UnaryFn::Log1p | UnaryFn::Gelu | UnaryFn::Silu if lo >= 0.0 => NOT_NEGATIVE,
        UnaryFn::Log if lo >= 1.0 => NOT_NEGATIVE,
        UnaryFn::Tanh | UnaryFn::Erf => Range::Real(if lo >= 0.0 { 0.0 } else { -1.0 }, if hi <= 0.0 { 0.0 } else { 1.0 }),
        UnaryFn::Sin | UnaryFn::Cos => Range::Real(-1.0, 1.0),
        UnaryFn::Relu => Range::Real(lo.max(0.0), hi.max(0.0)),
        UnaryFn::Conj | UnaryFn::Real | UnaryFn::Keep => Range::Real(lo, hi),
        UnaryFn::Powi(n) if n % 2 == 0 || lo >= 0.0 => NOT_NEGATIVE,
        _ => ANY,
    }
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
        BinaryFn::Mul => {
            let corners = [times(a.0, b.0), times(a.0, b.1), times(a.1, b.0), times(a.1, b.1)];
            Range::Real(corners.into_iter().fold(f64::INFINITY, f64::min), corners.into_iter().fold(f64::NEG_INFINITY, f64::max))
        }
        BinaryFn::Div | BinaryFn::FloorDiv if a.0 >= 0.0 && b.0 >= 0.0 => NOT_NEGATIVE,
        BinaryFn::Pow if a.0 >= 0.0 => NOT_NEGATIVE,
        BinaryFn::Rem if b.0 >= 0.0 => Range::Real(0.0, b.1),
        BinaryFn::Max => Range::Real(a.0.max(b.0), a.1.max(b.1)),
        BinaryFn::Min => Range::Real(a.0.min(b.0), a.1.min(b.1)),
        _ => ANY,
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

//! Intervals of integers under the functions of the language, before they wrap around. `None` is any number of the type.

use super::Range;
use crate::dtype::{Class, DType};
use crate::interval::{self, Interval};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::int_range;

pub(super) fn unary(function: UnaryFn, a: Interval, dtype: DType) -> Option<Interval> {
    match function {
        UnaryFn::Neg => Some((-a.1, -a.0)),
        UnaryFn::Abs => Some(abs(a)),
        UnaryFn::Sign => Some((a.0.signum(), a.1.signum())),
        UnaryFn::Relu => Some((a.0.max(0), a.1.max(0))),
        UnaryFn::Powi(n) => power(a, u32::try_from(n).ok()?),
        UnaryFn::Not => Some((1 - a.1, 1 - a.0)),
        UnaryFn::BitNot if dtype.class() == Class::Signed => Some((-1 - a.1, -1 - a.0)),
        UnaryFn::BitNot => interval::difference((int_range(dtype).1, int_range(dtype).1), a),
        UnaryFn::Popcount => Some((0, dtype.bits().into())),
        UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc | UnaryFn::Conj | UnaryFn::Real | UnaryFn::Keep => Some(a),
        _ => None,
    }
}

fn abs(a: Interval) -> Interval {
    let (least, greatest) = (a.0.abs().min(a.1.abs()), a.0.abs().max(a.1.abs()));
    if a.0 <= 0 && a.1 >= 0 { (0, greatest) } else { (least, greatest) }
}

/// An even power is that of the absolute value.
pub(super) fn power(a: Interval, n: u32) -> Option<Interval> {
    let base = if n.is_multiple_of(2) { abs(a) } else { a };
    Some((base.0.checked_pow(n)?, base.1.checked_pow(n)?))
}

pub(super) fn binary(function: BinaryFn, a: Interval, b: Interval, dtype: DType) -> Option<Interval> {
    // A divisor of 0 ends the program.
    let divisor = (if b.0 == 0 { 1 } else { b.0 }, if b.1 == 0 { -1 } else { b.1 });
    match function {
        BinaryFn::Add => interval::sum(a, b),
        BinaryFn::Sub => interval::difference(a, b),
        BinaryFn::Mul => interval::product(a, b),
        BinaryFn::FloorDiv if divisor.0 <= divisor.1 => interval::floor_quotient(a, divisor),
        BinaryFn::Rem if divisor.0 <= divisor.1 => interval::floor_remainder(a, divisor),
        BinaryFn::Max => Some((a.0.max(b.0), a.1.max(b.1))),
        BinaryFn::Min => Some((a.0.min(b.0), a.1.min(b.1))),
        // Of truth values, which are 0 and 1.
        BinaryFn::And => Some((a.0.min(b.0), a.1.min(b.1))),
        BinaryFn::Or => Some((a.0.max(b.0), a.1.max(b.1))),
        BinaryFn::BitAnd => masked(a, b),
        BinaryFn::BitOr | BinaryFn::Xor if a.0 >= 0 && b.0 >= 0 => Some((0, all_bits(a.1.max(b.1)))),
        BinaryFn::Shr if b.0 == b.1 && (0..dtype.bits().into()).contains(&b.0) => Some((a.0 >> b.0, a.1 >> b.0)),
        _ => None,
    }
}

/// Whether a comparison holds, as far as the ends decide it.
pub(super) fn compared(function: BinaryFn, a: Interval, b: Interval) -> Interval {
    let (always, never) = match function {
        BinaryFn::Lt => (a.1 < b.0, a.0 >= b.1),
        BinaryFn::Le => (a.1 <= b.0, a.0 > b.1),
        BinaryFn::Gt => (a.0 > b.1, a.1 <= b.0),
        BinaryFn::Ge => (a.0 >= b.1, a.1 < b.0),
        BinaryFn::Eq | BinaryFn::Ne => {
            let (same, apart) = (a.0 == a.1 && a == b, a.1 < b.0 || b.1 < a.0);
            if function == BinaryFn::Eq { (same, apart) } else { (apart, same) }
        }
        _ => (false, false),
    };
    (always.into(), i128::from(!never))
}

/// What is not negative masks the other to at most itself.
fn masked(a: Interval, b: Interval) -> Option<Interval> {
    match (a.0 >= 0, b.0 >= 0) {
        (true, true) => Some((0, a.1.min(b.1))),
        (true, false) => Some((0, a.1)),
        (false, true) => Some((0, b.1)),
        (false, false) => None,
    }
}

/// The greatest number with no more bits.
fn all_bits(n: i128) -> i128 {
    (1i128 << (i128::BITS - n.leading_zeros()).min(i128::BITS - 2)) - 1
}

/// A sum of so many terms, at least and at most. Partial sums may wrap around, and come back.
pub(super) fn sum(term: Interval, (least, most): (u64, u64)) -> Option<Range> {
    let times = |n: u64| interval::product(term, (n.into(), n.into()));
    let (fewest, all) = (times(least)?, times(most)?);
    Some(Range::Integer((fewest.0.min(all.0), fewest.1.max(all.1))))
}

/// A product of at most so many factors that are not negative.
pub(super) fn product(factor: Interval, most: u64) -> Option<Range> {
    let greatest = if factor.1 <= 1 { 1 } else { factor.1.checked_pow(u32::try_from(most).ok()?)? };
    (factor.0 >= 0).then_some(Range::Integer((0, greatest)))
}

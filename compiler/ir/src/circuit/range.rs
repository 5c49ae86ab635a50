//! In which range the result of an operation is.

use super::{BitOp, Comparison, Op};
use crate::dtype::DType;
use crate::entity::Wire;
use crate::interval::{self, Interval};
use crate::scalar::value::int_range;

/// All truth values.
pub const TRUTH: Interval = (0, 1);

/// Of the exact result of an operation, before it wraps; `input` is that of an operand. `None` where 127 bits do not hold it.
#[must_use]
pub fn exact(op: &Op, of: &dyn Fn(Wire) -> Interval, input: Interval) -> Option<Interval> {
    Some(match op {
        Op::Input(..) => input,
        Op::Constant(n) => (*n, *n),
        Op::Sum(terms, constant) => terms.iter().try_fold((*constant, *constant), |sum, term| {
            interval::sum(sum, interval::product((term.coefficient, term.coefficient), of(term.wire))?)
        })?,
        Op::Mul(a, b) if a == b => square(of(*a))?,
        Op::Mul(a, b) => interval::product(of(*a), of(*b))?,
        Op::Shr(a, by) => (of(*a).0 >> by, of(*a).1 >> by),
        Op::Compare(how, a, b) => compare(*how, of(*a), of(*b)),
        Op::Select(_, a, b) => hull(of(*a), of(*b)),
        Op::Min(a, b) => (of(*a).0.min(of(*b).0), of(*a).1.min(of(*b).1)),
        Op::Max(a, b) => (of(*a).0.max(of(*b).0), of(*a).1.max(of(*b).1)),
        Op::Any(_) | Op::All(_) | Op::Not(_) => TRUTH,
        Op::Bits(op, a, b) => bits(*op, of(*a), of(*b)),
        Op::Lut(_, entries) => entries.iter().map(|entry| of(*entry)).reduce(hull)?,
    })
}

/// Of the result as it is: a range that a type does not hold wraps to all of the type.
#[must_use]
pub fn wrapped(exact: Interval, wrap: Option<DType>) -> Interval {
    match wrap.map(int_range) {
        Some(all) if exact.0 < all.0 || exact.1 > all.1 => all,
        _ => exact,
    }
}

/// The least range that holds two.
#[must_use]
pub fn hull(a: Interval, b: Interval) -> Interval {
    (a.0.min(b.0), a.1.max(b.1))
}

fn square(a: Interval) -> Option<Interval> {
    let (least, greatest) = (a.0.checked_abs()?, a.1.checked_abs()?);
    let top = least.max(greatest);
    let bottom = if a.0 <= 0 && a.1 >= 0 { 0 } else { least.min(greatest) };
    Some((bottom.checked_mul(bottom)?, top.checked_mul(top)?))
}

fn compare(how: Comparison, a: Interval, b: Interval) -> Interval {
    let always = match how {
        Comparison::Eq | Comparison::Ne if a.1 < b.0 || b.1 < a.0 => Some(how == Comparison::Ne),
        Comparison::Eq | Comparison::Ne => (a.0 == a.1 && a == b).then_some(how == Comparison::Eq),
        Comparison::Lt if a.1 < b.0 => Some(true),
        Comparison::Lt => (a.0 >= b.1).then_some(false),
        Comparison::Le if a.1 <= b.0 => Some(true),
        Comparison::Le => (a.0 > b.1).then_some(false),
    };
    always.map_or(TRUTH, |value| (value.into(), value.into()))
}

fn bits(op: BitOp, a: Interval, b: Interval) -> Interval {
    let (a_signed, b_signed) = (a.0 < 0, b.0 < 0);
    let all = |signed: bool| {
        let n = super::width::bits(a).max(super::width::bits(b)) + u32::from(signed && !(a_signed && b_signed));
        let top = i128::MAX >> (i128::BITS - 1 - n.min(i128::BITS - 1));
        if signed { (-(top >> 1) - 1, top >> 1) } else { (0, top) }
    };
    match op {
        BitOp::And if !a_signed && !b_signed => (0, a.1.min(b.1)),
        BitOp::And if !a_signed => (0, a.1),
        BitOp::And if !b_signed => (0, b.1),
        BitOp::And | BitOp::Or | BitOp::Xor => all(a_signed || b_signed),
    }
}

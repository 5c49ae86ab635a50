//! Between which numbers values lie: of literals, types and stated bounds, and of expressions over them.
//!
//! Facts about integers are exact: whatever may wrap around may be any number of its type. Floats count as exact numbers, as they do where sums are
//! regrouped, and any of them may be NaN: so no fact about an integer follows from a float.

mod integer;
pub mod module;
mod places;
mod real;
#[cfg(test)]
mod tests;

use crate::dtype::{Class, DType};
use crate::entity::{Index, Tensor};
use crate::extent::Extent;
use crate::interval::Interval;
use crate::scalar::function::BinaryFn;
use crate::scalar::value::{self, int_range};
use crate::scalar::{Access, Literal, Mode, Scalar, ScalarKind};
use crate::semiring;
use crate::tensor::{ReduceOp, TensorDecl};

/// From here on not every integer is a float.
const EXACT: f64 = (1u64 << 53) as f64;

/// Between which numbers every element of a tensor lies, or every value of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Integers, and truth values as 0 and 1.
    Integer(Interval),
    /// Floats that are not NaN; the ends may be infinite.
    Real(f64, f64),
    /// Of types without an order.
    Unordered,
}

impl Range {
    /// All values of a type.
    #[must_use]
    pub fn of_type(dtype: DType) -> Self {
        match dtype.class() {
            Class::Bool => Range::Integer((0, 1)),
            Class::Signed | Class::Unsigned => Range::Integer(int_range(dtype)),
            Class::Float => real::ANY,
            Class::Complex | Class::Key => Range::Unordered,
        }
    }

    /// One value of a type.
    #[must_use]
    pub fn of_literal(literal: Literal, dtype: DType) -> Self {
        match value::Value::from_literal(literal, dtype) {
            value::Value::Bool(b) => Range::Integer((b.into(), b.into())),
            value::Value::Int(n, _) => Range::Integer((n, n)),
            value::Value::Float(x, _) if !x.is_nan() => Range::Real(x, x),
            other => Range::of_type(other.dtype()),
        }
    }

    /// What the declaration of an input says; whoever brings its elements is held to it.
    #[must_use]
    pub fn of_declared(decl: &TensorDecl, index_of: &[u64]) -> Self {
        let whole = Range::of_type(decl.dtype);
        // Beyond, a float stands for more than one integer.
        let is_exact = |end: f64| end.abs() < EXACT;
        let stated = match (whole, decl.bounds) {
            (Range::Integer(all), Some((lo, hi))) => Range::Integer((
                if is_exact(lo) { lo.ceil() as i128 } else { all.0 },
                if is_exact(hi) { hi.floor() as i128 } else { all.1 },
            )),
            (Range::Real(..), Some((lo, hi))) => Range::Real(lo, hi),
            _ => whole,
        };
        let last = index_of.iter().max().map(|size| Range::Integer((0, i128::from(*size) - 1)));
        whole.and(stated).and(last.unwrap_or(whole))
    }

    /// Both hold. Where they contradict each other there is no value, and either says so.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Range::Integer(a), Range::Integer(b)) if a.0.max(b.0) <= a.1.min(b.1) => Range::Integer((a.0.max(b.0), a.1.min(b.1))),
            (Range::Real(a, b), Range::Real(c, d)) if a.max(c) <= b.min(d) => Range::Real(a.max(c), b.min(d)),
            _ => self,
        }
    }

    /// One of the two holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Range::Integer(a), Range::Integer(b)) => Range::Integer((a.0.min(b.0), a.1.max(b.1))),
            (Range::Real(a, b), Range::Real(c, d)) => Range::Real(a.min(c), b.max(d)),
            _ => Range::Unordered,
        }
    }

    /// As values of a type: integers beyond it wrap around.
    #[must_use]
    pub fn within(self, dtype: DType) -> Self {
        match (self, Range::of_type(dtype)) {
            (Range::Integer(range), Range::Integer((lo, hi))) if lo <= range.0 && range.1 <= hi => self,
            (Range::Real(..), Range::Real(..)) => self,
            (_, whole) => whole,
        }
    }

    /// After a conversion.
    #[must_use]
    pub fn cast(self, dtype: DType) -> Self {
        match (self, dtype.class()) {
            (Range::Integer(_), Class::Signed | Class::Unsigned) => self.within(dtype),
            (Range::Integer((lo, hi)), Class::Float) => Range::Real(value::int_to_float(lo, dtype), value::int_to_float(hi, dtype)),
            (Range::Real(lo, hi), Class::Float) => real::rounded(lo, hi, dtype),
            _ => Range::of_type(dtype),
        }
    }
}

/// What an expression is over.
pub trait Leaves {
    /// Of the elements of a tensor of this type.
    fn tensor(&self, tensor: Tensor, dtype: DType) -> Range;

    /// Of the elements that an access reads, if more is known of them than of all.
    fn element(&self, _: &Access) -> Option<Range> {
        None
    }

    /// The size of an axis of a tensor, if it is known.
    fn axis(&self, _: Tensor, _: usize) -> Option<i128> {
        None
    }

    /// What a choice between two values lies in that is not decided.
    fn either(&self, a: Range, b: Range) -> Range {
        a.or(b)
    }

    /// Between which numbers a real value lies however it is rounded, if it is a number for sure: only then a comparison of it is decided.
    fn ends(&self, _: &Scalar) -> Option<(f64, f64)> {
        None
    }

    /// The values of an index, of which there is one at least.
    fn index(&self, index: Index) -> Interval;

    /// The values of a size, if it is known.
    fn size(&self, size: &Extent) -> Option<Interval> {
        size.as_constant().map(|n| (n, n))
    }

    /// Of the finished reduction, of this type.
    fn accumulated(&self, dtype: DType) -> Range {
        Range::of_type(dtype)
    }

    /// Of an operand of a reducer or of a function, of this type.
    fn operand(&self, dtype: DType) -> Range {
        Range::of_type(dtype)
    }
}

/// Of the values of an expression.
pub fn of_scalar(leaves: &dyn Leaves, scalar: &Scalar) -> Range {
    let dtype = scalar.dtype;
    let found = match &scalar.kind {
        ScalarKind::Literal(literal) => Range::of_literal(*literal, dtype),
        ScalarKind::Index(index) => Range::Integer(leaves.index(*index)),
        ScalarKind::Size(size) => leaves.size(size).map_or(Range::of_type(dtype), Range::Integer),
        ScalarKind::Access(access) => of_access(leaves, access, dtype),
        ScalarKind::Unary(function, a) => match of_scalar(leaves, a) {
            Range::Integer(a) => integer::unary(*function, a, dtype).map_or(Range::of_type(dtype), Range::Integer),
            Range::Real(lo, hi) => real::unary(*function, lo, hi),
            Range::Unordered => real::of_complex(*function, dtype),
        },
        ScalarKind::Binary(function, a, b) => of_binary(leaves, *function, (a, b), dtype),
        ScalarKind::Cast(a) => of_scalar(leaves, a).cast(dtype),
        ScalarKind::If(condition, a, b) => match truth(leaves, condition) {
            (true, _) => of_scalar(leaves, a),
            (_, true) => of_scalar(leaves, b),
            _ => leaves.either(of_scalar(leaves, a), of_scalar(leaves, b)),
        },
        ScalarKind::Approx(approx) => of_function(&approx.function, of_scalar(leaves, &approx.argument)),
        ScalarKind::Accumulated => leaves.accumulated(dtype),
        ScalarKind::Operand(_) => leaves.operand(dtype),
    };
    found.within(dtype)
}

/// Whether a condition always holds, and whether it never does.
fn truth(leaves: &dyn Leaves, condition: &Scalar) -> (bool, bool) {
    match of_scalar(leaves, condition) {
        Range::Integer((lo, hi)) => (lo > 0, hi <= 0),
        _ => (false, false),
    }
}

/// Of the values of a function of one operand that lies in a range.
#[must_use]
pub fn of_function(function: &Scalar, operand: Range) -> Range {
    of_scalar(&Applied(operand), function)
}

/// A function of one value.
struct Applied(Range);

impl Leaves for Applied {
    fn tensor(&self, _: Tensor, dtype: DType) -> Range {
        Range::of_type(dtype)
    }

    fn index(&self, _: Index) -> Interval {
        int_range(DType::I64)
    }

    fn operand(&self, _: DType) -> Range {
        self.0
    }
}

fn of_access(leaves: &dyn Leaves, access: &Access, dtype: DType) -> Range {
    if access.prev {
        // The value before the first step is another tensor's.
        return Range::of_type(dtype);
    }
    let inside = leaves.element(access).unwrap_or_else(|| leaves.tensor(access.tensor, dtype));
    let padded: Vec<(bool, bool)> = (0..access.subs.len()).map(|n| is_outside(leaves, access, n)).collect();
    if padded.iter().all(|(may_be, _)| !may_be) {
        return inside;
    }
    let zero = value::Value::small(0, dtype).to_literal();
    let Some(pad) = access.pad.or(zero).map(|pad| Range::of_literal(pad, dtype)) else { return Range::of_type(dtype) };
    if padded.iter().any(|(_, is)| *is) { pad } else { inside.or(pad) }
}

/// Whether a padded subscript may be outside of its axis, and whether it always is.
fn is_outside(leaves: &dyn Leaves, access: &Access, n: usize) -> (bool, bool) {
    let sub = &access.subs[n];
    if sub.mode != Mode::Pad {
        return (false, false);
    }
    match (of_scalar(leaves, &sub.value), leaves.axis(access.tensor, n)) {
        (Range::Integer((lo, hi)), Some(size)) => (lo < 0 || hi >= size, hi < 0 || lo >= size),
        _ => (true, false),
    }
}

fn of_binary(leaves: &dyn Leaves, function: BinaryFn, (a, b): (&Scalar, &Scalar), dtype: DType) -> Range {
    let is_square = function == BinaryFn::Mul && a.is_alike(b);
    match (of_scalar(leaves, a), of_scalar(leaves, b)) {
        (Range::Integer(a), Range::Integer(b)) if function.is_comparison() => Range::Integer(integer::compared(function, a, b)),
        _ if function.is_comparison() => match (leaves.ends(a), leaves.ends(b)) {
            (Some(a), Some(b)) => Range::Integer(real::compared(function, a, b)),
            _ => Range::of_type(DType::Bool),
        },
        (Range::Integer(a), Range::Integer(_)) if is_square => integer::power(a, 2).map_or(Range::of_type(dtype), Range::Integer),
        (Range::Integer(a), Range::Integer(b)) => integer::binary(function, a, b, dtype).map_or(Range::of_type(dtype), Range::Integer),
        (Range::Real(lo, hi), Range::Real(..)) if is_square => real::square(lo, hi),
        (Range::Real(a, b), Range::Real(c, d)) => real::binary(function, (a, b), (c, d)),
        _ => Range::of_type(dtype),
    }
}

/// Of a reduction over so many values of a range, at least and at most; `position` are those of its first binder.
#[must_use]
pub fn of_reduction(op: ReduceOp, acc: DType, body: Range, (least, n): (u64, u64), position: Option<Interval>) -> Range {
    let empty = semiring::zero(op, acc).map(|zero| Range::of_literal(zero, acc));
    let found = match (op, body) {
        (ReduceOp::Sum, Range::Integer(body)) => integer::sum(body, (least, n)),
        (ReduceOp::Sum, Range::Real(lo, hi)) => Some(real::sum(lo, hi, (least, n))),
        (ReduceOp::Prod, Range::Integer(body)) => integer::product(body, n),
        (ReduceOp::Prod, Range::Real(lo, hi)) => Some(real::product(lo, hi)),
        (ReduceOp::Max | ReduceOp::Min, _) if least > 0 => Some(body),
        (ReduceOp::Max | ReduceOp::Min, _) => empty.map(|empty| if n == 0 { empty } else { body.or(empty) }),
        (ReduceOp::ArgMax | ReduceOp::ArgMin, _) => position.map(Range::Integer),
        _ => None,
    };
    let dtype = if matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin) { DType::I64 } else { acc };
    found.unwrap_or(Range::of_type(dtype)).within(dtype)
}

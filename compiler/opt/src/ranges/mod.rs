//! What is known of the elements of tensors: between which numbers they lie.
//!
//! It follows from types (`u8`, `idx<V>`), stated bounds, tables and from the expressions themselves, sums taken with their number of terms. It decides
//! where laws hold that not all values have ([`is_monotone`]).
//!
//! Facts about integers are exact: whatever may wrap around may be any number of its type. Floats count as exact numbers, as they do where sums are
//! regrouped, and any of them may be NaN: so no fact about an integer follows from a float.

mod integer;
mod real;
#[cfg(test)]
mod tests;

use crate::draft::{Draft, DraftStep, Role, Value, Work};
use crate::rewrite;
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::{Index, PrimaryMap, Tensor};
use ein_ir::interval::Interval;
use ein_ir::plan::{IndexRange, Nest, NestReduce};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::value::{self, int_range};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind};
use ein_ir::semiring;
use ein_ir::tensor::{Module, ReduceOp, TensorDecl};
use std::collections::BTreeMap;

/// From here on not every integer is a float.
const EXACT: f64 = (1u64 << 53) as f64;

/// Between which numbers every element of a tensor lies, or every value of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Range {
    /// Integers, and truth values as 0 and 1.
    Integer(Interval),
    /// Floats that are not NaN; the ends may be infinite.
    Real(f64, f64),
    /// Of types without an order.
    Unordered,
}

impl Range {
    /// All values of a type.
    pub(crate) fn of_type(dtype: DType) -> Self {
        match dtype.class() {
            Class::Bool => Range::Integer((0, 1)),
            Class::Signed | Class::Unsigned => Range::Integer(int_range(dtype)),
            Class::Float => real::ANY,
            Class::Complex | Class::Key => Range::Unordered,
        }
    }

    /// One value of a type.
    pub(crate) fn of_literal(literal: Literal, dtype: DType) -> Self {
        match value::Value::from_literal(literal, dtype) {
            value::Value::Bool(b) => Range::Integer((b.into(), b.into())),
            value::Value::Int(n, _) => Range::Integer((n, n)),
            value::Value::Float(x, _) if !x.is_nan() => Range::Real(x, x),
            other => Range::of_type(other.dtype()),
        }
    }

    /// What the declaration of an input says; whoever brings its elements is held to it.
    fn of_declared(decl: &TensorDecl, index_of: &[u64]) -> Self {
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
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Range::Integer(a), Range::Integer(b)) if a.0.max(b.0) <= a.1.min(b.1) => Range::Integer((a.0.max(b.0), a.1.min(b.1))),
            (Range::Real(a, b), Range::Real(c, d)) if a.max(c) <= b.min(d) => Range::Real(a.max(c), b.min(d)),
            _ => self,
        }
    }

    /// One of the two holds.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Range::Integer(a), Range::Integer(b)) => Range::Integer((a.0.min(b.0), a.1.max(b.1))),
            (Range::Real(a, b), Range::Real(c, d)) => Range::Real(a.min(c), b.max(d)),
            _ => Range::Unordered,
        }
    }

    /// As values of a type: integers beyond it wrap around.
    fn within(self, dtype: DType) -> Self {
        match (self, Range::of_type(dtype)) {
            (Range::Integer(range), Range::Integer((lo, hi))) if lo <= range.0 && range.1 <= hi => self,
            (Range::Real(..), Range::Real(..)) => self,
            (_, whole) => whole,
        }
    }

    /// After a conversion.
    fn cast(self, dtype: DType) -> Self {
        match (self, dtype.class()) {
            (Range::Integer(_), Class::Signed | Class::Unsigned) => self.within(dtype),
            (Range::Integer((lo, hi)), Class::Float) => Range::Real(value::int_to_float(lo, dtype), value::int_to_float(hi, dtype)),
            (Range::Real(lo, hi), Class::Float) => real::rounded(lo, hi, dtype),
            _ => Range::of_type(dtype),
        }
    }
}

/// Whether operands of these ranges, and all that is made of them by `mul`, `max` and `min` with each of them used once, are values of
/// [`semiring::Domain::Monotone`].
pub(crate) fn is_monotone(mul: BinaryFn, dtype: DType, ranges: &[Range]) -> bool {
    let integers = || ranges.iter().map(|range| if let Range::Integer(interval) = range { Some(*interval) } else { None });
    let (lo, hi) = int_range(dtype);
    match (mul, dtype.class()) {
        (BinaryFn::Mul, Class::Float) => ranges.iter().all(|range| matches!(range, Range::Real(lo, _) if *lo >= 0.0)),
        (BinaryFn::Add, Class::Float) => true,
        (BinaryFn::Mul, Class::Signed | Class::Unsigned) => {
            // Of any of the operands: the others count as 1.
            let product = integers().try_fold(1i128, |n, range| range.filter(|r| r.0 >= 0).and_then(|r| n.checked_mul(r.1.max(1))));
            product.is_some_and(|n| n <= hi)
        }
        (BinaryFn::Add, Class::Signed | Class::Unsigned) => {
            let sums = integers().try_fold((0i128, 0i128), |sums, range| {
                range.and_then(|r| Some((sums.0.checked_add(r.0.min(0))?, sums.1.checked_add(r.1.max(0))?)))
            });
            sums.is_some_and(|sums| lo <= sums.0 && sums.1 <= hi)
        }
        _ => false,
    }
}

/// What is known of the tensors of a program. A tensor that passes make has any value of its type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    known: BTreeMap<Tensor, Range>,
}

impl Ranges {
    /// Of the tensors of a module, as its draft computes them.
    pub(crate) fn of(module: &Module, draft: &Draft) -> Self {
        let mut ranges = Self::default();
        for param in &module.params {
            ranges.known.insert(*param, Range::of_declared(&module.tensors[*param], &draft.values[*param].index_of));
        }
        for (tensor, value) in &draft.values {
            ranges.add_table(tensor, value);
        }
        ranges.add_steps(draft, &draft.steps);
        ranges
    }

    /// Of a tensor of this type.
    pub(crate) fn of_tensor(&self, tensor: Tensor, dtype: DType) -> Range {
        self.known.get(&tensor).copied().unwrap_or(Range::of_type(dtype))
    }

    /// Of an expression of a nest.
    pub(crate) fn of_scalar(&self, nest: &Nest, scalar: &Scalar) -> Range {
        Scope { ranges: self, indices: &nest.indices, accumulated: Range::Unordered }.range(scalar)
    }

    fn add_table(&mut self, tensor: Tensor, value: &Value) {
        if let Role::Constant(elements) = &value.role {
            let range = elements.iter().map(|literal| Range::of_literal(*literal, value.dtype)).reduce(Range::or);
            self.known.insert(tensor, range.unwrap_or(Range::of_type(value.dtype)));
        }
    }

    fn add_steps(&mut self, draft: &Draft, steps: &[DraftStep]) {
        for step in steps {
            match &step.work {
                // What a recurrence carries is written by several steps, and so may be any value.
                Work::Nest(nest) if draft.values[nest.out].role != Role::Carried => {
                    let range = self.of_nest(nest, draft.values[nest.out].dtype);
                    self.known.insert(nest.out, range);
                }
                Work::Scan(scan) => self.add_steps(draft, &scan.body),
                Work::Nest(_) | Work::Contraction(_) | Work::Library(_) => {}
            }
        }
    }

    /// Of what a nest writes.
    fn of_nest(&self, nest: &Nest, dtype: DType) -> Range {
        let mut scope = Scope { ranges: self, indices: &nest.indices, accumulated: Range::Unordered };
        let body = scope.range(&nest.body);
        let reduced = nest.reduce.as_ref().map_or(body, |reduce| scope.reduced(nest, reduce, body));
        let Some(epilogue) = &nest.epilogue else { return reduced.cast(dtype) };
        scope.accumulated = reduced;
        scope.range(epilogue).cast(dtype)
    }
}

/// What an expression is over.
struct Scope<'a> {
    ranges: &'a Ranges,
    indices: &'a PrimaryMap<Index, IndexRange>,
    /// Of [`ScalarKind::Accumulated`].
    accumulated: Range,
}

impl Scope<'_> {
    fn range(&self, scalar: &Scalar) -> Range {
        let dtype = scalar.dtype;
        let found = match &scalar.kind {
            ScalarKind::Literal(literal) => Range::of_literal(*literal, dtype),
            ScalarKind::Index(index) => Range::Integer(self.index(*index)),
            ScalarKind::Size(size) => size.as_constant().map_or(Range::of_type(dtype), |n| Range::Integer((n, n))),
            ScalarKind::Access(access) => self.access(access, dtype),
            ScalarKind::Unary(function, a) => match self.range(a) {
                Range::Integer(a) => integer::unary(*function, a, dtype).map_or(Range::of_type(dtype), Range::Integer),
                Range::Real(lo, hi) => real::unary(*function, lo, hi),
                Range::Unordered => real::of_complex(*function, dtype),
            },
            ScalarKind::Binary(function, a, b) => self.binary(*function, a, b, dtype),
            ScalarKind::Cast(a) => self.range(a).cast(dtype),
            ScalarKind::If(_, a, b) => self.range(a).or(self.range(b)),
            ScalarKind::Accumulated => self.accumulated,
            ScalarKind::Operand(_) | ScalarKind::Approx(_) => Range::of_type(dtype),
        };
        found.within(dtype)
    }

    /// The values of an index; where it has none, nothing is computed for it.
    fn index(&self, index: Index) -> Interval {
        let range = &self.indices[index];
        (range.lo.into(), i128::from(range.hi.max(range.lo.saturating_add(1))) - 1)
    }

    fn access(&self, access: &Access, dtype: DType) -> Range {
        let inside = self.ranges.of_tensor(access.tensor, dtype);
        if access.subs.iter().all(|sub| sub.mode != Mode::Pad) {
            return inside;
        }
        let zero = value::Value::small(0, dtype).to_literal();
        access.pad.or(zero).map_or(Range::of_type(dtype), |pad| inside.or(Range::of_literal(pad, dtype)))
    }

    fn binary(&self, function: BinaryFn, a: &Scalar, b: &Scalar, dtype: DType) -> Range {
        let is_square = function == BinaryFn::Mul && rewrite::same(a, b);
        match (self.range(a), self.range(b)) {
            _ if function.is_comparison() => Range::of_type(DType::Bool),
            (Range::Integer(a), Range::Integer(_)) if is_square => integer::power(a, 2).map_or(Range::of_type(dtype), Range::Integer),
            (Range::Integer(a), Range::Integer(b)) => integer::binary(function, a, b, dtype).map_or(Range::of_type(dtype), Range::Integer),
            (Range::Real(lo, hi), Range::Real(..)) if is_square => real::square(lo, hi),
            (Range::Real(a, b), Range::Real(c, d)) => real::binary(function, (a, b), (c, d)),
            _ => Range::of_type(dtype),
        }
    }

    /// Of a reduction over values of a range.
    fn reduced(&self, nest: &Nest, reduce: &NestReduce, body: Range) -> Range {
        let length = |index: &Index| u64::try_from(nest.indices[*index].hi.saturating_sub(nest.indices[*index].lo)).unwrap_or(0);
        let n = reduce.binders.iter().fold(1u64, |n, index| n.saturating_mul(length(index)));
        // A guard leaves fewer terms, of which none is the least.
        let least = if reduce.guard.is_some() || !reduce.pins.is_empty() { 0 } else { n };
        let empty = semiring::zero(reduce.op, reduce.acc).map(|zero| Range::of_literal(zero, reduce.acc));
        let found = match (reduce.op, body) {
            (ReduceOp::Sum, Range::Integer(body)) => integer::sum(body, (least, n)),
            (ReduceOp::Sum, Range::Real(lo, hi)) => Some(real::sum(lo, hi, (least, n))),
            (ReduceOp::Prod, Range::Integer(body)) => integer::product(body, n),
            (ReduceOp::Prod, Range::Real(lo, hi)) => Some(real::product(lo, hi)),
            (ReduceOp::Max | ReduceOp::Min, _) if least > 0 => Some(body),
            (ReduceOp::Max | ReduceOp::Min, _) => empty.map(|empty| if n == 0 { empty } else { body.or(empty) }),
            (ReduceOp::ArgMax | ReduceOp::ArgMin, _) => reduce.binders.first().map(|index| Range::Integer(self.index(*index))),
            _ => None,
        };
        let dtype = if matches!(reduce.op, ReduceOp::ArgMax | ReduceOp::ArgMin) { DType::I64 } else { reduce.acc };
        found.unwrap_or(Range::of_type(dtype)).within(dtype)
    }
}

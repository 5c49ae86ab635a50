//! What is known of the elements of tensors: between which numbers they lie.
//!
//! It follows from types (`u8`, `idx<V>`), stated bounds, tables and from the expressions themselves ([`ein_ir::range`]), sums taken with their number
//! of terms. It decides where laws hold that not all values have ([`is_monotone`]).

#[cfg(test)]
mod tests;

use crate::draft::{Draft, DraftStep, Role, Value, Work};
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::{Index, PrimaryMap, Tensor};
use ein_ir::interval::Interval;
use ein_ir::plan::{IndexRange, Nest, NestReduce};
pub(crate) use ein_ir::range::Range;
use ein_ir::range::{self, Leaves};
use ein_ir::scalar::Scalar;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::value::int_range;
#[cfg(doc)]
use ein_ir::semiring;
use ein_ir::tensor::Module;
use std::collections::BTreeMap;

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
        range::of_scalar(&Scope { ranges: self, indices: &nest.indices, accumulated: Range::Unordered }, scalar)
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
        let body = range::of_scalar(&scope, &nest.body);
        let reduced = nest.reduce.as_ref().map_or(body, |reduce| scope.reduced(nest, reduce, body));
        let Some(epilogue) = &nest.epilogue else { return reduced.cast(dtype) };
        scope.accumulated = reduced;
        range::of_scalar(&scope, epilogue).cast(dtype)
    }
}

/// What the expressions of a nest are over.
struct Scope<'a> {
    ranges: &'a Ranges,
    indices: &'a PrimaryMap<Index, IndexRange>,
    /// Of the finished reduction.
    accumulated: Range,
}

impl Leaves for Scope<'_> {
    fn tensor(&self, tensor: Tensor, dtype: DType) -> Range {
        self.ranges.of_tensor(tensor, dtype)
    }

    /// Where it has none, nothing is computed for it.
    fn index(&self, index: Index) -> Interval {
        let range = &self.indices[index];
        (range.lo.into(), i128::from(range.hi.max(range.lo.saturating_add(1))) - 1)
    }

    fn accumulated(&self, _: DType) -> Range {
        self.accumulated
    }
}

impl Scope<'_> {
    /// Of a reduction over values of a range.
    fn reduced(&self, nest: &Nest, reduce: &NestReduce, body: Range) -> Range {
        let length = |index: &Index| u64::try_from(nest.indices[*index].hi.saturating_sub(nest.indices[*index].lo)).unwrap_or(0);
        let n = reduce.binders.iter().fold(1u64, |n, index| n.saturating_mul(length(index)));
        // A guard leaves fewer terms, of which none is the least.
        let least = if reduce.guard.is_some() || !reduce.pins.is_empty() { 0 } else { n };
        let position = reduce.binders.first().map(|index| self.index(*index));
        range::of_reduction(reduce.op, reduce.acc, body, (least, n), position)
    }
}

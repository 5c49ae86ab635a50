//! Fusion of a pointwise step into the reduction that it reads: it is applied to each finished sum before that is stored.

use crate::draft::{Draft, Work};
use crate::egraph::negated;
use crate::guards;
use crate::rewrite;
use crate::uses::Uses;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::plan::{Nest, NestReduce};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::ReduceOp;

/// Fuses every reduction with its only reader, where that is pointwise and reads it element by element.
pub(crate) fn fuse_all(draft: &mut Draft, uses: &mut Uses) {
    for p in 0..draft.steps.len() {
        if !uses.is_fused(p)
            && let Some((q, nest)) = fused(draft, uses, p)
        {
            // The reader's place: everything that it reads has been written there.
            uses.fuse(draft, p);
            draft.steps[q].work = Work::Nest(nest);
        }
    }
}

/// The reader's position and the nest that does both.
fn fused(draft: &Draft, uses: &Uses, p: usize) -> Option<(usize, Nest)> {
    let Work::Nest(reduction) = &draft.steps[p].work else { return None };
    let value = reduction.out;
    if reduction.reduce.is_none() || !reduction.pins().is_empty() || !draft.values[value].is_intermediate() {
        return None;
    }
    if reduction.domain.is_some() && reduction.reduce.as_ref().is_some_and(|r| matches!(r.op, ReduceOp::ArgMax | ReduceOp::ArgMin)) {
        // Outside its domain it would have nothing to choose from, which ends the run.
        return None;
    }
    let mut readers = uses.readers(value);
    let (q, None) = (readers.next()?, readers.next()) else { return None };
    let Work::Nest(reader) = &draft.steps[q].work else { return None };
    let axes = matched_axes(reduction, reader)?;
    Some((q, merge(reduction, reader, &axes, draft.values[value].dtype)))
}

/// For each axis of the reader's result, the axis of the reduction's: `None` unless the reader is pointwise and all its reads
/// are of the same element, one to one over the whole of both.
fn matched_axes(reduction: &Nest, reader: &Nest) -> Option<Vec<usize>> {
    let is_in_domain = reader.domain.as_ref().is_some_and(|d| !rewrite::accesses_to(d, reduction.out).is_empty());
    if reader.reduce.is_some() || is_in_domain || reader.outer.len() != reduction.outer.len() {
        return None;
    }
    let accesses = rewrite::accesses_to(&reader.body, reduction.out);
    if reduction.epilogue.as_ref().is_some_and(|e| accesses.len() > 1 && rewrite::size(e) > 1) {
        return None;
    }
    let mut subscripts = accesses.iter().map(|a| rewrite::plain_indices(a));
    let first = subscripts.next()??;
    if subscripts.any(|s| s.as_ref() != Some(&first)) {
        return None;
    }
    let axis_of = |index: &Index| {
        let axis = first.iter().position(|i| i == index)?;
        let (ours, theirs) = (&reduction.indices[reduction.outer[axis]], &reader.indices[*index]);
        ((ours.lo, ours.hi) == (theirs.lo, theirs.hi)).then_some(axis)
    };
    reader.outer.iter().map(axis_of).collect()
}

fn merge(reduction: &Nest, reader: &Nest, axes: &[usize], dtype: DType) -> Nest {
    let mut nest = reduction.clone();
    nest.out = reader.out;
    nest.outer = axes.iter().map(|axis| reduction.outer[*axis]).collect();
    let in_reduction = |scalar: &Scalar| {
        let mut scalar = scalar.clone();
        rewrite::replace_indices(&mut scalar, &|index| {
            let position = reader.outer.iter().position(|o| *o == index)?;
            Some(Scalar::index(reduction.outer[axes[position]], reduction.body.span))
        });
        scalar
    };
    nest.domain = reader.domain.as_ref().map(in_reduction);
    let body = in_reduction(&reader.body);
    if let Some(reduce) = &mut nest.reduce {
        // Outside its domain, and where it is of no use, the reduction is not read: an empty one serves there.
        let wanted = reduction.domain.clone().filter(|inner| nest.domain.as_ref() != Some(inner));
        let used = used_where(&body, reduction.out).filter(|_| !matches!(reduce.op, ReduceOp::ArgMax | ReduceOp::ArgMin));
        let used = used.filter(|used| wanted.as_ref() != Some(used));
        let conditions = wanted.into_iter().chain(used).chain(reduce.guard.take());
        reduce.guard = conditions.reduce(|a, b| {
            let span = a.span;
            Scalar::binary(BinaryFn::And, a, b, DType::Bool, span)
        });
    }
    nest.epilogue = Some(finish(body, reduction, dtype));
    nest
}

/// The condition on positions without which a value does not read a tensor, if it says one.
fn used_where(body: &Scalar, tensor: Tensor) -> Option<Scalar> {
    let ScalarKind::If(condition, then, otherwise) = &body.kind else { return None };
    let reads = |scalar: &Scalar| !rewrite::accesses_to(scalar, tensor).is_empty();
    match (reads(then), reads(otherwise)) {
        _ if !guards::is_static(condition) => None,
        (true, false) => Some((**condition).clone()),
        (false, true) => negated(condition),
        _ => None,
    }
}

/// The reader's body over the finished reduction.
fn finish(mut body: Scalar, reduction: &Nest, dtype: DType) -> Scalar {
    let acc = reduction.reduce.as_ref().map_or(dtype, NestReduce::dtype);
    let value: Tensor = reduction.out;
    rewrite::replace_accesses(&mut body, value, &|_| match &reduction.epilogue {
        Some(epilogue) => epilogue.clone(),
        None => Scalar::new(ScalarKind::Accumulated, acc, reduction.body.span).cast(dtype),
    });
    body
}

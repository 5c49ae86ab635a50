//! Products of computed factors, and of small types, as products of tensors that kernels multiply fast.
//!
//! A factor that must be computed, `exp(s[i, k])`, `A[i, k] as f32` or `x[i, k] as i32 - z as i32`, is computed once into a buffer instead of at each
//! of its uses, and the sum becomes a contraction of plain tensors. Integers whose sums a float holds exactly are multiplied as
//! such floats: the library has matrix products of those.

use crate::convert::copy_nest;
use crate::draft::{Draft, DraftStep, Role, Value, Work};
use crate::ranges::Range;
use crate::ring::{flatten, is_field};
use crate::{faults, recurrence, rewrite};
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::plan::{IndexRange, Nest};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;
use std::collections::BTreeSet;

/// Uses of an element from which converting it first is worth the memory.
const MIN_USES: u64 = 8;
/// Terms of one matrix product from which the library has it: [`crate::classify`] says so too.
const MIN_TERMS: u64 = 4096;

/// Rewrites every sum of products of computed operands.
pub(crate) fn widen(draft: &mut Draft) {
    recurrence::each_body(draft, &mut widen);
    for step in std::mem::take(&mut draft.steps) {
        match plan_of(draft, &step) {
            Some(plan) => emit(draft, step, &plan),
            None => draft.steps.push(step),
        }
    }
}

/// How a sum is rewritten.
struct Widened {
    /// Type that is multiplied and added in.
    ty: DType,
    /// Factors that get buffers, with the indices that they change with.
    converted: Vec<(Scalar, Vec<Index>)>,
    /// Factors that stay as they are.
    kept: Vec<Scalar>,
    negative: bool,
}

fn plan_of(draft: &Draft, step: &DraftStep) -> Option<Widened> {
    let Work::Nest(nest) = &step.work else { return None };
    let reduce = nest.reduce.as_ref()?;
    let plain = reduce.op == ReduceOp::Sum && reduce.guard.is_none() && nest.domain.is_none() && nest.epilogue.is_none();
    let terms = rewrite::iterations(nest);
    let mut factors = Vec::new();
    let negative = flatten(&nest.body, &mut factors);
    if !plain
        || nest.indices.iter().any(|(index, range)| range.lo != 0 && !nest.is_param(index))
        || terms / batch(nest, &factors) < MIN_TERMS
        || draft.values[nest.out].dtype != reduce.acc
    {
        return None;
    }
    let ty = if reduce.acc.is_float() && is_field(reduce.acc) { reduce.acc } else { exact_float(draft, nest, &factors)? };
    let mut widened = Widened { ty, converted: Vec::new(), kept: Vec::new(), negative };
    for factor in factors {
        if ty == reduce.acc && (is_whole_access(factor) || !rewrite::mentions(factor, &reduce.binders)) {
            widened.kept.push(factor.clone());
            continue;
        }
        let indices = indices_of(nest, factor);
        let elements = indices.iter().fold(1u64, |n, i| n.saturating_mul(u64::try_from(nest.indices[*i].hi).unwrap_or(0)));
        if indices.is_empty() || !is_convertible(factor) || elements.saturating_mul(MIN_USES) > terms {
            return None;
        }
        widened.converted.push((factor.clone(), indices.into_iter().collect()));
    }
    (!widened.converted.is_empty() && widened.converted.len() + widened.kept.len() >= 2).then_some(widened)
}

/// Number of matrix products that the sum is made of.
fn batch(nest: &Nest, factors: &[&Scalar]) -> u64 {
    let shared = |i: &&Index| factors.iter().all(|f| rewrite::mentions(f, std::slice::from_ref(*i)));
    let extent = |i: &Index| u64::try_from(nest.indices[*i].hi).unwrap_or(0);
    nest.outer.iter().filter(shared).fold(1u64, |n, i| n.saturating_mul(extent(i))).max(1)
}

fn is_whole_access(factor: &Scalar) -> bool {
    matches!(&factor.kind, ScalarKind::Access(access) if rewrite::plain_indices(access).is_some())
}

/// The indices of a factor that loops run over.
fn indices_of(nest: &Nest, factor: &Scalar) -> BTreeSet<Index> {
    let mut found = BTreeSet::new();
    factor.visit(&mut |s| {
        if let ScalarKind::Index(index) = s.kind {
            found.insert(index);
        }
    });
    found.retain(|index| !nest.is_param(*index));
    found
}

/// What is computed from elements at the indices alone, and cannot fail: computing all of it reads and meets nothing new.
fn is_convertible(factor: &Scalar) -> bool {
    fn is_plain(scalar: &Scalar) -> bool {
        match &scalar.kind {
            ScalarKind::Access(access) => rewrite::plain_indices(access).is_some(),
            ScalarKind::Operand(_) | ScalarKind::Accumulated => false,
            _ => scalar.children().into_iter().all(is_plain),
        }
    }
    is_plain(factor) && !faults::can_fail(factor)
}

/// The narrowest float that holds every partial sum of a product of integers exactly.
fn exact_float(draft: &Draft, nest: &Nest, factors: &[&Scalar]) -> Option<DType> {
    let reduce = nest.reduce.as_ref()?;
    let count = reduce.binders.iter().map(|b| i128::from(nest.indices[*b].hi)).try_fold(1i128, i128::checked_mul)?;
    let mut most = count;
    for factor in factors {
        let Range::Integer((lo, hi)) = draft.ranges.of_scalar(nest, factor) else { return None };
        most = most.checked_mul(lo.abs().max(hi.abs()).max(1))?;
    }
    [(DType::F32, 24), (DType::F64, 53)].into_iter().find(|(_, digits)| most < 1i128 << digits).map(|(ty, _)| ty)
}

/// The conversions, the product of what they made, and the way back.
fn emit(draft: &mut Draft, step: DraftStep, widened: &Widened) {
    let DraftStep { work: Work::Nest(mut nest), span } = step else { return };
    let ty = widened.ty;
    let params: Vec<IndexRange> = nest.indices.values().take(nest.params as usize).cloned().collect();
    let mut factors = widened.kept.clone();
    for (factor, indices) in &widened.converted {
        factors.push(convert(draft, &nest, factor, indices, ty, span));
    }
    let product = factors.into_iter().reduce(|a, b| Scalar::binary(BinaryFn::Mul, a, b, ty, span)).expect("a product has factors");
    nest.body = if widened.negative { Scalar::unary(UnaryFn::Neg, product, ty, span) } else { product };
    let (out, acc) = (nest.out, draft.values[nest.out].dtype);
    if ty == acc {
        draft.steps.push(DraftStep { work: Work::Nest(nest), span });
        return;
    }
    let extents = draft.values[out].extents.clone();
    let total = add_value(draft, out, ty, extents.clone(), span);
    nest.out = total;
    nest.reduce.iter_mut().for_each(|r| r.acc = ty);
    draft.steps.push(DraftStep { work: Work::Nest(nest), span });
    // The sum is exact, and wraps on its way from 64 bits.
    let mut back = inside(copy_nest(out, total, ty, &extents, span), &params);
    back.body = back.body.cast(DType::I64).cast(acc);
    draft.steps.push(DraftStep { work: Work::Nest(back), span });
}

/// A nest that was made as if no scans were around.
fn inside(mut nest: Nest, params: &[IndexRange]) -> Nest {
    params.iter().enumerate().for_each(|(n, range)| rewrite::insert_param(&mut nest, n, range.clone()));
    nest
}

/// Puts a factor into a buffer; gives the access that stands for it.
fn convert(draft: &mut Draft, nest: &Nest, factor: &Scalar, indices: &[Index], ty: DType, span: Span) -> Scalar {
    let params = nest.params as usize;
    let around = nest.indices.values().take(params).cloned();
    let ranges: PrimaryMap<Index, IndexRange> = around.chain(indices.iter().map(|i| nest.indices[*i].clone())).collect();
    let extents = ranges.values().skip(params).map(|r| u64::try_from(r.hi).unwrap_or(0)).collect();
    let out = add_value(draft, nest.out, ty, extents, span);
    let mut body = factor.clone().cast(ty);
    rewrite::replace_indices(&mut body, &|index| {
        let position = indices.iter().position(|i| *i == index)?;
        Some(Scalar::index(Index::new(params + position), span))
    });
    let outer = (params..ranges.len()).map(Index::new).collect();
    let nest = Nest { out, indices: ranges, params: nest.params, outer, domain: None, reduce: None, body, epilogue: None };
    draft.steps.push(DraftStep { work: Work::Nest(nest), span });
    access(out, indices.iter().copied(), ty, span)
}

fn add_value(draft: &mut Draft, parent: Tensor, dtype: DType, extents: Vec<u64>, span: Span) -> Tensor {
    let name = format!("{}.{}", draft.values[parent].name, draft.values.len());
    draft.values.push(Value { name, dtype, extents, index_of: Vec::new(), role: Role::Intermediate, span })
}

fn access(tensor: Tensor, indices: impl Iterator<Item = Index>, dtype: DType, span: Span) -> Scalar {
    let subs = indices.map(|i| Sub { value: Scalar::index(i, span), mode: Mode::Exact }).collect();
    Scalar::new(ScalarKind::Access(Access { tensor, prev: false, subs, pad: None }), dtype, span)
}

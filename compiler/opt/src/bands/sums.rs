//! Sums of products with a guard, or a domain, as matrix products with bands.
//!
//! What a guard leaves out takes no part, whatever the other factor is there: the band of the product is exact. Outside of a domain nothing is read,
//! so everything may be computed there: the domain is dropped before orders are chosen, and comes back as a band, from the readers.

use super::{Candidate, Strip, Strips, narrow};
use crate::draft::{Draft, DraftStep, Role, Value, Work};
use crate::egraph::renumber;
use crate::guards;
use crate::inequality::Inequality;
use crate::machine::Machine;
use crate::{classify, predict, rewrite};
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::plan::band::Outside;
use ein_ir::plan::{Contraction, Nest, Strategy};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::tensor::ReduceOp;

/// Drops the domains of sums that are faster as matrix products over all positions that some row needs.
pub(crate) fn drop_domains(draft: &mut Draft, machine: &Machine) {
    for n in 0..draft.steps.len() {
        if let Work::Nest(nest) = &draft.steps[n].work
            && let Some(domain) = &nest.domain
            && let Some((mut contraction, strips)) = product(draft, nest, None, domain)
        {
            let candidate = |strip| Candidate { strip, outside: Outside::Unread };
            let candidates: Vec<Candidate> = strips.into_iter().map(candidate).collect();
            narrow(&mut contraction, &candidates, machine);
            // The domain as a guard: that is counted.
            let mut guarded = Nest { domain: None, ..nest.clone() };
            if let Some(reduce) = &mut guarded.reduce {
                reduce.guard = Some(domain.clone());
            }
            if !contraction.bands.is_empty()
                && is_faster(draft, &contraction, &guarded, machine)
                && let Work::Nest(nest) = &mut draft.steps[n].work
            {
                nest.domain = None;
            }
        }
    }
}

/// Makes products of sums whose guard is a band, where that is faster; what is done to a finished sum becomes a step of its own.
pub(crate) fn to_products(draft: &mut Draft, machine: &Machine, may_store: bool) {
    for step in std::mem::take(&mut draft.steps) {
        match guarded_product(draft, &step, machine, may_store) {
            Some(steps) => draft.steps.extend(steps),
            None => draft.steps.push(step),
        }
    }
}

fn guarded_product(draft: &mut Draft, step: &DraftStep, machine: &Machine, may_store: bool) -> Option<Vec<DraftStep>> {
    let Work::Nest(nest) = &step.work else { return None };
    let reduce = nest.reduce.as_ref()?;
    let (guard, None) = (reduce.guard.as_ref()?, &nest.domain) else { return None };
    let (mut contraction, strips) = product(draft, nest, nest.epilogue.as_ref(), guard)?;
    let [strip] = strips.try_into().ok()?;
    narrow(&mut contraction, &[Candidate { strip, outside: Outside::Absent }], machine);
    if contraction.bands.is_empty() || !is_faster(draft, &contraction, nest, machine) {
        return None;
    }
    let Some(epilogue) = &nest.epilogue else {
        return Some(vec![DraftStep { work: Work::Contraction(contraction), span: step.span }]);
    };
    if !may_store {
        return None;
    }
    let value = Value { name: format!("{}.sum", draft.values[nest.out].name), role: Role::Intermediate, ..draft.values[nest.out].clone() };
    contraction.out = draft.values.push(Value { dtype: reduce.acc, ..value });
    let last = finish(nest, epilogue, contraction.out, reduce.acc);
    let step = |work| DraftStep { work, span: step.span };
    Some(vec![step(Work::Contraction(contraction)), step(Work::Nest(last))])
}

/// The step that does to each sum, stored in a tensor, what the nest does to it.
fn finish(nest: &Nest, epilogue: &Scalar, sum: Tensor, dtype: DType) -> Nest {
    let span = nest.body.span;
    let sub = |index: &Index| Sub { value: Scalar::index(*index, span), mode: Mode::Exact };
    let access = Access { tensor: sum, prev: false, subs: nest.outer.iter().map(sub).collect(), pad: None };
    let mut body = epilogue.clone();
    body.visit_mut(&mut |s| {
        if s.kind == ScalarKind::Accumulated {
            *s = Scalar::new(ScalarKind::Access(access.clone()), dtype, span);
        }
    });
    let mut last = Nest { reduce: None, epilogue: None, body, ..nest.clone() };
    let is_summed = |index: Index| !nest.outer.contains(&index);
    let summed: Vec<usize> = nest.indices.keys().filter(|index| is_summed(*index)).map(EntityRef::index).collect();
    summed.into_iter().rev().for_each(|index| rewrite::remove_index(&mut last, index));
    last
}

fn is_faster(draft: &Draft, contraction: &Contraction, nest: &Nest, machine: &Machine) -> bool {
    // What is done to finished sums stores and loads them.
    let bytes = rewrite::n_results(nest).saturating_mul(contraction.acc.bytes() as u64).saturating_mul(2) as f64;
    let stored = if nest.epilogue.is_some() { machine.traffic(bytes) + machine.step as f64 } else { 0.0 };
    predict::contraction_time(machine, contraction) + stored < predict::nest_arithmetic(machine, &draft.reducers, nest)
}

/// A sum of products of two tensors read whole as a matrix product, and which strips of its labels the condition is. `None` if it is none, or the
/// condition says anything else.
fn product(draft: &Draft, nest: &Nest, epilogue: Option<&Scalar>, condition: &Scalar) -> Option<(Contraction, Vec<Strip<u16>>)> {
    let reduce = nest.reduce.as_ref().filter(|r| r.op == ReduceOp::Sum && r.pins.is_empty())?;
    let is_own_type = nest.body.dtype == reduce.acc && (epilogue.is_some() || draft.values[nest.out].dtype == reduce.acc);
    if nest.params != 0 || !is_own_type || nest.epilogue.as_ref() != epilogue {
        return None;
    }
    let ScalarKind::Binary(BinaryFn::Mul, lhs, rhs) = &nest.body.kind else { return None };
    let label = |index: &Index| index.index() as u16;
    let operand = |scalar: &Scalar| whole(draft, nest, scalar, reduce.acc).map(|(t, indices)| (t, indices.iter().map(label).collect()));
    let ((lhs, lhs_labels), (rhs, rhs_labels)): ((Tensor, Vec<u16>), (Tensor, Vec<u16>)) = (operand(lhs)?, operand(rhs)?);
    let mut contraction = Contraction {
        out: nest.out,
        lhs,
        rhs,
        extents: nest.indices.values().map(|range| u64::try_from(range.hi).ok()).collect::<Option<_>>()?,
        out_labels: nest.outer.iter().map(label).collect(),
        lhs_labels,
        rhs_labels,
        conjugate: (false, false),
        turns: Vec::new(),
        bands: Vec::new(),
        acc: reduce.acc,
        strategy: Strategy::Nest,
    };
    // Of two orders that compute the same, the one whose left operand has the slower axis of the result.
    let leads = |labels: &[u16]| contraction.out_labels.iter().position(|l| labels.contains(l));
    if leads(&contraction.rhs_labels) < leads(&contraction.lhs_labels) {
        std::mem::swap(&mut contraction.lhs, &mut contraction.rhs);
        std::mem::swap(&mut contraction.lhs_labels, &mut contraction.rhs_labels);
    }
    let is_read = |label: u16| contraction.lhs_labels.contains(&label) || contraction.rhs_labels.contains(&label);
    if nest.indices.values().any(|range| range.lo != 0 || range.hi == 0) || !(0..nest.indices.len() as u16).all(is_read) {
        return None;
    }
    let names = renumber(&mut contraction);
    let label = |index: Index| names.iter().position(|old| usize::from(*old) == index.index()).map(|n| n as u16);
    let mut parts = Vec::new();
    guards::conjuncts(condition, &mut parts);
    // Nothing but what the strips say.
    let strips = parts.into_iter().map(|part| Strip::of(nest, &Inequality::of(part)?, &label)).collect::<Option<Strips<u16>>>()?;
    let strips = strips.iter().cloned().collect();
    contraction.strategy = classify::strategy(&contraction);
    (contraction.strategy == Strategy::Gemm).then_some((contraction, strips))
}

/// A tensor of the type whose axes are read whole, each by an index of its own.
fn whole(draft: &Draft, nest: &Nest, scalar: &Scalar, dtype: DType) -> Option<(Tensor, Vec<Index>)> {
    let ScalarKind::Access(access) = &scalar.kind else { return None };
    let (indices, extents) = (rewrite::plain_indices(access)?, &draft.values[access.tensor].extents);
    let is_whole = indices.iter().zip(extents).all(|(index, extent)| u64::try_from(nest.indices[*index].hi) == Ok(*extent));
    (is_whole && scalar.dtype == dtype && draft.values[access.tensor].dtype == dtype).then_some((access.tensor, indices))
}

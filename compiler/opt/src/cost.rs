//! Counts work and memory traffic of the steps of a plan.
//!
//! A flop is one real multiplication, addition or other function of numbers; a complex multiply-add counts 8. Subscripts and
//! conversions are not counted. Work of library code is an estimate ([`ein_ir::library::Problem::flops`]). Traffic counts each operand once, whole, and the result.

use crate::{guards, library, rewrite};
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, PrimaryMap, Reducer, Tensor};
use ein_ir::extent::Atom;
use ein_ir::plan::{Contraction, Nest, Plan, StepDecl, StepKind};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::{ReduceOp, ReducerDecl};
use std::collections::BTreeSet;

/// Fills in flops and bytes of every step.
pub(crate) fn count(plan: &mut Plan) {
    let mut steps = std::mem::take(&mut plan.steps);
    for step in steps.values_mut() {
        count_step(plan, step);
    }
    plan.steps = steps;
}

/// A scan costs what its steps do, as often as it turns.
fn count_step(plan: &Plan, step: &mut StepDecl) {
    (step.flops, step.bytes) = match &mut step.kind {
        StepKind::Scan(scan) => {
            let turns = scan.n_turns();
            scan.body.iter_mut().for_each(|step| count_step(plan, step));
            let total = |count: fn(&StepDecl) -> u64| scan.body.iter().map(count).fold(0, u64::saturating_add).saturating_mul(turns);
            (total(|s| s.flops), total(|s| s.bytes))
        }
        kind => (flops(plan, kind), bytes(plan, kind)),
    };
}

fn flops(plan: &Plan, kind: &StepKind) -> u64 {
    match kind {
        StepKind::Contraction(contraction) => contraction_flops(contraction),
        StepKind::Nest(nest) => nest_flops(&plan.reducers, nest),
        StepKind::Library(call) => library::flops(plan, call),
        StepKind::Scan(_) => 0,
    }
}

/// Flops of a contraction, in a turn of the scans around.
pub(crate) fn contraction_flops(contraction: &Contraction) -> u64 {
    contraction.volume().saturating_mul(weight(BinaryFn::Mul, contraction.acc) + weight(BinaryFn::Add, contraction.acc))
}

/// Flops of a nest, in a turn of the scans around.
pub(crate) fn nest_flops(reducers: &PrimaryMap<Reducer, ReducerDecl>, nest: &Nest) -> u64 {
    let combine = nest.reduce.as_ref().map_or(0, |r| match r.op {
        ReduceOp::User(reducer) => scalar_flops(&reducers[reducer].combine),
        _ => weight(BinaryFn::Add, r.acc),
    });
    let inner = guards::iterations(nest).saturating_mul(scalar_flops(&nest.body).saturating_add(combine));
    inner.saturating_add(rewrite::n_results(nest).saturating_mul(nest.epilogue.as_ref().map_or(0, scalar_flops)))
}

/// Flops of one evaluation; of an `if` both branches are counted.
fn scalar_flops(scalar: &Scalar) -> u64 {
    if matches!(scalar.kind, ScalarKind::Access(_)) {
        return 0;
    }
    scalar.children().into_iter().fold(own_flops(scalar), |n, child| n.saturating_add(scalar_flops(child)))
}

/// Flops of the function at the root.
pub(crate) fn own_flops(scalar: &Scalar) -> u64 {
    match &scalar.kind {
        ScalarKind::Binary(function, lhs, _) => weight(*function, lhs.dtype),
        ScalarKind::Unary(UnaryFn::Keep | UnaryFn::Conj | UnaryFn::Real | UnaryFn::Imag, _) => 0,
        ScalarKind::Unary(..) => 1,
        _ => 0,
    }
}

/// Flops of one operation of a ring.
pub(crate) const fn weight(function: BinaryFn, dtype: DType) -> u64 {
    match (function, dtype.is_complex()) {
        (_, false) => 1,
        (BinaryFn::Mul | BinaryFn::Div, true) => 6,
        (_, true) => 2,
    }
}

fn bytes(plan: &Plan, kind: &StepKind) -> u64 {
    let all = buffers_of(kind);
    let whole = all.iter().map(|t| plan.buffers[*t].n_bytes());
    if let StepKind::Contraction(contraction) = kind {
        return contraction_bytes(plan, contraction);
    }
    let StepKind::Nest(nest) = kind else { return whole.fold(0, u64::saturating_add) };
    all.iter().map(|t| plan.buffers[*t].n_bytes() / turns_of(plan, nest, *t)).fold(0, u64::saturating_add)
}

fn contraction_bytes(plan: &Plan, c: &Contraction) -> u64 {
    let slices = |labels: &[u16]| {
        let extents = labels.iter().filter(|label| c.turn_of(**label).is_some()).map(|label| c.extents[usize::from(*label)].max(1));
        extents.fold(1, u64::saturating_mul)
    };
    let operands = [(c.lhs, slices(&c.lhs_labels)), (c.rhs, slices(&c.rhs_labels)), (c.out, 1)];
    // An operand that stands on both sides is read once.
    let once = operands.iter().enumerate().filter(|(n, (t, _))| operands[..*n].iter().all(|(other, _)| other != t));
    once.map(|(_, (t, slices))| plan.buffers[*t].n_bytes() / slices).fold(0, u64::saturating_add)
}

/// Into how many parts the scans around a nest divide a tensor, of which it touches one.
fn turns_of(plan: &Plan, nest: &Nest, tensor: Tensor) -> u64 {
    if nest.params == 0 {
        return 1;
    }
    let window = guards::window(nest);
    let range = |index: Index| match window {
        Some((windowed, width)) if windowed == index => width,
        _ => u64::try_from(nest.indices[index].hi.saturating_sub(nest.indices[index].lo)).unwrap_or(0),
    };
    // What indices reach of an axis in a turn: all of it, unless the turn has a say.
    let part = |indices: &[Index], extent: u64| {
        let has_turn = indices.iter().any(|i| nest.is_param(*i) || window.is_some_and(|(windowed, _)| windowed == *i));
        let reached = indices.iter().filter(|i| !nest.is_param(**i)).map(|i| range(*i)).fold(1, u64::saturating_mul);
        if has_turn { extent.max(1) / reached.clamp(1, extent.max(1)) } else { 1 }
    };
    let extents = &plan.buffers[tensor].extents;
    let parts = |subs: &mut dyn Iterator<Item = Vec<Index>>| subs.zip(extents).map(|(i, e)| part(&i, *e)).fold(1, u64::saturating_mul);
    let reads = rewrite::scalars(nest).into_iter().flat_map(|s| rewrite::accesses_to(s, tensor));
    let reads = reads.map(|access| parts(&mut access.subs.iter().map(|sub| indices_in(&sub.value))));
    let written = (nest.out == tensor).then(|| parts(&mut nest.outer.iter().map(|i| vec![*i])));
    reads.chain(written).min().unwrap_or(1)
}

/// The indices of a position; none where data takes part, which may be anywhere.
fn indices_in(position: &Scalar) -> Vec<Index> {
    let Some(polynomial) = position.as_polynomial() else { return Vec::new() };
    let leaves = polynomial.leaves().into_iter();
    leaves.filter_map(|atom| if let Atom::Index(index) = atom { Some(index) } else { None }).collect()
}

/// Buffers that a step reads or writes, each once.
pub(crate) fn buffers_of(kind: &StepKind) -> BTreeSet<Tensor> {
    match kind {
        StepKind::Contraction(c) => BTreeSet::from([c.out, c.lhs, c.rhs]),
        StepKind::Nest(nest) => {
            let mut out = BTreeSet::from([nest.out]);
            for scalar in rewrite::scalars(nest) {
                scalar.visit(&mut |s| {
                    if let ScalarKind::Access(access) = &s.kind {
                        out.insert(access.tensor);
                    }
                });
            }
            out
        }
        StepKind::Library(library) => library.results.iter().chain(&library.args).chain(&library.workspace).copied().collect(),
        StepKind::Scan(scan) => {
            let states = scan.states.iter().flat_map(|s| [s.current, s.previous]);
            scan.body.iter().flat_map(|step| buffers_of(&step.kind)).chain(states).collect()
        }
    }
}

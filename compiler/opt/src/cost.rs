//! Counts work and memory traffic of the steps of a plan.
//!
//! A flop is one real multiplication, addition or other function of numbers; a complex multiply-add counts 8. Subscripts and
//! conversions are not counted. Traffic counts each operand once, whole, and the result.

use crate::rewrite;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::plan::{Contraction, Nest, Plan, StepKind};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::ReduceOp;
use std::collections::BTreeSet;

/// Fills in flops and bytes of every step.
pub(crate) fn count(plan: &mut Plan) {
    let costs: Vec<(u64, u64)> = plan.steps.values().map(|step| (flops(plan, &step.kind), bytes(plan, &step.kind))).collect();
    for (step, (flops, bytes)) in plan.steps.values_mut().zip(costs) {
        (step.flops, step.bytes) = (flops, bytes);
    }
}

fn flops(plan: &Plan, kind: &StepKind) -> u64 {
    match kind {
        StepKind::Contraction(contraction) => contraction_flops(contraction),
        StepKind::Nest(nest) => nest_flops(plan, nest),
        StepKind::Scan(_) | StepKind::Library(_) => 0,
    }
}

fn contraction_flops(contraction: &Contraction) -> u64 {
    let volume = contraction.extents.iter().fold(1u64, |n, e| n.saturating_mul(*e));
    volume.saturating_mul(weight(BinaryFn::Mul, contraction.acc) + weight(BinaryFn::Add, contraction.acc))
}

fn nest_flops(plan: &Plan, nest: &Nest) -> u64 {
    let extent = |i| u64::try_from(nest.indices[i].hi.saturating_sub(nest.indices[i].lo)).unwrap_or(0);
    let outer = nest.outer.iter().fold(1u64, |n, i| n.saturating_mul(extent(*i)));
    let combine = nest.reduce.as_ref().map_or(0, |r| match r.op {
        ReduceOp::User(reducer) => scalar_flops(&plan.reducers[reducer].combine),
        _ => weight(BinaryFn::Add, r.acc),
    });
    let inner = rewrite::iterations(nest).saturating_mul(scalar_flops(&nest.body).saturating_add(combine));
    inner.saturating_add(outer.saturating_mul(nest.epilogue.as_ref().map_or(0, scalar_flops)))
}

/// Flops of one evaluation; of an `if` both branches are counted.
fn scalar_flops(scalar: &Scalar) -> u64 {
    let own = match &scalar.kind {
        ScalarKind::Access(_) => return 0,
        ScalarKind::Binary(function, lhs, _) => weight(*function, lhs.dtype),
        ScalarKind::Unary(UnaryFn::Keep | UnaryFn::Conj | UnaryFn::Real | UnaryFn::Imag, _) => 0,
        ScalarKind::Unary(..) => 1,
        _ => 0,
    };
    scalar.children().into_iter().fold(own, |n, child| n.saturating_add(scalar_flops(child)))
}

const fn weight(function: BinaryFn, dtype: DType) -> u64 {
    match (function, dtype.is_complex()) {
        (_, false) => 1,
        (BinaryFn::Mul | BinaryFn::Div, true) => 6,
        (_, true) => 2,
    }
}

fn bytes(plan: &Plan, kind: &StepKind) -> u64 {
    buffers_of(kind).iter().fold(0, |n: u64, t| n.saturating_add(plan.buffers[*t].n_bytes()))
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
            let states = scan.states.iter().flat_map(|s| [Some(s.current), Some(s.previous), s.init]).flatten();
            scan.body.iter().flat_map(|step| buffers_of(&step.kind)).chain(states).collect()
        }
    }
}

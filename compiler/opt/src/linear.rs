//! Facts about recurrences: which are affine in the previous values, and across which axes they do not reach.

use crate::draft::{DraftStep, Recurrence, Work};
use crate::rewrite;
use ein_ir::entity::Tensor;
use ein_ir::plan::{Nest, ScanState};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::ReduceOp;
use std::collections::BTreeSet;

/// Notes what is known of a recurrence.
pub(crate) fn describe(scan: &mut Recurrence) {
    let steps: Vec<&DraftStep> = carrying_steps(scan);
    let changing = changing(scan);
    let linear = !scan.states.is_empty() && steps.iter().all(|step| is_affine_step(step, &changing));
    let apart: Vec<Vec<usize>> = scan.states.iter().map(|state| axes_apart(state, &steps, scan)).collect();
    scan.linear = linear;
    for (state, apart) in scan.states.iter_mut().zip(apart) {
        state.apart = apart;
    }
}

/// Steps of the body that the next turn depends on.
fn carrying_steps(scan: &Recurrence) -> Vec<&DraftStep> {
    let mut wanted: BTreeSet<Tensor> = scan.states.iter().map(|s| s.current).collect();
    let mut steps: Vec<&DraftStep> = Vec::new();
    for step in scan.body.iter().rev() {
        if !step.writes().is_disjoint(&wanted) {
            wanted.extend(step.reads());
            steps.push(step);
        }
    }
    steps
}

/// Values that depend on the previous turn.
fn changing(scan: &Recurrence) -> BTreeSet<Tensor> {
    let mut changing: BTreeSet<Tensor> = scan.states.iter().map(|s| s.previous).collect();
    for step in &scan.body {
        if !step.reads().is_disjoint(&changing) {
            changing.extend(step.writes());
        }
    }
    changing
}

fn is_affine_step(step: &DraftStep, changing: &BTreeSet<Tensor>) -> bool {
    match &step.work {
        _ if step.reads().is_disjoint(changing) => true,
        Work::Contraction(c) => !(changing.contains(&c.lhs) && changing.contains(&c.rhs)),
        Work::Scan(_) | Work::Library(_) => false,
        Work::Nest(nest) => {
            let is_sum = nest.reduce.as_ref().is_none_or(|r| r.op == ReduceOp::Sum);
            let guard = nest.reduce.iter().filter_map(|r| r.guard.as_ref());
            let fixed = nest.domain.iter().chain(guard).all(|s| !depends(s, changing));
            let mut values = [Some(&nest.body), nest.epilogue.as_ref()].into_iter().flatten();
            is_sum && fixed && values.all(|s| is_affine(s, changing))
        }
    }
}

/// Whether an expression changes from turn to turn because the states do.
fn depends(scalar: &Scalar, changing: &BTreeSet<Tensor>) -> bool {
    let mut found = false;
    scalar.visit(&mut |s| {
        found |= match &s.kind {
            ScalarKind::Access(access) => changing.contains(&access.tensor),
            ScalarKind::Accumulated => true,
            _ => false,
        };
    });
    found
}

fn is_affine(scalar: &Scalar, changing: &BTreeSet<Tensor>) -> bool {
    let affine = |s: &Scalar| is_affine(s, changing);
    let fixed = |s: &Scalar| !depends(s, changing);
    if fixed(scalar) {
        return true;
    }
    match &scalar.kind {
        ScalarKind::Access(access) => access.subs.iter().all(|sub| fixed(&sub.value)),
        ScalarKind::Accumulated => true,
        ScalarKind::Unary(UnaryFn::Neg, a) => affine(a),
        // Rounding to another float apart.
        ScalarKind::Cast(a) => !scalar.dtype.is_integer() && !a.dtype.is_integer() && affine(a),
        ScalarKind::Binary(BinaryFn::Add | BinaryFn::Sub, a, b) => affine(a) && affine(b),
        ScalarKind::Binary(BinaryFn::Mul, a, b) => (fixed(a) && affine(b)) || (fixed(b) && affine(a)),
        ScalarKind::Binary(BinaryFn::Div, a, b) => fixed(b) && affine(a),
        ScalarKind::If(condition, a, b) => fixed(condition) && affine(a) && affine(b),
        _ => false,
    }
}

/// Axes of a state at which the steps that the next turn depends on read it where they write it: only the step that writes the state
/// reads its previous value, and other states are not read with it.
fn axes_apart(state: &ScanState, steps: &[&DraftStep], scan: &Recurrence) -> Vec<usize> {
    let others: BTreeSet<Tensor> = changing(scan).into_iter().filter(|t| *t != state.previous).collect();
    let mut readers = steps.iter().filter(|step| step.reads().contains(&state.previous));
    let (Some(reader), None) = (readers.next(), readers.next()) else { return Vec::new() };
    match &reader.work {
        Work::Nest(nest) if nest.out == state.current && nest.accesses().is_disjoint(&others) => own_axes(nest, state.previous),
        _ => Vec::new(),
    }
}

/// Axes at which every access to a value has the index that the nest writes there.
fn own_axes(nest: &Nest, value: Tensor) -> Vec<usize> {
    let accesses: Vec<_> = rewrite::scalars(nest).into_iter().flat_map(|s| rewrite::accesses_to(s, value)).collect();
    let own = |axis: &usize| {
        let index = nest.outer[*axis];
        accesses.iter().all(|a| a.subs.get(*axis).is_some_and(|sub| sub.value.kind == ScalarKind::Index(index)))
    };
    (0..nest.outer.len()).filter(own).collect()
}

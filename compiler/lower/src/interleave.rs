//! Complex values whose parts are computed alike become real ones with one more axis.
//!
//! Copies, permutations, sums and differences treat real and imaginary part the same, and these lie next to each other: as an axis
//! of extent 2 they merge with the axes around them and run in vectors.

use crate::affine::{Axis, AxisDecl, AxisKind};
use crate::graph::{LoadAddress, ValueId, ValueOp};
use crate::problem::Problem;
use ein_ir::kernel::Coefficient;
use ein_ir::tensor::ReduceOp;
use std::collections::{BTreeMap, BTreeSet};

/// Rewrites a nest over pairs as one over reals, if both parts are computed alike.
pub(crate) fn interleave(problem: &mut Problem) {
    let &[re, im] = problem.body.as_slice() else { return };
    let sum = problem.reduction.as_ref().is_none_or(|r| r.op == ReduceOp::Sum);
    if !sum || problem.epilogue.is_some() || problem.axes.len() >= crate::affine::MAX_AXES || !alike(problem, re, im, &mut BTreeSet::new())
    {
        return;
    }
    let part = problem.axes.push(AxisDecl { extent: 2, kind: AxisKind::Outer });
    problem.outer.push(part);
    problem.out.address.terms.push((part, Coefficient::Elements(1)));
    problem.body = vec![along(problem, re, im, part, &mut BTreeMap::new())];
    if let Some(reduction) = &mut problem.reduction {
        reduction.identity.truncate(1);
    }
}

/// Whether two values differ only in reading the next element; `seen` are pairs found to or under test.
fn alike(problem: &Problem, re: ValueId, im: ValueId, seen: &mut BTreeSet<(ValueId, ValueId)>) -> bool {
    let (a, b) = (&problem.graph[re], &problem.graph[im]);
    // The same value is a condition, or a constant that both parts have.
    if re == im || !seen.insert((re, im)) {
        return true;
    }
    let mut operands = |ops: (&ValueOp, &ValueOp)| {
        let (x, y) = (ops.0.operands(), ops.1.operands());
        x.len() == y.len() && x.iter().zip(&y).all(|(x, y)| alike(problem, *x, *y, seen))
    };
    a.ty == b.ty
        && match (&a.op, &b.op) {
            (ValueOp::Load(x), ValueOp::Load(y)) => *y == LoadAddress { offset: x.offset.wrapping_add(1), ..x.clone() },
            (ValueOp::Unary(f, _), ValueOp::Unary(g, _)) => f == g && operands((&a.op, &b.op)),
            (ValueOp::Binary(f, ..), ValueOp::Binary(g, ..)) => f == g && operands((&a.op, &b.op)),
            (ValueOp::Convert(f, _), ValueOp::Convert(g, _)) => f == g && operands((&a.op, &b.op)),
            (ValueOp::Select(c, ..), ValueOp::Select(d, ..)) => c == d && operands((&a.op, &b.op)),
            _ => false,
        }
}

/// The value of a part, for two values that are alike.
fn along(problem: &mut Problem, re: ValueId, im: ValueId, part: Axis, done: &mut BTreeMap<(ValueId, ValueId), ValueId>) -> ValueId {
    if re == im {
        return re;
    }
    if let Some(id) = done.get(&(re, im)) {
        return *id;
    }
    let ty = problem.graph[re].ty;
    let (first, second) = (problem.graph[re].op.clone(), problem.graph[im].op.clone());
    let mut go = |a, b| along(problem, a, b, part, done);
    let op = match (first, second) {
        (ValueOp::Load(mut address), _) => {
            address.terms.push((part, Coefficient::Elements(1)));
            ValueOp::Load(address)
        }
        (ValueOp::Unary(f, a), ValueOp::Unary(_, x)) => ValueOp::Unary(f, go(a, x)),
        (ValueOp::Convert(f, a), ValueOp::Convert(_, x)) => ValueOp::Convert(f, go(a, x)),
        (ValueOp::Binary(f, a, b), ValueOp::Binary(_, x, y)) => ValueOp::Binary(f, go(a, x), go(b, y)),
        (ValueOp::Select(c, a, b), ValueOp::Select(_, x, y)) => ValueOp::Select(c, go(a, x), go(b, y)),
        (other, _) => other,
    };
    let id = problem.graph.value(op, ty);
    done.insert((re, im), id);
    id
}

//! Adjacent axes that lie in memory like one become one: fewer and longer loops.

use crate::affine::{Affine, Axis, AxisKind, AxisSet};
use crate::graph::{LoadAddress, ValueOp};
use crate::problem::Problem;
use crate::vectorize::is_ordered;
use ein_ir::kernel::Coefficient;

/// Merges axes until none can be.
pub(crate) fn merge_axes(problem: &mut Problem) {
    let fixed = fixed_axes(problem);
    let accesses = accesses(problem);
    while let Some((outer, inner)) = mergeable(problem, &accesses, fixed) {
        problem.axes[inner].extent *= problem.axes[outer].extent;
        problem.axes[outer].extent = 1;
        let kept = |axis: &Axis| *axis != outer;
        problem.outer.retain(kept);
        problem.reduction.iter_mut().for_each(|r| r.axes.retain(kept));
    }
    let removed: AxisSet = problem.axes.iter().filter(|(_, a)| a.extent == 1).map(|(id, _)| id).collect();
    let outer: AxisSet = problem.outer.iter().copied().collect();
    let strip = |address: &mut LoadAddress| address.terms.retain(|(axis, _)| !removed.contains(*axis));
    strip(&mut problem.out.address);
    let all = problem.reduced().union(outer);
    problem.graph.rewrite_loads(outer, all, &mut |address| strip(address));
}

/// Every address that the nest touches.
pub(crate) fn accesses(problem: &Problem) -> Vec<LoadAddress> {
    let reachable = problem.graph.reachable(&problem.roots());
    let loads = reachable.into_iter().filter_map(|id| match &problem.graph[id].op {
        ValueOp::Load(address) => Some(address.clone()),
        _ => None,
    });
    std::iter::once(problem.out.address.clone()).chain(loads).collect()
}

/// Axes whose values are used other than in constant multiples of addresses.
fn fixed_axes(problem: &Problem) -> AxisSet {
    let mut fixed = AxisSet::EMPTY;
    let mut take = |form: &Affine| fixed = fixed.union(form.axes());
    let guard = problem.reduction.iter().flat_map(|r| &r.guard.constraints);
    problem.domain.constraints.iter().chain(guard).for_each(&mut take);
    for id in problem.graph.reachable(&problem.roots()) {
        match &problem.graph[id].op {
            ValueOp::Affine(form) | ValueOp::Holds { form, .. } => take(form),
            _ => {}
        }
    }
    for address in accesses(problem) {
        for (axis, coefficient) in &address.terms {
            if matches!(coefficient, Coefficient::Stride { .. }) {
                fixed = fixed.union(AxisSet::of(*axis));
            }
        }
    }
    fixed
}

fn mergeable(problem: &Problem, accesses: &[LoadAddress], fixed: AxisSet) -> Option<(Axis, Axis)> {
    let ordered = problem.reduction.as_ref().is_some_and(|r| is_ordered(r.op));
    let may_move = |axis: Axis| match problem.axes[axis].kind {
        AxisKind::Outer => true,
        AxisKind::Reduced => !ordered,
        AxisKind::Turn => false,
    };
    let live: Vec<Axis> =
        problem.axes.iter().filter(|(id, a)| a.extent > 1 && !fixed.contains(*id) && may_move(*id)).map(|(id, _)| id).collect();
    let kind = |axis: Axis| -> AxisKind { problem.axes[axis].kind };
    let follows = |outer: Axis, inner: Axis| {
        let extent = problem.axes[inner].extent;
        // Ranges without memory of their own may have any length, also together.
        problem.axes[outer].extent.checked_mul(extent).is_some()
            && accesses.iter().all(|access| match (access.stride(outer), access.stride(inner)) {
                (Some(far), Some(near)) => near.checked_mul(extent) == Some(far),
                _ => false,
            })
    };
    let pairs = live.iter().flat_map(|outer| live.iter().map(move |inner| (*outer, *inner)));
    pairs.into_iter().find(|(outer, inner)| outer != inner && kind(*outer) == kind(*inner) && follows(*outer, *inner))
}

//! Terms taken into the elements that they name.

use super::Emitter;
use super::strip::Range;
use super::tile::{Emitted, Shifts};
use crate::affine::{Affine, Axis, AxisKind};
use crate::graph::ValueId;
use crate::problem::Problem;
use crate::schedule::{OuterLoop, Tasks};
use ein_ir::entity::Local;
use ein_ir::kernel::{BinaryOp, Op, Operand, Type};

/// Emits the loops of a scattering reduction over an output that has been cleared.
pub(crate) fn emit_scatter(problem: &Problem, order: &[OuterLoop], tasks: Tasks) -> Emitted {
    let mut emitter = Emitter::new(problem);
    let task = emitter.local(Type::INDEX);
    emitter.bind_turns();
    let part = tasks.chunk.map(|(axis, chunk)| {
        let lo = emitter.arithmetic(BinaryOp::Mul, Operand::Local(task), Operand::Const(chunk));
        let end = emitter.arithmetic(BinaryOp::Add, lo, Operand::Const(chunk));
        (axis, (lo, emitter.arithmetic(BinaryOp::Min, end, Operand::Const(problem.axes[axis].extent))))
    });
    let axes: Vec<Axis> = order.iter().map(|l| l.axis()).collect();
    let guard = &problem.reduction.as_ref().expect("called for reductions").guard;
    emitter.where_settled(&guard.constraints, |e| e.scatter_loops(&axes, part));
    let (body, locals) = emitter.finish();
    Emitted { body, locals, task }
}

impl<'a> Emitter<'a> {
    /// Loops over the axes, outermost first; `part` is what this task has of one of them.
    fn scatter_loops(&mut self, axes: &[Axis], part: Option<(Axis, Range)>) {
        self.hoist_all();
        let problem = self.problem;
        let guard = &problem.reduction.as_ref().expect("called for reductions").guard;
        let Some((&axis, rest)) = axes.split_first() else { return self.guarded(guard.residual, &mut |e| e.scatter_term()) };
        let whole = part.filter(|(divided, _)| *divided == axis).map_or_else(|| self.whole(axis), |(_, range)| range);
        let (range, learnt) = self.restrict(axis, whole, &guard.constraints);
        if rest.is_empty() && problem.axes[axis].kind == AxisKind::Outer {
            return self.scatter_row(axis, range, &learnt, guard.residual);
        }
        self.over(axis, range, 1, |e| {
            e.learn_all(&learnt);
            e.scatter_loops(rest, part);
        });
    }

    /// A term for each element of a row: the condition is asked once if it is the same for all of them.
    fn scatter_row(&mut self, axis: Axis, range: Range, known: &[Affine], condition: Option<ValueId>) {
        if condition.is_some_and(|c| self.problem.graph[c].deps.contains(axis)) {
            return self.over(axis, range, 1, |e| {
                e.learn_all(known);
                e.guarded(condition, &mut |e| e.scatter_term());
            });
        }
        self.guarded(condition, &mut |e| {
            for (position, _) in &e.problem.out.address.values {
                e.value(*position);
            }
            let vectors = e.knowing(known, |e| e.lanes_along(axis)).is_some();
            e.each(axis, range, known, vectors, &[Shifts::new()], &mut |e| e.scatter_term());
        });
    }

    fn scatter_term(&mut self) {
        let lanes = self.lanes.map_or(1, |l| l.n);
        let ty = Type { scalar: self.problem.out.ty, lanes };
        let mut element: Vec<Local> = Vec::new();
        for component in 0..self.problem.body.len() {
            let mut address = self.address(&self.problem.out.address);
            address.offset += component as i64;
            element.push(self.set(ty, Op::Load(address)));
        }
        self.accumulate(&element);
        self.store(&element);
    }
}

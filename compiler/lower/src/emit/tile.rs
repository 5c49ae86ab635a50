//! The loops over the output, down to the elements.

use super::{Bound, Emitter};
use crate::affine::Axis;
use crate::problem::Problem;
use crate::schedule::{Accumulate, OuterLoop, Schedule};
use ein_ir::entity::{Local, PrimaryMap};
use ein_ir::kernel::{BinaryOp, Block, Operand, Stmt, Type};

/// Elements whose loops are written out.
const WRITTEN_ELEMENTS: i64 = 16;

/// Elements written together: where each lies from the position at hand.
pub(crate) type Shifts = Vec<(Axis, i64)>;

/// A kernel's body with its variables.
pub(crate) struct Emitted {
    pub(crate) body: Block,
    pub(crate) locals: PrimaryMap<Local, Type>,
    pub(crate) task: Local,
}

/// Emits the code of a nest.
pub(crate) fn emit_nest(problem: &Problem, schedule: &Schedule) -> Emitted {
    let mut emitter = Emitter::new(problem);
    let task = emitter.local(Type::INDEX);
    emitter.bind_turns();
    let range = schedule.tasks.chunk.map(|(axis, chunk)| {
        // The range of the axis that belongs to this task.
        let lo = emitter.arithmetic(BinaryOp::Mul, Operand::Local(task), Operand::Const(chunk));
        let end = emitter.arithmetic(BinaryOp::Add, lo, Operand::Const(chunk));
        let hi = emitter.arithmetic(BinaryOp::Min, end, Operand::Const(problem.axes[axis].extent));
        (axis, (lo, hi))
    });
    let mut nest = NestLoops { schedule, ranges: vec![None; problem.axes.len()] };
    if let Some((axis, range)) = range {
        nest.ranges[axis.as_u32() as usize] = Some(range);
    }
    emitter.where_settled(&problem.domain.constraints, |e| {
        e.hoist_all();
        nest.emit(e, 0);
    });
    let (body, locals) = emitter.finish();
    Emitted { body, locals, task }
}

/// The loops over the output while they are opened.
struct NestLoops<'a> {
    schedule: &'a Schedule,
    /// The part of an axis that a task or a block has.
    ranges: Vec<Option<(Operand, Operand)>>,
}

impl NestLoops<'_> {
    fn range(&self, e: &Emitter<'_>, axis: Axis) -> (Operand, Operand) {
        self.ranges[axis.as_u32() as usize].unwrap_or_else(|| e.whole(axis))
    }

    fn emit(&mut self, e: &mut Emitter<'_>, level: usize) {
        let Some(next) = self.schedule.outer.get(level) else {
            return e.emit_elements(self.schedule, &e.jammed.clone());
        };
        match *next {
            OuterLoop::Blocks(axis, size) => {
                let (lo, hi) = self.range(e, axis);
                let whole = self.ranges[axis.as_u32() as usize];
                e.counted(lo, hi, size, |e, start| {
                    let end = e.arithmetic(BinaryOp::Add, Operand::Local(start), Operand::Const(size));
                    let end = e.arithmetic(BinaryOp::Min, end, hi);
                    self.ranges[axis.as_u32() as usize] = Some((Operand::Local(start), end));
                    self.emit(e, level + 1);
                });
                self.ranges[axis.as_u32() as usize] = whole;
            }
            OuterLoop::Values(axis) => {
                let range = self.range(e, axis);
                let (range, learnt) = e.restrict(axis, range, &e.problem.domain.constraints);
                let last = level + 1 == self.schedule.outer.len();
                e.hoist_all();
                if last && self.schedule.accumulate == Accumulate::Memory {
                    return e.emit_in_memory(self.schedule, axis, range);
                }
                if last && !self.schedule.lanes_reduced {
                    return e.emit_strip(self.schedule, axis, range, learnt);
                }
                if !last && self.is_written_out(e, level, range) {
                    return self.write_out(e, level, axis, range, &learnt);
                }
                let rest = match self.schedule.jam {
                    Some((jammed, rows)) if jammed == axis => self.emit_jammed(e, level, (axis, rows), range),
                    _ => range,
                };
                e.over(axis, rest, 1, |e| {
                    e.learn_all(&learnt);
                    self.emit(e, level + 1);
                });
            }
        }
    }

    /// Whether the loops from a level on are few turns in all.
    fn is_written_out(&self, e: &Emitter<'_>, level: usize, range: (Operand, Operand)) -> bool {
        let turns = self.schedule.outer[level..].iter().map(|next| match next {
            OuterLoop::Blocks(..) => i64::MAX,
            OuterLoop::Values(axis) => e.problem.axes[*axis].extent,
        });
        let constant = matches!(range, (Operand::Const(_), Operand::Const(_)));
        constant && self.schedule.reduced.is_empty() && turns.fold(1, i64::saturating_mul) <= WRITTEN_ELEMENTS
    }

    fn write_out(&mut self, e: &mut Emitter<'_>, level: usize, axis: Axis, range: (Operand, Operand), learnt: &[crate::affine::Affine]) {
        let (Operand::Const(lo), Operand::Const(hi)) = range else { unreachable!("only constant ranges are written out") };
        for at in lo..hi {
            e.knowing(learnt, |e| e.bound(axis, Bound { base: None, offset: at }, |e| self.emit(e, level + 1)));
        }
    }

    /// Several values of the axis side by side; gives the range that is left.
    fn emit_jammed(
        &mut self,
        e: &mut Emitter<'_>,
        level: usize,
        (axis, rows): (Axis, i64),
        range: (Operand, Operand),
    ) -> (Operand, Operand) {
        let middle = e.last_whole_turn(range, rows);
        let shifts = (0..rows).map(|n| vec![(axis, n)]).collect();
        let before = std::mem::replace(&mut e.jammed, shifts);
        e.over(axis, (range.0, middle), rows, |e| self.emit(e, level + 1));
        e.jammed = before;
        (middle, range.1)
    }
}

impl Emitter<'_> {
    /// Computes now whatever depends on the loops opened so far alone.
    pub(crate) fn hoist_all(&mut self) {
        let roots = self.problem.roots();
        self.hoist(&roots);
    }

    /// With every axis moved as the shifts say.
    pub(crate) fn at(&mut self, shifts: &[(Axis, i64)], body: &mut dyn FnMut(&mut Self)) {
        match shifts.split_first() {
            None => body(self),
            Some((&(axis, by), rest)) => self.shifted(axis, by, |e| e.at(rest, body)),
        }
    }

    /// The elements at the current position moved by each of the shifts.
    pub(crate) fn emit_elements(&mut self, schedule: &Schedule, shifts: &[Shifts]) {
        let Some(residual) = self.problem.domain.residual else { return self.emit_wanted_elements(schedule, shifts) };
        // Lanes do not run along an axis that this condition depends on, and shifts do not move it.
        match self.truth(residual) {
            Some(true) => self.emit_wanted_elements(schedule, shifts),
            Some(false) => {}
            None => {
                let condition = self.value(residual);
                self.emit_if(
                    condition,
                    |e| {
                        e.learn_condition(residual);
                        e.emit_wanted_elements(schedule, shifts);
                    },
                    |_| {},
                );
            }
        }
    }

    fn emit_wanted_elements(&mut self, schedule: &Schedule, shifts: &[Shifts]) {
        if self.problem.reduction.is_some() {
            return self.emit_reduction(schedule, shifts);
        }
        for shift in shifts {
            self.at(shift, &mut |e| {
                let problem = e.problem;
                let lanes = e.lanes.map_or(1, |l| l.n);
                let values: Vec<Local> = problem.body.iter().map(|root| e.widened(*root, lanes)).collect();
                e.store(&values);
            });
        }
    }

    /// Writes the components of the element at hand.
    pub(crate) fn store(&mut self, values: &[Local]) {
        for (component, value) in values.iter().enumerate() {
            let mut address = self.address(&self.problem.out.address);
            address.offset += component as i64;
            self.push(Stmt::Store(address, *value));
        }
    }
}

//! Reductions that run in the output: rows of it are gone over once for a few terms of the reduction.

use super::strip::{Range, is_empty};
use super::tile::Shifts;
use super::{Emitter, Lanes};
use crate::affine::{Affine, Axis};
use crate::schedule::Schedule;
use ein_ir::entity::Local;
use ein_ir::kernel::{Op, Type};

/// Terms taken into an element between reading and writing it.
const JAMMED_TERMS: i64 = 4;
/// Vectors of a turn.
const UNROLL: i64 = 4;

/// What is done to the elements of a row, lanes and shifts being set.
pub(crate) type Each<'t, 'a> = &'t mut dyn FnMut(&mut Emitter<'a>);

impl<'a> Emitter<'a> {
    /// The reductions of a range of the innermost outer axis.
    pub(crate) fn emit_in_memory(&mut self, schedule: &Schedule, axis: Axis, range: Range) {
        self.each(axis, range, &[], true, &[], &mut |e| {
            let lanes = e.lanes.map_or(1, |l| l.n);
            let start = e.start(0, lanes);
            e.store(&[start]);
        });
        self.memory_loops(&schedule.reduced, axis, range);
        if self.problem.epilogue.is_some() {
            let vectors = self.lanes_along(axis).is_some();
            self.each(axis, range, &[], vectors, &[Shifts::new()], &mut |e| {
                let result = e.load_result();
                e.finish_element(&[result]);
            });
        }
    }

    fn load_result(&mut self) -> Local {
        let ty = Type { scalar: self.problem.out.ty, lanes: self.lanes.map_or(1, |l| l.n) };
        let address = self.address(&self.problem.out.address);
        self.set(ty, Op::Load(address))
    }

    /// The reduced loops, outermost first, with rows inside.
    fn memory_loops(&mut self, axes: &[Axis], row: Axis, range: Range) {
        let guard = &self.problem.reduction.as_ref().expect("called for reductions").guard;
        let Some((&axis, rest)) = axes.split_first() else { return self.row(row, range, &[Shifts::new()]) };
        self.hoist_all();
        let (turns, learnt) = self.restrict(axis, self.whole(axis), &guard.constraints);
        // Several terms at once need rows of the same elements, split at the same places.
        let same_rows = !self.problem.conditions().iter().any(|f| f.coefficient(axis) != 0 && f.coefficient(row) != 0);
        let mut turns = turns;
        if rest.is_empty() && same_rows {
            let middle = self.last_whole_turn(turns, JAMMED_TERMS);
            let shifts: Vec<Shifts> = (0..JAMMED_TERMS).map(|n| vec![(axis, n)]).collect();
            self.over(axis, (turns.0, middle), JAMMED_TERMS, |e| {
                e.learn_all(&learnt);
                e.row(row, range, &shifts);
            });
            turns.0 = middle;
        }
        self.over(axis, turns, 1, |e| {
            e.learn_all(&learnt);
            e.memory_loops(rest, row, range);
        });
    }

    /// Takes the terms at the shifts into the elements of a row.
    fn row(&mut self, axis: Axis, range: Range, terms: &[Shifts]) {
        let constraints = &self.problem.reduction.as_ref().expect("called for reductions").guard.constraints;
        self.where_settled(constraints, |e| e.wanted_row(axis, range, terms));
    }

    fn wanted_row(&mut self, axis: Axis, range: Range, terms: &[Shifts]) {
        let constraints = &self.problem.reduction.as_ref().expect("called for reductions").guard.constraints;
        let (range, learnt) = self.restrict(axis, range, constraints);
        self.split(axis, range, learnt, 4, &mut |e, range, known, inner| {
            let vectors = inner && e.knowing(known, |e| e.lanes_along(axis)).is_some();
            e.each(axis, range, known, vectors, terms, &mut |e| {
                let result = e.load_result();
                for term in terms {
                    e.at(term, &mut |e| e.accumulate(&[result]));
                }
                e.store(&[result]);
            });
        });
    }

    /// The elements of a row, in vectors if asked to; what the terms share is computed before the loops.
    pub(crate) fn each(&mut self, axis: Axis, range: Range, known: &[Affine], vectors: bool, terms: &[Shifts], element: Each<'_, 'a>) {
        let lanes = crate::vectorize::lanes_of(self.problem.out.ty).filter(|_| vectors && self.problem.out.address.stride(axis) == Some(1));
        let mut rest = range;
        if let Some(n) = lanes {
            for unroll in [UNROLL, 1] {
                rest = self.each_turn(axis, rest, known, (Some(n), unroll), terms, element);
            }
        }
        self.each_turn(axis, rest, known, (None, 1), terms, element);
    }

    /// Whole turns of vectors or scalars; gives the range that is left.
    fn each_turn(
        &mut self,
        axis: Axis,
        (lo, hi): Range,
        known: &[Affine],
        (lanes, unroll): (Option<u8>, i64),
        terms: &[Shifts],
        element: Each<'_, 'a>,
    ) -> Range {
        let width = i64::from(lanes.unwrap_or(1));
        let middle = self.last_whole_turn((lo, hi), width * unroll);
        if is_empty((lo, middle)) {
            return (lo, hi);
        }
        let before = self.lanes;
        self.lanes = lanes.map(|n| Lanes { axis, n });
        self.knowing(known, |e| {
            for term in terms {
                e.at(term, &mut |e| e.hoist_all());
            }
            e.over(axis, (lo, middle), width * unroll, |e| {
                e.learn_all(known);
                for u in 0..unroll {
                    e.shifted(axis, u * width, |e| element(e));
                }
            });
        });
        self.lanes = before;
        (middle, hi)
    }
}

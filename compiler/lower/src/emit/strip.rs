//! The innermost loop over the output: split where conditions change, in vectors where they can run.

use super::tile::Shifts;
use super::{Emitter, Lanes};
use crate::affine::{Affine, Axis, AxisSet};
use crate::graph::{ValueId, ValueOp};
use crate::schedule::Schedule;
use crate::vectorize::{View, is_scan_like, lanes_of};
use ein_ir::kernel::{BinaryOp, Operand};

/// Vectors computed side by side: enough to hide the latency of a multiply-add on two units.
const UNROLL: i64 = 4;
/// The same for bodies of little more than a load: the loop itself would count.
const LIGHT_UNROLL: i64 = 8;
/// The same where several rows run side by side: eight accumulators leave registers for what is loaded.
const JAMMED_UNROLL: i64 = 2;
/// Scalars computed side by side where vectors cannot run.
const SCALAR_UNROLL: i64 = 4;
/// Bodies up to this many operations are unrolled in scalars.
const SCALAR_UNROLL_COST: u32 = 12;
/// Conditions that a loop is split at before the rest is tested in its body.
const MAX_SPLITS: u32 = 6;

/// Values of an axis from and up to, not including.
pub(crate) type Range = (Operand, Operand);

/// A condition that changes along an axis.
struct Change {
    form: Affine,
    /// Whether it is false only near a border of a tensor.
    edge: bool,
}

/// What a part of a split loop does; whether it may be split further and run in vectors.
pub(crate) type Part<'t, 'a> = &'t mut dyn FnMut(&mut Emitter<'a>, Range, &[Affine], bool);

impl<'a> Emitter<'a> {
    /// The elements of a range of the innermost axis; `learnt` holds in all of it.
    pub(crate) fn emit_strip(&mut self, schedule: &Schedule, axis: Axis, range: Range, learnt: Vec<Affine>) {
        self.split(axis, range, learnt, MAX_SPLITS, &mut |e, range, known, inner| {
            if e.emit_copy(axis, range, known) {
                return;
            }
            let lanes = if inner { e.knowing(known, |e| e.lanes_along(axis)) } else { None };
            e.emit_part(schedule, axis, range, known, lanes, inner);
        });
    }

    /// Calls `body` with what is known, and forgets it.
    pub(crate) fn knowing<T>(&mut self, known: &[Affine], body: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.truths.len();
        self.truths.extend_from_slice(known);
        let result = body(self);
        self.truths.truncate(mark);
        result
    }

    /// Splits a range where conditions change. Parts near borders of tensors are not split further.
    pub(crate) fn split(&mut self, axis: Axis, (lo, hi): Range, known: Vec<Affine>, budget: u32, part: Part<'_, 'a>) {
        if let (Operand::Const(lo), Operand::Const(hi)) = (lo, hi)
            && lo >= hi
        {
            return;
        }
        let change = self.knowing(&known, |e| e.first_change(axis)).filter(|_| budget > 0);
        let Some(change) = change else { return part(self, (lo, hi), &known, true) };
        // Where the form is at least 0 whatever the axes inside are.
        let within: AxisSet = self.problem.reduced().iter().filter(|a| *a != axis && !self.is_bound(*a)).collect();
        let worst = change.form.minimise(within, &self.problem.axes);
        let exact = worst == change.form;
        let (inside, outside) = (with(&known, worst.clone()), if exact { with(&known, worst.negated()) } else { known });
        let mut other = |e: &mut Self, range: Range| {
            if exact && !change.edge {
                e.split(axis, range, outside.clone(), budget - 1, part);
            } else if !is_empty(range) {
                part(e, range, &outside, false);
            }
        };
        match self.edge(&worst, axis) {
            super::bounds::Edge::From(from) => {
                let cut = self.clamped(from, (lo, hi));
                other(self, (lo, cut));
                self.split(axis, (cut, hi), inside, budget - 1, part);
            }
            super::bounds::Edge::Until(until) => {
                let cut = self.clamped(until, (lo, hi));
                // The order of the parts does not matter: their elements are different ones.
                other(self, (cut, hi));
                self.split(axis, (lo, cut), inside, budget - 1, part);
            }
        }
    }

    fn clamped(&mut self, at: Operand, (lo, hi): Range) -> Operand {
        let above = self.arithmetic(BinaryOp::Max, at, lo);
        let hi = self.arithmetic(BinaryOp::Max, hi, lo);
        self.arithmetic(BinaryOp::Min, above, hi)
    }

    /// The first condition along an axis that is not known.
    fn first_change(&self, axis: Axis) -> Option<Change> {
        let problem = self.problem;
        let guards = problem.reduction.iter().flat_map(|r| &r.guard.constraints);
        let pending = |form: &&Affine| form.coefficient(axis) != 0 && self.decide(form).is_none();
        if let Some(form) = guards.filter(|_| !self.reduces_in(axis)).find(pending) {
            return Some(Change { form: form.clone(), edge: true });
        }
        let simplify = |id| self.simplify(id);
        let reachable = View { problem, simplify: &simplify, split: false }.values(&problem.roots());
        reachable.into_iter().find_map(|id| match &problem.graph[id].op {
            ValueOp::Holds { form, edge } if pending(&form) => Some(Change { form: form.clone(), edge: *edge }),
            _ => None,
        })
    }

    /// Whether guards on an axis are bounds of its own loop: it is reduced, or the reduced ones are bound already.
    fn reduces_in(&self, axis: Axis) -> bool {
        let reduced = self.problem.reduced();
        reduced.contains(axis) || (!reduced.is_empty() && reduced.iter().all(|a| self.is_bound(a)))
    }

    /// Lanes in which the elements along an outer axis can be computed here.
    pub(crate) fn lanes_along(&self, axis: Axis) -> Option<u8> {
        let problem = self.problem;
        let lanes = lanes_of(problem.out.ty)?;
        if problem.body.len() != 1 || problem.out.address.stride(axis) != Some(1) {
            return None;
        }
        if let Some(reduction) = &problem.reduction
            && (is_scan_like(reduction.op) || lanes_of(reduction.ty) != Some(lanes) || !crate::vectorize::can_run_in_lanes(problem, axis))
        {
            return None;
        }
        (self.is_uniform(axis) && self.fits_in_lanes(axis, lanes)).then_some(lanes)
    }

    /// Whether the same terms are reduced, and elements wanted, all along an axis.
    fn is_uniform(&self, axis: Axis) -> bool {
        let problem = self.problem;
        let guard = problem.reduction.as_ref().map(|r| &r.guard);
        let depends = |id: &ValueId| self.truth(*id).is_none() && problem.graph[*id].deps.contains(axis);
        let residual = guard.and_then(|g| g.residual).iter().chain(&problem.domain.residual).any(depends);
        let mut forms = guard.iter().flat_map(|g| &g.constraints);
        !residual && !forms.any(|form| form.coefficient(axis) != 0 && self.decide(form) != Some(true))
    }

    /// Whether every value that depends on an axis has a vector form here.
    pub(crate) fn fits_in_lanes(&self, axis: Axis, lanes: u8) -> bool {
        let problem = self.problem;
        let roots: Vec<ValueId> = problem.body.iter().chain(problem.epilogue.iter().flatten()).copied().collect();
        let simplify = |id| self.simplify(id);
        let view = View { problem, simplify: &simplify, split: false };
        view.values(&roots).into_iter().all(|id| view.fits(id, axis, lanes))
    }

    /// The elements of a part of the innermost loop.
    fn emit_part(&mut self, schedule: &Schedule, axis: Axis, range: Range, known: &[Affine], lanes: Option<u8>, inner: bool) {
        let Some(n) = lanes else { return self.emit_scalars(schedule, axis, range, known, inner) };
        let width = i64::from(n);
        let unroll = self.unroll(range, width);
        let unroll = if self.jammed.len() > 1 { unroll.min(JAMMED_UNROLL) } else { unroll };
        let rest = self.emit_turns(schedule, axis, range, known, Some(n), unroll);
        let rest = if unroll > 1 { self.emit_turns(schedule, axis, rest, known, Some(n), 1) } else { rest };
        self.emit_scalars(schedule, axis, rest, known, false);
    }

    /// How many vectors fit into a range side by side.
    fn unroll(&self, range: Range, width: i64) -> i64 {
        let light = self.problem.reduction.is_none() && self.problem.body.iter().all(|root| self.problem.graph[*root].cost <= 2);
        let most = if light { LIGHT_UNROLL } else { UNROLL };
        match range {
            (Operand::Const(lo), Operand::Const(hi)) => match (hi - lo) / width {
                // A power of two, as turns are counted with masks.
                n if n < most => 1 << n.max(1).ilog2(),
                _ => most,
            },
            _ => most,
        }
    }

    fn emit_scalars(&mut self, schedule: &Schedule, axis: Axis, range: Range, known: &[Affine], unrolled: bool) {
        let problem = self.problem;
        let cost =
            problem.body.iter().chain(problem.epilogue.iter().flatten()).map(|r| problem.graph[*r].cost).fold(0, u32::saturating_add);
        let folds = problem.reduction.as_ref().is_none_or(|r| !is_scan_like(r.op));
        let uniform = folds && self.knowing(known, |e| e.is_uniform(axis));
        let few = matches!(range, (Operand::Const(lo), Operand::Const(hi)) if hi - lo <= SCALAR_UNROLL);
        let rest = if unrolled && uniform && self.jammed.len() == 1 && cost <= SCALAR_UNROLL_COST {
            self.emit_turns(schedule, axis, range, known, None, SCALAR_UNROLL)
        } else {
            range
        };
        match rest {
            (Operand::Const(lo), Operand::Const(hi)) if few && cost <= SCALAR_UNROLL_COST => {
                self.knowing(known, |e| {
                    for at in lo..hi {
                        e.bound(axis, super::Bound { base: None, offset: at }, |e| e.emit_elements(schedule, &e.jammed.clone()));
                    }
                });
            }
            _ => {
                self.emit_turns(schedule, axis, rest, known, None, 1);
            }
        }
    }

    /// Whole turns of `unroll` vectors or scalars each; gives the range that is left.
    fn emit_turns(&mut self, schedule: &Schedule, axis: Axis, (lo, hi): Range, known: &[Affine], lanes: Option<u8>, unroll: i64) -> Range {
        let width = i64::from(lanes.unwrap_or(1));
        let step = width * unroll;
        let middle = self.last_whole_turn((lo, hi), step);
        if is_empty((lo, middle)) {
            return (middle, hi);
        }
        let along = |shift: &Shifts| (0..unroll).map(|u| shift.iter().copied().chain([(axis, u * width)]).collect()).collect::<Vec<_>>();
        let shifts: Vec<Shifts> = self.jammed.iter().flat_map(along).collect();
        let before = self.lanes;
        self.lanes = lanes.map(|n| Lanes { axis, n });
        self.knowing(known, |e| {
            e.hoist_terms(schedule);
            e.over(axis, (lo, middle), step, |e| {
                e.learn_all(known);
                e.emit_elements(schedule, &shifts);
            });
        });
        self.lanes = before;
        (middle, hi)
    }

    /// The end of the last turn of `step` values that fits into a range, at least its start.
    pub(crate) fn last_whole_turn(&mut self, (lo, hi): Range, step: i64) -> Operand {
        if step == 1 {
            return hi;
        }
        let hi = self.arithmetic(BinaryOp::Max, hi, lo);
        let length = self.arithmetic(BinaryOp::Sub, hi, lo);
        let whole = match length {
            Operand::Const(n) => Operand::Const(n / step * step),
            // Steps are powers of two.
            _ => self.arithmetic(BinaryOp::And, length, Operand::Const(-step)),
        };
        self.arithmetic(BinaryOp::Add, lo, whole)
    }
}

fn with(known: &[Affine], form: Affine) -> Vec<Affine> {
    known.iter().cloned().chain(std::iter::once(form)).collect()
}

pub(crate) fn is_empty((lo, hi): Range) -> bool {
    lo == hi || matches!((lo, hi), (Operand::Const(lo), Operand::Const(hi)) if lo >= hi)
}

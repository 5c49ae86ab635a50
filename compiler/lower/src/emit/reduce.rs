//! Reductions into variables.
//!
//! Sums of products accumulate with fused multiply-adds; the order of a sum is fixed by sizes and schedule alone.

use super::Emitter;
use super::tile::Shifts;
use crate::affine::Axis;
use crate::graph::{ValueId, ValueOp};
use crate::problem::Reduction;
use crate::schedule::Schedule;
use ein_ir::dtype::Class;
use ein_ir::entity::{Fault, Local};
use ein_ir::kernel::{BinaryOp, Comparison, MathFn, Op, OpConst, Operand, ScalarType, Stmt, Type, UnaryOp};
use ein_ir::tensor::ReduceOp;

/// Terms that are written out instead of looped over, and that times elements side by side.
const WRITTEN_TERMS: i64 = 32;
const WRITTEN_TERMS_IN_ALL: i64 = 128;

/// What is done for every term of a reduction.
pub(crate) type Term<'t> = &'t mut dyn FnMut(&mut Emitter<'_>);

impl<'a> Emitter<'a> {
    fn reduction(&self) -> &'a Reduction {
        self.problem.reduction.as_ref().expect("called for reductions")
    }

    /// The reductions of the elements at the shifts, side by side.
    pub(crate) fn emit_reduction(&mut self, schedule: &Schedule, shifts: &[Shifts]) {
        let results = match self.reduction().op {
            ReduceOp::Lse => vec![vec![self.log_sum_exp(schedule)]],
            op @ (ReduceOp::ArgMax | ReduceOp::ArgMin) => vec![vec![self.extreme_position(schedule, op == ReduceOp::ArgMax)]],
            _ => self.fold(schedule, shifts),
        };
        for (shift, result) in shifts.iter().zip(results) {
            self.at(shift, &mut |e| e.finish_element(&result));
        }
    }

    /// Applies the epilogue and writes.
    pub(crate) fn finish_element(&mut self, result: &[Local]) {
        let problem = self.problem;
        let Some(epilogue) = &problem.epilogue else { return self.store(result) };
        self.accumulated = result.to_vec();
        let lanes = self.lanes.map_or(1, |l| l.n);
        let values: Vec<Local> = epilogue.iter().map(|root| self.widened(*root, lanes)).collect();
        self.store(&values);
    }

    /// A variable that starts as a component of the empty reduction.
    pub(crate) fn start(&mut self, component: usize, lanes: u8) -> Local {
        let identity = self.reduction().identity[component];
        let ValueOp::Const(bits) = self.problem.graph[identity].op else { unreachable!("identities are constants") };
        let ty = Type { scalar: self.problem.graph[identity].ty, lanes };
        self.set(ty, Op::Const(Self::constant(bits, ty.scalar)))
    }

    fn fold(&mut self, schedule: &Schedule, shifts: &[Shifts]) -> Vec<Vec<Local>> {
        if schedule.lanes_reduced
            && shifts.len() == 1
            && let Some(total) = self.fold_in_lanes(schedule)
        {
            return vec![vec![total]];
        }
        let lanes = self.lanes.map_or(1, |l| l.n);
        let components = self.reduction().identity.len();
        let accumulators: Vec<Vec<Local>> = shifts.iter().map(|_| (0..components).map(|c| self.start(c, lanes)).collect()).collect();
        self.reduced_loops(&schedule.reduced, shifts, &mut |e| {
            for (shift, accumulator) in shifts.iter().zip(&accumulators) {
                e.at(shift, &mut |e| e.accumulate(accumulator));
            }
        });
        accumulators
    }

    /// The loops over reduced axes, with `term` inside.
    pub(crate) fn reduced_loops(&mut self, axes: &[Axis], shifts: &[Shifts], term: Term<'_>) {
        let guard = &self.reduction().guard;
        self.where_settled(&guard.constraints, |e| e.reduced_levels(axes, shifts, term));
    }

    fn reduced_levels(&mut self, axes: &[Axis], shifts: &[Shifts], term: Term<'_>) {
        for shift in shifts {
            self.at(shift, &mut |e| e.hoist_all());
        }
        let problem = self.problem;
        let guard = &self.reduction().guard;
        let Some((&axis, rest)) = axes.split_first() else { return self.guarded(guard.residual, term) };
        let (range, learnt) = self.restrict(axis, self.whole(axis), &guard.constraints);
        let turns: i64 = rest.iter().map(|a| problem.axes[*a].extent).fold(problem.axes[axis].extent, i64::saturating_mul);
        if let (Operand::Const(lo), Operand::Const(hi)) = range
            && turns <= WRITTEN_TERMS.min(WRITTEN_TERMS_IN_ALL / shifts.len() as i64)
        {
            let known = self.truths.len();
            learnt.into_iter().for_each(|form| self.learn(form));
            for at in lo..hi {
                self.bound(axis, super::Bound { base: None, offset: at }, |e| e.reduced_levels(rest, shifts, term));
            }
            self.truths.truncate(known);
            return;
        }
        self.over(axis, range, 1, |e| {
            learnt.into_iter().for_each(|form| e.learn(form));
            e.reduced_levels(rest, shifts, term);
        });
    }

    /// Computes now what every term needs, where the terms will be written out.
    pub(crate) fn hoist_terms(&mut self, schedule: &Schedule) {
        for shift in self.jammed.clone() {
            self.at(&shift, &mut |e| e.hoist_written(&schedule.reduced));
        }
    }

    fn hoist_written(&mut self, axes: &[Axis]) {
        self.hoist_all();
        let extents = axes.iter().map(|a| self.problem.axes[*a].extent);
        if let Some((&axis, rest)) = axes.split_first()
            && extents.fold(1, i64::saturating_mul) <= WRITTEN_TERMS
        {
            for at in 0..self.problem.axes[axis].extent {
                self.bound(axis, super::Bound { base: None, offset: at }, |e| e.hoist_written(rest));
            }
        }
    }

    pub(crate) fn guarded(&mut self, condition: Option<ValueId>, term: Term<'_>) {
        match condition.map(|c| (c, self.truth(c))) {
            None | Some((_, Some(true))) => term(self),
            Some((_, Some(false))) => {}
            Some((condition, None)) => {
                let holds = self.value(condition);
                self.emit_if(
                    holds,
                    |e| {
                        e.learn_condition(condition);
                        term(e);
                    },
                    |_| {},
                );
            }
        }
    }

    /// Takes the body at the current position into an accumulator.
    pub(crate) fn accumulate(&mut self, accumulator: &[Local]) {
        let problem = self.problem;
        let reduction = self.reduction();
        let lanes = self.locals[accumulator[0]].lanes;
        if reduction.op == ReduceOp::Sum && self.accumulate_product(problem.body[0], accumulator) {
            return;
        }
        self.running = accumulator.to_vec();
        let values: Vec<Local> = problem.body.iter().map(|root| self.widened(*root, lanes)).collect();
        if let ReduceOp::User(_) = reduction.op {
            return accumulator.iter().zip(values).for_each(|(accumulator, value)| self.push(Stmt::Set(*accumulator, Op::Copy(value))));
        }
        if let (ReduceOp::Prod, &[re, im], &[a, b]) = (reduction.op, accumulator, values.as_slice()) {
            return self.multiply_into((re, im), (a, b));
        }
        for (accumulator, value) in accumulator.iter().zip(values) {
            let ty = self.locals[*accumulator];
            debug_assert_eq!(ty.lanes, lanes);
            self.push(Stmt::Set(*accumulator, Op::Binary(self.combining_op(), *accumulator, value)));
        }
    }

    /// The operation that joins two values of the reduction.
    pub(crate) fn combining_op(&self) -> BinaryOp {
        let reduction = self.reduction();
        let unsigned = reduction.acc.class() == Class::Unsigned;
        match reduction.op {
            ReduceOp::Prod if reduction.ty == ScalarType::Bool => BinaryOp::And,
            ReduceOp::Sum if reduction.ty == ScalarType::Bool => BinaryOp::Or,
            ReduceOp::Prod => BinaryOp::Mul,
            ReduceOp::Any => BinaryOp::Or,
            ReduceOp::All => BinaryOp::And,
            ReduceOp::Max if reduction.ty == ScalarType::Bool => BinaryOp::Or,
            ReduceOp::Min if reduction.ty == ScalarType::Bool => BinaryOp::And,
            ReduceOp::Max if unsigned => BinaryOp::UMax,
            ReduceOp::Min if unsigned => BinaryOp::UMin,
            ReduceOp::Max | ReduceOp::Lse => BinaryOp::Max,
            ReduceOp::Min => BinaryOp::Min,
            _ => BinaryOp::Add,
        }
    }

    /// `accumulator + a * b` with one rounding, where the body is a product of floats.
    fn accumulate_product(&mut self, body: ValueId, accumulator: &[Local]) -> bool {
        let body = self.simplify(body);
        let value = &self.problem.graph[body];
        let (&[accumulator], ValueOp::Binary(BinaryOp::Mul, a, b), true) = (accumulator, &value.op, value.ty.is_float()) else {
            return false;
        };
        let lanes = self.locals[accumulator].lanes;
        let (a, b) = (self.widened(*a, lanes), self.widened(*b, lanes));
        self.push(Stmt::Set(accumulator, Op::Fma(a, b, accumulator)));
        true
    }

    fn multiply_into(&mut self, (re, im): (Local, Local), (a, b): (Local, Local)) {
        let ty = self.locals[re];
        let mut op = |op, x, y| self.set(ty, Op::Binary(op, x, y));
        let (ra, ib, rb, ia) = (op(BinaryOp::Mul, re, a), op(BinaryOp::Mul, im, b), op(BinaryOp::Mul, re, b), op(BinaryOp::Mul, im, a));
        self.push(Stmt::Set(re, Op::Binary(BinaryOp::Sub, ra, ib)));
        self.push(Stmt::Set(im, Op::Binary(BinaryOp::Add, rb, ia)));
    }

    /// `m + log(sum(exp(x - m)))` with the greatest element `m`; an `m` that is not finite is the result.
    fn log_sum_exp(&mut self, schedule: &Schedule) -> Local {
        let problem = self.problem;
        let ty = Type::scalar(self.reduction().ty);
        let once = [Shifts::new()];
        let greatest = self.start(0, 1);
        self.reduced_loops(&schedule.reduced, &once, &mut |e| {
            let x = e.value(problem.body[0]);
            e.push(Stmt::Set(greatest, Op::Binary(BinaryOp::Max, greatest, x)));
        });
        let float = |x: f64| if ty.scalar == ScalarType::F32 { OpConst::F32((x as f32).to_bits()) } else { OpConst::F64(x.to_bits()) };
        let infinity = self.set(ty, Op::Const(float(f64::INFINITY)));
        let magnitude = self.set(ty, Op::Unary(UnaryOp::Abs, greatest));
        let finite = self.set(Type::BOOL, Op::Compare(Comparison::Lt, magnitude, infinity));
        let result = self.set(ty, Op::Copy(greatest));
        self.emit_if(
            finite,
            |e| {
                let sum = e.set(ty, Op::Const(float(0.0)));
                e.reduced_loops(&schedule.reduced, &once, &mut |e| {
                    let x = e.value(problem.body[0]);
                    let below = e.set(ty, Op::Binary(BinaryOp::Sub, x, greatest));
                    let power = e.set(ty, Op::Call(MathFn::Exp, vec![below]));
                    e.push(Stmt::Set(sum, Op::Binary(BinaryOp::Add, sum, power)));
                });
                let log = e.set(ty, Op::Call(MathFn::Log, vec![sum]));
                e.push(Stmt::Set(result, Op::Binary(BinaryOp::Add, greatest, log)));
            },
            |_| {},
        );
        result
    }

    /// The first of the greatest or least elements; the first NaN, if there is one; a fault if there is nothing.
    fn extreme_position(&mut self, schedule: &Schedule, greatest: bool) -> Local {
        let problem = self.problem;
        let (position, fault): (ValueId, Fault) = self.reduction().position.expect("arg reductions have a position");
        let unsigned = self.reduction().acc.class() == Class::Unsigned;
        let best = self.start(0, 1);
        let best_at = self.int(-1);
        let better = match (greatest, unsigned) {
            (true, false) => Comparison::Gt,
            (true, true) => Comparison::UGt,
            (false, false) => Comparison::Lt,
            (false, true) => Comparison::ULt,
        };
        let found = self.set(Type::BOOL, Op::Const(OpConst::Int(0)));
        self.reduced_loops(&schedule.reduced, &[Shifts::new()], &mut |e| {
            let x = e.value(problem.body[0]);
            let mut wins = e.set(Type::BOOL, Op::Compare(better, x, best));
            if e.locals[x].scalar.is_float() {
                let (x_nan, best_number) =
                    (e.set(Type::BOOL, Op::Compare(Comparison::Ne, x, x)), e.set(Type::BOOL, Op::Compare(Comparison::Eq, best, best)));
                let first_nan = e.set(Type::BOOL, Op::Binary(BinaryOp::And, x_nan, best_number));
                wins = e.set(Type::BOOL, Op::Binary(BinaryOp::Or, wins, first_nan));
            }
            let first = e.set(Type::BOOL, Op::Unary(UnaryOp::Not, found));
            let wins = e.set(Type::BOOL, Op::Binary(BinaryOp::Or, wins, first));
            let at = e.value(position);
            e.push(Stmt::Set(best, Op::Select(wins, x, best)));
            e.push(Stmt::Set(best_at, Op::Select(wins, at, best_at)));
            e.push(Stmt::Set(found, Op::Const(OpConst::Int(1))));
        });
        let missing = self.set(Type::BOOL, Op::Unary(UnaryOp::Not, found));
        self.push(Stmt::If { condition: missing, then: vec![Stmt::Fault(fault)], otherwise: Vec::new() });
        best_at
    }
}

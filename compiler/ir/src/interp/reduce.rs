//! Reductions, for any arithmetic.

use super::engine::{Arithmetic, Engine, Odometer};
use super::fault::{self, RunFault};
use super::load::scalar_fault;
use crate::dtype::DType;
use crate::entity::{EntityRef, Reducer};
use crate::scalar::Scalar;
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::Value;
use crate::span::Span;
use crate::tensor::{Reduce, ReduceOp};

/// What is done with an element that takes part.
type Visit<'f, E, V> = dyn FnMut(&mut E, V) -> Result<(), RunFault> + 'f;

impl<A: Arithmetic> Engine<'_, A> {
    /// The reduction of `body` over the binders, in index order.
    pub(super) fn reduce(&mut self, reduce: &Reduce, body: &Scalar, span: Span) -> Result<A::V, RunFault> {
        match reduce.op {
            ReduceOp::Sum => self.sum(reduce, body),
            ReduceOp::Lse => self.log_sum_exp(reduce, body, span),
            ReduceOp::ArgMax | ReduceOp::ArgMin => self.extreme_position(reduce, body, span),
            ReduceOp::User(reducer) => self.user_reduction(reduce, reducer, body),
            ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min | ReduceOp::Any | ReduceOp::All => {
                let (function, empty) = fold_of(reduce.op, reduce.acc);
                let mut total = A::lift(empty);
                let doubtful = self.for_each(reduce, body, &mut |_, v| {
                    total = A::binary(function, total, v).map_err(|f| scalar_fault(f, span))?;
                    Ok(())
                })?;
                Ok(doubt_if::<A>(doubtful, total))
            }
        }
    }

    /// Calls `f` with the value of `body` wherever the guard holds; answers whether a guard was doubtful.
    fn for_each(&mut self, reduce: &Reduce, body: &Scalar, f: &mut Visit<'_, Self, A::V>) -> Result<bool, RunFault> {
        let ranges = reduce.binders.iter().map(|i| self.range_of(*i)).collect::<Result<_, _>>()?;
        let mut doubtful = false;
        let Some(odometer) = Odometer::start(ranges, &mut self.env) else { return Ok(false) };
        loop {
            let takes_part = match &reduce.guard {
                None => true,
                Some(guard) => {
                    let (holds, unsure) = self.truth(guard)?;
                    doubtful |= unsure;
                    holds
                }
            };
            if takes_part {
                let value = self.eval(body)?;
                f(self, value)?;
            }
            if !odometer.advance(&mut self.env) {
                return Ok(doubtful);
            }
        }
    }

    fn sum(&mut self, reduce: &Reduce, body: &Scalar) -> Result<A::V, RunFault> {
        let mut sum = A::sum_new(reduce.acc);
        let doubtful = self.for_each(reduce, body, &mut |_, v| {
            A::sum_add(&mut sum, v);
            Ok(())
        })?;
        Ok(doubt_if::<A>(doubtful, A::sum_done(sum)))
    }

    /// `m + log(sum(exp(x - m)))` with the greatest element `m`; where `m` is infinite or NaN it is the result.
    fn log_sum_exp(&mut self, reduce: &Reduce, body: &Scalar, span: Span) -> Result<A::V, RunFault> {
        let dtype = reduce.acc;
        let mut values = Vec::new();
        let doubtful = self.for_each(reduce, body, &mut |_, v| {
            values.push(v);
            Ok(())
        })?;
        let apply = |function, a, b| A::binary(function, a, b).map_err(|f| scalar_fault(f, span));
        let mut greatest = A::lift(fold_of(ReduceOp::Max, dtype).1);
        for v in &values {
            greatest = apply(BinaryFn::Max, greatest, *v)?;
        }
        if A::exact(&A::unary(UnaryFn::IsFinite, greatest, DType::Bool)) == Value::Bool(false) {
            return Ok(doubt_if::<A>(doubtful, greatest));
        }
        let mut sum = A::sum_new(dtype);
        for v in values {
            A::sum_add(&mut sum, A::unary(UnaryFn::Exp, apply(BinaryFn::Sub, v, greatest)?, dtype));
        }
        let result = apply(BinaryFn::Add, greatest, A::unary(UnaryFn::Log, A::sum_done(sum), dtype))?;
        Ok(doubt_if::<A>(doubtful, result))
    }

    /// The first of the greatest or least elements; the first NaN, if there is one.
    fn extreme_position(&mut self, reduce: &Reduce, body: &Scalar, span: Span) -> Result<A::V, RunFault> {
        let better = if reduce.op == ReduceOp::ArgMax { BinaryFn::Gt } else { BinaryFn::Lt };
        let Some(&binder) = reduce.binders.first() else { return Err(RunFault::internal("no binder", span)) };
        let is_nan = |v: A::V| body.dtype.is_float() && A::exact(&A::unary(UnaryFn::IsNan, v, DType::Bool)) == Value::Bool(true);
        let mut best: Option<(i64, A::V)> = None;
        let mut close = false;
        let doubtful = self.for_each(reduce, body, &mut |engine, v| {
            let wins = match best {
                None => true,
                Some((_, old)) if is_nan(old) => false,
                Some(_) if is_nan(v) => true,
                Some((_, old)) => {
                    let compared = A::binary(better, v, old).map_err(|f| scalar_fault(f, span))?;
                    close |= A::is_doubtful(&compared);
                    A::exact(&compared) == Value::Bool(true)
                }
            };
            if wins {
                best = Some((engine.env[binder.index()], v));
            }
            Ok(())
        })?;
        let Some((position, _)) = best else {
            return Err(RunFault::new(fault::EMPTY_ARGMAX, format!("`{}` of nothing", reduce.op.name()), span));
        };
        Ok(doubt_if::<A>(doubtful || close, A::lift(Value::index(position))))
    }

    fn user_reduction(&mut self, reduce: &Reduce, reducer: Reducer, body: &Scalar) -> Result<A::V, RunFault> {
        let decl = &self.module.reducers[reducer];
        let mut total = self.eval(&decl.init)?;
        let doubtful = self.for_each(reduce, body, &mut |engine, v| {
            let outer = engine.operands.replace([total, v]);
            total = engine.eval(&decl.combine)?;
            engine.operands = outer;
            Ok(())
        })?;
        Ok(doubt_if::<A>(doubtful, total))
    }
}

fn doubt_if<A: Arithmetic>(doubtful: bool, v: A::V) -> A::V {
    if doubtful { A::doubt(v) } else { v }
}

/// The function that a reduction repeats, and its value for no elements.
fn fold_of(op: ReduceOp, dtype: DType) -> (BinaryFn, Value) {
    match op {
        ReduceOp::Prod => (BinaryFn::Mul, Value::small(1, dtype)),
        ReduceOp::Max => (BinaryFn::Max, Value::least(dtype).unwrap_or(Value::Bool(false))),
        ReduceOp::Min => (BinaryFn::Min, Value::greatest(dtype).unwrap_or(Value::Bool(true))),
        ReduceOp::Any => (BinaryFn::Or, Value::Bool(false)),
        ReduceOp::All => (BinaryFn::And, Value::Bool(true)),
        _ => (BinaryFn::Add, Value::small(0, dtype)),
    }
}

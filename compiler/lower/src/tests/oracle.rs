//! A plan carried out slowly, element by element, over `ein_ir::scalar::eval`.

use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index};
use ein_ir::extent::Atom;
use ein_ir::plan::band::{Band, Outside};
use ein_ir::plan::{Contraction, Nest, Place, Plan, StepKind};
use ein_ir::scalar::eval::{cast, eval_binary, eval_unary};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind};
use ein_ir::tensor::ReduceOp;

/// A run that failed, with the code of the fault.
pub(crate) type Outcome<T> = Result<T, u16>;

/// Every tensor of a plan, row-major; `None` where nothing was written.
pub(crate) struct World<'a> {
    plan: &'a Plan,
    pub(crate) tensors: Vec<Vec<Option<Value>>>,
}

/// The values of all tensors after the plan.
pub(crate) fn run<'a>(plan: &'a Plan, inputs: &[Vec<Value>]) -> Outcome<World<'a>> {
    let mut world = World { plan, tensors: Vec::new() };
    for buffer in plan.buffers.values() {
        world.tensors.push(match &buffer.place {
            Place::Input(n) => inputs[*n as usize].iter().copied().map(Some).collect(),
            Place::Constant(values) => values.iter().map(|v| Some(Value::from_literal(*v, buffer.dtype))).collect(),
            _ => vec![None; buffer.n_elements() as usize],
        });
    }
    for step in plan.steps.values() {
        match &step.kind {
            StepKind::Nest(nest) => world.nest(nest)?,
            StepKind::Contraction(contraction) => world.contraction(contraction),
            _ => unreachable!("not tested"),
        }
    }
    Ok(world)
}

/// Calls `f` for every position of a box.
pub(crate) fn for_each_position(ranges: &[(i64, i64)], f: &mut dyn FnMut(&[i64]) -> Outcome<()>) -> Outcome<()> {
    fn go(ranges: &[(i64, i64)], at: &mut Vec<i64>, f: &mut dyn FnMut(&[i64]) -> Outcome<()>) -> Outcome<()> {
        let Some((lo, hi)) = ranges.get(at.len()).copied() else { return f(at) };
        for n in lo..hi {
            at.push(n);
            go(ranges, at, f)?;
            at.pop();
        }
        Ok(())
    }
    go(ranges, &mut Vec::new(), f)
}

impl World<'_> {
    fn nest(&mut self, nest: &Nest) -> Outcome<()> {
        let ranges = |indices: &[Index]| indices.iter().map(|i| (nest.indices[*i].lo, nest.indices[*i].hi)).collect::<Vec<_>>();
        let mut results = Vec::new();
        let mut env = vec![0; nest.indices.len()];
        for_each_position(&ranges(&nest.outer), &mut |position| {
            bind(&mut env, &nest.outer, position);
            if let Some(domain) = &nest.domain
                && !self.truth(domain, &env)?
            {
                return Ok(());
            }
            let value = match &nest.reduce {
                None => self.eval(&nest.body, &env, None)?,
                Some(reduce) => {
                    let mut terms = Vec::new();
                    for_each_position(&ranges(&reduce.binders), &mut |position| {
                        bind(&mut env, &reduce.binders, position);
                        let wanted = match &reduce.guard {
                            Some(guard) => self.truth(guard, &env)?,
                            None => true,
                        };
                        if wanted {
                            terms.push((position.first().copied().unwrap_or(0), self.eval(&nest.body, &env, None)?));
                        }
                        Ok(())
                    })?;
                    let result = fold(reduce.op, reduce.acc, &terms)?;
                    match &nest.epilogue {
                        Some(epilogue) => self.eval(epilogue, &env, Some(result))?,
                        None => cast(result, self.plan.buffers[nest.out].dtype),
                    }
                }
            };
            results.push((self.offset(nest.out, position), value));
            Ok(())
        })?;
        for (at, value) in results {
            self.tensors[nest.out.index()][at] = Some(value);
        }
        Ok(())
    }

    fn contraction(&mut self, c: &Contraction) {
        let ranges: Vec<(i64, i64)> = c.extents.iter().map(|n| (0, *n as i64)).collect();
        let pick = |labels: &[u16], at: &[i64]| labels.iter().map(|l| at[usize::from(*l)]).collect::<Vec<_>>();
        let mut sums = vec![Value::small(0, c.acc); self.plan.buffers[c.out].n_elements() as usize];
        let mut wanted = vec![false; sums.len()];
        for_each_position(&ranges, &mut |at| {
            let slot = self.offset(c.out, &pick(&c.out_labels, at));
            let holds = |band: &Band| band.holds(&|label| at[usize::from(label)]);
            wanted[slot] |= c.bands.iter().filter(|band| band.outside == Outside::Unread).all(holds);
            if !c.bands.iter().filter(|band| band.is_exact()).all(holds) {
                return Ok(());
            }
            let operand = |tensor, labels: &[u16], conjugate: bool| {
                let value = self.tensors[EntityRef::index(tensor)][self.offset(tensor, &pick(labels, at))].expect("written");
                if conjugate { eval_unary(UnaryFn::Conj, value, c.acc) } else { value }
            };
            let (a, b) = (operand(c.lhs, &c.lhs_labels, c.conjugate.0), operand(c.rhs, &c.rhs_labels, c.conjugate.1));
            let product = eval_binary(BinaryFn::Mul, cast(a, c.acc), cast(b, c.acc)).expect("no division");
            sums[slot] = eval_binary(BinaryFn::Add, sums[slot], product).expect("no division");
            Ok(())
        })
        .expect("nothing fails");
        // A sum of nothing is wanted as well.
        let is_wanted = |wanted: bool| wanted || c.bands.is_empty();
        self.tensors[c.out.index()] = sums.into_iter().zip(wanted).map(|(sum, wanted)| is_wanted(wanted).then_some(sum)).collect();
    }

    fn offset(&self, tensor: ein_ir::entity::Tensor, position: &[i64]) -> usize {
        let extents = &self.plan.buffers[tensor].extents;
        position.iter().zip(extents).fold(0, |offset, (at, extent)| {
            assert!((0..*extent as i64).contains(at), "subscript {at} of {tensor} is outside");
            offset * *extent as usize + *at as usize
        })
    }

    fn truth(&self, scalar: &Scalar, env: &[i64]) -> Outcome<bool> {
        Ok(self.eval(scalar, env, None)?.as_bool().expect("a condition"))
    }

    fn eval(&self, scalar: &Scalar, env: &[i64], accumulated: Option<Value>) -> Outcome<Value> {
        let go = |s: &Scalar| self.eval(s, env, accumulated);
        Ok(match &scalar.kind {
            ScalarKind::Literal(literal) => Value::from_literal(*literal, scalar.dtype),
            ScalarKind::Index(index) => Value::index(env[index.index()]),
            ScalarKind::Size(extent) => {
                let value = extent.evaluate(&|atom| match atom {
                    Atom::Index(index) => Some(i128::from(env[index.index()])),
                    _ => None,
                });
                Value::index(value.expect("literal") as i64)
            }
            ScalarKind::Access(access) => self.access(access, scalar.dtype, env)?,
            ScalarKind::Unary(function, a) => eval_unary(*function, go(a)?, scalar.dtype),
            ScalarKind::Binary(BinaryFn::And, a, b) => {
                let a = go(a)?;
                if a == Value::Bool(false) { a } else { go(b)? }
            }
            ScalarKind::Binary(BinaryFn::Or, a, b) => {
                let a = go(a)?;
                if a == Value::Bool(true) { a } else { go(b)? }
            }
            ScalarKind::Binary(function, a, b) => {
                eval_binary(*function, go(a)?, go(b)?).map_err(|_| ein_ir::interp::fault::DIVISION_BY_ZERO)?
            }
            ScalarKind::Cast(a) => cast(go(a)?, scalar.dtype),
            ScalarKind::If(c, a, b) => go(if self.truth(c, env)? { a } else { b })?,
            ScalarKind::Accumulated => accumulated.expect("in an epilogue"),
            ScalarKind::Operand(_) | ScalarKind::Approx(_) => unreachable!("not tested"),
        })
    }

    fn access(&self, access: &Access, dtype: DType, env: &[i64]) -> Outcome<Value> {
        let extents = &self.plan.buffers[access.tensor].extents;
        let (mut position, mut padded, mut empty) = (Vec::new(), false, false);
        for (sub, extent) in access.subs.iter().zip(extents) {
            let at = self.eval(&sub.value, env, None)?.as_int().expect("an integer") as i64;
            let n = *extent as i64;
            position.push(match sub.mode {
                _ if (0..n).contains(&at) => at,
                Mode::Exact => at,
                Mode::Pad => {
                    padded = true;
                    0
                }
                _ if n == 0 => {
                    empty = true;
                    0
                }
                Mode::Clamp => at.clamp(0, n - 1),
                Mode::Wrap => at.rem_euclid(n),
                Mode::Reflect if n == 1 => 0,
                Mode::Reflect => {
                    let phase = at.rem_euclid(2 * (n - 1));
                    phase.min(2 * (n - 1) - phase)
                }
            });
        }
        if padded {
            return Ok(Value::from_literal(access.pad.unwrap_or(Literal::Int(0)), dtype));
        }
        if empty {
            return Err(ein_ir::interp::fault::EMPTY_AXIS);
        }
        Ok(self.tensors[access.tensor.index()][self.offset(access.tensor, &position)].expect("read after it was written"))
    }
}

fn bind(env: &mut [i64], indices: &[Index], position: &[i64]) {
    for (index, at) in indices.iter().zip(position) {
        env[index.index()] = *at;
    }
}

fn fold(op: ReduceOp, acc: DType, terms: &[(i64, Value)]) -> Outcome<Value> {
    let all = |function, empty: Value| terms.iter().fold(empty, |total, (_, v)| eval_binary(function, total, *v).expect("no division"));
    let float = |v: &Value| v.as_float().expect("a float");
    Ok(match op {
        ReduceOp::Sum => all(BinaryFn::Add, Value::small(0, acc)),
        ReduceOp::Prod => all(BinaryFn::Mul, Value::small(1, acc)),
        ReduceOp::Max => all(BinaryFn::Max, Value::least(acc).expect("ordered")),
        ReduceOp::Min => all(BinaryFn::Min, Value::greatest(acc).expect("ordered")),
        ReduceOp::Any => all(BinaryFn::Or, Value::Bool(false)),
        ReduceOp::All => all(BinaryFn::And, Value::Bool(true)),
        ReduceOp::Lse => {
            let greatest = all(BinaryFn::Max, Value::least(acc).expect("ordered"));
            let m = float(&greatest);
            if !m.is_finite() {
                return Ok(greatest);
            }
            Value::float(m + terms.iter().map(|(_, v)| (float(v) - m).exp()).sum::<f64>().ln(), acc)
        }
        ReduceOp::ArgMax | ReduceOp::ArgMin => {
            let better = if op == ReduceOp::ArgMax { BinaryFn::Gt } else { BinaryFn::Lt };
            let is_nan = |v: &Value| v.as_float().is_some_and(f64::is_nan);
            let mut best: Option<&(i64, Value)> = None;
            for term in terms {
                let wins = best
                    .is_none_or(|(_, old)| !is_nan(old) && (is_nan(&term.1) || eval_binary(better, term.1, *old) == Ok(Value::Bool(true))));
                if wins {
                    best = Some(term);
                }
            }
            Value::index(best.ok_or(503u16)?.0)
        }
        ReduceOp::User(_) => unreachable!("not tested"),
    })
}

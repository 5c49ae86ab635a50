//! Functions of whole tensors inside a module, for any arithmetic.

use super::Data;
use super::engine::{Arithmetic, Engine, Store};
use super::fault::RunFault;
use super::library::evaluate;
use crate::entity::{EntityRef, Tensor};
use crate::library::{Problem, failure, failure_message};
use crate::scalar::value::Value;
use crate::tensor::{Multi, MultiOp};

/// How well a result of a function is determined.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quality {
    /// Every implementation gives it.
    Exact,
    /// Up to this error.
    Within(f64),
    /// How far off another good implementation may be depends on the condition of the matrix.
    Doubtful,
}

impl<A: Arithmetic> Engine<'_, A> {
    pub(super) fn multi(&mut self, multi: &Multi) -> Result<(), RunFault> {
        let args = multi.args.iter().map(|arg| self.operand(*arg, multi)).collect::<Result<Vec<Data>, _>>()?;
        let is_certain = multi.args.iter().all(|arg| self.is_certain(*arg));
        let shapes: Vec<Vec<u64>> = args.iter().map(|a| a.shape.iter().map(|n| *n as u64).collect()).collect();
        let operands: Vec<_> = args.iter().zip(&shapes).map(|(a, shape)| (a.dtype, shape.as_slice())).collect();
        let broken = || RunFault::internal(format!("`{}` does not take its operands", multi.op.name()), multi.span);
        let options = multi.options.iter().map(|(name, size)| Some((name.clone(), i64::try_from(size.as_constant()?).ok()?)));
        let options = options.collect::<Option<Vec<_>>>().ok_or_else(broken)?;
        let problem = Problem::new(multi.op, &operands, &options).ok_or_else(broken)?;
        let solved = evaluate(&problem, &args).map_err(|element| match failure(multi.op) {
            Some(f) => {
                let element = (problem.batch > 1).then_some(element);
                RunFault::new(f.code, failure_message(multi.op, f, element), multi.span)
            }
            None => broken(),
        })?;
        for (result, values) in multi.results.iter().zip(solved) {
            let per_element = values.len() / problem.batch.max(1) as usize;
            let qualities: Vec<Quality> = (0..problem.batch as usize).map(|n| quality(&problem, &args[0], n, is_certain)).collect();
            let lift = |(n, v): (usize, Value)| Some(A::of_library(v, qualities[n / per_element]));
            let values = values.into_iter().enumerate().map(lift).collect();
            self.stores[result.index()] = Some(Store { shape: self.shape_of(*result)?, values });
        }
        Ok(())
    }

    fn operand(&self, tensor: Tensor, multi: &Multi) -> Result<Data, RunFault> {
        let decl = &self.module.tensors[tensor];
        let unread = || RunFault::internal(format!("`{}` is read before it is defined", decl.name), multi.span);
        let store = self.stores[tensor.index()].as_ref().ok_or_else(unread)?;
        let values: Option<Vec<Value>> = store.values.iter().map(|v| v.as_ref().map(A::rounded)).collect();
        Ok(Data::new(decl.dtype, store.shape.clone(), values.ok_or_else(unread)?))
    }

    /// Whether every implementation has these values.
    fn is_certain(&self, tensor: Tensor) -> bool {
        let store = self.stores[tensor.index()].as_ref();
        store.is_some_and(|store| store.values.iter().flatten().all(A::is_exact))
    }
}

/// How well the results of one element of the batch are determined.
fn quality(problem: &Problem, arg: &Data, element: usize, is_certain: bool) -> Quality {
    match problem.op {
        _ if !is_certain => Quality::Doubtful,
        MultiOp::Sort | MultiOp::TopK => Quality::Exact,
        MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft | MultiOp::Irfft => {
            let n = problem.n as usize;
            let sum: f64 = arg.values[element * n..][..n].iter().map(modulus).sum();
            // Each of the log2 n stages of a fast transform rounds once or twice, and so do its twiddle factors.
            let stages = f64::from(problem.n.max(problem.k).max(1).ilog2() + 2);
            let error = 4.0 * stages * super::library::epsilon(problem.dtype) * sum;
            if error.is_finite() { Quality::Within(error) } else { Quality::Exact }
        }
        _ => Quality::Doubtful,
    }
}

fn modulus(value: &Value) -> f64 {
    match value {
        Value::Complex(re, im, _) => libm::hypot(*re, *im),
        other => other.as_float().unwrap_or(0.0).abs(),
    }
}

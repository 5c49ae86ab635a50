//! Functions of whole tensors by textbook algorithms in f64: the meaning that back ends are compared with.
//!
//! Conventions are those of [`crate::library`].

mod complex;
mod decompose;
mod fourier;
mod jacobi;
mod matrix;
mod order;

use super::Data;
use crate::dtype::DType;
use crate::library::Problem;
use crate::scalar::value::{Value, round_to};
use crate::tensor::MultiOp;
use complex::Complex;

use matrix::Matrix;

/// Evaluates a function. The results are row-major, in order, all of them.
///
/// # Errors
/// The number of the first element of the batch for which the function fails as [`crate::library::failure`] says.
pub fn evaluate(problem: &Problem, args: &[Data]) -> Result<Vec<Vec<Value>>, u64> {
    let mut results: Vec<Vec<Value>> = problem.results().iter().map(|_| Vec::new()).collect();
    for element in 0..problem.batch {
        let part = |(n, arg): (usize, &Data)| {
            let size = problem.arg_size(n) as usize;
            arg.values[element as usize * size..][..size].to_vec()
        };
        let parts: Vec<Vec<Value>> = args.iter().enumerate().map(part).collect();
        let solved = solve_one(problem, &parts).ok_or(element)?;
        results.iter_mut().zip(solved).for_each(|(all, one)| all.extend(one));
    }
    Ok(results)
}

/// One problem of the batch; `None` if it fails.
fn solve_one(problem: &Problem, args: &[Vec<Value>]) -> Option<Vec<Vec<Value>>> {
    match problem.op {
        MultiOp::Sort | MultiOp::TopK => return Some(order::sorted(problem, &args[0])),
        _ => {}
    }
    let numbers: Vec<Vec<Complex>> = args.iter().map(|arg| arg.iter().map(Complex::of_value).collect()).collect();
    if !numbers.iter().all(|arg| reads_finite(problem, arg)) {
        let nan = |(dtype, n): (DType, u64)| vec![Complex::NAN.to_value(dtype); n as usize];
        return Some(problem.results().into_iter().map(nan).collect());
    }
    let solved = match problem.op {
        MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft | MultiOp::Irfft => vec![fourier::transform(problem, &numbers[0])],
        _ => decompose::matrix_function(problem, &numbers)?,
    };
    let to_values = |((dtype, _), numbers): ((DType, u64), Vec<Complex>)| numbers.iter().map(|z| z.to_value(dtype)).collect();
    Some(problem.results().into_iter().zip(solved).map(to_values).collect())
}

/// Whether the entries that the function reads are finite.
fn reads_finite(problem: &Problem, numbers: &[Complex]) -> bool {
    let lower_alone = matches!(problem.op, MultiOp::Cholesky | MultiOp::Eigh);
    let n = problem.n.max(1) as usize;
    let is_read = |position: usize| !lower_alone || position % n <= position / n;
    numbers.iter().enumerate().all(|(position, z)| !is_read(position) || z.is_finite())
}

impl Complex {
    fn of_value(value: &Value) -> Self {
        match value {
            Value::Complex(re, im, _) => Complex::new(*re, *im),
            other => Complex::new(other.as_float().unwrap_or(f64::NAN), 0.0),
        }
    }

    fn to_value(self, dtype: DType) -> Value {
        let round = |x: f64| round_to(x, dtype.real());
        if dtype.is_complex() { Value::Complex(round(self.re), round(self.im), dtype) } else { Value::Float(round(self.re), dtype) }
    }
}

/// The unit of rounding of a type, for ranks.
pub(super) fn epsilon(dtype: DType) -> f64 {
    if dtype.real() == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

#[cfg(test)]
mod tests;

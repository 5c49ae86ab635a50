//! Evaluation in wide arithmetic, and the decision whether a result is close enough.
//!
//! Floats are computed in f64 (complex numbers in pairs), sums with compensation. Each value carries
//!
//! * its *magnitude*, the value of the same expression with every term made positive, which does not change when sums and
//!   products are reordered, distributed or factored;
//! * its *error*, a bound for what an implementation loses that rounds each operation to its dtype, in any such order:
//!   a sum of `n` terms adds `n * eps * magnitude`, a product of `a` and `b` adds `eps * magnitude` to
//!   `error(a) * magnitude(b) + error(b) * magnitude(a)`; any other function adds 8 units in the last place to what it makes of
//!   its operands' errors, found by evaluating it at both ends of their intervals; results below the least normal number add
//!   that number;
//! * whether it is *doubtful*: it hangs on a decision about floats (a comparison, a floor, a conversion to integer) that falls
//!   within 8 times the error, or on an intermediate result beyond the range of its dtype.
//!
//! An error of 0 means that every implementation gets the same bits. Integers, bools and keys are evaluated as declared.

mod arithmetic;
mod complex;
mod number;
mod real;
mod sum;

pub use number::{Number, WideValue};

use super::data::Data;
use super::engine::Engine;
use super::fault::RunFault;
use crate::dtype::DType;
use crate::scalar::approx::exact;
use crate::scalar::value::Value;
use crate::tensor::Module;
use crate::verified::Verified;
use arithmetic::Wide;
use std::fmt;

/// A row-major tensor of wide values.
#[derive(Clone, Debug)]
pub struct WideData {
    /// Type that the program declares.
    pub dtype: DType,
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// As many as the product of the shape, last axis fastest.
    pub values: Vec<WideValue>,
}

/// An element that is not close enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// Subscripts of the element; empty also if the dtypes or shapes differ.
    pub index: Vec<usize>,
    /// The result, as text.
    pub got: String,
    /// What it should be close to, as text.
    pub wide: String,
    /// How far it may be off.
    pub bound: f64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:?}: {} for {}, which may be off by {:e}", self.index, self.got, self.wide, self.bound)
    }
}

impl std::error::Error for Mismatch {}

/// Runs a specialised module on inputs in the order of its parameters.
///
/// # Errors
/// Those of [`super::tensor::run`].
pub fn run_wide(module: &Verified<Module>, inputs: &[Data]) -> Result<Vec<WideData>, RunFault> {
    let module = exact(module);
    let mut engine = Engine::<Wide>::new(&module);
    engine.run(inputs)?;
    let mut results = Vec::with_capacity(module.results.len());
    for &tensor in &module.results {
        let (shape, values) = engine.take_result(tensor)?;
        results.push(WideData { dtype: module.tensors[tensor].dtype, shape, values });
    }
    Ok(results)
}

/// Whether every element of a result is within `c` times its error; infinities and NaN must be the same, integers and bools
/// equal. Answers how many doubtful elements were passed over.
///
/// # Errors
/// The first element that is not close enough.
pub fn compare(got: &Data, wide: &WideData, c: f64) -> Result<usize, Mismatch> {
    if got.dtype != wide.dtype || got.shape != wide.shape {
        let describe = |dtype: DType, shape: &[usize]| format!("{dtype}{shape:?}");
        let (got, wide) = (describe(got.dtype, &got.shape), describe(wide.dtype, &wide.shape));
        return Err(Mismatch { index: Vec::new(), got, wide, bound: 0.0 });
    }
    let mut doubtful = 0;
    for (n, (g, w)) in got.values.iter().zip(&wide.values).enumerate() {
        if w.doubtful {
            doubtful += 1;
        } else if !is_close(*g, w, c * w.error) {
            let index = unravel(n, &wide.shape);
            return Err(Mismatch { index, got: format!("{g:?}"), wide: format!("{:?}", w.number), bound: c * w.error });
        }
    }
    Ok(doubtful)
}

fn is_close(got: Value, wide: &WideValue, bound: f64) -> bool {
    match (got, wide.number) {
        (got, Number::Exact(value)) => got == value,
        (Value::Float(g, _), Number::Real(w, _)) => is_part_close(g, w, bound),
        (Value::Complex(re, im, _), Number::Complex(wr, wi, _)) => is_part_close(re, wr, bound) && is_part_close(im, wi, bound),
        _ => false,
    }
}

fn is_part_close(got: f64, wide: f64, bound: f64) -> bool {
    if wide.is_nan() {
        got.is_nan()
    } else if wide.is_infinite() {
        got == wide
    } else {
        // False if `got` is NaN or infinite.
        (got - wide).abs() <= bound
    }
}

fn unravel(mut n: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (axis, size) in shape.iter().enumerate().rev() {
        index[axis] = n % size;
        n /= size;
    }
    index
}

#[cfg(test)]
mod tests;

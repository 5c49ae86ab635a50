//! How two results differ.

use crate::store::to_data;
use ein::{DType, Tensor};
use ein_ir::scalar::value::Value;
use std::fmt::Write as _;

/// Whether two tensors have the same dtype, shape and numbers (NaN equals NaN, 0 equals -0); else what differs.
///
/// # Errors
/// The first differences, in words.
pub fn same(got: &Tensor, expected: &Tensor) -> Result<(), String> {
    close(got, expected, 0.0)
}

/// As [`same`], but floats may differ by `tolerance` times the largest finite magnitude of `expected`.
///
/// # Errors
/// The first differences, in words.
pub fn close(got: &Tensor, expected: &Tensor, tolerance: f64) -> Result<(), String> {
    if (got.dtype(), got.shape()) != (expected.dtype(), expected.shape()) {
        return Err(format!("{}{:?} instead of {}{:?}", got.dtype(), got.shape(), expected.dtype(), expected.shape()));
    }
    let dtype = expected.dtype();
    let (got, expected) = (to_data(got).values, to_data(expected).values);
    if is_exact(dtype) {
        return differences(&got, &expected, |n| got[n] == expected[n]);
    }
    let (a, b) = (parts(&got), parts(&expected));
    let per_element = if dtype.is_complex() { 2 } else { 1 };
    let largest = b.iter().filter(|x| x.is_finite()).fold(0.0f64, |m, x| m.max(x.abs()));
    let near = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= tolerance * largest;
    differences(&got, &expected, |n| (n * per_element..(n + 1) * per_element).all(|p| near(a[p], b[p])))
}

/// Whether two tensors agree bit for bit.
///
/// # Errors
/// The first differences, in words.
pub fn same_bits(got: &Tensor, expected: &Tensor) -> Result<(), String> {
    if (got.dtype(), got.shape()) != (expected.dtype(), expected.shape()) {
        return Err(format!("{}{:?} instead of {}{:?}", got.dtype(), got.shape(), expected.dtype(), expected.shape()));
    }
    if got.as_bytes() == expected.as_bytes() {
        return Ok(());
    }
    differences(&to_data(got).values, &to_data(expected).values, |n| to_data(got).values[n] == to_data(expected).values[n])
        .and_then(|()| Err("the bytes of NaN differ".to_owned()))
}

fn is_exact(dtype: DType) -> bool {
    !dtype.is_float() && !dtype.is_complex()
}

/// Real parts of floats or complex numbers, interleaved.
fn parts(values: &[Value]) -> Vec<f64> {
    let part = |value: &Value| match *value {
        Value::Float(x, _) => vec![x],
        Value::Complex(re, im, _) => vec![re, im],
        _ => Vec::new(),
    };
    values.iter().flat_map(part).collect()
}

fn differences(got: &[Value], expected: &[Value], equal: impl Fn(usize) -> bool) -> Result<(), String> {
    let wrong: Vec<usize> = (0..expected.len()).filter(|n| !equal(*n)).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let mut message = format!("{} of {} elements differ:", wrong.len(), expected.len());
    for n in wrong.iter().take(4) {
        let _ = write!(message, " at {n} {:?} instead of {:?};", got[*n], expected[*n]);
    }
    Err(message)
}

//! How two results differ.

use crate::for_dtype;
use ein::{DType, Tensor};
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
    if is_exact(expected.dtype()) {
        return differences(got, expected, |n| for_dtype!(expected.dtype(), T => slice::<T>(got)[n] == slice::<T>(expected)[n]));
    }
    let (a, b) = (parts(got), parts(expected));
    let per_element = if expected.dtype().is_complex() { 2 } else { 1 };
    let largest = b.iter().filter(|x| x.is_finite()).fold(0.0f64, |m, x| m.max(x.abs()));
    let near = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= tolerance * largest;
    differences(got, expected, |n| (n * per_element..(n + 1) * per_element).all(|p| near(a[p], b[p])))
}

/// Whether two tensors agree bit for bit.
///
/// # Errors
/// The first differences, in words.
pub fn same_bits(got: &Tensor, expected: &Tensor) -> Result<(), String> {
    if (got.dtype(), got.shape()) != (expected.dtype(), expected.shape()) {
        return Err(format!("{}{:?} instead of {}{:?}", got.dtype(), got.shape(), expected.dtype(), expected.shape()));
    }
    let size = expected.dtype().bytes();
    let bytes = |t: &Tensor, n: usize| t.as_bytes()[n * size..(n + 1) * size].to_vec();
    differences(got, expected, |n| bytes(got, n) == bytes(expected, n))
}

fn is_exact(dtype: DType) -> bool {
    !dtype.is_float() && !dtype.is_complex()
}

fn slice<T: ein_runtime::Element>(tensor: &Tensor) -> &[T] {
    tensor.as_slice::<T>().expect("its dtype")
}

/// Real parts of a float or complex tensor, interleaved.
fn parts(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype() {
        DType::F32 => slice::<f32>(tensor).iter().map(|x| f64::from(*x)).collect(),
        DType::F64 => slice::<f64>(tensor).to_vec(),
        DType::C64 => slice::<num_complex::Complex<f32>>(tensor).iter().flat_map(|z| [f64::from(z.re), f64::from(z.im)]).collect(),
        _ => slice::<num_complex::Complex<f64>>(tensor).iter().flat_map(|z| [z.re, z.im]).collect(),
    }
}

fn differences(got: &Tensor, expected: &Tensor, equal: impl Fn(usize) -> bool) -> Result<(), String> {
    let wrong: Vec<usize> = (0..expected.len()).filter(|n| !equal(*n)).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let mut message = format!("{} of {} elements differ:", wrong.len(), expected.len());
    for n in wrong.iter().take(4) {
        let shown = for_dtype!(expected.dtype(), T => format!("{:?} instead of {:?}", slice::<T>(got)[*n], slice::<T>(expected)[*n]));
        let _ = write!(message, " at {n} {shown};");
    }
    Err(message)
}

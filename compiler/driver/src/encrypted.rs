//! Packed programs on real ciphertexts, behind the feature `he-bfv`: keys, encryption, runs without a secret, decryption.
//!
//! [`Engine`] does the work; here are the ways from arrays to its numbers and back, and files that only their owner may read.

pub use ein_fhe::{Ciphertexts, Engine, EvaluationKeys, Keys, Kind, Numbers, Options, Parameters, PublicKey, Report, SecretKey};
pub use rand::rng;

use crate::error::Error;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_runtime::{Element, Tensor, TensorRef, io};
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;

/// The elements of an array of integers or reals, for an operand of this shape.
///
/// # Errors
/// E0934 for another shape, E0716 for a type that no integers stand for.
pub fn numbers(name: &str, shape: &[u64], tensor: &TensorRef<'_>) -> Result<Numbers, Error> {
    if !tensor.shape().iter().map(|size| *size as u64).eq(shape.iter().copied()) {
        let message = format!("`{name}` has the shape {shape:?}, but the array has {:?}", tensor.shape());
        return Err(Diagnostic::error(934, "he-operands", message).into());
    }
    match tensor.dtype() {
        DType::Bool => integers::<bool>(tensor),
        DType::I8 => integers::<i8>(tensor),
        DType::I16 => integers::<i16>(tensor),
        DType::I32 => integers::<i32>(tensor),
        DType::I64 => integers::<i64>(tensor),
        DType::U8 => integers::<u8>(tensor),
        DType::U16 => integers::<u16>(tensor),
        DType::U32 => integers::<u32>(tensor),
        DType::F32 => Ok(Numbers::Reals(elements::<f32>(tensor)?.into_iter().map(f64::from).collect())),
        DType::F64 => Ok(Numbers::Reals(elements::<f64>(tensor)?)),
        other => {
            let message = format!("an array of {other} cannot be encrypted");
            Err(Diagnostic::error(716, "he-dtype", message).help("convert it to i64, or to f64 for a program of reals").into())
        }
    }
}

fn integers<T: Element + Into<i64>>(tensor: &TensorRef<'_>) -> Result<Numbers, Error> {
    Ok(Numbers::Integers(elements::<T>(tensor)?.into_iter().map(Into::into).collect()))
}

fn elements<T: Element>(tensor: &TensorRef<'_>) -> Result<Vec<T>, Error> {
    Ok(tensor.as_array::<T>()?.iter().copied().collect())
}

/// A result as an array: of `i64`, or of `f64` if it has reals.
///
/// # Errors
/// There is no memory for it.
pub fn tensor(numbers: &Numbers, shape: &[u64]) -> Result<Tensor, Error> {
    let shape: Vec<usize> = shape.iter().map(|size| *size as usize).collect();
    Ok(match numbers {
        Numbers::Integers(numbers) => Tensor::from_slice(&shape, numbers)?,
        Numbers::Reals(numbers) => Tensor::from_slice(&shape, numbers)?,
    })
}

/// Writes a new file that only its owner may read. One that is there is never replaced: what it decrypts would be lost.
///
/// # Errors
/// E0909.
pub fn save_secret(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| ein_runtime::Error::CannotWrite { path: path.to_owned(), reason: io::describe(&e) }.into())
}

/// Reads a file of keys or ciphertexts.
///
/// # Errors
/// E0901.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |e: &std::io::Error| ein_runtime::Error::FileUnreadable { path: path.to_owned(), reason: io::describe(e) };
    let mut file = io::open_regular(path)?;
    let length = file.metadata().map_err(|e| unreadable(&e))?.len();
    let mut bytes = Vec::new();
    let bytes_needed = usize::try_from(length).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(bytes_needed).map_err(|_| ein_runtime::Error::AllocationFailed { bytes: bytes_needed })?;
    file.read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    Ok(bytes)
}

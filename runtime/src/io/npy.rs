//! `.npy`: one array a file (numpy's NEP 1).

use super::Loaded;
use super::header::{Header, HeaderError};
use super::source::{Elements, Source};
use super::write::{Pending, prepare_file, row_major_bytes};
use crate::error::Error;
use crate::tensor::{row_major_strides, size_of_shape};
use crate::view::{DimVec, TensorRef};
use ein_ir::dtype::DType;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) fn load(path: &Path, source: Source, wanted: Option<DType>) -> Result<Loaded, Error> {
    let header = Header::read(&mut source.bytes(), wanted).map_err(|e| header_error(path, ".npy", e))?;
    let (_, len) = size_of_shape(&format!("`{}`", path.display()), header.dtype, &header.shape)?;
    let there = source.bytes().len() - header.len;
    if there != len {
        let reason = format!("its header promises {len} bytes of elements but {there} follow");
        return Err(Error::MalformedFile { path: path.to_owned(), format: ".npy", reason });
    }
    let strides = strides_of(&header);
    let Header { dtype, order, shape, len: offset, .. } = header;
    source.into_loaded(Elements { dtype, shape, strides, order, offset, len })
}

/// Strides of the order that the header names, in elements.
pub(super) fn strides_of(header: &Header) -> DimVec<isize> {
    if !header.fortran {
        return row_major_strides(&header.shape);
    }
    let reversed: DimVec<usize> = header.shape.iter().rev().copied().collect();
    let mut strides = row_major_strides(&reversed);
    strides.reverse();
    strides
}

pub(super) fn header_error(path: &Path, format: &'static str, error: HeaderError) -> Error {
    match error {
        HeaderError::Malformed(reason) => Error::MalformedFile { path: path.to_owned(), format, reason },
        HeaderError::UnsupportedDtype(found) => Error::UnsupportedDtype { what: format!("`{}`", path.display()), found },
    }
}

/// Writes one array, row-major, byte for byte as numpy does; packed types as bytes.
///
/// The file appears whole or not at all: it is written beside its place and renamed.
///
/// # Errors
///
/// `cannot-write`; `unsupported-dtype` for keys.
pub fn save_npy(path: &Path, tensor: &TensorRef<'_>) -> Result<(), Error> {
    prepare(path, tensor)?.commit()
}

/// Writes arrays into a file each: all of them, or none if one cannot be written.
///
/// # Errors
///
/// As [`save_npy`].
pub fn save_npy_files(files: &[(PathBuf, TensorRef<'_>)]) -> Result<(), Error> {
    let pending = files.iter().map(|(path, tensor)| prepare(path, tensor)).collect::<Result<Vec<_>, _>>()?;
    pending.into_iter().try_for_each(Pending::commit)
}

fn prepare(path: &Path, tensor: &TensorRef<'_>) -> Result<Pending, Error> {
    let header = write_header(path, tensor)?;
    let bytes = row_major_bytes(tensor)?;
    prepare_file(path, |file| {
        file.write_all(&header)?;
        file.write_all(&bytes)
    })
}

pub(super) fn write_header(path: &Path, tensor: &TensorRef<'_>) -> Result<Vec<u8>, Error> {
    Header::write(tensor.dtype(), tensor.shape()).ok_or_else(|| Error::UnsupportedDtype {
        what: format!("`{}`", path.display()),
        found: format!("{} (numpy has none; write `.safetensors`)", tensor.dtype()),
    })
}

//! `.safetensors`: named arrays behind a JSON header.

use super::header::ByteOrder;
use super::source::{Elements, Source};
use super::write::{replace_file, row_major_bytes};
use super::{Loaded, Spec};
use crate::element::is_packed;
use crate::error::Error;
use crate::tensor::{packed_shape, row_major_strides, size_of_shape};
use crate::view::{DimVec, TensorRef};
use ein_ir::dtype::DType;
use safetensors::tensor::{Dtype, SafeTensors, View, serialize};
use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

/// Bytes of the number that says how long the header is.
const LENGTH_BYTES: usize = 8;

pub(super) fn load(spec: &Spec, source: Source) -> Result<Loaded, Error> {
    let malformed = |reason: String| Error::MalformedFile { path: spec.path.clone(), format: ".safetensors", reason };
    // The library checks that offsets follow each other, fit the shapes and end with the file.
    let (header, metadata) = SafeTensors::read_metadata(source.bytes()).map_err(|e| malformed(e.to_string()))?;
    let key = spec.choose(metadata.offset_keys())?;
    let info = metadata.info(&key).expect("the key was chosen from the metadata");
    let what = format!("`{}`", spec.display_path(&key).display());
    let Some(dtype) = dtype_of(info.dtype) else {
        return Err(Error::UnsupportedDtype { what, found: format!("`{}`", info.dtype) });
    };
    let (_, len) = size_of_shape(&what, dtype, &info.shape)?;
    let (start, end) = info.data_offsets;
    if end.checked_sub(start) != Some(len) {
        return Err(malformed(format!("`{key}` needs {len} bytes but has the range {start}..{end}")));
    }
    let (shape, strides) = (DimVec::from(info.shape.as_slice()), row_major_strides(&info.shape));
    source.into_loaded(Elements { dtype, shape, strides, order: ByteOrder::Little, offset: LENGTH_BYTES + header + start, len })
}

fn dtype_of(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::BOOL => DType::Bool,
        Dtype::I8 => DType::I8,
        Dtype::I16 => DType::I16,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::U8 => DType::U8,
        Dtype::U16 => DType::U16,
        Dtype::U32 => DType::U32,
        Dtype::U64 => DType::U64,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::C64 => DType::C64,
        Dtype::F8_E4M3 => DType::F8E4M3,
        Dtype::F8_E5M2 => DType::F8E5M2,
        // The library's list is open; what is not above we do not have.
        _ => return None,
    })
}

fn format_dtype(dtype: DType) -> Option<Dtype> {
    Some(match dtype {
        DType::Bool => Dtype::BOOL,
        DType::I8 => Dtype::I8,
        DType::I16 => Dtype::I16,
        DType::I32 => Dtype::I32,
        DType::I64 => Dtype::I64,
        DType::U8 => Dtype::U8,
        DType::U16 => Dtype::U16,
        DType::U32 => Dtype::U32,
        DType::U64 => Dtype::U64,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::C64 => Dtype::C64,
        DType::F8E4M3 => Dtype::F8_E4M3,
        DType::F8E5M2 => Dtype::F8_E5M2,
        // Their bytes.
        DType::U1 | DType::U2 | DType::U4 | DType::I2 | DType::I4 => Dtype::U8,
        DType::C128 | DType::Key => return None,
    })
}

/// One array on its way to a file.
struct Outgoing<'a> {
    dtype: Dtype,
    shape: DimVec<usize>,
    bytes: Cow<'a, [u8]>,
}

impl View for Outgoing<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes named arrays, row-major. The file appears whole or not at all.
///
/// # Errors
///
/// `cannot-write`, also for a name that is given twice; `unsupported-dtype` for c128, which the format lacks.
pub fn save_safetensors(path: &Path, arrays: &[(&str, TensorRef<'_>)]) -> Result<(), Error> {
    let cannot = |reason: String| Error::CannotWrite { path: path.to_owned(), reason };
    let mut outgoing = Vec::with_capacity(arrays.len());
    for (i, (name, tensor)) in arrays.iter().enumerate() {
        if arrays[..i].iter().any(|(other, _)| other == name) {
            return Err(cannot(format!("`{name}` is given twice")));
        }
        let dtype = format_dtype(tensor.dtype()).ok_or_else(|| Error::UnsupportedDtype {
            what: format!("`{}`", path.display()),
            found: format!("{} (the format has none; write `.npz`)", tensor.dtype()),
        })?;
        let shape = if is_packed(tensor.dtype()) { packed_shape(tensor.dtype(), tensor.shape()) } else { tensor.shape().into() };
        outgoing.push((*name, Outgoing { dtype, shape, bytes: little_endian(row_major_bytes(tensor)?, tensor.dtype()) }));
    }
    let bytes = serialize(outgoing, None).map_err(|e| cannot(e.to_string()))?;
    replace_file(path, |file| file.write_all(&bytes))
}

/// The format is little-endian on every machine.
fn little_endian(bytes: Cow<'_, [u8]>, dtype: DType) -> Cow<'_, [u8]> {
    if ByteOrder::Little.is_native() {
        return bytes;
    }
    let mut bytes = bytes.into_owned();
    bytes.chunks_exact_mut(dtype.real().bytes()).for_each(<[u8]>::reverse);
    Cow::Owned(bytes)
}

//! Tensors in files: `.npy`, `.npz` and `.safetensors`.
//!
//! Files are not trusted: every length in them is checked against the bytes that are there before memory is asked for. Nothing is copied
//! where elements are aligned and of this machine's byte order, which is the rule for `.npy` and `.safetensors`.

mod header;
mod npy;
mod npz;
mod safetensors;
mod source;
mod write;

pub use npy::{save_npy, save_npy_files};
pub use npz::save_npz;
pub use safetensors::save_safetensors;
pub use source::{describe, open_regular};
pub use write::{for_owner_only, save_bytes, save_text, save_through, save_together};

use crate::error::Error;
use crate::view::{DimVec, TensorRef};
use ein_ir::dtype::DType;
use ein_ir::near::nearest_first;
use source::Source;
use std::path::{Path, PathBuf};

/// A tensor of a file: a map of the file, or a copy where that cannot serve.
///
/// A mapped file must not change while it is in use: the system gives no snapshot.
#[derive(Debug)]
pub struct Loaded {
    source: Source,
    /// Bytes from the start of the source to the element at index zero.
    offset: usize,
    dtype: DType,
    shape: DimVec<usize>,
    strides: DimVec<isize>,
}

/// Where a tensor is: a file, and in an archive a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// The file.
    pub path: PathBuf,
    /// The name of the array in `.npz` and `.safetensors`.
    pub key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Npy,
    Npz,
    Safetensors,
}

/// Loads `file.npy`, `a.npz:key` or `model.safetensors:name`; the name may be left out if the archive has only one array.
///
/// # Errors
///
/// `file-unreadable`, `malformed-file`, `unsupported-dtype`, `key-not-found`, `size-overflow`, `allocation-failed`; all name the file.
pub fn load(spec: &str) -> Result<Loaded, Error> {
    load_as(spec, None)
}

/// As [`load`], by someone who wants a dtype: an array of raw bytes, as numpy writes some types that it lacks, is then of it.
///
/// # Errors
///
/// As [`load`].
pub fn load_as(spec: &str, wanted: Option<DType>) -> Result<Loaded, Error> {
    let spec = Spec::parse(spec);
    let source = Source::open(&spec.path)?;
    match Format::of(&spec.path, source.bytes())? {
        Format::Npy => npy::load(&spec.path, source, wanted),
        Format::Npz => npz::load(&spec, &source, wanted),
        Format::Safetensors => safetensors::load(&spec, source),
    }
}

impl Spec {
    /// Splits a name from the path of an archive, at the first `.npz:` or `.safetensors:`; an existing file of the whole name wins.
    #[must_use]
    pub fn parse(spec: &str) -> Self {
        let lower = spec.to_ascii_lowercase();
        let colon = [".npz:", ".safetensors:"].iter().filter_map(|end| lower.find(end).map(|at| at + end.len() - 1)).min();
        match colon {
            Some(colon) if !Path::new(spec).is_file() => Self { path: spec[..colon].into(), key: Some(spec[colon + 1..].to_owned()) },
            Some(_) | None => Self { path: spec.into(), key: None },
        }
    }

    /// The spelling that [`Spec::parse`] reads, for messages.
    fn display_path(&self, key: &str) -> PathBuf {
        format!("{}:{key}", self.path.display()).into()
    }

    /// The array to load from those that an archive has.
    fn choose(&self, names: Vec<String>) -> Result<String, Error> {
        let wanted = match &self.key {
            Some(key) if names.contains(key) => return Ok(key.clone()),
            Some(key) => key.as_str(),
            None if names.len() == 1 => return Ok(names.into_iter().next().expect("there is one")),
            None => "",
        };
        let keys = nearest_first(wanted, names.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
        Err(Error::KeyNotFound { path: self.path.clone(), key: wanted.to_owned(), keys })
    }
}

impl Format {
    /// By the name, or else by the first bytes.
    fn of(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let extension = path.extension().map(|e| e.to_ascii_lowercase());
        match extension.as_ref().and_then(|e| e.to_str()) {
            Some("npy") => Ok(Format::Npy),
            Some("npz") => Ok(Format::Npz),
            Some("safetensors") => Ok(Format::Safetensors),
            _ if bytes.starts_with(header::MAGIC) => Ok(Format::Npy),
            _ if bytes.starts_with(b"PK\x03\x04") => Ok(Format::Npz),
            _ => Err(Error::MalformedFile {
                path: path.to_owned(),
                format: ".npy, .npz or .safetensors",
                reason: "neither its name nor its first bytes are of one of them".to_owned(),
            }),
        }
    }
}

impl Loaded {
    /// The tensor; `.npy` files in Fortran order have the strides of that order.
    #[must_use]
    pub fn view(&self) -> TensorRef<'_> {
        let ptr = self.source.bytes()[self.offset..].as_ptr();
        // SAFETY: the constructors checked that the source holds every element from `offset` on, aligned and valid, and the source lives
        // as long as the borrow. That a mapped file is not changed by others is the caller's part, as `Loaded` says.
        unsafe { TensorRef::from_raw_parts(self.dtype, ptr, self.shape.clone(), self.strides.clone()) }
    }

    /// The element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the elements are read from the file itself, without a copy.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.source.is_mapped()
    }
}

#[cfg(test)]
mod tests;

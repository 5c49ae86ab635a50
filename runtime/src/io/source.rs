//! The bytes of a file, and making elements of them.

use super::Loaded;
use super::header::ByteOrder;
use crate::buffer::AlignedBuf;
use crate::error::Error;
use crate::tensor::normalise_bools;
use crate::view::DimVec;
use ein_ir::dtype::DType;
use memmap2::Mmap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Files up to this many bytes are read: a map costs a few page faults and a system call more than it saves.
const READ_BELOW: u64 = 64 << 10;

/// Bytes that begin at an address with the alignment of any element.
#[derive(Debug)]
pub(super) enum Source {
    /// A read-only map of the file, aligned to a page.
    Mapped(Mmap),
    /// A copy.
    Owned(AlignedBuf),
}

/// How the elements lie in a source.
pub(super) struct Elements {
    pub(super) dtype: DType,
    pub(super) shape: DimVec<usize>,
    /// In elements.
    pub(super) strides: DimVec<isize>,
    pub(super) order: ByteOrder,
    /// First byte.
    pub(super) offset: usize,
    /// Bytes.
    pub(super) len: usize,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |e: io::Error| unreadable(path, describe(&e));
        let mut file = open_regular(path)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.len() > READ_BELOW {
            // SAFETY: the map is read-only; that the file is not changed meanwhile is the documented condition of `Loaded`.
            let map = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
            return Ok(Source::Mapped(map));
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        // A file that grows meanwhile is cut: the limit is what was checked.
        file.by_ref().take(READ_BELOW).read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(Source::Owned(AlignedBuf::copy_of(&bytes)?))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Source::Mapped(map) => map,
            Source::Owned(buf) => buf.as_slice(),
        }
    }

    pub(super) fn is_mapped(&self) -> bool {
        matches!(self, Source::Mapped(_))
    }

    /// Takes elements that were checked to lie in the source; copies them where they are misaligned, swapped, or bools of other bytes.
    pub(super) fn into_loaded(self, elements: Elements) -> Result<Loaded, Error> {
        let Elements { dtype, shape, strides, order, offset, len } = elements;
        let data = &self.bytes()[offset..offset + len];
        let usable = order.is_native()
            && data.as_ptr().addr().is_multiple_of(dtype.align())
            && (dtype != DType::Bool || data.iter().all(|&b| b <= 1));
        if usable {
            return Ok(Loaded { source: self, offset, dtype, shape, strides });
        }
        let copy = decode(AlignedBuf::copy_of(data)?, dtype, order);
        Ok(Loaded { source: Source::Owned(copy), offset: 0, dtype, shape, strides })
    }
}

/// Opens a file for reading, if it is a regular one: a pipe may have no writer and a device no end.
///
/// # Errors
///
/// `file-unreadable`.
pub fn open_regular(path: &Path) -> Result<File, Error> {
    let check = |metadata: io::Result<Metadata>| match metadata.map_err(|e| unreadable(path, describe(&e)))? {
        m if m.is_file() => Ok(()),
        m if m.is_dir() => Err(unreadable(path, "it is a folder".to_owned())),
        _ => Err(unreadable(path, "it is not a regular file".to_owned())),
    };
    // Before it is opened: that would wait for the writer of a pipe.
    check(fs::metadata(path))?;
    let file = open_at_once(path).map_err(|e| unreadable(path, describe(&e)))?;
    // Again, of what was opened.
    check(file.metadata())?;
    Ok(file)
}

/// Opens a file so that neither this nor reading it waits: files of the system that look regular may, such as `/proc/kmsg`.
#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Opens a file.
#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn unreadable(path: &Path, reason: String) -> Error {
    Error::FileUnreadable { path: path.to_owned(), reason }
}

/// Makes valid native elements of the bytes of a file.
pub(super) fn decode(mut data: AlignedBuf, dtype: DType, order: ByteOrder) -> AlignedBuf {
    if !order.is_native() {
        // The two parts of a complex number are swapped each for itself.
        data.as_mut_slice().chunks_exact_mut(dtype.real().bytes()).for_each(<[u8]>::reverse);
    }
    if dtype == DType::Bool {
        normalise_bools(data.as_mut_slice());
    }
    data
}

/// What the system said, without its number.
#[must_use]
pub fn describe(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

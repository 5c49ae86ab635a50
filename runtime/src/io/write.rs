//! Files that appear whole or not at all.

use super::source::describe;
use crate::error::Error;
use crate::view::TensorRef;
use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file through `fill`: to a new file in the same folder, which then takes the name.
///
/// What is not a regular file (a pipe, `/dev/null`) is written in place. A file that may not be written is not replaced either.
pub(super) fn replace_file(path: &Path, fill: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<(), Error> {
    try_replace(path, fill).map_err(|e| Error::CannotWrite { path: path.to_owned(), reason: describe(&e) })
}

/// Writes a text. The file appears whole or not at all, and one that was there keeps its permissions.
///
/// # Errors
///
/// `cannot-write`.
pub fn save_text(path: &Path, text: &str) -> Result<(), Error> {
    replace_file(path, |file| file.write_all(text.as_bytes()))
}

/// What a file is written through.
pub(super) type Output = BufWriter<File>;

fn try_replace(path: &Path, fill: impl FnOnce(&mut Output) -> io::Result<()>) -> io::Result<()> {
    // A link stays a link: its target is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(existing) = fs::metadata(&target) {
        if existing.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        // Opening asks the system for the permission to write, which renaming over the file would not.
        let open = OpenOptions::new().write(true).open(&target)?;
        if !existing.is_file() {
            let mut file = BufWriter::new(open);
            fill(&mut file)?;
            return file.flush();
        }
    }
    let (guard, file) = Temporary::create(&target)?;
    if let Ok(existing) = fs::metadata(&target) {
        file.set_permissions(existing.permissions())?;
    }
    let mut file = BufWriter::new(file);
    fill(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?;
    guard.rename(&target)
}

/// A file that is removed unless it was renamed.
struct Temporary {
    path: Option<PathBuf>,
}

impl Temporary {
    fn create(target: &Path) -> io::Result<(Self, File)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = target.file_name() else { return Err(io::Error::other("it has no file name")) };
        // Each attempt has a name of its own, so a leftover of a killed process is only in the way once.
        for _ in 0..100 {
            let mut temporary = std::ffi::OsString::from(".");
            temporary.push(name);
            temporary.push(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            let path = target.with_file_name(temporary);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Self { path: Some(path) }, file)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }

    fn rename(mut self, target: &Path) -> io::Result<()> {
        let path = self.path.take().expect("set by `create`");
        fs::rename(&path, target).inspect_err(|_| self.path = Some(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nothing more can be done, and the error that brought us here is the one to report.
            let _ = fs::remove_file(path);
        }
    }
}

/// The bytes of a tensor in row-major order, copied only if they are not so already.
pub(super) fn row_major_bytes<'a>(tensor: &TensorRef<'a>) -> Result<Cow<'a, [u8]>, Error> {
    match tensor.as_bytes() {
        Some(bytes) => Ok(Cow::Borrowed(bytes)),
        None => Ok(Cow::Owned(tensor.to_tensor()?.as_bytes().to_vec())),
    }
}

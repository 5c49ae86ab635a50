//! Files that appear whole or not at all.

use super::source::describe;
use crate::error::Error;
use crate::view::TensorRef;
use std::borrow::Cow;
use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file through `fill`: to a new file in the same folder, which then takes the name.
///
/// What is not a regular file (a pipe, `/dev/null`) is written in place. A file that may not be written is not replaced either.
pub(super) fn replace_file(path: &Path, fill: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<(), Error> {
    prepare_file(path, fill)?.commit()
}

/// As [`replace_file`], up to the name, which [`Pending::commit`] gives to the file.
pub(super) fn prepare_file(path: &Path, fill: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<Pending, Error> {
    let target = follow_links(path).map_err(|e| cannot_write(path, &e))?;
    let temporary = write_aside(&target, fill).map_err(|e| cannot_write(path, &e))?;
    Ok(Pending { path: path.to_owned(), target, temporary })
}

/// The file that a path means: a link stays a link, and what it leads to is replaced or made.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if let Ok(real) = fs::canonicalize(&path) {
            return Ok(real);
        }
        // Standard output by its name is a link to what has no path.
        if !path.is_symlink() || fs::metadata(&path).is_ok() {
            return Ok(path);
        }
        let to = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(to);
    }
    Err(io::Error::other("too many links lead to it"))
}

/// Links that are followed one after the other; the custom of Linux.
const MAX_LINKS: u32 = 40;

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::CannotWrite { path: path.to_owned(), reason: describe(error) }
}

/// Writes a text. The file appears whole or not at all, and one that was there keeps its permissions.
///
/// # Errors
///
/// `cannot-write`.
pub fn save_text(path: &Path, text: &str) -> Result<(), Error> {
    save_bytes(path, text.as_bytes())
}

/// Writes bytes, as [`save_text`] does.
///
/// # Errors
///
/// `cannot-write`.
pub fn save_bytes(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_file(path, |file| file.write_all(bytes))
}

/// Writes what `fill` writes, as [`save_text`] does: for what is too large to be in memory at once. Nothing is left of it if `fill` fails.
///
/// # Errors
///
/// `cannot-write`, and those of `fill`.
pub fn save_through<T, E: From<Error>>(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<T, E>) -> Result<T, E> {
    let mut outcome = None;
    let pending = prepare_file(path, |file| {
        let filled = outcome.insert(fill(file));
        if filled.is_ok() { Ok(()) } else { Err(io::Error::other("its contents were not made")) }
    });
    match outcome {
        Some(Err(error)) => Err(error),
        Some(Ok(value)) => {
            pending?.commit()?;
            Ok(value)
        }
        None => Err(pending.err().unwrap_or_else(|| cannot_write(path, &io::Error::other("nothing was written"))).into()),
    }
}

/// Writes texts or bytes into a file each, as [`save_text`] does: all of them, or none if one cannot be written or `besides`, what else is
/// written, fails.
///
/// # Errors
///
/// `cannot-write`, and those of `besides`.
pub fn save_together<T: AsRef<[u8]>, E: From<Error>>(files: &[(&Path, T)], besides: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    let prepare = |(path, bytes): &(&Path, T)| prepare_file(path, |file| file.write_all(bytes.as_ref()));
    let pending = files.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
    besides()?;
    Ok(pending.into_iter().try_for_each(Pending::commit)?)
}

/// What a file is written through.
pub(super) type Output = BufWriter<File>;

/// A file that is written and not yet in its place; without a commit nothing is left of it.
pub(super) struct Pending {
    /// As the user wrote it.
    path: PathBuf,
    target: PathBuf,
    /// `None` for what was written in place.
    temporary: Option<Temporary>,
}

impl Pending {
    /// Puts the file into its place.
    pub(super) fn commit(self) -> Result<(), Error> {
        let Some(temporary) = self.temporary else { return Ok(()) };
        temporary.rename(&self.target).map_err(|e| cannot_write(&self.path, &e))
    }
}

fn write_aside(target: &Path, fill: impl FnOnce(&mut Output) -> io::Result<()>) -> io::Result<Option<Temporary>> {
    if let Ok(existing) = fs::metadata(target) {
        if existing.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        // Opening asks the system for the permission to write, which renaming over the file would not.
        let open = open_present(target)?;
        if !existing.is_file() {
            let mut file = BufWriter::new(open);
            fill(&mut file)?;
            file.flush()?;
            return Ok(None);
        }
    }
    let (guard, file) = Temporary::create(target)?;
    if let Ok(existing) = fs::metadata(target) {
        file.set_permissions(existing.permissions())?;
    }
    let mut file = BufWriter::new(file);
    fill(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(Some(guard))
}

/// Opens what is there for writing. A pipe that nobody reads is refused: waiting for a reader may take for ever.
#[cfg(unix)]
fn open_present(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let without_reader = |e: io::Error| match e.raw_os_error() {
        Some(libc::ENXIO) => io::Error::other("it is a pipe that nobody reads"),
        _ => e,
    };
    // With a reader there the second one does not wait, and its writes are as those to any file.
    let _probe = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(without_reader)?;
    OpenOptions::new().write(true).open(path)
}

/// Opens what is there for writing.
#[cfg(not(unix))]
fn open_present(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

/// A file that is removed unless it was renamed.
struct Temporary {
    path: Option<PathBuf>,
}

thread_local! {
    /// Whether new files of this thread are for their owner alone.
    static OWNER_ONLY: Cell<bool> = const { Cell::new(false) };
}

/// What `write` writes new files with in this thread, only their owner may read. One that was there keeps its permissions.
pub fn for_owner_only<T>(write: impl FnOnce() -> T) -> T {
    /// Ends it, also where `write` does not return.
    struct Until(bool);
    impl Drop for Until {
        fn drop(&mut self) {
            OWNER_ONLY.set(self.0);
        }
    }
    let _until = Until(OWNER_ONLY.replace(true));
    write()
}

/// Opens a file that is not there yet.
fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if OWNER_ONLY.get() {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)
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
            match open_new(&path) {
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

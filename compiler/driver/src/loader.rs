//! What the driver reads from files, and how it names what it does not find.

use crate::error::{Error, Source};
use ein_ir::diagnostic::Diagnostic;
use ein_runtime::io::{describe, open_regular};
use ein_syntax::limits::MAX_FILE_BYTES;
use ein_syntax::sources::Loader;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The files of a program on disk. A path in a `use` begins at the folder of the file that it stands in.
pub(crate) struct FileLoader {
    root: PathBuf,
}

impl FileLoader {
    /// For the program in this file.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

impl Loader for FileLoader {
    fn root(&mut self) -> Option<String> {
        std::fs::canonicalize(&self.root).ok()?.into_os_string().into_string().ok()
    }

    fn locate(&mut self, from: Option<&str>, path: &str) -> Result<String, Diagnostic> {
        let using = from.map_or(self.root.as_path(), Path::new);
        let path = using.parent().unwrap_or(Path::new("")).join(path);
        // One file has one key, however its path is spelt; where that cannot be told, reading says why.
        let unreadable =
            |e: std::io::Error| ein_runtime::Error::FileUnreadable { path: path.clone(), reason: describe(&e) }.to_diagnostic();
        let key = std::fs::canonicalize(&path).map_err(unreadable)?;
        key.into_os_string().into_string().map_err(|_| {
            let reason = "its path is not UTF-8".to_owned();
            ein_runtime::Error::FileUnreadable { path, reason }.to_diagnostic()
        })
    }

    fn read(&mut self, key: &str) -> Result<Source, Diagnostic> {
        let text = read_source(Path::new(key)).map_err(|e| e.into_first())?;
        Ok(Source::new(&shown(Path::new(key)), &text))
    }
}

/// A path as people write it: from the current folder, if it is below.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    let short = here.ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    short.as_deref().unwrap_or(path).display().to_string()
}

/// Reads a program.
///
/// # Errors
/// E0901 if the file cannot be read or is no regular file, E0108 if it is too long, E0118 if it is not UTF-8.
pub(crate) fn read_source(path: &Path) -> Result<String, Error> {
    read_text(path, open_regular(path)?)
}

/// Reads a program from anything; `path` is what messages call it.
///
/// # Errors
/// As [`read_source`].
pub fn read_text(path: &Path, from: impl Read) -> Result<String, Error> {
    let mut bytes = Vec::new();
    // A stream may have no end.
    from.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("`{}` has more than {MAX_FILE_BYTES} bytes, which is the limit", path.display());
        return Err(Diagnostic::error(108, "limit", message).into());
    }
    String::from_utf8(bytes).map_err(|e| {
        let message = format!("`{}` is not UTF-8 text: byte {} does not fit", path.display(), e.utf8_error().valid_up_to());
        Diagnostic::error(118, "not-utf8", message).into()
    })
}

/// E0901, with what the system said.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    ein_runtime::Error::FileUnreadable { path: path.to_owned(), reason: describe(error) }.into()
}

/// `a`, `b` and `c` in words.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(|n| format!("`{n}`")).collect();
            format!("{} and `{last}`", rest.join(", "))
        }
    }
}

//! What the driver reads from files, and how it names what it does not find.

use crate::error::Error;
use ein_ir::diagnostic::Diagnostic;
use ein_runtime::io::describe;
use ein_syntax::limits::MAX_FILE_BYTES;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads a program.
///
/// # Errors
/// E0901 if the file cannot be read, E0108 if it is too long, E0118 if it is not UTF-8.
pub(crate) fn read_source(path: &Path) -> Result<String, Error> {
    read_text(path, File::open(path).map_err(|e| unreadable(path, &e))?)
}

/// Reads a program from anything; `path` is what messages call it.
///
/// # Errors
/// As [`read_source`].
pub fn read_text(path: &Path, from: impl Read) -> Result<String, Error> {
    let mut bytes = Vec::new();
    // A device may have no end.
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

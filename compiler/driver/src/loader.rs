//! What the driver reads from files, and how it names what it does not find.

use crate::error::Error;
use ein_ir::diagnostic::Diagnostic;
use std::path::Path;

/// Reads a program.
///
/// # Errors
/// E0901 if the file cannot be read, E0118 if it is not UTF-8.
pub(crate) fn read_source(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|e| ein_runtime::Error::FileUnreadable { path: path.to_owned(), reason: e.to_string() })?;
    String::from_utf8(bytes).map_err(|e| {
        let message = format!("`{}` is not UTF-8 text: byte {} does not fit", path.display(), e.utf8_error().valid_up_to());
        Diagnostic::error(118, "not-utf8", message).into()
    })
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

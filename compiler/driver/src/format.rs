//! Programs in canonical form: what `ein fmt` does.

use crate::error::{Error, Source};
use crate::loader::{self, unreadable};
use ein_ir::span::FileId;
use std::fs;
use std::path::{Path, PathBuf};

/// The text of a program in canonical form: the same tree, with its comments and empty lines. `name` is shown in messages.
///
/// ```
/// let text = ein::format::format("f.ein", "def f(a:f32)->b:f32{b=a*2;} # twice")?;
/// assert_eq!(text, "def f(a: f32) -> b: f32 {\n  b = a*2;\n}  # twice\n");
/// # Ok::<(), ein::Error>(())
/// ```
///
/// # Errors
/// The syntax mistakes of the text, E01xx; E0199 if the result would mean something else.
pub fn format(name: &str, source: &str) -> Result<String, Error> {
    ein_syntax::print::format(source, FileId(0)).map_err(|diagnostics| Error::new(diagnostics, Some(Source::new(name, source))))
}

/// The text of a program.
///
/// # Errors
/// E0901 if the file cannot be read, E0108 if it is too long, E0118 if it is not UTF-8.
pub fn read(path: &Path) -> Result<String, Error> {
    loader::read_source(path)
}

/// The files among `paths`, and every `.ein` file below the folders among them, in the order of their names. What is hidden and
/// folders named `target` are left out.
///
/// # Errors
/// E0901 if a folder cannot be read, or nothing is there.
pub fn programs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        if fs::metadata(path).map_err(|e| unreadable(path, &e))?.is_dir() { walk(path, &mut found)? } else { found.push(path.clone()) }
    }
    Ok(found)
}

/// Links to folders are not followed: they may lead back.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let mut folders = vec![folder.to_owned()];
    let start = found.len();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| unreadable(&folder, &e))? {
            let entry = entry.map_err(|e| unreadable(&folder, &e))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(|e| unreadable(&folder, &e))?);
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') || (kind.is_dir() && name == "target") {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ein") {
                found.push(path);
            }
        }
    }
    if let Some(found) = found.get_mut(start..) {
        found.sort();
    }
    Ok(())
}

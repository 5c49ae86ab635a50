//! The programs of `cases/`, and what their first lines say.

use std::path::{Path, PathBuf};

/// A program with the sizes that it is specialised for.
pub struct Case {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub source: String,
    /// From `# sizes: N=4, M=3`.
    pub sizes: Vec<(String, i64)>,
    /// From `# stages: tir plan kernels`.
    pub stages: Vec<String>,
}

impl Case {
    /// Reads a file.
    ///
    /// # Panics
    /// If it cannot be read or a size is not of the form `N=4`.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let source = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let entry = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or_else(|| panic!("{}: `{text}` is not NAME=N", path.display()));
            (name.trim().to_owned(), value.trim().parse().expect("an integer"))
        };
        let sizes = header(&source, "# sizes:").split(',').filter(|s| !s.trim().is_empty()).map(entry).collect();
        let stages = header(&source, "# stages:").split_whitespace().map(str::to_owned).collect();
        Self { path: path.to_owned(), source, sizes, stages }
    }

    /// The sizes as the compiler takes them.
    #[must_use]
    pub fn sizes(&self) -> Vec<(&str, i64)> {
        self.sizes.iter().map(|(name, n)| (name.as_str(), *n)).collect()
    }
}

fn header<'a>(source: &'a str, key: &str) -> &'a str {
    source.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("")
}

/// The `.ein` files of a folder of `cases/`, sorted.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut found: Vec<PathBuf> =
        entries.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "ein")).collect();
    found.sort();
    found
}

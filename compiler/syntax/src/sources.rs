//! The files of a program: what `use` names, read once each.
//!
//! This crate does no IO: a [`Loader`] finds and reads what a program names. The modules of the standard library are part of
//! the compiler ([`library`]). Files may use each other in a circle; defs and constants may not.

mod library;
mod load;

#[cfg(test)]
mod tests;

pub use library::{MODULES, Module, module};
pub use load::load;

use crate::ast;
use ein_ir::diagnostic::Diagnostic;
use std::sync::Arc;

/// A text with the name that it is shown under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// File name, `std.nn`, or `<program>`.
    pub name: Arc<str>,
    /// What it says.
    pub text: Arc<str>,
}

impl Text {
    /// A text under a name.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: Arc::from(name), text: Arc::from(text) }
    }
}

/// Every file of a program; the number of a file is its [`ein_ir::span::FileId`]. The program itself is the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Sources {
    /// In the order in which they were first named.
    pub files: Vec<SourceFile>,
}

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFile {
    /// Its tree.
    pub program: ast::Program,
    /// The file that each `use` of the tree names, in order.
    pub imports: Vec<usize>,
    /// Whether it is a module of the standard library: known to be right, so that what no one uses of it is not checked.
    pub is_library: bool,
}

impl Sources {
    /// A program of one file that uses no other.
    #[must_use]
    pub fn single(program: ast::Program) -> Self {
        Self { files: vec![SourceFile { program, imports: Vec::new(), is_library: false }] }
    }
}

/// Finds and reads files for `use`. Keys are names that are the same for the same file, however it is spelt.
pub trait Loader {
    /// The key of the program itself, if it is a file: files that it uses may use it.
    fn root(&mut self) -> Option<String> {
        None
    }

    /// The key of the file that `path` names in the file with the key `from` (`None`: the program itself).
    ///
    /// # Errors
    /// Why there is none, without a place.
    fn locate(&mut self, from: Option<&str>, path: &str) -> Result<String, Diagnostic>;

    /// The text of a file that was located, with the name to show it under. Asked once for each key.
    ///
    /// # Errors
    /// Why it cannot be read, without a place.
    fn read(&mut self, key: &str) -> Result<Text, Diagnostic>;
}

/// For a text that has no place among files: it may use the standard library alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Loader for NoFiles {
    fn locate(&mut self, _: Option<&str>, path: &str) -> Result<String, Diagnostic> {
        let message = format!("`{path}` cannot be found: this program is no file, so it has no folder to look in");
        Err(Diagnostic::error(901, "file-unreadable", message))
    }

    fn read(&mut self, key: &str) -> Result<Text, Diagnostic> {
        self.locate(None, key).map(|_| Text { name: Arc::from(key), text: Arc::from("") })
    }
}

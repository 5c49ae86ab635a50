//! The one error of the library: diagnostics with the text that they point into.

use crate::render;
use ein_ir::diagnostic::Diagnostic;
use std::fmt;
use std::sync::Arc;

/// A source text with the name it is shown under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// File name, or `<program>`.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

impl Source {
    /// A text under a name.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: Arc::from(name), text: Arc::from(text) }
    }
}

/// Why a program was not compiled, bound or run.
///
/// `Display` gives one line a diagnostic; [`Error::render`] the full form with the source.
#[derive(Clone, Debug)]
pub struct Error {
    diagnostics: Vec<Diagnostic>,
    source: Option<Source>,
}

impl Error {
    /// Wraps diagnostics that point into `source`.
    #[must_use]
    pub fn new(diagnostics: Vec<Diagnostic>, source: Option<Source>) -> Self {
        Self { diagnostics, source }
    }

    /// What is wrong, in source order.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The full form for people: code, fact, the lines of the source, notes and the repair.
    #[must_use]
    pub fn render(&self, colours: bool) -> String {
        self.diagnostics.iter().map(|d| render::render(d, self.source.as_ref(), colours)).collect()
    }

    /// The same error with the text that its spans point into, unless it has one.
    #[must_use]
    pub fn or_source(mut self, source: &Source) -> Self {
        self.source.get_or_insert_with(|| source.clone());
        self
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::new(vec![diagnostic], None)
    }
}

impl From<Vec<Diagnostic>> for Error {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::new(diagnostics, None)
    }
}

impl From<ein_runtime::Error> for Error {
    fn from(error: ein_runtime::Error) -> Self {
        Self::from(error.to_diagnostic())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, diagnostic) in self.diagnostics.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

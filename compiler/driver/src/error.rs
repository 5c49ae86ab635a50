//! The one error of the library: diagnostics with the text that they point into.

use crate::render;
use ein_ir::diagnostic::Diagnostic;
use std::fmt;
use std::sync::Arc;

pub use ein_syntax::sources::Text as Source;

/// Why a program was not compiled, bound or run.
///
/// `Display` gives one line a diagnostic; [`Error::render`] the full form with the source.
#[derive(Clone, Debug)]
pub struct Error {
    diagnostics: Vec<Diagnostic>,
    /// The files that spans point into, by their numbers.
    sources: Arc<[Source]>,
}

impl Error {
    /// Wraps diagnostics that point into `source`.
    #[must_use]
    pub fn new(diagnostics: Vec<Diagnostic>, source: Option<Source>) -> Self {
        Self::in_files(diagnostics, source.into_iter().collect())
    }

    /// Wraps diagnostics that point into several files, by their numbers.
    #[must_use]
    pub fn in_files(diagnostics: Vec<Diagnostic>, sources: Arc<[Source]>) -> Self {
        Self { diagnostics, sources }
    }

    /// The first diagnostic.
    pub(crate) fn into_first(self) -> Diagnostic {
        let internal = || Diagnostic::error(199, "internal", "an error without a diagnostic");
        self.diagnostics.into_iter().next().unwrap_or_else(internal)
    }

    /// What is wrong, in source order.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The full form for people: code, fact, the lines of the source, notes and the repair.
    #[must_use]
    pub fn render(&self, colours: bool) -> String {
        self.diagnostics.iter().map(|d| render::render(d, &self.sources, colours)).collect()
    }

    /// The same error with the text that its spans point into, unless it has one.
    #[must_use]
    pub fn or_source(mut self, source: &Source) -> Self {
        if self.sources.is_empty() {
            self.sources = Arc::from([source.clone()]);
        }
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

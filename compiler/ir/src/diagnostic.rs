//! What a user is told: plain data, rendered elsewhere (`driver/src/render.rs`).

use crate::span::Span;
use std::fmt;

/// A stable code that users see and may search for: `E0301`. `ein explain E0301` prints its page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is compiled or run.
    Error,
    /// The program runs; the author probably meant something else.
    Warning,
}

/// A place in the source with a few words about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What to say there: `32 here`.
    pub text: String,
}

/// One message to the user: the fact with both values, the place, and the smallest edit that works.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The stable code that users see.
    pub code: Code,
    /// Our kebab-case name of the mistake: `dim-mismatch`.
    pub slug: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// The fact, one sentence without a full stop: "index `k` has size 64 in `A` but 32 in `B`".
    pub message: String,
    /// The culprit; `None` where there is no source text (file and command-line errors).
    pub primary: Option<Label>,
    /// What set the expectation, and the like.
    pub others: Vec<Label>,
    /// Facts that belong to no place.
    pub notes: Vec<String>,
    /// The smallest edit that works, as text to paste where possible.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with a code, our slug for it, and the fact.
    #[must_use]
    pub fn error(code: u16, slug: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Code(code),
            slug,
            severity: Severity::Error,
            message: message.into(),
            primary: None,
            others: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning with a code, our slug for it, and the fact.
    #[must_use]
    pub fn warning(code: u16, slug: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, slug, message) }
    }

    /// Points at the culprit.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.primary = Some(Label { span, text: text.into() });
        self
    }

    /// Points at another place, such as the one that set the expectation.
    #[must_use]
    pub fn and(mut self, span: Span, text: impl Into<String>) -> Self {
        self.others.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact that belongs to no place.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Sets the smallest edit that works.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// Errors first found first: the order in which diagnostics are shown.
pub fn sort_by_position(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|d| d.primary.as_ref().map(|l| l.span));
}

/// `code: message`, on one line; the full rendering is the driver's.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Diagnostic {}

//! What lowering refuses, in the user's words.

use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;

/// E0190: a construct that parses and checks but has no kernels yet.
pub(crate) fn unsupported(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(190, "not-in-this-version", format!("{what} cannot be compiled in this version")).at(span, "here")
}

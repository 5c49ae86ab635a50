//! What is not a mistake of the author: constructs that this version does not have (E0190), and ours (E0199).

use super::CodeEntry;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;

/// The codes of this family.
pub const CODES: [CodeEntry; 2] = [
    CodeEntry::new(190, "not-in-this-version", "a construct that is part of the language but not of this version of the compiler"),
    CodeEntry::new(199, "internal", "a mistake of the compiler"),
];

/// One sentence that names the construct: `what` continues "… are not in this version yet".
pub(crate) fn unsupported(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(190, CODES[0].slug, format!("{what} not in this version of the compiler")).at(span, "used here")
}

/// A broken invariant of the compiler.
pub(crate) fn internal(message: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(199, CODES[1].slug, format!("internal error of the compiler: {message}"))
        .note("this is a mistake of the compiler, not of the program; please report it with the program")
}

/// Whether a diagnostic only says that a construct is missing in this version.
pub(crate) fn is_refusal(diagnostic: &Diagnostic) -> bool {
    diagnostic.code.0 == 190
}

//! What is told to the user. No message has an element of an operand or of a result in it, or a part of a key.

use ein_ir::diagnostic::Diagnostic;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes that are not what they should be.
pub(crate) fn malformed(what: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(931, "he-malformed", format!("not {what}: {reason}")).help("transfer or make the file again")
}

/// Keys or ciphertexts of another program, or of other keys.
pub(crate) fn other_keys(what: &str) -> Diagnostic {
    Diagnostic::error(932, "he-other-program", format!("{what} of another program or of other keys"))
        .help("everything from one `keygen`: manifest, keys, encrypted inputs and results")
}

/// Operands that are not those of the program.
pub(crate) fn operands(message: String) -> Diagnostic {
    Diagnostic::error(934, "he-operands", message).help("every operand once, in its shape and range")
}

/// A file that cannot be read or written.
pub(crate) fn file(path: &std::path::Path, doing: &str, reason: &std::io::Error) -> Diagnostic {
    let code = if doing == "read" { 901 } else { 909 };
    Diagnostic::error(code, "file", format!("cannot {doing} {}: {}", path.display(), reason.kind()))
}

/// Calls the library. It panics on some values that its readers accept, so a panic is no more than an error here; nothing outlives it.
pub(crate) fn guarded<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).ok()
}

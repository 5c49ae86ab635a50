//! Ways in which a run ends without a result.

use crate::diagnostic::Code;
use crate::span::Span;
use std::fmt;

/// Code of an integer division by zero.
pub const DIVISION_BY_ZERO: u16 = 403;
/// Code of an access with `clamp`, `wrap` or `reflect` to an axis of size 0.
pub const EMPTY_AXIS: u16 = 307;
/// Code of `argmax` or `argmin` of nothing.
pub const EMPTY_ARGMAX: u16 = 503;
/// Code of reading a state without `from` after an empty scan.
pub const NO_STATE: u16 = 502;
/// Not a code that users see: the module or the inputs break a promise that whoever called should have checked.
pub const INTERNAL: u16 = 0;

/// Why a run ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFault {
    /// Code of the error.
    pub code: u16,
    /// The fact.
    pub message: String,
    /// Place that failed.
    pub span: Span,
}

impl RunFault {
    /// A fault with its code, fact and place.
    #[must_use]
    pub fn new(code: u16, message: impl Into<String>, span: Span) -> Self {
        Self { code, message: message.into(), span }
    }

    /// A broken promise.
    pub(crate) fn internal(message: impl Into<String>, span: Span) -> Self {
        Self::new(INTERNAL, message, span)
    }
}

impl fmt::Display for RunFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} @{}", Code(self.code), self.message, self.span)
    }
}

impl std::error::Error for RunFault {}

//! What can go wrong while compiling: never a user's mistake.

use std::fmt;

/// A failure of this back end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The machine, or the processor asked for, is not one that code can be generated for or run on.
    UnsupportedTarget(String),
    /// Cranelift refused a function: a mistake of ours.
    Codegen {
        /// Name of the function.
        function: String,
        /// What Cranelift says.
        message: String,
    },
    /// The runtime has no function of that name.
    MissingSymbol(String),
    /// The system refused memory for code or constants.
    Memory(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnsupportedTarget(reason) => write!(f, "no code can be made for this processor: {reason}"),
            Error::Codegen { function, message } => write!(f, "cannot compile `{function}`: {message}"),
            Error::MissingSymbol(name) => write!(f, "the runtime has no function `{name}`"),
            Error::Memory(reason) => write!(f, "no memory for compiled code: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

//! The token that a stage demands of its input.

use std::ops::Deref;

/// A module that has passed its verifier and has not been changed since. Stages take this, so they need not doubt what
/// their invariants promise, and do not panic on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Only verifiers call this.
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the module back for change; it must be verified again.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A broken invariant: our mistake, never a user's. Names the entity and prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierError {
    /// The entity, in the spelling of the text form: `t3`, `k0: v12`.
    pub entity: String,
    /// The broken invariant.
    pub message: String,
}

impl std::fmt::Display for VerifierError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.entity, self.message)
    }
}

impl std::error::Error for VerifierError {}

/// Text that is not in the text form of an IR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// What was expected and what was found.
    pub message: String,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

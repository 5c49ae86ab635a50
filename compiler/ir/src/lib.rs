//! The intermediate representations of `ein`.
pub mod diagnostic;
pub mod dtype;
pub mod span;

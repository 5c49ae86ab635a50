//! From `.ein` source text to typed tensor IR, and classic einsum strings.
//!
//! The crate promises that every text gives either a tree or diagnostics that point into the text: never a panic, never a
//! hang, and never a tree deeper than [`limits`] allows, so that recursive passes over a tree need no guard of their own.
//!
//! It does no IO, knows nothing of plans, kernels or back ends, and stays light, because the `einsum!` macro links it.

pub mod ast;
mod builtins;
pub mod check;
pub mod einsum;
pub mod error;
mod eval;
pub mod limits;
mod lower;
pub mod parse;
mod precedence;
pub mod print;
pub mod promote;
pub mod sources;

pub use builtins::vocabulary;
pub use check::{CheckedProgram, Explanation, Hints, IndexNote, ReductionNote, check, check_sources};
pub use eval::eval_module;

//! From a plan to kernel IR.
//!
//! The plan says what is computed, in which order and where it is stored; this crate chooses how loops run. A nest becomes a
//! graph of scalar values over loop axes ([`build`], [`problem`]), its loops are ordered by the strides of what it touches
//! ([`schedule`]) and statements are emitted into them ([`emit`]): conditions become loop bounds, loops are split where a
//! condition changes, what does not change in a loop is computed outside it, and vectors run along contiguous axes. A
//! contraction becomes loops around matrix products ([`gemm`]), a function of whole tensors a call ([`library`]).
//!
//! It adds no buffer, and what it makes is a function of the plan alone: orders of sums, tile sizes and numbers of tasks are
//! constants of the program, never of the machine's threads. It knows no parser, no optimiser and no back end.

mod affine;
mod buffers;
mod build;
mod emit;
mod error;
mod gemm;
mod graph;
mod interleave;
mod library;
mod merge;
mod nest;
mod pack;
mod pipeline;
mod problem;
mod scatter;
mod schedule;
mod space;
mod turn;
mod vectorize;

pub use pipeline::lower;

#[cfg(test)]
mod tests;

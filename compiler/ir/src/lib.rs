//! The intermediate representations of `ein`: what the stages of the compiler hand to each other.
//!
//! ```text
//! AST → tensor::Module → (specialise) → plan::Plan → kernel::KernelModule → machine code
//!                                     → packed::Packed → a homomorphic scheme of vectors
//!                                                  plan → circuit::Circuit → a homomorphic scheme of integers
//! ```
//!
//! Each of the five has one folder with its types (`mod.rs`), its text form (`print.rs`, `parse.rs`) and its verifier
//! (`verify.rs`), which gives the [`verified::Verified`] token that the next stage demands. [`interp`] is the meaning of tensor
//! IR, of kernel IR, of packed IR and of circuits: slow, obvious, and what every back end is compared with.
//!
//! This crate knows no parser of programs, no e-graph, no code generator and no renderer, and does no input or output.

pub mod circuit;
pub mod constant;
pub mod diagnostic;
pub mod dtype;
pub mod entity;
pub mod extent;
pub mod interp;
pub mod interval;
pub mod kernel;
pub mod library;
pub mod near;
pub mod packed;
pub mod plan;
pub mod range;
pub mod scalar;
pub mod semiring;
pub mod span;
pub mod tensor;
pub mod text;
pub mod verified;

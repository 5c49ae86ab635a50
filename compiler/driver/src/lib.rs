//! `ein`: a compiler for einsum and tensor-network programs.
//!
//! A program is written as index equations with typed, named dimensions and is compiled to machine code in milliseconds.
//!
//! ```
//! use ein::{Compiler, ndarray::array};
//!
//! let source = "def matmul<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] { C[i, j] = A[i, k] * B[k, j]; }";
//! let program = Compiler::new().compile(source)?;
//! let matmul = program.def("matmul")?;
//!
//! let a = array![[1.0f32, 2.0], [3.0, 4.0]];
//! let b = array![[0.0f32, 1.0], [1.0, 0.0]];
//! let out = matmul.call([("A", a.view()), ("B", b.view())])?;
//! assert_eq!(out.array::<f32>("C")?, array![[2.0, 1.0], [4.0, 3.0]].into_dyn());
//! # Ok::<(), ein::Error>(())
//! ```
//!
//! Three steps, each with its own type:
//!
//! * [`Compiler::compile`] turns text into a [`Program`]; no size is needed.
//! * [`Function::bind`] fixes sizes, layouts and constants and gives a [`Bound`]: machine code.
//! * [`Bound::call_into`] runs it on views, into arrays of yours, and allocates nothing. [`Function::call`] does both, with the
//!   code cached by sizes and layouts.
//!
//! [`Program::emit`] gives the stable text of any stage, to be kept as a snapshot. [`einsum!`] takes a classic einsum string that is
//! checked when the Rust program is compiled.
//!
//! This crate alone knows all stages; [`pipeline`] is the one place that calls them in order.

#[cfg(feature = "he-bfv")]
mod available;
pub mod bound;
pub mod calibrate;
pub mod circuit;
mod circuit_report;
pub mod costs;
pub mod einsum;
pub mod emit;
#[cfg(feature = "he-bfv")]
pub mod encrypted;
pub mod error;
pub mod explanation;
pub mod format;
pub mod function;
pub mod loader;
pub mod machine;
pub mod network;
pub mod options;
pub mod packed;
mod packed_report;
pub mod pages;
pub mod picture;
pub mod pipeline;
pub mod plan_report;
mod pools;
pub mod program;
mod raw;
pub mod render;
pub mod simulated;

pub use bound::{Binder, Bound, Outputs};
pub use circuit_report::{BOOTSTRAP, CircuitReport};
pub use ein_cranelift::Cpu;
pub use ein_ir::diagnostic::{Code, Diagnostic};
pub use ein_ir::dtype::DType;
pub use ein_macros::einsum;
pub use ein_opt::{Machine, Minimize, Order};
pub use ein_runtime::{LayoutClass, Tensor, TensorMut, TensorRef, io};
pub use einsum::{Einsum, einsum};
pub use emit::Stage;
pub use error::Error;
pub use function::Function;
pub use ndarray;
pub use num_complex;
pub use picture::{Picture, packed_svg};
pub use program::{Compiler, Program};

/// What the expansion of [`einsum!`] calls; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::einsum::{IntoOperand, einsum_checked};
}

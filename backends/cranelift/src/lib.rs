//! Kernel IR to machine code through Cranelift.
//!
//! ```text
//! Verified<KernelModule> → (lower) → CLIF, one function a kernel, and `entry` → (jit) → Compiled
//!                                                                             → (emit) → text of CLIF or assembly
//! ```
//!
//! Promises: it takes a verified module only and does not panic on one; generated code never traps, and computes the same bits as the
//! interpreter of kernel IR, except that NaNs may differ in sign and payload, that a [`Gemm`](ein_ir::kernel::Gemm) sums in the order of
//! the library, and that a fused multiply-add rounds twice on processors without the instruction. The same module and target give the
//! same code and the same text on every machine.
//!
//! Must not know: the compiler but for `ein-ir`, other back ends, how tensors are bound to frames.
//!
//! Vectors are 128 bits wide, the only width that Cranelift has: near-peak inner loops belong in the runtime's micro-kernels. All
//! `unsafe` is in `jit.rs`.

mod emit;
mod error;
mod jit;
mod lower;
mod target;

pub use emit::{asm, clif};
pub use error::Error;
pub use jit::{Compiled, Cranelift};
pub use target::{Cpu, Target};

#[cfg(test)]
mod tests;

//! Helpers shared by the tests of the whole compiler.
//!
//! * [`fixture`] reads what numpy computed (`numpy/*.json`, `programs/*.json`); [`run`] runs such a program; [`store`] keeps a tensor in
//!   a given layout; [`compare`] says how two results differ.
//! * [`generate`] writes random well-typed programs as source text, and [`spec`] random einsum strings; [`oracle`] runs both through
//!   every stage and compares with the interpreters.
//! * [`replay`] carries out packed programs from their JSON alone, [`mlir`] from their MLIR.
//! * [`cases`] finds the programs of `cases/` and the sizes that they state.
//!
//! Nothing here knows how a stage works: the helpers use public interfaces only.

pub mod cases;
pub mod compare;
pub mod fixture;
pub mod generate;
pub mod mlir;
pub mod oracle;
pub mod random;
pub mod replay;
pub mod run;
pub mod spec;
pub mod store;

use std::path::PathBuf;

/// The folder of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Calls `$body` with `$T` the Rust type that holds `$dtype`; panics on types that tests do not use.
#[macro_export]
macro_rules! for_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::for_dtype!(@ $dtype, $T => $body,
            Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64,
            F16 half::f16, BF16 half::bf16, F32 f32, F64 f64,
            C64 num_complex::Complex<f32>, C128 num_complex::Complex<f64>)
    };
    (@ $dtype:expr, $T:ident => $body:expr, $($name:ident $ty:ty),*) => {
        match $dtype {
            $(ein_ir::dtype::DType::$name => { type $T = $ty; $body })*
            other => panic!("the tests do not use {other}"),
        }
    };
}

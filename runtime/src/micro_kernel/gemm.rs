//! Matrix products on strided views, by the `gemm` crate or as narrow products, on the calling thread.

use super::skinny::{self, Scalar};
use gemm::{Parallelism, c32, c64};

/// The arguments of one product `dst (+)= lhs · rhs`.
///
/// **Shapes**: `dst` is `[m, n]`, `lhs` is `[m, k]`, `rhs` is `[k, n]`. Strides are in elements; `rs` steps one row, `cs` one column; those
/// of `lhs` and `rhs` may be zero or negative, those of `dst` reach each element once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GemmArgs {
    /// Rows of `dst`.
    pub m: usize,
    /// Columns of `dst`.
    pub n: usize,
    /// Length of the sum.
    pub k: usize,
    /// Element (0, 0) of the result.
    pub dst: *mut u8,
    /// Row stride of the result.
    pub dst_rs: isize,
    /// Column stride of the result.
    pub dst_cs: isize,
    /// Element (0, 0) of the left factor.
    pub lhs: *const u8,
    /// Row stride of the left factor.
    pub lhs_rs: isize,
    /// Column stride of the left factor.
    pub lhs_cs: isize,
    /// Element (0, 0) of the right factor.
    pub rhs: *const u8,
    /// Row stride of the right factor.
    pub rhs_rs: isize,
    /// Column stride of the right factor.
    pub rhs_cs: isize,
    /// 0: `dst` is overwritten, also where it is not a number; 1: the product is added to it.
    pub accumulate: u32,
}

/// A product of one dtype.
///
/// # Safety
///
/// Every index below the shapes must reach a valid, aligned element; nothing else reads or writes `dst` meanwhile, and nothing writes `lhs`
/// or `rhs`, which do not overlap `dst`.
pub type GemmFn = unsafe extern "C" fn(*const GemmArgs);

/// # Safety
///
/// As [`GemmFn`]; `T` is one of the four types that the `gemm` crate knows.
unsafe fn library_product<T: Copy + 'static>(args: &GemmArgs, one: T, zero: T) {
    let a = args;
    let accumulate = a.accumulate != 0;
    // SAFETY: the caller's promise is the crate's requirement. The crate reads nothing of `dst` unless told to.
    unsafe {
        gemm::gemm::<T>(
            a.m,
            a.n,
            a.k,
            a.dst.cast::<T>(),
            a.dst_cs,
            a.dst_rs,
            accumulate,
            a.lhs.cast::<T>(),
            a.lhs_cs,
            a.lhs_rs,
            a.rhs.cast::<T>(),
            a.rhs_cs,
            a.rhs_rs,
            if accumulate { one } else { zero },
            one,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

macro_rules! gemms {
    ($($name:ident, $ty:ty, $one:expr, $zero:expr, dot_kernels $dots:expr, $doc:literal;)*) => {$(
        #[doc = $doc]
        ///
        /// The sum has an order of its own, a function of shapes, strides and processor, never of the thread.
        ///
        /// # Safety
        ///
        /// As [`GemmFn`].
        pub unsafe extern "C" fn $name(args: *const GemmArgs) {
            // SAFETY: the caller passes valid arguments.
            unsafe {
                let args = &*args;
                if !skinny::try_product::<$ty>(args) {
                    <$ty>::library(args);
                }
            }
        }

        impl Scalar for $ty {
            const ZERO: Self = $zero;
            const DOT_KERNELS: bool = $dots;
            unsafe fn library(args: &GemmArgs) {
                // SAFETY: the caller passes valid arguments.
                unsafe { library_product::<$ty>(args, $one, $zero) }
            }
        }
    )*};
}

// The crate has dot kernels for the real types where it has vector kernels for x86.
gemms! {
    gemm_f32, f32, 1.0, 0.0, dot_kernels cfg!(target_arch = "x86_64"), "The product in f32.";
    gemm_f64, f64, 1.0, 0.0, dot_kernels cfg!(target_arch = "x86_64"), "The product in f64.";
    gemm_c64, c32, c32::new(1.0, 0.0), c32::new(0.0, 0.0), dot_kernels false, "The product in c64.";
    gemm_c128, c64, c64::new(1.0, 0.0), c64::new(0.0, 0.0), dot_kernels false, "The product in c128.";
}

#[cfg(test)]
mod tests;

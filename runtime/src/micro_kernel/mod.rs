//! Machine code that compiled programs call through function pointers.
//!
//! The ABI is fixed: `extern "C"`, addresses and element strides, no allocation that a caller sees, no unwinding. [`symbols`] lists
//! everything by the name under which a code generator imports it.

pub mod gemm;
pub mod math;
mod skinny;

pub use gemm::{GemmArgs, GemmFn, gemm_c64, gemm_c128, gemm_f32, gemm_f64};

use ein_ir::dtype::DType;

/// Copies `bytes` bytes.
///
/// # Safety
///
/// `src` can be read and `dst` written for `bytes` bytes, and the two ranges do not overlap.
pub unsafe extern "C" fn copy(dst: *mut u8, src: *const u8, bytes: usize) {
    // SAFETY: the caller's promise is the same.
    unsafe { std::ptr::copy_nonoverlapping(src, dst, bytes) }
}

/// Every function that compiled code may import, sorted by name: `ein_exp_f32`, `ein_gemm_f64`.
#[must_use]
pub fn symbols() -> Vec<(&'static str, *const u8)> {
    let mut all = math::symbols();
    all.extend([
        ("ein_copy", copy as *const u8),
        ("ein_gemm_f32", gemm_f32 as *const u8),
        ("ein_gemm_f64", gemm_f64 as *const u8),
        ("ein_gemm_c64", gemm_c64 as *const u8),
        ("ein_gemm_c128", gemm_c128 as *const u8),
        ("ein_library", crate::library::library as *const u8),
    ]);
    all.sort_unstable_by_key(|(name, _)| *name);
    all
}

/// The library GEMM of a dtype, if there is one.
#[must_use]
pub fn gemm_for(dtype: DType) -> Option<GemmFn> {
    match dtype {
        DType::F32 => Some(gemm_f32),
        DType::F64 => Some(gemm_f64),
        DType::C64 => Some(gemm_c64),
        DType::C128 => Some(gemm_c128),
        DType::Bool
        | DType::I8
        | DType::I16
        | DType::I32
        | DType::I64
        | DType::U8
        | DType::U16
        | DType::U32
        | DType::U64
        | DType::F16
        | DType::BF16
        | DType::U1
        | DType::U2
        | DType::U4
        | DType::I2
        | DType::I4
        | DType::F8E4M3
        | DType::F8E5M2
        | DType::Key => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sorted() {
        let names: Vec<_> = symbols().iter().map(|(name, _)| *name).collect();
        assert!(names.windows(2).all(|w| w[0] < w[1]), "{names:?}");
        assert!(names.contains(&"ein_exp_f32") && names.contains(&"ein_gemm_c128"));
    }

    #[test]
    fn every_gemm_is_listed_under_its_dtype() {
        for dtype in DType::ALL {
            let listed = symbols().iter().find(|(name, _)| *name == format!("ein_gemm_{dtype}")).map(|(_, f)| *f);
            assert_eq!(gemm_for(dtype).map(|f| f as *const u8), listed, "{dtype}");
        }
    }
}

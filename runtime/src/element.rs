//! Which Rust type holds which dtype.

use ein_ir::dtype::DType;
use half::{bf16, f16};
use num_complex::Complex;

/// A Rust type that is the element of a tensor.
///
/// Sealed: the memory layout of the type is that of its dtype, which unsafe code relies on.
pub trait Element: sealed::Sealed + Copy + Default + Send + Sync + std::fmt::Debug + PartialEq + 'static {
    /// The dtype that it holds.
    const DTYPE: DType;
}

mod sealed {
    /// Closes [`super::Element`] to other crates.
    pub trait Sealed {}
}

macro_rules! elements {
    ($($ty:ty => $dtype:ident),* $(,)?) => {$(
        impl sealed::Sealed for $ty {}
        impl Element for $ty {
            const DTYPE: DType = DType::$dtype;
        }
    )*};
}

elements! {
    bool => Bool,
    i8 => I8, i16 => I16, i32 => I32, i64 => I64,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    f16 => F16, bf16 => BF16, f32 => F32, f64 => F64,
    Complex<f32> => C64, Complex<f64> => C128,
}

/// Whether several elements share a byte: packed along the last axis, low bits first, each row starting on a byte. Such tensors
/// are row-major.
#[must_use]
pub const fn is_packed(dtype: DType) -> bool {
    dtype.bits() < 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Element>() {
        assert_eq!(size_of::<T>(), T::DTYPE.bytes(), "{}", T::DTYPE);
        assert_eq!(align_of::<T>(), T::DTYPE.align(), "{}", T::DTYPE);
    }

    #[test]
    fn rust_and_dtype_agree_on_size_and_alignment() {
        check::<bool>();
        check::<i8>();
        check::<i16>();
        check::<i32>();
        check::<i64>();
        check::<u8>();
        check::<u16>();
        check::<u32>();
        check::<u64>();
        check::<f16>();
        check::<bf16>();
        check::<f32>();
        check::<f64>();
        check::<Complex<f32>>();
        check::<Complex<f64>>();
    }
}

//! Which sums of products may be regrouped.

use ein_ir::dtype::DType;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Literal, Scalar, ScalarKind};

/// Sums of these types may be regrouped: floats by section 12 of the language, integers because they wrap.
pub(crate) fn is_ring(acc: DType) -> bool {
    is_field(acc) || matches!(acc, DType::I32 | DType::I64 | DType::U32 | DType::U64)
}

/// Types that matrix products are made for.
pub(crate) fn is_field(acc: DType) -> bool {
    matches!(acc, DType::F32 | DType::F64 | DType::C64 | DType::C128)
}

/// What a sign multiplies by.
pub(crate) fn minus_one(acc: DType) -> Literal {
    match acc {
        _ if acc.is_complex() => Literal::Complex(-1.0, 0.0),
        _ if acc.is_float() => Literal::Float(-1.0),
        // The additive inverse of 1 in wrapping arithmetic.
        DType::U32 => Literal::Int(u32::MAX.into()),
        DType::U64 => Literal::Int(u64::MAX.into()),
        _ => Literal::Int(-1),
    }
}

/// The factors of a product, without signs; whether their number is odd.
pub(crate) fn flatten<'a>(scalar: &'a Scalar, factors: &mut Vec<&'a Scalar>) -> bool {
    match &scalar.kind {
        ScalarKind::Binary(BinaryFn::Mul, a, b) => flatten(a, factors) ^ flatten(b, factors),
        ScalarKind::Unary(UnaryFn::Neg, a) => !flatten(a, factors),
        _ => {
            factors.push(scalar);
            false
        }
    }
}

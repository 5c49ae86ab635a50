//! The common dtype of the operands of a classic einsum, as `numpy.result_type` of arrays gives it (numpy 2).
//!
//! Equations do not promote: there every conversion is written.

use ein_ir::dtype::{Class, DType};

/// The dtype that every operand is converted to before the first product. No operand: f64, as numpy's empty product.
///
/// Floats and complex numbers decide among themselves first, then each integer is weighed against the result alone: i8, u16
/// and f32 give f32, though i8 and u16 alone give i32.
#[must_use]
pub fn result_type(dtypes: &[DType]) -> DType {
    let inexact = |d: &DType| d.is_float() || d.is_complex();
    let mut ordered = dtypes.iter().filter(|d| inexact(d)).chain(dtypes.iter().filter(|d| !inexact(d)));
    let Some(first) = ordered.next() else { return DType::F64 };
    ordered.fold(*first, |common, d| promote(common, *d))
}

/// The smallest dtype that holds both, in numpy's sense.
fn promote(a: DType, b: DType) -> DType {
    use Class::{Bool, Complex, Float, Key, Signed, Unsigned};
    match (a.class(), b.class()) {
        _ if a == b => a,
        (Bool, _) => b,
        (_, Bool) => a,
        (Signed, Signed) | (Unsigned, Unsigned) | (Complex, Complex) => wider(a, b),
        (Float, Float) => match (a, b) {
            (DType::F16, DType::BF16) | (DType::BF16, DType::F16) => DType::F32,
            (DType::F8E4M3, DType::F8E5M2) | (DType::F8E5M2, DType::F8E4M3) => DType::F16,
            _ => wider(a, b),
        },
        (Signed, Unsigned) => signed_for(a, b),
        (Unsigned, Signed) => signed_for(b, a),
        (Float, Signed | Unsigned) => float_for(a, b),
        (Signed | Unsigned, Float) => float_for(b, a),
        (Complex, _) => complex_for(a, b),
        (_, Complex) => complex_for(b, a),
        (Key, _) | (_, Key) => a,
    }
}

fn wider(a: DType, b: DType) -> DType {
    if b.bits() > a.bits() { b } else { a }
}

/// A signed type that holds both; none holds u64, so numpy goes to f64.
fn signed_for(signed: DType, unsigned: DType) -> DType {
    if signed.bits() > unsigned.bits() {
        return signed;
    }
    match unsigned.bits() {
        8 => DType::I16,
        16 => DType::I32,
        32 => DType::I64,
        _ => DType::F64,
    }
}

fn float_for(float: DType, integer: DType) -> DType {
    let needed = match integer.bits() {
        0..=8 => DType::F16,
        16 => DType::F32,
        _ => DType::F64,
    };
    // bf16 is not numpy's; like f16 it takes an 8-bit integer. An 8-bit float does not.
    if needed == DType::F16 && float == DType::BF16 { float } else { wider(float, needed) }
}

fn complex_for(complex: DType, other: DType) -> DType {
    let real = if other.is_float() { other } else { float_for(DType::F16, other) };
    if real == DType::F64 { DType::C128 } else { complex }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DType::{BF16, Bool, C64, C128, F8E4M3, F8E5M2, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};

    #[test]
    fn agrees_with_numpy() {
        // Printed by numpy.result_type.
        for (operands, expected) in [
            (&[Bool, Bool][..], Bool),
            (&[Bool, I8], I8),
            (&[I8, U8], I16),
            (&[I16, U16], I32),
            (&[I32, U32], I64),
            (&[I64, U64], F64),
            (&[I8, U64], F64),
            (&[U8, I64], I64),
            (&[I8, F16], F16),
            (&[I16, F16], F32),
            (&[I32, F32], F64),
            (&[U16, F32], F32),
            (&[I8, U16, F32], F32),
            (&[U64, I8, F32], F64),
            (&[F32, F64], F64),
            (&[F32, C64], C64),
            (&[F64, C64], C128),
            (&[I16, C64], C64),
            (&[I32, C64], C128),
            (&[Bool, C64], C64),
            (&[I8, I16, I32], I32),
            (&[F16, BF16], F32),
            (&[F8E4M3, F8E4M3], F8E4M3),
            (&[F8E4M3, F8E5M2], F16),
            (&[F8E4M3, BF16], BF16),
            (&[F8E5M2, I8], F16),
            (&[BF16, U8], BF16),
            (&[BF16, I16], F32),
            (&[], F64),
        ] {
            assert_eq!(result_type(operands), expected, "{operands:?}");
            let mut reversed = operands.to_vec();
            reversed.reverse();
            assert_eq!(result_type(&reversed), expected, "{reversed:?}");
        }
    }
}

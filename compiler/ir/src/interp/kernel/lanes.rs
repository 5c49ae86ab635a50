//! Operations on one lane: its bits, zero-extended.

use crate::dtype::DType;
use crate::kernel::{BinaryOp, Comparison, Conversion, MathFn, OpConst, ScalarType, UnaryOp};
use crate::scalar::math;
use std::cmp::Ordering;

/// The most lanes that a variable has.
pub(super) const MAX_LANES: usize = 4;
/// The bits of each lane; those that a type does not have are unspecified.
pub(super) type Lanes = [u64; MAX_LANES];

fn f32_of(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

fn f32_bits(x: f32) -> u64 {
    u64::from(x.to_bits())
}

fn bits_of(ty: ScalarType) -> u32 {
    8 * ty.bytes()
}

/// The low bits of an integer.
fn truncate(ty: ScalarType, n: u64) -> u64 {
    match ty {
        ScalarType::Bool => n & 1,
        _ => n & (u64::MAX >> (64 - bits_of(ty))),
    }
}

/// The value of the bits as a signed integer.
fn signed(ty: ScalarType, bits: u64) -> i64 {
    let spare = 64 - bits_of(ty);
    ((bits << spare) as i64) >> spare
}

pub(super) fn constant(ty: ScalarType, value: OpConst) -> u64 {
    match value {
        OpConst::Int(n) => truncate(ty, n as u64),
        OpConst::F32(bits) => u64::from(bits),
        OpConst::F64(bits) => bits,
    }
}

pub(super) fn unary(op: UnaryOp, ty: ScalarType, a: u64) -> u64 {
    /// The float operations of one type.
    macro_rules! float {
        ($x:expr) => {
            match op {
                UnaryOp::Neg => -$x,
                UnaryOp::Abs => $x.abs(),
                UnaryOp::Sqrt => $x.sqrt(),
                UnaryOp::Floor => $x.floor(),
                UnaryOp::Ceil => $x.ceil(),
                UnaryOp::Nearest => $x.round_ties_even(),
                UnaryOp::Trunc => $x.trunc(),
                UnaryOp::Not | UnaryOp::Popcount => $x,
            }
        };
    }
    match ty {
        ScalarType::F32 => f32_bits(float!(f32_of(a))),
        ScalarType::F64 => float!(f64::from_bits(a)).to_bits(),
        _ => {
            let n = signed(ty, a);
            let result = match op {
                UnaryOp::Neg => n.wrapping_neg() as u64,
                UnaryOp::Abs => n.wrapping_abs() as u64,
                UnaryOp::Not => !a,
                UnaryOp::Popcount => u64::from(truncate(ty, a).count_ones()),
                _ => a,
            };
            truncate(ty, result)
        }
    }
}

/// A function of two values; the error says what lowering should have excluded.
pub(super) fn binary(op: BinaryOp, ty: ScalarType, a: u64, b: u64) -> Result<u64, String> {
    /// The float operations of one type.
    macro_rules! float {
        ($a:expr, $b:expr, $min:path, $max:path) => {
            match op {
                BinaryOp::Add => $a + $b,
                BinaryOp::Sub => $a - $b,
                BinaryOp::Mul => $a * $b,
                BinaryOp::Div => $a / $b,
                BinaryOp::Min => $min($a, $b),
                BinaryOp::Max => $max($a, $b),
                _ => return Err("it is not defined for floats".to_owned()),
            }
        };
    }
    match ty {
        ScalarType::F32 => Ok(f32_bits(float!(f32_of(a), f32_of(b), math::min_f32, math::max_f32))),
        ScalarType::F64 => Ok(float!(f64::from_bits(a), f64::from_bits(b), math::min_f64, math::max_f64).to_bits()),
        _ => Ok(truncate(ty, int_binary(op, ty, a, b)?)),
    }
}

fn int_binary(op: BinaryOp, ty: ScalarType, a: u64, b: u64) -> Result<u64, String> {
    let (x, y) = (signed(ty, a), signed(ty, b));
    let (u, v) = (truncate(ty, a), truncate(ty, b));
    let divisor = |result: u64| if v == 0 { Err("the divisor is 0".to_owned()) } else { Ok(result) };
    let shifted = |result: u64| if v >= u64::from(bits_of(ty)) { Err(format!("a shift by {y} bits")) } else { Ok(result) };
    Ok(match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::SDiv => divisor(x.checked_div(y).unwrap_or(x) as u64)?,
        BinaryOp::SRem => divisor(x.checked_rem(y).unwrap_or(0) as u64)?,
        BinaryOp::UDiv => divisor(u.checked_div(v).unwrap_or(0))?,
        BinaryOp::URem => divisor(u.checked_rem(v).unwrap_or(0))?,
        BinaryOp::Min => x.min(y) as u64,
        BinaryOp::Max => x.max(y) as u64,
        BinaryOp::UMin => u.min(v),
        BinaryOp::UMax => u.max(v),
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::Shl => shifted(u.wrapping_shl(v as u32))?,
        BinaryOp::SShr => shifted(x.wrapping_shr(v as u32) as u64)?,
        BinaryOp::UShr => shifted(u.wrapping_shr(v as u32))?,
        BinaryOp::Div => return Err("it is not defined for integers".to_owned()),
    })
}

pub(super) fn fma(ty: ScalarType, a: u64, b: u64, c: u64) -> u64 {
    match ty {
        ScalarType::F32 => f32_bits(f32_of(a).mul_add(f32_of(b), f32_of(c))),
        _ => f64::from_bits(a).mul_add(f64::from_bits(b), f64::from_bits(c)).to_bits(),
    }
}

pub(super) fn compare(op: Comparison, ty: ScalarType, a: u64, b: u64) -> bool {
    let unsigned = || Some(truncate(ty, a).cmp(&truncate(ty, b)));
    let ordered = || match ty {
        ScalarType::F32 => f32_of(a).partial_cmp(&f32_of(b)),
        ScalarType::F64 => f64::from_bits(a).partial_cmp(&f64::from_bits(b)),
        _ => Some(signed(ty, a).cmp(&signed(ty, b))),
    };
    match op {
        Comparison::Eq => ordered() == Some(Ordering::Equal),
        Comparison::Ne => ordered() != Some(Ordering::Equal),
        Comparison::Lt => ordered().is_some_and(Ordering::is_lt),
        Comparison::Le => ordered().is_some_and(Ordering::is_le),
        Comparison::Gt => ordered().is_some_and(Ordering::is_gt),
        Comparison::Ge => ordered().is_some_and(Ordering::is_ge),
        Comparison::ULt => unsigned().is_some_and(Ordering::is_lt),
        Comparison::ULe => unsigned().is_some_and(Ordering::is_le),
        Comparison::UGt => unsigned().is_some_and(Ordering::is_gt),
        Comparison::UGe => unsigned().is_some_and(Ordering::is_ge),
    }
}

pub(super) fn convert(conversion: Conversion, from: ScalarType, to: ScalarType, a: u64) -> u64 {
    let float = || if from == ScalarType::F32 { f64::from(f32_of(a)) } else { f64::from_bits(a) };
    // Straight to the type: a detour would round twice.
    let from_signed = |n: i64| if to == ScalarType::F32 { f32_bits(n as f32) } else { (n as f64).to_bits() };
    let from_unsigned = |n: u64| if to == ScalarType::F32 { f32_bits(n as f32) } else { (n as f64).to_bits() };
    match conversion {
        Conversion::SignExtend => truncate(to, signed(from, a) as u64),
        Conversion::ZeroExtend => truncate(from, a),
        Conversion::Wrap => truncate(to, a),
        Conversion::SignedToFloat => from_signed(signed(from, a)),
        Conversion::UnsignedToFloat => from_unsigned(truncate(from, a)),
        Conversion::FloatToSigned => {
            let greatest = i64::MAX >> (64 - bits_of(to));
            truncate(to, (float() as i64).clamp(-greatest - 1, greatest) as u64)
        }
        Conversion::FloatToUnsigned => (float() as u64).min(u64::MAX >> (64 - bits_of(to))),
        Conversion::FloatToFloat if to == ScalarType::F32 => f32_bits(float() as f32),
        Conversion::FloatToFloat => float().to_bits(),
        Conversion::Decode(small) => f32_bits(small.format().decode(truncate(from, a)) as f32),
        Conversion::Encode(small) => small.format().encode(float()),
    }
}

pub(super) fn call(function: MathFn, ty: ScalarType, a: u64, b: u64) -> u64 {
    /// The functions of one type.
    macro_rules! table {
        ($a:expr, $b:expr, $exp:ident $expm1:ident $log:ident $log1p:ident $sin:ident $cos:ident $tan:ident $tanh:ident $sigmoid:ident
         $softplus:ident $erf:ident $gelu:ident $silu:ident $atan2:ident $pow:ident $floor_div:ident $rem:ident) => {
            match function {
                MathFn::Exp => math::$exp($a),
                MathFn::Expm1 => math::$expm1($a),
                MathFn::Log => math::$log($a),
                MathFn::Log1p => math::$log1p($a),
                MathFn::Sin => math::$sin($a),
                MathFn::Cos => math::$cos($a),
                MathFn::Tan => math::$tan($a),
                MathFn::Tanh => math::$tanh($a),
                MathFn::Sigmoid => math::$sigmoid($a),
                MathFn::Softplus => math::$softplus($a),
                MathFn::Erf => math::$erf($a),
                MathFn::Gelu => math::$gelu($a),
                MathFn::Silu => math::$silu($a),
                MathFn::Atan2 => math::$atan2($a, $b),
                MathFn::Pow => math::$pow($a, $b),
                MathFn::FloorDiv => math::$floor_div($a, $b),
                MathFn::Rem => math::$rem($a, $b),
            }
        };
    }
    match ty {
        ScalarType::F32 => f32_bits(table!(f32_of(a), f32_of(b), exp_f32 expm1_f32 log_f32 log1p_f32 sin_f32 cos_f32 tan_f32 tanh_f32
            sigmoid_f32 softplus_f32 erf_f32 gelu_f32 silu_f32 atan2_f32 pow_f32 floor_div_f32 rem_f32)),
        _ => table!(f64::from_bits(a), f64::from_bits(b), exp_f64 expm1_f64 log_f64 log1p_f64 sin_f64 cos_f64 tan_f64 tanh_f64
            sigmoid_f64 softplus_f64 erf_f64 gelu_f64 silu_f64 atan2_f64 pow_f64 floor_div_f64 rem_f64)
        .to_bits(),
    }
}

/// `a * b + sum` with each operation rounded; real and imaginary part each.
pub(super) fn multiply_add(dtype: DType, a: [u64; 2], b: [u64; 2], sum: [u64; 2]) -> [u64; 2] {
    let single = dtype.real() == DType::F32;
    let mul = |x: u64, y: u64| if single { f32_bits(f32_of(x) * f32_of(y)) } else { (f64::from_bits(x) * f64::from_bits(y)).to_bits() };
    let add = |x: u64, y: u64| if single { f32_bits(f32_of(x) + f32_of(y)) } else { (f64::from_bits(x) + f64::from_bits(y)).to_bits() };
    let neg = |x: u64| unary(UnaryOp::Neg, if single { ScalarType::F32 } else { ScalarType::F64 }, x);
    if !dtype.is_complex() {
        return [add(sum[0], mul(a[0], b[0])), 0];
    }
    let re = add(mul(a[0], b[0]), neg(mul(a[1], b[1])));
    let im = add(mul(a[0], b[1]), mul(a[1], b[0]));
    [add(sum[0], re), add(sum[1], im)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ScalarType::{F32, F64, I8, I16, I32, I64};

    fn i8(n: i64) -> u64 {
        truncate(I8, n as u64)
    }

    #[test]
    fn integers_of_every_width() {
        for (op, a, b, y) in [
            (BinaryOp::Add, 127, 1, -128),
            (BinaryOp::Mul, -128, -1, -128),
            (BinaryOp::SDiv, -7, 2, -3),
            (BinaryOp::SDiv, -128, -1, -128),
            (BinaryOp::SRem, -7, 2, -1),
            (BinaryOp::SRem, -128, -1, 0),
            (BinaryOp::UDiv, -1, 16, 15),
            (BinaryOp::URem, -1, 16, 15),
            (BinaryOp::Min, -1, 1, -1),
            (BinaryOp::UMin, -1, 1, 1),
            (BinaryOp::UMax, -1, 1, -1),
            (BinaryOp::Shl, 3, 7, -128),
            (BinaryOp::SShr, -128, 7, -1),
            (BinaryOp::UShr, -128, 7, 1),
            (BinaryOp::Xor, -1, 1, -2),
        ] {
            assert_eq!(binary(op, I8, i8(a), i8(b)), Ok(i8(y)), "{op:?}({a}, {b})");
        }
        assert!(binary(BinaryOp::SDiv, I32, 1, 0).is_err());
        assert!(binary(BinaryOp::URem, I64, 1, 0).is_err());
        assert!(binary(BinaryOp::Shl, I16, 1, 16).is_err());
        assert_eq!(binary(BinaryOp::SDiv, I64, i64::MIN as u64, u64::MAX), Ok(i64::MIN as u64));
        assert_eq!(unary(UnaryOp::Not, ScalarType::Bool, 1), 0);
        assert_eq!(unary(UnaryOp::Popcount, I16, 0xffff), 16);
        assert_eq!(unary(UnaryOp::Abs, I8, i8(-128)), i8(-128));
        assert!(compare(Comparison::UGt, I8, i8(-1), 1) && compare(Comparison::Lt, I8, i8(-1), 1));
    }

    #[test]
    fn floats_follow_ieee() {
        let (nan, one) = (f32_bits(f32::NAN), f32_bits(1.0));
        assert!(!compare(Comparison::Eq, F32, nan, nan) && compare(Comparison::Ne, F32, nan, nan));
        assert!(f32_of(binary(BinaryOp::Max, F32, one, nan).unwrap()).is_nan());
        assert_eq!(unary(UnaryOp::Nearest, F64, 2.5f64.to_bits()), 2f64.to_bits());
        // The product is not a float: only the fused form keeps its last bits.
        let x = 1.0 + f32::EPSILON;
        let product = f32_of(fma(F32, f32_bits(x), f32_bits(x), f32_bits(-(x * x))));
        assert_eq!(product, f32::EPSILON * f32::EPSILON);
    }

    #[test]
    fn conversions_saturate_and_round_once() {
        assert_eq!(convert(Conversion::FloatToSigned, F32, I8, f32_bits(1e9)), i8(127));
        assert_eq!(convert(Conversion::FloatToSigned, F64, I64, f64::NEG_INFINITY.to_bits()), i64::MIN as u64);
        assert_eq!(convert(Conversion::FloatToSigned, F64, I32, f64::NAN.to_bits()), 0);
        assert_eq!(convert(Conversion::FloatToUnsigned, F32, I8, f32_bits(300.0)), 255);
        assert_eq!(convert(Conversion::FloatToUnsigned, F32, I64, f32_bits(-3.0)), 0);
        assert_eq!(convert(Conversion::SignExtend, I8, I16, i8(-2)), 0xfffe);
        assert_eq!(convert(Conversion::ZeroExtend, I8, I16, i8(-2)), 0x00fe);
        assert_eq!(convert(Conversion::Wrap, I32, I8, 0x1ff), 0xff);
        // Via f64 this would be a tie.
        let n = (1u64 << 60) + (1 << 36) + 1;
        assert_eq!(convert(Conversion::UnsignedToFloat, I64, F32, n), f32_bits(n as f32));
        assert_eq!(f32_of(convert(Conversion::SignedToFloat, I64, F32, u64::MAX)), -1.0);
    }
}

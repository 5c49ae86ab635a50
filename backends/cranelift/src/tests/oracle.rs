//! What each operation means, on bits, in plain Rust.

use ein_ir::kernel::{BinaryOp, Comparison, Conversion, ScalarType, UnaryOp};

/// Sign-extended.
pub(super) fn signed(ty: ScalarType, bits: u64) -> i64 {
    let shift = 64 - 8 * ty.bytes();
    (bits << shift).cast_signed() >> shift
}

pub(super) fn mask(ty: ScalarType, bits: u64) -> u64 {
    bits & (u64::MAX >> (64 - 8 * ty.bytes()))
}

fn float(ty: ScalarType, bits: u64) -> f64 {
    if ty == ScalarType::F32 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
}

/// The bits of a number, rounded to the type.
fn bits(ty: ScalarType, value: f64) -> u64 {
    if ty == ScalarType::F32 { u64::from((value as f32).to_bits()) } else { value.to_bits() }
}

/// Functions of f32 are computed in f64 and rounded once more, which is harmless for all of them (Figueroa 1995).
pub(super) fn unary(f: UnaryOp, ty: ScalarType, a: u64) -> u64 {
    if ty.is_float() {
        let x = float(ty, a);
        return bits(
            ty,
            match f {
                UnaryOp::Neg => -x,
                UnaryOp::Abs => x.abs(),
                UnaryOp::Sqrt => x.sqrt(),
                UnaryOp::Floor => x.floor(),
                UnaryOp::Ceil => x.ceil(),
                UnaryOp::Nearest => x.round_ties_even(),
                UnaryOp::Trunc => x.trunc(),
                UnaryOp::Not | UnaryOp::Popcount => unreachable!(),
            },
        );
    }
    mask(
        ty,
        match f {
            UnaryOp::Neg => a.wrapping_neg(),
            UnaryOp::Not if ty == ScalarType::Bool => a ^ 1,
            UnaryOp::Not => !a,
            UnaryOp::Abs => signed(ty, a).wrapping_abs().cast_unsigned(),
            UnaryOp::Popcount => u64::from(mask(ty, a).count_ones()),
            _ => unreachable!(),
        },
    )
}

fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a < b || (a == b && a.is_sign_negative()) {
        a
    } else {
        b
    }
}

pub(super) fn binary(f: BinaryOp, ty: ScalarType, a: u64, b: u64) -> u64 {
    if ty.is_float() {
        let (x, y) = (float(ty, a), float(ty, b));
        return bits(
            ty,
            match f {
                BinaryOp::Add => x + y,
                BinaryOp::Sub => x - y,
                BinaryOp::Mul => x * y,
                BinaryOp::Div => x / y,
                BinaryOp::Min => min(x, y),
                BinaryOp::Max => -min(-x, -y),
                _ => unreachable!(),
            },
        );
    }
    let (x, y) = (signed(ty, a), signed(ty, b));
    let (u, v) = (mask(ty, a), mask(ty, b));
    mask(
        ty,
        match f {
            BinaryOp::Add => a.wrapping_add(b),
            BinaryOp::Sub => a.wrapping_sub(b),
            BinaryOp::Mul => a.wrapping_mul(b),
            BinaryOp::SDiv => x.wrapping_div(y).cast_unsigned(),
            BinaryOp::SRem => x.wrapping_rem(y).cast_unsigned(),
            BinaryOp::UDiv => u / v,
            BinaryOp::URem => u % v,
            BinaryOp::Min => x.min(y).cast_unsigned(),
            BinaryOp::Max => x.max(y).cast_unsigned(),
            BinaryOp::UMin => u.min(v),
            BinaryOp::UMax => u.max(v),
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            BinaryOp::Xor => a ^ b,
            BinaryOp::Shl => a << v,
            BinaryOp::SShr => (x >> v).cast_unsigned(),
            BinaryOp::UShr => u >> v,
            BinaryOp::Div => unreachable!(),
        },
    )
}

pub(super) fn compare(comparison: Comparison, ty: ScalarType, a: u64, b: u64) -> bool {
    fn by<T: PartialOrd>(comparison: Comparison, a: T, b: T) -> bool {
        match comparison {
            Comparison::Eq => a == b,
            Comparison::Ne => a != b,
            Comparison::Lt | Comparison::ULt => a < b,
            Comparison::Le | Comparison::ULe => a <= b,
            Comparison::Gt | Comparison::UGt => a > b,
            Comparison::Ge | Comparison::UGe => a >= b,
        }
    }
    let unsigned = matches!(comparison, Comparison::ULt | Comparison::ULe | Comparison::UGt | Comparison::UGe);
    if ty.is_float() {
        by(comparison, float(ty, a), float(ty, b))
    } else if unsigned {
        by(comparison, mask(ty, a), mask(ty, b))
    } else {
        by(comparison, signed(ty, a), signed(ty, b))
    }
}

pub(super) fn convert(conversion: Conversion, from: ScalarType, to: ScalarType, a: u64) -> u64 {
    let (s, u) = (signed(from, a), mask(from, a));
    match conversion {
        Conversion::SignExtend => mask(to, s.cast_unsigned()),
        Conversion::ZeroExtend | Conversion::Wrap => mask(to, u),
        // One rounding: not through f64 on the way to f32.
        Conversion::SignedToFloat if to == ScalarType::F32 => u64::from((s as f32).to_bits()),
        Conversion::SignedToFloat => (s as f64).to_bits(),
        Conversion::UnsignedToFloat if to == ScalarType::F32 => u64::from((u as f32).to_bits()),
        Conversion::UnsignedToFloat => (u as f64).to_bits(),
        Conversion::FloatToSigned => {
            let half = 1i128 << (8 * to.bytes() - 1);
            let x = float(from, a);
            // Every 64-bit limit is exact in i128, whose own conversion saturates and takes NaN to 0.
            mask(to, (x as i128).clamp(-half, half - 1) as u64)
        }
        Conversion::FloatToUnsigned => mask(to, (float(from, a) as i128).clamp(0, (1i128 << (8 * to.bytes())) - 1) as u64),
        Conversion::FloatToFloat => bits(to, float(from, a)),
        Conversion::Decode(small) => bits(to, small.format().decode(u)),
        Conversion::Encode(small) => small.format().encode(float(from, a)),
    }
}

/// Equal bits, or both not a number.
pub(super) fn same(ty: ScalarType, a: u64, b: u64) -> bool {
    mask(ty, a) == mask(ty, b) || (ty.is_float() && float(ty, a).is_nan() && float(ty, b).is_nan())
}

/// Numbers that find mistakes: limits, neighbours of limits, special values, and a few others.
pub(super) fn samples(ty: ScalarType) -> Vec<u64> {
    let floats = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1.5,
        -2.5,
        2.5,
        3.999,
        -127.5,
        128.0,
        255.5,
        256.0,
        32768.0,
        65536.0,
        2147483520.0,
        2147483648.0,
        -2147483904.0,
        4294967040.0,
        4294967296.0,
        9.2e18,
        9.3e18,
        -9.3e18,
        1.8e19,
        1.9e19,
        1e-40,
        1e30,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::from(f32::MAX),
        -7.25,
    ];
    match ty {
        ScalarType::Bool => vec![0, 1, 1, 0, 1, 0, 0, 1],
        _ if ty.is_float() => floats.iter().map(|&x| bits(ty, x)).collect(),
        _ => {
            let most = signed(ty, u64::MAX >> 1 >> (64 - 8 * ty.bytes()));
            let least = -most - 1;
            [0, 1, -1, 2, -2, 3, 7, -7, 10, 31, 100, -100, most, least, most - 1, least + 1]
                .map(|x: i64| mask(ty, x.cast_unsigned()))
                .to_vec()
        }
    }
}

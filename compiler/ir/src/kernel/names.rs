//! Spellings of the operations in the text form.

use super::{BinaryOp, Comparison, Conversion, SmallFloat, UnaryOp};

pub(super) const UNARY: [(UnaryOp, &str); 9] = [
    (UnaryOp::Neg, "neg"),
    (UnaryOp::Not, "not"),
    (UnaryOp::Abs, "abs"),
    (UnaryOp::Sqrt, "sqrt"),
    (UnaryOp::Floor, "floor"),
    (UnaryOp::Ceil, "ceil"),
    (UnaryOp::Nearest, "nearest"),
    (UnaryOp::Trunc, "trunc"),
    (UnaryOp::Popcount, "popcount"),
];

pub(super) const BINARY: [(BinaryOp, &str); 18] = [
    (BinaryOp::Add, "add"),
    (BinaryOp::Sub, "sub"),
    (BinaryOp::Mul, "mul"),
    (BinaryOp::Div, "div"),
    (BinaryOp::SDiv, "sdiv"),
    (BinaryOp::SRem, "srem"),
    (BinaryOp::UDiv, "udiv"),
    (BinaryOp::URem, "urem"),
    (BinaryOp::Min, "min"),
    (BinaryOp::Max, "max"),
    (BinaryOp::UMin, "umin"),
    (BinaryOp::UMax, "umax"),
    (BinaryOp::And, "and"),
    (BinaryOp::Or, "or"),
    (BinaryOp::Xor, "xor"),
    (BinaryOp::Shl, "shl"),
    (BinaryOp::SShr, "sshr"),
    (BinaryOp::UShr, "ushr"),
];

pub(super) const COMPARISON: [(Comparison, &str); 10] = [
    (Comparison::Eq, "eq"),
    (Comparison::Ne, "ne"),
    (Comparison::Lt, "lt"),
    (Comparison::Le, "le"),
    (Comparison::Gt, "gt"),
    (Comparison::Ge, "ge"),
    (Comparison::ULt, "ult"),
    (Comparison::ULe, "ule"),
    (Comparison::UGt, "ugt"),
    (Comparison::UGe, "uge"),
];

pub(super) const CONVERSION: [(Conversion, &str); 16] = [
    (Conversion::SignExtend, "sign_extend"),
    (Conversion::ZeroExtend, "zero_extend"),
    (Conversion::Wrap, "wrap"),
    (Conversion::SignedToFloat, "signed_to_float"),
    (Conversion::UnsignedToFloat, "unsigned_to_float"),
    (Conversion::FloatToSigned, "float_to_signed"),
    (Conversion::FloatToUnsigned, "float_to_unsigned"),
    (Conversion::FloatToFloat, "float_to_float"),
    (Conversion::Decode(SmallFloat::F16), "decode_f16"),
    (Conversion::Decode(SmallFloat::BF16), "decode_bf16"),
    (Conversion::Decode(SmallFloat::F8E4M3), "decode_f8e4m3"),
    (Conversion::Decode(SmallFloat::F8E5M2), "decode_f8e5m2"),
    (Conversion::Encode(SmallFloat::F16), "encode_f16"),
    (Conversion::Encode(SmallFloat::BF16), "encode_bf16"),
    (Conversion::Encode(SmallFloat::F8E4M3), "encode_f8e4m3"),
    (Conversion::Encode(SmallFloat::F8E5M2), "encode_f8e5m2"),
];

/// The spelling of an operation: every one is in its table.
pub(super) fn name_of<T: Copy + PartialEq>(table: &[(T, &'static str)], op: T) -> &'static str {
    table.iter().find(|(o, _)| *o == op).map_or("?", |(_, name)| name)
}

/// The operation with a spelling.
pub(super) fn op_of<T: Copy>(table: &[(T, &'static str)], name: &str) -> Option<T> {
    table.iter().find(|(_, n)| *n == name).map(|(op, _)| *op)
}

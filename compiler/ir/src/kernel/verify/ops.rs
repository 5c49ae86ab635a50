//! The types of operations.
//!
//! ```text
//! int n                   integers and bool: n is the sign-extended value      f32, f64   the type itself
//! scalar n                i64, inside of a repetition with that counter
//! copy                    T → T                        splat    T → TxN       extract   TxN, lane → T
//! neg                     numbers                      not      bool, integers
//! abs                     numbers                      sqrt floor ceil nearest trunc   floats    popcount   integers
//! add sub mul min max     numbers                      div      floats
//! sdiv srem udiv urem umin umax shl sshr ushr          integers
//! and or xor              bool, integers               fma      floats
//! eq ne                   T, T → bool                  lt le gt ge   numbers   ult ule ugt uge   integers
//! select                  bool, T, T → T, all with one number of lanes
//! sign_extend             integer → wider integer      zero_extend  integer or bool → wider integer     wrap   → narrower
//! signed_to_float unsigned_to_float                    integer → float
//! float_to_signed float_to_unsigned                    float → integer         float_to_float   f32 ↔ f64
//! decode_S                integer of S's width → f32   encode_S float → integer of S's width    S  f16 bf16 f8e4m3 f8e5m2
//! call                    f32 or f64 scalars, as many as the function takes
//! ```

use super::super::{BinaryOp, Comparison, Conversion, Op, OpConst, ScalarType, Type, UnaryOp};
use super::{Check, Checker};
use crate::entity::Local;

/// Sets of scalar types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Domain {
    Any,
    Numbers,
    Integers,
    Floats,
    Bits,
}

impl Domain {
    fn holds(self, ty: ScalarType) -> bool {
        match self {
            Domain::Any => true,
            Domain::Numbers => ty != ScalarType::Bool,
            Domain::Integers => ty != ScalarType::Bool && !ty.is_float(),
            Domain::Floats => ty.is_float(),
            Domain::Bits => !ty.is_float(),
        }
    }
}

impl Checker<'_> {
    /// An op that sets a variable of type `ty`; loads are checked elsewhere.
    pub(super) fn check_op(&self, ty: Type, op: &Op) -> Check {
        match op {
            Op::Const(value) => check_const(ty.scalar, *value),
            Op::Copy(a) => self.used_as(*a, ty),
            Op::Load(_) => Ok(()),
            Op::Scalar(_) if ty != Type::INDEX => Err(format!("the result is i64, not {ty}")),
            Op::Scalar(n) if !self.scalars.contains(n) => Err(format!("no repetition around the kernel counts s{n}")),
            Op::Scalar(_) => Ok(()),
            Op::Splat(a) => {
                self.used_as(*a, Type::scalar(ty.scalar))?;
                if ty.lanes > 1 { Ok(()) } else { Err("the result is no vector".to_owned()) }
            }
            Op::Extract(a, lane) => {
                let from = self.used(*a)?;
                let fits = from.lanes > 1 && *lane < from.lanes && ty == Type::scalar(from.scalar);
                if fits { Ok(()) } else { Err(format!("{from} has no lane {lane} of type {ty}")) }
            }
            Op::Unary(op, a) => {
                check_domain(unary_domain(*op), ty)?;
                self.used_as(*a, ty)
            }
            Op::Binary(op, a, b) => {
                check_domain(binary_domain(*op), ty)?;
                self.used_as(*a, ty)?;
                self.used_as(*b, ty)
            }
            Op::Fma(a, b, c) => {
                check_domain(Domain::Floats, ty)?;
                [a, b, c].into_iter().try_for_each(|v| self.used_as(*v, ty))
            }
            Op::Compare(op, a, b) => self.check_compare(ty, *op, *a, *b),
            Op::Select(condition, a, b) => {
                self.used_as(*condition, Type { scalar: ScalarType::Bool, lanes: ty.lanes })?;
                self.used_as(*a, ty)?;
                self.used_as(*b, ty)
            }
            Op::Convert(conversion, a) => {
                let from = self.used(*a)?;
                if from.lanes == ty.lanes && converts(*conversion, from.scalar, ty.scalar) {
                    Ok(())
                } else {
                    Err(format!("it does not convert {from} to {ty}"))
                }
            }
            Op::Call(function, args) => {
                check_domain(Domain::Floats, ty)?;
                if ty.lanes != 1 || args.len() != function.arity() {
                    return Err(format!("`{}` is a function of {} scalars", function.name(), function.arity()));
                }
                args.iter().try_for_each(|a| self.used_as(*a, ty))
            }
        }
    }

    fn check_compare(&self, ty: Type, op: Comparison, a: Local, b: Local) -> Check {
        let from = self.used(a)?;
        self.used_as(b, from)?;
        check_domain(comparison_domain(op), from)?;
        let result = Type { scalar: ScalarType::Bool, lanes: from.lanes };
        if ty == result { Ok(()) } else { Err(format!("the result is {result}, not {ty}")) }
    }
}

fn check_domain(domain: Domain, ty: Type) -> Check {
    if domain.holds(ty.scalar) { Ok(()) } else { Err(format!("it is not defined for {ty}")) }
}

fn check_const(ty: ScalarType, value: OpConst) -> Check {
    let fits = match (value, ty) {
        (OpConst::Int(n), ScalarType::Bool) => n == 0 || n == 1,
        (OpConst::Int(n), ty) if !ty.is_float() => {
            let spare = 64 - 8 * ty.bytes();
            (n << spare) >> spare == n
        }
        (OpConst::F32(_), ScalarType::F32) | (OpConst::F64(_), ScalarType::F64) => true,
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("it is no constant of type {}", ty.name())) }
}

fn unary_domain(op: UnaryOp) -> Domain {
    match op {
        UnaryOp::Neg | UnaryOp::Abs => Domain::Numbers,
        UnaryOp::Not => Domain::Bits,
        UnaryOp::Sqrt | UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Nearest | UnaryOp::Trunc => Domain::Floats,
        UnaryOp::Popcount => Domain::Integers,
    }
}

fn binary_domain(op: BinaryOp) -> Domain {
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Min | BinaryOp::Max => Domain::Numbers,
        BinaryOp::Div => Domain::Floats,
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => Domain::Bits,
        BinaryOp::SDiv
        | BinaryOp::SRem
        | BinaryOp::UDiv
        | BinaryOp::URem
        | BinaryOp::UMin
        | BinaryOp::UMax
        | BinaryOp::Shl
        | BinaryOp::SShr
        | BinaryOp::UShr => Domain::Integers,
    }
}

fn comparison_domain(op: Comparison) -> Domain {
    match op {
        Comparison::Eq | Comparison::Ne => Domain::Any,
        Comparison::Lt | Comparison::Le | Comparison::Gt | Comparison::Ge => Domain::Numbers,
        Comparison::ULt | Comparison::ULe | Comparison::UGt | Comparison::UGe => Domain::Integers,
    }
}

fn converts(conversion: Conversion, from: ScalarType, to: ScalarType) -> bool {
    let integer = |ty| Domain::Integers.holds(ty);
    match conversion {
        Conversion::SignExtend => integer(from) && integer(to) && to.bytes() > from.bytes(),
        Conversion::ZeroExtend => integer(to) && (from == ScalarType::Bool || (integer(from) && to.bytes() > from.bytes())),
        Conversion::Wrap => integer(from) && integer(to) && to.bytes() < from.bytes(),
        Conversion::SignedToFloat | Conversion::UnsignedToFloat => integer(from) && to.is_float(),
        Conversion::FloatToSigned | Conversion::FloatToUnsigned => from.is_float() && integer(to),
        Conversion::FloatToFloat => from.is_float() && to.is_float() && from != to,
        Conversion::Decode(small) => from == small.storage() && to == ScalarType::F32,
        Conversion::Encode(small) => from.is_float() && to == small.storage(),
    }
}

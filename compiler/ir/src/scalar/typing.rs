//! The typing rules of scalar expressions and reductions: one table, which verifiers, parsers and checkers read.
//!
//! Operands have one dtype and so does the result, unless a rule below says otherwise; nothing is promoted.

use super::Literal;
use super::function::{BinaryFn, UnaryFn};
use crate::dtype::{Class, DType};
use crate::tensor::ReduceOp;

/// The dtype of a function of one value, whether or not it takes values of this dtype.
#[must_use]
pub const fn unary_result(function: UnaryFn, operand: DType) -> DType {
    match function {
        UnaryFn::Not | UnaryFn::IsNan | UnaryFn::IsFinite => DType::Bool,
        UnaryFn::Abs | UnaryFn::Real | UnaryFn::Imag => operand.real(),
        UnaryFn::Cis => match operand {
            DType::F32 => DType::C64,
            DType::F64 => DType::C128,
            other => other,
        },
        _ => operand,
    }
}

/// Whether a function of one value takes values of this dtype.
#[must_use]
pub const fn takes_unary(function: UnaryFn, operand: DType) -> bool {
    let class = operand.class();
    match function {
        UnaryFn::Keep => true,
        UnaryFn::Not => matches!(class, Class::Bool),
        UnaryFn::Neg | UnaryFn::Abs | UnaryFn::Sign | UnaryFn::Conj | UnaryFn::Real | UnaryFn::IsNan | UnaryFn::IsFinite => {
            is_number(class)
        }
        UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc | UnaryFn::Relu => is_real(class),
        UnaryFn::Exp
        | UnaryFn::Expm1
        | UnaryFn::Log
        | UnaryFn::Log1p
        | UnaryFn::Sqrt
        | UnaryFn::Rsqrt
        | UnaryFn::Sin
        | UnaryFn::Cos
        | UnaryFn::Tan
        | UnaryFn::Tanh
        | UnaryFn::Sigmoid
        | UnaryFn::Silu
        | UnaryFn::Imag => matches!(class, Class::Float | Class::Complex),
        UnaryFn::Softplus | UnaryFn::Erf | UnaryFn::Gelu => matches!(class, Class::Float),
        UnaryFn::Cis => matches!(operand, DType::F32 | DType::F64),
        UnaryFn::BitNot | UnaryFn::Popcount => operand.is_integer(),
        UnaryFn::Powi(n) => matches!(class, Class::Float | Class::Complex) || (operand.is_integer() && n >= 0),
    }
}

/// The dtype of a function of two values, whether or not it takes values of this dtype; `lhs` is that of the left.
#[must_use]
pub const fn binary_result(function: BinaryFn, lhs: DType) -> DType {
    if function.is_comparison() { DType::Bool } else { lhs }
}

/// Whether a function of two values takes values of these dtypes.
#[must_use]
pub fn takes_binary(function: BinaryFn, lhs: DType, rhs: DType) -> bool {
    let class = lhs.class();
    if matches!(function, BinaryFn::Shl | BinaryFn::Shr) {
        return lhs.is_integer() && rhs.is_integer();
    }
    lhs == rhs
        && match function {
            BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul => is_number(class),
            BinaryFn::Div | BinaryFn::Pow => matches!(class, Class::Float | Class::Complex),
            BinaryFn::FloorDiv | BinaryFn::Rem | BinaryFn::Max | BinaryFn::Min => is_real(class),
            BinaryFn::Atan2 => matches!(class, Class::Float),
            BinaryFn::And | BinaryFn::Or => matches!(class, Class::Bool),
            BinaryFn::Xor => matches!(class, Class::Bool) || lhs.is_integer(),
            BinaryFn::BitAnd | BinaryFn::BitOr | BinaryFn::Shl | BinaryFn::Shr => lhs.is_integer(),
            BinaryFn::Eq | BinaryFn::Ne => !matches!(class, Class::Key),
            BinaryFn::Lt | BinaryFn::Le | BinaryFn::Gt | BinaryFn::Ge => matches!(class, Class::Bool) || is_real(class),
        }
}

/// Whether values of one dtype can be converted to another: all but keys.
#[must_use]
pub fn takes_cast(from: DType, to: DType) -> bool {
    from == to || (from != DType::Key && to != DType::Key)
}

/// The dtype of a reduction carried out in `acc`; `None` if it is not defined there. `user` is the dtype of the program's
/// reducer, where `op` is one.
#[must_use]
pub fn reduce_result(op: ReduceOp, acc: DType, user: Option<DType>) -> Option<DType> {
    let class = acc.class();
    let defined = match op {
        ReduceOp::Sum | ReduceOp::Prod => is_number(class),
        ReduceOp::Max | ReduceOp::Min => is_real(class),
        ReduceOp::Any | ReduceOp::All => class == Class::Bool,
        ReduceOp::Lse => class == Class::Float,
        ReduceOp::ArgMax | ReduceOp::ArgMin => return is_real(class).then_some(DType::I64),
        ReduceOp::User(_) => user == Some(acc),
    };
    defined.then_some(acc)
}

/// Whether a literal is a value of a dtype: of its class, and integers in range.
#[must_use]
pub fn takes_literal(literal: Literal, dtype: DType) -> bool {
    match (literal, dtype.class()) {
        (Literal::Bool(_), Class::Bool) | (Literal::Float(_), Class::Float) | (Literal::Complex(..), Class::Complex) => true,
        (Literal::Int(n), Class::Signed) => {
            let half = 1i128 << (dtype.bits() - 1);
            (-half..half).contains(&n)
        }
        (Literal::Int(n), Class::Unsigned) => (0..1i128 << dtype.bits()).contains(&n),
        _ => false,
    }
}

const fn is_number(class: Class) -> bool {
    is_real(class) || matches!(class, Class::Complex)
}

const fn is_real(class: Class) -> bool {
    matches!(class, Class::Signed | Class::Unsigned | Class::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_differ_from_operands_where_the_language_says_so() {
        assert_eq!(unary_result(UnaryFn::Abs, DType::C128), DType::F64);
        assert_eq!(unary_result(UnaryFn::Cis, DType::F32), DType::C64);
        assert_eq!(binary_result(BinaryFn::Lt, DType::I32), DType::Bool);
        assert_eq!(reduce_result(ReduceOp::ArgMax, DType::F32, None), Some(DType::I64));
        assert_eq!(reduce_result(ReduceOp::Lse, DType::I32, None), None);
    }

    #[test]
    fn nothing_is_promoted() {
        for function in BinaryFn::ALL {
            assert!(!takes_binary(function, DType::F32, DType::F64), "{}", function.name());
        }
        assert!(takes_binary(BinaryFn::Shl, DType::I32, DType::I64));
        assert!(!takes_unary(UnaryFn::Powi(-1), DType::I64) && takes_unary(UnaryFn::Powi(-1), DType::F64));
    }

    #[test]
    fn literals_stay_in_range() {
        assert!(takes_literal(Literal::Int(-8), DType::I4) && !takes_literal(Literal::Int(8), DType::I4));
        assert!(takes_literal(Literal::Int(u64::MAX.into()), DType::U64) && !takes_literal(Literal::Int(-1), DType::U64));
        assert!(!takes_literal(Literal::Int(1), DType::F32));
    }
}

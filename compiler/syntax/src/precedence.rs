//! How tightly operators bind: one table for the parser and the printer.
//!
//! Loosest first: `or`; `and`; `not`; comparisons; `+ -`; `* / // %`; unary `-`; `^` (right-associative); `as`; subscripts.

use crate::ast::{BinaryOp, UnaryOp};

/// Power of `as`.
pub(crate) const CAST: u8 = 17;
/// Power of subscripts.
pub(crate) const SUBSCRIPT: u8 = 19;

/// Left and right power of an infix operator: an operand extends over operators of at least the power on its side.
pub(crate) const fn binary(op: BinaryOp) -> (u8, u8) {
    match op {
        BinaryOp::Or => (1, 2),
        BinaryOp::And => (3, 4),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => (7, 8),
        BinaryOp::Add | BinaryOp::Sub => (9, 10),
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem => (11, 12),
        BinaryOp::Pow => (15, 15),
    }
}

/// Power of a prefix operator over its operand.
pub(crate) const fn unary(op: UnaryOp) -> u8 {
    match op {
        UnaryOp::Not => 5,
        UnaryOp::Neg => 13,
    }
}

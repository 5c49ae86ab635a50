//! Zeros that the program says: `if ... else 0`, padding, diagonals. What they multiply is not computed.
//!
//! A value that an equation defines by cases is zero where the cases say so (section 12 of the language: such zeros are exact, whatever they
//! multiply). A contraction that reads it is also
//!
//! * `zero-range`: one over fewer positions, where an index alone decides; its result is padded where that was an index of the result,
//! * `diagonal-operand`: one with a label less, where two axes must be at one position,
//! * `zero-blocks`: a batch of smaller ones, where two axes must be in one block,
//! * `guard-zeros`: a nest that leaves out whatever a condition on positions excludes.
//!
//! The first three are products again, of which orders are searched; the last one comes after the orders. The price decides.

mod guard;
mod narrowing;
mod support;

pub(super) use guard::guard;
pub(super) use narrowing::narrow;
pub(crate) use support::{negated, zero_outside};

use ein_ir::dtype::DType;
use ein_ir::scalar::Literal;

fn number(n: i32, dtype: DType) -> Literal {
    match () {
        () if dtype.is_complex() => Literal::Complex(f64::from(n), 0.0),
        () if dtype.is_float() => Literal::Float(f64::from(n)),
        () => Literal::Int(n.into()),
    }
}

/// Equal as numbers: of zeros the sign does not matter.
pub(crate) fn is_same(a: Literal, b: Literal) -> bool {
    match (a, b) {
        (Literal::Complex(re, im), Literal::Complex(x, y)) => re == x && im == y,
        (Literal::Float(a), Literal::Float(b)) => a == b,
        _ => a == b,
    }
}

//! Signs and conjugates that cancel, and functions that do not see them.

use super::{Identity, binary, is_number, is_real, literal, small_without, take, unary};
use crate::faults::can_fail;
use ein_ir::dtype::DType;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Scalar, ScalarKind};

pub(super) const IDENTITIES: &[Identity] = &[
    Identity { name: "negative-of-negative", holds: is_number, simpler: |s| unary(unary(s, UnaryFn::Neg)?, UnaryFn::Neg).map(take) },
    Identity { name: "minus-negative", holds: is_number, simpler: minus_negative },
    Identity { name: "plus-negative", holds: is_number, simpler: plus_negative },
    Identity { name: "negative-plus", holds: is_number, simpler: negative_plus },
    Identity { name: "product-of-negatives", holds: is_number, simpler: |s| of_negatives(s, BinaryFn::Mul) },
    Identity { name: "quotient-of-negatives", holds: DType::is_float, simpler: |s| of_negatives(s, BinaryFn::Div) },
    Identity { name: "negative-of-difference", holds: DType::is_integer, simpler: negative_of_difference },
    Identity { name: "even-power-of-negative", holds: is_real, simpler: even_power_of_negative },
    Identity { name: "abs-of-negative", holds: is_signed, simpler: |s| without(s, UnaryFn::Abs, UnaryFn::Neg) },
    Identity { name: "abs-of-conj", holds: DType::is_complex, simpler: |s| without(s, UnaryFn::Abs, UnaryFn::Conj) },
    Identity { name: "real-of-conj", holds: DType::is_complex, simpler: |s| without(s, UnaryFn::Real, UnaryFn::Conj) },
    Identity { name: "abs-of-abs", holds: |dtype| is_real(dtype) && is_signed(dtype), simpler: |s| without(s, UnaryFn::Abs, UnaryFn::Abs) },
    Identity { name: "conj-of-conj", holds: DType::is_complex, simpler: |s| unary(unary(s, UnaryFn::Conj)?, UnaryFn::Conj).map(take) },
    Identity { name: "conj-of-real", holds: is_real, simpler: |s| unary(s, UnaryFn::Conj).map(take) },
    Identity { name: "real-of-real", holds: is_real, simpler: |s| unary(s, UnaryFn::Real).map(take) },
    Identity { name: "imag-of-real", holds: DType::is_float, simpler: |s| unary(s, UnaryFn::Imag).is_some().then(|| small_without(s, 0))? },
    Identity { name: "abs-of-unsigned", holds: is_unsigned, simpler: |s| unary(s, UnaryFn::Abs).map(take) },
    Identity { name: "nan-of-negative", holds: not_integer, simpler: |s| without(s, UnaryFn::IsNan, UnaryFn::Neg) },
    Identity { name: "finite-of-negative", holds: not_integer, simpler: |s| without(s, UnaryFn::IsFinite, UnaryFn::Neg) },
    Identity {
        name: "nan-of-integer",
        holds: DType::is_integer,
        simpler: |s| unary(s, UnaryFn::IsNan).is_some().then(|| truth(s, false))?,
    },
    Identity {
        name: "finite-of-integer",
        holds: DType::is_integer,
        simpler: |s| unary(s, UnaryFn::IsFinite).is_some().then(|| truth(s, true))?,
    },
];

const fn not_integer(dtype: DType) -> bool {
    dtype.is_float() || dtype.is_complex()
}

const fn is_unsigned(dtype: DType) -> bool {
    matches!(dtype.class(), ein_ir::dtype::Class::Unsigned)
}

/// Negatives of unsigned integers wrap.
const fn is_signed(dtype: DType) -> bool {
    is_number(dtype) && !is_unsigned(dtype)
}

fn truth(of: &Scalar, value: bool) -> Option<Scalar> {
    if can_fail(of) { None } else { literal(of, Value::Bool(value)) }
}

/// `outer(inner(x))` as `outer(x)`.
fn without(scalar: &mut Scalar, outer: UnaryFn, inner: UnaryFn) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    Some(Scalar::unary(outer, take(unary(unary(scalar, outer)?, inner)?), dtype, span))
}

fn minus_negative(scalar: &mut Scalar) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (a, b) = binary(scalar, BinaryFn::Sub)?;
    let b = take(unary(b, UnaryFn::Neg)?);
    Some(Scalar::binary(BinaryFn::Add, take(a), b, dtype, span))
}

fn plus_negative(scalar: &mut Scalar) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (a, b) = binary(scalar, BinaryFn::Add)?;
    let b = take(unary(b, UnaryFn::Neg)?);
    Some(Scalar::binary(BinaryFn::Sub, take(a), b, dtype, span))
}

fn negative_plus(scalar: &mut Scalar) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (a, b) = binary(scalar, BinaryFn::Add)?;
    let a = unary(a, UnaryFn::Neg).filter(|a| may_swap(a, b))?;
    Some(Scalar::binary(BinaryFn::Sub, take(b), take(a), dtype, span))
}

/// Of two operands that can end the program the first one does.
fn may_swap(a: &Scalar, b: &Scalar) -> bool {
    !can_fail(a) || !can_fail(b)
}

fn of_negatives(scalar: &mut Scalar, function: BinaryFn) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (a, b) = binary(scalar, function)?;
    let (a, b) = (unary(a, UnaryFn::Neg)?, unary(b, UnaryFn::Neg)?);
    Some(Scalar::binary(function, take(a), take(b), dtype, span))
}

/// Of floats `-(x - x)` is -0.
fn negative_of_difference(scalar: &mut Scalar) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (a, b) = binary(unary(scalar, UnaryFn::Neg)?, BinaryFn::Sub).filter(|(a, b)| may_swap(a, b))?;
    Some(Scalar::binary(BinaryFn::Sub, take(b), take(a), dtype, span))
}

/// Of complex numbers the zeros of the cube on the way to the sixth power have other signs.
fn even_power_of_negative(scalar: &mut Scalar) -> Option<Scalar> {
    let ScalarKind::Unary(UnaryFn::Powi(n), _) = scalar.kind else { return None };
    if n % 2 == 0 { without(scalar, UnaryFn::Powi(n), UnaryFn::Neg) } else { None }
}

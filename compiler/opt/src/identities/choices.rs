//! Choices that are made already: greatest and least, cases, rounding of what is whole.

use super::{Identity, beside, binary, is_false, is_real, is_true, literal, same, take, twice, unary, value};
use crate::faults::can_fail;
use ein_ir::dtype::{Class, DType};
use ein_ir::scalar::eval::eval_binary;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Scalar, ScalarKind};

pub(super) const IDENTITIES: &[Identity] = &[
    Identity { name: "max-of-itself", holds: is_real, simpler: |s| twice(s, BinaryFn::Max).map(take) },
    Identity { name: "min-of-itself", holds: is_real, simpler: |s| twice(s, BinaryFn::Min).map(take) },
    Identity { name: "max-with-least", holds: is_real, simpler: |s| beside(s, BinaryFn::Max, is_least).map(take) },
    Identity { name: "min-with-greatest", holds: is_real, simpler: |s| beside(s, BinaryFn::Min, is_greatest).map(take) },
    Identity { name: "max-of-max", holds: is_real, simpler: |s| with_literals(s, BinaryFn::Max) },
    Identity { name: "min-of-min", holds: is_real, simpler: |s| with_literals(s, BinaryFn::Min) },
    Identity { name: "relu-of-relu", holds: is_real, simpler: |s| unary(s, UnaryFn::Relu).filter(|a| is_positive(a)).map(take) },
    Identity { name: "round-of-whole", holds: is_real, simpler: round_of_whole },
    Identity { name: "if-known", holds: |dtype| matches!(dtype, DType::Bool), simpler: if_known },
    Identity { name: "if-not", holds: |dtype| matches!(dtype, DType::Bool), simpler: if_not },
    Identity { name: "if-alike", holds: |dtype| matches!(dtype, DType::Bool), simpler: if_alike },
    Identity { name: "if-as-truth", holds: |dtype| matches!(dtype, DType::Bool), simpler: if_as_truth },
];

fn is_least(scalar: &Scalar) -> bool {
    value(scalar).is_some_and(|value| Value::least(scalar.dtype) == Some(value))
}

fn is_greatest(scalar: &Scalar) -> bool {
    value(scalar).is_some_and(|value| Value::greatest(scalar.dtype) == Some(value))
}

/// `max(max(x, 1), 2)` as `max(x, 2)`.
fn with_literals(scalar: &mut Scalar, function: BinaryFn) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (a, b) = binary(scalar, function)?;
    let (inner, outer) = if value(b).is_some() { (a, b) } else { (b, a) };
    let outer = value(outer)?;
    let (x, own) = binary(inner, function)?;
    let (x, own) = if value(own).is_some() { (x, own) } else { (own, x) };
    let both = literal(own, eval_binary(function, value(own)?, outer).ok()?)?;
    Some(Scalar::binary(function, take(x), both, dtype, span))
}

/// Known to be NaN or at least +0; the absolute value of the least integer is negative.
const fn is_positive(scalar: &Scalar) -> bool {
    match &scalar.kind {
        ScalarKind::Unary(UnaryFn::Relu, _) => true,
        ScalarKind::Unary(UnaryFn::Abs, _) => scalar.dtype.is_float(),
        _ => matches!(scalar.dtype.class(), Class::Unsigned),
    }
}

fn round_of_whole(scalar: &mut Scalar) -> Option<Scalar> {
    match &mut scalar.kind {
        ScalarKind::Unary(UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc, a) if is_whole(a) => Some(take(a)),
        _ => None,
    }
}

/// Known to be whole, infinite or NaN.
fn is_whole(scalar: &Scalar) -> bool {
    match &scalar.kind {
        _ if scalar.dtype.is_integer() => true,
        ScalarKind::Unary(UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc, _) => true,
        ScalarKind::Cast(a) => a.dtype.is_integer(),
        _ => false,
    }
}

type Cases<'a> = (&'a mut Scalar, &'a mut Scalar, &'a mut Scalar);

fn cases(scalar: &mut Scalar) -> Option<Cases<'_>> {
    match &mut scalar.kind {
        ScalarKind::If(c, a, b) => Some((c, a, b)),
        _ => None,
    }
}

fn if_known(scalar: &mut Scalar) -> Option<Scalar> {
    let (c, a, b) = cases(scalar)?;
    Some(take(if value(c)?.as_bool()? { a } else { b }))
}

fn if_not(scalar: &mut Scalar) -> Option<Scalar> {
    let (dtype, span) = (scalar.dtype, scalar.span);
    let (c, a, b) = cases(scalar)?;
    let c = take(unary(c, UnaryFn::Not)?);
    Some(Scalar::new(ScalarKind::If(Box::new(c), Box::new(take(b)), Box::new(take(a))), dtype, span))
}

fn if_alike(scalar: &mut Scalar) -> Option<Scalar> {
    let (c, a, b) = cases(scalar)?;
    (same(a, b) && !can_fail(c)).then(|| take(a))
}

/// Truth values by cases: the condition itself, or one that is evaluated only where it matters.
fn if_as_truth(scalar: &mut Scalar) -> Option<Scalar> {
    let span = scalar.span;
    let (c, a, b) = cases(scalar)?;
    let joined = |function, c: &mut Scalar, other: &mut Scalar| Scalar::binary(function, take(c), take(other), DType::Bool, span);
    if is_true(a) && is_false(b) {
        Some(take(c))
    } else if is_false(a) && is_true(b) {
        Some(Scalar::unary(UnaryFn::Not, take(c), DType::Bool, span))
    } else if is_true(a) {
        Some(joined(BinaryFn::Or, c, b))
    } else if is_false(b) {
        Some(joined(BinaryFn::And, c, a))
    } else {
        None
    }
}

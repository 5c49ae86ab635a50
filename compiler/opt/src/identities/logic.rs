//! Truth values, comparisons and bits.

use super::{Identity, beside, is_false, is_true, is_zero, left_of, literal, right_of, same, small_without, take, twice, unary, value};
use crate::faults::can_fail;
use ein_ir::dtype::DType;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Scalar, ScalarKind};

pub(super) const IDENTITIES: &[Identity] = &[
    Identity { name: "not-not", holds: is_bool, simpler: |s| unary(unary(s, UnaryFn::Not)?, UnaryFn::Not).map(take) },
    Identity { name: "and-true", holds: is_bool, simpler: |s| beside(s, BinaryFn::And, is_true).map(take) },
    Identity { name: "or-false", holds: is_bool, simpler: |s| beside(s, BinaryFn::Or, is_false).map(take) },
    Identity { name: "and-false", holds: is_bool, simpler: |s| decided(s, BinaryFn::And, false) },
    Identity { name: "or-true", holds: is_bool, simpler: |s| decided(s, BinaryFn::Or, true) },
    Identity { name: "and-itself", holds: is_bool, simpler: |s| twice(s, BinaryFn::And).map(take) },
    Identity { name: "or-itself", holds: is_bool, simpler: |s| twice(s, BinaryFn::Or).map(take) },
    Identity { name: "is-true", holds: is_bool, simpler: |s| beside(s, BinaryFn::Eq, is_true).map(take) },
    Identity { name: "is-not-false", holds: is_bool, simpler: |s| beside(s, BinaryFn::Ne, is_false).map(take) },
    Identity { name: "is-false", holds: is_bool, simpler: |s| negated(beside(s, BinaryFn::Eq, is_false)) },
    Identity { name: "is-not-true", holds: is_bool, simpler: |s| negated(beside(s, BinaryFn::Ne, is_true)) },
    Identity { name: "xor-false", holds: is_bool, simpler: |s| beside(s, BinaryFn::Xor, is_false).map(take) },
    Identity { name: "xor-true", holds: is_bool, simpler: |s| negated(beside(s, BinaryFn::Xor, is_true)) },
    Identity { name: "not-of-comparison", holds: is_bool, simpler: not_of_comparison },
    Identity { name: "comparison-with-itself", holds: is_ordered, simpler: comparison_with_itself },
    Identity { name: "bitnot-bitnot", holds: DType::is_integer, simpler: |s| unary(unary(s, UnaryFn::BitNot)?, UnaryFn::BitNot).map(take) },
    Identity {
        name: "bits-with-themselves",
        holds: DType::is_integer,
        simpler: |s| [BinaryFn::BitAnd, BinaryFn::BitOr].into_iter().find_map(|f| twice(s, f).map(take)),
    },
    Identity { name: "bitor-zero", holds: DType::is_integer, simpler: |s| beside(s, BinaryFn::BitOr, is_zero).map(take) },
    Identity { name: "bitxor-zero", holds: DType::is_integer, simpler: |s| beside(s, BinaryFn::Xor, is_zero).map(take) },
    Identity {
        name: "bitand-zero",
        holds: DType::is_integer,
        simpler: |s| beside(s, BinaryFn::BitAnd, is_zero).is_some().then(|| small_without(s, 0))?,
    },
    Identity {
        name: "xor-itself",
        holds: |dtype| is_ordered(dtype),
        simpler: |s| twice(s, BinaryFn::Xor).is_some().then(|| small_without(s, 0))?,
    },
    Identity {
        name: "shift-by-zero",
        holds: DType::is_integer,
        simpler: |s| [BinaryFn::Shl, BinaryFn::Shr].into_iter().find_map(|f| left_of(s, f, is_zero).map(take)),
    },
];

const fn is_bool(dtype: DType) -> bool {
    matches!(dtype, DType::Bool)
}

/// Without values that are no number.
const fn is_ordered(dtype: DType) -> bool {
    is_bool(dtype) || dtype.is_integer()
}

fn negated(operand: Option<&mut Scalar>) -> Option<Scalar> {
    let operand = operand?;
    let span = operand.span;
    Some(Scalar::unary(UnaryFn::Not, take(operand), DType::Bool, span))
}

/// The left side decides before the right one is evaluated; the right one after the left.
fn decided(scalar: &mut Scalar, function: BinaryFn, by: bool) -> Option<Scalar> {
    let decides = |s: &Scalar| value(s) == Some(Value::Bool(by));
    let from_left = right_of(scalar, function, decides).is_some();
    let from_right = left_of(scalar, function, decides).is_some_and(|a| !can_fail(a));
    if from_left || from_right { literal(scalar, Value::Bool(by)) } else { None }
}

/// NaN is neither less than a number nor at least as great.
fn not_of_comparison(scalar: &mut Scalar) -> Option<Scalar> {
    let span = scalar.span;
    let ScalarKind::Binary(function, a, b) = &mut unary(scalar, UnaryFn::Not)?.kind else { return None };
    let opposite = match function {
        BinaryFn::Eq => BinaryFn::Ne,
        BinaryFn::Ne => BinaryFn::Eq,
        _ if !is_ordered(a.dtype) => return None,
        BinaryFn::Lt => BinaryFn::Ge,
        BinaryFn::Le => BinaryFn::Gt,
        BinaryFn::Gt => BinaryFn::Le,
        BinaryFn::Ge => BinaryFn::Lt,
        _ => return None,
    };
    Some(Scalar::binary(opposite, take(a), take(b), DType::Bool, span))
}

fn comparison_with_itself(scalar: &mut Scalar) -> Option<Scalar> {
    let ScalarKind::Binary(function, a, b) = &scalar.kind else { return None };
    let is_so = match function {
        BinaryFn::Eq | BinaryFn::Le | BinaryFn::Ge => true,
        BinaryFn::Ne | BinaryFn::Lt | BinaryFn::Gt => false,
        _ => return None,
    };
    if same(a, b) && !can_fail(a) { literal(scalar, Value::Bool(is_so)) } else { None }
}

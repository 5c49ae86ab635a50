//! Identities of scalar expressions that hold bit for bit, whatever the values are.
//!
//! A table of them by family; each names the types for which it is true, of floats with infinities, NaN (up to its sign and payload) and both
//! zeros. What regroups or rounds otherwise is no identity: sums and products are the business of the graph. Every rewriting leaves less
//! to do, so that they end, and none drops an operand that can end the program. What stands inside `keep` stays as written.

mod arithmetic;
mod casts;
mod choices;
mod logic;
mod signs;
#[cfg(test)]
mod tests;

use crate::draft::{DraftStep, Work};
use crate::rewrite::same;
use ein_ir::dtype::DType;
use ein_ir::scalar::eval::{cast, eval_binary, eval_unary};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;
use std::mem;

/// Two forms of an expression with one value.
struct Identity {
    /// As in the list of the rules.
    name: &'static str,
    /// Whether it is true of operands of this type; where they differ, that of the first.
    holds: fn(DType) -> bool,
    /// The simpler form, made of the operands of the other; `None`, and nothing changed, where the node has another form.
    simpler: fn(&mut Scalar) -> Option<Scalar>,
}

const LITERALS: &[Identity] = &[Identity { name: "of-literals", holds: |_| true, simpler: of_literals }];

/// Every identity, in the order in which they are tried.
const FAMILIES: [&[Identity]; 7] =
    [LITERALS, arithmetic::IDENTITIES, signs::IDENTITIES, choices::IDENTITIES, logic::IDENTITIES, casts::IDENTITIES, arithmetic::DIVISIONS];

/// Whether the graph looks at expressions afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    BeforeGraph,
    AfterFusion,
}

impl Stage {
    const fn families(self) -> &'static [&'static [Identity]] {
        match self {
            Stage::BeforeGraph => FAMILIES.split_at(FAMILIES.len() - 1).0,
            Stage::AfterFusion => &FAMILIES,
        }
    }
}

/// Simplifies every expression of the steps, of those in recurrences too.
pub(crate) fn apply(steps: &mut [DraftStep], stage: Stage) {
    for step in steps {
        match &mut step.work {
            Work::Nest(nest) => nest.visit_scalars_mut(&mut |scalar| simplify(scalar, stage)),
            Work::Scan(scan) => apply(&mut scan.body, stage),
            Work::Contraction(_) | Work::Library(_) => {}
        }
    }
}

fn simplify(scalar: &mut Scalar, stage: Stage) {
    if matches!(scalar.kind, ScalarKind::Unary(UnaryFn::Keep, _)) {
        return;
    }
    scalar.children_mut().into_iter().for_each(|child| simplify(child, stage));
    while let Some(simpler) = stage.families().iter().copied().flatten().find_map(|identity| identity.apply(scalar)) {
        *scalar = simpler;
    }
}

impl Identity {
    fn apply(&self, scalar: &mut Scalar) -> Option<Scalar> {
        let operand = scalar.children().first().map(|child| child.dtype)?;
        let simpler = if (self.holds)(operand) { (self.simpler)(scalar) } else { None }?;
        debug_assert_eq!(simpler.dtype, scalar.dtype, "{} keeps the type", self.name);
        Some(simpler)
    }
}

fn of_literals(scalar: &mut Scalar) -> Option<Scalar> {
    let result = match &scalar.kind {
        ScalarKind::Unary(function, a) => eval_unary(*function, value(a)?, scalar.dtype),
        ScalarKind::Binary(function, a, b) => eval_binary(*function, value(a)?, value(b)?).ok()?,
        ScalarKind::Cast(a) => cast(value(a)?, scalar.dtype),
        _ => return None,
    };
    literal(scalar, result)
}

const fn is_number(dtype: DType) -> bool {
    dtype.is_integer() || dtype.is_float() || dtype.is_complex()
}

const fn is_real(dtype: DType) -> bool {
    dtype.is_integer() || dtype.is_float()
}

/// The operand of a function of one value.
fn unary(scalar: &mut Scalar, function: UnaryFn) -> Option<&mut Scalar> {
    match &mut scalar.kind {
        ScalarKind::Unary(f, a) if *f == function => Some(a),
        _ => None,
    }
}

/// The operands of a function of two values.
fn binary(scalar: &mut Scalar, function: BinaryFn) -> Option<(&mut Scalar, &mut Scalar)> {
    match &mut scalar.kind {
        ScalarKind::Binary(f, a, b) if *f == function => Some((a, b)),
        _ => None,
    }
}

/// The left operand, if the right one is so.
fn left_of(scalar: &mut Scalar, function: BinaryFn, is_so: impl Fn(&Scalar) -> bool) -> Option<&mut Scalar> {
    let (a, b) = binary(scalar, function)?;
    is_so(b).then_some(a)
}

/// The right operand, if the left one is so.
fn right_of(scalar: &mut Scalar, function: BinaryFn, is_so: impl Fn(&Scalar) -> bool) -> Option<&mut Scalar> {
    let (a, b) = binary(scalar, function)?;
    is_so(a).then_some(b)
}

/// The other operand, if one is so.
fn beside(scalar: &mut Scalar, function: BinaryFn, is_so: impl Fn(&Scalar) -> bool) -> Option<&mut Scalar> {
    let (a, b) = binary(scalar, function)?;
    if is_so(b) {
        Some(a)
    } else if is_so(a) {
        Some(b)
    } else {
        None
    }
}

/// The left operand, if the right one is the same.
fn twice(scalar: &mut Scalar, function: BinaryFn) -> Option<&mut Scalar> {
    let (a, b) = binary(scalar, function)?;
    same(a, b).then_some(a)
}

/// Moves an operand out of a node that is about to be replaced.
fn take(operand: &mut Scalar) -> Scalar {
    mem::replace(operand, Scalar::literal(Literal::Bool(false), DType::Bool, Span::default()))
}

fn value(scalar: &Scalar) -> Option<Value> {
    match scalar.kind {
        ScalarKind::Literal(literal) => Some(Value::from_literal(literal, scalar.dtype)),
        _ => None,
    }
}

/// A value in the place of a node.
fn literal(of: &Scalar, value: Value) -> Option<Scalar> {
    Some(Scalar::literal(value.to_literal()?, value.dtype(), of.span))
}

/// A small integer in the place of a node without operands that can end the program.
fn small_without(of: &Scalar, n: i32) -> Option<Scalar> {
    if crate::faults::can_fail(of) { None } else { literal(of, Value::small(n, of.dtype)) }
}

fn is_small(scalar: &Scalar, n: i32) -> bool {
    value(scalar) == Some(Value::small(n, scalar.dtype))
}

fn is_one(scalar: &Scalar) -> bool {
    is_small(scalar, 1)
}

/// Zero, of floats the positive one.
fn is_zero(scalar: &Scalar) -> bool {
    is_small(scalar, 0)
}

fn is_true(scalar: &Scalar) -> bool {
    value(scalar) == Some(Value::Bool(true))
}

fn is_false(scalar: &Scalar) -> bool {
    value(scalar) == Some(Value::Bool(false))
}

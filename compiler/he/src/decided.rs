//! Functions with a kink where ranges say on which side of it their argument is: there they are sums and products. Choices and guards of which
//! ranges say that they always hold, or never, are none.

use crate::read::{Reader, Scope, is_number, number};
use ein_ir::dtype::DType;
use ein_ir::range::Range;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Literal, Scalar, ScalarKind};

impl Reader<'_> {
    /// Whether a condition always holds where a value is read, and whether it never does.
    pub(crate) fn truth(&self, condition: &Scalar, scope: &Scope) -> (bool, bool) {
        if !self.is_of_module(condition) || !scope.conditions.iter().all(|condition| self.is_of_module(condition)) {
            return (false, false);
        }
        self.ranges.truth_where(self.module, condition, &scope.conditions)
    }

    /// The value that a choice always is, or what a comparison always is as a number.
    fn settled(&self, scalar: &Scalar, scope: &Scope) -> Option<Scalar> {
        let one = |truth: bool| {
            let literal = if scalar.dtype.is_float() { Literal::Float(truth.into()) } else { Literal::Int(truth.into()) };
            Scalar::literal(literal, scalar.dtype, scalar.span)
        };
        let (condition, yes, no) = match &scalar.kind {
            ScalarKind::If(condition, yes, no) => (condition, Scalar::clone(yes), Scalar::clone(no)),
            ScalarKind::Cast(condition) if condition.dtype == DType::Bool && is_number(scalar.dtype) => (condition, one(true), one(false)),
            _ => return None,
        };
        match self.truth(condition, scope) {
            (true, _) => Some(yes),
            (_, true) => Some(no),
            _ => None,
        }
    }

    /// What a choice always is, and what a `max`, `min`, `relu`, `abs` or `sign` is on one side of its kink, if it never is on the other one.
    pub(crate) fn decided(&self, scalar: &Scalar, scope: &Scope) -> Option<Scalar> {
        if let Some(settled) = self.settled(scalar, scope) {
            return Some(settled);
        }
        if !scalar.dtype.is_float() {
            return None;
        }
        let constant = |number: f64| Scalar::literal(Literal::Float(number), scalar.dtype, scalar.span);
        let negated = |a: &Scalar| Scalar::unary(UnaryFn::Neg, a.clone(), scalar.dtype, scalar.span);
        match &scalar.kind {
            ScalarKind::Unary(function @ (UnaryFn::Relu | UnaryFn::Abs | UnaryFn::Sign), a) => {
                let (lo, hi) = self.finite_range(a, scope)?;
                match (function, lo, hi) {
                    (UnaryFn::Relu | UnaryFn::Abs, lo, _) if lo >= 0.0 => Some(Scalar::clone(a)),
                    (UnaryFn::Relu, _, hi) if hi <= 0.0 => Some(constant(0.0)),
                    (UnaryFn::Abs, _, hi) if hi <= 0.0 => Some(negated(a)),
                    (UnaryFn::Sign, lo, _) if lo > 0.0 => Some(constant(1.0)),
                    (UnaryFn::Sign, _, hi) if hi < 0.0 => Some(constant(-1.0)),
                    _ => None,
                }
            }
            ScalarKind::Binary(op @ (BinaryFn::Max | BinaryFn::Min), a, b) => {
                let (a_lo, a_hi) = self.ends(a, scope)?;
                let (b_lo, b_hi) = self.ends(b, scope)?;
                let is_max = *op == BinaryFn::Max;
                match () {
                    () if a_lo >= b_hi => Some(Scalar::clone(if is_max { a } else { b })),
                    () if b_lo >= a_hi => Some(Scalar::clone(if is_max { b } else { a })),
                    () => None,
                }
            }
            _ => None,
        }
    }

    /// Between which numbers a value lies; a literal may be no finite one.
    fn ends(&self, value: &Scalar, scope: &Scope) -> Option<(f64, f64)> {
        match &value.kind {
            ScalarKind::Literal(literal) => number(*literal).filter(|number| !number.is_nan()).map(|number| (number, number)),
            _ => match self.lies_in(value, scope) {
                Range::Real(lo, hi) if lo.is_finite() && hi.is_finite() => Some((lo, hi)),
                _ => None,
            },
        }
    }
}

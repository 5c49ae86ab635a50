//! What is known of conditions where code is emitted: from the ranges of the axes, loop bounds and branches taken.

use super::Emitter;
use crate::affine::Affine;
use crate::graph::{ValueId, ValueOp};
use ein_ir::kernel::{BinaryOp, ScalarType, UnaryOp};

impl Emitter<'_> {
    /// A form is at least 0 from here to the end of the block.
    pub(crate) fn learn(&mut self, form: Affine) {
        self.truths.push(form);
    }

    /// Every form is at least 0 from here to the end of the block.
    pub(crate) fn learn_all(&mut self, forms: &[Affine]) {
        self.truths.extend_from_slice(forms);
    }

    /// Whether a form is at least 0, if that is known.
    pub(crate) fn decide(&self, form: &Affine) -> Option<bool> {
        if self.proves(form) {
            return Some(true);
        }
        self.proves(&form.negated()).then_some(false)
    }

    /// Whether a form is known to be at least 0: for all values of the axes, or because a form that differs by a constant is, or
    /// because it is whatever the reduced axes are.
    fn proves(&self, form: &Affine) -> bool {
        if self.least(form) >= 0 {
            return true;
        }
        let follows = |form: &Affine| self.truths.iter().any(|known| known.terms == form.terms && form.constant >= known.constant);
        follows(form) || (!self.truths.is_empty() && follows(&form.minimise(self.problem.reduced(), &self.problem.axes)))
    }

    /// The least value of a form, axes that stand for constants being those.
    fn least(&self, form: &Affine) -> i64 {
        form.terms.iter().fold(form.constant, |sum, &(axis, c)| {
            let term = match self.constant_at(axis) {
                Some(at) => c.saturating_mul(at),
                None => c.saturating_mul(self.problem.axes[axis].extent - 1).min(0),
            };
            sum.saturating_add(term)
        })
    }

    /// The value of a condition, if it is known.
    pub(crate) fn truth(&self, condition: ValueId) -> Option<bool> {
        let value = &self.problem.graph[condition];
        match &value.op {
            ValueOp::Const(b) => Some(*b != 0),
            ValueOp::Holds { form, .. } => self.decide(form),
            ValueOp::Unary(UnaryOp::Not, a) => self.truth(*a).map(|b| !b),
            ValueOp::Binary(BinaryOp::And, a, b) => match (self.truth(*a), self.truth(*b)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            ValueOp::Binary(BinaryOp::Or, a, b) => match (self.truth(*a), self.truth(*b)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value that this one comes to, given what is known.
    pub(crate) fn simplify(&self, id: ValueId) -> ValueId {
        let value = &self.problem.graph[id];
        let simpler = match value.op {
            ValueOp::Select(c, a, b) => self.truth(c).map(|c| if c { a } else { b }),
            ValueOp::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) if value.ty == ScalarType::Bool => {
                let neutral = op == BinaryOp::And;
                match (self.truth(a), self.truth(b)) {
                    (Some(x), _) => Some(if x == neutral { b } else { a }),
                    (_, Some(x)) => Some(if x == neutral { a } else { b }),
                    _ => None,
                }
            }
            _ => None,
        };
        simpler.map_or(id, |id| self.simplify(id))
    }

    /// Learns what a condition implies where it is true.
    pub(crate) fn learn_condition(&mut self, condition: ValueId) {
        match &self.problem.graph[condition].op {
            ValueOp::Holds { form, .. } => self.learn(form.clone()),
            ValueOp::Binary(BinaryOp::And, a, b) => {
                self.learn_condition(*a);
                self.learn_condition(*b);
            }
            ValueOp::Unary(UnaryOp::Not, a) => self.learn_failure(*a),
            _ => {}
        }
    }

    /// Learns what a condition implies where it is false.
    pub(crate) fn learn_failure(&mut self, condition: ValueId) {
        match &self.problem.graph[condition].op {
            ValueOp::Holds { form, .. } => self.learn(form.negated()),
            ValueOp::Binary(BinaryOp::Or, a, b) => {
                self.learn_failure(*a);
                self.learn_failure(*b);
            }
            ValueOp::Unary(UnaryOp::Not, a) => self.learn_condition(*a),
            _ => {}
        }
    }
}

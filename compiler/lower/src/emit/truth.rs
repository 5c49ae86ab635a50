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

    /// Whether a form is at least 0, if that is known.
    pub(crate) fn decide(&self, form: &Affine) -> Option<bool> {
        let (lo, hi) = form.range(&self.problem.axes);
        if lo >= 0 || hi < 0 {
            return Some(lo >= 0);
        }
        let opposite = form.scale(-1);
        self.truths.iter().find_map(|known| {
            if known.terms == form.terms && form.constant >= known.constant {
                return Some(true);
            }
            // known >= 0 bounds the form from above by form.constant + known.constant.
            (known.terms == opposite.terms && form.constant.saturating_add(known.constant) < 0).then_some(false)
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

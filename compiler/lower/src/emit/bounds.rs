//! Linear conditions as bounds of loops.

use super::Emitter;
use crate::affine::{Affine, Axis, floor_div};
use ein_ir::entity::Local;
use ein_ir::kernel::{BinaryOp, Comparison, Op, Operand, Type};

/// Where a condition holds along an axis: from, or up to (not including), a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edge {
    From(Operand),
    Until(Operand),
}

impl Emitter<'_> {
    /// The values of an axis in `range` that satisfy the constraints on it and bound axes alone; they are known inside then.
    ///
    /// Constraints that also need axes not bound yet are left for their loops.
    pub(crate) fn restrict(&mut self, axis: Axis, range: (Operand, Operand), constraints: &[Affine]) -> ((Operand, Operand), Vec<Affine>) {
        let (mut lo, mut hi) = range;
        let mut learnt = Vec::new();
        for form in constraints {
            let ready = form.terms.iter().all(|(a, _)| *a == axis || self.is_bound(*a));
            if form.coefficient(axis) == 0 || !ready || self.decide(form) == Some(true) {
                continue;
            }
            if self.decide(form) == Some(false) {
                return ((Operand::Const(0), Operand::Const(0)), Vec::new());
            }
            match self.edge(form, axis) {
                Edge::From(from) => lo = self.arithmetic(BinaryOp::Max, lo, from),
                Edge::Until(until) => hi = self.arithmetic(BinaryOp::Min, hi, until),
            }
            learnt.push(form.clone());
        }
        ((lo, hi), learnt)
    }

    /// `body` where those constraints hold that no loop can take, all their axes being bound already. They are known in it.
    pub(crate) fn where_settled(&mut self, constraints: &[Affine], body: impl FnOnce(&mut Self)) {
        let settled = constraints.iter().filter(|form| form.terms.iter().all(|(axis, _)| self.is_bound(*axis)));
        let undecided: Vec<Affine> = settled.filter(|form| self.decide(form) != Some(true)).cloned().collect();
        if undecided.iter().any(|form| self.decide(form) == Some(false)) {
            return;
        }
        let Some(condition) = self.all_hold(&undecided) else { return body(self) };
        self.emit_if(
            condition,
            |e| {
                e.learn_all(&undecided);
                body(e);
            },
            |_| {},
        );
    }

    /// Whether all of some constraints hold, if there are any.
    fn all_hold(&mut self, constraints: &[Affine]) -> Option<Local> {
        constraints.iter().fold(None, |all, form| {
            let value = self.form(form);
            let (value, zero) = (self.operand_local(value), self.int(0));
            let holds = self.set(Type::BOOL, Op::Compare(Comparison::Ge, value, zero));
            Some(match all {
                None => holds,
                Some(all) => self.set(Type::BOOL, Op::Binary(BinaryOp::And, all, holds)),
            })
        })
    }

    /// Where `form >= 0` along an axis, all its other axes being bound.
    pub(crate) fn edge(&mut self, form: &Affine, axis: Axis) -> Edge {
        let k = form.coefficient(axis);
        let rest = form.without(axis);
        if k > 0 {
            // axis >= ceil(-rest / k) = floor((k - 1 - rest) / k)
            let numerator = self.form(&rest.scale(-1).plus(k - 1));
            Edge::From(self.floor_quotient(numerator, k))
        } else {
            let numerator = self.form(&rest);
            let last = self.floor_quotient(numerator, -k);
            Edge::Until(self.arithmetic(BinaryOp::Add, last, Operand::Const(1)))
        }
    }

    /// Floor quotient by a positive constant.
    fn floor_quotient(&mut self, a: Operand, b: i64) -> Operand {
        let a = match a {
            _ if b == 1 => return a,
            Operand::Const(a) => return Operand::Const(floor_div(a, b)),
            Operand::Local(a) => a,
        };
        if b.count_ones() == 1 {
            let amount = self.int(i64::from(b.trailing_zeros()));
            return Operand::Local(self.index(Op::Binary(BinaryOp::SShr, a, amount)));
        }
        let (b, zero, one) = (self.int(b), self.int(0), self.int(1));
        let quotient = self.index(Op::Binary(BinaryOp::SDiv, a, b));
        let remainder = self.index(Op::Binary(BinaryOp::SRem, a, b));
        let negative = self.set(Type::BOOL, Op::Compare(Comparison::Lt, remainder, zero));
        let below = self.index(Op::Binary(BinaryOp::Sub, quotient, one));
        Operand::Local(self.index(Op::Select(negative, below, quotient)))
    }

    /// All values of an axis.
    pub(crate) fn whole(&self, axis: Axis) -> (Operand, Operand) {
        (Operand::Const(0), Operand::Const(self.problem.axes[axis].extent))
    }
}

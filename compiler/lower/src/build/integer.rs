//! Functions of integers: they wrap, `//` and `%` floor.

use super::{Builder, comparison};
use crate::graph::{Graph, ValueId, ValueOp};
use ein_ir::dtype::{Class, DType};
use ein_ir::kernel::{BinaryOp, Comparison, Conversion, ScalarType, UnaryOp};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};

fn is_signed(dtype: DType) -> bool {
    dtype.class() == Class::Signed
}

impl Builder<'_> {
    /// A function of an integer; `None` if it has no meaning there.
    pub(super) fn integer_unary(&mut self, function: UnaryFn, x: ValueId, dtype: DType) -> Option<ValueId> {
        let g = &mut self.graph;
        let ty = g[x].ty;
        let (zero, one) = (g.integer(0, ty), g.integer(1, ty));
        Some(match function {
            UnaryFn::Neg => g.unary(UnaryOp::Neg, x),
            UnaryFn::BitNot => g.unary(UnaryOp::Not, x),
            UnaryFn::Popcount => g.unary(UnaryOp::Popcount, x),
            UnaryFn::Abs if is_signed(dtype) => g.unary(UnaryOp::Abs, x),
            UnaryFn::Relu if is_signed(dtype) => g.binary(BinaryOp::Max, x, zero),
            UnaryFn::Sign if is_signed(dtype) => {
                let (negative, positive) = (g.compare(Comparison::Lt, x, zero), g.compare(Comparison::Gt, x, zero));
                let minus = g.integer(-1, ty);
                let rest = g.select(negative, minus, zero);
                g.select(positive, one, rest)
            }
            UnaryFn::Sign => {
                let some = g.compare(Comparison::Ne, x, zero);
                g.select(some, one, zero)
            }
            UnaryFn::Abs | UnaryFn::Relu | UnaryFn::Conj | UnaryFn::Real => x,
            UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc => x,
            UnaryFn::IsNan => g.boolean(false),
            UnaryFn::IsFinite => g.boolean(true),
            UnaryFn::Powi(n) if n >= 0 => g.power(x, n.unsigned_abs(), one, &mut |g, a, b| g.binary(BinaryOp::Mul, a, b)),
            _ => return None,
        })
    }

    /// A function of two integers, a divisor being tested already; `None` if it has no meaning there.
    pub(super) fn integer_binary(&mut self, function: BinaryFn, a: ValueId, b: ValueId, dtype: DType, rhs: DType) -> Option<ValueId> {
        let signed = is_signed(dtype);
        if let Some(comparison) = comparison(function) {
            return Some(self.graph.compare(of_signedness(comparison, signed), a, b));
        }
        let pick = |s, u| if signed { s } else { u };
        let g = &mut self.graph;
        Some(match function {
            BinaryFn::Add => g.binary(BinaryOp::Add, a, b),
            BinaryFn::Sub => g.binary(BinaryOp::Sub, a, b),
            BinaryFn::Mul => g.binary(BinaryOp::Mul, a, b),
            BinaryFn::BitAnd => g.binary(BinaryOp::And, a, b),
            BinaryFn::BitOr => g.binary(BinaryOp::Or, a, b),
            BinaryFn::Xor => g.binary(BinaryOp::Xor, a, b),
            BinaryFn::Max => g.binary(pick(BinaryOp::Max, BinaryOp::UMax), a, b),
            BinaryFn::Min => g.binary(pick(BinaryOp::Min, BinaryOp::UMin), a, b),
            BinaryFn::FloorDiv if signed => g.floor_div(a, b),
            BinaryFn::Rem if signed => g.floor_rem(a, b),
            BinaryFn::FloorDiv => g.binary(BinaryOp::UDiv, a, b),
            BinaryFn::Rem => g.binary(BinaryOp::URem, a, b),
            BinaryFn::Shl | BinaryFn::Shr => {
                let amount = self.shift_amount(b, rhs, dtype);
                let op = if function == BinaryFn::Shl { BinaryOp::Shl } else { pick(BinaryOp::SShr, BinaryOp::UShr) };
                self.graph.binary(op, a, amount)
            }
            _ => return None,
        })
    }

    /// The amount modulo the number of bits, a power of two: so the low bits decide.
    fn shift_amount(&mut self, amount: ValueId, from: DType, to: DType) -> ValueId {
        let amount = self.cast(super::Parts::One(amount), from, to).one();
        let ty = self.graph[amount].ty;
        let mask = self.graph.integer(i64::from(to.bits()) - 1, ty);
        self.graph.binary(BinaryOp::And, amount, mask)
    }
}

/// The comparison of the signedness.
fn of_signedness(comparison: Comparison, signed: bool) -> Comparison {
    match comparison {
        _ if signed => comparison,
        Comparison::Lt => Comparison::ULt,
        Comparison::Le => Comparison::ULe,
        Comparison::Gt => Comparison::UGt,
        Comparison::Ge => Comparison::UGe,
        other => other,
    }
}

impl Graph {
    fn constant_of(&self, id: ValueId) -> Option<i64> {
        match self[id].op {
            ValueOp::Const(n) => Some(n),
            _ => None,
        }
    }

    /// Floor quotient of signed integers, divisor not 0.
    pub(crate) fn floor_div(&mut self, a: ValueId, b: ValueId) -> ValueId {
        if let Some(n) = self.constant_of(b).filter(|n| *n > 0 && n.count_ones() == 1) {
            let ty = self[a].ty;
            let amount = self.integer(i64::from(n.trailing_zeros()), ty);
            return self.binary(BinaryOp::SShr, a, amount);
        }
        let quotient = self.binary(BinaryOp::SDiv, a, b);
        let one = self.integer(1, self[a].ty);
        let below = self.binary(BinaryOp::Sub, quotient, one);
        let rounded_up = self.truncation_differs(a, b);
        self.select(rounded_up, below, quotient)
    }

    /// Floor remainder of signed integers, divisor not 0.
    pub(crate) fn floor_rem(&mut self, a: ValueId, b: ValueId) -> ValueId {
        if let Some(n) = self.constant_of(b).filter(|n| *n > 0 && n.count_ones() == 1) {
            let mask = self.integer(n - 1, self[a].ty);
            return self.binary(BinaryOp::And, a, mask);
        }
        let remainder = self.binary(BinaryOp::SRem, a, b);
        let corrected = self.binary(BinaryOp::Add, remainder, b);
        let differs = self.truncation_differs(a, b);
        self.select(differs, corrected, remainder)
    }

    /// Whether the truncated quotient is above the floor: a remainder whose sign is not the divisor's.
    fn truncation_differs(&mut self, a: ValueId, b: ValueId) -> ValueId {
        let ty = self[a].ty;
        let zero = self.integer(0, ty);
        let remainder = self.binary(BinaryOp::SRem, a, b);
        if self.constant_of(b).is_some_and(|n| n > 0) {
            return self.compare(Comparison::Lt, remainder, zero);
        }
        let signs = self.binary(BinaryOp::Xor, remainder, b);
        let opposite = self.compare(Comparison::Lt, signs, zero);
        let some = self.compare(Comparison::Ne, remainder, zero);
        self.and(opposite, some)
    }

    /// An i64 from an integer of this dtype.
    pub(crate) fn widen(&mut self, x: ValueId, dtype: DType) -> ValueId {
        if self[x].ty == ScalarType::I64 {
            return x;
        }
        let op = if is_signed(dtype) { Conversion::SignExtend } else { Conversion::ZeroExtend };
        self.convert(op, x, ScalarType::I64)
    }
}

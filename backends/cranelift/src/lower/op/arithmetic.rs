//! Functions of one and two values.

use super::super::{Lowering, clif_type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use ein_ir::entity::Local;
use ein_ir::kernel::{BinaryOp, ScalarType, Type, UnaryOp};

impl Lowering<'_> {
    pub(super) fn unary(&mut self, f: UnaryOp, ty: Type, a: Value) -> Value {
        let float = ty.scalar.is_float();
        match f {
            UnaryOp::Neg if float => self.builder.ins().fneg(a),
            UnaryOp::Neg => self.builder.ins().ineg(a),
            UnaryOp::Not if ty == Type::BOOL => self.builder.ins().bxor_imm_u(a, 1),
            UnaryOp::Not => self.builder.ins().bnot(a),
            UnaryOp::Abs if float => self.builder.ins().fabs(a),
            UnaryOp::Abs => self.builder.ins().iabs(a),
            UnaryOp::Sqrt => self.builder.ins().sqrt(a),
            UnaryOp::Floor => self.builder.ins().floor(a),
            UnaryOp::Ceil => self.builder.ins().ceil(a),
            UnaryOp::Nearest => self.builder.ins().nearest(a),
            UnaryOp::Trunc => self.builder.ins().trunc(a),
            UnaryOp::Popcount if ty.lanes > 1 => self.per_lane(ty, &[a], &mut |ctx, lane| ctx.builder.ins().popcnt(lane[0])),
            UnaryOp::Popcount => self.popcount(ty.scalar, a),
        }
    }

    fn popcount(&mut self, scalar: ScalarType, a: Value) -> Value {
        if scalar.bytes() >= 4 {
            return self.builder.ins().popcnt(a);
        }
        // Narrow registers have no such instruction.
        let wide = self.builder.ins().uextend(types::I32, a);
        let count = self.builder.ins().popcnt(wide);
        self.builder.ins().ireduce(clif_type(Type::scalar(scalar)), count)
    }

    pub(super) fn binary(&mut self, f: BinaryOp, ty: Type, a: Local, b: Local) -> Value {
        let divisor = self.facts.constant(b);
        let (a, b) = (self.get(a), self.get(b));
        if ty.scalar.is_float() {
            return self.binary_float(f, a, b);
        }
        match f {
            BinaryOp::Add => self.builder.ins().iadd(a, b),
            BinaryOp::Sub => self.builder.ins().isub(a, b),
            BinaryOp::Mul => self.builder.ins().imul(a, b),
            BinaryOp::And => self.builder.ins().band(a, b),
            BinaryOp::Or => self.builder.ins().bor(a, b),
            BinaryOp::Xor => self.builder.ins().bxor(a, b),
            BinaryOp::Div | BinaryOp::SDiv | BinaryOp::SRem | BinaryOp::UDiv | BinaryOp::URem if ty.lanes > 1 => {
                self.per_lane(ty, &[a, b], &mut |ctx, lane| ctx.divide(f, lane[0], lane[1], divisor))
            }
            BinaryOp::Div | BinaryOp::SDiv | BinaryOp::SRem | BinaryOp::UDiv | BinaryOp::URem => self.divide(f, a, b, divisor),
            BinaryOp::Min => self.choose(IntCC::SignedLessThan, ty, a, b),
            BinaryOp::Max => self.choose(IntCC::SignedGreaterThan, ty, a, b),
            BinaryOp::UMin => self.choose(IntCC::UnsignedLessThan, ty, a, b),
            BinaryOp::UMax => self.choose(IntCC::UnsignedGreaterThan, ty, a, b),
            // An instruction shifts all lanes by one amount; here each has its own.
            BinaryOp::Shl | BinaryOp::SShr | BinaryOp::UShr if ty.lanes > 1 => match divisor {
                Some(amount) => {
                    let amount = self.builder.ins().iconst(types::I32, amount & 63);
                    self.shift(f, a, amount)
                }
                None => self.per_lane(ty, &[a, b], &mut |ctx, lane| ctx.shift(f, lane[0], lane[1])),
            },
            BinaryOp::Shl | BinaryOp::SShr | BinaryOp::UShr => self.shift(f, a, b),
        }
    }

    fn binary_float(&mut self, f: BinaryOp, a: Value, b: Value) -> Value {
        match f {
            BinaryOp::Add => self.builder.ins().fadd(a, b),
            BinaryOp::Sub => self.builder.ins().fsub(a, b),
            BinaryOp::Mul => self.builder.ins().fmul(a, b),
            BinaryOp::Min | BinaryOp::UMin => self.builder.ins().fmin(a, b),
            BinaryOp::Max | BinaryOp::UMax => self.builder.ins().fmax(a, b),
            // The verifier lets no integer function through; a quotient is what is left.
            BinaryOp::Div
            | BinaryOp::SDiv
            | BinaryOp::SRem
            | BinaryOp::UDiv
            | BinaryOp::URem
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Xor
            | BinaryOp::Shl
            | BinaryOp::SShr
            | BinaryOp::UShr => self.builder.ins().fdiv(a, b),
        }
    }

    fn shift(&mut self, f: BinaryOp, a: Value, amount: Value) -> Value {
        match f {
            BinaryOp::Shl => self.builder.ins().ishl(a, amount),
            BinaryOp::SShr => self.builder.ins().sshr(a, amount),
            _ => self.builder.ins().ushr(a, amount),
        }
    }

    /// The one of two integers that the condition says.
    fn choose(&mut self, condition: IntCC, ty: Type, a: Value, b: Value) -> Value {
        if ty.lanes == 1 {
            let first = self.builder.ins().icmp(condition, a, b);
            return self.builder.ins().select(first, a, b);
        }
        if ty.lanes == 2 {
            let first = self.compare_lanes(condition, ty.lanes, a, b);
            return self.builder.ins().bitselect(first, a, b);
        }
        match condition {
            IntCC::SignedLessThan => self.builder.ins().smin(a, b),
            IntCC::SignedGreaterThan => self.builder.ins().smax(a, b),
            IntCC::UnsignedLessThan => self.builder.ins().umin(a, b),
            _ => self.builder.ins().umax(a, b),
        }
    }

    /// Integer division of scalars. CLIF's traps on a zero divisor and on the least number by -1, and code must not: the divisor is
    /// replaced by 1 there, which a known divisor does not need.
    fn divide(&mut self, f: BinaryOp, a: Value, b: Value, divisor: Option<i64>) -> Value {
        let signed = matches!(f, BinaryOp::Div | BinaryOp::SDiv | BinaryOp::SRem);
        let safe = match divisor {
            Some(0) => self.guarded(b, signed),
            Some(-1) if signed => self.guarded(b, signed),
            Some(_) => b,
            None => self.guarded(b, signed),
        };
        match f {
            BinaryOp::SRem => self.builder.ins().srem(a, safe),
            BinaryOp::UDiv => self.builder.ins().udiv(a, safe),
            BinaryOp::URem => self.builder.ins().urem(a, safe),
            _ if safe == b => self.builder.ins().sdiv(a, b),
            _ => {
                let quotient = self.builder.ins().sdiv(a, safe);
                let negated = self.builder.ins().ineg(a);
                let by_minus_one = self.builder.ins().icmp_imm_s(IntCC::Equal, b, -1);
                self.builder.ins().select(by_minus_one, negated, quotient)
            }
        }
    }

    /// The divisor, or 1 where it is 0 or, in a signed division, -1.
    fn guarded(&mut self, b: Value, signed: bool) -> Value {
        let ty = self.builder.func.dfg.value_type(b);
        let one = self.builder.ins().iconst(ty, 1);
        if signed {
            // -1 and 0 are the two numbers whose successor is at most 1 as an unsigned one.
            let next = self.builder.ins().iadd(b, one);
            let bad = self.builder.ins().icmp(IntCC::UnsignedLessThanOrEqual, next, one);
            return self.builder.ins().select(bad, one, b);
        }
        let zero = self.builder.ins().icmp_imm_u(IntCC::Equal, b, 0);
        self.builder.ins().select(zero, one, b)
    }
}

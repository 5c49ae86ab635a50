//! Conversions.

use super::super::{Lowering, clif_type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use ein_ir::kernel::{Conversion, ScalarType, Type};

impl Lowering<'_> {
    pub(super) fn convert(&mut self, conversion: Conversion, from: Type, to: Type, a: Value) -> Value {
        if to.lanes > 1 { self.convert_lanes(conversion, from, to, a) } else { self.convert_scalar(conversion, from.scalar, to.scalar, a) }
    }

    fn convert_scalar(&mut self, conversion: Conversion, from: ScalarType, to: ScalarType, a: Value) -> Value {
        let (source, target) = (clif_type(Type::scalar(from)), clif_type(Type::scalar(to)));
        match conversion {
            Conversion::SignExtend | Conversion::ZeroExtend | Conversion::Wrap if source == target => a,
            Conversion::SignExtend => self.builder.ins().sextend(target, a),
            Conversion::ZeroExtend => self.builder.ins().uextend(target, a),
            Conversion::Wrap => self.builder.ins().ireduce(target, a),
            Conversion::SignedToFloat => {
                let a = if source.bits() < 32 { self.builder.ins().sextend(types::I32, a) } else { a };
                self.builder.ins().fcvt_from_sint(target, a)
            }
            Conversion::UnsignedToFloat => self.unsigned_to_float(source, target, a),
            Conversion::FloatToSigned => self.float_to_signed(target, a),
            Conversion::FloatToUnsigned => self.float_to_unsigned(target, a),
            Conversion::FloatToFloat => match (source, target) {
                (types::F32, types::F64) => self.builder.ins().fpromote(types::F64, a),
                (types::F64, types::F32) => self.builder.ins().fdemote(types::F32, a),
                _ => a,
            },
            Conversion::Decode(small) => self.decode(small, a),
            Conversion::Encode(small) => self.encode(small, a),
        }
    }

    /// Through the next wider signed integer, where there is one: that is one instruction.
    fn unsigned_to_float(&mut self, source: types::Type, target: types::Type, a: Value) -> Value {
        let wide = match source.bits() {
            8 | 16 => types::I32,
            32 => types::I64,
            _ => return self.builder.ins().fcvt_from_uint(target, a),
        };
        let wide = self.builder.ins().uextend(wide, a);
        self.builder.ins().fcvt_from_sint(target, wide)
    }

    fn float_to_signed(&mut self, target: types::Type, a: Value) -> Value {
        if target.bits() >= 32 {
            return self.builder.ins().fcvt_to_sint_sat(target, a);
        }
        let wide = self.builder.ins().fcvt_to_sint_sat(types::I32, a);
        let most = (1 << (target.bits() - 1)) - 1;
        let capped = self.bound(wide, IntCC::SignedLessThan, most);
        let clamped = self.bound(capped, IntCC::SignedGreaterThan, -most - 1);
        self.builder.ins().ireduce(target, clamped)
    }

    fn float_to_unsigned(&mut self, target: types::Type, a: Value) -> Value {
        if target.bits() >= 32 {
            return self.builder.ins().fcvt_to_uint_sat(target, a);
        }
        let wide = self.builder.ins().fcvt_to_uint_sat(types::I32, a);
        let capped = self.bound(wide, IntCC::UnsignedLessThan, (1 << target.bits()) - 1);
        self.builder.ins().ireduce(target, capped)
    }

    /// The I32 `a` if the condition holds between it and `limit`, else `limit`.
    fn bound(&mut self, a: Value, condition: IntCC, limit: i64) -> Value {
        let limit = self.integer(types::I32, limit);
        let within = self.builder.ins().icmp(condition, a, limit);
        self.builder.ins().select(within, a, limit)
    }

    fn convert_lanes(&mut self, conversion: Conversion, from: Type, to: Type, a: Value) -> Value {
        let target = clif_type(to);
        match conversion {
            // A mask, the one type with as many lanes that can be widened: true is -1.
            Conversion::ZeroExtend if from.scalar == ScalarType::Bool => self.builder.ins().ineg(a),
            Conversion::SignExtend | Conversion::ZeroExtend | Conversion::Wrap | Conversion::FloatToFloat => a,
            // Only the newest x86-64 converts 64-bit lanes.
            Conversion::SignedToFloat | Conversion::UnsignedToFloat | Conversion::FloatToSigned | Conversion::FloatToUnsigned
                if to.lanes == 2 =>
            {
                self.per_lane(to, &[a], &mut |ctx, lane| ctx.convert_scalar(conversion, from.scalar, to.scalar, lane[0]))
            }
            Conversion::Decode(_) | Conversion::Encode(_) => {
                self.per_lane(to, &[a], &mut |ctx, lane| ctx.convert_scalar(conversion, from.scalar, to.scalar, lane[0]))
            }
            Conversion::SignedToFloat => self.builder.ins().fcvt_from_sint(target, a),
            Conversion::UnsignedToFloat => self.builder.ins().fcvt_from_uint(target, a),
            Conversion::FloatToSigned => self.builder.ins().fcvt_to_sint_sat(target, a),
            Conversion::FloatToUnsigned => self.builder.ins().fcvt_to_uint_sat(target, a),
        }
    }
}

//! Small floats: their bits from and to f32, by integer arithmetic.
//!
//! Scaling by a power of two moves an exponent field from one bias to another, subnormal numbers included: the processor
//! normalises them. Rounding adds half a unit of the last place, less one bit where that is even, and lets it carry into the exponent.

use super::super::Lowering;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::Ieee32;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use ein_ir::kernel::SmallFloat;
use ein_ir::scalar::small::SmallFormat;

/// Bits of the significand of an f32 in memory.
const FRACTION: u32 = 23;
/// The exponent field of 1.0 as an f32.
const BIAS: i32 = 127;
/// The bits of infinity as an f32.
const INFINITY: u32 = 0x7f80_0000;
/// All bits of an f32 but the sign.
const MAGNITUDE: i64 = 0x7fff_ffff;

/// The bits of 2 to a power that f32 has as a normal number.
const fn power_of_two(exponent: i32) -> u32 {
    ((exponent + BIAS) as u32) << FRACTION
}

impl Lowering<'_> {
    /// An f32 from the bits of a small float.
    pub(super) fn decode(&mut self, small: SmallFloat, a: Value) -> Value {
        let format = small.format();
        let wide = self.builder.ins().uextend(types::I32, a);
        if small == SmallFloat::BF16 {
            let bits = self.builder.ins().ishl_imm_u(wide, 16);
            return self.as_float(bits);
        }
        let shift = FRACTION - format.fraction_bits();
        let magnitude = self.builder.ins().band_imm_u(wide, format.top().cast_signed());
        let moved = self.builder.ins().ishl_imm_u(magnitude, i64::from(shift));
        let small_number = self.as_float(moved);
        let scale = self.builder.ins().f32const(Ieee32::with_bits(power_of_two(BIAS - 1 + format.min_exponent)));
        let number = self.builder.ins().fmul(small_number, scale);
        let number = self.as_bits(number);
        let first_special = if format.has_infinity() { format.infinity() } else { format.nan() };
        let special = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, magnitude, first_special.cast_signed());
        let infinite = self.builder.ins().bor_imm_u(moved, i64::from(INFINITY));
        let bits = self.builder.ins().select(special, infinite, number);
        let sign = self.builder.ins().bxor(wide, magnitude);
        let sign = self.builder.ins().ishl_imm_u(sign, i64::from(32 - format.bits));
        let bits = self.builder.ins().bor(bits, sign);
        self.as_float(bits)
    }

    /// The bits of the small float that is nearest to an f32 or f64.
    pub(super) fn encode(&mut self, small: SmallFloat, a: Value) -> Value {
        let format = small.format();
        let bits = if self.builder.func.dfg.value_type(a) == types::F64 { self.rounded_to_odd(a) } else { self.as_bits(a) };
        let magnitude = self.builder.ins().band_imm_u(bits, MAGNITUDE);
        let rounded = if small == SmallFloat::BF16 { self.rounded(format, magnitude, 0) } else { self.encode_magnitude(format, magnitude) };
        let sign = self.builder.ins().bxor(bits, magnitude);
        let sign = self.builder.ins().ushr_imm_u(sign, i64::from(32 - format.bits));
        let signed = self.builder.ins().bor(rounded, sign);
        // In a format without infinity what is too large is NaN as well: beyond the tie between the greatest number and the next.
        let half_a_unit = f32::from_bits(power_of_two(exponent_of(format.max) - format.fraction_bits() as i32 - 1));
        let last = if format.has_infinity() { INFINITY } else { (format.max as f32 + half_a_unit).to_bits() };
        let is_nan = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, magnitude, i64::from(last));
        let nan = self.builder.ins().iconst(types::I32, format.nan().cast_signed());
        let all = self.builder.ins().select(is_nan, nan, signed);
        self.builder.ins().ireduce(super::super::clif_type(ein_ir::kernel::Type::scalar(small.storage())), all)
    }

    /// Magnitudes of a format with another exponent range than f32.
    fn encode_magnitude(&mut self, format: SmallFormat, magnitude: Value) -> Value {
        let normal = self.rounded(format, magnitude, power_of_two(format.min_exponent - 1));
        // Next to this number the last place of an f32 is that of a subnormal number of the format.
        let magic = power_of_two(format.min_exponent - format.fraction_bits() as i32 + FRACTION as i32);
        let number = self.as_float(magnitude);
        let offset = self.builder.ins().f32const(Ieee32::with_bits(magic));
        let sum = self.builder.ins().fadd(number, offset);
        let sum = self.as_bits(sum);
        let subnormal = self.builder.ins().iadd_imm_s(sum, -i64::from(magic));
        let least = i64::from(power_of_two(format.min_exponent));
        let below = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, magnitude, least);
        let finite = self.builder.ins().select(below, subnormal, normal);
        if !format.has_infinity() {
            return finite;
        }
        // From the power of two after the greatest number on.
        let limit = i64::from(power_of_two(exponent_of(format.max) + 1));
        let over = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, magnitude, limit);
        let infinity = self.builder.ins().iconst(types::I32, format.infinity().cast_signed());
        self.builder.ins().select(over, infinity, finite)
    }

    /// A magnitude without its last places, rounded, its exponent field less that of `bias`.
    fn rounded(&mut self, format: SmallFormat, magnitude: Value, bias: u32) -> Value {
        let shift = FRACTION - format.fraction_bits();
        let odd = self.builder.ins().ushr_imm_u(magnitude, i64::from(shift));
        let odd = self.builder.ins().band_imm_u(odd, 1);
        let half = (1i64 << (shift - 1)) - 1;
        let moved = self.builder.ins().iadd_imm_s(magnitude, half - i64::from(bias));
        let moved = self.builder.ins().iadd(moved, odd);
        self.builder.ins().ushr_imm_u(moved, i64::from(shift))
    }

    /// The bits of an f32 that rounds, to anything with two bits less, as the f64 does: truncated, the last bit set if something was lost.
    fn rounded_to_odd(&mut self, a: Value) -> Value {
        let near = self.builder.ins().fdemote(types::F32, a);
        let back = self.builder.ins().fpromote(types::F64, near);
        let (a_size, back_size) = (self.builder.ins().fabs(a), self.builder.ins().fabs(back));
        let above = self.builder.ins().fcmp(FloatCC::GreaterThan, back_size, a_size);
        let lost = self.builder.ins().fcmp(FloatCC::OrderedNotEqual, back, a);
        let bits = self.as_bits(near);
        let above = self.builder.ins().uextend(types::I32, above);
        let truncated = self.builder.ins().isub(bits, above);
        let lost = self.builder.ins().uextend(types::I32, lost);
        self.builder.ins().bor(truncated, lost)
    }

    fn as_float(&mut self, bits: Value) -> Value {
        self.builder.ins().bitcast(types::F32, MemFlagsData::new(), bits)
    }

    fn as_bits(&mut self, float: Value) -> Value {
        self.builder.ins().bitcast(types::I32, MemFlagsData::new(), float)
    }
}

/// The exponent of a positive number.
const fn exponent_of(x: f64) -> i32 {
    ((x.to_bits() >> 52) as i32) - 1023
}

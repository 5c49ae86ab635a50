//! Operations: a table from kernel IR to CLIF.

mod arithmetic;
mod convert;
mod lanes;
mod small;

use super::{Lowering, clif_type};
use crate::error::Error;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Value, types};
use ein_ir::entity::Local;
use ein_ir::kernel::{Address, Comparison, Op, OpConst, Type};

impl Lowering<'_> {
    /// The value of an operation whose result has type `ty`.
    pub(super) fn op(&mut self, ty: Type, op: &Op) -> Result<Value, Error> {
        Ok(match op {
            Op::Const(constant) => self.constant(ty, *constant),
            Op::Copy(a) => self.get(*a),
            Op::Load(address) => self.load(ty, address),
            Op::Scalar(n) => self.scalar(*n),
            Op::Splat(a) => {
                let scalar = self.get(*a);
                self.splat(ty, scalar)
            }
            Op::Extract(a, lane) => {
                let vector = self.get(*a);
                self.extract(ty.scalar, vector, *lane)
            }
            Op::Unary(f, a) => {
                let a = self.get(*a);
                self.unary(*f, ty, a)
            }
            Op::Binary(f, a, b) => self.binary(*f, ty, *a, *b),
            Op::Fma(a, b, c) => self.fma(*a, *b, *c),
            Op::Compare(comparison, a, b) => {
                let operands = self.type_of(*a);
                let (a, b) = (self.get(*a), self.get(*b));
                self.compare(*comparison, operands, a, b)
            }
            Op::Select(condition, a, b) => {
                let (condition, a, b) = (self.get(*condition), self.get(*a), self.get(*b));
                self.select(ty, condition, a, b)
            }
            Op::Convert(conversion, a) => {
                let from = self.type_of(*a);
                let a = self.get(*a);
                self.convert(*conversion, from, ty, a)
            }
            Op::Call(function, operands) => self.call_math(*function, ty.scalar, operands)?,
        })
    }

    /// A constant, in every lane.
    pub(super) fn constant(&mut self, ty: Type, constant: OpConst) -> Value {
        let scalar = match (constant, clif_type(Type::scalar(ty.scalar))) {
            (OpConst::F32(bits), _) => self.builder.ins().f32const(Ieee32::with_bits(bits)),
            (OpConst::F64(bits), _) => self.builder.ins().f64const(Ieee64::with_bits(bits)),
            (OpConst::Int(value), ty) => {
                // CLIF wants the bits above the type to be zero.
                let mask = u64::MAX >> (64 - ty.bits());
                self.builder.ins().iconst(ty, (value.cast_unsigned() & mask).cast_signed())
            }
        };
        self.splat(ty, scalar)
    }

    /// An integer of CLIF's type `ty` in every lane.
    pub(super) fn integer(&mut self, ty: types::Type, value: i64) -> Value {
        let lane = ty.lane_type();
        let mask = u64::MAX >> (64 - lane.bits());
        let scalar = self.builder.ins().iconst(lane, (value.cast_unsigned() & mask).cast_signed());
        if ty.is_vector() { self.builder.ins().splat(ty, scalar) } else { scalar }
    }

    fn load(&mut self, ty: Type, address: &Address) -> Value {
        let flags = self.load_flags(address.buffer);
        let (pointer, offset) = self.address(address);
        self.builder.ins().load(clif_type(ty), flags, pointer, offset)
    }

    pub(in crate::lower) fn store(&mut self, address: &Address, local: Local) {
        let value = self.get(local);
        let (pointer, offset) = self.address(address);
        self.builder.ins().store(MemFlagsData::new().with_notrap(), value, pointer, offset);
    }

    fn fma(&mut self, a: Local, b: Local, c: Local) -> Value {
        let (a, b, c) = (self.get(a), self.get(b), self.get(c));
        if self.has_fma {
            return self.builder.ins().fma(a, b, c);
        }
        // Two roundings: without the instruction Cranelift would call a function for each element.
        let product = self.builder.ins().fmul(a, b);
        self.builder.ins().fadd(product, c)
    }

    /// A scalar bool, or a mask.
    pub(super) fn compare(&mut self, comparison: Comparison, operands: Type, a: Value, b: Value) -> Value {
        if operands.scalar.is_float() {
            return self.builder.ins().fcmp(float_condition(comparison), a, b);
        }
        let condition = integer_condition(comparison);
        if operands.lanes > 1 { self.compare_lanes(condition, operands.lanes, a, b) } else { self.builder.ins().icmp(condition, a, b) }
    }

    /// Compares lanes of integers.
    pub(super) fn compare_lanes(&mut self, condition: IntCC, lanes: u8, a: Value, b: Value) -> Value {
        if lanes == 2 && signed(condition) != condition {
            // There is no unsigned comparison of 64-bit lanes on x86-64: move both to the signed range.
            let least = self.integer(types::I64X2, i64::MIN);
            let (a, b) = (self.builder.ins().bxor(a, least), self.builder.ins().bxor(b, least));
            return self.builder.ins().icmp(signed(condition), a, b);
        }
        self.builder.ins().icmp(condition, a, b)
    }

    /// Chooses, lane by lane if `ty` has lanes.
    pub(super) fn select(&mut self, ty: Type, condition: Value, a: Value, b: Value) -> Value {
        if ty.lanes == 1 {
            return self.builder.ins().select(condition, a, b);
        }
        let condition = self.reinterpret(clif_type(ty), condition);
        self.builder.ins().bitselect(condition, a, b)
    }

    /// The same 128 bits as another vector type.
    pub(super) fn reinterpret(&mut self, ty: types::Type, value: Value) -> Value {
        if self.builder.func.dfg.value_type(value) == ty {
            return value;
        }
        self.builder.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
    }
}

fn float_condition(comparison: Comparison) -> FloatCC {
    match comparison {
        Comparison::Eq => FloatCC::Equal,
        Comparison::Ne => FloatCC::NotEqual,
        Comparison::Lt | Comparison::ULt => FloatCC::LessThan,
        Comparison::Le | Comparison::ULe => FloatCC::LessThanOrEqual,
        Comparison::Gt | Comparison::UGt => FloatCC::GreaterThan,
        Comparison::Ge | Comparison::UGe => FloatCC::GreaterThanOrEqual,
    }
}

fn integer_condition(comparison: Comparison) -> IntCC {
    match comparison {
        Comparison::Eq => IntCC::Equal,
        Comparison::Ne => IntCC::NotEqual,
        Comparison::Lt => IntCC::SignedLessThan,
        Comparison::Le => IntCC::SignedLessThanOrEqual,
        Comparison::Gt => IntCC::SignedGreaterThan,
        Comparison::Ge => IntCC::SignedGreaterThanOrEqual,
        Comparison::ULt => IntCC::UnsignedLessThan,
        Comparison::ULe => IntCC::UnsignedLessThanOrEqual,
        Comparison::UGt => IntCC::UnsignedGreaterThan,
        Comparison::UGe => IntCC::UnsignedGreaterThanOrEqual,
    }
}

fn signed(condition: IntCC) -> IntCC {
    match condition {
        IntCC::UnsignedLessThan => IntCC::SignedLessThan,
        IntCC::UnsignedLessThanOrEqual => IntCC::SignedLessThanOrEqual,
        IntCC::UnsignedGreaterThan => IntCC::SignedGreaterThan,
        IntCC::UnsignedGreaterThanOrEqual => IntCC::SignedGreaterThanOrEqual,
        other => other,
    }
}

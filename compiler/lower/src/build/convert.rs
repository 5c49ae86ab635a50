//! Conversions: as `ein_ir::scalar::eval::cast` has them.

use super::{Builder, Parts};
use crate::buffers::value_type;
use crate::graph::{Graph, ValueId, ValueOp};
use ein_ir::dtype::{Class, DType};
use ein_ir::kernel::{BinaryOp, Comparison, Conversion, ScalarType, SmallFloat};
use ein_ir::scalar::value::int_range;

impl Builder<'_> {
    /// A value of dtype `from` as one of dtype `to`, both supported.
    pub(crate) fn cast(&mut self, value: Parts, from: DType, to: DType) -> Parts {
        let zero = |g: &mut Graph| g.float(0.0, value_type(to).expect("supported"));
        match (value, to.class()) {
            _ if from == to => value,
            (Parts::Pair(re, im), Class::Complex) => {
                Parts::Pair(self.cast_real(re, from.real(), to.real()), self.cast_real(im, from.real(), to.real()))
            }
            (Parts::Pair(re, im), Class::Bool) => {
                let (re, im) = (self.cast_real(re, from.real(), to), self.cast_real(im, from.real(), to));
                Parts::One(self.graph.or(re, im))
            }
            (Parts::One(x), Class::Complex) => Parts::Pair(self.cast_real(x, from, to.real()), zero(&mut self.graph)),
            (Parts::One(x) | Parts::Pair(x, _), _) => Parts::One(self.cast_real(x, from.real(), to)),
        }
    }

    fn cast_real(&mut self, x: ValueId, from: DType, to: DType) -> ValueId {
        let g = &mut self.graph;
        let target = value_type(to).expect("supported");
        match (from.class(), to.class()) {
            _ if from == to => x,
            (Class::Bool, Class::Float) => {
                let n = g.convert(Conversion::ZeroExtend, x, ScalarType::I32);
                g.convert(Conversion::SignedToFloat, n, target)
            }
            (Class::Bool, _) => g.convert(Conversion::ZeroExtend, x, target),
            (Class::Float, Class::Bool) => {
                let zero = g.float(0.0, g[x].ty);
                g.compare(Comparison::Ne, x, zero)
            }
            (_, Class::Bool) => {
                let zero = g.integer(0, g[x].ty);
                g.compare(Comparison::Ne, x, zero)
            }
            (Class::Float, Class::Float) => match SmallFloat::of(to) {
                Some(small) => g.rounded(x, small),
                None if g[x].ty == target => x,
                None => g.convert(Conversion::FloatToFloat, x, target),
            },
            (Class::Float, _) => g.float_to_integer(x, to, target),
            (_, Class::Float) => match SmallFloat::of(to) {
                Some(small) => g.integer_to_small(x, from.class() == Class::Signed, small),
                None => g.integer_to_float(x, from, target),
            },
            _ => {
                let bits = g.integer_to_integer(x, from, target);
                if from.bits() > to.bits() || from.class() != to.class() { g.wrapped(bits, to) } else { bits }
            }
        }
    }
}

impl Graph {
    fn integer_to_integer(&mut self, x: ValueId, from: DType, target: ScalarType) -> ValueId {
        let source = self[x].ty;
        match target.bytes().cmp(&source.bytes()) {
            std::cmp::Ordering::Equal => x,
            std::cmp::Ordering::Less => self.convert(Conversion::Wrap, x, target),
            std::cmp::Ordering::Greater if from.class() == Class::Signed => self.convert(Conversion::SignExtend, x, target),
            std::cmp::Ordering::Greater => self.convert(Conversion::ZeroExtend, x, target),
        }
    }

    fn integer_to_float(&mut self, x: ValueId, from: DType, target: ScalarType) -> ValueId {
        // A constant index or size next to floats is a constant.
        if let (ValueOp::Const(n), true) = (&self[x].op, from.class() == Class::Signed) {
            let exact = if target == ScalarType::F32 { f64::from(*n as f32) } else { *n as f64 };
            return self.float(exact, target);
        }
        let signed = from.class() == Class::Signed;
        if self[x].ty.bytes() >= 4 {
            let op = if signed { Conversion::SignedToFloat } else { Conversion::UnsignedToFloat };
            return self.convert(op, x, target);
        }
        // Narrow integers fit into i32 with either sign.
        let op = if signed { Conversion::SignExtend } else { Conversion::ZeroExtend };
        let wide = self.convert(op, x, ScalarType::I32);
        self.convert(Conversion::SignedToFloat, wide, target)
    }

    fn float_to_integer(&mut self, x: ValueId, to: DType, target: ScalarType) -> ValueId {
        let signed = to.class() == Class::Signed;
        if target.bytes() >= 4 {
            let op = if signed { Conversion::FloatToSigned } else { Conversion::FloatToUnsigned };
            return self.convert(op, x, target);
        }
        // Narrow results saturate in i32, which holds both ranges.
        let wide = self.convert(Conversion::FloatToSigned, x, ScalarType::I32);
        let (lo, hi) = int_range(to);
        let (lo, hi) = (self.integer(lo as i64, ScalarType::I32), self.integer(hi as i64, ScalarType::I32));
        let low = self.binary(BinaryOp::Max, wide, lo);
        let clamped = self.binary(BinaryOp::Min, low, hi);
        self.convert(Conversion::Wrap, clamped, target)
    }
}

//! Types with fewer bits than what kernels compute in: floats below f32, and integers below a byte.
//!
//! Such a value is held in an f32, or sign- or zero-extended in a byte. What an operation makes of it is brought back into the type:
//! rounded, or wrapped.

use super::{Builder, Parts};
use crate::graph::{Graph, ValueId};
use ein_ir::dtype::{Class, DType};
use ein_ir::kernel::{BinaryOp, Comparison, Conversion, ScalarType, SmallFloat};

impl Builder<'_> {
    /// The value of this dtype that the result of an operation stands for.
    pub(super) fn narrowed(&mut self, value: Parts, dtype: DType) -> Parts {
        let (Parts::One(x), Some(ty)) = (value, crate::buffers::value_type(dtype)) else { return value };
        // A comparison is a bool whatever it compares.
        if self.graph[x].ty != ty {
            return value;
        }
        Parts::One(match SmallFloat::of(dtype) {
            Some(small) => self.graph.rounded(x, small),
            None => self.graph.wrapped(x, dtype),
        })
    }

    /// A value as it lies in memory.
    pub(crate) fn stored(&mut self, value: Parts, dtype: DType) -> Parts {
        match (value, SmallFloat::of(dtype)) {
            (Parts::One(x), Some(small)) => Parts::One(self.graph.encoded(x, small)),
            _ => value,
        }
    }
}

impl Graph {
    /// The bits of a small float; those that it was read from, if it was.
    fn encoded(&mut self, x: ValueId, small: SmallFloat) -> ValueId {
        use crate::graph::ValueOp;
        match self[x].op {
            ValueOp::Convert(Conversion::Decode(from), bits) if from == small => bits,
            _ => self.convert(Conversion::Encode(small), x, small.storage()),
        }
    }

    /// The number that the bits of a small float stand for.
    pub(crate) fn decoded(&mut self, bits: ValueId, small: SmallFloat) -> ValueId {
        self.convert(Conversion::Decode(small), bits, ScalarType::F32)
    }

    /// The nearest number of a small float, of an f32 or f64.
    pub(super) fn rounded(&mut self, x: ValueId, small: SmallFloat) -> ValueId {
        let bits = self.encoded(x, small);
        self.decoded(bits, small)
    }

    /// An integer, in a byte, wrapped to fewer bits; others are what they are.
    pub(super) fn wrapped(&mut self, x: ValueId, dtype: DType) -> ValueId {
        let (bits, ty) = (dtype.bits(), self[x].ty);
        if bits >= 8 || !dtype.is_integer() {
            return x;
        }
        if dtype.class() == Class::Unsigned {
            return self.pattern(x, dtype);
        }
        let spare = self.integer(i64::from(8 - bits), ty);
        let up = self.binary(BinaryOp::Shl, x, spare);
        self.binary(BinaryOp::SShr, up, spare)
    }

    /// The bits of an integer below a byte, zeros above them; others are what they are.
    pub(super) fn pattern(&mut self, x: ValueId, dtype: DType) -> ValueId {
        if dtype.bits() >= 8 {
            return x;
        }
        let mask = self.integer((1 << dtype.bits()) - 1, self[x].ty);
        self.binary(BinaryOp::And, x, mask)
    }

    /// An integer as a number of a small float, rounded once.
    pub(super) fn integer_to_small(&mut self, x: ValueId, signed: bool, small: SmallFloat) -> ValueId {
        let exact = if self[x].ty == ScalarType::I64 { self.shortened(x, signed) } else { x };
        let op = if signed { Conversion::SignedToFloat } else { Conversion::UnsignedToFloat };
        let wide = self.convert(op, exact, ScalarType::F64);
        self.rounded(wide, small)
    }

    /// A 64-bit integer that f64 has and that rounds to few digits as `x` does: from 2^32 on the last 12 bits become one that says
    /// whether there were any.
    fn shortened(&mut self, x: ValueId, signed: bool) -> ValueId {
        let ty = ScalarType::I64;
        let mut int = |n| self.integer(n, ty);
        let (mask, sticky, high, zero) = (int(0xfff), int(0x800), int(-0x1000), int(0));
        let lost = self.binary(BinaryOp::And, x, mask);
        let some = self.compare(Comparison::Ne, lost, zero);
        let bit = self.select(some, sticky, zero);
        let kept = self.binary(BinaryOp::And, x, high);
        let short = self.binary(BinaryOp::Or, kept, bit);
        let limit = self.integer(1 << 32, ty);
        let small = if signed {
            // The numbers from -2^32 up to 2^32, seen from the least of them.
            let (moved, width) = (self.binary(BinaryOp::Add, x, limit), self.integer(1 << 33, ty));
            self.compare(Comparison::ULt, moved, width)
        } else {
            self.compare(Comparison::ULt, x, limit)
        };
        self.select(small, x, short)
    }
}

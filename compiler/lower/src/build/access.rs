//! Elements of tensors, and what subscripts outside an axis mean.
//!
//! An access with modes is a choice between the plain load, where all subscripts are inside, and a general form. The conditions
//! are forms over the axes wherever possible, so that loops can be split where they change and the inside needs no test.

use super::index::Position;
use super::{Builder, Built, Parts};
use crate::affine::Affine;
use crate::buffers::Memory;
use crate::error::unsupported;
use crate::graph::{LoadAddress, ValueId, ValueOp};
use ein_ir::kernel::{BinaryOp, Coefficient, Comparison, Conversion, ScalarType, SmallFloat};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};

/// An access while its subscripts are gone through.
struct Reading {
    /// Where the plain load reads, one position an axis.
    plain: Vec<Position>,
    /// Where the general load reads, if that differs.
    general: Vec<Position>,
    /// Whether every padded subscript is inside.
    unpadded: ValueId,
    /// Whether every other moded subscript is inside.
    inside: ValueId,
}

impl Builder<'_> {
    /// The element that an access reads.
    pub(super) fn access(&mut self, access: &Access, node: &Scalar) -> Built<Parts> {
        if access.prev {
            return Err(unsupported("`prev` outside a scan", node.span));
        }
        let memory = self.memories[access.tensor].clone();
        let yes = self.graph.boolean(true);
        let mut reading = Reading { plain: Vec::new(), general: Vec::new(), unpadded: yes, inside: yes };
        for (sub, extent) in access.subs.iter().zip(&memory.extents) {
            self.subscript(sub, *extent, &mut reading)?;
        }
        let plain = self.load(&memory, &reading.plain);
        let general = self.load(&memory, &reading.general);
        let value = self.select(reading.inside, plain, general);
        let pad = self.literal(access.pad.unwrap_or(Literal::Int(0)), memory.dtype);
        Ok(self.select(reading.unpadded, value, pad))
    }

    fn subscript(&mut self, sub: &Sub, extent: i64, reading: &mut Reading) -> Built<()> {
        let mut position = self.position(&sub.value)?;
        position.bounded |= self.is_checked(&sub.value, extent);
        let exact = position.values.is_empty() && self.is_inside(&position.form, extent);
        reading.plain.push(position.clone());
        if sub.mode == Mode::Exact || exact {
            reading.general.push(position);
            return Ok(());
        }
        let condition = self.inside(&position, extent);
        if sub.mode == Mode::Pad {
            reading.general.push(position);
            reading.unpadded = self.graph.and(reading.unpadded, condition);
            return Ok(());
        }
        let value = if extent == 0 {
            let fault = self.fault(super::EMPTY_AXIS, sub.value.span, "a subscript is moved into an axis of size 0");
            self.graph.value(ValueOp::Fail(fault), ScalarType::I64)
        } else {
            let value = self.value_of(&position);
            self.brought_inside(sub.mode, value, extent)
        };
        reading.general.push(Position { bounded: true, ..Position::of_value(value) });
        reading.inside = self.graph.and(reading.inside, condition);
        Ok(())
    }

    /// Whether a subscript is an element of an input of indices of a dim that is no longer than the axis.
    fn is_checked(&self, subscript: &Scalar, extent: i64) -> bool {
        match &subscript.kind {
            ScalarKind::Cast(value) => self.is_checked(value, extent),
            ScalarKind::Access(access) => {
                let column = match access.subs.last().map(|s| &s.value.kind) {
                    Some(ScalarKind::Literal(Literal::Int(n))) => usize::try_from(*n).unwrap_or(usize::MAX),
                    _ => usize::MAX,
                };
                let padded = access.subs.iter().any(|s| s.mode == Mode::Pad);
                let size = match self.memories[access.tensor].index_of.as_slice() {
                    [size] => Some(size),
                    columns => columns.get(column),
                };
                !padded && size.is_some_and(|size| *size <= extent)
            }
            _ => false,
        }
    }

    fn is_inside(&self, form: &Affine, extent: i64) -> bool {
        let (lo, hi) = form.range(&self.space.axes);
        lo >= 0 && hi < extent
    }

    fn inside(&mut self, position: &Position, extent: i64) -> ValueId {
        if extent == 0 {
            return self.graph.boolean(false);
        }
        if position.values.is_empty() {
            let above = self.graph.holds(position.form.clone(), true, &self.space.axes);
            let below = self.graph.holds(position.form.scale(-1).plus(extent - 1), true, &self.space.axes);
            return self.graph.and(above, below);
        }
        let value = self.value_of(position);
        // One unsigned comparison: a negative position is greater than any extent.
        let extent = self.graph.integer(extent, ScalarType::I64);
        self.graph.compare(Comparison::ULt, value, extent)
    }

    /// The position of a moded subscript inside a non-empty axis.
    fn brought_inside(&mut self, mode: Mode, value: ValueId, extent: i64) -> ValueId {
        let g = &mut self.graph;
        let mut int = |n| g.integer(n, ScalarType::I64);
        let (zero, last, whole) = (int(0), int(extent - 1), int(extent));
        match mode {
            Mode::Exact | Mode::Pad => value,
            Mode::Clamp => {
                let low = g.binary(BinaryOp::Max, value, zero);
                g.binary(BinaryOp::Min, low, last)
            }
            Mode::Wrap => g.floor_rem(value, whole),
            Mode::Reflect if extent == 1 => zero,
            Mode::Reflect => {
                let period = g.integer((extent - 1).saturating_mul(2), ScalarType::I64);
                let phase = g.floor_rem(value, period);
                let mirrored = g.binary(BinaryOp::Sub, period, phase);
                g.binary(BinaryOp::Min, phase, mirrored)
            }
        }
    }

    fn load(&mut self, memory: &Memory, positions: &[Position]) -> Parts {
        if memory.packed {
            return Parts::One(self.unpack(memory, positions));
        }
        let address = self.address(memory, positions);
        let ty = crate::buffers::memory_type(memory.dtype).expect("declared memory is of a supported dtype");
        if memory.parts == 1 {
            let bits = self.graph.value(ValueOp::Load(address), ty);
            return Parts::One(SmallFloat::of(memory.dtype).map_or(bits, |small| self.graph.decoded(bits, small)));
        }
        let imaginary = LoadAddress { offset: address.offset.wrapping_add(1), ..address.clone() };
        Parts::Pair(self.graph.value(ValueOp::Load(address), ty), self.graph.value(ValueOp::Load(imaginary), ty))
    }

    /// An element of packed memory: its byte, shifted down.
    fn unpack(&mut self, memory: &Memory, positions: &[Position]) -> ValueId {
        let (bits, dtype) = (memory.dtype.bits(), memory.dtype);
        let mut bytes = Memory { packed: false, ..memory.clone() };
        let mut positions = positions.to_vec();
        let mut amount = self.graph.integer(0, ScalarType::I8);
        if let (Some(extent), Some(position)) = (bytes.extents.last_mut(), positions.last_mut()) {
            let bounded = position.bounded || (position.values.is_empty() && self.is_inside(&position.form, *extent));
            let at = self.value_of(position);
            let g = &mut self.graph;
            let (per_byte, ty) = (i64::from(8 / bits), ScalarType::I64);
            let (shift, mask, scale) =
                (g.integer(i64::from(per_byte.ilog2()), ty), g.integer(per_byte - 1, ty), g.integer(i64::from(bits.ilog2()), ty));
            let byte = g.binary(BinaryOp::SShr, at, shift);
            let place = g.binary(BinaryOp::And, at, mask);
            let place = g.binary(BinaryOp::Shl, place, scale);
            amount = g.convert(Conversion::Wrap, place, ScalarType::I8);
            *position = Position { bounded, ..Position::of_value(byte) };
            *extent = extent.saturating_add(per_byte - 1) / per_byte;
        }
        bytes.strides = Some(row_major(&bytes.extents));
        let address = self.address(&bytes, &positions);
        let byte = self.graph.value(ValueOp::Load(address), ScalarType::I8);
        let shifted = self.graph.binary(BinaryOp::UShr, byte, amount);
        self.graph.wrapped(shifted, dtype)
    }

    /// The address of an element.
    pub(crate) fn address(&self, memory: &Memory, positions: &[Position]) -> LoadAddress {
        let mut address = LoadAddress {
            buffer: memory.buffer,
            offset: memory.offset,
            terms: Vec::new(),
            values: Vec::new(),
            stride_offsets: Vec::new(),
            n_elements: memory.n_elements,
            in_bounds: true,
        };
        let mut form = Affine::default();
        for (axis, (position, extent)) in positions.iter().zip(&memory.extents).enumerate() {
            address.in_bounds &= position.bounded || (position.values.is_empty() && self.is_inside(&position.form, *extent));
            match &memory.strides {
                Some(strides) => {
                    let step = strides[axis].saturating_mul(memory.parts);
                    form = form.add(&position.form.scale(step));
                    address.values.extend(position.values.iter().map(|(v, c)| (*v, Coefficient::Elements(c.wrapping_mul(step)))));
                }
                None => address.add_runtime(axis as u32, position, memory.parts),
            }
        }
        if let Some(swing) = memory.swing {
            form = form.add(&self.space.parity(swing.scan).scale(swing.by));
        }
        address.offset = address.offset.wrapping_add(form.constant);
        address.terms.extend(form.terms.iter().map(|(a, c)| (*a, Coefficient::Elements(*c))));
        address.terms.sort();
        address
    }
}

/// Strides of a row-major tensor.
fn row_major(extents: &[i64]) -> Vec<i64> {
    let mut strides = vec![1i64; extents.len()];
    for axis in (1..extents.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(extents[axis]);
    }
    strides
}

impl LoadAddress {
    fn add_runtime(&mut self, axis: u32, position: &Position, parts: i64) {
        let stride = |factor: i64| Coefficient::Stride { axis, factor: factor.wrapping_mul(parts) };
        if position.form.constant != 0 {
            self.stride_offsets.push((axis, position.form.constant.wrapping_mul(parts)));
        }
        self.terms.extend(position.form.terms.iter().map(|(a, c)| (*a, stride(*c))));
        self.values.extend(position.values.iter().map(|(v, c)| (*v, stride(*c))));
    }
}

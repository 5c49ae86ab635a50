//! Addresses without multiplications in loops.
//!
//! An address is `base + offset + Σ local * coefficient`. On entry to a loop, every address of its body is cut to the terms that the
//! body does not change, the loop variable included. What does not depend on the variable is computed once, before the loop. What does
//! becomes a *stream*: a pointer that each turn moves by a constant, or, where the coefficient is a power of two that the processor's
//! addressing modes scale by, a pointer that stays and the loop variable as its index. A stream of an inner loop starts from one of the
//! outer loop, so nowhere but before the outermost loop is anything multiplied. Constant parts are not part of a stream: they become the
//! offset of the instruction.
//!
//! This is strength reduction of induction variables (Cocke and Kennedy, "An algorithm for reduction of operator strength", CACM 20, 1977)
//! on addresses that are affine to begin with.

use super::Lowering;
use super::facts::{each_address, each_assigned, visit};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use ein_ir::entity::{Buffer, Local, SecondaryMap};
use ein_ir::kernel::{Address, Coefficient, Loop, Place};
use std::collections::{BTreeMap, BTreeSet};

/// The part of an address that is not constant: equal keys are equal pointers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    buffer: Buffer,
    /// Multiples of run-time strides, by axis: no zeros.
    fixed: BTreeMap<u32, i64>,
    /// Multiples of variables: no zeros.
    terms: BTreeMap<(Local, Unit), i64>,
}

/// What a coefficient counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    Elements,
    Stride(u32),
}

/// A pointer that is kept through a loop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    /// The same in every turn.
    Invariant(Value),
    /// A parameter of the loop's first block, moved at the end of each turn.
    Pointer(Value),
    /// `base + (var << shift)`.
    Indexed { base: Value, shift: u8 },
}

/// A loop that code is being made for.
pub(super) struct Scope {
    var: Local,
    /// Variables that its body sets, the loop variable not included.
    assigned: SecondaryMap<Local, bool>,
    streams: BTreeMap<Key, Stream>,
}

/// A moving pointer of a loop that is about to be entered.
pub(super) struct Moving {
    key: Key,
    /// Its value in the first turn.
    pub(super) start: Value,
    /// Bytes that each turn adds.
    pub(super) step: Step,
}

/// Bytes that a turn adds to a pointer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Const(i64),
    Value(Value),
}

impl Key {
    /// Splits an address into its key and its constant part, in elements.
    fn new(ctx: &Lowering<'_>, address: &Address) -> (Key, i64) {
        let mut offset = address.offset;
        let mut key = Key { buffer: address.buffer, fixed: BTreeMap::new(), terms: BTreeMap::new() };
        for &(axis, factor) in &address.stride_offsets {
            add(&mut key.fixed, axis, factor);
        }
        for &(local, coefficient) in &address.terms {
            match (ctx.facts.constant(local), coefficient) {
                (Some(value), Coefficient::Elements(c)) => offset = offset.wrapping_add(value.wrapping_mul(c)),
                (Some(value), Coefficient::Stride { axis, factor }) => add(&mut key.fixed, axis, value.wrapping_mul(factor)),
                (None, Coefficient::Elements(c)) => add(&mut key.terms, (local, Unit::Elements), c),
                (None, Coefficient::Stride { axis, factor }) => add(&mut key.terms, (local, Unit::Stride(axis)), factor),
            }
        }
        (key, offset)
    }

    /// The key with those terms only whose variables pass.
    fn restrict(&self, mut keep: impl FnMut(Local) -> bool) -> Key {
        let terms = self.terms.iter().filter(|((local, _), _)| keep(*local)).map(|(&t, &c)| (t, c)).collect();
        Key { buffer: self.buffer, fixed: self.fixed.clone(), terms }
    }
}

fn add<K: Ord + Copy>(terms: &mut BTreeMap<K, i64>, key: K, factor: i64) {
    let sum = terms.entry(key).or_insert(0);
    *sum = sum.wrapping_add(factor);
    if *sum == 0 {
        terms.remove(&key);
    }
}

impl Lowering<'_> {
    /// Computes, before the first block, what every address of the kernel starts from: buffers, arena and run-time strides.
    pub(super) fn load_bases(&mut self) -> Result<(), crate::Error> {
        let module = self.module;
        for buffer in self.facts.buffers.clone() {
            let base = match &module.buffers[buffer].place {
                Place::Argument { slot, .. } => {
                    let table = self.frame_field(std::mem::offset_of!(ein_runtime::Frame, bufs));
                    self.builder.ins().load(types::I64, table_flags(), table, table_offset(*slot))
                }
                Place::Arena { offset } => {
                    let arena = self.frame_field(std::mem::offset_of!(ein_runtime::Frame, arena));
                    self.builder.ins().iadd_imm_s(arena, offset.cast_signed())
                }
                Place::Constant(_) => self.constant_base(buffer)?,
            };
            self.bases.insert(buffer, base);
        }
        for (buffer, axis) in self.facts.strides.clone() {
            if let Place::Argument { strides: Some(strides), .. } = module.buffers[buffer].place {
                let table = self.frame_field(std::mem::offset_of!(ein_runtime::Frame, strides));
                let stride = self.builder.ins().load(types::I64, table_flags(), table, table_offset(strides.first + axis));
                self.strides.insert((buffer, axis), stride);
            }
        }
        Ok(())
    }

    /// The counter of a repetition around the kernel, which does not change while it runs.
    pub(super) fn scalar(&mut self, slot: u32) -> Value {
        let table = self.frame_field(std::mem::offset_of!(ein_runtime::Frame, scalars));
        self.builder.ins().load(types::I64, table_flags(), table, table_offset(slot))
    }

    /// A table of the frame. Loaded anew for each use: Cranelift merges equal loads.
    fn frame_field(&mut self, offset: usize) -> Value {
        let offset = i32::try_from(offset).expect("a frame has four fields");
        self.builder.ins().load(types::I64, table_flags(), self.frame, offset)
    }

    /// A pointer and an offset in bytes that together are an address.
    pub(super) fn address(&mut self, address: &Address) -> (Value, i32) {
        let (key, offset) = Key::new(self, address);
        let pointer = self.pointer(&key);
        let bytes = offset.wrapping_mul(self.element_bytes(address.buffer));
        match i32::try_from(bytes) {
            Ok(bytes) => (pointer, bytes),
            Err(_) => (self.builder.ins().iadd_imm_s(pointer, bytes), 0),
        }
    }

    /// The pointer of a key, here and now: the stream of the innermost loop and the terms that change in the loop.
    fn pointer(&mut self, key: &Key) -> Value {
        let (kept, stream) = match self.scopes.last() {
            None => (key.restrict(|_| false), None),
            Some(scope) => {
                let kept = key.restrict(|local| scope.keeps(local));
                let stream = scope.streams.get(&kept).map(|&stream| (stream, scope.var));
                (kept, stream)
            }
        };
        let (mut pointer, done) = match stream {
            Some((Stream::Invariant(pointer) | Stream::Pointer(pointer), _)) => (pointer, kept),
            Some((Stream::Indexed { base, shift }, var)) => {
                let var = self.get(var);
                let bytes = self.builder.ins().ishl_imm_u(var, i64::from(shift));
                (self.builder.ins().iadd(base, bytes), kept)
            }
            None => (self.fixed_pointer(key), key.restrict(|_| false)),
        };
        for (&(local, unit), &factor) in key.terms.iter().filter(|(term, _)| !done.terms.contains_key(*term)) {
            let value = self.get(local);
            let bytes = self.scaled(key.buffer, value, unit, factor);
            pointer = self.builder.ins().iadd(pointer, bytes);
        }
        pointer
    }

    /// A buffer and the multiples of its run-time strides.
    fn fixed_pointer(&mut self, key: &Key) -> Value {
        let mut pointer = self.bases[&key.buffer];
        for (&axis, &factor) in &key.fixed {
            let bytes = self.stride_bytes(key.buffer, axis, factor);
            pointer = self.builder.ins().iadd(pointer, bytes);
        }
        pointer
    }

    /// `value * factor` units, in bytes.
    fn scaled(&mut self, buffer: Buffer, value: Value, unit: Unit, factor: i64) -> Value {
        match unit {
            Unit::Elements => {
                let bytes = factor.wrapping_mul(self.element_bytes(buffer));
                self.times(value, bytes)
            }
            Unit::Stride(axis) => {
                let stride = self.stride_bytes(buffer, axis, factor);
                self.builder.ins().imul(value, stride)
            }
        }
    }

    /// `factor` run-time strides, in bytes.
    fn stride_bytes(&mut self, buffer: Buffer, axis: u32, factor: i64) -> Value {
        // A verified address names strides of a strided argument only, and all of them were loaded at the start.
        let stride = self.strides[&(buffer, axis)];
        let bytes = factor.wrapping_mul(self.element_bytes(buffer));
        self.times(stride, bytes)
    }

    fn times(&mut self, value: Value, factor: i64) -> Value {
        match factor {
            1 => value,
            f if f > 0 && f & (f - 1) == 0 => self.builder.ins().ishl_imm_u(value, i64::from(f.trailing_zeros())),
            f => self.builder.ins().imul_imm_s(value, f),
        }
    }

    fn element_bytes(&self, buffer: Buffer) -> i64 {
        i64::from(self.module.buffers[buffer].ty.bytes())
    }

    /// Computes what the addresses of a loop need, in front of it: a scope, and the pointers that it moves.
    pub(super) fn prepare_streams(&mut self, l: &Loop, lo: Value) -> (Scope, Vec<Moving>) {
        let mut scope = Scope { var: l.var, assigned: SecondaryMap::new(), streams: BTreeMap::new() };
        visit(&l.body, &mut |stmt| each_assigned(stmt, &mut |local| scope.assigned[local] = true));
        let mut keys = BTreeSet::new();
        visit(&l.body, &mut |stmt| {
            each_address(stmt, &mut |address| {
                keys.insert(Key::new(self, address).0.restrict(|local| scope.keeps(local)));
            });
        });
        let mut moving = Vec::new();
        for key in keys {
            match self.stream(&key, l, lo) {
                Ok(stream) => {
                    scope.streams.insert(key, stream);
                }
                Err((start, step)) => moving.push(Moving { key, start, step }),
            }
        }
        (scope, moving)
    }

    /// How a pointer is kept through a loop; for one that has to move, its start and step.
    fn stream(&mut self, key: &Key, l: &Loop, lo: Value) -> Result<Stream, (Value, Step)> {
        let base = self.pointer(&key.restrict(|local| local != l.var));
        let own: Vec<_> = key.terms.iter().filter(|((local, _), _)| *local == l.var).map(|(&(_, unit), &factor)| (unit, factor)).collect();
        match own[..] {
            [] => Ok(Stream::Invariant(base)),
            [(Unit::Elements, factor)] => {
                let bytes = factor.wrapping_mul(self.element_bytes(key.buffer));
                // The scales of x86-64's and, for accesses of that width, AArch64's addressing modes.
                if let 1 | 2 | 4 | 8 = bytes {
                    return Ok(Stream::Indexed { base, shift: bytes.trailing_zeros() as u8 });
                }
                let start = match self.known(l.lo) {
                    Some(0) => base,
                    Some(lo) => self.builder.ins().iadd_imm_s(base, lo.wrapping_mul(bytes)),
                    None => {
                        let moved = self.times(lo, bytes);
                        self.builder.ins().iadd(base, moved)
                    }
                };
                Err((start, Step::Const(bytes.wrapping_mul(l.step))))
            }
            _ => Err(self.moving_by_strides(key.buffer, base, &own, l, lo)),
        }
    }

    /// The start and step of a pointer whose loop variable counts run-time strides.
    fn moving_by_strides(&mut self, buffer: Buffer, base: Value, own: &[(Unit, i64)], l: &Loop, lo: Value) -> (Value, Step) {
        let (mut start, mut step) = (base, None);
        for &(unit, factor) in own {
            if self.known(l.lo) != Some(0) {
                let moved = self.scaled(buffer, lo, unit, factor);
                start = self.builder.ins().iadd(start, moved);
            }
            let bytes = match unit {
                Unit::Elements => {
                    let bytes = factor.wrapping_mul(self.element_bytes(buffer)).wrapping_mul(l.step);
                    self.builder.ins().iconst(types::I64, bytes)
                }
                Unit::Stride(axis) => self.stride_bytes(buffer, axis, factor.wrapping_mul(l.step)),
            };
            step = Some(match step {
                None => bytes,
                Some(sum) => self.builder.ins().iadd(sum, bytes),
            });
        }
        (start, step.map_or(Step::Const(0), Step::Value))
    }

    /// The address of a pointer in the next turn.
    pub(super) fn moved(&mut self, pointer: Value, step: Step) -> Value {
        match step {
            Step::Const(bytes) => self.builder.ins().iadd_imm_s(pointer, bytes),
            Step::Value(bytes) => self.builder.ins().iadd(pointer, bytes),
        }
    }

    /// A run-time stride, in elements of the tensor.
    pub(super) fn runtime_stride(&mut self, buffer: Buffer, axis: u32) -> Value {
        self.strides[&(buffer, axis)]
    }
}

impl Scope {
    /// Whether a variable has one value in all of a turn.
    fn keeps(&self, local: Local) -> bool {
        local == self.var || !self.assigned[local]
    }

    /// Says which parameter of the loop's first block a moving pointer became.
    pub(super) fn bind(&mut self, moving: &Moving, parameter: Value) {
        self.streams.insert(moving.key.clone(), Stream::Pointer(parameter));
    }
}

/// The frame and its tables do not change during a call.
fn table_flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap().with_readonly().with_can_move().with_aligned()
}

fn table_offset(slot: u32) -> i32 {
    i32::try_from(u64::from(slot) * 8).expect("a program has fewer than 2^28 buffers")
}

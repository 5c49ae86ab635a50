//! The verifier of kernel IR.
//!
//! Module
//! * A buffer of an argument has a slot below `n_arguments` and run-time strides below `n_strides`; one in the arena lies inside
//!   it at a multiple of 64; a constant has as many bytes as its elements need.
//! * Fault codes stand in the fault table.
//! * Every kernel is in the schedule. The counter of a repetition is at most the number of repetitions around it, and none of theirs.
//!
//! Kernel
//! * There is at least one task; the task variable is an i64 and is never set.
//! * Types are scalars, 128-bit vectors of 32- or 64-bit elements, or masks of 2 or 4 bools.
//! * A variable is set on every path before it is used. A loop whose constant bounds enter it counts as carried out; what follows
//!   a `fault` is never reached.
//! * A loop variable is an i64 that its body does not set; it is unset after the loop; the step is at least 1.
//!
//! Statements
//! * Ids are in range. Operands have the types that the op's row states (`verify/ops.rs`).
//! * An address uses i64 variables, and run-time strides only of axes that its buffer has. If it is constant, it is in bounds.
//! * Loads and stores move the buffer's type, never masks. Stores go to the arena or to writable arguments.
//! * A function of whole tensors has as many operands and results as it takes, each of its size in a buffer that is not strided, as far as
//!   its place there is constant; its workspace is a whole buffer of bytes; what it sets is a scalar bool.
//! * A matrix product is of f32, f64, c64 or c128 on buffers of their real type, with extents that are i64 and not negative.

mod ops;
mod schedule;

use super::print::print_stmt;
use super::{
    Address, BufferDecl, Coefficient, Gemm, KernelDecl, KernelModule, LibraryCall, Loop, MatrixStride, MemoryCopy, Op, Operand, Place,
    ScalarType, Stmt, Type, View,
};
use crate::dtype::DType;
use crate::entity::{Kernel, Local};
use crate::library;
use crate::verified::{Verified, VerifierError};
use std::collections::BTreeSet;

/// Checks every invariant.
///
/// # Errors
/// Every broken invariant, in order.
pub fn verify(module: KernelModule) -> Result<Verified<KernelModule>, Vec<VerifierError>> {
    let mut errors = Vec::new();
    for (id, buffer) in &module.buffers {
        if let Err(message) = check_buffer(&module, buffer) {
            errors.push(VerifierError { entity: id.to_string(), message });
        }
    }
    let scalars = schedule::check(&module, &mut errors);
    for (id, kernel) in &module.kernels {
        let scalars = &scalars[id];
        let mut checker = Checker { module: &module, kernel, id, scalars, errors: &mut errors, set: Vec::new(), loop_vars: Vec::new() };
        checker.check_kernel();
    }
    if errors.is_empty() { Ok(Verified::new(module)) } else { Err(errors) }
}

fn check_buffer(module: &KernelModule, buffer: &BufferDecl) -> Result<(), String> {
    let n_bytes = buffer.n_elements.checked_mul(u64::from(buffer.ty.bytes())).ok_or("it has more than 2^64 bytes")?;
    match &buffer.place {
        Place::Argument { slot, strides, .. } => {
            if *slot >= module.n_arguments {
                return Err(format!("there is no argument {slot}, only {}", module.n_arguments));
            }
            match strides {
                Some(s) if u64::from(s.first) + u64::from(s.axes) > u64::from(module.n_strides) => {
                    Err(format!("its strides end at {}, but there are {}", u64::from(s.first) + u64::from(s.axes), module.n_strides))
                }
                _ => Ok(()),
            }
        }
        Place::Arena { offset } => match offset.checked_add(n_bytes) {
            _ if offset % 64 != 0 => Err(format!("its offset {offset} is no multiple of 64")),
            Some(end) if end <= module.arena_bytes => Ok(()),
            _ => Err(format!("{n_bytes} bytes from {offset} leave the arena of {}", module.arena_bytes)),
        },
        Place::Constant(bytes) if bytes.len() as u64 != n_bytes => Err(format!("{} bytes for {n_bytes}", bytes.len())),
        Place::Constant(_) => Ok(()),
    }
}

/// The check of one kernel.
struct Checker<'a> {
    module: &'a KernelModule,
    kernel: &'a KernelDecl,
    id: Kernel,
    /// Counters that have values wherever the kernel is carried out.
    scalars: &'a BTreeSet<u32>,
    errors: &'a mut Vec<VerifierError>,
    /// Whether each variable is set on every path to here.
    set: Vec<bool>,
    /// Variables of the loops around.
    loop_vars: Vec<Local>,
}

/// What a check says about a statement.
type Check = Result<(), String>;

impl Checker<'_> {
    fn report(&mut self, place: &str, message: String) {
        self.errors.push(VerifierError { entity: format!("{}: {place}", self.id), message });
    }

    fn check_kernel(&mut self) {
        let kernel = self.kernel;
        self.set = vec![false; kernel.locals.len()];
        if kernel.tasks == 0 {
            self.report("tasks", "a kernel has at least one task".to_owned());
        }
        for (local, ty) in &kernel.locals {
            if !is_type(*ty) {
                self.report(&local.to_string(), format!("{ty} is no type"));
            }
        }
        match kernel.locals.get(kernel.task) {
            Some(&Type::INDEX) => self.mark(kernel.task),
            _ => self.report("task", format!("{} is no i64 variable", kernel.task)),
        }
        self.loop_vars.push(kernel.task);
        self.check_block(&kernel.body);
    }

    fn mark(&mut self, local: Local) {
        if let Some(slot) = self.set.get_mut(local.as_u32() as usize) {
            *slot = true;
        }
    }

    fn check_block(&mut self, block: &[Stmt]) {
        for stmt in block {
            if let Err(message) = self.check_stmt(stmt) {
                self.report(&print_stmt(stmt), message);
            }
        }
    }

    fn check_stmt(&mut self, stmt: &Stmt) -> Check {
        match stmt {
            Stmt::Set(local, op) => {
                let checked = self.check_set(*local, op);
                // Also after an error, which would otherwise be reported again at every use.
                self.mark(*local);
                checked
            }
            Stmt::Store(address, local) => {
                self.check_memory(address, self.used(*local)?)?;
                self.check_writable(address)
            }
            Stmt::Loop(l) => self.check_loop(l),
            Stmt::If { condition, then, otherwise } => {
                let checked = self.used_as(*condition, Type::BOOL);
                let before = self.set.clone();
                self.check_block(then);
                let after_then = std::mem::replace(&mut self.set, before);
                self.check_block(otherwise);
                self.set.iter_mut().zip(after_then).for_each(|(a, b)| *a &= b);
                checked
            }
            Stmt::Fault(fault) => {
                // Nothing after it is reached, so everything counts as set.
                self.set.iter_mut().for_each(|s| *s = true);
                if self.module.faults.is_valid(*fault) { Ok(()) } else { Err(format!("{fault} is not in the fault table")) }
            }
            Stmt::Gemm(gemm) => self.check_gemm(gemm),
            Stmt::Copy(copy) => self.check_copy(copy),
            Stmt::Library(call) => {
                let checked = self.check_library(call);
                self.mark(call.failed);
                checked
            }
        }
    }

    fn check_set(&self, local: Local, op: &Op) -> Check {
        let ty = self.type_of(local)?;
        if self.loop_vars.contains(&local) {
            return Err(format!("{local} counts a loop or the tasks and is not set"));
        }
        match op {
            Op::Load(address) => self.check_memory(address, ty),
            _ => self.check_op(ty, op),
        }
    }

    fn check_loop(&mut self, l: &Loop) -> Check {
        let mut checked = self.check_operand(l.lo).and_then(|()| self.check_operand(l.hi));
        if l.step < 1 {
            checked = checked.and_then(|()| Err(format!("the step {} is less than 1", l.step)));
        }
        if self.type_of(l.var)? != Type::INDEX {
            checked = checked.and_then(|()| Err(format!("{} is no i64", l.var)));
        }
        if self.loop_vars.contains(&l.var) {
            checked = checked.and_then(|()| Err(format!("{} counts another loop around this one", l.var)));
        }
        let before = self.set.clone();
        self.mark(l.var);
        self.loop_vars.push(l.var);
        self.check_block(&l.body);
        self.loop_vars.pop();
        if !matches!((l.lo, l.hi), (Operand::Const(lo), Operand::Const(hi)) if lo < hi) {
            self.set = before;
        }
        if let Some(slot) = self.set.get_mut(l.var.as_u32() as usize) {
            *slot = false;
        }
        checked
    }

    fn type_of(&self, local: Local) -> Result<Type, String> {
        self.kernel.locals.get(local).copied().ok_or_else(|| format!("{local} is not declared"))
    }

    /// The type of a variable that is read here.
    fn used(&self, local: Local) -> Result<Type, String> {
        let ty = self.type_of(local)?;
        match self.set.get(local.as_u32() as usize) {
            Some(true) => Ok(ty),
            _ => Err(format!("{local} is not set on every path to here")),
        }
    }

    fn used_as(&self, local: Local, expected: Type) -> Check {
        let ty = self.used(local)?;
        if ty == expected { Ok(()) } else { Err(format!("{local} is {ty}, not {expected}")) }
    }

    fn check_operand(&self, operand: Operand) -> Check {
        match operand {
            Operand::Const(_) => Ok(()),
            Operand::Local(local) => self.used_as(local, Type::INDEX),
        }
    }

    fn buffer_of(&self, address: &Address) -> Result<&BufferDecl, String> {
        self.module.buffers.get(address.buffer).ok_or_else(|| format!("{} is not declared", address.buffer))
    }

    fn check_writable(&self, address: &Address) -> Check {
        match self.buffer_of(address)?.place {
            Place::Arena { .. } | Place::Argument { writable: true, .. } => Ok(()),
            _ => Err(format!("{} is not writable", address.buffer)),
        }
    }

    /// A load or store of a variable of this type.
    fn check_memory(&self, address: &Address, ty: Type) -> Check {
        let buffer = self.buffer_of(address)?;
        if ty.scalar != buffer.ty {
            return Err(format!("{} holds {}, not {}", address.buffer, buffer.ty.name(), ty.scalar.name()));
        }
        if ty.scalar == ScalarType::Bool && ty.lanes > 1 {
            return Err("a mask has no form in memory".to_owned());
        }
        self.check_address(address, buffer)?;
        let constant = address.terms.is_empty() && address.stride_offsets.is_empty();
        let end = i128::from(address.offset) + i128::from(ty.lanes);
        if constant && (address.offset < 0 || end > i128::from(buffer.n_elements)) {
            return Err(format!("{} has {} elements", address.buffer, buffer.n_elements));
        }
        Ok(())
    }

    fn check_address(&self, address: &Address, buffer: &BufferDecl) -> Check {
        for (local, coefficient) in &address.terms {
            self.used_as(*local, Type::INDEX)?;
            if let Coefficient::Stride { axis, .. } = coefficient {
                check_axis(address, buffer, *axis)?;
            }
        }
        address.stride_offsets.iter().try_for_each(|(axis, _)| check_axis(address, buffer, *axis))
    }

    fn check_copy(&self, copy: &MemoryCopy) -> Check {
        self.check_operand(copy.count)?;
        let (dst, src) = (self.buffer_of(&copy.dst)?, self.buffer_of(&copy.src)?);
        if dst.ty != src.ty {
            return Err(format!("{} holds {}, but {} holds {}", copy.dst.buffer, dst.ty.name(), copy.src.buffer, src.ty.name()));
        }
        self.check_address(&copy.dst, dst)?;
        self.check_address(&copy.src, src)?;
        self.check_writable(&copy.dst)
    }

    fn check_library(&self, call: &LibraryCall) -> Check {
        let (problem, name) = (&call.problem, call.problem.op.name());
        if self.type_of(call.failed)? != Type::BOOL || self.loop_vars.contains(&call.failed) {
            return Err(format!("{} does not take whether `{name}` fails", call.failed));
        }
        let (least, most) = library::result_counts(problem.op);
        if !(least..=most).contains(&call.results.len()) {
            return Err(format!("`{name}` gives {} results", call.results.len()));
        }
        if call.args.len() != library::arg_count(problem.op) {
            return Err(format!("`{name}` takes {} operands", library::arg_count(problem.op)));
        }
        for (n, address) in call.args.iter().enumerate() {
            self.check_whole(address, problem.dtype, problem.arg_size(n).saturating_mul(problem.batch))?;
        }
        for (address, (dtype, size)) in call.results.iter().zip(problem.results()) {
            self.check_whole(address, dtype, size.saturating_mul(problem.batch))?;
            self.check_writable(address)?;
        }
        call.workspace.iter().try_for_each(|address| {
            self.check_whole(address, DType::U8, 0)?;
            if address.offset != 0 || !address.terms.is_empty() {
                // Its length is that of the buffer.
                return Err(format!("{address} is not the first element"));
            }
            self.check_writable(address)
        })
    }

    /// Row-major memory of so many elements of a dtype. Where turns of a recurrence take turns in a buffer, its place depends on variables.
    fn check_whole(&self, address: &Address, dtype: DType, n_elements: u64) -> Check {
        let buffer = self.buffer_of(address)?;
        let parts = if dtype.is_complex() { 2 } else { 1 };
        self.check_address(address, buffer)?;
        let Ok(offset) = u64::try_from(address.offset) else {
            return Err(format!("{address} is before the first element"));
        };
        if matches!(buffer.place, Place::Argument { strides: Some(_), .. }) {
            return Err(format!("{} is strided", address.buffer));
        }
        let has_type = u64::from(buffer.ty.bytes()) * parts == dtype.bytes() as u64;
        if !has_type || buffer.n_elements < n_elements.saturating_mul(parts).saturating_add(offset) {
            let held = format!("{} {}", buffer.n_elements, buffer.ty.name());
            return Err(format!("{} holds {held}, not {n_elements} {dtype}", address.buffer));
        }
        Ok(())
    }

    fn check_gemm(&self, gemm: &Gemm) -> Check {
        if !matches!(gemm.dtype, DType::F32 | DType::F64 | DType::C64 | DType::C128) {
            return Err(format!("there is no matrix product of {}", gemm.dtype));
        }
        for extent in [gemm.m, gemm.n, gemm.k] {
            self.check_operand(extent)?;
            if matches!(extent, Operand::Const(n) if n < 0) {
                return Err(format!("the extent {extent} is negative"));
            }
        }
        let real = if gemm.dtype.real() == DType::F32 { ScalarType::F32 } else { ScalarType::F64 };
        for View { address, row_stride, column_stride } in [&gemm.dst, &gemm.lhs, &gemm.rhs] {
            let buffer = self.buffer_of(address)?;
            if buffer.ty != real {
                return Err(format!("{} holds {}, not {}", address.buffer, buffer.ty.name(), real.name()));
            }
            self.check_address(address, buffer)?;
            for stride in [row_stride, column_stride] {
                if let MatrixStride::Runtime(axis) = stride {
                    check_axis(address, buffer, *axis)?;
                }
            }
        }
        self.check_writable(&gemm.dst.address)
    }
}

/// A run-time stride of an axis that the buffer has.
fn check_axis(address: &Address, buffer: &BufferDecl, axis: u32) -> Check {
    match buffer.place {
        Place::Argument { strides: Some(s), .. } if axis < s.axes => Ok(()),
        _ => Err(format!("{} has no run-time stride of axis {axis}", address.buffer)),
    }
}

/// A scalar, a 128-bit vector, or a mask for one.
fn is_type(ty: Type) -> bool {
    match ty.lanes {
        1 => true,
        2 | 4 if ty.scalar == ScalarType::Bool => true,
        _ => Type::vector(ty.scalar) == Some(ty),
    }
}

#[cfg(test)]
mod tests;

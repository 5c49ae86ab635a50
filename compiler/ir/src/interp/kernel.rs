//! Kernel IR carried out on bytes, every access checked.
//!
//! The tasks of a kernel run in order, on memory that says when they are not independent. The arena starts as all ones, so that
//! a float that nobody wrote is NaN.

mod lanes;
mod memory;

use super::{Data, library};
use crate::entity::{Buffer, EntityRef, Fault, Kernel, Local};
use crate::kernel::print::print_stmt;
use crate::kernel::{
    Address, Block, Coefficient, Gemm, KernelModule, LibraryCall, Loop, MatrixStride, MemoryCopy, Op, Operand, Stage, Stmt, Type, View,
};
use crate::verified::{Verified, VerifierError};
use lanes::{Lanes, MAX_LANES};
use memory::Memory;

/// A caller's buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArgBuffer {
    /// The memory, little-endian.
    pub bytes: Vec<u8>,
    /// Position of the first element of the tensor, in bytes; not 0 if strides are negative.
    pub origin: usize,
    /// Stride of each axis in elements of the tensor, if the module takes this argument with run-time strides.
    pub strides: Vec<i64>,
}

impl ArgBuffer {
    /// A row-major buffer.
    #[must_use]
    pub fn contiguous(bytes: Vec<u8>) -> Self {
        Self { bytes, origin: 0, strides: Vec::new() }
    }
}

/// Why a module ended before its last kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A fault of the program, in the lowest task that has one.
    Fault(Fault),
    /// Our mistake: an access out of bounds, tasks that are not independent, a division that nobody guarded.
    Error(VerifierError),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Fault(fault) => write!(f, "{fault}"),
            Stop::Error(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Stop {}

/// What carrying a module out took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Products that matrix products added up: m * n * k of each.
    pub multiply_adds: u64,
}

/// Runs the schedule on the caller's buffers, in the order of their slots.
///
/// # Errors
/// The first fault, or the first thing that a compiled module must never do.
pub fn run(module: &Verified<KernelModule>, args: &mut [ArgBuffer]) -> Result<Work, Stop> {
    let mut work = Work::default();
    let mut memory = Memory::new(module, args).map_err(|message| Stop::Error(VerifierError { entity: "arguments".to_owned(), message }))?;
    let mut scalars = vec![0; module.n_scalars() as usize];
    run_stages(module, &module.schedule, (&mut memory, &mut work), &mut scalars)?;
    Ok(work)
}

/// What kernels change.
type State<'s, 'm> = (&'s mut Memory<'m>, &'s mut Work);

fn run_stages(module: &KernelModule, stages: &[Stage], (memory, work): State<'_, '_>, scalars: &mut [i64]) -> Result<(), Stop> {
    for stage in stages {
        match stage {
            Stage::Kernel(kernel) => run_kernel(module, *kernel, (memory, work), scalars)?,
            Stage::Repeat(repeat) => {
                for value in repeat.values() {
                    scalars[repeat.counter as usize] = value;
                    run_stages(module, &repeat.body, (memory, work), scalars)?;
                }
            }
        }
    }
    Ok(())
}

fn run_kernel(module: &KernelModule, id: Kernel, (memory, work): State<'_, '_>, scalars: &[i64]) -> Result<(), Stop> {
    let kernel = &module.kernels[id];
    memory.begin_kernel(kernel.tasks);
    for task in 0..kernel.tasks {
        memory.begin_task(task);
        let mut machine = Machine { module, id, task, memory, work, scalars, locals: vec![[0; MAX_LANES]; kernel.locals.len()] };
        machine.set_int(kernel.task, i64::from(task));
        machine.block(&kernel.body)?;
    }
    Ok(())
}

/// One task under way.
struct Machine<'m, 'a> {
    module: &'m KernelModule,
    id: Kernel,
    task: u32,
    memory: &'m mut Memory<'a>,
    work: &'m mut Work,
    /// Counters of the repetitions.
    scalars: &'m [i64],
    /// Bits of each lane of each variable.
    locals: Vec<Lanes>,
}

impl Machine<'_, '_> {
    fn block(&mut self, block: &Block) -> Result<(), Stop> {
        for stmt in block {
            match stmt {
                Stmt::Loop(l) => self.count(l)?,
                Stmt::If { condition, then, otherwise } => {
                    let holds = self.locals[condition.index()][0] != 0;
                    self.block(if holds { then } else { otherwise })?;
                }
                Stmt::Fault(fault) => return Err(Stop::Fault(*fault)),
                _ => self.simple(stmt).map_err(|message| {
                    let entity = format!("{} task {}: {}", self.id, self.task, print_stmt(stmt));
                    Stop::Error(VerifierError { entity, message })
                })?,
            }
        }
        Ok(())
    }

    fn count(&mut self, l: &Loop) -> Result<(), Stop> {
        let (mut at, hi) = (self.operand(l.lo), self.operand(l.hi));
        while at < hi {
            self.set_int(l.var, at);
            self.block(&l.body)?;
            match at.checked_add(l.step) {
                Some(next) => at = next,
                None => break,
            }
        }
        Ok(())
    }

    /// A statement that holds no others.
    fn simple(&mut self, stmt: &Stmt) -> Result<(), String> {
        match stmt {
            Stmt::Set(local, op) => {
                let ty = self.type_of(*local);
                self.locals[local.index()] = self.op(ty, op)?;
            }
            Stmt::Store(address, local) => {
                let (ty, value) = (self.type_of(*local), self.locals[local.index()]);
                let at = self.resolve(address)?;
                for (lane, bits) in (0..i64::from(ty.lanes)).zip(value) {
                    self.memory.store(address.buffer, at + lane, bits)?;
                }
            }
            Stmt::Gemm(gemm) => self.gemm(gemm)?,
            Stmt::Copy(copy) => self.copy(copy)?,
            Stmt::Library(call) => self.library(call)?,
            Stmt::Loop(_) | Stmt::If { .. } | Stmt::Fault(_) => {}
        }
        Ok(())
    }

    fn type_of(&self, local: Local) -> Type {
        self.module.kernels[self.id].locals[local]
    }

    fn set_int(&mut self, local: Local, value: i64) {
        self.locals[local.index()][0] = value as u64;
    }

    fn int(&self, local: Local) -> i64 {
        self.locals[local.index()][0] as i64
    }

    fn operand(&self, operand: Operand) -> i64 {
        match operand {
            Operand::Const(n) => n,
            Operand::Local(local) => self.int(local),
        }
    }

    /// Position of the first element that an address means, in elements of the buffer's type.
    fn resolve(&self, address: &Address) -> Result<i64, String> {
        let mut at = i128::from(address.offset);
        for (local, coefficient) in &address.terms {
            let by = match *coefficient {
                Coefficient::Elements(n) => i128::from(n),
                Coefficient::Stride { axis, factor } => self.stride(address.buffer, axis) * i128::from(factor),
            };
            at += i128::from(self.int(*local)) * by;
        }
        for (axis, factor) in &address.stride_offsets {
            at += self.stride(address.buffer, *axis) * i128::from(*factor);
        }
        i64::try_from(at).map_err(|_| format!("the address {at} does not fit"))
    }

    fn stride(&self, buffer: Buffer, axis: u32) -> i128 {
        i128::from(self.memory.stride(buffer, axis))
    }

    fn op(&self, ty: Type, op: &Op) -> Result<Lanes, String> {
        let value = |local: Local| self.locals[local.index()];
        Ok(match op {
            Op::Load(address) => {
                let at = self.resolve(address)?;
                let mut out = [0; MAX_LANES];
                for (lane, bits) in (0..i64::from(ty.lanes)).zip(&mut out) {
                    *bits = self.memory.load(address.buffer, at + lane)?;
                }
                out
            }
            Op::Const(constant) => [lanes::constant(ty.scalar, *constant); MAX_LANES],
            Op::Scalar(n) => [self.scalars[*n as usize] as u64; MAX_LANES],
            Op::Copy(a) => value(*a),
            Op::Splat(a) => [value(*a)[0]; MAX_LANES],
            Op::Extract(a, lane) => [value(*a)[usize::from(*lane)]; MAX_LANES],
            Op::Unary(op, a) => value(*a).map(|a| lanes::unary(*op, ty.scalar, a)),
            Op::Binary(op, a, b) => {
                let mut out = [0; MAX_LANES];
                // The unused lanes may hold divisors of 0.
                for (lane, bits) in (0..usize::from(ty.lanes)).zip(&mut out) {
                    *bits = lanes::binary(*op, ty.scalar, value(*a)[lane], value(*b)[lane])?;
                }
                out
            }
            Op::Fma(a, b, c) => std::array::from_fn(|n| lanes::fma(ty.scalar, value(*a)[n], value(*b)[n], value(*c)[n])),
            Op::Compare(op, a, b) => {
                let from = self.type_of(*a).scalar;
                std::array::from_fn(|n| u64::from(lanes::compare(*op, from, value(*a)[n], value(*b)[n])))
            }
            Op::Select(c, a, b) => std::array::from_fn(|n| if value(*c)[n] != 0 { value(*a)[n] } else { value(*b)[n] }),
            Op::Convert(conversion, a) => {
                let from = self.type_of(*a).scalar;
                value(*a).map(|a| lanes::convert(*conversion, from, ty.scalar, a))
            }
            Op::Call(function, args) => {
                let second = args.get(1).map_or(0, |b| value(*b)[0]);
                [lanes::call(*function, ty.scalar, value(args[0])[0], second); MAX_LANES]
            }
        })
    }

    fn copy(&mut self, copy: &MemoryCopy) -> Result<(), String> {
        let (dst, src) = (self.resolve(&copy.dst)?, self.resolve(&copy.src)?);
        for n in 0..self.operand(copy.count) {
            let bits = self.memory.load(copy.src.buffer, src + n)?;
            self.memory.store(copy.dst.buffer, dst + n, bits)?;
        }
        Ok(())
    }

    /// By the textbook algorithms of [`super::library`].
    fn library(&mut self, call: &LibraryCall) -> Result<(), String> {
        let problem = &call.problem;
        let mut args = Vec::new();
        for (n, address) in call.args.iter().enumerate() {
            let n_elements = (problem.arg_size(n) * problem.batch) as usize;
            let bytes = self.read_bytes(address, n_elements * problem.dtype.bytes())?;
            args.push(Data::from_bytes(problem.dtype, vec![n_elements], &bytes).ok_or("an operand of another length")?);
        }
        let solved = library::evaluate(problem, &args);
        self.locals[call.failed.index()] = [u64::from(solved.is_err()); MAX_LANES];
        let Ok(solved) = solved else { return Ok(()) };
        for ((address, (dtype, _)), values) in call.results.iter().zip(problem.results()).zip(solved) {
            self.write_bytes(address, &Data::new(dtype, vec![values.len()], values).to_bytes())?;
        }
        Ok(())
    }

    fn width_of(&self, buffer: Buffer) -> usize {
        self.module.buffers[buffer].ty.bytes() as usize
    }

    fn read_bytes(&self, address: &Address, n_bytes: usize) -> Result<Vec<u8>, String> {
        let (buffer, first) = (address.buffer, self.resolve(address)?);
        let width = self.width_of(buffer);
        let mut bytes = Vec::with_capacity(n_bytes);
        for at in 0..n_bytes / width {
            bytes.extend_from_slice(&self.memory.load(buffer, first + at as i64)?.to_le_bytes()[..width]);
        }
        Ok(bytes)
    }

    fn write_bytes(&mut self, address: &Address, bytes: &[u8]) -> Result<(), String> {
        let (buffer, first) = (address.buffer, self.resolve(address)?);
        for (at, element) in bytes.chunks(self.width_of(buffer)).enumerate() {
            let mut bits = [0; 8];
            bits[..element.len()].copy_from_slice(element);
            self.memory.store(buffer, first + at as i64, u64::from_le_bytes(bits))?;
        }
        Ok(())
    }

    /// Naive loops, the sum over `k` in order, each operation rounded to the dtype.
    fn gemm(&mut self, gemm: &Gemm) -> Result<(), String> {
        let (m, n, k) = (self.operand(gemm.m), self.operand(gemm.n), self.operand(gemm.k));
        if m < 0 || n < 0 || k < 0 {
            return Err(format!("an extent of {m} x {n} x {k} is negative"));
        }
        self.work.multiply_adds += m.unsigned_abs() * n.unsigned_abs() * k.unsigned_abs();
        let complex = gemm.dtype.is_complex();
        let (dst, lhs, rhs) = (self.matrix(&gemm.dst, complex)?, self.matrix(&gemm.lhs, complex)?, self.matrix(&gemm.rhs, complex)?);
        for row in 0..m {
            for column in 0..n {
                let mut sum = if gemm.accumulate { self.read(&dst, row, column)? } else { [0; 2] };
                for inner in 0..k {
                    let (a, b) = (self.read(&lhs, row, inner)?, self.read(&rhs, inner, column)?);
                    sum = lanes::multiply_add(gemm.dtype, a, b, sum);
                }
                let at = dst.at(row, column);
                for (part, bits) in (0..=i64::from(complex)).zip(sum) {
                    self.memory.store(dst.buffer, at + part, bits)?;
                }
            }
        }
        Ok(())
    }

    fn matrix(&self, view: &View, complex: bool) -> Result<Matrix, String> {
        let width = if complex { 2 } else { 1 };
        let stride = |s: MatrixStride| match s {
            MatrixStride::Const(n) => n * width,
            MatrixStride::Runtime(axis) => self.memory.stride(view.address.buffer, axis) * width,
        };
        let (row, column) = (stride(view.row_stride), stride(view.column_stride));
        Ok(Matrix { buffer: view.address.buffer, first: self.resolve(&view.address)?, row, column, complex })
    }

    /// An element: real and imaginary part.
    fn read(&self, matrix: &Matrix, row: i64, column: i64) -> Result<[u64; 2], String> {
        let at = matrix.at(row, column);
        let re = self.memory.load(matrix.buffer, at)?;
        Ok([re, if matrix.complex { self.memory.load(matrix.buffer, at + 1)? } else { 0 }])
    }
}

/// A matrix in memory; positions and strides in elements of the buffer's type.
struct Matrix {
    buffer: Buffer,
    first: i64,
    row: i64,
    column: i64,
    complex: bool,
}

impl Matrix {
    fn at(&self, row: i64, column: i64) -> i64 {
        self.first + row * self.row + column * self.column
    }
}

#[cfg(test)]
mod tests;

//! Modules by hand.

use crate::jit::testing::{Argument, run};
use crate::target::{Cpu, runnable_isa};
use ein_ir::entity::{Buffer, Local, PrimaryMap};
use ein_ir::kernel::{
    Address, Block, BufferDecl, Coefficient, KernelDecl, KernelModule, Loop, Op, OpConst, Operand, Place, RuntimeStrides, ScalarType, Stmt,
    Type,
};
use ein_ir::span::Span;

/// A module with one argument slot a buffer, in the order of their making.
pub(super) struct Builder {
    pub(super) module: KernelModule,
    pub(super) locals: PrimaryMap<Local, Type>,
    pub(super) task: Local,
}

impl Builder {
    pub(super) fn new(name: &str) -> Self {
        let mut locals = PrimaryMap::new();
        let task = locals.push(Type::INDEX);
        Self { module: KernelModule { name: name.to_owned(), ..KernelModule::default() }, locals, task }
    }

    pub(super) fn buffer(&mut self, name: &str, ty: ScalarType, n_elements: u64, place: Place) -> Buffer {
        self.module.buffers.push(BufferDecl { name: name.to_owned(), ty, n_elements, place })
    }

    fn argument(&mut self, ty: ScalarType, n_elements: usize, writable: bool, strides: Option<RuntimeStrides>) -> Buffer {
        let slot = self.module.n_arguments;
        self.module.n_arguments += 1;
        self.buffer(&format!("a{slot}"), ty, n_elements as u64, Place::Argument { slot, strides, writable })
    }

    pub(super) fn input(&mut self, ty: ScalarType, n_elements: usize) -> Buffer {
        self.argument(ty, n_elements, false, None)
    }

    pub(super) fn output(&mut self, ty: ScalarType, n_elements: usize) -> Buffer {
        self.argument(ty, n_elements, true, None)
    }

    pub(super) fn strided(&mut self, ty: ScalarType, n_elements: usize, axes: u32) -> Buffer {
        let strides = RuntimeStrides { first: self.module.n_strides, axes };
        self.module.n_strides += axes;
        self.argument(ty, n_elements, false, Some(strides))
    }

    pub(super) fn local(&mut self, ty: Type) -> Local {
        self.locals.push(ty)
    }

    pub(super) fn index(&mut self) -> Local {
        self.local(Type::INDEX)
    }

    /// Ends a kernel; the next one has variables of its own.
    pub(super) fn kernel(&mut self, tasks: u32, body: Block) {
        let mut next = PrimaryMap::new();
        let task = next.push(Type::INDEX);
        let locals = std::mem::replace(&mut self.locals, next);
        let task = std::mem::replace(&mut self.task, task);
        let name = format!("step {}", self.module.kernels.len());
        self.module.kernels.push(KernelDecl { name, tasks, task, locals, body, span: Span::default() });
    }

    pub(super) fn run(&self, arguments: &[Vec<u8>]) -> (Result<(), u32>, Vec<Vec<u8>>) {
        let arguments: Vec<_> = arguments.iter().map(|bytes| Argument { bytes: bytes.clone(), first: 0 }).collect();
        self.run_strided(&arguments, &[])
    }

    /// Runs on every processor that this machine contains; they have to agree.
    pub(super) fn run_strided(&self, arguments: &[Argument], strides: &[isize]) -> (Result<(), u32>, Vec<Vec<u8>>) {
        let result = run(&self.module, Cpu::Host, arguments, strides);
        for cpu in [Cpu::X86_64V2, Cpu::X86_64V3, Cpu::X86_64V4] {
            let fused = format!("{:?}", self.module).contains("Fma(");
            if runnable_isa(cpu).is_ok() && !(fused && cpu == Cpu::X86_64V2) {
                assert_eq!(run(&self.module, cpu, arguments, strides), result, "{} on {cpu}", self.module.name);
            }
        }
        result
    }
}

pub(super) fn at(buffer: Buffer, offset: i64, terms: &[(Local, i64)]) -> Address {
    let terms = terms.iter().map(|&(local, c)| (local, Coefficient::Elements(c))).collect();
    Address { buffer, offset, terms, stride_offsets: Vec::new() }
}

pub(super) fn count(var: Local, lo: i64, hi: i64, step: i64, body: Block) -> Stmt {
    Stmt::Loop(Loop { var, lo: Operand::Const(lo), hi: Operand::Const(hi), step, body })
}

pub(super) fn int(value: i64) -> Op {
    Op::Const(OpConst::Int(value))
}

pub(super) fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub(super) fn i64s(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub(super) fn to_f32s(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect()
}

pub(super) fn to_i64s(bytes: &[u8]) -> Vec<i64> {
    bytes.chunks_exact(8).map(|c| i64::from_le_bytes(c.try_into().unwrap())).collect()
}

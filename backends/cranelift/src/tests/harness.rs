//! Modules by hand.

use super::oracle;
use crate::emit::asm;
use crate::jit::testing::{Argument, run};
use crate::target::{Cpu, Target, has_fma, runnable_isa};
use ein_ir::entity::{Buffer, Local, PrimaryMap};
use ein_ir::interp::{self, kernel::ArgBuffer};
use ein_ir::kernel::{
    Address, Block, BufferDecl, Coefficient, KernelDecl, KernelModule, Loop, Op, OpConst, Operand, Place, Repeat, RuntimeStrides,
    ScalarType, Stage, Stmt, Type,
};
use ein_ir::kernel::{print::print, verify::verify};
use ein_ir::span::Span;
use ein_ir::verified::Verified;

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
        let kernel = self.module.kernels.push(KernelDecl { name, tasks, task, locals, body, span: Span::default() });
        self.module.schedule.push(Stage::Kernel(kernel));
    }

    /// Repeats the last `n` stages.
    pub(super) fn repeat(&mut self, n: usize, counter: u32, (lo, hi): (i64, i64), reverse: bool) {
        let body = self.module.schedule.split_off(self.module.schedule.len() - n);
        self.module.schedule.push(Stage::Repeat(Repeat { counter, lo, hi, reverse, body }));
    }

    /// The module, which must be right.
    pub(super) fn verified(&self) -> Verified<KernelModule> {
        verify(self.module.clone()).unwrap_or_else(|errors| panic!("{errors:?}\n{}", print(&self.module)))
    }

    pub(super) fn run(&self, arguments: &[Vec<u8>]) -> (Result<(), u32>, Vec<Vec<u8>>) {
        let arguments: Vec<_> = arguments.iter().map(|bytes| Argument { bytes: bytes.clone(), first: 0 }).collect();
        self.run_strided(&arguments, &[])
    }

    /// Runs in the interpreter and on every processor that this machine contains; all have to agree.
    pub(super) fn run_strided(&self, arguments: &[Argument], strides: &[isize]) -> (Result<(), u32>, Vec<Vec<u8>>) {
        let module = self.verified();
        let expected = self.interpret(&module, arguments, strides);
        let fused = print(&module).contains("fma");
        // Processors that this machine is not can at least be compiled for.
        for cpu in Cpu::ALL.into_iter().filter(|&cpu| runnable_isa(cpu).is_err()) {
            asm(&module, Target { cpu }).unwrap();
        }
        for cpu in Cpu::ALL {
            let Ok(isa) = runnable_isa(cpu) else { continue };
            if fused && !has_fma(&*isa) {
                continue;
            }
            let got = run(&module, cpu, arguments, strides);
            assert_eq!(got.0, expected.0, "{} on {cpu}", module.name);
            if got.0.is_ok() {
                self.assert_same(&got.1, &expected.1, cpu);
            }
        }
        expected
    }

    fn interpret(&self, module: &Verified<KernelModule>, arguments: &[Argument], strides: &[isize]) -> (Result<(), u32>, Vec<Vec<u8>>) {
        let mut args: Vec<_> =
            arguments.iter().map(|a| ArgBuffer { bytes: a.bytes.clone(), origin: a.first, strides: Vec::new() }).collect();
        for decl in module.buffers.values() {
            if let Place::Argument { slot, strides: Some(s), .. } = decl.place {
                args[slot as usize].strides = strides[s.first as usize..][..s.axes as usize].iter().map(|&s| s as i64).collect();
            }
        }
        let code = interp::kernel::run(module, &mut args).map(|_| ()).map_err(|stop| match stop {
            interp::kernel::Stop::Fault(fault) => fault.as_u32(),
            interp::kernel::Stop::Error(error) => panic!("{error}\n{}", print(module)),
        });
        (code, args.into_iter().map(|a| a.bytes).collect())
    }

    fn assert_same(&self, got: &[Vec<u8>], want: &[Vec<u8>], cpu: Cpu) {
        for decl in self.module.buffers.values() {
            let Place::Argument { slot, .. } = decl.place else { continue };
            let (got, want) = (&got[slot as usize], &want[slot as usize]);
            let bytes = decl.ty.bytes() as usize;
            for (i, (g, w)) in got.chunks_exact(bytes).zip(want.chunks_exact(bytes)).enumerate() {
                let same = oracle::same(decl.ty, bits(g), bits(w));
                assert!(same, "{} on {cpu}: {}[{i}] is {g:x?}, not {w:x?}\n{}", self.module.name, decl.name, print(&self.module));
            }
        }
    }
}

/// A little-endian number.
pub(super) fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |bits, &b| bits << 8 | u64::from(b))
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

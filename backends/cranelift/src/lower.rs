//! Kernel IR to CLIF: one function a kernel, and `entry`, which calls them all ([`entry`]).
//!
//! Local variables become variables of Cranelift's frontend, which puts them into SSA form. Bools are I8 0 or 1; bools in lanes are masks,
//! all ones or zero, as wide as the values compared. Loops have their test at the bottom, behind a guard unless their bounds are constant,
//! so that a turn ends in one branch.

mod address;
mod call;
mod entry;
mod facts;
mod op;

use crate::error::Error;
use address::Scope;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AbiParam, BlockArg, ExternalName, FuncRef, Function, InstBuilder, MemFlagsData, Signature, Value, types};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use ein_ir::entity::{Buffer, Kernel, Local};
use ein_ir::kernel::{Block, KernelDecl, KernelModule, Loop, Operand, ScalarType, Stmt, Type};
pub(crate) use entry::lower_entry;
use facts::Facts;
use std::collections::BTreeMap;

/// Gives the things outside a function their names: numbers for the machine, words for the reader.
pub(crate) trait Linker {
    /// A function of the runtime.
    fn runtime(&mut self, func: &mut Function, symbol: &str, signature: &Signature) -> Result<ExternalName, Error>;
    /// A kernel of the same module.
    fn kernel(&mut self, func: &mut Function, kernel: Kernel) -> Result<ExternalName, Error>;
    /// The data of a constant buffer.
    fn constant(&mut self, func: &mut Function, buffer: Buffer) -> Result<ExternalName, Error>;
}

/// What code is made with, the same for every function of a module.
pub(crate) struct Toolbox<'a> {
    pub(crate) isa: &'a dyn TargetIsa,
    pub(crate) linker: &'a mut dyn Linker,
    pub(crate) builder_context: &'a mut FunctionBuilderContext,
}

/// Name of a kernel's function: its number, then its name as far as it is letters and digits.
pub(crate) fn kernel_symbol(kernel: Kernel, decl: &KernelDecl) -> String {
    let name: String = decl.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.is_empty() { kernel.to_string() } else { format!("{kernel}_{name}") }
}

/// The signature of kernels: `(frame, task) -> fault`.
pub(crate) fn kernel_signature(call_conv: CallConv) -> Signature {
    let mut signature = entry_signature(call_conv);
    signature.params.push(AbiParam::new(types::I32));
    signature
}

/// The signature of `entry`: `(frame) -> fault`.
pub(crate) fn entry_signature(call_conv: CallConv) -> Signature {
    let mut signature = Signature::new(call_conv);
    signature.params.push(AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Lowers one kernel into `func`, which is empty but for its name.
pub(crate) fn lower_kernel(module: &KernelModule, kernel: Kernel, func: &mut Function, tools: &mut Toolbox<'_>) -> Result<(), Error> {
    let decl = &module.kernels[kernel];
    func.signature = kernel_signature(tools.isa.default_call_conv());
    let mut builder = FunctionBuilder::new(func, tools.builder_context);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_block(block);
    let (frame, task) = (builder.block_params(block)[0], builder.block_params(block)[1]);
    let variables = decl.locals.values().map(|&ty| builder.declare_var(clif_type(ty))).collect();
    let mut ctx = Lowering {
        builder,
        module,
        kernel: decl,
        facts: Facts::of(module, decl),
        linker: tools.linker,
        has_fma: crate::target::has_fma(tools.isa),
        call_conv: tools.isa.default_call_conv(),
        frame,
        variables,
        bases: BTreeMap::new(),
        strides: BTreeMap::new(),
        scopes: Vec::new(),
        conditions: 0,
        imports: BTreeMap::new(),
    };
    let task = ctx.builder.ins().uextend(types::I64, task);
    ctx.set(decl.task, task);
    ctx.load_bases()?;
    if ctx.block(&decl.body)? == Flow::Continues {
        ctx.return_code(0);
    }
    ctx.builder.finalize(tools.isa.frontend_config());
    Ok(())
}

/// Cranelift's type of a variable.
pub(super) fn clif_type(ty: Type) -> types::Type {
    match (ty.lanes, ty.scalar) {
        (4, ScalarType::F32) => types::F32X4,
        (4, _) => types::I32X4,
        (2, ScalarType::F64) => types::F64X2,
        (2, _) => types::I64X2,
        (_, ScalarType::Bool | ScalarType::I8) => types::I8,
        (_, ScalarType::I16) => types::I16,
        (_, ScalarType::I32) => types::I32,
        (_, ScalarType::I64) => types::I64,
        (_, ScalarType::F32) => types::F32,
        (_, ScalarType::F64) => types::F64,
    }
}

/// Whether control reaches what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Continues,
    /// Every way through ended in a fault.
    Ends,
}

/// A kernel on its way to CLIF.
struct Lowering<'a> {
    builder: FunctionBuilder<'a>,
    module: &'a KernelModule,
    kernel: &'a KernelDecl,
    facts: Facts,
    linker: &'a mut dyn Linker,
    has_fma: bool,
    call_conv: CallConv,
    frame: Value,
    variables: Vec<Variable>,
    /// First byte of each buffer.
    bases: BTreeMap<Buffer, Value>,
    /// Run-time strides, in elements of the tensor, by buffer and axis.
    strides: BTreeMap<(Buffer, u32), Value>,
    /// Loops around the current point, the innermost last.
    scopes: Vec<Scope>,
    /// How many branches and guarded loops are around the current point.
    conditions: u32,
    /// Functions of the runtime that this function calls.
    imports: BTreeMap<String, FuncRef>,
}

impl Lowering<'_> {
    fn get(&mut self, local: Local) -> Value {
        self.builder.use_var(self.variables[local.as_u32() as usize])
    }

    fn set(&mut self, local: Local, value: Value) {
        self.builder.def_var(self.variables[local.as_u32() as usize], value);
    }

    fn type_of(&self, local: Local) -> Type {
        self.kernel.locals[local]
    }

    fn return_code(&mut self, code: u32) {
        let code = self.builder.ins().iconst(types::I32, i64::from(code));
        self.builder.ins().return_(&[code]);
    }

    fn block(&mut self, block: &Block) -> Result<Flow, Error> {
        for stmt in block {
            if self.stmt(stmt)? == Flow::Ends {
                // The rest is never reached.
                return Ok(Flow::Ends);
            }
        }
        Ok(Flow::Continues)
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<Flow, Error> {
        match stmt {
            Stmt::Set(local, op) => {
                let value = self.op(self.type_of(*local), op)?;
                self.set(*local, value);
                Ok(Flow::Continues)
            }
            Stmt::Store(address, local) => {
                self.store(address, *local);
                Ok(Flow::Continues)
            }
            Stmt::Loop(l) => self.loop_(l),
            Stmt::If { condition, then, otherwise } => self.if_(*condition, then, otherwise),
            Stmt::Fault(fault) => {
                self.return_code(1 + fault.as_u32());
                Ok(Flow::Ends)
            }
            Stmt::Gemm(gemm) => {
                self.gemm(gemm)?;
                Ok(Flow::Continues)
            }
            Stmt::Copy(copy) => {
                self.copy(copy)?;
                Ok(Flow::Continues)
            }
            Stmt::Library(call) => {
                self.library(call)?;
                Ok(Flow::Continues)
            }
        }
    }

    fn if_(&mut self, condition: Local, then: &Block, otherwise: &Block) -> Result<Flow, Error> {
        let condition = self.get(condition);
        let (then_block, else_block, merge) = (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        for (block, body) in [(then_block, then), (else_block, otherwise)] {
            if let Some(Stmt::Fault(_)) = body.last() {
                self.builder.set_cold_block(block);
            }
        }
        self.builder.ins().brif(condition, then_block, &[], else_block, &[]);
        let mut flow = Flow::Ends;
        self.conditions += 1;
        for (block, body) in [(then_block, then), (else_block, otherwise)] {
            self.builder.switch_to_block(block);
            self.builder.seal_block(block);
            if self.block(body)? == Flow::Continues {
                self.builder.ins().jump(merge, &[]);
                flow = Flow::Continues;
            }
        }
        self.conditions -= 1;
        if flow == Flow::Continues {
            self.builder.switch_to_block(merge);
            self.builder.seal_block(merge);
        }
        Ok(flow)
    }

    fn loop_(&mut self, l: &Loop) -> Result<Flow, Error> {
        match (self.known(l.lo), self.known(l.hi)) {
            (Some(lo), Some(hi)) if lo >= hi => Ok(Flow::Continues),
            (Some(lo), Some(hi)) if hi.saturating_sub(lo) <= l.step => {
                let lo = self.builder.ins().iconst(types::I64, lo);
                self.set(l.var, lo);
                self.block(&l.body)
            }
            (Some(_), Some(_)) => self.entered_loop(l),
            _ => self.guarded_loop(l),
        }
    }

    /// A loop that may have no turn.
    fn guarded_loop(&mut self, l: &Loop) -> Result<Flow, Error> {
        let (before, after) = (self.builder.create_block(), self.builder.create_block());
        let (lo, hi) = (self.operand(l.lo), self.operand(l.hi));
        let any = self.builder.ins().icmp(IntCC::SignedLessThan, lo, hi);
        self.builder.ins().brif(any, before, &[], after, &[]);
        self.builder.switch_to_block(before);
        self.builder.seal_block(before);
        self.conditions += 1;
        if self.entered_loop(l)? == Flow::Continues {
            self.builder.ins().jump(after, &[]);
        }
        self.conditions -= 1;
        self.builder.switch_to_block(after);
        self.builder.seal_block(after);
        Ok(Flow::Continues)
    }

    /// A loop that has at least one turn.
    fn entered_loop(&mut self, l: &Loop) -> Result<Flow, Error> {
        let (lo, hi) = (self.operand(l.lo), self.operand(l.hi));
        let (mut scope, moving) = self.prepare_streams(l, lo);
        let turn = self.builder.create_block();
        let var = self.builder.append_block_param(turn, types::I64);
        let pointers: Vec<Value> = moving.iter().map(|_| self.builder.append_block_param(turn, types::I64)).collect();
        for (pointer, &parameter) in moving.iter().zip(&pointers) {
            scope.bind(pointer, parameter);
        }
        let first: Vec<BlockArg> = std::iter::once(lo).chain(moving.iter().map(|m| m.start)).map(BlockArg::from).collect();
        self.builder.ins().jump(turn, &first);
        self.builder.switch_to_block(turn);
        self.set(l.var, var);
        self.scopes.push(scope);
        let flow = self.block(&l.body)?;
        self.scopes.pop();
        if flow == Flow::Continues {
            let after = self.builder.create_block();
            let mut next = vec![BlockArg::from(self.builder.ins().iadd_imm_s(var, l.step))];
            for (&pointer, m) in pointers.iter().zip(&moving) {
                next.push(self.moved(pointer, m.step).into());
            }
            let count = next[0].as_value().expect("it was made from a value");
            let more = self.builder.ins().icmp(IntCC::SignedLessThan, count, hi);
            self.builder.ins().brif(more, turn, &next, after, &[]);
            self.builder.switch_to_block(after);
            self.builder.seal_block(after);
        }
        self.builder.seal_block(turn);
        Ok(flow)
    }

    /// The value of an operand, if it is always the same.
    fn known(&self, operand: Operand) -> Option<i64> {
        match operand {
            Operand::Const(value) => Some(value),
            Operand::Local(local) => self.facts.constant(local),
        }
    }

    fn operand(&mut self, operand: Operand) -> Value {
        match self.known(operand) {
            Some(value) => self.builder.ins().iconst(types::I64, value),
            None => match operand {
                Operand::Local(local) => self.get(local),
                Operand::Const(value) => self.builder.ins().iconst(types::I64, value),
            },
        }
    }

    /// Flags of reads of a buffer.
    ///
    /// What this kernel does not write does not change while it runs. Where such a read is carried out in any case, Cranelift may carry
    /// it out elsewhere: out of a loop, or into the instruction that uses it.
    fn load_flags(&self, buffer: Buffer) -> MemFlagsData {
        let flags = MemFlagsData::new().with_notrap();
        if self.facts.writes(buffer) {
            return flags;
        }
        if self.conditions == 0 && !self.facts.may_fault { flags.with_readonly().with_can_move() } else { flags.with_readonly() }
    }

    fn constant_base(&mut self, buffer: Buffer) -> Result<Value, Error> {
        let name = self.linker.constant(self.builder.func, buffer)?;
        let data = cranelift_codegen::ir::GlobalValueData::Symbol { name, offset: 0.into(), colocated: false, tls: false };
        let global = self.builder.create_global_value(data);
        Ok(self.builder.ins().symbol_value(types::I64, global))
    }
}

//! `entry`: the schedule of a module as one function.
//!
//! Where the schedule repeats, `entry` gives the kernels a frame of its own, on the stack: the caller's, with the counters of the
//! repetitions behind it. So nothing is allocated, and calls may overlap.

use super::{Toolbox, entry_signature, kernel_signature};
use crate::error::Error;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, ExtFuncData, FuncRef, Function, InstBuilder, MemFlagsData, StackSlot, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use ein_ir::entity::Kernel;
use ein_ir::kernel::{KernelModule, Repeat, Stage};
use ein_runtime::Frame;
use std::collections::BTreeMap;

/// Lowers `entry`: the schedule with every task of every kernel in order, up to the first fault.
pub(crate) fn lower_entry(module: &KernelModule, func: &mut Function, tools: &mut Toolbox<'_>) -> Result<(), Error> {
    func.signature = entry_signature(tools.isa.default_call_conv());
    let signature = func.import_signature(kernel_signature(tools.isa.default_call_conv()));
    let mut builder = FunctionBuilder::new(func, tools.builder_context);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    let mut frame = builder.block_params(block)[0];
    let failed = builder.create_block();
    let fault = builder.append_block_param(failed, types::I32);
    builder.set_cold_block(failed);
    let counters = match module.n_scalars() {
        0 => None,
        n => {
            let slot = stack_slot(&mut builder, 8 * n);
            frame = own_frame(&mut builder, frame, slot);
            Some(slot)
        }
    };
    let mut callees = BTreeMap::new();
    for kernel in module.kernels.keys() {
        let name = tools.linker.kernel(builder.func, kernel)?;
        // Not `colocated`: the distance between two pieces of code is the system's to choose.
        callees.insert(kernel, builder.import_function(ExtFuncData { name, signature, colocated: false, patchable: false }));
    }
    let mut entry = Entry { builder, module, callees, frame, failed, counters };
    entry.stages(&module.schedule);
    let mut builder = entry.builder;
    let zero = builder.ins().iconst(types::I32, 0);
    builder.ins().return_(&[zero]);
    builder.switch_to_block(failed);
    builder.ins().return_(&[fault]);
    builder.seal_all_blocks();
    builder.finalize(tools.isa.frontend_config());
    Ok(())
}

fn stack_slot(builder: &mut FunctionBuilder<'_>, bytes: u32) -> StackSlot {
    builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3))
}

/// A copy of the caller's frame whose scalars are `counters`.
fn own_frame(builder: &mut FunctionBuilder<'_>, frame: Value, counters: StackSlot) -> Value {
    let copy = stack_slot(builder, u32::try_from(size_of::<Frame>()).expect("a frame has four fields"));
    let offset = |field: usize| i32::try_from(field).expect("a frame has four fields");
    for field in [std::mem::offset_of!(Frame, bufs), std::mem::offset_of!(Frame, strides), std::mem::offset_of!(Frame, arena)] {
        let value = builder.ins().load(types::I64, MemFlagsData::trusted(), frame, offset(field));
        builder.ins().stack_store(types::I64, value, copy, offset(field));
    }
    let scalars = builder.ins().stack_addr(types::I64, counters, 0);
    builder.ins().stack_store(types::I64, scalars, copy, offset(std::mem::offset_of!(Frame, scalars)));
    builder.ins().stack_addr(types::I64, copy, 0)
}

/// `entry` on its way to CLIF.
struct Entry<'a> {
    builder: FunctionBuilder<'a>,
    module: &'a KernelModule,
    callees: BTreeMap<Kernel, FuncRef>,
    /// What kernels are called with.
    frame: Value,
    /// Returns its parameter, a fault.
    failed: Block,
    /// Where the frame's scalars are.
    counters: Option<StackSlot>,
}

impl Entry<'_> {
    fn stages(&mut self, stages: &[Stage]) {
        for stage in stages {
            match stage {
                Stage::Kernel(kernel) => self.kernel(*kernel),
                Stage::Repeat(repeat) if repeat.lo < repeat.hi => self.repeat(repeat),
                Stage::Repeat(_) => {}
            }
        }
    }

    /// A repetition with at least one turn.
    fn repeat(&mut self, repeat: &Repeat) {
        let (first, last, step) = if repeat.reverse { (repeat.hi - 1, repeat.lo, -1) } else { (repeat.lo, repeat.hi - 1, 1) };
        let (turn, next) = (self.builder.create_block(), self.builder.create_block());
        let count = self.builder.append_block_param(turn, types::I64);
        let first = self.builder.ins().iconst(types::I64, first);
        self.builder.ins().jump(turn, &[first.into()]);
        self.builder.switch_to_block(turn);
        let counters = self.counters.expect("a module that repeats has counters");
        let offset = i32::try_from(8 * repeat.counter).expect("counters are no more than the nesting of repetitions");
        self.builder.ins().stack_store(types::I64, count, counters, offset);
        self.stages(&repeat.body);
        let after = self.builder.ins().iadd_imm_s(count, step);
        let more = self.builder.ins().icmp_imm_s(IntCC::NotEqual, count, last);
        self.builder.ins().brif(more, turn, &[after.into()], next, &[]);
        self.builder.switch_to_block(next);
    }

    /// Calls a kernel for its tasks, at least one.
    fn kernel(&mut self, kernel: Kernel) {
        let (callee, tasks, frame) = (self.callees[&kernel], self.module.kernels[kernel].tasks, self.frame);
        let builder = &mut self.builder;
        let (turn, passed, next) = (builder.create_block(), builder.create_block(), builder.create_block());
        let task = builder.append_block_param(turn, types::I32);
        let zero = builder.ins().iconst(types::I32, 0);
        builder.ins().jump(turn, &[zero.into()]);
        builder.switch_to_block(turn);
        let call = builder.ins().call(callee, &[frame, task]);
        let fault = builder.inst_results(call)[0];
        builder.ins().brif(fault, self.failed, &[fault.into()], passed, &[]);
        builder.switch_to_block(passed);
        if tasks > 1 {
            let after = builder.ins().iadd_imm_s(task, 1);
            let more = builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, after, i64::from(tasks));
            builder.ins().brif(more, turn, &[after.into()], next, &[]);
        } else {
            builder.ins().jump(next, &[]);
        }
        builder.switch_to_block(next);
    }
}

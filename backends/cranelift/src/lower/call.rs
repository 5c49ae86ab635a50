//! Calls of the runtime: scalar functions, the library matrix product, functions of whole tensors.

use super::{Lowering, clif_type};
use crate::error::Error;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, ExtFuncData, FuncRef, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, Value, types,
};
use ein_ir::entity::Local;
use ein_ir::kernel::{Address, Gemm, LibraryCall, MathFn, MatrixStride, MemoryCopy, Operand, ScalarType, Type, View};
use ein_runtime::library::{LibraryArgs, N_ARGS as N_LIBRARY_ARGS, N_RESULTS as N_LIBRARY_RESULTS, dtype_number, op_number};
use ein_runtime::micro_kernel::GemmArgs;
use std::mem::offset_of;

impl Lowering<'_> {
    pub(super) fn call_math(&mut self, function: MathFn, scalar: ScalarType, operands: &[Local]) -> Result<Value, Error> {
        let ty = AbiParam::new(clif_type(Type::scalar(scalar)));
        let mut signature = Signature::new(self.call_conv);
        signature.params = vec![ty; operands.len()];
        signature.returns = vec![ty];
        let callee = self.import(&math_symbol(function, scalar), signature)?;
        let operands: Vec<Value> = operands.iter().map(|&local| self.get(local)).collect();
        let call = self.builder.ins().call(callee, &operands);
        Ok(self.builder.inst_results(call)[0])
    }

    /// Fills a `GemmArgs` on the stack and passes its address.
    pub(super) fn gemm(&mut self, gemm: &Gemm) -> Result<(), Error> {
        let mut signature = Signature::new(self.call_conv);
        signature.params = vec![AbiParam::new(types::I64)];
        let callee = self.import(&format!("ein_gemm_{}", gemm.dtype), signature)?;
        let size = u32::try_from(size_of::<GemmArgs>()).expect("a struct of thirteen words");
        let slot = self.builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3));
        let args = self.builder.ins().stack_addr(types::I64, slot, 0);
        for (offset, operand) in [(offset_of!(GemmArgs, m), gemm.m), (offset_of!(GemmArgs, n), gemm.n), (offset_of!(GemmArgs, k), gemm.k)] {
            let length = self.length(operand);
            self.argument(args, offset, length);
        }
        let (dst, lhs, rhs) = (
            [offset_of!(GemmArgs, dst), offset_of!(GemmArgs, dst_rs), offset_of!(GemmArgs, dst_cs)],
            [offset_of!(GemmArgs, lhs), offset_of!(GemmArgs, lhs_rs), offset_of!(GemmArgs, lhs_cs)],
            [offset_of!(GemmArgs, rhs), offset_of!(GemmArgs, rhs_rs), offset_of!(GemmArgs, rhs_cs)],
        );
        for (offsets, view) in [(dst, &gemm.dst), (lhs, &gemm.lhs), (rhs, &gemm.rhs)] {
            self.view(args, offsets, view);
        }
        let accumulate = self.builder.ins().iconst(types::I32, i64::from(gemm.accumulate));
        self.argument(args, offset_of!(GemmArgs, accumulate), accumulate);
        self.builder.ins().call(callee, &[args]);
        Ok(())
    }

    /// Passes both addresses and the number of bytes.
    pub(super) fn copy(&mut self, copy: &MemoryCopy) -> Result<(), Error> {
        let mut signature = Signature::new(self.call_conv);
        signature.params = vec![AbiParam::new(types::I64); 3];
        let callee = self.import("ein_copy", signature)?;
        let count = self.length(copy.count);
        let bytes = self.builder.ins().imul_imm_s(count, i64::from(self.module.buffers[copy.dst.buffer].ty.bytes()));
        let (dst, src) = (self.first_byte(&copy.dst), self.first_byte(&copy.src));
        self.builder.ins().call(callee, &[dst, src, bytes]);
        Ok(())
    }

    /// Fills a `LibraryArgs` on the stack, passes its address, and sets whether the function failed.
    pub(super) fn library(&mut self, library: &LibraryCall) -> Result<(), Error> {
        let mut signature = Signature::new(self.call_conv);
        signature.params = vec![AbiParam::new(types::I64)];
        signature.returns = vec![AbiParam::new(types::I32)];
        let callee = self.import("ein_library", signature)?;
        let size = u32::try_from(size_of::<LibraryArgs>()).expect("a struct of fifteen words");
        let slot = self.builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3));
        let args = self.builder.ins().stack_addr(types::I64, slot, 0);
        self.pointers(args, offset_of!(LibraryArgs, args), N_LIBRARY_ARGS, &library.args);
        self.pointers(args, offset_of!(LibraryArgs, results), N_LIBRARY_RESULTS, &library.results);
        self.pointers(args, offset_of!(LibraryArgs, workspace), 1, library.workspace.as_slice());
        let workspace_bytes = library.workspace.as_ref().map_or(0, |w| self.module.buffers[w.buffer].n_elements);
        let p = &library.problem;
        for (offset, value) in [
            (offset_of!(LibraryArgs, workspace_bytes), workspace_bytes),
            (offset_of!(LibraryArgs, batch), p.batch),
            (offset_of!(LibraryArgs, m), p.m),
            (offset_of!(LibraryArgs, n), p.n),
            (offset_of!(LibraryArgs, k), p.k),
            (offset_of!(LibraryArgs, op), op_number(p.op)),
            (offset_of!(LibraryArgs, dtype), dtype_number(p.dtype)),
            (offset_of!(LibraryArgs, reversed), u64::from(p.reversed)),
        ] {
            let value = self.builder.ins().iconst(types::I64, value.cast_signed());
            self.argument(args, offset, value);
        }
        let call = self.builder.ins().call(callee, &[args]);
        let code = self.builder.inst_results(call)[0];
        let zero = self.builder.ins().iconst(types::I32, 0);
        let failed = self.builder.ins().icmp(IntCC::NotEqual, code, zero);
        self.set(library.failed, failed);
        Ok(())
    }

    /// Stores the first bytes of addresses in a table of `n` pointers; the others are null.
    fn pointers(&mut self, args: Value, offset: usize, n: usize, addresses: &[Address]) {
        for position in 0..n {
            let pointer = match addresses.get(position) {
                Some(address) => self.first_byte(address),
                None => self.builder.ins().iconst(types::I64, 0),
            };
            self.argument(args, offset + position * size_of::<usize>(), pointer);
        }
    }

    fn first_byte(&mut self, address: &Address) -> Value {
        let (pointer, bytes) = self.address(address);
        if bytes == 0 { pointer } else { self.builder.ins().iadd_imm_s(pointer, i64::from(bytes)) }
    }

    /// Stores a view's address, row stride and column stride.
    fn view(&mut self, args: Value, offsets: [usize; 3], view: &View) {
        let first = self.first_byte(&view.address);
        self.argument(args, offsets[0], first);
        for (offset, stride) in [(offsets[1], view.row_stride), (offsets[2], view.column_stride)] {
            let stride = match stride {
                MatrixStride::Const(stride) => self.builder.ins().iconst(types::I64, stride),
                MatrixStride::Runtime(axis) => self.runtime_stride(view.address.buffer, axis),
            };
            self.argument(args, offset, stride);
        }
    }

    /// A length, which is 0 where a computed one is negative: a loop would have no turn.
    fn length(&mut self, operand: Operand) -> Value {
        if let Some(known) = self.known(operand) {
            return self.builder.ins().iconst(types::I64, known.max(0));
        }
        let length = self.operand(operand);
        let zero = self.builder.ins().iconst(types::I64, 0);
        let some = self.builder.ins().icmp(IntCC::SignedGreaterThan, length, zero);
        self.builder.ins().select(some, length, zero)
    }

    fn argument(&mut self, args: Value, offset: usize, value: Value) {
        let offset = i32::try_from(offset).expect("a struct of thirteen words");
        self.builder.ins().store(MemFlagsData::trusted(), value, args, offset);
    }

    fn import(&mut self, symbol: &str, signature: Signature) -> Result<FuncRef, Error> {
        if let Some(&known) = self.imports.get(symbol) {
            return Ok(known);
        }
        let name = self.linker.runtime(self.builder.func, symbol, &signature)?;
        let signature = self.builder.import_signature(signature);
        let function = self.builder.import_function(ExtFuncData { name, signature, colocated: false, patchable: false });
        self.imports.insert(symbol.to_owned(), function);
        Ok(function)
    }
}

/// The runtime's name of a scalar function.
pub(crate) fn math_symbol(function: MathFn, scalar: ScalarType) -> String {
    let name = match function {
        // In the runtime `rem` is next to `floor_div`, and called alike.
        MathFn::Rem => "floor_rem",
        other => other.name(),
    };
    format!("ein_{name}_{}", scalar.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_has_every_scalar_function() {
        let symbols = ein_runtime::micro_kernel::symbols();
        for function in MathFn::ALL {
            for scalar in [ScalarType::F32, ScalarType::F64] {
                let symbol = math_symbol(function, scalar);
                assert!(symbols.iter().any(|(name, _)| *name == symbol), "{symbol}");
            }
        }
    }
}

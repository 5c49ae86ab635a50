//! Kernels that pack elements of a sub-byte type, a byte each, into the memory of the caller.
//!
//! A task has whole bytes: rows, or where rows end on a byte, bytes of all of them. Bits behind the last element of a row are 0.

use crate::affine::ceil_div;
use crate::buffers::Memory;
use crate::error::unsupported;
use crate::nest::empty_kernel;
use crate::pipeline::Context;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Local, PrimaryMap};
use ein_ir::kernel::{Address, BinaryOp, Block, Coefficient, KernelDecl, Loop, Op, OpConst, Operand, ScalarType, Stmt, Type};
use ein_ir::plan::Nest;
use ein_ir::scalar::ScalarKind;
use ein_ir::span::Span;

/// Elements that are worth a task.
const TASK_ELEMENTS: i64 = 1 << 16;
/// More tasks than this serve no machine that is expected.
const MAX_TASKS: i64 = 64;

/// The kernel of a nest that copies a whole tensor into packed memory; plans write such memory in no other way.
///
/// # Errors
/// E0190 for another nest.
pub(crate) fn lower_pack(context: &Context<'_>, nest: &Nest, span: Span) -> Result<KernelDecl, Diagnostic> {
    let (out, name) = (&context.memories[nest.out], context.plan.buffers[nest.out].name.clone());
    let source = match &nest.body.kind {
        ScalarKind::Access(access) if nest.reduce.is_none() && nest.domain.is_none() => &context.memories[access.tensor],
        _ => return Err(unsupported("a packed result that is computed in place", span)),
    };
    if source.packed || source.dtype != out.dtype || source.extents != out.extents {
        return Err(unsupported("a packed result of another form", span));
    }
    let per_byte = i64::from(8 / out.dtype.bits());
    let (mut row, mut rows) = match out.extents.split_last() {
        Some((last, rest)) => (*last, rest.iter().product()),
        None => (1, 1),
    };
    if row == 0 || rows == 0 {
        return Ok(empty_kernel(name, span));
    }
    if row % per_byte == 0 {
        (row, rows) = (row * rows, 1);
    }
    let mut writer = Writer { out, source, per_byte, row, locals: PrimaryMap::new() };
    let task = writer.locals.push(Type::INDEX);
    let by_bytes = rows == 1 && row % per_byte == 0;
    let units = if by_bytes { row / per_byte } else { rows };
    let wanted = (row * rows / TASK_ELEMENTS).clamp(1, MAX_TASKS);
    let chunk = ceil_div(units, wanted);
    let body = writer.task(task, chunk, units, by_bytes);
    Ok(KernelDecl { name, tasks: ceil_div(units, chunk) as u32, task, locals: writer.locals, body, span })
}

struct Writer<'a> {
    out: &'a Memory,
    source: &'a Memory,
    per_byte: i64,
    /// Elements of a row.
    row: i64,
    locals: PrimaryMap<Local, Type>,
}

impl Writer<'_> {
    fn set(&mut self, block: &mut Block, ty: Type, op: Op) -> Local {
        let local = self.locals.push(ty);
        block.push(Stmt::Set(local, op));
        local
    }

    /// Bytes or rows from `task * chunk` on.
    fn task(&mut self, task: Local, chunk: i64, units: i64, by_bytes: bool) -> Block {
        let mut block = Block::new();
        let ty = Type::INDEX;
        let (size, all) =
            (self.set(&mut block, ty, Op::Const(OpConst::Int(chunk))), self.set(&mut block, ty, Op::Const(OpConst::Int(units))));
        let lo = self.set(&mut block, ty, Op::Binary(BinaryOp::Mul, task, size));
        let end = self.set(&mut block, ty, Op::Binary(BinaryOp::Add, lo, size));
        let hi = self.set(&mut block, ty, Op::Binary(BinaryOp::Min, end, all));
        let var = self.locals.push(ty);
        let body = if by_bytes { self.byte(None, Some(var), self.per_byte) } else { self.whole_row(var) };
        block.push(Stmt::Loop(Loop { var, lo: Operand::Local(lo), hi: Operand::Local(hi), step: 1, body }));
        block
    }

    fn whole_row(&mut self, row: Local) -> Block {
        let (whole, rest) = (self.row / self.per_byte, self.row % self.per_byte);
        let var = self.locals.push(Type::INDEX);
        let body = self.byte(Some(row), Some(var), self.per_byte);
        let mut block = vec![Stmt::Loop(Loop { var, lo: Operand::Const(0), hi: Operand::Const(whole), step: 1, body })];
        block.extend(self.byte(Some(row), None, rest));
        block
    }

    /// Packs the first `count` elements of a byte; the last byte of a row if none is named.
    fn byte(&mut self, row: Option<Local>, byte: Option<Local>, count: i64) -> Block {
        let ty = Type::scalar(ScalarType::I8);
        let bits = i64::from(self.out.dtype.bits());
        let last = if byte.is_none() { self.row / self.per_byte } else { 0 };
        let terms = |row_step, byte_step| {
            let term = |(local, step): (Option<Local>, i64)| local.map(|l| (l, Coefficient::Elements(step)));
            [(row, row_step), (byte, byte_step)].into_iter().filter_map(term).collect::<Vec<_>>()
        };
        let mut block = Block::new();
        let mask = self.set(&mut block, ty, Op::Const(OpConst::Int((1 << bits) - 1)));
        let mut packed = None;
        for n in 0..count {
            let from = Address {
                buffer: self.source.buffer,
                offset: last * self.per_byte + n,
                terms: terms(self.row, self.per_byte),
                stride_offsets: Vec::new(),
            };
            let element = self.set(&mut block, ty, Op::Load(from));
            let element = self.set(&mut block, ty, Op::Binary(BinaryOp::And, element, mask));
            let amount = self.set(&mut block, ty, Op::Const(OpConst::Int(n * bits)));
            let moved = self.set(&mut block, ty, Op::Binary(BinaryOp::Shl, element, amount));
            packed = Some(match packed {
                None => moved,
                Some(before) => self.set(&mut block, ty, Op::Binary(BinaryOp::Or, before, moved)),
            });
        }
        if let Some(packed) = packed {
            let row_bytes = ceil_div(self.row, self.per_byte);
            let to = Address { buffer: self.out.buffer, offset: last, terms: terms(row_bytes, 1), stride_offsets: Vec::new() };
            block.push(Stmt::Store(to, packed));
        }
        block
    }
}

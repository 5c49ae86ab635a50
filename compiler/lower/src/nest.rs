//! Nests: prepared, scheduled, emitted.

use crate::emit::emit_nest;
use crate::interleave::interleave;
use crate::merge::merge_axes;
use crate::pipeline::Context;
use crate::problem::prepare;
use crate::schedule::schedule;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::kernel::{Block, KernelDecl, Type};
use ein_ir::plan::band::{Band, Outside};
use ein_ir::plan::{Contraction, IndexRange, Nest, NestReduce};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;

/// The kernel of a nest.
///
/// # Errors
/// `not-in-this-version` for what has no kernels.
pub(crate) fn lower_nest(context: &mut Context<'_>, nest: &Nest, span: Span) -> Result<KernelDecl, Diagnostic> {
    let name = context.plan.buffers[nest.out].name.clone();
    if context.memories[nest.out].packed {
        return crate::pack::lower_pack(context, nest, span);
    }
    let Some(mut problem) = prepare(context, nest, span)? else {
        return Ok(empty_kernel(name, span));
    };
    interleave(&mut problem);
    merge_axes(&mut problem);
    let schedule = schedule(&problem);
    let emitted = emit_nest(&problem, &schedule);
    Ok(KernelDecl { name, tasks: schedule.tasks.n, task: emitted.task, locals: emitted.locals, body: emitted.body, span })
}

/// A kernel that does nothing: its output has no elements.
pub(crate) fn empty_kernel(name: String, span: Span) -> KernelDecl {
    let mut locals = PrimaryMap::new();
    let task = locals.push(Type::INDEX);
    KernelDecl { name, tasks: 1, task, locals, body: Block::new(), span }
}

/// A contraction as a nest.
pub(crate) fn of_contraction(context: &Context<'_>, contraction: &Contraction, span: Span) -> Nest {
    let mut indices = PrimaryMap::new();
    for scan in &context.around {
        indices.push(IndexRange { name: "turn".to_owned(), lo: scan.lo, hi: scan.hi });
    }
    let params = indices.len();
    for (label, extent) in contraction.extents.iter().enumerate() {
        indices.push(IndexRange { name: format!("l{label}"), lo: 0, hi: i64::try_from(*extent).unwrap_or(i64::MAX) });
    }
    let index = |label: &u16| contraction.turn_of(*label).unwrap_or_else(|| Index::new(params + usize::from(*label)));
    let operand = |tensor: Tensor, labels: &[u16], conjugate: bool| {
        let dtype = context.plan.buffers[tensor].dtype;
        let subs = labels.iter().map(|l| Sub { value: Scalar::index(index(l), span), mode: Mode::Exact }).collect();
        let access = Scalar::new(ScalarKind::Access(Access { tensor, prev: false, subs, pad: None }), dtype, span);
        let value = if conjugate { Scalar::unary(UnaryFn::Conj, access, dtype, span) } else { access };
        value.cast(contraction.acc)
    };
    let lhs = operand(contraction.lhs, &contraction.lhs_labels, contraction.conjugate.0);
    let rhs = operand(contraction.rhs, &contraction.rhs_labels, contraction.conjugate.1);
    let summed = |label: &u16| {
        let used = contraction.lhs_labels.contains(label) || contraction.rhs_labels.contains(label);
        used && !contraction.out_labels.contains(label) && contraction.turn_of(*label).is_none()
    };
    let binders: Vec<Index> = (0..contraction.extents.len() as u16).filter(summed).map(|l| index(&l)).collect();
    let body = Scalar::binary(BinaryFn::Mul, lhs, rhs, contraction.acc, span);
    let (mut guard, mut domain) = (None, None);
    for band in &contraction.bands {
        let side = if band.outside == Outside::Unread { &mut domain } else { &mut guard };
        let condition = in_band(band, &index, span);
        *side = Some(match side.take() {
            Some(other) => Scalar::binary(BinaryFn::And, other, condition, DType::Bool, span),
            None => condition,
        });
    }
    let reduce = NestReduce { op: ReduceOp::Sum, acc: contraction.acc, binders, guard, pins: Vec::new() };
    let outer = contraction.out_labels.iter().map(index).collect();
    Nest { out: contraction.out, indices, params: params as u32, outer, domain, reduce: Some(reduce), body, epilogue: None }
}

/// The condition that a column is in the band of its row.
fn in_band(band: &Band, index: &dyn Fn(&u16) -> Index, span: Span) -> Scalar {
    let scaled = |label: u16, factor: i64| {
        let index = Scalar::index(index(&label), span);
        let factor_of = |n: i64| Scalar::literal(Literal::Int(n.into()), DType::I64, span);
        if factor == 1 { index } else { Scalar::binary(BinaryFn::Mul, factor_of(factor), index, DType::I64, span) }
    };
    let column = scaled(band.column, band.step);
    let rows = band.rows.iter().map(|(row, slope)| scaled(*row, *slope));
    let zero = || Scalar::literal(Literal::Int(0), DType::I64, span);
    let row = rows.reduce(|a, b| Scalar::binary(BinaryFn::Add, a, b, DType::I64, span)).unwrap_or_else(zero);
    let bound = |n: i64| {
        let n = Scalar::literal(Literal::Int(n.into()), DType::I64, span);
        Scalar::binary(BinaryFn::Add, row.clone(), n, DType::I64, span)
    };
    let compare = |function, a, b| Scalar::binary(function, a, b, DType::Bool, span);
    let from = compare(BinaryFn::Le, bound(band.lo), column.clone());
    compare(BinaryFn::And, from, compare(BinaryFn::Le, column.clone(), bound(band.hi)))
}

//! A resolved einsum to tensor IR: the same form as an equation's.
//!
//! Parameters are `a0`, `a1`, …, the result is `out`. An axis of size 1 under a longer label is read at the literal subscript 0.
//! Operands are converted to the common dtype before the first product; a bool product is `and`, a bool sum `any`.

use super::EinsumSpec;
use crate::promote::result_type;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation, IndexDecl, Module, Reduce, ReduceOp, TensorDecl, verify};
use ein_ir::verified::Verified;

const NO_SPAN: Span = Span::new(0, 0);

/// The specialised module of an einsum over operands of these shapes and dtypes.
///
/// # Errors
///
/// E0190 for a packed dtype; E0199 if the result is not valid tensor IR, which is a mistake of ours.
pub fn lower(spec: &EinsumSpec, shapes: &[&[usize]], dtypes: &[DType]) -> Result<Verified<Module>, Diagnostic> {
    for (n, dtype) in dtypes.iter().enumerate() {
        if !supported(*dtype) {
            return Err(Diagnostic::error(190, "not-in-this-version", format!("operand {n} is {dtype}, which einsum does not take yet")));
        }
    }
    let module = build(spec, shapes, dtypes);
    verify::verify(module).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        Diagnostic::error(199, "internal", format!("the einsum was lowered to invalid tensor IR: {first}"))
    })
}

/// All but packed types, which numpy has not, and keys.
fn supported(dtype: DType) -> bool {
    dtype != DType::Key && dtype.bits() >= 8
}

fn build(spec: &EinsumSpec, shapes: &[&[usize]], dtypes: &[DType]) -> Module {
    let dtype = result_type(dtypes);
    let mut module = Module { name: "einsum".to_owned(), ..Module::default() };
    for (n, (shape, dtype)) in shapes.iter().zip(dtypes).enumerate() {
        let axes = shape.iter().map(|e| Extent::constant(*e as i128)).collect();
        let param = module.tensors.push(TensorDecl::new(format!("a{n}"), *dtype, axes, NO_SPAN));
        module.params.push(param);
    }
    let size = |label: u16| Extent::constant(spec.sizes[usize::from(label)] as i128);
    let out_axes = spec.output.iter().map(|l| size(*l)).collect();
    let out = module.tensors.push(TensorDecl::new("out", dtype, out_axes, NO_SPAN));
    module.results.push(out);

    let mut index_of: Vec<Option<Index>> = vec![None; spec.sizes.len()];
    let mut index = |module: &mut Module, label: u16| {
        let name = spec.names[usize::from(label)].clone();
        let decl = IndexDecl { name, lo: Extent::constant(0), hi: size(label), span: NO_SPAN };
        *index_of[usize::from(label)].get_or_insert_with(|| module.indices.push(decl))
    };
    let indices = spec.output.iter().map(|l| index(&mut module, *l)).collect();
    let mut binders = Vec::new();
    for label in spec.inputs.iter().flatten() {
        let i = index(&mut module, *label);
        if !spec.output.contains(label) && !binders.contains(&i) {
            binders.push(i);
        }
    }
    // Floats below f32 are multiplied and added up in f32, and rounded once, as numpy does with f16.
    let acc = if dtype.is_float() { dtype.accumulator() } else { dtype };
    let body = product(spec, &module.params, dtypes, acc, &index_of);
    let op = if dtype == DType::Bool { ReduceOp::Any } else { ReduceOp::Sum };
    let reduce = (!binders.is_empty()).then_some(Reduce { op, acc, binders, guard: None });
    define(&mut module, out, indices, reduce, body);
    module
}

/// Defines the result; through a tensor of the accumulator's type where that is another.
fn define(module: &mut Module, out: Tensor, indices: Vec<Index>, reduce: Option<Reduce>, body: Scalar) {
    let dtype = module.tensors[out].dtype;
    let equation = |out, indices, reduce, body| Definition::Equation(Equation { out, indices, domain: None, reduce, body, span: NO_SPAN });
    if reduce.is_none() || body.dtype == dtype {
        module.body.push(equation(out, indices, reduce, body.cast(dtype)));
        return;
    }
    let (acc, axes) = (body.dtype, module.tensors[out].axes.clone());
    let sum = module.tensors.push(TensorDecl::new("out.sum".to_owned(), acc, axes, NO_SPAN));
    let outer: Vec<Index> = indices.iter().map(|i| module.indices.push(module.indices[*i].clone())).collect();
    module.body.push(equation(sum, indices, reduce, body));
    let subs = outer.iter().map(|i| Sub { value: Scalar::index(*i, NO_SPAN), mode: Mode::Exact }).collect();
    let total = Scalar::new(ScalarKind::Access(Access { tensor: sum, prev: false, subs, pad: None }), acc, NO_SPAN);
    module.body.push(equation(out, outer, None, total.cast(dtype)));
}

/// The product of the operands, each converted to `dtype`.
fn product(spec: &EinsumSpec, params: &[Tensor], dtypes: &[DType], dtype: DType, index_of: &[Option<Index>]) -> Scalar {
    let times = if dtype == DType::Bool { BinaryFn::And } else { BinaryFn::Mul };
    let factors = params.iter().enumerate().map(|(n, param)| operand(spec, n, *param, dtypes[n], index_of).cast(dtype));
    factors.reduce(|lhs, rhs| Scalar::binary(times, lhs, rhs, dtype, NO_SPAN)).expect("an einsum string has at least one operand")
}

fn operand(spec: &EinsumSpec, n: usize, tensor: Tensor, dtype: DType, index_of: &[Option<Index>]) -> Scalar {
    let subs = spec.inputs[n]
        .iter()
        .zip(&spec.unit_axes[n])
        .map(|(label, unit)| {
            let value = match index_of[usize::from(*label)] {
                Some(index) if !unit => Scalar::index(index, NO_SPAN),
                _ => Scalar::literal(Literal::Int(0), DType::I64, NO_SPAN),
            };
            Sub { value, mode: Mode::Exact }
        })
        .collect();
    Scalar::new(ScalarKind::Access(Access { tensor, prev: false, subs, pad: None }), dtype, NO_SPAN)
}

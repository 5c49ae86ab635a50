//! Functions of whole tensors over secrets: what is linear in the secret is written as products, others are refused by what they need.

use crate::read::{refused, semiring};
use crate::secret::OF_SECRETS;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::secrecy::Secrets;
use ein_ir::tensor::{Definition, Equation, IndexDecl, Module, Multi, MultiOp, Reduce, ReduceOp, TensorDecl};

/// The module with products by the inverse of `A`, which is computed in the clear, in the place of `solve(A, b)` and `lstsq(A, b)` of a
/// public `A` and a secret `b`; none if it has none.
pub(crate) fn solved(module: &Module) -> Option<Module> {
    let secrets = Secrets::of(module);
    let is_linear = |definition: &Definition| match definition {
        Definition::Multi(Multi { op: MultiOp::Solve | MultiOp::Lstsq, args, .. }) => {
            matches!(args[..], [a, b] if !secrets.is_secret(a) && secrets.is_secret(b) && module.tensors[b].dtype.is_float())
        }
        _ => false,
    };
    if !module.body.iter().any(is_linear) {
        return None;
    }
    let mut out = Module { body: Vec::new(), ..module.clone() };
    for definition in &module.body {
        match definition {
            Definition::Multi(multi) if is_linear(definition) => solve(&mut out, multi),
            _ => out.body.push(definition.clone()),
        }
    }
    Some(out)
}

fn solve(module: &mut Module, multi: &Multi) {
    let ([a, b], [x]) = (&multi.args[..], &multi.results[..]) else { return };
    let span = multi.span;
    // In f64, so that the inverse adds no error that counts.
    let wide = cast_of(module, *a, DType::F64, span);
    let inverse = inverse(module, wide, multi);
    let (rank, dtype) = (module.tensors[*a].axes.len(), module.tensors[*x].dtype);
    let axes = module.tensors[*x].axes.clone();
    let indices: Vec<Index> = axes.iter().map(|size| index(module, size.clone(), span)).collect();
    let row = rank - 2;
    let summed = index(module, module.tensors[*a].axes[row].clone(), span);
    let rows = indices[..=row].iter().copied().chain([summed]);
    let column = indices[..row].iter().copied().chain([summed]).chain(indices[row + 1..].iter().copied());
    let (rows, column) = (element(module, inverse, rows, span).cast(dtype), element(module, *b, column, span));
    let body = Scalar::binary(BinaryFn::Mul, rows, column, dtype, span);
    let reduce = Reduce { op: ReduceOp::Sum, acc: dtype, binders: vec![summed], guard: None };
    module.body.push(Definition::Equation(Equation { out: *x, indices, domain: None, reduce: Some(reduce), body, span }));
}

/// What the function makes of the columns of the identity.
fn inverse(module: &mut Module, matrix: Tensor, multi: &Multi) -> Tensor {
    let decl = module.tensors[matrix].clone();
    let mut axes = decl.axes.clone();
    let n = axes.len();
    axes.swap(n - 2, n - 1);
    let span = multi.span;
    let inverse = module.tensors.push(TensorDecl { name: format!("{}.inverse", decl.name), axes, bounds: None, ..decl.clone() });
    let (op, args) = match multi.op {
        MultiOp::Lstsq => (MultiOp::Lstsq, vec![matrix, identity(module, &decl, span)]),
        _ => (MultiOp::Inv, vec![matrix]),
    };
    module.body.push(Definition::Multi(Multi { op, results: vec![inverse], args, options: Vec::new(), span }));
    inverse
}

/// As many columns as a matrix has rows, for each matrix of a batch.
fn identity(module: &mut Module, decl: &TensorDecl, span: Span) -> Tensor {
    let mut axes = decl.axes.clone();
    let n = axes.len();
    axes[n - 1] = axes[n - 2].clone();
    let name = format!("{}.identity", decl.name);
    let tensor = module.tensors.push(TensorDecl { name, axes: axes.clone(), bounds: None, ..decl.clone() });
    let indices: Vec<Index> = axes.into_iter().map(|size| index(module, size, span)).collect();
    let [row, column] = [indices[n - 2], indices[n - 1]].map(|index| Scalar::index(index, span));
    let body = Scalar::binary(BinaryFn::Eq, row, column, DType::Bool, span).cast(decl.dtype);
    module.body.push(Definition::Equation(Equation { out: tensor, indices, domain: None, reduce: None, body, span }));
    tensor
}

/// A tensor in another type.
fn cast_of(module: &mut Module, of: Tensor, dtype: DType, span: Span) -> Tensor {
    if module.tensors[of].dtype == dtype {
        return of;
    }
    let decl = &module.tensors[of];
    let (axes, decl) = (decl.axes.clone(), TensorDecl { name: format!("{}.wide", decl.name), dtype, bounds: None, ..decl.clone() });
    let tensor = module.tensors.push(decl);
    let indices: Vec<Index> = axes.into_iter().map(|size| index(module, size, span)).collect();
    let body = element(module, of, indices.iter().copied(), span).cast(dtype);
    module.body.push(Definition::Equation(Equation { out: tensor, indices, domain: None, reduce: None, body, span }));
    tensor
}

fn index(module: &mut Module, hi: Extent, span: Span) -> Index {
    module.indices.push(IndexDecl { name: "row".to_owned(), lo: Extent::constant(0), hi, span })
}

fn element(module: &Module, tensor: Tensor, indices: impl Iterator<Item = Index>, span: Span) -> Scalar {
    let subs = indices.map(|index| Sub { value: Scalar::index(index, span), mode: Mode::Exact }).collect();
    Scalar::new(ScalarKind::Access(Access { tensor, prev: false, subs, pad: None }), module.tensors[tensor].dtype, span)
}

/// Why a function of secret whole tensors is not carried out.
pub(crate) fn refusal(multi: &Multi, dtype: DType, is_matrix_secret: bool) -> Diagnostic {
    let (name, span) = (multi.op.name(), multi.span);
    match multi.op {
        MultiOp::Sort | MultiOp::TopK => {
            let help = "make what it takes a result, and compute this in the clear once that is decrypted";
            semiring(span, name, dtype).help(help)
        }
        MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft | MultiOp::Irfft => {
            let found = Diagnostic::error(716, "he-dtype", format!("`{name}` computes complex numbers, and slots hold real ones"));
            let help = "write the parts as sums of products with public tables of cosines and sines";
            found.at(span, OF_SECRETS).help(help)
        }
        _ if is_matrix_secret => {
            let found = Diagnostic::error(713, "he-div", format!("`{name}` divides by what it computes from a secret"));
            found.at(span, OF_SECRETS).help("make what it takes a result, and compute this in the clear once that is decrypted")
        }
        _ => refused(span, &format!("`{name}` of a secret tensor")),
    }
}

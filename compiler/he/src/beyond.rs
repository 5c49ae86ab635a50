//! The greatest of elements of which those beyond a tensor are -inf, and the least of those that are inf there: they count as if a guard
//! left them out.

use ein_ir::dtype::DType;
use ein_ir::extent::Extent;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::tensor::secrecy::Secrets;
use ein_ir::tensor::{Definition, Equation, Module, ReduceOp};

/// The module with such guards; none if nothing of it is padded so.
pub(crate) fn left_out(module: &Module) -> Option<Module> {
    let secrets = Secrets::of(module);
    let mut out = module.clone();
    let mut is_any = false;
    for definition in &mut out.body {
        if let Definition::Equation(equation) = definition
            && secrets.is_secret(equation.out)
            && let Some(inside) = inside(module, equation)
            && let Some(reduce) = &mut equation.reduce
        {
            reduce.guard = Some(reduce.guard.take().map_or(inside.clone(), |guard| guard.and(inside)));
            finite(&mut equation.body);
            is_any = true;
        }
    }
    is_any.then_some(out)
}

/// Where the one element that is compared is one of its tensor, if it is infinite elsewhere.
fn inside(module: &Module, equation: &Equation) -> Option<Scalar> {
    let wanted = match equation.reduce.as_ref()?.op {
        ReduceOp::Max => f64::NEG_INFINITY,
        ReduceOp::Min => f64::INFINITY,
        _ => return None,
    };
    let access = element(&equation.body)?;
    if !matches!(access.pad, Some(Literal::Float(pad)) if pad == wanted) {
        return None;
    }
    let axes = &module.tensors[access.tensor].axes;
    access.subs.iter().zip(axes).filter(|(sub, _)| sub.mode == Mode::Pad).flat_map(|(sub, size)| within(sub, size)).reduce(Scalar::and)
}

fn element(scalar: &Scalar) -> Option<&Access> {
    match &scalar.kind {
        ScalarKind::Access(access) => Some(access),
        ScalarKind::Cast(a) if scalar.dtype.is_float() && a.dtype.is_float() => element(a),
        _ => None,
    }
}

fn within(sub: &Sub, size: &Extent) -> [Scalar; 2] {
    let span = sub.value.span;
    let zero = Scalar::literal(Literal::Int(0), DType::I64, span);
    let size = Scalar::new(ScalarKind::Size(size.clone()), DType::I64, span);
    [(BinaryFn::Ge, zero), (BinaryFn::Lt, size)].map(|(op, end)| Scalar::binary(op, sub.value.clone(), end, DType::Bool, span))
}

/// With 0 instead, which is read by nobody.
fn finite(body: &mut Scalar) {
    body.visit_mut(&mut |node| {
        if let ScalarKind::Access(access) = &mut node.kind
            && matches!(access.pad, Some(Literal::Float(pad)) if pad.is_infinite())
        {
            access.pad = None;
        }
    });
}

//! Products of secrets over an axis, and the greatest and least of some, as trees: half of the terms with the other half, until one is left.
//!
//! A product of `n` terms takes `log2(n)` levels, rounded up: the first halving leaves a power of two, and so needs the only factors of 1 that there
//! are, beside terms that are there already. A maximum takes a composite of polynomials for each halving. In the place of terms that a
//! guard leaves out, and where an equation has no value, stands what changes nothing: 1, or the end of the range of the others.

use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::range::Range;
use ein_ir::range::module::Ranges;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::secrecy::Secrets;
use ein_ir::tensor::{Definition, Equation, IndexDecl, Module, Reduce, ReduceOp, TensorDecl};

/// Terms of which the greatest is taken, at most: each halving takes 14 levels and more, and the error of each adds up.
pub(crate) const MAX_COMPARED: u64 = 64;

/// The module with trees in the place of such reductions; none if it has none.
pub(crate) fn halved(module: &Module) -> Option<Module> {
    let secrets = Secrets::of(module);
    let is_secret = |equation: &Equation| secrets.is_secret(equation.out);
    let is_any =
        |definition: &Definition| matches!(definition, Definition::Equation(equation) if is_secret(equation) && op_of(equation).is_some());
    if !module.body.iter().any(is_any) {
        return None;
    }
    let (mut out, ranges) = (Module { body: Vec::new(), ..module.clone() }, Ranges::deciding(module));
    for definition in &module.body {
        match definition {
            Definition::Equation(equation) if is_secret(equation) => tree(&mut out, module, equation, &ranges),
            _ => out.body.push(definition.clone()),
        }
    }
    Some(out)
}

/// The function of two whose tree a reduction is.
fn op_of(equation: &Equation) -> Option<(BinaryFn, &Reduce)> {
    let reduce = equation.reduce.as_ref()?;
    let op = match reduce.op {
        ReduceOp::Prod => BinaryFn::Mul,
        ReduceOp::Max => BinaryFn::Max,
        ReduceOp::Min => BinaryFn::Min,
        _ => return None,
    };
    Some((op, reduce))
}

/// The equations of a tree, or the reduction as it is.
fn tree(out: &mut Module, module: &Module, equation: &Equation, ranges: &Ranges) {
    let found = op_of(equation).filter(|_| obstacle(module, equation, ranges).is_none()).and_then(|(op, reduce)| {
        let sizes = reduce.binders.iter().map(|index| size_of(module, *index)).collect::<Option<Vec<u64>>>()?;
        Some((op, reduce, sizes, neutral(op, module, equation, ranges)?))
    });
    let Some((op, reduce, sizes, neutral)) = found else {
        out.body.push(Definition::Equation(equation.clone()));
        return;
    };
    let mut at = Level { tensor: terms(out, equation, reduce, neutral), sizes, span: equation.span };
    for binder in (0..at.sizes.len()).rev() {
        while at.sizes[binder] > 1 {
            at = at.halved(out, binder, op);
        }
    }
    at.result(out, equation, neutral);
}

/// Why the greatest or least of some values is not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// They are no reals.
    Type,
    /// There are so many.
    Many(u64),
    /// Nothing bounds them.
    Range,
    /// There may be none.
    Empty,
}

/// What stands in the way of a tree, if it is one of those of comparisons.
pub(crate) fn obstacle(module: &Module, equation: &Equation, ranges: &Ranges) -> Option<Obstacle> {
    let (_, reduce) = op_of(equation).filter(|(op, _)| *op != BinaryFn::Mul)?;
    if !equation.body.dtype.is_float() {
        return Some(Obstacle::Type);
    }
    let sizes = reduce.binders.iter().map(|index| size_of(module, *index));
    let n = sizes.fold(1_u64, |n, size| n.saturating_mul(size.unwrap_or(u64::MAX)));
    if n > MAX_COMPARED {
        return Some(Obstacle::Many(n));
    }
    match (ends(module, equation, ranges), ranges.of_tensor(module, equation.out)) {
        (None, _) => Some(Obstacle::Range),
        (_, Range::Real(lo, hi)) if lo.is_finite() && hi.is_finite() && n > 0 => None,
        _ => Some(Obstacle::Empty),
    }
}

fn size_of(module: &Module, index: Index) -> Option<u64> {
    let (lo, hi) = module.indices[index].literal_range()?;
    Some(u64::try_from(hi.saturating_sub(lo)).unwrap_or(0))
}

/// Where terms are left out, or have no value.
fn conditions(equation: &Equation) -> Vec<Scalar> {
    let guard = equation.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
    equation.domain.iter().chain(guard).cloned().collect()
}

/// Between which real numbers the terms lie, as far as that is known.
fn ends(module: &Module, equation: &Equation, ranges: &Ranges) -> Option<(f64, f64)> {
    match ranges.of_scalar_where(module, &equation.body, &conditions(equation)) {
        Range::Real(lo, hi) if lo.is_finite() && hi.is_finite() => Some((lo, hi)),
        _ => None,
    }
}

/// What changes nothing.
fn neutral(op: BinaryFn, module: &Module, equation: &Equation, ranges: &Ranges) -> Option<Literal> {
    match op {
        BinaryFn::Max => ends(module, equation, ranges).map(|(lo, _)| Literal::Float(lo)),
        BinaryFn::Min => ends(module, equation, ranges).map(|(_, hi)| Literal::Float(hi)),
        _ => Some(one_of(equation.reduce.as_ref()?.acc)),
    }
}

/// The terms of a reduction as a tensor that has a value everywhere: what changes nothing in the place of those that do not count.
fn terms(module: &mut Module, equation: &Equation, reduce: &Reduce, neutral: Literal) -> Tensor {
    let (acc, span) = (reduce.acc, equation.span);
    let body = equation.body.clone().cast(acc);
    let body = match conditions(equation).into_iter().reduce(Scalar::and) {
        Some(condition) => {
            let branches = (Box::new(body), Box::new(Scalar::literal(neutral, acc, span)));
            Scalar::new(ScalarKind::If(Box::new(condition), branches.0, branches.1), acc, span)
        }
        None => body,
    };
    let size = |index: &Index| Extent::constant(size_of(module, *index).unwrap_or(0).into());
    let sizes: Vec<Extent> = reduce.binders.iter().map(size).collect();
    let tensor = like(module, equation.out, sizes, acc);
    let indices = equation.indices.iter().chain(&reduce.binders).copied().collect();
    module.body.push(Definition::Equation(Equation { out: tensor, indices, domain: None, reduce: None, body, span }));
    tensor
}

/// A tensor with the axes of another one, and more.
fn like(module: &mut Module, of: Tensor, more: Vec<Extent>, dtype: DType) -> Tensor {
    let decl = &module.tensors[of];
    let axes = decl.axes.iter().cloned().chain(more).collect();
    let name = format!("{}.part", decl.name);
    let decl = TensorDecl { name, dtype, axes, bounds: None, tolerance: None, ..decl.clone() };
    module.tensors.push(decl)
}

const fn one_of(dtype: DType) -> Literal {
    if dtype.is_float() { Literal::Float(1.0) } else { Literal::Int(1) }
}

/// What is left of the terms: the last axes of a tensor.
struct Level {
    tensor: Tensor,
    sizes: Vec<u64>,
    span: Span,
}

impl Level {
    /// Each of the first half of an axis with one of the second.
    fn halved(&self, module: &mut Module, binder: usize, op: BinaryFn) -> Self {
        let (dtype, span) = (module.tensors[self.tensor].dtype, self.span);
        let half = match op {
            BinaryFn::Mul => self.sizes[binder].next_power_of_two() / 2,
            _ => self.sizes[binder].div_ceil(2),
        };
        let mut sizes = self.sizes.clone();
        sizes[binder] = half;
        let more: Vec<Extent> = sizes.iter().map(|size| Extent::constant((*size).into())).collect();
        let n_outer = module.tensors[self.tensor].axes.len() - sizes.len();
        let mut axes = module.tensors[self.tensor].axes.clone();
        axes.splice(n_outer.., more);
        let decl = TensorDecl { axes: axes.clone(), ..module.tensors[self.tensor].clone() };
        let tensor = module.tensors.push(decl);
        let indices: Vec<Index> = axes.into_iter().map(|hi| index(module, hi, span)).collect();
        let first: Vec<Sub> = indices.iter().map(|index| Sub { value: Scalar::index(*index, span), mode: Mode::Exact }).collect();
        let mut second = first.clone();
        // A term without another one is a factor of 1, and is compared with its neighbour once more.
        let is_padded = half * 2 != self.sizes[binder] && op == BinaryFn::Mul;
        let by = if is_padded { half } else { self.sizes[binder] - half };
        let by = Scalar::literal(Literal::Int(by.into()), DType::I64, span);
        let there = &mut second[n_outer + binder];
        there.value = Scalar::binary(BinaryFn::Add, there.value.clone(), by, DType::I64, span);
        there.mode = if is_padded { Mode::Pad } else { Mode::Exact };
        let pad = is_padded.then(|| one_of(dtype));
        let body = Scalar::binary(op, self.read(first, None, dtype), self.read(second, pad, dtype), dtype, span);
        module.body.push(Definition::Equation(Equation { out: tensor, indices, domain: None, reduce: None, body, span }));
        Self { tensor, sizes, span }
    }

    fn read(&self, subs: Vec<Sub>, pad: Option<Literal>, dtype: DType) -> Scalar {
        Scalar::new(ScalarKind::Access(Access { tensor: self.tensor, prev: false, subs, pad }), dtype, self.span)
    }

    /// What is left as the result of the reduction.
    fn result(&self, module: &mut Module, equation: &Equation, neutral: Literal) {
        let (dtype, span) = (module.tensors[self.tensor].dtype, self.span);
        let decl = module.tensors[equation.out].clone();
        let indices: Vec<Index> = decl.axes.iter().map(|hi| index(module, hi.clone(), span)).collect();
        let own = indices.iter().map(|index| Scalar::index(*index, span));
        let last = self.sizes.iter().map(|_| Scalar::literal(Literal::Int(0), DType::I64, span));
        let subs = own.chain(last).map(|value| Sub { value, mode: Mode::Exact }).collect();
        // Of nothing the product is 1.
        let is_empty = self.sizes.contains(&0);
        let body = if is_empty { Scalar::literal(neutral, dtype, span) } else { self.read(subs, None, dtype) };
        let body = body.cast(decl.dtype);
        module.body.push(Definition::Equation(Equation { out: equation.out, indices, domain: None, reduce: None, body, span }));
    }
}

fn index(module: &mut Module, hi: Extent, span: Span) -> Index {
    module.indices.push(IndexDecl { name: "part".to_owned(), lo: Extent::constant(0), hi, span })
}

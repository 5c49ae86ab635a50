//! Reductions: at the root of an equation as they are, nested ones as tensors of their own (design 11.1).

use super::scalar::{compute_type, product};
use super::{Builder, Frame};
use crate::builtins::Reducer;
use crate::check::explain::ReductionNote;
use crate::check::prove::{Proof, prove_nonnegative};
use crate::check::tree::{Node, NodeKind, Reduction, Ty};
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::Index;
use ein_ir::extent::Extent;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::{Equation, IndexDecl, Reduce, ReduceOp, TensorDecl};
use std::collections::{BTreeMap, BTreeSet};

/// A reduction that stands nowhere yet.
pub(super) struct Built {
    pub(super) reduce: Reduce,
    pub(super) body: Scalar,
    /// Type of the result.
    pub(super) dtype: DType,
    /// Whether it may only be evaluated where the conditions around it hold.
    needs_domain: bool,
}

impl Builder<'_, '_> {
    /// A reduction inside an expression: an access to the tensor that it becomes; `mean` is a quotient.
    pub(super) fn nested_reduction(&mut self, r: &Reduction, ty: Ty, dtype: DType, span: Span) -> Scalar {
        if let Some(built) = self.reduction(r, ty, dtype, span) {
            return self.extract(built, span).cast(dtype);
        }
        // The quotient too is computed in the accumulator's type: a sum may be beyond the range of the elements where the mean is not.
        let acc = if matches!(r.body.ty, Ty::Adapt(_)) { wide(dtype) } else { dtype.accumulator() };
        let total = self.reduce(r, ReduceOp::Sum, acc, acc, span);
        let total = self.extract(total, span);
        let count = self.count(r, acc, span);
        Scalar::binary(BinaryFn::Div, total, count, acc, span).cast(dtype)
    }

    /// The reduction as tensor IR has it; `None` for a `mean`, which is a quotient of two.
    pub(super) fn reduction(&mut self, r: &Reduction, ty: Ty, want: DType, span: Span) -> Option<Built> {
        let result = match ty {
            Ty::Data(d) => d,
            _ => want,
        };
        let op = match r.reducer {
            Reducer::Op(op) => op,
            Reducer::Mean => return None,
            // Made when its type was found.
            Reducer::Program => ReduceOp::User(self.elab.program_reducer(&r.name, result, span)?),
        };
        let acc = match (r.accumulator, op, r.body.ty) {
            (Some(acc), ..) => acc,
            (None, ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Lse, Ty::Data(d)) => d.accumulator(),
            (None, ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Lse, Ty::Adapt(_)) => wide(result),
            (None, ReduceOp::ArgMax | ReduceOp::ArgMin, Ty::Data(d)) => d,
            (None, ReduceOp::ArgMax | ReduceOp::ArgMin, Ty::Adapt(kind)) => compute_type(kind),
            _ => result,
        };
        // Whoever reads a sum converts it to the type of the expression.
        let result = if matches!(op, ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Lse) { acc } else { result };
        Some(self.reduce(r, op, acc, result, span))
    }

    fn reduce(&mut self, r: &Reduction, op: ReduceOp, acc: DType, dtype: DType, span: Span) -> Built {
        self.frames.push(Frame { outer: self.conditions.len(), needs_domain: false });
        let depth = self.scope.len();
        self.scope.extend(&r.binders);
        let guard = r.guard.as_ref().map(|g| (g, self.build(g, DType::Bool)));
        let guard = guard.map(|(node, scalar)| {
            let condition = self.condition(scalar.clone(), node, true);
            self.conditions.push(condition);
            scalar
        });
        let body = self.chain(&r.body, acc);
        if matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin) {
            // There may be nothing to choose from.
            self.need_domain();
        }
        let frame = self.frames.pop().expect("pushed above");
        self.conditions.truncate(frame.outer);
        self.scope.truncate(depth);
        let binders: Vec<Index> = r.binders.iter().map(|v| self.index(*v)).collect();
        let indices = r.binders.iter().map(|v| self.vars[*v].name.clone()).collect();
        self.elab.notes.reductions.push(ReductionNote { reducer: r.name.clone(), indices, accumulator: acc, span });
        Built { reduce: Reduce { op, acc, binders, guard }, body, dtype, needs_domain: frame.needs_domain }
    }

    /// The chain of ring operations and quotients under a reduction, computed in the accumulator's type.
    fn chain(&mut self, node: &Node, acc: DType) -> Scalar {
        match (&node.kind, node.ty) {
            (NodeKind::Binary(op @ (BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul | BinaryFn::Div), a, b), Ty::Data(d)) if d != acc => {
                let (a, b) = (self.chain(a, acc), self.chain(b, acc));
                Scalar::binary(*op, a, b, acc, node.span)
            }
            (NodeKind::Unary(op @ (UnaryFn::Neg | UnaryFn::Powi(_)), a), Ty::Data(d)) if d != acc => {
                let a = self.chain(a, acc);
                Scalar::unary(*op, a, acc, node.span)
            }
            _ => self.build(node, acc),
        }
    }

    /// The number of elements that a `mean` is taken of.
    fn count(&mut self, r: &Reduction, dtype: DType, span: Span) -> Scalar {
        if r.guard.is_some() {
            let one = Node { kind: NodeKind::Int(1), span, ty: Ty::Adapt(crate::check::tree::Kind::Int) };
            let counted = Reduction { body: one, name: "count".to_owned(), ..r.clone() };
            let mut built = self.reduce(&counted, ReduceOp::Sum, DType::I64, DType::I64, span);
            self.elab.notes.reductions.pop();
            self.rename_binders(&mut built);
            return self.extract(built, span).cast(dtype);
        }
        let lengths: Vec<Extent> = r.binders.iter().map(|v| self.length(self.index(*v))).collect();
        let facts = self.elab.size_facts();
        let mut count = Scalar::size(product(&lengths), span);
        if lengths.iter().any(|l| prove_nonnegative(l, &facts) != Proof::Always) {
            let zero = || Scalar::literal(Literal::Int(0), DType::I64, span);
            let clipped = |l: &Extent| Scalar::binary(BinaryFn::Max, Scalar::size(l.clone(), span), zero(), DType::I64, span);
            let mut factors = lengths.iter().map(clipped);
            let first = factors.next().unwrap_or_else(zero);
            count = factors.fold(first, |a, b| Scalar::binary(BinaryFn::Mul, a, b, DType::I64, span));
        }
        super::scalar::folded(count.cast(dtype))
    }

    /// The number of values of an index.
    pub(super) fn length(&self, index: Index) -> Extent {
        let decl = &self.elab.module.indices[index];
        decl.hi.sub(&decl.lo)
    }

    /// Gives a reduction binders of its own: an index belongs to one definition.
    fn rename_binders(&mut self, built: &mut Built) {
        let mut renaming = BTreeMap::new();
        for binder in &mut built.reduce.binders {
            let fresh = self.elab.module.indices[*binder].clone();
            let fresh = self.elab.module.indices.push(fresh);
            renaming.insert(*binder, Scalar::index(fresh, Span::default()));
            *binder = fresh;
        }
        built.reduce.guard.iter_mut().for_each(|g| substitute(g, &renaming));
        substitute(&mut built.body, &renaming);
    }

    /// Makes a reduction a tensor of its own, named after the one defined, and reads it.
    pub(super) fn extract(&mut self, built: Built, span: Span) -> Scalar {
        let Built { mut reduce, mut body, dtype, needs_domain } = built;
        let mut domain = if needs_domain { conjunction(self.conditions.iter().map(|c| c.scalar.clone())) } else { None };
        let used = indices_of([&body].into_iter().chain(&reduce.guard).chain(&domain));
        let outer: Vec<Index> =
            self.scope.iter().filter(|v| !self.vars[**v].scan).map(|v| self.index(*v)).filter(|i| used.contains(i)).collect();
        let mut renaming = BTreeMap::new();
        let (mut axes, mut indices, mut subs) = (Vec::new(), Vec::new(), Vec::new());
        for old in outer {
            let decl = self.elab.module.indices[old].clone();
            let size = self.length(old);
            self.elab.ensure_nonnegative(&size, decl.span);
            let fresh = self.elab.module.indices.push(IndexDecl { lo: Extent::default(), hi: size.clone(), ..decl.clone() });
            renaming.insert(old, shifted(fresh, &decl.lo, BinaryFn::Add, span));
            subs.push(Sub { value: shifted(old, &decl.lo, BinaryFn::Sub, span), mode: Mode::Exact });
            axes.push(size);
            indices.push(fresh);
        }
        substitute(&mut body, &renaming);
        reduce.guard.iter_mut().chain(&mut domain).for_each(|s| substitute(s, &renaming));
        let name = self.elab.fresh_name(&format!("{}.{}", self.name, reducer_name(&self.elab.module, reduce.op)));
        let index_of = self.elab.positions_of(&reduce);
        let tensor = self.elab.module.tensors.push(TensorDecl { index_of, ..TensorDecl::new(name, dtype, axes, span) });
        self.equations.push(Equation { out: tensor, indices, domain, reduce: Some(reduce), body, span });
        Scalar::new(ScalarKind::Access(Access { tensor, prev: false, subs, pad: None }), dtype, span)
    }
}

/// The type in which a sum of literals, sizes and index values is made for a value of a type: wrapping integers give the same in any
/// width, and a float is rounded once, from 64 bits.
const fn wide(dtype: DType) -> DType {
    match dtype.class() {
        Class::Float => DType::F64,
        Class::Complex => DType::C128,
        Class::Bool | Class::Signed | Class::Unsigned | Class::Key => dtype,
    }
}

/// The name of a reduction in the names of tensors.
fn reducer_name(module: &ein_ir::tensor::Module, op: ReduceOp) -> String {
    match op {
        ReduceOp::User(reducer) => module.reducers[reducer].name.clone(),
        op => op.name().to_owned(),
    }
}

/// `index`, or `index + lo`, `index - lo` where the range does not begin at 0.
fn shifted(index: Index, lo: &Extent, op: BinaryFn, span: Span) -> Scalar {
    let value = Scalar::index(index, span);
    match lo.as_constant() {
        Some(0) => value,
        _ => Scalar::binary(op, value, Scalar::size(lo.clone(), span), DType::I64, span),
    }
}

fn conjunction(conditions: impl Iterator<Item = Scalar>) -> Option<Scalar> {
    conditions.reduce(Scalar::and)
}

fn indices_of<'a>(scalars: impl Iterator<Item = &'a Scalar>) -> BTreeSet<Index> {
    let mut out = BTreeSet::new();
    for scalar in scalars {
        scalar.visit(&mut |s| {
            if let ScalarKind::Index(i) = s.kind {
                out.insert(i);
            }
        });
    }
    out
}

/// Replaces indices by expressions.
pub(super) fn substitute(scalar: &mut Scalar, replacement: &BTreeMap<Index, Scalar>) {
    scalar.visit_mut(&mut |s| {
        if let ScalarKind::Index(i) = s.kind
            && let Some(new) = replacement.get(&i)
        {
            let span = s.span;
            *s = new.clone();
            s.span = span;
        }
    });
}

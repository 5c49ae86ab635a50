//! The maximum that `softmax` and `lse` subtract, as a number that everybody knows.
//!
//! Where `e[b, i] = exp(x[b, i] - m[b])` counts only in ratios, as in `e[b, i] / sum[j](e[b, j])`, the result is the same for any `m`: in the
//! clear it is `max[j](x[b, j])`, so that nothing overflows. On ciphertexts the greatest number that `x` can be does that as well, and
//! needs no comparison.
//!
//! What is proportional to `exp(-m)` has degree 1: what has degree 1 over what has degree 1 has degree 0.

use ein_ir::entity::{Index, Tensor};
use ein_ir::range::Range;
use ein_ir::range::module::Ranges;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::tensor::secrecy::Secrets;
use ein_ir::tensor::{Definition, Equation, Module, Reduce, ReduceOp, TensorDecl};
use std::collections::{BTreeMap, BTreeSet};

/// The module with known numbers in the place of maxima; none if there is none that it may have one for.
pub(crate) fn shifted(module: &Module) -> Option<Module> {
    let secrets = Secrets::of(module);
    let (mut out, mut ranges): (Option<Module>, _) = (None, Ranges::by_place());
    for (n, definition) in module.body.iter().enumerate() {
        let Some(maximum) = reduced(definition, ReduceOp::Max).filter(|equation| secrets.is_secret(equation.out)) else { continue };
        let now = out.as_ref().unwrap_or(module);
        ranges.update_to(now, n);
        let Some(number) = greatest(&ranges, now, maximum).filter(|_| is_shift(now, maximum.out, n)) else { continue };
        let constant = Equation {
            domain: None,
            reduce: None,
            body: Scalar::literal(Literal::Float(number), maximum.body.dtype, maximum.span),
            ..maximum.clone()
        };
        out.get_or_insert_with(|| module.clone()).body[n] = Definition::Equation(constant);
    }
    out
}

/// The module with `log(sum(exp(x - c))) + c` in the place of each `lse` of secrets whose range ends at a known `c`; none if there is none.
pub(crate) fn written_out(module: &Module) -> Option<Module> {
    let secrets = Secrets::of(module);
    let is_secret = |definition: &Definition| reduced(definition, ReduceOp::Lse).is_some_and(|equation| secrets.is_secret(equation.out));
    if !module.body.iter().any(is_secret) {
        return None;
    }
    let (mut out, mut ranges) = (Module { body: Vec::new(), ..module.clone() }, Ranges::by_place());
    for definition in &module.body {
        ranges.update(&out);
        match reduced(definition, ReduceOp::Lse).filter(|_| is_secret(definition)) {
            Some(equation) if let Some(number) = greatest(&ranges, &out, equation) => log_of_sum(&mut out, equation, number),
            _ => out.body.push(definition.clone()),
        }
    }
    Some(out)
}

fn log_of_sum(module: &mut Module, equation: &Equation, number: f64) {
    let (dtype, span) = (equation.body.dtype, equation.span);
    let number = || Scalar::literal(Literal::Float(number), dtype, span);
    let decl = &module.tensors[equation.out];
    let sum = TensorDecl { name: format!("{}.sum", decl.name), dtype, bounds: None, tolerance: None, ..decl.clone() };
    let to = decl.dtype;
    let sum = module.tensors.push(sum);
    let shifted = Scalar::binary(BinaryFn::Sub, equation.body.clone(), number(), dtype, span);
    let body = Scalar::unary(UnaryFn::Exp, shifted, dtype, span);
    let reduce = equation.reduce.clone().map(|reduce| Reduce { op: ReduceOp::Sum, ..reduce });
    module.body.push(Definition::Equation(Equation { out: sum, body, reduce, ..equation.clone() }));
    let own = |index: &Index| {
        let decl = module.indices[*index].clone();
        module.indices.push(decl)
    };
    let indices: Vec<Index> = equation.indices.iter().map(own).collect();
    let subs = indices.iter().map(|index| Sub { value: Scalar::index(*index, span), mode: Mode::Exact }).collect();
    let sum = Scalar::new(ScalarKind::Access(Access { tensor: sum, prev: false, subs, pad: None }), dtype, span);
    let log = Scalar::unary(UnaryFn::Log, sum, dtype, span);
    let body = Scalar::binary(BinaryFn::Add, log, number(), dtype, span).cast(to);
    // Where no element is read a sum may be of nothing.
    let domain = equation.domain.clone().map(|domain| over(domain, &equation.indices, &indices));
    module.body.push(Definition::Equation(Equation { out: equation.out, indices, domain, reduce: None, body, span }));
}

/// The same with other indices.
fn over(mut scalar: Scalar, from: &[Index], to: &[Index]) -> Scalar {
    scalar.visit_mut(&mut |node| {
        if let ScalarKind::Index(index) = &mut node.kind
            && let Some(n) = from.iter().position(|other| other == index)
        {
            *index = to[n];
        }
    });
    scalar
}

fn reduced(definition: &Definition, op: ReduceOp) -> Option<&Equation> {
    match definition {
        Definition::Equation(equation) if equation.body.dtype.is_float() => {
            equation.reduce.as_ref().is_some_and(|reduce| reduce.op == op).then_some(equation)
        }
        _ => None,
    }
}

fn greatest(ranges: &Ranges, module: &Module, maximum: &Equation) -> Option<f64> {
    let guard = maximum.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
    let conditions: Vec<Scalar> = maximum.domain.iter().chain(guard).cloned().collect();
    match ranges.of_scalar_where(module, &maximum.body, &conditions) {
        Range::Real(lo, hi) if lo.is_finite() && hi.is_finite() => Some(hi),
        _ => None,
    }
}

/// Whether the results of a module are the same for any values of a tensor.
fn is_shift(module: &Module, tensor: Tensor, defined_at: usize) -> bool {
    let mut degrees = Degrees { shift: tensor, of: BTreeMap::new() };
    for definition in &module.body[defined_at + 1..] {
        let understood = match definition {
            Definition::Equation(equation) => degrees.equation(equation),
            other => degrees.reads_none(other),
        };
        if !understood {
            return false;
        }
    }
    module.results.iter().all(|result| *result != tensor && !degrees.of.contains_key(result))
}

/// A degree, and the indices that say which shift it is of.
type Degree = (i32, Vec<Index>);

struct Degrees {
    shift: Tensor,
    /// Degrees other than 0, and the axes that say which shift they are of.
    of: BTreeMap<Tensor, (i32, Vec<usize>)>,
}

impl Degrees {
    /// Notes the degree of what an equation defines; whether it has one.
    fn equation(&mut self, equation: &Equation) -> bool {
        let conditions = [equation.domain.as_ref(), equation.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref())];
        if conditions.into_iter().flatten().any(|condition| self.reads_any(condition)) {
            return false;
        }
        if !self.reads_any(&equation.body) {
            return true;
        }
        if equation.reduce.as_ref().is_some_and(|reduce| reduce.op != ReduceOp::Sum) {
            return false;
        }
        let Some(found) = self.scalar(&equation.body) else { return false };
        let Some((degree, indices)) = found.filter(|(degree, _)| *degree != 0) else { return true };
        let axis = |index: &Index| equation.indices.iter().position(|other| other == index);
        let Some(axes) = indices.iter().map(axis).collect::<Option<Vec<usize>>>() else { return false };
        self.of.insert(equation.out, (degree, axes));
        true
    }

    fn reads_none(&self, definition: &Definition) -> bool {
        let mut read = BTreeSet::new();
        crate::clear::reads(definition, &mut read);
        !read.iter().any(|tensor| self.has_degree(*tensor))
    }

    fn has_degree(&self, tensor: Tensor) -> bool {
        tensor == self.shift || self.of.contains_key(&tensor)
    }

    fn reads_any(&self, scalar: &Scalar) -> bool {
        let mut found = false;
        scalar.visit(&mut |node| found |= matches!(&node.kind, ScalarKind::Access(access) if self.has_degree(access.tensor)));
        found
    }

    /// The degree of an expression, `None` inside for zero, which has any; none at all if it has none.
    fn scalar(&self, scalar: &Scalar) -> Option<Option<Degree>> {
        if !self.reads_any(scalar) {
            return Some(if is_zero(scalar) { None } else { Some((0, Vec::new())) });
        }
        match &scalar.kind {
            ScalarKind::Access(access) => self.access(access).map(Some),
            ScalarKind::Unary(UnaryFn::Neg | UnaryFn::Keep, a) | ScalarKind::Cast(a) if a.dtype.is_float() => self.scalar(a),
            ScalarKind::Unary(UnaryFn::Exp, a) => self.exponential(a).map(Some),
            ScalarKind::Binary(BinaryFn::Mul, a, b) => product(self.scalar(a)?, self.scalar(b)?, 1),
            ScalarKind::Binary(BinaryFn::Div, a, b) => product(self.scalar(a)?, self.scalar(b)?, -1),
            ScalarKind::Binary(BinaryFn::Add | BinaryFn::Sub, a, b) => either(self.scalar(a)?, self.scalar(b)?),
            ScalarKind::If(condition, a, b) if !self.reads_any(condition) => either(self.scalar(a)?, self.scalar(b)?),
            _ => None,
        }
    }

    fn access(&self, access: &Access) -> Option<Degree> {
        let (degree, axes) = self.of.get(&access.tensor)?;
        let index = |axis: &usize| match access.subs.get(*axis) {
            Some(sub) if sub.mode == Mode::Exact => match sub.value.kind {
                ScalarKind::Index(index) => Some(index),
                _ => None,
            },
            _ => None,
        };
        Some((*degree, axes.iter().map(index).collect::<Option<Vec<Index>>>()?))
    }

    /// `exp(a - m[b])`.
    fn exponential(&self, argument: &Scalar) -> Option<Degree> {
        let ScalarKind::Binary(BinaryFn::Sub, a, m) = &argument.kind else { return None };
        let ScalarKind::Access(access) = &m.kind else { return None };
        if access.tensor != self.shift || access.prev || self.reads_any(a) {
            return None;
        }
        let index = |sub: &ein_ir::scalar::Sub| match (sub.mode, &sub.value.kind) {
            (Mode::Exact, ScalarKind::Index(index)) => Some(*index),
            _ => None,
        };
        Some((1, access.subs.iter().map(index).collect::<Option<Vec<Index>>>()?))
    }
}

fn product(a: Option<Degree>, b: Option<Degree>, sign: i32) -> Option<Option<Degree>> {
    let (Some((a, of_a)), Some((b, of_b))) = (a, b) else { return Some(None) };
    let indices = match (a, b) {
        (0, _) => of_b,
        (_, 0) => of_a,
        _ if of_a == of_b => of_a,
        _ => return None,
    };
    Some(Some((a.checked_add(b.checked_mul(sign)?)?, indices)))
}

fn either(a: Option<Degree>, b: Option<Degree>) -> Option<Option<Degree>> {
    match (a, b) {
        (None, other) | (other, None) => Some(other),
        (Some(a), Some(b)) if a.0 == b.0 && (a.0 == 0 || a.1 == b.1) => Some(Some(a)),
        _ => None,
    }
}

fn is_zero(scalar: &Scalar) -> bool {
    matches!(scalar.kind, ScalarKind::Literal(Literal::Float(0.0) | Literal::Int(0)))
}

//! Scalar expressions: operators, functions, literals that adapt, and conditions that become facts.
//!
//! An expression of literals, sizes and index values alone is computed in i64 if it is an integer, else in f64 or c128, and
//! then rounded to the type of its context: the twiddle factors of an f32 transform are as exact as f32 allows. Integers that
//! may be beyond 64 bits are computed in f64 where the context is not of integers: there nothing wraps around.

use super::{Builder, Condition};
use crate::ast::BinaryOp;
use crate::builtins::{Builtin, Function};
use crate::check::dims::comparison;
use crate::check::range::polynomial;
use crate::check::tree::{Access, Kind, Node, NodeKind, Ty};
use crate::error::types::error;
use ein_ir::dtype::DType;
use ein_ir::extent::Extent;
use ein_ir::scalar::eval::{cast, eval_binary, eval_unary};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{self, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::Relation;

impl Builder<'_, '_> {
    /// The expression with a value of type `want`, which its own type allows.
    pub(super) fn build(&mut self, node: &Node, want: DType) -> Scalar {
        match node.ty {
            Ty::Data(dtype) => self.operation(node, dtype).cast(want),
            Ty::Adapt(kind) => self.adapted(node, kind, want),
            Ty::Bad => Scalar::literal(Literal::Bool(false), DType::Bool, node.span),
        }
    }

    fn adapted(&mut self, node: &Node, kind: Kind, want: DType) -> Scalar {
        match &node.kind {
            NodeKind::Int(n) if want.is_integer() => self.integer(*n, want, node.span),
            NodeKind::Int(_) | NodeKind::Float(_) | NodeKind::Imaginary(_) => number(&node.kind, want, node.span),
            NodeKind::If(_) | NodeKind::Reduce(_) => self.operation(node, want),
            _ => {
                let compute = if kind == Kind::Int && !want.is_integer() && self.is_large(node) { DType::F64 } else { compute_type(kind) };
                let value = self.operation(node, compute);
                folded(value.cast(want))
            }
        }
    }

    /// Whether an integer may be beyond 64 bits for sizes that fit a machine: a product of three sizes or index values.
    fn is_large(&self, node: &Node) -> bool {
        let is_ring = match node.kind {
            NodeKind::Binary(op, ..) => matches!(op, BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul),
            NodeKind::Unary(op, _) => matches!(op, UnaryFn::Neg | UnaryFn::Powi(_)),
            _ => false,
        };
        is_ring && polynomial(node, self.vars).is_some_and(|p| p.terms().any(|(monomial, _)| monomial.len() > 2))
    }

    fn integer(&mut self, value: i128, dtype: DType, span: Span) -> Scalar {
        let fits = Value::int(value, dtype).as_int() == Some(value);
        if !fits {
            self.elab.errors.push(error(406, format!("{value} is not a value of {dtype}")).at(span, format!("too large for {dtype}")));
        }
        Scalar::literal(Literal::Int(value), dtype, span)
    }

    /// The node itself, with operands of the type that it is computed in.
    fn operation(&mut self, node: &Node, dtype: DType) -> Scalar {
        let span = node.span;
        match &node.kind {
            NodeKind::Int(_) | NodeKind::Float(_) | NodeKind::Imaginary(_) => number(&node.kind, dtype, span),
            NodeKind::Bool(b) => Scalar::literal(Literal::Bool(*b), DType::Bool, span),
            NodeKind::Index(v) => Scalar::index(self.index(*v), span),
            NodeKind::Size(size) => Scalar::size(size.clone(), span),
            NodeKind::Access(access) => self.access(access, node),
            NodeKind::Operand(n, dtype) => Scalar::new(ScalarKind::Operand(*n), *dtype, span),
            NodeKind::Unary(op, operand) => {
                let operand = self.build(operand, dtype);
                folded(Scalar::unary(*op, operand, dtype, span))
            }
            NodeKind::Binary(op, lhs, rhs) => self.binary(*op, lhs, rhs, dtype, span),
            NodeKind::Call(builtin, args) => self.call(builtin, args, dtype, span),
            NodeKind::Def(def, args) => self.scalar_call(*def, args, span),
            NodeKind::Cast(value) => self.conversion(value, dtype),
            NodeKind::If(parts) => self.conditional(parts, dtype, span),
            NodeKind::Reduce(r) => self.nested_reduction(r, node.ty, dtype, span),
            NodeKind::Approx(approx) => self.approx(approx, dtype, span),
            NodeKind::Bad => Scalar::literal(Literal::Bool(false), DType::Bool, span),
        }
    }

    fn conversion(&mut self, value: &Node, to: DType) -> Scalar {
        match value.ty {
            Ty::Adapt(kind) if !crate::check::dtype::fits(kind, to) => {
                let value = self.build(value, compute_type(kind));
                folded(value.cast(to))
            }
            _ => self.build(value, to),
        }
    }

    fn binary(&mut self, op: BinaryFn, lhs: &Node, rhs: &Node, dtype: DType, span: Span) -> Scalar {
        match op {
            BinaryFn::And | BinaryFn::Or => {
                let left = self.build(lhs, DType::Bool);
                // The right side is evaluated only where the left one does not decide.
                let condition = self.condition(left.clone(), lhs, op == BinaryFn::And);
                self.conditions.push(condition);
                let right = self.build(rhs, DType::Bool);
                self.conditions.pop();
                Scalar::binary(op, left, right, DType::Bool, span)
            }
            _ if op.is_comparison() => {
                let operands = common_type(lhs.ty, rhs.ty);
                let (left, right) = (self.build(lhs, operands), self.build(rhs, operands));
                folded(Scalar::binary(op, left, right, DType::Bool, span))
            }
            _ => {
                let (left, right) = (self.build(lhs, dtype), self.build(rhs, dtype));
                if matches!(op, BinaryFn::FloorDiv | BinaryFn::Rem) && dtype.is_integer() {
                    self.note_division(rhs);
                }
                folded(Scalar::binary(op, left, right, dtype, span))
            }
        }
    }

    fn call(&mut self, builtin: &Builtin, args: &[Node], dtype: DType, span: Span) -> Scalar {
        match builtin.function {
            Function::Unary(f) => {
                let operand = match (f, args[0].ty) {
                    // Of a real number narrower than f32 too.
                    (UnaryFn::Cis, _) => dtype.real(),
                    (UnaryFn::Abs | UnaryFn::Real | UnaryFn::Imag, Ty::Adapt(Kind::Complex)) => DType::C128,
                    (UnaryFn::IsNan | UnaryFn::IsFinite, Ty::Adapt(kind)) => compute_type(kind),
                    (_, Ty::Data(own)) => own,
                    _ => dtype,
                };
                let result = if matches!(f, UnaryFn::IsNan | UnaryFn::IsFinite) { DType::Bool } else { dtype };
                let value = self.build(&args[0], operand);
                if matches!(f, UnaryFn::Conj | UnaryFn::Real) && !operand.is_complex() {
                    return value;
                }
                folded(Scalar::unary(f, value, result, span))
            }
            Function::Binary(f) | Function::Fold(f) => {
                let mut values = args.iter().map(|a| self.build(a, dtype)).collect::<Vec<_>>().into_iter();
                let first = values.next().unwrap_or_else(|| Scalar::literal(Literal::Bool(false), dtype, span));
                values.fold(first, |a, b| folded(Scalar::binary(f, a, b, dtype, span)))
            }
        }
    }

    fn conditional(&mut self, parts: &[Node; 3], dtype: DType, span: Span) -> Scalar {
        let [condition, then, otherwise] = parts;
        let test = self.build(condition, DType::Bool);
        let positive = self.condition(test.clone(), condition, true);
        self.conditions.push(positive);
        let then = self.build(then, dtype);
        self.conditions.pop();
        let negative = self.condition(test.clone(), condition, false);
        self.conditions.push(negative);
        let otherwise = self.build(otherwise, dtype);
        self.conditions.pop();
        Scalar::new(ScalarKind::If(Box::new(test), Box::new(then), Box::new(otherwise)), dtype, span)
    }

    fn access(&mut self, access: &Access, node: &Node) -> Scalar {
        self.check_bounds(access, node);
        let dtype = self.elab.module.tensors[access.tensor].dtype;
        let sizes = self.elab.module.tensors[access.tensor].axes.clone();
        let subs = access.subs.iter().zip(&sizes).map(|(sub, size)| Sub { value: self.subscript(sub, size), mode: sub.mode }).collect();
        let pad = access.pad.as_ref().and_then(|p| self.pad_value(p, dtype));
        Scalar::new(ScalarKind::Access(scalar::Access { tensor: access.tensor, prev: access.prev, subs, pad }), dtype, node.span)
    }

    /// A subscript as an i64. A u64 may be beyond that: it becomes a position that its mode takes for the same.
    fn subscript(&mut self, sub: &crate::check::tree::Sub, size: &Extent) -> Scalar {
        let value = self.build(&sub.value, DType::I64);
        let ScalarKind::Cast(unsigned) = &value.kind else { return value };
        if unsigned.dtype != DType::U64 || sub.mode == Mode::Exact {
            return value;
        }
        let span = value.span;
        let literal = |n: i64| Scalar::literal(Literal::Int(n.into()), DType::I64, span);
        let (op, bound) = match sub.mode {
            Mode::Wrap => (BinaryFn::Rem, Scalar::size(size.clone(), span)),
            // Mirrored positions repeat after twice the size less two.
            Mode::Reflect => (BinaryFn::Rem, Scalar::size(size.scale(2).sub(&Extent::from(2)), span)),
            Mode::Exact | Mode::Pad | Mode::Clamp => (BinaryFn::Min, literal(i64::MAX)),
        };
        // Of an empty axis the mode itself tells, and not a division.
        let bound = if op == BinaryFn::Rem { Scalar::binary(BinaryFn::Max, bound, literal(1), DType::I64, span) } else { bound };
        Scalar::binary(op, (**unsigned).clone(), bound.cast(DType::U64), DType::U64, span).cast(DType::I64)
    }

    fn pad_value(&mut self, pad: &Node, dtype: DType) -> Option<Literal> {
        match self.build(pad, dtype).kind {
            ScalarKind::Literal(literal) => Some(literal),
            _ => {
                let found = error(404, "a pad value is a literal").at(pad.span, "computed");
                self.elab.errors.push(found.help("an `if` around the access chooses computed values"));
                None
            }
        }
    }

    /// A condition that holds, or does not, with what it says of sizes and indices.
    pub(super) fn condition(&self, scalar: Scalar, node: &Node, holds: bool) -> Condition {
        let span = scalar.span;
        let scalar = if holds { scalar } else { Scalar::unary(UnaryFn::Not, scalar, DType::Bool, span) };
        let mut out = Condition { scalar, zero: Vec::new(), nonnegative: Vec::new(), nonzero: Vec::new() };
        self.facts(node, holds, &mut out);
        out
    }

    fn facts(&self, node: &Node, holds: bool, out: &mut Condition) {
        match &node.kind {
            NodeKind::Unary(UnaryFn::Not, inner) => self.facts(inner, !holds, out),
            NodeKind::Binary(op, a, b) if *op == if holds { BinaryFn::And } else { BinaryFn::Or } => {
                self.facts(a, holds, out);
                self.facts(b, holds, out);
            }
            NodeKind::Binary(op, a, b) => {
                let Some(op) = comparison_operator(*op, holds) else { return };
                let (Some(a), Some(b)) = (polynomial(a, self.vars), polynomial(b, self.vars)) else { return };
                match comparison(op, &a, &b) {
                    (value, Relation::Zero) => out.zero.push(value),
                    (value, Relation::NonNegative) => out.nonnegative.push(value),
                    (value, Relation::NonZero) => out.nonzero.push(value),
                }
            }
            _ => {}
        }
    }
}

/// The type that an expression of literals, sizes and index values is computed in.
pub(super) const fn compute_type(kind: Kind) -> DType {
    match kind {
        Kind::Int => DType::I64,
        Kind::Float => DType::F64,
        Kind::Complex => DType::C128,
    }
}

/// The type that two compared operands have in common.
fn common_type(a: Ty, b: Ty) -> DType {
    match (a, b) {
        (Ty::Data(d), _) | (_, Ty::Data(d)) => d,
        (Ty::Adapt(a), Ty::Adapt(b)) => compute_type(a.max(b)),
        _ => DType::Bool,
    }
}

/// The comparison that holds where this one does, or does not.
fn comparison_operator(op: BinaryFn, holds: bool) -> Option<BinaryOp> {
    let (yes, no) = match op {
        BinaryFn::Eq => (BinaryOp::Eq, BinaryOp::Ne),
        BinaryFn::Ne => (BinaryOp::Ne, BinaryOp::Eq),
        BinaryFn::Lt => (BinaryOp::Lt, BinaryOp::Ge),
        BinaryFn::Le => (BinaryOp::Le, BinaryOp::Gt),
        BinaryFn::Gt => (BinaryOp::Gt, BinaryOp::Le),
        BinaryFn::Ge => (BinaryOp::Ge, BinaryOp::Lt),
        _ => return None,
    };
    Some(if holds { yes } else { no })
}

/// A numeric literal as a value of a type that holds it.
fn number(kind: &NodeKind, dtype: DType, span: Span) -> Scalar {
    let (re, im) = match kind {
        NodeKind::Int(n) if dtype.is_integer() => return Scalar::literal(Literal::Int(*n), dtype, span),
        NodeKind::Int(n) => (*n as f64, 0.0),
        NodeKind::Float(x) => (*x, 0.0),
        NodeKind::Imaginary(x) => (0.0, *x),
        _ => (0.0, 0.0),
    };
    let literal = if dtype.is_complex() { Literal::Complex(re, im) } else { Literal::Float(re) };
    Scalar::literal(literal, dtype, span)
}

/// The literal, if every operand is one.
pub(super) fn folded(scalar: Scalar) -> Scalar {
    let value = |s: &Scalar| match s.kind {
        ScalarKind::Literal(literal) => value_of(literal, s.dtype),
        _ => None,
    };
    let result = match &scalar.kind {
        ScalarKind::Unary(UnaryFn::Keep, _) => None,
        ScalarKind::Unary(f, a) => value(a).map(|a| eval_unary(*f, a, scalar.dtype)),
        ScalarKind::Binary(f, a, b) => value(a).zip(value(b)).and_then(|(a, b)| eval_binary(*f, a, b).ok()),
        ScalarKind::Cast(a) => value(a).map(|a| cast(a, scalar.dtype)),
        _ => None,
    };
    match result.and_then(literal_of) {
        Some(literal) => Scalar::literal(literal, scalar.dtype, scalar.span),
        None => scalar,
    }
}

fn value_of(literal: Literal, dtype: DType) -> Option<Value> {
    Some(match literal {
        Literal::Bool(b) => Value::Bool(b),
        Literal::Int(n) => Value::int(n, dtype),
        Literal::Float(x) => Value::float(x, dtype),
        Literal::Complex(re, im) => Value::complex(re, im, dtype),
    })
}

const fn literal_of(value: Value) -> Option<Literal> {
    match value {
        Value::Bool(b) => Some(Literal::Bool(b)),
        Value::Int(n, _) => Some(Literal::Int(n)),
        Value::Float(x, _) => Some(Literal::Float(x)),
        Value::Complex(re, im, _) => Some(Literal::Complex(re, im)),
        Value::Key(_) => None,
    }
}

/// The product of sizes.
pub(super) fn product(sizes: &[Extent]) -> Extent {
    sizes.iter().fold(Extent::from(1), |p, s| p.mul(s))
}

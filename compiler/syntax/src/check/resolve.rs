//! From an expression with explicit sums to a resolved one: every name becomes an entity.

mod access;
mod approx;
mod calls;
mod indices;
mod names;
mod reductions;

use super::scope::Elaborator;
use super::tree::{Node, NodeKind, VarId, Vars};
use crate::ast::{self, BinaryOp, ElementKind, Expr, ExprKind, Ident, NumberValue, UnaryOp};
use crate::error::parse::StructureError;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};

/// Resolves one equation.
pub(crate) struct Resolver<'e, 'p> {
    pub(crate) elab: &'e mut Elaborator<'p>,
    /// Every index of the equation.
    pub(crate) vars: Vars,
    /// Those in scope, innermost last.
    bound: Vec<VarId>,
    /// Names that an error was reported for.
    poisoned: Vec<Ident>,
    /// Errors before this equation: after one of its own, what is unused is not reported.
    errors_before: usize,
}

impl<'e, 'p> Resolver<'e, 'p> {
    pub(crate) fn new(elab: &'e mut Elaborator<'p>, poisoned: Vec<Ident>) -> Self {
        let errors_before = if poisoned.is_empty() { elab.errors.len() } else { 0 };
        Self { elab, vars: Vec::new(), bound: Vec::new(), poisoned, errors_before }
    }

    pub(crate) fn expr(&mut self, e: &Expr) -> Node {
        let kind = match &e.kind {
            ExprKind::Number(n) => number(n),
            ExprKind::Boolean(b) => NodeKind::Bool(*b),
            ExprKind::Size(name) => self.size(name),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Prev(name) => self.prev(name),
            ExprKind::Subscript { base, subs } => self.access(base, subs, e),
            ExprKind::Call { name, args } => self.call(name, args, e.span),
            ExprKind::Reduce(r) => self.reduction(r),
            ExprKind::If { condition, then, otherwise } => {
                NodeKind::If(Box::new([self.expr(condition), self.expr(then), self.expr(otherwise)]))
            }
            ExprKind::Cast { value, to } => match to.kind {
                ElementKind::Scalar(dtype) => {
                    let mut node = Node::new(NodeKind::Cast(Box::new(self.expr(value))), e.span);
                    node.ty = super::tree::Ty::Data(dtype);
                    return node;
                }
                ElementKind::Index(_) => NodeKind::Bad,
            },
            ExprKind::Unary { op: UnaryOp::Neg, value, .. } => NodeKind::Unary(UnaryFn::Neg, Box::new(self.expr(value))),
            ExprKind::Unary { op: UnaryOp::Not, value, .. } => NodeKind::Unary(UnaryFn::Not, Box::new(self.expr(value))),
            ExprKind::Binary { op, lhs, rhs, .. } => self.binary(*op, lhs, rhs),
            ExprKind::Paren(inner) => return self.expr(inner),
            ExprKind::Tuple(_) => {
                // The parser takes lists for arguments; a value is none of them.
                self.elab.errors.push(StructureError::TupleAsValue { span: e.span }.into());
                NodeKind::Bad
            }
        };
        Node::new(kind, e.span)
    }

    fn binary(&mut self, op: BinaryOp, lhs: &Expr, rhs: &Expr) -> NodeKind {
        if op == BinaryOp::Pow
            && let Some(exponent) = integer_literal(rhs)
        {
            return NodeKind::Unary(UnaryFn::Powi(exponent), Box::new(self.expr(lhs)));
        }
        let (lhs, rhs) = (Box::new(self.expr(lhs)), Box::new(self.expr(rhs)));
        NodeKind::Binary(binary_fn(op), lhs, rhs)
    }
}

/// As many names for indices as there are axes: those that stand there, those that are wanted, and then the customary ones.
pub(crate) fn index_names(present: &[&str], wanted: &[&str], axes: usize) -> String {
    let mut names = present.to_vec();
    for name in wanted.iter().chain(&["i", "j", "k", "l", "m", "n", "p", "q", "r", "s", "t", "u", "v", "w"]) {
        if names.len() < axes && !names.contains(name) {
            names.push(name);
        }
    }
    if names.len() < axes {
        names.push("…");
    }
    names.join(", ")
}

pub(crate) const fn plural(n: usize, one: &'static str, many: &'static str) -> &'static str {
    if n == 1 { one } else { many }
}

fn number(n: &ast::Number) -> NodeKind {
    match n.value {
        NumberValue::Integer(value) if n.imaginary => NodeKind::Imaginary(value as f64),
        NumberValue::Float(value) if n.imaginary => NodeKind::Imaginary(value),
        NumberValue::Integer(value) => i128::try_from(value).map_or(NodeKind::Float(value as f64), NodeKind::Int),
        NumberValue::Float(value) => NodeKind::Float(value),
    }
}

/// The value of an integer literal with an optional sign, as an exponent.
fn integer_literal(e: &Expr) -> Option<i32> {
    match &e.peeled().kind {
        ExprKind::Number(n) if !n.imaginary => match n.value {
            NumberValue::Integer(value) => i32::try_from(value).ok(),
            NumberValue::Float(_) => None,
        },
        ExprKind::Unary { op: UnaryOp::Neg, value, .. } => integer_literal(value).map(|n| -n),
        _ => None,
    }
}

const fn binary_fn(op: BinaryOp) -> BinaryFn {
    match op {
        BinaryOp::Or => BinaryFn::Or,
        BinaryOp::And => BinaryFn::And,
        BinaryOp::Eq => BinaryFn::Eq,
        BinaryOp::Ne => BinaryFn::Ne,
        BinaryOp::Lt => BinaryFn::Lt,
        BinaryOp::Le => BinaryFn::Le,
        BinaryOp::Gt => BinaryFn::Gt,
        BinaryOp::Ge => BinaryFn::Ge,
        BinaryOp::Add => BinaryFn::Add,
        BinaryOp::Sub => BinaryFn::Sub,
        BinaryOp::Mul => BinaryFn::Mul,
        BinaryOp::Div => BinaryFn::Div,
        BinaryOp::FloorDiv => BinaryFn::FloorDiv,
        BinaryOp::Rem => BinaryFn::Rem,
        BinaryOp::Pow => BinaryFn::Pow,
    }
}

//! From resolved, typed expressions to tensor IR: every cast is written, every nested reduction becomes a tensor of its own,
//! and every subscript is proved inside its axis or becomes an entry check.

mod approx;
mod bounds;
mod inline;
mod reduce;
mod scalar;

use crate::ast::Expr;
use crate::check::scope::Elaborator;
use crate::check::tree::{Node, NodeKind, Ty, VarId, Vars};
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation, ReduceOp};

/// A guard or `if` condition in force.
#[derive(Clone, Debug)]
struct Condition {
    scalar: Scalar,
    zero: Vec<Extent>,
    nonnegative: Vec<Extent>,
    nonzero: Vec<Extent>,
}

/// A reduction that is being built.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Conditions in force around the reduction: those that its own tensor would lose.
    outer: usize,
    /// Whether its body may only be evaluated where those conditions hold.
    needs_domain: bool,
}

/// Builds the definitions of one equation.
pub(crate) struct Builder<'e, 'p> {
    elab: &'e mut Elaborator<'p>,
    vars: &'e Vars,
    /// The right side, for the texts in messages.
    source: &'e Expr,
    /// The name of the tensor defined.
    name: String,
    /// Indices of the tensor defined.
    left: Vec<VarId>,
    /// Indices in scope, outermost first; those of scans around are among them.
    scope: Vec<VarId>,
    conditions: Vec<Condition>,
    frames: Vec<Frame>,
    /// Sizes of the ranges of data in subscripts, for proofs.
    data: Vec<Extent>,
    /// What nested reductions became, in the order in which it must be computed.
    equations: Vec<Equation>,
    /// A call that makes a secret of its own, if the expression has one.
    secret: Option<Span>,
}

impl<'e, 'p> Builder<'e, 'p> {
    pub(crate) fn new(elab: &'e mut Elaborator<'p>, vars: &'e Vars, source: &'e Expr, name: &str, left: &[VarId]) -> Self {
        let scans = (0..vars.len()).filter(|v| vars[*v].scan && !left.contains(v));
        let scope = scans.chain(left.iter().copied()).collect();
        Self {
            elab,
            vars,
            source,
            name: name.to_owned(),
            left: left.to_vec(),
            scope,
            conditions: Vec::new(),
            frames: Vec::new(),
            data: Vec::new(),
            equations: Vec::new(),
            secret: None,
        }
    }

    /// A scalar of its own, of a type that its own allows.
    pub(crate) fn scalar(mut self, node: &Node, dtype: DType) -> Scalar {
        self.build(node, dtype)
    }

    /// Adds the definition of `out` to the module, after those of its nested reductions.
    pub(crate) fn define(mut self, out: Tensor, root: &Node, span: Span) {
        let dtype = self.elab.module.tensors[out].dtype;
        let indices: Vec<Index> = self.left.iter().filter_map(|v| self.vars[*v].index).collect();
        let (reduce, body) = self.root(root, dtype);
        self.equations.push(Equation { out, indices, domain: None, reduce, body, span });
        if let Some(call) = self.secret {
            self.equations.iter().for_each(|e| self.elab.secret_result(e.out, call));
        }
        self.elab.module.body.extend(self.equations.into_iter().map(Definition::Equation));
    }

    /// The value of an expression of literals alone.
    pub(crate) fn literal(mut self, node: &Node, dtype: DType) -> Option<Literal> {
        match self.build(node, dtype).kind {
            ScalarKind::Literal(literal) => Some(literal),
            _ => None,
        }
    }

    /// The whole right side: one reduction, or a pointwise expression.
    fn root(&mut self, root: &Node, dtype: DType) -> (Option<ein_ir::tensor::Reduce>, Scalar) {
        let root = without_idle_casts(root);
        if let NodeKind::Reduce(r) = &root.kind
            && let Some(built) = self.reduction(r, root.ty, dtype, root.span)
        {
            let is_position = matches!(built.reduce.op, ReduceOp::ArgMax | ReduceOp::ArgMin);
            if built.dtype == dtype && (built.reduce.acc == dtype || is_position) {
                return (Some(built.reduce), built.body);
            }
            let value = self.extract(built, root.span);
            return (None, value.cast(dtype));
        }
        (None, self.build(root, dtype))
    }

    /// The entity of an index.
    fn index(&self, v: VarId) -> Index {
        self.vars[v].index.expect("ranges are determined before anything is built")
    }
}

/// The expression below casts that change nothing.
fn without_idle_casts(node: &Node) -> &Node {
    match &node.kind {
        NodeKind::Cast(value) if matches!(value.ty, Ty::Data(_)) && value.ty == node.ty => without_idle_casts(value),
        _ => node,
    }
}

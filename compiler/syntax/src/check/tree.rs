//! Resolved expressions: every name is an entity, every sum is written, types are filled in by [`super::dtype`].

use crate::builtins::{Builtin, Reducer};
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::scalar::Mode;
use ein_ir::scalar::approx::Degree;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::span::Span;

/// An index of an equation, by its position in [`Vars`].
pub(crate) type VarId = usize;

/// Every index of an equation.
pub(crate) type Vars = Vec<Var>;

/// An index of an equation.
#[derive(Clone, Debug)]
pub(crate) struct Var {
    /// As written; `_` for an axis that is only repeated.
    pub(crate) name: String,
    /// Where it is bound; for a silent sum, its first occurrence.
    pub(crate) span: Span,
    /// Whether it stands on the left side.
    pub(crate) left: bool,
    /// Whether it is that of a scan around the equation.
    pub(crate) scan: bool,
    /// The range that its binder states.
    pub(crate) stated: Option<Stated>,
    /// Whether the right side, body or guard uses it.
    pub(crate) used: bool,
    /// Its entity; given when the range is known.
    pub(crate) index: Option<Index>,
}

/// A range that a binder states.
#[derive(Clone, Debug)]
pub(crate) enum Stated {
    /// `i: D`
    Size(Extent, Span),
    /// `i in a..b`
    Interval(Extent, Extent, Span),
}

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    /// That of data: converted only by `as`.
    Data(DType),
    /// Literals, sizes and index values alone: takes the type of its context.
    Adapt(Kind),
    /// Unknown, because of an error that has been reported.
    Bad,
}

/// What kind of number an expression of literals, sizes and index values is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Int,
    Float,
    Complex,
}

/// A resolved expression.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) span: Span,
    pub(crate) ty: Ty,
}

/// The forms of resolved expressions.
#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    Int(i128),
    Float(f64),
    Imaginary(f64),
    Bool(bool),
    Index(VarId),
    /// A size or `int` generic.
    Size(Extent),
    Access(Access),
    /// One of the two values of a reducer, with its type.
    Operand(u32, DType),
    Unary(UnaryFn, Box<Node>),
    Binary(BinaryFn, Box<Node>, Box<Node>),
    /// A built-in function by name; `Fold` functions have two or more arguments.
    Call(&'static Builtin, Vec<Node>),
    /// A def of scalars.
    Def(super::files::ItemId, Vec<Node>),
    Cast(Box<Node>),
    If(Box<[Node; 3]>),
    /// A function of one value that may be approximated.
    Approx(Box<Approx>),
    Reduce(Box<Reduction>),
    /// An error that has been reported.
    Bad,
}

/// `approx(f, x, on = (lo, hi), degree <= d)`.
#[derive(Clone, Debug)]
pub(crate) struct Approx {
    pub(crate) function: Approximated,
    /// As the program writes it.
    pub(crate) name: String,
    pub(crate) argument: Node,
    /// The function of [`NodeKind::Operand`], once the type of the argument is known.
    pub(crate) body: Option<Node>,
    pub(crate) on: (f64, f64),
    pub(crate) degree: Degree,
}

/// What is approximated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Approximated {
    Builtin(&'static Builtin),
    /// `1 / x`, which is no function of the language outside of `approx`.
    Reciprocal,
    /// A def of scalars.
    Def(super::files::ItemId),
}

/// An element of a tensor.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) tensor: Tensor,
    /// Whether the value at the end of the previous step of a scan is meant.
    pub(crate) prev: bool,
    pub(crate) subs: Vec<Sub>,
    /// The value outside the tensor, where `pad(e, v)` states one.
    pub(crate) pad: Option<Box<Node>>,
}

/// One subscript.
#[derive(Clone, Debug)]
pub(crate) struct Sub {
    pub(crate) value: Node,
    pub(crate) mode: Mode,
}

/// An explicit reduction.
#[derive(Clone, Debug)]
pub(crate) struct Reduction {
    pub(crate) reducer: Reducer,
    pub(crate) name: String,
    pub(crate) accumulator: Option<DType>,
    pub(crate) binders: Vec<VarId>,
    pub(crate) guard: Option<Node>,
    pub(crate) body: Node,
}

impl Node {
    pub(crate) const fn new(kind: NodeKind, span: Span) -> Self {
        Self { kind, span, ty: Ty::Bad }
    }

    /// The index, if this is a bare one.
    pub(crate) const fn as_index(&self) -> Option<VarId> {
        match self.kind {
            NodeKind::Index(v) => Some(v),
            _ => None,
        }
    }

    /// The direct operands, in order; guards before bodies.
    pub(crate) fn children(&self) -> Vec<&Node> {
        match &self.kind {
            NodeKind::Int(_) | NodeKind::Float(_) | NodeKind::Imaginary(_) | NodeKind::Bool(_) | NodeKind::Index(_) => Vec::new(),
            NodeKind::Size(_) | NodeKind::Operand(..) | NodeKind::Bad => Vec::new(),
            NodeKind::Access(a) => a.subs.iter().map(|s| &s.value).collect(),
            NodeKind::Unary(_, a) | NodeKind::Cast(a) => vec![a],
            NodeKind::Binary(_, a, b) => vec![a, b],
            NodeKind::Call(_, args) | NodeKind::Def(_, args) => args.iter().collect(),
            NodeKind::If(parts) => parts.iter().collect(),
            NodeKind::Approx(approx) => vec![&approx.argument],
            NodeKind::Reduce(r) => r.guard.iter().chain([&r.body]).collect(),
        }
    }

    /// Calls `f` on this node and every node below it, parents first.
    pub(crate) fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a Node)) {
        f(self);
        for child in self.children() {
            child.visit(f);
        }
    }
}

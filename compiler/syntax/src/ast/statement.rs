//! What stands in the body of a `def`.

use super::{Argument, Expr, Ident, Param, Tolerance, Type};
use ein_ir::span::Span;

/// One statement of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `C[i, j] = A[i, k] * B[k, j];`
    Bind(Bind),
    /// `(q, r) = qr(A);`
    BindMany(BindMany),
    /// `scan t: T { … }`
    Scan(Scan),
    /// `fit (U: …, V: …): W[o, i] ~ U[o, r] * V[r, i];`
    Fit(Fit),
}

impl Statement {
    /// Where it stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Statement::Bind(bind) => bind.span,
            Statement::BindMany(bind) => bind.span,
            Statement::Scan(scan) => scan.span,
            Statement::Fit(fit) => fit.span,
        }
    }
}

/// One equation.
#[derive(Clone, Debug, PartialEq)]
pub struct Bind {
    /// The tensor that it defines.
    pub name: Ident,
    /// `[i, j]`; `None` for a scalar or the result of a call.
    pub left: Option<LeftSide>,
    /// After `:`.
    pub ty: Option<Type>,
    /// The right side.
    pub value: Expr,
    /// After `from`: the value before the first step of a scan.
    pub init: Option<Expr>,
    /// After `within`.
    pub tolerance: Option<Tolerance>,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// The brackets on the left of an equation.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftSide {
    /// One for each axis.
    pub binders: Vec<Binder>,
    /// Where it stands, brackets included.
    pub span: Span,
}

/// One equation with several results.
#[derive(Clone, Debug, PartialEq)]
pub struct BindMany {
    /// At least one, in the order of the results.
    pub names: Vec<Ident>,
    /// A call.
    pub value: Expr,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// The introduction of an index, or of a row of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Binder {
    /// Which form.
    pub kind: BinderKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of binders.
#[derive(Clone, Debug, PartialEq)]
pub enum BinderKind {
    /// `..b`
    Row(Ident),
    /// `i`, `i: N`, `i in 0..2`, and on a left side `_`.
    Index {
        /// The index.
        name: Ident,
        /// `None`: taken from the bare uses of the index.
        range: Option<IndexRange>,
    },
}

impl Binder {
    /// The name that it introduces.
    #[must_use]
    pub const fn name(&self) -> &Ident {
        match &self.kind {
            BinderKind::Row(name) | BinderKind::Index { name, .. } => name,
        }
    }
}

/// A stated range of an index.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexRange {
    /// `: H // 2`
    Dim(Expr),
    /// `in a..b`
    Interval(Interval),
}

/// `lo..hi`; for an index `hi` is excluded.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// First value.
    pub lo: Expr,
    /// End.
    pub hi: Expr,
    /// Where it stands.
    pub span: Span,
}

/// A recurrence.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Where `reverse` stands, if it does.
    pub reverse: Option<Span>,
    /// The scan index; never a row.
    pub binder: Binder,
    /// In the order of execution.
    pub body: Vec<Statement>,
    /// Where it stands.
    pub span: Span,
}

/// A factorisation: an equation whose right side has the unknowns.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The factors, with their types.
    pub factors: Vec<Param>,
    /// What is factored.
    pub target: Ident,
    /// Its indices.
    pub left: LeftSide,
    /// The network of the factors.
    pub network: Expr,
    /// After `weight`.
    pub weight: Option<Expr>,
    /// After `from`, one or two calls: `cols(W, n) and rows(W, m)`.
    pub sources: Vec<Expr>,
    /// After `where`.
    pub rules: Vec<FitRule>,
    /// Where it stands, semicolon included.
    pub span: Span,
}

/// One rule for ranks and errors of a `fit`.
#[derive(Clone, Debug, PartialEq)]
pub enum FitRule {
    /// `R by energy(0.95)`
    By {
        /// The rank.
        rank: Ident,
        /// How it is chosen.
        criterion: Expr,
        /// Where it stands.
        span: Span,
    },
    /// `R = 8`, `R <= 64`, `tol = 1e-3`, `psd`
    Argument(Argument),
}

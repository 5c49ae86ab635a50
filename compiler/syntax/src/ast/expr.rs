//! Expressions.

use super::{Binder, ElementType, Ident};
use ein_ir::span::Span;

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

impl Expr {
    /// An expression at a place.
    #[must_use]
    pub const fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// Where it stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The expression without the parentheses around it.
    #[must_use]
    pub fn peeled(&self) -> &Expr {
        let mut expr = self;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }

    /// The name, if it is a bare name (parentheses do not count).
    #[must_use]
    pub fn as_name(&self) -> Option<&Ident> {
        match &self.peeled().kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A numeric literal.
    Number(Number),
    /// `true` or `false`.
    Boolean(bool),
    /// `|N|`: the size of a dim as a value.
    Size(Ident),
    /// A bare name: an index, a size parameter, a scalar, a constant, or a whole tensor.
    Name(Ident),
    /// `prev h`: the value of a state at the end of the previous step.
    Prev(Ident),
    /// `A[i, ..b, 2*j]`; the base is a name or `prev`.
    Subscript {
        /// What is subscripted.
        base: Box<Expr>,
        /// One for each axis, or none for `A[]`.
        subs: Vec<Subscript>,
    },
    /// `exp(x)`, `softmax(z)`, and inside subscripts the modes `pad(i)`, `clamp(i)`, `wrap(i)`, `reflect(i)`.
    Call {
        /// The function.
        name: Ident,
        /// In the order of the text.
        args: Vec<Argument>,
    },
    /// `max[j where j <= i](x[j])`.
    Reduce(Box<Reduction>),
    /// `if c then a else b`.
    If {
        /// The condition.
        condition: Box<Expr>,
        /// The value where it holds.
        then: Box<Expr>,
        /// The value where it does not.
        otherwise: Box<Expr>,
    },
    /// `x as f32`.
    Cast {
        /// What is converted.
        value: Box<Expr>,
        /// To what.
        to: ElementType,
    },
    /// A prefix operator.
    Unary {
        /// Which.
        op: UnaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Its operand.
        value: Box<Expr>,
    },
    /// An infix operator.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left operand.
        lhs: Box<Expr>,
        /// Right operand.
        rhs: Box<Expr>,
    },
    /// `(x)`.
    Paren(Box<Expr>),
    /// `(a, b)`, two or more: only the value of an argument or of a hint.
    Tuple(Vec<Expr>),
}

/// A numeric literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// As written, suffix included.
    pub text: String,
    /// What it denotes, without the imaginary unit.
    pub value: NumberValue,
    /// Whether the suffix `im` follows.
    pub imaginary: bool,
}

/// What the digits of a literal denote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NumberValue {
    /// Digits only.
    Integer(u128),
    /// With a point or an exponent; always finite.
    Float(f64),
}

/// One place between the brackets of an access.
#[derive(Clone, Debug, PartialEq)]
pub enum Subscript {
    /// `..b`: a row of axes.
    Row(Ident),
    /// One axis.
    At(Expr),
}

impl Subscript {
    /// Where it stands; that of a row includes the dots.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Subscript::Row(name) => row_span(name),
            Subscript::At(expr) => expr.span,
        }
    }
}

/// The place of `..b`, given that of `b`: the dots may be apart from the name, but are counted as touching it.
pub(super) const fn row_span(name: &Ident) -> Span {
    Span { file: name.span.file, start: name.span.start.saturating_sub(2), end: name.span.end }
}

/// One argument of a call, of a structure or of a rank rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// `st` in `st = 2`.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
    /// Name and value.
    pub span: Span,
}

/// `sum:f64[k: N where k < i](body)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduction {
    /// The reducer, built in or declared.
    pub name: Ident,
    /// `f64` in `sum:f64`.
    pub accumulator: Option<ElementType>,
    /// At least one.
    pub binders: Vec<Binder>,
    /// After `where`.
    pub guard: Option<Expr>,
    /// Between the parentheses, which belong to the reduction: no [`ExprKind::Paren`] stands for them.
    pub body: Expr,
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `not`
    Not,
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names and `symbol` say it")]
pub enum BinaryOp {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    Mul,
    /// `/`
    Div,
    /// `//`, rounding down.
    FloorDiv,
    /// `%`, with the sign of the divisor.
    Rem,
    /// `^`, right-associative.
    Pow,
}

impl UnaryOp {
    /// The spelling.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Neg => "-",
            UnaryOp::Not => "not",
        }
    }
}

impl BinaryOp {
    /// The spelling.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::FloorDiv => "//",
            BinaryOp::Rem => "%",
            BinaryOp::Pow => "^",
        }
    }

    /// Whether it compares two values.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(self, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge)
    }
}

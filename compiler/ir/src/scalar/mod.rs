//! Scalar expressions: what stands inside an equation. One type serves tensor IR and plans.
//!
//! Nothing is implied here: every cast, sum and mode is written. `dtype` and `span` stand on every node.
//!
//! * [`function`] names the functions, [`value`] holds run-time values, [`eval`] says what each function means, over [`math`];
//!   [`small`] are the float formats below f32.

pub mod approx;
mod complex;
pub mod eval;
pub mod function;
pub mod math;
pub mod parse;
pub mod print;
pub mod small;
pub mod typing;
pub mod value;
pub(crate) mod verify;

use crate::dtype::DType;
use crate::entity::{Index, Tensor};
use crate::extent::{Atom, Extent};
use crate::span::Span;
use approx::Approx;
use function::{BinaryFn, UnaryFn};

/// A scalar expression with its element type.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// What it is.
    pub kind: ScalarKind,
    /// The type of its value.
    pub dtype: DType,
    /// Where it was written; spans do not take part in equality of dumps.
    pub span: Span,
}

/// The forms of a scalar expression. The operands' dtypes are stated at each; `dtype` is that of the node.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarKind {
    /// A literal of `dtype`.
    Literal(Literal),
    /// An index variable: `dtype` is i64.
    Index(Index),
    /// A size, an `int` generic or a polynomial of them: `dtype` is i64. A literal after specialisation.
    Size(Extent),
    /// An element of a tensor; `dtype` is the tensor's.
    Access(Access),
    /// A function of one value.
    Unary(UnaryFn, Box<Scalar>),
    /// A function of two values.
    Binary(BinaryFn, Box<Scalar>, Box<Scalar>),
    /// The value converted to `dtype`: float to integer truncates, saturates, NaN to 0; integers wrap; to bool is `!= 0`.
    Cast(Box<Scalar>),
    /// Condition, then, else. Lazy: the branch not taken is not evaluated.
    If(Box<Scalar>, Box<Scalar>, Box<Scalar>),
    /// A function of one value, for which a target may compute another that is close to it. None in plans.
    Approx(Box<Approx>),
    /// Left (0) or right (1) operand, in the body of a user reducer; the argument (0) in the function of an approximation.
    Operand(u32),
    /// The finished reduction, in the epilogue of a plan's nest.
    Accumulated,
}

/// A literal value; its dtype stands on the node that holds it, and floats are rounded to that when used.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// An integer, in range of its dtype.
    Int(i128),
    /// A real number.
    Float(f64),
    /// Real and imaginary part.
    Complex(f64, f64),
}

/// Bits decide, so that NaN equals itself and 0.0 differs from -0.0.
impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Literal::Bool(a), Literal::Bool(b)) => a == b,
            (Literal::Int(a), Literal::Int(b)) => a == b,
            (Literal::Float(a), Literal::Float(b)) => a.to_bits() == b.to_bits(),
            (Literal::Complex(a, b), Literal::Complex(c, d)) => a.to_bits() == c.to_bits() && b.to_bits() == d.to_bits(),
            _ => false,
        }
    }
}

impl Eq for Literal {}

/// An element of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The tensor, or in a plan the buffer.
    pub tensor: Tensor,
    /// Whether the value at the end of the previous step of the enclosing scan is meant.
    pub prev: bool,
    /// One subscript an axis.
    pub subs: Vec<Sub>,
    /// The value outside the tensor, of its dtype, where an axis has [`Mode::Pad`]; `None` then means zero.
    pub pad: Option<Literal>,
}

/// One subscript of an access.
#[derive(Clone, Debug, PartialEq)]
pub struct Sub {
    /// An i64 expression.
    pub value: Scalar,
    /// What happens outside the axis.
    pub mode: Mode,
}

/// What a subscript outside its axis means (language D8, 4d).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// In bounds: proved when the program was checked, or by the entry checks, or validated when the data was bound.
    Exact,
    /// The element is the pad value of the access.
    Pad,
    /// The nearest position of the axis. An axis of extent 0 has none: a fault.
    Clamp,
    /// The mathematical modulo. An axis of extent 0 has none: a fault.
    Wrap,
    /// Mirrored without repeating the edge: -1 is 1. An axis of extent 0 has none: a fault; of extent 1, always 0.
    Reflect,
}

impl Mode {
    /// Every mode, in declaration order.
    pub const ALL: [Mode; 5] = [Mode::Exact, Mode::Pad, Mode::Clamp, Mode::Wrap, Mode::Reflect];

    /// The spelling in text forms; an exact subscript has none.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Exact => "exact",
            Mode::Pad => "pad",
            Mode::Clamp => "clamp",
            Mode::Wrap => "wrap",
            Mode::Reflect => "reflect",
        }
    }
}

impl Scalar {
    /// A node with its type and place.
    #[must_use]
    pub const fn new(kind: ScalarKind, dtype: DType, span: Span) -> Self {
        Self { kind, dtype, span }
    }

    /// A literal.
    #[must_use]
    pub const fn literal(literal: Literal, dtype: DType, span: Span) -> Self {
        Self::new(ScalarKind::Literal(literal), dtype, span)
    }

    /// An index variable.
    #[must_use]
    pub const fn index(index: Index, span: Span) -> Self {
        Self::new(ScalarKind::Index(index), DType::I64, span)
    }

    /// A size.
    #[must_use]
    pub const fn size(size: Extent, span: Span) -> Self {
        Self::new(ScalarKind::Size(size), DType::I64, span)
    }

    /// A function of one value.
    #[must_use]
    pub fn unary(function: UnaryFn, operand: Scalar, dtype: DType, span: Span) -> Self {
        Self::new(ScalarKind::Unary(function, Box::new(operand)), dtype, span)
    }

    /// A function of two values.
    #[must_use]
    pub fn binary(function: BinaryFn, lhs: Scalar, rhs: Scalar, dtype: DType, span: Span) -> Self {
        Self::new(ScalarKind::Binary(function, Box::new(lhs), Box::new(rhs)), dtype, span)
    }

    /// Whether both of two conditions hold; the second one is not looked at where the first does not.
    #[must_use]
    pub fn and(self, other: Scalar) -> Self {
        let span = self.span;
        Self::binary(BinaryFn::And, self, other, DType::Bool, span)
    }

    /// Whether a condition does not hold.
    #[must_use]
    pub fn negated(self) -> Self {
        let span = self.span;
        Self::unary(UnaryFn::Not, self, DType::Bool, span)
    }

    /// A conversion; the operand itself if it has the dtype already.
    #[must_use]
    pub fn cast(self, dtype: DType) -> Self {
        if self.dtype == dtype {
            return self;
        }
        let span = self.span;
        Self::new(ScalarKind::Cast(Box::new(self)), dtype, span)
    }

    /// The direct operands, subscripts included, in order.
    #[must_use]
    pub fn children(&self) -> Vec<&Scalar> {
        match &self.kind {
            ScalarKind::Literal(_) | ScalarKind::Index(_) | ScalarKind::Size(_) | ScalarKind::Operand(_) | ScalarKind::Accumulated => {
                Vec::new()
            }
            ScalarKind::Access(access) => access.subs.iter().map(|s| &s.value).collect(),
            ScalarKind::Unary(_, a) | ScalarKind::Cast(a) => vec![a],
            ScalarKind::Binary(_, a, b) => vec![a, b],
            ScalarKind::If(c, a, b) => vec![c, a, b],
            ScalarKind::Approx(approx) => vec![&approx.argument, &approx.function],
        }
    }

    /// The direct operands for change, in the order of [`Scalar::children`].
    #[must_use]
    pub fn children_mut(&mut self) -> Vec<&mut Scalar> {
        match &mut self.kind {
            ScalarKind::Literal(_) | ScalarKind::Index(_) | ScalarKind::Size(_) | ScalarKind::Operand(_) | ScalarKind::Accumulated => {
                Vec::new()
            }
            ScalarKind::Access(access) => access.subs.iter_mut().map(|s| &mut s.value).collect(),
            ScalarKind::Unary(_, a) | ScalarKind::Cast(a) => vec![a],
            ScalarKind::Binary(_, a, b) => vec![a, b],
            ScalarKind::If(c, a, b) => vec![c, a, b],
            ScalarKind::Approx(approx) => vec![&mut approx.argument, &mut approx.function],
        }
    }

    /// Calls `f` on this node and every node below it, parents first.
    pub fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a Scalar)) {
        f(self);
        for child in self.children() {
            child.visit(f);
        }
    }

    /// Calls `f` on this node and every node below it for change, children first.
    pub fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Scalar)) {
        for child in self.children_mut() {
            child.visit_mut(f);
        }
        f(self);
    }

    /// Whether two expressions are spelled alike, wherever they stand.
    #[must_use]
    pub fn is_alike(&self, other: &Scalar) -> bool {
        let is_alike = match (&self.kind, &other.kind) {
            (ScalarKind::Access(p), ScalarKind::Access(q)) => {
                let modes_are = p.subs.len() == q.subs.len() && p.subs.iter().zip(&q.subs).all(|(s, t)| s.mode == t.mode);
                (p.tensor, p.prev, p.pad) == (q.tensor, q.prev, q.pad) && modes_are
            }
            (ScalarKind::Unary(f, _), ScalarKind::Unary(g, _)) => f == g,
            (ScalarKind::Binary(f, ..), ScalarKind::Binary(g, ..)) => f == g,
            (ScalarKind::Approx(p), ScalarKind::Approx(q)) => (p.on, p.degree) == (q.on, q.degree),
            (ScalarKind::Cast(_), ScalarKind::Cast(_)) | (ScalarKind::If(..), ScalarKind::If(..)) => true,
            (p, q) if self.children().is_empty() && other.children().is_empty() => p == q,
            _ => false,
        };
        self.dtype == other.dtype && is_alike && self.children().into_iter().zip(other.children()).all(|(a, b)| a.is_alike(b))
    }

    /// The polynomial over sizes and indices that an i64 expression computes; `None` if data or another function takes part.
    /// Where it stands in a subscript or a condition no step that matters leaves 64 bits: a module is specialised to such sizes alone.
    #[must_use]
    pub fn as_polynomial(&self) -> Option<Extent> {
        match &self.kind {
            ScalarKind::Literal(Literal::Int(n)) => Some(Extent::constant(*n)),
            ScalarKind::Index(i) => Some(Extent::atom(Atom::Index(*i))),
            ScalarKind::Size(e) => Some(e.clone()),
            ScalarKind::Unary(UnaryFn::Neg, a) => Some(a.as_polynomial()?.scale(-1)),
            ScalarKind::Unary(UnaryFn::Powi(n), a) if (0..=8).contains(n) => {
                let a = a.as_polynomial()?;
                Some((0..*n).fold(Extent::constant(1), |acc, _| acc.mul(&a)))
            }
            ScalarKind::Binary(op, a, b) => {
                let (a, b) = (a.as_polynomial()?, b.as_polynomial()?);
                match op {
                    BinaryFn::Add => Some(a.add(&b)),
                    BinaryFn::Sub => Some(a.sub(&b)),
                    BinaryFn::Mul => Some(a.mul(&b)),
                    BinaryFn::FloorDiv => Some(a.floor_div(&b)),
                    BinaryFn::Rem => Some(a.floor_rem(&b)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

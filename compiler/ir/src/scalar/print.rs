//! The text form of scalar expressions: exact, and free of dtypes that the operands determine.
//!
//! ```text
//! (t0[i0, i2] * t1[i2, i1])        infix, always in parentheses; one operator chains to the left: (a + b + c)
//! max(t0[i0], 0.0:f32)             a function; powi(x, 3) for integer powers
//! f32(t0[i0])                      a cast
//! if((i0 < i1), a, b)              lazy
//! 1.5:f32 -3:i32 7 true            literals; an integer without a dtype is i64
//! complex(1.0, -2.5):c64
//! size(2*d0 + 1)                   a size
//! t0[(i0 + 1), pad(i1)] else -inf  modes stand around subscripts, the pad value after the access
//! prev t3[i0]                      value at the end of the previous step
//! operand(0) acc                   in a reducer; in an epilogue
//! approx(t0[], tanh(operand(0)), on -1.0..1.0, degree <= 7)
//! ```
//!
//! A node whose dtype is not the one that its operands determine prints it after it, `(a + b):f64`; verified modules have none.

use super::approx::{Approx, Degree};
use super::function::{BinaryFn, UnaryFn};
use super::{Access, Literal, Mode, Scalar, ScalarKind, typing};
use crate::dtype::DType;
use crate::entity::Tensor;
use crate::text::float;
use std::fmt::{self, Display, Write};

/// What the text of a scalar leaves to its surroundings: dtypes that are written elsewhere.
#[derive(Clone, Copy)]
pub struct Types<'a> {
    /// The dtype of a tensor; `None` where it is not declared.
    pub tensor: &'a dyn Fn(Tensor) -> Option<DType>,
    /// Dtype of the operands of a reducer.
    pub operand: Option<DType>,
    /// Dtype of a finished reduction.
    pub accumulated: Option<DType>,
}

impl<'a> Types<'a> {
    /// No operands and no finished reduction.
    #[must_use]
    pub const fn new(tensor: &'a dyn Fn(Tensor) -> Option<DType>) -> Self {
        Self { tensor, operand: None, accumulated: None }
    }

    /// The dtype that a node has if its text names none.
    #[must_use]
    pub fn determined(&self, kind: &ScalarKind) -> Option<DType> {
        match kind {
            ScalarKind::Literal(Literal::Bool(_)) => Some(DType::Bool),
            ScalarKind::Literal(Literal::Int(_)) | ScalarKind::Index(_) | ScalarKind::Size(_) => Some(DType::I64),
            // The text of a cast begins with its dtype.
            ScalarKind::Literal(_) | ScalarKind::Cast(_) => None,
            ScalarKind::Access(access) => (self.tensor)(access.tensor),
            ScalarKind::Unary(function, a) => Some(typing::unary_result(*function, a.dtype)),
            ScalarKind::Binary(function, a, _) => Some(typing::binary_result(*function, a.dtype)),
            ScalarKind::If(_, a, _) => Some(a.dtype),
            ScalarKind::Approx(approx) => Some(approx.function.dtype),
            ScalarKind::Operand(_) => self.operand,
            ScalarKind::Accumulated => self.accumulated,
        }
    }
}

/// A scalar expression that prints as its text form.
pub struct Printed<'a> {
    scalar: &'a Scalar,
    types: Types<'a>,
}

/// The text form of a scalar expression.
#[must_use]
pub const fn print<'a>(scalar: &'a Scalar, types: Types<'a>) -> Printed<'a> {
    Printed { scalar, types }
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scalar(f, self.scalar, &self.types)
    }
}

/// The operator between operands; functions without one are written before them.
#[must_use]
pub const fn infix(function: BinaryFn) -> Option<&'static str> {
    Some(match function {
        BinaryFn::Add => "+",
        BinaryFn::Sub => "-",
        BinaryFn::Mul => "*",
        BinaryFn::Div => "/",
        BinaryFn::FloorDiv => "//",
        BinaryFn::Rem => "%",
        BinaryFn::And => "and",
        BinaryFn::Or => "or",
        BinaryFn::Eq => "==",
        BinaryFn::Ne => "!=",
        BinaryFn::Lt => "<",
        BinaryFn::Le => "<=",
        BinaryFn::Gt => ">",
        BinaryFn::Ge => ">=",
        _ => return None,
    })
}

fn write_scalar(f: &mut fmt::Formatter<'_>, scalar: &Scalar, types: &Types<'_>) -> fmt::Result {
    match &scalar.kind {
        ScalarKind::Literal(literal) => write!(f, "{}", print_literal(*literal))?,
        ScalarKind::Index(index) => write!(f, "{index}")?,
        ScalarKind::Size(size) => write!(f, "size({size})")?,
        ScalarKind::Access(access) => write_access(f, access, types)?,
        ScalarKind::Unary(UnaryFn::Powi(n), a) => {
            f.write_str("powi(")?;
            write_scalar(f, a, types)?;
            write!(f, ", {n})")?;
        }
        ScalarKind::Unary(function, a) => write_call(f, function.name(), &[a], types)?,
        ScalarKind::Binary(function, a, b) => match infix(*function) {
            Some(operator) => {
                f.write_char('(')?;
                write_chain(f, *function, operator, a, types)?;
                write!(f, " {operator} ")?;
                write_scalar(f, b, types)?;
                f.write_char(')')?;
            }
            None => write_call(f, function.name(), &[a, b], types)?,
        },
        ScalarKind::Cast(a) => return write_call(f, scalar.dtype.name(), &[a], types),
        ScalarKind::If(c, a, b) => write_call(f, "if", &[c, a, b], types)?,
        ScalarKind::Approx(approx) => write_approx(f, approx, types)?,
        ScalarKind::Operand(n) => write!(f, "operand({n})")?,
        ScalarKind::Accumulated => f.write_str("acc")?,
    }
    if types.determined(&scalar.kind) == Some(scalar.dtype) { Ok(()) } else { write!(f, ":{}", scalar.dtype) }
}

/// The left operand of an operator: an application of the same operator continues the chain without parentheses.
fn write_chain(f: &mut fmt::Formatter<'_>, function: BinaryFn, operator: &str, lhs: &Scalar, types: &Types<'_>) -> fmt::Result {
    let mut rights = Vec::new();
    let mut first = lhs;
    while let ScalarKind::Binary(inner, a, b) = &first.kind
        && *inner == function
        && types.determined(&first.kind) == Some(first.dtype)
    {
        rights.push(b);
        first = a;
    }
    write_scalar(f, first, types)?;
    for right in rights.into_iter().rev() {
        write!(f, " {operator} ")?;
        write_scalar(f, right, types)?;
    }
    Ok(())
}

fn write_call(f: &mut fmt::Formatter<'_>, name: &str, args: &[&Scalar], types: &Types<'_>) -> fmt::Result {
    write!(f, "{name}(")?;
    for (k, arg) in args.iter().enumerate() {
        f.write_str(if k > 0 { ", " } else { "" })?;
        write_scalar(f, arg, types)?;
    }
    f.write_char(')')
}

fn write_approx(f: &mut fmt::Formatter<'_>, approx: &Approx, types: &Types<'_>) -> fmt::Result {
    f.write_str("approx(")?;
    write_scalar(f, &approx.argument, types)?;
    f.write_str(", ")?;
    write_scalar(f, &approx.function, &Types { operand: Some(approx.argument.dtype), ..*types })?;
    write!(f, ", on {}..{}", float(approx.on.0), float(approx.on.1))?;
    match approx.degree {
        Degree::Free => f.write_char(')'),
        Degree::AtMost(degree) => write!(f, ", degree <= {degree})"),
        Degree::Exactly(degree) => write!(f, ", degree {degree})"),
    }
}

fn write_access(f: &mut fmt::Formatter<'_>, access: &Access, types: &Types<'_>) -> fmt::Result {
    write!(f, "{}{}[", if access.prev { "prev " } else { "" }, access.tensor)?;
    for (k, sub) in access.subs.iter().enumerate() {
        f.write_str(if k > 0 { ", " } else { "" })?;
        match sub.mode {
            Mode::Exact => write_scalar(f, &sub.value, types)?,
            mode => write_call(f, mode.name(), &[&sub.value], types)?,
        }
    }
    f.write_char(']')?;
    match access.pad {
        Some(pad) => write!(f, " else {}", print_literal(pad)),
        None => Ok(()),
    }
}

/// The text form of a literal, without its dtype.
#[must_use]
pub fn print_literal(literal: Literal) -> String {
    match literal {
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => float(value),
        Literal::Complex(re, im) => format!("complex({}, {})", float(re), float(im)),
    }
}

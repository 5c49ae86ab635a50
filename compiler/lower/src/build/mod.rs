//! From scalar expressions to the value graph of a nest.
//!
//! * this file: the walk over expressions · [`index`]: subscripts and index values · [`access`]: elements of tensors and their modes
//! * [`real`], [`integer`], [`convert`]: functions and conversions · [`narrow`]: types with fewer bits than kernels compute in
//! * [`complex`]: pairs of reals

mod access;
mod complex;
mod convert;
mod index;
mod integer;
mod narrow;
mod real;

use crate::affine::AxisSet;
use crate::buffers::{Memories, supported};
use crate::error::unsupported;
use crate::graph::{Graph, ValueId, ValueOp};
use crate::space::Space;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::{Fault, PrimaryMap, Reducer};
pub(crate) use ein_ir::interp::fault::EMPTY_ARGMAX;
use ein_ir::interp::fault::{DIVISION_BY_ZERO, EMPTY_AXIS};
use ein_ir::kernel::{BinaryOp, Comparison, UnaryOp};
use ein_ir::plan::FaultDecl;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value as Datum;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::ReducerDecl;
pub(crate) use index::Position;

/// A scalar value: one component, or real and imaginary part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parts {
    One(ValueId),
    Pair(ValueId, ValueId),
}

impl Parts {
    pub(crate) fn components(self) -> Vec<ValueId> {
        match self {
            Parts::One(x) => vec![x],
            Parts::Pair(re, im) => vec![re, im],
        }
    }

    /// The value of a real expression.
    pub(crate) fn one(self) -> ValueId {
        match self {
            Parts::One(x) | Parts::Pair(x, _) => x,
        }
    }
}

/// What a walk gives, or why the expression cannot be compiled.
pub(crate) type Built<T> = Result<T, Diagnostic>;

/// Builds the graph of one nest.
pub(crate) struct Builder<'a> {
    pub(crate) memories: &'a Memories,
    pub(crate) faults: &'a mut PrimaryMap<Fault, FaultDecl>,
    pub(crate) space: Space,
    pub(crate) graph: Graph,
    /// Axes of the output, which a finished reduction changes with.
    pub(crate) outer: AxisSet,
    pub(crate) reducers: &'a PrimaryMap<Reducer, ReducerDecl>,
    /// The two values of the reducer whose body is built.
    pub(crate) operands: Option<[Parts; 2]>,
}

impl Builder<'_> {
    /// The value of an expression.
    ///
    /// # Errors
    /// `not-in-this-version` for dtypes and forms without kernels.
    pub(crate) fn scalar(&mut self, scalar: &Scalar) -> Built<Parts> {
        supported(scalar.dtype, scalar.span)?;
        if let Some(index) = self.index_value(scalar)? {
            return Ok(Parts::One(index));
        }
        match &scalar.kind {
            ScalarKind::Literal(literal) => Ok(self.literal(*literal, scalar.dtype)),
            ScalarKind::Index(_) | ScalarKind::Size(_) => Err(unsupported("this index value", scalar.span)),
            ScalarKind::Access(access) => self.access(access, scalar),
            ScalarKind::Unary(function, a) => self.unary(*function, a, scalar),
            ScalarKind::Binary(function, a, b) => self.binary(*function, a, b, scalar),
            ScalarKind::Cast(a) => {
                let value = self.scalar(a)?;
                Ok(self.cast(value, a.dtype, scalar.dtype))
            }
            ScalarKind::If(c, a, b) => {
                let condition = self.condition(c)?;
                let (a, b) = (self.scalar(a)?, self.scalar(b)?);
                Ok(self.select(condition, a, b))
            }
            ScalarKind::Approx(_) => Err(unsupported("an approximation in a plan", scalar.span)),
            ScalarKind::Operand(n) => match self.operands {
                Some(operands) if *n < 2 => Ok(operands[*n as usize]),
                _ => Err(unsupported("an operand outside a reducer", scalar.span)),
            },
            ScalarKind::Accumulated => Ok(self.accumulated(scalar.dtype)),
        }
    }

    /// The finished reduction, of this dtype.
    pub(crate) fn accumulated(&mut self, dtype: DType) -> Parts {
        let ty = crate::buffers::value_type(dtype).expect("checked by the caller");
        let first = self.graph.accumulated(0, ty, self.outer);
        if !dtype.is_complex() {
            // The accumulator of a narrow type has bits, or digits, to spare.
            return self.narrowed(Parts::One(first), dtype);
        }
        Parts::Pair(first, self.graph.accumulated(1, ty, self.outer))
    }

    /// The value of a bool expression; comparisons of index forms become conditions on the axes.
    pub(crate) fn condition(&mut self, scalar: &Scalar) -> Built<ValueId> {
        Ok(self.scalar(scalar)?.one())
    }

    pub(crate) fn select(&mut self, condition: ValueId, a: Parts, b: Parts) -> Parts {
        match (a, b) {
            (Parts::Pair(a, c), Parts::Pair(b, d)) => Parts::Pair(self.graph.select(condition, a, b), self.graph.select(condition, c, d)),
            _ => Parts::One(self.graph.select(condition, a.one(), b.one())),
        }
    }

    /// A literal, rounded to its dtype.
    pub(crate) fn literal(&mut self, literal: Literal, dtype: DType) -> Parts {
        self.datum(Datum::from_literal(literal, dtype))
    }

    /// A constant of a supported dtype.
    pub(crate) fn datum(&mut self, datum: Datum) -> Parts {
        let ty = crate::buffers::value_type(datum.dtype()).expect("checked by the caller");
        match datum {
            Datum::Bool(b) => Parts::One(self.graph.boolean(b)),
            Datum::Int(n, _) => {
                let spare = 64 - ty.bytes() * 8;
                // Constants are kept sign-extended whatever the signedness.
                Parts::One(self.graph.integer(((n as i64) << spare) >> spare, ty))
            }
            Datum::Float(x, _) => Parts::One(self.graph.float(x, ty)),
            Datum::Complex(re, im, _) => Parts::Pair(self.graph.float(re, ty), self.graph.float(im, ty)),
            Datum::Key(_) => unreachable!("keys are not a supported dtype"),
        }
    }

    fn unary(&mut self, function: UnaryFn, a: &Scalar, node: &Scalar) -> Built<Parts> {
        let operand = self.scalar(a)?;
        if function == UnaryFn::Keep {
            return Ok(operand);
        }
        let value = match (operand, a.dtype.class()) {
            (Parts::Pair(re, im), _) => self.complex_unary(function, re, im),
            (Parts::One(x), Class::Float) if function == UnaryFn::Cis => self.cis(x, a.dtype, node.dtype),
            (Parts::One(x), Class::Float) => self.float_unary(function, x).map(Parts::One),
            (Parts::One(x), Class::Bool) if matches!(function, UnaryFn::Not | UnaryFn::BitNot) => {
                Some(Parts::One(self.graph.unary(UnaryOp::Not, x)))
            }
            (Parts::One(x), _) => {
                let x = if function == UnaryFn::Popcount { self.graph.pattern(x, a.dtype) } else { x };
                self.integer_unary(function, x, a.dtype).map(Parts::One)
            }
        };
        let value = value.ok_or_else(|| unsupported(&format!("`{}` of {}", function.name(), a.dtype), node.span))?;
        Ok(if is_exact_unary(function, a.dtype) { value } else { self.narrowed(value, node.dtype) })
    }

    fn binary(&mut self, function: BinaryFn, a: &Scalar, b: &Scalar, node: &Scalar) -> Built<Parts> {
        if let Some(condition) = self.index_comparison(function, a, b)? {
            return Ok(Parts::One(condition));
        }
        let (lhs, rhs) = (self.scalar(a)?, self.scalar(b)?);
        let value = match (lhs, rhs, a.dtype.class()) {
            (Parts::Pair(..), Parts::Pair(..), _) => self.complex_binary(function, lhs, rhs),
            (Parts::One(x), Parts::One(y), Class::Bool) => self.bool_binary(function, x, y).map(Parts::One),
            (Parts::One(x), Parts::One(y), Class::Float) => self.float_binary(function, x, y).map(Parts::One),
            (Parts::One(x), Parts::One(y), _) => {
                let y = self.divisor(function, y, node.span);
                self.integer_binary(function, x, y, a.dtype, b.dtype).map(Parts::One)
            }
            _ => None,
        };
        let value = value.ok_or_else(|| unsupported(&format!("`{}` of {}", function.name(), a.dtype), node.span))?;
        Ok(if matches!(function, BinaryFn::Max | BinaryFn::Min) { value } else { self.narrowed(value, node.dtype) })
    }

    /// The divisor of an integer division, tested for 0 unless it is a constant.
    fn divisor(&mut self, function: BinaryFn, divisor: ValueId, span: Span) -> ValueId {
        let ty = self.graph[divisor].ty;
        match self.graph[divisor].op {
            _ if !matches!(function, BinaryFn::FloorDiv | BinaryFn::Rem) => divisor,
            ValueOp::Const(n) if n != 0 => divisor,
            _ => {
                let fault = self.fault(DIVISION_BY_ZERO, span, "an integer divisor is 0");
                self.graph.value(ValueOp::NonZero(divisor, fault), ty)
            }
        }
    }

    /// The fault of a place: the plan's entry for it, or a new one.
    pub(crate) fn fault(&mut self, code: u16, span: Span, message: &str) -> Fault {
        let known = self.faults.iter().find(|(_, f)| f.code == code && f.span == span).map(|(id, _)| id);
        known.unwrap_or_else(|| self.faults.push(FaultDecl { code, message: message.into(), span }))
    }

    fn bool_binary(&mut self, function: BinaryFn, a: ValueId, b: ValueId) -> Option<ValueId> {
        let g = &mut self.graph;
        let not = |g: &mut Graph, x| g.unary(UnaryOp::Not, x);
        Some(match function {
            BinaryFn::And if !g[b].safe => {
                let no = g.boolean(false);
                g.select(a, b, no)
            }
            BinaryFn::Or if !g[b].safe => {
                let yes = g.boolean(true);
                g.select(a, yes, b)
            }
            BinaryFn::And | BinaryFn::BitAnd | BinaryFn::Min | BinaryFn::Mul => g.and(a, b),
            BinaryFn::Or | BinaryFn::BitOr | BinaryFn::Max | BinaryFn::Add => g.or(a, b),
            BinaryFn::Xor | BinaryFn::Ne => g.binary(BinaryOp::Xor, a, b),
            BinaryFn::Eq => {
                let different = g.binary(BinaryOp::Xor, a, b);
                not(g, different)
            }
            BinaryFn::Lt => {
                let a = not(g, a);
                g.and(a, b)
            }
            BinaryFn::Le => {
                let a = not(g, a);
                g.or(a, b)
            }
            BinaryFn::Gt => {
                let b = not(g, b);
                g.and(a, b)
            }
            BinaryFn::Ge => {
                let b = not(g, b);
                g.or(a, b)
            }
            _ => return None,
        })
    }
}

/// Whether a function gives values of the type of its operands, whatever they are.
const fn is_exact_unary(function: UnaryFn, dtype: DType) -> bool {
    match function {
        // Not of the least integer.
        UnaryFn::Neg | UnaryFn::Abs => dtype.is_float(),
        UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc => true,
        UnaryFn::Sign | UnaryFn::Relu | UnaryFn::Conj | UnaryFn::Real => true,
        _ => false,
    }
}

/// The comparison of a function, if it is one.
pub(crate) fn comparison(function: BinaryFn) -> Option<Comparison> {
    Some(match function {
        BinaryFn::Eq => Comparison::Eq,
        BinaryFn::Ne => Comparison::Ne,
        BinaryFn::Lt => Comparison::Lt,
        BinaryFn::Le => Comparison::Le,
        BinaryFn::Gt => Comparison::Gt,
        BinaryFn::Ge => Comparison::Ge,
        _ => return None,
    })
}

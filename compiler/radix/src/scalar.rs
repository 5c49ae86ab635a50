//! Scalar expressions as operations on integers.

use crate::Lowerer;
use crate::builder::Stop;
use crate::refuse;
use ein_ir::circuit::{BitOp, Comparison, Term};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::{Index, Wire};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::int_range;
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::span::Span;

/// What an expression stands among.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env {
    /// The value of each index, by its number.
    pub(crate) indices: Vec<i64>,
    /// The finished reduction.
    pub(crate) accumulated: Option<Wire>,
    /// What a reducer combines.
    pub(crate) operands: Option<(Wire, Wire)>,
}

impl Env {
    pub(crate) fn index(&self, index: Index) -> i64 {
        self.indices.get(index.as_u32() as usize).copied().unwrap_or(0)
    }
}

/// Whether numbers of a type are integers here.
pub(crate) const fn is_whole(dtype: DType) -> bool {
    matches!(dtype.class(), Class::Bool | Class::Signed | Class::Unsigned)
}

impl Lowerer<'_> {
    /// The value of an expression.
    pub(crate) fn scalar(&mut self, scalar: &Scalar, env: &Env) -> Result<Wire, Diagnostic> {
        if !is_whole(scalar.dtype) {
            return Err(refuse::foreign(scalar.span));
        }
        let span = scalar.span;
        let stop = |stop: Stop| refuse::stopped(stop, span);
        match &scalar.kind {
            ScalarKind::Literal(literal) => {
                let n = refuse::integer(*literal, scalar.dtype).ok_or_else(|| refuse::foreign(span))?;
                self.builder.constant(n).map_err(stop)
            }
            ScalarKind::Index(index) => self.builder.constant(env.index(*index).into()).map_err(stop),
            ScalarKind::Size(size) => {
                let n = size.as_constant().ok_or_else(|| refuse::unsupported(span, "a size that is not known"))?;
                self.builder.constant(n).map_err(stop)
            }
            ScalarKind::Access(access) => self.access(access, span, scalar.dtype, env),
            ScalarKind::Unary(function, a) => {
                let a = self.scalar(a, env)?;
                self.unary(*function, a, scalar)
            }
            ScalarKind::Binary(function, a, b) => self.binary(*function, (a, b), scalar, env),
            ScalarKind::Cast(a) => {
                let from = a.dtype;
                let a = self.scalar(a, env)?;
                self.cast(a, from, scalar.dtype).map_err(stop)
            }
            ScalarKind::If(condition, a, b) => {
                let condition = self.scalar(condition, env)?;
                match self.builder.number(condition) {
                    Some(0) => self.scalar(b, env),
                    Some(_) => self.scalar(a, env),
                    None => {
                        let (a, b) = (self.scalar(a, env)?, self.scalar(b, env)?);
                        self.builder.select(condition, a, b).map_err(stop)
                    }
                }
            }
            ScalarKind::Accumulated => env.accumulated.ok_or_else(|| refuse::unsupported(span, "a value of no reduction")),
            ScalarKind::Operand(n) => {
                let operand = env.operands.map(|(a, b)| if *n == 0 { a } else { b });
                operand.ok_or_else(|| refuse::unsupported(span, "an operand of no reducer"))
            }
            ScalarKind::Approx(_) => Err(refuse::unsupported(span, "an approximation")),
        }
    }

    fn cast(&mut self, a: Wire, from: DType, to: DType) -> Result<Wire, Stop> {
        if to == DType::Bool && from != DType::Bool {
            let zero = self.builder.constant(0)?;
            return self.builder.compare(Comparison::Ne, a, zero);
        }
        if to == DType::Bool { Ok(a) } else { self.builder.multiple(1, a, 0, Some(to)) }
    }

    fn unary(&mut self, function: UnaryFn, a: Wire, scalar: &Scalar) -> Result<Wire, Diagnostic> {
        let (dtype, span) = (scalar.dtype, scalar.span);
        let found = self.try_unary(function, a, dtype).map_err(|stop| refuse::stopped(stop, span))?;
        found.ok_or_else(|| refuse::unsupported(span, &format!("`{}` of integers", function.name())))
    }

    fn try_unary(&mut self, function: UnaryFn, a: Wire, dtype: DType) -> Result<Option<Wire>, Stop> {
        let b = &mut self.builder;
        let zero = b.constant(0)?;
        Ok(Some(match function {
            UnaryFn::Neg => b.multiple(-1, a, 0, Some(dtype))?,
            UnaryFn::Not => b.not(a)?,
            UnaryFn::BitNot if dtype == DType::Bool => b.not(a)?,
            UnaryFn::BitNot if dtype.class() == Class::Signed => b.multiple(-1, a, -1, None)?,
            UnaryFn::BitNot => b.multiple(-1, a, int_range(dtype).1, None)?,
            UnaryFn::Abs => {
                let negative = b.multiple(-1, a, 0, Some(dtype))?;
                b.max(a, negative)?
            }
            UnaryFn::Sign => {
                let (above, below) = (b.compare(Comparison::Lt, zero, a)?, b.compare(Comparison::Lt, a, zero)?);
                b.sum(&[Term { coefficient: 1, wire: above }, Term { coefficient: -1, wire: below }], 0, None)?
            }
            UnaryFn::Relu => b.max(a, zero)?,
            UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc | UnaryFn::Conj | UnaryFn::Real | UnaryFn::Keep => a,
            UnaryFn::IsNan => zero,
            UnaryFn::IsFinite => b.constant(1)?,
            UnaryFn::Popcount => self.popcount(a, dtype)?,
            UnaryFn::Powi(n) if n >= 0 => self.power(a, n.unsigned_abs(), dtype)?,
            _ => return Ok(None),
        }))
    }

    /// By repeated squares.
    fn power(&mut self, a: Wire, mut n: u32, dtype: DType) -> Result<Wire, Stop> {
        let (mut base, mut found) = (a, self.builder.constant(1)?);
        while n > 0 {
            if n & 1 == 1 {
                found = self.builder.mul(found, base, Some(dtype))?;
            }
            n >>= 1;
            if n > 0 {
                base = self.builder.mul(base, base, Some(dtype))?;
            }
        }
        Ok(found)
    }

    /// Four bits at a time, from a table.
    fn popcount(&mut self, a: Wire, dtype: DType) -> Result<Wire, Stop> {
        let n_bits = if self.builder.range(a).0 < 0 { dtype.bits() } else { self.builder.n_bits(a) };
        let fifteen = self.builder.constant(15)?;
        let mut terms = Vec::new();
        for at in (0..n_bits).step_by(4) {
            let shifted = self.builder.shr(a, at)?;
            let nibble = self.builder.bits(BitOp::And, shifted, fifteen)?;
            let (lo, hi) = self.builder.range(nibble);
            let entries = (lo..=hi).map(|n| self.builder.constant(n.count_ones().into())).collect::<Result<_, _>>()?;
            terms.push(Term { coefficient: 1, wire: self.builder.lut(nibble, entries)? });
        }
        self.builder.sum(&terms, 0, Some(dtype))
    }

    fn binary(&mut self, function: BinaryFn, (a, b): (&Scalar, &Scalar), scalar: &Scalar, env: &Env) -> Result<Wire, Diagnostic> {
        let (operands, divisor) = (a.dtype, b.span);
        let a = self.scalar(a, env)?;
        // What the left side decides is not asked of the right one.
        match (function, self.builder.number(a)) {
            (BinaryFn::And, Some(0)) | (BinaryFn::Or, Some(1)) => return Ok(a),
            _ => {}
        }
        let b = self.scalar(b, env)?;
        let stop = |stop: Stop| refuse::stopped(stop, scalar.span);
        if matches!(function, BinaryFn::FloorDiv | BinaryFn::Rem) {
            let is_secret = self.builder.is_secret(b);
            let n = self.builder.number(b).filter(|n| *n != 0).ok_or_else(|| refuse::division(divisor, is_secret))?;
            let builder = &mut self.builder;
            let floor = function == BinaryFn::FloorDiv;
            let found = if floor { builder.floor_divide(a, n, scalar.dtype) } else { builder.floor_remainder(a, n, scalar.dtype) };
            return found.map_err(stop);
        }
        let found = if operands == DType::Bool { self.logic(function, a, b) } else { self.arithmetic(function, a, b, scalar.dtype) };
        found.map_err(stop)?.ok_or_else(|| refuse::unsupported(scalar.span, &format!("`{}` by a value that is not known", function.name())))
    }

    /// Of truth values.
    fn logic(&mut self, function: BinaryFn, a: Wire, b: Wire) -> Result<Option<Wire>, Stop> {
        let builder = &mut self.builder;
        Ok(Some(match function {
            BinaryFn::And | BinaryFn::BitAnd | BinaryFn::Min | BinaryFn::Mul => builder.all(vec![a, b])?,
            BinaryFn::Or | BinaryFn::BitOr | BinaryFn::Max | BinaryFn::Add => builder.any(vec![a, b])?,
            BinaryFn::Xor => builder.compare(Comparison::Ne, a, b)?,
            _ => return self.comparison(function, a, b),
        }))
    }

    fn comparison(&mut self, function: BinaryFn, a: Wire, b: Wire) -> Result<Option<Wire>, Stop> {
        let (how, a, b) = match function {
            BinaryFn::Eq => (Comparison::Eq, a, b),
            BinaryFn::Ne => (Comparison::Ne, a, b),
            BinaryFn::Lt => (Comparison::Lt, a, b),
            BinaryFn::Le => (Comparison::Le, a, b),
            BinaryFn::Gt => (Comparison::Lt, b, a),
            BinaryFn::Ge => (Comparison::Le, b, a),
            _ => return Ok(None),
        };
        self.builder.compare(how, a, b).map(Some)
    }

    /// Of integers, which wrap at a type.
    fn arithmetic(&mut self, function: BinaryFn, a: Wire, b: Wire, dtype: DType) -> Result<Option<Wire>, Stop> {
        let builder = &mut self.builder;
        let by = builder.number(b).map(|n| n.rem_euclid(dtype.bits().into()) as u32);
        Ok(Some(match function {
            BinaryFn::Add => builder.add(a, b, Some(dtype))?,
            BinaryFn::Sub => builder.sum(&[Term { coefficient: 1, wire: a }, Term { coefficient: -1, wire: b }], 0, Some(dtype))?,
            BinaryFn::Mul => builder.mul(a, b, Some(dtype))?,
            BinaryFn::Max => builder.max(a, b)?,
            BinaryFn::Min => builder.min(a, b)?,
            BinaryFn::BitAnd => builder.bits(BitOp::And, a, b)?,
            BinaryFn::BitOr => builder.bits(BitOp::Or, a, b)?,
            BinaryFn::Xor => builder.bits(BitOp::Xor, a, b)?,
            BinaryFn::Shl => match by {
                Some(by) => builder.multiple(1 << by, a, 0, Some(dtype))?,
                None => return Ok(None),
            },
            BinaryFn::Shr => match by {
                Some(by) => builder.shr(a, by)?,
                None => return Ok(None),
            },
            _ => return self.comparison(function, a, b),
        }))
    }

    /// Whether the place of a mistake is that of a whole step.
    pub(crate) fn at(span: Span) -> impl Fn(Stop) -> Diagnostic {
        move |stop| refuse::stopped(stop, span)
    }
}

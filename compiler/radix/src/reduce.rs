//! Reductions over terms that take part or may.

use crate::Lowerer;
use crate::builder::Stop;
use crate::refuse;
use crate::scalar::Env;
use ein_ir::circuit::{Comparison, Term};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Reducer, Wire};
use ein_ir::semiring;
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;

/// A term of a reduction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) value: Wire,
    /// Whether it takes part; always if there is none.
    pub(crate) when: Option<Wire>,
    /// The value of the first binder.
    pub(crate) position: i64,
}

impl Lowerer<'_> {
    pub(crate) fn reduce(&mut self, op: ReduceOp, acc: DType, parts: &[Part], span: Span) -> Result<Wire, Diagnostic> {
        match op {
            ReduceOp::User(reducer) => return self.fold(reducer, parts, span),
            ReduceOp::Lse => return Err(refuse::foreign(span)),
            ReduceOp::ArgMax | ReduceOp::ArgMin if parts.is_empty() || parts.iter().any(|part| part.when.is_some()) => {
                return Err(refuse::unsupported(span, "the position of an extreme among what data may leave out"));
            }
            _ => {}
        }
        self.try_reduce(op, acc, parts).map_err(Self::at(span))
    }

    fn try_reduce(&mut self, op: ReduceOp, acc: DType, parts: &[Part]) -> Result<Wire, Stop> {
        if matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin) {
            return self.position_of(op, parts);
        }
        let neutral = self.neutral(op, acc, parts)?;
        let values = parts.iter().map(|part| match part.when {
            Some(when) => self.builder.select(when, part.value, neutral),
            None => Ok(part.value),
        });
        let values = values.collect::<Result<Vec<_>, _>>()?;
        if values.is_empty() {
            return Ok(neutral);
        }
        match op {
            ReduceOp::Sum if acc == DType::Bool => self.builder.any(values),
            ReduceOp::Prod if acc == DType::Bool => self.builder.all(values),
            ReduceOp::Any => self.builder.any(values),
            ReduceOp::All => self.builder.all(values),
            ReduceOp::Sum => {
                let terms: Vec<Term> = values.into_iter().map(|wire| Term { coefficient: 1, wire }).collect();
                self.builder.sum(&terms, 0, Some(acc))
            }
            ReduceOp::Prod => self.tree(values, &mut |lowerer, a, b| lowerer.builder.mul(a, b, Some(acc))),
            ReduceOp::Max => self.tree(values, &mut |lowerer, a, b| lowerer.builder.max(a, b)),
            ReduceOp::Min => self.tree(values, &mut |lowerer, a, b| lowerer.builder.min(a, b)),
            ReduceOp::Lse | ReduceOp::ArgMax | ReduceOp::ArgMin | ReduceOp::User(_) => Ok(neutral),
        }
    }

    /// What changes nothing. Among terms that certainly take part, a number that is no better than they are does not widen the range.
    fn neutral(&mut self, op: ReduceOp, acc: DType, parts: &[Part]) -> Result<Wire, Stop> {
        let certain = parts.iter().filter(|part| part.when.is_none()).map(|part| self.builder.range(part.value));
        let beaten = match op {
            ReduceOp::Max => certain.map(|range| range.0).max(),
            ReduceOp::Min => certain.map(|range| range.1).min(),
            _ => None,
        };
        let stated = || semiring::zero(op, acc).and_then(|literal| refuse::integer(literal, acc)).unwrap_or(0);
        self.builder.constant(beaten.unwrap_or_else(stated))
    }

    /// Neighbours first, so that few operations wait for each other.
    fn tree<T: Copy>(&mut self, mut values: Vec<T>, combine: &mut dyn FnMut(&mut Self, T, T) -> Result<T, Stop>) -> Result<T, Stop> {
        while values.len() > 1 {
            let pairs = values.chunks(2).map(|pair| match pair {
                [a, b] => combine(self, *a, *b),
                _ => Ok(pair[0]),
            });
            values = pairs.collect::<Result<_, _>>()?;
        }
        Ok(values[0])
    }

    /// The lowest position of several that are equal.
    fn position_of(&mut self, op: ReduceOp, parts: &[Part]) -> Result<Wire, Stop> {
        let pairs = parts.iter().map(|part| Ok((part.value, self.builder.constant(part.position.into())?)));
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        let found = self.tree(pairs, &mut |lowerer, a, b| {
            let (less, more) = if op == ReduceOp::ArgMax { (a.0, b.0) } else { (b.0, a.0) };
            let is_right = lowerer.builder.compare(Comparison::Lt, less, more)?;
            Ok((lowerer.builder.select(is_right, b.0, a.0)?, lowerer.builder.select(is_right, b.1, a.1)?))
        })?;
        Ok(found.1)
    }

    /// One after the other, from the reducer's own value.
    fn fold(&mut self, reducer: Reducer, parts: &[Part], span: Span) -> Result<Wire, Diagnostic> {
        let decl = &self.plan.reducers[reducer];
        let mut found = self.scalar(&decl.init, &Env::default())?;
        for part in parts {
            let env = Env { operands: Some((found, part.value)), ..Env::default() };
            let next = self.scalar(&decl.combine, &env)?;
            found = match part.when {
                Some(when) => self.builder.select(when, next, found).map_err(Self::at(span))?,
                None => next,
            };
        }
        Ok(found)
    }
}

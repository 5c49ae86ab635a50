//! Whether positions are computed in 64 bits without wrapping around.
//!
//! Proofs take indices and sizes for whole numbers of any magnitude, and machines compute them modulo 2^64. Sums and products agree
//! where the result fits, and a subscript that is proved to lie inside of its axis does. What is divided, or compared in a condition,
//! must fit as well: here, where all ranges are literal, it is seen to.

use crate::diagnostic::Diagnostic;
use crate::dtype::DType;
use crate::interval::{self, Interval};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::{Access, Literal, Mode, Scalar, ScalarKind};
use crate::span::Span;
use crate::tensor::{Definition, Module};

/// E0802 for every dividend, divisor and comparison of positions that may be beyond 64 bits, in exact subscripts and in conditions.
pub(super) fn positions_beyond_64_bits(module: &Module) -> Vec<Diagnostic> {
    let mut check = Check { module, errors: Vec::new() };
    check.definitions(&module.body);
    check.errors
}

/// A step whose result may not fit, with its place and what it reaches, where that is known.
struct Beyond(Span, Option<i128>);

struct Check<'m> {
    module: &'m Module,
    errors: Vec<Diagnostic>,
}

impl Check<'_> {
    fn definitions(&mut self, body: &[Definition]) {
        for definition in body {
            match definition {
                Definition::Equation(e) => {
                    e.domain.iter().for_each(|domain| self.condition(domain));
                    e.reduce.iter().filter_map(|r| r.guard.as_ref()).for_each(|guard| self.condition(guard));
                    self.value(&e.body);
                }
                Definition::Scan(scan) => self.definitions(&scan.body),
                Definition::Multi(_) | Definition::Generate(_) | Definition::Table(_) => {}
            }
        }
    }

    /// A value: its subscripts, and the conditions of its choices.
    fn value(&mut self, scalar: &Scalar) {
        match &scalar.kind {
            ScalarKind::Access(access) => {
                for sub in &access.subs {
                    if sub.mode == Mode::Exact {
                        self.position(&sub.value);
                    }
                    self.value(&sub.value);
                }
            }
            ScalarKind::If(condition, then, otherwise) => {
                self.condition(condition);
                self.value(then);
                self.value(otherwise);
            }
            _ => scalar.children().into_iter().for_each(|child| self.value(child)),
        }
    }

    /// A condition: what it compares are positions, if it is not data.
    fn condition(&mut self, scalar: &Scalar) {
        match &scalar.kind {
            ScalarKind::Binary(op, a, b) if op.is_comparison() => {
                for side in [a, b] {
                    self.position(side);
                    self.value(side);
                }
            }
            ScalarKind::Binary(BinaryFn::And | BinaryFn::Or, ..) | ScalarKind::Unary(UnaryFn::Not, _) => {
                scalar.children().into_iter().for_each(|child| self.condition(child));
            }
            _ => self.value(scalar),
        }
    }

    fn position(&mut self, scalar: &Scalar) {
        let found = match self.interval(scalar) {
            Ok(Some(range)) => fitting(range, scalar.span).err(),
            Ok(None) => None,
            Err(beyond) => Some(beyond),
        };
        if let Some(Beyond(span, reached)) = found {
            let reaches = reached.map_or_else(|| "is beyond 2^127".to_owned(), |n| format!("reaches {n}"));
            let message = format!("a position that is divided or compared {reaches}, and positions are computed in 64 bits");
            self.errors.push(Diagnostic::error(802, "too-large", message).at(span, reaches));
        }
    }

    /// Where a position lies; `None` if it is data that may be any number, or if there is nothing that it is computed for.
    fn interval(&self, scalar: &Scalar) -> Result<Option<Interval>, Beyond> {
        match &scalar.kind {
            // Indices lie in memory in any integer type.
            ScalarKind::Access(access) => return Ok(self.of_data(access)),
            ScalarKind::Cast(a) if scalar.dtype == DType::I64 => return self.interval(a),
            _ if scalar.dtype != DType::I64 => return Ok(None),
            _ => {}
        }
        match &scalar.kind {
            ScalarKind::Literal(Literal::Int(n)) => Ok(Some((*n, *n))),
            ScalarKind::Size(size) => Ok(size.as_constant().map(|n| (n, n))),
            ScalarKind::Index(index) => {
                let range = self.module.indices[*index].literal_range();
                Ok(range.filter(|(lo, hi)| lo < hi).map(|(lo, hi)| (i128::from(lo), i128::from(hi) - 1)))
            }
            ScalarKind::Unary(UnaryFn::Neg, a) => Ok(self.interval(a)?.map(|(lo, hi)| (-hi, -lo))),
            ScalarKind::Unary(UnaryFn::Powi(n @ 1..), a) => {
                let Some(range) = self.interval(a)? else { return Ok(None) };
                (1..*n).try_fold(range, |power, _| interval::product(power, range)).map(Some).ok_or(Beyond(scalar.span, None))
            }
            ScalarKind::Binary(op, a, b) => self.binary(*op, a, b, scalar.span),
            _ => Ok(None),
        }
    }

    fn binary(&self, op: BinaryFn, a: &Scalar, b: &Scalar, span: Span) -> Result<Option<Interval>, Beyond> {
        let (Some(x), Some(y)) = (self.interval(a)?, self.interval(b)?) else { return Ok(None) };
        let found = match op {
            BinaryFn::Add => interval::sum(x, y),
            BinaryFn::Sub => interval::difference(x, y),
            BinaryFn::Mul => interval::product(x, y),
            BinaryFn::FloorDiv => return Ok(interval::floor_quotient(fitting(x, a.span)?, fitting(y, b.span)?)),
            BinaryFn::Rem => return Ok(interval::floor_remainder(fitting(x, a.span)?, fitting(y, b.span)?)),
            _ => return Ok(None),
        };
        found.map(Some).ok_or(Beyond(span, None))
    }

    /// The positions that the elements of a tensor are, if they are.
    fn of_data(&self, access: &Access) -> Option<Interval> {
        let size = match (self.module.tensors[access.tensor].index_of.as_slice(), access.subs.last().map(|s| &s.value.kind)) {
            ([size], _) => size,
            (columns, Some(ScalarKind::Literal(Literal::Int(n)))) => columns.get(usize::try_from(*n).ok()?)?,
            _ => return None,
        };
        size.as_constant().filter(|n| *n > 0).map(|n| (0, n - 1))
    }
}

/// The interval, if it lies in that of an i64.
fn fitting(range: Interval, span: Span) -> Result<Interval, Beyond> {
    let reached = if range.1 > i128::from(i64::MAX) { range.1 } else { range.0 };
    if i64::try_from(reached).is_ok() { Ok(range) } else { Err(Beyond(span, Some(reached))) }
}

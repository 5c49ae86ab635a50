//! Index values: forms over the axes where possible, integer arithmetic where not.

use super::{Builder, Built};
use crate::affine::Affine;
use crate::error::unsupported;
use crate::graph::ValueId;
use ein_ir::dtype::DType;
use ein_ir::extent::{Atom, Extent};
use ein_ir::kernel::{BinaryOp, ScalarType};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::span::Span;

/// A position: a form over the axes plus multiples of i64 values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    /// Small, or that of an index alone.
    pub(crate) form: Affine,
    pub(crate) values: Vec<(ValueId, i64)>,
    /// Whether a mode has brought the values inside the axis.
    pub(crate) bounded: bool,
}

impl Position {
    fn of(form: Affine) -> Self {
        Self { form, ..Self::default() }
    }

    pub(super) fn of_value(value: ValueId) -> Self {
        Self { values: vec![(value, 1)], ..Self::default() }
    }
}

impl Builder<'_> {
    /// The value of an i64 expression over indices and sizes alone; `None` for other expressions.
    pub(super) fn index_value(&mut self, scalar: &Scalar) -> Built<Option<ValueId>> {
        if scalar.dtype != DType::I64 {
            return Ok(None);
        }
        let Some(polynomial) = scalar.as_polynomial() else { return Ok(None) };
        let position = self.position_of(&polynomial, scalar.span)?;
        Ok(Some(self.value_of(&position)))
    }

    /// The position that a subscript names; data may take part.
    pub(crate) fn position(&mut self, subscript: &Scalar) -> Built<Position> {
        if let Some(polynomial) = subscript.as_polynomial() {
            return self.position_of(&polynomial, subscript.span);
        }
        match &subscript.kind {
            ScalarKind::Binary(function @ (BinaryFn::Add | BinaryFn::Sub), a, b) => {
                let (a, b) = (self.position(a)?, self.position(b)?);
                let b = self.times(b, if *function == BinaryFn::Sub { -1 } else { 1 });
                Ok(self.plus(a, b))
            }
            _ => {
                let value = self.scalar(subscript)?.one();
                let value = self.graph.widen(value, subscript.dtype);
                Ok(Position::of_value(value))
            }
        }
    }

    /// The value of a position.
    pub(crate) fn value_of(&mut self, position: &Position) -> ValueId {
        let form = self.graph.affine(position.form.clone());
        let bare = position.form == Affine::default();
        let g = &mut self.graph;
        let terms: Vec<ValueId> = position
            .values
            .iter()
            .map(|(value, c)| {
                if *c == 1 {
                    return *value;
                }
                let factor = g.integer(*c, ScalarType::I64);
                g.binary(BinaryOp::Mul, *value, factor)
            })
            .collect();
        let parts: Vec<ValueId> = if bare && !terms.is_empty() { terms } else { std::iter::once(form).chain(terms).collect() };
        parts.into_iter().reduce(|a, b| self.graph.binary(BinaryOp::Add, a, b)).expect("at least the form")
    }

    fn position_of(&mut self, polynomial: &Extent, span: Span) -> Built<Position> {
        if let Some(form) = self.space.affine(polynomial) {
            return Ok(Position::of(form));
        }
        let mut sum = Position::default();
        for (monomial, c) in polynomial.terms() {
            let mut product: Option<Position> = None;
            for atom in monomial {
                let factor = self.position_of_atom(atom, span)?;
                product = Some(match product {
                    None => factor,
                    Some(product) => self.multiply(&product, &factor),
                });
            }
            // Index values are 64-bit integers, which wrap: what is beyond them does not count.
            let term = self.times(product.unwrap_or_else(|| Position::of(Affine::constant(1))), c as i64);
            sum = self.plus(sum, term);
        }
        Ok(sum)
    }

    /// The sum of two positions. A form whose values might wrap becomes a value, which does.
    fn plus(&mut self, a: Position, b: Position) -> Position {
        let form = a.form.add(&b.form);
        if [&a.form, &b.form, &form].into_iter().all(|f| f.is_small(&self.space.axes)) {
            return Position { form, values: [a.values, b.values].concat(), bounded: false };
        }
        let values = [&a, &b].map(|position| (self.value_of(position), 1)).to_vec();
        Position { values, ..Position::default() }
    }

    /// A multiple of a position, as in [`Builder::plus`].
    fn times(&mut self, position: Position, factor: i64) -> Position {
        match position.form.times(factor, &self.space.axes) {
            Some(form) => {
                let values = position.values.iter().map(|(value, c)| (*value, c.wrapping_mul(factor))).collect();
                Position { form, values, bounded: false }
            }
            None => Position { values: vec![(self.value_of(&position), factor)], ..Position::default() },
        }
    }

    fn multiply(&mut self, a: &Position, b: &Position) -> Position {
        let (a, b) = (self.value_of(a), self.value_of(b));
        Position::of_value(self.graph.binary(BinaryOp::Mul, a, b))
    }

    fn position_of_atom(&mut self, atom: &Atom, span: Span) -> Built<Position> {
        let (dividend, divisor, quotient) = match atom {
            Atom::Dim(_) => return Err(unsupported("a size that is not known", span)),
            Atom::Index(index) => return Ok(Position::of(self.space.form(*index).clone())),
            Atom::Quotient(p, c) => (p, c, true),
            Atom::Remainder(p, c) => (p, c, false),
        };
        if let Some(form) = self.space.affine(&Extent::atom(atom.clone())) {
            return Ok(Position::of(form));
        }
        let dividend = self.position_of(dividend, span)?;
        let divisor = self.position_of(divisor, span)?;
        let (dividend, divisor) = (self.value_of(&dividend), self.value_of(&divisor));
        let divisor = self.divisor(BinaryFn::Rem, divisor, span);
        let value = if quotient { self.graph.floor_div(dividend, divisor) } else { self.graph.floor_rem(dividend, divisor) };
        Ok(Position::of_value(value))
    }

    /// A comparison of index forms, as a condition on the axes; `None` if data takes part.
    pub(super) fn index_comparison(&mut self, function: BinaryFn, a: &Scalar, b: &Scalar) -> Built<Option<ValueId>> {
        if !function.is_comparison() || a.dtype != DType::I64 {
            return Ok(None);
        }
        if let (ScalarKind::Unary(UnaryFn::Abs, inner), BinaryFn::Lt | BinaryFn::Le) = (&a.kind, function) {
            let forms = self.form_of(inner).zip(self.form_of(b));
            return Ok(forms.map(|(x, bound)| {
                // |x| <= bound - slack
                let bound = bound.plus(if function == BinaryFn::Lt { -1 } else { 0 });
                let (below, above) = (self.holds(bound.sub(&x)), self.holds(bound.add(&x)));
                self.graph.and(below, above)
            }));
        }
        let Some((a, b)) = self.form_of(a).zip(self.form_of(b)) else { return Ok(None) };
        let difference = a.sub(&b);
        Ok(Some(match function {
            BinaryFn::Ge => self.holds(difference),
            BinaryFn::Gt => self.holds(difference.plus(-1)),
            BinaryFn::Le => self.holds(difference.scale(-1)),
            BinaryFn::Lt => self.holds(difference.negated()),
            BinaryFn::Eq => self.equal(&difference),
            _ => {
                let equal = self.equal(&difference);
                self.graph.unary(ein_ir::kernel::UnaryOp::Not, equal)
            }
        }))
    }

    fn form_of(&self, scalar: &Scalar) -> Option<Affine> {
        self.space.affine(&scalar.as_polynomial()?)
    }

    fn holds(&mut self, form: Affine) -> ValueId {
        self.graph.holds(form, false, &self.space.axes)
    }

    fn equal(&mut self, difference: &Affine) -> ValueId {
        let (low, high) = (self.holds(difference.clone()), self.holds(difference.scale(-1)));
        self.graph.and(low, high)
    }
}

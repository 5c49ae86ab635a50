//! Linear inequalities of indices that conditions on positions are, or imply.

use crate::guards;
use ein_ir::entity::Index;
use ein_ir::extent::Extent;
use ein_ir::plan::IndexRange;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Scalar, ScalarKind};
use std::collections::BTreeMap;

/// `terms + constant <= 0`; no factor is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inequality {
    pub(crate) terms: Vec<(Index, i64)>,
    pub(crate) constant: i64,
}

impl Inequality {
    /// What a condition is; `None` if it is anything else.
    pub(crate) fn of(condition: &Scalar) -> Option<Self> {
        let ScalarKind::Binary(op, a, b) = &condition.kind else { return None };
        let (terms, constant) = guards::at_most_zero(*op, &a.as_polynomial()?.sub(&b.as_polynomial()?))?;
        let terms = terms.into_iter().map(|(atom, factor)| Some((atom.as_index()?, factor))).collect::<Option<_>>()?;
        Some(Self { terms, constant })
    }

    /// What holds wherever a condition does.
    pub(crate) fn implied(condition: &Scalar, range_of: &dyn Fn(Index) -> Option<IndexRange>) -> Vec<Self> {
        let ScalarKind::Binary(op, a, b) = &condition.kind else { return Vec::new() };
        let bounds = Bounds { range_of };
        let at_most = |a: &Scalar, b: &Scalar, less: i128| -> Vec<Self> {
            let above = |least: Form| least.sub(&bounds.of(b, Side::Most)?)?.plus(less)?.at_most_zero();
            bounds.all_below(a).into_iter().filter_map(above).collect()
        };
        match op {
            BinaryFn::Le => at_most(a, b, 0),
            BinaryFn::Lt => at_most(a, b, 1),
            BinaryFn::Ge => at_most(b, a, 0),
            BinaryFn::Gt => at_most(b, a, 1),
            BinaryFn::Eq => at_most(a, b, 0).into_iter().chain(at_most(b, a, 0)).collect(),
            _ => Vec::new(),
        }
    }
}

/// `(terms + constant) / over`, with `over` above 0.
#[derive(Clone)]
struct Form {
    terms: BTreeMap<Index, i128>,
    constant: i128,
    over: i128,
}

impl Form {
    fn constant(constant: i128) -> Self {
        Self { terms: BTreeMap::new(), constant, over: 1 }
    }

    fn of(polynomial: &Extent) -> Option<Self> {
        let mut form = Self::constant(0);
        for (monomial, factor) in polynomial.terms() {
            match monomial.as_slice() {
                [] => form.constant = factor,
                [atom] => drop(form.terms.insert(atom.as_index()?, factor)),
                _ => return None,
            }
        }
        Some(form)
    }

    fn add(&self, other: &Self) -> Option<Self> {
        let (mine, theirs) = (self.scale(other.over)?, other.scale(self.over)?);
        let mut sum = Self { over: self.over.checked_mul(other.over)?, ..mine };
        sum.constant = sum.constant.checked_add(theirs.constant)?;
        for (index, factor) in theirs.terms {
            let own = sum.terms.entry(index).or_insert(0);
            *own = own.checked_add(factor)?;
        }
        Some(sum)
    }

    fn sub(&self, other: &Self) -> Option<Self> {
        self.add(&other.scale(-1)?)
    }

    fn plus(&self, n: i128) -> Option<Self> {
        self.add(&Self::constant(n))
    }

    fn scale(&self, by: i128) -> Option<Self> {
        let terms = self.terms.iter().map(|(index, factor)| Some((*index, factor.checked_mul(by)?))).collect::<Option<_>>()?;
        Some(Self { terms, constant: self.constant.checked_mul(by)?, over: self.over })
    }

    fn divide(self, by: i128) -> Option<Self> {
        Some(Self { over: self.over.checked_mul(by)?, ..self })
    }

    fn as_constant(&self) -> Option<i128> {
        (self.terms.values().all(|factor| *factor == 0) && self.constant % self.over == 0).then_some(self.constant / self.over)
    }

    /// That it is 0 or less, where numbers are small.
    fn at_most_zero(&self) -> Option<Inequality> {
        let terms = self.terms.iter().filter(|(_, factor)| **factor != 0);
        let terms = terms.map(|(index, factor)| Some((*index, i64::try_from(*factor).ok()?))).collect::<Option<_>>()?;
        Some(Inequality { terms, constant: i64::try_from(self.constant).ok()? })
    }
}

/// From below or from above.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Least,
    Most,
}

impl Side {
    fn opposite(self) -> Self {
        if self == Self::Least { Self::Most } else { Self::Least }
    }
}

/// Linear bounds of positions.
struct Bounds<'a> {
    range_of: &'a dyn Fn(Index) -> Option<IndexRange>,
}

impl Bounds<'_> {
    /// Linear forms that are never above an expression: both signs of an absolute value.
    fn all_below(&self, scalar: &Scalar) -> Vec<Form> {
        match &scalar.kind {
            ScalarKind::Unary(UnaryFn::Abs, a) => {
                let negated = self.of(a, Side::Most).and_then(|form| form.scale(-1));
                self.of(a, Side::Least).into_iter().chain(negated).collect()
            }
            _ => self.of(scalar, Side::Least).into_iter().collect(),
        }
    }

    /// A linear form that is never above an expression, or never below it.
    fn of(&self, scalar: &Scalar, side: Side) -> Option<Form> {
        if let Some(form) = scalar.as_polynomial().as_ref().and_then(Form::of) {
            return Some(form);
        }
        match &scalar.kind {
            ScalarKind::Unary(UnaryFn::Neg, a) => self.of(a, side.opposite())?.scale(-1),
            ScalarKind::Binary(BinaryFn::Add, a, b) => self.of(a, side)?.add(&self.of(b, side)?),
            ScalarKind::Binary(BinaryFn::Sub, a, b) => self.of(a, side)?.sub(&self.of(b, side.opposite())?),
            ScalarKind::Binary(BinaryFn::Mul, a, b) => {
                let (factor, other) = match constant(a) {
                    Some(factor) => (factor, b),
                    None => (constant(b)?, a),
                };
                self.of(other, if factor < 0 { side.opposite() } else { side })?.scale(factor)
            }
            // `a - (c - 1) <= c * (a // c) <= a`.
            ScalarKind::Binary(BinaryFn::FloorDiv, a, b) => {
                let by = constant(b).filter(|by| *by > 0)?;
                let form = self.of(a, side)?;
                (if side == Side::Least { form.plus(1 - by)? } else { form }).divide(by)
            }
            ScalarKind::Binary(BinaryFn::Min, a, b) => self.of_extremum(a, b, side, Side::Most),
            ScalarKind::Binary(BinaryFn::Max, a, b) => self.of_extremum(a, b, side, Side::Least),
            _ => None,
        }
    }

    /// Of the least of two, which both bound from above (`free` is [`Side::Most`]), or the greatest, one of them constant.
    fn of_extremum(&self, a: &Scalar, b: &Scalar, side: Side, free: Side) -> Option<Form> {
        let (limit, other) = match constant(a) {
            Some(limit) => (limit, b),
            None => (constant(b)?, a),
        };
        let form = self.of(other, side)?;
        if side == free {
            return Some(form);
        }
        // As far as the other one is beyond the limit at most.
        let furthest = self.furthest(&form, free)?;
        let beyond = if free == Side::Most { furthest.checked_sub(limit)? } else { limit.checked_sub(furthest)? }.max(0);
        form.plus(if free == Side::Most { -beyond } else { beyond })
    }

    /// The greatest value of a form, rounded up, or the least, rounded down.
    fn furthest(&self, form: &Form, side: Side) -> Option<i128> {
        let mut value = form.constant;
        for (index, factor) in &form.terms {
            let range = (self.range_of)(*index)?;
            let last = range.hi.max(range.lo + 1) - 1;
            let end = if (*factor > 0) == (side == Side::Most) { last } else { range.lo };
            value = value.checked_add(factor.checked_mul(i128::from(end))?)?;
        }
        Some(value.div_euclid(form.over) + i128::from(side == Side::Most && value % form.over != 0))
    }
}

fn constant(scalar: &Scalar) -> Option<i128> {
    Form::of(&scalar.as_polynomial()?)?.as_constant()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ein_ir::dtype::DType;
    use ein_ir::entity::EntityRef;
    use ein_ir::scalar::Literal;
    use ein_ir::span::Span;

    fn int(n: i64) -> Scalar {
        Scalar::literal(Literal::Int(n.into()), DType::I64, Span::default())
    }

    fn at(n: usize) -> Scalar {
        Scalar::index(Index::new(n), Span::default())
    }

    fn binary(op: BinaryFn, a: Scalar, b: Scalar) -> Scalar {
        Scalar::binary(op, a, b, if op.is_comparison() { DType::Bool } else { DType::I64 }, Span::default())
    }

    fn value(scalar: &Scalar, position: &[i64]) -> i64 {
        match &scalar.kind {
            ScalarKind::Literal(Literal::Int(n)) => i64::try_from(*n).expect("small"),
            ScalarKind::Index(index) => position[index.index()],
            ScalarKind::Unary(UnaryFn::Neg, a) => -value(a, position),
            ScalarKind::Unary(UnaryFn::Abs, a) => value(a, position).abs(),
            ScalarKind::Binary(op, a, b) => {
                let (a, b) = (value(a, position), value(b, position));
                match op {
                    BinaryFn::Add => a + b,
                    BinaryFn::Sub => a - b,
                    BinaryFn::Mul => a * b,
                    BinaryFn::FloorDiv => a.div_euclid(b),
                    BinaryFn::Min => a.min(b),
                    BinaryFn::Max => a.max(b),
                    BinaryFn::Le => (a <= b).into(),
                    BinaryFn::Lt => (a < b).into(),
                    BinaryFn::Ge => (a >= b).into(),
                    BinaryFn::Gt => (a > b).into(),
                    BinaryFn::Eq => (a == b).into(),
                    _ => panic!("{op:?}"),
                }
            }
            _ => panic!("{scalar:?}"),
        }
    }

    /// Expressions of two indices with quotients and extrema.
    fn expressions() -> Vec<Scalar> {
        use BinaryFn::{Add, FloorDiv, Max, Min, Mul, Sub};
        let moved = binary(Add, binary(Mul, int(3), at(0)), at(1));
        vec![
            at(0),
            binary(Sub, at(1), int(2)),
            moved.clone(),
            binary(Mul, int(-2), at(0)),
            binary(FloorDiv, at(0), int(4)),
            binary(FloorDiv, binary(Sub, at(1), at(0)), int(3)),
            binary(Min, moved.clone(), int(11)),
            binary(Max, int(2), binary(Sub, int(4), at(0))),
            binary(Sub, binary(Min, at(0), int(3)), binary(Max, at(1), int(5))),
            binary(Mul, int(-3), binary(FloorDiv, at(1), int(2))),
            Scalar::unary(UnaryFn::Neg, binary(Min, at(1), int(4)), DType::I64, Span::default()),
            Scalar::unary(UnaryFn::Abs, binary(Sub, at(1), binary(Mul, int(2), at(0))), DType::I64, Span::default()),
        ]
    }

    /// Wherever a condition holds, so do the inequalities that it implies; what it is holds nowhere else.
    #[test]
    fn inequalities_hold_where_conditions_do() {
        let range = IndexRange { name: String::new(), lo: 0, hi: 7 };
        let mut n_bounds = 0;
        for op in [BinaryFn::Le, BinaryFn::Lt, BinaryFn::Ge, BinaryFn::Gt, BinaryFn::Eq] {
            for (a, b) in expressions().iter().flat_map(|a| expressions().into_iter().map(move |b| (a.clone(), b))) {
                let condition = binary(op, a, b);
                let implied = Inequality::implied(&condition, &|_| Some(range.clone()));
                let exactly = Inequality::of(&condition);
                n_bounds += implied.len();
                for position in (0..7).flat_map(|i| (0..7).map(move |j| [i, j])) {
                    let holds = |of: &Inequality| {
                        of.terms.iter().map(|(index, factor)| factor * position[index.index()]).sum::<i64>() + of.constant <= 0
                    };
                    let is_true = value(&condition, &position) == 1;
                    assert!(!is_true || implied.iter().all(holds), "{condition:?} at {position:?}: {implied:?}");
                    assert!(exactly.as_ref().is_none_or(|of| holds(of) == is_true), "{condition:?} at {position:?}: {exactly:?}");
                }
            }
        }
        assert!(n_bounds > 500, "{n_bounds}");
    }
}

//! The iteration space of a nest: which axes its indices run over.
//!
//! An index of one value is a constant. An index under `//` or `%` by a literal is split into a quotient and a remainder axis
//! where that makes the division disappear, so that no loop divides; not under a reduction whose order matters.

use crate::affine::{Affine, Axes, Axis, AxisDecl, AxisKind};
use crate::turn::{Around, Turn};
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index};
use ein_ir::extent::{Atom, Extent, gcd};
use ein_ir::plan::Nest;
use ein_ir::scalar::Scalar;

/// The axes, and every index as a form over them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    pub(crate) axes: Axes,
    forms: Vec<Affine>,
    /// What axes that have one value a turn stand for.
    pub(crate) turns: Vec<(Axis, Turn)>,
    /// For each scan around, whether the number of turns that follow is odd.
    parities: Vec<Affine>,
}

impl Space {
    /// The space of a nest whose index ranges are not empty.
    pub(crate) fn new(nest: &Nest, around: &[Around]) -> Self {
        let mut space = Space { forms: vec![Affine::default(); nest.indices.len()], ..Space::default() };
        for (n, scan) in around.iter().enumerate() {
            space.add_scan(n, scan);
        }
        let reduced = nest.reduce.iter().flat_map(|r| &r.binders);
        // A pinned index has no loop: its value comes from data.
        let is_pinned = |index: &Index| nest.pins().iter().any(|pin| pin.index == *index);
        let outer = nest.outer.iter().filter(|i| !is_pinned(i) && !nest.is_param(**i));
        let indices = outer.map(|i| (i, AxisKind::Outer)).chain(reduced.map(|i| (i, AxisKind::Reduced)));
        for (index, kind) in indices {
            let range = &nest.indices[*index];
            let extent = range.hi.saturating_sub(range.lo);
            space.forms[index.index()] = if extent > 1 {
                Affine::axis(space.axes.push(AxisDecl { extent, kind })).plus(range.lo)
            } else {
                Affine::constant(range.lo)
            };
        }
        let ordered = nest.reduce.as_ref().is_some_and(|r| crate::vectorize::is_ordered(r.op));
        if !ordered {
            space.split_for_divisions(nest);
        }
        space
    }

    fn add_scan(&mut self, n: usize, scan: &Around) {
        if scan.extent() <= 1 {
            self.forms[n] = Affine::constant(scan.lo);
            self.parities.push(Affine::default());
            return;
        }
        let mut turn = |extent, turn| {
            let axis = self.axes.push(AxisDecl { extent, kind: AxisKind::Turn });
            self.turns.push((axis, turn));
            Affine::axis(axis)
        };
        let (step, parity) = (turn(scan.extent(), scan.step(n)), turn(2, scan.parity(n)));
        self.forms[n] = step.plus(scan.lo);
        self.parities.push(parity);
    }

    /// 1 where an odd number of turns of the n-th scan around follow, else 0.
    pub(crate) fn parity(&self, scan: usize) -> &Affine {
        &self.parities[scan]
    }

    /// An index as a form over the axes.
    pub(crate) fn form(&self, index: Index) -> &Affine {
        &self.forms[index.index()]
    }

    fn split_for_divisions(&mut self, nest: &Nest) {
        let mut polynomials = Vec::new();
        nest.scalars().for_each(|scalar| collect(scalar, &mut polynomials));
        // A split may make another division solvable (quotients of quotients); each makes extents smaller, so this ends.
        while polynomials.iter().any(|p| self.split_for(p)) {}
    }

    /// Splits axes for the first division in a polynomial that this solves.
    fn split_for(&mut self, polynomial: &Extent) -> bool {
        let atoms: Vec<&Atom> = polynomial.terms().flat_map(|(m, _)| m).collect();
        atoms.into_iter().any(|atom| match atom {
            Atom::Quotient(p, c) | Atom::Remainder(p, c) => self.split_for(p) || self.split_for_division(p, c),
            Atom::Dim(_) | Atom::Index(_) => false,
        })
    }

    fn split_for_division(&mut self, dividend: &Extent, divisor: &Extent) -> bool {
        let Some((form, c)) = self.affine(dividend).zip(positive(divisor)) else { return false };
        if self.divide(&form, c).is_some() {
            return false;
        }
        let mut split = self.clone();
        for &(axis, k) in form.terms.iter().filter(|(_, k)| k % c != 0) {
            let factor = c / gcd(k.unsigned_abs(), c.unsigned_abs()).cast_signed();
            let extent = self.axes[axis].extent;
            let is_turn = self.axes[axis].kind == AxisKind::Turn;
            if is_turn || extent <= factor || extent % factor != 0 || self.axes.len() >= crate::affine::MAX_AXES {
                return false;
            }
            split.split(axis, factor);
        }
        let solved = split.affine(dividend).is_some_and(|form| split.divide(&form, c).is_some());
        if solved {
            *self = split;
        }
        solved
    }

    /// `axis` becomes `factor * axis + low`, with a new axis `low`.
    fn split(&mut self, axis: Axis, factor: i64) {
        let AxisDecl { extent, kind } = self.axes[axis];
        let low = self.axes.push(AxisDecl { extent: factor, kind });
        self.axes[axis].extent = extent / factor;
        for form in &mut self.forms {
            let k = form.coefficient(axis);
            *form = form.without(axis).add(&Affine::axis(axis).scale(k.saturating_mul(factor))).add(&Affine::axis(low).scale(k));
        }
    }

    /// Floor quotient and remainder by a positive literal, where both are forms.
    pub(crate) fn divide(&self, form: &Affine, c: i64) -> Option<(Affine, Affine)> {
        let (whole, rest): (Vec<_>, Vec<_>) = form.terms.iter().partition(|(_, k)| k % c == 0);
        let rest = Affine { constant: form.constant, terms: rest };
        let (lo, hi) = rest.range(&self.axes);
        let turn = lo.div_euclid(c);
        if hi.div_euclid(c) != turn {
            return None;
        }
        let whole = Affine { constant: turn, terms: whole.into_iter().map(|(a, k)| (a, k / c)).collect() };
        Some((whole, rest.plus(-turn.saturating_mul(c))))
    }

    /// A polynomial as a form over the axes, if it is a small one: integers wrap where forms do not.
    pub(crate) fn affine(&self, polynomial: &Extent) -> Option<Affine> {
        polynomial.terms().try_fold(Affine::default(), |sum, (monomial, c)| {
            let c = i64::try_from(c).ok()?;
            let term = match monomial.as_slice() {
                [] => Affine::constant(1),
                [atom] => self.affine_atom(atom)?,
                _ => {
                    // A product of forms of which at most one varies.
                    let forms = monomial.iter().map(|a| self.affine_atom(a)).collect::<Option<Vec<_>>>()?;
                    forms.into_iter().try_fold(Affine::constant(1), |product, form| match (product.as_constant(), form.as_constant()) {
                        (Some(k), _) => form.times(k, &self.axes),
                        (_, Some(k)) => product.times(k, &self.axes),
                        _ => None,
                    })?
                }
            };
            Some(sum.add(&term.times(c, &self.axes)?)).filter(|sum| sum.is_small(&self.axes))
        })
    }

    fn affine_atom(&self, atom: &Atom) -> Option<Affine> {
        match atom {
            Atom::Dim(_) => None,
            Atom::Index(index) => Some(self.form(*index).clone()),
            Atom::Quotient(p, c) => Some(self.divide(&self.affine(p)?, positive(c)?)?.0),
            Atom::Remainder(p, c) => Some(self.divide(&self.affine(p)?, positive(c)?)?.1),
        }
    }
}

/// The polynomials in an expression that vary and are not part of a larger one.
fn collect(scalar: &Scalar, out: &mut Vec<Extent>) {
    let polynomial = (scalar.dtype == DType::I64).then(|| scalar.as_polynomial()).flatten();
    match polynomial {
        Some(polynomial) => out.extend(Some(polynomial).filter(|p| p.as_constant().is_none())),
        None => scalar.children().into_iter().for_each(|child| collect(child, out)),
    }
}

fn positive(divisor: &Extent) -> Option<i64> {
    i64::try_from(divisor.as_constant()?).ok().filter(|c| *c > 0)
}

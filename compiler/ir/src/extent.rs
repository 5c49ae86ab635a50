//! Symbolic sizes and integer index expressions: polynomials in normal form.
//!
//! Atoms are dims, indices, and floor quotients and remainders of polynomials. Two polynomials are equal as values of
//! this type exactly if they are the same polynomial over those atoms; `a // b` and `a % b` stay opaque unless both sides
//! are literals or the division is exact term by term (language 4e).

use crate::entity::{Dim, Index};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

/// What a polynomial is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A size or an `int` generic.
    Dim(Dim),
    /// An index variable.
    Index(Index),
    /// Floor quotient.
    Quotient(Arc<Extent>, Arc<Extent>),
    /// Remainder with the sign of the divisor.
    Remainder(Arc<Extent>, Arc<Extent>),
}

impl Atom {
    /// The index, if this is one.
    #[must_use]
    pub fn as_index(&self) -> Option<Index> {
        if let Self::Index(index) = self { Some(*index) } else { None }
    }
}

/// A product of atoms, sorted; an atom that occurs twice stands twice.
pub type Monomial = Vec<Atom>;

/// An integer polynomial in normal form: no zero coefficient, monomials sorted. The zero polynomial has no terms.
///
/// Used for the sizes of axes (over dims alone) and, with indices among the atoms, for subscripts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extent {
    terms: BTreeMap<Monomial, i128>,
}

impl Extent {
    /// An integer.
    #[must_use]
    pub fn constant(value: i128) -> Self {
        let mut terms = BTreeMap::new();
        if value != 0 {
            terms.insert(Monomial::new(), value);
        }
        Self { terms }
    }

    /// A single atom.
    #[must_use]
    pub fn atom(atom: Atom) -> Self {
        Self { terms: BTreeMap::from([(vec![atom], 1)]) }
    }

    /// A size or `int` generic.
    #[must_use]
    pub fn dim(dim: Dim) -> Self {
        Self::atom(Atom::Dim(dim))
    }

    /// An index variable.
    #[must_use]
    pub fn index(index: Index) -> Self {
        Self::atom(Atom::Index(index))
    }

    /// Monomials with their coefficients, in order; the constant term, if any, is the first (empty monomial).
    pub fn terms(&self) -> impl Iterator<Item = (&Monomial, i128)> {
        self.terms.iter().map(|(m, c)| (m, *c))
    }

    /// The value, if no atom occurs.
    #[must_use]
    pub fn as_constant(&self) -> Option<i128> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&Monomial::new()).copied(),
            _ => None,
        }
    }

    /// The dim, if this is exactly one dim.
    #[must_use]
    pub fn as_dim(&self) -> Option<Dim> {
        match self.as_atom()? {
            Atom::Dim(dim) => Some(*dim),
            _ => None,
        }
    }

    /// The index, if this is exactly one index.
    #[must_use]
    pub fn as_index(&self) -> Option<Index> {
        self.as_atom()?.as_index()
    }

    /// The atom, if this is exactly one atom with coefficient one.
    #[must_use]
    pub fn as_atom(&self) -> Option<&Atom> {
        let (monomial, coefficient) = self.terms.first_key_value()?;
        match monomial.as_slice() {
            [atom] if *coefficient == 1 && self.terms.len() == 1 => Some(atom),
            _ => None,
        }
    }

    fn insert(&mut self, monomial: Monomial, coefficient: i128) {
        let mut slot = match self.terms.entry(monomial) {
            Entry::Occupied(slot) => slot,
            Entry::Vacant(slot) => {
                // Zero coefficients would break equality.
                if coefficient != 0 {
                    slot.insert(coefficient);
                }
                return;
            }
        };
        *slot.get_mut() = slot.get().saturating_add(coefficient);
        if *slot.get() == 0 {
            slot.remove();
        }
    }

    /// Sum.
    #[must_use]
    pub fn add(&self, rhs: &Self) -> Self {
        let mut out = self.clone();
        for (m, c) in rhs.terms() {
            out.insert(m.clone(), c);
        }
        out
    }

    /// Difference.
    #[must_use]
    pub fn sub(&self, rhs: &Self) -> Self {
        self.add(&rhs.scale(-1))
    }

    /// Product with an integer.
    #[must_use]
    pub fn scale(&self, factor: i128) -> Self {
        let mut out = Self::default();
        for (m, c) in self.terms() {
            out.insert(m.clone(), c.saturating_mul(factor));
        }
        out
    }

    /// Product.
    #[must_use]
    pub fn mul(&self, rhs: &Self) -> Self {
        let mut out = Self::default();
        for (a, x) in self.terms() {
            for (b, y) in rhs.terms() {
                let mut m: Monomial = a.iter().chain(b).cloned().collect();
                m.sort();
                out.insert(m, x.saturating_mul(y));
            }
        }
        out
    }

    /// Floor quotient. Literal operands are divided; so is a polynomial whose coefficients a literal divisor divides exactly;
    /// anything else is an opaque atom. Division by the literal 0 stays an atom, whose evaluation fails.
    #[must_use]
    pub fn floor_div(&self, rhs: &Self) -> Self {
        match (self.as_constant(), rhs.as_constant()) {
            (_, Some(1)) => return self.clone(),
            (Some(a), Some(b)) if b != 0 => return Self::constant(floor_div(a, b)),
            (_, Some(b)) if b != 0 && self.terms.values().all(|c| c % b == 0) => {
                return Self { terms: self.terms.iter().map(|(m, c)| (m.clone(), c / b)).collect() };
            }
            // floor(floor(x / a) / b) = floor(x / (a b)) for b > 0.
            (_, Some(b)) if b > 0 => {
                if let Some((inner, ab)) =
                    self.as_quotient().and_then(|(inner, a)| Some((inner, a.checked_mul(b).filter(|ab| i64::try_from(*ab).is_ok())?)))
                {
                    return inner.floor_div(&Self::constant(ab));
                }
            }
            _ => {}
        }
        Self::atom(Atom::Quotient(Arc::new(self.clone()), Arc::new(rhs.clone())))
    }

    /// Dividend and divisor, if this is a quotient by a literal other than 0.
    fn as_quotient(&self) -> Option<(&Self, i128)> {
        let mut terms = self.terms.iter();
        let (Some((monomial, 1)), None) = (terms.next(), terms.next()) else { return None };
        match monomial.as_slice() {
            [Atom::Quotient(inner, divisor)] => Some((inner.as_ref(), divisor.as_constant().filter(|a| *a != 0)?)),
            _ => None,
        }
    }

    /// How deep quotients and remainders nest: 0 without any.
    #[must_use]
    pub fn nesting(&self) -> usize {
        let of_atom = |atom: &Atom| match atom {
            Atom::Dim(_) | Atom::Index(_) => 0,
            Atom::Quotient(a, b) | Atom::Remainder(a, b) => 1 + a.nesting().max(b.nesting()),
        };
        self.terms.keys().flatten().map(of_atom).max().unwrap_or(0)
    }

    /// Remainder with the sign of the divisor.
    #[must_use]
    pub fn floor_rem(&self, rhs: &Self) -> Self {
        match (self.as_constant(), rhs.as_constant()) {
            (Some(a), Some(b)) if b != 0 => return Self::constant(a - b * floor_div(a, b)),
            (_, Some(b)) if b != 0 && self.terms.values().all(|c| c % b == 0) => return Self::default(),
            _ => {}
        }
        Self::atom(Atom::Remainder(Arc::new(self.clone()), Arc::new(rhs.clone())))
    }

    /// Replaces atoms: `f` answers for dims and indices, `None` keeps them; quotients and remainders are rebuilt.
    #[must_use]
    pub fn substitute(&self, f: &dyn Fn(&Atom) -> Option<Extent>) -> Self {
        let mut out = Self::default();
        for (monomial, c) in self.terms() {
            let mut product = Self::constant(c);
            for atom in monomial {
                product = product.mul(&Self::substitute_atom(atom, f));
            }
            out = out.add(&product);
        }
        out
    }

    fn substitute_atom(atom: &Atom, f: &dyn Fn(&Atom) -> Option<Extent>) -> Self {
        match atom {
            Atom::Dim(_) | Atom::Index(_) => f(atom).unwrap_or_else(|| Self::atom(atom.clone())),
            Atom::Quotient(a, b) => a.substitute(f).floor_div(&b.substitute(f)),
            Atom::Remainder(a, b) => a.substitute(f).floor_rem(&b.substitute(f)),
        }
    }

    /// The value under an assignment of the atoms; `None` if an atom has none, a divisor is 0 or a step overflows.
    #[must_use]
    pub fn evaluate(&self, value_of: &dyn Fn(&Atom) -> Option<i128>) -> Option<i128> {
        let mut sum = 0i128;
        for (monomial, c) in self.terms() {
            let mut product = c;
            for atom in monomial {
                let v = match atom {
                    Atom::Dim(_) | Atom::Index(_) => value_of(atom)?,
                    Atom::Quotient(a, b) => checked_floor_div(a.evaluate(value_of)?, b.evaluate(value_of)?)?,
                    Atom::Remainder(a, b) => {
                        let (a, b) = (a.evaluate(value_of)?, b.evaluate(value_of)?);
                        a.checked_sub(b.checked_mul(checked_floor_div(a, b)?)?)?
                    }
                };
                product = product.checked_mul(v)?;
            }
            sum = sum.checked_add(product)?;
        }
        Some(sum)
    }

    /// Every dim and index that occurs, also inside quotients and remainders, sorted.
    #[must_use]
    pub fn leaves(&self) -> std::collections::BTreeSet<Atom> {
        fn visit(e: &Extent, out: &mut std::collections::BTreeSet<Atom>) {
            for atom in e.terms.keys().flatten() {
                match atom {
                    Atom::Dim(_) | Atom::Index(_) => {
                        out.insert(atom.clone());
                    }
                    Atom::Quotient(a, b) | Atom::Remainder(a, b) => {
                        visit(a, out);
                        visit(b, out);
                    }
                }
            }
        }
        let mut out = std::collections::BTreeSet::new();
        visit(self, &mut out);
        out
    }
}

/// Floor quotient of integers, `b` not 0.
#[must_use]
pub fn floor_div(a: i128, b: i128) -> i128 {
    let q = a / b;
    if a % b != 0 && ((a < 0) != (b < 0)) { q - 1 } else { q }
}

/// Greatest common divisor; of 0 and a number that number.
#[must_use]
pub fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn checked_floor_div(a: i128, b: i128) -> Option<i128> {
    if b == 0 || (a == i128::MIN && b == -1) { None } else { Some(floor_div(a, b)) }
}

impl From<i64> for Extent {
    fn from(value: i64) -> Self {
        Self::constant(i128::from(value))
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Dim(d) => write!(f, "{d}"),
            Atom::Index(i) => write!(f, "{i}"),
            Atom::Quotient(a, b) => write!(f, "div({a}, {b})"),
            Atom::Remainder(a, b) => write!(f, "rem({a}, {b})"),
        }
    }
}

/// `2*d0*i1 - 3`: the spelling of the text forms, constant last.
impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        let constant_last = self.terms().filter(|(m, _)| !m.is_empty()).chain(self.terms().filter(|(m, _)| m.is_empty()));
        for (n, (monomial, c)) in constant_last.enumerate() {
            match (n, c < 0) {
                (0, true) => f.write_str("-")?,
                (0, false) => {}
                (_, true) => f.write_str(" - ")?,
                (_, false) => f.write_str(" + ")?,
            }
            let magnitude = c.unsigned_abs();
            if monomial.is_empty() || magnitude != 1 {
                write!(f, "{magnitude}")?;
                if !monomial.is_empty() {
                    f.write_str("*")?;
                }
            }
            for (k, atom) in monomial.iter().enumerate() {
                write!(f, "{}{atom}", if k > 0 { "*" } else { "" })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(n: usize) -> Extent {
        use crate::entity::EntityRef;
        Extent::dim(Dim::new(n))
    }

    #[test]
    fn normal_form_decides_equality() {
        let square = d(0).add(&d(1)).mul(&d(0).add(&d(1)));
        let expanded = d(0).mul(&d(0)).add(&d(1).mul(&d(0)).scale(2)).add(&d(1).mul(&d(1)));
        assert_eq!(square, expanded);
        assert_eq!(d(0).sub(&d(0)), Extent::constant(0));
    }

    #[test]
    fn divisions_floor() {
        assert_eq!(Extent::constant(-7).floor_div(&Extent::constant(2)).as_constant(), Some(-4));
        assert_eq!(Extent::constant(-7).floor_rem(&Extent::constant(2)).as_constant(), Some(1));
        assert_eq!(d(0).scale(4).floor_div(&Extent::constant(2)), d(0).scale(2));
        let half = d(0).floor_div(&Extent::constant(2));
        assert_eq!(half.to_string(), "div(d0, 2)");
        assert_eq!(half.evaluate(&|_| Some(7)), Some(3));
        assert_eq!(d(0).floor_div(&d(1)).evaluate(&|a| Some(i128::from(*a == Atom::Dim(Dim::from_u32(0))))), None);
    }

    #[test]
    fn quotients_of_quotients_are_one() {
        let by = |a: i128, b: i128| d(0).floor_div(&Extent::constant(a)).floor_div(&Extent::constant(b));
        assert_eq!(by(2, 3).to_string(), "div(d0, 6)");
        assert_eq!((by(2, 3).nesting(), by(2, -3).nesting(), d(0).floor_div(&d(1)).floor_rem(&d(2)).nesting()), (1, 2, 2));
        for (a, b) in [(2, 3), (-2, 3), (2, -3), (-4, -5), (7, 1)] {
            for n in -50..50 {
                let expected = floor_div(floor_div(n, a), b);
                assert_eq!(by(a, b).evaluate(&|_| Some(n)), Some(expected), "{n} // {a} // {b}");
            }
        }
    }

    #[test]
    fn prints_constant_last() {
        assert_eq!(d(0).scale(-2).mul(&d(1)).add(&Extent::constant(-3)).to_string(), "-2*d0*d1 - 3");
    }
}

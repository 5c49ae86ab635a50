//! Interval arithmetic of integers: where a subscript can reach, and what an expression of integers can be.

use crate::extent::{Atom, Extent, floor_div};

/// Least and greatest value, both taken.
pub type Interval = (i128, i128);

/// The interval that holds every value of a polynomial while its atoms range over theirs; exact if each atom occurs once.
///
/// `None` if an atom has no interval, a divisor may be 0 or a step overflows.
#[must_use]
pub fn interval(extent: &Extent, range_of: &dyn Fn(&Atom) -> Option<Interval>) -> Option<Interval> {
    let (mut lo, mut hi) = (0i128, 0i128);
    for (monomial, coefficient) in extent.terms() {
        let mut term = (coefficient, coefficient);
        for atom in monomial {
            term = product(term, atom_interval(atom, range_of)?)?;
        }
        (lo, hi) = sum((lo, hi), term)?;
    }
    Some((lo, hi))
}

/// The interval of sums; `None` on overflow.
#[must_use]
pub fn sum(a: Interval, b: Interval) -> Option<Interval> {
    a.0.checked_add(b.0).zip(a.1.checked_add(b.1))
}

/// The interval of differences; `None` on overflow.
#[must_use]
pub fn difference(a: Interval, b: Interval) -> Option<Interval> {
    a.0.checked_sub(b.1).zip(a.1.checked_sub(b.0))
}

/// The interval of products; `None` on overflow.
#[must_use]
pub fn product(a: Interval, b: Interval) -> Option<Interval> {
    let corners = [a.0.checked_mul(b.0)?, a.0.checked_mul(b.1)?, a.1.checked_mul(b.0)?, a.1.checked_mul(b.1)?];
    hull(corners)
}

fn hull(corners: [i128; 4]) -> Option<Interval> {
    Some((corners.into_iter().min()?, corners.into_iter().max()?))
}

/// The interval of quotients that round down; `None` if the divisor may be 0.
#[must_use]
pub fn floor_quotient(a: Interval, b: Interval) -> Option<Interval> {
    if b.0 <= 0 && b.1 >= 0 {
        return None;
    }
    // It is monotonic in each operand while the divisor keeps its sign.
    hull([floor_div(a.0, b.0), floor_div(a.0, b.1), floor_div(a.1, b.0), floor_div(a.1, b.1)])
}

/// The interval of remainders, which have the sign of the divisor; `None` if that may be 0.
#[must_use]
pub fn floor_remainder(a: Interval, b: Interval) -> Option<Interval> {
    let quotients = floor_quotient(a, b)?;
    if b.0 == b.1 && quotients.0 == quotients.1 {
        let whole = quotients.0.checked_mul(b.0)?;
        return difference(a, (whole, whole));
    }
    Some(if b.0 > 0 { (0, b.1 - 1) } else { (b.0 + 1, 0) })
}

fn atom_interval(atom: &Atom, range_of: &dyn Fn(&Atom) -> Option<Interval>) -> Option<Interval> {
    let (a, b, quotient) = match atom {
        Atom::Dim(_) | Atom::Index(_) => return range_of(atom),
        Atom::Quotient(a, b) => (a, b, true),
        Atom::Remainder(a, b) => (a, b, false),
    };
    let (a, b) = (interval(a, range_of)?, interval(b, range_of)?);
    if quotient { floor_quotient(a, b) } else { floor_remainder(a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Index;

    fn i(n: u32) -> Extent {
        Extent::index(Index::from_u32(n))
    }

    #[test]
    fn intervals_hold_every_value_and_are_tight_for_affine_forms() {
        let cases = [
            i(0).scale(2).sub(&i(1)).add(&Extent::constant(3)),
            i(0).mul(&i(1)),
            i(0).floor_div(&Extent::constant(3)),
            i(0).sub(&i(1)).floor_rem(&Extent::constant(4)),
            i(0).floor_rem(&Extent::constant(-3)),
            i(0).add(&Extent::constant(8)).floor_rem(&Extent::constant(100)),
        ];
        for e in cases {
            let values: Vec<i128> = (-4i128..7)
                .flat_map(|x| (0i128..5).map(move |y| (x, y)))
                .map(|(x, y)| e.evaluate(&|a| Some(if *a == Atom::Index(Index::from_u32(0)) { x } else { y })).unwrap())
                .collect();
            let range = |a: &Atom| Some(if *a == Atom::Index(Index::from_u32(0)) { (-4, 6) } else { (0, 4) });
            let (lo, hi) = interval(&e, &range).unwrap();
            assert_eq!((lo, hi), (*values.iter().min().unwrap(), *values.iter().max().unwrap()), "{e}");
        }
        assert_eq!(interval(&i(0).floor_div(&i(1)), &|_| Some((0, 4))), None);
    }
}

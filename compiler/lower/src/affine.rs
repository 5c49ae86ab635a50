//! Loop axes and affine forms over them.

use ein_ir::entity::{PrimaryMap, entity_impl};

/// An axis of the iteration space of a nest; it counts from 0: `a0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Axis(u32);
entity_impl!(Axis, "a");

/// Whether an axis belongs to the output, is reduced over, or has one value in each turn of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AxisKind {
    Outer,
    Reduced,
    Turn,
}

/// An axis with its number of values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AxisDecl {
    pub(crate) extent: i64,
    pub(crate) kind: AxisKind,
}

/// The axes of a nest.
pub(crate) type Axes = PrimaryMap<Axis, AxisDecl>;

/// More axes than this with at least two values each cannot be iterated over: 2^128 turns.
pub(crate) const MAX_AXES: usize = 128;

/// A set of axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct AxisSet(u128);

impl AxisSet {
    pub(crate) const EMPTY: AxisSet = AxisSet(0);

    pub(crate) fn of(axis: Axis) -> Self {
        Self(1 << axis.as_u32())
    }

    pub(crate) fn contains(self, axis: Axis) -> bool {
        self.intersects(Self::of(axis))
    }

    pub(crate) fn union(self, rhs: Self) -> Self {
        Self(self.0 | rhs.0)
    }

    pub(crate) fn intersects(self, rhs: Self) -> bool {
        self.0 & rhs.0 != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In the order of their numbers.
    pub(crate) fn iter(self) -> impl Iterator<Item = Axis> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let axis = Axis::from_u32(rest.trailing_zeros());
                rest &= rest - 1;
                axis
            })
        })
    }
}

impl FromIterator<Axis> for AxisSet {
    fn from_iter<I: IntoIterator<Item = Axis>>(axes: I) -> Self {
        axes.into_iter().fold(Self::EMPTY, |set, axis| set.union(Self::of(axis)))
    }
}

/// `constant + sum coefficient * axis`; terms sorted by axis, no zero coefficient.
///
/// Forms of index values are small: [`Affine::is_small`] is asked before one is made of others. Those of addresses may be sums
/// that wrap on the way to an element that is there, as the arithmetic of the machine does.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Affine {
    pub(crate) constant: i64,
    pub(crate) terms: Vec<(Axis, i64)>,
}

impl Affine {
    pub(crate) fn constant(constant: i64) -> Self {
        Self { constant, terms: Vec::new() }
    }

    pub(crate) fn axis(axis: Axis) -> Self {
        Self { constant: 0, terms: vec![(axis, 1)] }
    }

    pub(crate) fn as_constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.constant)
    }

    pub(crate) fn coefficient(&self, axis: Axis) -> i64 {
        self.terms.iter().find(|(a, _)| *a == axis).map_or(0, |(_, c)| *c)
    }

    pub(crate) fn axes(&self) -> AxisSet {
        self.terms.iter().map(|(a, _)| *a).collect()
    }

    pub(crate) fn add(&self, rhs: &Self) -> Self {
        let mut terms = self.terms.clone();
        for &(axis, c) in &rhs.terms {
            match terms.binary_search_by_key(&axis, |t| t.0) {
                Ok(n) => terms[n].1 = terms[n].1.wrapping_add(c),
                Err(n) => terms.insert(n, (axis, c)),
            }
        }
        terms.retain(|(_, c)| *c != 0);
        Self { constant: self.constant.wrapping_add(rhs.constant), terms }
    }

    pub(crate) fn scale(&self, factor: i64) -> Self {
        let terms = self.terms.iter().map(|&(a, c)| (a, c.wrapping_mul(factor))).filter(|(_, c)| *c != 0).collect();
        Self { constant: self.constant.wrapping_mul(factor), terms }
    }

    pub(crate) fn sub(&self, rhs: &Self) -> Self {
        self.add(&rhs.scale(-1))
    }

    pub(crate) fn plus(&self, constant: i64) -> Self {
        Self { constant: self.constant.wrapping_add(constant), terms: self.terms.clone() }
    }

    /// Without the term of an axis.
    pub(crate) fn without(&self, axis: Axis) -> Self {
        Self { constant: self.constant, terms: self.terms.iter().copied().filter(|(a, _)| *a != axis).collect() }
    }

    /// Whether all values of the form are so small that sums and differences of a few of them do not wrap.
    pub(crate) fn is_small(&self, axes: &Axes) -> bool {
        self.is_small_times(1, axes)
    }

    /// A multiple of the form, if it is small.
    pub(crate) fn times(&self, factor: i64, axes: &Axes) -> Option<Self> {
        self.is_small_times(factor, axes).then(|| self.scale(factor))
    }

    fn is_small_times(&self, factor: i64, axes: &Axes) -> bool {
        const LIMIT: i128 = 1 << 60;
        let times = |c: i64| i128::from(c) * i128::from(factor);
        let (mut lo, mut hi) = (times(self.constant), times(self.constant));
        for &(axis, c) in &self.terms {
            let far = times(c).saturating_mul(i128::from(axes[axis].extent) - 1);
            (lo, hi) = (lo.saturating_add(far.min(0)), hi.saturating_add(far.max(0)));
        }
        -LIMIT <= lo && hi <= LIMIT
    }

    /// Least and greatest value over all values of the axes.
    pub(crate) fn range(&self, axes: &Axes) -> (i64, i64) {
        let (mut lo, mut hi) = (self.constant, self.constant);
        for &(axis, c) in &self.terms {
            let far = c.saturating_mul(axes[axis].extent - 1);
            lo = lo.saturating_add(far.min(0));
            hi = hi.saturating_add(far.max(0));
        }
        (lo, hi)
    }

    /// The least value over the axes of a set, as a form over the others.
    pub(crate) fn minimise(&self, over: AxisSet, axes: &Axes) -> Self {
        let mut out = Self::constant(self.constant);
        for &(axis, c) in &self.terms {
            if over.contains(axis) {
                out.constant = out.constant.saturating_add(c.saturating_mul(axes[axis].extent - 1).min(0));
            } else {
                out.terms.push((axis, c));
            }
        }
        out
    }

    /// `self >= 0` is false exactly if this is `>= 0`: integers.
    pub(crate) fn negated(&self) -> Self {
        self.scale(-1).plus(-1)
    }
}

/// Floor quotient, `b` positive.
pub(crate) fn floor_div(a: i64, b: i64) -> i64 {
    a.div_euclid(b)
}

/// Ceiling quotient of a number that is not negative, `b` positive.
pub(crate) fn ceil_div(a: i64, b: i64) -> i64 {
    a / b + i64::from(a % b != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_keep_no_zero_terms() {
        let (a, b) = (Affine::axis(Axis::from_u32(0)), Affine::axis(Axis::from_u32(1)));
        assert_eq!(a.add(&b).sub(&a), b);
        assert_eq!(a.sub(&a), Affine::default());
        assert_eq!(a.scale(2).negated(), a.scale(-2).plus(-1));
    }

    #[test]
    fn multiples_that_would_wrap_are_not_small() {
        let mut axes = Axes::new();
        let a = axes.push(AxisDecl { extent: 5, kind: AxisKind::Outer });
        let form = Affine::axis(a).plus(-2);
        assert_eq!(form.times(1 << 58, &axes), Some(form.scale(1 << 58)));
        assert_eq!((form.times(1 << 60, &axes), form.times(i64::MIN, &axes)), (None, None));
        assert_eq!(form.scale(1 << 62).scale(4), Affine::default(), "addresses wrap");
    }

    #[test]
    fn ranges_cover_exactly_the_box() {
        let mut axes = Axes::new();
        let a = axes.push(AxisDecl { extent: 5, kind: AxisKind::Outer });
        let b = axes.push(AxisDecl { extent: 3, kind: AxisKind::Reduced });
        let form = Affine::axis(a).sub(&Affine::axis(b).scale(2)).plus(1);
        assert_eq!(form.range(&axes), (-3, 5));
        assert_eq!(form.minimise(AxisSet::of(b), &axes), Affine::axis(a).plus(-3));
    }
}

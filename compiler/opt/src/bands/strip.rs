//! Positions between parallel lines, or planes.

use crate::guards;
use crate::inequality::Inequality;
use ein_ir::dtype::DType;
use ein_ir::entity::Index;
use ein_ir::extent::gcd;
use ein_ir::plan::Nest;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;

/// What a strip is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place<A> {
    /// An axis of a value, or a label of a contraction.
    At(A),
    /// The turn of a recurrence around, whose index is below so many.
    Turn(Index, u64),
}

/// `lo <= sum of factor * place <= hi`, the factors without a common divisor, the first above 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strip<A> {
    pub(crate) terms: Vec<(Place<A>, i64)>,
    pub(crate) lo: i64,
    pub(crate) hi: i64,
}

/// `terms + constant`, which is to be 0 or less.
type End<A> = (Vec<(Place<A>, i64)>, i64);

/// Factors up to this, and so many of them: of positions that are computed with, sums and ends stay within 64 bits.
const MAX_FACTOR: u64 = 1 << 24;
/// Ends of strips, likewise.
const MAX_END: u64 = 1 << 56;
/// Places of a strip.
const MAX_TERMS: usize = 8;

/// A strip of axes of a value.
pub(crate) type AxisStrip = Strip<usize>;

impl<A: Copy + Ord> Strip<A> {
    /// What an inequality of indices of a nest says of places; `None` if it is about anything else.
    pub(crate) fn of(nest: &Nest, inequality: &Inequality, name: &dyn Fn(Index) -> Option<A>) -> Option<Self> {
        let place = |index: Index| match nest.is_param(index) {
            true => Some(Place::Turn(index, u64::try_from(nest.indices[index].hi).ok().filter(|_| nest.indices[index].lo >= 0)?)),
            false => Some(Place::At(name(index)?)),
        };
        let terms = inequality.terms.iter().map(|(index, factor)| Some((place(*index)?, *factor))).collect::<Option<_>>()?;
        Self::below(terms, inequality.constant)
    }

    /// The strip of `terms + constant <= 0`; `None` if that is about no place but turns.
    fn below(terms: Vec<(Place<A>, i64)>, constant: i64) -> Option<Self> {
        let terms = merged(terms)?;
        let divisor = i64::try_from(terms.iter().fold(0, |n, (_, factor)| gcd(n, factor.unsigned_abs()))).ok()?;
        let is_about_places = terms.iter().any(|(place, _)| matches!(place, Place::At(_)));
        if !is_about_places {
            return None;
        }
        let most = constant.checked_neg()?.div_euclid(divisor);
        let is_small = |(_, factor): &(Place<A>, i64)| factor.unsigned_abs() / divisor.unsigned_abs() <= MAX_FACTOR;
        if !terms.iter().all(is_small) || most.unsigned_abs() > MAX_END || terms.len() > MAX_TERMS {
            return None;
        }
        Some(match terms[0].1 > 0 {
            true => Self { terms: scaled(&terms, divisor, 1)?, lo: i64::MIN, hi: most },
            false => Self { terms: scaled(&terms, divisor, -1)?, lo: most.checked_neg()?, hi: i64::MAX },
        })
    }

    /// Both ends as sums, and constants beside them, that are 0 or less.
    fn ends(&self) -> Vec<End<A>> {
        let negated = self.terms.iter().map(|(place, factor)| (*place, -factor)).collect();
        let lo = (self.lo != i64::MIN).then_some((negated, self.lo));
        let hi = (self.hi != i64::MAX).then(|| (self.terms.clone(), opposite(self.hi)));
        lo.into_iter().chain(hi).collect()
    }

    /// The strip of other names of its places; `None` if one has none, or nothing is left of it.
    pub(crate) fn named<B: Copy + Ord>(&self, name: &dyn Fn(A) -> Option<B>) -> Option<Strip<B>> {
        let place = |place: Place<A>| match place {
            Place::At(a) => Some(Place::At(name(a)?)),
            Place::Turn(index, n) => Some(Place::Turn(index, n)),
        };
        let named = |(terms, constant): End<A>| {
            let terms = terms.into_iter().map(|(p, factor)| Some((place(p)?, factor))).collect::<Option<Vec<_>>>()?;
            Strip::below(terms, constant)
        };
        let ends = self.ends().into_iter().map(named).collect::<Option<Vec<_>>>()?;
        ends.into_iter().reduce(|a, b| Strip { lo: a.lo.max(b.lo), hi: a.hi.min(b.hi), ..a })
    }
}

impl Strip<usize> {
    /// That a position is in the strip, one condition for each end that it has; axes are those of a nest.
    pub(super) fn conditions(&self, outer: &[Index], span: Span) -> Vec<Scalar> {
        let int = |n: i64| Scalar::literal(Literal::Int(n.into()), DType::I64, span);
        let binary = |op, a, b| Scalar::binary(op, a, b, DType::I64, span);
        let term = |(place, factor): &(Place<usize>, i64)| {
            let index = match place {
                Place::At(axis) => outer[*axis],
                Place::Turn(index, _) => *index,
            };
            let index = Scalar::index(index, span);
            if *factor == 1 { index } else { binary(BinaryFn::Mul, int(*factor), index) }
        };
        let Some(value) = self.terms.iter().map(term).reduce(|a, b| binary(BinaryFn::Add, a, b)) else { return Vec::new() };
        let end = |n: i64, op: BinaryFn| Scalar::binary(op, value.clone(), int(n), DType::Bool, span);
        let lo = (self.lo != i64::MIN).then(|| end(self.lo, BinaryFn::Ge));
        let hi = (self.hi != i64::MAX).then(|| end(self.hi, BinaryFn::Le));
        lo.into_iter().chain(hi).collect()
    }
}

impl<A: Copy + Ord> Strips<A> {
    /// What the strips say of other places than one, whatever that is (Fourier-Motzkin elimination).
    pub(crate) fn without(&self, place: Place<A>) -> Self {
        let has = |strip: &&Strip<A>| strip.terms.iter().any(|(p, _)| *p == place);
        let (with, mut rest): (Vec<&Strip<A>>, Vec<&Strip<A>>) = self.0.iter().partition(has);
        let all: Vec<End<A>> = with.into_iter().flat_map(Strip::ends).collect();
        let factor = |terms: &[(Place<A>, i64)]| terms.iter().find(|(p, _)| *p == place).map_or(0, |(_, factor)| *factor);
        let (above, below): (Vec<_>, Vec<_>) = all.iter().partition(|(terms, _)| factor(terms) > 0);
        let pairs = above.iter().flat_map(|a| below.iter().map(move |b| (a, b)));
        let eliminated = pairs.filter_map(|((a, x), (b, y))| {
            let (f, g) = (factor(b).checked_neg()?, factor(a));
            let scaled =
                |terms: &[(Place<A>, i64)], by: i64| terms.iter().map(|(p, n)| Some((*p, n.checked_mul(by)?))).collect::<Option<Vec<_>>>();
            let terms = scaled(a, f)?.into_iter().chain(scaled(b, g)?).collect();
            Strip::below(terms, x.checked_mul(f)?.checked_add(y.checked_mul(g)?)?)
        });
        let eliminated: Vec<Strip<A>> = eliminated.collect();
        rest.drain(..).cloned().chain(eliminated).collect()
    }
}

/// Terms in order, one of each place, none 0.
fn merged<A: Copy + Ord>(mut terms: Vec<(Place<A>, i64)>) -> Option<Vec<(Place<A>, i64)>> {
    terms.sort_unstable();
    let mut out: Vec<(Place<A>, i64)> = Vec::new();
    for (place, factor) in terms {
        match out.last_mut().filter(|last| last.0 == place) {
            Some(last) => last.1 = last.1.checked_add(factor)?,
            None => out.push((place, factor)),
        }
    }
    out.retain(|(_, factor)| *factor != 0);
    Some(out)
}

fn scaled<A: Copy>(terms: &[(Place<A>, i64)], divisor: i64, sign: i64) -> Option<Vec<(Place<A>, i64)>> {
    terms.iter().map(|(place, factor)| Some((*place, (factor / divisor).checked_mul(sign)?))).collect()
}

/// The end of a strip on the other side; one that is open stays so.
pub(super) fn opposite(end: i64) -> i64 {
    if end == i64::MAX { i64::MIN } else { end.saturating_neg() }
}

/// The positions that are in all of some strips, one for each direction; nothing leaves all positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strips<A>(Vec<Strip<A>>);

impl<A> Default for Strips<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A: Copy + Ord> FromIterator<Strip<A>> for Strips<A> {
    fn from_iter<I: IntoIterator<Item = Strip<A>>>(strips: I) -> Self {
        strips.into_iter().map(|strip| Self(vec![strip])).fold(Self::default(), Self::and)
    }
}

impl<A: Copy + Ord> Strips<A> {
    /// What conditions of a nest say of places that its indices name; turns of its recurrences have names of their own.
    pub(crate) fn of(nest: &Nest, conditions: &[&Scalar], name: &dyn Fn(Index) -> Option<A>) -> Self {
        let mut parts = Vec::new();
        conditions.iter().for_each(|condition| guards::conjuncts(condition, &mut parts));
        let range_of = |index: Index| Some(nest.indices[index].clone());
        let of_part = |part: &Scalar| -> Self {
            if let ScalarKind::Binary(BinaryFn::Or, a, b) = &part.kind {
                return Self::of(nest, &[a], name).or(&Self::of(nest, &[b], name));
            }
            Inequality::implied(part, &range_of).iter().filter_map(|inequality| Strip::of(nest, inequality, name)).collect()
        };
        parts.into_iter().map(of_part).fold(Self::default(), Self::and)
    }

    /// Whether these are all positions.
    pub(crate) fn are_all(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Strip<A>> {
        self.0.iter()
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        for strip in other.0 {
            match self.0.iter_mut().find(|own| own.terms == strip.terms) {
                Some(own) => (own.lo, own.hi) = (own.lo.max(strip.lo), own.hi.min(strip.hi)),
                None => self.0.push(strip),
            }
        }
        self.0.sort_by(|a, b| a.terms.cmp(&b.terms));
        self
    }

    /// The least strips that hold both.
    pub(crate) fn or(mut self, other: &Self) -> Self {
        self.0.retain_mut(|own| {
            other.0.iter().find(|strip| strip.terms == own.terms).is_some_and(|strip| {
                (own.lo, own.hi) = (own.lo.min(strip.lo), own.hi.max(strip.hi));
                (own.lo, own.hi) != (i64::MIN, i64::MAX)
            })
        });
        self
    }
}

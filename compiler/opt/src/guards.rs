//! Conditions on positions: what they say of one index or of two, and how many positions satisfy them.

use crate::faults;
use ein_ir::entity::Index;
use ein_ir::extent::{Atom, Extent, floor_div};
use ein_ir::plan::{IndexRange, Nest};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Scalar, ScalarKind};
use std::collections::BTreeMap;

/// Values of an index that are gone through one by one to count pairs.
const COUNTED: i64 = 1 << 16;

/// What a condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The index is in `lo..hi`.
    Range(Index, i64, i64),
    /// The two have one value.
    Equal(Index, Index),
    /// The two are in one block of so many.
    Block(Index, Index, i64),
    /// `factor * first + factor * second + constant <= 0`.
    Below { first: (Index, i64), second: (Index, i64), constant: i64 },
    /// Anything else.
    Other,
}

/// The conditions of a conjunction, in order.
pub(crate) fn conjuncts<'a>(condition: &'a Scalar, out: &mut Vec<&'a Scalar>) {
    match &condition.kind {
        ScalarKind::Binary(BinaryFn::And, a, b) => {
            conjuncts(a, out);
            conjuncts(b, out);
        }
        _ => out.push(condition),
    }
}

/// Whether a condition is one on positions alone, which always has a value.
pub(crate) fn is_static(condition: &Scalar) -> bool {
    let mut reads = false;
    condition.visit(&mut |s| reads |= matches!(s.kind, ScalarKind::Access(_)));
    !reads && !faults::can_fail(condition)
}

/// What a condition says of indices with these ranges.
pub(crate) fn claim(condition: &Scalar, range_of: &dyn Fn(Index) -> Option<IndexRange>) -> Claim {
    claim_of(condition, range_of).unwrap_or(Claim::Other)
}

fn claim_of(condition: &Scalar, range_of: &dyn Fn(Index) -> Option<IndexRange>) -> Option<Claim> {
    let ScalarKind::Binary(op, a, b) = &condition.kind else { return None };
    let difference = a.as_polynomial()?.sub(&b.as_polynomial()?);
    if *op == BinaryFn::Eq
        && let Some(claim) = equated(&difference)
    {
        return Some(claim);
    }
    let is_equality = *op == BinaryFn::Eq;
    let (terms, constant) = at_most_zero(if is_equality { BinaryFn::Le } else { *op }, &difference)?;
    let terms: Vec<(Index, i64)> = terms.into_iter().map(|(atom, factor)| Some((atom.as_index()?, factor))).collect::<Option<_>>()?;
    if is_equality {
        let [(index, 1 | -1)] = terms.as_slice() else { return None };
        let value = if terms[0].1 == 1 { constant.checked_neg()? } else { constant };
        let range = range_of(*index)?;
        return Some(Claim::Range(*index, value.max(range.lo), value.checked_add(1)?.min(range.hi)));
    }
    match terms.as_slice() {
        [(index, factor)] => {
            let range = range_of(*index)?;
            let (lo, hi) = solved(*factor, constant, (range.lo, range.hi))?;
            Some(Claim::Range(*index, lo, hi))
        }
        [first, second] => Some(Claim::Below { first: *first, second: *second, constant }),
        _ => None,
    }
}

/// The sum, and the constant beside it, that is 0 or less where a difference compares so with 0.
pub(crate) fn at_most_zero(op: BinaryFn, difference: &Extent) -> Option<(Vec<(Atom, i64)>, i64)> {
    let (mut terms, mut constant) = (Vec::new(), 0i64);
    for (monomial, factor) in difference.terms() {
        match monomial.as_slice() {
            [] => constant = i64::try_from(factor).ok()?,
            [atom] => terms.push((atom.clone(), i64::try_from(factor).ok()?)),
            _ => return None,
        }
    }
    let negated = || terms.iter().map(|(atom, k)| Some((atom.clone(), k.checked_neg()?))).collect::<Option<Vec<_>>>();
    match op {
        BinaryFn::Le => Some((terms, constant)),
        BinaryFn::Lt => Some((terms, constant.checked_add(1)?)),
        BinaryFn::Ge => Some((negated()?, constant.checked_neg()?)),
        BinaryFn::Gt => Some((negated()?, constant.checked_neg()?.checked_add(1)?)),
        _ => None,
    }
}

/// `i - j` or `i // c - j // c`, which is to be 0.
fn equated(difference: &Extent) -> Option<Claim> {
    let terms: Vec<(&Atom, i128)> = difference.terms().map(|(m, k)| (m.len() == 1).then(|| (&m[0], k))).collect::<Option<_>>()?;
    let [(a, x), (b, y)] = terms.as_slice() else { return None };
    if x + y != 0 || x.abs() != 1 {
        return None;
    }
    match (a, b) {
        (Atom::Index(a), Atom::Index(b)) => Some(Claim::Equal(*a, *b)),
        (Atom::Quotient(a, c), Atom::Quotient(b, d)) if c == d => {
            let size = i64::try_from(c.as_constant()?).ok().filter(|size| *size > 0)?;
            Some(Claim::Block(a.as_index()?, b.as_index()?, size))
        }
        _ => None,
    }
}

/// The part of `lo..hi` where `factor * i + constant <= 0`.
fn solved(factor: i64, constant: i64, (lo, hi): (i64, i64)) -> Option<(i64, i64)> {
    let (factor, constant) = (i128::from(factor), i128::from(constant));
    let clamp = |n: i128| i64::try_from(n.clamp(i128::from(lo), i128::from(hi.max(lo)))).ok();
    match factor {
        0 => None,
        1.. => Some((lo, clamp(floor_div(-constant, factor) + 1)?)),
        _ => Some((clamp(-floor_div(-constant, -factor))?, hi)),
    }
}

/// An outer index of which a nest in a scan computes a window alone, and how wide that is: `start <= i < start + width` in its domain, where the start
/// depends on the turn.
pub(crate) fn window(nest: &Nest) -> Option<(Index, u64)> {
    let mut found = Vec::new();
    conjuncts(nest.domain.as_ref()?, &mut found);
    let bound = |scalar: &Scalar, function: BinaryFn| match &scalar.kind {
        ScalarKind::Binary(op, i, bound) if *op == function => match i.kind {
            ScalarKind::Index(index) if !nest.is_param(index) => Some((index, bound.as_polynomial()?)),
            _ => None,
        },
        _ => None,
    };
    let starts = found.iter().filter_map(|c| bound(c, BinaryFn::Ge));
    let ends: Vec<_> = found.iter().filter_map(|c| bound(c, BinaryFn::Lt)).collect();
    let widths = starts.filter(|(_, start)| start.as_constant().is_none()).filter_map(|(index, start)| {
        let (_, end) = ends.iter().find(|(other, _)| *other == index)?;
        Some((index, u64::try_from(end.sub(&start).as_constant()?).ok()?.min(extent(nest, index))))
    });
    widths.min()
}

fn extent(nest: &Nest, index: Index) -> u64 {
    let range = &nest.indices[index];
    u64::try_from(range.hi.saturating_sub(range.lo)).unwrap_or(0)
}

/// How often a nest evaluates its body, in a turn of the scans around: as [`crate::rewrite::iterations`], less what a guard on positions leaves
/// out. Where an index is tied to several others by it, only the first pair is counted.
pub(crate) fn iterations(nest: &Nest) -> u64 {
    let all = crate::rewrite::iterations(nest);
    let all = match window(nest) {
        Some((index, width)) => all / extent(nest, index).max(1) * width,
        None => all,
    };
    let Some(guard) = nest.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref()) else { return all };
    let is_counted = |i: Index| !nest.is_param(i) && !nest.pins().iter().any(|pin| pin.index == i);
    let range_of = |i: Index| is_counted(i).then(|| nest.indices[i].clone());
    let mut found = Vec::new();
    conjuncts(guard, &mut found);
    let claims: Vec<Claim> = found.into_iter().map(|c| claim(c, &range_of)).collect();
    let mut ranges: BTreeMap<Index, (i64, i64)> =
        nest.indices.iter().filter(|(i, _)| is_counted(*i)).map(|(i, r)| (i, (r.lo, r.hi))).collect();
    for claim in &claims {
        if let Claim::Range(index, lo, hi) = claim
            && let Some(range) = ranges.get_mut(index)
        {
            *range = (range.0.max(*lo), range.1.min(*hi));
        }
    }
    let mut n = 1u64;
    for claim in &claims {
        if let Some((a, b)) = pair(claim)
            && let (Some(first), Some(second)) = (ranges.get(&a).copied(), ranges.get(&b).copied())
            && first.1.saturating_sub(first.0) <= COUNTED
        {
            let tied: Vec<&Claim> = claims.iter().filter(|c| pair(c).is_some_and(|p| p == (a, b) || p == (b, a))).collect();
            n = n.saturating_mul(pairs((a, first), second, &tied));
            ranges.remove(&a);
            ranges.remove(&b);
        }
    }
    ranges.values().fold(n, |n, range| n.saturating_mul(u64::try_from(range.1.saturating_sub(range.0)).unwrap_or(0)))
}

/// The two indices that a claim ties together.
fn pair(claim: &Claim) -> Option<(Index, Index)> {
    match claim {
        Claim::Equal(a, b) | Claim::Block(a, b, _) => Some((*a, *b)),
        Claim::Below { first, second, .. } => Some((first.0, second.0)),
        Claim::Range(..) | Claim::Other => None,
    }
}

/// Pairs of values that satisfy claims.
fn pairs((index, range): (Index, (i64, i64)), other: (i64, i64), claims: &[&Claim]) -> u64 {
    let mut n = 0u64;
    for value in range.0..range.1 {
        let (mut lo, mut hi) = other;
        for claim in claims {
            let (from, to) = match claim {
                Claim::Equal(..) => (value, value.saturating_add(1)),
                Claim::Block(_, _, size) => {
                    let block = value.div_euclid(*size);
                    (block.saturating_mul(*size), block.saturating_add(1).saturating_mul(*size))
                }
                Claim::Below { first, second, constant } => {
                    let (own, others) = if first.0 == index { (first.1, second.1) } else { (second.1, first.1) };
                    let Some(constant) = own.checked_mul(value).and_then(|x| x.checked_add(*constant)) else { continue };
                    solved(others, constant, other).unwrap_or(other)
                }
                Claim::Range(..) | Claim::Other => continue,
            };
            (lo, hi) = (lo.max(from), hi.min(to));
        }
        n = n.saturating_add(u64::try_from(hi.saturating_sub(lo)).unwrap_or(0));
    }
    n
}

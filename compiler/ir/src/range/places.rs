//! Ranges place by place, where indices decide what a value is: `if j <= i then … else 0`, and sums of which a guard admits some terms.
//!
//! A sum of positive terms under such a guard is positive where the guard admits one, and what it is elsewhere is no part of its range there.
//! Only indices that decide are looked at one by one: those in comparisons without data, and those that say which place of another tensor is read.

use super::module::Within;
use super::{Leaves, Range, of_reduction, of_scalar, truth};
use crate::dtype::DType;
use crate::entity::Index;
use crate::interval::{self, Interval};
use crate::scalar::function::BinaryFn;
use crate::scalar::value::Value;
use crate::scalar::{Access, Mode, Scalar, ScalarKind};
use crate::tensor::{Equation, Reduce, ReduceOp};
use std::collections::BTreeSet;

/// Ranges of the elements of a tensor by their positions along some of its axes.
#[derive(Debug)]
pub(super) struct Places {
    /// The axes, with their sizes.
    axes: Vec<(usize, i128)>,
    /// Row major; none where there is no element that has a value.
    ranges: Vec<Option<Range>>,
}

impl Places {
    /// Of the elements that an access reads; none if those may be any.
    pub(super) fn read(&self, within: &Within<'_>, access: &Access) -> Option<Range> {
        let positions = self.axes.iter().map(|&(axis, size)| {
            let sub = access.subs.get(axis).filter(|sub| sub.mode == Mode::Exact);
            match sub.map(|sub| of_scalar(within, &sub.value)) {
                Some(Range::Integer((lo, hi))) => (lo.clamp(0, size - 1), hi.clamp(0, size - 1)),
                _ => (0, size - 1),
            }
        });
        let positions: Vec<Interval> = positions.collect();
        let is_all = positions.iter().zip(&self.axes).all(|(position, (_, size))| *position == (0, size - 1));
        if is_all { None } else { self.over(&positions, 0) }
    }

    /// Of all places of a box.
    fn over(&self, positions: &[Interval], flat: i128) -> Option<Range> {
        let n = self.axes.len() - positions.len();
        let Some((&(lo, hi), rest)) = positions.split_first() else {
            return self.ranges.get(usize::try_from(flat).ok()?).copied().flatten();
        };
        let size = self.axes[n].1;
        (lo..=hi).filter_map(|at| self.over(rest, flat * size + at)).reduce(Range::or)
    }
}

/// The range of the elements that an equation defines, and those of its places if they are not alike. None if no index decides, or there are
/// more places than are left.
pub(super) fn of_equation(within: &Within<'_>, equation: &Equation, left: &mut u64) -> Option<(Range, Option<Places>)> {
    let guard = equation.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
    let mut deciding = BTreeSet::new();
    [equation.domain.as_ref(), guard, Some(&equation.body)].into_iter().flatten().for_each(|scalar| decides(within, scalar, &mut deciding));
    if deciding.is_empty() || *left == 0 {
        return None;
    }
    let binders: &[Index] = equation.reduce.as_ref().map_or(&[], |reduce| &reduce.binders);
    let outer = Loop::over(within, equation.indices.iter().filter(|index| deciding.contains(index)))?;
    let inner = Loop::over(within, binders.iter().filter(|index| deciding.contains(index)))?;
    *left = left.checked_sub(outer.count.checked_mul(inner.count.max(1))?)?;
    let axis = |index: &Index| equation.indices.iter().position(|other| other == index);
    let axes = outer.indices.iter().map(|(index, lo, hi)| Some((axis(index)?, hi - lo)));
    let axes = axes.collect::<Option<Vec<_>>>()?;
    let mut ranges = Vec::new();
    outer.each(&[], &mut |at| {
        let here = Within { at, ..*within };
        let has_value = equation.domain.as_ref().is_none_or(|domain| !truth(&here, domain).1);
        ranges.push(has_value.then(|| match &equation.reduce {
            Some(reduce) => reduced(&here, reduce, &equation.body, &inner),
            None => of_scalar(&here, &equation.body),
        }));
    });
    let whole = ranges.iter().copied().flatten().reduce(Range::or)?;
    let is_uniform = ranges.iter().all(|range| *range == Some(whole));
    Some((whole, (!is_uniform).then_some(Places { axes, ranges })))
}

/// The range of an expression where conditions hold. None if no index decides, there are too many places, or they hold nowhere.
pub(super) fn where_it_is_read(within: &Within<'_>, scalar: &Scalar, conditions: &[Scalar], most: u64) -> Option<Range> {
    let mut deciding = BTreeSet::new();
    conditions.iter().chain([scalar]).for_each(|scalar| decides(within, scalar, &mut deciding));
    let places = Loop::over(within, deciding.iter())?;
    if deciding.is_empty() || places.count > most {
        return None;
    }
    let mut found = None;
    places.each(&[], &mut |at| {
        let here = Within { at, ..*within };
        if !conditions.iter().any(|condition| truth(&here, condition).1) {
            let value = of_scalar(&here, scalar);
            found = Some(found.map_or(value, |found: Range| found.or(value)));
        }
    });
    found
}

/// Whether a condition always holds where others do, and whether it never does; both where those hold nowhere.
pub(super) fn truth_where(within: &Within<'_>, condition: &Scalar, conditions: &[Scalar], most: u64) -> (bool, bool) {
    let mut deciding = BTreeSet::new();
    conditions.iter().chain([condition]).for_each(|scalar| decides(within, scalar, &mut deciding));
    let Some(places) = Loop::over(within, deciding.iter()).filter(|places| places.count <= most) else { return truth(within, condition) };
    let mut found = (true, true);
    places.each(&[], &mut |at| {
        let here = Within { at, ..*within };
        if found != (false, false) && !conditions.iter().any(|condition| truth(&here, condition).1) {
            let (always, never) = truth(&here, condition);
            found = (found.0 && always, found.1 && never);
        }
    });
    found
}

/// A reduction at one place.
fn reduced(within: &Within<'_>, reduce: &Reduce, body: &Scalar, inner: &Loop) -> Range {
    let others: Vec<Index> = reduce.binders.iter().copied().filter(|index| inner.indices.iter().all(|(own, ..)| own != index)).collect();
    let rest = within.terms(&others);
    let (mut n, mut values, mut sum) = ((0_u64, 0_u64), None, nothing(reduce.acc));
    inner.each(within.at, &mut |at| {
        let here = Within { at, ..*within };
        let (always, never) = reduce.guard.as_ref().map_or((true, false), |guard| truth(&here, guard));
        if never {
            return;
        }
        let value = of_scalar(&here, body);
        let terms = (if always { rest.0 } else { 0 }, rest.1);
        n = (n.0.saturating_add(terms.0), n.1.saturating_add(terms.1));
        values = Some(values.map_or(value, |values: Range| values.or(value)));
        if reduce.op == ReduceOp::Sum {
            sum = plus(sum, of_reduction(reduce.op, reduce.acc, value, terms, None), reduce.acc);
        }
    });
    if reduce.op == ReduceOp::Sum {
        return sum.within(reduce.acc);
    }
    let values = values.unwrap_or(Range::of_type(body.dtype));
    of_reduction(reduce.op, reduce.acc, values, n, within.position(reduce))
}

fn nothing(dtype: DType) -> Range {
    Value::small(0, dtype).to_literal().map_or(Range::of_type(dtype), |zero| Range::of_literal(zero, dtype))
}

fn plus(a: Range, b: Range, dtype: DType) -> Range {
    match (a, b) {
        (Range::Integer(a), Range::Integer(b)) => interval::sum(a, b).map_or(Range::of_type(dtype), Range::Integer),
        (Range::Real(a, b), Range::Real(c, d)) => Range::Real(a + c, b + d),
        _ => Range::of_type(dtype),
    }
}

/// Adds the indices on whose values it depends what an expression is.
fn decides(within: &Within<'_>, scalar: &Scalar, found: &mut BTreeSet<Index>) {
    scalar.visit(&mut |node| match &node.kind {
        ScalarKind::Binary(function, ..) if function.is_comparison() && is_decided_by_indices(within, *function, node) => {
            found.extend(indices(node));
        }
        ScalarKind::Access(access) if let Some(places) = within.places(access.tensor) => {
            places.axes.iter().filter_map(|(axis, _)| access.subs.get(*axis)).for_each(|sub| found.extend(indices(&sub.value)));
        }
        _ => {}
    });
}

/// Whether a comparison reads no data, or whether something is before or after data of which more is known than their type.
fn is_decided_by_indices(within: &Within<'_>, function: BinaryFn, comparison: &Scalar) -> bool {
    let is_order = !matches!(function, BinaryFn::Eq | BinaryFn::Ne);
    let mut is = true;
    comparison.visit(&mut |node| {
        if let ScalarKind::Access(access) = &node.kind {
            is &= is_order && !access.prev && within.tensor(access.tensor, node.dtype) != Range::of_type(node.dtype);
        }
    });
    is
}

fn indices(scalar: &Scalar) -> BTreeSet<Index> {
    let mut found = BTreeSet::new();
    scalar.visit(&mut |node| {
        if let ScalarKind::Index(index) = node.kind {
            found.insert(index);
        }
    });
    found
}

/// An index at one of its values.
pub(super) type Placed = (Index, i128);

/// Indices with their ranges.
struct Loop {
    indices: Vec<(Index, i128, i128)>,
    count: u64,
}

impl Loop {
    /// None if a range is not known or empty.
    fn over<'i>(within: &Within<'_>, indices: impl Iterator<Item = &'i Index>) -> Option<Self> {
        let range = |index: &Index| {
            let (lo, hi) = within.module.indices[*index].literal_range()?;
            (lo < hi).then_some((*index, i128::from(lo), i128::from(hi)))
        };
        let indices = indices.map(range).collect::<Option<Vec<_>>>()?;
        let count = indices.iter().try_fold(1_u64, |n, (_, lo, hi)| n.checked_mul(u64::try_from(hi - lo).ok()?))?;
        Some(Self { indices, count })
    }

    /// Calls a function with every choice of values, behind those of other indices.
    fn each(&self, outer: &[Placed], f: &mut dyn FnMut(&[Placed])) {
        let mut at: Vec<Placed> = outer.iter().copied().chain(self.indices.iter().map(|&(index, lo, _)| (index, lo))).collect();
        for _ in 0..self.count {
            f(&at);
            for (n, &(_, lo, hi)) in self.indices.iter().enumerate().rev() {
                let value = &mut at[outer.len() + n].1;
                *value += 1;
                if *value < hi {
                    break;
                }
                *value = lo;
            }
        }
    }
}

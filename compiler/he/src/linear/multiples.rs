//! Which multiples of a unit the displacements of a progression are.
//!
//! An index that steps further than those before it reach leaves gaps: `i + 32 p`, both below 3, is 9 multiples in a range of 67.

use super::Progression;
use std::rc::Rc;

/// Multiples with gaps beyond which a range is taken to be without.
const MAX_MULTIPLES: usize = 1 << 6;

/// Multiples from the least on, which is 0 here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Multiples {
    /// So many, one after the other.
    All(i64),
    /// Some, in order.
    Some(Rc<[i64]>),
}

impl Multiples {
    /// Those that indices reach, each by its multiple and how many values it has; the progression is extended so far.
    pub(super) fn reached(progression: &mut Progression, steps: &mut [(i64, u64)], period: i64) -> Self {
        steps.sort_by_key(|(multiple, _)| multiple.abs());
        let mut has_gaps = false;
        for &(multiple, size) in &*steps {
            has_gaps |= multiple.abs() > progression.len();
            progression.add(multiple, size);
        }
        let whole = *progression;
        progression.wrap(period);
        let all = Multiples::All(progression.len());
        if !has_gaps {
            return all;
        }
        let Some(sums) = sums(steps) else { return all };
        let mut reached: Vec<i64> =
            sums.into_iter().map(|m| if whole == *progression { m } else { progression.reduce(m, period) }).collect();
        reached.iter_mut().for_each(|m| *m -= progression.lo);
        reached.sort_unstable();
        reached.dedup();
        if reached.first() == Some(&0) && (reached.len() as i64) < progression.len() { Multiples::Some(reached.into()) } else { all }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        match self {
            Multiples::All(length) => length.unsigned_abs(),
            Multiples::Some(reached) => reached.len() as u64,
        }
    }
}

/// All sums of one value of each index; none if they are many.
fn sums(steps: &[(i64, u64)]) -> Option<Vec<i64>> {
    let mut sums = vec![0];
    for &(multiple, size) in steps {
        let size = i64::try_from(size).ok()?;
        if sums.len().saturating_mul(usize::try_from(size).ok()?) > MAX_MULTIPLES {
            return None;
        }
        sums = sums.iter().flat_map(|sum| (0..size).map(move |n| sum + n * multiple)).collect();
        sums.sort_unstable();
        sums.dedup();
    }
    Some(sums)
}

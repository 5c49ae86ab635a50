//! Contractions of which only a band of positions takes part: triangles, and strips along a diagonal.
//!
//! Rows are gone through in panels. Of each panel the columns that some row of it needs are computed as one matrix product, so that what is
//! wholly outside of the band is never computed; an exact band takes the columns that all rows need, and what is left of the band in smaller panels,
//! down to single rows.

use super::Contraction;

/// Rows of the panels that what is left of a panel of an exact band is cut into, one after the other.
pub const EXACT_PANELS: [u64; 2] = [8, 1];

/// Which values of two labels of a contraction take part: `lo <= column - row <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Band {
    /// A label of one operand and the result.
    pub row: u16,
    /// A label that is contracted, or that of the result which the other operand has. Elements of such a result outside of the band are left
    /// as they are, and never read.
    pub column: u16,
    /// Least difference; from minus the extent of the rows to the extent of the columns.
    pub lo: i64,
    /// Greatest difference, likewise.
    pub hi: i64,
    /// Rows of a panel.
    pub panel: u64,
    /// Whether products outside of the band take no part. If not they are zeros, and computing some of them changes nothing.
    pub exact: bool,
}

impl Band {
    /// The columns that some row of `rows` needs, among so many.
    #[must_use]
    pub fn some(&self, rows: (i64, i64), columns: i64) -> (i64, i64) {
        part((rows.0.saturating_add(self.lo), rows.1.saturating_add(self.hi)), columns)
    }

    /// The columns that all rows of `rows` need, among so many.
    #[must_use]
    pub fn all(&self, rows: (i64, i64), columns: i64) -> (i64, i64) {
        part((rows.1.saturating_sub(1).saturating_add(self.lo), rows.0.saturating_add(self.hi).saturating_add(1)), columns)
    }
}

/// The part of a range that is inside of `0..length`, empty rather than negative.
fn part((lo, hi): (i64, i64), length: i64) -> (i64, i64) {
    let lo = lo.clamp(0, length);
    (lo, hi.clamp(lo, length))
}

/// Ranges of the sides of one matrix product.
type Box3 = [(i64, i64); 3];

impl Contraction {
    /// Whether a pair of values of the labels of a band takes part: always, unless a band says otherwise.
    #[must_use]
    pub fn is_in_bands(&self, value: &dyn Fn(u16) -> i64, exactly: bool) -> bool {
        let holds = |band: &Band| (band.lo..=band.hi).contains(&(value(band.column) - value(band.row)));
        self.bands.iter().filter(|band| !exactly || band.exact).all(holds)
    }

    /// Products that are added up for one value of each label that no band has.
    pub(super) fn volume_in_bands(&self) -> u64 {
        let mut n = 0u64;
        self.each_panel(&mut |_, volume| n = n.saturating_add(volume));
        n
    }

    /// Matrix products that the bands make of one.
    #[must_use]
    pub fn n_panels(&self) -> u64 {
        let mut n = 0;
        self.each_panel(&mut |_, _| n += 1);
        n.max(1)
    }

    /// Calls `f` with the rows and the number of products added up of each matrix product that is not empty: the fewest rows where two bands have
    /// some, and labels that no band has counted as one value. Without bands there is one product.
    pub fn each_panel(&self, f: &mut dyn FnMut(u64, u64)) {
        let classes = self.classify_modes();
        let label = |of: &[u16]| of.iter().copied().find(|l| self.bands.iter().any(|b| b.row == *l || b.column == *l));
        let labels = [label(&classes.free_lhs), label(&classes.free_rhs), label(&classes.contracted)];
        let whole = labels.map(|l| (0, l.map_or(1, |l| i64::try_from(self.extents[usize::from(l)]).unwrap_or(i64::MAX))));
        let side = |l: u16| labels.iter().position(|m| *m == Some(l)).unwrap_or(0);
        let panel = |s: usize| self.bands.iter().filter(|b| side(b.row) == s).map(|b| b.panel).min();
        let size = |(lo, hi): (i64, i64)| u64::try_from(hi - lo).unwrap_or(0);
        let f: &mut dyn FnMut(Box3) = &mut |sides| {
            let rows = self.bands.iter().map(|band| size(sides[side(band.row)])).min();
            f(rows.unwrap_or(1), sides.into_iter().map(size).product());
        };
        for rows in panels(whole[0], panel(0)) {
            for columns in panels(whole[1], panel(1)) {
                let mut sides = [rows, columns, whole[2]];
                for band in &self.bands {
                    let (row, column) = (side(band.row), side(band.column));
                    let (lo, hi) = band.some(sides[row], whole[column].1);
                    sides[column] = (sides[column].0.max(lo), sides[column].1.min(hi));
                }
                match self.bands.first().filter(|band| band.exact) {
                    Some(band) => exact_panels(band, sides, (side(band.row), side(band.column)), whole[2].1, f),
                    None if sides.iter().all(|(lo, hi)| lo < hi) => f(sides),
                    None => {}
                }
            }
        }
    }
}

/// A range in panels of so many; `None` is one panel.
fn panels((lo, hi): (i64, i64), panel: Option<u64>) -> impl Iterator<Item = (i64, i64)> {
    let step = panel.map_or(i64::MAX, |n| i64::try_from(n.max(1)).unwrap_or(i64::MAX));
    let n = if lo < hi { (hi - lo - 1) / step + 1 } else { 0 };
    (0..n).map(move |n| (lo + n * step, lo.saturating_add(n.saturating_add(1).saturating_mul(step)).min(hi)))
}

/// The products of a panel of an exact band: what all its rows need, then what is left, in smaller panels.
fn exact_panels(band: &Band, sides: Box3, (row, column): (usize, usize), columns: i64, f: &mut dyn FnMut(Box3)) {
    let mut emit = |rows: (i64, i64), part: (i64, i64)| {
        let mut sides = sides;
        (sides[row], sides[column]) = (rows, part);
        if sides.iter().all(|(lo, hi)| lo < hi) {
            f(sides);
        }
    };
    let inner = band.all(sides[row], columns);
    emit(sides[row], inner);
    let mut outer = vec![(sides[row], inner)];
    for panel in EXACT_PANELS {
        let mut next = Vec::new();
        for (rows, (lo, hi)) in outer {
            for rows in panels(rows, Some(panel)) {
                let (from, to) = band.all(rows, columns);
                emit(rows, (from, lo.min(to)));
                emit(rows, (hi.max(from), to));
                next.push((rows, (from, to)));
            }
        }
        outer = next;
    }
}

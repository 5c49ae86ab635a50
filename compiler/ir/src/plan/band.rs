//! Contractions of which only bands of positions take part: triangles, and strips along a line of any slope.
//!
//! Of the labels that bands have, one of each class may be a side of the matrix products ([`Contraction::banded_sides`]); the others are looped over, and
//! have one value in each product. Sides of which a band has the rows are gone through in panels. Of each panel the columns that some row of it needs are
//! computed as one matrix product, so that what is wholly outside of the band is never computed; an exact band takes the columns that all rows need, and
//! what is left of the band in smaller panels, down to single rows. Where neither label of a band is a side that may be cut, a product whose positions are all
//! outside is left out whole.

use super::Contraction;
use crate::extent::floor_div;

/// Rows of the panels that what is left of a panel of an exact band is cut into, one after the other.
pub const EXACT_PANELS: [u64; 2] = [8, 1];

/// Values, the end not included.
type Range = (i64, i64);

/// The sides of a matrix product: m, n, k.
const N_SIDES: usize = 3;
/// The side of sums: k.
pub const SUM: usize = 2;

/// What products outside of a band are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outside {
    /// Zero, as an operand is there: computing some of them changes nothing.
    Zero,
    /// No terms of the sum: none of them is computed.
    Absent,
    /// Parts of elements of the result that are never read: such elements may be left as they are.
    Unread,
}

/// Which values of labels of a contraction take part: `lo <= step * column - sum of slope * row <= hi`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Band {
    /// Labels that the sides of products, loops, or scans around go through, with their slopes, which are not 0: mostly one, or none.
    pub rows: Vec<(u16, i64)>,
    /// A label that is no row and has more than one value in a turn; that of sums if that one is a side.
    pub column: u16,
    /// The factor of the column: at least 1.
    pub step: i64,
    /// Least value; from one below the least that there is to one above the greatest.
    pub lo: i64,
    /// Greatest value, likewise.
    pub hi: i64,
    /// Rows of a panel, where the rows are a side.
    pub panel: u64,
    /// What products outside are.
    pub outside: Outside,
}

/// What a band cuts in a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A side to the columns that the rows need.
    Columns(usize),
    /// A side to nothing, if no row needs a column.
    All(usize),
}

impl Band {
    /// Whether products outside take no part.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.outside == Outside::Absent
    }

    /// Whether values of the labels are inside.
    #[must_use]
    pub fn holds(&self, value: &dyn Fn(u16) -> i64) -> bool {
        let product = |label: u16, factor: i64| i128::from(factor) * i128::from(value(label));
        let rows: i128 = self.rows.iter().map(|(row, slope)| product(*row, *slope)).sum();
        (i128::from(self.lo)..=i128::from(self.hi)).contains(&(product(self.column, self.step) - rows))
    }

    /// Its labels.
    pub fn labels(&self) -> impl Iterator<Item = u16> {
        self.rows.iter().map(|(row, _)| *row).chain([self.column])
    }

    /// The columns that some rows in their ranges need, among so many.
    #[must_use]
    pub fn some(&self, range_of: &dyn Fn(u16) -> Range, columns: i64) -> Range {
        let (least, most) = (self.extreme(range_of, false), self.extreme(range_of, true));
        part((self.edge(least, self.lo_edge()), self.edge(most, self.hi_edge())), columns)
    }

    /// The columns that all rows in their ranges need, among so many.
    #[must_use]
    pub fn all(&self, range_of: &dyn Fn(u16) -> Range, columns: i64) -> Range {
        let (least, most) = (self.extreme(range_of, false), self.extreme(range_of, true));
        part((self.edge(most, self.lo_edge()), self.edge(least, self.hi_edge())), columns)
    }

    /// What [`Band::edge`] adds for the first column.
    #[must_use]
    pub fn lo_edge(&self) -> i64 {
        self.lo.saturating_add(self.step - 1)
    }

    /// What [`Band::edge`] adds for the end of the columns.
    #[must_use]
    pub fn hi_edge(&self) -> i64 {
        self.hi.saturating_add(self.step)
    }

    /// The least or greatest sum of the rows with their slopes.
    fn extreme(&self, range_of: &dyn Fn(u16) -> Range, greatest: bool) -> i128 {
        let of_row = |(row, slope): &(u16, i64)| {
            let (from, to) = range_of(*row);
            i128::from(*slope) * i128::from(if (*slope > 0) == greatest { to.saturating_sub(1) } else { from })
        };
        self.rows.iter().map(of_row).sum()
    }

    /// `(rows + constant) / step`, rounded down.
    fn edge(&self, rows: i128, constant: i64) -> i64 {
        let value = floor_div(rows + i128::from(constant), i128::from(self.step));
        i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
    }

    /// Least and greatest values of `step * column - sum of slope * row` with labels so long; `None` where they are beyond what is computed with.
    #[must_use]
    pub fn values(&self, extent: &dyn Fn(u16) -> u64) -> Option<(i64, i64)> {
        let most = |factor: i64, label: u16| {
            let last = i64::try_from(extent(label)).ok()?.checked_sub(1)?;
            factor.checked_mul(last).filter(|n| n.unsigned_abs() < 1 << 58)
        };
        let mut ends = (0i64, most(self.step, self.column)?);
        for (row, slope) in self.rows.iter().take(MAX_ROWS) {
            let end = most(slope.checked_neg()?, *row)?;
            ends = (ends.0 + end.min(0), ends.1 + end.max(0));
        }
        (self.rows.len() <= MAX_ROWS).then_some(ends)
    }
}

/// Rows of a band.
const MAX_ROWS: usize = 7;

/// The part of a range that is inside of `0..length`, empty rather than negative.
fn part((lo, hi): Range, length: i64) -> Range {
    let lo = lo.clamp(0, length);
    (lo, hi.clamp(lo, length))
}

/// Ranges of the sides of one matrix product.
type Box3 = [Range; N_SIDES];

fn size((lo, hi): Range) -> u64 {
    u64::try_from(hi.saturating_sub(lo)).unwrap_or(0)
}

fn is_empty((lo, hi): Range) -> bool {
    lo >= hi
}

impl Contraction {
    /// Whether a pair of values of the labels of a band takes part: always, unless a band says otherwise.
    #[must_use]
    pub fn is_in_bands(&self, value: &dyn Fn(u16) -> i64, exactly: bool) -> bool {
        self.bands.iter().filter(|band| !exactly || band.is_exact()).all(|band| band.holds(value))
    }

    /// Whether a band has a label.
    #[must_use]
    pub fn is_banded(&self, label: u16) -> bool {
        self.bands.iter().any(|band| band.labels().any(|l| l == label))
    }

    /// The labels of bands that are sides m, n and k: of each class the longest, unless another label makes a better side. Other labels of bands
    /// are looped over.
    #[must_use]
    pub fn banded_sides(&self) -> [Option<u16>; N_SIDES] {
        let classes = self.classify_modes();
        let extent = |label: &u16| self.extents[usize::from(*label)];
        [&classes.free_lhs, &classes.free_rhs, &classes.contracted].map(|class| {
            let (banded, others): (Vec<u16>, Vec<u16>) = class.iter().partition(|label| self.is_banded(**label));
            let longest = banded.into_iter().max_by_key(|label| (extent(label), std::cmp::Reverse(*label)))?;
            // Beyond some hundreds longer sides gain nothing.
            let other = others.iter().map(extent).max().unwrap_or(0).min(256);
            (extent(&longest) >= other).then_some(longest)
        })
    }

    /// What a band cuts, if these are the sides.
    #[must_use]
    pub fn cut(&self, band: &Band, sides: &[Option<u16>; N_SIDES]) -> Cut {
        match (band.outside, sides.iter().position(|side| *side == Some(band.column))) {
            (Outside::Unread, Some(side)) if side != SUM => Cut::Columns(side),
            (Outside::Unread, _) => Cut::All(0),
            (_, Some(SUM)) => Cut::Columns(SUM),
            _ => Cut::All(SUM),
        }
    }

    /// The rows of the panels of m and n, where bands have some.
    #[must_use]
    pub fn panels(&self, sides: &[Option<u16>; N_SIDES]) -> [Option<u64>; 2] {
        [0, 1].map(|side| {
            let has_rows = |band: &&Band| {
                let is_cut = self.cut(band, sides) == Cut::Columns(side);
                band.labels().any(|label| sides[side] == Some(label)) && !(is_cut && sides[side] == Some(band.column))
            };
            self.bands.iter().filter(has_rows).map(|band| band.panel).min().filter(|_| sides[side].is_some())
        })
    }

    /// Labels of bands that are no sides, in order: those of turns as well.
    #[must_use]
    pub fn looped(&self, sides: &[Option<u16>; N_SIDES]) -> Vec<u16> {
        (0..self.extents.len() as u16).filter(|l| self.is_banded(*l) && !sides.contains(&Some(*l))).collect()
    }

    /// Turns of the scans that bands have labels of.
    fn n_turns(&self) -> u64 {
        self.turns.iter().filter(|(label, _)| self.is_banded(*label)).map(|(label, _)| self.extents[usize::from(*label)].max(1)).product()
    }

    /// Products that are added up for one value of each label that no band has: in a turn as many as on average, rounded up.
    pub(super) fn volume_in_bands(&self) -> u64 {
        let mut n = 0u64;
        self.each_panel(&mut |_, volume| n = n.saturating_add(volume));
        n.div_ceil(self.n_turns())
    }

    /// Matrix products that the bands make of one, likewise.
    #[must_use]
    pub fn n_panels(&self) -> u64 {
        let mut n = 0u64;
        self.each_panel(&mut |_, _| n += 1);
        n.div_ceil(self.n_turns()).max(1)
    }

    /// Calls `f` with the rows and the number of products added up of each matrix product that is not empty, in any turn: the fewest rows of the panels
    /// that it is of, and labels that no band has counted as one value. Without bands there is one product.
    pub fn each_panel(&self, f: &mut dyn FnMut(u64, u64)) {
        let sides = self.banded_sides();
        let panels_of = self.panels(&sides);
        let f: &mut dyn FnMut(Box3) = &mut |of: Box3| {
            let rows = [0, 1].into_iter().filter(|side| panels_of[*side].is_some()).map(|side| size(of[side])).min();
            f(rows.unwrap_or(u64::MAX), of.into_iter().map(size).product());
        };
        let looped = self.looped(&sides);
        let mut at = vec![0; looped.len()];
        loop {
            self.each_of_loops(&sides, (&looped, &at), f);
            let Some(next) = (0..at.len()).rev().find(|n| at[*n] + 1 < self.length(looped[*n])) else { return };
            at[next] += 1;
            at[next + 1..].fill(0);
        }
    }

    /// The extent of a label.
    #[must_use]
    pub fn length(&self, label: u16) -> i64 {
        i64::try_from(self.extents[usize::from(label)]).unwrap_or(i64::MAX)
    }

    /// The products of one value of each looped label.
    fn each_of_loops(&self, sides: &[Option<u16>; N_SIDES], (looped, at): (&[u16], &[i64]), f: &mut dyn FnMut(Box3)) {
        let whole = sides.map(|l| (0, l.map_or(1, |l| self.length(l))));
        let range_of = |of: &Box3, label: u16| match looped.iter().position(|l| *l == label) {
            Some(n) => (at[n], at[n] + 1),
            None => of[sides.iter().position(|side| *side == Some(label)).unwrap_or(0)],
        };
        let [of_m, of_n] = self.panels(sides);
        for rows in panels(whole[0], of_m) {
            for columns in panels(whole[1], of_n) {
                let mut of = [rows, columns, whole[SUM]];
                for band in &self.bands {
                    let (lo, hi) = band.some(&|row| range_of(&of, row), self.length(band.column));
                    let own = range_of(&of, band.column);
                    let both = (own.0.max(lo), own.1.min(hi));
                    match self.cut(band, sides) {
                        Cut::Columns(side) => of[side] = both,
                        Cut::All(side) if is_empty(both) => of[side] = (0, 0),
                        Cut::All(_) => {}
                    }
                }
                let exact = self.bands.first().filter(|band| band.is_exact());
                match exact.and_then(|band| Some((band, row_side(band, sides)?))) {
                    Some((band, side)) => {
                        let columns = |rows: Range| {
                            let rows_of = |row| if sides[side] == Some(row) { rows } else { range_of(&of, row) };
                            band.all(&rows_of, whole[SUM].1)
                        };
                        exact_panels(of, side, &columns, f);
                    }
                    None if !of.into_iter().any(is_empty) => f(of),
                    None => {}
                }
            }
        }
    }
}

/// A range in panels of so many; `None` is one panel.
fn panels((lo, hi): Range, panel: Option<u64>) -> impl Iterator<Item = Range> {
    let step = panel.map_or(i64::MAX, |n| i64::try_from(n.max(1)).unwrap_or(i64::MAX));
    let n = if lo < hi { (hi - lo - 1) / step + 1 } else { 0 };
    (0..n).map(move |n| (lo + n * step, lo.saturating_add(n.saturating_add(1).saturating_mul(step)).min(hi)))
}

/// The side that a row of a band is.
#[must_use]
pub fn row_side(band: &Band, sides: &[Option<u16>; N_SIDES]) -> Option<usize> {
    sides.iter().position(|side| side.is_some_and(|side| band.rows.iter().any(|(row, _)| *row == side)))
}

/// The products of a panel of an exact band: over the columns that all its rows need, then what is left, in smaller panels.
fn exact_panels(sides: Box3, row: usize, columns: &dyn Fn(Range) -> Range, f: &mut dyn FnMut(Box3)) {
    let mut emit = |rows: Range, part: Range| {
        let mut sides = sides;
        (sides[row], sides[SUM]) = (rows, part);
        if !sides.into_iter().any(is_empty) {
            f(sides);
        }
    };
    let inner = columns(sides[row]);
    emit(sides[row], inner);
    let mut outer = vec![(sides[row], inner)];
    for panel in EXACT_PANELS {
        let mut next = Vec::new();
        for (rows, (lo, hi)) in outer {
            for rows in panels(rows, Some(panel)) {
                let (from, to) = columns(rows);
                emit(rows, (from, lo.min(to)));
                emit(rows, (hi.max(from), to));
                next.push((rows, (from, to)));
            }
        }
        outer = next;
    }
}

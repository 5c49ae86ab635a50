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

/// Which values of two labels of a contraction take part: `lo <= step * column - slope * row <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Band {
    /// A label that the sides of products, or loops around them, go through.
    pub row: u16,
    /// Another one; that of sums if it has one that is a side.
    pub column: u16,
    /// The factor of the row: not 0.
    pub slope: i64,
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

    /// Whether values of the row and the column are inside.
    #[must_use]
    pub fn holds(&self, row: i64, column: i64) -> bool {
        let value = i128::from(self.step) * i128::from(column) - i128::from(self.slope) * i128::from(row);
        (i128::from(self.lo)..=i128::from(self.hi)).contains(&value)
    }

    /// The columns that some row of `rows` needs, among so many.
    #[must_use]
    pub fn some(&self, rows: (i64, i64), columns: i64) -> (i64, i64) {
        let (first, last) = self.ends(rows);
        part((self.edge(first, self.lo_edge()), self.edge(last, self.hi_edge())), columns)
    }

    /// The columns that all rows of `rows` need, among so many.
    #[must_use]
    pub fn all(&self, rows: (i64, i64), columns: i64) -> (i64, i64) {
        let (first, last) = self.ends(rows);
        part((self.edge(last, self.lo_edge()), self.edge(first, self.hi_edge())), columns)
    }

    /// With what [`Band::edge`] gives the first column.
    #[must_use]
    pub fn lo_edge(&self) -> i64 {
        self.lo.saturating_add(self.step - 1)
    }

    /// With what [`Band::edge`] gives the end of the columns.
    #[must_use]
    pub fn hi_edge(&self) -> i64 {
        self.hi.saturating_add(self.step)
    }

    /// The rows of a range that have the least and the greatest columns.
    fn ends(&self, (from, to): (i64, i64)) -> (i64, i64) {
        if self.slope > 0 { (from, to.saturating_sub(1)) } else { (to.saturating_sub(1), from) }
    }

    /// `(slope * row + constant) / step`, rounded down.
    fn edge(&self, row: i64, constant: i64) -> i64 {
        let value = floor_div(i128::from(self.slope) * i128::from(row) + i128::from(constant), i128::from(self.step));
        i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
    }

    /// Least and greatest values of `step * column - slope * row` with so many rows and columns; `None` where they are beyond what is computed with.
    #[must_use]
    pub fn values(&self, rows: u64, columns: u64) -> Option<(i64, i64)> {
        let most = |factor: i64, n: u64| factor.checked_mul(i64::try_from(n).ok()?.checked_sub(1)?).filter(|n| n.unsigned_abs() < 1 << 61);
        let (row, column) = (most(self.slope.checked_neg()?, rows)?, most(self.step, columns)?);
        Some((row.min(0), row.max(0) + column))
    }
}

/// The part of a range that is inside of `0..length`, empty rather than negative.
fn part((lo, hi): (i64, i64), length: i64) -> (i64, i64) {
    let lo = lo.clamp(0, length);
    (lo, hi.clamp(lo, length))
}

type Range = (i64, i64);
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
        self.bands.iter().filter(|band| !exactly || band.is_exact()).all(|band| band.holds(value(band.row), value(band.column)))
    }

    /// Whether a band has a label.
    #[must_use]
    pub fn is_banded(&self, label: u16) -> bool {
        self.bands.iter().any(|band| band.row == label || band.column == label)
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
                [band.row, band.column].map(Some).contains(&sides[side]) && !(is_cut && sides[side] == Some(band.column))
            };
            self.bands.iter().filter(has_rows).map(|band| band.panel).min().filter(|_| sides[side].is_some())
        })
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

    /// Calls `f` with the rows and the number of products added up of each matrix product that is not empty: the fewest rows of the panels that it is of,
    /// and labels that no band has counted as one value. Without bands there is one product.
    pub fn each_panel(&self, f: &mut dyn FnMut(u64, u64)) {
        let sides = self.banded_sides();
        let panels_of = self.panels(&sides);
        let f: &mut dyn FnMut(Box3) = &mut |of: Box3| {
            let rows = [0, 1].into_iter().filter(|side| panels_of[*side].is_some()).map(|side| size(of[side])).min();
            f(rows.unwrap_or(u64::MAX), of.into_iter().map(size).product());
        };
        let looped: Vec<u16> = (0..self.extents.len() as u16).filter(|l| self.is_banded(*l) && !sides.contains(&Some(*l))).collect();
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
                    let (lo, hi) = band.some(range_of(&of, band.row), self.length(band.column));
                    let own = range_of(&of, band.column);
                    let both = (own.0.max(lo), own.1.min(hi));
                    match self.cut(band, sides) {
                        Cut::Columns(side) => of[side] = both,
                        Cut::All(side) if is_empty(both) => of[side] = (0, 0),
                        Cut::All(_) => {}
                    }
                }
                let exact = self.bands.first().filter(|band| band.is_exact());
                match exact.and_then(|band| Some((band, sides.iter().position(|side| *side == Some(band.row))?))) {
                    Some((band, row)) => exact_panels(band, of, row, whole[SUM].1, f),
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

/// The products of a panel of an exact band: what all its rows need, then what is left, in smaller panels.
fn exact_panels(band: &Band, sides: Box3, row: usize, columns: i64, f: &mut dyn FnMut(Box3)) {
    let mut emit = |rows: Range, part: Range| {
        let mut sides = sides;
        (sides[row], sides[SUM]) = (rows, part);
        if !sides.into_iter().any(is_empty) {
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

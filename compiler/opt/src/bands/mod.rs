//! Matrix products of which only a band of positions is needed: what is wholly outside of it is never computed.
//!
//! A triangle is a band that is open on one side. One is found where
//!
//! * an operand is zero outside, because the program says so ([`find`]),
//! * whoever reads the result reads nothing outside ([`find`], and [`sums`] for results with a domain),
//! * a sum has a guard of one index of the result and one that is summed ([`sums`]): it becomes a product with an exact band.
//!
//! How many rows a panel has, and whether the band is worth it at all, the cost model decides: see [`narrow`].

mod find;
mod sums;

pub(crate) use find::find;
pub(crate) use sums::{drop_domains, to_products};

use crate::guards::Claim;
use crate::machine::Machine;
use crate::{cost, predict};
use ein_ir::dtype::DType;
use ein_ir::entity::Index;
use ein_ir::plan::Contraction;
use ein_ir::plan::band::Band;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Literal, Scalar};
use ein_ir::span::Span;

/// Rows of panels that are tried: multiples of the tiles of all micro-kernels.
const PANELS: [u64; 4] = [32, 64, 128, 256];
/// Panels of one label: planning looks at each of them.
const MAX_PANELS: u64 = 512;

/// Differences of two positions: `lo <= second - first <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strip {
    pub(crate) lo: i64,
    pub(crate) hi: i64,
}

/// A strip of two axes of a value.
pub(crate) type AxisStrip = ((usize, usize), Strip);

impl Strip {
    /// All differences.
    pub(crate) const ALL: Self = Self { lo: i64::MIN, hi: i64::MAX };

    /// What a claim says of two indices; all differences if nothing.
    pub(crate) fn of(claim: &Claim, first: Index, second: Index) -> Self {
        match *claim {
            Claim::Equal(a, b) if (a, b) == (first, second) || (b, a) == (first, second) => Self { lo: 0, hi: 0 },
            Claim::Below { first: (a, x), second: (b, y), constant } if x.checked_add(y) == Some(0) && x.abs() == 1 => {
                // `x * (a - b) + constant <= 0`.
                let at_most = match () {
                    () if (a, b) == (first, second) => x == -1,
                    () if (b, a) == (first, second) => x == 1,
                    () => return Self::ALL,
                };
                if at_most { Self { hi: constant.saturating_neg(), ..Self::ALL } } else { Self { lo: constant, ..Self::ALL } }
            }
            _ => Self::ALL,
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self { lo: self.lo.max(other.lo), hi: self.hi.min(other.hi) }
    }

    /// The least strip that holds both.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// That two indices are in the strip, one condition for each end that it has.
    fn conditions(self, first: Index, second: Index, span: Span) -> impl Iterator<Item = Scalar> {
        let bound = |n: i64, op: BinaryFn| {
            let n = Scalar::literal(Literal::Int(n.into()), DType::I64, span);
            let moved = Scalar::binary(BinaryFn::Add, Scalar::index(first, span), n, DType::I64, span);
            Scalar::binary(op, Scalar::index(second, span), moved, DType::Bool, span)
        };
        let lo = (self.lo != i64::MIN).then(|| bound(self.lo, BinaryFn::Ge));
        let hi = (self.hi != i64::MAX).then(|| bound(self.hi, BinaryFn::Le));
        lo.into_iter().chain(hi)
    }

    pub(crate) fn reversed(self) -> Self {
        Self { lo: self.hi.saturating_neg(), hi: self.lo.saturating_neg() }
    }
}

/// A strip of two labels of a contraction, the second contracted unless both are free.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) labels: (u16, u16),
    pub(crate) strip: Strip,
    pub(crate) exact: bool,
}

/// Gives a contraction the bands that candidates say, in panels of the length that takes least time; none if that takes no less than without.
pub(crate) fn narrow(contraction: &mut Contraction, candidates: &[Candidate], machine: &Machine) {
    let bands = bands(contraction, candidates);
    if bands.is_empty() {
        return;
    }
    let time = |c: &Contraction| predict::product_time(machine, c, cost::contraction_flops(c) as f64);
    let mut best = (time(contraction), Vec::new());
    for panel in PANELS {
        let panelled: Vec<Band> = bands.iter().map(|band| Band { panel, ..*band }).collect();
        let is_few = |band: &Band| contraction.extents[usize::from(band.row)].div_ceil(panel) <= MAX_PANELS;
        if panelled.iter().all(is_few) {
            let tried = Contraction { bands: panelled, ..contraction.clone() };
            let time = time(&tried);
            // Of an exact one there is no contraction without it.
            if time < best.0 || (best.1.is_empty() && tried.bands[0].exact) {
                best = (time, tried.bands);
            }
        }
    }
    contraction.bands = best.1;
}

/// The bands of candidates, panels aside: those that leave something out, each class of labels with one label.
fn bands(contraction: &Contraction, candidates: &[Candidate]) -> Vec<Band> {
    let classes = contraction.classify_modes();
    let sides = [&classes.free_lhs, &classes.free_rhs, &classes.contracted];
    let extent = |label: u16| i64::try_from(contraction.extents[usize::from(label)]).unwrap_or(i64::MAX);
    if contraction.extents.contains(&0) {
        return Vec::new();
    }
    let mut own: [Option<u16>; 3] = [None; 3];
    let mut bands: Vec<Band> = Vec::new();
    for Candidate { labels: (row, column), strip, exact } in candidates {
        let class = |label: &u16| sides.iter().position(|side| side.contains(label));
        let (Some(first), Some(second)) = (class(row), class(column)) else { continue };
        let (rows, columns) = (extent(*row), extent(*column));
        let leaves_out = strip.lo > 1 - rows || strip.hi < columns - 1;
        let is_new = |side: usize, label: u16| own[side].is_none_or(|l| l == label);
        if first == second || !(leaves_out || *exact) || rows < 2 || columns < 2 || !is_new(first, *row) || !is_new(second, *column) {
            continue;
        }
        (own[first], own[second]) = (Some(*row), Some(*column));
        let (lo, hi) = (strip.lo.clamp(-rows, columns), strip.hi.clamp(-rows, columns));
        match bands.iter_mut().find(|band| (band.row, band.column) == (*row, *column)) {
            Some(band) => (band.lo, band.hi) = (band.lo.max(lo), band.hi.min(hi)),
            None => bands.push(Band { row: *row, column: *column, lo, hi, panel: 1, exact: *exact }),
        }
    }
    bands
}

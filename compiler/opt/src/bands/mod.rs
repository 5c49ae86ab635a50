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
use crate::predict;
use ein_ir::dtype::DType;
use ein_ir::entity::Index;
use ein_ir::extent::gcd;
use ein_ir::plan::band::{Band, Cut, Outside};
use ein_ir::plan::{Contraction, Strategy};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Literal, Scalar};
use ein_ir::span::Span;

/// Rows of panels that are tried: multiples of the tiles of all micro-kernels.
const PANELS: [u64; 4] = [32, 64, 128, 256];
/// Products of one contraction: planning looks at each of them.
const MAX_PRODUCTS: u64 = 4096;
/// Rows of loops with conditions, likewise.
const MAX_ROWS: u64 = 1 << 16;
/// Bands of one contraction.
const MAX_BANDS: usize = 8;

/// Positions on two axes between two parallel lines: `lo <= step * second - slope * first <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strip {
    /// `slope` and `step`, without a common divisor, the step above 0.
    line: (i64, i64),
    pub(crate) lo: i64,
    pub(crate) hi: i64,
}

impl Strip {
    /// What `factor * first + factor * second + constant <= 0` is.
    fn below((x, y): (i64, i64), constant: i64) -> Option<Self> {
        let divisor = i64::try_from(gcd(x.unsigned_abs(), y.unsigned_abs())).ok().filter(|_| x != 0 && y != 0)?;
        let (x, y) = (x / divisor, y / divisor);
        // `x * first + y * second <= most`.
        let most = constant.checked_neg()?.div_euclid(divisor);
        Some(match y > 0 {
            true => Self { line: (x.checked_neg()?, y), lo: i64::MIN, hi: most },
            false => Self { line: (x, y.checked_neg()?), lo: most.checked_neg()?, hi: i64::MAX },
        })
    }

    /// The strip with the axes in the other order.
    pub(crate) fn reversed(self) -> Self {
        let (slope, step) = self.line;
        match slope > 0 {
            true => Self { line: (step, slope), lo: opposite(self.hi), hi: opposite(self.lo) },
            false => Self { line: (-step, -slope), ..self },
        }
    }

    /// That two indices are in the strip, one condition for each end that it has.
    fn conditions(self, first: Index, second: Index, span: Span) -> impl Iterator<Item = Scalar> {
        let int = |n: i64| Scalar::literal(Literal::Int(n.into()), DType::I64, span);
        let scaled = move |index: Index, factor: i64| match factor {
            1 => Scalar::index(index, span),
            _ => Scalar::binary(BinaryFn::Mul, int(factor), Scalar::index(index, span), DType::I64, span),
        };
        let bound = move |n: i64, op: BinaryFn| {
            let moved = Scalar::binary(BinaryFn::Add, scaled(first, self.line.0), int(n), DType::I64, span);
            Scalar::binary(op, scaled(second, self.line.1), moved, DType::Bool, span)
        };
        let lo = (self.lo != i64::MIN).then(|| bound(self.lo, BinaryFn::Ge));
        let hi = (self.hi != i64::MAX).then(|| bound(self.hi, BinaryFn::Le));
        lo.into_iter().chain(hi)
    }
}

/// The end of a strip on the other side; one that is open stays so.
fn opposite(end: i64) -> i64 {
    if end == i64::MAX { i64::MIN } else { end.saturating_neg() }
}

/// The positions on two axes that are in all of some strips, one for each line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strips(Vec<Strip>);

impl Strips {
    /// What a claim says of two indices; nothing leaves all positions.
    pub(crate) fn of(claim: &Claim, first: Index, second: Index) -> Self {
        let strip = match *claim {
            Claim::Equal(a, b) if (a, b) == (first, second) || (b, a) == (first, second) => Some(Strip { line: (1, 1), lo: 0, hi: 0 }),
            Claim::Below { first: (a, x), second: (b, y), constant } if (a, b) == (first, second) => Strip::below((x, y), constant),
            Claim::Below { first: (a, x), second: (b, y), constant } if (b, a) == (first, second) => Strip::below((y, x), constant),
            _ => None,
        };
        Self(strip.into_iter().collect())
    }

    /// Whether these are all positions.
    pub(crate) fn are_all(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Strip> {
        self.0.iter().copied()
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        for strip in other.0 {
            match self.0.iter_mut().find(|own| own.line == strip.line) {
                Some(own) => (own.lo, own.hi) = (own.lo.max(strip.lo), own.hi.min(strip.hi)),
                None => self.0.push(strip),
            }
        }
        self.0.sort_by_key(|strip| strip.line);
        self
    }

    /// The least strips that hold both.
    pub(crate) fn or(mut self, other: &Self) -> Self {
        self.0.retain_mut(|own| {
            other.0.iter().find(|strip| strip.line == own.line).is_some_and(|strip| {
                (own.lo, own.hi) = (own.lo.min(strip.lo), own.hi.max(strip.hi));
                (own.lo, own.hi) != (i64::MIN, i64::MAX)
            })
        });
        self
    }
}

/// A strip of two axes of a value.
pub(crate) type AxisStrip = ((usize, usize), Strip);

/// A strip of two labels of a contraction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) labels: (u16, u16),
    pub(crate) strip: Strip,
    pub(crate) outside: Outside,
}

/// Gives a contraction the bands that candidates say, in panels of the length that takes least time; none if that takes no less than without.
pub(crate) fn narrow(contraction: &mut Contraction, candidates: &[Candidate], machine: &Machine) {
    let bands = bands(contraction, candidates);
    if bands.is_empty() {
        return;
    }
    let time = |c: &Contraction| predict::contraction_time(machine, c);
    // Loops with conditions are not as simple as those without; they go through rows one by one.
    let (panels, lost, most) = match contraction.strategy {
        Strategy::Nest => (&[1][..], machine.step as f64, MAX_ROWS),
        _ => (&PANELS[..], 0.0, MAX_PRODUCTS),
    };
    let mut best = (time(contraction) - lost, Vec::new());
    for &panel in panels {
        let tried = Contraction { bands: bands.iter().map(|band| Band { panel, ..*band }).collect(), ..contraction.clone() };
        if n_products(&tried) <= most {
            let time = time(&tried);
            // Of an exact one there is no contraction without it.
            if time < best.0 || (best.1.is_empty() && tried.bands[0].is_exact()) {
                best = (time, tried.bands);
            }
        }
    }
    contraction.bands = best.1;
}

/// Products that bands make of one, those included that turn out empty.
fn n_products(contraction: &Contraction) -> u64 {
    let sides = contraction.banded_sides();
    let extent = |label: u16| contraction.extents[usize::from(label)];
    let looped = (0..contraction.extents.len() as u16).filter(|l| contraction.is_banded(*l) && !sides.contains(&Some(*l))).map(extent);
    let panels = contraction.panels(&sides).into_iter().zip(sides).filter_map(|(panel, side)| Some(extent(side?).div_ceil(panel?)));
    looped.chain(panels).fold(1, u64::saturating_mul)
}

/// The bands of candidates, panels aside: those that leave something out.
fn bands(contraction: &Contraction, candidates: &[Candidate]) -> Vec<Band> {
    let classes = contraction.classify_modes();
    if contraction.extents.contains(&0) {
        return Vec::new();
    }
    let iterated = [&classes.batch, &classes.free_lhs, &classes.free_rhs, &classes.contracted];
    let extent = |label: u16| contraction.extents[usize::from(label)];
    let has_sides = |label: u16| extent(label) > 1 && iterated.iter().any(|class| class.contains(&label));
    let mut bands: Vec<Band> = Vec::new();
    for Candidate { labels: (row, column), strip, outside } in candidates {
        let (row, column, (slope, step)) = (*row, *column, strip.line);
        let band = Band { row, column, slope, step, lo: strip.lo, hi: strip.hi, panel: 1, outside: *outside };
        if row == column || !has_sides(row) || !has_sides(column) {
            continue;
        }
        let Some((least, most)) = band.values(extent(row), extent(column)) else { continue };
        if !(band.is_exact() || band.lo > least || band.hi < most) {
            continue;
        }
        let band = Band { lo: band.lo.clamp(least - 1, most + 1), hi: band.hi.clamp(least - 1, most + 1), ..band };
        let line = |band: &Band| (band.row, band.column, band.slope, band.step, band.outside);
        match bands.iter_mut().find(|other| line(other) == line(&band)) {
            Some(other) => (other.lo, other.hi) = (other.lo.max(band.lo), other.hi.min(band.hi)),
            None => bands.push(band),
        }
    }
    bands.truncate(MAX_BANDS);
    turned(contraction, bands)
}

/// The bands with the label as the column that is a side to be cut; none if an exact one has no such side.
fn turned(contraction: &Contraction, bands: Vec<Band>) -> Vec<Band> {
    let tried = Contraction { bands, ..contraction.clone() };
    let sides = tried.banded_sides();
    let is_cut = |band: &Band| matches!(tried.cut(band, &sides), Cut::Columns(_));
    let turn = |band: &Band| {
        let reversed = reversed(band);
        if !is_cut(band) && is_cut(&reversed) { reversed } else { *band }
    };
    let bands: Vec<Band> = tried.bands.iter().map(turn).collect();
    if bands.iter().any(|band| band.is_exact() && !is_cut(band)) { Vec::new() } else { bands }
}

fn reversed(band: &Band) -> Band {
    let strip = Strip { line: (band.slope, band.step), lo: band.lo, hi: band.hi }.reversed();
    Band { row: band.column, column: band.row, slope: strip.line.0, step: strip.line.1, lo: strip.lo, hi: strip.hi, ..*band }
}

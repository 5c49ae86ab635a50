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
mod strip;
mod sums;
mod zeros;

pub(crate) use find::find;
pub(crate) use strip::{AxisStrip, Place, Strip, Strips};
pub(crate) use sums::{drop_domains, to_products};

use crate::machine::Machine;
use crate::predict;
use ein_ir::entity::Index;
use ein_ir::plan::band::{Band, Cut, Outside, SUM};
use ein_ir::plan::{Contraction, Strategy};
use strip::opposite;

/// Rows of panels that are tried: multiples of the tiles of all micro-kernels.
const PANELS: [u64; 4] = [32, 64, 128, 256];
/// Products of one contraction: planning looks at each of them.
const MAX_PRODUCTS: u64 = 4096;
/// Rows of loops with conditions, likewise.
const MAX_ROWS: u64 = 1 << 16;
/// Bands of one contraction.
const MAX_BANDS: usize = 8;

/// A strip of labels of a contraction.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) strip: Strip<u16>,
    pub(crate) outside: Outside,
}

/// Gives a contraction the bands that candidates say, in panels of the length that takes least time; none if that takes no less than without.
pub(crate) fn narrow(contraction: &mut Contraction, candidates: &[Candidate], machine: &Machine) {
    let Some(mut banded) = with_few_bands(contraction, candidates) else { return };
    let time = |c: &Contraction| predict::contraction_time(machine, c);
    // Loops with conditions are not as simple as those without; they go through rows one by one.
    let (panels, most) = panels(contraction);
    let lost = if contraction.strategy == Strategy::Nest { machine.step as f64 } else { 0.0 };
    let (mut least, mut best) = (time(contraction) - lost, None);
    for &panel in panels {
        banded.bands.iter_mut().for_each(|band| band.panel = panel);
        if n_products(&banded) <= most {
            let time = time(&banded);
            // Of an exact one there is no contraction without it.
            if time < least || (best.is_none() && banded.bands[0].is_exact()) {
                (least, best) = (time, Some(panel));
            }
        }
    }
    if let Some(panel) = best {
        banded.bands.iter_mut().for_each(|band| band.panel = panel);
        *contraction = banded;
    }
}

/// Panels that are tried, and how many products there may be.
fn panels(contraction: &Contraction) -> (&'static [u64], u64) {
    match contraction.strategy {
        Strategy::Nest => (&[1], MAX_ROWS),
        _ => (&PANELS, MAX_PRODUCTS),
    }
}

/// The contraction with the bands of candidates, but for those that make too many products.
fn with_few_bands(contraction: &Contraction, candidates: &[Candidate]) -> Option<Contraction> {
    let mut candidates = merged(candidates);
    let (panels, most) = panels(contraction);
    loop {
        let mut banded = with_bands(contraction, &candidates)?;
        banded.bands.iter_mut().for_each(|band| band.panel = panels[panels.len() - 1]);
        if n_products(&banded) <= most {
            return Some(banded);
        }
        let without = |n: usize| {
            let others: Vec<Candidate> = candidates.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, c)| c.clone()).collect();
            let mut banded = with_bands(contraction, &others)?;
            banded.bands.iter_mut().for_each(|band| band.panel = panels[panels.len() - 1]);
            Some((n_products(&banded), n))
        };
        let (_, dropped) = (0..candidates.len()).filter_map(without).min()?;
        candidates.remove(dropped);
    }
}

/// Products that bands make of one, those included that turn out empty.
fn n_products(contraction: &Contraction) -> u64 {
    let sides = contraction.banded_sides();
    let extent = |label: u16| contraction.extents[usize::from(label)];
    let panels = contraction.panels(&sides).into_iter().zip(sides).filter_map(|(panel, side)| Some(extent(side?).div_ceil(panel?)));
    contraction.looped(&sides).into_iter().map(extent).chain(panels).fold(1, u64::saturating_mul)
}

/// The contraction with the bands of candidates that leave something out, panels aside; `None` if there are none.
fn with_bands(contraction: &Contraction, candidates: &[Candidate]) -> Option<Contraction> {
    if contraction.extents.contains(&0) {
        return None;
    }
    let mut banded = contraction.clone();
    for Candidate { strip, outside } in candidates {
        let before = (banded.extents.len(), banded.turns.len());
        let found = band(&mut banded, strip, *outside);
        let known = found.as_ref().and_then(|found| banded.bands.iter().position(|other| is_parallel(other, found)));
        match (known, found) {
            (Some(n), Some(band)) => {
                let known = &mut banded.bands[n];
                (known.lo, known.hi) = (known.lo.max(band.lo), known.hi.min(band.hi));
            }
            (None, Some(band)) if banded.bands.len() < MAX_BANDS => banded.bands.push(band),
            _ => {
                banded.extents.truncate(before.0);
                banded.turns.truncate(before.1);
            }
        }
    }
    let sides = banded.banded_sides();
    banded.bands = banded.bands.iter().map(|band| with_cut_column(&banded, band, &sides)).collect();
    let cuts_sums = |band: &Band| banded.cut(band, &sides) == Cut::Columns(SUM);
    let n_sides = |band: &Band| band.rows.iter().filter(|(row, _)| sides.contains(&Some(*row))).count();
    let is_possible = |band: &Band| !band.is_exact() || (cuts_sums(band) && n_sides(band) <= 1);
    (!banded.bands.is_empty() && banded.bands.iter().all(is_possible)).then_some(banded)
}

/// Whether two bands differ in their ends alone.
fn is_parallel(a: &Band, b: &Band) -> bool {
    (&a.rows, a.column, a.step, a.outside) == (&b.rows, b.column, b.step, b.outside)
}

/// Candidates of which each is about other sums of labels.
fn merged(candidates: &[Candidate]) -> Vec<Candidate> {
    let mut out: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        match out.iter_mut().find(|other| (&other.strip.terms, other.outside) == (&candidate.strip.terms, candidate.outside)) {
            Some(other) => {
                other.strip.lo = other.strip.lo.max(candidate.strip.lo);
                other.strip.hi = other.strip.hi.min(candidate.strip.hi);
            }
            None => out.push(candidate.clone()),
        }
    }
    out
}

/// The band of a strip, if that leaves something out. Turns become labels.
fn band(contraction: &mut Contraction, strip: &Strip<u16>, outside: Outside) -> Option<Band> {
    let classes = contraction.classify_modes();
    let is_iterated =
        |label: u16| [&classes.batch, &classes.free_lhs, &classes.free_rhs, &classes.contracted].iter().any(|c| c.contains(&label));
    let mut terms: Vec<(u16, i64)> = Vec::new();
    for (place, factor) in &strip.terms {
        match *place {
            Place::At(label) if !is_iterated(label) => return None,
            // A label of one value, which is 0.
            Place::At(label) if contraction.extents[usize::from(label)] == 1 => {}
            Place::At(label) => terms.push((label, *factor)),
            Place::Turn(_, 0) => return None,
            Place::Turn(_, 1) => {}
            Place::Turn(index, extent) => terms.push((turn_label(contraction, index, extent)?, *factor)),
        }
    }
    let column = terms.iter().rposition(|(label, _)| contraction.turn_of(*label).is_none())?;
    let band = with_column(&terms, column, (strip.lo, strip.hi), outside);
    let (least, most) = band.values(&|label| contraction.extents[usize::from(label)])?;
    let leaves_out = band.lo > least || band.hi < most;
    (leaves_out || band.is_exact()).then(|| Band { lo: band.lo.clamp(least - 1, most + 1), hi: band.hi.clamp(least - 1, most + 1), ..band })
}

/// The label of the turn of a recurrence around.
fn turn_label(contraction: &mut Contraction, index: Index, extent: u64) -> Option<u16> {
    if let Some((label, _)) = contraction.turns.iter().find(|(_, of)| *of == index) {
        return Some(*label);
    }
    let label = u16::try_from(contraction.extents.len()).ok()?;
    contraction.extents.push(extent);
    contraction.turns.push((label, index));
    Some(label)
}

/// The band `lo <= sum of terms <= hi`, one of the labels its column.
fn with_column(terms: &[(u16, i64)], column: usize, (lo, hi): (i64, i64), outside: Outside) -> Band {
    let (label, factor) = terms[column];
    let (sign, (lo, hi)) = if factor > 0 { (-1, (lo, hi)) } else { (1, (opposite(hi), opposite(lo))) };
    let others = terms.iter().enumerate().filter(|(n, _)| *n != column);
    let rows = others.map(|(_, (label, factor))| (*label, sign * factor)).collect();
    Band { rows, column: label, step: factor.abs(), lo, hi, panel: 1, outside }
}

/// The band with the label as its column that is a side to be cut.
fn with_cut_column(contraction: &Contraction, band: &Band, sides: &[Option<u16>; 3]) -> Band {
    let mut terms: Vec<(u16, i64)> = band.rows.iter().map(|(row, slope)| (*row, -slope)).collect();
    terms.push((band.column, band.step));
    let with = |column| with_column(&terms, column, (band.lo, band.hi), band.outside);
    let is_cut = |band: &Band| matches!(contraction.cut(band, sides), Cut::Columns(_));
    let mut all = (0..terms.len()).rev().map(with);
    all.find(is_cut).unwrap_or_else(|| band.clone())
}

//! Which numbers of baby steps and giant steps a map is cut into.
//!
//! That depends on how long the progressions are and on nothing else of them. A search for a plan cuts maps of the same few lengths again and
//! again, so what was chosen is remembered.

use super::{Cut, Progression};
use std::cell::RefCell;
use std::collections::HashMap;

/// Choices that are remembered; beyond that all are forgotten.
const MAX_REMEMBERED: usize = 1 << 14;

/// Lengths of progressions, and ciphertexts on either side.
type Lengths = (Vec<i64>, u64, u64);

thread_local! {
    static CHOSEN: RefCell<HashMap<Lengths, Vec<i64>>> = RefCell::default();
}

/// The cuts with the fewest rotations.
pub(super) fn choose(progressions: &[Progression], sources: u64, targets: u64) -> Vec<Cut> {
    let lengths = (progressions.iter().map(|progression| progression.len()).collect(), sources, targets);
    CHOSEN.with_borrow_mut(|chosen| {
        if chosen.len() >= MAX_REMEMBERED && !chosen.contains_key(&lengths) {
            chosen.clear();
        }
        let babies = chosen.entry(lengths).or_insert_with_key(|(lengths, sources, targets)| babies(lengths, *sources, *targets));
        // Giants are fewest where the range begins with a giant step.
        progressions.iter().zip(babies).map(|(p, &mut babies)| Cut { babies, start: (-p.lo).rem_euclid(babies) }).collect()
    })
}

/// A choice so far: babies, giants, and the babies of each progression, which the next choice extends.
struct Choice {
    babies: u64,
    giants: u64,
    /// The choice that it extends, and by what.
    before: usize,
    cut: i64,
}

/// The babies of each progression with the fewest rotations: all products of babies, each with the fewest giants.
fn babies(lengths: &[i64], sources: u64, targets: u64) -> Vec<i64> {
    let none = Choice { babies: 1, giants: 1, before: 0, cut: 1 };
    let mut levels: Vec<Vec<Choice>> = vec![vec![none]];
    for &length in lengths {
        let cuts = cuts(length);
        let last = levels.last().map_or(&[][..], |level| level);
        let mut next = Vec::with_capacity(last.len() * cuts.len());
        for (before, choice) in last.iter().enumerate() {
            for &(cut, giants) in &cuts {
                let (babies, giants) =
                    (choice.babies.saturating_mul(cut.unsigned_abs()), choice.giants.saturating_mul(giants.unsigned_abs()));
                next.push(Choice { babies, giants, before, cut });
            }
        }
        levels.push(undominated(next));
    }
    let cost = |choice: &Choice| (choice.babies - 1).saturating_mul(sources).saturating_add((choice.giants - 1).saturating_mul(targets));
    let last = levels.last().map_or(&[][..], |level| level);
    let mut at = (0..last.len()).min_by_key(|&n| cost(&last[n])).unwrap_or(0);
    let mut cuts = Vec::with_capacity(lengths.len());
    for level in levels[1..].iter().rev() {
        cuts.push(level[at].cut);
        at = level[at].before;
    }
    cuts.reverse();
    cuts
}

/// Numbers of babies with the giants that so many multiples then take: none has fewer babies and no more giants.
fn cuts(length: i64) -> Vec<(i64, i64)> {
    let mut cuts = Vec::new();
    let mut babies = 1;
    while babies <= length {
        let giants = (length - 1) / babies + 1;
        cuts.push((babies, giants));
        // The next number of babies that takes fewer giants.
        babies = if giants > 1 { (length + giants - 2) / (giants - 1) } else { i64::MAX };
    }
    cuts
}

/// Without those that have more babies and no fewer giants than another; by number of babies.
fn undominated(mut reached: Vec<Choice>) -> Vec<Choice> {
    reached.sort_by_key(|choice| (choice.babies, choice.giants));
    let mut least = u64::MAX;
    reached.retain(|choice| {
        let fewer = choice.giants < least;
        least = choice.giants.min(least);
        fewer
    });
    reached
}

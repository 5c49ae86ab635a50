//! Which numbers of baby steps and giant steps a map is cut into.
//!
//! That depends on which multiples the progressions have and on nothing else of them. A search for a plan cuts maps of the same few lengths again and
//! again, so what was chosen is remembered.

use super::{Cut, Multiples, Progression};
use std::cell::RefCell;
use std::collections::HashMap;

/// Choices that are remembered; beyond that all are forgotten.
const MAX_REMEMBERED: usize = 1 << 14;

/// Multiples of progressions, and ciphertexts on either side.
type Lengths = (Vec<Multiples>, u64, u64);

/// Multiples cut into baby steps and giant steps: how many multiples a giant step is, and how many steps of each kind are taken.
#[derive(Clone, Copy)]
struct Part {
    babies: i64,
    taken: [u64; 2],
}

thread_local! {
    static CHOSEN: RefCell<HashMap<Lengths, Vec<Part>>> = RefCell::default();
}

/// The cuts with the fewest rotations.
pub(super) fn choose(progressions: &[Progression], multiples: &[Multiples], sources: u64, targets: u64) -> Vec<Cut> {
    let lengths = (multiples.to_vec(), sources, targets);
    CHOSEN.with_borrow_mut(|chosen| {
        if chosen.len() >= MAX_REMEMBERED && !chosen.contains_key(&lengths) {
            chosen.clear();
        }
        let parts = chosen.entry(lengths).or_insert_with_key(|(multiples, sources, targets)| parts(multiples, *sources, *targets));
        // Giants are fewest where the range begins with a giant step.
        let cut = |(p, part): (&Progression, &Part)| Cut { babies: part.babies, start: (-p.lo).rem_euclid(part.babies), taken: part.taken };
        progressions.iter().zip(&*parts).map(cut).collect()
    })
}

/// A choice so far: babies, giants, and how each progression is cut, which the next choice extends.
struct Choice {
    babies: u64,
    giants: u64,
    /// The choice that it extends, and by what.
    before: usize,
    part: Part,
}

/// The cut of each progression with the fewest rotations: all products of babies, each with the fewest giants.
fn parts(multiples: &[Multiples], sources: u64, targets: u64) -> Vec<Part> {
    let none = Choice { babies: 1, giants: 1, before: 0, part: Part { babies: 1, taken: [1, 1] } };
    let mut levels: Vec<Vec<Choice>> = vec![vec![none]];
    for multiples in multiples {
        let cuts = cuts(multiples);
        let last = levels.last().map_or(&[][..], |level| level);
        let mut next = Vec::with_capacity(last.len() * cuts.len());
        for (before, choice) in last.iter().enumerate() {
            for &part in &cuts {
                let [babies, giants] = part.taken;
                let (babies, giants) = (choice.babies.saturating_mul(babies), choice.giants.saturating_mul(giants));
                next.push(Choice { babies, giants, before, part });
            }
        }
        levels.push(undominated(next));
    }
    let cost = |choice: &Choice| (choice.babies - 1).saturating_mul(sources).saturating_add((choice.giants - 1).saturating_mul(targets));
    let last = levels.last().map_or(&[][..], |level| level);
    let mut at = (0..last.len()).min_by_key(|&n| cost(&last[n])).unwrap_or(0);
    let mut parts = Vec::with_capacity(multiples.len());
    for level in levels[1..].iter().rev() {
        parts.push(level[at].part);
        at = level[at].before;
    }
    parts.reverse();
    parts
}

/// Ways to cut multiples; of all of a range, none has fewer babies and no more giants than another.
fn cuts(multiples: &Multiples) -> Vec<Part> {
    let length = match multiples {
        Multiples::All(length) => *length,
        Multiples::Some(reached) => return cuts_between(reached),
    };
    let mut cuts = Vec::new();
    let mut babies = 1;
    while babies <= length {
        let giants = (length - 1) / babies + 1;
        cuts.push(Part { babies, taken: [babies, giants].map(i64::unsigned_abs) });
        // The next number of babies that takes fewer giants.
        babies = if giants > 1 { (length + giants - 2) / (giants - 1) } else { i64::MAX };
    }
    cuts
}

/// Ways to cut multiples with gaps: where they begin again, and within those before the first gap.
fn cuts_between(reached: &[i64]) -> Vec<Part> {
    let mut rests = Vec::with_capacity(reached.len());
    let mut cut = |babies: i64| {
        rests.clear();
        rests.extend(reached.iter().map(|m| m % babies));
        rests.sort_unstable();
        rests.dedup();
        let giants = 1 + reached.windows(2).filter(|pair| pair[0] / babies != pair[1] / babies).count();
        Part { babies, taken: [rests.len() as u64, giants as u64] }
    };
    let first_run = reached.iter().zip(0..).take_while(|(m, n)| *m == n).count() as i64;
    let starts = reached.windows(2).filter(|pair| pair[1] > pair[0] + 1).map(|pair| pair[1]);
    let past = reached.last().map_or(1, |last| last + 1);
    let mut cuts: Vec<Part> = (1..=first_run).chain(starts).chain([past]).map(&mut cut).collect();
    cuts.sort_by_key(|part| (part.taken, part.babies));
    let mut least = u64::MAX;
    cuts.retain(|part| {
        let fewer = part.taken[1] < least;
        least = part.taken[1].min(least);
        fewer
    });
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

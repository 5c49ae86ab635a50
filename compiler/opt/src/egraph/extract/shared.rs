//! Greedy extraction where each class keeps the set of classes that it pays for, so that work shared below it counts once.

use super::{Problem, Selection, Visits};
use std::collections::VecDeque;

/// Chooses bottom up; `None` if the visits do not suffice.
pub(super) fn select(problem: &Problem, parents: &[Vec<usize>], otherwise: &Selection, visits: &mut Visits) -> Option<Selection> {
    let n = problem.ways.len();
    let words = n.div_ceil(64);
    let mut selection = otherwise.clone();
    let mut paid: Vec<Option<(f64, Vec<u64>)>> = vec![None; n];
    let mut queue: VecDeque<usize> = (0..n).collect();
    let mut is_queued = vec![true; n];
    while let Some(class) = queue.pop_front() {
        is_queued[class] = false;
        for (n, way) in problem.ways[class].iter().enumerate() {
            visits.spend(1 + way.children.len() * words.div_ceil(8));
            if visits.is_spent() {
                return None;
            }
            let Some((cost, set)) = pay(problem, &selection, &paid, class, way, words) else { continue };
            if paid[class].as_ref().is_none_or(|(least, _)| cost < *least) {
                (paid[class], selection[class]) = (Some((cost, set)), n);
                for &parent in &parents[class] {
                    if !std::mem::replace(&mut is_queued[parent], true) {
                        queue.push_back(parent);
                    }
                }
            }
        }
    }
    Some(selection)
}

/// What a class costs when made this way, and the classes that this includes; `None` if a child cannot be made or needs the class.
fn pay(
    problem: &Problem,
    selection: &Selection,
    paid: &[Option<(f64, Vec<u64>)>],
    class: usize,
    way: &super::Way,
    words: usize,
) -> Option<(f64, Vec<u64>)> {
    let mut set = vec![0u64; words];
    let (mut cost, mut is_first) = (way.cost, true);
    for &child in &way.children {
        let (child_cost, child_set) = paid[child].as_ref()?;
        if std::mem::take(&mut is_first) {
            set.clone_from(child_set);
            cost += child_cost;
            continue;
        }
        for (word, (mine, theirs)) in set.iter_mut().zip(child_set).enumerate() {
            let mut new = theirs & !*mine;
            *mine |= theirs;
            while new != 0 {
                let other = word * 64 + new.trailing_zeros() as usize;
                cost += problem.way(selection, other).cost;
                new &= new - 1;
            }
        }
    }
    let (word, bit) = (class / 64, 1u64 << (class % 64));
    (set[word] & bit == 0).then(|| {
        set[word] |= bit;
        (cost, set)
    })
}

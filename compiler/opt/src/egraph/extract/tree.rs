//! The best node of each class where every use pays for itself.

use super::{Problem, Selection};

/// Chooses by the cost of trees; a class that is free costs its users nothing, but is still made in its own best way. Classes that
/// cannot be made keep their way of `otherwise`.
pub(super) fn select(problem: &Problem, parents: &[Vec<usize>], is_free: &[bool], otherwise: &Selection) -> Selection {
    let n = problem.ways.len();
    let mut cost = vec![f64::INFINITY; n];
    let mut selection = otherwise.clone();
    let mut queue: std::collections::VecDeque<usize> = (0..n).collect();
    let mut is_queued = vec![true; n];
    while let Some(class) = queue.pop_front() {
        is_queued[class] = false;
        let of = |child: &usize| if is_free[*child] { 0.0 } else { cost[*child] };
        let ways = problem.ways[class].iter().map(|way| way.cost + way.children.iter().map(of).sum::<f64>());
        let best = ways.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((way, least)) = best.filter(|(_, least)| *least < cost[class]) else { continue };
        (cost[class], selection[class]) = (least, way);
        for &parent in &parents[class] {
            if !std::mem::replace(&mut is_queued[parent], true) {
                queue.push_back(parent);
            }
        }
    }
    selection
}

/// Classes that may read each class.
pub(super) fn parents(problem: &Problem) -> Vec<Vec<usize>> {
    let mut parents = vec![Vec::new(); problem.ways.len()];
    for (class, ways) in problem.ways.iter().enumerate() {
        for child in ways.iter().flat_map(|w| &w.children) {
            if parents[*child].last() != Some(&class) {
                parents[*child].push(class);
            }
        }
    }
    parents
}

//! Parts of a problem that have nothing to decide about each other.
//!
//! A class that every plan computes is paid for whatever else is chosen, so whoever reads it may take it for free. What lies between such classes
//! is a region; two of them meet only there, and the best choice of the whole is the best of each. Classes that may need each other in a circle are
//! in one region, which chooses where the circle begins. Searches that take more than linear time are then fast on long programs, and each region has its
//! share of the visits.

use super::{Problem, Way};
use std::collections::BTreeMap;

/// A region as a problem of its own.
pub(super) struct Region {
    pub(super) problem: Problem,
    /// The class of the whole that each of its classes is.
    pub(super) classes: Vec<usize>,
}

/// The regions of a problem, in the order of their first classes.
pub(super) fn split(problem: &Problem) -> Vec<Region> {
    let is_certain = certain(problem);
    let parts = connected(problem, &is_certain);
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (class, part) in parts.iter().enumerate() {
        if let Some(part) = part {
            members.entry(*part).or_default().push(class);
        }
    }
    let regions = members.into_values().filter(|classes| classes.iter().any(|class| problem.ways[*class].len() > 1));
    regions.map(|classes| region(problem, classes, &is_certain, &parts)).collect()
}

/// Classes that every plan computes: the roots, and what all ways of such a class read.
fn certain(problem: &Problem) -> Vec<bool> {
    let mut is_certain = vec![false; problem.ways.len()];
    let mut stack = problem.roots.clone();
    while let Some(class) = stack.pop() {
        if std::mem::replace(&mut is_certain[class], true) {
            continue;
        }
        let mut ways = problem.ways[class].iter().filter(|way| way.cost.is_finite());
        let Some(first) = ways.next() else { continue };
        let rest: Vec<&Way> = ways.collect();
        stack.extend(first.children.iter().filter(|child| rest.iter().all(|way| way.children.contains(child))));
    }
    is_certain
}

/// The smallest class of the region of each class; `None` for those that no plan computes.
fn connected(problem: &Problem, is_certain: &[bool]) -> Vec<Option<usize>> {
    let mut part: Vec<Option<usize>> = vec![None; problem.ways.len()];
    let mut parents = circles(problem);
    let mut stack: Vec<usize> = (0..problem.ways.len()).filter(|class| is_certain[*class]).collect();
    let mut is_reached = is_certain.to_vec();
    while let Some(class) = stack.pop() {
        for child in problem.ways[class].iter().flat_map(|way| &way.children).filter(|child| !is_certain[**child]) {
            join(&mut parents, class, *child);
            if !std::mem::replace(&mut is_reached[*child], true) {
                stack.push(*child);
            }
        }
    }
    for class in (0..part.len()).filter(|class| is_reached[*class]) {
        part[class] = Some(root(&mut parents, class));
    }
    part
}

/// For each class one that it may need and that may need it, the same for all of a circle (S. R. Kosaraju's algorithm).
fn circles(problem: &Problem) -> Vec<usize> {
    let n = problem.ways.len();
    let children = |class: usize| problem.ways[class].iter().flat_map(|way| &way.children).copied().collect::<Vec<usize>>();
    let forward: Vec<Vec<usize>> = (0..n).map(children).collect();
    let mut backward = vec![Vec::new(); n];
    forward.iter().enumerate().for_each(|(class, children)| children.iter().for_each(|child| backward[*child].push(class)));
    let mut is_seen = vec![false; n];
    let mut order = Vec::new();
    (0..n).for_each(|class| finish(&forward, class, &mut is_seen, &mut order));
    let mut of = vec![0; n];
    is_seen.fill(false);
    for class in order.into_iter().rev() {
        let mut circle = Vec::new();
        finish(&backward, class, &mut is_seen, &mut circle);
        let least = circle.iter().copied().min().unwrap_or(class);
        circle.into_iter().for_each(|member| of[member] = least);
    }
    of
}

/// Appends the nodes that are reached from one and were not seen, each after those that it leads to.
fn finish(edges: &[Vec<usize>], start: usize, is_seen: &mut [bool], order: &mut Vec<usize>) {
    let mut stack = Vec::new();
    if !std::mem::replace(&mut is_seen[start], true) {
        stack.push((start, 0));
    }
    while let Some((node, next)) = stack.pop() {
        match edges[node].get(next) {
            None => order.push(node),
            Some(&other) => {
                stack.push((node, next + 1));
                if !std::mem::replace(&mut is_seen[other], true) {
                    stack.push((other, 0));
                }
            }
        }
    }
}

fn root(parents: &mut [usize], mut class: usize) -> usize {
    while parents[class] != class {
        parents[class] = parents[parents[class]];
        class = parents[class];
    }
    class
}

fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b);
}

/// The problem of some classes: those that they read elsewhere are there.
fn region(problem: &Problem, classes: Vec<usize>, is_certain: &[bool], parts: &[Option<usize>]) -> Region {
    let position: BTreeMap<usize, usize> = classes.iter().enumerate().map(|(n, class)| (*class, n)).collect();
    let here = |way: &Way| {
        let children = way.children.iter().filter(|child| parts[**child] == parts[classes[0]]);
        Way { cost: way.cost, children: children.map(|child| position[child]).collect() }
    };
    let ways = classes.iter().map(|class| problem.ways[*class].iter().map(here).collect()).collect();
    let roots = (0..classes.len()).filter(|n| is_certain[classes[*n]]).collect();
    Region { problem: Problem { ways, roots }, classes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(cost: f64, children: &[usize]) -> Way {
        Way { cost, children: children.to_vec() }
    }

    #[test]
    fn classes_of_a_circle_are_in_one_region_and_others_apart() {
        // 0 and 1 are views of each other; 4 needs 3, which has two ways, one over 2; 5 is needed by nothing.
        let ways = vec![
            vec![way(9.0, &[]), way(0.0, &[1])],
            vec![way(8.0, &[]), way(0.0, &[0])],
            vec![way(1.0, &[])],
            vec![way(5.0, &[]), way(1.0, &[2])],
            vec![way(1.0, &[3, 0])],
            vec![way(1.0, &[4]), way(2.0, &[])],
        ];
        let problem = Problem { ways, roots: vec![0, 1, 4] };
        let regions = split(&problem);
        let classes: Vec<Vec<usize>> = regions.iter().map(|region| region.classes.clone()).collect();
        assert_eq!(classes, [vec![0, 1], vec![2, 3]]);
        let written = vec![0; 6];
        let chosen = problem.choose(&written, super::super::Visits(1000));
        assert_eq!(problem.price(&chosen), 8.0 + 1.0 + 1.0 + 1.0);
    }
}

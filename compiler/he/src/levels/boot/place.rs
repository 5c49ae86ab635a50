//! Which values are bootstrapped: as few as can be, so that no product lacks a level.
//!
//! Two searches. [`Graph::layered`] takes one layer of bootstrappings after the other: of all ways to part what still has levels from what lacks
//! them the one with the least weight, a minimum cut, no farther from the results than the layers after it reach. [`Graph::exact`] is a dynamic
//! program over the operations, in order: a state is how many levels each value has left that is still read, and of equal states the lightest is
//! kept. What cannot become lighter than the layers is dropped, so that most programs are searched to the end; one with too many states keeps
//! the layers.

use crate::levels::flow::{Network, UNBOUNDED};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Levels of values in all states, beyond which the exact search gives up.
const MAX_WORK: usize = 4_000_000;

/// The values of a program.
#[derive(Debug)]
pub(super) struct Graph {
    /// Of each value, those that it is made of, all before it.
    pub(super) args: Vec<Vec<usize>>,
    /// Whether it is a product.
    pub(super) multiplies: Vec<bool>,
    /// What it weighs to bootstrap it; none of what cannot be.
    pub(super) weights: Vec<Option<u64>>,
    /// Levels of a fresh ciphertext, and after a bootstrapping.
    pub(super) fresh: i64,
    pub(super) after: i64,
    /// Products on the longest path from each value.
    needs: Vec<i64>,
    /// What reads each value, with the products on the longest path from there, its own included.
    readers: Vec<Vec<(usize, i64)>>,
}

impl Graph {
    pub(super) fn new(args: Vec<Vec<usize>>, multiplies: Vec<bool>, weights: Vec<Option<u64>>, fresh: i64, after: i64) -> Self {
        let mut needs = vec![0; args.len()];
        let mut readers: Vec<Vec<(usize, i64)>> = vec![Vec::new(); args.len()];
        for id in (0..args.len()).rev() {
            let need = needs[id] + i64::from(multiplies[id]);
            for &x in &args[id] {
                needs[x] = needs[x].max(need);
                readers[x].push((id, need));
            }
        }
        Self { args, multiplies, weights, fresh, after, needs, readers }
    }

    /// The values to bootstrap; none if no choice of them leaves enough levels, or if none was found.
    pub(super) fn place(&self) -> Option<Vec<bool>> {
        let layered = self.layered();
        let limit = layered.as_ref().map_or(u64::MAX, |layered| self.weight(layered));
        self.exact(limit).or(layered)
    }

    pub(super) fn weight(&self, boots: &[bool]) -> u64 {
        boots.iter().zip(&self.weights).filter(|(boot, _)| **boot).filter_map(|(_, weight)| *weight).sum()
    }

    /// Whether no product lacks a level.
    pub(super) fn is_enough(&self, boots: &[bool]) -> bool {
        self.left(boots).iter().all(|&(made, _)| made >= 0)
    }

    /// Levels that each value has left as it is made, and as it is read.
    fn left(&self, boots: &[bool]) -> Vec<(i64, i64)> {
        let mut left: Vec<(i64, i64)> = Vec::with_capacity(self.args.len());
        for (id, args) in self.args.iter().enumerate() {
            let made = args.iter().map(|&x| left[x].1).min().map_or(self.fresh, |least| least - i64::from(self.multiplies[id]));
            left.push((made, if boots[id] { made.max(self.after) } else { made }));
        }
        left
    }

    /// One layer after the other, each a minimum cut.
    pub(super) fn layered(&self) -> Option<Vec<bool>> {
        let mut boots = vec![false; self.args.len()];
        loop {
            let left = self.left(&boots);
            let lack = left.iter().map(|&(made, _)| -made).max().unwrap_or(0);
            if lack <= 0 {
                break;
            }
            let fewest = (lack - 1) / self.after + 1;
            let most = self.needs.iter().copied().max().unwrap_or(0) / self.after + 1;
            let layer = (fewest..=most.max(fewest)).find_map(|layers| self.cut(&left, &boots, layers * self.after))?;
            layer.into_iter().for_each(|id| boots[id] = true);
        }
        self.thin_out(&mut boots);
        Some(boots)
    }

    /// The lightest values that gain levels, with no more than `reach` products after them, that are on every path by which a value lacks a level.
    fn cut(&self, left: &[(i64, i64)], boots: &[bool], reach: i64) -> Option<Vec<usize>> {
        let (source, sink, n) = (0, 1, self.args.len());
        let lacks = |id: usize| left[id].0 < 0;
        let to_lack = self.to_lack(left);
        let is_on_path = |x: usize, id: usize| {
            let needed = to_lack[id].map(|products| products + i64::from(self.multiplies[id]));
            !lacks(x) && needed.is_some_and(|needed| left[x].1 < needed)
        };
        let may = |id: usize| (0..self.after).contains(&left[id].0) && !boots[id] && self.needs[id] <= reach;
        let mut arcs: Vec<(usize, usize, u64)> = Vec::new();
        let on_paths = (0..n).filter(|&id| lacks(id) || to_lack[id].is_some_and(|products| products > left[id].1));
        let on_paths: Vec<usize> = on_paths.collect();
        for &id in &on_paths {
            arcs.push((2 + id, 2 + n + id, self.weights[id].filter(|_| may(id)).unwrap_or(UNBOUNDED)));
            if lacks(id) {
                arcs.push((2 + id, sink, UNBOUNDED));
            }
            let from: Vec<usize> = self.args[id].iter().copied().filter(|&x| !boots[id] && is_on_path(x, id)).collect();
            if from.is_empty() && !lacks(id) {
                arcs.push((source, 2 + id, UNBOUNDED));
            }
            arcs.extend(from.into_iter().map(|x| (2 + n + x, 2 + id, UNBOUNDED)));
        }
        let mut network = Network::new(2 + 2 * n);
        arcs.iter().for_each(|&(from, to, weight)| network.arc(from, to, weight));
        let side = network.source_side(source, sink);
        let cut: Vec<&(usize, usize, u64)> = arcs.iter().filter(|(from, to, _)| side[*from] && !side[*to]).collect();
        let is_finite = !cut.is_empty() && cut.iter().all(|(.., weight)| *weight < UNBOUNDED);
        is_finite.then(|| cut.into_iter().map(|(from, ..)| from - 2).collect())
    }

    /// The products on the longest way from each value to the first that lacks a level; none if there is no such way.
    fn to_lack(&self, left: &[(i64, i64)]) -> Vec<Option<i64>> {
        let mut products = vec![None; self.args.len()];
        for id in (0..self.args.len()).rev() {
            if left[id].0 < 0 {
                products[id] = Some(0);
            }
            let Some(own) = products[id].map(|products| products + i64::from(self.multiplies[id])) else { continue };
            for &x in self.args[id].iter().filter(|&&x| left[x].0 >= 0) {
                products[x] = products[x].max(Some(own));
            }
        }
        products
    }

    /// Leaves out what is not needed, the heaviest and the last first.
    fn thin_out(&self, boots: &mut [bool]) {
        let mut chosen: Vec<usize> = (0..boots.len()).filter(|&id| boots[id]).collect();
        chosen.sort_by_key(|&id| std::cmp::Reverse((self.weights[id], id)));
        for id in chosen {
            boots[id] = false;
            if !self.is_enough(boots) {
                boots[id] = true;
            }
        }
    }

    /// Bootstrappings that weigh less than `limit`; none if there are none, or if that was not found out.
    pub(super) fn exact(&self, limit: u64) -> Option<Vec<bool>> {
        let lightest = self.weights.iter().flatten().copied().min()?;
        let mut states: BTreeMap<Vec<i64>, State> = BTreeMap::from([(Vec::new(), State::default())]);
        let mut live: Vec<usize> = Vec::new();
        let mut work = 0;
        for id in 0..self.args.len() {
            let mut next: BTreeMap<Vec<i64>, State> = BTreeMap::new();
            let places: Vec<usize> = self.args[id].iter().filter_map(|x| live.iter().position(|y| y == x)).collect();
            live.push(id);
            let needed: Vec<Option<i64>> = live.iter().map(|&x| self.needed(x, id)).collect();
            for (left, state) in states {
                work += live.len();
                let least = places.iter().map(|&place| left[place]).min();
                let made = least.map_or(self.fresh, |least| least - i64::from(self.multiplies[id]));
                let boot = self.weights[id].filter(|_| self.needs[id] > made && made < self.after).map(|weight| (self.after, weight));
                for (levels, weight) in [(made, 0)].into_iter().chain(boot).filter(|_| made >= 0) {
                    let left = left.iter().copied().chain([levels]).zip(&needed);
                    // What nothing reads any more needs nothing, and more levels than are needed are as good as those.
                    let left: Vec<(i64, i64)> = left.filter_map(|(left, needed)| needed.map(|needed| (left.min(needed), needed))).collect();
                    let lack = left.iter().map(|(left, needed)| needed - left).max().unwrap_or(0);
                    let still = lack.unsigned_abs().div_ceil(self.after.unsigned_abs()) * lightest;
                    let state = if weight == 0 { state.clone() } else { state.with(id, weight) };
                    if state.weight + still < limit {
                        keep(&mut next, left.into_iter().map(|(left, _)| left).collect(), state);
                    }
                }
            }
            live = live.into_iter().zip(needed).filter_map(|(x, needed)| needed.map(|_| x)).collect();
            states = next;
            if work > MAX_WORK {
                return None;
            }
        }
        let best = states.into_values().min_by_key(|state| state.weight)?;
        let mut boots = vec![false; self.args.len()];
        let mut chosen = best.chosen;
        while let Some(Chosen { id, before }) = chosen.as_deref() {
            boots[*id] = true;
            chosen = before.clone();
        }
        Some(boots)
    }

    /// Products on the longest path from a value over what reads it after an operation; none if nothing does.
    fn needed(&self, x: usize, at: usize) -> Option<i64> {
        self.readers[x].iter().filter(|(reader, _)| *reader > at).map(|(_, need)| *need).max()
    }
}

/// Bootstrappings so far.
#[derive(Clone, Debug, Default)]
struct State {
    weight: u64,
    chosen: Option<Rc<Chosen>>,
}

#[derive(Debug)]
struct Chosen {
    id: usize,
    before: Option<Rc<Chosen>>,
}

impl State {
    fn with(&self, id: usize, weight: u64) -> Self {
        Self { weight: self.weight + weight, chosen: Some(Rc::new(Chosen { id, before: self.chosen.clone() })) }
    }
}

/// Keeps the lightest of equal states.
fn keep(states: &mut BTreeMap<Vec<i64>, State>, left: Vec<i64>, state: State) {
    match states.get_mut(&left) {
        Some(there) if there.weight <= state.weight => {}
        Some(there) => *there = state,
        None => drop(states.insert(left, state)),
    }
}

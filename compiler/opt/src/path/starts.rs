//! Trees to begin with that know the shape of the whole network, as greedy ones do not: by halves, and from one end to the other.

use super::network::Network;
use super::random::Random;
use super::tree::Tree;

/// Passes over a cut; later ones seldom find anything.
const PASSES: usize = 6;
/// Cuts of a part that the best is taken of, from different ends; of small parts one is enough.
const CUTS: usize = 4;
/// Tensors up to which a part is small.
const SMALL_PART: usize = 64;
/// Holders of a label that count as neighbours: enough to keep networks connected.
const MAX_HOLDERS: usize = 32;

/// Tensors around each tensor, with the weight of what they share.
struct Graph {
    around: Vec<Vec<(u32, f64)>>,
}

impl Graph {
    fn new(network: &Network, weights: &[f64]) -> Self {
        let mut holders = vec![Vec::new(); network.n_labels()];
        for (n, labels) in network.operands().iter().enumerate() {
            labels.iter().for_each(|l| holders[*l as usize].push(n as u32));
        }
        let mut around = vec![Vec::new(); network.n_operands()];
        for (label, holders) in holders.iter().enumerate() {
            let holders = &holders[..holders.len().min(MAX_HOLDERS)];
            // A label cut between many tensors is still one label.
            let weight = weights[label].max(0.01) / (holders.len().max(2) - 1) as f64;
            for a in holders {
                around[*a as usize].extend(holders.iter().filter(|b| *b != a).map(|b| (*b, weight)));
            }
        }
        Self { around }
    }

    /// Tensors of a part in the order of distance from a random end of it; what is not connected comes after.
    fn sweep(&self, part: &[u32], inside: &mut [bool], random: &mut Random) -> Vec<u32> {
        part.iter().for_each(|t| inside[*t as usize] = true);
        let seed = part[random.below(part.len())];
        let far = self.breadth_first(part, seed, inside).last().copied().unwrap_or(seed);
        let order = self.breadth_first(part, far, inside);
        part.iter().for_each(|t| inside[*t as usize] = false);
        order
    }

    /// What is shared across a cut of a part, twice.
    fn cut(&self, part: &[u32], side: &[bool], inside: &[bool]) -> f64 {
        let across = |t: &u32| -> f64 {
            self.around[*t as usize]
                .iter()
                .filter(|(o, _)| inside[*o as usize] && side[*o as usize] != side[*t as usize])
                .map(|(_, w)| w)
                .sum()
        };
        part.iter().map(across).sum()
    }

    fn breadth_first(&self, part: &[u32], seed: u32, inside: &mut [bool]) -> Vec<u32> {
        let mut order = Vec::with_capacity(part.len());
        for begin in std::iter::once(seed).chain(part.iter().copied()) {
            if !std::mem::take(&mut inside[begin as usize]) {
                continue;
            }
            let mut at = order.len();
            order.push(begin);
            while at < order.len() {
                for (next, _) in &self.around[order[at] as usize] {
                    if std::mem::take(&mut inside[*next as usize]) {
                        order.push(*next);
                    }
                }
                at += 1;
            }
        }
        part.iter().for_each(|t| inside[*t as usize] = true);
        order
    }
}

/// One tensor after the other from one end of the network: always the one that leaves the smallest result, of equal ones that which came
/// next to the others last. On a lattice this goes plane by plane, row by row.
pub(crate) fn sweep(network: &Network, weights: &[f64], random: &mut Random) -> Tree {
    let n = network.n_operands();
    let graph = Graph::new(network, weights);
    let all: Vec<u32> = (0..n as u32).collect();
    let mut far = graph.sweep(&all, &mut vec![false; n], random).into_iter();
    let mut left = network.uses();
    let total = left.clone();
    let mut is_known = vec![false; n];
    let mut near: Vec<u32> = Vec::new();
    let mut order = Vec::with_capacity(n);
    while order.len() < n {
        if near.is_empty() {
            near.extend(far.by_ref().find(|t| !std::mem::replace(&mut is_known[*t as usize], true)));
        }
        let growth = |tensor: &u32| -> f64 {
            let labels = network.operands()[*tensor as usize].iter().map(|l| *l as usize);
            labels
                .map(|l| f64::from(i8::from(left[l] == total[l] && left[l] > 1) - i8::from(left[l] == 1 && total[l] > 1)) * weights[l])
                .sum()
        };
        let Some((at, _)) = near.iter().map(growth).enumerate().rev().min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        let tensor = near.remove(at);
        order.push(tensor);
        network.operands()[tensor as usize].iter().for_each(|l| left[*l as usize] -= 1);
        let around = graph.around[tensor as usize].iter().map(|(t, _)| *t);
        near.extend(around.filter(|t| !std::mem::replace(&mut is_known[*t as usize], true)));
    }
    let pairs = order.iter().enumerate().skip(1).map(|(k, t)| [if k == 1 { order[0] } else { (n + k) as u32 - 2 }, *t]);
    Tree { pairs: pairs.collect() }
}

/// How far along a sweep each label is first met.
pub(crate) fn places(network: &Network, weights: &[f64]) -> Vec<u32> {
    let n = network.n_operands();
    let all: Vec<u32> = (0..n as u32).collect();
    let order = Graph::new(network, weights).sweep(&all, &mut vec![false; n], &mut Random::new(0));
    let mut places = vec![u32::MAX; network.n_labels()];
    for (at, operand) in order.iter().enumerate() {
        for label in &network.operands()[*operand as usize] {
            let place = &mut places[*label as usize];
            *place = (*place).min(at as u32);
        }
    }
    places
}

/// Halves of halves, cut where little is shared (Fiduccia and Mattheyses, "A linear-time heuristic for improving network partitions", 1982).
pub(crate) fn bisect(network: &Network, weights: &[f64], random: &mut Random) -> Tree {
    let n = network.n_operands();
    let graph = Graph::new(network, weights);
    let mut side = vec![false; n];
    let mut children = vec![[0u32; 2]; n];
    // A part, and where its tree hangs: node and child. The first node, without a parent, hangs from a place of its own.
    let root = children.len();
    children.push([0; 2]);
    let mut open: Vec<(Vec<u32>, usize, usize)> = vec![((0..n as u32).collect(), root, 0)];
    while let Some((part, parent, child)) = open.pop() {
        let node = if let [leaf] = part.as_slice() { *leaf } else { children.len() as u32 };
        children[parent][child] = node;
        if part.len() > 1 {
            children.push([0; 2]);
            let (one, two) = halve(&graph, &part, &mut side, random);
            open.push((one, node as usize, 0));
            open.push((two, node as usize, 1));
        }
    }
    Tree::from_children(n, children[root][0], &children)
}

/// Parts a set of tensors in two, from sweeps through it, improved by moving tensors across; the smallest of a few cuts.
fn halve(graph: &Graph, part: &[u32], side: &mut [bool], random: &mut Random) -> (Vec<u32>, Vec<u32>) {
    let mut inside = vec![false; side.len()];
    let n = part.len();
    let mut best: Option<(f64, Vec<bool>)> = None;
    for _ in 0..if n > SMALL_PART { CUTS } else { 1 } {
        let order = graph.sweep(part, &mut inside, random);
        order.iter().enumerate().for_each(|(k, t)| side[*t as usize] = k >= n / 2);
        part.iter().for_each(|t| inside[*t as usize] = true);
        for _ in 0..PASSES {
            if n < 4 || !improve(graph, part, side, &inside) {
                break;
            }
        }
        let cut = graph.cut(part, side, &inside);
        if best.as_ref().is_none_or(|(least, _)| cut < *least) {
            best = Some((cut, part.iter().map(|t| side[*t as usize]).collect()));
        }
        part.iter().for_each(|t| inside[*t as usize] = false);
    }
    let sides = best.map_or_else(Vec::new, |(_, sides)| sides);
    part.iter().zip(sides).for_each(|(t, s)| side[*t as usize] = s);
    part.iter().partition(|t| !side[**t as usize])
}

/// One pass: every tensor moves once, the best gain first, and the best moment is kept. Whether the cut became smaller.
fn improve(graph: &Graph, part: &[u32], side: &mut [bool], inside: &[bool]) -> bool {
    let n = part.len();
    let least = (n * 2 / 5).max(1);
    let gain_of = |t: u32, side: &[bool]| -> f64 {
        let around = graph.around[t as usize].iter().filter(|(o, _)| inside[*o as usize]);
        around.map(|(o, w)| if side[*o as usize] == side[t as usize] { -w } else { *w }).sum()
    };
    let mut queue: std::collections::BTreeSet<(Ordered, u32)> = part.iter().map(|t| (Ordered(-gain_of(*t, side)), *t)).collect();
    let mut gains: std::collections::BTreeMap<u32, f64> = part.iter().map(|t| (*t, -gain_of(*t, side))).collect();
    let mut n_right = part.iter().filter(|t| side[**t as usize]).count();
    let (mut moved, mut total, mut best, mut kept) = (Vec::new(), 0.0, 1e-9, 0);
    loop {
        let may_move = |t: u32| if side[t as usize] { n_right > least } else { n - n_right > least };
        let Some((key, tensor)) = queue.iter().find(|(_, t)| may_move(*t)).map(|(k, t)| (k.0, *t)) else { break };
        queue.remove(&(Ordered(key), tensor));
        gains.remove(&tensor);
        let to_right = !side[tensor as usize];
        side[tensor as usize] = to_right;
        n_right = if to_right { n_right + 1 } else { n_right - 1 };
        moved.push(tensor);
        total -= key;
        if total > best {
            (best, kept) = (total, moved.len());
        }
        if moved.len() > kept + 64 {
            break;
        }
        for (other, _) in &graph.around[tensor as usize] {
            if let Some(old) = gains.get_mut(other) {
                let new = -gain_of(*other, side);
                queue.remove(&(Ordered(*old), *other));
                queue.insert((Ordered(new), *other));
                *old = new;
            }
        }
    }
    moved[kept..].iter().for_each(|t| side[*t as usize] = !side[*t as usize]);
    kept > 0
}

/// A gain that can be sorted.
#[derive(Clone, Copy, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

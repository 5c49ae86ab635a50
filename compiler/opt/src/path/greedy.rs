//! Greedy orders: of all pairs with a common label, the one whose result is smallest compared with its operands comes next.
//!
//! Source: `opt_einsum`'s `greedy` (memory removed), and for the random form `cotengra`'s Boltzmann sampling of it. Ties go to the
//! smaller ids, so that the order without noise is a function of the network alone.

use super::network::Network;
use super::random::Random;
use super::tree::{Tree, join};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Neighbours that are looked at for each tensor: a label in thousands of operands would make pairs without number.
const MAX_NEIGHBOURS: usize = 128;

/// How pairs are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taste {
    /// How much the sizes of the operands count against that of the result; 1 is memory removed.
    pub(crate) factor: f64,
    /// Noise, in doublings of size; 0 is none.
    pub(crate) temperature: f64,
}

impl Taste {
    /// Memory removed, without noise.
    pub(crate) const PLAIN: Self = Self { factor: 1.0, temperature: 0.0 };
}

/// A pair in the queue; the least key comes first, then the smaller ids.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    key: Key,
    lhs: u32,
    rhs: u32,
}

#[derive(PartialEq)]
struct Key(f64);

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The tensors that are left, during a greedy search.
struct Greedy<'a> {
    weights: &'a [f64],
    labels: Vec<Vec<u32>>,
    size: Vec<f64>,
    alive: Vec<bool>,
    /// Tensors that have each label, ascending; some may be gone.
    holders: Vec<Vec<u32>>,
    left: Vec<u32>,
    queue: BinaryHeap<Reverse<Candidate>>,
    pairs: Vec<[u32; 2]>,
    taste: Taste,
    steps: u64,
}

/// The greedy order, and how many pairs it looked at.
pub(crate) fn greedy(network: &Network, weights: &[f64], taste: Taste, random: &mut Random) -> (Tree, u64) {
    let mut search = Greedy::new(network, weights, taste);
    search.merge_equal();
    search.fill_queue(random);
    while let Some((lhs, rhs)) = search.next_pair() {
        let out = search.contract(lhs, rhs);
        search.add_candidates(out, random);
    }
    search.join_rest();
    (Tree { pairs: search.pairs }, search.steps)
}

/// Steps that any good order may begin with: the result is no larger than the larger operand.
pub(crate) fn simplify(network: &Network, weights: &[f64]) -> Vec<[u32; 2]> {
    let mut random = Random::new(0);
    let mut search = Greedy::new(network, weights, Taste::PLAIN);
    search.merge_equal();
    search.fill_queue(&mut random);
    while let Some((lhs, rhs)) = search.next_pair() {
        let out = search.out_size(lhs, rhs);
        if out <= search.size[lhs as usize].max(search.size[rhs as usize]) + 1e-9 {
            let out = search.contract(lhs, rhs);
            search.add_candidates(out, &mut random);
        }
    }
    search.pairs
}

impl<'a> Greedy<'a> {
    fn new(network: &Network, weights: &'a [f64], taste: Taste) -> Self {
        let labels = network.operands().to_vec();
        let mut holders = vec![Vec::new(); network.n_labels()];
        for (n, operand) in labels.iter().enumerate() {
            operand.iter().for_each(|l| holders[*l as usize].push(n as u32));
        }
        let size = labels.iter().map(|labels| size_of(labels, weights)).collect();
        let alive = vec![true; labels.len()];
        let left = network.uses();
        Self { weights, labels, size, alive, holders, left, queue: BinaryHeap::new(), pairs: Vec::new(), taste, steps: 0 }
    }

    /// Multiplies operands with the same labels, which never makes anything larger.
    fn merge_equal(&mut self) {
        let mut first: HashMap<Vec<u32>, u32> = HashMap::new();
        for operand in 0..self.labels.len() as u32 {
            let key = self.labels[operand as usize].clone();
            if let Some(other) = first.remove(&key) {
                let out = self.contract(other, operand);
                let key = self.labels[out as usize].clone();
                first.entry(key).or_insert(out);
            } else {
                first.insert(key, operand);
            }
        }
    }

    fn fill_queue(&mut self, random: &mut Random) {
        for tensor in 0..self.labels.len() as u32 {
            if !self.alive[tensor as usize] {
                continue;
            }
            for other in self.neighbours(tensor).into_iter().filter(|o| *o > tensor) {
                self.push(tensor, other, random);
            }
        }
    }

    /// Tensors with a label in common, ascending.
    fn neighbours(&self, tensor: u32) -> Vec<u32> {
        let mut found = Vec::new();
        for label in &self.labels[tensor as usize] {
            let holders = self.holders[*label as usize].iter().copied();
            found.extend(holders.filter(|t| *t != tensor && self.alive[*t as usize]).take(MAX_NEIGHBOURS));
            if found.len() >= 4 * MAX_NEIGHBOURS {
                break;
            }
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(MAX_NEIGHBOURS);
        found
    }

    fn push(&mut self, lhs: u32, rhs: u32, random: &mut Random) {
        self.steps += 1;
        let mut key = self.key(lhs, rhs);
        if self.taste.temperature > 0.0 {
            // The least of keys with this noise is each with its Boltzmann probability (the Gumbel trick).
            key += self.taste.temperature * libm::log2(-libm::log(random.unit()));
        }
        self.queue.push(Reverse(Candidate { key: Key(key), lhs, rhs }));
    }

    /// Growth of memory, its logarithm with its sign.
    fn key(&self, lhs: u32, rhs: u32) -> f64 {
        let (l, r, out) = (self.size[lhs as usize], self.size[rhs as usize], self.out_size(lhs, rhs));
        let scale = l.max(r).max(out);
        let part = |size: f64| if size < scale - 60.0 { 0.0 } else { libm::exp2(size - scale) };
        let growth = part(out) - self.taste.factor * (part(l) + part(r));
        let magnitude = (scale + libm::log2(growth.abs().max(1e-18))).max(0.0);
        if growth > 0.0 { magnitude } else { -magnitude }
    }

    fn out_size(&self, lhs: u32, rhs: u32) -> f64 {
        let (lhs, rhs) = (&self.labels[lhs as usize], &self.labels[rhs as usize]);
        let (mut n, mut m, mut size) = (0, 0, 0.0);
        while n < lhs.len() || m < rhs.len() {
            let (a, b) = (lhs.get(n).copied().unwrap_or(u32::MAX), rhs.get(m).copied().unwrap_or(u32::MAX));
            let label = a.min(b) as usize;
            let here = u32::from(a <= b) + u32::from(b <= a);
            (n, m) = (n + usize::from(a <= b), m + usize::from(b <= a));
            if self.left[label] > here {
                size += self.weights[label];
            }
        }
        size
    }

    /// The best pair of which both are still there.
    fn next_pair(&mut self) -> Option<(u32, u32)> {
        while let Some(Reverse(candidate)) = self.queue.pop() {
            if self.alive[candidate.lhs as usize] && self.alive[candidate.rhs as usize] {
                return Some((candidate.lhs, candidate.rhs));
            }
        }
        None
    }

    fn contract(&mut self, lhs: u32, rhs: u32) -> u32 {
        let out = self.labels.len() as u32;
        let labels = join(&self.labels[lhs as usize], &self.labels[rhs as usize], &mut self.left);
        for label in &labels {
            let alive = &self.alive;
            let holders = &mut self.holders[*label as usize];
            holders.retain(|t| *t != lhs && *t != rhs && alive[*t as usize]);
            holders.push(out);
        }
        self.alive[lhs as usize] = false;
        self.alive[rhs as usize] = false;
        self.alive.push(true);
        self.size.push(size_of(&labels, self.weights));
        self.labels.push(labels);
        self.pairs.push([lhs, rhs]);
        out
    }

    fn add_candidates(&mut self, tensor: u32, random: &mut Random) {
        for other in self.neighbours(tensor) {
            self.push(other, tensor, random);
        }
    }

    /// Outer products of what has no label in common, the smallest two first.
    fn join_rest(&mut self) {
        let entry = |search: &Self, t: u32| Reverse((Key(search.size[t as usize]), t));
        let mut rest: BinaryHeap<_> = (0..self.labels.len() as u32).filter(|t| self.alive[*t as usize]).map(|t| entry(self, t)).collect();
        while let (Some(Reverse((_, lhs))), Some(Reverse((_, rhs)))) = (rest.pop(), rest.pop()) {
            let out = self.contract(lhs.min(rhs), lhs.max(rhs));
            rest.push(entry(self, out));
        }
    }
}

fn size_of(labels: &[u32], weights: &[f64]) -> f64 {
    labels.iter().map(|l| weights[*l as usize]).sum()
}

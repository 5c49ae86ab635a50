//! Simulated annealing over contraction trees, by local rotations: `((a b) c)` becomes `((a c) b)` or `((b c) a)`.
//!
//! Source: Kalachev, Panteleev, Yung, "Multi-tensor contraction for XEB verification of quantum circuits" (arXiv:2108.05665), with the
//! change of the logarithm of the two steps' cost as energy: cheap corners of a tree are shaped as much as the dear ones.

use super::bits::Layout;
use super::log2::{self, Adder};
use super::network::Network;
use super::random::Random;
use super::step_cost::{Sizes, StepCost};
use super::tree::{Path, Tree};
use super::walk::walk;

/// Random thresholds, a power of two.
const N_THRESHOLDS: usize = 4096;

/// `-log2` of numbers spread evenly over 0..1.
static THRESHOLDS: std::sync::LazyLock<Vec<f64>> =
    std::sync::LazyLock::new(|| (0..N_THRESHOLDS).map(|n| -libm::log2((n as f64 + 0.5) / N_THRESHOLDS as f64)).collect());

/// How cold it gets, and how slowly: the inverse temperature grows evenly from `first` to `last` over so many sweeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) first: f64,
    pub(crate) last: f64,
    pub(crate) sweeps: u64,
}

/// A tree whose nodes know their sizes and costs.
pub(crate) struct Annealer<'a, C> {
    layout: &'a Layout,
    cost_of: &'a C,
    n_leaves: usize,
    children: Vec<[u32; 2]>,
    sets: Vec<u64>,
    /// The words of each set that may have bits.
    span: Vec<(u32, u32)>,
    size: Vec<f64>,
    cost: Vec<f64>,
    root: u32,
    best: Tree,
    best_cost: f64,
    adder: Adder,
}

/// What a rotation makes: the inner child of a node keeps one child, takes the outer child of the node, and gives its other one up to it.
struct Rotation {
    inner_size: f64,
    inner_cost: f64,
    node_cost: f64,
}

impl<'a, C: StepCost> Annealer<'a, C> {
    pub(crate) fn new(network: &Network, layout: &'a Layout, cost_of: &'a C, tree: &Tree) -> Self {
        let n_leaves = network.n_operands();
        let n_nodes = n_leaves + tree.pairs.len();
        let w = layout.n_words;
        let mut annealer = Self {
            layout,
            cost_of,
            n_leaves,
            children: vec![[0; 2]; n_nodes],
            sets: vec![0; n_nodes * w],
            span: vec![(0, 0); n_nodes],
            size: vec![0.0; n_nodes],
            cost: vec![f64::NEG_INFINITY; n_nodes],
            root: n_nodes as u32 - 1,
            best: tree.clone(),
            best_cost: f64::INFINITY,
            adder: Adder::new(),
        };
        annealer.load(network, tree);
        annealer
    }

    /// Takes over a tree.
    pub(crate) fn load(&mut self, network: &Network, tree: &Tree) {
        self.sets.fill(0);
        for (n, labels) in network.operands().iter().enumerate() {
            self.fill(n, labels);
        }
        walk(network, &Path { presums: Vec::new(), tree: tree.clone() }, |step| self.fill(step.id as usize, &step.out));
        for (n, pair) in tree.pairs.iter().enumerate() {
            self.children[self.n_leaves + n] = *pair;
        }
        for node in self.n_leaves..self.children.len() {
            self.cost[node] = self.cost_at(node);
        }
        self.root = self.children.len() as u32 - 1;
        self.note_best();
    }

    fn fill(&mut self, node: usize, labels: &[u32]) {
        let w = self.layout.n_words;
        let set = &mut self.sets[node * w..(node + 1) * w];
        self.layout.fill(labels, set);
        self.size[node] = self.layout.size(set);
        self.span[node] = span(set);
    }

    fn set(&self, node: u32) -> &[u64] {
        let w = self.layout.n_words;
        &self.sets[node as usize * w..(node as usize + 1) * w]
    }

    fn cost_at(&self, node: usize) -> f64 {
        let [lhs, rhs] = self.children[node];
        let union = self.set(lhs).iter().zip(self.set(rhs)).enumerate();
        let volume: f64 = union.map(|(n, (a, b))| self.layout.weigh(n, a | b)).sum();
        let (lhs, rhs, out) = (self.size[lhs as usize], self.size[rhs as usize], self.size[node]);
        self.cost_of.log2_cost(&Sizes { lhs, rhs, out, volume, sums: volume > out })
    }

    /// Binary logarithm of the cost of the whole tree.
    pub(crate) fn total(&self) -> f64 {
        log2::sum(self.cost[self.n_leaves..].iter().copied())
    }

    /// The cheapest tree so far, and the logarithm of its cost.
    pub(crate) fn best(&self) -> (&Tree, f64) {
        (&self.best, self.best_cost)
    }

    /// Rotations that one sweep tries.
    pub(crate) fn moves_a_sweep(&self) -> u64 {
        (self.children.len() - self.n_leaves) as u64
    }

    /// Anneals; `go_on` is asked after every sweep.
    pub(crate) fn run(&mut self, schedule: &Schedule, random: &mut Random, go_on: &mut dyn FnMut(u64) -> bool) {
        for sweep in 0..schedule.sweeps {
            let at = sweep as f64 / schedule.sweeps.max(2).saturating_sub(1) as f64;
            let beta = schedule.first + (schedule.last - schedule.first) * at;
            self.sweep(beta, random);
            if beta > 3.0 {
                self.note_best();
            }
            if !go_on(self.moves_a_sweep()) {
                break;
            }
        }
        self.note_best();
    }

    fn note_best(&mut self) {
        let total = self.total();
        if total < self.best_cost - 1e-9 {
            self.best_cost = total;
            self.best = Tree::from_children(self.n_leaves, self.root, &self.children);
        }
    }

    /// Tries a rotation at every node.
    fn sweep(&mut self, beta: f64, random: &mut Random) {
        let thresholds: &[f64] = &THRESHOLDS;
        let warmth = 1.0 / beta;
        for node in self.n_leaves as u32..self.children.len() as u32 {
            let bits = random.next();
            let [lhs, rhs] = self.children[node as usize];
            let inner_is_lhs = match (self.is_inner(lhs), self.is_inner(rhs)) {
                (true, true) => bits & 1 == 0,
                (is_lhs, is_rhs) if is_lhs || is_rhs => is_lhs,
                _ => continue,
            };
            let (inner, outer) = if inner_is_lhs { (lhs, rhs) } else { (rhs, lhs) };
            let [a, b] = self.children[inner as usize];
            let (kept, moved) = if bits & 2 == 0 { (a, b) } else { (b, a) };
            let rotation = self.price(node, outer, kept, moved);
            let before = self.adder.add(self.cost[node as usize], self.cost[inner as usize]);
            let after = self.adder.add(rotation.node_cost, rotation.inner_cost);
            let threshold = thresholds[(bits >> 8) as usize % N_THRESHOLDS] * warmth;
            if after - before <= threshold {
                self.rotate(node, inner, [outer, kept, moved], &rotation);
            }
        }
    }

    fn is_inner(&self, node: u32) -> bool {
        node as usize >= self.n_leaves
    }

    fn price(&self, node: u32, outer: u32, kept: u32, moved: u32) -> Rotation {
        let [whole, outer_set, kept_set, moved_set] = [node, outer, kept, moved].map(|n| self.set(n));
        let (mut inner_volume, mut inner_size, mut node_volume) = (0.0, 0.0, 0.0);
        let (from, to) = joined(joined(self.span[outer as usize], self.span[kept as usize]), self.span[moved as usize]);
        for word in from as usize..to as usize {
            let both = outer_set[word] | kept_set[word];
            let inner = both & (moved_set[word] | whole[word]);
            inner_volume += self.layout.weigh(word, both);
            inner_size += self.layout.weigh(word, inner);
            node_volume += self.layout.weigh(word, inner | moved_set[word]);
        }
        let size = |n: u32| self.size[n as usize];
        let cost = |lhs, rhs, out, volume| self.cost_of.log2_cost(&Sizes { lhs, rhs, out, volume, sums: volume > out });
        Rotation {
            inner_size,
            inner_cost: cost(size(kept), size(outer), inner_size, inner_volume),
            node_cost: cost(inner_size, size(moved), size(node), node_volume),
        }
    }

    fn rotate(&mut self, node: u32, inner: u32, [outer, kept, moved]: [u32; 3], rotation: &Rotation) {
        let w = self.layout.n_words;
        let new = joined(self.span[outer as usize], self.span[kept as usize]);
        let (from, to) = joined(new, self.span[inner as usize]);
        for word in from as usize..to as usize {
            let at = |n: u32| n as usize * w + word;
            let both = self.sets[at(outer)] | self.sets[at(kept)];
            self.sets[at(inner)] = both & (self.sets[at(moved)] | self.sets[at(node)]);
        }
        self.span[inner as usize] = new;
        self.children[node as usize] = [inner, moved];
        self.children[inner as usize] = [kept, outer];
        self.size[inner as usize] = rotation.inner_size;
        self.cost[inner as usize] = rotation.inner_cost;
        self.cost[node as usize] = rotation.node_cost;
    }
}

/// The first word with bits, and the first after the last; equal for an empty set.
fn span(set: &[u64]) -> (u32, u32) {
    let first = set.iter().position(|w| *w != 0).unwrap_or(0);
    let last = set.iter().rposition(|w| *w != 0).map_or(first, |n| n + 1);
    (first as u32, last as u32)
}

/// Words that are in one of two spans, or between them.
fn joined(a: (u32, u32), b: (u32, u32)) -> (u32, u32) {
    if a.0 == a.1 {
        return b;
    }
    if b.0 == b.1 { a } else { (a.0.min(b.0), a.1.max(b.1)) }
}

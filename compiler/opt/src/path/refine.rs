//! Repairs a tree where it is locally not the best: every subtree is cut off below at a few tensors, and the exact search puts these
//! together anew. Annealing weighs logarithms of neighbours; this weighs the sum.

use super::network::Network;
use super::optimal::{Rank, Table};
use super::step_cost::{Sizes, StepCost};
use super::tree::{Path, Tree};
use super::walk::walk;

/// Tensors that are put together anew at a time: 3^8 / 2 splits are 20 us.
const WINDOW: usize = 8;
/// What a window counts as steps of search.
const WINDOW_STEPS: u64 = 500;
/// Times that the tree is gone through.
const PASSES: usize = 4;

struct Refiner<'a, C> {
    network: &'a Network,
    cost_of: &'a C,
    n_leaves: usize,
    children: Vec<[u32; 2]>,
    labels: Vec<Vec<u32>>,
    elements: Vec<f64>,
}

/// A cheaper tree, or the same one. `spend` is asked before every window.
pub(crate) fn refine<C: StepCost>(network: &Network, cost_of: &C, tree: &Tree, spend: &mut dyn FnMut(u64) -> bool) -> Tree {
    let n_leaves = network.n_operands();
    let mut labels = network.operands().to_vec();
    walk(network, &Path { presums: Vec::new(), tree: tree.clone() }, |step| labels.push(step.out.clone()));
    let children = std::iter::repeat_n([0; 2], n_leaves).chain(tree.pairs.iter().copied()).collect();
    let elements = network.extents().iter().map(|e| *e as f64).collect();
    let mut refiner = Refiner { network, cost_of, n_leaves, children, labels, elements };
    for _ in 0..PASSES {
        let mut is_better = false;
        for node in n_leaves as u32 + 1..refiner.labels.len() as u32 {
            if !spend(WINDOW_STEPS) {
                return refiner.tree();
            }
            is_better |= refiner.window(node);
        }
        if !is_better {
            break;
        }
    }
    refiner.tree()
}

impl<C: StepCost> Refiner<'_, C> {
    fn tree(&self) -> Tree {
        Tree::from_children(self.n_leaves, (self.children.len() - 1) as u32, &self.children)
    }

    fn size(&self, labels: &[u32]) -> f64 {
        labels.iter().map(|l| self.elements[*l as usize]).product()
    }

    /// Puts the tensors below a node together anew; whether that is cheaper.
    fn window(&mut self, node: u32) -> bool {
        let (leaves, inner) = self.cut(node);
        if inner.len() < 2 {
            return false;
        }
        let now: f64 = inner.iter().map(|n| self.cost(*n)).sum();
        let Some(small) = self.as_network(node, &leaves) else { return false };
        let Some(table) = Table::search(&small, self.cost_of, Rank::Cost) else { return false };
        let is_cheaper = table.cost() < now * (1.0 - 1e-12);
        if is_cheaper {
            self.replace(&leaves, &inner, &table.path().tree);
        }
        is_cheaper
    }

    /// Tensors to put together, and the nodes between them and `node`, which comes last. The largest are opened first.
    fn cut(&self, node: u32) -> (Vec<u32>, Vec<u32>) {
        let (mut leaves, mut inner) = (self.children[node as usize].to_vec(), vec![node]);
        while leaves.len() < WINDOW {
            let open = leaves.iter().enumerate().filter(|(_, t)| **t as usize >= self.n_leaves);
            let size = |t: u32| self.size(&self.labels[t as usize]);
            let Some((at, _)) = open.max_by(|a, b| size(*a.1).total_cmp(&size(*b.1))) else { break };
            let opened = leaves.swap_remove(at);
            inner.push(opened);
            leaves.extend(self.children[opened as usize]);
        }
        inner.reverse();
        (leaves, inner)
    }

    fn cost(&self, node: u32) -> f64 {
        let [lhs, rhs] = self.children[node as usize].map(|c| &self.labels[c as usize]);
        let out = &self.labels[node as usize];
        let mut all = [lhs.as_slice(), rhs].concat();
        all.sort_unstable();
        all.dedup();
        let (lhs, rhs, volume) = (self.size(lhs), self.size(rhs), self.size(&all));
        self.cost_of.cost(&Sizes { lhs, rhs, out: self.size(out), volume, sums: out.len() < all.len() })
    }

    fn as_network(&self, node: u32, leaves: &[u32]) -> Option<Network> {
        let mut used: Vec<u32> = leaves.iter().flat_map(|t| self.labels[*t as usize].iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        let rename = |labels: &[u32]| -> Vec<u32> { labels.iter().filter_map(|l| used.binary_search(l).ok()).map(|l| l as u32).collect() };
        let operands = leaves.iter().map(|t| rename(&self.labels[*t as usize])).collect();
        let extents = used.iter().map(|l| self.network.extent(*l)).collect();
        Network::new(operands, rename(&self.labels[node as usize]), extents).ok()
    }

    /// Gives the nodes of a window new children.
    fn replace(&mut self, leaves: &[u32], inner: &[u32], tree: &Tree) {
        let id = |t: u32| leaves.get(t as usize).copied().unwrap_or_else(|| inner[t as usize - leaves.len()]);
        let node = inner[inner.len() - 1] as usize;
        let mut left = vec![0; self.elements.len()];
        for label in leaves.iter().flat_map(|t| &self.labels[*t as usize]).chain(&self.labels[node]) {
            left[*label as usize] += 1;
        }
        for (n, pair) in tree.pairs.iter().enumerate() {
            let [lhs, rhs] = pair.map(id);
            let out = super::tree::join(&self.labels[lhs as usize], &self.labels[rhs as usize], &mut left);
            self.children[inner[n] as usize] = [lhs, rhs];
            self.labels[inner[n] as usize] = out;
        }
    }
}

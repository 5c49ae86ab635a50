//! A smaller network with the same best orders, nearly: steps that make nothing larger are taken before the search.

use super::greedy;
use super::network::Network;
use super::tree::{Tree, join};

/// What is left of a network after some steps.
pub(crate) struct Reduced {
    /// The tensors that are left, as a network.
    pub(crate) network: Network,
    /// Steps taken.
    pairs: Vec<[u32; 2]>,
    /// The tensor, as an id of a path of the whole network, that is each operand here.
    ids: Vec<u32>,
    n_operands: usize,
}

/// Takes the steps whose result is no larger than one of their operands.
pub(crate) fn reduce(network: &Network, weights: &[f64]) -> Reduced {
    let pairs = greedy::simplify(network, weights);
    let (mut labels, mut left) = (network.operands().to_vec(), network.uses());
    let mut is_used = vec![false; labels.len() + pairs.len()];
    for [lhs, rhs] in &pairs {
        let [a, b] = [*lhs, *rhs].map(|t| std::mem::take(&mut labels[t as usize]));
        let out = join(&a, &b, &mut left);
        labels.push(out);
        is_used[*lhs as usize] = true;
        is_used[*rhs as usize] = true;
    }
    let ids: Vec<u32> = (0..labels.len() as u32).filter(|t| !is_used[*t as usize]).collect();
    let operands = ids.iter().map(|t| std::mem::take(&mut labels[*t as usize])).collect();
    Reduced { network: network.with_operands(operands), pairs, ids, n_operands: network.n_operands() }
}

impl Reduced {
    /// The whole network.
    pub(crate) fn nothing(network: &Network) -> Self {
        let n_operands = network.n_operands();
        Self { network: network.clone(), pairs: Vec::new(), ids: (0..n_operands as u32).collect(), n_operands }
    }

    /// A tree of what is left as a tree of the whole.
    pub(crate) fn lift(&self, tree: &Tree) -> Tree {
        let first = (self.n_operands + self.pairs.len()) as u32;
        let n = self.ids.len() as u32;
        let id = |node: u32| if node < n { self.ids[node as usize] } else { first + node - n };
        Tree { pairs: self.pairs.iter().copied().chain(tree.pairs.iter().map(|pair| pair.map(id))).collect() }
    }
}

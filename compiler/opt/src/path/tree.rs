//! Contraction trees, which are paths at the same time.

use super::network::Network;

/// Pairwise steps: the result of step `n` is operand `n_operands + n`. Every operand is used once, and the last step gives the result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tree {
    /// The operands of each step.
    pub pairs: Vec<[u32; 2]>,
}

impl Tree {
    /// Operands one after the other, as written.
    #[must_use]
    pub fn written(n_operands: usize) -> Self {
        let n = n_operands as u32;
        let pairs = (1..n).map(|k| [if k == 1 { 0 } else { n + k - 2 }, k]).collect();
        Self { pairs }
    }

    /// Operands one after the other, from the last to the first.
    #[must_use]
    pub fn reversed(n_operands: usize) -> Self {
        let n = n_operands as u32;
        Self { pairs: (1..n).map(|k| [if k == 1 { n - 1 } else { n + k - 2 }, n - 1 - k]).collect() }
    }

    /// The tree below `root`, where `children[node]` belongs to each node that is not one of the first `n_leaves`.
    pub(crate) fn from_children(n_leaves: usize, root: u32, children: &[[u32; 2]]) -> Self {
        let mut order = Vec::with_capacity(children.len());
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if node as usize >= n_leaves {
                order.push(node);
                stack.extend(children[node as usize]);
            }
        }
        order.reverse();
        let mut id_of: Vec<u32> = (0..children.len() as u32).collect();
        order.iter().enumerate().for_each(|(n, node)| id_of[*node as usize] = (n_leaves + n) as u32);
        Self { pairs: order.iter().map(|node| children[*node as usize].map(|c| id_of[c as usize])).collect() }
    }

    /// The same tree with its steps in the order that needs the least memory, each subtree at a time; `size[n]` is that of tensor `n`, and
    /// operands take none.
    pub(crate) fn ordered(&self, size: &[f64], n_leaves: usize) -> Self {
        let mut peak = vec![0.0f64; n_leaves + self.pairs.len()];
        let mut children = vec![[0; 2]; n_leaves + self.pairs.len()];
        let held = |node: u32| if (node as usize) < n_leaves { 0.0 } else { size[node as usize] };
        for (n, [lhs, rhs]) in self.pairs.iter().enumerate() {
            let after = |one: u32, two: u32| peak[one as usize].max(held(one) + peak[two as usize]);
            let (forth, back) = (after(*lhs, *rhs), after(*rhs, *lhs));
            let node = n_leaves + n;
            // `from_children` makes the second child first.
            children[node] = if forth <= back { [*rhs, *lhs] } else { [*lhs, *rhs] };
            peak[node] = forth.min(back).max(held(*lhs) + held(*rhs) + size[node]);
        }
        Self::from_children(n_leaves, (children.len() - 1) as u32, &children)
    }
}

/// A tree, and what is done to operands before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path {
    /// Operands whose labels that nothing else needs are summed before the step that takes them, ascending.
    pub presums: Vec<u32>,
    /// The pairwise steps.
    pub tree: Tree,
}

impl Path {
    /// A tree after sums over every label that one operand alone has.
    #[must_use]
    pub fn summed_first(network: &Network, tree: Tree) -> Self {
        let uses = network.uses();
        let has_lone = |labels: &Vec<u32>| labels.iter().any(|l| uses[*l as usize] == 1);
        let operands = network.operands().iter().enumerate();
        Self { presums: operands.filter(|(_, labels)| has_lone(labels)).map(|(n, _)| n as u32).collect(), tree }
    }

    /// The same path of operands that are listed in another order: operand `n` of this one is `order[n]`.
    pub(crate) fn renamed(&self, order: &[usize]) -> Self {
        let id = |t: u32| order.get(t as usize).map_or(t, |o| *o as u32);
        let mut presums: Vec<u32> = self.presums.iter().map(|o| id(*o)).collect();
        presums.sort_unstable();
        let in_order = |[a, b]: [u32; 2]| [a.min(b), a.max(b)];
        Self { presums, tree: Tree { pairs: self.tree.pairs.iter().map(|pair| in_order(pair.map(id))).collect() } }
    }
}

/// Labels of a result. `left` counts the tensors, the final result among them, that have each label.
pub(crate) fn join(lhs: &[u32], rhs: &[u32], left: &mut [u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(lhs.len().max(rhs.len()));
    let (mut n, mut m) = (0, 0);
    while n < lhs.len() || m < rhs.len() {
        let (a, b) = (lhs.get(n).copied(), rhs.get(m).copied());
        let label = a.unwrap_or(u32::MAX).min(b.unwrap_or(u32::MAX));
        let (in_lhs, in_rhs) = (a == Some(label), b == Some(label));
        n += usize::from(in_lhs);
        m += usize::from(in_rhs);
        let here = u32::from(in_lhs) + u32::from(in_rhs);
        let others = &mut left[label as usize];
        *others = others.saturating_sub(here);
        if *others > 0 {
            *others += 1;
            out.push(label);
        }
    }
    out
}

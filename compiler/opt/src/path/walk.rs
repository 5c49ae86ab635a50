//! The steps of a path one after the other, with the labels of the tensors that exist at that moment and no others.

use super::network::Network;
use super::tree::{Path, join};

/// One step, its tensors as labels.
pub(crate) struct Step {
    /// Tensors that end here, by id: an operand that is summed, or the two of a pair.
    pub(crate) ends: Vec<u32>,
    /// Labels of those.
    pub(crate) operands: Vec<Vec<u32>>,
    /// Labels of all of them.
    pub(crate) all: Vec<u32>,
    /// Labels of the result.
    pub(crate) out: Vec<u32>,
    /// Id of the result; that of the operand for a sum.
    pub(crate) id: u32,
}

impl Step {
    /// Whether a label is summed.
    pub(crate) fn sums(&self) -> bool {
        self.out.len() < self.all.len()
    }
}

/// Calls `visit` for every step. Operands are summed just before the step that takes them, and at the end if none does.
pub(crate) fn walk(network: &Network, path: &Path, mut visit: impl FnMut(&Step)) {
    let n = network.n_operands();
    let mut left = network.uses();
    let mut open: Vec<Vec<u32>> = network.operands().to_vec();
    let presum = |operand: u32, open: &mut Vec<Vec<u32>>, left: &[u32], visit: &mut dyn FnMut(&Step)| {
        let all = std::mem::take(&mut open[operand as usize]);
        let out: Vec<u32> = all.iter().copied().filter(|l| left[*l as usize] > 1).collect();
        open[operand as usize].clone_from(&out);
        visit(&Step { ends: vec![operand], operands: vec![all.clone()], all, out, id: operand });
    };
    for (k, pair) in path.tree.pairs.iter().enumerate() {
        for operand in pair.iter().filter(|t| path.presums.binary_search(t).is_ok()) {
            presum(*operand, &mut open, &left, &mut visit);
        }
        let operands = pair.map(|t| std::mem::take(&mut open[t as usize])).to_vec();
        let out = join(&operands[0], &operands[1], &mut left);
        open.push(out.clone());
        let mut all = operands.concat();
        all.sort_unstable();
        all.dedup();
        visit(&Step { ends: pair.to_vec(), operands, all, out, id: (n + k) as u32 });
    }
    if path.tree.pairs.is_empty() {
        path.presums.iter().for_each(|operand| presum(*operand, &mut open, &left, &mut visit));
    }
}

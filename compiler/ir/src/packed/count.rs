//! What a packed program costs, counted exactly.

use super::{Op, Packed};
use crate::entity::SecondaryMap;
use std::collections::BTreeSet;

/// Numbers of operations; each operation counts once, however often it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rotations.
    pub rotations: usize,
    /// Of these, rotations of a ciphertext that an earlier one rotates too: they share work with it.
    pub hoisted: usize,
    /// Products of two ciphertexts.
    pub mulcc: usize,
    /// Products with a plaintext, masks among them.
    pub mulcp: usize,
    /// Sums, differences and sums with a plaintext.
    pub adds: usize,
    /// Relinearisations.
    pub relins: usize,
    /// Rescalings.
    pub rescales: usize,
    /// Bootstrappings.
    pub boots: usize,
    /// Products on the longest path.
    pub depth: usize,
    /// Different amounts of rotation: keys to make and to keep.
    pub keys: usize,
}

impl Packed {
    /// Counts the operations.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut keys = BTreeSet::new();
        let mut rotated = BTreeSet::new();
        for op in self.ops.values() {
            match op {
                Op::Rotate { x, by } => {
                    counts.rotations += 1;
                    counts.hoisted += usize::from(!rotated.insert(*x));
                    keys.insert(*by);
                }
                Op::Mul(..) => counts.mulcc += 1,
                Op::MulPlain(..) | Op::Mask(..) => counts.mulcp += 1,
                Op::Add(..) | Op::Sub(..) | Op::AddPlain(..) => counts.adds += 1,
                Op::Relin(_) => counts.relins += 1,
                Op::Rescale(_) => counts.rescales += 1,
                Op::Boot { .. } => counts.boots += 1,
                Op::Input { .. } | Op::Neg(_) | Op::Drop(..) => {}
            }
        }
        counts.keys = keys.len();
        counts.depth = self.depth();
        counts
    }

    fn depth(&self) -> usize {
        let mut depths = SecondaryMap::with_default(0);
        for (id, op) in self.ops.iter() {
            depths[id] = op.args().map(|x| depths[x]).max().unwrap_or(0) + usize::from(op.multiplies());
        }
        self.outputs.iter().flat_map(|output| &output.values).map(|&x| depths[x]).max().unwrap_or(0)
    }
}

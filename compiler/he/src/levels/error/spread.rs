//! Which fresh ciphertexts a value is made of, and by how many slots they were rotated: what tells whether the noises of two values are
//! correlated.
//!
//! Noise in different slots of a ciphertext is not correlated, and a value and its rotation have that of different slots. Whatever noise
//! two values share came with, or was made of, a fresh ciphertext that both are made of. If no fresh ciphertext is in both at the same
//! rotation, their noises are independent: variances add. Otherwise deviations do.

use ein_ir::entity::Ciphertext;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Fresh ciphertexts, and all rotations of any of them.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    roots: Rc<BTreeSet<Ciphertext>>,
    rotations: Rc<Vec<bool>>,
}

impl Spread {
    pub(crate) fn fresh(root: Ciphertext, slots: usize) -> Self {
        let mut rotations = vec![false; slots];
        rotations[0] = true;
        Self { roots: Rc::new(BTreeSet::from([root])), rotations: Rc::new(rotations) }
    }

    pub(crate) fn rotated(&self, by: usize) -> Self {
        let mut rotations = (*self.rotations).clone();
        rotations.rotate_right(by);
        Self { roots: Rc::clone(&self.roots), rotations: Rc::new(rotations) }
    }

    pub(crate) fn is_independent_of(&self, other: &Self) -> bool {
        let apart = || self.rotations.iter().zip(&*other.rotations).all(|(a, b)| !(a & b));
        self.roots.is_disjoint(&other.roots) || apart()
    }

    pub(crate) fn joined(&self, other: &Self) -> Self {
        let roots = if Rc::ptr_eq(&self.roots, &other.roots) || other.roots.is_subset(&self.roots) {
            Rc::clone(&self.roots)
        } else {
            Rc::new(self.roots.union(&other.roots).copied().collect())
        };
        if Rc::ptr_eq(&self.rotations, &other.rotations) {
            return Self { roots, rotations: Rc::clone(&self.rotations) };
        }
        let rotations = self.rotations.iter().zip(&*other.rotations).map(|(a, b)| a | b).collect();
        Self { roots, rotations: Rc::new(rotations) }
    }
}

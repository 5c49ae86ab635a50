//! Who reads which value, kept while steps are fused.

use crate::draft::Draft;
use ein_ir::entity::{SecondaryMap, Tensor};
use std::collections::BTreeSet;

/// Readers of every value by the position of their step. Fused steps stay in place until [`Uses::remove_fused`], so that
/// positions are stable.
pub(crate) struct Uses {
    readers: SecondaryMap<Tensor, BTreeSet<usize>>,
    is_fused: Vec<bool>,
}

impl Uses {
    pub(crate) fn new(draft: &Draft) -> Self {
        let mut readers: SecondaryMap<Tensor, BTreeSet<usize>> = SecondaryMap::new();
        for (position, step) in draft.steps.iter().enumerate() {
            for value in step.reads() {
                readers[value].insert(position);
            }
        }
        Self { readers, is_fused: vec![false; draft.steps.len()] }
    }

    /// Positions of the steps that read a value, in order.
    pub(crate) fn readers(&self, value: Tensor) -> impl ExactSizeIterator<Item = usize> {
        self.readers[value].iter().copied()
    }

    /// Whether the step has become part of its readers.
    pub(crate) fn is_fused(&self, position: usize) -> bool {
        self.is_fused[position]
    }

    /// Records that all readers of the step have taken over what it does.
    pub(crate) fn fuse(&mut self, draft: &Draft, position: usize) {
        let step = &draft.steps[position];
        let readers: BTreeSet<usize> = step.writes().into_iter().flat_map(|value| std::mem::take(&mut self.readers[value])).collect();
        for value in step.reads() {
            self.readers[value].remove(&position);
            self.readers[value].extend(&readers);
        }
        self.is_fused[position] = true;
    }

    /// Removes the steps that have become part of others.
    pub(crate) fn remove_fused(self, draft: &mut Draft) {
        let mut is_fused = self.is_fused.into_iter();
        draft.steps.retain(|_| !is_fused.next().unwrap_or(false));
    }
}

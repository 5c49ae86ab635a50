//! How much is tried: a number of steps for a whole program, each about as long as the other.
//!
//! A program of many products, or of large ones, is not searched for longer: the more of the steps is spent, the fewer candidates are tried
//! of what is left. Steps are counted, and not the time, so that a plan is the same everywhere.

use crate::emit::Emitted;
use std::cell::Cell;

/// Steps of one program. A conversion of a factor that is tried is one: about two microseconds. Nothing is left out in the first half of them,
/// about half a second.
const STEPS: u64 = 500_000;
/// Operations that are written in the time of a step, and elements of maps.
const OPERATIONS_OF_A_STEP: u64 = 4;
const ELEMENTS_OF_A_STEP: u64 = 256;
/// The level on which the least is tried.
const LAST: u32 = 5;

/// What is spent of the steps.
#[derive(Debug)]
pub(crate) struct Work {
    steps: u64,
    spent: Cell<u64>,
}

impl Default for Work {
    fn default() -> Self {
        Self::of(STEPS)
    }
}

impl Work {
    pub(crate) const fn of(steps: u64) -> Self {
        Self { steps, spent: Cell::new(0) }
    }

    pub(crate) fn spend(&self, steps: u64) {
        self.spent.set(self.spent.get().saturating_add(steps));
    }

    /// Spends what it took to write a plan.
    pub(crate) fn emitted(&self, emitted: &Emitted) {
        self.spend(emitted.packed.ops.len() as u64 / OPERATIONS_OF_A_STEP + emitted.elements / ELEMENTS_OF_A_STEP);
    }

    /// 0 while half of the steps are left, 1 while a quarter is, and so on.
    pub(crate) fn level(&self) -> u32 {
        let left = self.steps.saturating_sub(self.spent.get());
        (self.steps / left.max(1)).ilog2().min(LAST)
    }

    /// Joint spaces that a product or a sum is tried in.
    pub(crate) fn joints(&self) -> usize {
        [usize::MAX, 512, 128, 32, 12, 6][self.level() as usize]
    }

    /// Ways to hold what is computed that are kept, of so many.
    pub(crate) fn kept(&self, all: usize) -> usize {
        [all, all / 2, all / 3, all / 6, 3, 2][self.level() as usize]
    }
}

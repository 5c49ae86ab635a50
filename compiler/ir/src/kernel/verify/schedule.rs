//! The schedule: which counters have values in which kernels.

use super::super::{KernelModule, Stage};
use crate::entity::{Kernel, SecondaryMap};
use crate::verified::VerifierError;
use std::collections::BTreeSet;

/// Checks the schedule, and says which counters have values wherever a kernel is carried out.
pub(super) fn check(module: &KernelModule, errors: &mut Vec<VerifierError>) -> SecondaryMap<Kernel, BTreeSet<u32>> {
    let mut walk = Walk { module, counters: Vec::new(), scalars: SecondaryMap::new(), errors };
    walk.stages(&module.schedule);
    let found = walk.scalars;
    let mut scalars: SecondaryMap<Kernel, BTreeSet<u32>> = SecondaryMap::new();
    for kernel in module.kernels.keys() {
        match &found[kernel] {
            Some(counters) => scalars[kernel].clone_from(counters),
            None => errors.push(VerifierError { entity: kernel.to_string(), message: "it is not in the schedule".to_owned() }),
        }
    }
    scalars
}

struct Walk<'a> {
    module: &'a KernelModule,
    /// Counters of the repetitions around.
    counters: Vec<u32>,
    scalars: SecondaryMap<Kernel, Option<BTreeSet<u32>>>,
    errors: &'a mut Vec<VerifierError>,
}

impl Walk<'_> {
    fn stages(&mut self, stages: &[Stage]) {
        for stage in stages {
            match stage {
                Stage::Kernel(kernel) if !self.module.kernels.is_valid(*kernel) => {
                    self.report(format!("{kernel} is not declared"));
                }
                Stage::Kernel(kernel) => {
                    let here: BTreeSet<u32> = self.counters.iter().copied().collect();
                    let all = self.scalars[*kernel].take();
                    self.scalars[*kernel] = Some(all.map_or(here.clone(), |all| &all & &here));
                }
                Stage::Repeat(repeat) => {
                    if repeat.counter as usize > self.counters.len() || self.counters.contains(&repeat.counter) {
                        self.report(format!("s{} is no counter for a repetition inside of {}", repeat.counter, self.counters.len()));
                    }
                    self.counters.push(repeat.counter);
                    self.stages(&repeat.body);
                    self.counters.pop();
                }
            }
        }
    }

    fn report(&mut self, message: String) {
        self.errors.push(VerifierError { entity: "schedule".to_owned(), message });
    }
}

//! What may be assumed of sizes and indices, and which of it a proof needs.

use crate::limits::MAX_FACTS_OF_A_PROOF;
use ein_ir::entity::Index;
use ein_ir::extent::{Atom, Extent};
use std::collections::{BTreeMap, BTreeSet};

/// What may be assumed of sizes and indices where a subscript stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// First value of each index in scope and one past its last.
    pub ranges: BTreeMap<Index, (Extent, Extent)>,
    /// Polynomials known to be 0.
    pub zero: Vec<Extent>,
    /// Polynomials known to be at least 0: sizes, `where` clauses, guards and conditions in force.
    pub nonnegative: Vec<Extent>,
}

impl Facts {
    /// The facts that share a size or an index with `value`, or with another such fact.
    ///
    /// A proof goes through all of its facts many times, and a program may have thousands that have nothing to do with it.
    pub(crate) fn about(&self, value: &Extent) -> Self {
        if self.zero.len() + self.nonnegative.len() <= FEW {
            return self.clone();
        }
        let mut groups = Groups::default();
        self.zero.iter().chain(&self.nonnegative).for_each(|fact| groups.add(fact.leaves()));
        let ends = self.ranges.iter().flat_map(|(index, (lo, hi))| [Extent::index(*index), lo.clone(), hi.clone()]);
        let known = groups.connected(ends.chain([value.clone()]).flat_map(|e| e.leaves()).collect());
        let chosen = |list: &[Extent]| oldest_and_newest(list.iter().filter(|f| f.leaves().iter().any(|l| known.contains(l))));
        Self { ranges: self.ranges.clone(), zero: chosen(&self.zero), nonnegative: chosen(&self.nonnegative) }
    }
}

impl Facts {
    /// The facts that `value` leads to through the ranges of its own indices, or `None` if these are all of them.
    ///
    /// Most proofs need no others, and with few the search does not lose its way.
    pub(crate) fn near(&self, value: &Extent) -> Option<Self> {
        let mut groups = Groups::default();
        for (index, (lo, hi)) in &self.ranges {
            groups.add([Extent::index(*index), lo.clone(), hi.clone()].iter().flat_map(Extent::leaves).collect());
        }
        self.zero.iter().chain(&self.nonnegative).for_each(|fact| groups.add(fact.leaves()));
        let known = groups.connected(value.leaves());
        let chosen =
            |list: &[Extent]| -> Vec<Extent> { list.iter().filter(|f| f.leaves().iter().any(|l| known.contains(l))).cloned().collect() };
        let ranges = self.ranges.iter().filter(|(index, _)| known.contains(&Atom::Index(**index)));
        let near = Self {
            ranges: ranges.map(|(i, r)| (*i, r.clone())).collect(),
            zero: chosen(&self.zero),
            nonnegative: chosen(&self.nonnegative),
        };
        let count = |facts: &Self| facts.ranges.len() + facts.zero.len() + facts.nonnegative.len();
        (count(&near) < count(self)).then_some(near)
    }
}

/// So many facts are not worth a choice.
const FEW: usize = 32;

/// Which sizes and indices stand together in facts.
#[derive(Default)]
struct Groups {
    facts: Vec<BTreeSet<Atom>>,
    /// Facts that mention an atom.
    mention: BTreeMap<Atom, Vec<usize>>,
}

impl Groups {
    fn add(&mut self, leaves: BTreeSet<Atom>) {
        for leaf in &leaves {
            self.mention.entry(leaf.clone()).or_default().push(self.facts.len());
        }
        self.facts.push(leaves);
    }

    /// All atoms that facts connect with these.
    fn connected(&mut self, mut known: BTreeSet<Atom>) -> BTreeSet<Atom> {
        let mut new: Vec<Atom> = known.iter().cloned().collect();
        while let Some(atom) = new.pop() {
            for fact in self.mention.remove(&atom).unwrap_or_default() {
                let leaves = self.facts.get_mut(fact).map(std::mem::take).unwrap_or_default();
                new.extend(leaves.into_iter().filter(|leaf| known.insert(leaf.clone())));
            }
        }
        known
    }
}

fn oldest_and_newest<'f>(facts: impl Iterator<Item = &'f Extent>) -> Vec<Extent> {
    let facts: Vec<&Extent> = facts.collect();
    let newest = facts.len().saturating_sub(MAX_FACTS_OF_A_PROOF / 2).max(MAX_FACTS_OF_A_PROOF / 2);
    let kept = facts.iter().take(MAX_FACTS_OF_A_PROOF / 2).chain(facts.iter().skip(newest));
    kept.map(|fact| (*fact).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ein_ir::entity::Dim;

    fn d(n: usize) -> Extent {
        Extent::dim(Dim::from_u32(u32::try_from(n).expect("small")))
    }

    #[test]
    fn what_is_connected_is_kept() {
        let mut nonnegative: Vec<Extent> = (0..100).map(d).collect();
        nonnegative.extend([d(2).sub(&d(1)), d(1).sub(&d(0))]);
        let facts = Facts { nonnegative, ..Facts::default() };
        let about = facts.about(&d(0).add(&d(90)));
        assert_eq!(about.nonnegative, [d(0), d(1), d(2), d(90), d(2).sub(&d(1)), d(1).sub(&d(0))]);
    }

    #[test]
    fn of_many_the_oldest_and_the_newest_are_kept() {
        let nonnegative: Vec<Extent> = (0..1000).map(|k| d(0).sub(&Extent::constant(k))).collect();
        let facts = Facts { nonnegative: nonnegative.clone(), ..Facts::default() };
        let about = facts.about(&d(0)).nonnegative;
        assert_eq!(about.len(), MAX_FACTS_OF_A_PROOF);
        assert_eq!((about.first(), about.last()), (nonnegative.first(), nonnegative.last()));
    }
}

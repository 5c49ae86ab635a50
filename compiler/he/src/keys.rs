//! Fewer rotation keys: rotations whose key is given up are made of others.

use crate::builder::{Builder, Makers};
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed};
use std::collections::{BTreeMap, BTreeSet};

/// Programs with more keys than this are not looked at: each key that may go is tried.
const MAX_KEYS: usize = 48;
/// Rotations that one may be made of.
const MAX_PARTS: u32 = 6;

/// The program with at most `budget` different rotations.
///
/// # Errors
/// How many remained where no other could go.
pub(crate) fn within(packed: &Packed, makers: &Makers, budget: usize) -> Result<(Packed, Makers), usize> {
    let mut keys = Chosen::all(packed, makers);
    while keys.keys.len() > budget {
        let (_, key) = keys.cheapest_to_go().ok_or(keys.keys.len())?;
        keys.keys.remove(&key);
    }
    Ok(keys.rewritten())
}

/// The program with the fewest different rotations that are found with at most `most` rotations; none if it has more.
pub(crate) fn fewest(packed: &Packed, makers: &Makers, most: usize) -> Option<(Packed, Makers)> {
    let mut keys = Chosen::all(packed, makers);
    if packed.counts().rotations > most {
        return None;
    }
    while let Some((_, key)) = keys.cheapest_to_go().filter(|(rotations, _)| *rotations <= most as u64) {
        keys.keys.remove(&key);
    }
    Some(keys.rewritten())
}

/// Rotations of a program, and those of them that keep their keys.
struct Chosen<'a> {
    packed: &'a Packed,
    makers: &'a Makers,
    /// Of each amount, how many rotations there are.
    uses: BTreeMap<u32, u64>,
    keys: BTreeSet<u32>,
}

impl<'a> Chosen<'a> {
    fn all(packed: &'a Packed, makers: &'a Makers) -> Self {
        let mut uses: BTreeMap<u32, u64> = BTreeMap::new();
        for op in packed.ops.values() {
            if let Op::Rotate { by, .. } = op {
                *uses.entry(*by).or_default() += 1;
            }
        }
        let keys = uses.keys().copied().collect();
        Self { packed, makers, uses, keys }
    }

    /// The key without which there are the fewest rotations, and how many; none if none can go, or if there are too many to try.
    fn cheapest_to_go(&self) -> Option<(u64, u32)> {
        if self.uses.len() > MAX_KEYS {
            return None;
        }
        let without = |key: &u32| -> BTreeSet<u32> { self.keys.iter().copied().filter(|other| other != key).collect() };
        let cost = |key: &u32| Steps::of(&without(key), self.packed.slots).cost(&self.uses);
        self.keys.iter().filter_map(|key| Some((cost(key)?, *key))).min()
    }

    fn rewritten(&self) -> (Packed, Makers) {
        if self.keys.len() == self.uses.len() {
            return (self.packed.clone(), self.makers.clone());
        }
        rewritten(self.packed, self.makers, &Steps::of(&self.keys, self.packed.slots))
    }
}

/// The fewest rotations by keys that make each rotation.
struct Steps {
    /// Of each amount, the number of rotations and the last of them.
    reached: Vec<Option<(u32, u32)>>,
}

impl Steps {
    fn of(keys: &BTreeSet<u32>, slots: u32) -> Self {
        let mut reached = vec![None; slots as usize];
        reached[0] = Some((0, 0));
        let mut border = vec![0_u32];
        for parts in 1..=MAX_PARTS {
            let mut next = Vec::new();
            for from in border {
                for &key in keys {
                    let to = (from + key) % slots;
                    if reached[to as usize].is_none() {
                        reached[to as usize] = Some((parts, key));
                        next.push(to);
                    }
                }
            }
            border = next;
        }
        Self { reached }
    }

    /// Rotations of all uses; none if one cannot be made.
    fn cost(&self, uses: &BTreeMap<u32, u64>) -> Option<u64> {
        uses.iter().map(|(&by, &uses)| self.reached[by as usize].map(|(parts, _)| uses * u64::from(parts))).sum()
    }

    /// The keys of a rotation, those that many share first.
    fn parts(&self, mut by: u32) -> Vec<u32> {
        let slots = u32::try_from(self.reached.len()).unwrap_or(u32::MAX);
        let mut parts = Vec::new();
        while by != 0 {
            let Some((_, key)) = self.reached[by as usize] else { break };
            parts.push(key);
            by = (by + slots - key) % slots;
        }
        parts.sort_unstable();
        parts
    }
}

fn rewritten(packed: &Packed, makers: &Makers, steps: &Steps) -> (Packed, Makers) {
    let mut builder = Builder::new(packed.slots);
    let mut new: SecondaryMap<Ciphertext, Ciphertext> = SecondaryMap::with_default(Ciphertext::from_u32(0));
    for (id, op) in &packed.ops {
        builder.maker = makers.of[id];
        new[id] = match op.renamed(|x| new[x]) {
            Op::Rotate { x, by } => steps.parts(by).into_iter().fold(x, |x, by| builder.rotate(x, i64::from(by))),
            op => builder.op(op),
        };
    }
    let mut out = Packed { ops: builder.packed.ops, ..packed.clone() };
    out.outputs.iter_mut().flat_map(|output| &mut output.values).for_each(|value| *value = new[*value]);
    (out, makers.renamed(builder.makers.of, |x| new[x]))
}

//! Which positive numbers are parts of others: `e` of `e + f`, and `s / 16` of `s`. A part is no larger than some number times the whole.
//!
//! Numbers are told apart by their residues, so that it does not matter in which slot and in which order they were added.

use super::residue::Residue;
use std::collections::HashMap;

/// Parts of all wholes together that are looked at for one product.
const MAX_LOOKED_AT: usize = 1 << 18;

/// Positive numbers by what they were first made of, with how many times the whole each of these is at most.
#[derive(Debug, Default)]
pub(crate) struct Parts(HashMap<Residue, Vec<(Residue, f64)>>);

impl Parts {
    /// Says that a number is no less than others.
    pub(crate) fn add(&mut self, whole: Residue, parts: &[(Residue, f64)]) {
        if parts.iter().all(|(part, _)| *part != whole) {
            self.0.entry(whole).or_insert_with(|| parts.to_vec());
        }
    }

    /// Says that one number is another one times a positive factor: each is a part of the other.
    pub(crate) fn scaled(&mut self, product: Residue, number: Residue, factor: f64) {
        for (whole, part, share) in [(product, number, factor.recip()), (number, product, factor)] {
            let parts = self.0.entry(whole).or_default();
            if product != number && parts.iter().all(|(known, _)| *known != part) {
                parts.push((part, share));
            }
        }
    }
}

/// Looks parts up, and remembers those of each whole.
pub(crate) struct Lookup<'a> {
    parts: &'a Parts,
    known: HashMap<Residue, HashMap<Residue, f64>>,
    looked_at: usize,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(parts: &'a Parts) -> Self {
        Self { parts, known: HashMap::new(), looked_at: 0 }
    }

    /// How many times the whole a number is at most, if it is a part of it.
    pub(crate) fn share(&mut self, part: Residue, whole: Residue) -> Option<f64> {
        if part == whole {
            return Some(1.0);
        }
        if !self.known.contains_key(&whole) {
            let found = self.all(whole);
            self.known.insert(whole, found);
        }
        self.known.get(&whole).and_then(|all| all.get(&part)).copied()
    }

    fn all(&mut self, whole: Residue) -> HashMap<Residue, f64> {
        let mut found = HashMap::new();
        let mut open = vec![(whole, 1.0)];
        while let Some((at, share)) = open.pop() {
            if self.looked_at > MAX_LOOKED_AT {
                break;
            }
            self.looked_at += 1;
            for &(part, of_it) in self.parts.0.get(&at).into_iter().flatten() {
                let share = share * of_it;
                if found.insert(part, share).is_none() {
                    open.push((part, share));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_parts_are_parts() {
        let of = Residue::of_number;
        let (a, b, c) = (Residue::drawn([1, 0, 0]), Residue::drawn([1, 0, 1]), Residue::drawn([1, 0, 2]));
        let mut parts = Parts::default();
        let (two, three) = (a.plus(b), a.plus(b).plus(c));
        parts.add(two, &[(a, 1.0), (b, 1.0)]);
        parts.add(three, &[(two, 1.0), (c, 1.0)]);
        let quarter = three.times(of(0.25));
        parts.scaled(quarter, three, 0.25);
        let mut lookup = Lookup::new(&parts);
        assert_eq!([a, three, quarter].map(|part| lookup.share(part, quarter)), [Some(4.0), Some(4.0), Some(1.0)]);
        assert_eq!([lookup.share(c, two), lookup.share(quarter, three)], [None, Some(0.25)]);
    }
}

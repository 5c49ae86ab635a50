//! The cheapest ways so far: what is known to be dearer than all of them need not be looked at.

use crate::packing::Packing;

/// So many of the cheapest ways, each packing once.
pub(crate) struct Front {
    most: usize,
    /// Prices, depths and packings, the cheapest first.
    ways: Vec<(f64, u32, Packing)>,
}

impl Front {
    pub(crate) const fn new(most: usize) -> Self {
        Self { most, ways: Vec::new() }
    }

    /// Takes a way in, if it is one of the cheapest.
    pub(crate) fn push(&mut self, price: f64, depth: u32, packing: &Packing) {
        if price >= self.dearest() {
            return;
        }
        let there = self.ways.iter().position(|(.., other)| other == packing);
        if there.is_some_and(|n| self.ways[n].0 <= price) {
            return;
        }
        there.into_iter().for_each(|n| drop(self.ways.remove(n)));
        let at = self.ways.partition_point(|(other, ..)| *other <= price);
        self.ways.insert(at, (price, depth, packing.clone()));
        self.ways.truncate(self.most);
    }

    /// The price of the last of them, if there are so many.
    pub(crate) fn dearest(&self) -> f64 {
        self.ways.last().filter(|_| self.ways.len() == self.most).map_or(f64::INFINITY, |(price, ..)| *price)
    }

    /// A price from which on a way that is no flatter than `depth` is none of those that are kept.
    pub(crate) fn limit(&self, depth: u32) -> f64 {
        let is_flat = self.ways.iter().any(|(_, other, _)| *other <= depth);
        // Of two that cost the same the flatter one is kept.
        if is_flat { self.dearest() + 1e-6 } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ein_ir::packed::AddressBit;

    #[test]
    fn each_packing_counts_once_and_flat_ways_are_never_too_dear() {
        let packing = |n: usize| Packing::of(vec![AddressBit::Rep; n]);
        let mut front = Front::new(2);
        front.push(3.0, 2, &packing(1));
        front.push(2.0, 2, &packing(1));
        assert!(front.limit(2).is_infinite());
        front.push(5.0, 3, &packing(2));
        assert!(front.limit(2) > 5.0 && front.limit(2) < 5.1 && front.limit(1).is_infinite());
        front.push(4.0, 1, &packing(3));
        front.push(6.0, 0, &packing(4));
        assert!(front.dearest() <= 4.0 && front.limit(0).is_infinite());
    }
}

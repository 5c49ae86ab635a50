//! Sets of rotations: by how many slots something was turned on its ways to a value.

/// Numbers of slots below a power of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turns {
    words: Vec<u64>,
    slots: usize,
}

impl Turns {
    /// It is where it was.
    pub(crate) fn none(slots: usize) -> Self {
        let mut words = vec![0; slots.div_ceil(64)];
        words[0] = 1;
        Self { words, slots }
    }

    /// All that there may be.
    pub(crate) fn everywhere(&self) -> Self {
        let mask = if self.slots < 64 { (1 << self.slots) - 1 } else { u64::MAX };
        Self { words: vec![mask; self.words.len()], slots: self.slots }
    }

    pub(crate) fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// With a rotation after each.
    pub(crate) fn rotated(&self, by: usize) -> Self {
        let by = by % self.slots;
        if self.slots < 64 {
            let word = self.words[0];
            let turned = (word << by | word >> (self.slots - by)) & ((1 << self.slots) - 1);
            return Self { words: vec![turned], slots: self.slots };
        }
        let (n, bits) = (self.words.len(), by % 64);
        let word = |at: usize| {
            let (here, before) = (self.words[(at + n - by / 64) % n], self.words[(at + 2 * n - by / 64 - 1) % n]);
            if bits == 0 { here } else { here << bits | before >> (64 - bits) }
        };
        Self { words: (0..n).map(word).collect(), slots: self.slots }
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(a, b)| a & b == 0)
    }

    pub(crate) fn with(&self, other: &Self) -> Self {
        Self { words: self.words.iter().zip(&other.words).map(|(a, b)| a | b).collect(), slots: self.slots }
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;

    #[test]
    fn rotations_add_up() {
        for slots in [1, 2, 32, 64, 256] {
            let at = |by: usize| Turns::none(slots).rotated(by);
            for by in [0, 1, 31, 63, 64, 130, 255] {
                let there = (0..slots).filter(|place| !at(*place).is_disjoint(&at(by).rotated(7)));
                assert_eq!(there.collect::<Vec<usize>>(), [(by + 7) % slots], "{by} of {slots}");
            }
            assert_eq!(at(0).with(&at(1)).count(), if slots == 1 { 1 } else { 2 });
            assert_eq!((0..slots).fold(at(0), |all, by| all.with(&at(by))), at(0).everywhere());
        }
    }
}

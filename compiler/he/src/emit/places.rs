//! Positions along labels at the addresses of a packing.

use super::Factor;
use crate::packing::{LabelBit, Packing};

/// Where the bits of each label are.
pub(super) struct Places {
    labels: Vec<(u8, Vec<(u8, usize)>)>,
}

impl Places {
    pub(super) fn of(packing: &Packing) -> Self {
        let mut labels: Vec<(u8, Vec<(u8, usize)>)> = Vec::new();
        for (LabelBit { label, bit }, place) in packing.positions() {
            match labels.last_mut() {
                Some((last, bits)) if *last == label => bits.push((bit, place)),
                Some(_) | None => labels.push((label, vec![(bit, place)])),
            }
        }
        Self { labels }
    }

    /// The position along each label at an address.
    pub(super) fn values(&self, address: u64) -> impl Iterator<Item = (u8, u64)> + '_ {
        let value = move |bits: &[(u8, usize)]| bits.iter().fold(0, |value, (bit, place)| value | (address >> place & 1) << bit);
        self.labels.iter().map(move |(label, bits)| (*label, value(bits)))
    }
}

/// Elements of a public factor at one address after the other: of an address that is near the last one few bits are new.
pub(super) struct Walk {
    /// Of each bit of an address, the number of its label and what it adds to the position.
    bits: Vec<Option<(usize, u64)>>,
    /// Of each label, where the last address is along it, what a step adds to the row-major position, and its size.
    labels: Vec<(u64, i64, u64)>,
    first: i64,
    at: u64,
}

impl Walk {
    pub(super) fn of(packing: &Packing, factor: &Factor) -> Self {
        let mut walk = Self { bits: vec![None; packing.bits.len()], labels: Vec::new(), first: factor.first(), at: 0 };
        for (label, bits) in Places::of(packing).labels {
            bits.iter().for_each(|&(bit, place)| walk.bits[place] = Some((walk.labels.len(), 1 << bit)));
            let (stride, size) = factor.of_label(label);
            walk.labels.push((0, stride, size));
        }
        walk
    }

    /// The row-major position of the element at an address; none beyond the sizes of labels.
    pub(super) fn flat(&mut self, address: u64) -> Option<u64> {
        let mut changed = address ^ self.at;
        self.at = address;
        while changed != 0 {
            let bit = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            if let Some((label, adds)) = self.bits.get(bit).copied().flatten() {
                self.labels[label].0 ^= adds;
            }
        }
        let mut flat = self.first;
        for (value, stride, size) in &self.labels {
            if value >= size {
                return None;
            }
            flat += value.cast_signed() * stride;
        }
        u64::try_from(flat).ok()
    }
}

//! Positions along labels at the addresses of a packing.

use super::Factor;
use crate::packing::{LabelBit, Packing};
use ein_ir::packed::Segment;

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

    /// The elements of a ciphertext in slots that have none of the `free` bits, in runs that rise.
    pub(super) fn parts(mut self, address: u64, free: u64, log_slots: usize) -> Vec<Segment> {
        let field = self.lowest(free, log_slots);
        let mut parts = Vec::new();
        for block in 0..1_u64 << (log_slots - field.first - field.n_bits) {
            let slot = block << (field.first + field.n_bits);
            let Some(flat) = (slot & free == 0).then(|| self.flat(address | slot)).flatten() else { continue };
            let left = field.label.map_or(u64::MAX, |(label, adds)| {
                let (value, _, size) = self.labels[label];
                (size - value).div_ceil(adds)
            });
            // What is below zero is none of the elements.
            let (below, count) = (field.below(flat), left.min(1 << field.n_bits));
            let first = u64::try_from(flat + field.dflat * below.cast_signed());
            if let (Ok(flat), Ok(count @ 1..)) = (first, u32::try_from(count.saturating_sub(below))) {
                let slot = u32::try_from(slot + (below << field.first)).expect("below the number of slots");
                parts.push(Segment { chunk: 0, slot, dslot: 1 << field.first, flat, dflat: field.dflat, count });
            }
        }
        parts
    }

    /// The lowest bits that are not free, as far as elements are evenly apart along them.
    fn lowest(&self, free: u64, log_slots: usize) -> Field {
        let at = |p: usize| self.bits.get(p).copied().flatten();
        let first = (free.trailing_ones() as usize).min(log_slots);
        let goes_on = |p: usize| free >> p & 1 == 0 && at(p) == at(first).map(|(label, adds)| (label, adds << (p - first)));
        let n_bits = (first..log_slots).take_while(|&p| goes_on(p)).count();
        let label = at(first).filter(|_| n_bits > 0);
        let dflat = label.map_or(0, |(label, adds)| self.labels[label].1 * adds.cast_signed());
        // Where positions fall, those below zero are at the end of a run.
        if dflat < 0 { Field { first, n_bits: 0, label: None, dflat: 0 } } else { Field { first, n_bits, label, dflat } }
    }

    /// The row-major position of the element at an address, which may be below zero; none beyond the sizes of labels.
    fn flat(&mut self, address: u64) -> Option<i64> {
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
        Some(flat)
    }
}

/// Bits of an address along which elements are evenly apart.
struct Field {
    first: usize,
    n_bits: usize,
    /// The label that they are bits of, and what the first adds to the position along it; none if they are of none.
    label: Option<(usize, u64)>,
    /// What a step adds to the row-major position.
    dflat: i64,
}

impl Field {
    /// How many elements from this position on are below zero.
    const fn below(&self, flat: i64) -> u64 {
        if flat >= 0 {
            0
        } else if self.dflat > 0 {
            flat.unsigned_abs().div_ceil(self.dflat.unsigned_abs())
        } else {
            u64::MAX
        }
    }
}

//! Slots that are kept, and others that become zero.

use super::{Emitter, Places, Value, chunk_addresses};
use crate::convert::Kept;
use crate::packing::Packing;
use ein_ir::entity::Ciphertext;

impl Emitter<'_> {
    /// What is to be kept, times a number, and zero elsewhere.
    pub(super) fn masked(&mut self, number: f64, mut value: Value, kept: &Kept, packing: &Packing) -> Value {
        for (chunk, address) in value.chunks.iter_mut().zip(chunk_addresses(packing, self.log_slots)) {
            *chunk = chunk.and_then(|x| self.cleaned(number, x, Some(kept), packing, address));
        }
        value
    }

    /// What is to be kept of one ciphertext of a packing, if anything, times a number.
    pub(super) fn cleaned(
        &mut self,
        number: f64,
        x: Ciphertext,
        kept: Option<&Kept>,
        packing: &Packing,
        address: u64,
    ) -> Option<Ciphertext> {
        let Some(kept) = kept else { return Some(x) };
        let zero = kept.zero.iter().fold(0, |all, p| all | 1_u64 << p);
        let places = Places::of(packing);
        let size = |label: u8| kept.within.iter().find(|(other, _)| *other == label).map_or(u64::MAX, |(_, size)| *size);
        let is_kept = |slot: &u64| slot & zero == 0 && places.values(address | slot).all(|(label, value)| value < size(label));
        let slots = (0..1_u64 << self.log_slots).filter(is_kept).map(|slot| self.turned_slot(slot, packing));
        let mut slots: Vec<u32> = slots.collect();
        slots.sort_unstable();
        (!slots.is_empty()).then(|| self.builder.scaled_mask(x, number, &slots))
    }

    /// The slot of an address of a packing.
    pub(super) fn turned_slot(&self, slot: u64, packing: &Packing) -> u32 {
        let turned = (slot + u64::from(packing.offset)) & ((1 << self.log_slots) - 1);
        u32::try_from(turned).expect("below the number of slots")
    }
}

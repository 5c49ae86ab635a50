//! Parts of tensors as they lie: one position of an axis, positions from a first one on, every second, fourth or eighth.
//!
//! Where an element is says the address of its tensor. A label that reads an axis from a position on has that axis's bits, and everything is
//! turned by what the first position adds to an address; so nothing moves. What lies beside is other elements of the tensor: unknown.

use crate::contraction::{Contraction, Operand};
use crate::packing::{LabelBit, Packing};
use ein_ir::packed::layout::{AddressBit, axis_bits};

/// A held tensor over the labels of an operand that reads it, and the address bits of the only ciphertexts that are read; none if labels have
/// no address bits of their own there.
pub(crate) fn packing(contraction: &Contraction, operand: &Operand, packing: &Packing, log_slots: usize) -> Option<(Packing, u64)> {
    let labels: Vec<u8> = operand.labels().collect();
    if operand.is_padded() || labels.iter().enumerate().any(|(n, label)| labels[..n].contains(label)) {
        return None;
    }
    let mut view = View { packing: Packing { junk: 0, ..packing.clone() }, first: 0, chunk: 0, log_slots };
    let places = packing.positions();
    for (axis, n) in operand.axes.iter().zip(0_u8..) {
        let places: Vec<usize> = (0..axis_bits(axis.size)).map(|bit| places[&LabelBit { label: n, bit }]).collect();
        let (terms, offset) = axis.subscript.linear();
        let (label, factor) = match terms[..] {
            [] => (None, 1),
            [(label, factor)] => (Some(label), factor),
            _ => return None,
        };
        let (Ok(first), Ok(factor)) = (u64::try_from(offset), u64::try_from(factor)) else { return None };
        let size = label.map_or(1, |label| contraction.labels[usize::from(label)].size);
        if size == 0 || !factor.is_power_of_two() {
            return None;
        }
        let is_whole = size == axis.size && packing.junk >> n & 1 == 0;
        view.read(&places, &Read { label, size, shift: factor.trailing_zeros() as usize, first, is_whole })?;
    }
    let slots = 1_u64 << log_slots;
    let offset = (u64::from(view.packing.offset) + view.first) % slots;
    view.packing.offset = u32::try_from(offset).ok()?;
    Some((view.packing, view.chunk))
}

/// How an axis is read: position `first + 2^shift * l` for label position `l`.
struct Read {
    label: Option<u8>,
    size: u64,
    shift: usize,
    first: u64,
    is_whole: bool,
}

struct View {
    packing: Packing,
    /// What the first positions add to a slot.
    first: u64,
    chunk: u64,
    log_slots: usize,
}

impl View {
    /// Gives the bits of an axis, which are at these places, to what reads it.
    fn read(&mut self, places: &[usize], read: &Read) -> Option<()> {
        let n_bits = usize::from(axis_bits(read.size));
        for (n, &place) in places.iter().enumerate() {
            let of_label = (read.shift..read.shift + n_bits).contains(&n);
            let bit = match read.label.filter(|_| of_label) {
                Some(label) => LabelBit { label, bit: u8::try_from(n - read.shift).ok()? }.address(),
                None if place < self.log_slots => AddressBit::Junk,
                None => AddressBit::Rep,
            };
            self.packing.set(place, bit);
        }
        if let Some(label) = read.label.filter(|_| !read.is_whole && !read.size.is_power_of_two()) {
            self.packing.junk |= 1 << label;
        }
        self.start(places, read, n_bits)
    }

    /// Adds the first position to the address. Where that carries, the bits that are reached must be a field of slots.
    fn start(&mut self, places: &[usize], read: &Read, n_bits: usize) -> Option<()> {
        let carries = read.first >> read.shift & ((1 << n_bits) - 1) != 0;
        let plain = if carries { read.first & ((1 << read.shift) - 1) } else { read.first };
        for (_, &place) in places.iter().enumerate().filter(|(n, _)| plain >> n & 1 == 1) {
            *(if place < self.log_slots { &mut self.first } else { &mut self.chunk }) += 1 << place;
        }
        if carries {
            let from = read.first >> read.shift;
            let reached = usize::from(axis_bits(read.size + from));
            let field = places.get(read.shift..read.shift + reached)?;
            let is_field = field.iter().enumerate().all(|(n, &place)| place == field[0] + n && place < self.log_slots);
            self.first += is_field.then(|| from << field[0])?;
        }
        Some(())
    }
}

//! Whether a layout is well formed.

use crate::packed::layout::axis_bits;
use crate::packed::{AddressBit, Layout, Piece, Roll};

/// Bits of an address: more than any tensor needs that is planned here, and few enough that all addresses can be gone through.
const MAX_ADDRESS_BITS: usize = 28;

pub(super) fn check(layout: &Layout, slots: u32) -> Result<(), String> {
    if layout.slots.len() != slots.trailing_zeros() as usize {
        return Err(format!("{} bits for {slots} slots", layout.slots.len()));
    }
    let n_bits = layout.slots.len() + layout.chunks.len();
    if n_bits > MAX_ADDRESS_BITS {
        return Err(format!("addresses of {n_bits} bits"));
    }
    if layout.shape.len() > 256 {
        return Err(format!("{} axes", layout.shape.len()));
    }
    check_bits(layout)?;
    if layout.offset >= slots {
        return Err(format!("an offset of {} in {slots} slots", layout.offset));
    }
    if layout.junk_padding.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(format!("axes {:?} out of order", layout.junk_padding));
    }
    if let Some(&last) = layout.junk_padding.last() {
        bits_of(layout, last)?;
    }
    layout.rolls.iter().try_for_each(|roll| check_roll(layout, roll))
}

/// Each bit of each axis once.
fn check_bits(layout: &Layout) -> Result<(), String> {
    let mut seen = vec![0_u64; layout.shape.len()];
    for bit in layout.bits() {
        let AddressBit::Axis { axis, bit } = bit else { continue };
        let n = bits_of(layout, axis)?;
        if bit >= n {
            return Err(format!("axis {axis} has {n} bits, not a bit {bit}"));
        }
        let known = &mut seen[usize::from(axis)];
        if *known >> bit & 1 == 1 {
            return Err(format!("bit {bit} of axis {axis} stands twice"));
        }
        *known |= 1 << bit;
    }
    for (axis, (&size, seen)) in layout.shape.iter().zip(seen).enumerate() {
        let n = axis_bits(size);
        // An axis of 64 bits has more than an address, so that some are missing.
        if seen.count_ones() != u32::from(n) {
            return Err(format!("{} of {n} bits of axis {axis} of size {size}", seen.count_ones()));
        }
    }
    Ok(())
}

fn bits_of(layout: &Layout, axis: u8) -> Result<u8, String> {
    layout.shape.get(usize::from(axis)).map(|size| axis_bits(*size)).ok_or_else(|| format!("there is no axis {axis}"))
}

fn check_roll(layout: &Layout, roll: &Roll) -> Result<(), String> {
    for piece in [roll.piece, roll.by] {
        let n = bits_of(layout, piece.axis)?;
        if piece.len == 0 || u32::from(piece.lo) + u32::from(piece.len) > u32::from(n) {
            return Err(format!("no {} bits from {} of the {n} of axis {}", piece.len, piece.lo, piece.axis));
        }
    }
    if overlap(roll.piece, roll.by) { Err(format!("{} rolls by itself", roll.piece)) } else { Ok(()) }
}

const fn overlap(a: Piece, b: Piece) -> bool {
    a.axis == b.axis && a.lo < b.lo + b.len && b.lo < a.lo + a.len
}

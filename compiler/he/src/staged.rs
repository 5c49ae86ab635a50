//! Moves in two steps. A permutation of address bits takes as many masks as it has displacements, and about twice the root of that in
//! rotations; over a place in between, at one level more, either step has far fewer.

use crate::convert::shape_map;
use crate::joint::permute;
use crate::linear::{LinearMap, Split};
use crate::packing::{LabelBit, Packing};
use ein_ir::packed::Piece;
use ein_ir::packed::layout::axis_bits;
use std::collections::BTreeSet;

/// Pieces of axes of which all orders are tried.
const MAX_PIECES: usize = 6;
/// Places after which no more cuts are made.
const MAX_PLACES: usize = 8000;

/// One of two steps: the map, how it is cut, and where it leads.
pub(crate) type Stage = (LinearMap, Split, Packing);

/// The best place in between, within one ciphertext, of a tensor on its way; none if no place makes fewer rotations.
pub(crate) fn two_steps(shape: &[u64], from: &Packing, to: &Packing, log_slots: usize) -> Option<[Stage; 2]> {
    if from.bits.len() > log_slots || to.bits.len() > log_slots {
        return None;
    }
    let step = |from: &Packing, to: &Packing| {
        let map = shape_map(shape, from, to, log_slots);
        let split = map.split(1 << log_slots, 1 << log_slots, 1, 1);
        (map, split, to.clone())
    };
    let rotations = |(_, split, _): &Stage| split.cost().rotations;
    let mut least = rotations(&step(from, to));
    let mut best = None;
    for between in places(shape, log_slots) {
        let first = step(from, &between);
        let so_far = rotations(&first);
        if so_far >= least {
            continue;
        }
        let second = step(&between, to);
        if so_far + rotations(&second) < least {
            least = so_far + rotations(&second);
            best = Some([first, second]);
        }
    }
    best
}

/// Orders of axes, whole or cut so that a piece of one is as long as another.
fn places(shape: &[u64], log_slots: usize) -> BTreeSet<Packing> {
    let whole: Vec<Piece> =
        (0_u8..).zip(shape).map(|(axis, &size)| Piece { axis, lo: 0, len: axis_bits(size) }).filter(|piece| piece.len > 0).collect();
    let mut found = BTreeSet::new();
    for mut pieces in cuts(&whole) {
        permute(&mut pieces, 0, &mut |order| {
            found.insert(packing(order, log_slots));
        });
        if found.len() > MAX_PLACES {
            break;
        }
    }
    found
}

/// Ways to cut axes into at most [`MAX_PIECES`].
fn cuts(whole: &[Piece]) -> Vec<Vec<Piece>> {
    let mut all = vec![whole.to_vec()];
    let mut next = 0;
    while let Some(pieces) = all.get(next).cloned() {
        next += 1;
        if pieces.len() >= MAX_PIECES {
            continue;
        }
        for (n, piece) in pieces.iter().enumerate() {
            let lengths: BTreeSet<u8> = pieces.iter().flat_map(|other| [other.len, piece.len.saturating_sub(other.len)]).collect();
            for len in lengths.into_iter().filter(|&len| len > 0 && len < piece.len) {
                let mut cut = pieces.clone();
                cut[n].len = len;
                cut.push(Piece { axis: piece.axis, lo: piece.lo + len, len: piece.len - len });
                cut.sort_unstable();
                if !all.contains(&cut) {
                    all.push(cut);
                }
            }
        }
    }
    all.retain(|pieces| pieces.len() <= MAX_PIECES);
    all
}

fn packing(order: &[Piece], log_slots: usize) -> Packing {
    let mut bits = Vec::new();
    for piece in order {
        bits.extend((piece.lo..piece.lo + piece.len).map(|bit| LabelBit { label: piece.axis, bit }.address()));
    }
    bits.resize(bits.len().max(log_slots), ein_ir::packed::AddressBit::Zero);
    Packing::of(bits)
}

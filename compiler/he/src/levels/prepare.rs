//! What is planned: the operations that a result needs, without rescalings.

use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed};

/// A program, and what each of its operations was.
pub(crate) struct Prepared {
    pub(crate) packed: Packed,
    pub(crate) origins: SecondaryMap<Ciphertext, Ciphertext>,
}

pub(crate) fn prepare(packed: &Packed) -> Prepared {
    let mut needed = SecondaryMap::with_default(false);
    packed.outputs.iter().flat_map(|output| &output.values).for_each(|&value| needed[value] = true);
    for (id, op) in packed.ops.iter().rev().filter(|(_, op)| !matches!(op, Op::Input { .. })) {
        if needed[id] {
            op.args().for_each(|arg| needed[arg] = true);
        }
    }
    let mut out = Packed { ops: Default::default(), ..packed.clone() };
    let mut new = SecondaryMap::with_default(Ciphertext::from_u32(0));
    let mut origins = SecondaryMap::with_default(Ciphertext::from_u32(0));
    for (id, op) in packed.ops.iter().filter(|(id, _)| needed[*id]) {
        new[id] = match op.renamed(|x| new[x]) {
            // An earlier placement is forgotten; bootstrappings are not placed here.
            Op::Rescale(x) | Op::Drop(x, _) => x,
            op => {
                let made = out.ops.push(op);
                origins[made] = id;
                made
            }
        };
    }
    out.outputs.iter_mut().flat_map(|output| &mut output.values).for_each(|value| *value = new[*value]);
    Prepared { packed: out, origins }
}

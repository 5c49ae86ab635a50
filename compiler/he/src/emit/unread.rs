//! What no result reads.

use crate::builder::{Builder, Makers, Series};
use ein_ir::entity::{Ciphertext, EntityRef, SecondaryMap};
use ein_ir::packed::{Op, Packed};

/// Leaves out operations that no result needs: products with what turned out to be zero. All that is sent stays, whether it is needed or not.
pub(super) fn without_unread(packed: Packed, makers: Makers) -> (Packed, Makers) {
    let mut read: SecondaryMap<Ciphertext, bool> = SecondaryMap::with_default(false);
    packed.outputs.iter().flat_map(|output| &output.values).for_each(|value| read[*value] = true);
    for (id, op) in packed.ops.iter().rev() {
        read[id] |= matches!(op, Op::Input { .. });
        if read[id] {
            op.args().for_each(|x| read[x] = true);
        }
    }
    if packed.ops.keys().all(|id| read[id]) {
        return (packed, makers);
    }
    let mut builder = Builder::new(packed.slots);
    let mut new = SecondaryMap::with_default(Ciphertext::new(0));
    for (id, op) in packed.ops.iter().filter(|(id, _)| read[*id]) {
        builder.maker = makers.of[id];
        new[id] = builder.op(op.renamed(|x| new[x]));
    }
    let mut out = Packed { ops: builder.packed.ops, ..packed };
    out.outputs.iter_mut().flat_map(|output| &mut output.values).for_each(|value| *value = new[*value]);
    let mut makers = makers;
    makers.held.retain(|(x, _)| read[*x]);
    makers.junk.retain(|(x, _), _| read[*x]);
    makers.unit.retain(|x| read[*x]);
    makers.series.retain(|series| read[series.result]);
    // Of a constant the argument may not be there.
    let there = |series: Series| Series { argument: if read[series.argument] { series.argument } else { series.result }, ..series };
    makers.series = std::mem::take(&mut makers.series).into_iter().map(there).collect();
    let makers = makers.renamed(builder.makers.of, |x| new[x]);
    (out, makers)
}

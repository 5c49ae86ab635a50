//! Results of sub-byte types: computed a byte an element, packed by a step of their own.
//!
//! So no two tasks of a nest write into one byte, and whatever reads the result inside the program reads whole bytes.

use crate::convert::copy_nest;
use crate::draft::{Draft, DraftStep, Role, Value, Work};
use ein_ir::entity::Tensor;

/// Puts a packed copy in the place of every result of a sub-byte type.
pub(crate) fn pack_outputs(draft: &mut Draft) {
    for n in 0..draft.outputs.len() {
        let whole = draft.outputs[n];
        if draft.values[whole].dtype.bits() < 8 {
            draft.outputs[n] = pack(draft, whole);
        }
    }
}

/// Makes a result an intermediate, and its packed copy the result.
fn pack(draft: &mut Draft, whole: Tensor) -> Tensor {
    let value = &mut draft.values[whole];
    let packed = Value { role: std::mem::replace(&mut value.role, Role::Intermediate), ..value.clone() };
    value.name = format!("{}.unpacked", value.name);
    let (span, extents, dtype) = (packed.span, packed.extents.clone(), packed.dtype);
    let out = draft.values.push(packed);
    let nest = copy_nest(out, whole, dtype, &extents, span);
    draft.steps.push(DraftStep { work: Work::Nest(nest), span });
    out
}

//! From typed tensor IR to packed programs: which slot of which ciphertext holds what, and which rotations and products compute with it.

mod builder;
mod contraction;
mod convert;
mod cost;
mod emit;
pub mod interchange;
mod joint;
mod linear;
mod mapped;
mod packing;
mod product;
mod rolled;
mod search;
#[cfg(test)]
mod tests;

pub use contraction::{Axis, Contraction, Label, Operand, Subscript};
pub use search::Contract;

use ein_ir::dtype::DType;
use ein_ir::packed::Packed;

/// Plans a contraction for ciphertexts of `2^log_slots` slots.
#[must_use]
pub fn plan(contraction: &Contraction, contract: Contract, dtype: DType, log_slots: usize) -> Packed {
    if contraction.labels.iter().any(|label| label.size == 0) {
        return emit::emit_zero(contraction, &search::wanted(contraction, log_slots), contract, dtype, log_slots);
    }
    let plan = search::Search::new(contraction, contract, log_slots).plan();
    emit::emit(contraction, &plan, contract, dtype, log_slots)
}

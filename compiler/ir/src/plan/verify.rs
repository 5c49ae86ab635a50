//! The verifier of plans. It reports every broken invariant and gives the token that lowering demands.
//!
//! Buffers
//! * Ids that occur are declared; inputs and outputs are listed at the number that their place states.
//! * Only inputs are strided, only intermediates permuted, by a permutation of their axes. Sizes in bytes fit i64.
//! * A constant has one value of its dtype an element.
//! * `live` is the first and the last step that touches the buffer.
//! * Offsets in the arena are multiples of 64, their buffers lie in it, and those that live at the same time do not overlap.
//!
//! Steps
//! * A buffer is written by one step, before any other reads it; inputs and constants by none, outputs by one. The buffers of a
//!   state are also written by the step that gives it its initial value.
//! * A contraction's labels are positions in `extents`, as many as axes, of equal extents; those of `out` are distinct, and
//!   every label occurs in an operand. Turns are of other labels than those of `out`, and of scans around that stay in the extents. Operands have the accumulator's dtype or one that accumulates in it; `out` has it.
//! * The indices of a nest, one an axis of `out`, range over the axes; indices and binders are distinct.
//! * `domain` is a bool over the outer indices, `guard` over all; the body has the dtype of the reduction, and what is written
//!   that of `out`. An epilogue follows a reduction. `prev` does not occur.
//! * Scalars obey [`crate::scalar::verify`]; exact subscripts that are polynomials stay inside their axes wherever they are
//!   evaluated unconditionally.
//! * In a scan, the nests of the body declare its index with its range, under the number of scans around as its id. States are
//!   written by the body, initial values before it; two buffers of one state are in the arena, one behind the other.
//! * A library call has the arguments and results that its function takes; its workspace is in the arena.

mod memory;
mod steps;

use super::{Buffer, Layout, Place, Plan};
use crate::scalar::typing;
use crate::verified::{Verified, VerifierError};

/// Checks a plan.
///
/// # Errors
/// Every broken invariant; all are mistakes of the compiler.
pub fn verify(plan: Plan) -> Result<Verified<Plan>, Vec<VerifierError>> {
    let mut errors = Vec::new();
    check_arguments(&plan, &mut errors);
    for (tensor, buffer) in &plan.buffers {
        check_buffer(buffer, &mut |message| errors.push(broken(tensor, message)));
    }
    // What follows computes with the sizes of buffers.
    if errors.is_empty() {
        steps::check(&plan, &mut errors);
        memory::check(&plan, &mut errors);
    }
    if errors.is_empty() { Ok(Verified::new(plan)) } else { Err(errors) }
}

fn broken(entity: impl ToString, message: impl Into<String>) -> VerifierError {
    VerifierError { entity: entity.to_string(), message: message.into() }
}

/// Inputs and outputs stand where their buffers say.
fn check_arguments(plan: &Plan, errors: &mut Vec<VerifierError>) {
    for (list, is_input) in [(&plan.inputs, true), (&plan.outputs, false)] {
        for (n, tensor) in list.iter().enumerate() {
            let number = u32::try_from(n).unwrap_or(u32::MAX);
            let place = if is_input { Place::Input(number) } else { Place::Output(number) };
            match plan.buffers.get(*tensor) {
                None => errors.push(broken(tensor, "not declared")),
                Some(buffer) if buffer.place != place => {
                    errors.push(broken(tensor, format!("is listed as {place:?}, not {:?}", buffer.place)))
                }
                Some(_) => {}
            }
        }
    }
    for (tensor, buffer) in &plan.buffers {
        let listed = match buffer.place {
            Place::Input(n) => plan.inputs.get(n as usize) == Some(&tensor),
            Place::Output(n) => plan.outputs.get(n as usize) == Some(&tensor),
            Place::Arena(_) | Place::Constant(_) => true,
        };
        if !listed {
            errors.push(broken(tensor, format!("is not listed as {:?}", buffer.place)));
        }
    }
}

fn check_buffer(buffer: &Buffer, refuse: &mut dyn FnMut(String)) {
    // As if no axis were empty: strides are computed so.
    let n_elements = buffer.extents.iter().try_fold(1u64, |n, extent| n.checked_mul((*extent).max(1)));
    let n_bytes = n_elements.and_then(|n| n.checked_mul(buffer.dtype.bytes() as u64));
    if n_bytes.is_none_or(|n| i64::try_from(n).is_err()) {
        return refuse(format!("{} of {:?} does not fit", buffer.dtype, buffer.extents));
    }
    match (&buffer.layout, &buffer.place) {
        (Layout::RowMajor, _) | (Layout::Strided, Place::Input(_)) => {}
        (Layout::Permuted(order), Place::Arena(_)) => {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            if !sorted.iter().copied().eq(0..buffer.extents.len()) {
                refuse(format!("{order:?} is no order of {} axes", buffer.extents.len()));
            }
        }
        (layout, place) => refuse(format!("{layout:?} in {place:?}")),
    }
    if let Place::Constant(values) = &buffer.place {
        if u64::try_from(values.len()) != Ok(buffer.n_elements()) {
            refuse(format!("{} values for {} elements", values.len(), buffer.n_elements()));
        }
        if let Some(value) = values.iter().find(|value| !typing::takes_literal(**value, buffer.dtype)) {
            refuse(format!("{value:?} is no value of {}", buffer.dtype));
        }
    }
    let n_columns = buffer.extents.last().and_then(|n| usize::try_from(*n).ok());
    if buffer.index_of.len() > 1 && n_columns != Some(buffer.index_of.len()) {
        refuse(format!("{} index columns in a last axis of {n_columns:?}", buffer.index_of.len()));
    }
}

#[cfg(test)]
mod tests;

//! How large plans may be, and what is said of what is larger: ciphertexts and operations that there would really be.

use crate::builder::Makers;
use crate::held::Holder;
use crate::planner::is_zero;
use crate::program::{Label, Origin, Program, Sum, Tensor, Term};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::layout::axis_bits;
use ein_ir::packed::{Op, Packed};
use std::collections::BTreeMap;

/// Operations of the largest plan.
pub(crate) const MAX_OPERATIONS: u64 = 1 << 17;
/// Elements of the largest map: each is looked at when it is written.
pub(crate) const MAX_VOLUME: u64 = 1 << 24;
/// Ciphertexts of the largest tensor.
pub(crate) const MAX_CIPHERTEXTS: u64 = 1 << 12;
/// Ciphertexts of the largest joint space: products of a kind.
pub(crate) const MAX_PRODUCTS: u64 = 1 << 13;
/// Bits of an address that any layout may have.
const MAX_ADDRESS_BITS: usize = 28;

/// Whether a tensor of so many address bits is not too large.
pub(crate) fn fits_tensor(bits: usize, log_slots: usize) -> bool {
    bits <= (log_slots + MAX_CIPHERTEXTS.ilog2() as usize).min(MAX_ADDRESS_BITS).max(log_slots)
}

/// The same of an operand that is spread over a joint space.
pub(crate) fn fits_operand(bits: usize, log_slots: usize) -> bool {
    fits_space(bits, log_slots) && bits <= MAX_ADDRESS_BITS.max(log_slots)
}

/// The same of a joint space.
pub(crate) fn fits_space(bits: usize, log_slots: usize) -> bool {
    bits <= log_slots + MAX_PRODUCTS.ilog2() as usize
}

/// Says of a tensor that it takes more ciphertexts than are planned for.
pub(crate) fn too_large(tensor: &Tensor, log_slots: usize) -> Option<Diagnostic> {
    let bits: usize = tensor.shape.iter().map(|&size| usize::from(axis_bits(size))).sum();
    (!fits_tensor(bits, log_slots)).then(|| {
        let shape: Vec<String> = tensor.shape.iter().map(u64::to_string).collect();
        let (takes, slots) = (power_of_two(bits - log_slots), 1_u64 << log_slots);
        if tensor.shape.contains(&0) {
            let message = format!(
                "`{}` has no elements, and numbering those of {} takes {bits} bits; at most {MAX_ADDRESS_BITS} are planned for",
                tensor.name,
                shape.join(" x ")
            );
            return Diagnostic::error(715, "he-memory", message).at(tensor.span, "of nothing").help("leave it out, or make its axes shorter");
        }
        let message = format!(
            "`{}` takes {takes} ciphertexts of {slots} numbers for its {}, each axis padded to a power of two; at most {MAX_CIPHERTEXTS} are \
             planned for",
            tensor.name,
            shape.join(" x ")
        );
        let (label, help) = match tensor.origin {
            Origin::Secret | Origin::Public => ("encrypted here", "give it in parts, each a parameter of its own"),
            Origin::Sum(_) | Origin::Polynomial { .. } => {
                ("computed from what is secret", "compute it in parts, each of a part of the operands")
            }
        };
        Diagnostic::error(715, "he-memory", message).at(tensor.span, label).help(help)
    })
}

/// A number of ciphertexts, or its power where it is very large.
fn power_of_two(bits: usize) -> String {
    if bits < 40 { (1_u64 << bits).to_string() } else { format!("2^{bits}") }
}

/// Says what no product was found for: the first tensor that none of the ways makes.
pub(crate) fn not_found(program: &Program, holder: &Holder<'_>, result: usize, log_slots: usize) -> Diagnostic {
    let first = (0..=result).find(|&tensor| program.tensors[tensor].is_secret() && is_not_held(program, holder, tensor));
    let tensor = &program.tensors[first.unwrap_or(result)];
    let largest = if let Origin::Sum(sum) = &tensor.origin { sum.terms.iter().map(|term| space(sum, term)).max() } else { None };
    let (bits, indices) = largest.unwrap_or_default();
    let message = format!("no way was found to make `{}` with at most {MAX_PRODUCTS} products of a kind", tensor.name);
    let (takes, slots) = (power_of_two(bits.saturating_sub(log_slots)), 1_u64 << log_slots);
    let note = format!("all indices of its largest term together ({indices}) take {takes} ciphertexts of {slots} numbers");
    Diagnostic::error(715, "he-memory", message)
        .at(tensor.span, "this")
        .note(note)
        .help("give its largest operand in parts, each a parameter of its own, and add up what each makes")
}

fn is_not_held(program: &Program, holder: &Holder<'_>, tensor: usize) -> bool {
    let is_given = matches!(program.tensors[tensor].origin, Origin::Secret | Origin::Public);
    !is_given && holder.held[tensor].is_empty() && !is_zero(program, tensor)
}

/// Bits of the positions of all indices of a term, and the indices with their sizes.
fn space(sum: &Sum, term: &Term) -> (usize, String) {
    let is_of = |label: &u8| sum.output.contains(label) || term.operands.iter().any(|operand| operand.reads(*label));
    let labels: Vec<&Label> = (0_u8..).zip(&sum.labels).filter(|(n, _)| is_of(n)).map(|(_, label)| label).collect();
    let bits = labels.iter().map(|label| usize::from(axis_bits(label.size))).sum();
    (bits, labels.iter().map(|label| format!("{} of {}", label.name, label.size)).collect::<Vec<_>>().join(", "))
}

/// The tensor for which the most rotations are.
pub(crate) fn most_turned(packed: &Packed, makers: &Makers) -> Option<usize> {
    let mut rotations: BTreeMap<usize, usize> = BTreeMap::new();
    let turned = packed.ops.iter().filter(|(_, op)| matches!(op, Op::Rotate { .. }));
    turned.filter_map(|(id, _)| makers.of[id].tensor).for_each(|tensor| *rotations.entry(tensor).or_default() += 1);
    rotations.into_iter().max_by_key(|&(tensor, n)| (n, std::cmp::Reverse(tensor))).map(|(tensor, _)| tensor)
}

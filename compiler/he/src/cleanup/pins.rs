//! What is computed as it is: the values by which the errors of a plan are bounded.
//!
//! The error of a polynomial is added where its value is, and grows by its slope from where its argument is ([`crate::levels::error`]); signs,
//! steps of iterations and positive sums are looked at as wholes too. If a plan had no ciphertext of such a value any more, what belongs to
//! it would be forgotten.

use crate::builder::Makers;
use crate::program::{Origin, Program};
use ein_ir::entity::Ciphertext;
use std::collections::BTreeSet;

/// The operations of these values; none in a program without polynomials.
pub(super) fn pins(program: &Program, makers: &Makers) -> BTreeSet<Ciphertext> {
    if makers.series.is_empty() {
        return BTreeSet::new();
    }
    let tensors = tensors(program);
    let of_series = makers.series.iter().flat_map(|series| [series.result, series.argument]);
    let held = makers.held.iter().filter(|(_, tensor)| tensors.contains(tensor)).map(|(x, _)| *x);
    of_series.chain(makers.unit.iter().copied()).chain(held).collect()
}

/// Tensors that more is known of than their definitions.
fn tensors(program: &Program) -> BTreeSet<usize> {
    let mut all: BTreeSet<usize> = program.ranges.keys().copied().collect();
    for (&tensor, iterate) in &program.iterates {
        all.extend([tensor, iterate.argument]);
        all.extend(iterate.previous.into_iter().flat_map(|(before, correction)| [before, correction]));
    }
    for (&tensor, sign) in &program.signs {
        all.extend([tensor, sign.argument]);
    }
    let is_sign = |tensor: &usize| program.signs.contains_key(tensor);
    for n in 0..program.tensors.len() {
        if program.operands(n).any(|operand| is_sign(&operand)) {
            all.insert(n);
        }
    }
    let mut open: Vec<usize> = program.reciprocals.iter().chain(program.iterates.keys()).copied().collect();
    // What they are reciprocals of is a sum, of which each term counts.
    while let Some(tensor) = open.pop() {
        let is_reciprocal = program.reciprocals.contains(&tensor) || program.iterates.contains_key(&tensor);
        let of = program.operands(tensor).chain(program.iterates.get(&tensor).map(|iterate| iterate.argument));
        let followed = is_reciprocal || matches!(program.tensors[tensor].origin, Origin::Sum(_));
        open.extend(of.filter(|of| followed && all.insert(*of)));
    }
    all
}

//! Which operations need the levels: the longest path of products.

use crate::Makers;
use crate::program::{Origin, Program, Tensor};
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed};
use ein_ir::span::Span;
use serde::Serialize;

/// Products in a row that are for one tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Of the tensor that they are for, as the user wrote it.
    pub name: String,
    /// Where it is defined.
    #[serde(skip)]
    pub span: Option<Span>,
    /// Levels that they need: as many as there are products.
    pub levels: u32,
    /// How many of them are of two ciphertexts.
    pub mulcc: u32,
}

/// The products of the longest path, from an input to a result; `makers` says for which tensor of `program` each operation is.
pub(crate) fn longest(packed: &Packed, program: &Program, makers: &Makers) -> Vec<Step> {
    let mut steps: Vec<(Option<usize>, Step)> = Vec::new();
    for id in products(packed) {
        let maker = makers.of[id].tensor;
        if steps.last().is_none_or(|(last, _)| *last != maker) {
            let tensor = maker.and_then(|tensor| program.tensors.get(tensor));
            let name = tensor.map_or_else(|| packed.name.clone(), in_words);
            steps.push((maker, Step { name, span: tensor.map(|tensor| tensor.span), levels: 0, mulcc: 0 }));
        }
        if let Some((_, step)) = steps.last_mut() {
            step.levels += 1;
            step.mulcc += u32::from(matches!(packed.ops[id], Op::Mul(..)));
        }
    }
    steps.into_iter().map(|(_, step)| step).collect()
}

/// A tensor as its user knows it; a polynomial and its argument have no names of their own.
pub(crate) fn in_words(tensor: &Tensor) -> String {
    match &tensor.origin {
        Origin::Polynomial { .. } => "approx".to_owned(),
        _ if tensor.name.starts_with("approx.") => "argument of approx".to_owned(),
        _ => tensor.name.clone(),
    }
}

/// Of equally long paths the one that is written first.
fn products(packed: &Packed) -> Vec<Ciphertext> {
    let mut depths = SecondaryMap::with_default(0_u32);
    for (id, op) in &packed.ops {
        depths[id] = op.args().map(|x| depths[x]).max().unwrap_or(0) + u32::from(op.multiplies());
    }
    let results = packed.outputs.iter().flat_map(|output| &output.values).copied();
    let mut at = deepest(results, &depths);
    let mut path = Vec::new();
    while let Some(id) = at {
        path.extend(packed.ops[id].multiplies().then_some(id));
        at = deepest(packed.ops[id].args(), &depths);
    }
    path.reverse();
    path
}

fn deepest(values: impl Iterator<Item = Ciphertext>, depths: &SecondaryMap<Ciphertext, u32>) -> Option<Ciphertext> {
    values.reduce(|best, x| if depths[x] > depths[best] { x } else { best })
}

/// Steps that a text names.
const MAX_NAMED: usize = 16;

/// `argument of approx 1, approx 2 (x 5), y 1`, in the order of the path; the middle of a long one is left out.
#[must_use]
pub fn describe(path: &[Step]) -> String {
    let alike = |a: &Step, b: &Step| (&a.name, a.levels) == (&b.name, b.levels);
    let steps: Vec<String> = path.chunk_by(alike).map(describe_alike).collect();
    let Some(left_out) = steps.len().checked_sub(MAX_NAMED).filter(|n| *n > 0) else { return steps.join(", ") };
    let (first, last) = (&steps[..MAX_NAMED / 2], &steps[steps.len() - MAX_NAMED / 2..]);
    format!("{}, … {left_out} more …, {}", first.join(", "), last.join(", "))
}

fn describe_alike(steps: &[Step]) -> String {
    let Some(step) = steps.first() else { return String::new() };
    let times = if steps.len() > 1 { format!(" (x {})", steps.len()) } else { String::new() };
    format!("{} {}{times}", step.name, step.levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_repeat_are_named_once() {
        let step = |name: &str, levels| Step { name: name.to_owned(), levels, span: None, mulcc: 0 };
        let path = [step("u", 2), step("approx", 1), step("approx", 1), step("approx", 3), step("y", 1)];
        assert_eq!(describe(&path), "u 2, approx 1 (x 2), approx 3, y 1");
        let long: Vec<Step> = (0..30).map(|n| step(&format!("h.{n}"), 1)).collect();
        assert!(describe(&long).ends_with("h.7 1, … 14 more …, h.22 1, h.23 1, h.24 1, h.25 1, h.26 1, h.27 1, h.28 1, h.29 1"));
    }
}

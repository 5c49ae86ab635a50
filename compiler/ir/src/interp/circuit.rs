//! Carries out circuits in the clear: their meaning.
//!
//! Every value is an exact integer. That a value is in the range that its node promises is looked at on the way: a ciphertext of that
//! width would not hold another.

use crate::circuit::{Circuit, Op};
use crate::entity::{EntityRef, Input, SecondaryMap, Wire};
use crate::scalar::value::wrap;
use crate::verified::{Verified, VerifierError};

/// Runs a circuit on row-major operands, in order, and gives row-major results.
///
/// # Errors
/// Operands of other sizes or out of their ranges, and a value out of the range that its node promises.
pub fn run(circuit: &Verified<Circuit>, operands: &[Vec<i128>]) -> Result<Vec<Vec<i128>>, VerifierError> {
    for (id, decl) in &circuit.inputs {
        let size = decl.shape.iter().try_fold(1_usize, |n, size| n.checked_mul(usize::try_from(*size).ok()?));
        let found = operands.get(id.index());
        if found.map(Vec::len) != size {
            return Err(error(&id.to_string(), format!("an operand of {size:?} elements has {:?}", found.map(Vec::len))));
        }
        if let Some(n) = found.into_iter().flatten().find(|n| !(decl.range.0..=decl.range.1).contains(n)) {
            return Err(error(&id.to_string(), format!("{n} is not in {}..{}", decl.range.0, decl.range.1)));
        }
    }
    let mut values: SecondaryMap<Wire, i128> = SecondaryMap::new();
    for (wire, node) in &circuit.nodes {
        let exact = evaluate(&node.op, &|arg| values[arg], &|input, at| element(operands, input, at), circuit);
        let value = node.wrap.map_or(exact, |dtype| wrap(exact, dtype));
        if !(node.range.0..=node.range.1).contains(&value) {
            return Err(error(&wire.to_string(), format!("{value} is not in {}..{}", node.range.0, node.range.1)));
        }
        values[wire] = value;
    }
    Ok(circuit.outputs.iter().map(|output| output.wires.iter().map(|wire| values[*wire]).collect()).collect())
}

fn error(entity: &str, message: String) -> VerifierError {
    VerifierError { entity: entity.to_owned(), message }
}

fn element(operands: &[Vec<i128>], input: Input, at: u64) -> i128 {
    let numbers = operands.get(input.index());
    usize::try_from(at).ok().and_then(|at| numbers?.get(at).copied()).unwrap_or(0)
}

/// The exact result of one operation, before it wraps; ranges promise that it fits.
pub fn evaluate(op: &Op, of: &dyn Fn(Wire) -> i128, input: &dyn Fn(Input, u64) -> i128, circuit: &Circuit) -> i128 {
    match op {
        Op::Input(id, at) => input(*id, *at),
        Op::Constant(n) => *n,
        Op::Sum(terms, constant) => terms.iter().fold(*constant, |sum, t| sum.wrapping_add(t.coefficient.wrapping_mul(of(t.wire)))),
        Op::Mul(a, b) => of(*a).wrapping_mul(of(*b)),
        Op::Shr(a, by) => of(*a) >> by,
        Op::Compare(how, a, b) => how.holds(of(*a), of(*b)).into(),
        Op::Select(c, a, b) => of(if of(*c) != 0 { *a } else { *b }),
        Op::Min(a, b) => of(*a).min(of(*b)),
        Op::Max(a, b) => of(*a).max(of(*b)),
        Op::Any(wires) => wires.iter().any(|wire| of(*wire) != 0).into(),
        Op::All(wires) => wires.iter().all(|wire| of(*wire) != 0).into(),
        Op::Not(a) => (of(*a) == 0).into(),
        Op::Bits(op, a, b) => op.apply(of(*a), of(*b)),
        Op::Lut(index, entries) => {
            let at = of(*index).wrapping_sub(circuit.nodes[*index].range.0);
            usize::try_from(at).ok().and_then(|at| entries.get(at)).map_or(0, |entry| of(*entry))
        }
    }
}

//! The invariants of packed IR, and the check of them.
//!
//! * Slots are a power of two, at most 2^20. An operation reads only ciphertexts before it, a derived tensor only tensors before it; names of
//!   tensors are all different.
//! * A layout has the bits of a slot number, at most 28 bits of an address, and each bit of each axis exactly once; what a roll reads
//!   and what it changes are there and share no bit. Its offset is below the number of slots, axes with junk padding are there and in order.
//! * A plaintext gives each slot at most one number, elements are those of its tensor and constants are finite. That of a mask
//!   is the constant 1.
//! * Rotations are by `1..n`, of two parts, as are the factors of a product and the results; what is relinearised has three.
//! * A bootstrapping is of two parts, and to a level from 1 on.
//! * A derived tensor has the shape of its einsum.
//!
//! Levels and scales depend on how many levels there are: see [`super::level`].

mod layout;
mod plain;

use super::{Equation, Op, OutputDecl, Packed, PublicSource};
use crate::entity::{Ciphertext, Public, SecondaryMap};
use crate::verified::{Verified, VerifierError};
use std::collections::BTreeSet;

/// More slots than any scheme has with parameters that are in use.
const MAX_SLOTS: u32 = 1 << 20;

/// A larger power of two than any number of a program is within.
const MAX_BOOT_BITS: u32 = 1 << 10;

/// More elements than any tensor in the clear that is placed into slots.
const MAX_ELEMENTS: u64 = 1 << 40;

/// Checks every invariant.
///
/// # Errors
/// Every broken invariant, in order.
pub fn verify(program: Packed) -> Result<Verified<Packed>, Vec<VerifierError>> {
    let mut errors = Vec::new();
    let mut report = |entity: String, checked: Result<(), String>| {
        errors.extend(checked.err().map(|message| VerifierError { entity, message }));
    };
    if !program.slots.is_power_of_two() || program.slots > MAX_SLOTS {
        report("slots".to_owned(), Err(format!("{} is no power of two up to {MAX_SLOTS}", program.slots)));
        return Err(errors);
    }
    let mut names = BTreeSet::new();
    let mut fresh = |name: &str| if names.insert(name.to_owned()) { Ok(()) } else { Err(format!("a second tensor `{name}`")) };
    for (id, input) in &program.inputs {
        report(id.to_string(), fresh(&input.name));
        report(id.to_string(), layout::check(&input.layout, program.slots));
    }
    for (id, public) in &program.publics {
        report(id.to_string(), fresh(&public.name));
        report(id.to_string(), check_public(&program, id));
    }
    let mut seen = plain::Seen::new(program.slots);
    for (id, plain) in &program.plains {
        report(id.to_string(), plain::check(&program, plain, &mut seen));
    }
    let mut parts = SecondaryMap::with_default(2);
    for (id, op) in &program.ops {
        let checked = check_op(&program, id, op, &parts);
        // After an error as many as it should have, so that it is not reported again at every use.
        parts[id] = checked.as_ref().copied().unwrap_or(2);
        report(id.to_string(), checked.map(|_| ()));
    }
    for output in &program.outputs {
        report(format!("output `{}`", output.name), layout::check(&output.layout, program.slots));
        report(format!("output `{}`", output.name), check_output(&program, output, &parts));
    }
    if errors.is_empty() { Ok(Verified::new(program)) } else { Err(errors) }
}

fn check_public(program: &Packed, id: Public) -> Result<(), String> {
    let public = &program.publics[id];
    n_elements(&public.shape).ok_or_else(|| format!("{:?} has more than {MAX_ELEMENTS} elements", public.shape))?;
    let PublicSource::Einsum { equation, args, .. } = &public.source else { return Ok(()) };
    if let Some(arg) = args.iter().find(|arg| **arg >= id) {
        return Err(format!("reads {arg}, which is not before it"));
    }
    let shapes: Vec<&[u64]> = args.iter().map(|arg| program.publics[*arg].shape.as_slice()).collect();
    let equation = Equation::parse(equation)?;
    let sizes: Vec<u64> = equation.sizes(&shapes)?.into_values().collect();
    n_elements(&sizes).ok_or_else(|| format!("`{equation}` has more than {MAX_ELEMENTS} products"))?;
    let shape = equation.shape(&shapes)?;
    if shape == public.shape { Ok(()) } else { Err(format!("`{equation}` has the shape {shape:?}, not {:?}", public.shape)) }
}

/// The product of the sizes, if it is no more than there may be; an axis of size 0 allows no others beyond that.
fn n_elements(shape: &[u64]) -> Option<u64> {
    let product = shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size.max(1)))?;
    (product <= MAX_ELEMENTS).then(|| if shape.contains(&0) { 0 } else { product })
}

/// The number of parts that an operation gives.
fn check_op(program: &Packed, id: Ciphertext, op: &Op, parts: &SecondaryMap<Ciphertext, u8>) -> Result<u8, String> {
    if let Some(arg) = op.args().find(|arg| *arg >= id) {
        return Err(format!("reads {arg}, which is not before it"));
    }
    if let Some(plain) = op.plain().filter(|plain| !program.plains.is_valid(*plain)) {
        return Err(format!("{plain} is not declared"));
    }
    let expect = |x: Ciphertext, wanted: u8| match parts[x] {
        found if found == wanted => Ok(()),
        found => Err(format!("{x} has {found} parts, not {wanted}")),
    };
    match *op {
        Op::Input { input, chunk } => {
            let decl = program.inputs.get(input).ok_or_else(|| format!("{input} is not declared"))?;
            let n_chunks = 1_u64 << decl.layout.chunks.len().min(63);
            if u64::from(chunk) < n_chunks { Ok(2) } else { Err(format!("{input} has {n_chunks} ciphertexts, not {chunk}")) }
        }
        Op::Rotate { x, by } if (1..program.slots).contains(&by) => expect(x, 2).map(|()| 2),
        Op::Rotate { by, .. } => Err(format!("a rotation by {by} in {} slots", program.slots)),
        Op::Add(x, y) | Op::Sub(x, y) => Ok(parts[x].max(parts[y])),
        Op::Neg(x) | Op::AddPlain(x, _) | Op::MulPlain(x, _) | Op::Rescale(x) | Op::Drop(x, _) => Ok(parts[x]),
        Op::Mask(x, plain) if program.plains[plain].is_mask() => Ok(parts[x]),
        Op::Mask(_, plain) => Err(format!("{plain} is not 1 where it is not 0")),
        Op::Mul(x, y) => expect(x, 2).and_then(|()| expect(y, 2)).map(|()| 3),
        Op::Relin(x) => expect(x, 3).map(|()| 2),
        Op::Boot { x, level: 1.., bits: 0..=MAX_BOOT_BITS } => expect(x, 2).map(|()| 2),
        Op::Boot { level, bits, .. } => Err(format!("a bootstrapping to level {level} within 2^{bits}")),
    }
}

fn check_output(program: &Packed, output: &OutputDecl, parts: &SecondaryMap<Ciphertext, u8>) -> Result<(), String> {
    if output.values.len() != 1 << output.layout.chunks.len().min(63) {
        return Err(format!("{} ciphertexts in the layout {}", output.values.len(), output.layout));
    }
    for &x in &output.values {
        if !program.ops.is_valid(x) {
            return Err(format!("{x} is not there"));
        }
        if parts[x] != 2 {
            return Err(format!("{x} has {} parts, not 2", parts[x]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

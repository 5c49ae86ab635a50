//! Proofs that a program computes an einsum for all operands: a run on formal numbers.

use super::{Operands, Polynomial, einsum, polynomial::Variable, problem, run};
use crate::entity::{Input, Public};
use crate::packed::{Equation, Packed, PublicSource};
use crate::verified::{Verified, VerifierError};

/// Wrong elements that are listed.
const MAX_LISTED: usize = 8;

/// An operand of the equation that is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A secret one.
    Secret(Input),
    /// One in the clear, which may be derived.
    Public(Public),
}

/// Operands whose elements are variables.
#[must_use]
pub fn variables(program: &Packed) -> Operands<Polynomial> {
    let elements = |shape: &[u64], variable: &dyn Fn(u64) -> Variable| -> Vec<Polynomial> {
        (0..shape.iter().product()).map(|flat| Polynomial::variable(variable(flat))).collect()
    };
    let secrets = program.inputs.iter().map(|(id, decl)| elements(&decl.layout.shape, &|flat| Variable::Secret(id, flat))).collect();
    let given = program.publics.iter().filter(|(_, decl)| decl.source == PublicSource::Given);
    let publics = given.map(|(id, decl)| elements(&decl.shape, &|flat| Variable::Public(id, flat))).collect();
    Operands { secrets, publics, seed: 0 }
}

/// Proves that the only result of a program is an einsum of these operands, whatever their elements are, and that what its layouts call
/// junk has no influence. The time grows with the products of the einsum: for some hundreds of slots.
///
/// # Errors
/// The elements that are something else, and everything that [`run`] reports.
pub fn prove(program: &Verified<Packed>, equation: &Equation, operands: &[Operand]) -> Result<(), Vec<VerifierError>> {
    let variables = variables(program);
    let mut results = run(program, &variables)?;
    let publics = super::publics(program, &variables).map_err(|e| vec![e])?;
    let args: Vec<(&[u64], &[Polynomial])> = operands
        .iter()
        .map(|operand| match operand {
            Operand::Secret(id) => (program.inputs[*id].layout.shape.as_slice(), variables.secrets[id.as_u32() as usize].as_slice()),
            Operand::Public(id) => (program.publics[*id].shape.as_slice(), publics[id.as_u32() as usize].as_slice()),
        })
        .collect();
    let wanted = einsum::evaluate(equation, &args).map_err(|message| vec![problem(equation, message)])?;
    let (Some(found), true) = (results.pop(), results.is_empty()) else {
        return Err(vec![problem(equation, format!("is one result, not {}", program.outputs.len()))]);
    };
    compare(&found, &wanted)
}

fn compare(found: &[Polynomial], wanted: &[Polynomial]) -> Result<(), Vec<VerifierError>> {
    if found.len() != wanted.len() {
        return Err(vec![problem("result", format!("{} elements, not {}", found.len(), wanted.len()))]);
    }
    let wrong = found.iter().zip(wanted).enumerate().filter(|(_, (found, wanted))| found != wanted);
    let errors: Vec<VerifierError> = wrong
        .take(MAX_LISTED)
        .map(|(flat, (found, wanted))| problem(format!("element {flat}"), format!("is {found}, not {wanted}")))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

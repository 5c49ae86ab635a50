//! Proofs that a program computes an einsum for all operands: a run on formal numbers.

use super::{Operands, Polynomial, einsum, polynomial::Variable, problem, run};
use crate::entity::{EntityRef, Input, Public};
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

/// Proves that the only result of a program is an einsum of these operands: see [`prove_results`].
///
/// # Errors
/// The elements that are something else, and everything that [`run`] reports.
pub fn prove(program: &Verified<Packed>, equation: &Equation, operands: &[Operand]) -> Result<(), Vec<VerifierError>> {
    let variables = variables(program);
    let publics = super::publics(program, &variables, &super::needed(program, |_| true)).map_err(|e| vec![e])?;
    let args: Vec<(&[u64], &[Polynomial])> = operands
        .iter()
        .map(|operand| match operand {
            Operand::Secret(id) => (program.inputs[*id].layout.shape.as_slice(), variables.secrets[id.index()].as_slice()),
            Operand::Public(id) => (program.publics[*id].shape.as_slice(), publics[id.index()].as_slice()),
        })
        .collect();
    let wanted = einsum::evaluate(equation, &args).map_err(|message| vec![problem(equation, message)])?;
    prove_results(program, &variables, &[wanted])
}

/// Proves that the results of a program are these polynomials in its operands, whatever the operands are, and that what its layouts call junk
/// has no influence. The time grows with the number of terms: for some hundreds of slots.
///
/// # Errors
/// The elements that are something else, and everything that [`run`] reports.
pub fn prove_results(
    program: &Verified<Packed>,
    variables: &Operands<Polynomial>,
    wanted: &[Vec<Polynomial>],
) -> Result<(), Vec<VerifierError>> {
    let found = run(program, variables)?;
    if found.len() != wanted.len() {
        return Err(vec![problem("results", format!("{}, not {}", found.len(), wanted.len()))]);
    }
    let results = program.outputs.iter().zip(found.iter().zip(wanted));
    let errors: Vec<VerifierError> = results.flat_map(|(output, (found, wanted))| compare(&output.name, found, wanted)).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn compare(name: &str, found: &[Polynomial], wanted: &[Polynomial]) -> Vec<VerifierError> {
    if found.len() != wanted.len() {
        return vec![problem(format!("output `{name}`"), format!("{} elements, not {}", found.len(), wanted.len()))];
    }
    let wrong = found.iter().zip(wanted).enumerate().filter(|(_, (found, wanted))| found != wanted);
    let spelled = |(flat, (found, wanted))| problem(format!("output `{name}`, element {flat}"), format!("is {found}, not {wanted}"));
    wrong.take(MAX_LISTED).map(spelled).collect()
}

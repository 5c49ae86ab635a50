//! What a program means: its tensors by their definitions, over any numbers; and proofs that a packed program computes them.

use super::{Origin, Program, Sum, Term};
use crate::contraction::Operand;
use ein_ir::interp::slots::proof::{prove_results, variables};
use ein_ir::interp::slots::{Number, Operands};
use ein_ir::packed::Packed;
use ein_ir::verified::{Verified, VerifierError};
use std::collections::BTreeSet;

/// Every tensor of a program, row major, from its secret and its public operands in their order.
///
/// # Errors
/// Operands that are too few, or a coefficient that the numbers do not have.
pub fn evaluate<T: Number>(program: &Program, operands: &Operands<T>) -> Result<Vec<Vec<T>>, String> {
    let (mut secrets, mut publics) = (operands.secrets.iter(), operands.publics.iter());
    let mut values: Vec<Vec<T>> = Vec::new();
    for tensor in &program.tensors {
        let value = match &tensor.origin {
            Origin::Secret => secrets.next().cloned(),
            Origin::Public => publics.next().cloned(),
            Origin::Sum(sum) => Some(sum_of(sum, &tensor.shape, &values)?),
            Origin::Polynomial { of, coefficients } => Some(values[*of].iter().map(|t| series(coefficients, t)).collect::<Result<_, _>>()?),
        };
        values.push(value.ok_or_else(|| format!("no operand for `{}`", tensor.name))?);
    }
    Ok(values)
}

/// Proves that a packed program computes the results of a program, whatever the operands are. The time grows with the number of terms of
/// the results.
///
/// # Errors
/// The elements that are something else, and whatever else is not as its layouts say.
pub fn prove(program: &Program, packed: &Verified<Packed>) -> Result<(), Vec<VerifierError>> {
    let variables = variables(packed);
    let values = evaluate(program, &variables).map_err(|message| vec![VerifierError { entity: program.name.clone(), message }])?;
    let wanted: Vec<_> = program.results.iter().map(|&result| values[result].clone()).collect();
    prove_results(packed, &variables, &wanted)
}

/// A sum of Chebyshev polynomials at a number, by Clenshaw's recurrence.
fn series<T: Number>(coefficients: &[f64], t: &T) -> Result<T, String> {
    let constant = |c: f64| T::constant(c).ok_or_else(|| format!("{c} is no number of these"));
    let (mut next, mut after) = (T::zero(), T::zero());
    for &coefficient in coefficients.iter().skip(1).rev() {
        let mut now = t.mul(&next);
        now.add(&now.clone());
        now.add(&constant(coefficient)?);
        now.sub(&after);
        after = std::mem::replace(&mut next, now);
    }
    let mut sum = t.mul(&next);
    sum.add(&constant(coefficients.first().copied().unwrap_or(0.0))?);
    sum.sub(&after);
    Ok(sum)
}

fn sum_of<T: Number>(sum: &Sum, shape: &[u64], values: &[Vec<T>]) -> Result<Vec<T>, String> {
    let mut total = vec![T::zero(); shape.iter().product::<u64>() as usize];
    for term in &sum.terms {
        let coefficient = T::constant(term.coefficient).ok_or_else(|| format!("{} is no number of these", term.coefficient))?;
        let labels = labels_of(sum, term);
        let mut at = vec![0; sum.labels.len()];
        for_each(sum, &labels, &mut at, &mut |at| {
            let element = |operand: &Operand| {
                let flat = operand.axes.iter().try_fold(0, |flat, axis| Some(flat * axis.size + axis.position(at)?))?;
                Some(&values[operand.tensor][flat as usize])
            };
            // Beyond an axis there is nothing.
            let Some(factors) = term.operands.iter().map(element).collect::<Option<Vec<&T>>>() else { return };
            let product = factors.into_iter().fold(coefficient.clone(), |product, factor| product.mul(factor));
            let flat = sum.output.iter().fold(0, |flat, &label| flat * sum.labels[usize::from(label)].size + at[usize::from(label)]);
            total[flat as usize].add(&product);
        });
    }
    Ok(total)
}

/// Labels of the result, and those that the term reads: it is the same for all positions of others, and not summed over them.
fn labels_of(sum: &Sum, term: &Term) -> BTreeSet<u8> {
    term.operands.iter().flat_map(|operand| operand.labels()).chain(sum.output.iter().copied()).collect()
}

/// Calls a function for every choice of positions of these labels.
fn for_each(sum: &Sum, labels: &BTreeSet<u8>, at: &mut [u64], f: &mut dyn FnMut(&[u64])) {
    let Some(&label) = labels.first() else { return f(at) };
    let rest = labels.iter().copied().skip(1).collect();
    for position in 0..sum.labels[usize::from(label)].size {
        at[usize::from(label)] = position;
        for_each(sum, &rest, at, f);
    }
}

//! Between which numbers the elements of the tensors of a program lie, and what dead zones add to them.
//!
//! What is declared, or follows from what is, is [`Program::ranges`]; the rest follows here from sums and polynomials. The argument of a
//! polynomial is taken to lie in its range: where that does not follow, it is said.

use super::operands::{MUCH, Span};
use super::series;
use super::slots::product;
use crate::program::{Origin, Program, Sign, Sum, Term};
use std::collections::BTreeSet;

/// Share of a range by which an argument may leave it: ends are rounded on their way.
const SLACK: f64 = 1.0 / (1 << 16) as f64;

/// What is known of the tensors of a program.
pub(crate) struct Tensors {
    /// Of the elements of each, in the exact program.
    pub(crate) ranges: Vec<Span>,
    /// What a sum is off by because of dead zones.
    pub(crate) off: Vec<f64>,
    /// Ranges of polynomials that are taken for granted.
    pub(crate) taken: Vec<Span>,
    /// Jumps, and how near to each nothing is known of the results.
    pub(crate) jumps: Vec<(f64, f64)>,
}

impl Tensors {
    pub(crate) fn of(program: &Program) -> Self {
        let mut tensors = Self { ranges: Vec::new(), off: Vec::new(), taken: Vec::new(), jumps: Vec::new() };
        for n in 0..program.tensors.len() {
            let range = tensors.range(program, n);
            tensors.ranges.push(match program.ranges.get(&n) {
                Some(&known) => within(range, known),
                None => range,
            });
            let off = |sum: &Sum| sum.terms.iter().map(|term| tensors.slip(program, sum, term)).sum();
            let off = program.sums(n).map(off).fold(0.0, f64::max);
            tensors.off.push(off);
        }
        let jumps = program.signs.values().filter(|sign| sign.height > 0.0).map(|sign| (sign.at, sign.near));
        tensors.jumps = jumps.collect();
        tensors
    }

    fn range(&mut self, program: &Program, n: usize) -> Span {
        let found = match &program.tensors[n].origin {
            Origin::Secret | Origin::Public => return program.ranges.get(&n).copied().unwrap_or((-1.0, 1.0)),
            Origin::Sum(sum) => program.sums(n).fold(self.sum(sum), |known, sum| within(known, self.sum(sum))),
            // A part of a composite maps -1 to 1 into it, as far as its error.
            Origin::Polynomial { coefficients, .. } if is_part(program, n) => {
                return series::range(coefficients, (-1.0, 1.0));
            }
            Origin::Polynomial { of, coefficients } => series::range(coefficients, self.ranges[*of]),
        };
        if let Some(iterate) = program.iterates.get(&n) {
            return reciprocals(iterate.of_root, iterate.on);
        }
        let Some(&domain) = program.domains.get(&n) else { return found };
        // What the module says of the argument is known of the argument of the polynomial too.
        let found = program.ranges.get(&n).map_or(found, |&known| within(found, known));
        if found.0 < -1.0 - 2.0 * SLACK || found.1 > 1.0 + 2.0 * SLACK {
            self.taken.push(domain);
        }
        within(found, (-1.0, 1.0))
    }

    fn sum(&self, sum: &Sum) -> Span {
        sum.terms.iter().map(|term| self.term(sum, term)).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))
    }

    fn term(&self, sum: &Sum, term: &Term) -> Span {
        let range = |operand: &crate::Operand| {
            let (lo, hi) = self.ranges[operand.tensor];
            if operand.is_padded() { (lo.min(0.0), hi.max(0.0)) } else { (lo, hi) }
        };
        let factors = term.operands.iter().map(range);
        let (lo, hi) = factors.fold((term.coefficient, term.coefficient), product);
        let n = summed(sum, term);
        (lo * n, hi * n)
    }

    /// What a term is off by where a sign in it is not known: the sign is wrong by at most so much divided by the distance of its argument, and
    /// powers of that are as near to the power of where the sign changes.
    fn slip(&self, program: &Program, sum: &Sum, term: &Term) -> f64 {
        let count = |tensor: usize| term.operands.iter().filter(|operand| operand.tensor == tensor).count();
        let of_sign = |(&tensor, sign): (&usize, &Sign)| {
            let (signs, power) = (count(tensor), count(sign.argument));
            if signs == 0 || power == 0 {
                return 0.0;
            }
            let largest = |n: usize| self.ranges[n].0.abs().max(self.ranges[n].1.abs());
            let others = term.operands.iter().map(|operand| operand.tensor).filter(|n| *n != tensor && *n != sign.argument);
            let steepest = power as f64 * (sign.at.abs() + sign.near).powi(i32::try_from(power).unwrap_or(i32::MAX) - 1);
            let rest: f64 = others.map(largest).product::<f64>() * term.coefficient.abs() * summed(sum, term);
            rest * steepest * (sign.slip + MUCH * sign.near) * signs as f64
        };
        program.signs.iter().map(of_sign).sum()
    }
}

/// Whether a tensor is a polynomial of those whose composite is a sign.
fn is_part(program: &Program, tensor: usize) -> bool {
    program.signs.values().any(|sign| sign.parts.iter().any(|part| part.0 == tensor))
}

/// Of numbers in a range, which are positive.
pub(crate) fn reciprocals(of_root: bool, (lo, hi): Span) -> Span {
    let of = |x: f64| if of_root { x.sqrt().recip() } else { x.recip() };
    (of(hi), of(lo))
}

/// Both hold; where they contradict each other, what is known otherwise.
pub(crate) fn within((lo, hi): Span, known: Span) -> Span {
    if lo.max(known.0) <= hi.min(known.1) { (lo.max(known.0), hi.min(known.1)) } else { known }
}

/// How many products a term adds up.
fn summed(sum: &Sum, term: &Term) -> f64 {
    let labels: BTreeSet<u8> = term.operands.iter().flat_map(|operand| operand.labels()).collect();
    let summed = labels.iter().filter(|label| !sum.output.contains(label));
    summed.map(|label| sum.labels[usize::from(*label)].size as f64).product()
}

//! Polynomials of ciphertexts in the Chebyshev basis, by Paterson and Stockmeyer's baby and giant steps.
//!
//! `T(m + n) = 2 T(m) T(n) - T(|m - n|)` makes every polynomial that is needed in `ceil(log2 n)` products, and splits a sum of degree `d`
//! at `T(g)` into two of less than `g`.

use super::{Emitter, Factor, Value, chunk_addresses, slots_of};
use crate::approximation::evaluate;
use crate::builder::{Series, runs};
use crate::packing::Packing;
use ein_ir::entity::Ciphertext;
use ein_ir::packed::Op;
use std::collections::BTreeMap;

/// Polynomials of one ciphertext that are there.
type Basis = BTreeMap<usize, Ciphertext>;

/// Babies of a sum of this degree: polynomials up to here are made one by one.
fn babies(degree: usize) -> usize {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "degrees are small")]
    let root = ((degree + 1) as f64 / 2.0).sqrt().ceil() as usize;
    root.max(1).next_power_of_two()
}

/// Products of ciphertexts, products with numbers, and depth of a polynomial; about.
pub(crate) fn costs(degree: usize) -> (u64, u64, u32) {
    let k = babies(degree) as u64;
    let giants = (degree as u64 + 1).div_ceil(k);
    let depth = (degree + 1).next_power_of_two().ilog2() + 1;
    (k.saturating_sub(1) + giants.saturating_sub(1) + u64::from(giants.max(1).ilog2()), degree as u64, depth)
}

impl Emitter<'_> {
    /// The polynomial of every element, and zero where the value is zero because there is no element. `sizes` are those of the labels.
    pub(super) fn polynomial(&mut self, value: &Value, coefficients: &[f64], sizes: &[u64]) -> Value {
        let there = Factor::constant(1.0, sizes.to_vec());
        let at_zero = evaluate(coefficients, 0.0);
        let addresses = chunk_addresses(&value.packing, self.log_slots);
        let chunks = addresses.map(|address| {
            let given = value.at(address, self.log_slots);
            // Elements that are zero have a polynomial too.
            let is_empty = given.is_none() && self.parts(&value.packing, &value.packing, &there, address).is_empty();
            if is_empty {
                return None;
            }
            let t = given.unwrap_or_else(|| self.builder.zero());
            let mut basis = Basis::from([(1, t)]);
            self.builder.makers.unit.push(t);
            let sum = self.series(&mut basis, coefficients, babies(coefficients.len() - 1));
            let result = sum.unwrap_or_else(|| self.builder.zero());
            let empty = if at_zero == 0.0 { Vec::new() } else { self.not_elements(&value.packing, &there, address) };
            if let Some(tensor) = self.builder.maker.tensor {
                self.builder.makers.series.push(Series { result, argument: t, tensor, empty: runs(&empty) });
            }
            if empty.is_empty() {
                return Some(result);
            }
            let cleared = self.builder.constant(-at_zero, &empty);
            Some(self.builder.op(Op::AddPlain(result, cleared)))
        });
        Value { chunks: chunks.collect(), packing: value.packing.clone() }
    }

    /// The slots without elements.
    fn not_elements(&self, packing: &Packing, there: &Factor, address: u64) -> Vec<u32> {
        let mut is_element = vec![false; 1 << self.log_slots];
        slots_of(&self.parts(packing, packing, there, address)).into_iter().for_each(|slot| is_element[slot as usize] = true);
        (0..1 << self.log_slots).filter(|&slot| !is_element[slot as usize]).collect()
    }

    /// A sum of Chebyshev polynomials; none if all coefficients are zero.
    fn series(&mut self, basis: &mut Basis, coefficients: &[f64], k: usize) -> Option<Ciphertext> {
        let degree = coefficients.iter().rposition(|&c| c != 0.0)?;
        if degree < k.max(2) {
            return Some(self.linear(basis, &coefficients[..=degree]));
        }
        let mut giant = k;
        while 2 * giant <= degree {
            giant *= 2;
        }
        let (quotient, rest) = divided(&coefficients[..=degree], giant);
        let rest = self.series(basis, &rest, k);
        let by = self.chebyshev(basis, giant);
        let product = match &quotient[..] {
            [constant] => self.times(by, *constant),
            _ => {
                let quotient = self.series(basis, &quotient, k)?;
                let product = self.builder.op(Op::Mul(quotient, by));
                self.builder.op(Op::Relin(product))
            }
        };
        self.builder.sum(std::iter::once(product).chain(rest))
    }

    fn linear(&mut self, basis: &mut Basis, coefficients: &[f64]) -> Ciphertext {
        let mut terms = Vec::new();
        for (n, &coefficient) in coefficients.iter().enumerate().skip(1).filter(|(_, c)| **c != 0.0) {
            let polynomial = self.chebyshev(basis, n);
            terms.push(self.times(polynomial, coefficient));
        }
        let sum = self.builder.sum(terms).unwrap_or_else(|| self.builder.zero());
        self.plus_everywhere(sum, coefficients[0])
    }

    /// `T(n)`.
    fn chebyshev(&mut self, basis: &mut Basis, n: usize) -> Ciphertext {
        if let Some(&there) = basis.get(&n) {
            return there;
        }
        let (a, b) = (n.div_ceil(2), n / 2);
        let (x, y) = (self.chebyshev(basis, a), self.chebyshev(basis, b));
        let product = self.builder.op(Op::Mul(x, y));
        let product = self.builder.op(Op::Relin(product));
        let twice = self.builder.op(Op::Add(product, product));
        let made = if a == b {
            self.plus_everywhere(twice, -1.0)
        } else {
            let first = basis[&1];
            self.builder.op(Op::Sub(twice, first))
        };
        self.builder.makers.unit.push(made);
        basis.insert(n, made);
        made
    }

    fn everywhere(&self) -> Vec<u32> {
        (0..1 << self.log_slots).collect()
    }

    fn times(&mut self, x: Ciphertext, number: f64) -> Ciphertext {
        let slots = self.everywhere();
        let plain = self.builder.constant(number, &slots);
        self.builder.op(Op::MulPlain(x, plain))
    }

    fn plus_everywhere(&mut self, x: Ciphertext, number: f64) -> Ciphertext {
        if number == 0.0 {
            return x;
        }
        let slots = self.everywhere();
        let plain = self.builder.constant(number, &slots);
        self.builder.op(Op::AddPlain(x, plain))
    }
}

/// `c = q T(g) + r`, all in the Chebyshev basis; `q` and `r` have degrees below `g`, as `c` has below `2 g`.
fn divided(coefficients: &[f64], g: usize) -> (Vec<f64>, Vec<f64>) {
    let mut rest = coefficients[..g].to_vec();
    let mut quotient = vec![coefficients[g]];
    for (j, &coefficient) in coefficients[g + 1..].iter().enumerate().map(|(j, c)| (j + 1, c)) {
        // T(g + j) = 2 T(g) T(j) - T(g - j).
        quotient.push(2.0 * coefficient);
        rest[g - j] -= coefficient;
    }
    (quotient, rest)
}

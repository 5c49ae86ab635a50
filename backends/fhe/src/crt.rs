//! Numbers from their residues modulo several primes.
//!
//! Source: Garner, "The residue number system", 1959: digits of a mixed radix, one prime after the other.

use crate::primes::{power, product};
use zeroize::Zeroizing;

/// Primes, and what is known of their product.
#[derive(Clone, Debug)]
pub(crate) struct Basis {
    primes: Vec<u64>,
    /// Inverse of each prime modulo those after it.
    inverses: Vec<Vec<u64>>,
    /// Digits of half the product, rounded down.
    half: Vec<u64>,
}

/// A number nearest to zero: its sign, and the digits of its absolute value, lowest first.
pub(crate) struct Signed<'a> {
    basis: &'a Basis,
    negative: bool,
    digits: Zeroizing<Vec<u64>>,
}

impl Basis {
    /// Of different primes below 2^62.
    pub(crate) fn new(primes: &[u64]) -> Self {
        let inverse = |n: usize, of: usize| power(primes[of] % primes[n], primes[n] - 2, primes[n]);
        let inverses = (0..primes.len()).map(|n| (0..n).map(|of| inverse(n, of)).collect()).collect();
        let mut basis = Self { primes: primes.to_vec(), inverses, half: Vec::new() };
        // Half of an odd product less one is its residue -1/2 in every prime.
        basis.half = basis.digits(&primes.iter().map(|prime| prime / 2).collect::<Vec<_>>()).to_vec();
        basis
    }

    /// The number with these residues, one a prime.
    pub(crate) fn signed(&self, residues: &[u64]) -> Signed<'_> {
        let digits = self.digits(residues);
        let negative = digits.iter().rev().gt(self.half.iter().rev());
        if !negative {
            return Signed { basis: self, negative, digits };
        }
        let opposite = residues.iter().zip(&self.primes).map(|(residue, prime)| (prime - residue) % prime);
        Signed { basis: self, negative, digits: self.digits(&Zeroizing::new(opposite.collect::<Vec<_>>())) }
    }

    fn digits(&self, residues: &[u64]) -> Zeroizing<Vec<u64>> {
        let mut digits = Zeroizing::new(Vec::with_capacity(residues.len()));
        for (n, (&residue, &prime)) in residues.iter().zip(&self.primes).enumerate() {
            let less = |rest: u64, of: usize| {
                let digit: u64 = digits[of];
                product(rest + (prime - digit % prime), self.inverses[n][of], prime)
            };
            let digit = (0..n).fold(residue % prime, less);
            digits.push(digit);
        }
        digits
    }
}

impl Signed<'_> {
    /// The number, if it is below 2^63.
    pub(crate) fn integer(&self) -> Option<i64> {
        let add = |sum: u128, (digit, prime): (&u64, &u64)| sum.checked_mul(u128::from(*prime))?.checked_add(u128::from(*digit));
        let magnitude = self.digits.iter().zip(&self.basis.primes).rev().try_fold(0, add)?;
        let magnitude = i64::try_from(magnitude).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The float nearest to the number, but for an error of a few units in the last place.
    pub(crate) fn float(&self) -> f64 {
        let add = |sum: f64, (digit, prime): (&u64, &u64)| sum.mul_add(*prime as f64, *digit as f64);
        let magnitude = self.digits.iter().zip(&self.basis.primes).rev().fold(0.0, add);
        if self.negative { -magnitude } else { magnitude }
    }
}

#[cfg(test)]
mod tests {
    use super::Basis;

    const PRIMES: [u64; 3] = [1_152_921_504_606_830_593, 114_689, 40_961];

    fn residues(number: i128, primes: &[u64]) -> Vec<u64> {
        primes.iter().map(|prime| number.rem_euclid(i128::from(*prime)) as u64).collect()
    }

    #[test]
    fn small_numbers_are_all_read_back() {
        let primes = [7, 11, 13];
        let basis = Basis::new(&primes);
        for number in -500..=500 {
            let signed = basis.signed(&residues(number, &primes));
            assert_eq!((signed.integer(), signed.float()), (Some(number as i64), number as f64));
        }
    }

    #[test]
    fn large_numbers_are_read_back() {
        let basis = Basis::new(&PRIMES);
        let half = PRIMES.iter().map(|prime| i128::from(*prime)).product::<i128>() / 2;
        for number in [0, 1, -1, i128::from(i64::MAX), i128::from(i64::MIN + 1), 1 << 80, -(1 << 90) - 12345, half, -half] {
            let signed = basis.signed(&residues(number, &PRIMES));
            assert_eq!(signed.integer(), i64::try_from(number).ok(), "{number}");
            assert!((signed.float() - number as f64).abs() <= (number as f64).abs() * 1e-15, "{number}");
        }
    }

    #[test]
    fn one_prime_is_enough() {
        let basis = Basis::new(&PRIMES[..1]);
        assert_eq!(basis.signed(&residues(-42, &PRIMES[..1])).integer(), Some(-42));
    }
}

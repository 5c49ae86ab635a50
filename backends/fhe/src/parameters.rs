//! Ring, plaintext modulus and chain of moduli for a program.

use crate::bound::OutputBound;
use crate::noise::{self, Ring};
use crate::scale::Scales;
use crate::{Options, error, primes};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::{Op, Packed};
use ein_ir::verified::Verified;

/// The most bits of a modulus with 128 bits of security against classical attacks, by the logarithm of the degree.
///
/// Source: Bossuat and others, "Security guidelines for implementing homomorphic encryption", 2024, and homomorphicencryption.org's
/// table before it, of which these are the smaller figures.
const SECURE: [(u32, u32); 6] = [(11, 54), (12, 109), (13, 218), (14, 438), (15, 881), (16, 1772)];

const LARGEST: (u32, u32) = SECURE[SECURE.len() - 1];

/// What a toy has where the table would say what is secure.
const TOY_BITS: u32 = 1200;

/// Bits of one modulus; below 20 the primes get rare.
const MODULUS_BITS: std::ops::RangeInclusive<u32> = 20..=60;

/// Moduli at most.
const MAX_MODULI: u32 = 30;

/// Bits of the largest plaintext modulus: less than one ciphertext modulus.
const MAX_PLAIN_BITS: u32 = 58;

/// Bits of integers and their sign: they are given as `i64`.
const INTEGER_BITS: u32 = 64;

/// Plaintext moduli at most: each is a run of the program of its own.
const MAX_PLAIN_MODULI: u32 = 16;

/// Bits between the standard deviation of the noise and what breaks a result: sixteen deviations, and the sign and a rounded bit.
const MARGIN: f64 = 5.5;

/// Parameters of BFV.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "bfv", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Parameters {
    /// `N`: coefficients of a polynomial.
    pub degree: usize,
    /// `t`: primes that are 1 modulo `2N`, whose product is more than twice the largest result. The program is carried out modulo each.
    pub plain_moduli: Vec<u64>,
    /// Bits of each prime of the ciphertext modulus.
    pub modulus_bits: Vec<usize>,
    /// Whole bits that the noise of the result may still grow by, as estimated.
    pub spare_bits: f64,
    /// Whether this is below 128 bits of security.
    pub insecure: bool,
}

impl Parameters {
    /// The plaintext moduli and the ring that carry the program with the least work.
    ///
    /// # Errors
    /// Results that no moduli hold, more slots than there are rings for, or more products than noise leaves room for.
    pub fn choose(program: &Verified<Packed>, bounds: &[OutputBound], options: &Options) -> Result<Self, Diagnostic> {
        let bits = result_bits(program, bounds, options)?;
        let scales = Scales::of(program);
        let least = program.slots.ilog2() + 1;
        let rings: Vec<(u32, u32)> = if options.insecure_toy {
            vec![(least.max(4), TOY_BITS)]
        } else {
            SECURE.into_iter().filter(|(log_degree, _)| *log_degree >= least).collect()
        };
        let mut best: Option<Self> = None;
        for n_plain in bits.div_ceil(MAX_PLAIN_BITS - 1)..=MAX_PLAIN_MODULI {
            if best.as_ref().is_some_and(|best| best.work() <= f64::from(n_plain) * least_work(least)) {
                break;
            }
            // A prime of this many bits is at least half as large as a power of two.
            let demand =
                Demand { program, scales: &scales, fraction_bits: options.fraction_bits, n_plain, plain_bits: bits.div_ceil(n_plain) + 1 };
            let found = rings.iter().find_map(|&(log_degree, most)| demand.in_ring(log_degree, most));
            if let Some(found) = found
                && best.as_ref().is_none_or(|best| found.work() < best.work())
            {
                best = Some(found);
            }
        }
        let best = best.ok_or_else(|| error::too_deep(program.counts().depth, bits, 1 << LARGEST.0, LARGEST.1))?;
        Ok(Self { insecure: !is_secure(&best), ..best })
    }

    /// What key switches take: as many transforms as the square of the number of moduli, modulo each plaintext modulus.
    #[must_use]
    pub fn work(&self) -> f64 {
        let degree = self.degree as f64;
        self.plain_moduli.len() as f64 * degree * degree.log2() * (self.modulus_bits.len() as f64).powi(2)
    }

    /// The ciphertext moduli, whichever the plaintext modulus: the largest primes of their bits that are 1 modulo `2N`.
    #[cfg(feature = "bfv")]
    pub(crate) fn moduli(&self) -> Vec<u64> {
        // All of them have the same number of bits.
        let bits = self.modulus_bits.first().map_or(0, |bits| *bits as u32);
        primes::primes_of_bits(bits, 2 * self.degree as u64).take(self.modulus_bits.len()).collect()
    }

    /// Bits of the whole modulus.
    #[must_use]
    pub fn total_bits(&self) -> usize {
        self.modulus_bits.iter().sum()
    }
}

/// Work of one plaintext modulus in the smallest ring.
fn least_work(log_degree: u32) -> f64 {
    f64::from(log_degree).exp2() * f64::from(log_degree)
}

/// Refuses more slots than the largest ring has.
pub(crate) fn check_slots(program: &Packed) -> Result<(), Diagnostic> {
    let most = 1 << (LARGEST.0 - 1);
    if program.slots > most { Err(error::too_many_slots(program.slots, most)) } else { Ok(()) }
}

fn is_secure(parameters: &Parameters) -> bool {
    let most = SECURE.into_iter().find(|(log_degree, _)| 1 << log_degree == parameters.degree);
    most.is_some_and(|(_, most)| parameters.total_bits() <= most as usize)
}

/// Bits of the largest result and its sign.
fn result_bits(program: &Packed, bounds: &[OutputBound], options: &Options) -> Result<u32, Diagnostic> {
    let most = MAX_PLAIN_MODULI * (MAX_PLAIN_BITS - 1);
    let mut bits = 1;
    for (output, bound) in program.outputs.iter().zip(bounds) {
        let needed = bound.integer_bits(options.fraction_bits).max(0.0).floor() + 2.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
        let needed = needed as u32;
        let most = if output.dtype.is_float() { most } else { INTEGER_BITS };
        if needed > most {
            return Err(error::too_large(&output.name, needed, most));
        }
        bits = bits.max(needed);
    }
    Ok(bits)
}

/// What parameters are looked for.
struct Demand<'a> {
    program: &'a Packed,
    scales: &'a Scales,
    fraction_bits: u32,
    /// How many plaintext moduli, and the least bits of each.
    n_plain: u32,
    plain_bits: u32,
}

impl Demand<'_> {
    /// Parameters in the ring of this degree, with no more bits of modulus than `most`.
    fn in_ring(&self, log_degree: u32, most: u32) -> Option<Parameters> {
        let n_plain = self.n_plain as usize;
        let primes = |bits: u32| primes::primes_of_bits(bits, 2 << log_degree).take(n_plain).collect::<Vec<_>>();
        let plain_moduli = (self.plain_bits..=MAX_PLAIN_BITS).map(primes).find(|primes| primes.len() == n_plain)?;
        let plain = plain_moduli[0];
        let plain_bits = 64 - plain.leading_zeros();
        let switches = self.program.ops.values().any(|op| matches!(op, Op::Rotate { .. } | Op::Relin(_)));
        // A key switch splits by moduli, so it needs two.
        let fewest = if switches { 2 } else { 1 };
        let spare = |moduli: u32, bits: u32| {
            let ring = Ring {
                degree: f64::from(log_degree).exp2(),
                plain_bits: (plain as f64).log2(),
                fraction_bits: f64::from(self.fraction_bits),
                moduli: f64::from(moduli),
                modulus_bits: f64::from(bits),
            };
            f64::from(moduli * bits) - ring.plain_bits - MARGIN - noise::of_outputs(self.program, self.scales, ring)
        };
        let allowed = |moduli: u32| {
            MODULUS_BITS.filter(move |bits| moduli * bits <= most && *bits >= plain_bits + 2 && enough_primes(moduli, *bits, log_degree))
        };
        // Where the largest moduli do not do, no smaller ones are tried.
        let moduli = (fewest..=MAX_MODULI).find(|&moduli| allowed(moduli).next_back().is_some_and(|bits| spare(moduli, bits) >= 0.0))?;
        let bits = allowed(moduli).find(|&bits| spare(moduli, bits) >= 0.0)?;
        Some(Parameters {
            degree: 1 << log_degree,
            plain_moduli,
            modulus_bits: vec![bits as usize; moduli as usize],
            spare_bits: spare(moduli, bits).floor(),
            insecure: false,
        })
    }
}

/// Whether there are surely so many primes: one in `bits` of the candidates is expected, a quarter is counted on.
fn enough_primes(moduli: u32, bits: u32, log_degree: u32) -> bool {
    let candidates = 1_u64.checked_shl(bits.saturating_sub(log_degree + 2)).unwrap_or(0);
    bits > log_degree + 2 && candidates / u64::from(4 * bits) >= u64::from(moduli)
}

#[cfg(test)]
mod tests;

//! Ring, plaintext modulus and chain of moduli for a program.

use crate::bound::OutputBound;
use crate::noise::{self, Ring};
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

/// Bits between the standard deviation of the noise and what breaks a result: sixteen deviations, and the sign and a rounded bit.
const MARGIN: f64 = 5.5;

/// Parameters of BFV.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "bfv", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Parameters {
    /// `N`: coefficients of a polynomial.
    pub degree: usize,
    /// `t`: a prime that is 1 modulo `2N`, and more than twice the largest result.
    pub plain_modulus: u64,
    /// Bits of each prime of the modulus.
    pub modulus_bits: Vec<usize>,
    /// Whole bits that the noise of the result may still grow by, as estimated.
    pub spare_bits: f64,
    /// Whether this is below 128 bits of security.
    pub insecure: bool,
}

impl Parameters {
    /// The smallest ring, and in it the fewest and smallest moduli, that carry the program.
    ///
    /// # Errors
    /// Results that no modulus holds, more slots than there are rings for, or more products than noise leaves room for.
    pub fn choose(program: &Verified<Packed>, bounds: &[OutputBound], options: &Options) -> Result<Self, Diagnostic> {
        let bits = plain_bits(program, bounds, options)?;
        let least = program.slots.ilog2() + 1;
        let rings: Vec<(u32, u32)> = if options.insecure_toy {
            vec![(least.max(4), TOY_BITS)]
        } else {
            SECURE.into_iter().filter(|(log_degree, _)| *log_degree >= least).collect()
        };
        let found = rings.into_iter().find_map(|(log_degree, most)| in_ring(program, log_degree, most, bits));
        let found = found.ok_or_else(|| error::too_deep(program.counts().depth, bits, 1 << LARGEST.0, LARGEST.1))?;
        Ok(Self { insecure: !is_secure(&found), ..found })
    }

    /// Bits of the whole modulus.
    #[must_use]
    pub fn total_bits(&self) -> usize {
        self.modulus_bits.iter().sum()
    }
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

/// Bits of a modulus that is more than twice as large as every result.
fn plain_bits(program: &Packed, bounds: &[OutputBound], options: &Options) -> Result<u32, Diagnostic> {
    let mut bits = 2;
    for (output, bound) in program.outputs.iter().zip(bounds) {
        // A prime of this many bits is at least half as large as a power of two.
        let needed = (bound.integer(options.fraction_bits) + 1.0).log2().ceil().max(0.0) + 2.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
        let needed = needed as u32;
        if needed > MAX_PLAIN_BITS {
            return Err(error::too_large(&output.name, needed, MAX_PLAIN_BITS));
        }
        bits = bits.max(needed);
    }
    Ok(bits)
}

/// Parameters in the ring of this degree, with no more bits of modulus than `most`.
fn in_ring(program: &Packed, log_degree: u32, most: u32, bits: u32) -> Option<Parameters> {
    let plain = (bits..=MAX_PLAIN_BITS).find_map(|bits| primes::prime_of_bits(bits, 2 << log_degree))?;
    let plain_bits = 64 - plain.leading_zeros();
    let switches = program.ops.values().any(|op| matches!(op, Op::Rotate { .. } | Op::Relin(_)));
    // A key switch splits by moduli, so it needs two.
    let fewest = if switches { 2 } else { 1 };
    let chains = (fewest..=MAX_MODULI).flat_map(|moduli| MODULUS_BITS.map(move |bits| (moduli, bits)));
    let allowed =
        chains.filter(|(moduli, bits)| moduli * bits <= most && *bits >= plain_bits + 2 && enough_primes(*moduli, *bits, log_degree));
    allowed.into_iter().find_map(|(moduli, bits)| {
        let ring = Ring {
            degree: f64::from(log_degree).exp2(),
            plain_bits: (plain as f64).log2(),
            moduli: f64::from(moduli),
            modulus_bits: f64::from(bits),
        };
        let spare = f64::from(moduli * bits) - ring.plain_bits - MARGIN - noise::of_outputs(program, ring);
        (spare >= 0.0).then(|| Parameters {
            degree: 1 << log_degree,
            plain_modulus: plain,
            modulus_bits: vec![bits as usize; moduli as usize],
            spare_bits: spare.floor(),
            insecure: false,
        })
    })
}

/// Whether there are surely so many primes: one in `bits` of the candidates is expected, a quarter is counted on.
fn enough_primes(moduli: u32, bits: u32, log_degree: u32) -> bool {
    let candidates = 1_u64.checked_shl(bits.saturating_sub(log_degree + 2)).unwrap_or(0);
    bits > log_degree + 2 && candidates / u64::from(4 * bits) >= u64::from(moduli)
}

#[cfg(test)]
mod tests;

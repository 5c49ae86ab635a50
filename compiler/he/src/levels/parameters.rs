//! Ring and moduli of a scheme of reals for a number of slots and of levels.

use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::{Op, Packed};
use serde::Serialize;

/// The most bits of all moduli with 128 bits of security against classical attacks, by the logarithm of the degree.
///
/// Source: Bossuat and others, "Security guidelines for implementing homomorphic encryption", 2024, and homomorphicencryption.org's
/// table before it, of which these are the smaller figures.
const SECURE: [(u32, u32); 6] = [(11, 54), (12, 109), (13, 218), (14, 438), (15, 881), (16, 1772)];

/// Bits of the modulus that is left at level 0, of one modulus a level, and of the one for key switches.
pub(crate) const FIRST: u32 = 60;
pub(crate) const SCALE: u32 = 40;
const SPECIAL: u32 = 60;

/// Parameters of CKKS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameters {
    /// `N`: coefficients of a polynomial; at least twice the slots.
    pub degree: u64,
    /// Bits of each modulus: that of level 0, one a level, and the one for key switches.
    pub moduli_bits: Vec<u32>,
    /// Bits of the scale of a fresh ciphertext.
    pub scale_bits: u32,
    /// Bits of all moduli together.
    pub log_qp: u32,
    /// The most that they may have in this ring.
    pub secure_bits: u32,
    /// Rotation keys, and one to relinearise if that is done.
    pub keys: usize,
    /// Of all keys together.
    pub key_bytes: u64,
}

impl Parameters {
    /// The smallest secure ring with these slots. One with more slots than are used holds the numbers several times.
    ///
    /// # Errors
    /// E0719: no ring has so many slots, or moduli for so many levels.
    pub(crate) fn choose(packed: &Packed, levels: u32) -> Result<Self, Diagnostic> {
        let log_qp = FIRST + SPECIAL + SCALE.saturating_mul(levels);
        let least = packed.slots.ilog2() + 1;
        let ring = SECURE.into_iter().find(|&(log_degree, most)| log_degree >= least && log_qp <= most);
        let (log_degree, secure_bits) = ring.ok_or_else(|| insecure(packed.slots, levels, log_qp))?;
        Ok(Self::of(packed, levels, (log_degree, secure_bits)))
    }

    /// Of the largest ring, whatever its security.
    pub(crate) fn toy(packed: &Packed, levels: u32) -> Self {
        Self::of(packed, levels, SECURE[SECURE.len() - 1])
    }

    fn of(packed: &Packed, levels: u32, (log_degree, secure_bits): (u32, u32)) -> Self {
        let log_qp = FIRST + SPECIAL + SCALE.saturating_mul(levels);
        let mut moduli_bits = vec![FIRST];
        moduli_bits.extend((0..levels).map(|_| SCALE));
        moduli_bits.push(SPECIAL);
        let relinearises = packed.ops.values().any(|op| matches!(op, Op::Relin(_)));
        let keys = packed.counts().keys + usize::from(relinearises);
        let k = moduli_bits.len() as u64;
        let key_bytes = (16_u64 << log_degree) * k * (k - 1) * keys as u64;
        Self { degree: 1 << log_degree, moduli_bits, scale_bits: SCALE, log_qp, secure_bits, keys, key_bytes }
    }
}

fn insecure(slots: u32, levels: u32, log_qp: u32) -> Diagnostic {
    let (log_degree, most) = SECURE[SECURE.len() - 1];
    let degree = 1_u64 << log_degree;
    if u64::from(slots) > degree / 2 {
        let message =
            format!("{slots} slots need polynomials of degree {}, and no parameters beyond {degree} are known", 2 * u64::from(slots));
        return Diagnostic::error(719, "he-security", message).help(format!("--slots {}", degree / 2));
    }
    let message = format!(
        "{levels} levels need moduli of {log_qp} bits, and the largest ring, of degree {degree}, has {most} at 128 bits of security"
    );
    let possible = (most - FIRST - SPECIAL) / SCALE;
    Diagnostic::error(719, "he-security", message)
        .help(format!("at most {possible} levels: fewer products in a row, polynomials of lower degrees; `--insecure-toy` for tests"))
}

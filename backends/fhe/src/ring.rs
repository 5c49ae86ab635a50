//! The scheme with one plaintext modulus.

use crate::error;
use crate::keys::RingKeys;
use crate::needs::KeyNeeds;
use crate::pack::Integer;
use crate::parameters::Parameters;
use crate::primes::{power, product};
use ein_ir::diagnostic::Diagnostic;
use fhe::bfv::{self, BfvParameters, BfvParametersBuilder, Encoding, EvaluationKeyBuilder, Plaintext};
use fhe_traits::{FheDecoder, FheDecrypter, FheEncoder};
use rand::rngs::StdRng;
use rand::{CryptoRng, RngCore};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Large: tables for every transform at every level of the library. Keys and ciphertexts of the library hold on to it.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) bfv: Arc<BfvParameters>,
    modulus: u64,
}

impl Ring {
    /// With the plaintext modulus of this number.
    pub(crate) fn new(parameters: &Parameters, n: usize) -> Result<Self, Diagnostic> {
        let modulus = parameters.plain_moduli[n];
        let mut builder = BfvParametersBuilder::new();
        builder.set_degree(parameters.degree).set_plaintext_modulus(modulus).set_moduli(&parameters.moduli());
        let bfv = guarded(|| builder.build_arc()).and_then(Result::ok).ok_or_else(|| error::scheme("make the ring"))?;
        Ok(Self { bfv, modulus })
    }

    /// Makes the keys that a program needs.
    pub(crate) fn keygen(&self, needs: &KeyNeeds, random: &mut StdRng) -> Result<(bfv::SecretKey, bfv::PublicKey, RingKeys), fhe::Error> {
        let secret = bfv::SecretKey::random(&self.bfv, random);
        let public = bfv::PublicKey::new(&secret, random);
        let relin = needs.relin.then(|| bfv::RelinearizationKey::new(&secret, random)).transpose()?;
        let rotations = (!needs.rotations.is_empty()).then(|| rotation_keys(&secret, &needs.rotations, random)).transpose()?;
        Ok((secret, public, RingKeys::new(Arc::clone(&self.bfv), relin, rotations)))
    }

    /// The first copy of the slots, if the others are equal to it.
    pub(crate) fn slots_of(&self, key: &bfv::SecretKey, value: &bfv::Ciphertext, slots: usize) -> Option<Vec<u64>> {
        let decrypted = guarded(|| key.try_decrypt(value).and_then(|plain| Vec::<u64>::try_decode(&plain, Encoding::simd())));
        let residues = Zeroizing::new(decrypted?.ok()?);
        let (first, copies) = residues.split_at_checked(slots)?;
        copies.chunks_exact(first.len()).all(|copy| copy == first).then(|| first.to_vec())
    }

    /// A plaintext of these slots, repeated over the ring.
    pub(crate) fn encode(&self, slots: &[u64]) -> Result<Plaintext, Diagnostic> {
        let all: Zeroizing<Vec<u64>> = Zeroizing::new(slots.iter().copied().cycle().take(self.bfv.degree()).collect());
        attempt("encode a plaintext", || Plaintext::try_encode(all.as_slice(), Encoding::simd(), &self.bfv))
    }

    /// Multiplies by a power of two.
    pub(crate) fn lift(&self, slots: &mut [u64], bits: u64) {
        if bits > 0 {
            let by = power(2, bits, self.modulus);
            slots.iter_mut().for_each(|slot| *slot = product(*slot, by, self.modulus));
        }
    }

    /// The residue of an integer; `None` for one that was too large to know.
    pub(crate) fn residue(&self, number: Integer) -> Option<u64> {
        u64::try_from(number.0?.rem_euclid(i128::from(self.modulus))).ok()
    }
}

fn rotation_keys<R: RngCore + CryptoRng>(
    secret: &bfv::SecretKey,
    rotations: &BTreeSet<u32>,
    random: &mut R,
) -> Result<bfv::EvaluationKey, fhe::Error> {
    let mut builder = EvaluationKeyBuilder::new(secret)?;
    for by in rotations {
        builder.enable_column_rotation(*by as usize)?;
    }
    builder.build(random)
}

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread would become an error: then a hook has nothing to say of it, which might quote what the library was given.
#[must_use]
pub fn is_guarded() -> bool {
    IS_GUARDED.get()
}

/// Calls the library. It panics on some values that its readers accept, so a panic is no more than an error here; nothing outlives it.
pub(crate) fn guarded<T>(f: impl FnOnce() -> T) -> Option<T> {
    let before = IS_GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f)).ok();
    IS_GUARDED.set(before);
    result
}

pub(crate) fn attempt<T>(doing: &str, f: impl FnOnce() -> Result<T, fhe::Error>) -> Result<T, Diagnostic> {
    guarded(f).and_then(Result::ok).ok_or_else(|| error::scheme(doing))
}

//! What a program needs besides operands: keys, and memory and disk, known before any of it is made.
//!
//! Sizes follow from the number of coefficients `N`, that of moduli `L`, and from what the library keeps of a ring: for each level a chain of tables,
//! and another one for products, so that a ring grows with the cube of `L`. Bytes of files are those of the library's messages; memory is an estimate
//! of the peak. Measured peaks of whole processes, from 50 MiB to 3 GiB, were between 0.7 and 1.1 times of it.

use crate::live;
use crate::parameters::Parameters;
use ein_ir::packed::{Op, Packed};
use std::collections::BTreeSet;

/// What a process has besides: code, the program, and what allocation wastes.
const BASE: u64 = 32 << 20;
/// Polynomials over the wider modulus of a product that are there while it is computed.
const PRODUCT_POLYNOMIALS: u64 = 10;
/// Polynomials that are there while a key is switched.
const SWITCH_POLYNOMIALS: u64 = 8;
/// Of so much memory of several threads one part more is wasted: each has an arena of its own, which gives little back.
const WASTED: u64 = 4;
/// Bytes of an integer in the clear.
const INTEGER: u64 = 32;
/// Of an element of a result besides its residues, modulo every plaintext modulus.
const RESULT: u64 = 64;
/// Bits of the moduli that the library adds for products.
const PRODUCT_BITS: u64 = 62;
/// Bytes of the seed that stands for a random polynomial, in a message.
const SEED: u64 = 2 + 32;

/// The keys that a program uses, and no others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyNeeds {
    /// Amounts of rotation.
    pub rotations: BTreeSet<u32>,
    /// Whether products are relinearised.
    pub relin: bool,
}

impl KeyNeeds {
    pub(crate) fn of(program: &Packed) -> Self {
        let rotation = |op: &Op| if let Op::Rotate { by, .. } = op { Some(*by) } else { None };
        Self {
            rotations: program.ops.values().filter_map(rotation).collect(),
            relin: program.ops.values().any(|op| matches!(op, Op::Relin(_))),
        }
    }

    fn count(&self) -> u64 {
        self.rotations.len() as u64 + u64::from(self.relin)
    }
}

/// Bytes in files and in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Plaintext moduli: each has a ring and keys of its own, and they come one after the other.
    pub moduli: u64,
    /// Of the file of the secret key.
    pub secret_key: u64,
    /// Of the file of the public key.
    pub public_key: u64,
    /// Of the file of the evaluation keys.
    pub evaluation_keys: u64,
    /// Of the ciphertexts of all inputs.
    pub inputs: u64,
    /// Of the ciphertexts of all results.
    pub outputs: u64,
    /// Memory of one ring.
    pub(crate) ring: u64,
    /// Memory of the evaluation keys of one ring.
    pub(crate) keys: u64,
    /// Of the same in their file.
    keys_in_file: u64,
    /// Memory of what is computed, modulo one plaintext modulus.
    values: u64,
    /// Memory that each thread has besides.
    scratch: u64,
    /// Memory of tensors in the clear.
    clear: u64,
    /// Memory of secret inputs before they are encrypted.
    secret: u64,
    /// Memory of results after they are decrypted.
    decrypted: u64,
    /// Memory that each thread has that encrypts or decrypts.
    encoding: u64,
}

impl Needs {
    /// Of a program with these parameters.
    #[must_use]
    pub fn of(program: &Packed, parameters: &Parameters) -> Self {
        let sizes = Sizes::of(parameters);
        let (moduli, keys) = (parameters.plain_moduli.len() as u64, KeyNeeds::of(program));
        let rotates = !keys.rotations.is_empty();
        let (relin, rotations) = (sizes.relin_message(&keys), sizes.rotations_message(&keys));
        let file = |n_parts: u64, bytes: u64| OVERHEAD + PAIR + moduli * (n_parts * PER_PART + bytes);
        let inputs: u64 = program.inputs.values().map(|input| u64::from(input.layout.n_chunks())).sum();
        let outputs: u64 = program.outputs.iter().map(|output| output.values.len() as u64).sum();
        let elements = |shape: &[u64]| shape.iter().copied().fold(1, u64::saturating_mul);
        let publics: u64 = program.publics.values().map(|public| elements(&public.shape)).fold(0, u64::saturating_add);
        let secrets: u64 = program.inputs.values().map(|input| elements(&input.layout.shape)).fold(0, u64::saturating_add);
        let results: u64 = program.outputs.iter().map(|output| elements(&output.layout.shape)).fold(0, u64::saturating_add);
        let residues = 8 * moduli * outputs * u64::from(program.slots);
        Self {
            moduli,
            secret_key: file(1, field(sizes.degree)),
            public_key: file(1, field(field(sizes.polynomial_message(false)) + SEED)),
            evaluation_keys: file(2, relin + rotations),
            inputs: file(inputs, inputs * sizes.ciphertext_message()),
            outputs: file(outputs, outputs * sizes.ciphertext_message()),
            ring: sizes.ring(),
            keys: keys.count() * sizes.key() + if rotates { sizes.monomials() } else { 0 },
            keys_in_file: relin + rotations,
            values: sizes.values(program),
            scratch: sizes.scratch(program),
            clear: publics.saturating_mul(INTEGER),
            secret: secrets.saturating_mul(INTEGER),
            decrypted: results.saturating_mul(RESULT + 8 * moduli).saturating_add(residues),
            encoding: SWITCH_POLYNOMIALS * sizes.polynomial(sizes.moduli),
        }
    }

    /// Memory at the peak of making keys, so many rings at a time.
    #[must_use]
    pub const fn keygen(&self, side_by_side: u64) -> u64 {
        BASE + self.moduli * self.secret_key + in_threads(side_by_side, self.ring + self.keys + 2 * self.keys_in_file)
    }

    /// Memory at the peak of a run, so many rings at a time.
    #[must_use]
    pub fn run(&self, side_by_side: u64, threads: u64) -> u64 {
        let ring = self.ring + self.keys + self.values.max(2 * self.keys_in_file);
        BASE + self.clear + self.inputs + 2 * self.outputs + in_threads(side_by_side, ring) + threads * self.scratch
    }

    /// Memory at the peak of an encryption, so many rings at a time.
    #[cfg(feature = "bfv")]
    pub(crate) const fn encrypt(&self, side_by_side: u64, threads: u64) -> u64 {
        let files = 2 * (self.public_key + self.inputs);
        BASE + self.secret + files + in_threads(side_by_side, self.ring) + threads * self.encoding
    }

    /// Memory at the peak of a decryption, so many rings at a time.
    #[cfg(feature = "bfv")]
    pub(crate) const fn decrypt(&self, side_by_side: u64, threads: u64) -> u64 {
        let files = 2 * (self.secret_key + self.outputs);
        BASE + self.decrypted + files + in_threads(side_by_side, self.ring) + threads * self.encoding
    }

    /// Memory of all rings and their keys, if they are kept.
    #[cfg(feature = "bfv")]
    pub(crate) const fn kept(&self) -> u64 {
        self.moduli * (self.ring + self.keys)
    }

    /// Bytes of all files together.
    #[must_use]
    pub const fn disk(&self) -> u64 {
        self.secret_key + self.public_key + self.evaluation_keys + self.inputs + self.outputs
    }
}

/// So many times as much, each in a thread.
const fn in_threads(n: u64, bytes: u64) -> u64 {
    n * bytes + if n > 1 { n * bytes / WASTED } else { 0 }
}

/// Bytes of a sealed file besides its parts, and of each part besides its own: those of `ein-sealed`, which is not always there.
const OVERHEAD: u64 = 8 + 1 + 32 + 4 + 32;
const PER_PART: u64 = 8;
/// What says which key pair it is of.
const PAIR: u64 = PER_PART + 16;

/// What sizes follow from.
struct Sizes {
    degree: u64,
    moduli: u64,
    bits: u64,
}

impl Sizes {
    fn of(parameters: &Parameters) -> Self {
        let moduli = parameters.modulus_bits.len() as u64;
        Self { degree: parameters.degree as u64, moduli, bits: parameters.total_bits() as u64 / moduli.max(1) }
    }

    /// A polynomial in memory.
    const fn polynomial(&self, moduli: u64) -> u64 {
        8 * self.degree * moduli
    }

    /// The same in a message.
    const fn polynomial_message(&self, variable_time: bool) -> u64 {
        let flag = if variable_time { 2 } else { 0 };
        2 + 1 + varint(self.degree) + field(self.moduli * self.degree * self.bits / 8) + flag
    }

    const fn ciphertext_message(&self) -> u64 {
        2 * field(self.polynomial_message(true))
    }

    /// A key switch in memory: for each modulus two polynomials, each with quotients that make products quick.
    const fn key(&self) -> u64 {
        2 * 2 * self.moduli * self.polynomial(self.moduli)
    }

    const fn key_message(&self) -> u64 {
        self.moduli * field(self.polynomial_message(true)) + SEED
    }

    const fn relin_message(&self, keys: &KeyNeeds) -> u64 {
        if keys.relin { field(self.key_message()) } else { 0 }
    }

    fn rotations_message(&self, keys: &KeyNeeds) -> u64 {
        let modulus = 2 * self.degree;
        let rotation = |by: &u32| field(field(self.key_message()) + 1 + varint(crate::primes::power(3, u64::from(*by), modulus)));
        keys.rotations.iter().map(rotation).sum()
    }

    /// What a set of rotation keys has whether it uses it or not: monomials, and an exponent for each amount.
    const fn monomials(&self) -> u64 {
        self.degree.ilog2() as u64 * 2 * self.polynomial(self.moduli) + 64 * self.degree
    }

    /// Tables of so many moduli, and of each number of them below that.
    const fn chain(&self, moduli: u64) -> u64 {
        32 * self.degree * (moduli * (moduli + 1) / 2) + 8 * self.degree * moduli
    }

    const fn product_moduli(&self, moduli: u64) -> u64 {
        moduli + (moduli * self.bits + 60).div_ceil(PRODUCT_BITS)
    }

    /// What the library computes in advance.
    fn ring(&self) -> u64 {
        let level = |moduli: u64| self.chain(moduli) + self.chain(self.product_moduli(moduli)) + 2 * self.polynomial(moduli);
        self.chain(2) + (1..=self.moduli).map(level).sum::<u64>()
    }

    /// Ciphertexts and plaintexts at the peak.
    fn values(&self, program: &Packed) -> u64 {
        live::peak(program, self.polynomial(self.moduli), self.polynomial(self.moduli) + 8 * self.degree)
    }

    fn scratch(&self, program: &Packed) -> u64 {
        let product = PRODUCT_POLYNOMIALS * self.polynomial(self.product_moduli(self.moduli));
        let switch = SWITCH_POLYNOMIALS * self.polynomial(self.moduli);
        if program.ops.values().any(|op| matches!(op, Op::Mul(..))) { product.max(switch) } else { switch }
    }
}

/// Bytes of a number in a message.
const fn varint(number: u64) -> u64 {
    (64 - (number | 1).leading_zeros() as u64).div_ceil(7)
}

/// Bytes of a field of so many bytes.
const fn field(bytes: u64) -> u64 {
    1 + varint(bytes) + bytes
}

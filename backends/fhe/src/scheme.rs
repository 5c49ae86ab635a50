//! A program with the parameters of the scheme: makes keys, encrypts and decrypts. It holds no secret.

use crate::bound::{self, OutputBound};
use crate::crt::Basis;
use crate::frame::Fingerprint;
use crate::keys::{Ciphertexts, EvaluationKeys, Keys, PublicKey, RingKeys, SecretKey};
use crate::pack::{self, Integer, Numbers};
use crate::primes::{power, product};
use crate::scale::Scales;
use crate::{Options, Parameters, error, schedule};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::{InputDecl, Op, Packed, print};
use ein_ir::verified::Verified;
use fhe::bfv::{self, BfvParameters, BfvParametersBuilder, Encoding, EvaluationKeyBuilder, Plaintext};
use fhe_traits::{FheDecoder, FheDecrypter, FheEncoder, FheEncrypter};
use rand::rngs::StdRng;
use rand::{CryptoRng, RngCore, SeedableRng};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A program that can be carried out on ciphertexts.
#[derive(Debug)]
pub struct Engine {
    program: Verified<Packed>,
    options: Options,
    parameters: Parameters,
    bounds: Vec<OutputBound>,
    scales: Scales,
    /// One a plaintext modulus.
    rings: Vec<Ring>,
    basis: Basis,
    fingerprint: Fingerprint,
    threads: usize,
}

/// The scheme with one plaintext modulus.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) bfv: Arc<BfvParameters>,
    modulus: u64,
}

/// The keys that a program uses, and no others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyNeeds {
    /// Amounts of rotation.
    pub rotations: BTreeSet<u32>,
    /// Whether products are relinearised.
    pub relin: bool,
}

impl Engine {
    /// Chooses parameters for a program.
    ///
    /// # Errors
    /// An operand without a bound, a type that integers cannot stand for, or a program that no secure parameters carry.
    pub fn new(program: Verified<Packed>, options: Options) -> Result<Self, Diagnostic> {
        let bounds = bound::outputs(&program, &options)?;
        let parameters = Parameters::choose(&program, &bounds, &options)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let moduli = &parameters.plain_moduli;
        let rings = schedule::each(moduli.len(), threads, &|ring| Ring::new(&parameters, moduli[ring]))?;
        let fingerprint = fingerprint(&program, &options, &rings);
        let (scales, basis) = (Scales::of(&program), Basis::new(&parameters.plain_moduli));
        Ok(Self { program, options, parameters, bounds, scales, rings, basis, fingerprint, threads })
    }

    /// With so many threads for keys and for runs, instead of as many as the machine has; no result depends on it.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    pub(crate) const fn threads(&self) -> usize {
        self.threads
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Verified<Packed> {
        &self.program
    }

    /// What it was made with.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Ring and moduli.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What is known of the results.
    #[must_use]
    pub fn bounds(&self) -> &[OutputBound] {
        &self.bounds
    }

    pub(crate) fn rings(&self) -> &[Ring] {
        &self.rings
    }

    pub(crate) const fn scales(&self) -> &Scales {
        &self.scales
    }

    pub(crate) const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(crate) fn key_needs(&self) -> KeyNeeds {
        let rotation = |op: &Op| if let Op::Rotate { by, .. } = op { Some(*by) } else { None };
        KeyNeeds {
            rotations: self.program.ops.values().filter_map(rotation).collect(),
            relin: self.program.ops.values().any(|op| matches!(op, Op::Relin(_))),
        }
    }

    /// Every ciphertext of every input, in order.
    pub(crate) fn input_chunks(&self) -> impl Iterator<Item = (usize, &InputDecl, u32)> {
        let inputs = self.program.inputs.values().enumerate();
        inputs.flat_map(|(n, input)| (0..input.layout.n_chunks()).map(move |chunk| (n, input, chunk)))
    }

    /// Makes a secret key, and the keys that go with it.
    ///
    /// # Errors
    /// None that is known.
    pub fn keygen<R: RngCore + CryptoRng>(&self, random: &mut R) -> Result<Keys, Diagnostic> {
        let needs = self.key_needs();
        // The keys of each ring come from a generator of its own, so that they may be made side by side.
        let seeds: Vec<StdRng> = self.rings.iter().map(|_| StdRng::from_rng(&mut *random)).collect();
        let keys_of = |ring: usize| attempt("make keys", || self.rings[ring].keygen(&needs, &mut seeds[ring].clone()));
        let mut keys = Keys { secret: SecretKey(Vec::new()), public: PublicKey(Vec::new()), evaluation: EvaluationKeys(Vec::new()) };
        for (secret, public, evaluation) in schedule::each(self.rings.len(), self.threads, &keys_of)? {
            keys.secret.0.push(secret);
            keys.public.0.push(public);
            keys.evaluation.0.push(evaluation);
        }
        Ok(keys)
    }

    /// Encrypts the inputs, in the order of the program.
    ///
    /// # Errors
    /// Other inputs than the program has, or a number beyond its bound.
    pub fn encrypt<R: RngCore + CryptoRng>(&self, key: &PublicKey, inputs: &[Numbers], random: &mut R) -> Result<Ciphertexts, Diagnostic> {
        if inputs.len() != self.program.inputs.len() {
            return Err(error::operands(format!("{} secret inputs, not {}", inputs.len(), self.program.inputs.len())));
        }
        let pairs = self.program.inputs.values().zip(inputs);
        let integers = pairs.map(|(decl, numbers)| pack::integers(&decl.name, decl.dtype, &decl.layout.shape, numbers, &self.options));
        let integers = integers.collect::<Result<Vec<_>, _>>()?;
        let mut rings = Vec::new();
        for (ring, key) in self.rings.iter().zip(&key.0) {
            let mut values = Vec::new();
            for (n, decl, chunk) in self.input_chunks() {
                let slots = pack::input_slots(&decl.layout, chunk, &integers[n], |number| ring.residue(number));
                let slots = Zeroizing::new(slots.ok_or_else(|| error::not_computable("a number is too large"))?);
                let plaintext = ring.encode(&slots)?;
                values.push(attempt("encrypt", || key.try_encrypt(&plaintext, random))?);
            }
            rings.push(values);
        }
        Ok(Ciphertexts { outputs: false, rings })
    }

    /// Decrypts the results, in the order of the program.
    ///
    /// # Errors
    /// The ciphertexts are not those of a run of this program under this key: then nothing of them is shown.
    pub fn decrypt(&self, key: &SecretKey, outputs: &Ciphertexts) -> Result<Vec<Numbers>, Diagnostic> {
        let mut first = 0;
        let mut results = Vec::new();
        for (output, bound) in self.program.outputs.iter().zip(&self.bounds) {
            let damaged = || error::damaged(&output.name);
            let mut chunks = Vec::new();
            for (n, value) in output.values.iter().enumerate() {
                let lift = bound.factors - self.scales.ciphertext(*value);
                chunks.push(self.residues(key, outputs, first + n, lift).ok_or_else(damaged)?);
            }
            results.push(pack::read_output(output, bound, &chunks, &self.basis, &self.options).ok_or_else(damaged)?);
            first += output.values.len();
        }
        Ok(results)
    }

    /// For each ring the residues of the slots of a ciphertext, lifted by some factors.
    fn residues(&self, key: &SecretKey, outputs: &Ciphertexts, n: usize, lift: u32) -> Option<Zeroizing<Vec<Vec<u64>>>> {
        let mut residues = Zeroizing::new(Vec::new());
        for ((ring, key), values) in self.rings.iter().zip(&key.0).zip(&outputs.rings) {
            let mut slots = ring.slots_of(key, values.get(n)?, self.program.slots as usize)?;
            ring.lift(&mut slots, self.lift_bits(lift));
            residues.push(slots);
        }
        (residues.len() == self.rings.len()).then_some(residues)
    }

    /// Bits by which some factors shift to the left.
    pub(crate) const fn lift_bits(&self, factors: u32) -> u64 {
        factors as u64 * self.options.fraction_bits as u64
    }
}

impl Ring {
    fn new(parameters: &Parameters, modulus: u64) -> Result<Self, Diagnostic> {
        let mut builder = BfvParametersBuilder::new();
        builder.set_degree(parameters.degree).set_plaintext_modulus(modulus).set_moduli_sizes(&parameters.modulus_bits);
        let bfv = guarded(|| builder.build_arc()).and_then(Result::ok).ok_or_else(|| error::scheme("make the ring"))?;
        Ok(Self { bfv, modulus })
    }

    fn keygen(&self, needs: &KeyNeeds, random: &mut StdRng) -> Result<(bfv::SecretKey, bfv::PublicKey, RingKeys), fhe::Error> {
        let secret = bfv::SecretKey::random(&self.bfv, random);
        let public = bfv::PublicKey::new(&secret, random);
        let relin = needs.relin.then(|| bfv::RelinearizationKey::new(&secret, random)).transpose()?;
        let rotations = (!needs.rotations.is_empty()).then(|| rotation_keys(&secret, &needs.rotations, random)).transpose()?;
        Ok((secret, public, RingKeys { relin, rotations }))
    }

    /// The first copy of the slots, if the others are equal to it.
    fn slots_of(&self, key: &bfv::SecretKey, value: &bfv::Ciphertext, slots: usize) -> Option<Vec<u64>> {
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

/// What tells a text from others, in hexadecimal digits.
#[must_use]
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What keys and ciphertexts are bound to: the program, the options and the ring.
fn fingerprint(program: &Packed, options: &Options, rings: &[Ring]) -> Fingerprint {
    let ring = |ring: &Ring| format!("\n{} {} {:?}", ring.bfv.degree(), ring.bfv.plaintext(), ring.bfv.moduli());
    let text = format!("{}\n{options:?}{}", print::print(program), rings.iter().map(ring).collect::<String>());
    Sha256::digest(text.as_bytes()).into()
}

/// Calls the library. It panics on some values that its readers accept, so a panic is no more than an error here; nothing outlives it.
pub(crate) fn guarded<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).ok()
}

pub(crate) fn attempt<T>(doing: &str, f: impl FnOnce() -> Result<T, fhe::Error>) -> Result<T, Diagnostic> {
    guarded(f).and_then(Result::ok).ok_or_else(|| error::scheme(doing))
}

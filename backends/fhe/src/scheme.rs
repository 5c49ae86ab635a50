//! A program with the parameters of the scheme: makes keys, encrypts and decrypts. It holds no secret.

use crate::bound::{self, OutputBound};
use crate::crt::Basis;
use crate::frame::{self, Fingerprint, FrameKind, Pair};
use crate::keys::{Ciphertexts, EvaluationKeys, Keys, PublicKey, SecretKey, same_pair};
use crate::needs::{KeyNeeds, Needs};
use crate::pack::{self, Numbers};
use crate::ring::{Ring, attempt};
use crate::scale::Scales;
use crate::{Options, Parameters, error, schedule};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::{InputDecl, Packed, print};
use ein_ir::verified::Verified;
use fhe_traits::{FheEncrypter, Serialize};
use rand::rngs::StdRng;
use rand::{CryptoRng, Rng, RngCore, SeedableRng};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// Rings and keys that take no more than this together are kept for the next call.
const KEPT: u64 = 1 << 30;

/// A program that can be carried out on ciphertexts.
#[derive(Debug)]
pub struct Engine {
    program: Verified<Packed>,
    options: Options,
    parameters: Parameters,
    bounds: Vec<OutputBound>,
    scales: Scales,
    needs: Needs,
    /// One a plaintext modulus, if they are kept.
    rings: Vec<OnceLock<Arc<Ring>>>,
    basis: Basis,
    fingerprint: Fingerprint,
    threads: usize,
    /// Bytes that may be used.
    memory: Option<u64>,
    /// Whether rings may be kept for the next call.
    keeps: bool,
}

/// Why keys were not written.
#[derive(Debug)]
pub enum WriteError {
    /// They could not be made.
    Refused(Diagnostic),
    /// The output does not take them.
    Output(io::Error),
}

impl From<Diagnostic> for WriteError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Refused(diagnostic)
    }
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
        let needs = Needs::of(&program, &parameters);
        let rings = parameters.plain_moduli.iter().map(|_| OnceLock::new()).collect();
        let fingerprint = fingerprint(&program, &options, &parameters);
        let (scales, basis) = (Scales::of(&program), Basis::new(&parameters.plain_moduli));
        Ok(Self { program, options, parameters, bounds, scales, needs, rings, basis, fingerprint, threads, memory: None, keeps: true })
    }

    /// With so many threads, instead of as many as the machine has; no result depends on it.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// With no more memory than so many bytes, as estimated: what needs more is refused before anything is done, and fewer plaintext moduli are
    /// taken at a time where that makes it fit. No result depends on it.
    #[must_use]
    pub fn with_memory(self, bytes: u64) -> Self {
        Self { memory: Some(bytes), ..self }
    }

    /// For one call: no ring is kept for the next.
    #[must_use]
    pub fn for_one_call(self) -> Self {
        Self { keeps: false, ..self }
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

    /// No element of a result is farther from that of the exact program: by rounding and by polynomials together, if something bounds these.
    #[must_use]
    pub fn error(&self, output: usize) -> Option<f64> {
        let rounding = self.bounds.get(output)?.error;
        let polynomials = self.options.polynomials.get(output).copied().flatten();
        // No polynomial is in the place of a function of integers.
        let is_real = self.program.outputs.get(output)?.dtype.is_float();
        if is_real { Some(rounding + polynomials?) } else { Some(rounding) }
    }

    /// Bytes in files and in memory.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Bytes of memory of making keys, with as many threads as there are.
    #[must_use]
    pub fn keygen_memory(&self) -> u64 {
        self.keygen_at(self.side_by_side(&|n| self.keygen_at(n)))
    }

    /// Bytes of memory of a run, with as many threads as there are.
    #[must_use]
    pub fn run_memory(&self) -> u64 {
        self.run_at(self.side_by_side(&|n| self.run_at(n)))
    }

    /// Refuses to make keys where that takes more memory than may be used.
    ///
    /// # Errors
    /// E0715.
    pub fn check_keygen_memory(&self) -> Result<(), Diagnostic> {
        self.groups("making keys", &|n| self.keygen_at(n)).map(drop)
    }

    /// Refuses a run that takes more memory than may be used.
    ///
    /// # Errors
    /// E0715.
    pub fn check_run_memory(&self) -> Result<(), Diagnostic> {
        self.groups("a run", &|n| self.run_at(n)).map(drop)
    }

    fn keygen_at(&self, rings: u64) -> u64 {
        self.needs.keygen(rings) + self.kept_besides(rings) * self.needs.ring
    }

    pub(crate) fn run_at(&self, rings: u64) -> u64 {
        self.needs.run(rings, self.threads as u64) + self.kept_besides(rings) * (self.needs.ring + self.needs.keys)
    }

    fn encrypt_at(&self, rings: u64) -> u64 {
        self.needs.encrypt(rings, self.threads as u64) + self.kept_besides(rings) * self.needs.ring
    }

    fn decrypt_at(&self, rings: u64) -> u64 {
        self.needs.decrypt(rings, self.threads as u64) + self.kept_besides(rings) * self.needs.ring
    }

    /// Rings that are kept besides so many that are in use.
    fn kept_besides(&self, rings: u64) -> u64 {
        if self.keeps_rings() { self.needs.moduli.saturating_sub(rings) } else { 0 }
    }

    pub(crate) fn n_rings(&self) -> usize {
        self.rings.len()
    }

    /// Whether rings, and what is made of keys, are kept for the next call.
    pub(crate) fn keeps_rings(&self) -> bool {
        self.keeps && self.needs.kept() <= KEPT.min(self.memory.unwrap_or(u64::MAX) / 2)
    }

    /// The ring of a plaintext modulus.
    pub(crate) fn ring(&self, n: usize) -> Result<Arc<Ring>, Diagnostic> {
        let kept = &self.rings[n];
        if let Some(ring) = kept.get() {
            return Ok(Arc::clone(ring));
        }
        let ring = Arc::new(Ring::new(&self.parameters, n)?);
        Ok(if self.keeps_rings() { Arc::clone(kept.get_or_init(|| ring)) } else { ring })
    }

    /// How many plaintext moduli are taken at a time: as many as there are threads, but no more than there is memory for.
    fn side_by_side(&self, memory: &dyn Fn(u64) -> u64) -> u64 {
        let most = self.threads.min(self.n_rings()).max(1) as u64;
        let fits = |n: &u64| self.memory.is_none_or(|limit| memory(*n) <= limit);
        (1..=most).rev().find(fits).unwrap_or(1)
    }

    /// The plaintext moduli in groups that are taken at a time; refused where one alone needs too much.
    pub(crate) fn groups(&self, doing: &str, memory: &dyn Fn(u64) -> u64) -> Result<Vec<Range<usize>>, Diagnostic> {
        let at_a_time = self.side_by_side(memory);
        if let Some(limit) = self.memory.filter(|limit| memory(at_a_time) > *limit) {
            return Err(error::too_much_memory(doing, memory(at_a_time), limit));
        }
        let (n, step) = (self.n_rings(), usize::try_from(at_a_time).unwrap_or(1));
        Ok((0..n).step_by(step).map(|first| first..n.min(first + step)).collect())
    }

    pub(crate) const fn scales(&self) -> &Scales {
        &self.scales
    }

    pub(crate) const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// What is wrong with a file that begins with these bytes, and has more than the `most` that [`Engine::needs`] says.
    #[must_use]
    pub fn too_long(&self, head: &[u8], length: u64, most: u64) -> Diagnostic {
        frame::too_long(&self.fingerprint, head, [length, most])
    }

    pub(crate) fn key_needs(&self) -> KeyNeeds {
        KeyNeeds::of(&self.program)
    }

    /// Ciphertexts of all results.
    pub(crate) fn output_chunks(&self) -> usize {
        self.program.outputs.iter().map(|output| output.values.len()).sum()
    }

    /// Every ciphertext of every input, in order.
    pub(crate) fn input_chunks(&self) -> impl Iterator<Item = (usize, &InputDecl, u32)> {
        let inputs = self.program.inputs.values().enumerate();
        inputs.flat_map(|(n, input)| (0..input.layout.n_chunks()).map(move |chunk| (n, input, chunk)))
    }

    /// Makes a secret key, and the keys that go with it.
    ///
    /// # Errors
    /// More memory than may be used.
    pub fn keygen<R: RngCore + CryptoRng>(&self, random: &mut R) -> Result<Keys, Diagnostic> {
        let (pair, mut evaluation) = (random.random(), Vec::new());
        let (secret, public) = self.keygen_each(pair, random, &mut |parts| -> Result<(), Diagnostic> {
            evaluation.push(parts);
            Ok(())
        })?;
        Ok(Keys { secret, public, evaluation: EvaluationKeys::new(pair, evaluation) })
    }

    /// The same, with the evaluation keys written as they are made: they are the most of it, and are never in memory all at once.
    ///
    /// # Errors
    /// More memory than may be used, and an output that does not take them.
    pub fn keygen_into<R: RngCore + CryptoRng>(&self, random: &mut R, out: impl Write) -> Result<(SecretKey, PublicKey), WriteError> {
        // What is refused leaves no beginning of a file behind.
        self.check_keygen_memory()?;
        let pair: Pair = random.random();
        let mut writer =
            frame::writer(FrameKind::EvaluationKeys, &self.fingerprint, 1 + 2 * self.n_rings(), out).map_err(WriteError::Output)?;
        writer.part(&pair).map_err(WriteError::Output)?;
        let keys = self.keygen_each(pair, random, &mut |parts: [Vec<u8>; 2]| -> Result<(), WriteError> {
            parts.iter().try_for_each(|part| writer.part(part)).map_err(WriteError::Output)
        })?;
        writer.finish().and_then(|mut out| out.flush()).map_err(WriteError::Output)?;
        Ok(keys)
    }

    /// Hands the evaluation keys of each plaintext modulus on, in order.
    fn keygen_each<R: RngCore + CryptoRng, E: From<Diagnostic>>(
        &self,
        pair: Pair,
        random: &mut R,
        take: &mut dyn FnMut([Vec<u8>; 2]) -> Result<(), E>,
    ) -> Result<(SecretKey, PublicKey), E> {
        let needs = self.key_needs();
        let (mut secrets, mut publics) = (SecretKey { pair, rings: Vec::new() }, PublicKey { pair, rings: Vec::new() });
        for group in self.groups("making keys", &|n| self.keygen_at(n))? {
            // The keys of each ring come from a generator of its own, so that they may be made side by side.
            let seeds: Vec<StdRng> = group.clone().map(|_| StdRng::from_rng(&mut *random)).collect();
            let keys_of = |n: usize| {
                let ring = self.ring(group.start + n)?;
                let (secret, public, evaluation) = attempt("make keys", || ring.keygen(&needs, &mut seeds[n].clone()))?;
                Ok::<_, Diagnostic>((Zeroizing::new(secret.to_bytes()), public.to_bytes(), evaluation.to_parts()))
            };
            for (secret, public, evaluation) in schedule::each(group.len(), self.threads, &keys_of)? {
                secrets.rings.push(secret);
                publics.rings.push(public);
                take(evaluation)?;
            }
        }
        Ok((secrets, publics))
    }

    /// Encrypts the inputs, in the order of the program.
    ///
    /// # Errors
    /// Other inputs than the program has, a number beyond its bound, or more memory than may be used.
    pub fn encrypt<R: RngCore + CryptoRng>(&self, key: &PublicKey, inputs: &[Numbers], random: &mut R) -> Result<Ciphertexts, Diagnostic> {
        if inputs.len() != self.program.inputs.len() {
            return Err(error::operands(format!("{} secret inputs, not {}", inputs.len(), self.program.inputs.len())));
        }
        let pairs = self.program.inputs.values().zip(inputs);
        let integers = pairs.map(|(decl, numbers)| {
            pack::integers_for(&self.program.outputs, (&decl.name, decl.dtype), &decl.layout.shape, numbers, &self.options)
        });
        let integers = integers.collect::<Result<Vec<_>, _>>()?;
        let chunks: Vec<_> = self.input_chunks().collect();
        let mut rings = Vec::new();
        for group in self.groups("encrypting", &|n| self.encrypt_at(n))? {
            let made = self.rings_with(group, &|n, ring| key.of(n, ring))?;
            // The noise of each ciphertext comes from a generator of its own, so that they may be made side by side.
            let seeds: Vec<StdRng> = (0..made.len() * chunks.len()).map(|_| StdRng::from_rng(&mut *random)).collect();
            let value_of = |at: usize| {
                let ((ring, key), (n, decl, chunk)) = (&made[at / chunks.len()], chunks[at % chunks.len()]);
                let slots = pack::input_slots(&decl.layout, chunk, &integers[n], |number| ring.residue(number));
                let slots = Zeroizing::new(slots.ok_or_else(|| error::not_computable("a number is too large"))?);
                let plaintext = ring.encode(&slots)?;
                attempt("encrypt", || key.try_encrypt(&plaintext, &mut seeds[at].clone()).map(|value| value.to_bytes()))
            };
            let mut values = schedule::each(seeds.len(), self.threads, &value_of)?.into_iter();
            rings.extend(made.iter().map(|_| values.by_ref().take(chunks.len()).collect::<Vec<_>>()));
        }
        Ok(Ciphertexts { pair: key.pair, outputs: false, rings })
    }

    /// Decrypts the results, in the order of the program.
    ///
    /// # Errors
    /// The ciphertexts are not those of a run of this program under this key: then nothing of them is shown. More memory than may be used.
    pub fn decrypt(&self, key: &SecretKey, outputs: &Ciphertexts) -> Result<Vec<Numbers>, Diagnostic> {
        same_pair("the secret key and the encrypted results", [&key.pair, &outputs.pair])?;
        let mut residues = Vec::new();
        for group in self.groups("decrypting", &|n| self.decrypt_at(n))? {
            residues.extend(self.residues(key, outputs, group)?);
        }
        let mut first = 0;
        let mut results = Vec::new();
        for (output, bound) in self.program.outputs.iter().zip(&self.bounds) {
            let chunks = first..first + output.values.len();
            let rings: Vec<&[Zeroizing<Vec<u64>>]> = residues.iter().map(|values| &values[chunks.clone()]).collect();
            let numbers = pack::read_output(output, bound, &rings, &self.basis, &self.options);
            results.push(numbers.ok_or_else(|| error::damaged(&output.name))?);
            first = chunks.end;
        }
        Ok(results)
    }

    /// The slots of every result modulo some plaintext moduli, each lifted by what it lacks of the factors of its result.
    fn residues(&self, key: &SecretKey, outputs: &Ciphertexts, group: Range<usize>) -> Result<Vec<Vec<Zeroizing<Vec<u64>>>>, Diagnostic> {
        let outputs_and_bounds = self.program.outputs.iter().zip(&self.bounds);
        let values: Vec<_> =
            outputs_and_bounds.flat_map(|(output, bound)| output.values.iter().map(move |value| (output, bound, value))).collect();
        let first = group.start;
        let made = self.rings_with(group, &|n, ring| key.of(n, ring))?;
        let slots_of = |at: usize| {
            let (of, n) = (at / values.len(), at % values.len());
            let ((ring, key), (output, bound, value)) = (&made[of], &values[n]);
            let ciphertext = outputs.of(first + of, n, ring)?;
            let slots = ring.slots_of(key, &ciphertext, self.program.slots as usize);
            let mut slots = Zeroizing::new(slots.ok_or_else(|| error::damaged(&output.name))?);
            ring.lift(&mut slots, self.lift_bits(bound.factors - self.scales.ciphertext(**value)));
            Ok(slots)
        };
        let mut slots = schedule::each(made.len() * values.len(), self.threads, &slots_of)?.into_iter();
        Ok(made.iter().map(|_| slots.by_ref().take(values.len()).collect()).collect())
    }

    /// The rings of some plaintext moduli, made side by side, each with what is made of it.
    pub(crate) fn rings_with<T: Send + Sync>(
        &self,
        group: Range<usize>,
        make: &(dyn Fn(usize, &Ring) -> Result<T, Diagnostic> + Sync),
    ) -> Result<Vec<(Arc<Ring>, T)>, Diagnostic> {
        schedule::each(group.len(), self.threads, &|n| {
            let ring = self.ring(group.start + n)?;
            let made = make(group.start + n, &ring)?;
            Ok((ring, made))
        })
    }

    /// Bits by which some factors shift to the left.
    pub(crate) const fn lift_bits(&self, factors: u32) -> u64 {
        factors as u64 * self.options.fraction_bits as u64
    }
}

/// What tells a text from others, in hexadecimal digits.
#[must_use]
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What keys and ciphertexts are bound to: the program, the options and the rings.
fn fingerprint(program: &Packed, options: &Options, parameters: &Parameters) -> Fingerprint {
    let moduli = parameters.moduli();
    let ring = |modulus: &u64| format!("\n{} {modulus} {moduli:?}", parameters.degree);
    let text = format!("{}\n{options:?}{}", print::print(program), parameters.plain_moduli.iter().map(ring).collect::<String>());
    Sha256::digest(text.as_bytes()).into()
}

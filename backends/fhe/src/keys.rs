//! Keys and ciphertexts: bytes, one or two parts for each plaintext modulus, of which the library's values are made when a ring is there. None of
//! them shows what is in it.

use crate::error;
use crate::frame::{self, FrameKind, Pair};
use crate::ring::{Ring, guarded};
use crate::scheme::Engine;
use ein_ir::diagnostic::Diagnostic;
use ein_sealed::Parts;
use fhe::bfv::{self, BfvParameters};
use fhe_traits::{DeserializeParametrized, Serialize};
use std::fmt;
use std::io::{Read, Seek};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use zeroize::Zeroizing;

/// What `Engine::keygen` makes.
#[derive(Debug)]
pub struct Keys {
    /// Decrypts. Stays with the owner of the numbers.
    pub secret: SecretKey,
    /// Encrypts. Anybody may have it.
    pub public: PublicKey,
    /// Rotates and multiplies. For whoever computes.
    pub evaluation: EvaluationKeys,
}

/// Decrypts results; its memory is cleared after use.
pub struct SecretKey {
    pub(crate) pair: Pair,
    pub(crate) rings: Vec<Zeroizing<Vec<u8>>>,
}

/// Encrypts inputs.
pub struct PublicKey {
    pub(crate) pair: Pair,
    pub(crate) rings: Vec<Vec<u8>>,
}

/// A key for each rotation of the program, and one for products if it has any. Those of a file stay there until they are needed.
pub struct EvaluationKeys {
    pub(crate) pair: Pair,
    source: Source,
    /// Those that were made of their bytes, if the engine keeps its rings.
    made: Vec<OnceLock<Arc<RingKeys>>>,
}

/// Where the bytes are: a part for products and one for rotations, for each plaintext modulus.
enum Source {
    Memory(Vec<[Vec<u8>; 2]>),
    File(Mutex<Parts<Box<dyn Seekable>>>),
}

/// Bytes that are read at any place.
trait Seekable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Seekable for T {}

/// The library's keys with one plaintext modulus.
pub(crate) struct RingKeys {
    bfv: Arc<BfvParameters>,
    pub(crate) relin: Option<bfv::RelinearizationKey>,
    pub(crate) rotations: Option<bfv::EvaluationKey>,
}

/// The ciphertexts of all inputs, or of all results, of a program.
#[derive(Clone)]
pub struct Ciphertexts {
    pub(crate) pair: Pair,
    pub(crate) outputs: bool,
    /// Those of the program, for each plaintext modulus.
    pub(crate) rings: Vec<Vec<Vec<u8>>>,
}

impl SecretKey {
    /// As bytes, to be kept where only their owner reads them.
    #[must_use]
    pub fn to_bytes(&self, engine: &Engine) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(write(FrameKind::SecretKey, engine, &self.pair, self.rings.iter().map(|part| part.as_slice())))
    }

    /// Reads a key back.
    ///
    /// # Errors
    /// The bytes are none, or of another program.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let (pair, parts) = read(FrameKind::SecretKey, engine, engine.n_rings(), bytes)?;
        Ok(Self { pair, rings: parts.into_iter().map(|part| Zeroizing::new(part.to_vec())).collect() })
    }

    /// The library's.
    pub(crate) fn of(&self, n: usize, ring: &Ring) -> Result<bfv::SecretKey, Diagnostic> {
        decode(FrameKind::SecretKey, self.rings.get(n), |part| bfv::SecretKey::from_bytes(part, &ring.bfv))
    }
}

impl PublicKey {
    /// As bytes.
    #[must_use]
    pub fn to_bytes(&self, engine: &Engine) -> Vec<u8> {
        write(FrameKind::PublicKey, engine, &self.pair, self.rings.iter().map(Vec::as_slice))
    }

    /// Reads a key back.
    ///
    /// # Errors
    /// The bytes are none, or of another program.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let (pair, parts) = read(FrameKind::PublicKey, engine, engine.n_rings(), bytes)?;
        Ok(Self { pair, rings: parts.into_iter().map(<[u8]>::to_vec).collect() })
    }

    /// The library's.
    pub(crate) fn of(&self, n: usize, ring: &Ring) -> Result<bfv::PublicKey, Diagnostic> {
        decode(FrameKind::PublicKey, self.rings.get(n), |part| bfv::PublicKey::from_bytes(part, &ring.bfv))
    }
}

impl EvaluationKeys {
    pub(crate) fn new(pair: Pair, parts: Vec<[Vec<u8>; 2]>) -> Self {
        Self { pair, made: parts.iter().map(|_| OnceLock::new()).collect(), source: Source::Memory(parts) }
    }

    /// As bytes.
    ///
    /// # Errors
    /// They are in a file that cannot be read any more.
    pub fn to_bytes(&self, engine: &Engine) -> Result<Vec<u8>, Diagnostic> {
        let parts = (0..self.made.len()).map(|n| self.parts(n)).collect::<Result<Vec<_>, _>>()?;
        Ok(write(FrameKind::EvaluationKeys, engine, &self.pair, parts.iter().flatten().map(Vec::as_slice)))
    }

    /// Reads keys back.
    ///
    /// # Errors
    /// The bytes are none, or of another program.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let (pair, parts) = read(FrameKind::EvaluationKeys, engine, 2 * engine.n_rings(), bytes)?;
        Ok(Self::new(pair, parts.chunks_exact(2).map(|parts| [parts[0].to_vec(), parts[1].to_vec()]).collect()))
    }

    /// Keys of a file, which are read when they are needed.
    ///
    /// # Errors
    /// It has none, or those of another program.
    pub fn open(engine: &Engine, file: impl Read + Seek + Send + 'static) -> Result<Self, Diagnostic> {
        let file: Box<dyn Seekable> = Box::new(file);
        let mut parts = frame::open(FrameKind::EvaluationKeys, engine.fingerprint(), 1 + 2 * engine.n_rings(), file)?;
        let pair = parts.part(0).map_err(|problem| frame::told(FrameKind::EvaluationKeys, problem))?;
        let pair = pair_of(FrameKind::EvaluationKeys, &pair)?;
        Ok(Self { pair, source: Source::File(Mutex::new(parts)), made: (0..engine.n_rings()).map(|_| OnceLock::new()).collect() })
    }

    fn parts(&self, n: usize) -> Result<[Vec<u8>; 2], Diagnostic> {
        match &self.source {
            Source::Memory(parts) => {
                parts.get(n).cloned().ok_or_else(|| error::malformed(FrameKind::EvaluationKeys.name(), "a part is missing"))
            }
            Source::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let mut part = |n: usize| file.part(n).map_err(|problem| frame::told(FrameKind::EvaluationKeys, problem));
                Ok([part(1 + 2 * n)?, part(2 + 2 * n)?])
            }
        }
    }

    /// The library's; every rotation of the program has its own.
    pub(crate) fn of(&self, engine: &Engine, n: usize, ring: &Ring) -> Result<Arc<RingKeys>, Diagnostic> {
        if let Some(made) = self.made.get(n).and_then(OnceLock::get)
            && Arc::ptr_eq(&made.bfv, &ring.bfv)
        {
            return Ok(Arc::clone(made));
        }
        let keys = Arc::new(match &self.source {
            Source::Memory(all) => RingKeys::from_parts(engine, ring, all.get(n))?,
            Source::File(_) => RingKeys::from_parts(engine, ring, Some(&self.parts(n)?))?,
        });
        if engine.keeps_rings() {
            // Another thread may have been quicker, with the same keys.
            self.made.get(n).map(|made| made.set(Arc::clone(&keys)));
        }
        Ok(keys)
    }
}

impl RingKeys {
    pub(crate) const fn new(
        bfv: Arc<BfvParameters>,
        relin: Option<bfv::RelinearizationKey>,
        rotations: Option<bfv::EvaluationKey>,
    ) -> Self {
        Self { bfv, relin, rotations }
    }

    pub(crate) fn to_parts(&self) -> [Vec<u8>; 2] {
        let relin = self.relin.as_ref().map(Serialize::to_bytes).unwrap_or_default();
        [relin, self.rotations.as_ref().map(Serialize::to_bytes).unwrap_or_default()]
    }

    fn from_parts(engine: &Engine, ring: &Ring, parts: Option<&[Vec<u8>; 2]>) -> Result<Self, Diagnostic> {
        let (kind, needs) = (FrameKind::EvaluationKeys, engine.key_needs());
        let relin =
            needs.relin.then(|| decode(kind, parts.map(|parts| &parts[0]), |part| bfv::RelinearizationKey::from_bytes(part, &ring.bfv)));
        let rotations = (!needs.rotations.is_empty())
            .then(|| decode(kind, parts.map(|parts| &parts[1]), |part| bfv::EvaluationKey::from_bytes(part, &ring.bfv)));
        let keys = Self::new(Arc::clone(&ring.bfv), relin.transpose()?, rotations.transpose()?);
        let supports = |by: &u32| keys.rotations.as_ref().is_some_and(|key| key.supports_column_rotation_by(*by as usize));
        match needs.rotations.iter().find(|by| !supports(by)) {
            Some(by) => Err(error::malformed(kind.name(), &format!("there is none for the rotation by {by}"))),
            None => Ok(keys),
        }
    }
}

impl Ciphertexts {
    /// How many the program has of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rings.first().map_or(0, Vec::len)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As bytes.
    #[must_use]
    pub fn to_bytes(&self, engine: &Engine) -> Vec<u8> {
        write(self.kind(), engine, &self.pair, self.rings.iter().flatten().map(Vec::as_slice))
    }

    /// Reads the encrypted inputs of a program back.
    ///
    /// # Errors
    /// The bytes are none, or of another program.
    pub fn inputs_from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, Diagnostic> {
        Self::from_bytes(engine, FrameKind::Inputs, engine.input_chunks().count(), bytes)
    }

    /// Reads the encrypted results of a program back.
    ///
    /// # Errors
    /// The bytes are none, or of another program.
    pub fn outputs_from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, Diagnostic> {
        Self::from_bytes(engine, FrameKind::Outputs, engine.output_chunks(), bytes)
    }

    fn from_bytes(engine: &Engine, kind: FrameKind, n: usize, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let (pair, parts) = read(kind, engine, n * engine.n_rings(), bytes)?;
        let mut parts = parts.into_iter().map(<[u8]>::to_vec);
        let rings = (0..engine.n_rings()).map(|_| parts.by_ref().take(n).collect()).collect();
        Ok(Self { pair, outputs: kind == FrameKind::Outputs, rings })
    }

    const fn kind(&self) -> FrameKind {
        if self.outputs { FrameKind::Outputs } else { FrameKind::Inputs }
    }

    /// The library's, of a result.
    pub(crate) fn of(&self, ring: usize, n: usize, of: &Ring) -> Result<bfv::Ciphertext, Diagnostic> {
        ciphertext(self.kind(), self.rings.get(ring).and_then(|values| values.get(n)), of)
    }
}

/// Joins parts to what is said of all of them.
fn write<'a>(kind: FrameKind, engine: &Engine, pair: &'a Pair, parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    frame::write(kind, engine.fingerprint(), &std::iter::once(pair.as_slice()).chain(parts).collect::<Vec<_>>())
}

/// Takes so many parts apart again, of any key pair.
fn read<'a>(kind: FrameKind, engine: &Engine, n: usize, bytes: &'a [u8]) -> Result<(Pair, Vec<&'a [u8]>), Diagnostic> {
    let mut parts = frame::read(kind, engine.fingerprint(), n + 1, bytes)?;
    let pair = pair_of(kind, parts.remove(0))?;
    Ok((pair, parts))
}

fn pair_of(kind: FrameKind, part: &[u8]) -> Result<Pair, Diagnostic> {
    part.try_into().map_err(|_| error::malformed(kind.name(), "it does not say of which keys it is"))
}

/// Refuses what does not belong to the same key pair.
pub(crate) fn same_pair(what: &str, [one, other]: [&Pair; 2]) -> Result<(), Diagnostic> {
    if one == other { Ok(()) } else { Err(error::other_pair(what)) }
}

/// A ciphertext of two parts over the whole modulus, in the representation that every operation expects.
pub(crate) fn ciphertext(kind: FrameKind, part: Option<&Vec<u8>>, ring: &Ring) -> Result<bfv::Ciphertext, Diagnostic> {
    decode(kind, part, |bytes| {
        let read = bfv::Ciphertext::from_bytes(bytes, &ring.bfv)?;
        // Made anew from its polynomials, which looks at the form of each.
        let checked = bfv::Ciphertext::new(read.to_vec(), &ring.bfv)?;
        let whole = ring.bfv.context_at_level(0)?;
        if checked.len() == 2 && checked[0].ctx() == whole { Ok(checked) } else { Err(fhe::Error::DefaultError("another form".to_owned())) }
    })
}

fn decode<B: AsRef<[u8]>, T>(kind: FrameKind, part: Option<B>, f: impl FnOnce(&[u8]) -> Result<T, fhe::Error>) -> Result<T, Diagnostic> {
    let malformed = || error::malformed(kind.name(), "a part of it cannot be read");
    let part = part.ok_or_else(malformed)?;
    guarded(|| f(part.as_ref())).ok_or_else(malformed)?.map_err(|_| malformed())
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey")
    }
}

impl fmt::Debug for EvaluationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EvaluationKeys")
    }
}

impl fmt::Debug for Ciphertexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ciphertexts", self.len())
    }
}

//! Keys and ciphertexts, and their bytes: one for each plaintext modulus. None of them shows what is in it.

use crate::error;
use crate::frame::{self, FrameKind};
use crate::scheme::{Engine, KeyNeeds, Ring, guarded};
use ein_ir::diagnostic::Diagnostic;
use fhe::bfv;
use fhe_traits::{DeserializeParametrized, Serialize};
use std::fmt;
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
pub struct SecretKey(pub(crate) Vec<bfv::SecretKey>);

/// Encrypts inputs.
pub struct PublicKey(pub(crate) Vec<bfv::PublicKey>);

/// A key for each rotation of the program, and one for products if it has any.
pub struct EvaluationKeys(pub(crate) Vec<RingKeys>);

/// The same with one plaintext modulus.
pub(crate) struct RingKeys {
    pub(crate) relin: Option<bfv::RelinearizationKey>,
    pub(crate) rotations: Option<bfv::EvaluationKey>,
}

/// The ciphertexts of all inputs, or of all results, of a program.
#[derive(Clone)]
pub struct Ciphertexts {
    pub(crate) outputs: bool,
    /// Those of the program, for each plaintext modulus.
    pub(crate) rings: Vec<Vec<bfv::Ciphertext>>,
}

impl SecretKey {
    /// As bytes, to be kept where only their owner reads them.
    #[must_use]
    pub fn to_bytes(&self, engine: &Engine) -> Zeroizing<Vec<u8>> {
        let parts: Vec<Zeroizing<Vec<u8>>> = self.0.iter().map(|key| Zeroizing::new(key.to_bytes())).collect();
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_slice()).collect();
        Zeroizing::new(frame::write(FrameKind::SecretKey, engine.fingerprint(), &parts))
    }

    /// Reads a key back.
    ///
    /// # Errors
    /// The bytes are none, or of another program.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let parts = frame::read(FrameKind::SecretKey, engine.fingerprint(), engine.rings().len(), bytes)?;
        let key = |(part, ring): (&[u8], &Ring)| decode(FrameKind::SecretKey, || bfv::SecretKey::from_bytes(part, &ring.bfv));
        parts.into_iter().zip(engine.rings()).map(key).collect::<Result<_, _>>().map(Self)
    }
}

impl PublicKey {
    /// As bytes.
    #[must_use]
    pub fn to_bytes(&self, engine: &Engine) -> Vec<u8> {
        let parts: Vec<Vec<u8>> = self.0.iter().map(Serialize::to_bytes).collect();
        frame::write(FrameKind::PublicKey, engine.fingerprint(), &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Reads a key back.
    ///
    /// # Errors
    /// The bytes are none, or of another program.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let parts = frame::read(FrameKind::PublicKey, engine.fingerprint(), engine.rings().len(), bytes)?;
        let key = |(part, ring): (&[u8], &Ring)| decode(FrameKind::PublicKey, || bfv::PublicKey::from_bytes(part, &ring.bfv));
        parts.into_iter().zip(engine.rings()).map(key).collect::<Result<_, _>>().map(Self)
    }
}

impl EvaluationKeys {
    /// As bytes.
    #[must_use]
    pub fn to_bytes(&self, engine: &Engine) -> Vec<u8> {
        let relin = |keys: &RingKeys| keys.relin.as_ref().map(Serialize::to_bytes).unwrap_or_default();
        let rotations = |keys: &RingKeys| keys.rotations.as_ref().map(Serialize::to_bytes).unwrap_or_default();
        let parts: Vec<Vec<u8>> = self.0.iter().flat_map(|keys| [relin(keys), rotations(keys)]).collect();
        frame::write(FrameKind::EvaluationKeys, engine.fingerprint(), &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Reads keys back; every rotation of the program must have its own.
    ///
    /// # Errors
    /// The bytes are none, or of another program.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let parts = frame::read(FrameKind::EvaluationKeys, engine.fingerprint(), 2 * engine.rings().len(), bytes)?;
        let needs = engine.key_needs();
        let keys = parts.chunks_exact(2).zip(engine.rings()).map(|(parts, ring)| RingKeys::from_parts(&needs, ring, parts[0], parts[1]));
        keys.collect::<Result<_, _>>().map(Self)
    }
}

impl RingKeys {
    fn from_parts(needs: &KeyNeeds, ring: &Ring, relin: &[u8], rotations: &[u8]) -> Result<Self, Diagnostic> {
        let kind = FrameKind::EvaluationKeys;
        let relin = needs.relin.then(|| decode(kind, || bfv::RelinearizationKey::from_bytes(relin, &ring.bfv)));
        let rotations = (!needs.rotations.is_empty()).then(|| decode(kind, || bfv::EvaluationKey::from_bytes(rotations, &ring.bfv)));
        let keys = Self { relin: relin.transpose()?, rotations: rotations.transpose()? };
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
        let parts: Vec<Vec<u8>> = self.rings.iter().flatten().map(Serialize::to_bytes).collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        frame::write(if self.outputs { FrameKind::Outputs } else { FrameKind::Inputs }, engine.fingerprint(), &parts)
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
        let n = engine.program().outputs.iter().map(|output| output.values.len()).sum();
        Self::from_bytes(engine, FrameKind::Outputs, n, bytes)
    }

    fn from_bytes(engine: &Engine, kind: FrameKind, n: usize, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let parts = frame::read(kind, engine.fingerprint(), n * engine.rings().len(), bytes)?;
        let mut parts = parts.into_iter();
        let mut read = |ring: &Ring| parts.by_ref().take(n).map(|part| decode(kind, || ciphertext(ring, part))).collect();
        let rings = engine.rings().iter().map(&mut read).collect::<Result<_, _>>()?;
        Ok(Self { outputs: kind == FrameKind::Outputs, rings })
    }
}

/// A ciphertext of two parts over the whole modulus, in the representation that every operation expects.
fn ciphertext(ring: &Ring, bytes: &[u8]) -> Result<bfv::Ciphertext, fhe::Error> {
    let read = bfv::Ciphertext::from_bytes(bytes, &ring.bfv)?;
    // Made anew from its polynomials, which looks at the form of each.
    let checked = bfv::Ciphertext::new(read.to_vec(), &ring.bfv)?;
    let whole = ring.bfv.context_at_level(0)?;
    if checked.len() == 2 && checked[0].ctx() == whole { Ok(checked) } else { Err(fhe::Error::DefaultError("another form".to_owned())) }
}

fn decode<T>(kind: FrameKind, f: impl FnOnce() -> Result<T, fhe::Error>) -> Result<T, Diagnostic> {
    let malformed = || error::malformed(kind.name(), "a part of it cannot be read");
    guarded(f).ok_or_else(malformed)?.map_err(|_| malformed())
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

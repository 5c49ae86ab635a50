//! A circuit with its keys, and the bytes of what goes between their owner and whoever computes.
//!
//! The owner makes keys, encrypts and decrypts; the other one has the manifest and the server key, and sees ciphertexts alone. Files say to
//! which circuit and keys they belong, and others are refused. How a public operand is transferred is nobody's secret.

use crate::frame::{self, Fingerprint, FrameKind};
use crate::{Blocks, Element, Operand, PARAMETERS, error};
use bincode::Options;
use ein_ir::circuit::width::blocks;
use ein_ir::circuit::{Circuit, parse, print, verify};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::verified::Verified;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tfhe::conformance::ParameterSetConformant;
use tfhe::integer::{ClientKey, CompressedServerKey, ServerKey};
use tfhe::shortint::{AtomicPatternParameters, Ciphertext};
use zeroize::Zeroizing;

/// Raised when keys and ciphertexts of before can no longer be used.
const VERSION: u64 = 1;
const SCHEME: &str = "tfhe 1.8.2, PARAM_MESSAGE_2_CARRY_2_KS_PBS";
/// Bytes that a block takes at most: 2049 words, and what describes them.
const MAX_BLOCK: u64 = 1 << 15;
/// Bytes that keys take at most: those of these parameters take a tenth of it.
const MAX_KEY: u64 = 1 << 30;
/// Bootstraps that anybody waits for: a day of one processor.
const MAX_BOOTSTRAPS: u64 = 10_000_000;

/// A circuit and the keys that were made for it.
#[derive(Debug)]
pub struct Program {
    circuit: Verified<Circuit>,
    /// Of the server key.
    digest: Fingerprint,
    fingerprint: Fingerprint,
}

/// New keys of a program, as bytes.
pub struct NewKeys {
    /// For files that only their owner may read.
    pub secret: Zeroizing<Vec<u8>>,
    /// For whoever computes.
    pub server: Vec<u8>,
}

impl Program {
    /// A circuit, and new keys for it.
    ///
    /// # Errors
    /// A circuit with more work than anybody would wait for.
    pub fn keygen(circuit: Verified<Circuit>) -> Result<(Self, NewKeys), Diagnostic> {
        let client = ClientKey::new(PARAMETERS);
        let server = to_bytes(&CompressedServerKey::new_radix_compressed_server_key(&client))?;
        let program = Self::new(circuit, Sha256::digest(&server).into())?;
        let secret = Zeroizing::new(to_bytes(&client)?);
        let keys = NewKeys {
            secret: Zeroizing::new(frame::write(FrameKind::SecretKey, &program.fingerprint, &[&secret])),
            server: frame::write(FrameKind::ServerKey, &program.fingerprint, &[&server]),
        };
        Ok((program, keys))
    }

    fn new(circuit: Verified<Circuit>, digest: Fingerprint) -> Result<Self, Diagnostic> {
        let bootstraps = circuit.cost().bootstraps;
        if bootstraps > MAX_BOOTSTRAPS {
            let message = format!("the circuit takes {bootstraps} bootstraps, and the limit is {MAX_BOOTSTRAPS}");
            return Err(Diagnostic::error(721, "he-work", message));
        }
        let mut hash = Sha256::new();
        hash.update(VERSION.to_le_bytes());
        hash.update(SCHEME);
        hash.update(digest);
        hash.update(print::print(&circuit));
        Ok(Self { circuit, digest, fingerprint: hash.finalize().into() })
    }

    /// What is computed.
    #[must_use]
    pub const fn circuit(&self) -> &Verified<Circuit> {
        &self.circuit
    }

    /// What both sides have: the circuit, the scheme, and of which keys they speak.
    #[must_use]
    pub fn manifest(&self) -> String {
        let manifest = json!({
            "version": VERSION, "scheme": SCHEME, "circuit": print::print(&self.circuit), "cost": self.circuit.summary(),
            "server_key": hex(&self.digest), "fingerprint": hex(&self.fingerprint),
        });
        format!("{manifest:#}\n")
    }

    /// Reads a manifest back.
    ///
    /// # Errors
    /// The text is none, or does not agree with itself.
    pub fn from_manifest(text: &str) -> Result<Self, Diagnostic> {
        let malformed = |reason: &str| error::malformed("a manifest", reason);
        let value: Value = serde_json::from_str(text).map_err(|e| malformed(&e.to_string()))?;
        if value["version"] != VERSION || value["scheme"] != SCHEME {
            return Err(malformed("it is of another version or scheme"));
        }
        let circuit = value["circuit"].as_str().ok_or_else(|| malformed("it has no circuit"))?;
        let circuit = parse::parse(circuit).map_err(|e| malformed(&format!("its circuit: {e}")))?;
        let circuit = verify::verify(circuit).map_err(|errors| malformed(&format!("its circuit: {}", errors[0])))?;
        let digest = value["server_key"].as_str().and_then(unhex).ok_or_else(|| malformed("it names no server key"))?;
        let program = Self::new(circuit, digest)?;
        let same = serde_json::from_str::<Value>(&program.manifest()).is_ok_and(|made| made == value);
        if same { Ok(program) } else { Err(malformed("its parts contradict each other")) }
    }

    /// The key that encrypts and decrypts.
    ///
    /// # Errors
    /// The bytes are none, or of other keys.
    pub fn secret_key(&self, bytes: &[u8]) -> Result<ClientKey, Diagnostic> {
        let kind = FrameKind::SecretKey;
        let parts = frame::read(kind, &self.fingerprint, 1, bytes)?;
        let malformed = || error::malformed(kind.name(), "it cannot be read");
        // A key of other sizes is found where it is used.
        let works = |key: &ClientKey| {
            key.parameters() == AtomicPatternParameters::from(PARAMETERS)
                && (0..4).all(|n| key.decrypt_one_block(&key.encrypt_one_block(n)) == n)
        };
        let read = || from_bytes::<ClientKey>(parts[0], MAX_KEY).filter(works);
        error::guarded(read).flatten().ok_or_else(malformed)
    }

    /// The key that computes.
    ///
    /// # Errors
    /// The bytes are none, or of other keys.
    pub fn server_key(&self, bytes: &[u8]) -> Result<ServerKey, Diagnostic> {
        let kind = FrameKind::ServerKey;
        let parts = frame::read(kind, &self.fingerprint, 1, bytes)?;
        if Sha256::digest(parts[0]).as_slice() != self.digest {
            return Err(error::other_keys(kind.name()));
        }
        let parameters = AtomicPatternParameters::from(PARAMETERS);
        let read = || from_bytes::<CompressedServerKey>(parts[0], MAX_KEY).filter(|key| key.is_conformant(&parameters));
        error::guarded(|| read().map(|key| key.decompress())).flatten().ok_or_else(|| error::malformed(kind.name(), "it cannot be read"))
    }

    /// The encrypted operands among those of a run.
    ///
    /// # Errors
    /// The library does not write one of them.
    pub fn inputs_to_bytes(&self, operands: &[Operand]) -> Result<Vec<u8>, Diagnostic> {
        let secret = operands.iter().flat_map(|operand| match operand {
            Operand::Secret(elements) => elements.as_slice(),
            Operand::Public(_) => &[],
        });
        let parts = secret.flatten().map(to_bytes).collect::<Result<Vec<_>, _>>()?;
        Ok(frame::write(FrameKind::Inputs, &self.fingerprint, &parts))
    }

    /// Blocks of the secret operands, by operand: elements, and blocks of each.
    fn secret_sizes(&self) -> Result<Vec<Option<(usize, usize)>>, Diagnostic> {
        let size = |decl: &ein_ir::circuit::InputDecl| {
            let n = decl.shape.iter().try_fold(1_usize, |n, size| n.checked_mul(usize::try_from(*size).ok()?));
            let n = n.filter(|n| *n <= u32::MAX as usize).ok_or_else(|| error::operands(format!("`{}` is too large", decl.name)))?;
            Ok(decl.secret.then_some((n, blocks(decl.range) as usize)))
        };
        self.circuit.inputs.values().map(size).collect()
    }

    /// Bytes that a file of encrypted inputs, or of results, has at most.
    ///
    /// # Errors
    /// An operand that is too large.
    pub fn most_bytes(&self) -> Result<u64, Diagnostic> {
        let inputs = self.secret_sizes()?.into_iter().flatten().map(|(n, width)| (n * width) as u64).sum::<u64>();
        let results = self.result_blocks().map(|n| n.unwrap_or(1) as u64).sum::<u64>();
        Ok(inputs.max(results).saturating_mul(MAX_BLOCK + 8).saturating_add(frame::OVERHEAD))
    }

    /// Reads encrypted operands back; `None` stands for those that are not encrypted.
    ///
    /// # Errors
    /// The bytes are none, or of other keys, or not as they were when they were encrypted.
    pub fn inputs_from_bytes(&self, bytes: &[u8]) -> Result<Vec<Option<Operand>>, Diagnostic> {
        let sizes = self.secret_sizes()?;
        let expected = sizes.iter().flatten().map(|(n, width)| n * width).sum();
        let mut parts = frame::read(FrameKind::Inputs, &self.fingerprint, expected, bytes)?.into_iter();
        let parameters = PARAMETERS.to_shortint_conformance_param();
        let mut block = || {
            let part = parts.next()?;
            from_bytes::<Ciphertext>(part, MAX_BLOCK).filter(|block| block.is_conformant(&parameters))
        };
        let mut element = |width: usize| (0..width).map(|_| block()).collect::<Option<Blocks>>();
        let mut operand = |(n, width): (usize, usize)| (0..n).map(|_| element(width)).collect::<Option<Vec<_>>>().map(Operand::Secret);
        let operands = sizes.into_iter().map(|size| size.map_or(Some(None), |size| operand(size).map(Some))).collect::<Option<Vec<_>>>();
        operands.ok_or_else(|| error::malformed(FrameKind::Inputs.name(), "a part of it cannot be read"))
    }

    /// Blocks of each element of the results; `None` is a public one.
    fn result_blocks(&self) -> impl Iterator<Item = Option<usize>> {
        let nodes = self.circuit.outputs.iter().flat_map(|output| &output.wires).map(|wire| &self.circuit.nodes[*wire]);
        nodes.map(|node| node.secret.then(|| blocks(node.range) as usize))
    }

    /// Results as bytes.
    ///
    /// # Errors
    /// The library does not write one of them.
    pub fn results_to_bytes(&self, results: &[Vec<Element>]) -> Result<Vec<u8>, Diagnostic> {
        let mut parts = Vec::new();
        for element in results.iter().flatten() {
            match element {
                Element::Public(n) => parts.push(n.to_le_bytes().to_vec()),
                Element::Secret(blocks) => {
                    for block in blocks {
                        parts.push(to_bytes(block)?);
                    }
                }
            }
        }
        Ok(frame::write(FrameKind::Results, &self.fingerprint, &parts))
    }

    /// Reads results back.
    ///
    /// # Errors
    /// The bytes are none, or of other keys.
    pub fn results_from_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<Element>>, Diagnostic> {
        let expected = self.result_blocks().map(|n| n.unwrap_or(1)).sum();
        let mut parts = frame::read(FrameKind::Results, &self.fingerprint, expected, bytes)?.into_iter();
        let mut sizes = self.result_blocks();
        let mut element = || match sizes.next()? {
            None => parts.next()?.try_into().ok().map(i128::from_le_bytes).map(Element::Public),
            Some(width) => (0..width).map(|_| result_block(parts.next()?)).collect::<Option<Blocks>>().map(Element::Secret),
        };
        let results = self.circuit.outputs.iter().map(|output| output.wires.iter().map(|_| element()).collect()).collect::<Option<_>>();
        results.ok_or_else(|| error::malformed(FrameKind::Results.name(), "a part of it cannot be read"))
    }
}

/// A block as operations leave it: of the same key, with any noise.
fn result_block(bytes: &[u8]) -> Option<Ciphertext> {
    let form = PARAMETERS.to_shortint_conformance_param();
    let is_right = |block: &Ciphertext| {
        block.ct.lwe_size().to_lwe_dimension() == form.ct_params.lwe_dim
            && block.ct.ciphertext_modulus() == form.ct_params.ct_modulus
            && (block.message_modulus, block.carry_modulus) == (form.message_modulus, form.carry_modulus)
            && block.atomic_pattern == form.atomic_pattern
    };
    from_bytes::<Ciphertext>(bytes, MAX_BLOCK).filter(is_right)
}

/// Of values of at most so many bytes; words are random, and take eight of them.
fn encoding(most: u64) -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_limit(most)
}

fn to_bytes<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, Diagnostic> {
    let written = encoding(MAX_KEY).serialize(value);
    written.map_err(|_| Diagnostic::error(199, "internal", "a key or a ciphertext cannot be written"))
}

/// Nothing follows the value, and what it announces it has.
fn from_bytes<T: serde::de::DeserializeOwned>(bytes: &[u8], most: u64) -> Option<T> {
    error::guarded(|| encoding(most).deserialize(bytes).ok()).flatten()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Fingerprint> {
    let digit = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes = (0..32).map(digit).collect::<Option<Vec<u8>>>()?;
    if text.len() == 64 { bytes.try_into().ok() } else { None }
}

impl std::fmt::Debug for NewKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::{Program, to_bytes};
    use crate::frame::{self, FrameKind};
    use crate::{Element, Operand, encrypt_operands};
    use ein_ir::circuit::{parse, verify};

    const CIRCUIT: &str = "circuit \"f\" {
  input x0 \"x\": secret u8[2] in 0..3
  v0: 0..3 = input x0[0]
  v1: 0..3 = input x0[1]
  v2: 0..3 = max v0, v1
  output \"y\": u8[1] = (v2)
}
";

    /// Whoever changes bytes on purpose computes the digest anew.
    #[test]
    fn what_a_stranger_wrote_is_an_error_or_a_ciphertext() {
        let circuit = verify::verify(parse::parse(CIRCUIT).expect("a circuit")).expect("a right one");
        let (program, keys) = Program::keygen(circuit).expect("keys");
        assert_eq!(Program::from_manifest(&program.manifest()).expect("a manifest").fingerprint, program.fingerprint);
        let key = program.secret_key(&keys.secret).expect("a key");
        let operands = encrypt_operands(&key, program.circuit(), &[vec![1, 2]]).expect("in their range");
        let Operand::Secret(elements) = &operands[0] else { panic!("a secret") };
        let block = to_bytes(&elements[0][0]).expect("bytes");
        let inputs = |parts: &[Vec<u8>]| frame::write(FrameKind::Inputs, &program.fingerprint, parts);
        assert!(program.inputs_from_bytes(&inputs(&[block.clone(), block.clone()])).is_ok());
        assert!(program.inputs_from_bytes(&inputs(std::slice::from_ref(&block))).is_err());
        assert!(program.inputs_from_bytes(&inputs(&[block.clone(), Vec::new()])).is_err());
        // Lengths, degrees, moduli and kinds stand before the words and after them.
        let ends = (0..64).chain(block.len() - 64..block.len());
        for (at, value) in ends.flat_map(|at| [0, 1, 127, 255].map(|value| (at, value))) {
            let mut changed = block.clone();
            changed[at] = value;
            let _ = program.inputs_from_bytes(&inputs(&[block.clone(), changed.clone()]));
            let results = frame::write(FrameKind::Results, &program.fingerprint, &[changed]);
            if let Ok(results) = program.results_from_bytes(&results) {
                let _ = crate::decrypt_results(&key, program.circuit(), &results);
            }
        }
        let results = program.results_to_bytes(&[vec![Element::Secret(elements[1].clone())]]).expect("bytes");
        let results = program.results_from_bytes(&results).expect("a result");
        assert_eq!(crate::decrypt_results(&key, program.circuit(), &results).expect("in its range"), [[2]]);
        for garbage in [Vec::new(), vec![255; 100], vec![0; 100_000]] {
            assert_eq!(program.secret_key(&frame::write(FrameKind::SecretKey, &program.fingerprint, &[&garbage])).unwrap_err().code.0, 931);
            assert_eq!(
                program.server_key(&frame::write(FrameKind::ServerKey, &program.fingerprint, &[&garbage])).err().map(|e| e.code.0),
                Some(932)
            );
        }
        assert!(format!("{keys:?} {program:?}").len() < 2000);
    }
}

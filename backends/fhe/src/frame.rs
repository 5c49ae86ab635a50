//! The form of keys and ciphertexts as bytes.
//!
//! ```text
//! "ein-bfv\n"  kind: 1 byte  fingerprint of the program and its parameters: 32  number of parts: 4
//! for each part its length: 8, and its bytes  SHA-256 of all before: 32
//! ```
//!
//! Integers are little-endian. The digest finds what was cut off or changed on the way; whoever changes bytes on purpose computes it
//! anew, so what is inside is validated as if it came from a stranger. The scheme authenticates nothing: whoever may write a ciphertext
//! chooses what it decrypts to, and results are worth as much as the trust in who computed them.

use crate::error;
use ein_ir::diagnostic::Diagnostic;
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"ein-bfv\n";

/// SHA-256.
pub(crate) type Fingerprint = [u8; 32];

/// What the bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    SecretKey,
    PublicKey,
    EvaluationKeys,
    Inputs,
    Outputs,
}

impl FrameKind {
    const fn byte(self) -> u8 {
        match self {
            Self::SecretKey => 1,
            Self::PublicKey => 2,
            Self::EvaluationKeys => 3,
            Self::Inputs => 4,
            Self::Outputs => 5,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SecretKey => "a secret key",
            Self::PublicKey => "a public key",
            Self::EvaluationKeys => "evaluation keys",
            Self::Inputs => "encrypted inputs",
            Self::Outputs => "encrypted results",
        }
    }
}

/// Joins parts.
pub(crate) fn write(kind: FrameKind, fingerprint: &Fingerprint, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len() + 8).sum();
    let mut bytes = Vec::with_capacity(length + 77);
    bytes.extend_from_slice(MAGIC);
    bytes.push(kind.byte());
    bytes.extend_from_slice(fingerprint);
    bytes.extend_from_slice(&u32::try_from(parts.len()).expect("ciphertexts are counted by u32").to_le_bytes());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

/// Takes the parts apart again; there must be as many as `expected`.
///
/// # Errors
/// Bytes of another form, kind, program or number of parts.
pub(crate) fn read<'a>(kind: FrameKind, fingerprint: &Fingerprint, expected: usize, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, Diagnostic> {
    let malformed = |reason: &str| error::malformed(kind.name(), reason);
    let (content, digest) = bytes.split_last_chunk::<32>().ok_or_else(|| malformed("it is too short"))?;
    let mut rest = content;
    if take(&mut rest, MAGIC.len()) != Some(MAGIC) {
        return Err(malformed("it does not begin as one does"));
    }
    match take(&mut rest, 1) {
        Some([byte]) if *byte == kind.byte() => {}
        _ => return Err(malformed("it is something else")),
    }
    if Sha256::digest(content).as_slice() != digest {
        return Err(malformed("it was changed or cut off"));
    }
    if take(&mut rest, 32) != Some(fingerprint) {
        return Err(error::other_program(kind.name()));
    }
    let count = take(&mut rest, 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    if count.map(|n| n as usize) != Some(expected) {
        return Err(malformed("it has another number of parts"));
    }
    let parts = (0..expected).map(|_| take_part(&mut rest)).collect::<Option<Vec<_>>>();
    parts.filter(|_| rest.is_empty()).ok_or_else(|| malformed("its parts have other lengths"))
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(n)?;
    *rest = after;
    Some(taken)
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(rest, 8)?.try_into().ok().map(u64::from_le_bytes)?;
    take(rest, usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{FrameKind, read, write};

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let bytes = write(FrameKind::Inputs, &[7; 32], &[b"one", b"", b"three"]);
        assert_eq!(read(FrameKind::Inputs, &[7; 32], 3, &bytes).unwrap(), [b"one".as_slice(), b"", b"three"]);
        for n in 0..bytes.len() {
            assert!(read(FrameKind::Inputs, &[7; 32], 3, &bytes[..n]).is_err(), "{n}");
            let mut changed = bytes.clone();
            changed[n] ^= 1;
            assert!(read(FrameKind::Inputs, &[7; 32], 3, &changed).is_err(), "{n}");
        }
    }

    #[test]
    fn the_kind_the_program_and_the_number_of_parts_are_looked_at() {
        let bytes = write(FrameKind::Inputs, &[7; 32], &[b"one"]);
        let code = |kind, fingerprint, n| read(kind, &fingerprint, n, &bytes).unwrap_err().code.0;
        assert_eq!(code(FrameKind::SecretKey, [7; 32], 1), 931);
        assert_eq!(code(FrameKind::Inputs, [8; 32], 1), 932);
        assert_eq!(code(FrameKind::Inputs, [7; 32], 2), 931);
    }
}

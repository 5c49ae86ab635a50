//! The form of keys and ciphertexts as bytes.
//!
//! ```text
//! "ein-tfhe"  kind: 1 byte  fingerprint of the program and its keys: 32  number of parts: 4
//! for each part its length: 8, and its bytes  SHA-256 of all before: 32
//! ```
//!
//! Integers are little-endian. The digest finds what was cut off or changed on the way; whoever changes bytes on purpose computes it
//! anew, so what is inside is looked at as if it came from a stranger. The scheme authenticates nothing: whoever may write a ciphertext
//! chooses what it decrypts to.

use crate::error;
use ein_ir::diagnostic::Diagnostic;
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"ein-tfhe";
/// Bytes of a frame besides its parts.
pub(crate) const OVERHEAD: u64 = 8 + 1 + 32 + 4 + 32;

/// SHA-256.
pub(crate) type Fingerprint = [u8; 32];

/// What the bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    SecretKey = 1,
    ServerKey = 2,
    Inputs = 3,
    Results = 4,
}

impl FrameKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SecretKey => "a secret key",
            Self::ServerKey => "a server key",
            Self::Inputs => "encrypted inputs",
            Self::Results => "encrypted results",
        }
    }
}

/// Joins parts.
pub(crate) fn write(kind: FrameKind, fingerprint: &Fingerprint, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.as_ref().len() + 8).sum();
    let mut bytes = Vec::with_capacity(length + OVERHEAD as usize);
    bytes.extend_from_slice(MAGIC);
    bytes.push(kind as u8);
    bytes.extend_from_slice(fingerprint);
    bytes.extend_from_slice(&u32::try_from(parts.len()).expect("operations are counted by u32").to_le_bytes());
    for part in parts {
        bytes.extend_from_slice(&(part.as_ref().len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_ref());
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
    if take(&mut rest, 1) != Some(&[kind as u8]) {
        return Err(malformed("it is something else"));
    }
    if Sha256::digest(content).as_slice() != digest {
        return Err(malformed("it was changed or cut off"));
    }
    if take(&mut rest, 32) != Some(fingerprint) {
        return Err(error::other_keys(kind.name()));
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
        let bytes = write(FrameKind::Inputs, &[7; 32], &[b"one".as_slice(), b"", b"three"]);
        assert_eq!(read(FrameKind::Inputs, &[7; 32], 3, &bytes).unwrap(), [b"one".as_slice(), b"", b"three"]);
        for n in 0..bytes.len() {
            assert!(read(FrameKind::Inputs, &[7; 32], 3, &bytes[..n]).is_err(), "{n}");
            let mut changed = bytes.clone();
            changed[n] ^= 1;
            assert!(read(FrameKind::Inputs, &[7; 32], 3, &changed).is_err(), "{n}");
        }
        assert_eq!(read(FrameKind::SecretKey, &[7; 32], 3, &bytes).unwrap_err().code.0, 931);
        assert_eq!(read(FrameKind::Inputs, &[8; 32], 3, &bytes).unwrap_err().code.0, 932);
        assert_eq!(read(FrameKind::Inputs, &[7; 32], 2, &bytes).unwrap_err().code.0, 931);
    }
}

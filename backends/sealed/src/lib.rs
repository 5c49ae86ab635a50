//! The form of keys and ciphertexts as bytes, which the engines of every scheme share.
//!
//! ```text
//! what engine it is of: 8 bytes  kind: 1  fingerprint of the program and its keys: 32  number of parts: 4
//! for each part its length: 8, and its bytes  SHA-256 of all before: 32
//! ```
//!
//! Integers are little-endian. The digest finds what was cut off or changed on the way; whoever changes bytes on purpose computes it
//! anew, so what is inside is looked at as if it came from a stranger: no length is believed before there are as many bytes. The schemes
//! authenticate nothing: whoever may write a ciphertext chooses what it decrypts to, and results are worth as much as the trust in who computed
//! them.
//!
//! ```
//! use ein_sealed::{Problem, Seal};
//! let seal = Seal { engine: b"example\n", kind: 1, fingerprint: &[7; 32] };
//! let bytes = seal.write(&[b"one".as_slice(), b""]);
//! assert_eq!(seal.read(2, &bytes), Ok(vec![b"one".as_slice(), b""]));
//! assert_eq!(Seal { fingerprint: &[8; 32], ..seal }.read(2, &bytes), Err(Problem::Fingerprint));
//! ```
//!
//! What is too large to be in memory at once is written part after part by a [`Writer`], and each part is read when it is needed from [`Parts`].

mod stream;

pub use stream::{Parts, Writer};

use sha2::{Digest, Sha256};

/// SHA-256.
pub type Fingerprint = [u8; 32];

/// Bytes of a file besides its parts; each part has its length besides, [`PER_PART`].
pub const OVERHEAD: u64 = 8 + 1 + 32 + 4 + 32;
/// Bytes of the length of a part.
pub const PER_PART: u64 = 8;

/// What the bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal<'a> {
    /// The first bytes of every file of an engine.
    pub engine: &'a [u8; 8],
    /// Which of the kinds of the engine.
    pub kind: u8,
    /// What they belong to.
    pub fingerprint: &'a Fingerprint,
}

/// What is wrong with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// They are no such file, and why.
    Malformed(&'static str),
    /// They are one of another program, or of other keys.
    Fingerprint,
}

impl Seal<'_> {
    /// Joins parts.
    #[must_use]
    pub fn write(&self, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
        let length: u64 = parts.iter().map(|part| part.as_ref().len() as u64 + PER_PART).sum();
        // At once, so that no copy of a secret is left behind.
        let mut bytes = Vec::with_capacity(usize::try_from(length + OVERHEAD).unwrap_or(0));
        let n = u32::try_from(parts.len()).expect("parts are counted by u32");
        let written = Writer::new(self, n, &mut bytes).and_then(|mut writer| {
            parts.iter().try_for_each(|part| writer.part(part.as_ref()))?;
            writer.finish()
        });
        written.expect("memory takes every byte");
        bytes
    }

    /// Takes the parts apart again; there must be as many as `expected`.
    ///
    /// # Errors
    /// Bytes of another form, engine, kind, fingerprint or number of parts.
    pub fn read<'a>(&self, expected: usize, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, Problem> {
        let (content, digest) = bytes.split_last_chunk::<32>().ok_or(Problem::Malformed("it is too short"))?;
        let mut rest = content;
        if take(&mut rest, self.engine.len()) != Some(self.engine) {
            return Err(Problem::Malformed("it does not begin as one does"));
        }
        if take(&mut rest, 1) != Some(&[self.kind]) {
            return Err(Problem::Malformed("it is something else"));
        }
        if Sha256::digest(content).as_slice() != digest {
            return Err(Problem::Malformed("it was changed or cut off"));
        }
        if take(&mut rest, 32) != Some(self.fingerprint) {
            return Err(Problem::Fingerprint);
        }
        let count = take(&mut rest, 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        if count.map(|n| n as usize) != Some(expected) {
            return Err(Problem::Malformed("it has another number of parts"));
        }
        let parts = (0..expected).map(|_| take_part(&mut rest)).collect::<Option<Vec<_>>>();
        parts.filter(|_| rest.is_empty()).ok_or(Problem::Malformed("its parts have other lengths"))
    }
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
    use super::{OVERHEAD, PER_PART, Problem, Seal};
    use sha2::{Digest, Sha256};

    const SEAL: Seal<'_> = Seal { engine: b"ein-test", kind: 3, fingerprint: &[7; 32] };
    const PARTS: [&[u8]; 3] = [b"one", b"", b"three"];

    #[test]
    fn parts_come_back() {
        let bytes = SEAL.write(&PARTS);
        assert_eq!(bytes.len() as u64, OVERHEAD + 3 * PER_PART + 8);
        assert_eq!(SEAL.read(3, &bytes).unwrap(), PARTS);
        assert_eq!(SEAL.read(0, &SEAL.write(&[b""; 0])).unwrap(), [b""; 0]);
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let bytes = SEAL.write(&PARTS);
        for n in 0..bytes.len() {
            assert!(SEAL.read(3, &bytes[..n]).is_err(), "{n}");
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[n] ^= 1 << bit;
                assert!(SEAL.read(3, &changed).is_err(), "{n}");
            }
        }
        assert!(SEAL.read(3, &[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn what_it_is_of_is_looked_at() {
        let bytes = SEAL.write(&PARTS);
        assert_eq!(Seal { kind: 1, ..SEAL }.read(3, &bytes), Err(Problem::Malformed("it is something else")));
        assert_eq!(Seal { engine: b"ein-else", ..SEAL }.read(3, &bytes), Err(Problem::Malformed("it does not begin as one does")));
        assert_eq!(Seal { fingerprint: &[8; 32], ..SEAL }.read(3, &bytes), Err(Problem::Fingerprint));
        assert_eq!(SEAL.read(2, &bytes), Err(Problem::Malformed("it has another number of parts")));
    }

    /// Lengths and numbers of somebody who computes the digest anew: no memory is asked for before it is known that the bytes are there.
    #[test]
    fn lengths_are_not_believed() {
        let bytes = SEAL.write(&PARTS);
        let resealed = |at: usize, with: &[u8]| {
            let mut content = bytes[..bytes.len() - 32].to_vec();
            content[at..at + with.len()].copy_from_slice(with);
            let digest = Sha256::digest(&content);
            [&content[..], digest.as_slice()].concat()
        };
        let lengths = [45, 56, 64];
        for length in [1, 2, 4, 1 << 32, 1 << 40, i64::MAX as u64, u64::MAX] {
            for at in lengths {
                assert_eq!(
                    SEAL.read(3, &resealed(at, &length.to_le_bytes())),
                    Err(Problem::Malformed("its parts have other lengths")),
                    "{at}"
                );
            }
        }
        for n in [0, 2, 4, u32::MAX] {
            assert_eq!(SEAL.read(3, &resealed(41, &n.to_le_bytes())), Err(Problem::Malformed("it has another number of parts")));
        }
        // As many as are asked for, and not there.
        assert_eq!(
            SEAL.read(u32::MAX as usize, &resealed(41, &u32::MAX.to_le_bytes())),
            Err(Problem::Malformed("its parts have other lengths"))
        );
    }
}

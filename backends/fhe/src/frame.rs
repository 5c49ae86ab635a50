//! The files of this engine: which kinds there are, and what is said of bytes that are none.

use crate::error;
use ein_ir::diagnostic::Diagnostic;
use ein_sealed::{Parts, Problem, Seal, Writer};
use std::io::{self, Read, Seek, Write};

pub(crate) use ein_sealed::Fingerprint;

const ENGINE: &[u8; 8] = b"ein-bfv\n";

/// What a key pair is told from others by: drawn with its keys, and no secret. It is the first part of every file.
pub(crate) type Pair = [u8; 16];

/// What the bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    SecretKey = 1,
    PublicKey = 2,
    EvaluationKeys = 3,
    Inputs = 4,
    Outputs = 5,
}

impl FrameKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SecretKey => "a secret key",
            Self::PublicKey => "a public key",
            Self::EvaluationKeys => "evaluation keys",
            Self::Inputs => "encrypted inputs",
            Self::Outputs => "encrypted results",
        }
    }

    const fn seal(self, fingerprint: &Fingerprint) -> Seal<'_> {
        Seal { engine: ENGINE, kind: self as u8, fingerprint }
    }
}

/// Joins parts.
pub(crate) fn write(kind: FrameKind, fingerprint: &Fingerprint, parts: &[&[u8]]) -> Vec<u8> {
    kind.seal(fingerprint).write(parts)
}

/// Takes the parts apart again; there must be as many as `expected`.
///
/// # Errors
/// Bytes of another form, kind, program or number of parts.
pub(crate) fn read<'a>(kind: FrameKind, fingerprint: &Fingerprint, expected: usize, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, Diagnostic> {
    kind.seal(fingerprint).read(expected, bytes).map_err(|problem| told(kind, problem))
}

/// Bytes from which it is seen of which kind a file is, and of which program.
pub const HEAD: u64 = 8 + 1 + 32;

/// What is wrong with a file that has more bytes than one of this program has.
pub(crate) fn too_long(fingerprint: &Fingerprint, head: &[u8], [length, most]: [u64; 2]) -> Diagnostic {
    let kinds = [FrameKind::SecretKey, FrameKind::PublicKey, FrameKind::EvaluationKeys, FrameKind::Inputs, FrameKind::Outputs];
    let found = kinds.into_iter().find(|kind| head.strip_prefix(ENGINE).is_some_and(|rest| rest.first() == Some(&(*kind as u8))));
    match found {
        Some(kind) if head.get(9..41).is_some_and(|found| found != fingerprint) => error::other_program(kind.name()),
        _ => error::malformed("what this program has here", &format!("it has {length} bytes, more than {most}")),
    }
}

/// Begins to write so many parts, one after the other.
pub(crate) fn writer<W: Write>(kind: FrameKind, fingerprint: &Fingerprint, n_parts: usize, out: W) -> io::Result<Writer<W>> {
    let n_parts = u32::try_from(n_parts).map_err(|_| io::Error::other("too many parts"))?;
    Writer::new(&kind.seal(fingerprint), n_parts, out)
}

/// As [`read`], of what is read part by part.
pub(crate) fn open<R: Read + Seek>(kind: FrameKind, fingerprint: &Fingerprint, expected: usize, source: R) -> Result<Parts<R>, Diagnostic> {
    Parts::open(&kind.seal(fingerprint), expected, source).map_err(|problem| told(kind, problem))
}

/// What is wrong, in words.
pub(crate) fn told(kind: FrameKind, problem: Problem) -> Diagnostic {
    match problem {
        Problem::Malformed(reason) => error::malformed(kind.name(), reason),
        Problem::Fingerprint => error::other_program(kind.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameKind, read, too_long, write};

    #[test]
    fn what_is_wrong_has_a_code() {
        let bytes = write(FrameKind::Inputs, &[7; 32], &[b"one"]);
        assert_eq!(read(FrameKind::Inputs, &[7; 32], 1, &bytes).unwrap(), [b"one"]);
        let code = |kind, fingerprint, n| read(kind, &fingerprint, n, &bytes).unwrap_err().code.0;
        assert_eq!(code(FrameKind::SecretKey, [7; 32], 1), 931);
        assert_eq!(code(FrameKind::Inputs, [8; 32], 1), 932);
        assert_eq!(code(FrameKind::Inputs, [7; 32], 2), 931);
        let long = |head: &[u8]| too_long(&[7; 32], head, [1 << 33, 9]).code.0;
        assert_eq!([long(&bytes[..41]), long(b""), long(&[0; 41])], [931; 3]);
        assert_eq!(long(&write(FrameKind::Outputs, &[8; 32], &[b"one"])[..41]), 932);
    }
}

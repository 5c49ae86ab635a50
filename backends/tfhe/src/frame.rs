//! The files of this engine: which kinds there are, and what is said of bytes that are none.

use crate::error;
use ein_ir::diagnostic::Diagnostic;
use ein_sealed::{Problem, Seal};

pub(crate) use ein_sealed::{Fingerprint, OVERHEAD};

const ENGINE: &[u8; 8] = b"ein-tfhe";

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

    const fn seal(self, fingerprint: &Fingerprint) -> Seal<'_> {
        Seal { engine: ENGINE, kind: self as u8, fingerprint }
    }
}

/// Joins parts.
pub(crate) fn write(kind: FrameKind, fingerprint: &Fingerprint, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    kind.seal(fingerprint).write(parts)
}

/// Takes the parts apart again; there must be as many as `expected`.
///
/// # Errors
/// Bytes of another form, kind, program or number of parts.
pub(crate) fn read<'a>(kind: FrameKind, fingerprint: &Fingerprint, expected: usize, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, Diagnostic> {
    kind.seal(fingerprint).read(expected, bytes).map_err(|problem| match problem {
        Problem::Malformed(reason) => error::malformed(kind.name(), reason),
        Problem::Fingerprint => error::other_keys(kind.name()),
    })
}

#[cfg(test)]
mod tests {
    use super::{FrameKind, read, write};

    #[test]
    fn what_is_wrong_has_a_code() {
        let bytes = write(FrameKind::Inputs, &[7; 32], &[b"one"]);
        assert_eq!(read(FrameKind::Inputs, &[7; 32], 1, &bytes).unwrap(), [b"one"]);
        let code = |kind, fingerprint, n| read(kind, &fingerprint, n, &bytes).unwrap_err().code.0;
        assert_eq!(code(FrameKind::SecretKey, [7; 32], 1), 931);
        assert_eq!(code(FrameKind::Inputs, [8; 32], 1), 932);
        assert_eq!(code(FrameKind::Inputs, [7; 32], 2), 931);
    }
}

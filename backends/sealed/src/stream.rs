//! The same form for what is too large to be in memory at once: parts are written one after the other, and each is read when it is needed.

use crate::{Fingerprint, OVERHEAD, PER_PART, Problem, Seal};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;
const DIGEST: u64 = 32;
const UNREADABLE: Problem = Problem::Malformed("it cannot be read");

/// Writes parts one after the other.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    digest: Sha256,
    /// Parts that are still to be written.
    left: u32,
}

impl<W: Write> Writer<W> {
    /// Writes what is before the parts, of which there will be so many.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(seal: &Seal<'_>, n_parts: u32, out: W) -> io::Result<Self> {
        let mut writer = Self { out, digest: Sha256::new(), left: n_parts };
        writer.bytes(seal.engine)?;
        writer.bytes(&[seal.kind])?;
        writer.bytes(seal.fingerprint)?;
        writer.bytes(&n_parts.to_le_bytes())?;
        Ok(writer)
    }

    /// Writes a part.
    ///
    /// # Errors
    /// Those of `out`, and one part too many.
    pub fn part(&mut self, part: &[u8]) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| io::Error::other("one part too many"))?;
        self.bytes(&(part.len() as u64).to_le_bytes())?;
        self.bytes(part)
    }

    /// Writes what is behind the parts.
    ///
    /// # Errors
    /// Those of `out`, and a part that is missing.
    pub fn finish(mut self) -> io::Result<W> {
        if self.left > 0 {
            return Err(io::Error::other("a part is missing"));
        }
        self.out.write_all(self.digest.finalize().as_slice())?;
        Ok(self.out)
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Parts that are read one at a time. The digest is looked at once, when they are opened: what changes later is for who reads a part to find.
#[derive(Debug)]
pub struct Parts<R> {
    source: R,
    /// Where each begins, and its length.
    places: Vec<(u64, u64)>,
}

impl<R: Read + Seek> Parts<R> {
    /// Looks at all bytes of a source; there must be as many parts as `expected`.
    ///
    /// # Errors
    /// As of [`Seal::read`], and a source that cannot be read.
    pub fn open(seal: &Seal<'_>, expected: usize, mut source: R) -> Result<Self, Problem> {
        let length = source.seek(SeekFrom::End(0)).map_err(|_| UNREADABLE)?;
        let content = length.checked_sub(DIGEST).ok_or(Problem::Malformed("it is too short"))?;
        let mut head = [0; 9];
        source.rewind().map_err(|_| UNREADABLE)?;
        if content < 9 || source.read_exact(&mut head).is_err() || head[..8] != *seal.engine {
            return Err(Problem::Malformed("it does not begin as one does"));
        }
        if head[8] != seal.kind {
            return Err(Problem::Malformed("it is something else"));
        }
        if !digest_is_right(&mut source, content).map_err(|_| UNREADABLE)? {
            return Err(Problem::Malformed("it was changed or cut off"));
        }
        let places = places(seal, expected, &mut source, content)?;
        Ok(Self { source, places })
    }

    /// Reads a part.
    ///
    /// # Errors
    /// There is none of this number, or it cannot be read any more.
    pub fn part(&mut self, n: usize) -> Result<Vec<u8>, Problem> {
        let &(start, length) = self.places.get(n).ok_or(UNREADABLE)?;
        let size = usize::try_from(length).map_err(|_| UNREADABLE)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| Problem::Malformed("there is no memory for a part of it"))?;
        self.source.seek(SeekFrom::Start(start)).map_err(|_| UNREADABLE)?;
        self.source.by_ref().take(length).read_to_end(&mut bytes).map_err(|_| UNREADABLE)?;
        if bytes.len() == size { Ok(bytes) } else { Err(UNREADABLE) }
    }
}

/// Whether the bytes of the content have the digest behind them.
fn digest_is_right(source: &mut (impl Read + Seek), content: u64) -> io::Result<bool> {
    source.rewind()?;
    let (mut digest, mut left) = (Sha256::new(), content);
    let mut chunk = vec![0; CHUNK];
    while left > 0 {
        let n = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
        source.read_exact(&mut chunk[..n])?;
        digest.update(&chunk[..n]);
        left -= n as u64;
    }
    let mut found = [0; DIGEST as usize];
    source.read_exact(&mut found)?;
    Ok(digest.finalize().as_slice() == found)
}

/// The places of all parts, which fill the content.
fn places(seal: &Seal<'_>, expected: usize, source: &mut (impl Read + Seek), content: u64) -> Result<Vec<(u64, u64)>, Problem> {
    let mut fingerprint: Fingerprint = [0; 32];
    let mut count = [0; 4];
    let malformed = |_| Problem::Malformed("it has another number of parts");
    source.seek(SeekFrom::Start(9)).map_err(|_| UNREADABLE)?;
    if source.read_exact(&mut fingerprint).is_err() || fingerprint != *seal.fingerprint || content < OVERHEAD - DIGEST {
        return Err(Problem::Fingerprint);
    }
    source.read_exact(&mut count).map_err(malformed)?;
    if u32::from_le_bytes(count) as usize != expected {
        return Err(malformed(io::Error::from(io::ErrorKind::InvalidData)));
    }
    let other_lengths = Problem::Malformed("its parts have other lengths");
    let (mut at, mut places) = (OVERHEAD - DIGEST, Vec::new());
    for _ in 0..expected {
        let start = at.checked_add(PER_PART).filter(|start| *start <= content).ok_or(other_lengths)?;
        let mut length = [0; 8];
        source.seek(SeekFrom::Start(at)).map_err(|_| UNREADABLE)?;
        source.read_exact(&mut length).map_err(|_| UNREADABLE)?;
        let length = u64::from_le_bytes(length);
        at = start.checked_add(length).filter(|end| *end <= content).ok_or(other_lengths)?;
        places.push((start, length));
    }
    if at == content { Ok(places) } else { Err(other_lengths) }
}

#[cfg(test)]
mod tests {
    use super::{Parts, Writer};
    use crate::{Problem, Seal};
    use sha2::{Digest, Sha256};
    use std::io::Cursor;

    const SEAL: Seal<'_> = Seal { engine: b"ein-test", kind: 3, fingerprint: &[7; 32] };
    const PARTS: [&[u8]; 3] = [b"one", b"", b"three"];

    fn all(seal: &Seal<'_>, expected: usize, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Problem> {
        let mut parts = Parts::open(seal, expected, Cursor::new(bytes))?;
        (0..expected).map(|n| parts.part(n)).collect()
    }

    #[test]
    fn what_is_written_part_by_part_is_what_is_written_at_once() {
        let large = vec![5; 200_000];
        let parts = [PARTS[0], &large, PARTS[1]];
        let mut writer = Writer::new(&SEAL, 3, Vec::new()).unwrap();
        parts.iter().for_each(|part| writer.part(part).unwrap());
        assert!(writer.part(b"more").is_err());
        let bytes = writer.finish().unwrap();
        assert!(bytes == SEAL.write(&parts));
        assert!(all(&SEAL, 3, &bytes).unwrap() == parts);
        assert!(Parts::open(&SEAL, 3, Cursor::new(&bytes)).unwrap().part(3).is_err());
        assert!(Writer::new(&SEAL, 1, Vec::new()).unwrap().finish().is_err());
    }

    /// One reader is as strict as the other, and says the same.
    #[test]
    fn whatever_the_bytes_are_both_readers_agree() {
        let bytes = SEAL.write(&PARTS);
        let owned = |parts: Vec<&[u8]>| parts.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let same = |seal: &Seal<'_>, expected: usize, bytes: &[u8]| {
            let (found, wanted) = (all(seal, expected, bytes), seal.read(expected, bytes).map(owned));
            assert!(found.is_ok() == wanted.is_ok(), "{found:?}, {wanted:?}");
            if bytes.len() > 80 {
                assert_eq!(found, wanted);
            }
        };
        for seal in [SEAL, Seal { kind: 4, ..SEAL }, Seal { engine: b"ein-else", ..SEAL }, Seal { fingerprint: &[8; 32], ..SEAL }] {
            for n in 0..=bytes.len() {
                same(&seal, 3, &bytes[..n]);
                let mut changed = bytes.clone();
                changed[n.min(bytes.len() - 1)] ^= 1;
                same(&seal, 3, &changed);
            }
            (0..5).for_each(|expected| same(&seal, expected, &bytes));
        }
    }

    /// Counts and lengths of somebody who computes the digest anew.
    #[test]
    fn lengths_are_not_believed() {
        let bytes = SEAL.write(&PARTS);
        for at in [41, 45, 56, 64] {
            for value in [0_u64, 1, 2, 4, 9, 1 << 32, 1 << 40, i64::MAX as u64, u64::MAX - 50, u64::MAX] {
                let mut content = bytes[..bytes.len() - 32].to_vec();
                let width = if at == 41 { 4 } else { 8 };
                content[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
                let digest = Sha256::digest(&content);
                let bytes = [&content[..], digest.as_slice()].concat();
                let wanted = SEAL.read(3, &bytes).map(|parts| parts.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
                assert_eq!(all(&SEAL, 3, &bytes), wanted, "{at}: {value}");
            }
        }
        let resealed = |mut content: Vec<u8>| {
            content.truncate(45);
            let digest = Sha256::digest(&content);
            [&content[..], digest.as_slice()].concat()
        };
        assert_eq!(all(&SEAL, 3, &resealed(bytes)), Err(Problem::Malformed("its parts have other lengths")));
    }
}

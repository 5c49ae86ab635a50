//! Files of keys and ciphertexts: bounded reading, and secrets that only their owner may read.

use crate::error;
use ein_ir::diagnostic::Diagnostic;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// Bytes of a manifest, a circuit or an array at most.
pub const MAX_TEXT: u64 = 1 << 28;
/// Bytes of a file of a key at most.
pub const MAX_KEY: u64 = 1 << 30;

/// Reads a file of at most so many bytes.
///
/// # Errors
/// It cannot be read, is no file, or is longer.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, Diagnostic> {
    let unreadable = |e: &std::io::Error| error::file(path, "read", e);
    let odd = |reason: &str| error::malformed("a file of this kind", &format!("{} {reason}", path.display()));
    // Looked at before it is opened: a pipe without a writer would be waited for.
    let is_file = std::fs::metadata(path).map_err(|e| unreadable(&e))?.is_file();
    if !is_file {
        return Err(odd("is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes)).map_err(|e| unreadable(&e))?;
    if bytes.len() as u64 > most { Err(odd("is longer than any")) } else { Ok(bytes) }
}

/// Reads a file of text.
///
/// # Errors
/// As [`read`]; it is no text.
pub fn read_text(path: &Path) -> Result<String, Diagnostic> {
    String::from_utf8(read(path, MAX_TEXT)?).map_err(|_| error::malformed("a text", &path.display().to_string()))
}

/// Writes a file.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Diagnostic> {
    std::fs::write(path, bytes).map_err(|e| error::file(path, "write", &e))
}

/// Writes a new file that only its owner may read. One that is there is never replaced: what it decrypts would be lost.
///
/// # Errors
/// It is there, or cannot be written.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Diagnostic> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| error::file(path, "write", &e))
}

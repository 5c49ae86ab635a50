//! `.npz`: a zip archive of `.npy` members.

use super::header::Header;
use super::npy::{header_error, strides_of, write_header};
use super::source::{Source, decode};
use super::write::{replace_file, row_major_bytes};
use super::{Loaded, Spec};
use crate::buffer::AlignedBuf;
use crate::error::Error;
use crate::tensor::size_of_shape;
use crate::view::TensorRef;
use ein_ir::dtype::DType;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// The most that deflate can shrink: 1032 to 1 (zlib's technical details). A member that claims more is lying, and no memory is asked for.
const MAX_RATIO: u64 = 1032;

pub(super) fn load(spec: &Spec, source: &Source, dtype: Option<DType>) -> Result<Loaded, Error> {
    let malformed = |reason: String| Error::MalformedFile { path: spec.path.clone(), format: ".npz", reason };
    let bytes = source.bytes();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| malformed(e.to_string()))?;
    let members = (0..archive.len()).filter_map(|i| key_of(&archive, i).map(|key| (key, i))).collect::<Vec<_>>();
    let wanted = Spec { key: spec.key.as_ref().map(|k| k.strip_suffix(".npy").unwrap_or(k).to_owned()), ..spec.clone() };
    let key = wanted.choose(members.iter().map(|(key, _)| key.clone()).collect())?;
    let index = members.iter().find(|(name, _)| *name == key).map(|(_, i)| *i).expect("the key was chosen from the members");
    let mut member = archive.by_index(index).map_err(|e| malformed(format!("`{key}`: {e}")))?;
    let claimed = (member.size(), member.compressed_size());
    check_claim(claimed, bytes.len() as u64).map_err(|e| malformed(format!("`{key}` {e}")))?;
    read_member(&spec.display_path(&key), &mut member, claimed.0, dtype)
}

/// The name of a member without `.npy`; `None` for members that are not arrays.
fn key_of(archive: &ZipArchive<Cursor<&[u8]>>, index: usize) -> Option<String> {
    let name = archive.name_for_index(index)?.ok()?;
    name.strip_suffix(".npy").map(str::to_owned)
}

fn check_claim((size, compressed): (u64, u64), file: u64) -> Result<(), String> {
    if compressed > file {
        return Err(format!("claims {compressed} bytes but the file has {file}"));
    }
    match size > compressed.saturating_mul(MAX_RATIO).saturating_add(MAX_RATIO) {
        true => Err(format!("claims to unpack {compressed} bytes to {size}")),
        false => Ok(()),
    }
}

/// Reads a member of `size` bytes to its end, where the archive's checksum is compared.
fn read_member(path: &Path, reader: &mut dyn Read, size: u64, wanted: Option<DType>) -> Result<Loaded, Error> {
    let malformed = |reason: String| Error::MalformedFile { path: path.to_owned(), format: ".npz", reason };
    let header = Header::read(reader, wanted).map_err(|e| header_error(path, ".npz", e))?;
    let (_, len) = size_of_shape(&format!("`{}`", path.display()), header.dtype, &header.shape)?;
    let there = size.saturating_sub(header.len as u64);
    if there != len as u64 {
        return Err(malformed(format!("its header promises {len} bytes of elements but {there} follow")));
    }
    let mut data = AlignedBuf::zeroed(len)?;
    reader.read_exact(data.as_mut_slice()).map_err(|e| malformed(e.to_string()))?;
    match reader.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => return Err(malformed("it goes on after its elements".to_owned())),
        Err(e) => return Err(malformed(e.to_string())),
    }
    let strides = strides_of(&header);
    let Header { dtype, order, shape, .. } = header;
    Ok(Loaded { source: Source::Owned(decode(data, dtype, order)), offset: 0, dtype, shape, strides })
}

/// Writes named arrays, row-major and uncompressed as `numpy.savez` does, with fixed dates so that equal arrays give equal files.
///
/// The file appears whole or not at all.
///
/// # Errors
///
/// `cannot-write`, also for a name that is given twice; `unsupported-dtype` for keys.
pub fn save_npz(path: &Path, arrays: &[(&str, TensorRef<'_>)]) -> Result<(), Error> {
    let headers = arrays.iter().map(|(_, t)| write_header(path, t)).collect::<Result<Vec<_>, _>>()?;
    replace_file(path, |file| {
        let mut archive = ZipWriter::new(file);
        for ((key, tensor), header) in arrays.iter().zip(&headers) {
            let bytes = row_major_bytes(tensor).map_err(std::io::Error::other)?;
            let large = bytes.len() + header.len() >= u32::MAX as usize;
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
            archive.start_file(format!("{key}.npy"), options)?;
            archive.write_all(header)?;
            archive.write_all(&bytes)?;
        }
        archive.finish()?.flush()
    })
}

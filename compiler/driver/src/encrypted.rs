//! Packed programs on real ciphertexts, behind the feature `he-bfv`: keys, encryption, runs without a secret, decryption.
//!
//! [`Engine`] does the work; here are the ways from arrays to its numbers and back, and files that only their owner may read.

pub use crate::available::available_memory;
pub use ein_fhe::bound::MAX_FRACTION_BITS;
pub use ein_fhe::{
    Ciphertexts, Engine, EvaluationKeys, HEAD, Keys, Kind, Needs, Numbers, Options, Parameters, PublicKey, Report, SecretKey, WriteError,
    bytes, digest, is_guarded, other_clear,
};
pub use rand::rng;

use crate::error::Error;
use crate::function::Function;
use crate::program::Compiler;
use crate::simulated::{self, finite};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::range::Range;
use ein_ir::range::module;
use ein_ir::tensor::{Module, parse, verify};
use ein_runtime::{Element, Tensor, TensorRef, io};
use half::{bf16, f16};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

impl Compiler {
    /// The function that computes public tensors of a packed program, from its text.
    ///
    /// # Errors
    /// E0931.
    pub fn in_the_clear(&self, text: &str) -> Result<Function, Error> {
        let malformed = |reason: String| {
            let message = format!("not what is computed in the clear: {reason}");
            Error::from(Diagnostic::error(931, "he-malformed", message))
        };
        let module = parse::parse(text).map_err(|e| malformed(e.to_string()))?;
        if !module.is_specialised() {
            return Err(malformed("it has sizes".to_owned()));
        }
        let module = verify::verify(module).map_err(|errors| malformed(errors[0].to_string()))?;
        Ok(Function::new(module, self.shared(None)?))
    }
}

/// The least and the greatest value of operands, by name.
pub type Ranges = BTreeMap<String, (f64, f64)>;

/// What a function states of the operands of its packed program; ranges without an end say nothing of how large numbers are.
#[must_use]
pub fn stated_ranges(function: &Function, program: &crate::packed::VerifiedPacked) -> Ranges {
    let module = function.module();
    let is_operand =
        |name: &str| program.inputs.values().any(|input| input.name == name) || program.publics.values().any(|public| public.name == name);
    let stated = module.params.iter().map(|param| &module.tensors[*param]).filter(|decl| is_operand(&decl.name));
    let stated = stated.filter_map(|decl| Some((decl.name.clone(), decl.bounds?)));
    stated.filter(|(_, (lo, hi))| lo.is_finite() && hi.is_finite()).collect()
}

/// Bounds of what is computed in the clear, as far as they follow from bounds of its inputs; those of inputs that no other needs are left
/// out.
#[must_use]
pub fn bounds_in_the_clear(
    clear: &Function,
    program: &crate::packed::VerifiedPacked,
    mut given: BTreeMap<String, f64>,
) -> BTreeMap<String, f64> {
    let mut module = Module::clone(clear.module());
    for &param in &module.params {
        let decl = &mut module.tensors[param];
        if let Some(&bound) = given.get(&decl.name).filter(|_| decl.dtype.is_float()) {
            decl.bounds = Some((-bound, bound));
        }
        let is_given = |name: &str| program.publics.values().any(|public| public.name == name);
        if !is_given(&decl.name) {
            given.remove(&decl.name);
        }
    }
    let ranges = module::Ranges::of(&module);
    for &result in &module.results {
        let decl = &module.tensors[result];
        let all = Range::of_type(decl.dtype);
        let bound = match ranges.of_tensor(&module, result) {
            range if range == all => None,
            #[expect(clippy::cast_precision_loss, reason = "a bound that is rounded is checked when the program runs")]
            Range::Integer((lo, hi)) => Some(lo.unsigned_abs().max(hi.unsigned_abs()) as f64),
            Range::Real(lo, hi) => Some(lo.abs().max(hi.abs())).filter(|bound| bound.is_finite()),
            Range::Unordered => None,
        };
        if let Some(bound) = bound {
            given.entry(decl.name.clone()).or_insert(bound);
        }
    }
    given
}

/// The elements of an array of integers or reals, for an operand of this shape.
///
/// # Errors
/// E0934 for another shape and for numbers that no slot holds, E0716 for a type that no integers stand for.
pub fn numbers(name: &str, shape: &[u64], tensor: &TensorRef<'_>) -> Result<Numbers, Error> {
    if !tensor.shape().iter().map(|size| *size as u64).eq(shape.iter().copied()) {
        let message = format!("`{name}` has the shape {shape:?}, but the array has {:?}", tensor.shape());
        return Err(Diagnostic::error(934, "he-operands", message)
            .help("reshape the array, or make keys for a program of its size")
            .into());
    }
    match tensor.dtype() {
        DType::Bool => integers::<bool>(tensor),
        DType::I8 => integers::<i8>(tensor),
        DType::I16 => integers::<i16>(tensor),
        DType::I32 => integers::<i32>(tensor),
        DType::I64 => integers::<i64>(tensor),
        DType::U8 => integers::<u8>(tensor),
        DType::U16 => integers::<u16>(tensor),
        DType::U32 => integers::<u32>(tensor),
        DType::U64 => integers_of(elements::<u64>(tensor)?.into_iter().map(u64::cast_signed)),
        DType::F16 => reals(name, elements::<f16>(tensor)?.into_iter().map(f64::from).collect()),
        DType::BF16 => reals(name, elements::<bf16>(tensor)?.into_iter().map(f64::from).collect()),
        DType::F32 => reals(name, elements::<f32>(tensor)?.into_iter().map(f64::from).collect()),
        DType::F64 => reals(name, elements::<f64>(tensor)?),
        other => {
            let message = format!("an array of {other} cannot be encrypted");
            Err(Diagnostic::error(716, "he-dtype", message).help("convert it to i64, or to f64 for a program of reals").into())
        }
    }
}

/// Refuses what was computed in the clear, and no slot holds.
///
/// # Errors
/// E0934.
pub fn computed_numbers(name: &str, tensor: &TensorRef<'_>) -> Result<(), Error> {
    match tensor.dtype() {
        DType::F32 => finite(name, &elements::<f32>(tensor)?.into_iter().map(f64::from).collect::<Vec<_>>(), simulated::Numbers::Computed),
        DType::F64 => finite(name, &elements::<f64>(tensor)?, simulated::Numbers::Computed),
        _ => Ok(()),
    }
}

fn integers<T: Element + Into<i64>>(tensor: &TensorRef<'_>) -> Result<Numbers, Error> {
    integers_of(elements::<T>(tensor)?.into_iter().map(Into::into))
}

#[expect(clippy::unnecessary_wraps, reason = "as the others")]
fn integers_of(numbers: impl Iterator<Item = i64>) -> Result<Numbers, Error> {
    Ok(Numbers::Integers(numbers.collect()))
}

fn reals(name: &str, numbers: Vec<f64>) -> Result<Numbers, Error> {
    finite(name, &numbers, simulated::Numbers::Given)?;
    Ok(Numbers::Reals(numbers))
}

fn elements<T: Element>(tensor: &TensorRef<'_>) -> Result<Vec<T>, Error> {
    Ok(tensor.as_array::<T>()?.iter().copied().collect())
}

/// A result as an array of its declared type: integers are those modulo the range of that, and reals are rounded to it.
///
/// # Errors
/// There is no memory for it, or nothing of that type is a result.
pub fn tensor(numbers: &Numbers, dtype: DType, shape: &[u64]) -> Result<Tensor, Error> {
    let shape: Vec<usize> = shape.iter().map(|size| *size as usize).collect();
    match numbers {
        Numbers::Integers(numbers) => simulated::array(dtype, &shape, numbers),
        Numbers::Reals(numbers) => simulated::array(dtype, &shape, numbers),
    }
}

/// Writes a new file that only its owner may read. One that is there is never replaced: what it decrypts would be lost. Nothing is left of one
/// that cannot be written whole.
///
/// # Errors
/// E0909.
pub fn save_secret(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        let whole = file.write_all(bytes).and_then(|()| file.sync_all());
        // A beginning of it would be in the way of the next attempt.
        whole.inspect_err(|_| drop(std::fs::remove_file(path)))
    });
    written.map_err(|e| ein_runtime::Error::CannotWrite { path: path.to_owned(), reason: io::describe(&e) }.into())
}

/// Bytes of the longest manifest, or text of what is computed in the clear, that is read.
const MAX_TEXT: u64 = 256 << 20;

/// Opens a file of keys or ciphertexts, which has no more than `most` bytes: what [`Engine::needs`] says of files of its kind.
///
/// # Errors
/// E0901; E0931 and E0932 of what is longer, before it is read.
pub fn open(engine: &Engine, path: &Path, most: u64) -> Result<File, Error> {
    let file = io::open_regular(path)?;
    let length = length(path, &file)?;
    if length <= most {
        return Ok(file);
    }
    let mut head = Vec::new();
    Read::take(&file, HEAD).read_to_end(&mut head).map_err(|e| unreadable(path, &e))?;
    Err(engine.too_long(&head, length, most).into())
}

/// Reads a file of keys or ciphertexts, as [`open`] opens it.
///
/// # Errors
/// As there.
pub fn read(engine: &Engine, path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let file = open(engine, path, most)?;
    read_up_to(path, file, most)
}

/// Reads a manifest, or what is computed in the clear.
///
/// # Errors
/// E0901; E0931 of what is no text, or too long.
pub fn read_text(path: &Path) -> Result<String, Error> {
    let malformed = |reason: String| {
        let found = Diagnostic::error(931, "he-malformed", format!("not the text that belongs here: {reason}"));
        Error::from(found.help("transfer or make the file again"))
    };
    let file = io::open_regular(path)?;
    let length = length(path, &file)?;
    if length > MAX_TEXT {
        return Err(malformed(format!("it has {length} bytes, and none of more than {MAX_TEXT} is read")));
    }
    String::from_utf8(read_up_to(path, file, MAX_TEXT)?).map_err(|_| malformed("it is no text".to_owned()))
}

/// The bytes of a file, of which there are no more than so many: it may grow while it is read.
fn read_up_to(path: &Path, file: File, most: u64) -> Result<Vec<u8>, Error> {
    let needed = usize::try_from(length(path, &file)?.min(most)).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(needed).map_err(|_| ein_runtime::Error::AllocationFailed { bytes: needed })?;
    file.take(most).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    Ok(bytes)
}

fn length(path: &Path, file: &File) -> Result<u64, Error> {
    Ok(file.metadata().map_err(|e| unreadable(path, &e))?.len())
}

fn unreadable(path: &Path, e: &std::io::Error) -> Error {
    ein_runtime::Error::FileUnreadable { path: path.to_owned(), reason: io::describe(e) }.into()
}

//! `ein einsum`: a classic string on files.

use crate::cli::timing::Timing;
use crate::cli::{CodeOptions, Failure};
use clap::Args;
use ein::num_complex::Complex;
use ein::{DType, Tensor, TensorRef};
use ein_runtime::{Element, io};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Evaluate a classic einsum string, with numpy's meaning
#[derive(Args)]
#[command(after_help = "Examples:
  ein einsum 'ij,jk->ik' a.npy b.npy -o c.npy
  ein einsum '...ii->...i' batch.npy -o diagonals.npy
  ein einsum -- '->' scalar.npy")]
pub(crate) struct Einsum {
    /// The string; put `--` before one that is empty or begins with `-`
    equation: String,
    /// The operands: x.npy, a.npz:key, or model.safetensors:name
    operands: Vec<String>,
    /// Where to write the result [default: print it]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    code: CodeOptions,
    #[command(flatten)]
    timing: Timing,
}

impl Einsum {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let begin = Instant::now();
        let einsum = ein::Einsum::with_compiler(&self.equation, self.code.compiler()?)?;
        let parse = begin.elapsed();
        let loaded = self.operands.iter().map(|spec| io::load(spec)).collect::<Result<Vec<_>, _>>()?;
        let views: Vec<TensorRef<'_>> = loaded.iter().map(io::Loaded::view).collect();
        let begin = Instant::now();
        let bound = einsum.bound(&views)?;
        let outputs = self.timing.run(&bound, &views, parse + begin.elapsed())?;
        deliver("out", &outputs.into_tensors().swap_remove(0), self.out.as_deref())
    }
}

/// Writes a result to its file, in an archive under `name`, or prints it for people.
pub(crate) fn deliver(name: &str, tensor: &Tensor, target: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = target else { return Ok(writeln!(std::io::stdout(), "{}", show(tensor)?)?) };
    // Loading goes by the extension too, so a file must be what its name says.
    let extension = path.extension().map(|e| e.to_ascii_lowercase());
    match extension.as_ref().and_then(|e| e.to_str()) {
        Some("npz") => io::save_npz(path, &[(name, tensor.into())])?,
        Some("safetensors") => io::save_safetensors(path, &[(name, tensor.into())])?,
        Some(_) | None => io::save_npy(path, &tensor.into())?,
    }
    Ok(())
}

/// A tensor as numpy would print it, nearly: nested brackets, long axes shortened.
fn show(tensor: &Tensor) -> Result<String, Failure> {
    fn array<T: Element + std::fmt::Display>(tensor: &Tensor) -> Result<String, Failure> {
        Ok(tensor.as_array::<T>()?.to_string())
    }
    match tensor.dtype() {
        DType::Bool => array::<bool>(tensor),
        DType::I8 => array::<i8>(tensor),
        DType::I16 => array::<i16>(tensor),
        DType::I32 => array::<i32>(tensor),
        DType::I64 => array::<i64>(tensor),
        DType::U8 => array::<u8>(tensor),
        DType::U16 => array::<u16>(tensor),
        DType::U32 => array::<u32>(tensor),
        DType::U64 => array::<u64>(tensor),
        DType::F32 => array::<f32>(tensor),
        DType::F64 => array::<f64>(tensor),
        DType::C64 => array::<Complex<f32>>(tensor),
        DType::C128 => array::<Complex<f64>>(tensor),
        other => Ok(format!("{other} {:?}", tensor.shape())),
    }
}

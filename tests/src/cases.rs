//! The programs of `cases/`, and what their first lines say.

use crate::fixture::ProgramCase;
use crate::oracle;
use crate::random::Random;
use crate::store::{random_tensor, to_data};
use ein::{Diagnostic, Tensor};
use ein_ir::scalar::value::Value;
use ein_ir::tensor::specialise::{infer_sizes, specialise};
use ein_ir::tensor::{Module, TensorDecl};
use ein_ir::verified::Verified;
use std::path::{Path, PathBuf};

/// A program with the sizes that it is specialised for.
pub struct Case {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub source: String,
    /// From `# sizes: N=4, M=3`.
    pub sizes: Vec<(String, i64)>,
    /// From `# stages: tir plan kernels`.
    pub stages: Vec<String>,
}

impl Case {
    /// Reads a file.
    ///
    /// # Panics
    /// If it cannot be read or a size is not of the form `N=4`.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let source = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let entry = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or_else(|| panic!("{}: `{text}` is not NAME=N", path.display()));
            (name.trim().to_owned(), value.trim().parse().expect("an integer"))
        };
        let sizes = header(&source, "# sizes:").split(',').filter(|s| !s.trim().is_empty()).map(entry).collect();
        let stages = header(&source, "# stages:").split_whitespace().map(str::to_owned).collect();
        Self { path: path.to_owned(), source, sizes, stages }
    }

    /// The last definition at these sizes.
    ///
    /// # Errors
    /// What the front end refuses; sizes that the file does not say.
    pub fn module(&self) -> Result<Verified<Module>, Vec<Diagnostic>> {
        let program = oracle::checked(&self.source)?;
        let def = (*program.defs().last().expect("a definition")).to_owned();
        let (rows, sizes): (Vec<_>, Vec<_>) = self.sizes.iter().cloned().partition(|(name, _)| name.starts_with(".."));
        let rows: Vec<(String, usize)> = rows.into_iter().map(|(name, n)| (name[2..].to_owned(), n.unsigned_abs() as usize)).collect();
        let n_inputs = program.lower(&def)?.params.len();
        let generic = program.lower_for(&def, &program.ranks(&def, &vec![None; n_inputs], &rows)?)?;
        specialise(&generic, &infer_sizes(&generic, &vec![None; n_inputs], &sizes)?)
    }

    /// A call of the last definition on random inputs; nothing is known of its results.
    ///
    /// # Errors
    /// As [`Case::module`].
    pub fn call(&self) -> Result<ProgramCase, Vec<Diagnostic>> {
        let module = self.module()?;
        let mut random = Random::new(1);
        let inputs = module.params.iter().map(|t| &module.tensors[*t]);
        Ok(ProgramCase {
            name: self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            source: self.source.clone(),
            def: None,
            sizes: self.sizes.iter().filter(|(name, _)| !name.contains('.')).cloned().collect(),
            inputs: inputs.map(|decl| (decl.name.clone(), input(&mut random, decl))).collect(),
            outputs: Vec::new(),
            tolerance: 1e-4,
        })
    }

    /// The sizes as the compiler takes them.
    #[must_use]
    pub fn sizes(&self) -> Vec<(&str, i64)> {
        self.sizes.iter().map(|(name, n)| (name.as_str(), *n)).collect()
    }
}

/// Random numbers, within their bounds; for indices, positions that there are.
fn input(random: &mut Random, decl: &TensorDecl) -> Tensor {
    let shape: Vec<usize> = decl.literal_axes().expect("sizes are known").iter().map(|n| *n as usize).collect();
    let ranges: Vec<usize> = decl.index_of.iter().map(|n| n.as_constant().expect("sizes are known") as usize).collect();
    if ranges.is_empty() {
        let plain = random_tensor(random, decl.dtype, &shape);
        return match decl.bounds {
            Some(bounds) => within(&plain, bounds),
            None => plain,
        };
    }
    let n: usize = shape.iter().product();
    Tensor::from_vec(&shape, (0..n).map(|k| random.below(ranges[k % ranges.len()]) as i64).collect()).expect("small")
}

/// The nearest numbers within bounds.
fn within(tensor: &Tensor, (lo, hi): (f64, f64)) -> Tensor {
    let mut data = to_data(tensor);
    for value in &mut data.values {
        *value = match *value {
            Value::Int(n, dtype) => Value::int((n as f64).clamp(lo, hi) as i128, dtype),
            Value::Float(x, dtype) => Value::float(x.clamp(lo, hi), dtype),
            other => other,
        };
    }
    oracle::to_tensor(&data)
}

/// What stands after a key such as `# sizes:` at the start of a line; nothing if no line has it.
#[must_use]
pub fn header<'a>(source: &'a str, key: &str) -> &'a str {
    source.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("")
}

/// The `.ein` files of a folder of `cases/`, sorted.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut found: Vec<PathBuf> =
        entries.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "ein")).collect();
    found.sort();
    found
}

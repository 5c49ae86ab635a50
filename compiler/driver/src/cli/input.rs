//! `NAME=FILE` arguments and what they load.

use crate::cli::Failure;
use ein::DType;
use ein_runtime::io::{self, Loaded};
use ein_runtime::{Tensor, TensorRef};
use std::path::{Path, PathBuf};

/// `NAME=FILE`: a value for a name of the program.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// Before the first `=`.
    pub(crate) name: String,
    /// After it.
    pub(crate) value: String,
}

/// Parses `NAME=VALUE`.
pub(crate) fn assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(Assignment { name: name.to_owned(), value: value.to_owned() }),
        _ => Err(format!("`{text}` is not of the form NAME=VALUE")),
    }
}

/// `NAME=INTEGER`, or `NAME=2x3` for the axes that a row variable stands for.
#[derive(Clone, Debug)]
pub(crate) struct Size(Vec<(String, i64)>);

/// Parses `NAME=INTEGER` or `NAME=2x3`.
pub(crate) fn size(text: &str) -> Result<Size, String> {
    let Assignment { name, value } = assignment(text)?;
    let integer = |text: &str| text.parse::<i64>().map_err(|_| format!("`{text}` is not an integer"));
    if !value.contains('x') {
        return Ok(Size(vec![(name, integer(&value)?)]));
    }
    let values: Vec<i64> = value.split('x').map(integer).collect::<Result<_, _>>()?;
    let members = values.iter().enumerate().map(|(n, v)| (format!("{name}.{}", n + 1), *v));
    Ok(Size(std::iter::once((format!("..{name}"), values.len() as i64)).chain(members).collect()))
}

/// The sizes of all arguments.
pub(crate) fn sizes(given: &[Size]) -> Vec<(String, i64)> {
    given.iter().flat_map(|s| s.0.iter().cloned()).collect()
}

/// `A=8x8:f32`: shape and dtype of an operand of a classic string.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    /// Whether the dtype was said.
    pub(crate) is_typed: bool,
}

/// Parses `A=8x8:f32`, or `A=8x8` for f64; a scalar is `A=`.
pub(crate) fn shape(text: &str) -> Result<Shape, String> {
    match text.split_once('=') {
        Some((name, shape)) if !name.is_empty() => shape_of(name, shape, text),
        _ => Err(not_of_the_form(text)),
    }
}

fn not_of_the_form(text: &str) -> String {
    format!("`{text}` is not of the form NAME=8x8:f32")
}

fn shape_of(name: &str, shape: &str, text: &str) -> Result<Shape, String> {
    let is_typed = shape.contains(':');
    let (shape, dtype) = shape.split_once(':').unwrap_or((shape, "f64"));
    let dtype = dtype.parse().map_err(|()| format!("there is no dtype `{dtype}`"))?;
    let size = |n: &str| match n.parse::<usize>() {
        Ok(size) if i64::try_from(size).is_ok() => Ok(size),
        _ if !n.is_empty() && n.bytes().all(|digit| digit.is_ascii_digit()) => Err(format!("{n} is no size: at most {} is one", i64::MAX)),
        _ => Err(not_of_the_form(text)),
    };
    let shape = match shape {
        "" => Vec::new(),
        sizes => sizes.split('x').map(size).collect::<Result<_, _>>()?,
    };
    Ok(Shape { name: name.to_owned(), shape, dtype, is_typed })
}

/// The same where the dtype must be said; the name may be left out.
pub(crate) fn typed_shape(text: &str) -> Result<Shape, String> {
    if !text.contains(':') {
        return Err(not_of_the_form(text));
    }
    if text.contains('=') { shape(text) } else { shape_of("", text, text) }
}

/// The same where it depends on what else is said whether a dtype must be.
pub(crate) fn any_shape(text: &str) -> Result<Shape, String> {
    if text.contains('=') { shape(text) } else { typed_shape(text) }
}

/// Parses the name of an archive.
pub(crate) fn archive_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if archive(&path).is_some() { Ok(path) } else { Err(format!("`{text}` ends neither in .npz nor in .safetensors")) }
}

/// Loads the arrays of `NAME=FILE` arguments, in order; `dtype_of` is the type that a name is declared with. A name given twice is a mistake of the command line.
pub(crate) fn load_all(assignments: &[Assignment], dtype_of: &dyn Fn(&str) -> Option<DType>) -> Result<Vec<(String, Loaded)>, Failure> {
    let mut loaded: Vec<(String, Loaded)> = Vec::with_capacity(assignments.len());
    for Assignment { name, value } in assignments {
        if loaded.iter().any(|(n, _)| n == name) {
            return Err(Failure::Usage(format!("the input `{name}` is given twice")));
        }
        loaded.push((name.clone(), io::load_as(value, dtype_of(name))?));
    }
    Ok(loaded)
}

/// Views of what was loaded, by name.
pub(crate) fn views(loaded: &[(String, Loaded)]) -> Vec<(&str, TensorRef<'_>)> {
    loaded.iter().map(|(name, l)| (name.as_str(), l.view())).collect()
}

/// What writes an archive.
type Save = fn(&Path, &[(&str, TensorRef<'_>)]) -> Result<(), ein_runtime::Error>;

/// How an archive of this name is written; `None` if it is none.
pub(crate) fn archive(path: &Path) -> Option<Save> {
    match path.extension()?.to_str()? {
        "npz" => Some(io::save_npz),
        "safetensors" => Some(io::save_safetensors),
        _ => None,
    }
}

/// Writes each result as `DIR/NAME.npy`, or all into one archive if `target` ends in `.npz` or `.safetensors`: every one of them, or none.
pub(crate) fn save_all<'a>(outputs: impl Iterator<Item = (&'a str, &'a Tensor)>, target: &Path) -> Result<Vec<PathBuf>, Failure> {
    if let Some(save) = archive(target) {
        let named: Vec<(&str, TensorRef<'_>)> = outputs.map(|(n, t)| (n, t.into())).collect();
        save(target, &named)?;
        return Ok(vec![target.to_owned()]);
    }
    std::fs::create_dir_all(target).map_err(|e| ein_runtime::Error::CannotWrite { path: target.to_owned(), reason: io::describe(&e) })?;
    let files: Vec<(PathBuf, TensorRef<'_>)> = outputs.map(|(name, t)| (target.join(format!("{name}.npy")), t.into())).collect();
    io::save_npy_files(&files)?;
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

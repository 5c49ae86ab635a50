//! What can go wrong at run time: E08xx resources, E09xx files and inputs.

use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use std::path::PathBuf;

/// A failure of a run, with the values that a user needs to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// E0801: the plan needs more memory than the caller allowed.
    #[error("the program needs {needed} bytes but the memory limit is {limit} bytes")]
    MemoryLimit {
        /// Bytes that the plan needs at its peak.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// E0802: the bytes of a tensor do not fit the address space.
    #[error("{what}: a {dtype} tensor of shape {} is larger than this machine can address", show_shape(.shape))]
    SizeOverflow {
        /// Whose tensor it is: "tensor", "`x.npy`".
        what: String,
        /// Its element type.
        dtype: DType,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// E0803: the system refused the memory.
    #[error("the system refused an allocation of {bytes} bytes")]
    AllocationFailed {
        /// Bytes asked for.
        bytes: usize,
    },
    /// E0804: the threads could not be started.
    #[error("{threads} threads could not be started: {reason}")]
    ThreadsUnavailable {
        /// Threads asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
    /// E0901: a file is missing or may not be read.
    #[error("cannot read `{}`: {reason}", .path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// E0902: a file is truncated or is not what its name says.
    #[error("`{}` is not a usable {format} file: {reason}", .path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
        /// `.npy`, `.npz` or `.safetensors`.
        format: &'static str,
        /// The fact.
        reason: String,
    },
    /// E0903: elements of a type that `ein` or the file format does not have.
    #[error("{what}: the element type {found} is not supported")]
    UnsupportedDtype {
        /// The file or array.
        what: String,
        /// The type as the file spells it, with what it is.
        found: String,
    },
    /// E0904: an archive has no array of that name.
    #[error("{}", describe_missing_key(.path, .key))]
    KeyNotFound {
        /// The archive.
        path: PathBuf,
        /// The name asked for; empty if none was given.
        key: String,
        /// The names it has, nearest first.
        keys: Vec<String>,
    },
    /// E0905: an input has another element type than the program declares.
    #[error("`{name}` is declared {expected} but the array given is {found}")]
    DtypeMismatch {
        /// The input or output.
        name: String,
        /// The declared type.
        expected: DType,
        /// The type given.
        found: DType,
    },
    /// E0906: an input has another rank than the program declares.
    #[error("`{name}` is declared with rank {expected} but the array given has rank {found}")]
    RankMismatch {
        /// The input or output.
        name: String,
        /// The declared rank.
        expected: usize,
        /// The rank given.
        found: usize,
    },
    /// E0907: an axis of an input has another size than was expected.
    #[error("axis {axis} of `{name}` must have size {expected} but the array given has size {found}")]
    ExtentMismatch {
        /// The input or output.
        name: String,
        /// The axis, from 0.
        axis: usize,
        /// The size expected.
        expected: usize,
        /// The size given.
        found: usize,
    },
    /// E0908: an output would be written over an input or another output.
    #[error("the output `{output}` overlaps `{other}` in memory")]
    OutputOverlaps {
        /// The output.
        output: String,
        /// The input or output that it overlaps.
        other: String,
    },
    /// E0909: a result cannot be written.
    #[error("cannot write `{}`: {reason}", .path.display())]
    CannotWrite {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// E0910: an input of the program was not given.
    #[error("the input `{name}` was not given")]
    MissingInput {
        /// The input.
        name: String,
    },
    /// E0911: an array was given for an input that the program does not have.
    #[error("the program has no input `{name}`")]
    UnknownInput {
        /// The name given.
        name: String,
        /// The inputs it has, nearest first.
        known: Vec<String>,
    },
    /// E0912: the number of values does not fit the shape.
    #[error("a tensor of shape {} has {expected} elements but {found} were given", show_shape(.shape))]
    ElementCount {
        /// The shape.
        shape: Vec<usize>,
        /// Elements of that shape.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// E0913: an output is not a row-major array.
    #[error("the output `{name}` must be row-major")]
    OutputNotRowMajor {
        /// The output.
        name: String,
    },
    /// E0917: an element of an input `idx<V>` is not in `0..|V|`.
    #[error("`{name}{}` is {}, and it indexes a dim of size {size}", show_position(.index), show_value(.value.as_deref()))]
    IndexOutOfRange {
        /// The input.
        name: String,
        /// Where in the input; empty for a scalar.
        index: Vec<usize>,
        /// The element; none of a secret input.
        value: Option<String>,
        /// The size of the dim.
        size: u64,
    },
    /// E0918: an element of an input `in lo..hi` is outside, or NaN.
    #[error("`{name}{}` is {}, and its values are stated to be in {lo}..{hi}", show_position(.index), show_value(.value.as_deref()))]
    ValueOutOfRange {
        /// The input.
        name: String,
        /// Where in the input; empty for a scalar.
        index: Vec<usize>,
        /// The element; none of a secret input.
        value: Option<String>,
        /// The least value stated.
        lo: String,
        /// The greatest value stated.
        hi: String,
    },
}

/// `[2, 3]`, or nothing for a scalar.
fn show_position(index: &[usize]) -> String {
    if index.is_empty() { String::new() } else { format!("{index:?}") }
}

fn show_value(value: Option<&str>) -> &str {
    value.unwrap_or("outside")
}

fn describe_missing_key(path: &std::path::Path, key: &str) -> String {
    if key.is_empty() {
        return format!("`{}` holds several arrays: write `{}:NAME`", path.display(), path.display());
    }
    format!("`{}` has no array `{key}`", path.display())
}

impl Error {
    /// The same of a secret input, whose elements no message shows.
    #[must_use]
    pub fn of_secret(self) -> Self {
        match self {
            Error::IndexOutOfRange { name, index, size, .. } => Error::IndexOutOfRange { name, index, value: None, size },
            Error::ValueOutOfRange { name, index, lo, hi, .. } => Error::ValueOutOfRange { name, index, value: None, lo, hi },
            other => other,
        }
    }

    /// The stable code that users see, as a number: 901 is E0901.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code_and_slug().0
    }

    /// Our kebab-case name of the failure.
    #[must_use]
    pub const fn slug(&self) -> &'static str {
        self.code_and_slug().1
    }

    const fn code_and_slug(&self) -> (u16, &'static str) {
        match self {
            Error::MemoryLimit { .. } => (801, "memory-limit"),
            Error::SizeOverflow { .. } => (802, "size-overflow"),
            Error::AllocationFailed { .. } => (803, "allocation-failed"),
            Error::ThreadsUnavailable { .. } => (804, "threads-unavailable"),
            Error::FileUnreadable { .. } => (901, "file-unreadable"),
            Error::MalformedFile { .. } => (902, "malformed-file"),
            Error::UnsupportedDtype { .. } => (903, "unsupported-dtype"),
            Error::KeyNotFound { .. } => (904, "key-not-found"),
            Error::DtypeMismatch { .. } => (905, "input-dtype-mismatch"),
            Error::RankMismatch { .. } => (906, "input-rank-mismatch"),
            Error::ExtentMismatch { .. } => (907, "input-dim-mismatch"),
            Error::OutputOverlaps { .. } => (908, "output-overlaps"),
            Error::CannotWrite { .. } => (909, "cannot-write"),
            Error::MissingInput { .. } => (910, "missing-input"),
            Error::UnknownInput { .. } => (911, "unknown-input"),
            Error::ElementCount { .. } => (912, "element-count"),
            Error::OutputNotRowMajor { .. } => (913, "output-not-row-major"),
            Error::IndexOutOfRange { .. } => (917, "index-out-of-range"),
            Error::ValueOutOfRange { .. } => (918, "value-out-of-range"),
        }
    }

    /// The same as plain data for the renderer, with the smallest edit that works where one is known.
    #[must_use]
    pub fn to_diagnostic(&self) -> Diagnostic {
        let (code, slug) = self.code_and_slug();
        let diagnostic = Diagnostic::error(code, slug, self.to_string());
        match self.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Error::MemoryLimit { needed, .. } => Some(format!("allow it with `--memory {needed}`")),
            Error::KeyNotFound { path, keys, key } => match keys.first() {
                None => Some("the file holds no arrays".to_owned()),
                Some(near) if key.is_empty() => Some(format!("name one, as in `{}:{near}`; it has {}", path.display(), list(keys))),
                Some(_) => Some(format!("it has {}", list(keys))),
            },
            Error::UnknownInput { known, .. } if known.is_empty() => Some("the program has no inputs".to_owned()),
            Error::UnknownInput { known, .. } => Some(format!("its inputs are {}", list(known))),
            Error::MissingInput { name } => Some(format!("add `--in {name}=FILE`")),
            Error::DtypeMismatch { expected, .. } => Some(format!("convert the array to {expected}")),
            Error::OutputOverlaps { .. } => Some("give the output an array of its own".to_owned()),
            Error::OutputNotRowMajor { .. } => Some("give a row-major array and copy from it".to_owned()),
            Error::IndexOutOfRange { size: 0, .. } => Some("a dim of size 0 has no positions".to_owned()),
            Error::IndexOutOfRange { size, .. } => Some(format!("positions are 0 to {}", size - 1)),
            Error::ValueOutOfRange { lo, hi, .. } => {
                Some(format!("both {lo} and {hi} belong to the range; it stands behind the parameter"))
            }
            Error::SizeOverflow { .. }
            | Error::AllocationFailed { .. }
            | Error::ThreadsUnavailable { .. }
            | Error::FileUnreadable { .. }
            | Error::MalformedFile { .. }
            | Error::UnsupportedDtype { .. }
            | Error::RankMismatch { .. }
            | Error::ExtentMismatch { .. }
            | Error::CannotWrite { .. }
            | Error::ElementCount { .. } => None,
        }
    }
}

impl From<&Error> for Diagnostic {
    fn from(error: &Error) -> Self {
        error.to_diagnostic()
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        error.to_diagnostic()
    }
}

/// At most eight names, so that a model with thousands of weights stays readable.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// `[2, 3]`, as programs write shapes.
fn show_shape(shape: &[usize]) -> String {
    format!("{shape:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_names_the_near_ones_first() {
        let keys = ["weight", "bias", "zeta"].map(str::to_owned).to_vec();
        let error = Error::KeyNotFound { path: "m.safetensors".into(), key: "wieght".into(), keys };
        let diagnostic = error.to_diagnostic();
        assert_eq!(diagnostic.to_string(), "E0904: `m.safetensors` has no array `wieght`");
        assert!(diagnostic.help.unwrap().starts_with("it has `weight`, "));
    }

    #[test]
    fn long_lists_are_cut() {
        let known = (0..30).map(|i| format!("w{i:02}")).collect();
        let help = Error::UnknownInput { name: "w".into(), known }.to_diagnostic().help.unwrap();
        assert!(help.ends_with("`w07` and 22 more"), "{help}");
    }
}

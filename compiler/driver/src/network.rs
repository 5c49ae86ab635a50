//! Networks and paths as JSON files, for `ein plan`.
//!
//! A network is `{"inputs": [[0, 1], [1, 2]], "output": [0, 2], "sizes": {"0": 3, "1": 4, "2": 5}}`. Labels are integers or strings,
//! without a limit to the alphabet. A path is `{"ssa_path": [[0, 1]]}` or `{"path": [[0, 1]]}` (linear, as `opt_einsum` writes it), in a file of
//! its own or beside the network; a bare list is an SSA path. Other fields are left alone, so that files of other programs can be read.

use crate::error::Error;
use ein_ir::diagnostic::Diagnostic;
use ein_opt::path::{Network, NetworkError, Path};
use ein_runtime::io::{describe, open_regular};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;

/// Bytes of a file.
const MAX_BYTES: u64 = 8 << 20;
/// Tensors of a network.
const MAX_OPERANDS: usize = 10_000;
/// Labels of all tensors together.
const MAX_LABELS: usize = 1_000_000;

/// A network, with the names of its labels.
#[derive(Clone, Debug)]
pub struct NamedNetwork {
    /// The network.
    pub network: Network,
    /// The name of each label.
    pub names: Vec<Name>,
    /// A path that the file has.
    pub path: Option<Path>,
}

/// The name of a label: an integer, which is written without quotes, or a string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Name {
    /// As a JSON value.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.0.parse::<u64>().map_or_else(|_| self.0.as_str().into(), Into::into)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a label, which is an integer or a string")
            }
            fn visit_u64<E>(self, v: u64) -> Result<Name, E> {
                Ok(Name(v.to_string()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Name, E> {
                Ok(Name(v.to_string()))
            }
            fn visit_str<E>(self, v: &str) -> Result<Name, E> {
                Ok(Name(v.to_owned()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[derive(Deserialize)]
struct NetworkFile {
    inputs: Vec<Vec<Name>>,
    output: Vec<Name>,
    sizes: BTreeMap<String, u64>,
    ssa_path: Option<Vec<Vec<u64>>>,
    path: Option<Vec<Vec<u64>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PathFile {
    Ssa { ssa_path: Vec<Vec<u64>> },
    Linear { path: Vec<Vec<u64>> },
    Bare(Vec<Vec<u64>>),
}

/// Reads a network.
///
/// # Errors
/// E0901 if the file cannot be read, E0924 if it or its network is too large, E0921 if it is not such JSON, E0922 if labels do not fit
/// together, E0923 if its path is none.
pub fn read_network(file: &std::path::Path) -> Result<NamedNetwork, Error> {
    let text = read(file)?;
    let read: NetworkFile = serde_json::from_str(&text).map_err(|e| {
        let help = "a network is {\"inputs\": [[0, 1], [1, 2]], \"output\": [0, 2], \"sizes\": {\"0\": 3, \"1\": 4, \"2\": 5}}";
        Diagnostic::error(921, "malformed-network", format!("`{}` is not a network: {e}", file.display())).help(help)
    })?;
    check_limits(&read)?;
    let names: Vec<Name> = read.sizes.keys().cloned().map(Name).collect();
    let label = |name: &Name| names.binary_search(name).map(|l| l as u32).map_err(|_| no_size(name, &names));
    let labels = |list: &Vec<Name>| list.iter().map(label).collect::<Result<Vec<u32>, Diagnostic>>();
    let operands = read.inputs.iter().map(labels).collect::<Result<Vec<_>, _>>()?;
    let network = Network::new(operands, labels(&read.output)?, read.sizes.values().copied().collect()).map_err(|e| explain(&e, &names))?;
    let path = match (read.ssa_path, read.path) {
        (Some(steps), _) => Some(Path::from_ssa(&network, &steps)),
        (None, Some(steps)) => Some(Path::from_linear(&network, &steps)),
        (None, None) => None,
    };
    let path = path.transpose().map_err(|e| malformed_path(file, &e.to_string()))?;
    Ok(NamedNetwork { network, names, path })
}

/// Reads a path of a network.
///
/// # Errors
/// E0901 if the file cannot be read, E0924 if it is too large, E0923 if it is no path of this network.
pub fn read_path(file: &std::path::Path, network: &Network) -> Result<Path, Error> {
    let text = read(file)?;
    let read: PathFile = serde_json::from_str(&text).map_err(|e| malformed_path(file, &e.to_string()))?;
    let path = match &read {
        PathFile::Ssa { ssa_path: steps } | PathFile::Bare(steps) => Path::from_ssa(network, steps),
        PathFile::Linear { path } => Path::from_linear(network, path),
    };
    path.map_err(|e| malformed_path(file, &e.to_string()).into())
}

fn read(file: &std::path::Path) -> Result<String, Error> {
    let unreadable = |e| ein_runtime::Error::FileUnreadable { path: file.to_owned(), reason: describe(&e) };
    let mut text = Vec::new();
    // The file may grow meanwhile.
    open_regular(file)?.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(limit(format!("`{}` has more than {MAX_BYTES} bytes, which is the limit", file.display())).into());
    }
    let at = |e: std::string::FromUtf8Error| e.utf8_error().valid_up_to();
    String::from_utf8(text).map_err(|e| {
        Diagnostic::error(118, "not-utf8", format!("`{}` is not UTF-8 text: byte {} does not fit", file.display(), at(e))).into()
    })
}

fn limit(message: String) -> Diagnostic {
    Diagnostic::error(924, "network-limit", message)
}

fn check_limits(read: &NetworkFile) -> Result<(), Diagnostic> {
    if read.inputs.len() > MAX_OPERANDS {
        return Err(limit(format!("the network has {} tensors; the limit is {MAX_OPERANDS}", read.inputs.len())));
    }
    let n_labels: usize = read.inputs.iter().map(Vec::len).sum();
    if n_labels.max(read.sizes.len()) > MAX_LABELS {
        return Err(limit(format!("the tensors of the network have {n_labels} labels together; the limit is {MAX_LABELS}")));
    }
    Ok(())
}

fn no_size(name: &Name, names: &[Name]) -> Diagnostic {
    let message = format!("label {name} has no size");
    let help = match names.first() {
        Some(first) => format!("add it to \"sizes\", which has {} labels, such as {first}", names.len()),
        None => "add it to \"sizes\", which is empty".to_owned(),
    };
    Diagnostic::error(922, "network-labels", message).help(help)
}

fn explain(error: &NetworkError, names: &[Name]) -> Diagnostic {
    let name = |label: &u32| names.get(*label as usize).map_or_else(|| label.to_string(), Name::to_string);
    let message = match error {
        NetworkError::NoOperands => "the network has no tensors; it needs at least one".to_owned(),
        NetworkError::UnknownLabel { label, .. } => format!("label {} has no size", name(label)),
        NetworkError::OutputOnly { label } => format!("label {} is in \"output\" and in none of the \"inputs\"", name(label)),
        NetworkError::OutputRepeats { label } => format!("label {} is in \"output\" twice", name(label)),
    };
    Diagnostic::error(922, "network-labels", message)
}

fn malformed_path(file: &std::path::Path, reason: &str) -> Diagnostic {
    let known = "a path is {\"ssa_path\": [[0, 1], [2, 3]]} or {\"path\": [[0, 1], [0, 1]]}, with the numbers of the tensors of each step";
    Diagnostic::error(923, "malformed-path", format!("`{}` has no path of this network: {reason}", file.display())).help(known)
}

/// Labels that occur nowhere do not matter to a plan; this is how many there are.
#[must_use]
pub fn n_used_labels(network: &Network) -> usize {
    network.operands().iter().flatten().collect::<BTreeSet<_>>().len()
}

//! Cost tables of machines as JSON files, for `--machine` and `ein calibrate`.
//!
//! A file is `{"version": 1, "machine": {…}}` with every field of [`Machine`]: a table with a figure missing, or with one that this
//! version does not know, is none.

use crate::error::Error;
use ein_ir::diagnostic::Diagnostic;
use ein_opt::Machine;
use ein_runtime::io::{describe, open_regular, save_text};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;

/// Bytes of a file.
const MAX_BYTES: u64 = 64 << 10;
/// Version of the form.
pub(crate) const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MachineFile {
    version: u64,
    machine: Machine,
}

/// Reads a table.
///
/// # Errors
/// E0901 if the file cannot be read, E0925 if it is no table, or one of another version.
pub fn read_machine(file: &Path) -> Result<Machine, Error> {
    let none = |reason: &str| malformed(&format!("`{}` is not a machine table: {reason}", file.display()));
    let read: MachineFile = read_versioned(file, none)?;
    read.machine.check().map_err(|e| none(&e.to_string()))?;
    Ok(read.machine)
}

/// Reads the JSON of a small file with a version; `none` says why it is not what it should be.
pub(crate) fn read_versioned<T: DeserializeOwned>(file: &Path, none: impl Fn(&str) -> Diagnostic) -> Result<T, Error> {
    let unreadable = |e| ein_runtime::Error::FileUnreadable { path: file.to_owned(), reason: describe(&e) };
    let mut bytes = Vec::new();
    // The file may grow meanwhile.
    open_regular(file)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(none(&format!("it has more than {MAX_BYTES} bytes")).into());
    }
    // The version first: another one may have other fields.
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let versioned: Versioned = serde_json::from_slice(&bytes).map_err(|e| none(&e.to_string()))?;
    if versioned.version != VERSION {
        return Err(none(&format!("it is of version {}, and this ein reads version {VERSION}", versioned.version)).into());
    }
    Ok(serde_json::from_slice(&bytes).map_err(|e| none(&e.to_string()))?)
}

/// A table as the text of a file.
#[must_use]
pub fn to_text(machine: &Machine) -> String {
    let file = MachineFile { version: VERSION, machine: machine.clone() };
    let text = serde_json::to_string_pretty(&file).expect("whole numbers and a string are JSON");
    format!("{text}\n")
}

/// Writes a table: the file appears whole or not at all.
///
/// # Errors
/// E0909 if it cannot be written.
pub fn write_machine(file: &Path, machine: &Machine) -> Result<(), Error> {
    Ok(save_text(file, &to_text(machine))?)
}

/// A table that is none.
pub(crate) fn malformed(message: &str) -> Diagnostic {
    Diagnostic::error(925, "malformed-machine", message).help("`ein calibrate --out FILE` writes a table of this machine")
}

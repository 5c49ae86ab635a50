//! Costs of operations on ciphertexts as JSON files, for `ein he plan --costs` and `ein he calibrate`.
//!
//! A file is `{"version": 1, "costs": {…}}` with every field of [`Costs`].

#[cfg(feature = "he-bfv")]
pub mod measured;

use crate::error::Error;
use crate::machine::{VERSION, read_versioned};
use ein_he::Costs;
use ein_ir::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CostsFile {
    version: u64,
    costs: Costs,
}

/// Reads a table.
///
/// # Errors
/// E0901 if the file cannot be read, E0925 if it is no table, or one of another version.
pub fn read_costs(file: &Path) -> Result<Costs, Error> {
    let none = |reason: &str| {
        Diagnostic::error(925, "malformed-machine", format!("`{}` is not a table of costs: {reason}", file.display()))
            .help("`ein he calibrate --out FILE` writes one, in builds with the feature he-bfv")
    };
    let read: CostsFile = read_versioned(file, none)?;
    read.costs.check().map_err(|reason| none(&reason))?;
    Ok(read.costs)
}

/// A table as the text of a file.
#[must_use]
pub fn to_text(costs: &Costs) -> String {
    let text = serde_json::to_string_pretty(&CostsFile { version: VERSION, costs: *costs }).expect("numbers are JSON");
    format!("{text}\n")
}

//! Costs of operations on ciphertexts as JSON files, for `--costs`.
//!
//! `ein he calibrate` writes `{"version": 1, "costs": {…}}` with the fields of [`Costs`], which plans are made with, and `ein-tfhe calibrate`
//! `{"version": 1, "tfhe": {"bootstrap": 0.022}}`, the seconds of a bootstrap, by which times of circuits are told.

#[cfg(feature = "he-bfv")]
pub mod measured;

use crate::error::Error;
use crate::machine::{VERSION, read_versioned};
use ein_he::Costs;
use ein_ir::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// BFV, exact integers: a product of two ciphertexts costs more than anything else, and rotations of one share next to nothing.
///
/// Measured on one core with three moduli of 50 bits and degrees of 8192, 16384 and 32768, as `ein he calibrate` does; with more moduli products
/// become cheaper beside rotations.
pub const BFV: Costs = Costs { rotation: 1.0, hoisted: 0.92, relin: 0.85, mulcc: 6.9, mulcp: 0.06, add: 0.035, rescale: 0.0, boot: 300.0 };

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BootstrapFile {
    #[expect(dead_code, reason = "looked at before")]
    version: u64,
    tfhe: Bootstrap,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bootstrap {
    bootstrap: f64,
}

/// Reads what a bootstrap of an encrypted integer takes.
///
/// # Errors
/// E0901 if the file cannot be read, E0925 if it does not say so.
pub fn read_bootstrap(file: &Path) -> Result<Duration, Error> {
    let none = |reason: &str| {
        Diagnostic::error(925, "malformed-machine", format!("`{}` does not say what a bootstrap takes: {reason}", file.display()))
            .help("`ein-tfhe calibrate -o FILE` of backends/tfhe writes that")
    };
    let read: BootstrapFile = read_versioned(file, none)?;
    let seconds = read.tfhe.bootstrap;
    if !(1e-9..=3600.0).contains(&seconds) {
        return Err(none(&format!("`bootstrap` is {seconds}, and not from 1e-9 to 3600 seconds")).into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A table as the text of a file.
#[must_use]
pub fn to_text(costs: &Costs) -> String {
    let text = serde_json::to_string_pretty(&CostsFile { version: VERSION, costs: *costs }).expect("numbers are JSON");
    format!("{text}\n")
}

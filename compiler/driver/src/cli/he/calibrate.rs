//! `ein he calibrate`: what operations on ciphertexts cost here.

use crate::cli::{Failure, say};
use clap::Args;
use ein::costs::{measured::measure, to_text};
use ein_runtime::io;
use std::io::Write;
use std::path::PathBuf;

/// Measure operations on ciphertexts: the costs that `ein he plan --costs FILE` plans with
///
/// Keys are made and a small program is run; nothing else should run meanwhile. Plans depend on a table only where it is given.
#[derive(Args)]
#[command(after_help = "Examples:
  ein he calibrate --out costs.json
  ein he plan score.ein --size D=256 --costs costs.json")]
pub(crate) struct Calibrate {
    /// Numbers that a ciphertext holds: a power of two
    #[arg(long, value_name = "N", default_value_t = 4096)]
    slots: u32,
    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Calibrate {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let measured = measure(self.slots)?;
        let (degree, bits) = (measured.parameters.degree, measured.parameters.total_bits());
        say(&format!("a rotation takes {:.2} ms: BFV, degree {degree}, modulus of {bits} bits\n", measured.rotation * 1e3));
        match &self.out {
            None => Ok(write!(std::io::stdout(), "{}", to_text(&measured.costs))?),
            Some(file) => {
                io::save_text(file, &to_text(&measured.costs))?;
                say(&format!("wrote {}\n", file.display()));
                Ok(())
            }
        }
    }
}

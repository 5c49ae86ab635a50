//! `ein check`: is a program right?

use crate::cli::{Failure, say};
use clap::Args;
use ein::{Compiler, Error};
use std::path::PathBuf;

/// Check programs without running them
#[derive(Args)]
#[command(after_help = "Example:
  ein check examples/conv2d/conv2d.ein")]
pub(crate) struct Check {
    /// The programs
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Check {
    pub(crate) fn execute(self, colours: bool) -> Result<(), Failure> {
        let mut failed: Option<Error> = None;
        for file in &self.files {
            let result = Compiler::new().threads(1).compile_file(file).and_then(|program| program.check_all());
            match result {
                Ok(()) => say(&format!("{}: ok\n", file.display())),
                // The last one is shown by the caller; those before it now, in the order of the files.
                Err(error) => {
                    if let Some(earlier) = failed.replace(error) {
                        say(&earlier.render(colours));
                    }
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

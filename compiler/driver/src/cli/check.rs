//! `ein check`: is a program right?

use crate::cli::Failure;
use clap::Args;
use ein::Compiler;
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
        let mut failed = None;
        for file in &self.files {
            let result = Compiler::new().threads(1).compile_file(file).and_then(|program| program.check_all());
            match (result, &failed) {
                (Ok(()), _) => eprintln!("{}: ok", file.display()),
                (Err(error), None) => failed = Some(error),
                (Err(error), Some(_)) => eprint!("{}", error.render(colours)),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

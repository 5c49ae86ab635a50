//! `ein fmt`: programs in their canonical form.

use crate::cli::{Failure, report, say};
use clap::Args;
use ein::{format, loader};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Put programs into canonical form; comments and empty lines stay
#[derive(Args)]
#[command(after_help = "Examples:
  ein fmt examples
  ein fmt --check examples/conv2d/conv2d.ein
  ein fmt --stdin < conv2d.ein")]
pub(crate) struct Fmt {
    /// Programs, or folders of them
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin")]
    paths: Vec<PathBuf>,
    /// Change nothing, list what would change, and exit with 1 if anything would
    #[arg(long)]
    check: bool,
    /// From standard input to standard output
    #[arg(long)]
    stdin: bool,
}

/// What became of one text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Clean,
    /// It was not in canonical form.
    Changed,
}

impl Fmt {
    /// Goes on after a file with mistakes, so that one run tells of all.
    pub(crate) fn execute(self, colours: bool) -> ExitCode {
        let results: Vec<Result<Outcome, Failure>> = match self.stdin {
            true => vec![self.standard_input()],
            false => match format::programs(&self.paths) {
                Ok(files) => files.iter().map(|file| self.file(file)).collect(),
                Err(error) => vec![Err(error.into())],
            },
        };
        let mut status = ExitCode::SUCCESS;
        for result in results {
            match result {
                Ok(Outcome::Clean) | Err(Failure::ClosedPipe) => {}
                Ok(Outcome::Changed) if !self.check => {}
                Ok(Outcome::Changed) => status = ExitCode::from(1),
                Err(failure) => status = report(&failure, colours),
            }
        }
        status
    }

    fn file(&self, path: &Path) -> Result<Outcome, Failure> {
        let source = format::read(path)?;
        let formatted = format::format(&path.display().to_string(), &source)?;
        if formatted == source {
            return Ok(Outcome::Clean);
        }
        if self.check {
            say(&format!("{}: not formatted\n", path.display()));
        } else {
            ein_runtime::io::save_text(path, &formatted)?;
        }
        Ok(Outcome::Changed)
    }

    fn standard_input(&self) -> Result<Outcome, Failure> {
        let source = loader::read_text(Path::new("<stdin>"), std::io::stdin())?;
        let formatted = format::format("<stdin>", &source)?;
        if !self.check {
            std::io::stdout().write_all(formatted.as_bytes())?;
        }
        Ok(if formatted == source { Outcome::Clean } else { Outcome::Changed })
    }
}

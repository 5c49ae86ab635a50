//! `ein he`: programs over ciphertexts.

pub(crate) mod plan;

use crate::cli::Failure;
use clap::{Args, Subcommand};

/// Plan programs over ciphertexts
#[derive(Args)]
pub(crate) struct He {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plan(plan::Plan),
}

impl He {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        match self.command {
            Command::Plan(command) => command.execute(),
        }
    }
}

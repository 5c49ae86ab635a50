//! `ein he`: programs over ciphertexts. What needs the scheme itself is in builds with the feature `he-bfv`.

#[cfg(feature = "he-bfv")]
pub(crate) mod calibrate;
#[cfg(feature = "he-bfv")]
pub(crate) mod decrypt;
#[cfg(feature = "he-bfv")]
pub(crate) mod encrypt;
#[cfg(feature = "he-bfv")]
pub(crate) mod engine;
#[cfg(feature = "he-bfv")]
pub(crate) mod folder;
#[cfg(feature = "he-bfv")]
pub(crate) mod keygen;
pub(crate) mod packing;
pub(crate) mod plan;
#[cfg(feature = "he-bfv")]
pub(crate) mod run;

use crate::cli::Failure;
use clap::{Args, Subcommand};

/// Plan programs over ciphertexts, and run them
#[derive(Args)]
#[cfg_attr(
    not(feature = "he-bfv"),
    command(after_help = "keygen, encrypt, run, decrypt and calibrate are in builds with the feature he-bfv:
  cargo install --path compiler/driver --features he-bfv")
)]
pub(crate) struct He {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plan(plan::Plan),
    #[cfg(feature = "he-bfv")]
    Calibrate(calibrate::Calibrate),
    #[cfg(feature = "he-bfv")]
    Keygen(keygen::Keygen),
    #[cfg(feature = "he-bfv")]
    Encrypt(encrypt::Encrypt),
    #[cfg(feature = "he-bfv")]
    Run(run::Run),
    #[cfg(feature = "he-bfv")]
    Decrypt(decrypt::Decrypt),
}

impl He {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        #[cfg(feature = "he-bfv")]
        leave_errors_to_us();
        match self.command {
            Command::Plan(command) => command.execute(),
            #[cfg(feature = "he-bfv")]
            Command::Calibrate(command) => command.execute(),
            #[cfg(feature = "he-bfv")]
            Command::Keygen(command) => command.execute(),
            #[cfg(feature = "he-bfv")]
            Command::Encrypt(command) => command.execute(),
            #[cfg(feature = "he-bfv")]
            Command::Run(command) => command.execute(),
            #[cfg(feature = "he-bfv")]
            Command::Decrypt(command) => command.execute(),
        }
    }
}

/// Keys and ciphertexts of strangers make the library of the scheme panic, which is an error with a code, and nothing is said of it before.
#[cfg(feature = "he-bfv")]
fn leave_errors_to_us() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !ein::encrypted::is_guarded() {
            before(panic);
        }
    }));
}

//! `ein calibrate`: measures the cost table of this machine.

use crate::cli::{Failure, MAX_THREADS, say};
use clap::Args;
use ein::calibrate::{Calibration, calibrate};
use ein::machine;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// Measure this machine: the cost table that `--machine FILE` predicts times from
///
/// Small programs are compiled and timed for some seconds; nothing else should run meanwhile. Plans depend on a table only where it is given:
/// without --machine, every machine makes the same plans from the built-in one.
#[derive(Args)]
#[command(after_help = "Examples:
  ein calibrate --out machine.json
  ein run model.ein --in x=x.npy --machine machine.json")]
pub(crate) struct Calibrate {
    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The name of the table, which plans begin with
    #[arg(long, value_name = "NAME", default_value = "calibrated")]
    name: String,
    /// Threads that the figures are of; plans do not depend on the threads of a call
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_THREADS as i64))]
    threads: u32,
    /// Samples of each figure, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
}

impl Calibrate {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let bar = bar();
        let how = Calibration { name: self.name.clone(), threads: self.threads as usize, rounds: self.rounds as usize };
        let measured = calibrate(&how, &mut |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        });
        bar.finish_and_clear();
        let measured = measured?;
        match &self.out {
            None => Ok(write!(std::io::stdout(), "{}", machine::to_text(&measured))?),
            Some(file) => {
                machine::write_machine(file, &measured)?;
                say(&format!("wrote {}\n", file.display()));
                Ok(())
            }
        }
    }
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} measuring {bar:30} {percent}%");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

//! `--repeat N --time json`: the compiled call alone, timed.

use crate::cli::Failure;
use clap::{Args, ValueEnum};
use ein::{Bound, Error, Outputs, TensorRef};
use std::io::Write;
use std::time::{Duration, Instant};

/// How to time.
#[derive(Args, Clone)]
pub(crate) struct Timing {
    /// Run the compiled program N times
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Print the times of compilation and of every run to standard output
    #[arg(long, value_enum, value_name = "FORMAT")]
    time: Option<Format>,
}

/// Form of the times.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// `{"compile_s":…,"predicted_s":…,"wall_s":[…],"cpu_s":[…]}`; what is predicted is a call with one thread
    Json,
}

impl Timing {
    /// Calls it as often as asked, gives the last result, and prints the times if asked.
    pub(crate) fn run(&self, bound: &Bound, inputs: &[TensorRef<'_>], compile: Duration) -> Result<Outputs, Failure> {
        let (mut wall, mut cpu) = (Vec::new(), Vec::new());
        let mut call = || -> Result<Outputs, Error> {
            let (w, c) = (Instant::now(), cpu_seconds());
            let out = bound.call(inputs)?;
            wall.push(w.elapsed().as_secs_f64());
            cpu.push(cpu_seconds() - c);
            Ok(out)
        };
        let mut out = call()?;
        for _ in 1..self.repeat {
            out = call()?;
        }
        if let Some(Format::Json) = self.time {
            let line = serde_json::json!({ "compile_s": compile.as_secs_f64(), "predicted_s": bound.predicted().as_secs_f64(), "wall_s": wall, "cpu_s": cpu });
            writeln!(std::io::stdout(), "{line}")?;
        }
        Ok(out)
    }
}

/// Processor time of all threads of this process, in seconds; 0 where the system does not tell.
pub(crate) fn cpu_seconds() -> f64 {
    cpu_time::ProcessTime::try_now().map_or(0.0, |t| t.as_duration().as_secs_f64())
}

//! The command line: one file a command.
//!
//! Results go to standard output, everything else to standard error. Exit status: 0 done, 1 the program or its inputs are wrong,
//! 2 the command line is wrong.

pub(crate) mod calibrate;
pub(crate) mod check;
pub(crate) mod einsum;
pub(crate) mod emit;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod he;
pub(crate) mod input;
pub(crate) mod picture;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod subject;
pub(crate) mod timing;

use clap::{Args, Parser, Subcommand};
use ein::{Compiler, Cpu, Error, Machine, Minimize, Order};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Compile and run einsum and tensor-network programs.
#[derive(Parser)]
#[command(name = "ein", version, about, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to colour diagnostics.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

const EXAMPLES: &str = "Examples:
  ein einsum 'ij,jk->ik' a.npy b.npy -o c.npy
  ein eval 'C[i,k] = A[i,j] * B[j,k]' A=a.npy B=b.npy -o C=c.npy
  ein run conv2d.ein --in x=photo.npy --in w=filter.npy --out-dir out
  ein explain E0201";

/// When to colour.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Colour {
    /// On a terminal.
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Eval(eval::Eval),
    Einsum(einsum::Einsum),
    Check(check::Check),
    Emit(emit::Emit),
    Explain(explain::Explain),
    Fmt(fmt::Fmt),
    Plan(plan::Plan),
    He(he::He),
    Calibrate(calibrate::Calibrate),
    Serve(serve::Serve),
}

/// Most threads of a call.
pub(crate) const MAX_THREADS: usize = 1024;

/// Threads of whatever computes.
#[derive(Args, Clone)]
pub(crate) struct ThreadsOption {
    /// Threads of a call; results do not depend on it [default: as many as the machine has]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=MAX_THREADS as i64))]
    pub(crate) threads: Option<u32>,
}

/// Options of every command that makes code.
#[derive(Args, Clone)]
pub(crate) struct CodeOptions {
    #[command(flatten)]
    threads: ThreadsOption,
    /// 0: as written, 1: default, 2: larger budgets
    #[arg(short = 'O', value_name = "LEVEL", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    opt_level: u8,
    /// Bytes that outputs and intermediates may take: 4096, 512MiB, 2GiB
    #[arg(long = "memory", visible_alias = "memory-limit", value_name = "BYTES", value_parser = parse_bytes)]
    memory_limit: Option<u64>,
    /// What makes a plan better: time, flops, peak, combo (flops, an element written as 64)
    #[arg(long, value_name = "WHAT", default_value = "time", value_parser = str::parse::<Minimize>)]
    minimize: Minimize,
    /// Who decides the order of products: auto, or written, from left to right as the text has them
    #[arg(long = "path", value_name = "WHO", default_value = "auto", value_parser = str::parse::<Order>)]
    order: Order,
    #[command(flatten)]
    machine: MachineOption,
    /// Processor to make code for: host, x86-64-v2, x86-64-v3, …
    #[arg(long, value_name = "CPU", default_value = "host", value_parser = parse_cpu)]
    cpu: Cpu,
}

impl CodeOptions {
    /// A compiler with these options.
    pub(crate) fn compiler(&self) -> Result<Compiler, Failure> {
        let mut compiler = Compiler::new().opt_level(self.opt_level).machine(self.machine.read()?)?;
        if let Some(threads) = self.threads.threads {
            compiler = compiler.threads(threads as usize);
        }
        if let Some(limit) = self.memory_limit {
            compiler = compiler.memory_limit(limit);
        }
        Ok(compiler.minimize(self.minimize).order(self.order).cpu(self.cpu))
    }
}

/// The option of every command that plans.
#[derive(Args, Clone)]
pub(crate) struct MachineOption {
    /// Cost table that times are predicted from, as `ein calibrate` writes it [default: built in]
    #[arg(long, value_name = "FILE")]
    machine: Option<PathBuf>,
}

impl MachineOption {
    /// The table of the file, or the built-in one.
    pub(crate) fn read(&self) -> Result<Machine, Error> {
        self.machine.as_deref().map_or_else(|| Ok(Machine::default()), ein::machine::read_machine)
    }
}

fn parse_cpu(text: &str) -> Result<Cpu, String> {
    text.parse().map_err(|()| format!("there is no processor `{text}`; they are {}", Cpu::ALL.map(Cpu::name).join(", ")))
}

fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        other => return Err(format!("unknown unit `{other}`; use KiB, MiB or GiB")),
    };
    let n: u64 = digits.parse().map_err(|_| format!("`{digits}` is not a whole number of bytes"))?;
    n.checked_mul(unit).ok_or_else(|| "too large".to_owned())
}

/// Why a command did not do its work.
pub(crate) enum Failure {
    /// The program or its inputs are wrong: exit status 1.
    Program(Error),
    /// The command line is wrong: exit status 2.
    Usage(String),
    /// The reader of our output has gone away; nothing to say.
    ClosedPipe,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Program(error)
    }
}

impl From<ein_runtime::Error> for Failure {
    fn from(error: ein_runtime::Error) -> Self {
        Failure::Program(error.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::ClosedPipe;
        }
        let d =
            ein::Diagnostic::error(909, "cannot-write", format!("cannot write to standard output: {}", ein_runtime::io::describe(&error)));
        Failure::Program(d.into())
    }
}

/// Writes to standard error. A reader that has gone away or a full device is no reason to fail.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A file beyond the size that this process may write is an error of the write (E0909) then: the signal would end the process and leave
/// a part of the file behind.
#[cfg(unix)]
fn survive_size_limits() {
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

#[cfg(not(unix))]
fn survive_size_limits() {}

/// Parses the command line and carries it out.
pub(crate) fn main() -> ExitCode {
    survive_size_limits();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let colours = match cli.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let result = match cli.command {
        Command::Run(command) => command.execute(),
        Command::Eval(command) => command.execute(),
        Command::Einsum(command) => command.execute(),
        Command::Check(command) => command.execute(colours),
        Command::Emit(command) => command.execute(),
        Command::Explain(command) => command.execute(),
        Command::Plan(command) => command.execute(),
        Command::He(command) => command.execute(),
        Command::Calibrate(command) => command.execute(),
        Command::Fmt(command) => return command.execute(colours),
        Command::Serve(command) => command.execute(),
    };
    result.map_or_else(|failure| report(&failure, colours), |()| ExitCode::SUCCESS)
}

/// Tells of a failure, and gives the exit status.
pub(crate) fn report(failure: &Failure, colours: bool) -> ExitCode {
    match failure {
        Failure::ClosedPipe => ExitCode::SUCCESS,
        Failure::Program(error) => {
            say(&error.render(colours));
            ExitCode::from(1)
        }
        Failure::Usage(message) => {
            say(&format!("error: {message}\n\nFor more information, try '--help'.\n"));
            ExitCode::from(2)
        }
    }
}

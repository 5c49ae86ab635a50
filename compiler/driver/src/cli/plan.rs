//! `ein plan`: the order of contraction of a network in a file.

use crate::cli::picture::PictureOptions;
use crate::cli::timing::cpu_seconds;
use crate::cli::{Failure, MachineOption, parse_bytes};
use clap::{Args, ValueEnum};
use ein::network::{self, NamedNetwork};
use ein::{DType, Diagnostic, Picture, plan_report};
use ein_opt::path::{self, Budget, Found, Network, Objective, Path, Sliced};
use ein_opt::{Machine, Minimize};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Find an order of contraction for a network in a JSON file
///
/// The same file, steps and seed give the same plan on every machine. With --cpu-seconds, or after Ctrl-C, the best plan so far is taken and
/// said to be truncated.
#[derive(Args)]
#[command(after_help = "Examples:
  ein plan network.json
  ein plan network.json --steps 20000000 --seed 3 --memory 2GiB
  ein plan network.json --cpu-seconds 1 --json
  ein plan network.json --path other.json --steps 0
  ein plan network.json --html plan.html

A network is {\"inputs\": [[0, 1], [1, 2]], \"output\": [0, 2], \"sizes\": {\"0\": 3, \"1\": 4, \"2\": 5}}.")]
pub(crate) struct Plan {
    /// The network
    network: PathBuf,
    /// Rotations, pairs and splits that are tried; 0 takes the first order found [default: 6000 a tensor, up to 9 million]
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Search as long as this
    #[arg(long, value_name = "T", value_parser = parse_seconds)]
    cpu_seconds: Option<f64>,
    /// Seed of everything random
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// What to minimise: time, flops, peak, combo (flops, an element written as 64)
    #[arg(long, value_name = "WHAT", default_value = "flops", value_parser = str::parse::<Minimize>)]
    minimize: Minimize,
    #[command(flatten)]
    machine: MachineOption,
    /// Bytes that the result and intermediates may take; labels are sliced until they do
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    memory: Option<u64>,
    /// Type of the elements: f32, f64, c64, c128, …
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = parse_dtype)]
    dtype: DType,
    /// A path to begin with, as JSON
    #[arg(long, value_name = "FILE")]
    path: Option<PathBuf>,
    /// Tensors up to which all orders are compared
    #[arg(long, value_name = "N", default_value_t = path::EXACT_OPERANDS as u64, value_parser = clap::value_parser!(u64).range(0..=path::MAX_OPERANDS as u64))]
    exact: u64,
    /// How tensors are numbered in the path that is printed
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Ssa)]
    form: Form,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pictures: PictureOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A tensor keeps its number: "ssa_path"
    Ssa,
    /// Places in a list that closes up, as in `opt_einsum`: "path"
    Linear,
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is not a number of seconds"))?;
    if seconds > 0.0 && seconds <= 1e6 { Ok(seconds) } else { Err("it must be above 0, and at most 1000000".to_owned()) }
}

fn parse_dtype(text: &str) -> Result<DType, String> {
    text.parse().map_err(|()| format!("there is no element type `{text}`"))
}

impl Plan {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let begin = cpu_seconds();
        let read = network::read_network(&self.network)?;
        let given = match &self.path {
            Some(file) => Some(network::read_path(file, &read.network)?),
            None => read.path.clone(),
        };
        let machine = self.machine.read()?;
        let objective = self.minimize.of_orders(&machine, self.dtype);
        let clock = Clock::new(self.cpu_seconds, begin);
        let found = self.search(&read.network, &objective, given.as_ref(), &clock);
        let sliced = self.slice(&read.network, &objective, &found, &clock)?;
        clock.bar.finish_and_clear();
        let text = if self.json {
            self.as_json(&read, &found, &sliced, &machine, cpu_seconds() - begin)
        } else {
            self.as_table(&read, &found, &sliced, &machine)
        };
        if self.pictures.are_asked_for() {
            let what = self.minimize.name();
            let picture = Picture::of_network(&read, &found, &sliced, what, self.seed, self.dtype, self.memory);
            return self.pictures.write(&picture, &text);
        }
        Ok(write!(std::io::stdout(), "{text}")?)
    }

    fn budget(&self, network: &Network) -> Budget {
        let usual = Budget::default_for(network);
        Budget { steps: self.steps.unwrap_or(usual.steps), seed: self.seed, exact: self.exact as usize }
    }

    fn search(&self, network: &Network, objective: &Objective, given: Option<&Path>, clock: &Clock) -> Found {
        let budget = self.budget(network);
        match (self.steps, self.cpu_seconds) {
            (None, Some(_)) => self.search_until(network, objective, given, clock),
            _ => path::search(network, objective, budget, given, &mut |made| clock.go_on(made, budget.steps)),
        }
    }

    /// Searches with as many steps as the time seems to allow, and again with what is left.
    fn search_until(&self, network: &Network, objective: &Objective, given: Option<&Path>, clock: &Clock) -> Found {
        let first = Budget { steps: 200 * network.n_operands() as u64, ..self.budget(network) };
        let mut began = cpu_seconds();
        let mut best = path::search(network, objective, first, given, &mut |made| clock.go_on(made, first.steps));
        let mut steps = best.steps;
        let mut seed = self.seed;
        while !best.optimal && !clock.is_over() {
            let seconds_a_step = (cpu_seconds() - began).max(1e-6) / steps.max(1) as f64;
            let left = ((clock.left() / seconds_a_step) * 0.97) as u64;
            if left < 100 * network.n_operands() as u64 {
                break;
            }
            began = cpu_seconds();
            let found = path::search(network, objective, Budget { steps: left, seed, ..first }, Some(&best.path), &mut |made| {
                clock.go_on(made, left)
            });
            steps = found.steps;
            seed = seed.wrapping_add(1);
            best = Found { steps: best.steps + found.steps, ..found };
        }
        // How far it got was for the clock to decide.
        Found { truncated: !best.optimal, ..best }
    }

    fn slice(&self, network: &Network, objective: &Objective, found: &Found, clock: &Clock) -> Result<Sliced, Failure> {
        let bytes = self.dtype.bytes() as u128;
        let limit = self.memory.map_or(u128::MAX, |limit| u128::from(limit) / bytes);
        let budget = self.budget(network);
        path::slice(network, &found.path, limit, objective, budget, &mut |made| clock.go_on(made, budget.steps)).map_err(|too_large| {
            let (smallest, allowed) = (too_large.smallest.saturating_mul(bytes), self.memory.unwrap_or(0));
            let message = format!("the plan needs {smallest} bytes at least, and {allowed} are allowed");
            let error = Diagnostic::error(801, "memory-limit", message).help(format!("--memory {smallest}"));
            Failure::Program(error.into())
        })
    }

    fn as_json(&self, read: &NamedNetwork, found: &Found, sliced: &Sliced, machine: &Machine, seconds: f64) -> String {
        let network = &read.network;
        let price = path::price(&network.sliced(&sliced.labels), &sliced.path);
        let log10_slices = (sliced.n_slices as f64).log10();
        let number = |x: f64| if x.is_finite() { x } else { 0.0 };
        let n = network.n_operands();
        let mut out = serde_json::json!({
            "log10C": number(price.log10_volume + log10_slices),
            "log10_flops": number(sliced.log10_flops),
            "log2W": number(price.log2_largest),
            "peak_bytes": plan_report::as_number(sliced.peak.saturating_mul(self.dtype.bytes() as u128)),
            "optimal": found.optimal && sliced.labels.is_empty(),
            "truncated": found.truncated,
            "steps": found.steps,
            "seed": self.seed,
            "machine": machine.title(),
            "sliced": sliced.labels.iter().filter_map(|l| read.names.get(*l as usize)).map(network::Name::to_json).collect::<Vec<_>>(),
            "n_slices": plan_report::as_number(sliced.n_slices),
            "cpu_s": seconds,
        });
        match self.form {
            Form::Ssa => out["ssa_path"] = sliced.path.to_ssa(n).into(),
            Form::Linear => out["path"] = sliced.path.to_linear(n).into(),
        }
        format!("{out}\n")
    }

    fn as_table(&self, read: &NamedNetwork, found: &Found, sliced: &Sliced, machine: &Machine) -> String {
        let what = match self.minimize {
            Minimize::Time => format!("time on machine {}", machine.title()),
            other => other.name().to_owned(),
        };
        plan_report::table(read, found, sliced, &what, self.seed, self.dtype)
    }
}

/// When to stop: at a time, at Ctrl-C, or never. Shows how far the search is, if somebody watches.
struct Clock {
    end: Option<f64>,
    interrupted: Arc<AtomicBool>,
    bar: ProgressBar,
    began: Instant,
    asked: std::cell::Cell<u64>,
}

/// Steps between two looks at the clock: a millisecond.
const LOOK_STEPS: u64 = 10_000;

impl Clock {
    fn new(seconds: Option<f64>, begin: f64) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        // Where there are no signals, Ctrl-C ends the program.
        let _ = signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGINT, 130, Arc::clone(&interrupted));
        let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted));
        let end = seconds.map(|s| begin + s);
        Self { end, interrupted, bar: ProgressBar::hidden(), began: Instant::now(), asked: std::cell::Cell::new(0) }.with_bar()
    }

    fn with_bar(self) -> Self {
        if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{spinner} searching {bar:30} {percent}%  (Ctrl-C takes the best so far)");
            self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
        self
    }

    fn is_over(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed) || self.end.is_some_and(|end| cpu_seconds() >= end)
    }

    fn left(&self) -> f64 {
        self.end.map_or(0.0, |end| end - cpu_seconds())
    }

    fn go_on(&self, made: u64, steps: u64) -> bool {
        if made < self.asked.get() || made >= self.asked.get() + LOOK_STEPS {
            self.asked.set(made);
            self.show(made, steps);
            return !self.is_over();
        }
        !self.interrupted.load(Ordering::Relaxed)
    }

    /// A search that takes less than a second needs no bar.
    fn show(&self, made: u64, steps: u64) {
        if self.bar.is_hidden() && self.began.elapsed() > Duration::from_secs(1) && std::io::stderr().is_terminal() {
            self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        self.bar.set_length(steps);
        self.bar.set_position(made.min(steps));
    }
}

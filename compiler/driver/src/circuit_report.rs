//! The circuit of a program over encrypted integers for people: its bootstraps beside those of the one-shot plan, and what each step takes.

use crate::error::Error;
use crate::function::Function;
use crate::pipeline::{CircuitOf, Origin};
use ein_ir::circuit::width::blocks;
use ein_ir::circuit::{Circuit, Kind, Op};
use ein_ir::entity::{SecondaryMap, Wire};
use ein_opt::duration;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// A bootstrap that is counted, if nobody measured one: what `ein-tfhe calibrate`, built with optimisation, finds on one core of a virtual server with
/// AVX-512 while its other core is busy.
pub const BOOTSTRAP: Duration = Duration::from_millis(22);

/// What a program over encrypted integers takes.
#[derive(Debug)]
pub struct CircuitReport {
    name: String,
    /// Of each plan, the best first.
    found: Vec<CircuitOf>,
    steps: Vec<StepReport>,
    bootstrap: Duration,
}

/// What a step adds to those before it.
#[derive(Debug)]
struct StepReport {
    name: String,
    equation: String,
    /// Fewest and most blocks of its values.
    widths: (u32, u32),
    /// Operations of each of [`Kind::WORK`].
    counts: Vec<usize>,
    bootstraps: u64,
    /// Bootstraps up to its last value that have to wait for each other.
    path: u64,
}

impl Function {
    /// What the circuit of this function takes for given sizes, beside those of other plans, and what each step does; `bootstrap` is the time of
    /// one, such as [`BOOTSTRAP`].
    ///
    /// # Errors
    /// As [`Function::circuit`].
    pub fn explain_circuit(&self, sizes: &[(&str, i64)], bootstrap: Duration) -> Result<CircuitReport, Error> {
        let found = self.circuits(sizes)?;
        let mut steps = Vec::new();
        if let Some(best) = found.first() {
            let paths = best.circuit.paths();
            for step in best.steps.iter().filter(|step| !step.wires.is_empty()) {
                let equation = self.source(step.span).unwrap_or_else(|| step.name.clone());
                steps.push(StepReport::of(&best.circuit, &paths, step, equation));
            }
        }
        Ok(CircuitReport { name: self.name().to_owned(), found, steps, bootstrap })
    }
}

impl StepReport {
    fn of(circuit: &Circuit, paths: &SecondaryMap<Wire, u64>, step: &ein_radix::Step, equation: String) -> Self {
        let widths = || step.wires.iter().map(|wire| blocks(circuit.nodes[*wire].range));
        Self {
            name: step.name.clone(),
            equation,
            widths: (widths().min().unwrap_or(0), widths().max().unwrap_or(0)),
            counts: Kind::WORK.iter().map(|kind| circuit.count(*kind, &step.wires)).collect(),
            bootstraps: step.wires.iter().map(|wire| circuit.cost_of(&circuit.nodes[*wire]).bootstraps).sum(),
            path: step.wires.iter().map(|wire| paths[*wire]).max().unwrap_or(0),
        }
    }
}

impl CircuitReport {
    fn of(&self, origin: Origin) -> Option<&Circuit> {
        self.found.iter().find(|found| found.origins.contains(&origin)).map(|found| &*found.circuit)
    }

    /// Tables of text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("def {} over encrypted integers in blocks of 2 bits\n\n", self.name);
        self.totals(&mut out);
        self.plans(&mut out);
        self.table(&mut out);
        out
    }

    /// One line a figure: of the circuit, and of the one-shot plan.
    fn totals(&self, out: &mut String) {
        let ours = self.found.first().map(|found| figures(&found.circuit, self.bootstrap)).unwrap_or_default();
        let theirs = self.of(Origin::OneShot).map(|circuit| figures(circuit, self.bootstrap));
        let _ = writeln!(out, "{:<28} {:>14} {:>14}", "", "plan", "one-shot");
        for (n, (name, figure)) in ours.iter().enumerate() {
            let other = theirs.as_ref().map_or("-", |theirs| &theirs[n].1);
            let _ = writeln!(out, "{name:<28} {figure:>14} {other:>14}");
        }
    }

    /// Where the plan comes from, and what others take.
    fn plans(&self, out: &mut String) {
        for (n, found) in self.found.iter().enumerate() {
            let names: Vec<&str> = found.origins.iter().map(|origin| origin.name()).collect();
            let heading = if n == 0 { "\nchosen" } else { "others" };
            let _ = writeln!(out, "{heading} {:>10} bootstraps: {}", found.circuit.cost().bootstraps, names.join(", "));
        }
    }

    fn table(&self, out: &mut String) {
        let width = self.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0).max(4);
        let kinds: Vec<usize> = (0..Kind::WORK.len()).filter(|kind| self.steps.iter().any(|step| step.counts[*kind] > 0)).collect();
        let _ = write!(out, "\n{:<width$} {:>8}", "step", "blocks");
        for kind in &kinds {
            let _ = write!(out, " {:>11}", Kind::WORK[*kind].name());
        }
        let _ = writeln!(out, " {:>11} {:>7}", "bootstraps", "path");
        for step in &self.steps {
            let (least, most) = step.widths;
            let blocks = if least == most { least.to_string() } else { format!("{least}..{most}") };
            let _ = write!(out, "{:<width$} {blocks:>8}", step.name);
            for kind in &kinds {
                let _ = write!(out, " {:>11}", step.counts[*kind]);
            }
            let _ = writeln!(out, " {:>11} {:>7}", step.bootstraps, step.path);
        }
        let mut told: Vec<&str> = Vec::new();
        for step in &self.steps {
            if !told.contains(&step.equation.as_str()) {
                told.push(&step.equation);
                let names: Vec<&str> = self.steps.iter().filter(|other| other.equation == step.equation).map(|step| &*step.name).collect();
                let _ = writeln!(out, "\n{}\n  steps {}", step.equation, names.join(", "));
            }
        }
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> String {
        let plan = |found: &CircuitOf| {
            let cost = found.circuit.cost();
            let origins: Vec<&str> = found.origins.iter().map(|origin| origin.name()).collect();
            json!({ "origins": origins, "bootstraps": cost.bootstraps, "path": cost.path, "operations": found.circuit.n_secret_ops() })
        };
        let step = |step: &StepReport| {
            let counts = Kind::WORK.iter().zip(&step.counts).map(|(kind, n)| (kind.name().to_owned(), Value::from(*n)));
            json!({
                "name": step.name, "equation": step.equation, "blocks": [step.widths.0, step.widths.1],
                "operations": counts.collect::<serde_json::Map<_, _>>(), "bootstraps": step.bootstraps, "path": step.path,
            })
        };
        let seconds = |bootstraps: u64| nanoseconds(bootstraps, self.bootstrap) as f64 * 1e-9;
        let best = self.found.first().map(|found| &*found.circuit);
        let cost = best.map(Circuit::cost).unwrap_or_default();
        let out = json!({
            "def": self.name,
            "bootstraps": cost.bootstraps,
            "path": cost.path,
            "seconds": { "bootstrap": self.bootstrap.as_secs_f64(), "one_core": seconds(cost.bootstraps), "all_at_once": seconds(cost.path) },
            "blocks": { "in": best.map_or(0, blocks_in), "out": best.map_or(0, blocks_out) },
            "plans": self.found.iter().map(plan).collect::<Vec<_>>(),
            "steps": self.steps.iter().map(step).collect::<Vec<_>>(),
        });
        format!("{out:#}\n")
    }
}

/// Of so many bootstraps.
fn nanoseconds(bootstraps: u64, bootstrap: Duration) -> u64 {
    bootstraps.saturating_mul(u64::try_from(bootstrap.as_nanos()).unwrap_or(u64::MAX))
}

fn figures(circuit: &Circuit, bootstrap: Duration) -> Vec<(&'static str, String)> {
    let cost = circuit.cost();
    let time = |bootstraps: u64| duration(nanoseconds(bootstraps, bootstrap));
    vec![
        ("bootstraps", cost.bootstraps.to_string()),
        ("  on one core, about", time(cost.bootstraps)),
        ("critical path", cost.path.to_string()),
        ("  all at once, about", time(cost.path)),
        ("operations on ciphertexts", circuit.n_secret_ops().to_string()),
        ("widest value, in blocks", circuit.widths().map_or(0, |widths| widths.1).to_string()),
        ("blocks in", blocks_in(circuit).to_string()),
        ("blocks out", blocks_out(circuit).to_string()),
    ]
}

/// Of the elements that are encrypted, read or not.
fn blocks_in(circuit: &Circuit) -> u64 {
    let of = |input: &ein_ir::circuit::InputDecl| input.shape.iter().product::<u64>() * u64::from(blocks(input.range));
    circuit.inputs.values().filter(|input| input.secret).map(of).sum()
}

fn blocks_out(circuit: &Circuit) -> u64 {
    let wires = circuit.outputs.iter().flat_map(|output| &output.wires);
    wires
        .map(|wire| &circuit.nodes[*wire])
        .filter(|node| node.secret && !matches!(node.op, Op::Constant(_)))
        .map(|node| u64::from(blocks(node.range)))
        .sum()
}

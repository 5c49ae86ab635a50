//! The engine of a program that is planned: from options to parameters, and those in words.

use crate::cli::Failure;
use crate::cli::he::plan::ProgramOptions;
use crate::cli::input::{self, Assignment};
use clap::Args;
use ein::Stage;
use ein::costs::BFV;
use ein::encrypted::{Engine, MAX_FRACTION_BITS, Options, bounds_in_the_clear, bytes, digest};
use ein::packed::Costs;
use std::collections::BTreeMap;

/// What numbers the operands of a program on ciphertexts have.
#[derive(Args)]
pub(crate) struct NumberOptions {
    /// The largest absolute value of an operand; small integer types and declared ranges have their own
    #[arg(long = "bound", value_name = "NAME=NUMBER", value_parser = input::assignment)]
    bounds: Vec<Assignment>,
    /// Bits after the binary point, for programs of reals
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_FRACTION_BITS)))]
    fraction_bits: u32,
}

impl NumberOptions {
    /// Whether anything is said.
    pub(crate) fn are_given(&self) -> bool {
        !self.bounds.is_empty() || self.fraction_bits > 0
    }

    /// The engine, for one call, and what goes with it; results are off by no more than the program states.
    ///
    /// Without costs that were given, the plan is the lighter one of two here: by what operations cost in this scheme, and by what they cost in
    /// one of reals, of which plans have fewer products in a row, or other ones that the search finds.
    pub(crate) fn engine(&self, program: &ProgramOptions, insecure_toy: bool) -> Result<Made, Failure> {
        if let Some(costs) = program.costs()? {
            return self.engine_by(program, insecure_toy, costs);
        }
        let first = self.engine_by(program, insecure_toy, Costs::default());
        match (first, self.engine_by(program, insecure_toy, BFV)) {
            (Ok(first), Ok(second)) => Ok(if second.work() < first.work() { second } else { first }),
            (first, second) => first.or_else(|refused| second.map_err(|_| refused)),
        }
    }

    /// The engine of the plan by these costs.
    fn engine_by(&self, program: &ProgramOptions, insecure_toy: bool, costs: Costs) -> Result<Made, Failure> {
        let mut bounds = BTreeMap::new();
        for Assignment { name, value } in &self.bounds {
            let bound: f64 = value.parse().map_err(|_| Failure::Usage(format!("the bound of `{name}` is not a number: `{value}`")))?;
            bounds.insert(name.clone(), bound);
        }
        let (packed, ranges) = program.packed(costs)?;
        if let Some(clear) = &packed.clear {
            bounds = bounds_in_the_clear(clear, &packed.program, bounds);
        }
        let clear = packed.clear.as_ref().map(|clear| clear.emit(Stage::Tir, &[])).transpose()?;
        let polynomials = packed.polynomials(&bounds);
        let finite = |off: f64| Some(off).filter(|off| off.is_finite());
        let options = Options {
            bounds,
            ranges,
            fraction_bits: self.fraction_bits,
            clear: clear.as_deref().map(digest),
            open: packed.open.clone(),
            polynomials: polynomials.iter().flatten().map(|off| finite(*off)).collect(),
            insecure_toy,
        };
        let engine = Engine::new(packed.program.clone(), options).map_err(ein::Error::from)?.for_one_call();
        packed.check(&engine.bounds().iter().map(|bound| bound.error).collect::<Vec<f64>>(), polynomials.as_deref())?;
        let ranges = packed.result_ranges();
        Ok(Made { engine, clear, ranges, costs })
    }
}

/// An engine, and what goes with it.
pub(crate) struct Made {
    pub(crate) engine: Engine,
    /// What is computed in the clear for the program.
    pub(crate) clear: Option<String>,
    /// Between which numbers each result of the exact program lies, if that is known.
    pub(crate) ranges: Vec<Option<(f64, f64)>>,
    /// By what it is planned.
    pub(crate) costs: Costs,
}

impl Made {
    /// What a run takes here: its operations, each as dear as the ring makes it.
    fn work(&self) -> f64 {
        BFV.weigh(&self.engine.program().counts()) * self.engine.parameters().work()
    }
}

/// Parameters for people, and by how much results may be off.
pub(crate) fn describe(Made { engine, ranges, .. }: &Made) -> String {
    let parameters = engine.parameters();
    let security = if parameters.insecure { "INSECURE, for tests only" } else { "128 bits of security" };
    let mut text = format!(
        "BFV, degree {}, modulus of {} bits, numbers modulo {}, {} bits to spare: {security}\n",
        parameters.degree,
        parameters.total_bits(),
        moduli(&parameters.plain_moduli),
        parameters.spare_bits
    );
    text += &resources(engine);
    let options = engine.options();
    for (n, (output, bound)) in engine.program().outputs.iter().zip(engine.bounds()).enumerate() {
        let rounding = if bound.error > 0.0 { format!(", rounding adds at most {:.3e}", bound.error) } else { String::new() };
        let polynomials = match options.polynomials.get(n).copied().flatten() {
            Some(off) if off > 0.0 => format!(", polynomials at most {off:.3e}"),
            Some(_) => String::new(),
            None if bound.error > 0.0 => ", nothing bounds what polynomials add".to_owned(),
            None => String::new(),
        };
        text += &format!("{}: at most {}{rounding}{polynomials}\n", output.name, bound.magnitude);
        text += &warning(engine, n, ranges.get(n).copied().flatten());
    }
    text
}

/// What is said of a result whose bound says nothing: all that its elements may be is no farther from each other.
fn warning(engine: &Engine, n: usize, range: Option<(f64, f64)>) -> String {
    let (output, bound) = (&engine.program().outputs[n], engine.bounds()[n]);
    let width = range.map_or(f64::INFINITY, |(lo, hi)| hi - lo).min(bound.magnitude);
    let Some(error) = engine.error(n).filter(|error| *error > 0.0 && *error >= width) else { return String::new() };
    let within = match range {
        Some((lo, hi)) if hi - lo <= bound.magnitude => format!("lie in {lo}..{hi}"),
        _ => format!("are no larger than {}", bound.magnitude),
    };
    format!("warning: `{}` may be off by {error:.3e}, and its elements {within}: {}\n", output.name, remedy(engine, n, width))
}

/// What makes the error of a result a small part of a width.
fn remedy(engine: &Engine, n: usize, width: f64) -> String {
    /// What is left of the width then.
    const PART: f64 = 0.01;
    let (rounding, bits) = (engine.bounds()[n].error, f64::from(engine.options().fraction_bits));
    // With each bit rounding is half as much.
    let wanted = (bits + (rounding / (PART * width)).log2()).ceil();
    let polynomials = engine.options().polynomials.get(n).copied().flatten().unwrap_or_default();
    if polynomials >= PART * width {
        "let its polynomials have a higher degree, or declare narrower ranges of what they are applied to".to_owned()
    } else if wanted <= f64::from(MAX_FRACTION_BITS) {
        format!("make the keys with `--fraction-bits {wanted}`")
    } else {
        "no `--fraction-bits` is enough: let its polynomials have a lower degree, or declare narrower ranges of what they are applied to"
            .to_owned()
    }
}

/// What files and memory it takes.
fn resources(engine: &Engine) -> String {
    let needs = engine.needs();
    let keys = needs.secret_key + needs.public_key + needs.evaluation_keys;
    let [keys, inputs, results] = [keys, needs.inputs, needs.outputs].map(bytes);
    let [made, run] = [engine.keygen_memory(), engine.run_memory()].map(bytes);
    format!("on disk: keys {keys}, inputs {inputs}, results {results}; memory: about {made} to make the keys, {run} to run\n")
}

/// What numbers are taken modulo.
fn moduli(primes: &[u64]) -> String {
    match primes {
        [prime] => prime.to_string(),
        primes => format!("{} primes of {} bits", primes.len(), 64 - primes.iter().fold(0, |all, prime| all | prime).leading_zeros()),
    }
}

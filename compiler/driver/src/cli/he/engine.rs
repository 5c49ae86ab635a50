//! The engine of a program that is planned: from options to parameters, and those in words.

use crate::cli::Failure;
use crate::cli::he::plan::ProgramOptions;
use crate::cli::input::{self, Assignment};
use clap::Args;
use ein::Stage;
use ein::costs::BFV;
use ein::encrypted::{Engine, Options, bounds_in_the_clear, bytes, digest};
use ein::packed::Costs;
use std::collections::BTreeMap;

/// What numbers the operands of a program on ciphertexts have.
#[derive(Args)]
pub(crate) struct NumberOptions {
    /// The largest absolute value of an operand; small integer types and declared ranges have their own
    #[arg(long = "bound", value_name = "NAME=NUMBER", value_parser = input::assignment)]
    bounds: Vec<Assignment>,
    /// Bits after the binary point, for programs of reals
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=40))]
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
        let digest = clear.as_deref().map(digest);
        let options = Options { bounds, ranges, fraction_bits: self.fraction_bits, clear: digest, open: packed.open.clone(), insecure_toy };
        let engine = Engine::new(packed.program.clone(), options).map_err(ein::Error::from)?.for_one_call();
        packed.check(&engine.bounds().iter().map(|bound| bound.error).collect::<Vec<f64>>(), polynomials.as_deref())?;
        Ok(Made { engine, clear, polynomials, costs })
    }
}

/// An engine, and what goes with it.
pub(crate) struct Made {
    pub(crate) engine: Engine,
    /// What is computed in the clear for the program.
    pub(crate) clear: Option<String>,
    /// By how much polynomials in the place of functions put each result off.
    pub(crate) polynomials: Option<Vec<f64>>,
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
pub(crate) fn describe(engine: &Engine, polynomials: Option<&[f64]>) -> String {
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
    for (n, (output, bound)) in engine.program().outputs.iter().zip(engine.bounds()).enumerate() {
        let rounding = if bound.error > 0.0 { format!(", rounding adds at most {:.3e}", bound.error) } else { String::new() };
        let polynomials = match polynomials.and_then(|polynomials| polynomials.get(n)) {
            Some(off) if *off > 0.0 && off.is_finite() => format!(", polynomials at most {off:.3e}"),
            Some(off) if *off == 0.0 => String::new(),
            _ if bound.error > 0.0 => ", nothing bounds what polynomials add".to_owned(),
            _ => String::new(),
        };
        text += &format!("{}: at most {}{rounding}{polynomials}\n", output.name, bound.magnitude);
    }
    text
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

//! The engine of a program that is planned: from options to parameters, and those in words.

use crate::cli::Failure;
use crate::cli::he::plan::ProgramOptions;
use crate::cli::input::{self, Assignment};
use clap::Args;
use ein::Stage;
use ein::encrypted::{Engine, Options, bounds_in_the_clear, bytes, digest};
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

    /// The engine, for one call, and what is computed in the clear for the program.
    pub(crate) fn engine(&self, program: &ProgramOptions, insecure_toy: bool) -> Result<(Engine, Option<String>), Failure> {
        let mut bounds = BTreeMap::new();
        for Assignment { name, value } in &self.bounds {
            let bound: f64 = value.parse().map_err(|_| Failure::Usage(format!("the bound of `{name}` is not a number: `{value}`")))?;
            bounds.insert(name.clone(), bound);
        }
        let (packed, clear, ranges) = program.packed()?;
        if let Some(clear) = &clear {
            bounds = bounds_in_the_clear(clear, &packed, bounds);
        }
        let clear = clear.map(|clear| clear.emit(Stage::Tir, &[])).transpose()?;
        let digest = clear.as_deref().map(digest);
        let options = Options { bounds, ranges, fraction_bits: self.fraction_bits, clear: digest, insecure_toy };
        Ok((Engine::new(packed, options).map_err(ein::Error::from)?.for_one_call(), clear))
    }
}

/// Parameters for people.
pub(crate) fn describe(engine: &Engine) -> String {
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
    for (output, bound) in engine.program().outputs.iter().zip(engine.bounds()) {
        let rounding = if bound.error > 0.0 { format!(", rounding adds at most {:.3e}", bound.error) } else { String::new() };
        text += &format!("{}: at most {}{rounding}\n", output.name, bound.magnitude);
    }
    if engine.bounds().iter().any(|bound| bound.error > 0.0) {
        text += "what polynomials add in the place of functions is said by `ein he plan`\n";
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

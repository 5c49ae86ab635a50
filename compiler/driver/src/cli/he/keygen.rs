//! `ein he keygen`: keys for one program.

use crate::cli::he::folder;
use crate::cli::he::plan::ProgramOptions;
use crate::cli::input::{self, Assignment};
use crate::cli::{Failure, say};
use clap::Args;
use ein::Stage;
use ein::encrypted::{Engine, Options, WriteError, bounds_in_the_clear, bytes, digest, rng, save_secret};
use ein_runtime::io;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Make keys for a program: to encrypt its inputs, to run it, and to decrypt its results
///
/// The folder then has secret.key, which stays with the owner of the inputs; public.key, which encrypts; and manifest.json and
/// evaluation.keys, which whoever runs the program needs. So is clear.tir, if public tensors are computed before the program starts.
#[derive(Args)]
#[command(after_help = "Examples:
  ein he keygen score.ein --size D=256 --slots 4096 --bound x=100 --bound w=50 --keys mine
  ein he keygen --einsum 'ij,j->i' --shape A=64x64:i64 --shape B=64:i64 --secret B --bound A=9 --bound B=9 --keys mine")]
pub(crate) struct Keygen {
    #[command(flatten)]
    program: ProgramOptions,
    /// The largest absolute value of an operand; small integer types and declared ranges have their own
    #[arg(long = "bound", value_name = "NAME=NUMBER", value_parser = input::assignment)]
    bounds: Vec<Assignment>,
    /// Bits after the binary point, for programs of reals
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=40))]
    fraction_bits: u32,
    /// Small and fast parameters that anybody breaks
    #[arg(long)]
    insecure_toy: bool,
    /// A new folder for the keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    #[command(flatten)]
    resources: folder::Resources,
}

impl Keygen {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let mut bounds = BTreeMap::new();
        for Assignment { name, value } in &self.bounds {
            let bound: f64 = value.parse().map_err(|_| Failure::Usage(format!("the bound of `{name}` is not a number: `{value}`")))?;
            bounds.insert(name.clone(), bound);
        }
        let (packed, clear, ranges) = self.program.packed()?;
        if let Some(clear) = &clear {
            bounds = bounds_in_the_clear(clear, &packed, bounds);
        }
        let clear = clear.map(|clear| clear.emit(Stage::Tir, &[])).transpose()?;
        let digest = clear.as_deref().map(digest);
        let options = Options { bounds, ranges, fraction_bits: self.fraction_bits, clear: digest, insecure_toy: self.insecure_toy };
        let engine = self.resources.limit(Engine::new(packed, options).map_err(ein::Error::from)?.for_one_call());
        engine.check_keygen_memory().map_err(ein::Error::from)?;
        self.make(&engine)?;
        io::save_text(&self.keys.join(folder::MANIFEST), &engine.manifest())?;
        if let Some(clear) = &clear {
            io::save_text(&self.keys.join(folder::CLEAR), clear)?;
        }
        say(&describe(&engine));
        Ok(())
    }

    /// Makes and writes the keys, those of the evaluation as they are made.
    fn make(&self, engine: &Engine) -> Result<(), Failure> {
        let secret = self.keys.join(folder::SECRET_KEY);
        if secret.exists() {
            // As the attempt to write it would find, after all the work.
            return Err(unwritable(&secret, &std::io::Error::from(std::io::ErrorKind::AlreadyExists)));
        }
        std::fs::create_dir_all(&self.keys).map_err(|e| unwritable(&self.keys, &e))?;
        let evaluation = self.keys.join(folder::EVALUATION_KEYS);
        io::save_through(&evaluation, |file| {
            let keys = engine.keygen_into(&mut rng(), file).map_err(|e| match e {
                WriteError::Refused(diagnostic) => ein::Error::from(diagnostic).into(),
                WriteError::Output(e) => unwritable(&evaluation, &e),
            })?;
            // Before any other file is replaced, because it is the one that never is.
            save_secret(&secret, &keys.0.to_bytes(engine))?;
            Ok(io::save_bytes(&self.keys.join(folder::PUBLIC_KEY), &keys.1.to_bytes(engine))?)
        })
    }
}

fn unwritable(path: &Path, e: &std::io::Error) -> Failure {
    ein_runtime::Error::CannotWrite { path: path.to_owned(), reason: io::describe(e) }.into()
}

/// Parameters for people.
fn describe(engine: &Engine) -> String {
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

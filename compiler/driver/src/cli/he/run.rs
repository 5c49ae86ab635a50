//! `ein he run`: a program on ciphertexts, without a secret.

use crate::cli::he::folder;
use crate::cli::input::{self, Assignment};
use crate::cli::{Failure, say};
use clap::Args;
use ein::encrypted::{Ciphertexts, EvaluationKeys, Kind, Report, bytes, computed_numbers, open, read};
use ein_ir::packed::PublicSource;
use ein_runtime::{TensorRef, io};
use std::path::PathBuf;

/// Run a program on encrypted inputs
///
/// Needs no secret: manifest.json and evaluation.keys are enough. What each kind of operation took goes to standard error: the time of the
/// threads that carried it out, which together may be more than has passed.
#[derive(Args)]
#[command(after_help = "Example:
  ein he run --keys theirs --inputs inputs.ct --in w=w.npy -o results.ct")]
pub(crate) struct Run {
    /// The folder with manifest.json and evaluation.keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The ciphertexts of all secret inputs
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,
    /// An input in the clear: w.npy, a.npz:key, or model.safetensors:name
    #[arg(long = "in", value_name = "NAME=FILE", value_parser = input::assignment)]
    publics: Vec<Assignment>,
    /// Where the ciphertexts of the results go
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    resources: folder::Resources,
}

impl Run {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let engine = self.resources.limit(folder::engine(&self.keys)?);
        engine.check_run_memory().map_err(ein::Error::from)?;
        let file = open(&engine, &self.keys.join(folder::EVALUATION_KEYS), engine.needs().evaluation_keys)?;
        let keys = EvaluationKeys::open(&engine, file).map_err(ein::Error::from)?;
        let inputs = read(&engine, &self.inputs, engine.needs().inputs)?;
        let inputs = Ciphertexts::inputs_from_bytes(&engine, &inputs).map_err(ein::Error::from)?;
        let given = engine.program().publics.values().filter(|public| public.source == PublicSource::Given);
        let wanted: Vec<_> = given.map(|x| (x.name.as_str(), x.dtype, x.shape.as_slice())).collect();
        let loaded = input::load_all(&self.publics, &|_| None)?;
        let mut views = input::views(&loaded);
        let clear = folder::clear(&self.keys, &engine)?;
        let computed = clear.as_ref().map(|clear| clear.in_the_clear(&views)).transpose()?;
        computed
            .iter()
            .flat_map(|outputs| outputs.iter())
            .try_for_each(|(name, tensor)| computed_numbers(name, &TensorRef::from(tensor)))?;
        if let Some(clear) = &clear {
            // What is only computed with is no operand of the program.
            views.retain(|(name, _)| wanted.iter().any(|(wanted, ..)| wanted == name) || !clear.inputs().contains(name));
        }
        views.extend(computed.iter().flat_map(|outputs| outputs.iter()).map(|(name, tensor)| (name, TensorRef::from(tensor))));
        let publics = folder::operands(&wanted, &views)?;
        let (results, report) = engine.run(&keys, &publics, &inputs).map_err(ein::Error::from)?;
        io::save_bytes(&self.out, &results.to_bytes(&engine))?;
        say(&table(&report));
        say(&format!("about {} of memory\n", bytes(engine.run_memory())));
        say(&format!("wrote {results:?} to {}\n", self.out.display()));
        say(&folder::in_the_clear(&engine));
        Ok(())
    }
}

/// One line a kind: how many, and the mean time of one.
fn table(report: &Report) -> String {
    let carried_out = Kind::ALL.into_iter().filter(|kind| report.count(*kind) > 0);
    let line = |kind: Kind| {
        let (count, time) = (report.count(kind), report.time(kind).as_secs_f64() * 1e3);
        format!("{:8} {count:6} in {time:10.2} ms, {:8.3} ms each\n", kind.name(), time / count as f64)
    };
    carried_out.map(line).collect()
}

//! The folder of a key pair: what is in it, by name.

use crate::cli::{Failure, ThreadsOption, parse_bytes};
use clap::Args;
use ein::encrypted::{Engine, Numbers, available_memory, digest, numbers, other_clear, read_text};
use ein::{Compiler, Function};
use ein_ir::dtype::DType;
use ein_runtime::TensorRef;
use std::path::Path;

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SECRET_KEY: &str = "secret.key";
pub(crate) const PUBLIC_KEY: &str = "public.key";
/// What is computed in the clear, if there is something.
pub(crate) const CLEAR: &str = "clear.tir";
pub(crate) const EVALUATION_KEYS: &str = "evaluation.keys";

/// What a command may use of the machine.
#[derive(Args)]
pub(crate) struct Resources {
    #[command(flatten)]
    threads: ThreadsOption,
    /// Bytes of memory that may be used: 512MiB, 2GiB [default: what the machine has free]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    memory: Option<u64>,
}

impl Resources {
    /// An engine that uses no more.
    pub(crate) fn limit(&self, engine: Engine) -> Engine {
        let engine = match self.memory.or_else(available_memory) {
            Some(bytes) => engine.with_memory(bytes),
            None => engine,
        };
        match self.threads.threads {
            Some(threads) => engine.with_threads(threads as usize),
            None => engine,
        }
    }
}

/// Which results the program of a folder has that no ciphertext holds, a line each; their names are those that a stranger may have written.
pub(crate) fn in_the_clear(engine: &Engine) -> String {
    let line =
        |name: &String| format!("{}: no secret goes into it, and no ciphertext holds it: `ein run` computes it\n", name.escape_debug());
    engine.options().open.iter().map(line).collect()
}

/// The engine that the manifest of a folder describes, for one call.
pub(crate) fn engine(folder: &Path) -> Result<Engine, Failure> {
    let text = read_text(&folder.join(MANIFEST))?;
    Ok(Engine::from_manifest(&text).map_err(ein::Error::from)?.for_one_call())
}

/// What the program of a folder computes in the clear, if anything: what the manifest was made with, and nothing else.
pub(crate) fn clear(folder: &Path, engine: &Engine) -> Result<Option<Function>, Failure> {
    let Some(wanted) = &engine.options().clear else { return Ok(None) };
    let path = folder.join(CLEAR);
    if !path.exists() {
        return Err(ein::Error::from(other_clear(false)).into());
    }
    let text = read_text(&path)?;
    if digest(&text) != *wanted {
        return Err(ein::Error::from(other_clear(true)).into());
    }
    Ok(Some(Compiler::new().in_the_clear(&text)?))
}

/// The operands of these names and shapes among arrays that were loaded; no others may be there.
pub(crate) fn operands(wanted: &[(&str, DType, &[u64])], given: &[(&str, TensorRef<'_>)]) -> Result<Vec<Numbers>, Failure> {
    let names = || wanted.iter().map(|(name, ..)| (*name).to_owned()).collect();
    if let Some((name, _)) = given.iter().find(|(name, _)| !wanted.iter().any(|(wanted, ..)| wanted == name)) {
        return Err(ein_runtime::Error::UnknownInput { name: (*name).to_owned(), known: names() }.into());
    }
    let find = |(name, _, shape): &(&str, DType, &[u64])| {
        let (_, view) =
            given.iter().find(|(given, _)| given == name).ok_or(ein_runtime::Error::MissingInput { name: (*name).to_owned() })?;
        Ok(numbers(name, shape, view)?)
    };
    wanted.iter().map(find).collect()
}

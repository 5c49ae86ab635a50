//! The folder of a key pair: what is in it, by name.

use crate::cli::{Failure, ThreadsOption};
use ein::encrypted::{Engine, Numbers, digest, numbers, other_clear, read};
use ein::{Compiler, Diagnostic, Function};
use ein_ir::dtype::DType;
use ein_runtime::TensorRef;
use std::path::Path;

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SECRET_KEY: &str = "secret.key";
pub(crate) const PUBLIC_KEY: &str = "public.key";
/// What is computed in the clear, if there is something.
pub(crate) const CLEAR: &str = "clear.tir";
pub(crate) const EVALUATION_KEYS: &str = "evaluation.keys";

/// The engine that the manifest of a folder describes.
pub(crate) fn engine(folder: &Path) -> Result<Engine, Failure> {
    let bytes = read(&folder.join(MANIFEST))?;
    let malformed = || Diagnostic::error(931, "he-malformed", "not a manifest: it is no text").help("transfer or make the file again");
    let text = String::from_utf8(bytes).map_err(|_| ein::Error::from(malformed()))?;
    Ok(Engine::from_manifest(&text).map_err(ein::Error::from)?)
}

/// An engine with as many threads as were asked for.
pub(crate) fn with_threads(engine: Engine, option: &ThreadsOption) -> Engine {
    match option.threads {
        Some(threads) => engine.with_threads(threads as usize),
        None => engine,
    }
}

/// What the program of a folder computes in the clear, if anything: what the manifest was made with, and nothing else.
pub(crate) fn clear(folder: &Path, engine: &Engine) -> Result<Option<Function>, Failure> {
    let Some(wanted) = &engine.options().clear else { return Ok(None) };
    let path = folder.join(CLEAR);
    if !path.exists() {
        return Err(ein::Error::from(other_clear(false)).into());
    }
    let text = String::from_utf8(read(&path)?).map_err(|_| ein::Error::from(Diagnostic::error(931, "he-malformed", "no text")))?;
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

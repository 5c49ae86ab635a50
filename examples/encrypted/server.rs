//! Owns weights, and computes on what it cannot read: `server SHARED`.

use ein::encrypted::{Ciphertexts, Engine, EvaluationKeys, Numbers, read};
use ein::io;
use std::path::Path;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Runs the example.
pub fn main() -> Outcome {
    let shared = std::env::args().nth(1).ok_or("server SHARED")?;
    serve(shared.as_ref())
}

/// The server's weights, row by row.
pub fn weights() -> Vec<i64> {
    (0..8 * 32).map(|n| (n * 53 % 41) - 20).collect()
}

/// Answers one request.
pub fn serve(shared: &Path) -> Outcome {
    let engine = Engine::from_manifest(&std::fs::read_to_string(shared.join("manifest.json"))?)?;
    let keys = EvaluationKeys::from_bytes(&engine, &read(&engine, &shared.join("evaluation.keys"), engine.needs().evaluation_keys)?)?;
    let inputs = Ciphertexts::inputs_from_bytes(&engine, &read(&engine, &shared.join("inputs.ct"), engine.needs().inputs)?)?;
    let (results, _) = engine.run(&keys, &[Numbers::Integers(weights())], &inputs)?;
    Ok(io::save_bytes(&shared.join("results.ct"), &results.to_bytes(&engine))?)
}

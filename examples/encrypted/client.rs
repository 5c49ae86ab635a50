//! Owns numbers and the secret key: `client ask OWN SHARED` encrypts, `client read OWN SHARED` decrypts what the server made of it.

use ein::encrypted::{Ciphertexts, Engine, Numbers, Options, SecretKey, read, rng, save_secret};
use ein::packed::PackOptions;
use ein::{Compiler, io};
use std::path::Path;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const SCORE: &str = include_str!("score.ein");

/// Runs the example.
pub fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ask", own, shared] => ask(own.as_ref(), shared.as_ref()),
        ["read", own, shared] => {
            let scores = read_scores(own.as_ref(), shared.as_ref())?;
            Ok(std::io::Write::write_all(&mut std::io::stdout(), format!("{scores:?}\n").as_bytes())?)
        }
        _ => Err("client ask OWN SHARED, or client read OWN SHARED".into()),
    }
}

/// The client's numbers.
pub fn secret() -> Vec<i64> {
    (0..32).map(|n| (n * 37 % 101) - 50).collect()
}

/// Makes keys, encrypts, and leaves for the server what it needs.
pub fn ask(own: &Path, shared: &Path) -> Outcome {
    let options = PackOptions { slots: 4096, ..PackOptions::default() };
    let program = Compiler::new().compile(SCORE)?.main_def()?.packed(&[("O", 8), ("D", 32)], &options)?;
    let bounds = [("w".to_owned(), 20.0), ("x".to_owned(), 50.0)].into();
    let engine = Engine::new(program, Options { bounds, ..Options::default() })?;
    let keys = engine.keygen(&mut rng())?;
    let inputs = engine.encrypt(&keys.public, &[Numbers::Integers(secret())], &mut rng())?;

    std::fs::create_dir_all(own)?;
    std::fs::create_dir_all(shared)?;
    save_secret(&own.join("secret.key"), &keys.secret.to_bytes(&engine))?;
    io::save_text(&own.join("manifest.json"), &engine.manifest())?;
    io::save_text(&shared.join("manifest.json"), &engine.manifest())?;
    io::save_bytes(&shared.join("evaluation.keys"), &keys.evaluation.to_bytes(&engine)?)?;
    io::save_bytes(&shared.join("inputs.ct"), &inputs.to_bytes(&engine))?;
    Ok(())
}

/// Decrypts the scores.
pub fn read_scores(own: &Path, shared: &Path) -> Result<Vec<i64>, Box<dyn std::error::Error>> {
    // The client's own manifest: that of the server may say anything.
    let engine = Engine::from_manifest(&std::fs::read_to_string(own.join("manifest.json"))?)?;
    let key = SecretKey::from_bytes(&engine, &read(&engine, &own.join("secret.key"), engine.needs().secret_key)?)?;
    let results = Ciphertexts::outputs_from_bytes(&engine, &read(&engine, &shared.join("results.ct"), engine.needs().outputs)?)?;
    match &engine.decrypt(&key, &results)?[0] {
        Numbers::Integers(scores) => Ok(scores.clone()),
        Numbers::Reals(_) => Err("the scores are integers".into()),
    }
}

//! `ein he decrypt`: results, for the owner of the secret key.

use crate::cli::he::folder;
use crate::cli::{Failure, input, say};
use clap::Args;
use ein::encrypted::{Ciphertexts, SecretKey, read, tensor};
use ein_runtime::io;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Decrypt the results of a program
///
/// They are as secret as what they were computed from: files that are new are for their owner alone to read.
#[derive(Args)]
#[command(after_help = "Example:
  ein he decrypt --keys mine results.ct --out-dir out")]
pub(crate) struct Decrypt {
    /// The folder with manifest.json and secret.key
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The ciphertexts of the results
    results: PathBuf,
    /// Folder for the results, each as NAME.npy; or one archive FILE.npz or FILE.safetensors
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    #[command(flatten)]
    resources: folder::Resources,
}

impl Decrypt {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let engine = self.resources.limit(folder::engine(&self.keys)?);
        let key = Zeroizing::new(read(&engine, &self.keys.join(folder::SECRET_KEY), engine.needs().secret_key)?);
        let key = SecretKey::from_bytes(&engine, &key).map_err(ein::Error::from)?;
        let results = read(&engine, &self.results, engine.needs().outputs)?;
        let results = Ciphertexts::outputs_from_bytes(&engine, &results).map_err(ein::Error::from)?;
        let numbers = engine.decrypt(&key, &results).map_err(ein::Error::from)?;
        let outputs = engine.program().outputs.iter().zip(&numbers);
        let tensors = outputs.map(|(output, numbers)| Ok((output.name.as_str(), tensor(numbers, output.dtype, &output.layout.shape)?)));
        let tensors = tensors.collect::<Result<Vec<_>, ein::Error>>()?;
        let written = io::for_owner_only(|| input::save_all(tensors.iter().map(|(name, tensor)| (*name, tensor)), &self.out_dir))?;
        for path in written {
            say(&format!("wrote {}\n", path.display()));
        }
        say(&folder::in_the_clear(&engine));
        Ok(())
    }
}

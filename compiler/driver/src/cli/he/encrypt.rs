//! `ein he encrypt`: inputs under a public key.

use crate::cli::he::folder;
use crate::cli::input::{self, Assignment};
use crate::cli::{Failure, say};
use clap::Args;
use ein::encrypted::{PublicKey, read, rng};
use ein_runtime::io;
use std::path::PathBuf;

/// Encrypt the secret inputs of a program
#[derive(Args)]
#[command(after_help = "Example:
  ein he encrypt --keys mine --in x=x.npy -o inputs.ct")]
pub(crate) struct Encrypt {
    /// The folder with manifest.json and public.key
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// A secret input: x.npy, a.npz:key, or model.safetensors:name
    #[arg(long = "in", value_name = "NAME=FILE", value_parser = input::assignment)]
    inputs: Vec<Assignment>,
    /// Where the ciphertexts go
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    resources: folder::Resources,
}

impl Encrypt {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let engine = self.resources.limit(folder::engine(&self.keys)?);
        let key = read(&engine, &self.keys.join(folder::PUBLIC_KEY), engine.needs().public_key)?;
        let key = PublicKey::from_bytes(&engine, &key).map_err(ein::Error::from)?;
        let wanted: Vec<_> = engine.program().inputs.values().map(|x| (x.name.as_str(), x.dtype, x.layout.shape.as_slice())).collect();
        let loaded = input::load_all(&self.inputs, &|_| None)?;
        let operands = folder::operands(&wanted, &input::views(&loaded))?;
        let ciphertexts = engine.encrypt(&key, &operands, &mut rng()).map_err(ein::Error::from)?;
        io::save_bytes(&self.out, &ciphertexts.to_bytes(&engine))?;
        say(&format!("wrote {ciphertexts:?} to {}\n", self.out.display()));
        Ok(())
    }
}

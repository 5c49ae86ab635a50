//! `ein he keygen`: keys for one program.

use crate::cli::he::engine::{Made, NumberOptions, describe};
use crate::cli::he::folder;
use crate::cli::he::plan::ProgramOptions;
use crate::cli::{Failure, say};
use clap::Args;
use ein::encrypted::{Engine, WriteError, rng, save_secret};
use ein_runtime::io;
use std::path::{Path, PathBuf};

/// Make keys for a program: to encrypt its inputs, to run it, and to decrypt its results
///
/// The folder then has secret.key, which stays with the owner of the inputs; public.key, which encrypts; and manifest.json and
/// evaluation.keys, which whoever runs the program needs. So is clear.tir, if public tensors are computed before the program starts.
///
/// Without --costs the program is planned twice, by what operations cost in BFV and in CKKS, and the plan that is lighter in the ring of its keys is
/// taken. It is in the manifest, for both sides.
#[derive(Args)]
#[command(after_help = "Examples:
  ein he keygen score.ein --size D=256 --slots 4096 --bound x=100 --bound w=50 --keys mine
  ein he keygen --einsum 'ij,j->i' --shape A=64x64:i64 --shape B=64:i64 --secret B --bound A=9 --bound B=9 --keys mine")]
pub(crate) struct Keygen {
    #[command(flatten)]
    program: ProgramOptions,
    #[command(flatten)]
    numbers: NumberOptions,
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
        let made = self.numbers.engine(&self.program, self.insecure_toy)?;
        let made = Made { engine: self.resources.limit(made.engine), ..made };
        made.engine.check_keygen_memory().map_err(ein::Error::from)?;
        self.make(&made.engine, made.clear.as_deref())?;
        say(&describe(&made));
        say(&folder::in_the_clear(&made.engine));
        Ok(())
    }

    /// Makes and writes all files, the keys of the evaluation as they are made. Where one of them cannot be written, there is no secret key.
    fn make(&self, engine: &Engine, clear: Option<&str>) -> Result<(), Failure> {
        let secret = self.keys.join(folder::SECRET_KEY);
        if secret.exists() {
            // As the attempt to write it would find, after all the work.
            return Err(unwritable(&secret, &std::io::Error::from(std::io::ErrorKind::AlreadyExists)));
        }
        std::fs::create_dir_all(&self.keys).map_err(|e| unwritable(&self.keys, &e))?;
        let evaluation = self.keys.join(folder::EVALUATION_KEYS);
        let mut is_there = false;
        let made = io::save_through(&evaluation, |file| {
            let keys = engine.keygen_into(&mut rng(), file).map_err(|e| match e {
                WriteError::Refused(diagnostic) => ein::Error::from(diagnostic).into(),
                WriteError::Output(e) => unwritable(&evaluation, &e),
            })?;
            let (public, manifest) = (keys.1.to_bytes(engine), engine.manifest());
            let files = [(folder::PUBLIC_KEY, public.as_slice()), (folder::MANIFEST, manifest.as_bytes())];
            let files = files.into_iter().chain(clear.map(|clear| (folder::CLEAR, clear.as_bytes())));
            let paths: Vec<(PathBuf, &[u8])> = files.map(|(name, bytes)| (self.keys.join(name), bytes)).collect();
            let files: Vec<(&Path, &[u8])> = paths.iter().map(|(path, bytes)| (path.as_path(), *bytes)).collect();
            // Before any other file is replaced, because it is the one that never is.
            io::save_together(&files, || {
                save_secret(&secret, &keys.0.to_bytes(engine))?;
                is_there = true;
                Ok(())
            })
        });
        if made.is_err() && is_there {
            // It would be in the way of the next attempt, and there is nothing that it decrypts.
            let _ = std::fs::remove_file(&secret);
        }
        made
    }
}

fn unwritable(path: &Path, e: &std::io::Error) -> Failure {
    ein_runtime::Error::CannotWrite { path: path.to_owned(), reason: io::describe(e) }.into()
}

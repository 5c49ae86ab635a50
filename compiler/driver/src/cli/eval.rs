//! `ein eval`: one equation on files.

use crate::cli::input::{self, Assignment};
use crate::cli::timing::Timing;
use crate::cli::{CodeOptions, Failure, run};
use clap::Args;
use std::path::PathBuf;
use std::time::Instant;

/// Evaluate one equation; dims and dtypes are taken from the files
#[derive(Args)]
#[command(after_help = "Examples:
  ein eval 'C[i,k] = A[i,j] * B[j,k]' A=a.npy B=b.npy -o C=c.npy
  ein eval 'd = max[i](abs(A[i] - B[i]))' A=a.npy B=b.npy")]
pub(crate) struct Eval {
    /// The equation
    #[arg(allow_hyphen_values = true)]
    equation: String,
    /// Its operands: x.npy, a.npz:key, or model.safetensors:name
    #[arg(value_name = "NAME=FILE", value_parser = input::assignment)]
    inputs: Vec<Assignment>,
    /// Where to write the result [default: print it]
    #[arg(short, long, value_name = "[NAME=]FILE")]
    out: Option<String>,
    #[command(flatten)]
    code: CodeOptions,
    #[command(flatten)]
    timing: Timing,
}

impl Eval {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let inputs = input::load_all(&self.inputs, &|_| None)?;
        let views = input::views(&inputs);
        let begin = Instant::now();
        let function = self.code.compiler()?.compile_equation(&self.equation, &views)?;
        let result = function.outputs()[0];
        let target = self.target(result)?;
        let (bound, views) = run::bind(&function, &views, &[], &[])?;
        let outputs = self.timing.run(&bound, &views, begin.elapsed())?;
        let tensor = outputs.into_tensors().swap_remove(0);
        crate::cli::einsum::deliver(result, &tensor, target.as_deref())
    }

    /// The file of `-o`: `C=c.npy` must name the result, `c.npy` need not.
    fn target(&self, result: &str) -> Result<Option<PathBuf>, Failure> {
        match self.out.as_deref().map(|o| o.split_once('=').map_or((None, o), |(n, f)| (Some(n), f))) {
            None => Ok(None),
            Some((Some(name), _)) if name != result => {
                Err(Failure::Usage(format!("-o names `{name}` but the equation defines `{result}`")))
            }
            Some((_, file)) => Ok(Some(PathBuf::from(file))),
        }
    }
}

//! What the two sides share besides keys: the program, the options, and what follows from them, as JSON.

use crate::scheme::Engine;
use crate::{Options, Parameters, error};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::{PublicSource, parse, print, verify};
use serde::{Deserialize, Serialize};

/// Raised when keys and ciphertexts of before can no longer be used.
const VERSION: u32 = 4;

/// Everything but `program` and `options` is there to be read by people and other programs, and must be what these give.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: u32,
    scheme: String,
    program: String,
    options: Options,
    parameters: Parameters,
    /// Of the ciphertexts, for each plaintext modulus.
    moduli: Vec<Vec<u64>>,
    rotations: Vec<u32>,
    relinearises: bool,
    inputs: Vec<Tensor>,
    publics: Vec<Tensor>,
    outputs: Vec<Tensor>,
    fingerprint: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tensor {
    name: String,
    dtype: String,
    shape: Vec<u64>,
    /// How its elements are packed; tensors in the clear are given as they are.
    layout: Option<String>,
    /// No element of a result is larger.
    magnitude: Option<f64>,
    /// No element of a result is farther from that of the exact program: what rounding of the operands adds, and what polynomials in the place of
    /// functions do. `null` where nothing bounds that.
    error: Option<f64>,
    /// What rounding of the operands adds to `error`.
    rounding: Option<f64>,
}

impl Engine {
    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.describe()).expect("names and numbers are JSON");
        text.push('\n');
        text
    }

    /// Makes the engine of a manifest.
    ///
    /// # Errors
    /// The text is no manifest, or does not agree with itself.
    pub fn from_manifest(text: &str) -> Result<Self, Diagnostic> {
        let malformed = |reason: &str| error::malformed("a manifest", reason);
        let manifest: Manifest = serde_json::from_str(text).map_err(|e| malformed(&e.to_string()))?;
        if manifest.version != VERSION {
            return Err(malformed(&format!("it has version {}, not {VERSION}", manifest.version)));
        }
        let program = parse::parse(&manifest.program).map_err(|e| malformed(&format!("its program: {e}")))?;
        let program = verify::verify(program).map_err(|errors| malformed(&format!("its program: {}", errors[0])))?;
        let engine = Self::new(program, manifest.options.clone())?;
        if engine.describe() == manifest { Ok(engine) } else { Err(malformed("its parts contradict each other")) }
    }

    fn describe(&self) -> Manifest {
        let needs = self.key_needs();
        let program = self.program();
        let given = program.publics.values().filter(|public| public.source == PublicSource::Given);
        Manifest {
            version: VERSION,
            scheme: "bfv".to_owned(),
            program: print::print(program),
            options: self.options().clone(),
            parameters: self.parameters().clone(),
            moduli: vec![self.parameters().moduli(); self.n_rings()],
            rotations: needs.rotations.into_iter().collect(),
            relinearises: needs.relin,
            inputs: program.inputs.values().map(|x| tensor(&x.name, x.dtype.name(), &x.layout.shape, Some(x.layout.to_string()))).collect(),
            publics: given.map(|x| tensor(&x.name, x.dtype.name(), &x.shape, None)).collect(),
            outputs: (program.outputs.iter().zip(self.bounds()).enumerate())
                .map(|(n, (x, bound))| Tensor {
                    magnitude: Some(bound.magnitude),
                    error: self.error(n),
                    rounding: Some(bound.error),
                    ..tensor(&x.name, x.dtype.name(), &x.layout.shape, Some(x.layout.to_string()))
                })
                .collect(),
            fingerprint: self.fingerprint().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

fn tensor(name: &str, dtype: &str, shape: &[u64], layout: Option<String>) -> Tensor {
    Tensor { name: name.to_owned(), dtype: dtype.to_owned(), shape: shape.to_vec(), layout, magnitude: None, error: None, rounding: None }
}

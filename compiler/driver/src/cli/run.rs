//! `ein run`: a program on files.

use crate::cli::he::packing::PackingOptions;
use crate::cli::input::{self, Assignment};
use crate::cli::subject::definition;
use crate::cli::timing::Timing;
use crate::cli::{CodeOptions, Failure, say};
use clap::{Args, ValueEnum};
use ein::packed::{Levels, PackOptions, at_most, suppositions};
use ein::simulated::{Noisy, Outside};
use ein::{DType, Diagnostic, Tensor};
use ein::{Function, Outputs, TensorRef};
use ein_runtime::io::Loaded;
use half::{bf16, f16};
use std::path::PathBuf;
use std::time::Instant;

/// Run a program on .npy, .npz and .safetensors files
#[derive(Args)]
#[command(after_help = "Examples:
  ein run conv2d.ein --in x=photo.npy --in w=filter.npy --size p=1 --out-dir out
  ein run model.ein --def encode --in w=model.safetensors:layer.weight --in x=x.npz:batch --out-dir out.npz")]
pub(crate) struct Run {
    /// The program
    file: PathBuf,
    /// Which definition to run [default: the last one]
    #[arg(long, value_name = "NAME")]
    def: Option<String>,
    /// An input: x.npy, a.npz:key, or model.safetensors:name
    #[arg(long = "in", value_name = "NAME=FILE", value_parser = input::assignment)]
    inputs: Vec<Assignment>,
    /// An input that may be inspected and packed once, before the calls
    #[arg(long = "const", value_name = "NAME=FILE", value_parser = input::assignment)]
    constants: Vec<Assignment>,
    /// A dim or an integer generic; B=2x3 for a row `..B` of axes, ..B=2 for its number
    #[arg(long = "size", value_name = "NAME=N", value_parser = input::size)]
    sizes: Vec<input::Size>,
    /// Folder for the results, each as NAME.npy; or one archive FILE.npz or FILE.safetensors
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// One archive for all results: FILE.npz or FILE.safetensors
    #[arg(long, value_name = "FILE", conflicts_with = "out_dir", value_parser = input::archive_path)]
    out: Option<PathBuf>,
    /// What carries the program out: cpu; he, ciphertexts simulated slot by slot; or tfhe, a circuit over encrypted integers, simulated
    #[arg(long, value_enum, value_name = "TARGET", default_value_t = Target::Cpu)]
    target: Target,
    // For the target he.
    #[command(flatten)]
    packing: PackingOptions,
    /// Allow more levels than secure parameters have, for the target he in tests
    #[arg(long)]
    insecure_toy: bool,
    /// Draw the noise of ciphertexts of reals from a seed, for the target he: each result is then off as an encrypted one would be
    #[arg(long, value_name = "SEED")]
    draw_noise: Option<u64>,
    #[command(flatten)]
    code: CodeOptions,
    #[command(flatten)]
    timing: Timing,
}

/// What slots give.
struct Simulated {
    /// By name.
    results: Vec<(String, Tensor)>,
    /// What a scheme needs for them, if its noise is in them.
    levels: Option<Levels>,
    /// Operands for which bounds do not hold.
    outside: Vec<Outside>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    Cpu,
    He,
    Tfhe,
}

impl Run {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        if self.target != Target::He && (self.packing.are_given() || self.packing.costs().is_some()) {
            return Err(Failure::Usage(format!("{} and --costs are for --target he", PackingOptions::NAMES)));
        }
        let of_he = [("--insecure-toy", self.insecure_toy), ("--draw-noise", self.draw_noise.is_some())];
        if self.target != Target::He
            && let Some((option, _)) = of_he.into_iter().find(|(_, is_given)| *is_given)
        {
            return Err(Failure::Usage(format!("{option} is for --target he")));
        }
        let packing = PackOptions { insecure: self.insecure_toy, ..self.packing.options()? };
        packing.check()?;
        let begin = Instant::now();
        let program = self.code.compiler()?.compile_file(&self.file)?;
        let function = definition(&program, self.def.as_deref())?;
        let compile = begin.elapsed();
        let dtype_of = |name: &str| function.input_dtype(name);
        let inputs = input::load_all(&self.inputs, &dtype_of)?;
        let constants = input::load_all(&self.constants, &dtype_of)?;
        let begin = Instant::now();
        let (bound, views) = bind(&function, &input::views(&inputs), &input::views(&constants), &input::sizes(&self.sizes))?;
        let compile = compile + begin.elapsed();
        if self.target == Target::He {
            // What ciphertexts cannot do is told before the program runs in the clear.
            let simulated = self.simulated(&function, &inputs, &constants, &packing)?;
            return self.compared(&simulated, &self.timing.run(&bound, &views, compile)?);
        }
        let outputs = self.timing.run(&bound, &views, compile)?;
        match self.target {
            Target::Cpu | Target::He => self.save(outputs.iter()),
            Target::Tfhe => self.circuit(&function, &inputs, &constants, &outputs),
        }
    }

    fn save<'t>(&self, results: impl Iterator<Item = (&'t str, &'t Tensor)>) -> Result<(), Failure> {
        let Some(target) = self.out_dir.as_ref().or(self.out.as_ref()) else { return Ok(()) };
        for path in input::save_all(results, target)? {
            say(&format!("wrote {}\n", path.display()));
        }
        Ok(())
    }
}

impl Run {
    /// The same on slots.
    fn simulated(
        &self,
        function: &Function,
        inputs: &[(String, Loaded)],
        constants: &[(String, Loaded)],
        packing: &PackOptions,
    ) -> Result<Simulated, Failure> {
        let views: Vec<(&str, TensorRef<'_>)> = input::views(inputs).into_iter().chain(input::views(constants)).collect();
        let Some(seed) = self.draw_noise else {
            let (packed, results) = function.simulate(&views, &input::sizes(&self.sizes), packing)?;
            say(&format!("{}\n", packed.counts()));
            return Ok(Simulated { results, levels: None, outside: Vec::new() });
        };
        let Noisy { planned, results, outside } = function.simulate_with_noise(&views, &input::sizes(&self.sizes), packing, seed)?;
        if planned.levels.is_none() {
            return Err(Failure::Usage("--draw-noise is for programs of reals; integers have none".to_owned()));
        }
        say(&format!("{}\n", planned.program.counts()));
        Ok(Simulated { results, levels: planned.levels, outside })
    }

    /// Compares what slots give with what the program gives in the clear, and writes it.
    fn compared(&self, simulated: &Simulated, clear: &Outputs) -> Result<(), Failure> {
        for (name, result) in &simulated.results {
            let Some(clear) = clear.get(name) else { continue };
            if !result.dtype().is_float() && clear.as_bytes() != result.as_bytes() {
                let message = format!("`{name}` of the plan is not what the program gives in the clear");
                return Err(ein::Error::from(Diagnostic::error(199, "internal", message)).into());
            }
            // Reals have no noise in slots unless it is drawn, and are not rounded on the way.
            let rest = match (result.dtype().is_float(), &simulated.levels) {
                (false, _) => String::new(),
                (true, None) => ", which rounds to its types; ciphertexts add their noise".to_owned(),
                (true, Some(levels)) => {
                    format!(", which rounds to its types; noise is drawn, {}", bound_of(name, levels, &simulated.outside))
                }
            };
            let Difference { largest, not_finite, n } = difference(name, clear, result)?;
            let of_the_others = match not_finite {
                0 => String::new(),
                _ => format!("{not_finite} of {n} elements are no finite numbers, which no ciphertext holds; the others "),
            };
            say(&format!("{name}: {of_the_others}within {largest:.3e} of the program in the clear{rest}\n"));
        }
        if let Some(errors) = simulated.levels.as_ref().and_then(|levels| levels.errors.as_ref()) {
            say(&suppositions(errors));
        }
        self.save_all(&simulated.results, clear)
    }

    /// Writes what ciphertexts give, and what is public besides.
    fn save_all(&self, results: &[(String, Tensor)], clear: &Outputs) -> Result<(), Failure> {
        let found = |name: &str| results.iter().find(|(given, _)| given == name).map(|(_, tensor)| tensor);
        for (name, _) in clear.iter().filter(|(name, _)| found(name).is_none()) {
            say(&format!("{name}: computed in the clear\n"));
        }
        self.save(clear.iter().map(|(name, tensor)| (name, found(name).unwrap_or(tensor))))
    }

    /// The same by a circuit over integers; what it gives is written, and is what the program gives in the clear.
    fn circuit(
        &self,
        function: &Function,
        inputs: &[(String, Loaded)],
        constants: &[(String, Loaded)],
        clear: &Outputs,
    ) -> Result<(), Failure> {
        let views: Vec<(&str, TensorRef<'_>)> = input::views(inputs).into_iter().chain(input::views(constants)).collect();
        let (circuit, results) = function.simulate_circuit(&views, &input::sizes(&self.sizes))?;
        say(&format!("{}\n", circuit.summary()));
        for (name, result) in &results {
            if clear.get(name).is_none_or(|clear| clear.as_bytes() != result.as_bytes()) {
                let message = format!("`{name}` of the circuit is not what the program gives in the clear");
                return Err(ein::Error::from(Diagnostic::error(199, "internal", message)).into());
            }
            say(&format!("{name}: equal to the program in the clear\n"));
        }
        self.save_all(&results, clear)
    }
}

/// What the plan says of a result, and what that supposes of operands.
fn bound_of(name: &str, levels: &Levels, outside: &[Outside]) -> String {
    let found = levels.errors.as_ref().and_then(|errors| errors.results.iter().find(|result| result.name == name));
    let Some(bound) = found.map(|found| found.bound).filter(|bound| bound.is_finite()) else { return "which nothing bounds".to_owned() };
    let assumed = levels.errors.as_ref().map(|errors| errors.assumed.join(", ")).filter(|names| !names.is_empty());
    let supposed = assumed.map_or(String::new(), |names| format!(" if all elements are in -1..1 of {names}"));
    let unmet: Vec<String> = outside.iter().map(Outside::remedy).collect();
    let unmet = if unmet.is_empty() { String::new() } else { format!(", which they are not: {}", unmet.join("; ")) };
    format!("at most {} from the exact program{supposed}{unmet}", at_most(bound))
}

/// How two results of one type and shape differ.
struct Difference {
    /// Of those elements that are finite in both.
    largest: f64,
    /// How many are the same infinity, or no number, in both.
    not_finite: usize,
    /// How many there are.
    n: usize,
}

/// How what slots give differs from what the program gives in the clear.
///
/// # Errors
/// E0934: an element is finite in one of them only.
fn difference(name: &str, clear: &Tensor, result: &Tensor) -> Result<Difference, Failure> {
    let (Some(x), Some(y)) = (reals(clear), reals(result)) else { return Ok(Difference { largest: 0.0, not_finite: 0, n: 0 }) };
    let mut found = Difference { largest: 0.0, not_finite: 0, n: x.len() };
    for (n, (x, y)) in x.into_iter().zip(y).enumerate() {
        if x.is_finite() && y.is_finite() {
            found.largest = found.largest.max((x - y).abs());
        } else if x == y || (x.is_nan() && y.is_nan()) {
            found.not_finite += 1;
        } else {
            let message = format!("element {n} of `{name}` is {x} in the clear and {y} in slots, and a ciphertext holds finite numbers");
            let found = Diagnostic::error(934, "he-operands", message);
            return Err(ein::Error::from(found.help("inputs in smaller ranges, or f64 for what becomes so large")).into());
        }
    }
    Ok(found)
}

/// The elements of a tensor of reals.
fn reals(tensor: &Tensor) -> Option<Vec<f64>> {
    match tensor.dtype() {
        DType::F16 => tensor.as_slice::<f16>().map(|x| x.iter().map(|x| x.to_f64()).collect()).ok(),
        DType::BF16 => tensor.as_slice::<bf16>().map(|x| x.iter().map(|x| x.to_f64()).collect()).ok(),
        DType::F32 => tensor.as_slice::<f32>().map(|x| x.iter().map(|&x| f64::from(x)).collect()).ok(),
        DType::F64 => tensor.as_slice::<f64>().map(<[f64]>::to_vec).ok(),
        _ => None,
    }
}

/// Binds a function to loaded arrays; gives the code and its inputs in order.
pub(crate) fn bind<'a>(
    function: &Function,
    inputs: &[(&str, TensorRef<'a>)],
    constants: &[(&str, TensorRef<'a>)],
    sizes: &[(String, i64)],
) -> Result<(ein::Bound, Vec<TensorRef<'a>>), Failure> {
    let mut binder = function.bind();
    for (name, value) in sizes {
        binder = binder.size(name, *value);
    }
    for (name, view) in constants {
        if inputs.iter().any(|(n, _)| n == name) {
            return Err(Failure::Usage(format!("`{name}` is given by both --in and --const")));
        }
        binder = binder.constant(name, view.clone())?;
    }
    for (name, view) in inputs {
        binder = binder.input(name, view)?;
    }
    // After the names that were given, so that a misspelt one is named rather than the one that it was meant for.
    let is_given = |name: &str| inputs.iter().chain(constants).any(|(n, _)| *n == name);
    if let Some(missing) = function.inputs().into_iter().find(|name| !is_given(name)) {
        return Err(ein_runtime::Error::MissingInput { name: missing.to_owned() }.into());
    }
    let bound = binder.build()?;
    let views = bound.inputs().iter().filter_map(|name| inputs.iter().find(|(n, _)| n == name)).map(|(_, v)| v.clone()).collect();
    Ok((bound, views))
}

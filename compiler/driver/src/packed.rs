//! Programs over ciphertexts: from a function to a packed program.

use crate::error::Error;
use crate::function::Function;
use crate::pipeline::{self, Packing};
use crate::simulated::{Numbers, Slot, finite};
use ein_he::interchange::{self, Beside, Elements};
use ein_he::levels::path::describe;
use ein_he::levels::without_an_end;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::near::nearest_first;
use ein_ir::packed::Packed;
use ein_ir::tensor::secrecy::Secrets;
use ein_ir::tensor::{Module, verify::verify};
use ein_ir::verified::Verified;
use ein_runtime::{Tensor, TensorRef};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::costs::read_costs;
pub use ein_he::levels::{Available, Errors, Levels, OutputError, Parameters, Refreshed, Step, at_most};
pub use ein_he::{Contract, Costs, Objective};

/// A packed program that its verifier has passed.
pub type VerifiedPacked = Verified<Packed>;

/// The elements of what is computed in the clear from no operand.
fn constants(clear: &Function) -> Result<BTreeMap<String, Elements>, Error> {
    let found = interchange::constants(clear.module()).map_err(|refused| clear.located(refused))?;
    let Some(constants) = found else { return Ok(BTreeMap::new()) };
    let results = Function::new(constants, Arc::clone(clear.shared())).in_the_clear(&[])?;
    let elements = |(name, tensor): (&str, &Tensor)| {
        let tensor = TensorRef::from(tensor);
        if !tensor.dtype().is_float() {
            return Ok((name.to_owned(), Elements::Integers(i64::read(&tensor)?)));
        }
        let reals = f64::read(&tensor)?;
        finite(name, &reals, Numbers::Computed)?;
        Ok((name.to_owned(), Elements::Reals(reals)))
    };
    results.iter().map(elements).collect()
}

/// A packed program, and what it needs of a scheme.
pub struct Planned {
    /// Of reals, with its rescalings.
    pub program: VerifiedPacked,
    /// Levels and parameters, of reals: integers have none.
    pub levels: Option<Levels>,
    /// What is computed in the clear for it.
    pub clear: Option<Function>,
    /// Results that no secret goes into: they are computed in the clear, and no ciphertext has them.
    pub open: Vec<String>,
}

impl Planned {
    /// As one JSON object that other programs can replay.
    ///
    /// # Errors
    /// E0715: more numbers are computed in the clear from no operand than are written out.
    pub fn to_json(&self) -> Result<String, Error> {
        let clear = self.clear.as_ref();
        let constants = clear.map(constants).transpose()?.unwrap_or_default();
        let beside = Beside { clear: clear.map(Function::module), constants, levels: self.levels.as_ref(), open: &self.open };
        Ok(interchange::to_json(&self.program, &beside))
    }

    /// As MLIR for HEIR, which plans levels itself.
    #[must_use]
    pub fn to_mlir(&self) -> String {
        ein_he::heir::to_mlir(&self.program, self.clear.as_ref().map(|clear| &**clear.module()))
    }

    /// What it costs and needs and where its operands are, for people.
    #[must_use]
    pub fn summary(&self) -> String {
        summary(&self.program) + &in_the_clear(&self.open) + &self.levels.as_ref().map(in_words).unwrap_or_default()
    }
}

/// A line each of results that no ciphertext has.
pub(crate) fn in_the_clear(open: &[String]) -> String {
    open.iter().map(|name| format!("result {name}: computed in the clear, as no secret goes into it\n")).collect()
}

fn in_words(levels: &Levels) -> String {
    let Parameters { degree, scale_bits, log_qp, secure_bits, keys, key_bytes, .. } = &levels.parameters;
    let path = if levels.path.is_empty() { String::new() } else { format!(": {}", describe(&levels.path)) };
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let megabytes = *key_bytes as f64 / 1e6;
    let keys = if *keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") };
    let spare = match (levels.spare, levels.path.is_empty()) {
        (0, _) => String::new(),
        (spare, true) => format!(": {spare} for large numbers"),
        (spare, false) => format!(", and {spare} for large numbers"),
    };
    let boots: Vec<String> = levels.boots.iter().map(refreshed).collect();
    let (boots, own) = if boots.is_empty() {
        (String::new(), "")
    } else {
        (format!("bootstrapped: {}\n", boots.join(", ")), ", those of bootstrapping itself apart")
    };
    let head = format!(
        "levels {}{path}{spare}\n{boots}CKKS: degree {degree}, scale 2^{scale_bits}, moduli of {log_qp} bits ({secure_bits} are secure){own}, {keys}, {megabytes:.1} MB\n",
        levels.needed
    );
    let too_large = || "no bounds: the plan is too large for them\n".to_owned();
    head + &levels.errors.as_ref().map_or_else(too_large, bounds)
}

/// `y 2 to level 5, within 2^1`.
fn refreshed(Refreshed { name, boots, level, bits }: &Refreshed) -> String {
    format!("{name} {boots} to level {level}, within 2^{bits}")
}

/// By how much the results may be off, and what that supposes.
fn bounds(errors: &Errors) -> String {
    let mut text = String::new();
    for OutputError { name, bound, noise, approximation, rounding, magnitude, in_the_clear } in &errors.results {
        let [within, noise, approximation, rounding, largest] = [*bound, *noise, *approximation, *rounding, *magnitude].map(at_most);
        // A worst case that is larger than the numbers themselves says nothing.
        let says_something = *in_the_clear == 0.0 || in_the_clear < magnitude;
        let in_the_clear = at_most(if says_something { bound + in_the_clear } else { f64::INFINITY });
        text += &if bound.is_finite() && *bound > 0.0 && bound >= magnitude {
            format!(
                "result {name}: nothing useful bounds its error: it may be off by {within} (noise {noise}, approximation {approximation}, \
                 rounding {rounding}), and its elements are no larger than {largest}\n"
            )
        } else if bound.is_finite() {
            let (and, of_run) = match &in_the_clear {
                same if *same == within => (" and of `ein run`", String::new()),
                unknown if unknown == "inf" => ("", ", nothing useful bounds what `ein run` rounds on its way".to_owned()),
                other => ("", format!(", {other} of `ein run`, which rounds on its way")),
            };
            format!(
                "result {name}: within {within} of the exact program{and} (noise {noise}, approximation {approximation}, \
                 rounding {rounding}){of_run}; elements up to {largest}\n"
            )
        } else {
            format!("result {name}: nothing bounds its error\n")
        };
    }
    if !errors.unbounded.is_empty() {
        let names = errors.unbounded.join(", ");
        text += &format!(
            "  nothing bounds the numbers of some slots that {names} is computed from, with an element or without: where one is beyond the moduli, \
             all slots are lost\n"
        );
    }
    for operand in &errors.endless {
        text += &format!("  {}: what is computed from it has a bound if both ends are numbers\n", without_an_end(operand));
    }
    // Where there are poles these are the reason.
    for (lo, hi) in errors.noisy.iter().filter(|_| errors.poles.is_empty() && errors.results.iter().any(|result| !result.bound.is_finite()))
    {
        text += &format!("  noise is no small part of a reciprocal on {lo}..{hi}: keep what it is of farther from 0\n");
    }
    for (lo, hi, off) in &errors.poles {
        text += &format!("  a reciprocal on {lo}..{hi} is of what may be off by {}, and so be 0: keep it farther from 0\n", at_most(*off));
    }
    if !errors.relative.is_empty() {
        let names = errors.relative.join(", ");
        text += &format!(
            "budgets in parts of a result choose polynomials, and noise is no part of it: the bounds above are what holds of {names}\n"
        );
    }
    if !errors.assumed.is_empty() {
        text += &format!("if all elements are in -1..1 of what no range is declared for: {}\n", errors.assumed.join(", "));
    }
    text + &suppositions(errors)
}

/// What bounds suppose of the arguments of functions, a line each.
#[must_use]
pub fn suppositions(errors: &Errors) -> String {
    let mut text = String::new();
    for (lo, hi) in &errors.taken {
        text += &format!("if all arguments of `approx` on {lo}..{hi} are in that range, which does not follow from declared ones\n");
    }
    for (at, near) in &errors.jumps {
        // Zero has no sign.
        let (at, near) = (at + 0.0, at_most(*near));
        text += &format!("if no argument of the function that jumps at {at} is within {near} of it, its error included\n");
    }
    text
}

/// What a packed program costs and where its operands are, for people.
#[must_use]
pub fn summary(program: &VerifiedPacked) -> String {
    let mut text = format!("{}\n", program.counts());
    for input in program.inputs.values() {
        text += &format!("input {}: {}, {}\n", input.name, ciphertexts(input.layout.n_chunks()), input.layout);
    }
    for output in &program.outputs {
        text += &format!("result {}: {}, {}\n", output.name, ciphertexts(output.layout.n_chunks()), output.layout);
    }
    text
}

fn ciphertexts(n: u32) -> String {
    if n == 1 { "1 ciphertext".to_owned() } else { format!("{n} ciphertexts") }
}

/// A packed program for a scheme without levels.
pub struct Unleveled {
    /// What is done to ciphertexts.
    pub program: VerifiedPacked,
    /// What is computed in the clear for it.
    pub clear: Option<Function>,
    /// Results that no secret goes into.
    pub open: Vec<String>,
    read: ein_he::program::Program,
    makers: ein_he::Makers,
    function: Function,
}

impl Unleveled {
    /// By how much polynomials in the place of functions put each result off, of operands that are no larger than these bounds; nothing of a plan
    /// that is too large for that.
    #[must_use]
    pub fn polynomials(&self, bounds: &BTreeMap<String, f64>) -> Option<Vec<f64>> {
        ein_he::levels::approximations(&self.program, (&self.read, &self.makers), bounds)
    }

    /// Between which numbers each result lies, as far as that follows from what the program states.
    #[must_use]
    pub fn result_ranges(&self) -> Vec<Option<(f64, f64)>> {
        self.read.results.iter().map(|result| self.read.ranges.get(result).copied()).collect()
    }

    /// Whether results that are off by `rounding`, and by so much because of polynomials, are within what the program states.
    ///
    /// # Errors
    /// E0722.
    pub fn check(&self, rounding: &[f64], polynomials: Option<&[f64]>) -> Result<(), Error> {
        ein_he::levels::budget::check_rounded(&self.read, rounding, polynomials).map_err(|found| self.function.located(found))
    }
}

/// What a function is packed for.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// Numbers that a ciphertext holds: a power of two.
    pub slots: u32,
    /// What the layouts of inputs and results may be.
    pub contract: Contract,
    /// Most different rotations, each of which needs a key.
    pub key_budget: Option<usize>,
    /// What of a plan is to be small.
    pub objective: Objective,
    /// Inputs that are encrypted; those that the program calls `secret` if there are none here.
    pub secret: Vec<String>,
    /// Other names for the inputs, in order.
    pub names: Vec<String>,
    /// What operations cost.
    pub costs: Costs,
    /// Only the plan that has no choice: all operands of an equation at once in one joint space.
    pub one_shot: bool,
    /// Whether a plan of reals may need more levels than secure parameters have; for tests only.
    pub insecure: bool,
}

impl Default for PackOptions {
    /// 16384 slots, layouts free, inputs secret as the program says.
    fn default() -> Self {
        Self {
            slots: 16384,
            contract: Contract::Free,
            key_budget: None,
            objective: Objective::Latency,
            secret: Vec::new(),
            names: Vec::new(),
            costs: Costs::default(),
            one_shot: false,
            insecure: false,
        }
    }
}

impl PackOptions {
    /// Refuses a number of slots that no scheme has.
    ///
    /// # Errors
    /// E0719.
    pub fn check(&self) -> Result<(), Error> {
        if self.slots.is_power_of_two() && self.slots <= MAX_SLOTS {
            return Ok(());
        }
        let of_reals = MAX_SLOTS / 2;
        let message = format!("a ciphertext has a power of two of slots, at most {MAX_SLOTS}, {of_reals} of reals; {} is none", self.slots);
        Err(Diagnostic::error(719, "he-security", message).help("--slots 16384").into())
    }

    /// What the planner is told.
    pub(crate) fn planning(&self) -> ein_he::Options {
        ein_he::Options {
            contract: self.contract,
            log_slots: self.slots.ilog2(),
            key_budget: self.key_budget,
            objective: self.objective,
            costs: self.costs,
            one_shot: self.one_shot,
            insecure: self.insecure,
        }
    }
}

/// The results of a module that no ciphertext has.
pub(crate) fn open_results(module: &Module, packed: &Packed) -> Vec<String> {
    let is_open = |name: &&String| !packed.outputs.iter().any(|output| output.name == **name);
    module.results.iter().map(|result| &module.tensors[*result].name).filter(is_open).cloned().collect()
}

/// Most slots of a ciphertext.
pub const MAX_SLOTS: u32 = 1 << 16;

impl Function {
    /// The packed program of this function for given sizes.
    ///
    /// # Errors
    /// E0306 if a size is missing, E0190 and E07xx for what ciphertexts cannot do, E0719 for a number of slots that no scheme has.
    pub fn packed(&self, sizes: &[(&str, i64)], options: &PackOptions) -> Result<Verified<Packed>, Error> {
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        Ok(self.packed_for(&vec![None; self.inputs().len()], &given, options)?.packed)
    }

    /// What ciphertexts cannot do of this function for given sizes, however it is packed: nothing if a size is missing, or no input is secret.
    pub(crate) fn refused_for_ciphertexts(&self, sizes: &[(&str, i64)]) -> Vec<Diagnostic> {
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        let Ok(module) = self.with_secrets_for(&vec![None; self.inputs().len()], &given, &PackOptions::default()) else {
            return Vec::new();
        };
        if !module.params.iter().any(|param| module.tensors[*param].secret) {
            return Vec::new();
        }
        ein_he::read::read(&module).err().unwrap_or_default()
    }

    /// The packed program of this function for given sizes and a scheme without levels, and what it takes besides.
    ///
    /// # Errors
    /// As [`Function::packed`].
    pub fn packed_without_levels(&self, sizes: &[(&str, i64)], options: &PackOptions) -> Result<Unleveled, Error> {
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        let module = self.with_secrets_for(&vec![None; self.inputs().len()], &given, options)?;
        let (packing, read, makers) = pipeline::pack_with_makers(&module, options).map_err(|found| self.located(found))?;
        let clear = packing.clear.map(|clear| Function::new(clear, Arc::clone(self.shared())));
        let open = open_results(&module, &packing.packed);
        Ok(Unleveled { program: packing.packed, clear, open, read, makers, function: self.clone() })
    }

    /// The packed program for inputs of these shapes, where they are known, and given sizes.
    pub(crate) fn packed_for(&self, shapes: &[Option<&[usize]>], sizes: &[(String, i64)], options: &PackOptions) -> Result<Packing, Error> {
        let module = self.with_secrets_for(shapes, sizes, options)?;
        pipeline::pack(&module, options).map_err(|found| self.located(found))
    }

    /// As [`Function::packed_for`], of what secure parameters have the levels for; with the operands whose elements must be in -1..1 for what
    /// results state.
    pub(crate) fn secure_for(
        &self,
        shapes: &[Option<&[usize]>],
        sizes: &[(String, i64)],
        options: &PackOptions,
    ) -> Result<(Packing, Vec<String>), Error> {
        let module = self.with_secrets_for(shapes, sizes, options)?;
        pipeline::pack_secure(&module, options).map_err(|found| self.located(found))
    }

    /// The packed program of this function for given sizes; of reals in the levels that are `available`.
    ///
    /// # Errors
    /// As [`Function::packed`]; E0711 for more levels than are available, E0719 for more than secure parameters have.
    pub fn planned(&self, sizes: &[(&str, i64)], options: &PackOptions, available: Available) -> Result<Planned, Error> {
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        let module = self.with_secrets_for(&vec![None; self.inputs().len()], &given, options)?;
        let (packing, levels) = pipeline::pack_leveled(&module, options, available).map_err(|found| self.located(found))?;
        let clear = packing.clear.map(|clear| Function::new(clear, Arc::clone(self.shared())));
        let open = open_results(&module, &packing.packed);
        Ok(Planned { program: packing.packed, levels, clear, open })
    }

    /// The text of the packed program of this function for given sizes: that of [`Stage::He`](crate::Stage::He), packed otherwise.
    ///
    /// # Errors
    /// As [`Function::planned`].
    pub fn emit_packed(&self, sizes: &[(&str, i64)], options: &PackOptions) -> Result<String, Error> {
        Ok(ein_ir::packed::print::print(&self.planned(sizes, options, Available::default())?.program))
    }

    /// The module of this function for inputs of these shapes and given sizes, with what is secret.
    pub(crate) fn with_secrets_for(
        &self,
        shapes: &[Option<&[usize]>],
        sizes: &[(String, i64)],
        options: &PackOptions,
    ) -> Result<Verified<Module>, Error> {
        options.check()?;
        let module = self.literal(shapes, sizes)?;
        self.with_secrets(module.into_inner(), options)
    }

    pub(crate) fn with_secrets(&self, mut module: Module, options: &PackOptions) -> Result<Verified<Module>, Error> {
        let params = module.params.clone();
        for (&param, name) in params.iter().zip(&options.names) {
            module.tensors[param].name.clone_from(name);
        }
        for secret in &options.secret {
            let names = || params.iter().map(|&param| module.tensors[param].name.as_str());
            let Some(position) = names().position(|name| name == secret) else {
                let known = nearest_first(secret, names()).into_iter().map(str::to_owned).collect();
                return Err(ein_runtime::Error::UnknownInput { name: secret.clone(), known }.into());
            };
            module.tensors[params[position]].secret = true;
        }
        let secrets = Secrets::of(&module);
        module.tensors.iter_mut().filter(|(tensor, _)| secrets.is_secret(*tensor)).for_each(|(_, decl)| decl.secret = true);
        verify(module).map_err(|errors| {
            let internal =
                |e: &ein_ir::verified::VerifierError| Diagnostic::error(199, "internal", format!("a module with secrets is broken: {e}"));
            self.located(errors.iter().map(internal).collect())
        })
    }
}

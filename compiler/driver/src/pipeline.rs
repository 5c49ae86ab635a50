//! The one place that calls every stage, in order.
//!
//! `source → ast → tensor IR → specialised tensor IR → plan → kernel IR → machine code`

use crate::error::Source;
use crate::options::Options;
use crate::packed::PackOptions;
use ein_cranelift::{Compiled, Cpu, Cranelift, Target};
use ein_he::Makers;
use ein_he::explain::Explained;
use ein_he::levels::{Available, Levels, with_budgets_that_hold};
use ein_he::program::Program;
use ein_ir::circuit::Circuit;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{Dim, SecondaryMap};
use ein_ir::kernel::KernelModule;
use ein_ir::packed::Packed;
use ein_ir::plan::Plan;
use ein_ir::span::FileId;
use ein_ir::tensor::{self, Module};
use ein_ir::verified::Verified;
use ein_opt::{Minimize, Order};
use ein_syntax::CheckedProgram;
use ein_syntax::ast;
use ein_syntax::sources::{Loader, Sources};

/// Text to syntax tree.
///
/// # Errors
/// E01xx.
pub fn parse(source: &str) -> Result<ast::Program, Vec<Diagnostic>> {
    ein_syntax::parse::parse(source, FileId(0)).map(|parsed| parsed.program)
}

/// Text to syntax trees, of the files that it uses too; gives their texts in any case.
pub(crate) fn load(source: &Source, loader: &mut dyn Loader) -> (Vec<Source>, Result<Sources, Vec<Diagnostic>>) {
    ein_syntax::sources::load(source.clone(), loader)
}

/// Syntax trees to checked definitions, generic in sizes.
///
/// # Errors
/// E02xx to E05xx.
pub(crate) fn check(sources: Sources) -> Result<CheckedProgram, Vec<Diagnostic>> {
    ein_syntax::check_sources(sources)
}

/// The stages of one specialisation, each as the next one reads it.
pub struct Specialised {
    /// Tensor IR with literal sizes.
    pub module: Verified<Module>,
    /// What is computed in which order.
    pub plan: Verified<Plan>,
    /// Loops.
    pub kernels: Verified<KernelModule>,
}

/// What code depends on of an input, besides its shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct InputClass {
    /// Whether its strides are known only at the call.
    pub(crate) strided: bool,
    /// The type in which indices are given; `None` is the one that the module has.
    pub(crate) stored: Option<DType>,
}

/// Makes sizes literal, plans and lowers.
///
/// # Errors
/// Entry checks that fail (E03xx), what is beyond this version (E0190), limits (E08xx).
pub(crate) fn specialise(
    module: &Verified<Module>,
    sizes: &SecondaryMap<Dim, Option<i64>>,
    inputs: &[InputClass],
    options: &Options,
) -> Result<Specialised, Vec<Diagnostic>> {
    let dtypes: Vec<_> = inputs.iter().map(|i| i.stored).collect();
    let strided: Vec<bool> = inputs.iter().map(|i| i.strided).collect();
    let module = tensor::retype(module, &dtypes).map_err(|errors| {
        let internal = |e: &ein_ir::verified::VerifierError| Diagnostic::error(199, "internal", format!("a retyped module is broken: {e}"));
        errors.iter().map(internal).collect::<Vec<_>>()
    })?;
    let module = tensor::specialise(&module, sizes)?;
    let outside = tensor::approximations::check(&module);
    if !outside.is_empty() {
        return Err(outside);
    }
    let plan = ein_opt::plan(&module, &plan_options(&strided, options))?;
    let kernels = ein_lower::lower(&plan)?;
    Ok(Specialised { module, plan, kernels })
}

/// Makes sizes literal.
///
/// # Errors
/// Entry checks that fail (E03xx), limits (E08xx).
pub(crate) fn literal(module: &Verified<Module>, sizes: &SecondaryMap<Dim, Option<i64>>) -> Result<Verified<Module>, Vec<Diagnostic>> {
    tensor::specialise(module, sizes)
}

/// A program over ciphertexts.
pub(crate) struct Packing {
    /// What is done to ciphertexts.
    pub(crate) packed: Verified<Packed>,
    /// What is computed in the clear before, if there is anything.
    pub(crate) clear: Option<Verified<Module>>,
}

/// Tensor IR with literal sizes to a packed program.
///
/// # Errors
/// What ciphertexts cannot do (E07xx), what is beyond this version (E0190).
pub(crate) fn pack(module: &Verified<Module>, options: &PackOptions) -> Result<Packing, Vec<Diagnostic>> {
    let read = ein_he::reading(module, &options.planning())?;
    let packed = ein_he::plan(&read.program, &options.planning())?;
    Ok(Packing { packed, clear: read.clear })
}

/// As [`pack`]; with the program that was read, and which of its tensors each operation is for.
///
/// # Errors
/// As [`pack`].
pub(crate) fn pack_with_makers(module: &Verified<Module>, options: &PackOptions) -> Result<(Packing, Program, Makers), Vec<Diagnostic>> {
    let read = ein_he::reading(module, &options.planning())?;
    let (packed, makers) = ein_he::plan_with_makers(&read.program, &options.planning())?;
    Ok((Packing { packed, clear: read.clear }, read.program, makers))
}

/// The same, of what secure parameters have the levels for; with the operands whose elements must be in -1..1 for what results state.
///
/// # Errors
/// As [`pack`], E0719, E0722.
pub(crate) fn pack_secure(module: &Verified<Module>, options: &PackOptions) -> Result<(Packing, Vec<String>), Vec<Diagnostic>> {
    let read = ein_he::reading(module, &options.planning())?;
    let planned = ein_he::levels::plan_secure(&read.program, &options.planning());
    let (packed, assumed) =
        planned.map_err(|refused| with_budgets_that_hold(module, refused, &options.planning(), Available::default()))?;
    Ok((Packing { packed, clear: read.clear }, assumed))
}

/// The plan that [`pack_leveled`] makes, with how each tensor is made.
///
/// # Errors
/// As [`pack`].
pub(crate) fn explain_packed(module: &Verified<Module>, options: &PackOptions) -> Result<Explained, Vec<Diagnostic>> {
    let read = ein_he::reading(module, &options.planning())?;
    ein_he::explained(&read.program, &options.planning())
}

/// As [`pack`]; of a program of reals with its rescalings, in the levels that are `available`, and what a scheme needs for it.
///
/// # Errors
/// As [`pack`]; more levels than there are.
pub(crate) fn pack_leveled(
    module: &Verified<Module>,
    options: &PackOptions,
    available: Available,
) -> Result<(Packing, Option<Levels>), Vec<Diagnostic>> {
    let read = ein_he::reading(module, &options.planning())?;
    if !read.program.is_real() {
        return Ok((Packing { packed: ein_he::plan(&read.program, &options.planning())?, clear: read.clear }, None));
    }
    let reals = ein_he::levels::plan_reals(&read.program, &options.planning(), available);
    let reals = reals.map_err(|refused| with_budgets_that_hold(module, refused, &options.planning(), available))?;
    Ok((Packing { packed: reals.packed, clear: read.clear }, Some(reals.levels)))
}

/// How the plan of a circuit comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Orders and factors by the bootstraps that they are estimated to need.
    Bootstraps,
    /// Those with the fewest multiplications and additions.
    Flops,
    /// Products from left to right, as the text has them.
    Written,
    /// One loop nest an equation.
    OneShot,
}

impl Origin {
    /// Every origin; of circuits that cost the same, the first one is taken.
    pub const ALL: [Origin; 4] = [Origin::Bootstraps, Origin::Flops, Origin::Written, Origin::OneShot];

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Origin::Bootstraps => "fewest bootstraps",
            Origin::Flops => "fewest flops",
            Origin::Written => "as written",
            Origin::OneShot => "one-shot",
        }
    }

    /// Whether somebody who decides about orders leaves this one.
    fn is_allowed(self, options: &Options) -> bool {
        match self {
            Origin::OneShot => true,
            Origin::Written => options.opt_level > 0,
            Origin::Bootstraps | Origin::Flops => options.opt_level > 0 && options.order == Order::Auto,
        }
    }

    fn options(self, options: &Options) -> ein_opt::Options {
        let (minimize, order, opt_level) = match self {
            Origin::Bootstraps => (Minimize::Time, Order::Auto, options.opt_level),
            Origin::Flops => (Minimize::Flops, Order::Auto, options.opt_level),
            Origin::Written => (Minimize::Flops, Order::Written, options.opt_level),
            Origin::OneShot => (Minimize::Flops, Order::Auto, 0),
        };
        ein_opt::Options { memory_limit: None, target: "tfhe".to_owned(), minimize, order, opt_level, ..plan_options(&[], options) }
    }
}

/// A circuit, and where it comes from.
#[derive(Debug)]
pub struct CircuitOf {
    /// How its plan came about; more than one gave it where plans are equal.
    pub origins: Vec<Origin>,
    /// The circuit.
    pub circuit: Verified<Circuit>,
    /// Its steps.
    pub steps: Vec<ein_radix::Step>,
}

/// Tensor IR with literal sizes to circuits over integers: one for each plan that is another one, the best first. That is the one with the
/// fewest bootstraps, and among equal ones with the shortest critical path; both are counted, not estimated.
///
/// # Errors
/// What integers on ciphertexts cannot do (E07xx), what is beyond this version (E0190); a plan of which that is true is left out if another
/// one does.
pub(crate) fn circuits(module: &Verified<Module>, options: &Options) -> Result<Vec<CircuitOf>, Vec<Diagnostic>> {
    let mut plans: Vec<(Verified<Plan>, Vec<Origin>)> = Vec::new();
    let mut refused = None;
    for origin in Origin::ALL.into_iter().filter(|origin| origin.is_allowed(options)) {
        match ein_opt::plan(module, &origin.options(options)) {
            Ok(plan) => match plans.iter_mut().find(|(other, _)| (&other.steps, &other.buffers) == (&plan.steps, &plan.buffers)) {
                Some((_, origins)) => origins.push(origin),
                None => plans.push((plan, vec![origin])),
            },
            Err(errors) => drop(refused.get_or_insert(errors)),
        }
    }
    let mut found = Vec::new();
    for (plan, origins) in plans {
        match ein_radix::lower(module, &plan) {
            Ok((circuit, steps)) => found.push(CircuitOf { origins, circuit, steps }),
            Err(errors) => drop(refused.get_or_insert(errors)),
        }
    }
    found.sort_by_key(|found| found.circuit.cost());
    match refused {
        Some(errors) if found.is_empty() => Err(errors),
        _ => Ok(found),
    }
}

/// The best one of [`circuits`].
///
/// # Errors
/// As [`circuits`].
pub(crate) fn circuit(module: &Verified<Module>, options: &Options) -> Result<Verified<Circuit>, Vec<Diagnostic>> {
    let internal = || vec![Diagnostic::error(199, "internal", "a program has no circuit, and no reason for it")];
    circuits(module, options)?.into_iter().next().map(|found| found.circuit).ok_or_else(internal)
}

/// What the optimiser is told.
pub(crate) fn plan_options(strided: &[bool], options: &Options) -> ein_opt::Options {
    ein_opt::Options {
        opt_level: options.opt_level,
        memory_limit: options.memory_limit,
        seed: options.seed,
        strided_inputs: strided.to_vec(),
        target: "cpu".to_owned(),
        minimize: options.minimize,
        order: options.order,
        machine: options.machine.clone(),
    }
}

/// Kernel IR to machine code.
///
/// # Errors
/// E0805 if the back end has no such target or fails.
pub(crate) fn generate(kernels: &Verified<KernelModule>, cpu: Cpu) -> Result<Compiled, Vec<Diagnostic>> {
    Cranelift::new(Target { cpu }).and_then(|backend| backend.compile(kernels)).map_err(backend_error)
}

/// What a failing back end says to a user.
pub(crate) fn backend_error(error: ein_cranelift::Error) -> Vec<Diagnostic> {
    vec![Diagnostic::error(805, "code-generation", format!("code generation failed: {error}"))]
}

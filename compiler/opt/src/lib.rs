//! From typed tensor IR to a plan.
//!
//! The input is a specialised tensor module: every size is a literal. The output is a plan: steps in the order of execution over
//! buffers, each with its place in memory. In between lies a [`draft::Draft`], the same steps before anybody knows where
//! values live; each pass of [`plan()`] takes and changes it.
//!
//! ```text
//! tensor::Module → fold → convert → (identities → widen → hoist → forward copies → pin → e-graph → read slices in place → fuse → identities → drop dead steps → bands) → settle recurrences → pack results → library calls → memory → faults → cost → Plan
//! ```
//!
//! What this crate promises: the plan computes what the module says, under the algebra of section 12 of the language; it is a
//! function of the module and of [`Options`] alone, never of a hash order, a clock or the number of threads; it needs no more
//! multiplications and additions than the order as written; its peak memory (what threads pack apart) keeps to the limit, or an E0801
//! says why not.
//!
//! What it must not know: syntax, loop orders, tiles, vector widths, machine code.

mod bands;
mod blocks;
mod classify;
mod convert;
mod cost;
mod draft;
mod egraph;
mod epilogue;
mod faults;
mod fold;
mod frugal;
mod fuse;
mod gather;
mod guards;
mod identities;
mod in_place;
mod inequality;
mod library;
mod linear;
mod machine;
mod memory;
mod names;
mod pack;
pub mod path;
mod predict;
mod ranges;
mod recurrence;
mod report;
mod rewrite;
mod ring;
mod scatter;
mod search;
mod sketch;
mod slicing;
#[cfg(test)]
mod tests;
mod uses;
mod widen;
mod work;
mod written;

pub use egraph::{EClass, EGraph, EWay, Reason};
pub use machine::{MAX_FIGURE, Machine, MachineError};
pub use names::anonymous;
pub use report::{ModeGroup, StepReport, describe, duration, predicted, table};
pub use work::{MAX_WORK, check_work};

use draft::{Draft, Question};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::plan::{self, Header, Plan};
use ein_ir::scalar::approx::exact;
use ein_ir::tensor;
use ein_ir::verified::Verified;
use identities::Stage;

/// Everything that a plan is a function of, besides the program and its sizes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// 0: as written, one nest a definition. 1: contractions are recognised and split, steps are fused. 2: as 1 in this version.
    pub opt_level: u8,
    /// Bytes that the peak must not exceed; `None` is no limit.
    pub memory_limit: Option<u64>,
    /// Seed of randomised searches; recorded in the plan.
    pub seed: u64,
    /// Layout class of each input: whether its strides are known only when the program is called. Missing ones are row-major.
    pub strided_inputs: Vec<bool>,
    /// `cpu`; or `tfhe`, where time is bootstraps.
    pub target: String,
    /// What is minimised.
    pub minimize: Minimize,
    /// Who decides in which order factors are multiplied, from level 1 on.
    pub order: Order,
    /// What predicted times are made of.
    pub machine: Machine,
}

/// Who decides in which order the factors of sums of products are multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// The optimiser, which also distributes, factors and shares.
    #[default]
    Auto,
    /// The text: from left to right, two at a time, equation by equation.
    Written,
}

impl std::str::FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Order::Auto),
            "written" => Ok(Order::Written),
            _ => Err(format!("no path is called `{text}`; use auto or written")),
        }
    }
}

/// What makes one plan better than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Minimize {
    /// Predicted time; of circuits over encrypted integers, bootstraps.
    #[default]
    Time,
    /// Multiplications and additions as `opt_einsum` counts them.
    Flops,
    /// Peak memory of each network of products; of equal ones, the fewest flops.
    Peak,
    /// Flops, and each element written as 64 of them.
    Combo,
}

impl Minimize {
    /// Every objective, in declaration order.
    pub const ALL: [Minimize; 4] = [Minimize::Time, Minimize::Flops, Minimize::Peak, Minimize::Combo];

    /// The spelling on the command line and in plans.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Minimize::Time => "time",
            Minimize::Flops => "flops",
            Minimize::Peak => "peak",
            Minimize::Combo => "combo",
        }
    }

    /// The objective of a search of contraction orders, for elements of this type.
    #[must_use]
    pub fn of_orders(self, machine: &Machine, dtype: DType) -> path::Objective {
        match self {
            Minimize::Time => path::Objective::Time(machine.time_of(dtype)),
            Minimize::Flops => path::Objective::Flops,
            Minimize::Peak => path::Objective::Peak,
            Minimize::Combo => path::Objective::Combo,
        }
    }
}

impl std::str::FromStr for Minimize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|m| m.name() == text).ok_or_else(|| format!("nothing called `{text}` can be minimised; use {names}"))
    }
}

impl Options {
    /// Whether the target computes with floats, which are exact for products of small integers.
    fn has_floats(&self) -> bool {
        self.target != "tfhe"
    }

    /// Whether what takes time is bootstraps.
    fn counts_bootstraps(&self) -> bool {
        self.target == "tfhe" && self.minimize == Minimize::Time
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            opt_level: 1,
            memory_limit: None,
            seed: 0,
            strided_inputs: Vec::new(),
            target: "cpu".to_owned(),
            minimize: Minimize::Time,
            order: Order::Auto,
            machine: Machine::default(),
        }
    }
}

/// Makes a plan of a specialised module.
///
/// # Errors
/// E0190 names a construct that this version does not plan; E0801 states the peak memory and the limit that it exceeds, E0802 that no
/// machine could address it. E0199 is a mistake of ours: a plan that its verifier refuses.
pub fn plan(module: &Verified<tensor::Module>, options: &Options) -> Result<Verified<Plan>, Vec<Diagnostic>> {
    let plan = plan_module(&exact(module), options)?;
    plan::verify::verify(plan).map_err(|errors| {
        let internal = |e: &ein_ir::verified::VerifierError| Diagnostic::error(199, "internal", format!("the plan is broken: {e}"));
        errors.iter().map(internal).collect()
    })
}

/// The plan that is best without the limit, if it keeps to it; otherwise the best of others that take less memory and do.
fn plan_module(module: &tensor::Module, options: &Options) -> Result<Plan, Vec<Diagnostic>> {
    let folded = fold::fold(module);
    let module = folded.as_ref().unwrap_or(module);
    let mut plan = try_plan(module, options, Way::USUAL)?;
    if let Some(limit) = options.memory_limit
        && plan.peak().base > limit
    {
        plan = frugal::plan(module, options, plan, limit)?;
        plan.header = header(module, options);
    }
    memory::check_limit(&plan)?;
    Ok(plan)
}

/// The rules by which the steps of a plan follow from the program: nothing at level 0, where nothing is rewritten.
///
/// # Errors
/// As [`plan()`], limits apart.
pub fn why(module: &Verified<tensor::Module>, options: &Options) -> Result<Vec<Reason>, Vec<Diagnostic>> {
    match ask(&exact(module), options, Question::Why(Vec::new()))? {
        Some(Question::Why(reasons)) => Ok(reasons),
        _ => Ok(Vec::new()),
    }
}

/// The e-graphs that a plan is extracted from: those of the bodies of recurrences, then that of the program. None at level 0.
///
/// # Errors
/// As [`plan()`], limits apart.
pub fn egraphs(module: &Verified<tensor::Module>, options: &Options) -> Result<Vec<EGraph>, Vec<Diagnostic>> {
    match ask(&exact(module), options, Question::Graph(Vec::new()))? {
        Some(Question::Graph(graphs)) => Ok(graphs),
        _ => Ok(Vec::new()),
    }
}

/// The question with its answers.
fn ask(module: &tensor::Module, options: &Options, question: Question) -> Result<Option<Question>, Vec<Diagnostic>> {
    let folded = fold::fold(module);
    let mut draft = convert::convert(folded.as_ref().unwrap_or(module))?;
    draft.asked = Some(question);
    if options.opt_level > 0 {
        identities::apply(&mut draft.steps, Stage::BeforeGraph);
        order(&mut draft, options);
        if options.has_floats() {
            widen::widen(&mut draft);
        }
        optimise(&mut draft, options);
    }
    Ok(draft.asked)
}

/// How a plan is made from a program, besides [`Options`]: the ways to less memory.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Narrow operands of matrix products are converted beforehand.
    widen: bool,
    /// Pointwise values are computed wherever they are read, however often.
    recompute: bool,
    cut: Cut,
}

impl Way {
    /// The fastest.
    const USUAL: Way = Way { widen: true, recompute: false, cut: Cut::Nothing };
    /// Without copies of operands.
    const PLAIN: Way = Way { widen: false, ..Self::USUAL };
}

/// How a program is cut before it is optimised.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Nothing,
    /// Networks are sliced until they take no more than so many bytes.
    Networks(u64),
    /// In blocks of so many positions along an axis of a result.
    Blocks(blocks::Axis, u64),
    /// Every part that can be cut, in so many blocks.
    AllBlocks(u64),
    /// Along every axis that allows it.
    Elements,
}

/// The plan of a module.
fn try_plan(module: &tensor::Module, options: &Options, way: Way) -> Result<Plan, Vec<Diagnostic>> {
    let mut draft = convert::convert(module)?;
    if options.opt_level > 0 {
        identities::apply(&mut draft.steps, Stage::BeforeGraph);
    }
    match way.cut {
        Cut::Nothing => {}
        Cut::Networks(bytes) => drop(slicing::slice(&mut draft, bytes, options)),
        Cut::Blocks(axis, block) => blocks::cut(&mut draft, axis, block),
        Cut::AllBlocks(n) => blocks::cut_all(&mut draft, n),
        Cut::Elements => blocks::cut_to_elements(&mut draft),
    }
    draft.recompute = way.recompute;
    draft.written_out = !options.has_floats();
    if options.opt_level > 0 {
        order(&mut draft, options);
        if way.widen && options.has_floats() {
            widen::widen(&mut draft);
        }
        optimise(&mut draft, options);
    }
    recurrence::settle(&mut draft);
    pack::pack_outputs(&mut draft);
    library::prepare(&mut draft, &options.strided_inputs);
    let mut plan = memory::place(draft, header(module, options), &options.strided_inputs);
    faults::list(&mut plan);
    cost::count(&mut plan);
    Ok(plan)
}

/// Cuts products as the text does, if it decides.
fn order(draft: &mut Draft, options: &Options) {
    if options.order == Order::Written {
        draft.as_written = true;
        written::split(draft);
    }
}

/// The passes on steps, in the bodies of recurrences first.
fn optimise(draft: &mut Draft, options: &Options) {
    recurrence::hoist(draft);
    recurrence::each_body(draft, &mut |body| optimise(body, options));
    fuse::forward_copies(draft);
    scatter::pin_all(draft);
    if options.minimize == Minimize::Time && !options.counts_bootstraps() {
        bands::drop_domains(draft, &options.machine);
    }
    egraph::optimise(draft, options);
    in_place::read_in_place(draft, &options.strided_inputs);
    fuse::fuse(draft);
    identities::apply(&mut draft.steps, Stage::AfterFusion);
    fuse::drop_dead(draft);
    bands::to_products(draft, &options.machine, options.minimize != Minimize::Peak);
    bands::find(draft, &options.machine);
}

fn header(module: &tensor::Module, options: &Options) -> Header {
    Header {
        program: module.name.clone(),
        target: options.target.clone(),
        opt_level: options.opt_level,
        objective: options.minimize.name().to_owned(),
        written_order: options.order == Order::Written,
        machine: options.machine.title(),
        memory_limit: options.memory_limit,
        seed: options.seed,
        truncated: false,
    }
}

//! The one place that calls every part of the planner, in order.

use crate::approximation::evaluate;
use crate::attempts::{Attempts, Planned};
use crate::builder::Makers;
use crate::cleanup::cleaned;
use crate::cost::Costs;
use crate::emit::{self, Emitted, Keys};
use crate::explain::{self, Explained, Made};
use crate::keys;
use crate::levels::{Available, Parameters, Reals, leveled_with_origins};
use crate::limits::{most_turned, too_large};
use crate::program::{Label, Origin, Program, Sum, Term};
use crate::search::Contract;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::Packed;
use ein_ir::packed::verify::verify;
use ein_ir::verified::{Verified, VerifierError};
use std::rc::Rc;

/// What a packed program is planned for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Layouts of inputs and results.
    pub contract: Contract,
    /// `log2` of the numbers that a ciphertext holds.
    pub log_slots: u32,
    /// Most different rotations.
    pub key_budget: Option<usize>,
    /// What operations cost.
    pub costs: Costs,
    /// Only the plan without a choice: of each equation all operands at once in one joint space, summed indices outside, as *EinHops*
    /// has it.
    pub one_shot: bool,
    /// What of a plan is to be small.
    pub objective: Objective,
    /// Whether a plan of reals may need more levels than secure parameters have.
    pub insecure: bool,
}

impl Default for Options {
    /// 16384 slots, layouts free.
    fn default() -> Self {
        Self::new(Contract::Free, 14)
    }
}

impl Options {
    /// For the fastest plan, with as many keys as that takes.
    #[must_use]
    pub fn new(contract: Contract, log_slots: u32) -> Self {
        Self {
            contract,
            log_slots,
            key_budget: None,
            costs: Costs::default(),
            one_shot: false,
            objective: Objective::default(),
            insecure: false,
        }
    }
}

/// What of a plan is to be small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// The time that it takes. A level makes every operation slower: a deeper plan must save more than that.
    #[default]
    Latency,
    /// Products on the longest path, and then the time.
    Depth,
    /// Rotation keys, as long as there are at most half as many rotations again as without that wish.
    Keys,
}

/// Plans a program.
///
/// # Errors
/// What cannot be packed, with its place.
pub fn plan(program: &Program, options: &Options) -> Result<Verified<Packed>, Vec<Diagnostic>> {
    Ok(planned(program, options)?.0)
}

/// Plans a program, one of reals with its rescalings, and says how each of its tensors is made.
///
/// # Errors
/// As [`plan`].
pub fn explained(program: &Program, options: &Options) -> Result<Explained, Vec<Diagnostic>> {
    let (packed, mut made, makers) = planned(program, options)?;
    if program.is_real() {
        // Of more levels than are secure it is told as well.
        let insecure = Options { insecure: true, ..*options };
        let (Reals { packed, levels }, origins) = leveled_with_origins(&packed, (program, &makers), &insecure, Available::default())?;
        explain::count_rotations(&mut made, &packed, &makers, &origins);
        let parameters = Parameters::choose(&packed, levels.needed).ok();
        return Ok(Explained { packed, levels: Some(levels.needed), parameters, made });
    }
    let mut origins = SecondaryMap::with_default(Ciphertext::from_u32(0));
    packed.ops.keys().for_each(|id| origins[id] = id);
    explain::count_rotations(&mut made, &packed, &makers, &origins);
    Ok(Explained { packed, levels: None, parameters: None, made })
}

/// Plans a program, and says which operations are for which of its tensors.
///
/// # Errors
/// As [`plan`].
pub fn plan_with_makers(program: &Program, options: &Options) -> Result<(Verified<Packed>, Makers), Vec<Diagnostic>> {
    planned(program, options).map(|(packed, _, makers)| (packed, makers))
}

fn planned(program: &Program, options: &Options) -> Result<(Verified<Packed>, Vec<Made>, Makers), Vec<Diagnostic>> {
    let log_slots = options.log_slots as usize;
    // Without elements it has addresses all the same.
    let secret = program.tensors.iter().filter(|tensor| tensor.is_secret() || tensor.shape.contains(&0));
    let large: Vec<Diagnostic> = secret.filter_map(|tensor| too_large(tensor, log_slots)).collect();
    if !large.is_empty() {
        return Err(large);
    }
    let best = match &program.best {
        Some(best) if best.options == *options => best.clone(),
        _ => best(program, options)?,
    };
    let (program, planned) = (&*best.program, &*best.planned);
    let Emitted { packed, makers, .. } = &planned.emitted;
    let (mut packed, mut makers) = (packed.clone(), makers.clone());
    if options.objective == Objective::Keys {
        let few = emit::emit(program, &planned.results, Keys::Few, log_slots);
        let most = packed.counts().rotations * 3 / 2;
        let plans = [(&packed, &makers), (&few.packed, &few.makers)];
        let fewest = plans.into_iter().filter_map(|(plan, makers)| keys::fewest(plan, makers, most));
        if let Some(best) = fewest.min_by_key(|(plan, _)| (plan.counts().keys, plan.counts().rotations)) {
            (packed, makers) = best;
        }
    }
    if let Some(budget) = options.key_budget
        && packed.counts().keys > budget
    {
        let few = emit::emit(program, &planned.results, Keys::Few, log_slots);
        let (fastest, by_steps) = (packed.counts().keys, few.packed.counts().keys);
        let plans = [(&packed, &makers), (&few.packed, &few.makers)];
        let within = plans.map(|(plan, makers)| keys::within(plan, makers, budget));
        let least = within.iter().filter_map(|plan| plan.as_ref().err().copied()).min().unwrap_or_default();
        let Some(best) = within.into_iter().flatten().min_by_key(|(plan, _)| plan.counts().rotations) else {
            let message = format!("at most {budget} rotation keys are allowed, and no plan was found that does with so few");
            let note = format!("the fastest plan has {fastest}, one that rotates step by step {by_steps}");
            let found = Diagnostic::error(715, "he-memory", message).note(note).help(format!("--key-budget {least}"));
            return Err(vec![match most_turned(&packed, &makers).map(|tensor| &program.tensors[tensor]) {
                Some(tensor) => found.at(tensor.span, "most rotations are for this"),
                None => found,
            }]);
        };
        (packed, makers) = best;
    }
    let few_keys = options.key_budget.is_some() || options.objective == Objective::Keys;
    if let Some(lighter) = (!options.one_shot).then(|| cleaned(&packed, (program, &makers), few_keys, &options.costs)).flatten() {
        (packed, makers) = lighter;
    }
    let made = explain::made(program, planned.results.iter().filter_map(|(_, finish)| finish.as_ref()), log_slots);
    let packed = verify(packed).map_err(|errors| errors.iter().map(internal).collect::<Vec<_>>())?;
    Ok((packed, made, makers))
}

/// The best plan of a program, for some options.
#[derive(Clone, Debug)]
pub struct Best {
    /// The program without what is zero: that is what was planned.
    program: Rc<Program>,
    pub(crate) planned: Rc<Planned>,
    options: Options,
}

/// Finds the best plan of a program.
///
/// # Errors
/// What cannot be packed, with its place.
pub(crate) fn best(program: &Program, options: &Options) -> Result<Best, Vec<Diagnostic>> {
    let program = without_empty_terms(program);
    let planned = Rc::new(Attempts::new(&program, options).best()?);
    Ok(Best { program: Rc::new(program), planned, options: *options })
}

/// The same program without products that are summed over nothing, or have a factor that is zero.
fn without_empty_terms(program: &Program) -> Program {
    let mut program = program.clone();
    for n in 0..program.tensors.len() {
        let zero: Vec<bool> = (0..n).map(|earlier| is_zero(&program, earlier)).collect();
        if let Origin::Polynomial { of, coefficients } = &program.tensors[n].origin
            && zero[*of]
        {
            let sum = constant(&program.tensors[n].shape, evaluate(coefficients, 0.0));
            program.tensors[n].origin = Origin::Sum(sum);
        }
        if let Origin::Sum(sum) = &mut program.tensors[n].origin {
            leave_out(sum, &zero);
        }
        program.alternatives.get_mut(&n).into_iter().flatten().for_each(|sum| leave_out(sum, &zero));
    }
    program
}

/// Leaves out of a sum what is zero.
fn leave_out(sum: &mut Sum, zero: &[bool]) {
    let is_empty = |label: u8| sum.labels[usize::from(label)].size == 0;
    sum.terms.retain(|term| !term.operands.iter().any(|operand| zero[operand.tensor] || operand.labels().any(is_empty)));
    // What nothing reads is not there.
    let output = &sum.output;
    let labels = (0..).zip(&mut sum.labels).filter(|(n, label)| label.size == 0 && !output.contains(n));
    labels.for_each(|(_, label)| label.size = 1);
}

/// A number everywhere.
fn constant(shape: &[u64], number: f64) -> Sum {
    let labels: Vec<Label> = shape.iter().map(|&size| Label { name: String::new(), size }).collect();
    let output = (0..=u8::MAX).take(labels.len()).collect();
    Sum { labels, output, terms: vec![Term { coefficient: number, operands: Vec::new() }] }
}

/// Whether a computed tensor has no elements, or adds nothing up.
pub(crate) fn is_zero(program: &Program, tensor: usize) -> bool {
    let tensor = &program.tensors[tensor];
    match &tensor.origin {
        Origin::Sum(sum) => sum.terms.is_empty() || tensor.shape.contains(&0),
        Origin::Polynomial { .. } => tensor.shape.contains(&0),
        Origin::Secret | Origin::Public => false,
    }
}

pub(crate) fn internal(error: &VerifierError) -> Diagnostic {
    Diagnostic::error(199, "internal", format!("a packed program is broken: {error}"))
}

//! The one place that calls every part of the planner, in order.

use crate::approximation::evaluate;
use crate::builder::Makers;
use crate::cleanup::cleaned;
use crate::cost::{Cost, Costs};
use crate::emit::{self, Emitted, Keys};
use crate::explain::{self, Explained, Made};
use crate::held::{Finish, Holder, Placing, row_major};
use crate::keys;
use crate::layouts::{self, Choice};
use crate::levels::{Parameters, level};
use crate::limits::{most_turned, not_found, too_large};
use crate::program::{Label, Origin, Program, Sum, Tensor, Term};
use crate::search::Contract;
use crate::wishes::{Wishes, packings};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::Packed;
use ein_ir::packed::verify::verify;
use ein_ir::verified::{Verified, VerifierError};

/// What a packed program is planned for.
#[derive(Clone, Copy, Debug)]
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
        let leveled = level(&packed, &options.costs).map_err(|errors| errors.iter().map(internal).collect::<Vec<_>>())?;
        explain::count_rotations(&mut made, &leveled.packed, &makers, &leveled.origins);
        let parameters = Parameters::choose(&leveled.packed, leveled.top).ok();
        return Ok(Explained { packed: leveled.packed, levels: Some(leveled.top), parameters, made });
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
    let secret = program.tensors.iter().filter(|tensor| tensor.is_secret());
    let large: Vec<Diagnostic> = secret.filter_map(|tensor| too_large(tensor, log_slots)).collect();
    if !large.is_empty() {
        return Err(large);
    }
    let program = &without_empty_terms(program);
    let planned = best(program, options)?;
    let Emitted { mut packed, mut makers, .. } = planned.emitted;
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
        let (fastest, least) = (packed.counts().keys, few.packed.counts().keys);
        let plans = [(&packed, &makers), (&few.packed, &few.makers)];
        let within = plans.into_iter().filter_map(|(plan, makers)| keys::within(plan, makers, budget));
        let Some(best) = within.min_by_key(|(plan, _)| plan.counts().rotations) else {
            let message = format!("at most {budget} rotation keys are allowed, and no plan was found that does with so few");
            let note = format!("the fastest plan has {fastest}, one that rotates step by step {least}");
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

/// The best plan that is found, also with moves where what is moved is made.
pub(crate) fn best(program: &Program, options: &Options) -> Result<Planned, Vec<Diagnostic>> {
    let mut wishes = Wishes::default();
    let mut best = together(program, options, &wishes)?;
    while !options.one_shot && wishes.add(program, best.finished()) {
        match together(program, options, &wishes) {
            Ok(next) if next.is_better(&best, options.objective) => best = next,
            _ => break,
        }
    }
    let alike = if options.one_shot { Vec::new() } else { alike(program, options) };
    Ok(alike.into_iter().fold(best, |best, other| if other.is_better(&best, options.objective) { other } else { best }))
}

/// The plan without a choice, and the best one with all tensors where that has them: in it equal factors of equal products are in equal places,
/// and so are made once.
fn alike(program: &Program, options: &Options) -> Vec<Planned> {
    let (simple, none, wishes) = (Options { one_shot: true, ..*options }, Choice::new(), Wishes::default());
    let mut placings = placings(program, options);
    let first = attempt(program, &simple, &placings, &none, &wishes);
    let Ok(plain) = first.and_then(|(first, _)| without_conflicts(program, &simple, first, &mut placings, &wishes)) else {
        return Vec::new();
    };
    let choice = packings(plain.finished());
    let searched = attempt(program, options, &placings, &choice, &wishes).ok().map(|(planned, _)| planned);
    let searched = searched.filter(|planned| planned.emitted.conflicts.is_empty());
    std::iter::once(plain).chain(searched).collect()
}

/// Whether a plan is to be preferred to another.
pub(crate) fn is_lighter(plan: &Planned, other: &Planned, options: &Options) -> bool {
    plan.is_better(other, options.objective)
}

/// The best plan with every use of a tensor on its own, or with one packing for all uses of one.
pub(crate) fn together(program: &Program, options: &Options, wishes: &Wishes) -> Result<Planned, Vec<Diagnostic>> {
    let mut placings = placings(program, options);
    let (first, choice) = attempt(program, options, &placings, &Choice::new(), wishes)?;
    let together = choice.into_iter().filter_map(|choice| {
        let mut placings = placings.clone();
        if options.contract == Contract::Free {
            let inputs = choice.iter().filter(|(tensor, _)| matches!(program.tensors[**tensor].origin, Origin::Secret));
            inputs.for_each(|(tensor, packing)| placings[*tensor] = Placing::Fixed(packing.clone()));
        }
        let (planned, _) = attempt(program, options, &placings, &choice, wishes).ok()?;
        planned.emitted.conflicts.is_empty().then_some(planned)
    });
    let mut together: Vec<Planned> = together.collect();
    // Where uses want an input in different places, none of these may be the best.
    if options.contract == Contract::Free && !first.emitted.conflicts.is_empty() {
        let rows = placings_in_rows(program, options);
        together.extend(attempt(program, options, &rows, &Choice::new(), wishes).ok().map(|(planned, _)| planned));
    }
    let alone = without_conflicts(program, options, first, &mut placings, wishes)?;
    Ok(together.into_iter().fold(alone, |best, other| if other.is_better(&best, options.objective) { other } else { best }))
}

/// The plan where every use of a tensor is planned on its own.
#[cfg(test)]
pub(crate) fn alone(program: &Program, options: &Options) -> Result<Planned, Vec<Diagnostic>> {
    let mut placings = placings(program, options);
    let wishes = Wishes::default();
    let (first, _) = attempt(program, options, &placings, &Choice::new(), &wishes)?;
    without_conflicts(program, options, first, &mut placings, &wishes)
}

/// Where inputs may be.
pub(crate) fn placings(program: &Program, options: &Options) -> Vec<Placing> {
    match options.contract {
        Contract::Free => vec![Placing::Anywhere; program.tensors.len()],
        Contract::Strict => placings_in_rows(program, options),
    }
}

fn placings_in_rows(program: &Program, options: &Options) -> Vec<Placing> {
    let in_rows = |tensor: &Tensor| Placing::Fixed(row_major(&tensor.shape, options.log_slots as usize));
    program.tensors.iter().map(in_rows).collect()
}

/// The same where an input that two of its uses want in different places is fixed in the place that is best for all.
fn without_conflicts(
    program: &Program,
    options: &Options,
    mut planned: Planned,
    placings: &mut [Placing],
    wishes: &Wishes,
) -> Result<Planned, Vec<Diagnostic>> {
    while let Some((&tensor, packings)) = planned.emitted.conflicts.first_key_value() {
        let row_major = row_major(&program.tensors[tensor].shape, options.log_slots as usize);
        let tried = packings.iter().chain([&row_major]).cloned();
        let mut best: Option<(Planned, Placing)> = None;
        let mut errors = Vec::new();
        for packing in tried {
            placings[tensor] = Placing::Fixed(packing.clone());
            let planned = match attempt(program, options, placings, &Choice::new(), wishes) {
                Ok((planned, _)) => planned,
                Err(found) => {
                    errors = found;
                    continue;
                }
            };
            if best.as_ref().is_none_or(|(least, _)| planned.weight < least.weight) {
                best = Some((planned, Placing::Fixed(packing)));
            }
        }
        let Some((least, placing)) = best else { return Err(errors) };
        placings[tensor] = placing;
        planned = least;
    }
    Ok(planned)
}

pub(crate) struct Planned {
    results: Vec<(usize, Option<Finish>)>,
    emitted: Emitted,
    /// What the operations cost, each counted once.
    pub(crate) weight: f64,
    depth: usize,
}

/// A plan that is deeper than another one must be this much faster.
const WORTH_A_LEVEL: f64 = 0.8;

impl Planned {
    /// Its results that are computed.
    fn finished(&self) -> impl Iterator<Item = &Finish> {
        self.results.iter().filter_map(|(_, finish)| finish.as_ref())
    }

    /// Its cost where every level makes each operation slower.
    #[expect(clippy::cast_precision_loss, reason = "depths are small")]
    fn slowness(&self) -> f64 {
        self.weight * ((self.depth + 1) as f64).powf(1.5)
    }

    /// Whether this plan is to be preferred: by the objective, or else faster, and much so if it is deeper.
    fn is_better(&self, other: &Self, objective: Objective) -> bool {
        match objective {
            Objective::Depth => (self.depth, self.weight) < (other.depth, other.weight),
            Objective::Latency | Objective::Keys if self.depth <= other.depth => self.weight < other.weight,
            Objective::Latency | Objective::Keys => self.slowness() < WORTH_A_LEVEL * other.slowness(),
        }
    }
}

/// The ways to hold each tensor of a program.
pub(crate) fn searched<'a>(
    program: &'a Program,
    options: &Options,
    placings: &'a [Placing],
    chosen: &'a Choice,
    wishes: &'a Wishes,
) -> Holder<'a> {
    let log_slots = options.log_slots as usize;
    let (contract, one_shot, objective) = (options.contract, options.one_shot, options.objective);
    let costs = options.costs;
    let mut holder = Holder { program, contract, one_shot, objective, costs, log_slots, placings, chosen, wishes, held: Vec::new() };
    let read = program.read();
    for tensor in 0..program.tensors.len() {
        let held = if is_zero(program, tensor) || !read.contains(&tensor) { Vec::new() } else { holder.tensor(tensor) };
        holder.held.push(held);
    }
    holder
}

/// A plan with inputs placed like this, and what the layout graph over all ways that were found for it chooses.
fn attempt(
    program: &Program,
    options: &Options,
    placings: &[Placing],
    chosen: &Choice,
    wishes: &Wishes,
) -> Result<(Planned, Option<Choice>), Vec<Diagnostic>> {
    let log_slots = options.log_slots as usize;
    let holder = searched(program, options, placings, chosen, wishes);
    let mut results: Vec<(usize, Option<Finish>)> = Vec::new();
    for &result in &program.results {
        let finish = holder.result(result);
        if finish.is_none() && !is_zero(program, result) {
            return Err(vec![not_found(program, &holder, result, log_slots)]);
        }
        results.push((result, finish));
    }
    let emitted = emit::emit(program, &results, Keys::Each, log_slots);
    if let Some(mut refused) = emitted.refused {
        if let (None, Some((result, _))) = (&refused.primary, results.first()) {
            refused = refused.at(program.tensors[*result].span, "what makes this");
        }
        return Err(vec![refused]);
    }
    let counts = emitted.packed.counts();
    let planned = Planned { results, weight: Cost::of(&counts).weigh(&options.costs), depth: counts.depth, emitted };
    let choice = if chosen.is_empty() && !options.one_shot { layouts::graph(&holder).map(|graph| graph.choose()) } else { None };
    Ok((planned, choice))
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
        let Origin::Sum(sum) = &mut program.tensors[n].origin else { continue };
        let is_empty = |label: u8| sum.labels[usize::from(label)].size == 0;
        sum.terms.retain(|term| !term.operands.iter().any(|operand| zero[operand.tensor] || operand.labels().any(is_empty)));
        // What nothing reads is not there.
        let output = &sum.output;
        let labels = (0..).zip(&mut sum.labels).filter(|(n, label)| label.size == 0 && !output.contains(n));
        labels.for_each(|(_, label)| label.size = 1);
    }
    program
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

//! Plans of a whole program that are tried, of which the best is taken: with each use of a tensor planned on its own, with one packing for
//! all uses of one, with moves where they are cheapest.
//!
//! What two of them have in common is found once ([`Found`]): a tensor is searched again only where what it is made from is held in other
//! ways. All together have so much [`Work`] to spend; what is left of it says how much is still tried.

use crate::convert::n_chunks;
use crate::cost::{Cost, Costs};
use crate::emit::{self, Emitted, Keys};
use crate::found::Found;
use crate::held::{Finish, Holder, Placing, row_major};
use crate::layouts::{self, Choice};
use crate::limits::not_found;
use crate::planner::{Objective, Options, is_zero};
use crate::program::{Origin, Program, Tensor};
use crate::search::Contract;
use crate::wishes::{Wishes, packings};
use crate::work::Work;
use ein_ir::diagnostic::Diagnostic;
use std::rc::Rc;

/// Makes plans of one program.
pub(crate) struct Attempts<'a> {
    program: &'a Program,
    options: &'a Options,
    found: Rc<Found>,
    work: Rc<Work>,
    /// As which one of the sums that they are tensors are made, if not as any.
    written: Option<usize>,
}

/// A plan.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) results: Vec<(usize, Option<Finish>)>,
    pub(crate) emitted: Emitted,
    /// What the operations cost, each counted once.
    pub(crate) weight: f64,
    depth: usize,
}

/// Where inputs and what is computed are to be.
#[derive(Clone, Copy)]
pub(crate) struct Where<'a> {
    pub(crate) placings: &'a [Placing],
    pub(crate) chosen: &'a Choice,
    pub(crate) wishes: &'a Wishes,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(program: &'a Program, options: &'a Options) -> Self {
        Self { program, options, found: Rc::default(), work: Rc::default(), written: options.one_shot.then_some(0) }
    }

    /// With so many steps to spend.
    #[cfg(test)]
    pub(crate) fn within(program: &'a Program, options: &'a Options, steps: u64) -> Self {
        Self { work: Rc::new(Work::of(steps)), ..Self::new(program, options) }
    }

    /// Whether so much is spent that less is tried.
    #[cfg(test)]
    pub(crate) fn is_short(&self) -> bool {
        self.work.level() > 0
    }

    /// The best plan that is found: of all with sums written in one way, and of those where each may be written otherwise.
    pub(crate) fn best(&self) -> Result<Planned, Vec<Diagnostic>> {
        let n_others = self.program.alternatives.values().map(Vec::len).max().filter(|_| self.written.is_none()).unwrap_or(0);
        if n_others == 0 {
            return self.best_written();
        }
        let only = |n: usize| Self { found: Rc::clone(&self.found), work: Rc::clone(&self.work), written: Some(n), ..*self };
        let first = only(0).best_written();
        let others = std::iter::once_with(|| self.best_written());
        let others = others.chain((1..=n_others).map_while(|n| (self.work.level() == 0).then(|| only(n).best_written())));
        others.fold(first, |best, other| match (best, other) {
            (Ok(best), Ok(other)) => Ok(self.better(best, other)),
            (best, other) => best.or(other),
        })
    }

    /// The same with sums written as they are to be, also with moves where what is moved is made.
    fn best_written(&self) -> Result<Planned, Vec<Diagnostic>> {
        let mut wishes = Wishes::default();
        let mut best = self.together(&wishes).or_else(|found| self.in_rows().ok_or(found))?;
        while !self.options.one_shot && self.work.level() == 0 && wishes.add(self.program, best.finished()) {
            match self.together(&wishes) {
                Ok(next) if self.is_better(&next, &best) => best = next,
                _ => break,
            }
        }
        let alike = if self.options.one_shot { Vec::new() } else { self.alike() };
        let best = alike.into_iter().fold(best, |best, other| self.better(best, other));
        Ok(self.with_fewer_inputs(best))
    }

    /// The plan with inputs in rows, if the best one sends so many more ciphertexts that they outweigh what it saves.
    fn with_fewer_inputs(&self, best: Planned) -> Planned {
        let inputs =
            |planned: &Planned| planned.emitted.packed.inputs.values().map(|input| u64::from(input.layout.n_chunks())).sum::<u64>();
        let sent = |planned: &Planned| SENT * f64::from(u32::try_from(inputs(planned)).unwrap_or(u32::MAX));
        let log_slots = self.options.log_slots as usize;
        let secret = self.program.tensors.iter().filter(|tensor| matches!(tensor.origin, Origin::Secret));
        let least: u64 = secret.map(|tensor| n_chunks(&row_major(&tensor.shape, log_slots), log_slots)).sum();
        if sent(&best) < 1.0 || inputs(&best) <= least {
            return best;
        }
        match self.in_rows() {
            Some(rows) if rows.weight + sent(&rows) < best.weight + sent(&best) => rows,
            _ => best,
        }
    }

    /// The plan without a choice, and the best one with all tensors where that has them: in it equal factors of equal products are in equal
    /// places, and so are made once.
    fn alike(&self) -> Vec<Planned> {
        let simple = Attempts::new(self.program, &Options { one_shot: true, ..*self.options }).plain();
        let Ok((plain, placings)) = simple else { return Vec::new() };
        let choice = packings(plain.finished());
        let place = Where { placings: &placings, chosen: &choice, wishes: &Wishes::default() };
        let searched = if self.work.level() <= 1 { self.attempt(place).ok() } else { None };
        let searched = searched.map(|(planned, _)| planned).filter(|planned| planned.emitted.conflicts.is_empty());
        std::iter::once(plain).chain(searched).collect()
    }

    /// The plan where every use of a tensor is planned on its own, and where its inputs are placed.
    pub(crate) fn plain(&self) -> Result<(Planned, Vec<Placing>), Vec<Diagnostic>> {
        let (mut placings, wishes) = (placings(self.program, self.options), Wishes::default());
        let none = Choice::new();
        let (first, _) = self.attempt(Where { placings: &placings, chosen: &none, wishes: &wishes })?;
        let plain = self.without_conflicts(first, &mut placings, &wishes)?;
        Ok((plain, placings))
    }

    /// The best plan with every use of a tensor on its own, or with one packing for all uses of one.
    pub(crate) fn together(&self, wishes: &Wishes) -> Result<Planned, Vec<Diagnostic>> {
        let none = Choice::new();
        let mut placings = placings(self.program, self.options);
        let (first, holder) = self.attempt(Where { placings: &placings, chosen: &none, wishes })?;
        let mut together: Vec<Planned> = self.with_choice(&holder, wishes).into_iter().collect();
        drop(holder);
        // Where uses want an input in different places, none of these may be the best.
        if self.options.contract == Contract::Free && !first.emitted.conflicts.is_empty() && self.work.level() <= 1 {
            let rows = placings_in_rows(self.program, self.options);
            together.extend(self.attempt(Where { placings: &rows, chosen: &none, wishes }).ok().map(|(planned, _)| planned));
        }
        let alone = self.without_conflicts(first, &mut placings, wishes)?;
        Ok(together.into_iter().fold(alone, |best, other| self.better(best, other)))
    }

    /// A plan with all inputs in rows, where they may be anywhere.
    fn in_rows(&self) -> Option<Planned> {
        let placings = placings_in_rows(self.program, self.options);
        let place = Where { placings: &placings, chosen: &Choice::new(), wishes: &Wishes::default() };
        let planned = (self.options.contract == Contract::Free).then(|| self.attempt(place).ok()).flatten()?.0;
        planned.emitted.conflicts.is_empty().then_some(planned)
    }

    /// The plan that has what the layout graph over all ways that were found chooses.
    fn with_choice(&self, holder: &Holder<'_>, wishes: &Wishes) -> Option<Planned> {
        if self.options.one_shot || self.work.level() > 1 {
            return None;
        }
        let choice = layouts::graph(holder)?.choose();
        let mut placings = holder.placings.to_vec();
        if self.options.contract == Contract::Free {
            let inputs = choice.iter().filter(|(tensor, _)| matches!(self.program.tensors[**tensor].origin, Origin::Secret));
            inputs.for_each(|(tensor, packing)| placings[*tensor] = Placing::Fixed(packing.clone()));
        }
        let (planned, _) = self.attempt(Where { placings: &placings, chosen: &choice, wishes }).ok()?;
        planned.emitted.conflicts.is_empty().then_some(planned)
    }

    /// The same where an input that two of its uses want in different places is fixed in the place that is best for all.
    fn without_conflicts(&self, mut planned: Planned, placings: &mut [Placing], wishes: &Wishes) -> Result<Planned, Vec<Diagnostic>> {
        let none = Choice::new();
        while let Some((&tensor, packings)) = planned.emitted.conflicts.first_key_value() {
            let row_major = row_major(&self.program.tensors[tensor].shape, self.options.log_slots as usize);
            let tried = packings.iter().chain([&row_major]).cloned();
            let mut best: Option<(Planned, Placing)> = None;
            let mut errors = Vec::new();
            for packing in tried {
                if best.is_some() && self.work.level() > 1 {
                    break;
                }
                placings[tensor] = Placing::Fixed(packing.clone());
                let planned = match self.attempt(Where { placings, chosen: &none, wishes }) {
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

    /// The ways to hold each tensor.
    pub(crate) fn searched<'b>(&'b self, place: Where<'b>) -> Holder<'b> {
        let mut holder = Holder { written: self.written, ..Holder::new(self.program, self.options, place, &self.work) };
        let read = self.program.read();
        for tensor in 0..self.program.tensors.len() {
            let (number, held) = if read.contains(&tensor) { self.found.ways(&holder, tensor) } else { Default::default() };
            holder.numbers.push(number);
            holder.held.push(held);
        }
        holder
    }

    /// A plan with inputs placed like this, and all ways that were found for it.
    fn attempt<'b>(&'b self, place: Where<'b>) -> Result<(Planned, Holder<'b>), Vec<Diagnostic>> {
        let (program, log_slots) = (self.program, self.options.log_slots as usize);
        let holder = self.searched(place);
        let mut results: Vec<(usize, Option<Finish>)> = Vec::new();
        for &result in &program.results {
            let finish = self.found.finish(&holder, result);
            if finish.is_none() && !is_zero(program, result) {
                return Err(vec![not_found(program, &holder, result, log_slots)]);
            }
            results.push((result, finish));
        }
        let emitted = emit::emit(program, &results, Keys::Each, log_slots);
        self.work.emitted(&emitted);
        if let Some(mut refused) = emitted.refused {
            if let (None, Some((result, _))) = (&refused.primary, results.first()) {
                refused = refused.at(program.tensors[*result].span, "what makes this");
            }
            return Err(vec![refused]);
        }
        let counts = emitted.packed.counts();
        let planned = Planned { results, weight: Cost::of(&counts).weigh(&self.options.costs), depth: counts.depth, emitted };
        Ok((planned, holder))
    }

    fn is_better(&self, plan: &Planned, other: &Planned) -> bool {
        plan.is_better(other, self.options.objective)
    }

    fn better(&self, best: Planned, other: Planned) -> Planned {
        if self.is_better(&other, &best) { other } else { best }
    }
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

/// What it takes to send a ciphertext, in rotations: some megabytes over a wide-area network (*Rotom*).
const SENT: f64 = 0.024;
/// A plan that is deeper than another one must be this much faster.
const WORTH_A_LEVEL: f64 = 0.8;

impl Planned {
    /// Its results that are computed.
    pub(crate) fn finished(&self) -> impl Iterator<Item = &Finish> {
        self.results.iter().filter_map(|(_, finish)| finish.as_ref())
    }

    /// Its cost where every level makes each operation slower.
    fn slowness(&self) -> f64 {
        Costs::with_levels(self.weight, self.depth)
    }

    /// Whether this plan is to be preferred: by the objective, or else faster, and much so if it is deeper.
    pub(crate) fn is_better(&self, other: &Self, objective: Objective) -> bool {
        match objective {
            Objective::Depth => (self.depth, self.weight) < (other.depth, other.weight),
            Objective::Latency | Objective::Keys if self.depth <= other.depth => self.weight < other.weight,
            Objective::Latency | Objective::Keys => self.slowness() < WORTH_A_LEVEL * other.slowness(),
        }
    }
}

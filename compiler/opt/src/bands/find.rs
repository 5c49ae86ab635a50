//! Bands of products that the steps around them say.

use super::{Candidate, Place, Strip, Strips, narrow};
use crate::draft::{Draft, DraftStep, Work};
use crate::egraph::negated;
use crate::machine::Machine;
use crate::{guards, predict, rewrite};
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::plan::band::{Band, Outside};
use ein_ir::plan::{Contraction, Nest, Strategy};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;
use std::collections::BTreeMap;

/// Gives matrix products the bands that their operands and the readers of their results have.
pub(crate) fn find(draft: &mut Draft, machine: &Machine) {
    if !draft.steps.iter().any(has_cases) {
        return;
    }
    let links = Links::of(draft);
    for n in 0..draft.steps.len() {
        if let Work::Nest(nest) = &draft.steps[n].work {
            if let Some(guarded) = (Around { draft, links: &links }).guarded(nest, machine) {
                draft.steps[n].work = Work::Nest(guarded);
            }
            continue;
        }
        let Work::Contraction(contraction) = &draft.steps[n].work else { continue };
        if !contraction.bands.is_empty() || contraction.strategy == Strategy::Gett {
            continue;
        }
        let around = Around { draft, links: &links };
        let operands = [(contraction.lhs, &contraction.lhs_labels), (contraction.rhs, &contraction.rhs_labels)];
        let zeros: Vec<Strips<u16>> = operands.into_iter().map(|(operand, labels)| around.of_operand(operand, labels, DEPTH)).collect();
        let zero = |strip: &Strip<u16>| Candidate { strip: strip.clone(), outside: Outside::Zero };
        let mut candidates: Vec<Candidate> = zeros.iter().flat_map(|strips| strips.iter().map(zero)).collect();
        let results = around.of_result(contraction);
        candidates.extend(results.iter().flat_map(|(candidates, _)| candidates.iter().cloned()));
        if candidates.is_empty() {
            continue;
        }
        let mut contraction = contraction.clone();
        narrow(&mut contraction, &candidates, machine);
        let has_band = |candidate: &Candidate| {
            let is_label = |band: &Band, place: &Place<u16>| matches!(place, Place::At(label) if band.labels().any(|l| l == *label));
            let is_same =
                |band: &&Band| candidate.strip.terms.iter().all(|(place, _)| is_label(band, place) || matches!(place, Place::Turn(..)));
            contraction.bands.iter().filter(|band| band.outside == Outside::Unread).any(|band| is_same(&band))
        };
        let unread = results.filter(|(candidates, _)| candidates.iter().any(has_band)).map(|(_, through)| through).unwrap_or_default();
        unread.into_iter().for_each(|unread| leave_out(draft, &links, unread));
        draft.steps[n].work = Work::Contraction(contraction);
    }
}

/// Whether a step says anything of some positions alone.
fn has_cases(step: &DraftStep) -> bool {
    let Work::Nest(nest) = &step.work else { return false };
    let mut found = nest.domain.is_some() || nest.reduce.as_ref().is_some_and(|reduce| reduce.guard.is_some());
    nest.scalars().for_each(|scalar| {
        scalar.visit(&mut |s| {
            found |= match &s.kind {
                ScalarKind::If(..) => true,
                ScalarKind::Cast(inner) => inner.dtype == DType::Bool,
                ScalarKind::Access(access) => access.subs.iter().any(|sub| sub.mode == Mode::Pad),
                _ => false,
            }
        });
    });
    found
}

/// Restricts the pointwise step that makes an intermediate to what is read of it: what it is made of is not computed elsewhere.
fn leave_out(draft: &mut Draft, links: &Links, (tensor, strips): Unread) {
    for step in links.writers.get(&tensor).into_iter().flatten() {
        if let Work::Nest(nest) = &mut draft.steps[*step].work {
            let conditions: Vec<Scalar> = strips.iter().flat_map(|strip| strip.conditions(&nest.outer, nest.body.span)).collect();
            nest.domain = nest.domain.take().into_iter().chain(conditions).reduce(both);
        }
    }
}

fn both(a: Scalar, b: Scalar) -> Scalar {
    let span = a.span;
    Scalar::binary(BinaryFn::And, a, b, DType::Bool, span)
}

/// Readers of readers, and factors of factors, that are looked at.
const DEPTH: usize = 8;

/// An intermediate of which nothing outside of strips is read.
type Unread = (Tensor, Strips<usize>);

/// Numbers of the steps that write and read values.
pub(super) struct Links {
    pub(super) writers: BTreeMap<Tensor, Vec<usize>>,
    readers: BTreeMap<Tensor, Vec<usize>>,
}

impl Links {
    fn of(draft: &Draft) -> Self {
        let mut links = Self { writers: BTreeMap::new(), readers: BTreeMap::new() };
        for (n, step) in draft.steps.iter().enumerate() {
            step.writes().into_iter().for_each(|value| links.writers.entry(value).or_default().push(n));
            step.reads().into_iter().for_each(|value| links.readers.entry(value).or_default().push(n));
        }
        links
    }
}

/// The steps around a product.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) draft: &'a Draft,
    pub(super) links: &'a Links,
}

impl<'a> Around<'a> {
    /// A sum of products in loops, guarded by what the steps that make its factors say of where they are zero, if that takes less time.
    fn guarded(self, nest: &Nest, machine: &Machine) -> Option<Nest> {
        let reduce = nest.reduce.as_ref().filter(|r| r.op == ReduceOp::Sum && r.pins.is_empty() && r.acc == nest.body.dtype)?;
        let mut known = Vec::new();
        reduce.guard.iter().for_each(|guard| guards::conjuncts(guard, &mut known));
        let mut conditions = Vec::new();
        factors(&nest.body).into_iter().for_each(|access| conditions.extend(self.zeros_of(access).unwrap_or_default()));
        conditions.retain(|condition| !known.contains(&condition));
        let (mut seen, all) = (Vec::new(), conditions);
        for condition in all {
            if !seen.contains(&condition) {
                seen.push(condition);
            }
        }
        let conditions = seen;
        let mut guarded = nest.clone();
        guarded.reduce.as_mut()?.guard = conditions.into_iter().chain(reduce.guard.clone()).reduce(both);
        let time = |nest| predict::nest_arithmetic(machine, &self.draft.reducers, nest);
        (time(&guarded) + (machine.step as f64) < time(nest)).then_some(guarded)
    }

    /// Conditions outside of which what a factor reads is zero, over the reader's indices: such as loops can begin and end with.
    fn zeros_of(self, access: &Access) -> Option<Vec<Scalar>> {
        let indices = rewrite::plain_indices(access)?;
        let strips = self.outside_of(access.tensor, DEPTH)?;
        Some(strips.iter().flat_map(|strip| strip.conditions(&indices, Span::default())).collect())
    }

    /// Strips of the labels of an operand outside of which it is zero.
    pub(super) fn of_operand(self, operand: Tensor, labels: &[u16], depth: usize) -> Strips<u16> {
        let strips = self.outside_of(operand, depth).unwrap_or_default();
        strips.iter().filter_map(|strip| strip.named(&|axis| labels.get(axis).copied())).collect()
    }

    /// The one step that writes a value, if it is a nest.
    fn only_nest(self, tensor: Tensor) -> Option<&'a Nest> {
        match self.links.writers.get(&tensor)?.as_slice() {
            [step] => self.nest(*step),
            _ => None,
        }
    }

    fn nest(self, step: usize) -> Option<&'a Nest> {
        if let Work::Nest(nest) = &self.draft.steps[step].work { Some(nest) } else { None }
    }

    /// The strips outside of which nobody reads a result.
    fn of_result(self, contraction: &Contraction) -> Option<(Vec<Candidate>, Vec<Unread>)> {
        let mut through = Vec::new();
        let strips = self.wanted(contraction.out, DEPTH, &mut through)?;
        let label = |axis: usize| Some(contraction.out_labels[axis]);
        let candidate = |strip: &Strip<usize>| Some(Candidate { strip: strip.named(&label)?, outside: Outside::Unread });
        Some((strips.iter().filter_map(candidate).collect(), through))
    }

    /// The positions at which an intermediate is read; `None` if it may be any. Pointwise readers of which the same holds are added to `through`.
    fn wanted(self, tensor: Tensor, depth: usize, through: &mut Vec<Unread>) -> Option<Strips<usize>> {
        if !self.draft.values[tensor].is_intermediate() || depth == 0 {
            return None;
        }
        let mut all: Option<Strips<usize>> = None;
        for reader in self.links.readers.get(&tensor)? {
            let nest = self.nest(*reader)?;
            let strips = Reads { around: self, nest, tensor, depth, through, strips: None }.of_nest()?;
            all = Some(all.map_or(strips.clone(), |other| other.or(&strips)));
        }
        all.filter(|strips| !strips.are_all())
    }
}

/// What a product of elements reads.
fn factors(body: &Scalar) -> Vec<&Access> {
    match &body.kind {
        ScalarKind::Binary(BinaryFn::Mul, a, b) => factors(a).into_iter().chain(factors(b)).collect(),
        ScalarKind::Access(access) => vec![access],
        _ => Vec::new(),
    }
}

/// Collects at which positions a tensor is read.
struct Reads<'a, 't> {
    around: Around<'a>,
    nest: &'a Nest,
    tensor: Tensor,
    depth: usize,
    through: &'t mut Vec<Unread>,
    strips: Option<Strips<usize>>,
}

impl Reads<'_, '_> {
    /// What all reads of the nest need; `None` if that is not known.
    fn of_nest(mut self) -> Option<Strips<usize>> {
        let nest = self.nest;
        let domain: Vec<Scalar> = nest.domain.iter().cloned().collect();
        let guarded: Vec<Scalar> = domain.iter().cloned().chain(nest.reduce.iter().flat_map(|r| r.guard.clone())).collect();
        let in_domain = nest.reduce.iter().flat_map(|r| r.guard.iter().chain(r.pins.iter().map(|pin| &pin.value)));
        let is_known = nest.domain.iter().all(|s| self.visit(s, &mut Vec::new()))
            && in_domain.chain(&nest.epilogue).all(|s| self.visit(s, &mut domain.clone()))
            && self.visit(&nest.body, &mut guarded.clone());
        self.strips.filter(|_| is_known)
    }

    /// Looks at an expression that is evaluated where the facts hold; whether what it reads is known.
    fn visit(&mut self, scalar: &Scalar, facts: &mut Vec<Scalar>) -> bool {
        match &scalar.kind {
            ScalarKind::If(condition, then, otherwise) => {
                let mut under = |reads: &mut Self, fact: Option<Scalar>, scalar: &Scalar| {
                    let before = facts.len();
                    facts.extend(fact);
                    let is_known = reads.visit(scalar, facts);
                    facts.truncate(before);
                    is_known
                };
                under(self, None, condition) && under(self, Some((**condition).clone()), then) && under(self, negated(condition), otherwise)
            }
            ScalarKind::Access(access) if access.tensor == self.tensor => {
                let Some(strips) = self.strips_of(access, facts) else { return false };
                self.strips = Some(self.strips.take().map_or(strips.clone(), |other| other.or(&strips)));
                access.subs.iter().all(|sub| self.visit(&sub.value, facts))
            }
            _ => scalar.children().into_iter().all(|child| self.visit(child, facts)),
        }
    }

    fn strips_of(&mut self, access: &Access, facts: &[Scalar]) -> Option<Strips<usize>> {
        let indices = rewrite::plain_indices(access)?;
        let facts: Vec<&Scalar> = facts.iter().collect();
        let strips = Strips::of(self.nest, &facts, &|index| indices.iter().position(|i| *i == index));
        if !strips.are_all() {
            return Some(strips);
        }
        if self.nest.reduce.is_some() || self.around.only_nest(self.nest.out).is_none() {
            return None;
        }
        let unread = self.around.wanted(self.nest.out, self.depth - 1, self.through)?;
        // Axes of the reader as they are read.
        let axis = |axis: usize| indices.iter().position(|index| *index == self.nest.outer[axis]);
        let strips: Strips<usize> = unread.iter().filter_map(|strip| strip.named(&axis)).collect();
        let unread = (self.nest.out, unread);
        if !self.through.contains(&unread) {
            self.through.push(unread);
        }
        (!strips.are_all()).then_some(strips)
    }
}

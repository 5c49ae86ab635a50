//! Bands of products that the steps around them say.

use super::{Candidate, Strip, narrow};
use crate::draft::{Draft, DraftStep, Work};
use crate::egraph::{negated, zero_outside};
use crate::guards;
use crate::machine::Machine;
use crate::rewrite;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::plan::{Contraction, Nest, Strategy};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind};
use std::collections::BTreeMap;

/// Gives matrix products the bands that their operands and the readers of their results have.
pub(crate) fn find(draft: &mut Draft, machine: &Machine) {
    if !draft.steps.iter().any(has_cases) {
        return;
    }
    let links = Links::of(draft);
    for n in 0..draft.steps.len() {
        let Work::Contraction(contraction) = &draft.steps[n].work else { continue };
        if contraction.strategy != Strategy::Gemm || !contraction.bands.is_empty() {
            continue;
        }
        let around = Around { draft, links: &links };
        let mut candidates = around.of_operand(contraction, contraction.lhs, &contraction.lhs_labels);
        candidates.extend(around.of_operand(contraction, contraction.rhs, &contraction.rhs_labels));
        let results = around.of_result(contraction);
        candidates.extend(results.iter().map(|(candidate, _)| *candidate));
        if candidates.is_empty() {
            continue;
        }
        let mut contraction = contraction.clone();
        narrow(&mut contraction, &candidates, machine);
        let has_band = |(row, column): (u16, u16)| contraction.bands.iter().any(|band| (band.row, band.column) == (row, column));
        let unread = results.into_iter().filter(|(candidate, _)| has_band(candidate.labels)).flat_map(|(_, through)| through);
        unread.for_each(|unread| leave_out(draft, &links, unread));
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
fn leave_out(draft: &mut Draft, links: &Links, (tensor, axes, strip): Unread) {
    for step in links.writers.get(&tensor).into_iter().flatten() {
        if let Work::Nest(nest) = &mut draft.steps[*step].work {
            let conditions = strip.conditions(nest.outer[axes.0], nest.outer[axes.1], nest.body.span);
            nest.domain = nest.domain.take().into_iter().chain(conditions).reduce(both);
        }
    }
}

fn both(a: Scalar, b: Scalar) -> Scalar {
    let span = a.span;
    Scalar::binary(BinaryFn::And, a, b, DType::Bool, span)
}

/// Readers of readers that are looked at.
const DEPTH: usize = 8;

/// An intermediate of which nothing outside of a strip of two axes is read.
type Unread = (Tensor, (usize, usize), Strip);

/// Numbers of the steps that write and read values.
struct Links {
    writers: BTreeMap<Tensor, Vec<usize>>,
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
struct Around<'a> {
    draft: &'a Draft,
    links: &'a Links,
}

impl<'a> Around<'a> {
    /// Strips outside of which an operand is zero, as the step that makes it says: of a free label and a contracted one.
    fn of_operand(self, contraction: &Contraction, operand: Tensor, labels: &[u16]) -> Vec<Candidate> {
        let Some(nest) = self.only_nest(operand) else { return Vec::new() };
        let value = match (&nest.reduce, &nest.epilogue) {
            (None, _) => &nest.body,
            (Some(_), Some(epilogue)) => epilogue,
            (Some(_), None) => return Vec::new(),
        };
        if nest.domain.is_some() || nest.outer.len() != labels.len() {
            return Vec::new();
        }
        let shape = |tensor: Tensor| self.draft.values[tensor].extents.clone();
        let conditions = zero_outside(value, self.draft.values[operand].dtype, &shape);
        let facts: Vec<&Scalar> = conditions.iter().collect();
        let (kept, summed): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|axis| contraction.out_labels.contains(&labels[*axis]));
        let pairs = kept.iter().flat_map(|row| summed.iter().map(move |column| (*row, *column)));
        let candidate = |(row, column): (usize, usize)| {
            let strip = strip_of(nest, &facts, nest.outer[row], nest.outer[column]);
            (strip != Strip::ALL).then_some(Candidate { labels: (labels[row], labels[column]), strip, exact: false })
        };
        pairs.filter_map(candidate).collect()
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

    /// The strips outside of which nobody reads a result: of free labels of both operands.
    fn of_result(self, contraction: &Contraction) -> Vec<(Candidate, Vec<Unread>)> {
        let classes = contraction.classify_modes();
        let axis = |label: &u16| contraction.out_labels.iter().position(|l| l == label);
        let pairs = classes.free_lhs.iter().flat_map(|row| classes.free_rhs.iter().map(move |column| (*row, *column)));
        let candidate = |(row, column): (u16, u16)| {
            let mut through = Vec::new();
            let strip = self.wanted(contraction.out, (axis(&row)?, axis(&column)?), DEPTH, &mut through)?;
            Some((Candidate { labels: (row, column), strip, exact: false }, through))
        };
        pairs.filter_map(candidate).collect()
    }

    /// Differences of the positions on two axes at which an intermediate is read; `None` if it may be any. Pointwise readers of which the
    /// same holds are added to `through`.
    fn wanted(self, tensor: Tensor, axes: (usize, usize), depth: usize, through: &mut Vec<Unread>) -> Option<Strip> {
        if !self.draft.values[tensor].is_intermediate() || depth == 0 {
            return None;
        }
        let mut all: Option<Strip> = None;
        for reader in self.links.readers.get(&tensor)? {
            let nest = self.nest(*reader)?;
            let strip = Reads { around: self, nest, tensor, axes, depth, through, strip: None }.of_nest()?;
            all = Some(all.map_or(strip, |other| other.or(strip)));
        }
        all.filter(|strip| *strip != Strip::ALL)
    }
}

/// Collects at which differences a tensor is read.
struct Reads<'a, 't> {
    around: Around<'a>,
    nest: &'a Nest,
    tensor: Tensor,
    axes: (usize, usize),
    depth: usize,
    through: &'t mut Vec<Unread>,
    strip: Option<Strip>,
}

impl Reads<'_, '_> {
    /// What all reads of the nest need; `None` if that is not known.
    fn of_nest(mut self) -> Option<Strip> {
        let nest = self.nest;
        let domain: Vec<Scalar> = nest.domain.iter().cloned().collect();
        let guarded: Vec<Scalar> = domain.iter().cloned().chain(nest.reduce.iter().flat_map(|r| r.guard.clone())).collect();
        let in_domain = nest.reduce.iter().flat_map(|r| r.guard.iter().chain(r.pins.iter().map(|pin| &pin.value)));
        let is_known = nest.domain.iter().all(|s| self.visit(s, &mut Vec::new()))
            && in_domain.chain(&nest.epilogue).all(|s| self.visit(s, &mut domain.clone()))
            && self.visit(&nest.body, &mut guarded.clone());
        self.strip.filter(|_| is_known)
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
                let Some(strip) = self.strip_of(access, facts) else { return false };
                self.strip = Some(self.strip.map_or(strip, |other| other.or(strip)));
                access.subs.iter().all(|sub| self.visit(&sub.value, facts))
            }
            _ => scalar.children().into_iter().all(|child| self.visit(child, facts)),
        }
    }

    fn strip_of(&mut self, access: &Access, facts: &[Scalar]) -> Option<Strip> {
        let indices = rewrite::plain_indices(access)?;
        let facts: Vec<&Scalar> = facts.iter().collect();
        let (first, second) = (indices[self.axes.0], indices[self.axes.1]);
        let strip = strip_of(self.nest, &facts, first, second);
        if strip != Strip::ALL {
            return Some(strip);
        }
        if self.nest.reduce.is_some() || self.around.only_nest(self.nest.out).is_none() {
            return None;
        }
        let axis = |index: Index| self.nest.outer.iter().position(|o| *o == index);
        let axes = (axis(first)?, axis(second)?);
        let strip = self.around.wanted(self.nest.out, axes, self.depth - 1, self.through)?;
        if !self.through.contains(&(self.nest.out, axes, strip)) {
            self.through.push((self.nest.out, axes, strip));
        }
        Some(strip)
    }
}

/// What conditions of a nest say of two of its indices.
pub(super) fn strip_of(nest: &Nest, conditions: &[&Scalar], first: Index, second: Index) -> Strip {
    let mut parts = Vec::new();
    conditions.iter().for_each(|condition| guards::conjuncts(condition, &mut parts));
    let range_of = |index: Index| Some(nest.indices[index].clone());
    parts.into_iter().map(|part| Strip::of(&guards::claim(part, &range_of), first, second)).fold(Strip::ALL, Strip::and)
}

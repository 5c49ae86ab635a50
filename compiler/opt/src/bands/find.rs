//! Bands of products that the steps around them say.

use super::{Candidate, Strips, narrow};
use crate::draft::{Draft, DraftStep, Work};
use crate::egraph::{negated, zero_outside};
use crate::guards;
use crate::machine::Machine;
use crate::rewrite;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::plan::band::{Band, Outside};
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
        if !contraction.bands.is_empty() || contraction.strategy == Strategy::Gett {
            continue;
        }
        let around = Around { draft, links: &links };
        let mut candidates = around.of_operand(contraction.lhs, &contraction.lhs_labels);
        candidates.extend(around.of_operand(contraction.rhs, &contraction.rhs_labels));
        let results = around.of_result(contraction);
        candidates.extend(results.iter().flat_map(|(candidates, _)| candidates));
        if candidates.is_empty() {
            continue;
        }
        let mut contraction = contraction.clone();
        narrow(&mut contraction, &candidates, machine);
        let has_band = |candidate: &Candidate| {
            let labels = |band: &Band| [(band.row, band.column), (band.column, band.row)].contains(&candidate.labels);
            contraction.bands.iter().any(|band| band.outside == Outside::Unread && labels(band))
        };
        let unread = results.into_iter().filter(|(candidates, _)| candidates.iter().any(has_band)).flat_map(|(_, through)| through);
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
fn leave_out(draft: &mut Draft, links: &Links, (tensor, axes, strips): Unread) {
    for step in links.writers.get(&tensor).into_iter().flatten() {
        if let Work::Nest(nest) = &mut draft.steps[*step].work {
            let (first, second, span) = (nest.outer[axes.0], nest.outer[axes.1], nest.body.span);
            let conditions: Vec<Scalar> = strips.iter().flat_map(|strip| strip.conditions(first, second, span)).collect();
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

/// An intermediate of which nothing outside of strips of two axes is read.
type Unread = (Tensor, (usize, usize), Strips);

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
    /// Strips outside of which an operand is zero, as the step that makes it says.
    fn of_operand(self, operand: Tensor, labels: &[u16]) -> Vec<Candidate> {
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
        let pairs = (0..labels.len()).flat_map(|row| (row + 1..labels.len()).map(move |column| (row, column)));
        let candidate = |(row, column): (usize, usize)| {
            let strips = strips_of(nest, &facts, nest.outer[row], nest.outer[column]);
            let labels = (labels[row], labels[column]);
            strips.iter().map(|strip| Candidate { labels, strip, outside: Outside::Zero }).collect::<Vec<_>>()
        };
        pairs.flat_map(candidate).collect()
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
    fn of_result(self, contraction: &Contraction) -> Vec<(Vec<Candidate>, Vec<Unread>)> {
        let labels = &contraction.out_labels;
        let is_of_lhs = |axis: &usize| contraction.lhs_labels.contains(&labels[*axis]);
        // Rows are those of the left operand.
        let (mut order, of_rhs): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(is_of_lhs);
        order.extend(of_rhs);
        let pairs =
            (0..order.len()).flat_map(|n| order[n + 1..].iter().map(move |column| (n, *column))).map(|(n, column)| (order[n], column));
        let candidate = |(row, column): (usize, usize)| {
            let mut through = Vec::new();
            let strips = self.wanted(contraction.out, (row, column), DEPTH, &mut through)?;
            let labels = (labels[row], labels[column]);
            Some((strips.iter().map(|strip| Candidate { labels, strip, outside: Outside::Unread }).collect(), through))
        };
        pairs.filter_map(candidate).collect()
    }

    /// Differences of the positions on two axes at which an intermediate is read; `None` if it may be any. Pointwise readers of which the
    /// same holds are added to `through`.
    fn wanted(self, tensor: Tensor, axes: (usize, usize), depth: usize, through: &mut Vec<Unread>) -> Option<Strips> {
        if !self.draft.values[tensor].is_intermediate() || depth == 0 {
            return None;
        }
        let mut all: Option<Strips> = None;
        for reader in self.links.readers.get(&tensor)? {
            let nest = self.nest(*reader)?;
            let strips = Reads { around: self, nest, tensor, axes, depth, through, strips: None }.of_nest()?;
            all = Some(all.map_or(strips.clone(), |other| other.or(&strips)));
        }
        all.filter(|strips| !strips.are_all())
    }
}

/// Collects at which positions a tensor is read.
struct Reads<'a, 't> {
    around: Around<'a>,
    nest: &'a Nest,
    tensor: Tensor,
    axes: (usize, usize),
    depth: usize,
    through: &'t mut Vec<Unread>,
    strips: Option<Strips>,
}

impl Reads<'_, '_> {
    /// What all reads of the nest need; `None` if that is not known.
    fn of_nest(mut self) -> Option<Strips> {
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

    fn strips_of(&mut self, access: &Access, facts: &[Scalar]) -> Option<Strips> {
        let indices = rewrite::plain_indices(access)?;
        let facts: Vec<&Scalar> = facts.iter().collect();
        let (first, second) = (indices[self.axes.0], indices[self.axes.1]);
        let strips = strips_of(self.nest, &facts, first, second);
        if !strips.are_all() {
            return Some(strips);
        }
        if self.nest.reduce.is_some() || self.around.only_nest(self.nest.out).is_none() {
            return None;
        }
        let axis = |index: Index| self.nest.outer.iter().position(|o| *o == index);
        let axes = (axis(first)?, axis(second)?);
        let strips = self.around.wanted(self.nest.out, axes, self.depth - 1, self.through)?;
        let unread = (self.nest.out, axes, strips.clone());
        if !self.through.contains(&unread) {
            self.through.push(unread);
        }
        Some(strips)
    }
}

/// What conditions of a nest say of two of its indices.
pub(super) fn strips_of(nest: &Nest, conditions: &[&Scalar], first: Index, second: Index) -> Strips {
    let mut parts = Vec::new();
    conditions.iter().for_each(|condition| guards::conjuncts(condition, &mut parts));
    let range_of = |index: Index| Some(nest.indices[index].clone());
    parts.into_iter().map(|part| Strips::of(&guards::implied(part, &range_of), first, second)).fold(Strips::default(), Strips::and)
}

//! The order of products that the text says: factors are taken from left to right, two at a time.
//!
//! What is summed is summed as soon as no factor further right has it. Steps are steps of the program then: nothing regroups them.

use crate::draft::{Draft, DraftStep, Work};
use crate::egraph::ring_of;
use crate::recurrence;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::plan::{Nest, NestReduce};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::semiring::Domain;
use ein_ir::span::Span;
use std::collections::BTreeSet;

/// Makes a step of every product of two factors.
pub(crate) fn split(draft: &mut Draft) {
    recurrence::each_body(draft, &mut split);
    for step in std::mem::take(&mut draft.steps) {
        match &step.work {
            Work::Nest(nest) => match Chain::of(draft, nest, step.span) {
                Some(chain) => chain.steps(draft),
                None => draft.steps.push(step),
            },
            _ => draft.steps.push(step),
        }
    }
}

/// A sum of products of more than two factors.
struct Chain<'a> {
    nest: &'a Nest,
    reduce: &'a NestReduce,
    mul: BinaryFn,
    span: Span,
    factors: Vec<Scalar>,
}

impl<'a> Chain<'a> {
    fn of(draft: &Draft, nest: &'a Nest, span: Span) -> Option<Self> {
        let reduce = nest.reduce.as_ref()?;
        let mul = ring_of(nest, draft.values[nest.out].dtype).filter(|ring| ring.domain == Domain::Whole)?.mul;
        let is_whole = nest.indices.values().all(|range| range.lo == 0);
        let is_plain = reduce.guard.is_none() && reduce.pins.is_empty() && nest.domain.is_none() && nest.epilogue.is_none() && is_whole;
        let mut factors = Vec::new();
        let negative = flatten(&nest.body, mul, &mut factors);
        if !is_plain || factors.len() < 3 {
            return None;
        }
        if negative && let Some(first) = factors.first_mut() {
            *first = Scalar::new(ScalarKind::Unary(UnaryFn::Neg, Box::new(first.clone())), first.dtype, first.span);
        }
        Some(Self { nest, reduce, mul, span, factors })
    }

    /// A step for every factor but the first.
    fn steps(&self, draft: &mut Draft) {
        let mut left = self.factors[0].clone();
        let mut summed: BTreeSet<Index> = BTreeSet::new();
        for n in 1..self.factors.len() - 1 {
            let present: BTreeSet<Index> = self.indices(&left).union(&self.indices(&self.factors[n])).copied().collect();
            let later: BTreeSet<Index> =
                self.factors[n + 1..].iter().flat_map(|f| self.indices(f)).chain(self.nest.outer.iter().copied()).collect();
            let outer: Vec<Index> = present.intersection(&later).copied().collect();
            let binders: Vec<Index> = present.difference(&later).copied().collect();
            summed.extend(&binders);
            let out = self.value(draft, &outer);
            self.push(draft, out, outer.clone(), binders, self.product(left, n));
            left = self.read(out, &outer);
        }
        let binders = self.reduce.binders.iter().copied().filter(|i| !summed.contains(i)).collect();
        self.push(draft, self.nest.out, self.nest.outer.clone(), binders, self.product(left, self.factors.len() - 1));
    }

    fn product(&self, left: Scalar, n: usize) -> Scalar {
        Scalar::binary(self.mul, left, self.factors[n].clone(), self.dtype(), self.span)
    }

    fn dtype(&self) -> DType {
        self.reduce.acc
    }

    /// Indices of the nest that an expression mentions, but for those of the scans around.
    fn indices(&self, scalar: &Scalar) -> BTreeSet<Index> {
        let mut found = BTreeSet::new();
        scalar.visit(&mut |s| {
            if let ScalarKind::Index(index) = s.kind
                && !self.nest.is_param(index)
            {
                found.insert(index);
            }
        });
        found
    }

    fn value(&self, draft: &mut Draft, outer: &[Index]) -> Tensor {
        let extent = |i: &Index| u64::try_from(self.nest.indices[*i].hi).unwrap_or(0);
        draft.add_intermediate(self.nest.out, outer.iter().map(extent).collect())
    }

    fn read(&self, tensor: Tensor, outer: &[Index]) -> Scalar {
        let sub = |index: &Index| Sub { value: Scalar::index(*index, self.span), mode: Mode::Exact };
        let access = Access { tensor, prev: false, subs: outer.iter().map(sub).collect(), pad: None };
        Scalar::new(ScalarKind::Access(access), self.dtype(), self.span)
    }

    /// A step over the indices that it needs.
    fn push(&self, draft: &mut Draft, out: Tensor, outer: Vec<Index>, binders: Vec<Index>, body: Scalar) {
        let params = (0..self.nest.params as usize).map(Index::new);
        let kept: Vec<Index> = params.chain(outer.iter().copied()).chain(binders.iter().copied()).collect();
        let new = |index: Index| kept.iter().position(|k| *k == index).map_or(index, Index::new);
        let mut body = body;
        body.visit_mut(&mut |s| {
            if let ScalarKind::Index(index) = &mut s.kind {
                *index = new(*index);
            }
        });
        let binders: Vec<Index> = binders.into_iter().map(new).collect();
        let reduce = (!binders.is_empty()).then(|| NestReduce { binders, ..self.reduce.clone() });
        let nest = Nest {
            out,
            indices: kept.iter().map(|i| self.nest.indices[*i].clone()).collect(),
            params: self.nest.params,
            outer: outer.into_iter().map(new).collect(),
            domain: None,
            reduce,
            body,
            epilogue: None,
        };
        draft.steps.push(DraftStep { work: Work::Nest(nest), span: self.span });
    }
}

/// The factors of a product, in the order of the text; whether the number of their signs is odd.
fn flatten(scalar: &Scalar, mul: BinaryFn, factors: &mut Vec<Scalar>) -> bool {
    match &scalar.kind {
        ScalarKind::Binary(function, a, b) if *function == mul => flatten(a, mul, factors) ^ flatten(b, mul, factors),
        ScalarKind::Unary(UnaryFn::Neg, a) if mul == BinaryFn::Mul => !flatten(a, mul, factors),
        _ => {
            factors.push(scalar.clone());
            false
        }
    }
}

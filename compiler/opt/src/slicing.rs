//! Products that are computed slice by slice, so that a plan keeps to a memory limit.
//!
//! Labels of a network are fixed to one value a turn of a recurrence: for a label of the result the turns are put beside each other, for a
//! reduced one they are added up. What is inside is an ordinary sum of products with fewer labels, for which orders are chosen anew. Which labels, says
//! [`crate::path::slice()`].

use crate::draft::{Draft, DraftStep, Recurrence, Role, Value, Work};
use crate::path::{self, Budget, Objective, Path, Tree};
use crate::{Options, rewrite, ring, search};
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::plan::{IndexRange, Nest, NestReduce, ScanState};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;

/// Slices every sum of products whose order of least memory needs more than `limit` bytes. Returns whether there is one.
pub(crate) fn slice(draft: &mut Draft, limit: u64, options: &Options) -> bool {
    let mut is_changed = false;
    for step in std::mem::take(&mut draft.steps) {
        match labels(draft, &step, limit, options) {
            Some(labels) if !labels.is_empty() => {
                let Work::Nest(nest) = &step.work else { continue };
                let steps = Slicing::new(nest, &labels, step.span).steps(draft);
                draft.steps.extend(steps);
                is_changed = true;
            }
            _ => draft.steps.push(step),
        }
    }
    is_changed
}

/// The indices of a nest that are fixed; `None` if it is no sum of products of tensors read whole, or cannot be made small enough.
fn labels(draft: &Draft, step: &DraftStep, limit: u64, options: &Options) -> Option<Vec<Index>> {
    let Work::Nest(nest) = &step.work else { return None };
    let network = network(draft, nest)?;
    let written = Path::summed_first(&network, Tree::written(network.n_operands()));
    let objective = Objective::Peak;
    let found = search::search(&network, &objective, options, &written);
    let elements = u128::from(limit / draft.values[nest.out].dtype.bytes().max(1) as u64);
    let budget = Budget { seed: options.seed, ..Budget::default_for(&network) };
    let sliced = path::slice(&network, &found, elements, &objective, budget, &mut |_| true).ok()?;
    Some(sliced.labels.into_iter().map(|l| Index::new(l as usize)).collect())
}

/// The network of a nest; its labels are the indices.
fn network(draft: &Draft, nest: &Nest) -> Option<path::Network> {
    let reduce = nest.reduce.as_ref().filter(|r| r.op == ReduceOp::Sum && r.guard.is_none() && r.pins.is_empty())?;
    let dtype = draft.values[nest.out].dtype;
    let is_plain = nest.params == 0 && nest.domain.is_none() && nest.epilogue.is_none() && reduce.acc == dtype && ring::is_ring(dtype);
    if !is_plain || nest.indices.values().any(|range| range.lo != 0 || range.hi == 0) {
        return None;
    }
    let mut factors = Vec::new();
    ring::flatten(&nest.body, &mut factors);
    let labels = |indices: &[Index]| indices.iter().map(|i| i.index() as u32).collect::<Vec<u32>>();
    let operand = |factor: &&Scalar| match &factor.kind {
        ScalarKind::Access(access) => rewrite::plain_indices(access).map(|indices| labels(&indices)),
        _ => None,
    };
    let operands = factors.iter().map(operand).collect::<Option<Vec<_>>>().filter(|o| o.len() > 2)?;
    let extents = nest.indices.values().map(|r| u64::try_from(r.hi).unwrap_or(0)).collect();
    path::Network::new(operands, labels(&nest.outer), extents).ok()
}

/// A nest about to be cut.
struct Slicing<'a> {
    nest: &'a Nest,
    span: Span,
    /// Fixed indices of the result: a recurrence each, the first outermost.
    beside: Vec<Index>,
    /// Fixed indices that are summed: one recurrence over all of their values.
    added: Vec<Index>,
}

impl<'a> Slicing<'a> {
    fn new(nest: &'a Nest, labels: &[Index], span: Span) -> Self {
        let (beside, added) = labels.iter().partition(|l| nest.outer.contains(l));
        Self { nest, span, beside, added }
    }

    fn extent(&self, index: Index) -> i64 {
        self.nest.indices[index].hi
    }

    /// Indices of the result that are not fixed.
    fn rest(&self) -> Vec<Index> {
        self.nest.outer.iter().copied().filter(|i| !self.beside.contains(i)).collect()
    }

    /// The recurrences, outermost last.
    fn steps(&self, draft: &mut Draft) -> Vec<DraftStep> {
        if draft.values[self.nest.out].is_intermediate() && !self.beside.is_empty() {
            draft.values[self.nest.out].role = Role::Carried;
        }
        let slice = self.value(draft, "slice", Role::Intermediate);
        let inner = self.step(Work::Nest(self.inner(slice, draft)));
        let mut steps = if self.added.is_empty() { vec![inner, self.put(slice, draft)] } else { self.sum(slice, inner, draft) };
        for (n, index) in self.beside.iter().enumerate().rev() {
            let range = self.nest.indices[*index].clone();
            steps = vec![self.scan(n, range, Vec::new(), steps)];
        }
        steps
    }

    fn step(&self, work: Work) -> DraftStep {
        DraftStep { work, span: self.span }
    }

    fn scan(&self, depth: usize, range: IndexRange, states: Vec<ScanState>, body: Vec<DraftStep>) -> DraftStep {
        let index = Index::new(depth);
        self.step(Work::Scan(Box::new(Recurrence { index, range, reverse: false, linear: false, states, body })))
    }

    /// A value with the axes of the result that are not fixed.
    fn value(&self, draft: &mut Draft, what: &str, role: Role) -> Tensor {
        let Value { name, dtype, span, .. } = draft.values[self.nest.out].clone();
        let extents = self.rest().into_iter().map(|i| u64::try_from(self.extent(i)).unwrap_or(0)).collect();
        draft.values.push(Value { name: format!("{name}.{what}"), dtype, extents, index_of: Vec::new(), role, span })
    }

    /// Turns of the recurrence that adds up.
    fn turns(&self) -> IndexRange {
        let hi = self.added.iter().fold(1i64, |n, i| n.saturating_mul(self.extent(*i)));
        IndexRange { name: "slice".to_owned(), lo: 0, hi }
    }

    /// The nest of one slice.
    fn inner(&self, slice: Tensor, draft: &Draft) -> Nest {
        let mut params: Vec<IndexRange> = self.beside.iter().map(|i| self.nest.indices[*i].clone()).collect();
        params.extend((!self.added.is_empty()).then(|| self.turns()));
        let n_params = params.len();
        let binders = self.nest.reduce.as_ref().map_or(&[][..], |r| r.binders.as_slice());
        let binders: Vec<Index> = binders.iter().copied().filter(|i| !self.added.contains(i)).collect();
        let kept: Vec<Index> = self.rest().into_iter().chain(binders.iter().copied()).collect();
        let new = |index: &Index| kept.iter().position(|k| k == index).map(|n| Index::new(n_params + n));
        let mut body = self.nest.body.clone();
        body.visit_mut(&mut |s| {
            let ScalarKind::Index(index) = s.kind else { return };
            *s = match (new(&index), self.beside.iter().position(|i| *i == index)) {
                (Some(new), _) => Scalar::index(new, s.span),
                (None, Some(n)) => Scalar::index(Index::new(n), s.span),
                (None, None) => self.place_in_turn(index, s.span),
            };
        });
        let ranges = kept.iter().map(|i| self.nest.indices[*i].clone());
        let acc = draft.values[self.nest.out].dtype;
        let binders: Vec<Index> = binders.iter().filter_map(new).collect();
        let reduce = NestReduce { op: ReduceOp::Sum, acc, binders, guard: None, pins: Vec::new() };
        Nest {
            out: slice,
            indices: params.into_iter().chain(ranges).collect(),
            params: n_params as u32,
            outer: self.rest().iter().filter_map(new).collect(),
            domain: None,
            reduce: (!reduce.binders.is_empty()).then_some(reduce),
            body,
            epilogue: None,
        }
    }

    /// The value of an index that is summed, of which several may be fixed in one turn.
    fn place_in_turn(&self, index: Index, span: Span) -> Scalar {
        let turn = Scalar::index(Index::new(self.beside.len()), span);
        if self.added.len() == 1 {
            return turn;
        }
        let at = self.added.iter().position(|i| *i == index).unwrap_or(0);
        let stride = self.added[at + 1..].iter().fold(1i64, |n, i| n.saturating_mul(self.extent(*i)));
        let number = |n: i64| Scalar::literal(Literal::Int(i128::from(n)), DType::I64, span);
        let place = Scalar::binary(BinaryFn::FloorDiv, turn, number(stride), DType::I64, span);
        Scalar::binary(BinaryFn::Rem, place, number(self.extent(index)), DType::I64, span)
    }

    /// Adds slices up: their sum is a state.
    fn sum(&self, slice: Tensor, inner: DraftStep, draft: &mut Draft) -> Vec<DraftStep> {
        let (current, previous) = (self.value(draft, "sum", Role::Carried), self.value(draft, "sum before", Role::Carried));
        let dtype = draft.values[current].dtype;
        let depth = self.beside.len();
        let state = ScanState { current, previous, apart: Vec::new() };
        let turns = self.turns();
        let n_turns = u64::try_from(turns.hi).unwrap_or(0);
        let zero = self.pointwise(state.first(n_turns), depth, Scalar::literal(zero(dtype), dtype, self.span));
        let read = |tensor| self.read(tensor, dtype);
        let added = Scalar::binary(BinaryFn::Add, read(previous), read(slice), dtype, self.span);
        let mut update = self.pointwise(current, depth, added);
        rewrite::insert_param(&mut update, depth, turns.clone());
        let body = vec![inner, self.step(Work::Nest(update))];
        vec![self.step(Work::Nest(zero)), self.scan(depth, turns, vec![state], body), self.put(current, draft)]
    }

    /// The read of one element in such a nest.
    fn read(&self, tensor: Tensor, dtype: DType) -> Scalar {
        let sub = |n: usize| Sub { value: Scalar::index(Index::new(self.beside.len() + n), self.span), mode: Mode::Exact };
        let access = Access { tensor, prev: false, subs: (0..self.rest().len()).map(sub).collect(), pad: None };
        Scalar::new(ScalarKind::Access(access), dtype, self.span)
    }

    /// A nest over the axes that are not fixed, under the recurrences of those that are put beside each other.
    fn pointwise(&self, out: Tensor, depth: usize, body: Scalar) -> Nest {
        let ranges = self.beside.iter().chain(&self.rest()).map(|i| self.nest.indices[*i].clone()).collect::<PrimaryMap<Index, _>>();
        let outer = (depth..ranges.len()).map(Index::new).collect();
        Nest { out, indices: ranges, params: depth as u32, outer, domain: None, reduce: None, body, epilogue: None }
    }

    /// Stores a finished slice where it belongs in the result.
    fn put(&self, slice: Tensor, draft: &Draft) -> DraftStep {
        let depth = self.beside.len();
        let mut nest = self.pointwise(self.nest.out, depth, self.read(slice, draft.values[slice].dtype));
        let rest = self.rest();
        let place = |index: &Index| match self.beside.iter().position(|i| i == index) {
            Some(n) => Index::new(n),
            None => Index::new(depth + rest.iter().position(|i| i == index).unwrap_or(0)),
        };
        nest.outer = self.nest.outer.iter().map(place).collect();
        self.step(Work::Nest(nest))
    }
}

fn zero(dtype: DType) -> Literal {
    match dtype {
        _ if dtype.is_complex() => Literal::Complex(0.0, 0.0),
        _ if dtype.is_float() => Literal::Float(0.0),
        _ => Literal::Int(0),
    }
}

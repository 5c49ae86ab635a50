//! From steps to classes.
//!
//! Every step that is a nest becomes a class with the nest as written in it. Where its value is a polynomial (sums and products of tensors
//! read whole, over one ring) the same class is also that polynomial, and its products are flat networks: so the spelling of an
//! equation, its cutting into several, and the names of its indices do not show. All other steps stay as they are; what they read is
//! wanted, and what they write the graph does not look into.

use super::facts::Type;
use super::graph::{Access, Graph, Product};
use super::language::{Label, Node, Ring};
use super::narrow;
use crate::bands::AxisStrip;
use crate::draft::{Draft, DraftStep, Question, Role, Work};
use crate::{gather, rewrite, ring};
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::plan::{IndexRange, Nest, NestReduce};
use ein_ir::scalar::eval::eval_unary;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{self, Scalar, ScalarKind};
use ein_ir::semiring::Domain;
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A nest of the program over classes instead of tensors: the tensor of an access is the number of a child.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) nest: Nest,
    pub(crate) span: Span,
    /// Without names and spans: two nests with equal keys compute the same of the same children.
    key: Nest,
}

/// What must be there when all steps are done, in the order of the program.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// The value of a tensor that somebody outside wants.
    Wanted(Tensor),
    /// A step that is carried out as it is.
    Step(DraftStep),
}

/// Steps as a graph.
pub(crate) struct Converted {
    pub(crate) graph: Graph,
    /// Class of each tensor; labels are the axes of the tensor.
    pub(crate) values: BTreeMap<Tensor, Access>,
    /// Nests by a hash of their keys.
    by_hash: BTreeMap<u64, Vec<usize>>,
    /// Nodes of nests, before classes have settled.
    written: Vec<Id>,
    /// The node as written of each class that the program defines.
    pub(crate) origins: BTreeMap<Id, Id>,
    /// Where the steps that define tensors were written.
    pub(crate) spans: BTreeMap<Tensor, Span>,
    /// Tensors of [`Node::Leaf`].
    pub(crate) leaves: Vec<Tensor>,
    /// Nests of [`Node::Nest`].
    pub(crate) nests: Vec<Template>,
    pub(crate) items: Vec<Item>,
    /// Indices of the scans around, which every nest has first.
    pub(crate) params: Vec<IndexRange>,
    /// Strips of axes outside of which factors of sums of products are zero, by class: what the price of products knows of bands.
    pub(crate) strips: BTreeMap<Id, Vec<AxisStrip>>,
}

/// Makes the graph of the steps of a draft.
pub(crate) fn convert(draft: &Draft) -> Converted {
    let mut graph = if matches!(draft.asked, Some(Question::Why(_))) { Graph::explained() } else { Graph::new() };
    graph.keeps_products = draft.as_written;
    let params = params(draft);
    let mut out = Converted {
        graph,
        values: BTreeMap::new(),
        by_hash: BTreeMap::new(),
        written: Vec::new(),
        origins: BTreeMap::new(),
        spans: BTreeMap::new(),
        leaves: Vec::new(),
        nests: Vec::new(),
        items: Vec::new(),
        params,
        strips: BTreeMap::new(),
    };
    draft.inputs.iter().for_each(|tensor| out.leaf(draft, *tensor));
    let constants = draft.values.iter().filter(|(_, value)| matches!(value.role, Role::Constant(_)));
    constants.for_each(|(tensor, _)| out.leaf(draft, tensor));
    let written_twice = written_twice(draft);
    for step in &draft.steps {
        step.reads().into_iter().for_each(|tensor| out.leaf(draft, tensor));
        match &step.work {
            Work::Nest(nest) if !written_twice.contains(&nest.out) && !nest.outer.iter().any(|i| nest.is_param(*i)) => {
                out.nest(draft, nest, step.span);
                if draft.outputs.contains(&nest.out) || draft.values[nest.out].role == Role::Carried {
                    out.items.push(Item::Wanted(nest.out));
                }
            }
            _ => {
                out.items.push(Item::Step(step.clone()));
                step.writes().into_iter().for_each(|tensor| out.leaf(draft, tensor));
            }
        }
    }
    out.graph.egraph.rebuild();
    for written in std::mem::take(&mut out.written) {
        out.origins.entry(out.graph.egraph.find(written)).or_insert(written);
    }
    out
}

/// Indices of the scans around.
fn params(draft: &Draft) -> Vec<IndexRange> {
    let nest = draft.steps.iter().find_map(|step| if let Work::Nest(nest) = &step.work { Some(nest) } else { None });
    nest.map_or(Vec::new(), |nest| nest.indices.values().take(nest.params as usize).cloned().collect())
}

/// Tensors that several steps write: states of recurrences.
fn written_twice(draft: &Draft) -> BTreeSet<Tensor> {
    let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for tensor in draft.steps.iter().flat_map(DraftStep::writes) {
        if !once.insert(tensor) {
            twice.insert(tensor);
        }
    }
    twice
}

impl Converted {
    /// A tensor that comes from elsewhere, unless it is known already. Tables with equal elements are one.
    pub(crate) fn leaf(&mut self, draft: &Draft, tensor: Tensor) {
        if self.values.contains_key(&tensor) {
            return;
        }
        let value = &draft.values[tensor];
        let same = |other: &Tensor| {
            let other = &draft.values[*other];
            (&other.role, &other.extents, other.dtype) == (&value.role, &value.extents, value.dtype)
        };
        let is_table = matches!(value.role, Role::Constant(_));
        let n = self.leaves.iter().position(|leaf| is_table && same(leaf)).unwrap_or_else(|| {
            self.leaves.push(tensor);
            self.graph.egraph.analysis.leaves.push(Type { shape: value.extents.clone(), dtype: value.dtype });
            self.leaves.len() - 1
        });
        let class = self.graph.egraph.add(Node::Leaf(n as u32));
        self.graph.know(class, draft.ranges.of_tensor(tensor, value.dtype));
        self.values.insert(tensor, self.graph.whole(class));
    }

    fn nest(&mut self, draft: &Draft, nest: &Nest, span: Span) {
        let algebraic = Algebra::of(self, draft, nest, span);
        let axes: Vec<Label> = match &algebraic {
            Some(access) => access.labels.clone(),
            None => nest.outer.iter().map(|i| i.index() as Label).collect(),
        };
        let written = self.intern(draft, nest, &axes, span);
        let class = algebraic.map_or(written, |access| access.class);
        self.graph.egraph.union_trusted(written, class, "recognise-algebra");
        self.graph.know(class, draft.ranges.of_tensor(nest.out, draft.values[nest.out].dtype));
        self.written.push(written);
        let axis = |label: &Label| nest.outer.iter().position(|i| i.index() == usize::from(*label)).unwrap_or(0) as Label;
        self.spans.insert(nest.out, span);
        self.values.insert(nest.out, Access { class, labels: axes.iter().map(axis).collect() });
    }

    /// The class that a nest makes, its axes in this order.
    fn intern(&mut self, draft: &Draft, nest: &Nest, axes: &[Label], span: Span) -> Id {
        let mut nest = nest.clone();
        let dtype = draft.values[nest.out].dtype;
        nest.outer = axes.iter().map(|l| Index::new(usize::from(*l))).collect();
        let mut children: Vec<Id> = Vec::new();
        for scalar in rewrite::scalars_mut(&mut nest) {
            scalar.visit_mut(&mut |s| {
                if let ScalarKind::Access(access) = &mut s.kind {
                    let value = self.graph.current(self.values[&access.tensor].clone());
                    let child = children.iter().position(|c| *c == value.class).unwrap_or_else(|| {
                        children.push(value.class);
                        children.len() - 1
                    });
                    access.tensor = Tensor::new(child);
                    access.subs = value.labels.iter().map(|axis| access.subs[usize::from(*axis)].clone()).collect();
                }
            });
        }
        nest.out = Tensor::new(children.len());
        let extent = |i: &Index| u64::try_from(nest.indices[*i].hi).unwrap_or(0);
        let shape = nest.outer.iter().map(extent).collect();
        let n = self.template(nest, Type { shape, dtype }, span);
        self.graph.egraph.add_uncanonical(Node::Nest(n, children))
    }

    /// The number of a nest over children; equal ones have one.
    pub(crate) fn template(&mut self, nest: Nest, of: Type, span: Span) -> u32 {
        let key = key_of(&nest);
        let mut hasher = DefaultHasher::new();
        format!("{key:?}").hash(&mut hasher);
        let alike = self.by_hash.entry(hasher.finish()).or_default();
        let n = alike.iter().copied().find(|n| self.nests[*n].key == key).unwrap_or_else(|| {
            self.graph.egraph.analysis.nests.push(of);
            alike.push(self.nests.len());
            self.nests.push(Template { nest, span, key });
            self.nests.len() - 1
        });
        n as u32
    }
}

/// The nest without what does not change its meaning.
fn key_of(nest: &Nest) -> Nest {
    let mut key = nest.clone();
    key.indices.values_mut().for_each(|range| range.name.clear());
    for scalar in rewrite::scalars_mut(&mut key) {
        scalar.visit_mut(&mut |s| s.span = Span::default());
    }
    key
}

/// Turns the body of one nest into sums and products of classes; labels are the indices of the nest.
struct Algebra<'a> {
    converted: &'a mut Converted,
    draft: &'a Draft,
    nest: &'a Nest,
    ring: Ring,
    span: Span,
    extents: Vec<u64>,
    binders: Vec<Index>,
}

impl<'a> Algebra<'a> {
    /// The value of a nest as a polynomial, its labels those of the axes of the class; `None` if it is none.
    fn of(converted: &'a mut Converted, draft: &'a Draft, nest: &'a Nest, span: Span) -> Option<Access> {
        let ring = ring_of(nest, draft.values[nest.out].dtype)?;
        let is_plain = nest.domain.is_none() && nest.epilogue.is_none() && nest.reduce.as_ref().is_none_or(is_plain);
        let own: Vec<Index> = nest.indices.keys().filter(|i| !nest.is_param(*i)).collect();
        if !is_plain || own.iter().any(|i| nest.indices[*i].lo != 0) || nest.indices.len() >= usize::from(Label::MAX) {
            return None;
        }
        let extents = nest.indices.values().map(|r| u64::try_from(r.hi).unwrap_or(0)).collect();
        let binders = nest.reduce.as_ref().map_or(Vec::new(), |r| r.binders.clone());
        let mut algebra = Self { converted, draft, nest, ring, span, extents, binders };
        let operands = algebra.product(&nest.body)?;
        // What must be proved is worth it for two operands at least.
        if ring.domain == Domain::Monotone && operands.len() < 2 {
            return None;
        }
        let output: Vec<Label> = nest.outer.iter().map(|i| i.index() as Label).collect();
        let covered: BTreeSet<Label> = operands.iter().flat_map(|o| &o.labels).copied().collect();
        if !own.iter().all(|i| covered.contains(&(i.index() as Label))) || !algebra.converted.graph.proves(ring, operands.iter()) {
            return None;
        }
        let product = Product { operands, output, extents: algebra.extents.clone() };
        let graph = &mut algebra.converted.graph;
        let product = graph.flattened(ring, product);
        Some(graph.contract(ring, product))
    }

    /// The operands of a product.
    fn product(&mut self, scalar: &Scalar) -> Option<Vec<Access>> {
        let (mut factors, mut negative) = (Vec::new(), false);
        if self.ring.mul == BinaryFn::Add {
            self.addends(scalar, false, &mut factors);
        } else {
            self.factors(scalar, &mut factors, &mut negative);
        }
        let n_factors = factors.len();
        let mut operands = Vec::new();
        let mut others: Vec<&Scalar> = Vec::new();
        for factor in factors.iter().map(Cow::as_ref) {
            match self.operand(factor) {
                Some(operand) => operands.push(operand),
                None if rewrite::mentions(factor, &self.binders) => {
                    let operand = self.gathered(factor).or_else(|| if n_factors > 1 { self.computed(factor) } else { None });
                    operands.push(operand?);
                }
                None if self.binders.is_empty() || !gather::cannot_fail(self.draft, factor) => return None,
                None => others.push(factor),
            }
        }
        if negative {
            operands.push(self.converted.graph.constant(ring::minus_one(self.ring.dtype), self.ring.dtype));
        }
        if !others.is_empty() {
            operands.push(self.rest(&others)?);
        }
        Some(operands)
    }

    /// The factors of a product, and whether the number of their signs is odd.
    fn factors<'s>(&self, scalar: &'s Scalar, factors: &mut Vec<Cow<'s, Scalar>>, negative: &mut bool) {
        match &scalar.kind {
            ScalarKind::Binary(function, a, b) if *function == self.ring.mul && scalar.dtype == self.ring.dtype => {
                self.factors(a, factors, negative);
                self.factors(b, factors, negative);
            }
            ScalarKind::Unary(UnaryFn::Neg, a) if self.ring.add == ReduceOp::Sum => {
                *negative = !*negative;
                self.factors(a, factors, negative);
            }
            _ => factors.push(Cow::Borrowed(scalar)),
        }
    }

    /// The factors of a product that is a sum: of a difference the opposite of what is subtracted.
    fn addends<'s>(&self, scalar: &'s Scalar, is_negative: bool, factors: &mut Vec<Cow<'s, Scalar>>) {
        match &scalar.kind {
            ScalarKind::Binary(function @ (BinaryFn::Add | BinaryFn::Sub), a, b) if scalar.dtype == self.ring.dtype => {
                self.addends(a, is_negative, factors);
                self.addends(b, is_negative ^ (*function == BinaryFn::Sub), factors);
            }
            ScalarKind::Unary(UnaryFn::Neg, a) => self.addends(a, !is_negative, factors),
            ScalarKind::Literal(literal) if is_negative => {
                let opposite = eval_unary(UnaryFn::Neg, Value::from_literal(*literal, scalar.dtype), scalar.dtype).to_literal();
                factors.extend(opposite.map(|literal| Cow::Owned(Scalar::literal(literal, scalar.dtype, scalar.span))));
            }
            _ if is_negative => factors.push(Cow::Owned(Scalar::unary(UnaryFn::Neg, scalar.clone(), scalar.dtype, scalar.span))),
            _ => factors.push(Cow::Borrowed(scalar)),
        }
    }

    /// A factor that is a number, a tensor read whole, its conjugate, or a sum of such products.
    fn operand(&mut self, factor: &Scalar) -> Option<Access> {
        if factor.dtype != self.ring.dtype {
            return None;
        }
        match &factor.kind {
            ScalarKind::Literal(literal) => Some(self.converted.graph.constant(*literal, factor.dtype)),
            ScalarKind::Access(access) => self.read(access),
            ScalarKind::Unary(UnaryFn::Conj, inner) => match &inner.kind {
                ScalarKind::Access(access) if inner.dtype.is_complex() => {
                    let read = self.read(access)?;
                    Some(self.converted.graph.conjugate(read))
                }
                _ => None,
            },
            ScalarKind::Binary(BinaryFn::Add | BinaryFn::Sub, ..) if self.ring.add == ReduceOp::Sum => self.sum(factor),
            _ => None,
        }
    }

    /// A tensor whose every axis is read by an index over the whole of it, or a part of one.
    fn read(&mut self, access: &scalar::Access) -> Option<Access> {
        self.whole(access).or_else(|| self.part(access))
    }

    fn whole(&self, access: &scalar::Access) -> Option<Access> {
        let indices = rewrite::plain_indices(access)?;
        let value = &self.draft.values[access.tensor];
        let covers = |(index, extent): (&Index, &u64)| {
            !self.nest.is_param(*index) && u64::try_from(self.nest.indices[*index].hi).is_ok_and(|hi| hi == *extent)
        };
        if value.dtype != self.ring.dtype || !indices.iter().zip(&value.extents).all(covers) {
            return None;
        }
        let known = &self.converted.values[&access.tensor];
        Some(Access { class: known.class, labels: known.labels.iter().map(|axis| indices[usize::from(*axis)].index() as Label).collect() })
    }

    /// A tensor read at positions that the indices say.
    fn part(&mut self, access: &scalar::Access) -> Option<Access> {
        if access.prev || self.draft.values[access.tensor].dtype != self.ring.dtype {
            return None;
        }
        let label = |index: Index| (!self.nest.is_param(index)).then_some(index.index() as Label);
        let positions = access.subs.iter().map(|sub| narrow::as_position(sub, &label)).collect::<Option<Vec<_>>>()?;
        let known = self.converted.values[&access.tensor].clone();
        let positions = known.labels.iter().map(|axis| positions[usize::from(*axis)].clone()).collect();
        self.converted.graph.slice(known.class, positions, &self.extents)
    }

    fn sum(&mut self, scalar: &Scalar) -> Option<Access> {
        let mut terms = Vec::new();
        self.terms(scalar, false, &mut terms)?;
        Some(self.converted.graph.sum(self.ring, terms, &self.extents))
    }

    fn terms(&mut self, scalar: &Scalar, negative: bool, terms: &mut Vec<Access>) -> Option<()> {
        match &scalar.kind {
            ScalarKind::Binary(function @ (BinaryFn::Add | BinaryFn::Sub), a, b) if scalar.dtype == self.ring.dtype => {
                self.terms(a, negative, terms)?;
                self.terms(b, negative ^ (*function == BinaryFn::Sub), terms)
            }
            _ => {
                let mut operands = self.product(scalar)?;
                if negative {
                    operands.push(self.converted.graph.constant(ring::minus_one(self.ring.dtype), self.ring.dtype));
                }
                let output: BTreeSet<Label> = operands.iter().flat_map(|o| &o.labels).copied().collect();
                let product = Product { operands, output: output.into_iter().collect(), extents: self.extents.clone() };
                let product = self.converted.graph.flattened(self.ring, product);
                terms.push(self.converted.graph.contract(self.ring, product));
                Some(())
            }
        }
    }

    /// A factor read at positions of data, as a value of its own.
    fn gathered(&mut self, factor: &Scalar) -> Option<Access> {
        let labels = gather::labels_of(self.draft, self.nest, factor, self.ring.dtype)?;
        self.pointwise(factor.clone(), labels)
    }

    /// A factor that is computed from elements, as a value of its own. In sums of products of kernels [`crate::widen`] decides on them.
    fn computed(&mut self, factor: &Scalar) -> Option<Access> {
        let is_wanted = self.ring.add != ReduceOp::Sum || self.draft.written_out;
        let is_value = is_wanted && factor.dtype == self.ring.dtype && gather::cannot_fail(self.draft, factor);
        is_value.then(|| self.pointwise(factor.clone(), self.labels_in(factor)))?
    }

    /// Factors that no reduction goes over and that are no tensors read whole, as one value.
    fn rest(&mut self, others: &[&Scalar]) -> Option<Access> {
        let (dtype, mul, span) = (self.ring.dtype, self.ring.mul, self.span);
        let body = others.iter().map(|s| (*s).clone()).reduce(|a, b| Scalar::binary(mul, a, b, dtype, span))?;
        let labels = self.labels_in(&body);
        self.pointwise(body, labels)
    }

    /// Indices that an expression mentions, those of scans apart.
    fn labels_in(&self, scalar: &Scalar) -> Vec<Label> {
        let mut labels = BTreeSet::new();
        scalar.visit(&mut |s| {
            if let ScalarKind::Index(index) = s.kind
                && !self.nest.is_param(index)
            {
                labels.insert(index.index() as Label);
            }
        });
        labels.into_iter().collect()
    }

    /// A class for an expression over these indices; `None` where another index has no value: then nothing of it need be in bounds.
    fn pointwise(&mut self, body: Scalar, labels: Vec<Label>) -> Option<Access> {
        let is_empty = |range: &IndexRange| range.hi <= range.lo;
        if self.nest.indices.values().any(is_empty) {
            return None;
        }
        let nest = gather::pointwise(self.nest, &labels, body);
        let axes: Vec<Label> = nest.outer.iter().map(|i| i.index() as Label).collect();
        let class = self.converted.intern(self.draft, &nest, &axes, self.span);
        self.converted.graph.know(class, self.draft.ranges.of_scalar(&nest, &nest.body));
        Some(Access { class, labels })
    }
}

/// The ring that a nest computes in, if its sums may be regrouped where the operands are in the domain.
pub(crate) fn ring_of(nest: &Nest, dtype: DType) -> Option<Ring> {
    let add = nest.reduce.as_ref().map_or(ReduceOp::Sum, |r| r.op);
    let mul = match add {
        ReduceOp::Sum if ring::is_ring(dtype) => BinaryFn::Mul,
        ReduceOp::Max | ReduceOp::Min => product_under(add, &nest.body),
        ReduceOp::Lse => BinaryFn::Add,
        ReduceOp::Any => BinaryFn::And,
        _ => return None,
    };
    let is_ring = |domain| Some(Ring { add, mul, dtype, domain }).filter(|ring| ring.is_regroupable());
    let is_own_type = nest.reduce.as_ref().is_none_or(|r| r.acc == dtype);
    let ring = is_ring(Domain::Whole).or_else(|| is_ring(Domain::Monotone))?;
    (is_own_type && !(is_choice(add) && is_empty(nest))).then_some(ring)
}

/// By what the operands of `max` and `min` are joined.
fn product_under(add: ReduceOp, body: &Scalar) -> BinaryFn {
    match (add, &body.kind) {
        (_, ScalarKind::Binary(BinaryFn::Mul, ..)) => BinaryFn::Mul,
        (ReduceOp::Max, ScalarKind::Binary(BinaryFn::Min, ..)) => BinaryFn::Min,
        (ReduceOp::Min, ScalarKind::Binary(BinaryFn::Max, ..)) => BinaryFn::Max,
        _ => BinaryFn::Add,
    }
}

fn is_choice(add: ReduceOp) -> bool {
    matches!(add, ReduceOp::Max | ReduceOp::Min)
}

/// Whether nothing is reduced: then the result is the end of the type, which is no product.
fn is_empty(nest: &Nest) -> bool {
    let binders = nest.reduce.iter().flat_map(|reduce| &reduce.binders);
    binders.map(|index| &nest.indices[*index]).any(|range| range.hi <= range.lo)
}

fn is_plain(reduce: &NestReduce) -> bool {
    reduce.guard.is_none() && reduce.pins.is_empty()
}

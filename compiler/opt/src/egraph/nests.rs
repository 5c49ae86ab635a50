//! Nests that rules make: one more way to make the class of a contraction.

use super::convert::Converted;
use super::facts::Type;
use super::graph::Access;
use super::language::{Label, Node, Ring, Spec};
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::plan::{IndexRange, Nest, NestReduce, Pin};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{self, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use std::collections::BTreeMap;

/// A nest in the place of a contraction, over classes: the tensor of an access is the number of a child.
pub(super) struct NestMaker<'a> {
    converted: &'a mut Converted,
    ring: Ring,
    spec: &'a Spec,
    indices: Vec<IndexRange>,
    /// Index of each label that has one.
    index_of: BTreeMap<Label, Index>,
    binders: Vec<Index>,
    children: Vec<Id>,
}

impl<'a> NestMaker<'a> {
    /// A nest with an index for each axis of the result, in order, and then for those labels that are reduced by an index of their own.
    pub(super) fn new(converted: &'a mut Converted, ring: Ring, spec: &'a Spec, is_binder: impl Fn(Label) -> bool) -> Option<Self> {
        let indices = converted.params.clone();
        let mut maker = Self { converted, ring, spec, indices, index_of: BTreeMap::new(), binders: Vec::new(), children: Vec::new() };
        for label in &spec.output {
            let index = maker.index(format!("i{}", maker.indices.len()), spec.extents[usize::from(*label)])?;
            maker.index_of.insert(*label, index);
        }
        let reduced = (0..spec.extents.len() as Label).filter(|label| !spec.output.contains(label) && is_binder(*label));
        for label in reduced {
            let binder = maker.binder(format!("i{}", maker.indices.len()), spec.extents[usize::from(label)])?;
            maker.index_of.insert(label, binder);
        }
        Some(maker)
    }

    fn index(&mut self, name: String, extent: u64) -> Option<Index> {
        self.indices.push(IndexRange { name, lo: 0, hi: i64::try_from(extent).ok()? });
        Some(Index::new(self.indices.len() - 1))
    }

    /// One more index that is reduced.
    pub(super) fn binder(&mut self, name: String, extent: u64) -> Option<Index> {
        let index = self.index(name, extent)?;
        self.binders.push(index);
        Some(index)
    }

    /// The index of a label, if it has one.
    pub(super) fn index_of(&self, label: Label) -> Option<Index> {
        self.index_of.get(&label).copied()
    }

    /// The indices of all labels that have one, as positions.
    pub(super) fn positions(&self) -> BTreeMap<Label, Scalar> {
        self.index_of.iter().map(|(label, index)| (*label, Scalar::index(*index, Span::default()))).collect()
    }

    /// An operand at positions of its labels: a number, or an element.
    pub(super) fn operand(&mut self, class: Id, labels: &[Label], positions: &BTreeMap<Label, Scalar>) -> Scalar {
        let dtype = self.ring.dtype;
        if let Some(constant) = self.converted.graph.constant_of(class) {
            return Scalar::literal(constant.literal(), dtype, Span::default());
        }
        let current = self.converted.graph.current(Access { class, labels: labels.to_vec() });
        let subs = current.labels.iter().map(|l| Sub { value: positions[l].clone(), mode: Mode::Exact }).collect();
        self.element(current.class, subs, None, dtype)
    }

    /// An element of a class.
    pub(super) fn element(&mut self, class: Id, subs: Vec<Sub>, pad: Option<Literal>, dtype: DType) -> Scalar {
        let access = scalar::Access { tensor: self.child(class), prev: false, subs, pad };
        Scalar::new(ScalarKind::Access(access), dtype, Span::default())
    }

    /// The number of a class among the children.
    pub(super) fn child(&mut self, class: Id) -> Tensor {
        let n = self.children.iter().position(|c| *c == class).unwrap_or_else(|| {
            self.children.push(class);
            self.children.len() - 1
        });
        Tensor::new(n)
    }

    /// The product of factors.
    pub(super) fn product(&self, factors: Vec<Scalar>) -> Option<Scalar> {
        let Ring { mul, dtype, .. } = self.ring;
        let product = factors.into_iter().reduce(|a, b| Scalar::binary(mul, a, b, dtype, Span::default()));
        let one = self.ring.laws().and_then(|laws| laws.one);
        product.or_else(|| Some(Scalar::literal(one?, dtype, Span::default())))
    }

    /// Says that the nest with this body makes a class, nothing reduced.
    pub(super) fn join(self, class: Id, body: Scalar, reason: &'static str) {
        self.join_nest(class, None, body, reason);
    }

    /// Says that the nest makes a class: the reduction over the terms for which the conditions hold, each for the pinned elements of the result.
    pub(super) fn join_reduced(mut self, class: Id, conditions: Vec<Scalar>, pins: Vec<Pin>, body: Scalar, reason: &'static str) {
        let binders = std::mem::take(&mut self.binders);
        let reduce = NestReduce { op: self.ring.add, acc: self.ring.dtype, binders, guard: conditions.into_iter().reduce(and), pins };
        self.join_nest(class, Some(reduce), body, reason);
    }

    fn join_nest(self, class: Id, reduce: Option<NestReduce>, body: Scalar, reason: &'static str) {
        let Self { converted, ring, spec, indices, index_of, children, .. } = self;
        let nest = Nest {
            out: Tensor::new(children.len()),
            indices: indices.into_iter().collect(),
            params: converted.params.len() as u32,
            outer: spec.output.iter().map(|label| index_of[label]).collect(),
            domain: None,
            reduce,
            body,
            epilogue: None,
        };
        let n = converted.template(nest, Type { shape: spec.shape(), dtype: ring.dtype }, Span::default());
        let node = converted.graph.egraph.add_uncanonical(Node::Nest(n, children));
        converted.graph.egraph.union_trusted(class, node, reason);
    }
}

/// Both conditions.
pub(super) fn and(a: Scalar, b: Scalar) -> Scalar {
    let span = a.span;
    Scalar::binary(BinaryFn::And, a, b, DType::Bool, span)
}

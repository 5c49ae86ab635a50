//! From chosen nodes back to steps.
//!
//! The value of a class is stored once: in a tensor of the program that has it (a result before an intermediate), in an intermediate
//! of its own otherwise. Views are not stored unless they are wanted: their readers read through them.

use super::convert::{Converted, Item};
use super::graph::Access;
use super::language::{Label, Node, Position, Ring, Spec, Window};
use super::price;
use crate::classify;
use crate::convert::copy_nest;
use crate::draft::{Draft, DraftStep, Role, Value, Work};
use crate::rewrite;
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::plan::{Contraction, IndexRange, Nest, NestReduce, Strategy};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{self, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Where the value of a class is, and how it is read there.
#[derive(Clone, Debug)]
struct Read {
    tensor: Tensor,
    /// Label of each axis of the tensor, as the reader numbers them.
    labels: Vec<Label>,
    conjugate: bool,
}

/// Writes the steps that compute what is wanted, each class by its chosen node.
pub(crate) struct Emitter<'a> {
    draft: &'a mut Draft,
    converted: &'a Converted,
    chosen: &'a BTreeMap<Id, Node>,
    /// Tensors of the program by class, results first; labels are the axes of the class.
    homes: BTreeMap<Id, Vec<Tensor>>,
    /// Tensor that holds a class, and the axis of the class that each of its axes is.
    stored: BTreeMap<Id, (Tensor, Vec<Label>)>,
    made: Vec<(Id, Tensor)>,
    /// Tensors that are there under their own names.
    copied: BTreeSet<Tensor>,
    /// What is being made for somebody outside.
    wanted: Option<Tensor>,
    steps: Vec<DraftStep>,
}

/// Which tensor holds which class.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    /// Classes in the order in which they are computed.
    pub(crate) steps: Vec<(Id, Tensor)>,
    /// Those, and the ones that were there.
    pub(crate) stored: BTreeMap<Id, Tensor>,
}

/// Puts the chosen steps in the place of those of the draft; `None`, and an unchanged draft, if a value would be read before it is there.
pub(crate) fn emit(draft: &mut Draft, converted: &Converted, chosen: &BTreeMap<Id, Node>) -> Option<Made> {
    let n_values = draft.values.len();
    let homes = homes(draft, converted);
    let mut emitter = Emitter {
        draft,
        converted,
        chosen,
        homes,
        stored: BTreeMap::new(),
        made: Vec::new(),
        copied: BTreeSet::new(),
        wanted: None,
        steps: Vec::new(),
    };
    let done = emitter.items();
    let Emitter { steps, made, stored, .. } = emitter;
    match done {
        Some(()) => draft.steps = steps,
        None => draft.values = draft.values.iter().take(n_values).map(|(_, v)| v.clone()).collect(),
    }
    done.map(|()| Made { steps: made, stored: stored.into_iter().map(|(class, (tensor, _))| (class, tensor)).collect() })
}

/// Tensors that steps of the program define, by class: those that are wanted first.
fn homes(draft: &Draft, converted: &Converted) -> BTreeMap<Id, Vec<Tensor>> {
    let mut homes: BTreeMap<Id, Vec<Tensor>> = BTreeMap::new();
    let leaves: BTreeSet<&Tensor> = converted.leaves.iter().collect();
    for (tensor, access) in &converted.values {
        if !leaves.contains(tensor) && !matches!(draft.values[*tensor].role, Role::Constant(_)) {
            homes.entry(converted.graph.current(access.clone()).class).or_default().push(*tensor);
        }
    }
    let wanted: BTreeSet<Tensor> =
        converted.items.iter().filter_map(|item| if let Item::Wanted(tensor) = item { Some(*tensor) } else { None }).collect();
    homes.values_mut().for_each(|tensors| tensors.sort_by_key(|t| (!wanted.contains(t), *t)));
    homes
}

/// The axes of classes in the order in which they lie in the tensors of the program that hold them.
pub(crate) fn layouts(draft: &Draft, converted: &Converted) -> BTreeMap<Id, Vec<Label>> {
    let homes = homes(draft, converted);
    homes.iter().filter_map(|(class, tensors)| Some((*class, axes_of(converted, *tensors.first()?)))).collect()
}

/// The axis of its class that each axis of a tensor is.
fn axes_of(converted: &Converted, tensor: Tensor) -> Vec<Label> {
    let access = converted.graph.current(converted.values[&tensor].clone());
    let mut axes = vec![0; access.labels.len()];
    access.labels.iter().enumerate().for_each(|(axis, of_tensor)| axes[usize::from(*of_tensor)] = axis as Label);
    axes
}

impl Emitter<'_> {
    fn items(&mut self) -> Option<()> {
        let steps = self.converted.items.iter().filter_map(|item| if let Item::Step(step) = item { Some(step) } else { None });
        let written_here: BTreeSet<Tensor> = steps.flat_map(DraftStep::writes).collect();
        let number: BTreeMap<Tensor, usize> = self.converted.leaves.iter().enumerate().map(|(n, leaf)| (*leaf, n)).collect();
        for (leaf, n) in &number {
            if self.draft.inputs.contains(leaf) || !written_here.contains(leaf) {
                self.store_leaf(*n, *leaf);
            }
        }
        for item in &self.converted.items {
            match item {
                Item::Wanted(tensor) => self.want(*tensor)?,
                Item::Step(step) => {
                    for tensor in step.reads() {
                        self.read_by_step(tensor, number.contains_key(&tensor))?;
                    }
                    self.steps.push(step.clone());
                    for tensor in step.writes() {
                        if let Some(n) = number.get(&tensor) {
                            self.store_leaf(*n, tensor);
                        }
                    }
                }
            }
        }
        Some(())
    }

    fn store_leaf(&mut self, n: usize, tensor: Tensor) {
        if let Some(class) = self.converted.graph.egraph.lookup(Node::Leaf(n as u32)) {
            let rank = self.draft.values[tensor].extents.len();
            self.stored.entry(class).or_insert_with(|| (tensor, (0..rank as Label).collect()));
        }
    }

    /// Computes a tensor that somebody outside wants, under its own name.
    fn want(&mut self, tensor: Tensor) -> Option<()> {
        self.copied.insert(tensor);
        self.wanted = Some(tensor);
        let access = self.converted.graph.current(self.converted.values[&tensor].clone());
        self.make(access.class)?;
        if self.stored.get(&access.class).is_some_and(|(home, _)| *home == tensor) {
            return Some(());
        }
        self.copy(&access, tensor)
    }

    /// A step that stays as it is reads its tensors whole: a value that is stored otherwise is copied.
    fn read_by_step(&mut self, tensor: Tensor, is_leaf: bool) -> Option<()> {
        let is_table = matches!(self.draft.values[tensor].role, Role::Constant(_));
        if is_leaf || is_table || !self.copied.insert(tensor) {
            return Some(());
        }
        self.want(tensor)
    }

    /// Copies a class, its axes labelled with those of `tensor`, to `tensor`.
    fn copy(&mut self, access: &Access, tensor: Tensor) -> Option<()> {
        let Value { dtype, extents, span, .. } = self.draft.values[tensor].clone();
        let read = self.read(access.class, &access.labels)?;
        let mut nest = copy_nest(tensor, read.tensor, dtype, &extents, span);
        let indices: Vec<Index> = read.labels.iter().map(|axis| Index::new(usize::from(*axis))).collect();
        nest.body = read.scalar(&indices, dtype, span);
        let nest = self.inside(nest);
        self.steps.push(DraftStep { work: Work::Nest(nest), span });
        Some(())
    }

    /// A nest that was made as if no scans were around.
    fn inside(&self, mut nest: Nest) -> Nest {
        let params = self.converted.params.iter().cloned().enumerate();
        params.for_each(|(n, range)| rewrite::insert_param(&mut nest, n, range));
        nest
    }

    /// Appends the steps that compute a class and what it needs.
    fn make(&mut self, class: Id) -> Option<()> {
        let mut stack = vec![(class, false)];
        while let Some((class, is_ready)) = stack.pop() {
            if self.stored.contains_key(&class) {
                continue;
            }
            let node = self.chosen.get(&class)?;
            if !is_ready {
                stack.push((class, true));
                let find = |child: &Id| self.converted.graph.egraph.find(*child);
                stack.extend(egg::Language::children(node).iter().rev().map(find).map(|c| (c, false)));
            } else if !price::is_view(node) && !matches!(node, Node::Constant(_)) {
                self.step(class, node)?;
            }
        }
        Some(())
    }

    /// Appends the step of one node, whose children are there.
    fn step(&mut self, class: Id, node: &Node) -> Option<()> {
        let (out, axes) = self.place(class);
        let (work, span) = match node {
            Node::Nest(n, children) => self.written(*n, children, out, &axes)?,
            Node::Contract(ring, spec, children) => (self.contraction(*ring, spec, children, out, &axes)?, self.span_of(out)),
            Node::Sum(ring, spec, children) => (Work::Nest(self.sum(*ring, spec, children, out, &axes)?), self.span_of(out)),
            Node::Slice(window, child) => (Work::Nest(self.slice(window, *child, out, &axes)?), self.span_of(out)),
            Node::Leaf(_) | Node::Constant(_) | Node::Conjugate(_) => return None,
        };
        self.steps.push(DraftStep { work, span });
        self.made.push((class, out));
        self.stored.insert(class, (out, axes));
        Some(())
    }

    /// The tensor that will hold a class, and the axis of the class that each of its axes is.
    fn place(&mut self, class: Id) -> (Tensor, Vec<Label>) {
        if let Some(home) = self.homes.get(&class).and_then(|tensors| tensors.first().copied()) {
            return (home, axes_of(self.converted, home));
        }
        let data = &self.converted.graph.egraph[class].data;
        let (extents, dtype) = (data.shape.clone(), data.dtype);
        let axes = (0..extents.len() as Label).collect();
        (self.intermediate(extents, dtype), axes)
    }

    /// Where a tensor is defined.
    fn span_of(&self, tensor: Tensor) -> Span {
        self.converted.spans.get(&tensor).copied().unwrap_or(self.draft.values[tensor].span)
    }

    /// A value that no equation names: it is called after what is wanted when it is first needed.
    fn intermediate(&mut self, extents: Vec<u64>, dtype: DType) -> Tensor {
        let role = Role::Intermediate;
        let (name, span) = match self.wanted {
            Some(tensor) => (format!("{}.{}", self.draft.values[tensor].name, self.draft.values.len()), self.span_of(tensor)),
            None => (format!("t{}", self.draft.values.len()), Span::default()),
        };
        self.draft.values.push(Value { name, dtype, extents, index_of: Vec::new(), role, span })
    }

    /// How a class is read whose axes have these labels.
    fn read(&self, class: Id, labels: &[Label]) -> Option<Read> {
        let (mut class, mut labels, mut conjugate) = (self.converted.graph.egraph.find(class), labels.to_vec(), false);
        loop {
            if let Some((tensor, axes)) = self.stored.get(&class) {
                let labels = axes.iter().map(|axis| labels[usize::from(*axis)]).collect();
                return Some(Read { tensor: *tensor, labels, conjugate });
            }
            match self.chosen.get(&class)? {
                Node::Conjugate(child) => {
                    conjugate = !conjugate;
                    class = self.converted.graph.egraph.find(*child);
                }
                node @ Node::Contract(_, spec, children) if price::is_view(node) => {
                    let position = |l: &Label| spec.output.iter().position(|m| m == l).map(|axis| labels[axis]);
                    labels = spec.operands[0].iter().map(position).collect::<Option<Vec<Label>>>()?;
                    class = self.converted.graph.egraph.find(children[0]);
                }
                _ => return None,
            }
        }
    }

    /// An operand of a generated nest: a number, or a tensor that is read.
    fn operand(&self, class: Id, labels: &[Label], index_of: &[Index], dtype: DType, span: Span) -> Option<Scalar> {
        if let Some(constant) = self.converted.graph.constant_of(class) {
            return Some(Scalar::literal(constant.literal(), dtype, span));
        }
        let read = self.read(class, labels)?;
        let indices: Vec<Index> = read.labels.iter().map(|l| index_of[usize::from(*l)]).collect();
        Some(read.scalar(&indices, dtype, span))
    }

    /// A nest of the program or of a rule, over what its children are now.
    fn written(&self, n: u32, children: &[Id], out: Tensor, axes: &[Label]) -> Option<(Work, Span)> {
        let template = &self.converted.nests[n as usize];
        let mut nest = template.nest.clone();
        nest.out = out;
        nest.outer = axes.iter().map(|axis| template.nest.outer[usize::from(*axis)]).collect();
        let mut is_there = true;
        for scalar in rewrite::scalars_mut(&mut nest) {
            scalar.visit_mut(&mut |s| {
                let ScalarKind::Access(access) = &mut s.kind else { return };
                let labels: Vec<Label> = (0..access.subs.len() as Label).collect();
                let Some(read) = self.read(children[access.tensor.index()], &labels) else {
                    is_there = false;
                    return;
                };
                access.tensor = read.tensor;
                access.subs = read.labels.iter().map(|axis| access.subs[usize::from(*axis)].clone()).collect();
                if read.conjugate {
                    *s = Scalar::unary(UnaryFn::Conj, s.clone(), s.dtype, s.span);
                }
            });
        }
        let span = if template.span == Span::default() { self.span_of(out) } else { template.span };
        is_there.then_some((Work::Nest(nest), span))
    }

    fn contraction(&self, ring: Ring, spec: &Spec, children: &[Id], out: Tensor, axes: &[Label]) -> Option<Work> {
        if let Some(work) = self.matrix_product(ring, spec, children, out, axes) {
            return Some(work);
        }
        let (frame, span) = (self.frame(spec, axes), self.span_of(out));
        let factors = spec.operands.iter().zip(children);
        let factors = factors.map(|(labels, class)| self.operand(*class, labels, &frame.index_of, ring.dtype, span));
        let body = factors.reduce(|a, b| Some(Scalar::binary(ring.mul, a?, b?, ring.dtype, span)))??;
        let binders: Vec<Index> =
            (0..spec.extents.len()).filter(|l| !spec.output.contains(&(*l as Label))).map(|l| frame.index_of[l]).collect();
        let reduce = NestReduce { op: ring.add, acc: ring.dtype, binders, guard: None, pins: Vec::new() };
        let reduce = spec.reduces().then_some(reduce);
        Some(Work::Nest(frame.nest(out, reduce, body)))
    }

    /// The library step of two operands, where they are a big enough matrix product.
    fn matrix_product(&self, ring: Ring, spec: &Spec, children: &[Id], out: Tensor, axes: &[Label]) -> Option<Work> {
        let mut contraction = price::as_matrix_product(ring, spec)?;
        if children.iter().any(|c| self.converted.graph.constant_of(*c).is_some()) {
            return None;
        }
        let (lhs, rhs) = (self.read(children[0], &spec.operands[0])?, self.read(children[1], &spec.operands[1])?);
        let out_labels: Vec<Label> = axes.iter().map(|axis| spec.output[usize::from(*axis)]).collect();
        // Of two orders that compute the same, the one whose left operand has the slower axis of the result.
        let leads = |read: &Read| out_labels.iter().position(|l| read.labels.contains(l)).unwrap_or(usize::MAX);
        let (lhs, rhs) = if leads(&rhs) < leads(&lhs) { (rhs, lhs) } else { (lhs, rhs) };
        contraction.out = out;
        (contraction.lhs, contraction.rhs) = (lhs.tensor, rhs.tensor);
        contraction.conjugate = (lhs.conjugate, rhs.conjugate);
        (contraction.out_labels, contraction.lhs_labels, contraction.rhs_labels) = (out_labels, lhs.labels, rhs.labels);
        renumber(&mut contraction);
        contraction.strategy = classify::strategy(&contraction);
        (contraction.strategy != Strategy::Nest).then_some(Work::Contraction(contraction))
    }

    fn sum(&self, ring: Ring, spec: &Spec, children: &[Id], out: Tensor, axes: &[Label]) -> Option<Nest> {
        let (frame, span, plus) = (self.frame(spec, axes), self.span_of(out), ring.plus()?);
        let terms = spec.operands.iter().zip(children);
        let terms = terms.map(|(labels, class)| self.operand(*class, labels, &frame.index_of, ring.dtype, span));
        let body = terms.reduce(|a, b| Some(Scalar::binary(plus, a?, b?, ring.dtype, span)))??;
        Some(frame.nest(out, None, body))
    }

    /// The copy of a part.
    fn slice(&self, window: &Window, child: Id, out: Tensor, axes: &[Label]) -> Option<Nest> {
        let whole: Vec<Label> = (0..window.shape.len() as Label).collect();
        let frame = self.frame(&Spec { operands: Vec::new(), output: whole, extents: window.shape.clone() }, axes);
        let (span, dtype) = (self.span_of(out), self.draft.values[out].dtype);
        let all: Vec<Label> = (0..window.positions.len() as Label).collect();
        let read = self.read(child, &all)?;
        let positions = read.labels.iter().map(|axis| position(&window.positions[usize::from(*axis)], &frame.index_of, span));
        let body = read.at(positions.collect(), dtype, span);
        Some(frame.nest(out, None, body))
    }

    /// Indices for the labels of a node: those of the result in the order of its axes, then the others.
    fn frame(&self, spec: &Spec, axes: &[Label]) -> Frame {
        let mut order: Vec<Label> = axes.iter().map(|axis| spec.output[usize::from(*axis)]).collect();
        let n_outer = order.len();
        order.extend((0..spec.extents.len() as Label).filter(|l| !spec.output.contains(l)));
        let params = self.converted.params.len();
        let mut indices: Vec<IndexRange> = self.converted.params.clone();
        let mut index_of = vec![Index::new(0); order.len()];
        for (n, label) in order.iter().enumerate() {
            let hi = i64::try_from(spec.extents[usize::from(*label)]).unwrap_or(i64::MAX);
            indices.push(IndexRange { name: format!("i{n}"), lo: 0, hi });
            index_of[usize::from(*label)] = Index::new(params + n);
        }
        let outer = (0..n_outer).map(|n| Index::new(params + n)).collect();
        Frame { params: params as u32, indices: indices.into_iter().collect(), outer, index_of }
    }
}

struct Frame {
    params: u32,
    indices: PrimaryMap<Index, IndexRange>,
    outer: Vec<Index>,
    index_of: Vec<Index>,
}

impl Frame {
    fn nest(self, out: Tensor, reduce: Option<NestReduce>, body: Scalar) -> Nest {
        Nest { out, indices: self.indices, params: self.params, outer: self.outer, domain: None, reduce, body, epilogue: None }
    }
}

impl Read {
    fn scalar(&self, indices: &[Index], dtype: DType, span: Span) -> Scalar {
        self.at(indices.iter().map(|index| Scalar::index(*index, span)).collect(), dtype, span)
    }

    fn at(&self, positions: Vec<Scalar>, dtype: DType, span: Span) -> Scalar {
        let subs = positions.into_iter().map(|value| Sub { value, mode: Mode::Exact }).collect();
        let access = scalar::Access { tensor: self.tensor, prev: false, subs, pad: None };
        let value = Scalar::new(ScalarKind::Access(access), dtype, span);
        if self.conjugate { Scalar::unary(UnaryFn::Conj, value, dtype, span) } else { value }
    }
}

/// A position as a subscript.
pub(crate) fn position(position: &Position, index_of: &[Index], span: Span) -> Scalar {
    let int = |n: i64| Scalar::literal(Literal::Int(n.into()), DType::I64, span);
    let term = |(label, step): &(Label, i64)| {
        let index = Scalar::index(index_of[usize::from(*label)], span);
        if *step == 1 { index } else { Scalar::binary(BinaryFn::Mul, int(*step), index, DType::I64, span) }
    };
    let start = (position.start != 0 || position.steps.is_empty()).then(|| int(position.start));
    let terms = position.steps.iter().map(term).chain(start);
    terms.reduce(|a, b| Scalar::binary(BinaryFn::Add, a, b, DType::I64, span)).unwrap_or_else(|| int(0))
}

/// Numbers the labels of a contraction by first use: result, left, right. Gives the labels that they were.
pub(crate) fn renumber(contraction: &mut Contraction) -> Vec<Label> {
    let mut used: Vec<Label> = Vec::new();
    let labels = [&mut contraction.out_labels, &mut contraction.lhs_labels, &mut contraction.rhs_labels];
    for label in labels.into_iter().flatten() {
        let n = used.iter().position(|l| l == label).unwrap_or_else(|| {
            used.push(*label);
            used.len() - 1
        });
        *label = n as Label;
    }
    contraction.extents = used.iter().map(|l| contraction.extents[usize::from(*l)]).collect();
    used
}

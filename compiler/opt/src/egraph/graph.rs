//! Builds classes: every product and sum passes through one of two constructors, which give equal values one name.
//!
//! A constructor takes operands with the caller's labels and gives back an [`Access`]: a class, and the caller's label of each of its
//! axes. Which order the axes of a class have is nobody's business but the class's, so permutations need no nodes: they are absorbed by
//! the labels of whoever reads the class.
//!
//! * A **flat network** (a contraction of any number of operands) names its value. Its operands are ordered by class and, where classes
//!   repeat, by colour refinement; labels are numbered by first use, and the axes of the result come in that order.
//! * A node that [`Graph::join`] adds to a class keeps the axes of the class.

use super::facts::Facts;
use super::language::{Constant, Label, Node, Position, Ring, Spec, Window};
use crate::path::canonical::{Shape, order_within};
use crate::ranges::{self, Range};
use egg::{EGraph, Id};
use ein_ir::dtype::DType;
use ein_ir::scalar::Literal;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::semiring::Domain;
use std::collections::{BTreeMap, BTreeSet};

/// Operands of a flat network: as many as the exact search of orders takes.
pub(crate) const MAX_FLAT: usize = crate::path::EXACT_OPERANDS;

/// Trials that all networks of a graph may make among operands that look alike.
const TRIALS: usize = 20_000;

/// A class with a label for each of its axes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Access {
    pub(crate) class: Id,
    pub(crate) labels: Vec<Label>,
}

/// Operands over labels, and which labels remain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) operands: Vec<Access>,
    /// Labels of the result, in any order.
    pub(crate) output: Vec<Label>,
    /// Extent of each label.
    pub(crate) extents: Vec<u64>,
}

/// The graph of one straight-line part of a plan.
pub(crate) struct Graph {
    pub(crate) egraph: EGraph<Node, Facts>,
    /// Trials left for naming networks.
    trials: usize,
    /// Whether products of products stay as they are.
    pub(crate) keeps_products: bool,
}

impl Graph {
    pub(crate) fn new() -> Self {
        Self { egraph: EGraph::new(Facts::default()), trials: TRIALS, keeps_products: false }
    }

    /// A graph that can tell why two values are equal.
    pub(crate) fn explained() -> Self {
        Self { egraph: EGraph::new(Facts::default()).with_explanations_enabled(), trials: TRIALS, keeps_products: false }
    }

    pub(crate) fn shape(&self, class: Id) -> &[u64] {
        &self.egraph[class].data.shape
    }

    pub(crate) fn dtype(&self, class: Id) -> DType {
        self.egraph[class].data.dtype
    }

    /// A class with its axes labelled `0..`.
    pub(crate) fn whole(&self, class: Id) -> Access {
        Access { class, labels: (0..self.shape(class).len() as Label).collect() }
    }

    /// Nodes of a class in an order that does not depend on how they came there.
    pub(crate) fn nodes(&self, class: Id) -> Vec<Node> {
        let mut nodes = self.egraph[class].nodes.clone();
        nodes.sort();
        nodes
    }

    /// Every class, ascending.
    pub(crate) fn classes(&self) -> Vec<Id> {
        let mut classes: Vec<Id> = self.egraph.classes().map(|c| c.id).collect();
        classes.sort();
        classes
    }

    pub(crate) fn constant(&mut self, literal: Literal, dtype: DType) -> Access {
        Access { class: self.egraph.add(Node::Constant(Constant::new(literal, dtype))), labels: Vec::new() }
    }

    /// The element-wise conjugate.
    pub(crate) fn conjugate(&mut self, access: Access) -> Access {
        let class = self.egraph.find(access.class);
        let class = self.conjugate_of(class).unwrap_or_else(|| self.egraph.add(Node::Conjugate(class)));
        Access { class, labels: access.labels }
    }

    /// The part of a class at these positions, one for each of its axes, over labels of these extents. The whole of it is the class itself; there a
    /// label may stand in several positions, which is a diagonal.
    pub(crate) fn slice(&mut self, class: Id, positions: Vec<Position>, extents: &[u64]) -> Option<Access> {
        let whole = self.whole(self.egraph.find(class));
        let current = self.current(whole);
        let positions: Vec<Position> = current.labels.iter().map(|axis| positions[usize::from(*axis)].clone()).collect();
        let (class, shape) = (current.class, self.shape(current.class).to_vec());
        let as_whole = |(position, extent): (&Position, &u64)| position.as_label().filter(|l| extents[usize::from(*l)] == *extent);
        if let Some(labels) = positions.iter().zip(&shape).map(as_whole).collect() {
            return Some(Access { class, labels });
        }
        if let Some((inner, child)) = self.slice_of(class) {
            let outer = |label: Label| positions[usize::from(label)].clone();
            let positions = inner.positions.iter().map(|p| p.substitute(&outer)).collect::<Option<Vec<_>>>()?;
            return self.slice(child, positions, extents);
        }
        if let Some(inner) = self.conjugate_of(class) {
            let slice = self.slice(inner, positions, extents)?;
            return Some(self.conjugate(slice));
        }
        let (window, labels) = window(&positions, &shape, extents)?;
        Some(Access { class: self.egraph.add(Node::Slice(Box::new(window), class)), labels })
    }

    fn slice_of(&self, class: Id) -> Option<(Window, Id)> {
        self.nodes(class).into_iter().find_map(|n| if let Node::Slice(window, child) = n { Some((*window, child)) } else { None })
    }

    fn conjugate_of(&self, class: Id) -> Option<Id> {
        self.egraph[class].nodes.iter().find_map(|n| if let Node::Conjugate(inner) = n { Some(*inner) } else { None })
    }

    /// The class of a product, reduced over the labels that its output lacks.
    pub(crate) fn contract(&mut self, ring: Ring, product: Product) -> Access {
        let Product { operands, output, extents } = self.simplified(ring, product);
        if let [operand] = operands.as_slice()
            && is_whole(operand, &output)
        {
            return operand.clone();
        }
        if operands.is_empty() {
            let one = ring.laws().and_then(|l| l.one).expect("only rings with a neutral factor lose their last one");
            return self.constant(one, ring.dtype);
        }
        let operands = self.canonical(operands, &output, &extents);
        let (spec, axes) = number(&operands, &output, &extents);
        let children = operands.iter().map(|o| o.class).collect();
        Access { class: self.egraph.add(Node::Contract(ring, Box::new(spec), children)), labels: axes }
    }

    /// The class of a sum of terms; a term without some of the labels is the same along them.
    pub(crate) fn sum(&mut self, ring: Ring, terms: Vec<Access>, extents: &[u64]) -> Access {
        let mut terms: Vec<Access> = terms.into_iter().map(|t| self.current(t)).collect();
        self.add_constants(ring, &mut terms);
        if ring.laws().is_some_and(|l| l.idempotent) {
            terms.sort();
            terms.dedup();
        }
        let output: BTreeSet<Label> = terms.iter().flat_map(|t| &t.labels).copied().collect();
        let output: Vec<Label> = output.into_iter().collect();
        if let [term] = terms.as_slice()
            && is_whole(term, &output)
        {
            return term.clone();
        }
        let terms = self.canonical(terms, &output, extents);
        let (spec, axes) = number(&terms, &output, extents);
        let children = terms.iter().map(|o| o.class).collect();
        Access { class: self.egraph.add(Node::Sum(ring, Box::new(spec), children)), labels: axes }
    }

    /// Says that a class, read with these labels, equals another one read with the same labels. Returns whether that was news.
    pub(crate) fn join(&mut self, one: &Access, other: &Access, reason: &'static str) -> bool {
        let (one, other) = (self.current(one.clone()), self.current(other.clone()));
        if one.labels == other.labels {
            return one.class != other.class && self.egraph.union_trusted(one.class, other.class, reason);
        }
        self.join_permuted(&one, &other, reason)
    }

    /// Two classes that are each other's permutation: the one with the smaller id leads.
    fn join_permuted(&mut self, one: &Access, other: &Access, reason: &'static str) -> bool {
        if one.class == other.class {
            return false;
        }
        let (leader, follower) = if one.class < other.class { (one, other) } else { (other, one) };
        let axes = follower.labels.iter().map(|l| leader.labels.iter().position(|m| m == l));
        let Some(axes) = axes.collect::<Option<Vec<usize>>>() else { return false };
        let view = |from: &Access, to: &Access, graph: &Self| {
            let position = |l: &Label| from.labels.iter().position(|m| m == l).unwrap_or(0) as Label;
            let output: Vec<Label> = to.labels.iter().map(position).collect();
            let spec =
                Spec { operands: vec![(0..from.labels.len() as Label).collect()], output, extents: graph.shape(from.class).to_vec() };
            Node::Contract(Ring::sum_product(graph.dtype(from.class)), Box::new(spec), vec![from.class])
        };
        let (down, up) = (view(leader, follower, self), view(follower, leader, self));
        let (down, up) = (self.egraph.add_uncanonical(down), self.egraph.add_uncanonical(up));
        self.egraph.union_trusted(follower.class, down, reason);
        self.egraph.union_trusted(leader.class, up, reason);
        let mut data = self.egraph[follower.class].data.clone();
        data.leader = Some((leader.class, axes));
        self.egraph.set_analysis_data(follower.class, data);
        true
    }

    /// Adds a contraction to a class, without making it canonical: the axes of the class stay. `class` has the product's labels.
    pub(crate) fn join_contraction(
        &mut self,
        class: &Access,
        ring: Ring,
        mut operands: Vec<Access>,
        extents: &[u64],
        reason: &'static str,
    ) {
        operands.iter_mut().for_each(|o| *o = self.current(o.clone()));
        let class = self.current(class.clone());
        if let [operand] = operands.as_slice()
            && is_whole(operand, &class.labels)
        {
            let operand = operand.clone();
            self.join(&class, &operand, reason);
            return;
        }
        operands.sort();
        let (spec, _) = number_as(&operands, &class.labels, extents);
        let children = operands.iter().map(|o| o.class).collect();
        let node = self.egraph.add_uncanonical(Node::Contract(ring, Box::new(spec), children));
        self.egraph.union_trusted(class.class, node, reason);
    }

    /// The class that stands for another one now, with the labels in the order of its axes.
    pub(crate) fn current(&self, access: Access) -> Access {
        let mut access = Access { class: self.egraph.find(access.class), ..access };
        // Leaders have smaller ids, so this ends.
        while let Some((leader, axes)) = &self.egraph[access.class].data.leader {
            let leader = self.egraph.find(*leader);
            if leader >= access.class {
                break;
            }
            let mut labels = vec![0; axes.len()];
            axes.iter().zip(&access.labels).for_each(|(axis, label)| labels[*axis] = *label);
            access = Access { class: leader, labels };
        }
        access
    }

    /// Current operands without neutral factors, constants multiplied.
    fn simplified(&mut self, ring: Ring, mut product: Product) -> Product {
        let operands = std::mem::take(&mut product.operands);
        let (constants, mut operands): (Vec<Access>, Vec<Access>) =
            operands.into_iter().map(|o| self.current(o)).partition(|o| self.constant_of(o.class).is_some());
        operands.extend(self.multiplied(ring, constants));
        if matches!(ring.mul, BinaryFn::And | BinaryFn::Or | BinaryFn::Max | BinaryFn::Min) {
            operands.sort();
            operands.dedup();
        }
        Product { operands, ..product }
    }

    /// One constant for several; none for the neutral one.
    fn multiplied(&mut self, ring: Ring, constants: Vec<Access>) -> Vec<Access> {
        let values = constants.iter().filter_map(|o| self.constant_of(o.class)).map(Some);
        let Some(Some(product)) = values.reduce(|a, b| fold(ring.mul, a?, b?)) else { return constants };
        let one = ring.laws().and_then(|l| l.one).map(|one| Constant::new(one, ring.dtype));
        if one == Some(product) { Vec::new() } else { vec![self.constant(product.literal(), ring.dtype)] }
    }

    /// Operands that are networks of the same ring opened, as long as there are not too many and all of them together are proved to be in its
    /// domain.
    pub(crate) fn flattened(&self, ring: Ring, product: Product) -> Product {
        if self.keeps_products {
            return product;
        }
        let Product { operands, output, mut extents } = product;
        let mut flat: Vec<Access> = Vec::new();
        for (n, operand) in operands.iter().enumerate() {
            let (left, operand) = (&operands[n + 1..], self.current(operand.clone()));
            match self.network_of(ring, operand.class) {
                Some(inner)
                    if inner.operands.len() + flat.len() + left.len() <= MAX_FLAT
                        && self.proves(ring, flat.iter().chain(&inner.operands).chain(left)) =>
                {
                    flat.extend(open(inner, &operand.labels, &mut extents))
                }
                _ => flat.push(operand),
            }
        }
        Product { operands: flat, output, extents }
    }

    /// Whether operands are known to be in the domain of a ring, and whatever is made of some of them, each used once.
    pub(crate) fn proves<'a>(&self, ring: Ring, operands: impl Iterator<Item = &'a Access>) -> bool {
        let range = |operand: &Access| self.egraph[self.current(operand.clone()).class].data.range;
        match ring.domain {
            Domain::Whole => true,
            Domain::Monotone => ranges::is_monotone(ring.mul, ring.dtype, &operands.map(range).collect::<Vec<_>>()),
        }
    }

    /// Adds to what is known of the elements of a class.
    pub(crate) fn know(&mut self, class: Id, range: Range) {
        let class = self.egraph.find(class);
        let mut data = self.egraph[class].data.clone();
        data.range = data.range.and(range);
        self.egraph.set_analysis_data(class, data);
    }

    /// The flattest network that makes a class, its output in the order of the axes.
    pub(crate) fn network_of(&self, ring: Ring, class: Id) -> Option<Product> {
        let networks = self.nodes(class).into_iter().filter_map(|node| match node {
            Node::Contract(r, spec, children) if r == ring && !children.contains(&class) => Some((*spec, children)),
            _ => None,
        });
        let (spec, children) = networks.max_by_key(|(spec, _)| spec.operands.len())?;
        let accesses = children.into_iter().zip(spec.operands).map(|(class, labels)| Access { class, labels });
        Some(Product { operands: accesses.collect(), output: spec.output, extents: spec.extents })
    }

    pub(crate) fn constant_of(&self, class: Id) -> Option<Constant> {
        self.egraph[self.egraph.find(class)].data.constant
    }

    /// Operands in the order in which a network names its value.
    fn canonical(&mut self, mut operands: Vec<Access>, output: &[Label], extents: &[u64]) -> Vec<Access> {
        operands.sort_by_key(|o| o.class);
        if operands.windows(2).all(|pair| pair[0].class != pair[1].class) {
            return operands;
        }
        let mut used: BTreeMap<Label, u32> = BTreeMap::new();
        for label in operands.iter().flat_map(|o| &o.labels) {
            let next = used.len() as u32;
            used.entry(*label).or_insert(next);
        }
        let mut by_number = vec![0; used.len()];
        used.iter().for_each(|(label, n)| by_number[*n as usize] = *label);
        let shape = Shape {
            operands: operands.iter().map(|o| o.labels.iter().map(|l| used[l]).collect()).collect(),
            kinds: operands.iter().map(|o| usize::from(o.class) as u32).collect(),
            extents: by_number.iter().map(|l| extents[usize::from(*l)]).collect(),
            in_output: by_number.iter().map(|l| output.contains(l)).collect(),
            is_positional: true,
        };
        order_within(&shape, &mut self.trials).into_iter().map(|n| operands[n].clone()).collect()
    }

    /// Numbers of a sum become one.
    fn add_constants(&mut self, ring: Ring, terms: &mut Vec<Access>) {
        let Some(plus) = ring.plus() else { return };
        let constants: Vec<Constant> = terms.iter().filter_map(|t| self.constant_of(t.class)).collect();
        if constants.len() < 2 {
            return;
        }
        let Some(total) = constants.iter().copied().map(Some).reduce(|a, b| fold(plus, a?, b?)).flatten() else { return };
        terms.retain(|t| self.constant_of(t.class).is_none());
        let total = self.egraph.add(Node::Constant(total));
        terms.push(Access { class: total, labels: Vec::new() });
    }
}

/// A constant for two, if the operation is one of a ring.
pub(crate) fn fold(function: BinaryFn, a: Constant, b: Constant) -> Option<Constant> {
    use ein_ir::scalar::value::Value;
    let value = |c: Constant| Value::from_literal(c.literal(), c.dtype);
    let result = ein_ir::scalar::eval::eval_binary(function, value(a), value(b)).ok()?;
    Some(Constant::new(result.to_literal()?, a.dtype))
}

/// The operands of a network whose result is read with these labels; its other labels become new ones.
pub(crate) fn open(network: Product, labels: &[Label], extents: &mut Vec<u64>) -> Vec<Access> {
    let mut renamed: Vec<Option<Label>> = vec![None; network.extents.len()];
    network.output.iter().zip(labels).for_each(|(inner, outer)| renamed[usize::from(*inner)] = Some(*outer));
    let mut rename = |label: Label| {
        *renamed[usize::from(label)].get_or_insert_with(|| {
            extents.push(network.extents[usize::from(label)]);
            (extents.len() - 1) as Label
        })
    };
    let open = |o: Access| Access { class: o.class, labels: o.labels.into_iter().map(&mut rename).collect() };
    network.operands.into_iter().map(open).collect()
}

/// The window of positions inside a shape, and the caller's label of each axis of the slice; `None` if that is no slice.
fn window(positions: &[Position], shape: &[u64], extents: &[u64]) -> Option<(Window, Vec<Label>)> {
    let mut used: Vec<Label> = Vec::new();
    let mut numbered = Vec::new();
    for (position, extent) in positions.iter().zip(shape) {
        let (lo, hi) = position.range(extents)?;
        if lo < 0 || hi.unsigned_abs() >= *extent || !position.is_injective(extents) {
            return None;
        }
        let mut steps = Vec::new();
        for (label, step) in &position.steps {
            if used.contains(label) {
                return None;
            }
            steps.push((used.len() as Label, *step));
            used.push(*label);
        }
        numbered.push(Position { start: position.start, steps });
    }
    let shape = used.iter().map(|l| extents[usize::from(*l)]).collect();
    Some((Window { positions: numbered, shape }, used))
}

/// Whether an operand alone is the result: every axis once, none reduced.
fn is_whole(operand: &Access, output: &[Label]) -> bool {
    let labels: BTreeSet<&Label> = operand.labels.iter().collect();
    labels.len() == operand.labels.len() && labels.len() == output.len()
}

/// The spec of operands in this order, and the caller's label of each axis of the result: those of `output`, by first use.
fn number(operands: &[Access], output: &[Label], extents: &[u64]) -> (Spec, Vec<Label>) {
    let mut axes: Vec<Label> = Vec::with_capacity(output.len());
    for label in operands.iter().flat_map(|o| &o.labels) {
        if output.contains(label) && !axes.contains(label) {
            axes.push(*label);
        }
    }
    number_as(operands, &axes, extents)
}

fn number_as(operands: &[Access], axes: &[Label], extents: &[u64]) -> (Spec, Vec<Label>) {
    let mut used: Vec<Label> = Vec::new();
    let mut position = |label: &Label| {
        let n = used.iter().position(|l| l == label).unwrap_or_else(|| {
            used.push(*label);
            used.len() - 1
        });
        n as Label
    };
    let numbered: Vec<Vec<Label>> = operands.iter().map(|o| o.labels.iter().map(&mut position).collect()).collect();
    let output = axes.iter().map(&mut position).collect();
    let extents = used.iter().map(|l| extents[usize::from(*l)]).collect();
    (Spec { operands: numbered, output, extents }, axes.to_vec())
}

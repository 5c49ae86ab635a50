//! What it costs to compute a class by one of its nodes, its children being there.
//!
//! Views (permutations, diagonals, conjugates) cost nothing: whoever reads them reads through.

use super::convert::Converted;
use super::graph::Graph;
use super::language::{Label, Node, Ring, Spec};
use super::secrets::Secrets;
use crate::bands::{self, Candidate};
use crate::predict::{self, Demand};
use crate::{Machine, Minimize, classify, cost, rewrite};
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, PrimaryMap, Reducer, Tensor};
use ein_ir::plan::band::Outside;
use ein_ir::plan::{Contraction, Nest, Strategy};
use ein_ir::tensor::ReducerDecl;
use std::collections::BTreeMap;

/// How much dearer a product counts that is larger than each of its factors and that only its readers need, an outer product or one of Khatri and
/// Rao: where an order without it takes about as long, that one is chosen. Measured, a tensor times the product of two of its three factors
/// takes between 0.75 and 1.3 times as long as the tensor times one and then the other.
const EXPANSION: f64 = 4.0;

/// Bootstraps that take as long as a multiplication in the clear.
const CLEAR: f64 = 1e-7;

/// Prices nodes of a graph.
pub(crate) struct Prices<'a> {
    pub(crate) converted: &'a Converted,
    pub(crate) reducers: &'a PrimaryMap<Reducer, ReducerDecl>,
    pub(crate) minimize: Minimize,
    pub(crate) machine: &'a Machine,
    /// The order in which the axes of a class lie in memory, where it is another than their own.
    pub(crate) layouts: &'a BTreeMap<Id, Vec<Label>>,
    /// For circuits over encrypted integers, which the rest does not count for.
    pub(crate) secrets: Option<Secrets>,
}

/// Work of a step.
struct Work {
    flops: f64,
    /// Elements written.
    out: f64,
    demand: Demand,
}

impl Prices<'_> {
    pub(crate) fn price(&self, class: Id, node: &Node) -> f64 {
        match (self.work(class, node), &self.secrets) {
            (None, _) => 0.0,
            // Among equal ones, what is computed in the clear decides.
            (Some(work), Some(secrets)) => secrets.price(self.converted, self.reducers, node) + work.flops * CLEAR,
            (Some(work), None) => match self.minimize {
                Minimize::Flops | Minimize::Peak => work.flops,
                Minimize::Combo => work.flops + 64.0 * work.out,
                Minimize::Time => work.demand.time(self.machine),
            },
        }
    }

    /// The price of a node whose value is not stored: it is part of the loops of its reader.
    pub(crate) fn price_inlined(&self, class: Id, node: &Node) -> f64 {
        match self.work(class, node) {
            Some(work) if self.minimize == Minimize::Time && self.secrets.is_none() => {
                let stored = work.out * self.converted.graph.dtype(class).bytes() as f64;
                work.demand.time_inlined(self.machine, stored)
            }
            _ => self.price(class, node),
        }
    }

    /// The price of a node whose value is stored for its readers alone: see [`EXPANSION`].
    pub(crate) fn price_stored(&self, class: Id, node: &Node) -> f64 {
        let price = self.price(class, node);
        if self.minimize == Minimize::Time && self.secrets.is_none() && self.expands(class, node) { price * EXPANSION } else { price }
    }

    /// Whether a node is a product that is larger than each of its factors.
    fn expands(&self, class: Id, node: &Node) -> bool {
        let size = |class: Id| self.converted.graph.egraph[class].data.n_elements();
        match node {
            Node::Contract(_, spec, children) => children.len() > 1 && !spec.reduces() && children.iter().all(|c| size(*c) < size(class)),
            _ => false,
        }
    }

    fn work(&self, class: Id, node: &Node) -> Option<Work> {
        let graph = &self.converted.graph;
        let out = graph.egraph[class].data.n_elements();
        match node {
            _ if is_view(node) => None,
            Node::Leaf(_) | Node::Constant(_) | Node::Conjugate(_) => None,
            Node::Contract(ring, spec, children) => Some(self.contraction(class, *ring, spec, children)),
            Node::Sum(ring, spec, children) => {
                let plus = ring.plus().map_or(1, |f| cost::weight(f, ring.dtype)) as f64;
                let flops = out * plus * (children.len() as f64 - 1.0);
                let arithmetic =
                    predict::loop_arithmetic(self.machine, self.lanes(ring, spec, class, children), flops, out * self.n_read(children));
                Some(Work { flops, out, demand: Demand { arithmetic, bytes: traffic(graph, children, out, ring.dtype), calls: 0.0 } })
            }
            Node::Slice(..) => {
                let bytes = 2.0 * out * graph.dtype(class).bytes() as f64;
                Some(Work { flops: 0.0, out, demand: Demand { arithmetic: 0.0, bytes, calls: 0.0 } })
            }
            Node::Nest(n, children) => Some(self.nest(class, &self.converted.nests[*n as usize].nest, children, out)),
        }
    }

    fn nest(&self, class: Id, nest: &Nest, children: &[Id], out: f64) -> Work {
        let graph = &self.converted.graph;
        // Of a tensor that it gathers from, or has a slice of, it reads no more than it has turns.
        let turns = rewrite::iterations(nest) as f64;
        let read = children.iter().map(|c| graph.egraph[*c].data.n_elements().min(turns) * graph.dtype(*c).bytes() as f64);
        let bytes = read.sum::<f64>() + out * graph.dtype(class).bytes() as f64;
        let arithmetic = predict::nest_arithmetic(self.machine, self.reducers, nest);
        let flops = cost::nest_flops(self.reducers, nest) as f64;
        Work { flops, out, demand: Demand { arithmetic, bytes, calls: 0.0 } }
    }

    /// The type that vectors of loops have, if some axis lies side by side wherever it is: as the steps of the plan are looked at.
    fn lanes(&self, ring: &Ring, spec: &Spec, class: Id, children: &[Id]) -> Option<DType> {
        let stored: Vec<Vec<Label>> = children.iter().zip(&spec.operands).map(|(child, axes)| self.stored(*child, axes)).collect();
        let is_side_by_side = |label: &Label| stored.iter().all(|axes| axes.iter().rev().skip(1).all(|l| l != label));
        let last = self.stored(class, &spec.output).last().copied();
        let reduced = (0..spec.extents.len() as Label).filter(|label| !spec.output.contains(label));
        let is_contiguous = last.into_iter().chain(reduced).any(|label| is_side_by_side(&label));
        (is_contiguous && matches!(ring.dtype, DType::F32 | DType::F64)).then_some(ring.dtype)
    }

    /// Labels of the axes of a class in the order in which they lie in memory.
    fn stored(&self, class: Id, labels: &[Label]) -> Vec<Label> {
        match self.layouts.get(&self.converted.graph.egraph.find(class)) {
            Some(axes) => axes.iter().map(|axis| labels[usize::from(*axis)]).collect(),
            None => labels.to_vec(),
        }
    }

    /// Operands that are in memory.
    fn n_read(&self, children: &[Id]) -> f64 {
        children.iter().filter(|c| self.converted.graph.constant_of(**c).is_none()).count() as f64
    }

    fn contraction(&self, class: Id, ring: Ring, spec: &Spec, children: &[Id]) -> Work {
        let out = self.converted.graph.egraph[class].data.n_elements();
        let volume: f64 = spec.extents.iter().map(|e| *e as f64).product();
        let (mul, add) = (cost::weight(ring.mul, ring.dtype), ring.plus().map_or(1, |f| cost::weight(f, ring.dtype)));
        let (mul, add) = if ring.dtype.is_complex() { (mul as f64, add as f64) } else { (1.0, 1.0) };
        let factors = children.len() as f64 - 1.0;
        let flops = volume * (factors * mul + if spec.reduces() { add } else { 0.0 });
        let bytes = traffic(&self.converted.graph, children, out, ring.dtype);
        let product = as_matrix_product(ring, spec).filter(|product| classify::strategy(product) == Strategy::Gemm);
        let product = product.map(|product| self.banded(product, spec, children));
        let flops = match &product {
            Some(product) if !product.bands.is_empty() => cost::contraction_flops(product) as f64,
            _ => flops,
        };
        let (arithmetic, calls) = match &product {
            Some(product) => (predict::product_arithmetic(self.machine, product, flops), predict::calls(product)),
            None => (
                predict::loop_arithmetic(self.machine, self.lanes(&ring, spec, class, children), flops, volume * self.n_read(children)),
                0.0,
            ),
        };
        Work { flops, out, demand: Demand { arithmetic, bytes, calls } }
    }
}

impl Prices<'_> {
    /// The product with the bands that its operands have.
    fn banded(&self, mut product: Contraction, spec: &Spec, children: &[Id]) -> Contraction {
        product.strategy = Strategy::Gemm;
        if self.converted.strips.is_empty() {
            return product;
        }
        let mut candidates = Vec::new();
        for (child, labels) in children.iter().zip(&spec.operands) {
            let strips = self.converted.strips.get(&self.converted.graph.egraph.find(*child)).into_iter().flatten();
            let named = strips.filter_map(|strip| strip.named(&|axis| labels.get(axis).copied()));
            candidates.extend(named.map(|strip| Candidate { strip, outside: Outside::Zero }));
        }
        bands::narrow(&mut product, &candidates, self.machine);
        product
    }
}

/// Whether a node only says in which order, or whether conjugated, another class is read.
pub(crate) fn is_view(node: &Node) -> bool {
    match node {
        Node::Conjugate(_) => true,
        Node::Contract(_, spec, children) => children.len() == 1 && !spec.reduces(),
        _ => false,
    }
}

/// The contraction of two operands as steps know it.
pub(crate) fn as_matrix_product(ring: Ring, spec: &Spec) -> Option<Contraction> {
    let [lhs, rhs] = spec.operands.as_slice() else { return None };
    (ring == Ring::sum_product(ring.dtype)).then(|| Contraction {
        out: Tensor::new(0),
        lhs: Tensor::new(1),
        rhs: Tensor::new(2),
        extents: spec.extents.clone(),
        out_labels: spec.output.clone(),
        lhs_labels: lhs.clone(),
        rhs_labels: rhs.clone(),
        conjugate: (false, false),
        turns: Vec::new(),
        bands: Vec::new(),
        acc: ring.dtype,
        strategy: Strategy::Nest,
    })
}

/// Bytes read and written, each tensor once.
fn traffic(graph: &Graph, children: &[Id], out: f64, dtype: DType) -> f64 {
    let read: f64 = children.iter().map(|c| graph.egraph[*c].data.n_elements() * graph.dtype(*c).bytes() as f64).sum();
    read + out * dtype.bytes() as f64
}

//! What it costs to compute a class by one of its nodes, its children being there.
//!
//! Views (permutations, diagonals, conjugates) cost nothing: whoever reads them reads through.

use super::convert::Converted;
use super::graph::Graph;
use super::language::{Node, Ring, Spec};
use crate::path::{BYTES, OVERHEAD, PRODUCT_FLOPS};
use crate::{Minimize, classify, cost, rewrite};
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, PrimaryMap, Reducer, Tensor};
use ein_ir::plan::{Contraction, Strategy};
use ein_ir::tensor::ReducerDecl;

/// Flops a nanosecond of generated loops.
const NEST_FLOPS: f64 = 2.0;
/// Nanoseconds of a call of a matrix product, of which a step may need many.
const CALL: f64 = 30.0;

/// Prices nodes of a graph.
pub(crate) struct Prices<'a> {
    pub(crate) converted: &'a Converted,
    pub(crate) reducers: &'a PrimaryMap<Reducer, ReducerDecl>,
    pub(crate) minimize: Minimize,
}

/// Work of a step.
struct Work {
    flops: f64,
    bytes: f64,
    /// Flops a nanosecond.
    rate: f64,
    calls: f64,
    out: f64,
}

impl Prices<'_> {
    pub(crate) fn price(&self, class: Id, node: &Node) -> f64 {
        match self.work(class, node) {
            None => 0.0,
            Some(work) => match self.minimize {
                Minimize::Flops | Minimize::Peak => work.flops,
                Minimize::Combo => work.flops + 64.0 * work.out,
                Minimize::Time => (work.flops / work.rate).max(work.bytes / BYTES) + OVERHEAD + CALL * work.calls,
            },
        }
    }

    fn work(&self, class: Id, node: &Node) -> Option<Work> {
        let graph = &self.converted.graph;
        let out = graph.egraph[class].data.n_elements();
        match node {
            _ if is_view(node) => None,
            Node::Leaf(_) | Node::Constant(_) | Node::Conjugate(_) => None,
            Node::Contract(ring, spec, children) => Some(contraction(graph, *ring, spec, children, out)),
            Node::Sum(ring, _, children) => {
                let plus = ring.plus().map_or(1, |f| cost::weight(f, ring.dtype)) as f64;
                let flops = out * plus * (children.len() as f64 - 1.0);
                Some(Work { flops, bytes: traffic(graph, children, out, ring.dtype), rate: NEST_FLOPS, calls: 0.0, out })
            }
            Node::Nest(n, children) => {
                let nest = &self.converted.nests[*n as usize].nest;
                let flops = cost::nest_flops(self.reducers, nest) as f64;
                // Of a tensor that it gathers from, or has a slice of, it reads no more than it has turns.
                let turns = rewrite::iterations(nest) as f64;
                let read = children.iter().map(|c| graph.egraph[*c].data.n_elements().min(turns) * graph.dtype(*c).bytes() as f64);
                let bytes = read.sum::<f64>() + out * graph.dtype(class).bytes() as f64;
                Some(Work { flops, bytes, rate: NEST_FLOPS, calls: 0.0, out })
            }
        }
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

fn contraction(graph: &Graph, ring: Ring, spec: &Spec, children: &[Id], out: f64) -> Work {
    let volume: f64 = spec.extents.iter().map(|e| *e as f64).product();
    let (mul, add) = (cost::weight(ring.mul, ring.dtype), ring.plus().map_or(1, |f| cost::weight(f, ring.dtype)));
    let (mul, add) = if ring.dtype.is_complex() { (mul as f64, add as f64) } else { (1.0, 1.0) };
    let factors = children.len() as f64 - 1.0;
    let flops = volume * (factors * mul + if spec.reduces() { add } else { 0.0 });
    let bytes = traffic(graph, children, out, ring.dtype);
    let mut work = Work { flops, bytes, rate: NEST_FLOPS, calls: 0.0, out };
    if let Some(product) = as_matrix_product(ring, spec)
        && classify::strategy(&product) == Strategy::Gemm
    {
        work.calls = classify::shape(&product).batch as f64;
        // Those are of f32; in f64 they are half as many.
        work.rate = PRODUCT_FLOPS * 4.0 / real_bytes(ring.dtype);
    }
    work
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
        acc: ring.dtype,
        strategy: Strategy::Nest,
    })
}

/// Bytes read and written, each tensor once.
fn traffic(graph: &Graph, children: &[Id], out: f64, dtype: DType) -> f64 {
    let read: f64 = children.iter().map(|c| graph.egraph[*c].data.n_elements() * graph.dtype(*c).bytes() as f64).sum();
    read + out * dtype.bytes() as f64
}

fn real_bytes(dtype: DType) -> f64 {
    let bytes = dtype.bytes() as f64;
    if dtype.is_complex() { bytes / 2.0 } else { bytes }
}

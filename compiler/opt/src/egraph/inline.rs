//! Values that are computed where they are read, and so never stored, whatever is chosen.
//!
//! Fusion comes after extraction ([`crate::fuse`]). Of a value with one reader, all of whose ways are loops, it is certain beforehand: to
//! price such a value as if it were stored would keep pointwise steps apart from what they belong to.

use super::convert::Converted;
use super::language::{Node, Ring, Spec};
use super::price;
use crate::{classify, rewrite};
use egg::{Id, Language};
use ein_ir::entity::{EntityRef, Tensor};
use ein_ir::plan::Strategy;
use std::collections::{BTreeMap, BTreeSet};

/// The classes whose pointwise nodes are part of the loops that read them. `roots` are wanted as tensors.
pub(crate) fn inlined(converted: &Converted, classes: &[Id], nodes: &[Vec<Node>], roots: &[Id]) -> BTreeSet<Id> {
    let graph = &converted.graph;
    let mut readers: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let mut stored: BTreeSet<Id> = roots.iter().map(|root| graph.egraph.find(*root)).collect();
    for (class, nodes) in classes.iter().zip(nodes) {
        for node in nodes {
            for child in node.children() {
                let child = graph.egraph.find(*child);
                readers.entry(child).or_default().insert(*class);
                if !reads_in_loops(converted, node, child) {
                    stored.insert(child);
                }
            }
        }
    }
    let single = readers.into_iter().filter(|(child, readers)| readers.len() == 1 && !stored.contains(child));
    single.map(|(child, _)| child).collect()
}

/// Whether a node is a nest that evaluates its one read of a child no more than once an element.
fn reads_in_loops(converted: &Converted, node: &Node, child: Id) -> bool {
    let graph = &converted.graph;
    let is_child = |c: &&Id| graph.egraph.find(**c) == child;
    let (turns, reads) = match node {
        _ if price::is_view(node) => return false,
        // A slice says itself how it reads.
        Node::Leaf(_) | Node::Constant(_) | Node::Conjugate(_) | Node::Slice(..) => return false,
        Node::Contract(ring, spec, _) if is_library_product(*ring, spec) => return false,
        Node::Contract(_, spec, children) | Node::Sum(_, spec, children) => {
            (spec.extents.iter().map(|e| *e as f64).product(), children.iter().filter(is_child).count())
        }
        Node::Nest(n, children) => {
            let nest = &converted.nests[*n as usize].nest;
            let places = children.iter().enumerate().filter(|(_, c)| is_child(c)).map(|(n, _)| Tensor::new(n));
            let reads = |t: Tensor| rewrite::scalars(nest).iter().map(|s| rewrite::accesses_to(s, t).len()).sum::<usize>();
            (rewrite::iterations(nest) as f64, places.map(reads).sum())
        }
    };
    reads == 1 && turns <= graph.egraph[child].data.n_elements()
}

fn is_library_product(ring: Ring, spec: &Spec) -> bool {
    price::as_matrix_product(ring, spec).is_some_and(|product| classify::strategy(&product) != Strategy::Nest)
}

/// Whether a node computes each element from elements alone.
pub(crate) fn is_pointwise(converted: &Converted, node: &Node) -> bool {
    match node {
        Node::Leaf(_) | Node::Constant(_) | Node::Conjugate(_) | Node::Slice(..) => false,
        Node::Contract(_, spec, children) => children.len() > 1 && !spec.reduces(),
        Node::Sum(..) => true,
        Node::Nest(n, _) => converted.nests[*n as usize].nest.reduce.is_none(),
    }
}

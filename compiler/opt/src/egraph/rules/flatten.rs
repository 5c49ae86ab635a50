//! A sum of sums is one.

use super::{Match, Rule, Steps};
use crate::egraph::graph::{Access, Graph, Product, open};
use crate::egraph::language::{Node, Ring};
use egg::Id;
use std::collections::BTreeSet;

/// `(a + b) + c = a + b + c`, where nobody else reads `a + b`: else a running sum would be opened again by each of its readers.
pub(crate) const FLATTEN_SUMS: Rule = Rule { name: "flatten-sums", laws: |ring| ring.add_commutes, apply: flatten };

fn flatten(graph: &mut Graph, found: &Match, steps: &mut Steps) {
    if !found.is_sum {
        return;
    }
    let mut extents = found.spec.extents.clone();
    let mut terms = Vec::new();
    for operand in &found.operands {
        let operand = graph.current(operand.clone());
        match sum_of(graph, found.ring, operand.class).filter(|_| n_readers(graph, operand.class) == 1) {
            Some(inner) => terms.extend(open(inner, &operand.labels, &mut extents)),
            None => terms.push(operand),
        }
    }
    if terms.len() > found.operands.len() && steps.take(1) {
        let flat = graph.sum(found.ring, terms, &extents);
        graph.join(&found.class, &flat, found.rule);
    }
}

/// The longest sum that makes a class.
pub(super) fn sum_of(graph: &Graph, ring: Ring, class: Id) -> Option<Product> {
    let sums = graph.nodes(class).into_iter().filter_map(|node| match node {
        Node::Sum(r, spec, children) if r == ring && !children.contains(&class) => Some((*spec, children)),
        _ => None,
    });
    let (spec, children) = sums.max_by_key(|(spec, _)| spec.operands.len())?;
    let operands = children.into_iter().zip(spec.operands).map(|(class, labels)| Access { class, labels });
    Some(Product { operands: operands.collect(), output: spec.output, extents: spec.extents })
}

/// Classes of which a node reads a class.
fn n_readers(graph: &Graph, class: Id) -> usize {
    let readers: BTreeSet<Id> = graph.egraph[class].parents().map(|node| graph.egraph.find(node)).collect();
    readers.len()
}

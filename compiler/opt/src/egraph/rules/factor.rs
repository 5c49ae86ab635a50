//! A factor that several terms have is taken out of their sum.

use super::{Match, Rule, Steps, labels_in};
use crate::egraph::graph::{Access, Graph, Product, open};
use crate::egraph::language::Label;
use egg::Id;
use std::collections::BTreeMap;

/// `A B + A C = A (B + C)`, also under reductions: `sum_k A B + sum_k A C = sum_k A (B + C)`. All terms that have the factor in one role are
/// taken at once: pairs would need many more steps to the same end.
pub(crate) const FACTOR_OUT: Rule =
    Rule { name: "factor-out", laws: |ring| ring.distributes && ring.add_commutes && ring.mul_commutes, apply: factor };

/// A factor and how a term reads it: labels of the sum as they are, those reduced in the term numbered by first use from the end of the
/// labels.
type Role = (Id, Vec<Label>);

/// A term as a product.
struct Term {
    operands: Vec<Access>,
    /// Labels below are those of the sum.
    n_outer: Label,
}

fn factor(graph: &mut Graph, found: &Match, steps: &mut Steps) {
    if !found.is_sum {
        return;
    }
    let mut extents = found.spec.extents.clone();
    let n_outer = extents.len() as Label;
    let terms: Vec<Term> = found.operands.iter().map(|o| Term { operands: term(graph, found, o, &mut extents), n_outer }).collect();
    let mut groups: BTreeMap<Role, Vec<(usize, usize)>> = BTreeMap::new();
    for (n, term) in terms.iter().enumerate() {
        for (m, operand) in term.operands.iter().enumerate() {
            let members = groups.entry(term.role(operand)).or_default();
            if graph.constant_of(operand.class).is_none() && members.last().is_none_or(|(last, _)| *last != n) {
                members.push((n, m));
            }
        }
    }
    for ((class, role), members) in groups {
        if members.len() > 1 && steps.take(members.len()) {
            take_out(graph, found, &terms, &Access { class, labels: role }, &members, &extents);
        }
    }
}

/// The operands of a term, over the labels of the sum and new ones.
fn term(graph: &Graph, found: &Match, operand: &Access, extents: &mut Vec<u64>) -> Vec<Access> {
    let operand = graph.current(operand.clone());
    match graph.network_of(found.ring, operand.class) {
        Some(network) => open(network, &operand.labels, extents).into_iter().map(|o| graph.current(o)).collect(),
        None => vec![operand],
    }
}

impl Term {
    fn role(&self, operand: &Access) -> Role {
        let mut inner: Vec<Label> = Vec::new();
        let number = |label: &Label| {
            if *label < self.n_outer {
                return *label;
            }
            let n = inner.iter().position(|l| l == label).unwrap_or_else(|| {
                inner.push(*label);
                inner.len() - 1
            });
            self.n_outer + n as Label
        };
        (operand.class, operand.labels.iter().map(number).collect())
    }

    /// The other operands; where they share reduced labels with the factor, its labels.
    fn rest(&self, at: usize, factor: &Access) -> Vec<Access> {
        let renamed: BTreeMap<Label, Label> = self.operands[at].labels.iter().copied().zip(factor.labels.iter().copied()).collect();
        let others = self.operands.iter().enumerate().filter(|(n, _)| *n != at);
        let rename = |label: &Label| renamed.get(label).copied().unwrap_or(*label);
        others.map(|(_, o)| Access { class: o.class, labels: o.labels.iter().map(rename).collect() }).collect()
    }
}

fn take_out(graph: &mut Graph, found: &Match, terms: &[Term], role: &Access, members: &[(usize, usize)], extents: &[u64]) {
    let n_outer = found.spec.extents.len() as Label;
    let mut extents = extents.to_vec();
    // Labels of the factor that are reduced: one for all terms, of which the first says the extents.
    let first = &terms[members[0].0].operands[members[0].1];
    let n_labels = extents.len() as Label;
    let shared = |label: Label| if label < n_outer { label } else { n_labels + (label - n_outer) };
    let n_inner = role.labels.iter().filter(|l| **l >= n_outer).max().map_or(0, |l| l - n_outer + 1);
    for n in 0..n_inner {
        let axis = role.labels.iter().position(|l| *l == n_outer + n).unwrap_or(0);
        extents.push(extents[usize::from(first.labels[axis])]);
    }
    let factor = Access { class: role.class, labels: role.labels.iter().map(|l| shared(*l)).collect() };
    let is_kept = |label: Label| label < n_outer || factor.labels.contains(&label);
    let mut rests = Vec::new();
    for (term, at) in members {
        let operands = terms[*term].rest(*at, &factor);
        let output = labels_in(&operands, is_kept);
        let rest = graph.flattened(found.ring, Product { operands, output, extents: extents.clone() });
        rests.push(graph.contract(found.ring, rest));
    }
    let sum = graph.sum(found.ring, rests, &extents);
    let operands = vec![factor, sum];
    let output = labels_in(&operands, |label| label < n_outer);
    let product = graph.contract(found.ring, Product { operands, output, extents: extents.clone() });
    let others = (0..terms.len()).filter(|n| !members.iter().any(|(m, _)| m == n)).map(|n| found.operands[n].clone());
    let all: Vec<Access> = others.chain([product]).collect();
    let result = graph.sum(found.ring, all, &extents);
    graph.join(&found.class, &result, found.rule);
}

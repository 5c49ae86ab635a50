//! Rewrites of sums and products. `README.md` beside this file says how to write one.

mod distribute;
mod factor;
mod flatten;
mod fuse;
mod slice;

use super::graph::{Access, Graph, Product};
use super::language::{Label, Node, Ring, Spec};
use crate::Options;
use egg::Id;
use ein_ir::semiring;
use std::collections::{BTreeSet, HashSet};

/// Steps that the rules may take, by level: one is a node that is made.
const STEPS: [usize; 3] = [0, 300, 10_000];
/// Rounds; each sees what the one before made.
const ROUNDS: usize = 16;

/// A rewrite of a node of one kind.
pub(crate) struct Rule {
    /// In lower case with hyphens; explanations print it.
    pub(crate) name: &'static str,
    /// Laws that the ring must have.
    pub(crate) laws: fn(&semiring::Ring) -> bool,
    /// Joins what equals the node; takes no more steps than there are.
    pub(crate) apply: fn(&mut Graph, &Match, &mut Steps),
}

/// Every rule, in the order of their trials.
pub(crate) const RULES: [Rule; 4] = [fuse::FUSE_CONTRACTIONS, flatten::FLATTEN_SUMS, factor::FACTOR_OUT, distribute::DISTRIBUTE];

/// A node of a class, for a rule. Its labels are those of the spec.
pub(crate) struct Match {
    pub(crate) rule: &'static str,
    /// The class, its axes with the labels of the spec's result.
    pub(crate) class: Access,
    pub(crate) ring: Ring,
    pub(crate) is_sum: bool,
    pub(crate) operands: Vec<Access>,
    pub(crate) spec: Spec,
}

impl Match {
    fn product(&self) -> Product {
        Product { operands: self.operands.clone(), output: self.spec.output.clone(), extents: self.spec.extents.clone() }
    }
}

/// Steps left.
pub(crate) struct Steps(pub(crate) usize);

impl Steps {
    /// Takes as many steps as nodes are made, if there are so many.
    pub(crate) fn take(&mut self, n_nodes: usize) -> bool {
        let is_enough = self.0 >= n_nodes;
        self.0 = self.0.saturating_sub(n_nodes);
        is_enough
    }
}

/// Applies the rules until nothing new is found or the steps are used.
pub(crate) fn apply(graph: &mut Graph, options: &Options) {
    let mut steps = Steps(STEPS[usize::from(options.opt_level).min(STEPS.len() - 1)]);
    let mut done: Vec<HashSet<Node>> = vec![HashSet::new(); RULES.len()];
    let mut sliced: BTreeSet<(Node, Node)> = BTreeSet::new();
    for _ in 0..ROUNDS {
        let before = steps.0;
        slice_all(graph, &mut sliced, &mut steps);
        for class in graph.classes() {
            for node in graph.nodes(class) {
                for (rule, done) in RULES.iter().zip(&mut done) {
                    if !done.contains(&node)
                        && let Some(found) = matched(graph, rule, class, &node)
                    {
                        done.insert(node.clone());
                        (rule.apply)(graph, &found, &mut steps);
                    }
                }
            }
        }
        if steps.0 == before {
            break;
        }
        renumber(graph);
    }
}

/// Takes slices into what they are slices of.
fn slice_all(graph: &mut Graph, done: &mut BTreeSet<(Node, Node)>, steps: &mut Steps) {
    if !graph.egraph.classes().any(|class| class.nodes.iter().any(|node| matches!(node, Node::Slice(..)))) {
        return;
    }
    for class in graph.classes() {
        for node in graph.nodes(class) {
            let Node::Slice(window, child) = &node else { continue };
            for of in graph.nodes(graph.egraph.find(*child)) {
                if done.insert((node.clone(), of.clone())) {
                    slice::push(graph, class, window, &of, steps);
                }
            }
        }
    }
    graph.egraph.rebuild();
}

/// The node as rules see it; `None` if the ring lacks a law.
fn matched(graph: &Graph, rule: &Rule, class: Id, node: &Node) -> Option<Match> {
    let (is_sum, ring, spec, children) = match node {
        Node::Contract(ring, spec, children) => (false, *ring, spec, children),
        Node::Sum(ring, spec, children) => (true, *ring, spec, children),
        Node::Leaf(_) | Node::Constant(_) | Node::Conjugate(_) | Node::Nest(..) | Node::Slice(..) => return None,
    };
    let has_laws = ring.laws().is_some_and(|laws| (rule.laws)(&laws));
    has_laws.then(|| {
        let class = Access { class: graph.egraph.find(class), labels: spec.output.clone() };
        let operands = children.iter().zip(&spec.operands).map(|(c, l)| Access { class: *c, labels: l.clone() });
        Match { rule: rule.name, class, ring, is_sum, operands: operands.collect(), spec: (**spec).clone() }
    })
}

/// Names nodes anew after classes have merged: operands are ordered by classes, so equal values may have got two names.
fn renumber(graph: &mut Graph) {
    for _ in 0..ROUNDS {
        graph.egraph.rebuild();
        let mut is_changed = false;
        for class in graph.classes() {
            for node in graph.nodes(class) {
                is_changed |= rename(graph, class, node);
            }
        }
        if !is_changed {
            return;
        }
    }
    graph.egraph.rebuild();
}

fn rename(graph: &mut Graph, class: Id, node: Node) -> bool {
    let (Node::Contract(ring, spec, children) | Node::Sum(ring, spec, children)) = &node else { return false };
    let whole = Access { class, labels: spec.output.clone() };
    let operands: Vec<Access> = children.iter().zip(&spec.operands).map(|(c, l)| Access { class: *c, labels: l.clone() }).collect();
    let named = match node {
        Node::Sum(..) => graph.sum(*ring, operands, &spec.extents),
        _ => graph.contract(*ring, Product { operands, output: spec.output.clone(), extents: spec.extents.clone() }),
    };
    graph.join(&whole, &named, "renumber")
}

/// The labels of some operands that a set has, ascending.
fn labels_in(operands: &[Access], set: impl Fn(Label) -> bool) -> Vec<Label> {
    let labels: BTreeSet<Label> = operands.iter().flat_map(|o| &o.labels).copied().filter(|l| set(*l)).collect();
    labels.into_iter().collect()
}

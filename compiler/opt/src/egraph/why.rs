//! Why a plan is as it is: for each step of the graph the rules that lead from what the program says to what is done.

use super::convert::Converted;
use super::emit::Made;
use super::language::{Label, Node, Spec};
use crate::draft::Draft;
use egg::{Id, Language, TreeExplanation};
use std::collections::BTreeMap;
use std::fmt;

/// Why a step is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The tensor that it makes.
    pub tensor: String,
    /// What it computes: `sum by mul of A B: ij,jk->ik`.
    pub made: String,
    /// Names of the rules between what the program says and this, in order; none where it stands as written.
    pub rules: Vec<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.rules.is_empty() { "as it is".to_owned() } else { self.rules.join(", ") };
        writeln!(f, "  {} = {}\n      {by}", self.tensor, self.made)
    }
}

/// One reason a step: what it computes, and by which rules that is equal to what it stands for.
pub(crate) fn explain(draft: &Draft, converted: &mut Converted, chosen: &BTreeMap<Id, Node>, made: &Made) -> Vec<Reason> {
    let mut out = Vec::new();
    for (class, tensor) in &made.steps {
        let Some(node) = chosen.get(class) else { continue };
        let rules = rules(converted, *class, node);
        out.push(Reason { tensor: draft.values[*tensor].name.clone(), made: words(draft, converted, chosen, made, node), rules });
    }
    out
}

/// Names of the rules between the first form of a class and the chosen one, in order.
fn rules(converted: &mut Converted, class: Id, node: &Node) -> Vec<String> {
    let first = converted.origins.get(&class).copied().unwrap_or(class);
    let last = converted.graph.egraph.add_uncanonical(node.clone());
    if first == last {
        return Vec::new();
    }
    let explanation = converted.graph.egraph.explain_id_equivalence(first, last);
    let mut names = Vec::new();
    collect(&explanation.explanation_trees, &mut names);
    names.dedup();
    names
}

/// The rules of a proof, those of its parts where they stand.
fn collect(proof: &TreeExplanation<Node>, names: &mut Vec<String>) {
    for term in proof {
        names.extend(term.forward_rule.map(|rule| rule.to_string()));
        names.extend(term.backward_rule.map(|rule| format!("{rule} (backwards)")));
        term.child_proofs.iter().for_each(|proof| collect(proof, names));
    }
}

fn words(draft: &Draft, converted: &Converted, chosen: &BTreeMap<Id, Node>, made: &Made, node: &Node) -> String {
    let names: Vec<String> = node.children().iter().map(|child| name(draft, converted, chosen, made, *child)).collect();
    match node {
        Node::Contract(ring, spec, _) => format!("{} by {} of {}: {}", ring.add.name(), ring.mul.name(), names.join(" "), letters(spec)),
        Node::Slice(window, _) => format!("part of {}: {window}", names.join(" ")),
        Node::Sum(_, spec, _) => format!("{}: {}", names.join(" + "), letters(spec)),
        _ if names.is_empty() => "loops".to_owned(),
        _ => format!("loops over {}", names.join(", ")),
    }
}

/// What an operand is called: the tensor that holds it, or that it is a view of.
fn name(draft: &Draft, converted: &Converted, chosen: &BTreeMap<Id, Node>, made: &Made, class: Id) -> String {
    let class = converted.graph.egraph.find(class);
    if let Some(tensor) = made.stored.get(&class) {
        return draft.values[*tensor].name.clone();
    }
    match chosen.get(&class) {
        Some(Node::Conjugate(inner)) => format!("conj({})", name(draft, converted, chosen, made, *inner)),
        Some(Node::Contract(_, _, children)) if children.len() == 1 => name(draft, converted, chosen, made, children[0]),
        Some(node) => node.to_string(),
        None => "?".to_owned(),
    }
}

/// `ik,kj->ij`
fn letters(spec: &Spec) -> String {
    let letter = |l: &Label| char::from_u32(u32::from('i') + u32::from(*l)).filter(char::is_ascii_lowercase);
    let list = |labels: &Vec<Label>| match labels.iter().map(letter).collect::<Option<String>>() {
        Some(text) => text,
        None => format!("{labels:?}"),
    };
    let operands: Vec<String> = spec.operands.iter().map(list).collect();
    format!("{}->{}", operands.join(","), list(&spec.output))
}

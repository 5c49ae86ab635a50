//! The text of a graph: one class a paragraph, its nodes below it, the chosen one marked.

use super::convert::Converted;
use super::language::Node;
use super::{Candidates, Way};
use crate::draft::Draft;
use egg::{Id, Language};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Classes that some way of making the results needs, in the order of their ids but numbered from 0.
///
/// ```text
/// c2 f32[8, 8]
///   > contract.sum.mul [0 1][1 2]->[0 2] over 8 8 8 (c0 c1) cost 178.3
///     nest0 (c0 c1) cost 612
/// ```
pub(crate) fn dump(draft: &Draft, converted: &Converted, candidates: &Candidates, chosen: &BTreeMap<Id, Node>) -> String {
    let mut out = String::new();
    for (n, (class, nodes)) in candidates.classes.iter().zip(&candidates.nodes).enumerate() {
        let data = &converted.graph.egraph[*class].data;
        let shape: Vec<String> = data.shape.iter().map(u64::to_string).collect();
        let _ = writeln!(out, "c{n} {}[{}]", data.dtype, shape.join(", "));
        for (node, way) in nodes.iter().zip(&candidates.problem.ways[n]) {
            let mark = if chosen.get(class) == Some(node) { '>' } else { ' ' };
            let _ = writeln!(out, "  {mark} {}", line(draft, converted, candidates, node, way));
        }
    }
    let roots: Vec<String> = candidates.problem.roots.iter().map(|root| format!("c{root}")).collect();
    let _ = writeln!(out, "roots {}", roots.join(" "));
    out
}

fn line(draft: &Draft, converted: &Converted, candidates: &Candidates, node: &Node, way: &Way) -> String {
    if let Node::Leaf(n) = node {
        return format!("leaf {}", draft.values[converted.leaves[*n as usize]].name);
    }
    let position = |child: &Id| {
        let class = converted.graph.egraph.find(*child);
        candidates.classes.binary_search(&class).map_or_else(|_| "?".to_owned(), |n| format!("c{n}"))
    };
    let children: Vec<String> = node.children().iter().map(position).collect();
    let cost = if way.cost.is_finite() { format!("{:.1}", way.cost) } else { "too large".to_owned() };
    if children.is_empty() { format!("{node} cost {cost}") } else { format!("{node} ({}) cost {cost}", children.join(" ")) }
}

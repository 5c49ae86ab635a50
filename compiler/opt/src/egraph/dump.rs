//! A graph as others may see it: one class a paragraph of its text, its nodes below it, the chosen one marked.

use super::convert::Converted;
use super::language::Node;
use super::{Candidates, Way};
use crate::draft::Draft;
use egg::{Id, Language};
use std::collections::BTreeMap;
use std::fmt;

/// The classes that some way of making the results needs, each with every way to make it.
///
/// ```text
/// c2 f32[8, 8]
///   > contract.sum.mul [0 1][1 2]->[0 2] over 8 8 8 (c0 c1) cost 178.3
///     nest0 (c0 c1) cost 612
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EGraph {
    /// In a fixed order; others name them by their places in this list.
    pub classes: Vec<EClass>,
    /// Classes that are wanted.
    pub roots: Vec<usize>,
}

/// A value, and the ways to make it.
#[derive(Clone, Debug, PartialEq)]
pub struct EClass {
    /// Type and shape: `f32[8, 8]`.
    pub tensor: String,
    /// Ways to make it.
    pub ways: Vec<EWay>,
}

/// One way to make a value.
#[derive(Clone, Debug, PartialEq)]
pub struct EWay {
    /// What is done: `contract.sum.mul [0 1][1 2]->[0 2] over 8 8 8`, `leaf A`.
    pub node: String,
    /// Classes that it reads, in order; `None` is one outside the graph.
    pub operands: Vec<Option<usize>>,
    /// What this step costs alone, in units of the objective; infinite if its value is too large, `None` if it is there already.
    pub cost: Option<f64>,
    /// Whether the plan has it.
    pub chosen: bool,
}

impl fmt::Display for EGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, class) in self.classes.iter().enumerate() {
            writeln!(f, "c{n} {}", class.tensor)?;
            for way in &class.ways {
                writeln!(f, "  {} {way}", if way.chosen { '>' } else { ' ' })?;
            }
        }
        let roots: Vec<String> = self.roots.iter().map(|root| format!("c{root}")).collect();
        writeln!(f, "roots {}", roots.join(" "))
    }
}

impl fmt::Display for EWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node)?;
        let operands: Vec<String> = self.operands.iter().map(|o| o.map_or_else(|| "?".to_owned(), |n| format!("c{n}"))).collect();
        if !operands.is_empty() {
            write!(f, " ({})", operands.join(" "))?;
        }
        match self.cost {
            Some(cost) if cost.is_finite() => write!(f, " cost {cost:.1}"),
            Some(_) => f.write_str(" cost too large"),
            None => Ok(()),
        }
    }
}

/// Classes in the order of their ids, numbered from 0.
pub(crate) fn dump(draft: &Draft, converted: &Converted, candidates: &Candidates, chosen: &BTreeMap<Id, Node>) -> EGraph {
    let class = |(n, class): (usize, &Id)| {
        let data = &converted.graph.egraph[*class].data;
        let shape: Vec<String> = data.shape.iter().map(u64::to_string).collect();
        let ways = candidates.nodes[n].iter().zip(&candidates.problem.ways[n]);
        let ways = ways.map(|(node, way)| way_of(draft, converted, candidates, node, way, chosen.get(class) == Some(node)));
        EClass { tensor: format!("{}[{}]", data.dtype, shape.join(", ")), ways: ways.collect() }
    };
    EGraph { classes: candidates.classes.iter().enumerate().map(class).collect(), roots: candidates.problem.roots.clone() }
}

fn way_of(draft: &Draft, converted: &Converted, candidates: &Candidates, node: &Node, way: &Way, chosen: bool) -> EWay {
    if let Node::Leaf(n) = node {
        let node = format!("leaf {}", draft.values[converted.leaves[*n as usize]].name);
        return EWay { node, operands: Vec::new(), cost: None, chosen };
    }
    let position = |child: &Id| candidates.classes.binary_search(&converted.graph.egraph.find(*child)).ok();
    EWay { node: node.to_string(), operands: node.children().iter().map(position).collect(), cost: Some(way.cost), chosen }
}

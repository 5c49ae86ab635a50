//! A graph as SVG: boxes with their facts, or dots where there are too many for that.

mod boxes;
mod dots;

use super::graph::{Graph, Node};
use maud::{Markup, html};

/// Nodes up to which each has a box.
const MAX_BOXES: usize = 150;

/// A part of a picture, in pixels at its natural size.
pub(crate) struct Drawing {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) body: Markup,
}

/// What a click on a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// Its row in the table on the same page.
    Rows,
    Nothing,
}

/// Draws a graph; data flows from left to right.
pub(crate) fn draw(graph: &Graph, links: Links) -> Drawing {
    if graph.nodes.len() <= MAX_BOXES { boxes::draw(graph, links) } else { dots::draw(graph, links) }
}

/// What the marks of such a drawing mean.
pub(crate) fn legend(graph: &Graph, cost: &str) -> String {
    let marks = if graph.nodes.len() <= MAX_BOXES {
        format!("Colour and bar: share of the {cost}")
    } else {
        format!("Colour and size: {cost} compared with the dearest step")
    };
    format!("{marks}. Width of a line: bytes, on a logarithmic scale.")
}

/// The class of a node by its part of the cost: of the whole, or of the dearest.
fn heat(share: f64) -> &'static str {
    match share {
        s if s >= 0.4 => "heat4",
        s if s >= 0.2 => "heat3",
        s if s >= 0.08 => "heat2",
        s if s >= 0.02 => "heat1",
        _ => "heat0",
    }
}

/// A node with its name for people who cannot see it, and what it leads to.
fn node(node: &Node, part: f64, links: Links, shape: &Markup) -> Markup {
    let title = node.facts.join("\n");
    let class = format!("node {} {}", node.kind.class(), heat(part));
    html! {
        @match node.row {
            Some(row) if links == Links::Rows => {
                a href=(format!("#row-{row}")) { g class=(class) id=(format!("node-{row}")) { title { (title) } (shape) } }
            }
            _ => g class=(class) { title { (title) } (shape) },
        }
    }
}

/// Widths of lines: from 1 on, by the logarithm of the bytes between the least and the most of all edges.
struct Widths {
    least: f64,
    range: f64,
}

impl Widths {
    fn of(graph: &Graph) -> Self {
        let sizes = || graph.nodes.iter().flat_map(|n| &n.reads).map(|edge| edge.tensor.log2_bytes);
        let (least, most) = (sizes().fold(f64::MAX, f64::min), sizes().fold(0.0, f64::max));
        // Sizes that differ by little look alike.
        Self { least, range: (most - least).max(8.0) }
    }

    fn width(&self, log2_bytes: f64) -> f64 {
        1.0 + 4.0 * ((log2_bytes - self.least) / self.range).clamp(0.0, 1.0)
    }
}

/// A number of pixels: one digit is enough.
pub(crate) fn px(x: f64) -> String {
    let text = format!("{x:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

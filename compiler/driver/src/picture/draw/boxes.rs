//! Every node a box with its name, kernel, work and share; every tensor its extents and bytes on the line that leaves its node.

use super::{Drawing, Links, Widths, px};
use crate::picture::graph::{Edge, Graph, Kind, Node};
use crate::picture::layout::{Layout, Spacing, layout};
use crate::picture::words;
use maud::{Markup, html};
use std::fmt::Write;

/// Width of a character, at the sizes of the style sheet: 12 and 10.5 pixels of a face with characters 0.6 as wide as high.
const CHARACTER: f64 = 7.3;
const SMALL_CHARACTER: f64 = 6.4;
/// Characters of a name, and of extents.
const MAX_NAME: usize = 26;
const MAX_EXTENTS: usize = 28;
/// Heights of a step and of a tensor.
const STEP: f64 = 46.0;
const TENSOR: f64 = 38.0;
/// Room for edges to bend, between columns.
const BEND: f64 = 40.0;
const MARGIN: f64 = 12.0;

pub(super) fn draw(graph: &Graph, links: Links) -> Drawing {
    let heights: Vec<f64> = graph.nodes.iter().map(|n| if n.kind == Kind::Step { STEP } else { TENSOR }).collect();
    let layout = layout(graph, &heights, Spacing { gap: 18.0, edge: 14.0 });
    let labels = labels(graph);
    let columns = columns(graph, &layout, &labels);
    let page =
        Page { graph, layout: &layout, columns: &columns, heights: &heights, widths: Widths::of(graph), n_readers: graph.n_readers() };
    let body = html! {
        g class="edges" { @for n in 0..graph.nodes.len() { (page.edges_into(n)) } }
        @for (n, label) in labels.iter().enumerate() { @if let Some(label) = label { (page.stub(n, label)) } }
        @for n in 0..graph.nodes.len() { (page.node(n, links)) }
    };
    let width = columns.first().map_or(0.0, |c| c.left + c.width) + MARGIN;
    Drawing { width, height: layout.height + 2.0 * MARGIN, body }
}

/// What stands on the line that leaves a node.
struct Label {
    above: String,
    below: String,
    log2_bytes: f64,
}

/// A label for each node that somebody reads.
fn labels(graph: &Graph) -> Vec<Option<Label>> {
    let mut leaving: Vec<Vec<&Edge>> = vec![Vec::new(); graph.nodes.len()];
    for edge in graph.nodes.iter().flat_map(|n| &n.reads) {
        if leaving[edge.from].iter().all(|other| other.tensor != edge.tensor) {
            leaving[edge.from].push(edge);
        }
    }
    leaving.iter().map(|edges| label(edges)).collect()
}

fn label(edges: &[&Edge]) -> Option<Label> {
    let extents =
        |edge: &&Edge| if edges.len() == 1 { edge.tensor.extents.clone() } else { format!("{} {}", edge.tensor.name, edge.tensor.extents) };
    let join = |parts: Vec<String>| words::shorten(&parts.join(", "), MAX_EXTENTS);
    let log2_bytes = edges.iter().map(|edge| edge.tensor.log2_bytes).reduce(f64::max)?;
    let sizes = edges.iter().map(|edge| edge.tensor.size.clone());
    Some(Label { above: join(edges.iter().map(extents).collect()), below: join(sizes.collect()), log2_bytes })
}

/// Where a column of boxes begins, how wide they are, and how long the lines are that leave them.
struct Column {
    left: f64,
    width: f64,
    stub: f64,
}

fn columns(graph: &Graph, layout: &Layout, labels: &[Option<Label>]) -> Vec<Column> {
    let mut columns: Vec<Column> = (0..layout.n_columns).map(|_| Column { left: 0.0, width: 0.0, stub: 0.0 }).collect();
    for (n, node) in graph.nodes.iter().enumerate() {
        let column = &mut columns[layout.column[n]];
        column.width = column.width.max(box_width(node));
        if let Some(label) = &labels[n] {
            let characters = label.above.chars().count().max(label.below.chars().count());
            column.stub = column.stub.max(characters as f64 * SMALL_CHARACTER + 14.0);
        }
    }
    let mut left = MARGIN;
    for column in columns.iter_mut().rev() {
        column.left = left;
        left += column.width + column.stub + BEND;
    }
    columns
}

fn box_width(node: &Node) -> f64 {
    let share = if node.kind == Kind::Step { 8 } else { 0 };
    let name = words::shorten(&node.name, MAX_NAME).chars().count() + share;
    (name as f64 * CHARACTER).max(node.note.chars().count() as f64 * SMALL_CHARACTER) + 22.0
}

struct Page<'a> {
    graph: &'a Graph,
    layout: &'a Layout,
    columns: &'a [Column],
    heights: &'a [f64],
    widths: Widths,
    n_readers: Vec<usize>,
}

impl Page<'_> {
    fn column(&self, node: usize) -> &Column {
        &self.columns[self.layout.column[node]]
    }

    fn y(&self, node: usize) -> f64 {
        self.layout.y[node] + MARGIN
    }

    /// Right end of the line that leaves a node.
    fn exit(&self, node: usize) -> f64 {
        let column = self.column(node);
        column.left + column.width + column.stub
    }

    fn edges_into(&self, reader: usize) -> Markup {
        let node = &self.graph.nodes[reader];
        // Edges arrive in the order of the heights that they come from, so that they do not cross.
        let last_y = |k: usize| self.layout.bends[reader][k].first().map_or(self.layout.y[node.reads[k].from], |bend| bend.1);
        let mut order: Vec<usize> = (0..node.reads.len()).collect();
        order.sort_by(|a, b| last_y(*a).total_cmp(&last_y(*b)).then(a.cmp(b)));
        let spread = (self.heights[reader] - 14.0) / node.reads.len().max(4) as f64;
        html! {
            @for (place, k) in order.iter().enumerate() {
                @let edge = &node.reads[*k];
                @let y = self.y(reader) + (place as f64 - (order.len() - 1) as f64 / 2.0) * spread;
                path class=(if self.n_readers[edge.from] > 1 { "edge shared" } else { "edge" })
                    d=(self.way(reader, *k, y)) stroke-width=(px(self.widths.width(edge.tensor.log2_bytes))) {}
            }
        }
    }

    /// The way of an edge from the end of the line that leaves its node, through bends, to the reader.
    fn way(&self, reader: usize, read: usize, y: f64) -> String {
        let from = self.graph.nodes[reader].reads[read].from;
        let (mut x, mut at) = (self.exit(from), self.y(from));
        let mut d = format!("M{} {}", px(x), px(at));
        for (column, bend) in self.layout.bends[reader][read].iter().rev() {
            let (column, bend) = (&self.columns[*column], bend + MARGIN);
            curve(&mut d, (x, at), (column.left, bend));
            x = column.left + column.width + column.stub;
            at = bend;
            let _ = write!(d, "H{}", px(x));
        }
        curve(&mut d, (x, at), (self.column(reader).left, y));
        d
    }

    /// The line that leaves a node, with its label.
    fn stub(&self, node: usize, label: &Label) -> Markup {
        let (column, y) = (self.column(node), self.y(node));
        let (right, exit) = (column.left + column.width, self.exit(node));
        let width = self.widths.width(label.log2_bytes);
        let n = self.n_readers[node];
        html! {
            path class="edge" d=(format!("M{} {}H{}", px(right), px(y), px(exit))) stroke-width=(px(width)) {}
            text class="extents" x=(px(right + 6.0)) y=(px(y - width / 2.0 - 4.0)) { (label.above) }
            text class="size" x=(px(right + 6.0)) y=(px(y + width / 2.0 + 11.0)) { (label.below) }
            @if n > 1 {
                circle class="fork" cx=(px(exit)) cy=(px(y)) r=(px(width / 2.0 + 2.5)) { title { (format!("read by {n}")) } }
                text class="fork" x=(px(exit)) y=(px(y - 9.0)) { (format!("×{n}")) }
            }
        }
    }

    fn node(&self, n: usize, links: Links) -> Markup {
        let (node, column, height) = (&self.graph.nodes[n], self.column(n), self.heights[n]);
        let (left, top) = (column.left, self.y(n) - height / 2.0);
        let is_step = node.kind == Kind::Step;
        let bar = (column.width - 2.0) * node.share.clamp(0.0, 1.0);
        let shape = html! {
            rect class="box" x=(px(left)) y=(px(top)) width=(px(column.width)) height=(px(height)) rx=(if is_step { "5" } else { "19" }) {}
            @if is_step && bar >= 1.0 {
                rect class="bar" x=(px(left + 1.0)) y=(px(top + height - 4.0)) width=(px(bar)) height="3" {}
            }
            text class="name" x=(px(left + 11.0)) y=(px(top + if is_step { 18.0 } else { 16.0 })) { (words::shorten(&node.name, MAX_NAME)) }
            text class="note" x=(px(left + 11.0)) y=(px(top + if is_step { 34.0 } else { 30.0 })) { (node.note) }
            @if is_step {
                text class="share" x=(px(left + column.width - 9.0)) y=(px(top + 18.0)) { (words::percent(node.share)) }
            }
        };
        super::node(node, node.share, links, &shape)
    }
}

/// A line that leaves and arrives level.
fn curve(d: &mut String, from: (f64, f64), to: (f64, f64)) {
    let middle = px((from.0 + to.0) / 2.0);
    let _ = write!(d, "C{middle} {} {middle} {} {} {}", px(from.1), px(to.1), px(to.0), px(to.1));
}

//! Every node a dot, the dearest steps large and named: for networks of thousands of tensors.

use super::{Drawing, Links, Widths, px};
use crate::picture::graph::{Graph, Kind};
use crate::picture::layout::{Spacing, layout};
use crate::picture::words;
use maud::html;

/// Width that a drawing has if its columns allow it.
const WIDTH: f64 = 1360.0;
const MARGIN: f64 = 28.0;
/// Steps with names.
const NAMED: usize = 10;
/// Height of a name, and how many may stand above each other.
const LINE: f64 = 14.0;
const ROWS: u8 = 8;

pub(super) fn draw(graph: &Graph, links: Links) -> Drawing {
    // Of hundreds of steps none has much of the whole: they are compared with the dearest.
    let dearest = graph.nodes.iter().map(|n| n.share).fold(f64::MIN_POSITIVE, f64::max);
    let part = |n: usize| graph.nodes[n].share / dearest;
    let radius = |n: usize| if graph.nodes[n].kind == Kind::Step { 1.8 + 7.0 * part(n).max(0.0).sqrt() } else { 1.5 };
    let radii: Vec<f64> = (0..graph.nodes.len()).map(radius).collect();
    let heights: Vec<f64> = radii.iter().map(|r| 2.0 * r + 0.6).collect();
    let layout = layout(graph, &heights, Spacing { gap: 1.2, edge: 1.2 });
    let step = (WIDTH / layout.n_columns.max(1) as f64).clamp(2.0, 60.0);
    let x = |n: usize| MARGIN + (layout.n_columns - 1 - layout.column[n]) as f64 * step;
    let y = |n: usize| MARGIN + layout.y[n];
    let widths = Widths::of(graph);
    let body = html! {
        g class="edges" {
            @for (n, node) in graph.nodes.iter().enumerate() {
                @for edge in &node.reads {
                    path class=(if layout.parent[edge.from] == Some(n) { "edge" } else { "edge shared" })
                        d=(format!("M{} {}L{} {}", px(x(edge.from)), px(y(edge.from)), px(x(n)), px(y(n))))
                        stroke-width=(px(0.7 * widths.width(edge.tensor.log2_bytes))) {}
                }
            }
        }
        @for (n, node) in graph.nodes.iter().enumerate() {
            (super::node(node, part(n), links, &html! { circle class="dot" cx=(px(x(n))) cy=(px(y(n))) r=(px(radii[n])) {} }))
        }
        @for (n, label, place) in callouts(graph, &|n| (x(n), y(n) - radii[n])) {
            path class="leader" d=(format!("M{} {}V{}", px(x(n)), px(y(n) - radii[n]), px(place.1 + 2.0))) {}
            text class="callout" x=(px(place.0)) y=(px(place.1)) { (label) }
        }
    };
    let width = 2.0 * MARGIN + layout.n_columns.saturating_sub(1) as f64 * step;
    Drawing { width, height: layout.height + 2.0 * MARGIN, body }
}

/// Names of the dearest steps, above their dots and above each other; one that finds no room is left out.
fn callouts(graph: &Graph, top: &dyn Fn(usize) -> (f64, f64)) -> Vec<(usize, String, (f64, f64))> {
    let mut placed: Vec<(usize, String, (f64, f64), f64)> = Vec::new();
    for n in graph.dearest(NAMED) {
        let node = &graph.nodes[n];
        let label = format!("{}, {}", node.note, words::percent(node.share));
        let half = label.chars().count() as f64 * 3.4 + 4.0;
        let (x, y) = top(n);
        let x = x.max(half + 2.0);
        let is_free = |y: f64| placed.iter().all(|(_, _, at, other)| (at.0 - x).abs() >= half + other || (at.1 - y).abs() >= LINE);
        let rows = (0..ROWS).map(|row| y - 5.0 - LINE * f64::from(row)).filter(|y| *y > LINE);
        if let Some(y) = rows.into_iter().find(|y| is_free(*y)) {
            placed.push((n, label, (x, y), half));
        }
    }
    placed.into_iter().map(|(n, label, place, _)| (n, label, place)).collect()
}

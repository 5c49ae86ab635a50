//! E-graphs in the language of Graphviz: a box each class, its ways as rows, lines to what they read; what the plan has is bold.

use ein_opt::{EClass, EGraph, EWay};
use std::fmt::Write;

/// The graphs of the bodies of recurrences and of the program, as clusters of one drawing.
pub(crate) fn dot(graphs: &[EGraph]) -> String {
    let mut out = "digraph egraph {\n  rankdir = BT\n  node [shape = plain, fontname = \"monospace\", fontsize = 10]\n".to_owned();
    for (n, graph) in graphs.iter().enumerate() {
        let _ = writeln!(out, "  subgraph cluster_{n} {{\n    style = invis");
        write_graph(&mut out, n, graph);
        out.push_str("  }\n");
    }
    out.push_str("}\n");
    out
}

fn write_graph(out: &mut String, graph_number: usize, graph: &EGraph) {
    for (n, class) in graph.classes.iter().enumerate() {
        let is_root = graph.roots.contains(&n);
        let _ = writeln!(out, "    g{graph_number}c{n} [label = <{}>]", table(n, class, is_root));
    }
    for (n, class) in graph.classes.iter().enumerate() {
        for (way_number, way) in class.ways.iter().enumerate() {
            write_edges(out, &format!("g{graph_number}"), &format!("c{n}:w{way_number}"), way);
        }
    }
}

fn write_edges(out: &mut String, graph: &str, from: &str, way: &EWay) {
    let style = if way.chosen { " [penwidth = 2]" } else { " [color = gray60]" };
    for to in way.operands.iter().flatten() {
        let _ = writeln!(out, "    {graph}{from} -> {graph}c{to}{style}");
    }
}

/// The label of a class: its type and shape, then a row each way.
fn table(number: usize, class: &EClass, is_root: bool) -> String {
    let border = if is_root { 2 } else { 1 };
    let mut out = format!(
        "<table border=\"{border}\" cellborder=\"0\" cellspacing=\"0\"><tr><td><b>c{number} {}</b></td></tr>",
        escaped(&class.tensor)
    );
    for (n, way) in class.ways.iter().enumerate() {
        let text = escaped(&way.to_string());
        let text = if way.chosen { format!("<b>{text}</b>") } else { text };
        let _ = write!(out, "<tr><td port=\"w{n}\" align=\"left\">{text}</td></tr>");
    }
    out + "</table>"
}

/// Text in a label that is written as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

//! One page of everything that is known of a plan.

use super::draw::{Drawing, Links, draw, legend, px};
use super::graph::Graph;
use super::table::{Column, Row, Table};
use super::{Picture, style, words};
use ein_opt::Reason;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing is fetched, whatever the page says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
/// Steps of which the dearest are listed apart, and how many are.
const MANY_STEPS: usize = 40;
const DEAREST: usize = 10;
/// Width of the bar of a step that is all the cost.
const BAR: f64 = 72.0;

pub(crate) fn page(picture: &Picture) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (picture.title) " · plan" }
                style { (PreEscaped(style::SVG)) (PreEscaped(style::PAGE)) }
            }
            body {
                header {
                    h1 { (picture.title) }
                    p { (picture.subtitle) }
                    dl { @for (name, value) in &picture.totals { div { dt { (name) } dd { (value) } } } }
                }
                (navigation(picture))
                main { (sections(picture)) }
                footer { "Plan of the compiler ein. The page refers to nothing outside itself." }
                script { (PreEscaped(style::SCRIPT)) }
            }
        }
    }
}

/// Sections that have something in them.
fn navigation(picture: &Picture) -> Markup {
    let links = [
        ("#tree", "Tree", true),
        ("#steps", "Steps", true),
        ("#memory", "Memory", true),
        ("#why", "Why", !picture.reasons.is_empty()),
        ("#equations", "Equations", !picture.equations.is_empty()),
        ("#kernels", "Kernels", !picture.kernels.is_empty()),
    ];
    html! { nav aria-label="Sections" { div { @for (link, name, _) in links.iter().filter(|l| l.2) { a href=(link) { (name) } } } } }
}

fn sections(picture: &Picture) -> Markup {
    html! {
        section id="tree" { h2 { "Tree" } (trees(&picture.graphs, picture.cost)) }
        section id="steps" { h2 { "Steps" } (steps(&picture.table, picture.cost)) }
        section id="memory" {
            h2 { "Memory" }
            p { "Results and intermediates against steps. " (memory_words(picture)) }
            (frame(&picture.memory.draw(), "frame chart", "Memory against steps"))
        }
        @if !picture.reasons.is_empty() { section id="why" { h2 { "Why" } (reasons(&picture.reasons, picture.memory.limit.is_some())) } }
        @if !picture.equations.is_empty() { section id="equations" { h2 { "Equations" } (equations(&picture.equations)) } }
        @if !picture.kernels.is_empty() {
            section id="kernels" {
                h2 { "Kernels" }
                p { "What each step is lowered to." }
                @for (title, text) in &picture.kernels { details { summary { code { (title) } } pre { (text) } } }
            }
        }
    }
}

fn memory_words(picture: &Picture) -> &'static str {
    if picture.memory.lives.is_empty() {
        "The curve is what is held while each step runs; inputs are not counted."
    } else {
        "A block is a buffer: from the first step that touches it to the last, at its place in memory. Results are given by the caller and drawn on top."
    }
}

fn trees(graphs: &[Graph], cost: &str) -> Markup {
    html! {
        @for (n, graph) in graphs.iter().enumerate() {
            @if n == 0 { p { "Data flows from left to right. " (legend(graph, cost)) } } @else { h3 { (graph.title) } }
            div.tools role="group" aria-label="Zoom" {
                @for (action, name) in [("fit", "Fit"), ("actual", "Actual size"), ("closer", "+"), ("farther", "−")] {
                    button type="button" data-zoom=(action) { (name) }
                }
            }
            (frame(&draw(graph, Links::Rows), "frame zoom", "Tree of the plan"))
        }
    }
}

fn frame(drawing: &Drawing, class: &str, label: &str) -> Markup {
    let (width, height) = (px(drawing.width), px(drawing.height));
    html! {
        div class=(class) {
            svg role="group" aria-label=(label) width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) { (drawing.body) }
        }
    }
}

fn steps(table: &Table, cost: &str) -> Markup {
    let mut dearest: Vec<&Row> = table.rows.iter().collect();
    dearest.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.number.cmp(&b.number)));
    let all: Vec<&Row> = table.rows.iter().collect();
    html! {
        p { "In the order of execution. Bars: share of the " (cost) ". Held: bytes of results and intermediates that are there while a step runs." }
        @if all.len() > MANY_STEPS {
            h3 { "The dearest" }
            div.frame { (rows(table, &dearest[..DEAREST], cost, false)) }
            h3 { "All" }
        }
        @if table.left_out > 0 { p { (table.left_out) " more that cost least are left out." } }
        div.frame { (rows(table, &all, cost, true)) }
    }
}

/// A table of rows; one of all rows names each, so that nodes lead to them.
fn rows(table: &Table, rows: &[&Row], cost: &str, named: bool) -> Markup {
    html! {
        table {
            thead { tr {
                @for column in &table.columns { th class=[column.is_number.then_some("number")] scope="col" { (column.name) } }
                th scope="col" { "share of " (cost) }
            } }
            tbody { @for row in rows { tr id=[named.then(|| format!("row-{}", row.number))] { (cells(&table.columns, row)) } } }
        }
    }
}

fn cells(columns: &[Column], row: &Row) -> Markup {
    html! {
        @for (n, (cell, column)) in row.cells.iter().zip(columns).enumerate() {
            @if n == 0 {
                td.step { (PreEscaped("&nbsp;&nbsp;".repeat(row.depth))) a href=(format!("#node-{}", row.number)) { (cell.text) } }
            } @else if column.is_number {
                td.number data-value=[cell.value.map(|v| v.clamp(f64::MIN, f64::MAX).to_string())] { (cell.text) }
            } @else {
                td class=[(n == 1).then_some("mono")] { (cell.text) }
            }
        }
        td.cost data-value=(row.share) {
            @if row.depth == 0 { span { i style=(format!("width:{}px", px(BAR * row.share))) {} (words::percent(row.share)) } }
        }
    }
}

fn reasons(reasons: &[Reason], is_limited: bool) -> Markup {
    html! {
        p {
            "For each step that was chosen among equal ones, the rules that lead to it from what the program says."
            @if is_limited { " These are the choices without the limit on memory." }
        }
        ol.reasons {
            @for reason in reasons {
                li {
                    code { (reason.tensor) " = " (reason.made) }
                    div {
                        @if reason.rules.is_empty() { span.written { "as it is written" } }
                        @for rule in &reason.rules { span.rule { (rule) } }
                    }
                }
            }
        }
    }
}

/// A text in which what stands between backquotes is code.
fn with_code(text: &str) -> Markup {
    html! { @for (n, part) in text.split('`').enumerate() { @if n % 2 == 1 { code { (part) } } @else { (part) } } }
}

fn equations(equations: &[(String, Vec<String>)]) -> Markup {
    html! {
        p { "Every sum, range and accumulator." }
        @for (equation, notes) in equations {
            div.equation.mono { (equation) }
            ul.notes { @for note in notes { li { (with_code(note)) } } }
        }
    }
}

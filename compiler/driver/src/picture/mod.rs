//! Pictures of plans: `--svg` draws the tree of a plan, `--html` makes one page of everything that is known of it.
//!
//! ```text
//! plan, network → graph, table, memory (facts in words) → layout → SVG → page
//! ```
//!
//! * [`graph`]: nodes and edges. [`plan`], [`network`]: from a plan, from a path. [`layout`]: where nodes stand. [`draw`]: as SVG.
//! * [`packed`]: layouts of packed programs, apart from all that.
//! * [`memory`]: buffers against steps. [`table`]: steps. [`page`]: everything together. [`dot`]: e-graphs for Graphviz.
//!
//! A picture is a function of the plan: no clocks, addresses or hash orders. It refers to nothing outside itself, so that it opens without a
//! network, and everything that a user wrote is text in it ([`maud`] escapes it; [`clean`] takes out what no document may hold). All sizes
//! are bounded: layouts take linear time, and what is beyond a few thousand marks is left out by cost.

mod dot;
mod draw;
mod graph;
mod layout;
mod memory;
mod network;
mod packed;
mod page;
mod plan;
mod style;
mod table;
mod words;

pub(crate) use dot::dot;
pub use packed::packed_svg;

use crate::explanation;
use crate::network::{NamedNetwork, n_used_labels};
use crate::pipeline::Specialised;
use draw::{Drawing, Links};
use ein_ir::dtype::DType;
use ein_opt::path::{Found, Sliced, price};
use ein_opt::{Machine, Reason, describe};
use ein_syntax::Explanation;
use graph::Graph;
use maud::{Markup, html};
use memory::Memory;
use table::Table;

/// What is shown of a plan.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    title: String,
    /// What it is a plan of, in a sentence.
    subtitle: String,
    /// Names and values of what holds for the whole.
    totals: Vec<(&'static str, String)>,
    /// What shares are shares of.
    cost: &'static str,
    graphs: Vec<Graph>,
    table: Table,
    memory: Memory,
    reasons: Vec<Reason>,
    /// Equations with what is known of each.
    equations: Vec<(String, Vec<String>)>,
    /// Titles and texts.
    kernels: Vec<(String, String)>,
}

impl Picture {
    /// The picture of a definition with its sizes; times are predicted for a machine.
    pub(crate) fn of_program(
        stages: &Specialised,
        machine: &Machine,
        sizes: &[(&str, i64)],
        reasons: Vec<Reason>,
        equations: &[Explanation],
    ) -> Self {
        let plan = &stages.plan;
        let rows = describe(plan, machine);
        let sizes: Vec<String> = sizes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let (header, peak) = (&plan.header, plan.peak());
        let whole = |count: fn(&ein_opt::StepReport) -> u64| rows.iter().filter(|r| r.depth == 0).map(|r| count(r) as f64).sum::<f64>();
        let mut totals = vec![
            ("steps", plan.steps.len().to_string()),
            ("flops", words::count(whole(|r| r.flops))),
            ("moved", words::bytes(whole(|r| r.bytes))),
            ("predicted time", ein_opt::duration(ein_opt::predicted(plan, machine))),
            ("peak memory", words::bytes(peak.base as f64)),
            ("more for each thread", words::bytes(peak.per_thread as f64)),
        ];
        totals.extend(header.memory_limit.map(|limit| ("limit", words::bytes(limit as f64))));
        totals.push(("minimises", header.objective.clone()));
        totals.push(("machine", machine.title()));
        Self {
            title: header.program.clone(),
            subtitle: if sizes.is_empty() { "without sizes to give".to_owned() } else { sizes.join(", ") },
            totals,
            cost: "predicted time",
            graphs: plan::graphs(plan, &rows),
            table: Table::of_program(&rows),
            memory: Memory::of_plan(plan, &rows),
            reasons,
            equations: equations.iter().map(|e| (e.equation.clone(), explanation::notes(e))).collect(),
            kernels: kernels(&ein_ir::kernel::print::print(&stages.kernels)),
        }
    }

    /// The picture of the path of a network. `minimized` and `seed` are what it was searched with, `limit` are the bytes that it may take.
    #[must_use]
    pub fn of_network(
        read: &NamedNetwork,
        found: &Found,
        sliced: &Sliced,
        minimized: &str,
        seed: u64,
        dtype: DType,
        limit: Option<u64>,
    ) -> Self {
        let steps = network::Contractions::new(read, sliced, dtype);
        let largest = price(&steps.slice, &sliced.path).log2_largest;
        let found_how = if found.optimal { "no order is better".to_owned() } else { format!("{} steps, seed {seed}", found.steps) };
        let mut totals = vec![
            ("steps", steps.sizes.len().to_string()),
            ("flops", words::count_log2(sliced.log10_flops / std::f64::consts::LOG10_2)),
            ("largest tensor", words::bytes_log2(steps.log2_bytes(largest))),
            ("peak memory", steps.peak_words(sliced)),
        ];
        if !sliced.labels.is_empty() {
            totals.push(("slices", words::count(sliced.n_slices as f64)));
            totals.push(("sliced labels", steps.names(&sliced.labels)));
        }
        totals.push(("minimises", minimized.to_owned()));
        totals.push(("found by", if found.truncated { format!("{found_how}, truncated") } else { found_how }));
        Self {
            title: format!("network of {} tensors", read.network.n_operands()),
            subtitle: format!("{} labels, elements of {dtype}", n_used_labels(&read.network)),
            totals,
            cost: "flops",
            graphs: vec![steps.graph()],
            table: Table::of_network(&steps),
            memory: steps.memory(sliced, limit),
            ..Self::default()
        }
    }

    /// The tree alone, as an SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        let drawings: Vec<(String, Drawing)> = self.graphs.iter().map(|g| (g.title.clone(), draw::draw(g, Links::Nothing))).collect();
        let facts: Vec<String> = self.totals.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let heading = [self.subtitle.clone(), facts.join(" · ")];
        let legend = self.graphs.first().map_or_else(String::new, |g| draw::legend(g, self.cost));
        clean(&document(&self.title, &heading, &drawings, &legend).into_string())
    }

    /// Everything, as an HTML document.
    #[must_use]
    pub fn html(&self) -> String {
        clean(&page::page(self).into_string())
    }
}

/// Height of the heading of a document, of that of a part, and of the legend.
const HEADING: f64 = 78.0;
const PART: f64 = 30.0;
const LEGEND: f64 = 34.0;
/// Width that headings need at least.
const MIN_WIDTH: f64 = 640.0;

/// Drawings below each other, with headings.
fn document(title: &str, heading: &[String], drawings: &[(String, Drawing)], legend: &str) -> Markup {
    let width = drawings.iter().map(|(_, d)| d.width).fold(MIN_WIDTH, f64::max);
    let mut tops = Vec::new();
    let mut height = HEADING;
    for (n, (_, drawing)) in drawings.iter().enumerate() {
        height += if n == 0 { 0.0 } else { PART };
        tops.push(height);
        height += drawing.height;
    }
    let (width, height) = (draw::px(width), draw::px(height + LEGEND));
    html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) {
            title { (title) }
            style { (maud::PreEscaped(style::SVG)) }
            rect class="paper" width="100%" height="100%" {}
            text class="title" x="16" y="30" { (words::shorten(title, 80)) }
            @for (n, line) in heading.iter().enumerate() { text class="subtitle" x="16" y=(50 + 18 * n) { (words::shorten(line, 200)) } }
            @for (n, ((name, drawing), top)) in drawings.iter().zip(&tops).enumerate() {
                @if n > 0 { text class="part" x="16" y=(draw::px(top - 8.0)) { (name) } }
                g transform=(format!("translate(0 {})", draw::px(*top))) { (drawing.body) }
            }
            text class="subtitle" x="16" y=(draw::px(height.parse::<f64>().unwrap_or(0.0) - 12.0)) { (legend) }
        }
    }
}

/// The text of kernels in parts: what they share, each kernel, the schedule.
fn kernels(text: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = vec![("buffers".to_owned(), String::new())];
    for line in text.lines() {
        if line.starts_with("  kernel ") || line.starts_with("  schedule") {
            let title = line.trim().trim_end_matches('{').trim_end();
            parts.push((title.to_owned(), String::new()));
        }
        if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

/// The text without what XML forbids, and without marks that turn the direction of what follows.
fn clean(text: &str) -> String {
    let is_bad = |c: char| {
        let is_control = c.is_control() && !matches!(c, '\n' | '\t');
        is_control || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_bad(c) { '\u{fffd}' } else { c }).collect()
}

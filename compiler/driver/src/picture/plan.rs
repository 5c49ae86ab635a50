//! The graphs of a plan: one of the program, and one of each recurrence in it.

use super::graph::{Edge, Graph, Kind, Node, TensorWords};
use super::words;
use ein_ir::entity::Tensor;
use ein_ir::plan::{Buffer, Place, Plan, Scan, StepDecl, StepKind};
use ein_opt::StepReport;
use std::collections::{BTreeMap, BTreeSet};

/// The program first, then the turns of its recurrences in the order of the rows, which are those of the table of steps.
pub(crate) fn graphs(plan: &Plan, rows: &[StepReport]) -> Vec<Graph> {
    let mut drawer = Drawer { plan, rows, next_row: 0, graphs: Vec::new() };
    let steps: Vec<&StepDecl> = plan.steps.values().collect();
    drawer.draw(plan.header.program.clone(), &steps, None);
    drawer.graphs
}

/// A tensor of a plan in words.
pub(crate) fn tensor_words(buffer: &Buffer) -> TensorWords {
    let bytes = buffer.n_bytes() as f64;
    TensorWords {
        name: buffer.name.clone(),
        extents: words::extents(buffer.extents.iter().copied()),
        size: words::bytes(bytes),
        log2_bytes: bytes.max(1.0).log2(),
    }
}

struct Drawer<'a> {
    plan: &'a Plan,
    rows: &'a [StepReport],
    next_row: usize,
    graphs: Vec<Graph>,
}

impl<'a> Drawer<'a> {
    /// Draws the steps of a program, or of one turn of a scan.
    fn draw(&mut self, title: String, steps: &[&'a StepDecl], scan: Option<&'a Scan>) {
        let place = self.graphs.len();
        self.graphs.push(Graph::default());
        let depth = self.rows.get(self.next_row).map_or(0, |row| row.depth);
        let total = self.rows[self.next_row.min(self.rows.len())..].iter().take_while(|row| row.depth >= depth);
        let total = total.filter(|row| row.depth == depth).map(|row| row.time as f64).sum::<f64>();
        let mut sketch = Sketch { plan: self.plan, scan, nodes: Vec::new(), made: BTreeMap::new() };
        for step in steps {
            let row = self.next_row;
            self.next_row += 1;
            let Some(report) = self.rows.get(row) else { break };
            sketch.step(step, report, row, report.time as f64 / total.max(1.0));
            if let StepKind::Scan(inner) = &step.kind {
                let body: Vec<&StepDecl> = inner.body.iter().collect();
                self.draw(format!("One of {} turns of {}", inner.n_turns(), inner.range.name), &body, Some(inner));
            }
        }
        sketch.results();
        self.graphs[place] = Graph { title, nodes: sketch.nodes };
    }
}

/// The nodes of a graph while they are made.
struct Sketch<'a> {
    plan: &'a Plan,
    scan: Option<&'a Scan>,
    nodes: Vec<Node>,
    /// The node that a tensor is made by, or is.
    made: BTreeMap<Tensor, usize>,
}

impl Sketch<'_> {
    fn step(&mut self, step: &StepDecl, report: &StepReport, row: usize, share: f64) {
        let mut written = step.kind.written();
        if let StepKind::Library(call) = &step.kind {
            written.retain(|t| Some(*t) != call.workspace);
        }
        let is_scan = matches!(step.kind, StepKind::Scan(_));
        // What a scan reads and makes itself has no node here.
        let read: Vec<Tensor> =
            step.kind.read().into_iter().filter(|t| self.made.contains_key(t) || !(is_scan && written.contains(t))).collect();
        let reads = read.iter().map(|t| self.edge(*t)).collect();
        let name = match &step.kind {
            StepKind::Scan(scan) => format!("scan over {}", scan.range.name),
            _ => written.iter().map(|t| self.plan.buffers[*t].name.as_str()).collect::<Vec<_>>().join(", "),
        };
        let note = format!("{} · {}", report.strategy, words::count(report.flops as f64));
        let node = self.nodes.len();
        self.nodes.push(Node { kind: Kind::Step, name, note, facts: facts(report, share), share, reads, row: Some(row) });
        self.made.extend(written.into_iter().map(|t| (t, node)));
    }

    fn edge(&mut self, tensor: Tensor) -> Edge {
        let buffer = &self.plan.buffers[tensor];
        let from = match self.made.get(&tensor) {
            Some(node) => *node,
            None => {
                let node = self.nodes.len();
                self.nodes.push(self.leaf(tensor, buffer));
                self.made.insert(tensor, node);
                node
            }
        };
        Edge { from, tensor: tensor_words(buffer) }
    }

    fn leaf(&self, tensor: Tensor, buffer: &Buffer) -> Node {
        let is_state = self.scan.is_some_and(|scan| scan.states.iter().any(|s| [s.current, s.previous].contains(&tensor)));
        let (kind, note) = match buffer.place {
            Place::Input(_) => (Kind::Input, "input"),
            Place::Constant(_) => (Kind::Constant, "constant"),
            Place::Arena(_) | Place::Output(_) if is_state => (Kind::Earlier, "previous turn"),
            Place::Arena(_) | Place::Output(_) => (Kind::Earlier, "from outside"),
        };
        plain(kind, buffer, note, Vec::new())
    }

    /// What the graph is drawn for: outputs of the program; of a turn, what it makes and does not use up.
    fn results(&mut self) {
        let steps: BTreeSet<usize> = (0..self.nodes.len()).filter(|n| self.nodes[*n].kind == Kind::Step).collect();
        let results: Vec<Tensor> = match self.scan {
            None => self.plan.outputs.iter().copied().filter(|t| self.made.contains_key(t)).collect(),
            Some(scan) => {
                let read: BTreeSet<usize> = self.nodes.iter().flat_map(|n| &n.reads).map(|edge| edge.from).collect();
                let is_state = |t: &Tensor| scan.states.iter().any(|s| s.current == *t);
                let made = self.made.iter().filter(|(t, n)| steps.contains(n) && (is_state(t) || !read.contains(n)));
                made.map(|(t, _)| *t).collect()
            }
        };
        for tensor in results {
            let note = if self.scan.is_some() { "for the next turn" } else { "result" };
            let edge = self.edge(tensor);
            self.nodes.push(plain(Kind::Result, &self.plan.buffers[tensor], note, vec![edge]));
        }
    }
}

/// A node that costs nothing.
fn plain(kind: Kind, buffer: &Buffer, note: &str, reads: Vec<Edge>) -> Node {
    let words = tensor_words(buffer);
    let facts = vec![format!("{}: {} of {}", buffer.name, words.extents, buffer.dtype), words.size, note.to_owned()];
    Node { kind, name: buffer.name.clone(), note: format!("{note} · {}", buffer.dtype), facts, share: 0.0, reads, row: None }
}

fn facts(report: &StepReport, share: f64) -> Vec<String> {
    let groups = report.groups.iter().map(|group| {
        let modes: Vec<String> = group.modes.iter().map(|(name, extent)| format!("{name}={extent}")).collect();
        format!("{}: {}", group.class, modes.join(" "))
    });
    let mut facts = vec![report.what.clone()];
    facts.extend(groups);
    facts.push(format!("{} flops, {} moved", words::count(report.flops as f64), words::bytes(report.bytes as f64)));
    facts.push(format!("{} predicted, {} of all", ein_opt::duration(report.time), words::percent(share)));
    facts.push(format!("{}: {}", report.strategy, report.why));
    facts
}

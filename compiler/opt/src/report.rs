//! The plan in words: one row a step, for `ein explain`.

use crate::{Machine, classify, memory, predict};
use ein_ir::entity::{Index, Step, Tensor};
use ein_ir::plan::lifetime::moments;
use ein_ir::plan::{Buffer, Contraction, IndexRange, Library, Nest, Place, Plan, Scan, ScanState, StepDecl, StepKind, Strategy};
use ein_ir::scalar::Literal;
use ein_ir::tensor::ReduceOp;

/// A row of the plan table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// The step; for those of a scan that of the scan.
    pub step: Step,
    /// Number of scans around it: of those, flops and bytes are those of one turn.
    pub depth: usize,
    /// What it does to which buffers: `C = A B`, `y = sum over j`.
    pub what: String,
    /// Its labels, as a classic einsum string for contractions and as index names for nests.
    pub modes: String,
    /// Extent of each label, in the order of `modes`; of a library call, those of its first operand.
    pub extents: Vec<u64>,
    /// The same labels by what becomes of them; empty groups are left out.
    pub groups: Vec<ModeGroup>,
    /// Multiplications and additions; of library calls an estimate.
    pub flops: u64,
    /// Bytes read and written.
    pub bytes: u64,
    /// Bytes of results and intermediates that are there while it runs.
    pub held: u64,
    /// Nanoseconds that it is predicted to take.
    pub time: u64,
    /// `gemm`, `gett`, `nest`, `scan` or `library`.
    pub strategy: &'static str,
    /// Why this strategy.
    pub why: String,
}

/// Labels of one class: `batch`, `free lhs`, `free rhs`, `contracted`, `summed` of a contraction; `kept` and `reduced` of a nest, `turns`
/// of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeGroup {
    /// The class.
    pub class: &'static str,
    /// Labels with their extents.
    pub modes: Vec<(String, u64)>,
}

/// One row a step, in the order of execution; the steps of a scan follow it, for one turn. Times are predicted for one thread of a machine.
#[must_use]
pub fn describe(plan: &Plan, machine: &Machine) -> Vec<StepReport> {
    let mut rows = Vec::new();
    for (step, decl) in &plan.steps {
        describe_step(plan, machine, (step, 0), decl, &mut rows);
    }
    for (row, held) in rows.iter_mut().zip(held(plan)) {
        row.held = held;
    }
    rows
}

/// Bytes of results and intermediates at each moment, which are the rows.
fn held(plan: &Plan) -> Vec<u64> {
    let outputs = plan.outputs.iter().map(|t| plan.buffers[*t].n_bytes()).fold(0, u64::saturating_add);
    let moments = moments(plan);
    let lives = plan.buffers.iter().filter(|(_, b)| matches!(b.place, Place::Arena(_)));
    let lives: Vec<_> = lives.filter_map(|(t, b)| Some((moments[t]?, b.n_bytes()))).collect();
    let n_moments = lives.iter().map(|((_, last), _)| last + 1).max().unwrap_or(0).max(plan.steps.len());
    let mut changes = vec![(0u64, 0u64); n_moments + 1];
    for ((first, last), bytes) in lives {
        changes[first].0 = changes[first].0.saturating_add(bytes);
        changes[last + 1].1 = changes[last + 1].1.saturating_add(bytes);
    }
    let mut now = outputs;
    let after = changes.iter().map(|(come, go)| {
        now = now.saturating_add(*come).saturating_sub(*go);
        now
    });
    after.collect()
}

fn describe_step(plan: &Plan, machine: &Machine, (step, depth): (Step, usize), decl: &StepDecl, rows: &mut Vec<StepReport>) {
    let name = |t: Tensor| plan.buffers[t].name.as_str();
    let extent = |i: &IndexRange| u64::try_from(i.hi.saturating_sub(i.lo)).unwrap_or(0);
    let (what, modes, extents, strategy, why) = match &decl.kind {
        StepKind::Contraction(c) => {
            let what = format!("{} = {} {}", name(c.out), name(c.lhs), name(c.rhs));
            let extents = (0u16..).zip(&c.extents).filter(|(label, _)| c.turn_of(*label).is_none()).map(|(_, extent)| *extent).collect();
            (what, spec(c), extents, strategy_name(c.strategy), classify::reason(c))
        }
        StepKind::Nest(nest) => {
            let indices = || nest.indices.values().skip(nest.params as usize);
            let names: Vec<&str> = indices().map(|i| i.name.as_str()).collect();
            (nest_words(plan, nest), names.join(" "), indices().map(extent).collect(), "nest", nest_reason(nest))
        }
        StepKind::Scan(scan) => {
            let linear = if scan.linear { ", linear" } else { "" };
            let what = format!("scan over {}{linear}", scan.range.name);
            (what, scan.range.name.clone(), vec![extent(&scan.range)], "scan", scan_reason(plan, scan))
        }
        StepKind::Library(call) => {
            let extents = call.args.first().map_or_else(Vec::new, |arg| plan.buffers[*arg].extents.clone());
            (library_words(plan, call), String::new(), extents, "library", library_reason(plan, call))
        }
    };
    // The conversion saturates.
    let time = predict::step_time(plan, decl, machine).round() as u64;
    let (groups, flops, bytes) = (groups(decl), decl.flops, decl.bytes);
    rows.push(StepReport { step, depth, what, modes, extents, groups, flops, bytes, held: 0, time, strategy, why });
    if let StepKind::Scan(scan) = &decl.kind {
        scan.body.iter().for_each(|inner| describe_step(plan, machine, (step, depth + 1), inner, rows));
    }
}

fn groups(decl: &StepDecl) -> Vec<ModeGroup> {
    let of_range = |range: &IndexRange| (range.name.clone(), u64::try_from(range.hi.saturating_sub(range.lo)).unwrap_or(0));
    let groups = match &decl.kind {
        StepKind::Contraction(c) => {
            let classes = c.classify_modes();
            let named = |labels: Vec<u16>| labels.into_iter().map(|l| (letter(l), c.extents[usize::from(l)])).collect();
            let names = ["batch", "free lhs", "free rhs", "contracted", "summed"];
            let lists = [classes.batch, classes.free_lhs, classes.free_rhs, classes.contracted, classes.summed];
            names.into_iter().zip(lists.map(named)).collect()
        }
        StepKind::Nest(nest) => {
            let named = |indices: &[Index]| indices.iter().filter(|i| !nest.is_param(**i)).map(|i| of_range(&nest.indices[*i])).collect();
            let binders = nest.reduce.as_ref().map_or(&[][..], |reduce| &reduce.binders);
            vec![("kept", named(&nest.outer)), ("reduced", named(binders))]
        }
        StepKind::Scan(scan) => vec![("turns", vec![of_range(&scan.range)])],
        StepKind::Library(_) => Vec::new(),
    };
    let groups = groups.into_iter().map(|(class, modes): (_, Vec<_>)| ModeGroup { class, modes });
    groups.filter(|group| !group.modes.is_empty()).collect()
}

/// How states are stored, and across which axes they do not reach: `h in place, apart in axis 0; d in two buffers`.
fn scan_reason(plan: &Plan, scan: &Scan) -> String {
    let state = |state: &ScanState| {
        let place = if state.alternates() { "in two buffers" } else { "in place" };
        let axes: Vec<String> = state.apart.iter().map(usize::to_string).collect();
        let apart = if axes.is_empty() { String::new() } else { format!(", apart in axes {}", axes.join(" ")) };
        format!("{} {place}{apart}", plan.buffers[state.current].name)
    };
    scan.states.iter().map(state).collect::<Vec<_>>().join("; ")
}

/// Nanoseconds that a plan is predicted to take with one thread of a machine.
#[must_use]
pub fn predicted(plan: &Plan, machine: &Machine) -> u64 {
    // The conversion saturates.
    plan.steps.values().map(|step| predict::step_time(plan, step, machine)).sum::<f64>().round() as u64
}

/// The plan table with its totals, as text. Times are those that the machine is predicted to take with one thread.
#[must_use]
pub fn table(plan: &Plan, machine: &Machine) -> String {
    let rows = describe(plan, machine);
    let header = ["step", "what", "modes", "extents", "flops", "bytes", "held", "time", "strategy", "why"].map(str::to_owned);
    let cells = rows.iter().map(|r| {
        let extents: Vec<String> = r.extents.iter().map(u64::to_string).collect();
        let [flops, bytes, held] = [r.flops, r.bytes, r.held].map(|n| n.to_string());
        let (step, indent) = if r.depth == 0 { (r.step.to_string(), String::new()) } else { (String::new(), "  ".repeat(r.depth)) };
        [
            step,
            indent + &r.what,
            r.modes.clone(),
            extents.join("x"),
            flops,
            bytes,
            held,
            duration(r.time),
            r.strategy.to_owned(),
            r.why.clone(),
        ]
    });
    let lines: Vec<[String; 10]> = [header].into_iter().chain(cells).collect();
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..10).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text.extend(plan.buffers.values().filter_map(constant_line));
    let total = |count: fn(&StepReport) -> u64| rows.iter().filter(|r| r.depth == 0).map(count).fold(0, u64::saturating_add);
    let peak = plan.peak();
    text.push_str(&format!("total: {} flops, {} bytes moved\n", total(|r| r.flops), total(|r| r.bytes)));
    text.push_str(&format!("time: {} predicted for one thread of machine {}\n", duration(predicted(plan, machine)), machine.title()));
    let arena = memory::bytes(plan.arena_bytes);
    text.push_str(&format!("peak: {} + threads x {} (arena {arena})\n", memory::bytes(peak.base), memory::bytes(peak.per_thread)));
    text
}

/// `410 ns`, `4.1 us`.
#[must_use]
pub fn duration(nanoseconds: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    match units.into_iter().find(|(unit, _)| nanoseconds >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", nanoseconds as f64 / unit as f64),
        None => format!("{nanoseconds} ns"),
    }
}

const fn strategy_name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Gemm => "gemm",
        Strategy::Gett => "gett",
        Strategy::Nest => "nest",
    }
}

/// `ij,jk->ik`: labels as letters from `i` on, in the order of the label list.
fn spec(c: &Contraction) -> String {
    let letters = |labels: &[u16], conjugate: bool| {
        let text: String = labels.iter().filter(|l| c.turn_of(**l).is_none()).map(|l| letter(*l)).collect();
        if conjugate { format!("conj({text})") } else { text }
    };
    let (lhs, rhs) = (letters(&c.lhs_labels, c.conjugate.0), letters(&c.rhs_labels, c.conjugate.1));
    format!("{lhs},{rhs}->{}", letters(&c.out_labels, false))
}

fn letter(label: u16) -> String {
    const LETTERS: &[u8; 26] = b"ijklmnopqrstuvwxyzabcdefgh";
    let n = usize::from(label);
    let letter = char::from(LETTERS[n % LETTERS.len()]);
    if n < LETTERS.len() { letter.to_string() } else { format!("{letter}{}", n / LETTERS.len()) }
}

fn nest_words(plan: &Plan, nest: &Nest) -> String {
    let out = plan.buffers[nest.out].name.as_str();
    let mut words = match &nest.reduce {
        Some(reduce) => {
            let reducer = match reduce.op {
                ReduceOp::User(reducer) => plan.reducers[reducer].name.as_str(),
                op => op.name(),
            };
            let names: Vec<&str> = reduce.binders.iter().map(|b| nest.indices[*b].name.as_str()).collect();
            format!("{out} = {}:{} over {}", reducer, reduce.acc, names.join(" "))
        }
        None => format!("{out} = pointwise"),
    };
    if nest.reduce.as_ref().is_some_and(|r| r.guard.is_some()) {
        words.push_str(", guarded");
    }
    if !nest.pins().is_empty() {
        let pins: Vec<&str> = nest.pins().iter().map(|p| nest.indices[p.index].name.as_str()).collect();
        words.push_str(&format!(", scattered to {}", pins.join(" ")));
    }
    if nest.epilogue.is_some() {
        words.push_str(", then pointwise");
    }
    words
}

/// `Q, R = qr(A)`, `v, i = top_k(x, k = 4)`.
fn library_words(plan: &Plan, call: &Library) -> String {
    let names = |list: &[Tensor]| list.iter().map(|t| plan.buffers[*t].name.clone()).collect::<Vec<_>>();
    let options = call.options.iter().map(|(name, value)| format!("{name} = {value}"));
    let args: Vec<String> = names(&call.args).into_iter().chain(options).collect();
    format!("{} = {}({})", names(&call.results).join(", "), call.op.name(), args.join(", "))
}

fn library_reason(plan: &Plan, call: &Library) -> String {
    let workspace = call.workspace.map_or_else(String::new, |t| format!(", workspace {}", memory::bytes(plan.buffers[t].n_bytes())));
    format!("library code, flops estimated{workspace}")
}

/// What is known of a tensor whose values the program holds.
fn constant_line(buffer: &Buffer) -> Option<String> {
    let Place::Constant(values) = &buffer.place else { return None };
    let extents: Vec<String> = buffer.extents.iter().map(u64::to_string).collect();
    let n_nonzero = values.iter().filter(|v| !is_zero(**v)).count();
    let size = memory::bytes(buffer.n_bytes());
    Some(format!(
        "constant: {} [{}] of {}, {size}, {n_nonzero} of {} values are not 0\n",
        buffer.name,
        extents.join(", "),
        buffer.dtype,
        values.len()
    ))
}

fn is_zero(value: Literal) -> bool {
    match value {
        Literal::Bool(b) => !b,
        Literal::Int(n) => n == 0,
        Literal::Float(x) => x == 0.0,
        Literal::Complex(re, im) => re == 0.0 && im == 0.0,
    }
}

fn nest_reason(nest: &Nest) -> String {
    match (&nest.reduce, &nest.epilogue) {
        _ if !nest.pins().is_empty() => "each term is taken into the element that it names".to_owned(),
        (_, Some(_)) => "reduction with its epilogue fused".to_owned(),
        (Some(_), None) => "reduction in generated loops".to_owned(),
        (None, None) => "generated loops".to_owned(),
    }
}

//! Gives every value of a draft its buffer: lifetimes, places in the arena, the peak and its limit.

use crate::draft::{Draft, DraftStep, Recurrence, Role, Value, Work};
use crate::{cost, rewrite};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{EntityRef, PrimaryMap, SecondaryMap, Tensor};
use ein_ir::plan::lifetime::{Moments, moments};
use ein_ir::plan::{Buffer, Header, Layout, Place, Plan, Scan, StepDecl, StepKind};
use ein_ir::scalar::ScalarKind;
use std::collections::{BTreeMap, BTreeSet};

/// Alignment of buffers in the arena, in bytes: a cache line, and the widest vector register.
const ALIGN: u64 = 64;
/// Buffers named when a plan does not fit.
const NAMED_MAX: usize = 4;

/// The plan of a draft: values that are used become buffers, those of disjoint lifetimes share memory.
pub(crate) fn place(draft: Draft, header: Header, strided_inputs: &[bool]) -> Plan {
    let mut renamed: SecondaryMap<Tensor, Option<Tensor>> = SecondaryMap::new();
    let mut buffers = PrimaryMap::new();
    for value in used(&draft) {
        renamed[value] = Some(buffers.push(buffer(&draft.values[value], strided_inputs)));
    }
    let new = |t: Tensor| renamed[t].expect("every value that is read, written or passed has a buffer");
    let mut plan = Plan {
        header,
        buffers,
        reducers: draft.reducers,
        inputs: draft.inputs.iter().map(|t| new(*t)).collect(),
        outputs: draft.outputs.iter().map(|t| new(*t)).collect(),
        steps: draft.steps.into_iter().map(|step| rename_step(step, &new)).collect(),
        ..Plan::default()
    };
    find_lifetimes(&mut plan);
    assign_offsets(&mut plan);
    plan
}

/// Every value that is used: inputs, outputs, then the others as the steps meet them. How the program numbers its tensors does not show.
fn used(draft: &Draft) -> Vec<Tensor> {
    let touched: BTreeSet<Tensor> = draft.steps.iter().flat_map(|s| s.reads().into_iter().chain(s.writes())).collect();
    let outputs = draft.outputs.iter().filter(|t| touched.contains(t));
    let met = draft.steps.iter().flat_map(|s| s.reads().into_iter().chain(s.writes()));
    let mut seen = BTreeSet::new();
    draft.inputs.iter().chain(outputs).copied().chain(met).filter(|t| seen.insert(*t)).collect()
}

fn buffer(value: &Value, strided_inputs: &[bool]) -> Buffer {
    let (layout, place) = match &value.role {
        Role::Input(n) if strided_inputs.get(*n as usize) == Some(&true) => (Layout::Strided, Place::Input(*n)),
        Role::Input(n) => (Layout::RowMajor, Place::Input(*n)),
        Role::Output(n) => (Layout::RowMajor, Place::Output(*n)),
        Role::Intermediate | Role::Carried => (Layout::RowMajor, Place::Arena(0)),
        Role::Constant(values) => (Layout::RowMajor, Place::Constant(values.clone())),
    };
    Buffer {
        name: value.name.clone(),
        dtype: value.dtype,
        extents: value.extents.clone(),
        layout,
        place,
        live: None,
        index_of: value.index_of.clone(),
        span: value.span,
    }
}

fn rename_step(step: DraftStep, new: &dyn Fn(Tensor) -> Tensor) -> StepDecl {
    let kind = match step.work {
        Work::Contraction(mut c) => {
            (c.out, c.lhs, c.rhs) = (new(c.out), new(c.lhs), new(c.rhs));
            StepKind::Contraction(c)
        }
        Work::Nest(mut nest) => {
            nest.out = new(nest.out);
            for scalar in rewrite::scalars_mut(&mut nest) {
                scalar.visit_mut(&mut |s| {
                    if let ScalarKind::Access(access) = &mut s.kind {
                        access.tensor = new(access.tensor);
                    }
                });
            }
            StepKind::Nest(nest)
        }
        Work::Library(mut call) => {
            call.args.iter_mut().chain(&mut call.results).chain(&mut call.workspace).for_each(|t| *t = new(*t));
            StepKind::Library(call)
        }
        Work::Scan(scan) => {
            let Recurrence { index, range, reverse, linear, mut states, body } = *scan;
            states.iter_mut().flat_map(|s| [&mut s.current, &mut s.previous]).for_each(|t| *t = new(*t));
            StepKind::Scan(Scan { index, range, reverse, linear, states, body: body.into_iter().map(|s| rename_step(s, new)).collect() })
        }
    };
    StepDecl { kind, flops: 0, bytes: 0, span: step.span }
}

/// First and last step that touches each buffer.
fn find_lifetimes(plan: &mut Plan) {
    for (step, decl) in &plan.steps {
        for tensor in cost::buffers_of(&decl.kind) {
            let live = &mut plan.buffers[tensor].live;
            *live = Some((live.map_or(step, |(first, _)| first), step));
        }
    }
}

/// An intermediate with its lifetime, for the arena.
#[derive(Clone, Copy, Debug)]
struct Block {
    tensor: Tensor,
    bytes: u64,
    live: Moments,
    offset: u64,
}

/// Places the intermediates, the largest first, each into the smallest gap between those that live at the same time. The two buffers of
/// a state are placed as one.
fn assign_offsets(plan: &mut Plan) {
    let mut pairs: BTreeMap<Tensor, Tensor> = BTreeMap::new();
    find_pairs(plan.steps.values(), &mut pairs);
    let seconds: BTreeSet<Tensor> = pairs.values().copied().collect();
    let moments = moments(plan);
    let mut blocks: Vec<Block> = Vec::new();
    for (tensor, buffer) in plan.buffers.iter().filter(|(t, _)| !seconds.contains(t)) {
        if let (Place::Arena(_), Some(mut live)) = (&buffer.place, moments[tensor]) {
            let mut bytes = buffer.n_bytes().div_ceil(ALIGN).saturating_mul(ALIGN);
            if let Some(second) = pairs.get(&tensor).and_then(|t| moments[*t]) {
                live = (live.0.min(second.0), live.1.max(second.1));
                bytes = bytes.saturating_mul(2);
            }
            blocks.push(Block { tensor, bytes, live, offset: 0 });
        }
    }
    blocks.sort_by_key(|b| (std::cmp::Reverse(b.bytes), b.live.0, b.tensor.index()));
    for n in 0..blocks.len() {
        let (placed, rest) = blocks.split_at_mut(n);
        rest[0].offset = best_fit(placed, &rest[0]);
    }
    plan.arena_bytes = blocks.iter().map(|b| b.offset.saturating_add(b.bytes)).max().unwrap_or(0);
    for block in blocks {
        plan.buffers[block.tensor].place = Place::Arena(block.offset);
        if let Some(second) = pairs.get(&block.tensor) {
            plan.buffers[*second].place = Place::Arena(block.offset.saturating_add(block.bytes / 2));
        }
    }
}

/// The second buffer of each state that has two, by the first.
fn find_pairs<'a>(steps: impl Iterator<Item = &'a StepDecl>, pairs: &mut BTreeMap<Tensor, Tensor>) {
    for step in steps {
        if let StepKind::Scan(scan) = &step.kind {
            pairs.extend(scan.states.iter().filter(|s| s.alternates()).map(|s| (s.current, s.previous)));
            find_pairs(scan.body.iter(), pairs);
        }
    }
}

/// The lowest offset in the smallest gap that holds `block`, or the end of those that live with it.
fn best_fit(placed: &[Block], block: &Block) -> u64 {
    let overlaps = |b: &&Block| b.live.0 <= block.live.1 && block.live.0 <= b.live.1;
    let mut others: Vec<&Block> = placed.iter().filter(overlaps).collect();
    others.sort_by_key(|b| (b.offset, b.bytes));
    let (mut best, mut end): (Option<(u64, u64)>, u64) = (None, 0);
    for other in others {
        let gap = other.offset.saturating_sub(end);
        if gap >= block.bytes && best.is_none_or(|(size, _)| gap < size) && other.offset > end {
            best = Some((gap, end));
        }
        end = end.max(other.offset.saturating_add(other.bytes));
    }
    best.map_or(end, |(_, offset)| offset)
}

/// Checks the peak memory against the limit, and against what addresses can tell apart.
///
/// # Errors
/// E0801 with the peak, the limit and the largest buffers; E0802 beyond 63 bits.
pub(crate) fn check_limit(plan: &Plan) -> Result<(), Vec<Diagnostic>> {
    let (peak, program) = (plan.peak().base, &plan.header.program);
    if i64::try_from(peak).is_err() {
        let message = format!("`{program}` needs more than {} bytes of memory, which no machine can address", i64::MAX);
        return Err(vec![with_largest(Diagnostic::error(802, "too-large", message), plan)]);
    }
    let Some(limit) = plan.header.memory_limit.filter(|limit| peak > *limit) else { return Ok(()) };
    // Rounded values that read the same would hide the fact.
    let (needed, allowed) =
        if bytes(peak) == bytes(limit) { (format!("{peak} bytes"), format!("{limit} bytes")) } else { (bytes(peak), bytes(limit)) };
    let message = format!("`{program}` needs {needed} of memory but the limit is {allowed}");
    let error = with_largest(Diagnostic::error(801, "memory-limit", message), plan);
    Err(vec![error.help(format!("a limit of {peak} bytes allows it, as in `--memory {peak}`"))])
}

/// With the largest results and intermediates.
fn with_largest(mut error: Diagnostic, plan: &Plan) -> Diagnostic {
    let mut largest: Vec<&Buffer> =
        plan.buffers.values().filter(|b| matches!(b.place, Place::Arena(_) | Place::Output(_)) && b.n_bytes() > 0).collect();
    // The sort is stable: equal ones stay in the order of the plan.
    largest.sort_by_key(|b| std::cmp::Reverse(b.n_bytes()));
    if let Some(first) = largest.first() {
        error = error.at(first.span, format!("`{}` takes {}", first.name, bytes(first.n_bytes())));
    }
    for buffer in largest.iter().take(NAMED_MAX) {
        let kind = if matches!(buffer.place, Place::Output(_)) { "result" } else { "intermediate" };
        error = error.note(format!("{kind} `{}` {:?} of {} takes {}", buffer.name, buffer.extents, buffer.dtype, bytes(buffer.n_bytes())));
    }
    error
}

/// `1536 bytes`, `1.5 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 10_240 {
        return format!("{n} bytes");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

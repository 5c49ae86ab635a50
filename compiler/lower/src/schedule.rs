//! In which order the loops of a nest run, and how it is divided into tasks.
//!
//! The innermost axis is the one along which what is touched lies closest together; vectors run along it if they can. A reduction
//! runs in variables, its loops innermost; where that would read long columns once, it runs in the output instead.

use crate::affine::{Affine, Axis, ceil_div};
use crate::graph::LoadAddress;
use crate::graph::ValueOp;
use crate::merge::accesses;
use crate::problem::Problem;
use crate::vectorize::{can_reduce_in_lanes, can_run_in_lanes};

/// A loop over an axis of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OuterLoop {
    /// Over blocks of this many values, inside which the axis has another loop.
    Blocks(Axis, i64),
    /// Over all values, or those of the block around.
    Values(Axis),
}

impl OuterLoop {
    pub(crate) fn axis(self) -> Axis {
        match self {
            OuterLoop::Blocks(axis, _) | OuterLoop::Values(axis) => axis,
        }
    }
}

/// Where the results of a reduction are while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accumulate {
    /// In variables: the reduced loops are innermost.
    Registers,
    /// In the output: the loop over the last outer axis runs inside the reduced loops.
    Memory,
}

/// The loops of a nest.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Loops over the output, outermost first.
    pub(crate) outer: Vec<OuterLoop>,
    /// Reduced axes, outermost first.
    pub(crate) reduced: Vec<Axis>,
    /// Whether vectors run along the innermost reduced axis; otherwise they run along the innermost outer one, if they can.
    pub(crate) lanes_reduced: bool,
    pub(crate) accumulate: Accumulate,
    /// An outer axis of which several values run side by side, and how many: they share what is loaded.
    pub(crate) jam: Option<(Axis, i64)>,
    /// How the tasks divide the work.
    pub(crate) tasks: Tasks,
}

/// How a nest is divided into tasks: a constant of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tasks {
    /// Number of tasks.
    pub(crate) n: u32,
    /// The axis that is divided, and how many of its values a task has.
    pub(crate) chunk: Option<(Axis, i64)>,
}

/// Scalar operations that are worth a task: some ten microseconds.
pub(crate) const TASK_OPERATIONS: u64 = 32_768;
/// Elements that the library copies in the time of one operation; shorter copies than a megabyte or so are slower in pieces.
const COPIES_PER_OPERATION: u64 = 8;
/// More tasks than this serve no machine that is expected.
pub(crate) const MAX_TASKS: i64 = 64;
/// What a step to another cache line costs, in steps to a neighbour.
const FAR: i64 = 16;
/// Turns of a reduction up to which it stays in variables although it reads columns.
const SHORT_REDUCTION: i64 = 32;
/// Elements of the output that a reduction in memory goes over again and again: a quarter of a first-level cache of 32 KiB.
const MEMORY_BLOCK: i64 = 2048;
/// Least columns of a task whose reduction runs in the output: rows of whole pages.
const MEMORY_CHUNK: i64 = 1024;
/// Rows of a reduction that share loads: with two vectors of each, eight accumulators.
const JAMMED_SUMS: i64 = 4;
/// Rows that a transposition writes side by side: a cache line of 8-byte elements read at once, and as many lines written as a
/// first-level cache has ways.
const JAMMED_COPIES: i64 = 8;
/// Columns that a transposition goes along before the next rows: the lines that it reads stay in the second-level cache.
const COPY_BLOCK: i64 = 1024;
/// Elements of a tile of a permutation of many short axes along each side: whole cache lines of 4-byte elements.
const TILE: i64 = 16;
/// Elements from which a transposition is tiled: what fits into the first-level cache needs no tiles.
const MIN_TILED: u64 = 4096;

/// Chooses the loops.
pub(crate) fn schedule(problem: &Problem) -> Schedule {
    let accesses = accesses(problem);
    let mut schedule = if problem.reduction.is_some() { reducing(problem, &accesses) } else { mapping(problem, &accesses) };
    schedule.tasks = tasks(problem, &schedule);
    schedule
}

/// What a step along an axis costs, over all accesses.
fn step_cost(accesses: &[LoadAddress], axis: Axis) -> i64 {
    accesses
        .iter()
        .map(|access| match access.stride(axis) {
            Some(stride) => stride.saturating_abs().min(FAR),
            // Probably the last axis of an ordinary array, possibly not.
            None => FAR / 2,
        })
        .sum()
}

/// Cost of a turn of the innermost loop, in 64ths of a step: short loops pay for their start.
fn loop_cost(problem: &Problem, accesses: &[LoadAddress], axis: Axis, lanes: bool) -> i64 {
    let extent = problem.axes[axis].extent;
    let vectors = if lanes && extent >= 4 { 4 } else { 1 };
    (step_cost(accesses, axis) + 1) * 64 / vectors + 256 / extent.max(1)
}

/// Axes by how far apart their values are written, the farthest first.
pub(crate) fn by_output_stride(problem: &Problem, axes: &[Axis]) -> Vec<Axis> {
    let mut axes = axes.to_vec();
    axes.sort_by_key(|a| std::cmp::Reverse(problem.out.address.stride(*a).unwrap_or(0).abs()));
    axes
}

fn base(outer: Vec<OuterLoop>, reduced: Vec<Axis>) -> Schedule {
    let tasks = Tasks { n: 1, chunk: None };
    Schedule { outer, reduced, lanes_reduced: false, accumulate: Accumulate::Registers, jam: None, tasks }
}

/// The loops of a nest without reduction.
fn mapping(problem: &Problem, accesses: &[LoadAddress]) -> Schedule {
    if let Some(load) = crossing_load(problem, accesses) {
        return transposed(problem, accesses, load).unwrap_or_else(|| base(tiled(problem, accesses, load), Vec::new()));
    }
    let cost = |axis: &Axis| loop_cost(problem, accesses, *axis, can_run_in_lanes(problem, *axis));
    let innermost = problem.outer.iter().copied().min_by_key(cost);
    base(with_innermost(problem, innermost), Vec::new())
}

/// The outer axes with a given one innermost.
fn with_innermost(problem: &Problem, innermost: Option<Axis>) -> Vec<OuterLoop> {
    let rest: Vec<Axis> = problem.outer.iter().copied().filter(|a| Some(*a) != innermost).collect();
    by_output_stride(problem, &rest).into_iter().chain(innermost).map(OuterLoop::Values).collect()
}

/// Axes that an access moves along, those of the closest neighbours first.
fn by_stride(problem: &Problem, access: &LoadAddress) -> Vec<Axis> {
    let strides = problem.outer.iter().filter_map(|a| Some((access.stride(*a)?.saturating_abs(), *a)));
    let mut axes: Vec<(i64, Axis)> = strides.filter(|(s, _)| *s > 0).collect();
    axes.sort();
    axes.into_iter().map(|(_, a)| a).collect()
}

/// A load whose neighbours are written far apart, of a nest that is large enough to care.
fn crossing_load<'a>(problem: &Problem, accesses: &'a [LoadAddress]) -> Option<&'a LoadAddress> {
    let (out, loads) = accesses.split_first()?;
    let written = by_stride(problem, out).first().copied()?;
    let far = |access: &LoadAddress, axis| access.stride(axis).is_some_and(|s| s.saturating_abs() >= 8);
    let crossing = |load: &&LoadAddress| {
        let first = by_stride(problem, load).first().copied();
        first.is_some_and(|axis| {
            load.stride(axis) == Some(1) && far(out, axis) && (far(load, written) || problem.axes[written].extent < TILE)
        })
    };
    let linear = accesses.iter().all(|a| a.values.is_empty()) && problem.conditions().is_empty() && problem.domain.residual.is_none();
    loads.iter().find(crossing).filter(|_| linear && problem.n_turns() >= MIN_TILED)
}

/// A transposition of two long axes: several rows of the output are written side by side.
fn transposed(problem: &Problem, accesses: &[LoadAddress], load: &LoadAddress) -> Option<Schedule> {
    let written = by_stride(problem, &accesses[0]).first().copied()?;
    let read = by_stride(problem, load).first().copied()?;
    let extent = |axis: Axis| problem.axes[axis].extent;
    if extent(written) < 2 * JAMMED_COPIES || extent(read) < JAMMED_COPIES {
        return None;
    }
    let rest: Vec<Axis> = problem.outer.iter().copied().filter(|a| *a != written && *a != read).collect();
    let mut outer: Vec<OuterLoop> = by_output_stride(problem, &rest).into_iter().map(OuterLoop::Values).collect();
    if extent(written) > 2 * COPY_BLOCK {
        outer.push(OuterLoop::Blocks(written, COPY_BLOCK));
    }
    outer.extend([OuterLoop::Values(read), OuterLoop::Values(written)]);
    Some(Schedule { jam: Some((read, JAMMED_COPIES)), ..base(outer, Vec::new()) })
}

/// Loops over tiles of a permutation of short axes.
fn tiled(problem: &Problem, accesses: &[LoadAddress], load: &LoadAddress) -> Vec<OuterLoop> {
    let take = |order: &[Axis], besides: &[Axis]| {
        let mut taken: Vec<(Axis, bool)> = Vec::new();
        let mut size = 1i64;
        for axis in order.iter().filter(|a| !besides.contains(a)) {
            if size >= TILE {
                break;
            }
            let blocked = size == 1 && problem.axes[*axis].extent > 2 * TILE;
            taken.push((*axis, blocked));
            size = size.saturating_mul(if blocked { TILE } else { problem.axes[*axis].extent });
        }
        taken
    };
    let inner = take(&by_stride(problem, &accesses[0]), &[]);
    let inner_axes: Vec<Axis> = inner.iter().map(|(a, _)| *a).collect();
    let middle = take(&by_stride(problem, load), &inner_axes);
    let blocked = |(axis, blocked): &(Axis, bool)| blocked.then_some(OuterLoop::Blocks(*axis, TILE));
    let whole = |axis: &Axis| inner.iter().chain(&middle).all(|(a, _)| a != axis);
    let rest: Vec<Axis> = problem.outer.iter().copied().filter(|a| whole(a)).collect();
    let rest = by_output_stride(problem, &rest).into_iter().map(OuterLoop::Values);
    let blocks = middle.iter().filter_map(blocked).chain(inner.iter().filter_map(blocked));
    let values = middle.iter().rev().chain(inner.iter().rev()).map(|(a, _)| OuterLoop::Values(*a));
    rest.chain(blocks).chain(values).collect()
}

/// The loops of a nest with a reduction.
fn reducing(problem: &Problem, accesses: &[LoadAddress]) -> Schedule {
    let loads = &accesses[1..];
    let reduction = problem.reduction.as_ref().expect("called for reductions");
    let mut reduced = reduction.axes.clone();
    let ordered = crate::vectorize::is_ordered(reduction.op);
    if !ordered {
        reduced.sort_by_key(|a| std::cmp::Reverse(step_cost_exact(loads, *a)));
    }
    let outer_cost = |axis: &Axis| {
        // Where the terms that take part change with the axis, lanes would disagree.
        let lanes = can_run_in_lanes(problem, *axis) && !widely_guarded(problem, *axis);
        loop_cost(problem, loads, *axis, lanes)
    };
    let reduced_cost = |axis: &Axis| loop_cost(problem, loads, *axis, can_reduce_in_lanes(problem, *axis));
    let best_outer = problem.outer.iter().copied().min_by_key(outer_cost);
    let best_reduced = reduced.iter().copied().min_by_key(reduced_cost);
    let along_reduced = match (best_outer, best_reduced) {
        (Some(outer), Some(reduced)) => reduced_cost(&reduced) < outer_cost(&outer),
        (None, _) => true,
        (_, None) => false,
    };
    if along_reduced {
        if let Some(best) = best_reduced.filter(|_| !ordered) {
            reduced.retain(|a| *a != best);
            reduced.push(best);
        }
        let lanes = best_reduced.is_some_and(|axis| can_reduce_in_lanes(problem, axis));
        let outer = by_output_stride(problem, &problem.outer).into_iter().map(OuterLoop::Values).collect();
        return Schedule { lanes_reduced: lanes, ..base(outer, reduced) };
    }
    let innermost = best_outer.expect("there is an outer axis");
    let mut schedule = base(with_innermost(problem, best_outer), reduced);
    if in_memory(problem, loads, innermost) {
        schedule.accumulate = Accumulate::Memory;
        if problem.axes[innermost].extent > 2 * MEMORY_BLOCK {
            schedule.outer.insert(schedule.outer.len() - 1, OuterLoop::Blocks(innermost, MEMORY_BLOCK));
        }
    } else {
        schedule.jam = jam_axis(problem, loads, innermost).map(|axis| (axis, JAMMED_SUMS));
    }
    schedule
}

/// As [`step_cost`], without the limit: for an order among reduced axes.
fn step_cost_exact(loads: &[LoadAddress], axis: Axis) -> i64 {
    loads.iter().map(|l| l.stride(axis).map_or(FAR, i64::saturating_abs)).fold(0, i64::saturating_add)
}

/// Whether guards cut the reduction differently over much of an axis.
fn widely_guarded(problem: &Problem, axis: Axis) -> bool {
    let reduced = problem.reduced();
    let wide = |form: &Affine| {
        let span: i64 = form
            .terms
            .iter()
            .filter(|(a, _)| reduced.contains(*a))
            .map(|(a, c)| c.abs().saturating_mul(problem.axes[*a].extent - 1))
            .fold(0, i64::saturating_add);
        let k = form.coefficient(axis).abs();
        k != 0 && span.saturating_mul(2) > k.saturating_mul(problem.axes[axis].extent)
    };
    problem.reduction.iter().flat_map(|r| &r.guard.constraints).any(wide)
}

/// Whether a reduction whose innermost outer axis is given should run in the output.
fn in_memory(problem: &Problem, loads: &[LoadAddress], innermost: Axis) -> bool {
    let reduction = problem.reduction.as_ref().expect("called for reductions");
    let turns = reduction.axes.iter().map(|a| problem.axes[*a].extent).fold(1, i64::saturating_mul);
    let folds = reduction.identity.len() == 1 && !matches!(reduction.op, op if crate::vectorize::is_scan_like(op));
    // Rows are gone over as a whole: no element of them may be one that is not wanted.
    let unconditional = reduction.guard.residual.or(problem.domain.residual).is_none();
    let possible = folds && reduction.ty == problem.out.ty && unconditional && !reduction.axes.is_empty();
    // What is read again for another element is better kept in variables.
    let reused = |load: &LoadAddress| load.stride(innermost) != Some(0) && problem.outer.iter().any(|a| load.stride(*a) == Some(0));
    let contiguous = loads.iter().any(|l| l.stride(innermost) == Some(1));
    possible && contiguous && (widely_guarded(problem, innermost) || (turns > SHORT_REDUCTION && !loads.iter().any(reused)))
}

/// An axis several of whose values can share loads.
fn jam_axis(problem: &Problem, loads: &[LoadAddress], innermost: Axis) -> Option<Axis> {
    let reduction = problem.reduction.as_ref()?;
    // What is known of one row need not hold for the next.
    let conditions = problem.conditions();
    let guarded = |axis: Axis| conditions.iter().any(|f| f.coefficient(axis) != 0);
    let turns = reduction.axes.iter().map(|a| problem.axes[*a].extent).fold(1, i64::saturating_mul);
    let shares = |axis: &Axis| loads.iter().any(|l| l.stride(innermost) == Some(1) && l.stride(*axis) == Some(0));
    let residual = reduction.guard.residual.or(problem.domain.residual).is_some();
    if turns < 8 || residual || reduction.identity.len() != 1 || !can_run_in_lanes(problem, innermost) {
        return None;
    }
    let fits = |a: &Axis| *a != innermost && problem.axes[*a].extent >= 2 && !guarded(*a) && shares(a);
    let candidates = problem.outer.iter().copied().filter(fits);
    candidates.max_by_key(|a| (problem.axes[*a].extent.min(8), problem.out.address.stride(*a)))
}

/// Whether elements are only moved.
fn is_copy(problem: &Problem) -> bool {
    let is_load = |root: &_| matches!(problem.graph[*root].op, ValueOp::Load(_));
    problem.reduction.is_none() && problem.body.iter().all(is_load)
}

/// Divides the outermost loop.
fn tasks(problem: &Problem, schedule: &Schedule) -> Tasks {
    let none = Tasks { n: 1, chunk: None };
    let Some(first) = schedule.outer.first().copied() else { return none };
    let cost = problem.body.iter().map(|root| u64::from(problem.graph[*root].cost)).sum::<u64>().max(1);
    let mut operations = problem.n_turns().saturating_mul(cost);
    if is_copy(problem) {
        operations /= COPIES_PER_OPERATION;
    }
    let wanted = i64::try_from(operations / TASK_OPERATIONS).unwrap_or(i64::MAX).min(MAX_TASKS);
    let extent = problem.axes[first.axis()].extent;
    if wanted < 2 {
        return none;
    }
    // Chunks of the innermost axis, of blocks and of jammed rows begin where a full turn does.
    let align = match first {
        OuterLoop::Blocks(_, size) => size,
        OuterLoop::Values(_) if schedule.outer.len() == 1 && schedule.accumulate == Accumulate::Memory => MEMORY_CHUNK,
        OuterLoop::Values(_) if schedule.outer.len() == 1 => 64,
        OuterLoop::Values(axis) => schedule.jam.filter(|(jammed, _)| *jammed == axis).map_or(1, |(_, rows)| rows),
    };
    let chunk = ceil_div(ceil_div(extent, wanted), align) * align;
    let n = ceil_div(extent, chunk);
    if n < 2 { none } else { Tasks { n: n as u32, chunk: Some((first.axis(), chunk)) } }
}

//! Reductions whose terms name their elements: the output is cleared by one kernel, and the next takes each term into its element.
//!
//! Tasks divide an axis of the output that is not pinned, if there is one: no two of them write the same element, and each takes the
//! terms in the order of the loops, so that the result does not depend on the number of threads.

use crate::affine::{AxisKind, ceil_div};
use crate::emit::emit_scatter;
use crate::nest::{empty_kernel, lower_nest};
use crate::pipeline::Context;
use crate::problem::{Problem, identity, prepare};
use crate::schedule::{MAX_TASKS, OuterLoop, TASK_OPERATIONS, Tasks, by_output_stride};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::kernel::KernelDecl;
use ein_ir::plan::{Buffer, Nest};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Literal, Scalar};
use ein_ir::span::Span;

/// Values of the innermost axis that a task has at least: whole vectors, side by side.
const ALIGN: i64 = 16;
/// Bytes of the result that a task of many terms keeps taking them into: with operands of about that size they stay in the first cache.
const CACHED: u64 = 1 << 13;
/// Values of the divided axis that are worth a task of their own for that: each task goes through all terms.
const LEAST_CHUNK: u64 = 32;

/// The two kernels of a scattering nest.
///
/// # Errors
/// `not-in-this-version` for what has no kernels.
pub(crate) fn lower_scatter(context: &mut Context<'_>, nest: &Nest, span: Span) -> Result<Vec<KernelDecl>, Diagnostic> {
    let clear = cleared(context, nest, span);
    let cleared = lower_nest(context, &clear, span)?;
    let name = context.plan.buffers[nest.out].name.clone();
    let scattered = match prepare(context, nest, span)? {
        Some(problem) if !problem.body.is_empty() => {
            let order = order(&problem);
            let tasks = tasks(&problem, &order, &context.plan.buffers[nest.out]);
            let emitted = emit_scatter(&problem, &order, tasks);
            KernelDecl { name, tasks: tasks.n, task: emitted.task, locals: emitted.locals, body: emitted.body, span }
        }
        // There are no elements, or no terms.
        _ => empty_kernel(name, span),
    };
    Ok(vec![cleared, scattered])
}

/// The nest that gives every element the value of the empty reduction.
fn cleared(context: &Context<'_>, nest: &Nest, span: Span) -> Nest {
    let reduce = nest.reduce.as_ref().expect("only reductions scatter");
    let literal = match identity(&context.plan.reducers, reduce.op, reduce.acc) {
        Value::Bool(b) => Literal::Bool(b),
        Value::Int(n, _) => Literal::Int(n),
        Value::Float(x, _) => Literal::Float(x),
        Value::Complex(re, im, _) => Literal::Complex(re, im),
        Value::Key(_) => Literal::Int(0),
    };
    let body = Scalar::literal(literal, reduce.acc, span);
    Nest { domain: None, reduce: None, body, epilogue: None, ..nest.clone() }
}

/// Terms in their order, and for each of them what it is taken into, neighbours last.
fn order(problem: &Problem) -> Vec<OuterLoop> {
    let reduced = problem.reduction.iter().flat_map(|r| &r.axes).copied();
    reduced.chain(by_output_stride(problem, &problem.outer)).map(OuterLoop::Values).collect()
}

fn tasks(problem: &Problem, order: &[OuterLoop], out: &Buffer) -> Tasks {
    let none = Tasks { n: 1, chunk: None };
    let cost = problem.body.iter().map(|root| u64::from(problem.graph[*root].cost)).sum::<u64>().max(1);
    let wanted = i64::try_from(problem.n_turns().saturating_mul(cost) / TASK_OPERATIONS).unwrap_or(i64::MAX).min(MAX_TASKS);
    let outer = order.iter().map(|l| l.axis()).filter(|a| problem.axes[*a].kind == AxisKind::Outer);
    let Some(axis) = outer.max_by_key(|a| problem.axes[*a].extent).filter(|_| wanted > 1) else { return none };
    let align = if order.last().map(|l| l.axis()) == Some(axis) { ALIGN } else { 1 };
    let extent = problem.axes[axis].extent;
    let chunk = ceil_div(ceil_div(extent, wanted), align) * align;
    let chunk = cached_chunk(out, extent).map_or(chunk, |cached| chunk.min(cached));
    let n = ceil_div(extent, chunk);
    if n < 2 { none } else { Tasks { n: n as u32, chunk: Some((axis, chunk)) } }
}

/// Values of an axis of the result whose elements stay in the cache while all terms are gone through; `None` if those are too few.
fn cached_chunk(out: &Buffer, extent: i64) -> Option<i64> {
    let bytes = out.n_bytes() / extent.unsigned_abs().max(1);
    let chunk = CACHED / bytes.max(1) / ALIGN.unsigned_abs() * ALIGN.unsigned_abs();
    i64::try_from(chunk).ok().filter(|_| chunk >= LEAST_CHUNK)
}

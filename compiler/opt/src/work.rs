//! The work of a plan, and the most that one call may do.

use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::Index;
use ein_ir::plan::{IndexRange, Nest, Plan, StepDecl, StepKind};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Scalar, ScalarKind};
use std::collections::BTreeSet;

/// Most elementary steps of one call: turns of loops, and flops of library code.
///
/// At a thousand million steps a second these are some thirty years: whoever asks for more has mistaken a size. A nest counts as the box
/// of its ranges, whatever its guard leaves out of it, but for indices that the guard equates with others.
pub const MAX_WORK: u128 = 1_000_000_000_000_000_000;

/// Steps named when a plan is too long.
const NAMED_MAX: usize = 3;
/// Steps shorter than this part of the whole are not named.
const NAMED_PART: u128 = 1000;

/// Checks that a call ends before its caller does.
///
/// # Errors
/// E0807 with the work, the limit and the longest steps.
pub fn check_work(plan: &Plan) -> Result<(), Vec<Diagnostic>> {
    let works: Vec<(&StepDecl, u128)> = plan.steps.values().map(|step| (step, work(step))).collect();
    let total = works.iter().fold(0u128, |n, (_, work)| n.saturating_add(*work));
    if total <= MAX_WORK {
        return Ok(());
    }
    let mut longest = works;
    // The sort is stable: equal ones stay in the order of the plan.
    longest.sort_by_key(|(_, work)| std::cmp::Reverse(*work));
    let message = format!("a call of `{}` takes {}, and the limit is {}", plan.header.program, steps(total), steps(MAX_WORK));
    let mut error = Diagnostic::error(807, "work-limit", message);
    if let Some((first, work)) = longest.first() {
        error = error.at(first.span, format!("{} here", steps(*work)));
    }
    for (step, work) in longest.iter().take(NAMED_MAX).filter(|(_, work)| *work >= total / NAMED_PART) {
        error = error.note(format!("{} takes {}", named(plan, step), steps(*work)));
    }
    Err(vec![error.help("smaller sizes, or equations that reduce over fewer indices at a time")])
}

/// Turns of loops and flops of library code. Empty ranges are none, however long the others are.
fn work(step: &StepDecl) -> u128 {
    match &step.kind {
        StepKind::Contraction(c) => c.extents.iter().fold(1, |n: u128, e| n.saturating_mul(u128::from(*e))),
        StepKind::Nest(nest) => turns(nest),
        StepKind::Library(_) => u128::from(step.flops),
        StepKind::Scan(scan) => {
            let turn = scan.body.iter().map(work).fold(1, u128::saturating_add);
            turn.saturating_mul(u128::from(scan.n_turns()))
        }
    }
}

/// Evaluations of the body of a nest in a turn of the scans around it.
fn turns(nest: &Nest) -> u128 {
    let length = |range: &IndexRange| u128::try_from(range.hi.saturating_sub(range.lo)).unwrap_or(0);
    let mut once: BTreeSet<Index> = nest.pins().iter().map(|pin| pin.index).collect();
    let guard = nest.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
    nest.domain.iter().chain(guard).for_each(|condition| find_equated(condition, &mut once));
    let ranges = nest.indices.iter().filter(|(index, _)| !nest.is_param(*index));
    ranges.fold(1, |n: u128, (index, range)| n.saturating_mul(if once.contains(&index) { length(range).min(1) } else { length(range) }))
}

/// Indices that a conjunction equates with something that is known without data: each has one value for those of the others.
fn find_equated(condition: &Scalar, found: &mut BTreeSet<Index>) {
    match &condition.kind {
        ScalarKind::Binary(BinaryFn::And, a, b) => {
            find_equated(a, found);
            find_equated(b, found);
        }
        ScalarKind::Binary(BinaryFn::Eq, a, b) if !reads_data(a) && !reads_data(b) => {
            let index = |s: &Scalar| if let ScalarKind::Index(index) = s.kind { Some(index) } else { None };
            let new = [index(a), index(b)].into_iter().flatten().find(|i| !found.contains(i));
            found.extend(new);
        }
        _ => {}
    }
}

fn reads_data(scalar: &Scalar) -> bool {
    let mut found = false;
    scalar.visit(&mut |s| found |= matches!(s.kind, ScalarKind::Access(_)));
    found
}

/// A step with the ranges that it goes through: `y` (i: 40000, j: 40000).
fn named(plan: &Plan, step: &StepDecl) -> String {
    let listed = |ranges: &mut dyn Iterator<Item = &IndexRange>| {
        let ranges: Vec<String> = ranges.map(|r| format!("{}: {}", r.name, r.hi.saturating_sub(r.lo))).collect();
        if ranges.is_empty() { String::new() } else { format!(" ({})", ranges.join(", ")) }
    };
    match &step.kind {
        StepKind::Scan(scan) => format!("the scan{}", listed(&mut std::iter::once(&scan.range))),
        StepKind::Library(call) => format!("`{}`", call.op.name()),
        StepKind::Contraction(c) => {
            let extents: Vec<String> = c.extents.iter().map(u64::to_string).collect();
            format!("`{}` ({})", plan.buffers[c.out].name, extents.join(" x "))
        }
        StepKind::Nest(nest) => {
            let ranges = nest.indices.iter().filter(|(index, _)| !nest.is_param(*index)).map(|(_, range)| range);
            format!("`{}`{}", plan.buffers[nest.out].name, listed(&mut ranges.into_iter()))
        }
    }
}

/// `4096 steps`, `1e28 steps`, `1.5e28 steps`.
fn steps(n: u128) -> String {
    match n {
        0..10_000_000_000 => format!("{n} steps"),
        u128::MAX => "more than 1e38 steps".to_owned(),
        _ => {
            let rounded = format!("{n:.2e}");
            let (digits, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
            format!("{}e{exponent} steps", digits.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_steps() {
        assert_eq!(steps(4096), "4096 steps");
        assert_eq!(steps(10u128.pow(28)), "1e28 steps");
        assert_eq!(steps(15 * 10u128.pow(27)), "1.5e28 steps");
        assert_eq!(steps(u128::MAX), "more than 1e38 steps");
    }
}

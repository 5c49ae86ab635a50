//! Fusion of pointwise steps: their values are computed where they are read, and never stored.
//!
//! Always sound: a value is read only where its domain holds, so computing it in the place of the read meets no fault and no
//! access that the step of its own would not have met.

use crate::draft::{Draft, DraftStep, Role, Work};
use crate::uses::Uses;
use crate::{epilogue, rewrite};
use ein_ir::entity::Tensor;
use ein_ir::plan::Nest;
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind};
use std::collections::BTreeSet;

/// Rounds of fusion; each makes new opportunities only for steps next to those that it fused.
const ROUNDS: usize = 8;
/// Nodes of a fused body above which compiling it costs more than the memory traffic saved.
const BODY_SIZE_MAX: usize = 256;
/// Evaluations of an inlined body, as a multiple of those of its own step.
const RECOMPUTE_MAX: u64 = 2;

/// Reads through steps that only copy, permute or slice: afterwards contractions see the original operands.
pub(crate) fn forward_copies(draft: &mut Draft) {
    for p in 0..draft.steps.len() {
        if let Some(copy) = pointwise(draft, p).filter(|nest| is_plain_copy(nest)).cloned() {
            for reader in &mut draft.steps[p + 1..] {
                if let Work::Nest(nest) = &mut reader.work
                    && all_accesses(nest, copy.out).iter().all(|a| is_substitutable(a))
                {
                    inline(&copy, nest);
                }
            }
        }
    }
}

/// Inlines pointwise steps into their readers and turns pointwise readers of reductions into epilogues.
pub(crate) fn fuse(draft: &mut Draft) {
    for _ in 0..ROUNDS {
        let before = draft.steps.len();
        let mut uses = Uses::new(draft);
        inline_all(draft, &mut uses);
        epilogue::fuse_all(draft, &mut uses);
        uses.remove_fused(draft);
        if draft.steps.len() == before {
            break;
        }
    }
    write_results_directly(draft);
}

/// Removes steps whose values nobody reads.
pub(crate) fn drop_dead(draft: &mut Draft) {
    let mut wanted: BTreeSet<Tensor> = draft.outputs.iter().copied().collect();
    let mut keep = vec![false; draft.steps.len()];
    for (step, keep) in draft.steps.iter().zip(&mut keep).rev() {
        *keep = !step.writes().is_disjoint(&wanted);
        if *keep {
            wanted.extend(step.reads());
        }
    }
    let mut keep = keep.into_iter();
    draft.steps.retain(|_| keep.next().unwrap_or(true));
}

fn inline_all(draft: &mut Draft, uses: &mut Uses) {
    for p in 0..draft.steps.len() {
        let Some(producer) = pointwise(draft, p).filter(|nest| may_inline(draft, uses, nest)).cloned() else { continue };
        for reader in uses.readers(producer.out) {
            if let Work::Nest(nest) = &mut draft.steps[reader].work {
                inline(&producer, nest);
            }
        }
        uses.fuse(draft, p);
    }
}

/// The nest of a step that computes an intermediate without reducing.
fn pointwise(draft: &Draft, step: usize) -> Option<&Nest> {
    match &draft.steps[step].work {
        Work::Nest(nest) if nest.reduce.is_none() && draft.values[nest.out].is_intermediate() => Some(nest),
        _ => None,
    }
}

/// Whether every reader can compute the value itself, and at little additional work.
fn may_inline(draft: &Draft, uses: &Uses, producer: &Nest) -> bool {
    let is_cheap = is_cheap(&producer.body);
    let mut reads = 0;
    for reader in uses.readers(producer.out) {
        let Work::Nest(nest) = &draft.steps[reader].work else { return false };
        let accesses = all_accesses(nest, producer.out);
        reads += accesses.len();
        let total = rewrite::scalars(nest).iter().map(|s| rewrite::size(s)).sum::<usize>();
        let fits = total.saturating_add(rewrite::size(&producer.body).saturating_mul(accesses.len())) <= BODY_SIZE_MAX;
        let is_work_kept =
            is_cheap || draft.recompute || evaluations(nest, producer.out) <= RECOMPUTE_MAX.saturating_mul(rewrite::iterations(producer));
        if !fits || !is_work_kept || !accesses.iter().all(|a| is_substitutable(a)) {
            return false;
        }
    }
    reads > 0 && (is_cheap || draft.recompute || reads == 1)
}

/// How often a nest evaluates its reads of a value.
fn evaluations(nest: &Nest, value: Tensor) -> u64 {
    let in_loop = !rewrite::accesses_to(&nest.body, value).is_empty()
        || nest.reduce.as_ref().and_then(|r| r.guard.as_ref()).is_some_and(|g| !rewrite::accesses_to(g, value).is_empty());
    let all = rewrite::iterations(nest);
    match &nest.reduce {
        Some(reduce) if !in_loop => {
            let extent = |i| u64::try_from(nest.indices[i].hi.saturating_sub(nest.indices[i].lo)).unwrap_or(0);
            all / reduce.binders.iter().fold(1, |n: u64, b| n.saturating_mul(extent(*b))).max(1)
        }
        _ => all,
    }
}

/// A literal, or one read whose subscripts hold no data, perhaps converted: no dearer than reading the stored value.
fn is_cheap(body: &Scalar) -> bool {
    match &body.kind {
        ScalarKind::Literal(_) | ScalarKind::Index(_) => true,
        ScalarKind::Cast(inner) => is_cheap(inner),
        ScalarKind::Access(access) => access.subs.iter().all(|s| s.value.as_polynomial().is_some()),
        _ => false,
    }
}

fn is_plain_copy(nest: &Nest) -> bool {
    matches!(&nest.body.kind, ScalarKind::Access(access) if rewrite::plain_indices(access).is_some())
}

fn all_accesses(nest: &Nest, value: Tensor) -> Vec<&Access> {
    rewrite::scalars(nest).into_iter().flat_map(|s| rewrite::accesses_to(s, value)).collect()
}

/// A mode would have to move to another axis; data in a subscript would be read once for each use of the index.
fn is_substitutable(access: &Access) -> bool {
    !access.prev && access.subs.iter().all(|s| s.mode == Mode::Exact && s.value.as_polynomial().is_some())
}

/// Puts the body of a pointwise nest in the place of every read of its value.
fn inline(producer: &Nest, reader: &mut Nest) {
    for scalar in rewrite::scalars_mut(reader) {
        rewrite::replace_accesses(scalar, producer.out, &|access| {
            let mut body = producer.body.clone();
            rewrite::replace_indices(&mut body, &|index| {
                let axis = producer.outer.iter().position(|o| *o == index)?;
                Some(access.subs[axis].value.clone())
            });
            body
        });
    }
}

/// Where a result is only a copy of an intermediate, the step that computes the intermediate writes the result instead.
fn write_results_directly(draft: &mut Draft) {
    let mut p = 0;
    while p < draft.steps.len() {
        match copied_intermediate(draft, p) {
            Some((from, to)) => {
                draft.steps.remove(p);
                draft.steps.iter_mut().for_each(|step| rename(step, from, to));
            }
            None => p += 1,
        }
    }
}

/// `(from, to)` if the step copies the whole intermediate `from` of another step to `to`, axis by axis, and `from` may be `to` from
/// the beginning.
fn copied_intermediate(draft: &Draft, step: usize) -> Option<(Tensor, Tensor)> {
    let Work::Nest(nest) = &draft.steps[step].work else { return None };
    let ScalarKind::Access(access) = &nest.body.kind else { return None };
    let (from, to) = (&draft.values[access.tensor], &draft.values[nest.out]);
    let is_copy = nest.reduce.is_none() && nest.domain.is_none() && rewrite::plain_indices(access).as_ref() == Some(&nest.outer);
    let same = from.is_intermediate() && from.extents == to.extents && from.dtype == to.dtype;
    let is_written_here = draft.steps.iter().any(|s| s.writes().contains(&access.tensor));
    let readers = || draft.steps.iter().filter(|s| s.reads().contains(&access.tensor)).count();
    // What a recurrence carries changes later: other readers want the value of now.
    (is_copy && same && is_written_here && (to.role != Role::Carried || readers() == 1)).then_some((access.tensor, nest.out))
}

/// Puts a value in the place of another.
pub(crate) fn rename(step: &mut DraftStep, from: Tensor, to: Tensor) {
    let swap = |t: &mut Tensor| {
        if *t == from {
            *t = to;
        }
    };
    match &mut step.work {
        Work::Contraction(c) => [&mut c.out, &mut c.lhs, &mut c.rhs].into_iter().for_each(swap),
        Work::Library(call) => call.args.iter_mut().chain(&mut call.results).for_each(swap),
        Work::Scan(scan) => {
            scan.states.iter_mut().flat_map(|s| [&mut s.current, &mut s.previous]).for_each(swap);
            scan.body.iter_mut().for_each(|step| rename(step, from, to));
        }
        Work::Nest(nest) => {
            swap(&mut nest.out);
            for scalar in rewrite::scalars_mut(nest) {
                scalar.visit_mut(&mut |s| {
                    if let ScalarKind::Access(access) = &mut s.kind {
                        swap(&mut access.tensor);
                    }
                });
            }
        }
    }
}

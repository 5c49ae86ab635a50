//! What is particular to recurrences: passes inside their bodies, work that does not change, and where states are stored.
//!
//! A state that is only read where its new value is written is updated in place. Otherwise it has two buffers, which swap at every
//! turn: nothing is copied.

use crate::draft::{Draft, DraftStep, Recurrence, Role, Value, Work};
use crate::{faults, fuse, linear, rewrite};
use ein_ir::entity::{EntityRef, PrimaryMap, Tensor};
use ein_ir::plan::{Nest, ScanState};
use ein_ir::scalar::{Scalar, ScalarKind};
use std::collections::BTreeSet;

/// Carries out a pass on the body of every recurrence as if it were a plan, whose results are what the recurrence carries.
pub(crate) fn each_body(draft: &mut Draft, pass: &mut dyn FnMut(&mut Draft)) {
    for n in 0..draft.steps.len() {
        let Work::Scan(scan) = &mut draft.steps[n].work else { continue };
        let steps = std::mem::take(&mut scan.body);
        let values = std::mem::take(&mut draft.values);
        let written = steps.iter().flat_map(DraftStep::writes);
        let outputs: BTreeSet<Tensor> = written.filter(|t| !values[*t].is_intermediate()).collect();
        let reducers = std::mem::take(&mut draft.reducers);
        let outputs = outputs.into_iter().collect();
        let (asked, ranges, secrets) = (draft.asked.take(), std::mem::take(&mut draft.ranges), std::mem::take(&mut draft.secrets));
        let Draft { recompute, as_written, written_out, .. } = *draft;
        let mut body =
            Draft { values, reducers, inputs: Vec::new(), outputs, steps, recompute, as_written, written_out, ranges, secrets, asked };
        pass(&mut body);
        (draft.values, draft.reducers, draft.ranges, draft.asked) = (body.values, body.reducers, body.ranges, body.asked);
        draft.secrets = body.secrets;
        if let Work::Scan(scan) = &mut draft.steps[n].work {
            scan.body = body.steps;
        }
    }
}

/// Moves steps that are the same in every turn before the recurrence.
pub(crate) fn hoist(draft: &mut Draft) {
    for mut step in std::mem::take(&mut draft.steps) {
        if let Work::Scan(scan) = &mut step.work
            && scan.n_turns() > 1
        {
            let hoisted = take_invariant(scan, &draft.values);
            draft.steps.extend(hoisted);
        }
        draft.steps.push(step);
    }
}

fn take_invariant(scan: &mut Recurrence, values: &PrimaryMap<Tensor, Value>) -> Vec<DraftStep> {
    let states = scan.states.iter().flat_map(|s| [s.current, s.previous]);
    let mut changing: BTreeSet<Tensor> = scan.body.iter().flat_map(DraftStep::writes).chain(states).collect();
    let (mut hoisted, mut rest) = (Vec::new(), Vec::new());
    for mut step in std::mem::take(&mut scan.body) {
        match &mut step.work {
            Work::Nest(nest) if values[nest.out].is_intermediate() && is_invariant(nest, scan.index, &changing) => {
                rewrite::remove_param(nest, scan.index.index());
                changing.remove(&nest.out);
                hoisted.push(step);
            }
            _ => rest.push(step),
        }
    }
    scan.body = rest;
    hoisted
}

fn is_invariant(nest: &Nest, index: ein_ir::entity::Index, changing: &BTreeSet<Tensor>) -> bool {
    let fixed = |s: &Scalar| !rewrite::mentions(s, &[index]) && !faults::can_fail(s);
    rewrite::scalars(nest).into_iter().all(fixed) && nest.accesses().is_disjoint(changing)
}

/// Decides where states are stored. Afterwards a state that is updated in place is one value, and is a result where it was copied to one.
pub(crate) fn settle(draft: &mut Draft) {
    each_body(draft, &mut settle);
    let mut in_place = Vec::new();
    for n in 0..draft.steps.len() {
        let Work::Scan(scan) = &mut draft.steps[n].work else { continue };
        linear::describe(scan);
        sink_writes(scan);
        let here = scan.states.iter().filter(|state| updates_in_place(&scan.body, state)).cloned();
        in_place.extend(here);
    }
    for ScanState { current, previous, .. } in in_place {
        draft.steps.iter_mut().for_each(|step| fuse::rename(step, previous, current));
        store_in_result(draft, current);
    }
}

/// Moves the step that writes a state behind those that read its previous value, where nothing keeps it and one more state is then
/// updated in place.
fn sink_writes(scan: &mut Recurrence) {
    for n in 0..scan.states.len() {
        let state = &scan.states[n];
        let Some(from) = writer(&scan.body, state.current) else { continue };
        let Some(to) = scan.body.iter().rposition(|step| step.reads().contains(&state.previous)) else { continue };
        if to <= from || scan.body[from + 1..=to].iter().any(|step| step.reads().contains(&state.current)) {
            continue;
        }
        let before = n_in_place(scan);
        let step = scan.body.remove(from);
        scan.body.insert(to, step);
        if n_in_place(scan) <= before {
            let step = scan.body.remove(to);
            scan.body.insert(from, step);
        }
    }
}

fn n_in_place(scan: &Recurrence) -> usize {
    scan.states.iter().filter(|state| updates_in_place(&scan.body, state)).count()
}

fn writer(body: &[DraftStep], value: Tensor) -> Option<usize> {
    body.iter().position(|step| step.writes().contains(&value))
}

/// Whether the old value of an element is not needed once the new one is written.
fn updates_in_place(body: &[DraftStep], state: &ScanState) -> bool {
    let Some(at) = writer(body, state.current) else { return false };
    if body[at + 1..].iter().any(|step| step.reads().contains(&state.previous)) {
        return false;
    }
    match &body[at].work {
        _ if !body[at].reads().contains(&state.previous) => true,
        // A reduction may run in its output.
        Work::Nest(nest) => nest.reduce.is_none() && reads_own_element(nest, state.previous),
        Work::Contraction(_) | Work::Scan(_) | Work::Library(_) => false,
    }
}

fn reads_own_element(nest: &Nest, value: Tensor) -> bool {
    let reads = rewrite::scalars(nest).into_iter().flat_map(|s| rewrite::accesses_to(s, value));
    reads.into_iter().all(|access| rewrite::plain_indices(access).as_ref() == Some(&nest.outer))
}

/// Where a state is copied to a result, and is not a result's twin, the result is its buffer.
fn store_in_result(draft: &mut Draft, state: Tensor) {
    let copied = |step: &DraftStep| {
        let Work::Nest(nest) = &step.work else { return None };
        let ScalarKind::Access(access) = &nest.body.kind else { return None };
        let is_copy = access.tensor == state && nest.reduce.is_none() && nest.domain.is_none() && nest.params == 0;
        let whole = rewrite::plain_indices(access).as_ref() == Some(&nest.outer);
        (is_copy && whole && matches!(draft.values[nest.out].role, Role::Output(_))).then_some(nest.out)
    };
    let Some((n, result)) = draft.steps.iter().enumerate().find_map(|(n, step)| Some((n, copied(step)?))) else { return };
    draft.steps.remove(n);
    draft.steps.iter_mut().for_each(|step| fuse::rename(step, state, result));
}

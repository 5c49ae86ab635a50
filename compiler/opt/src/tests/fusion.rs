//! What is computed where it is read, and what must not be.

use super::{plan, steps};
use ein_ir::plan::{Plan, StepKind};

#[test]
fn pointwise_chains_become_one_step() {
    let plan = plan(
        ">x f32[8, 9]
         |a f32[8, 9]
         |b f32[9, 8]
         <y f32[8, 9]
         i0 0..8
         i1 0..9
         i2 0..8
         i3 0..9
         i4 0..8
         i5 0..9
         t1[i0, i1] = exp(t0[i0, i1])
         t2[i3, i2] = (t1[i2, i3] + 1.0:f32)
         t3[i4, i5] = (t2[i5, i4] * 3.0:f32)",
    );
    assert_eq!(steps(&plan), ["pointwise y"]);
    assert_eq!(plan.arena_bytes, 0);
}

#[test]
fn softmax_keeps_what_is_read_twice() {
    let plan = plan(
        ">x f32[4, 16]
         |m f32[4]
         |e f32[4, 16]
         |s f32[4]
         <y f32[4, 16]
         i0 0..4
         i1 0..16
         i2 0..4
         i3 0..16
         i4 0..4
         i5 0..16
         i6 0..4
         i7 0..16
         t1[i0] = max:f32[i1](t0[i0, i1])
         t2[i2, i3] = exp((t0[i2, i3] - t1[i2]))
         t3[i4] = sum:f32[i5](t2[i4, i5])
         t4[i6, i7] = (t2[i6, i7] / t3[i6])",
    );
    assert_eq!(steps(&plan), ["max m", "pointwise e", "sum s", "pointwise y"]);
}

fn mean_plan(reader: &str) -> Plan {
    plan(&format!(
        ">x f32[4, 16]
         >z f32[4]
         |s f32[4]
         <y f32[4]
         i0 0..4
         i1 0..16
         i2 0..4
         t2[i0] = sum:f32[i1](t0[i0, i1])
         t3[i2] = {reader}"
    ))
}

#[test]
fn a_pointwise_reader_becomes_the_epilogue() {
    assert_eq!(steps(&mean_plan("(t2[i2] / 16.0:f32)")), ["sum y + epilogue"]);
    assert_eq!(steps(&mean_plan("((t2[i2] * t2[i2]) + t1[i2])")), ["sum y + epilogue"]);
    // Another element than its own.
    assert_eq!(steps(&mean_plan("t2[(3 - i2)]")).len(), 2);
    assert_eq!(steps(&mean_plan("(t2[i2] + t2[0])")).len(), 2);
}

#[test]
fn epilogues_follow_each_other_and_permutations() {
    let plan = plan(
        ">x f32[4, 5, 16]
         |s f32[4, 5]
         |m f32[5, 4]
         <y f32[5, 4]
         i0 0..4
         i1 0..5
         i2 0..16
         i3 0..5
         i4 0..4
         i5 0..5
         i6 0..4
         t1[i0, i1] = sum:f32[i2](t0[i0, i1, i2])
         t2[i3, i4] = (t1[i4, i3] / 16.0:f32)
         t3[i5, i6] = (t2[i5, i6] + 1.0:f32)",
    );
    assert_eq!(steps(&plan), ["sum y + epilogue"]);
}

#[test]
fn an_epilogue_reads_other_values_at_its_own_element() {
    let plan = plan(
        ">x f32[3, 3, 7]
         >z f32[3, 3]
         |s f32[3, 3]
         <y f32[3, 3]
         i0 0..3
         i1 0..3
         i2 0..7
         i3 0..3
         i4 0..3
         t2[i0, i1] = sum:f32[i2](t0[i0, i1, i2])
         t3[i3, i4] = (t2[i4, i3] + t1[i3, i4])",
    );
    assert_eq!(steps(&plan), ["sum y + epilogue"]);
}

#[test]
fn a_domain_of_the_reduction_becomes_its_guard() {
    let plan = plan(
        ">x f32[6, 16]
         |s f32[6]
         <y f32[6]
         i0 0..6
         i1 0..16
         i2 0..6
         t1[i0] where (i0 < 3) = sum:f32[i1](t0[(i0 + 3), i1])
         t2[i2] = if((i2 < 3), (t1[i2] + 1.0:f32), 0.0:f32)",
    );
    assert_eq!(steps(&plan), ["sum y + epilogue"]);
    let StepKind::Nest(nest) = &plan.steps.values().next().expect("a step").kind else { panic!("{plan:?}") };
    assert!(nest.domain.is_none() && nest.reduce.as_ref().is_some_and(|r| r.guard.is_some()));
}

#[test]
fn work_is_not_multiplied() {
    // exp would be evaluated 32 times as often.
    let text = ">x f32[16]
         >w f32[32, 16]
         |e f32[16]
         <y f32[32, 16]
         i0 0..16
         i1 0..32
         i2 0..16
         t2[i0] = exp(t0[i0])
         t3[i1, i2] = (t2[i2] * t1[i1, i2])";
    assert_eq!(steps(&plan(text)), ["pointwise e", "pointwise y"]);
    // A copy costs nothing, however often it is read.
    assert_eq!(steps(&plan(&text.replace("exp(t0[i0])", "t0[(15 - i0)]"))), ["pointwise y"]);
}

#[test]
fn a_transposition_is_absorbed_by_the_contraction() {
    let plan = plan(
        ">A f32[20, 30]
         >B f32[20, 25]
         |T f32[30, 20]
         |s f32[30, 25]
         <C f32[30, 25]
         i0 0..30
         i1 0..20
         i2 0..30
         i3 0..25
         i4 0..20
         i5 0..30
         i6 0..25
         t2[i0, i1] = t0[i1, i0]
         t3[i2, i3] = sum:f32[i4]((t2[i2, i4] * t1[i4, i3]))
         t4[i5, i6] = t3[i5, i6]",
    );
    assert_eq!(steps(&plan), ["gemm C"]);
    assert_eq!(plan.arena_bytes, 0);
}

#[test]
fn a_producer_is_inlined_into_a_reduction() {
    let plan = plan(
        ">x f32[4, 16]
         >y f32[4, 16]
         |d f32[4, 16]
         |s f32[4]
         <r f32[4]
         i0 0..4
         i1 0..16
         i2 0..4
         i3 0..16
         i4 0..4
         t2[i0, i1] = powi((t0[i0, i1] - t1[i0, i1]), 2)
         t3[i2] = sum:f32[i3](t2[i2, i3])
         t4[i4] = sqrt(t3[i4])",
    );
    assert_eq!(steps(&plan), ["sum r + epilogue"]);
}

#[test]
fn modes_keep_their_producer() {
    let plan = plan(
        ">x f32[8]
         |a f32[8]
         <y f32[8]
         i0 0..8
         i1 0..8
         t1[i0] = (t0[i0] + 1.0:f32)
         t2[i1] = t1[pad((i1 - 1))]",
    );
    assert_eq!(steps(&plan), ["pointwise a", "pointwise y"]);
}

#[test]
fn dead_steps_go_and_results_are_copied() {
    let plan = plan(
        ">x f32[8]
         |a f32[8]
         |c f32[3]
         <y f32[8]
         i0 0..8
         i1 0..8
         t1[i0] = exp(t0[i0])
         table t2 = [1.0, 2.0, 3.0]
         t3[i1] = (t0[i1] + 1.0:f32)",
    );
    assert_eq!(steps(&plan), ["pointwise y"]);
    assert_eq!(plan.buffers.len(), 2);
}

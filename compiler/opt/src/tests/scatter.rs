//! Guarded sums whose guard names the element cost as much as their terms.

use super::{plan, plan_with};
use crate::Options;
use ein_ir::plan::StepKind;

/// `n[v] = sum[b where ids[b] == v](w[b])` over a large dim.
const COUNTS: &str = ">ids i32[100] index_of [500]
     >w f32[100]
     <n f32[500]
     i0 0..500
     i1 0..100
     t2[i0] = sum:f32[i1 where (i64(t0[i1]) == i0)](t1[i1])";

#[test]
fn the_work_is_that_of_the_terms() {
    let plan = plan(COUNTS);
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps.values().map(|s| s.flops).sum::<u64>(), 100);
    let as_written = plan_with(COUNTS, &Options { opt_level: 0, ..Options::default() });
    assert_eq!(as_written.steps.values().map(|s| s.flops).sum::<u64>(), 50_000);
}

/// What stands before the equation may speak of the index: it is asked of the data then.
#[test]
fn earlier_conditions_speak_of_the_data() {
    let plan = plan(
        ">a i32[9]
         >b i32[9]
         >w f32[9]
         <n f32[7]
         i0 0..7
         i1 0..9
         t3[i0] = sum:f32[i1 where (((i0 % 2) == (i1 % 2)) and (i64(t0[i1]) == i0) and (i64(t1[i1]) != i0))](t2[i1])",
    );
    let StepKind::Nest(nest) = &plan.steps.values().next().expect("a step").kind else { panic!("no nest") };
    assert_eq!(nest.pins().len(), 1);
}

#[test]
fn checked_indices_need_no_condition_and_other_data_one_on_its_range() {
    let guard = |text: &str| {
        let plan = plan(text);
        let StepKind::Nest(nest) = &plan.steps.values().next().expect("a step").kind else { panic!("no nest") };
        let reduce = nest.reduce.as_ref().expect("a reduction");
        assert_eq!(reduce.pins.len(), 1);
        reduce.guard.is_some()
    };
    assert!(!guard(COUNTS));
    assert!(guard(&COUNTS.replace(" index_of [500]", "")));
    assert!(guard(&COUNTS.replace(" index_of [500]", " index_of [501]")));
}

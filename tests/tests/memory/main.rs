//! What calls allocate: nothing into arrays of the caller's, and no more than the peak that the plan states into fresh ones.
//!
//! One test alone, since allocations are counted for the whole process.

mod counting;
mod every;
mod stated;

#[test]
fn calls_allocate_what_the_plan_states() {
    stated::calls_allocate_what_the_plan_states();
    every::calls_allocate_what_the_plan_states();
}

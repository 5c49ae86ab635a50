//! What is not planned, faults, and the report.

use super::plan;
use crate::{Machine, table};

#[test]
fn argmax_of_nothing_can_fault() {
    let plan = plan(
        ">x f32[4, 5]
         <y i64[4]
         i0 0..4
         i1 0..5
         t1[i0] = argmax:f32[i1](t0[i0, i1])",
    );
    let codes: Vec<u16> = plan.faults.values().map(|f| f.code).collect();
    assert_eq!(codes, [ein_ir::interp::fault::EMPTY_ARGMAX]);
}

#[test]
fn only_divisions_by_data_can_fault() {
    let text = ">x i32[4]
         >d i32[4]
         <y i32[4]
         i0 0..4
         t2[i0] = if((t1[i0] != 0:i32), (t0[i0] // t1[i0]), (t0[i0] % 7:i32)) @5..9";
    let plan = plan(text);
    let codes: Vec<u16> = plan.faults.values().map(|f| f.code).collect();
    assert_eq!(codes, [ein_ir::interp::fault::DIVISION_BY_ZERO]);
}

#[test]
fn the_table_states_every_step() {
    let plan = plan(
        ">A f32[16, 32]
         >B f32[32, 24]
         |s f32[16, 24]
         <y f32[16]
         i0 0..16
         i1 0..24
         i2 0..32
         i3 0..16
         i4 0..24
         t2[i0, i1] = sum:f32[i2]((t0[i0, i2] * t1[i2, i1]))
         t3[i3] = max:f32[i4](t2[i3, i4])",
    );
    assert_eq!(
        table(&plan, &Machine::default()),
        "\
step  what                 modes      extents   flops  bytes  held  time    strategy  why
s0    s = A B              ik,kj->ij  16x24x32  24576  6656   1600  727 ns  gemm      a matrix product, m=16 n=24 k=32
s1    y = max:f32 over i1  i0 i1      16x24     384    1600   1600  52 ns   nest      reduction in generated loops
total: 24960 flops, 8256 bytes moved
time: 779 ns predicted for one thread of machine default
peak: 1600 bytes + threads x 29.0 KiB (arena 1536 bytes)
"
    );
}

#[test]
fn the_table_states_library_calls_and_constants() {
    let module = super::module(
        ">A f64[5, 40, 30]
         |c f64[3]
         |Q f64[5, 40, 30]
         |R f64[5, 30, 30]
         <y f64[3]
         i0 0..3
         table t1 = [0.0, 2.0, 0.0]
         (t2, t3) = qr(t0) {}
         t4[i0] = (t1[i0] * t3[0, 0, i0])",
    );
    let plan = crate::plan_module(&module, &crate::Options::default()).expect("a plan");
    assert_eq!(
        table(&plan, &Machine::default()),
        "\
step  what           modes  extents  flops   bytes   held    time     strategy  why
s0    Q, R = qr(A)          5x40x30  540000  259744  211768  60.0 us  library   library code, flops estimated, workspace 124.8 KiB
s1    y = pointwise  i0     3        3       36048   36024   741 ns   nest      generated loops
constant: c [3] of f64, 24 bytes, 1 of 3 values are not 0
total: 540003 flops, 295792 bytes moved
time: 60.8 us predicted for one thread of machine default
peak: 206.8 KiB + threads x 0 bytes (arena 206.8 KiB)
"
    );
}

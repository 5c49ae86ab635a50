//! Which sums of products become which steps, in which order.

use super::{plan, plan_with, steps};
use crate::Options;
use ein_ir::plan::{Plan, StepKind};

fn matmul(m: u64, n: u64, k: u64, dtype: &str) -> Plan {
    plan(&format!(
        ">A {dtype}[{m}, {k}]
         >B {dtype}[{k}, {n}]
         <C {dtype}[{m}, {n}]
         i0 0..{m}
         i1 0..{n}
         i2 0..{k}
         t2[i0, i1] = sum:{dtype}[i2]((t0[i0, i2] * t1[i2, i1]))"
    ))
}

#[test]
fn big_products_are_gemm_and_tiny_ones_loops() {
    let big = matmul(16, 17, 16, "f32");
    assert_eq!(steps(&big), ["gemm C"]);
    assert_eq!(big.steps.values().next().map(|s| (s.flops, s.bytes)), Some((2 * 16 * 17 * 16, 4 * (16 * 16 + 2 * 16 * 17))));
    assert_eq!(steps(&matmul(16, 17, 16, "c128")), ["gemm C"]);
    assert_eq!(steps(&matmul(8, 8, 8, "f32")), ["sum C"]);
    // Matrix-vector products count, dot and outer products do not.
    assert_eq!(steps(&matmul(80, 1, 80, "f64")), ["gemm C"]);
    assert_eq!(steps(&matmul(1, 1, 6400, "f64")), ["sum C"]);
    assert_eq!(steps(&matmul(70, 70, 1, "f64")), ["sum C"]);
    // There is no library for integers.
    assert_eq!(steps(&matmul(16, 17, 16, "i32")), ["sum C"]);
    assert_eq!(steps(&matmul(0, 17, 16, "f32")), ["sum C"]);
}

#[test]
fn labels_are_numbered_by_first_use() {
    let plan = matmul(16, 17, 18, "f32");
    let StepKind::Contraction(c) = &plan.steps.values().next().expect("a step").kind else { panic!("{plan:?}") };
    assert_eq!(
        (&c.extents[..], &c.out_labels[..], &c.lhs_labels[..], &c.rhs_labels[..]),
        (&[16, 17, 18][..], &[0, 1][..], &[0, 2][..], &[2, 1][..])
    );
}

/// `y[i] = sum[j, k] A[i, j] B[j, k] x[k]`, the matrices first.
const CHAIN: &str = ">A f32[20, 30]
    >B f32[30, 40]
    >x f32[40]
    <y f32[20]
    i0 0..20
    i1 0..30
    i2 0..40
    t3[i0] = sum:f32[i1, i2]((t0[i0, i1] * t1[i1, i2] * t2[i2]))";

#[test]
fn a_chain_is_split_in_the_cheaper_order() {
    let plan = plan(CHAIN);
    // Reversed: B x, then A (B x).
    let flops: u64 = plan.steps.values().map(|s| s.flops).sum();
    assert_eq!(flops, 2 * 30 * 40 + 2 * 20 * 30);
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn at_level_zero_nothing_is_split() {
    let plan = plan_with(CHAIN, &Options { opt_level: 0, ..Options::default() });
    assert_eq!(steps(&plan), ["sum y"]);
}

#[test]
fn labels_of_one_operand_are_summed_beforehand() {
    let plan = plan(
        ">A f64[30, 40]
         >B f64[50]
         <y f64[30]
         i0 0..30
         i1 0..40
         i2 0..50
         t2[i0] = sum:f64[i1, i2]((t0[i0, i1] * t1[i2]))",
    );
    // The product with the other sum is the epilogue of one of them.
    assert_eq!(steps(&plan).len(), 2);
    let flops: u64 = plan.steps.values().map(|s| s.flops).sum();
    assert!(flops <= 30 * 40 + 50 + 30, "{flops}");
}

#[test]
fn factors_outside_the_sum_multiply_the_result() {
    let plan = plan(
        ">A f32[20, 20]
         >B f32[20, 20]
         >s f32[]
         <C f32[20, 20]
         i0 0..20
         i1 0..20
         i2 0..20
         t3[i0, i1] = sum:f32[i2]((2.0:f32 * neg(t0[i0, i2]) * t2[] * t1[i2, i1]))",
    );
    let steps = steps(&plan);
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!(steps[0].starts_with("gemm") && steps[1] == "pointwise C", "{steps:?}");
}

#[test]
fn two_signs_cancel() {
    let text = ">A f32[20, 20]
         >B f32[20, 20]
         <C f32[20, 20]
         i0 0..20
         i1 0..20
         i2 0..20
         t2[i0, i1] = sum:f32[i2]((neg(t0[i0, i2]) * neg(t1[i2, i1])))";
    assert_eq!(steps(&plan(text)), ["gemm C"]);
    assert_eq!(steps(&plan(&text.replace("neg(t1[i2, i1])", "t1[i2, i1]"))).len(), 2);
}

#[test]
fn conjugates_and_diagonals_are_read_in_place() {
    let plan = plan(
        ">A c64[20, 20, 20]
         >B c64[20, 20]
         <C c64[20, 20]
         i0 0..20
         i1 0..20
         i2 0..20
         t2[i1, i0] = sum:c64[i2]((conj(t0[i2, i0, i0]) * t1[i2, i1]))",
    );
    assert_eq!(steps(&plan), ["gemm C"]);
    let StepKind::Contraction(c) = &plan.steps.values().next().expect("a step").kind else { panic!("{plan:?}") };
    // The left operand has the first axis of the result.
    assert_eq!((c.conjugate, &c.lhs_labels[..], &c.rhs_labels[..]), ((false, true), &[2, 0][..], &[2, 1, 1][..]));
}

#[test]
fn guards_and_partial_ranges_are_not_contractions() {
    let guarded = plan(
        ">A f32[20, 20]
         >B f32[20, 20]
         <C f32[20, 20]
         i0 0..20
         i1 0..20
         i2 0..20
         t2[i0, i1] = sum:f32[i2 where (i2 <= i0)]((t0[i0, i2] * t1[i2, i1]))",
    );
    assert_eq!(steps(&guarded), ["sum C"]);
    let partial = plan(
        ">A f32[20, 20]
         >B f32[20, 20]
         <C f32[20, 20]
         i0 0..20
         i1 0..20
         i2 1..20
         t2[i0, i1] = sum:f32[i2]((t0[i0, i2] * t1[i2, i1]))",
    );
    assert_eq!(steps(&partial), ["sum C"]);
}

/// Computed operands are computed once, where each is used often; else where they are used.
#[test]
fn computed_factors_get_buffers_in_products() {
    let cast = plan(
        ">A f32[20, 20]
         >B f32[20, 20]
         <C f64[20, 20]
         i0 0..20
         i1 0..20
         i2 0..20
         t2[i0, i1] = sum:f64[i2]((f64(t0[i0, i2]) * f64(t1[i2, i1])))",
    );
    assert_eq!(steps(&cast), ["pointwise C.3", "pointwise C.4", "gemm C"]);
    // So are functions and quotients.
    let computed = plan(
        ">A f32[20, 20]
         >B f32[20, 20]
         >z f32[20]
         <C f32[20, 20]
         i0 0..20
         i1 0..20
         i2 0..20
         t3[i0, i1] = sum:f32[i2]((exp(t0[i0, i2]) * (t1[i2, i1] / t2[i2])))",
    );
    assert_eq!(steps(&computed), ["pointwise C.4", "pointwise C.5", "gemm C"]);
    let vector = plan(
        ">A bf16[200, 200]
         >x f32[200]
         <y f32[200]
         i0 0..200
         i1 0..200
         t2[i0] = sum:f32[i1]((f32(t0[i0, i1]) * t1[i1]))",
    );
    assert_eq!(steps(&vector), ["sum y"]);
}

#[test]
fn integers_are_split_as_they_wrap() {
    let plan = plan(&CHAIN.replace("f32", "i32"));
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn never_more_work_than_written() {
    for (b, j, k, r) in [(2, 3, 4, 5), (10, 10, 10, 2), (1, 40, 40, 30), (30, 1, 5, 30), (12, 13, 14, 15)] {
        let text = format!(
            ">X f64[{b}, {j}, {k}]
             >B f64[{j}, {r}]
             >C f64[{k}, {r}]
             <M f64[{b}, {r}]
             i0 0..{b}
             i1 0..{r}
             i2 0..{j}
             i3 0..{k}
             t3[i0, i1] = sum:f64[i2, i3]((t0[i0, i2, i3] * t1[i2, i1] * t2[i3, i1]))"
        );
        let flops = |plan: &Plan| plan.steps.values().map(|s| s.flops).sum::<u64>();
        let written = plan_with(&text, &Options { opt_level: 0, ..Options::default() });
        assert!(flops(&plan(&text)) <= flops(&written), "{b} {j} {k} {r}");
    }
}

/// A chain of `n` small matrices, which only an order of pairs can carry out.
#[test]
fn long_chains_are_planned_quickly() {
    let n = 300;
    let mut text = String::new();
    for k in 0..n {
        text.push_str(&format!(">a{k} f32[4, 4]\ni{k} 0..4\n"));
    }
    let factors: Vec<String> = (0..n).map(|k| format!("t{k}[i{k}, i{}]", k + 1)).collect();
    let binders: Vec<String> = (1..n).map(|k| format!("i{k}")).collect();
    text.push_str(&format!("<y f32[4, 4]\ni{n} 0..4\nt{n}[i0, i{n}] = sum:f32[{}](({}))", binders.join(", "), factors.join(" * ")));
    let module = super::module(&text);
    let start = std::time::Instant::now();
    let plan = crate::plan(&module, &Options::default()).expect("a plan");
    assert_eq!(plan.steps.len(), n - 1);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

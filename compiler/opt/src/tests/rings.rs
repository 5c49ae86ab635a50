//! Rings whose laws hold of some values only: where the values are proved to be such, plans get better, and elsewhere they stay.
//!
//! Every plan is compared with the interpreter, on data at the ends of the stated bounds.

use super::{equations, module, plan, plan_with, steps};
use crate::{Minimize, Options};
use ein_ir::plan::Plan;

fn flops(plan: &Plan) -> u64 {
    plan.steps.values().map(|s| s.flops).sum()
}

/// The text with bounds at its inputs.
fn bounded(text: &str, bounds: &str) -> String {
    text.lines().map(|l| if l.starts_with('>') { format!("{l} in {bounds}\n") } else { format!("{l}\n") }).collect()
}

/// A product of three matrices, which is cheap from the right.
fn chain(choose: &str, mul: &str, dtype: &str) -> String {
    let inputs: [(&str, &[u64]); 3] = [("A", &[12, 10]), ("B", &[10, 11]), ("C", &[11, 1])];
    let body = format!("t3[i0, i3] = {choose}:{dtype}[i1, i2]((t0[i0, i1] {mul} t1[i1, i2] {mul} t2[i2, i3]))");
    equations(&inputs, &format!("<y {dtype}[12, 1]"), &[12, 10, 11, 1], &body, dtype)
}

/// Flops of the chain as one nest, and in the best order.
const NEST: u64 = 3 * 12 * 10 * 11;
const ORDER: u64 = 2 * (10 * 11 + 12 * 10);

#[test]
fn products_of_numbers_that_are_not_negative_are_regrouped_under_max_and_min() {
    for choose in ["max", "min"] {
        for dtype in ["f64", "f32", "i64", "i32", "u32"] {
            let text = chain(choose, "*", dtype);
            assert_eq!(flops(&plan(&bounded(&text, "0.0..9.0"))), ORDER, "{choose} {dtype}");
            // Nothing is known, or one may be negative.
            assert_eq!(flops(&plan(&text)), NEST, "{choose} {dtype}");
            if dtype != "u32" {
                assert_eq!(flops(&plan(&bounded(&text, "-1.0..9.0"))), NEST, "{choose} {dtype}");
            }
        }
    }
}

#[test]
fn sums_of_integers_that_cannot_overflow_are_regrouped_under_max_and_min() {
    for choose in ["max", "min"] {
        let of = |dtype: &str, bounds: &str| flops(&plan(&bounded(&chain(choose, "+", dtype), bounds)));
        // Three times the ends just fit, and just do not; data at the ends wraps around there.
        assert_eq!(of("i32", "-715827882.0..715827882.0"), ORDER);
        assert_eq!(of("i32", "-715827882.0..715827883.0"), NEST);
        assert_eq!(of("i32", "-715827883.0..715827882.0"), NEST);
        assert_eq!(of("u32", "0.0..1431655765.0"), ORDER);
        assert_eq!(of("u32", "0.0..1431655766.0"), NEST);
        assert_eq!(of("i64", "-100.0..9e15"), ORDER);
        assert_eq!(flops(&plan(&chain(choose, "+", "i32"))), NEST);
        assert_eq!(flops(&plan(&chain(choose, "+", "f32"))), ORDER);
        // Products fit where sums would.
        assert_eq!(flops(&plan(&bounded(&chain(choose, "*", "i32"), "0.0..1290.0"))), ORDER);
        assert_eq!(flops(&plan(&bounded(&chain(choose, "*", "i32"), "0.0..1291.0"))), NEST);
    }
}

#[test]
fn narrow_integers_do_not_overflow_in_wide_ones() {
    let text = ">A i8[12, 10]\n>B i8[10, 11]\n>C u8[11]\n<y i32[12]\ni0 0..12\ni1 0..10\ni2 0..11\n\
                t3[i0] = min:i32[i1, i2]((i32(t0[i0, i1]) + i32(t1[i1, i2]) + i32(t2[i2])))";
    assert_eq!(flops(&plan(text)), ORDER);
    // Positions in a table of indices.
    let text = ">A i64[12, 10] index_of [5]\n>B i64[10, 11] index_of [7]\n>C i64[11] index_of [9]\n<y i64[12]\ni0 0..12\ni1 0..10\ni2 0..11\n\
                t3[i0] = max:i64[i1, i2]((t0[i0, i1] * t1[i1, i2] * t2[i2]))";
    let ints = crate::plan(&module(text), &Options::default()).expect("a plan");
    assert_eq!(flops(&ints), ORDER, "{:?}", steps(&ints));
}

/// Whether `f` of elements `#` is known not to be negative: by whether the greatest product of any two is that of the greatest.
fn splits(f: &str) -> bool {
    let equation = |out: usize, of: usize| format!("t{out}[i{of}] = {}", f.replace('#', &format!("t{of}[i{of}]")));
    let text = format!(
        ">x f64[40]\n>y f64[50]\n|u f64[40]\n|v f64[50]\n<z f64[]\ni0 0..40\ni1 0..50\ni2 0..40\ni3 0..50\n{}\n{}\n\
         t4[] = max:f64[i2, i3]((t2[i2] * t3[i3]))",
        equation(2, 0),
        equation(3, 1)
    );
    let plan = plan_with(&text, &Options { minimize: Minimize::Flops, ..Options::default() });
    let of_result = plan.steps.values().filter(|s| s.kind.read().len() == 2).map(|s| s.flops).max().unwrap_or(0);
    of_result < 40 * 50
}

#[test]
fn expressions_that_are_not_negative_are_known() {
    let proved = [
        "abs(#)",
        "exp(#)",
        "(# * #)",
        "powi(#, 2)",
        "relu(#)",
        "max(#, 0.0:f64)",
        "max(0.5:f64, #)",
        "sqrt(abs(#))",
        "(exp(#) / (1.0:f64 + exp(#)))",
        "(abs(#) * (# * #))",
        "(abs(#) + 2.0:f64)",
        "min(abs(#), exp(#))",
        "if((# < 0.0:f64), neg(min(#, 0.0:f64)), sigmoid(#))",
        "f64(u8(#))",
        "f64(f32(abs(#)))",
        "f64((# > 0.0:f64))",
        "keep(abs(#))",
    ];
    for f in proved {
        assert!(splits(f), "{f}");
    }
    for f in
        ["(# + 0.0:f64)", "neg(abs(#))", "(abs(#) - 1.0:f64)", "min(#, 1.0:f64)", "max(#, -0.5:f64)", "sin(#)", "f64(i8(#))", "powi(#, 3)"]
    {
        assert!(!splits(f), "{f}");
    }
}

/// Factors need no equations of their own, and are computed once for each index that they have.
#[test]
fn factors_are_computed_where_they_are_used() {
    let inputs: [(&str, &[u64]); 2] = [("x", &[40]), ("y", &[50])];
    let body = "t2[] = max:f64[i0, i1]((abs(t0[i0]) * exp(t1[i1])))";
    let plan = plan(&equations(&inputs, "<z f64[]", &[40, 50], body, "f64"));
    assert!(flops(&plan) < 40 * 50, "{} {:?}", flops(&plan), steps(&plan));
}

/// Differences are sums with opposites, in rings of all numbers and where nothing overflows.
#[test]
fn differences_are_regrouped_as_sums_are() {
    let of = |choose: &str, dtype: &str, bounds: Option<&str>| {
        let text = chain(choose, "+", dtype);
        let text =
            text.replace("(t0[i0, i1] + t1[i1, i2] + t2[i2, i3])", &format!("((2:{dtype} - (t1[i1, i2] - t0[i0, i1])) - t2[i2, i3])"));
        let text = if dtype == "f64" { text.replace("2:f64", "2.0:f64") } else { text };
        let options = Options { minimize: Minimize::Flops, ..Options::default() };
        let text = bounds.map_or(text.clone(), |b| bounded(&text, b));
        // Sums of exponentials round differently in another order.
        flops(&if choose == "lse" {
            crate::plan(&module(&text), &options).expect("a plan").into_inner()
        } else {
            plan_with(&text, &options)
        })
    };
    for choose in ["max", "min"] {
        assert!(of(choose, "f64", None) < NEST && of(choose, "i32", Some("-9.0..9.0")) < NEST);
        assert_eq!(of(choose, "i32", None), of(choose, "u32", Some("0.0..9.0")));
        assert!(of(choose, "i32", None) > NEST);
    }
    assert!(of("lse", "f64", None) < NEST);
}

/// Factors of choices in rings of all numbers are computed apart too.
#[test]
fn computed_addends_are_taken_apart() {
    let inputs: [(&str, &[u64]); 3] = [("x", &[12, 10]), ("y", &[10, 11]), ("s", &[])];
    let body = "t3[i0] = max:f64[i1, i2]((abs(t0[i0, i1]) + (exp(t1[i1, i2]) * t2[])))";
    let plan = plan(&equations(&inputs, "<z f64[12]", &[12, 10, 11], body, "f64"));
    assert!(flops(&plan) < 3 * 12 * 10 * 11, "{} {:?}", flops(&plan), steps(&plan));
    // Conditions, where one is fault-free and has fewer indices.
    let text = ">a f64[12, 10]\n>b f64[10, 11]\n>c f64[11]\n<z bool[12]\ni0 0..12\ni1 0..10\ni2 0..11\n\
                t3[i0] = any:bool[i1, i2](((t0[i0, i1] < 0.0:f64) and (t1[i1, i2] < t2[i2])))";
    assert!(flops(&super::plan(text)) < 2 * 12 * 10 * 11);
}

/// A factor that the result has an axis for, and that no choice goes over.
#[test]
fn scales_that_are_not_negative_are_taken_out() {
    let inputs: [(&str, &[u64]); 2] = [("s", &[30]), ("A", &[20])];
    let body = "t2[i0] = max:f64[i1]((abs(t0[i0]) * abs(t1[i1])))";
    let plan = plan(&equations(&inputs, "<z f64[30]", &[30, 20], body, "f64"));
    assert!(flops(&plan) < 30 * 20, "{} {:?}", flops(&plan), steps(&plan));
}

/// Steps of a program are one network where all of it together cannot overflow, and two where not.
#[test]
fn networks_are_joined_as_far_as_they_are_proved() {
    let inputs: [(&str, &[u64]); 3] = [("A", &[12, 10]), ("B", &[10, 11]), ("C", &[11, 1])];
    let body = "t3[i0, i2] = min:i32[i1]((t0[i0, i1] + t1[i1, i2]))\nt4[i0, i3] = min:i32[i2]((t3[i0, i2] + t2[i2, i3]))";
    let text = equations(&inputs, "|t i32[12, 11]\n<y i32[12, 1]", &[12, 10, 11, 1], body, "i32");
    let of = |bounds: &str| flops(&plan(&bounded(&text, bounds)));
    assert_eq!(of("-100.0..1000.0"), ORDER);
    // Two of them cannot overflow, three can.
    assert_eq!(of("0.0..1e9"), 2 * 12 * 10 * 11 + 2 * 12 * 11);
}

/// The greatest of least values: the widest path, of any numbers.
#[test]
fn least_values_are_regrouped_under_max() {
    for (outer, inner) in [("max", "min"), ("min", "max")] {
        for dtype in ["f32", "i64"] {
            let text = chain(outer, "*", dtype)
                .replace("(t0[i0, i1] * t1[i1, i2] * t2[i2, i3])", &format!("{inner}({inner}(t0[i0, i1], t1[i1, i2]), t2[i2, i3])"));
            assert_eq!(flops(&plan(&text)), ORDER, "{outer} {inner} {dtype}");
        }
    }
}

/// Of no or one element, with bounds and without: the greatest of none is the end of the type, whatever it is multiplied by.
#[test]
fn empty_choices_are_the_ends_of_types() {
    for (choose, mul) in [("max", "*"), ("min", "*"), ("max", "+"), ("min", "+")] {
        for dtype in ["f64", "i32", "u32"] {
            for (n, m) in [(0, 3), (3, 0), (0, 0), (1, 1), (1, 3)] {
                let inputs: [(&str, &[u64]); 3] = [("x", &[n]), ("y", &[m]), ("s", &[2])];
                let body = format!(
                    "t3[] = {choose}:{dtype}[i0, i1]((t0[i0] {mul} t1[i1]))\nt4[i2] = {choose}:{dtype}[i0]((t2[i2] {mul} t0[i0]))\n\
                     t5[i2] = {choose}:{dtype}[i1]((t4[i2] {mul} t1[i1]))"
                );
                let outputs = format!("<a {dtype}[]\n<b {dtype}[2]\n<c {dtype}[2]");
                plan(&bounded(&equations(&inputs, &outputs, &[n, m, 2], &body, dtype), "0.0..3.0"));
            }
        }
    }
}

/// What a program states as a zero of another ring is a number like others here.
#[test]
fn stated_values_are_no_zeros_of_these_rings() {
    let of = |dtype: &str, choose: &str, mul: &str, other: &str| {
        let inputs: [(&str, &[u64]); 2] = [("A", &[6, 6]), ("B", &[6, 5])];
        let body = format!(
            "t2[i0, i1] = if((i1 <= i0), t0[i0, i1], {other}:{dtype})\nt3[i0, i2] = {choose}:{dtype}[i1]((t2[i0, i1] {mul} t1[i1, i2]))\n\
             t4[i2] = {choose}:{dtype}[i1]((t2[0, i1] {mul} t1[i1, i2]))"
        );
        let text = equations(&inputs, &format!("|L {dtype}[6, 6]\n<y {dtype}[6, 5]\n<z {dtype}[5]"), &[6, 6, 5], &body, dtype);
        plan(&bounded(&text, "0.0..3.0"));
    };
    of("u32", "max", "*", "0");
    of("i32", "max", "*", "0");
    of("f64", "max", "*", "0.0");
    of("f64", "min", "*", "inf");
    of("f64", "max", "*", "-inf");
    of("i32", "min", "+", "2147483647");
    of("i32", "max", "+", "-2147483648");
    of("i32", "min", "+", "2147483644");
}

/// Integers of a stated range whose sums floats hold exactly are multiplied as such, whatever their type is.
#[test]
fn stated_ranges_make_products_of_integers_fast() {
    let inputs: [(&str, &[u64]); 2] = [("A", &[24, 40]), ("B", &[40, 20])];
    let text = equations(&inputs, "<y i64[24, 20]", &[24, 20, 40], "t2[i0, i1] = sum:i64[i2]((t0[i0, i2] * t1[i2, i1]))", "i64");
    let of = |bounds: &str| steps(&plan(&bounded(&text, bounds))).iter().any(|step| step.starts_with("gemm"));
    // 40 squares of 15 million are less than 2^53, of 15.1 million more.
    assert!(of("-1000.0..1000.0") && of("-15000000.0..15000000.0") && !of("-15100000.0..15.0"));
    assert!(!steps(&plan(&text)).iter().any(|step| step.starts_with("gemm")));
}

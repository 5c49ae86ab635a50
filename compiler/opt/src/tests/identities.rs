//! What expressions lose before they are planned, and in the steps that fusion makes.

use super::{module, plan, steps};
use crate::Options;

fn flops_at(text: &str, opt_level: u8) -> u64 {
    let plan = crate::plan_module(&module(text), &Options { opt_level, ..Options::default() }).expect("a plan");
    plan.steps.values().map(|s| s.flops).sum()
}

/// A program of one line over `x` and `y` of eight elements, compared with its meaning; flops an element as written and as planned.
#[track_caller]
fn flops(dtype: &str, body: &str) -> (u64, u64) {
    let text = format!(">x {dtype}[8]\n>y {dtype}[8]\n<z {dtype}[8]\ni0 0..8\nt2[i0] = {body}");
    plan(&text);
    (flops_at(&text, 0) / 8, flops_at(&text, 1) / 8)
}

#[test]
fn what_does_nothing_is_not_computed() {
    assert_eq!(flops("f64", "exp(((t0[i0] * 1.0:f64) - 0.0:f64))"), (3, 1));
    assert_eq!(flops("f64", "neg(neg(t0[i0]))"), (2, 0));
    assert_eq!(flops("f64", "exp((t0[i0] - neg(t1[i0])))"), (3, 2));
    assert_eq!(flops("f64", "relu(relu(t0[i0]))"), (2, 1));
    assert_eq!(flops("f64", "max(max(t0[i0], 1.0:f64), 2.0:f64)"), (2, 1));
    assert_eq!(flops("i64", "((t0[i0] + 0) * (1 + (0 * t1[i0])))"), (4, 0));
    assert_eq!(flops("i64", "(if(not((t0[i0] < t1[i0])), t0[i0], t0[i0]) + 1)"), (3, 1));
    // What floats do not obey.
    assert_eq!(flops("f64", "exp((t0[i0] + (0.0:f64 * t1[i0])))"), (3, 3));
    assert_eq!(flops("f64", "keep(neg(neg(t0[i0])))"), (2, 2));
}

/// Two signs that meet only where a value is computed where it is read.
#[test]
fn expressions_are_simplified_once_more_after_fusion() {
    let text = ">x f64[8]
         |a f64[8]
         <y f64[8]
         i0 0..8
         i1 0..8
         t1[i0] = neg(exp(t0[i0]))
         t2[i1] = exp(neg(t1[i1]))";
    assert_eq!(steps(&plan(text)), ["pointwise y"]);
    assert_eq!((flops_at(text, 0), flops_at(text, 1)), (32, 16));
}

#[test]
fn a_factor_of_one_does_not_hide_a_product() {
    let of = |body: &str| {
        let text =
            format!(">A f64[30, 20]\n>B f64[20, 40]\n<C f64[30, 40]\ni0 0..30\ni1 0..40\ni2 0..20\nt2[i0, i1] = sum:f64[i2]({body})");
        steps(&plan(&text))
    };
    assert_eq!(of("(neg(neg(t0[i0, i2])) * (t1[i2, i1] - 0.0:f64))"), of("(t0[i0, i2] * t1[i2, i1])"));
    assert_eq!(of("(if(true, t0[i0, i2], 0.0:f64) * max(t1[i2, i1], -inf:f64))"), of("(t0[i0, i2] * t1[i2, i1])"));
}

//! Functions and guards of real secrets: each result is as near to that of the program in the clear as the plan says.

use super::{difference, refused, same};
use ein::packed::{Available, PackOptions};
use ein::{Compiler, Tensor, TensorRef};

/// Plans the last definition, and compares it with itself in the clear: no farther off than the bound that is printed.
fn within_its_bound(source: &str, sizes: &[(&str, i64)], slots: u32) {
    let program = Compiler::new().compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let function = program.main_def().expect("a definition");
    let options = PackOptions { slots, ..PackOptions::default() };
    let planned = function.planned(sizes, &options, Available::default()).unwrap_or_else(|e| panic!("{source}\n{}", e.render(false)));
    let errors = planned.levels.and_then(|levels| levels.errors).expect("bounds of a small program");
    let bound = errors.results[0].bound;
    assert!(bound.is_finite() && errors.taken.is_empty(), "{source}\n{errors:?}");
    let (worst, counts) = difference(source, sizes, slots);
    assert!(worst <= bound, "{worst} is beyond {bound}: {source}\n{counts}");
}

#[test]
fn softmax_under_guards() {
    let causal = "use std.attention.{causal_attention};
    def f<H, S, E>(q: secret f32[1, H, S, E] in -1.0..1.0, k: secret f32[1, H, S, E] in -1.0..1.0, v: secret f32[1, H, S, E] in -1.0..1.0)
        -> o: secret f32[1, H, S, E] { o = causal_attention(q, k, v); }";
    let window = causal.replace("causal_attention", "window_attention").replace("(q, k, v);", "(q, k, v, window = 2);");
    for source in [causal, &window] {
        within_its_bound(source, &[("H", 2), ("S", 3), ("E", 2)], 64);
    }
    let rows = "def f<N>(x: secret f64[N, N] in -1.0..1.0, keep: bool[N, N]) -> y: secret f64[N, N] {
        e[i, j] = if j < i or (j == 0) then exp(x[i, j]) else 0.0;
        y[i, j] = e[i, j] / sum[k](e[i, k]);
    }";
    within_its_bound(&rows.replace(", keep: bool[N, N]", ""), &[("N", 4)], 32);
    // What nobody knows of a mask, and rows of which nothing is admitted.
    let masked = rows.replace("j < i or (j == 0)", "keep[i, j]");
    assert_eq!(refused(&masked, &[("N", 4)]), [713]);
    let empty = rows.replace(" or (j == 0)", "").replace(", keep: bool[N, N]", "");
    assert_eq!(refused(&empty, &[("N", 4)]), [713]);
    let left_out =
        empty.replace("y[i, j] = e[i, j] / sum[k](e[i, k]);", "z[i] = sum[k](e[i, k]); y[i, j] = if i > 0 then e[i, j] / z[i] else 0.0;");
    within_its_bound(&left_out, &[("N", 4)], 32);
}

/// Weights of a mean add up to 1, and the bound knows it.
#[test]
fn attention_of_the_library_has_a_small_bound() {
    let source = "use std.attention.{attention};
    def f<H, S, E>(q: secret f32[1, H, S, E] in -1.0..1.0, k: secret f32[1, H, S, E] in -1.0..1.0, v: secret f32[1, H, S, E] in -1.0..1.0)
        -> o: secret f32[1, H, S, E] { o = attention(q, k, v); }";
    let function = Compiler::new().compile(source).unwrap();
    let sizes = [("H", 2), ("S", 8), ("E", 16)];
    let planned = function.main_def().unwrap().planned(&sizes, &PackOptions::default(), Available::default());
    let errors = planned.unwrap_or_else(|e| panic!("{}", e.render(false))).levels.and_then(|levels| levels.errors).expect("a bound");
    assert!(errors.results[0].bound < 0.1 && errors.results[0].magnitude < 1.01, "{errors:?}");
}

#[test]
fn lse_under_guards() {
    let lse = "def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] { y[i] = lse[j where j <= i](x[j]); }";
    within_its_bound(lse, &[("N", 4)], 16);
    assert_eq!(refused(&lse.replace("<=", "<"), &[("N", 4)]), [710]);
}

/// The polynomial of such a maximum is nothing.
#[test]
fn maxima_that_ranges_decide() {
    for f in ["max(x[i], y[i] + 5.0) * x[i]", "exp(min(x[i], y[i] - 4.0))", "min(x[i] + y[i], -3.0) - x[i]"] {
        let source =
            format!("def f<N>(x: secret f64[N] in -1.0..1.0, y: secret f64[N] in -1.0..1.0) -> r: secret f64[N] {{ r[i] = {f}; }}");
        within_its_bound(&source, &[("N", 5)], 8);
    }
}

#[test]
fn arguments_have_products_of_parts_of_public_tensors() {
    for f in [
        "exp(x[0] - w[2] * w[2])",
        "min(x[i], w[1] * w[1])",
        "relu(x[i] - w[2] * w[i])",
        "(if i >= 1 then abs(x[i] * w[2]) else 0.0)",
        "(if i >= 1 then log1p(w[0] * w[i] + 1.5 + x[i] * w[2]) else 0.0)",
    ] {
        let source = format!("def f(w: f64[4] in -1.0..1.0, x: secret f64[4] in -1.0..1.0) -> y: secret f64[4] {{ y[i] = {f} * w[i]; }}");
        within_its_bound(&source, &[], 8);
    }
}

#[test]
fn what_is_public_may_be_declared_secret() {
    for f in ["exp(s[i]) * x[i] * w[i]", "w[i] + x[i] / (2.0 + s[i])", "max(s[i], 0.1) * x[i] - w[i]"] {
        let source = format!(
            "def f(w: f64[4] in -1.0..1.0, x: secret f64[4] in -1.0..1.0) -> (y: secret f64[4], s: secret f64[4]) {{
              s[i] = w[i] + 0.5;
              y[i] = {f};
            }}"
        );
        within_its_bound(&source, &[], 8);
    }
}

#[test]
fn what_is_never_negative_has_roots() {
    let of = |f: &str, within: &str| format!("def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64[N]{within} {{ y[i] = {f}; }}");
    for f in [
        "log1p(abs(x[i]))",
        "sqrt(1.0 + abs(x[i]))",
        "min(max(x[i], -0.5), 0.5)",
        "abs(x[i])^1.5",
        "sqrt(0.1 + x[i] * x[i])",
        "sqrt(x[i] * x[i])",
    ] {
        within_its_bound(&of(f, ""), &[("N", 5)], 8);
    }
    // Where the argument is no more than close to 0, its root may be anything.
    for f in ["sqrt(abs(x[i]))", "sqrt(relu(x[i]))"] {
        for within in ["", " within abs 1e-2"] {
            assert_eq!(refused(&of(f, within), &[("N", 4)]), [710], "{f}");
        }
        within_its_bound(&of(f, " within abs 1e-1"), &[("N", 5)], 8);
    }
    let lengths = "def f<N>(x: secret f64[N, N] in -1.0..1.0) -> y: secret f64[N] { y[i] = sqrt(sum[j]((3.0 * x[i, j])^2)); }";
    within_its_bound(lengths, &[("N", 4)], 16);
}

#[test]
fn what_is_read_nowhere_is_not_computed() {
    let of = |f: &str| {
        format!("def f<N>(x: secret f64[N] in -1.0..1.0, m: secret f64[N, N] in -1.0..1.0) -> y: secret f64[N] {{ y[i] = {f}; }}")
    };
    let divided = "def f(x: secret f64[4] in -1.0..1.0) -> y: secret f64[4] { y[i] = if i < 4 then x[i] else 1.0 / x[i]; }";
    within_its_bound(divided, &[], 8);
    for f in [
        "if i > 7 then log(x[i]) else x[i]",
        "if i > 0 then (if i == 0 then log(x[i]) else 2.0 * x[i]) else exp(x[i])",
        "if i > 0 then lse[k where k < i](m[i, k]) else x[i]",
        "if i > 0 then log(sum[k where k < i](exp(m[i, k]))) else x[i]",
    ] {
        within_its_bound(&of(f), &[("N", 4)], 16);
    }
    for f in ["if i > 2 then log(x[i]) else x[i]", "if i >= 0 then lse[k where k < i](m[i, k]) else x[i]"] {
        assert_eq!(refused(&of(f), &[("N", 4)]), [710], "{f}");
    }
}

#[test]
fn trees_under_guards() {
    let of = |f: &str| {
        format!("def f<N>(x: secret f64[N] in -1.0..1.0, m: secret f64[N, N] in -1.0..1.0) -> y: secret f64[N] {{ y[i] = {f}; }}")
    };
    for f in [
        "max[k where k <= i](m[i, k])",
        "min[k where k <= i](m[i, k] * x[k] - 0.5)",
        "if i > 0 then max[k where k < i](m[i, k]) else x[i]",
        "max[r in 0..3](x[pad(i + r - 1, -inf)])",
        "if i > 0 then log(2.0 + prod[k where k < i](m[i, k])) else x[i]",
    ] {
        within_its_bound(&of(f), &[("N", 3)], 16);
    }
    for (f, code) in [("max[k where k < i](m[i, k])", 714), ("max[r in 0..3](x[pad(i + r + 2, -inf)])", 714)] {
        assert_eq!(refused(&of(f), &[("N", 3)]), [code], "{f}");
    }
}

/// Functions that the library has for each element, whose constants are given in a call.
#[test]
fn elements_of_the_library() {
    for (module, call) in
        [("nn", "leaky_relu(x, 0.1)"), ("nn", "elu(x, 1.0)"), ("nn", "elu(x, 0.5)"), ("nn", "mish(x)"), ("norm", "normalise(z)")]
    {
        let name = call.split('(').next().unwrap();
        let source = format!(
            "use std.{module}.{{{name}}};
            def f<N>(x: secret f32[N] in -1.0..1.0) -> y: secret f32[N] {{ z[i] = x[i] + 2.0; y = {call}; }}"
        );
        within_its_bound(&source, &[("N", 5)], 8);
    }
    for call in ["huber(x, t, 0.5)", "bce_with_logits(x, t)", "focal(x, t, 2.0)"] {
        let name = call.split('(').next().unwrap();
        let source = format!(
            "use std.loss.{{{name}}};
            def f<N>(x: secret f32[N] in -1.0..1.0, t: f32[N] in -1.0..1.0) -> l: secret f32 {{ l = {call}; }}"
        );
        within_its_bound(&source, &[("N", 5)], 8);
    }
}

#[test]
fn products_over_an_axis_are_trees() {
    let all = "def f<N, M>(x: secret i64[N, M], w: i64[M]) -> (y: secret i64[N], z: secret i64) {
        y[i] = prod[j](x[i, j] + w[j]);
        z = prod[i, j](x[i, j]);
    }";
    for (n, m) in [(1, 1), (2, 3), (3, 2), (2, 5)] {
        same(all, &[("x", &[n, m], (-3, 3)), ("w", &[m], (-3, 3))], 32);
    }
    let guarded = "def f<N>(x: secret i64[N]) -> y: secret i64[N] { y[i: N] = prod[j where j <= i](x[j]); }";
    same(guarded, &[("x", &[5], (-3, 3))], 32);
    let reals = "def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64 { y = prod[i](1.0 + 0.5 * x[i]); }";
    let (worst, counts) = difference(reals, &[("N", 8)], 16);
    assert!(worst < 1e-9 && counts.depth <= 7, "{worst} with {counts}");
    // No length needs a level more than the next power of two, nor a selection.
    let plain = reals.replace("1.0 + 0.5 * x[i]", "x[i]");
    for n in 2..=20_u32 {
        let (worst, counts) = difference(&plain, &[("N", n.into())], 32);
        let levels = n.next_power_of_two().ilog2() as usize;
        assert!(worst < 1e-9 && (counts.depth, counts.mulcc, counts.mulcp) == (levels, levels, 0), "{n}: {worst} with {counts}");
    }
}

/// Key switches come before rescalings where noise is no small part of what is computed: with that a norm has a bound that says something, and what
/// is drawn is within it, where elements are as small as what is added to their squares too.
#[test]
fn norms_of_small_elements_are_within_their_bounds() {
    let source = "use std.norm.{rms_norm};
    def f<N, D>(x: secret f32[N, D] in -1.0..1.0, g: f32[D] in -1.0..1.0) -> y: secret f32[N, D] { y = rms_norm(x, g); }";
    let program = Compiler::new().compile(source).unwrap();
    let function = program.main_def().unwrap();
    let options = PackOptions { slots: 64, ..PackOptions::default() };
    let planned = function.planned(&[("N", 2), ("D", 4)], &options, Available::default()).unwrap();
    let bound = planned.levels.and_then(|levels| levels.errors).expect("a bound").results[0].bound;
    assert!(bound < 0.25, "{bound}");
    let ones = Tensor::from_vec(&[4], vec![1.0_f32; 4]).unwrap();
    for (seed, scale) in (0..).zip([1.0, 1e-1, 1e-2, 3e-3, 1e-3, 7e-4, 3e-4, 1e-4, 1e-6]) {
        let elements = (0..8).map(|k| scale * [0.9_f32, -0.5, 0.1, -1.0, 0.3, 0.7, -0.2, 0.6][k]).collect();
        let x = Tensor::from_vec(&[2, 4], elements).unwrap();
        let inputs: [(&str, TensorRef<'_>); 2] = [("x", (&x).into()), ("g", (&ones).into())];
        let (_, exact) = function.simulate(&inputs, &[], &options).unwrap();
        let noisy = function.simulate_with_noise(&inputs, &[], &options, seed).unwrap().results;
        let [exact, noisy] = [&exact, &noisy].map(|results| TensorRef::from(&results[0].1).as_array::<f32>().unwrap().to_owned());
        let worst = exact.iter().zip(&noisy).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
        assert!(worst <= bound, "{scale}: {worst} beyond {bound}");
    }
}

/// What an iteration begins with is nearer to what it should be where its noise is a larger part of that: sums of many weights, or of next to none,
/// have bounds, and what is drawn is within them.
#[test]
fn means_by_weights_that_may_be_nothing_are_within_their_bounds() {
    let source = "def f<D>(x: secret f64[D] in -1.0..1.0, m: secret f64[D] in 0.0..1.0) -> y: secret f64 {
        y = sum[j](m[j] * x[j]) / (sum[j](m[j]) + 0.001);
    }";
    let program = Compiler::new().compile(source).unwrap();
    let function = program.main_def().unwrap();
    let options = PackOptions { slots: 64, ..PackOptions::default() };
    let planned = function.planned(&[("D", 64)], &options, Available::default()).unwrap();
    let bound = planned.levels.and_then(|levels| levels.errors).expect("a bound").results[0].bound;
    assert!(bound < 0.05, "{bound}");
    let x = Tensor::from_vec(&[64], (0..64).map(|k| f64::from(k * 37 % 64) / 32.0 - 1.0).collect()).unwrap();
    for (seed, scale) in (0..).zip([1.0, 0.9, 0.3, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 0.0]) {
        let m = Tensor::from_vec(&[64], (0..64).map(|k| scale * f64::from(k * 11 % 64 + 1) / 64.0).collect()).unwrap();
        let inputs: [(&str, TensorRef<'_>); 2] = [("x", (&x).into()), ("m", (&m).into())];
        let (_, exact) = function.simulate(&inputs, &[], &options).unwrap();
        let noisy = function.simulate_with_noise(&inputs, &[], &options, seed).unwrap().results;
        let [exact, noisy] = [&exact, &noisy].map(|results| TensorRef::from(&results[0].1).as_array::<f64>().unwrap().sum());
        assert!((exact - noisy).abs() <= bound, "{scale}: {exact} and {noisy} beyond {bound}");
    }
}

/// Two comparisons in a row have secure parameters, more have none: those are planned, and refused where there would be ciphertexts.
#[test]
fn the_greatest_of_a_few() {
    let max = "def f<N, M>(x: secret f64[N, M] in -1.0..1.0) -> y: secret f64[N] { y[i] = max[j](x[i, j]); }";
    for m in [1, 2, 3, 4] {
        within_its_bound(max, &[("N", 2), ("M", m)], 16);
    }
    within_its_bound(&max.replace("max[", "min["), &[("N", 2), ("M", 3)], 16);
    assert_eq!(refused(max, &[("N", 2), ("M", 65)]), [714]);
    assert_eq!(refused(&max.replace(" in -1.0..1.0", ""), &[("N", 2), ("M", 4)]), [710]);
    assert_eq!(refused(&max.replace("f64", "i64").replace(" in -1.0..1.0", ""), &[("N", 2), ("M", 4)]), [714]);
}

#[test]
fn functions_of_whole_tensors() {
    let solve = "def f<N, K>(a: f64[N, N], b: secret f64[N, K] in -1.0..1.0) -> x: secret f64[N, K] { x = solve(a, b); }";
    same(solve, &[("a", &[3, 3], (-9, 9)), ("b", &[3, 2], (-8, 8))], 16);
    same(&solve.replace("[N, K]", "[N]").replace("<N, K>", "<N>"), &[("a", &[4, 4], (-9, 9)), ("b", &[4], (-8, 8))], 16);
    let squares = "def f<M, N>(a: f64[M, N], b: secret f64[M]) -> x: secret f64[N] { x = lstsq(a, b); }";
    same(squares, &[("a", &[5, 3], (-9, 9)), ("b", &[5], (-8, 8))], 16);
    same(
        &squares.replace("f64[M])", "f64[M, 2])").replace("f64[N] {", "f64[N, 2] {"),
        &[("a", &[4, 3], (-9, 9)), ("b", &[4, 2], (-8, 8))],
        16,
    );
    let scan = "def f<N>(a: f64[N, N], x: secret f64[N] in -1.0..1.0) -> y: secret f64[N] {
        scan _ in 0..2 { z = solve(a, prev y); y[i]: f64 = z[i] + x[i] from x[i]; }
    }";
    same(scan, &[("a", &[3, 3], (-9, 9)), ("x", &[3], (-8, 8))], 16);
    for (call, code) in [("sort(x)", 714), ("solve(a, x)", 0)] {
        let once =
            format!("def f<N>(a: f64[N, N], x: secret f64[N]) -> y: secret f64[N] {{ b = inv(a); z = {call}; y[i] = z[i] + b[i, i]; }}");
        let codes: &[u16] = if code == 0 { &[] } else { &[code] };
        assert_eq!(refused(&once, &[("N", 4)]), codes, "{call}");
        let scan = "scan _ in 0..3 { z = CALL; y[i]: f64 = z[i] + prev y[i] from x[i]; }".replace("CALL", call);
        let each = format!("def f<N>(a: f64[N, N], x: secret f64[N]) -> y: secret f64[N] {{ {scan} }}");
        assert_eq!(refused(&each, &[("N", 4)]), codes, "{call}");
    }
    let transform = "def f<N>(x: secret f64[N]) -> y: secret f64 { z = rfft(x); y = abs(z[0]); }";
    assert_eq!(refused(transform, &[("N", 4)])[0], 716);
}

/// No secret decides what ranges do, and what is read nowhere costs nothing.
#[test]
fn conditions_that_ranges_decide() {
    let of = |body: &str| format!("def f<N>(x: secret f64[N] in -1.0..1.0) -> y: secret f64 {{ {body} }}");
    let below = "y = sum[i](x[i]) + sum[i](if i < 4 then x[i] else 1.0 / x[i]);";
    for body in [
        "y = sum[i where x[i] > -2.0](x[i]);",
        "y = sum[i](if x[i] + 3.0 < 1.0 then 1.0 else 1.0 / (x[i] + 3.0));",
        "y = sum[i]((x[i] >= -1.0) as f64 * x[i]) + prod[i where x[i] < 1.5](x[i]);",
        below,
    ] {
        within_its_bound(&of(body), &[("N", 4)], 16);
    }
    // That the branch is read is known with the sizes.
    assert_eq!(refused(&of(below), &[("N", 5)]), [713]);
    let (worst, counts) = difference(&of("y = x[0] + sum[i where i >= 4](x[i]);"), &[("N", 4)], 16);
    assert!(worst == 0.0 && counts.rotations == 0 && counts.mulcp == 0, "{worst} {counts}");
    // Close to the end of a range a computed value may be beyond it.
    let near = Compiler::new().compile(&of("y = sum[i where 3.0 * x[i] <= 3.0](x[i]);")).and_then(|program| program.main_def());
    assert!(near.err().is_some_and(|error| error.render(false).contains("E0712")), "nothing decides the guard");
    let divergence = "use std.loss; def f<N>(p: secret f32[N, N] in 0.05..1.0, q: secret f32[N, N] in 0.05..1.0) -> d: secret f32 {
        d = loss.kl(p, q);
    }";
    assert_eq!(refused(divergence, &[("N", 2)]), [0; 0]);
}

/// How close a polynomial is follows from the results that are computed from it, and not from others.
#[test]
fn budgets_are_those_of_the_results_that_read() {
    let source = |on: &str| {
        let (y, w) = if on == "y" { (" within abs 1e-5", "") } else { ("", " within abs 1e-5") };
        format!(
            "def f<N>(x: secret f64[N] in 0.0..1.0, z: secret f64[N] in -1.0..1.0) -> (y: secret f64[N]{y}, w: secret f64[N]{w}) {{
                y[i] = 2.0 * z[i]; w[i] = sqrt(x[i]);
            }}"
        )
    };
    assert_eq!(refused(&source("y"), &[("N", 4)]), [0; 0]);
    let program = Compiler::new().compile(&source("w")).expect("a program");
    let found = program.main_def().expect("a definition").packed(&[("N", 4)], &PackOptions { slots: 64, ..PackOptions::default() });
    let refusal = found.expect_err("a root that is steep").render(false);
    assert!(refusal.contains("let `w` be off by more: `within abs "), "{refusal}");
}

/// Numbers that are too large for the moduli of the products take levels, wherever levels are counted.
#[test]
fn explanations_count_the_levels_of_large_numbers() {
    let source = "def f<N>(x: secret f64[N] in -1000000.0..1000000.0) -> y: secret f64[N] { y[i] = x[i] * x[i] * x[i]; }";
    let function = Compiler::new().compile(source).expect("a program").main_def().expect("a definition");
    let options = PackOptions { slots: 64, ..PackOptions::default() };
    let levels = function.planned(&[("N", 4)], &options, Available::default()).expect("a plan").levels.expect("reals");
    let text = function.explain_packed(&[("N", 4)], &options).expect("an explanation");
    let explained = text.lines().find(|line| line.starts_with("levels ")).and_then(|line| line.split_whitespace().nth(1));
    assert!(levels.spare > 0 && explained == Some(&levels.needed.to_string()), "{levels:?}\n{text}");
}

/// A result has a bound whatever others are computed from.
#[test]
fn bounds_are_those_of_each_result() {
    let source = "def f<N>(x: secret f64[N] in 0.0..1.0, z: secret f64[N] in -1.0..1.0) -> (y: secret f64[N], w: secret f64[N]) {
        y[i] = rsqrt(x[i] + 0.0000001); w[i] = 2.0 * z[i];
    }";
    let function = Compiler::new().compile(source).expect("a program").main_def().expect("a definition");
    let planned = function.planned(&[("N", 4)], &PackOptions { slots: 64, ..PackOptions::default() }, Available::default());
    let errors = planned.expect("a plan").levels.and_then(|levels| levels.errors).expect("bounds");
    let bounds: Vec<f64> = errors.results.iter().map(|result| result.bound).collect();
    assert!(bounds[0].is_infinite() && bounds[1] < 1e-5, "{errors:?}");
}

/// What was refused is no reason for another refusal.
#[test]
fn what_follows_from_a_refusal_is_not_said() {
    let complex = "def f<N>(psi: secret c128[N]) -> p: secret f64[N] { p[k] = real(psi[k] * conj(psi[k])); }";
    assert_eq!(refused(complex, &[("N", 4)]), [716]);
    let truth = "def f<N>(x: secret bool[N]) -> y: secret bool { y = any[i](x[i]); }";
    assert_eq!(refused(truth, &[("N", 4)]), [716]);
    let greatest = "def f<N>(x: secret f64[N] in -1.0..1.0, keep: bool[N]) -> y: secret f64[N] {
        m = max[j where keep[j]](x[j]); y[i] = tanh(x[i] - m);
    }";
    assert_eq!(refused(greatest, &[("N", 4)]), [714]);
}

/// One mistake for one cause.
#[test]
fn what_lacks_a_range_is_said_once() {
    let source =
        "def f<N>(x: secret f64[N], z: secret f64[N]) -> (a: secret f64[N], b: secret f64[N], c: secret f64[N], d: secret f64[N]) {
        a[i] = exp(x[i]); b[i] = tanh(a[i]); c[i] = exp(2.0 * x[i]); d[i] = exp(z[i] + x[i]);
    }";
    assert_eq!(refused(source, &[("N", 4)]), [710, 710]);
    let scan = "def f<N>(x: secret f64[N]) -> h: secret f64[N] { scan _ in 0..4 { h[i] = exp(prev h[i]) from x[i]; } }";
    assert_eq!(refused(scan, &[("N", 4)]), [710]);
}

/// Steps of gradient descent, their gradients written out.
#[test]
fn steps_of_regression() {
    let linear = "def step<B, D>(x: secret f64[B, D] in -1.0..1.0, t: secret f64[B] in -1.0..1.0, w: secret f64[D] in -1.0..1.0)
        -> v: secret f64[D] {
        e[b] = sum[d](x[b, d] * w[d]) - t[b];
        g[d] = 2.0 * e[b] * x[b, d] / (|B| as f64);
        v[d] = w[d] - 0.1 * g[d];
    }";
    let logistic = "def step<B, D>(x: secret f64[B, D] in -1.0..1.0, t: secret f64[B] in -1.0..1.0, w: secret f64[D] in -1.0..1.0)
        -> v: secret f64[D] {
        p[b] = sigmoid(sum[d](x[b, d] * w[d]));
        g[d] = mean[b]((p[b] - t[b]) * x[b, d]);
        v[d] = w[d] - 0.5 * g[d];
    }";
    for source in [linear, logistic] {
        within_its_bound(source, &[("B", 4), ("D", 3)], 32);
    }
    let two = "def fit<B, D>(x: secret f64[B, D] in -1.0..1.0, t: secret f64[B] in -1.0..1.0) -> w: secret f64[D] {
        scan _ in 0..2 {
            p[b] = approx(sigmoid, sum[d](x[b, d] * prev w[d]), on = (-4.0, 4.0));
            w[d]: f64 = prev w[d] - 0.5 * mean[b]((p[b] - t[b]) * x[b, d]) from 0.0;
        }
    }";
    assert!(difference(two, &[("B", 4), ("D", 3)], 32).0 < 2e-3);
}

/// Slots hold reals of 16 bits too, and more levels than are secure are refused wherever there are no ciphertexts either.
#[test]
fn simulation_refuses_what_plans_refuse() {
    use ein::TensorRef;
    let half = "def f<N>(x: secret f16[N]) -> y: secret f64[N] { y[i] = 2.0 * x[i] as f64; }";
    let run = |source: &str, x: TensorRef<'_>, insecure: bool| {
        let function = Compiler::new().compile(source).expect("a program").main_def().expect("a definition");
        let options = PackOptions { slots: 4, insecure, ..PackOptions::default() };
        function.simulate(&[("x", x)], &[], &options).map(|(_, mut results)| results.remove(0).1).map_err(|e| e.render(false))
    };
    let x = ndarray::arr1(&[half::f16::from_f32(0.5), half::f16::from_f32(-3.0)]);
    assert_eq!(run(half, x.view().into(), false).expect("a run").as_slice::<f64>().expect("f64"), [1.0, -6.0]);
    let deep: String = (0..42).map(|n| format!("t{}[i] = t{n}[i] * t{n}[i];", n + 1)).collect();
    let deep = format!("def f<N>(x: secret f64[N]) -> y: secret f64[N] {{ t0[i] = x[i] * x[i]; {deep} y[i] = t42[i] * x[i]; }}");
    let x = ndarray::arr1(&[1.0, 0.0]);
    let refusal = run(&deep, x.view().into(), false).expect_err("no secure parameters");
    assert!(refusal.contains("E0719") && refusal.contains("44 levels"), "{refusal}");
    assert_eq!(run(&deep, x.view().into(), true).expect("a run").as_slice::<f64>().expect("f64"), [1.0, 0.0]);
}

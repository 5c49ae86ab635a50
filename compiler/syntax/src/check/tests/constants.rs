//! Dims and constants at the top of a file.

use super::{body, refused, tir};

#[test]
fn a_dim_is_shared_by_all_defs() {
    let source = "dim N; def g(x: f32[N]) -> y: f32[N] { y[i] = x[i]; } def f<M>(x: f32[M, N], w: f32[N]) -> y: f32[N] { t = g(w); y[j] = t[j] * x[i, j] * x[i, j]; }";
    assert_eq!(tir(source).lines().filter(|l| l.starts_with("dim ")).count(), 2);
    refused(
        "dim N; def g(x: f32[N]) -> y: f32[N] { y[i] = x[i]; } def f<M>(x: f32[M]) -> y: f32[M] { y = g(x); }",
        "E0301 axis 0 of `x` is `M`, but `x` of `g` needs `N` there",
    );
    refused(
        "dim N; def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }",
        "E0206 `N` is the name of a dim and of a dim | `N2`, or another name",
    );
}

#[test]
fn bounds_of_a_dim_are_facts_and_checks() {
    let text = tir("dim N in 2..8; def f(x: f32[N]) -> y: f32 { y = x[1] + x[0]; }");
    assert_eq!(text.lines().filter(|l| l.starts_with("require ")).count(), 2, "{text}");
    let text = tir("dim N = 4, M = 2*N; def f(x: f32[M]) -> y: f32[N] { y[i] = x[2*i + 1]; }");
    assert!(text.contains("f32[8]") && text.contains("f32[4]"), "{text}");
}

#[test]
fn constants_of_one_value_adapt_or_have_a_type() {
    body("const c = 2*d; const d = 1.5; const n = 3; def f(x: f32[n]) -> y: f32[n] { y[i] = c * x[i]; }", &["t1[i0] = (3.0:f32 * t0[i0])"]);
    refused("const c: f64 = 0.5; def f<N>(x: f32[N]) -> y: f32[N] { y[i] = c * x[i]; }", "E0402 f64 and f32 do not mix | `x[i] as f64`");
}

#[test]
fn tables_have_types_and_axes() {
    let text = tir("const T = [[1, 2, 3], [4, 5, -6]]; def f(x: i64[2]) -> y: i64[3] { y[j] = T[i, j] * x[i]; }");
    assert!(text.contains("\"T\" i64[2, 3]"), "{text}");
    let text = tir("dim N = 2; const T: c64[N] = [1, 2.5im]; def f(x: c64[N]) -> y: c64 { y = T[i] * x[i]; }");
    assert!(text.contains("\"T\" c64[2]"), "{text}");
    refused(
        "const T = [[1, 2], [3]]; def f(x: i64) -> y: i64 { y = x + T[0, 0]; }",
        "E0314 a row of the table has 1 entry, and the first one has 2",
    );
    refused("const T = [[1, 2], 3]; def f(x: i64) -> y: i64 { y = x; }", "E0314 a value stands beside rows of the table");
    refused(
        "const T: f32[3] = [1, 2]; def f(x: f32) -> y: f32 { y = x; }",
        "E0301 axis 0 of `T` is stated to be `3`, and its table has 2 there",
    );
    refused("const T: i32[2] = [1, 2.5]; def f(x: f32) -> y: f32 { y = x; }", "E0406 `T` is i32, and a real literal is not a value of it");
    refused(
        "const T = [1, 2]; def f(x: i64) -> y: i64 { y = x + T[2]; }",
        "E0303 `2` reaches 2, and axis 0 of `T` has size 2 | `clamp(2)` for the nearest element, or `pad(2)` for 0 outside",
    );
}

#[test]
fn formulas_are_tables_over_dims() {
    let text = tir("dim N; const W[i: N, j: N]: c64 = cis(-2*pi*i*j/|N|); def dft(x: c64[N]) -> X: c64[N] { X[k] = W[k, n] * x[n]; }");
    assert!(text.contains("\"W\" c64[d0, d0]"), "{text}");
    let text = tir("const a: f64 = 2.0; const S = b[i] * b[i]; const b[i: 3]: f64 = a * i; def f(x: f64) -> y: f64 { y = x * S; }");
    assert!(text.contains("\"S\" f64"), "{text}");
}

#[test]
fn circles_are_refused_with_their_chain() {
    let rest = " def f(x: f32) -> y: f32 { y = x; }";
    let found = |text: &str, expected: &str| refused(&format!("{text}{rest}"), expected);
    found(
        "const a = b + 1; const b = a;",
        "E0216 `b` is needed to say what `b` is: b -> a -> b | one of them needs a value of its own\nE0216 `a` is needed to say what `a` is: a -> b -> a | one of them needs a value of its own",
    );
    found("dim A = A + 1;", "E0216 `A` is needed to say what `A` is: A -> A | one of them needs a value of its own");
}

#[test]
fn deep_chains_and_doubling_calls_are_limited() {
    let mut source = String::from("def f0(x: f32) -> y: f32 { y = x; }\n");
    let last = 300;
    let chain: String = (1..=last).rev().map(|n| format!("const c{n} = c{};\n", n - 1)).collect();
    refused(&format!("{chain}const c0 = 1;\n{source}"), &{
        let found = super::checked(&format!("{chain}const c0 = 1;\n{source}")).expect_err("too deep");
        assert!(found.iter().all(|d| d.code.0 == 108), "{found:?}");
        super::lines(&found)
    });
    source.push_str("def g0<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }\n");
    for n in 1..30 {
        source.push_str(&format!("def g{n}<N>(x: f32[N]) -> y: f32[N] {{ t = g{0}(x); y = g{0}(t); }}\n", n - 1));
    }
    let found = super::checked(&source).expect_err("too large");
    assert!(found.iter().all(|d| d.code.0 == 108), "{found:?}");
}

#[test]
fn constants_come_from_generators() {
    let text = tir("const F = dft(4); def f(x: c128[4]) -> y: c128[4] { y[k] = F[k, n] * x[n]; }");
    assert!(text.contains("\"F\" c128[4, 4]"), "{text}");
}

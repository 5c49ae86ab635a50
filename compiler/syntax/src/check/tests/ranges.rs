//! Ranges and bounds (language 4), dims (4e).

use super::{body, checks, refused};

#[test]
fn dims_are_nominal() {
    refused(
        "def f<M, N>(A: f32[M, N]) -> B: f32[N, M] { B[i, j] = A[i, j]; }",
        "E0301 index `i` ranges over `N` in `B` but over `M` in `A` | `A[j, i]`\n\
         E0301 index `j` ranges over `M` in `B` but over `N` in `A` | `A[j, i]`",
    );
    refused(
        "def f<S, K, E>(q: f32[S, E], k: f32[K, E]) -> s: f32[S, S] { s[i, j] = q[i, e] * k[j, e]; }",
        "E0301 index `j` ranges over `S` in `s` but over `K` in `k`",
    );
    refused(
        "def f<N>(x: f32[N], y: f32[N // 2]) -> z: f32[N] { z[i] = x[i] + y[i]; }",
        "E0301 index `i` ranges over `N` in `z` but over `N // 2` in `y`",
    );
}

#[test]
fn a_wrong_axis_order_is_repaired_at_the_access() {
    refused(
        "def f<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] { C[i, j] = sum[k](A[k, i] * B[k, j]); }",
        "E0301 index `i` ranges over `M` in `C` but over `K` in `A` | `A[i, k]`\nE0301 index `k` ranges over `M` in `A` but over `K` in `B`",
    );
}

#[test]
fn a_bare_use_on_a_longer_axis_is_repaired_by_a_stated_range() {
    refused(
        "def f<N, M>(x: f32[N, M]) -> y: f32[N - 2, M - 2] { y[i, j] = x[i, j + 1] + x[i + 1, j]; }",
        "E0301 index `i` ranges over `N - 2` in `y` but over `N` in `x` | `y[i in 0..N - 2, j in 0..M - 2]`\n\
         E0301 index `j` ranges over `M - 2` in `y` but over `M` in `x` | `y[i in 0..N - 2, j in 0..M - 2]`",
    );
    refused(
        "def f<N>(x: f32[N], z: f32[N + 1]) -> y: f32[N] { t[i] = x[i] + z[i]; y[i] = t[i]; }",
        "E0301 index `i` ranges over `N` in `x` but over `N + 1` in `z` | `t[i in 0..N]`",
    );
    checks(
        "def f<N, M>(x: f32[N, M]) -> y: f32[N - 2, M - 2] { y[i in 0..N - 2, j in 0..M - 2] = x[i, j + 1] + x[i + 1, j]; }",
        &["d0 - 2 >= 0 E0305 \"`N - 2 >= 0`\"", "d1 - 2 >= 0 E0305 \"`M - 2 >= 0`\""],
    );
}

#[test]
fn inequality_is_a_fact_at_the_end_of_a_range() {
    checks("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if i == 0 then 0.0 else x[i - 1]; }", &[]);
    checks("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if i != |N| - 1 then x[i + 1] else 0.0; }", &[]);
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if i != 1 then x[i - 1] else 0.0; }",
        "E0303 `i - 1` reaches -1, and axis 0 of `x` has size N | `clamp(i - 1)` for the nearest element, or `pad(i - 1)` for 0 outside",
    );
}

#[test]
fn a_left_side_without_its_indices_is_completed() {
    let help = "E0310 `y` has 1 axis, and its equation has 0 indices on the left | `y[k]`";
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y = x[k]; }", help);
    refused(
        "def f<N, M>(x: f32[N, M]) -> y: f32[N, M] { y[a] = x[a, b]; }",
        "E0310 `y` has 2 axes, and its equation has 1 index on the left | `y[a, b]`",
    );
}

#[test]
fn a_dim_that_where_declares_is_not_generic() {
    refused(
        "def f<N, P>(x: f32[N]) -> y: f32[P] where P = N // 2 { y[p] = x[2*p]; }",
        "E0206 `P` is the name of a dim and of a `where` name | remove `P` from `<…>`: `where` declares it",
    );
}

#[test]
fn derived_dims_compare_as_polynomials() {
    checks("def f<N>(x: f32[2*N + 2]) -> y: f32[2*(N + 1)] { y[i] = x[i]; }", &[]);
    checks("def f<N>(x: f32[N // 2], z: f32[H]) -> y: f32[N // 2] where H = N // 2 { y[i] = x[i] + z[i]; }", &[]);
}

#[test]
fn affine_subscripts_never_determine_a_range() {
    refused(
        "def f<N>(x: f32[N]) -> y: f32 { d[j] = x[2*j] - x[2*j + 1]; y = d[i] * d[i]; }",
        "E0302 nothing says what range index `j` has | `d[j: N // 2] = x[2*j] - x[2*j + 1]`",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32 { y = x[2*j] * x[2*j]; }",
        "E0302 nothing says what range index `j` has | `sum[j: (N + 1) // 2](x[2*j] * x[2*j])`",
    );
    refused("def f<N>(x: f32[N]) -> y: f32 { y = max[j](x[N - 1 - j]); }", "E0204 `N` is a dim, not a value | `|N|`");
    refused(
        "def f<N>(x: f32[N]) -> y: f32 { y = max[j](x[|N| - 1 - j]); }",
        "E0302 nothing says what range index `j` has | `max[j: N](x[|N| - 1 - j])`",
    );
}

#[test]
fn stated_ranges_win() {
    refused(
        "def f<M, N>(x: f32[N]) -> y: f32[M] { y[i: N] = x[i]; }",
        "E0301 index `i` is stated to range over `N`, but axis 0 of `y` is `M`",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i in 1..4] = x[i]; }",
        "E0309 an index on a left side covers its axis from 0, and `i` begins at 1 | `i in 0..4`",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = sum[j in 0..i](x[j]); }",
        "E0309 a range is made of sizes, and `i` is an index | state the whole range and write the rest as a guard: `sum[j where j < i](…)`",
    );
    checks(
        "def f<N>(x: f32[N]) -> y: f32 { y = sum[j in 0..4](x[j]); }",
        &["d0 - 4 >= 0 E0303 \"`N >= 4`, which keeps `x[j]` inside axis 0 of `x`,\""],
    );
}

#[test]
fn subscripts_are_proved_inside() {
    checks(
        "def f<N, R>(x: f32[N], w: f32[R]) -> y: f32[N - R + 1] { y[i] = x[i + r] * w[r]; }",
        &["d0 - d1 + 1 >= 0 E0305 \"`N - R + 1 >= 0`\""],
    );
    checks("def f<H>(x: f32[H]) -> y: f32[H // 2] { y[i] = max[r in 0..2](x[2*i + r]); }", &[]);
    checks("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[|N| - 1 - i]; }", &[]);
    checks("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if i > 0 then x[i - 1] else 0.0; }", &[]);
    checks("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = sum[j: N where j < i](x[i - j - 1]); }", &[]);
}

#[test]
fn what_sizes_decide_is_checked_at_entry() {
    checks(
        "def f<M, N>(x: f32[N]) -> y: f32[M] { y[i: M] = x[2*i]; }",
        &["-2*d0 + d1 + 1 >= 0 unless_empty [d0] E0303 \"`N + 1 >= 2*M`, which keeps `x[2*i]` inside axis 0 of `x`,\""],
    );
    checks("def f<N>(x: f32[N]) -> y: f32[N - 2] { y[i] = x[i + 2]; }", &["d0 - 2 >= 0 E0305 \"`N - 2 >= 0`\""]);
}

#[test]
fn subscripts_outside_are_refused() {
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i + 1] - x[i]; }",
        "E0303 `i + 1` reaches N, and axis 0 of `x` has size N | `clamp(i + 1)` for the nearest element, or `pad(i + 1)` for 0 outside",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i - 1]; }",
        "E0303 `i - 1` reaches -1, and axis 0 of `x` has size N | `clamp(i - 1)` for the nearest element, or `pad(i - 1)` for 0 outside",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i*i]; }", "");
    refused(
        "def f<N>(x: f32[N, 3]) -> y: f32[N] { y[i] = x[i, 3]; }",
        "E0303 `3` reaches 3, and axis 1 of `x` has size 3 | `clamp(3)` for the nearest element, or `pad(3)` for 0 outside",
    );
    refused(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[min(i, 3)]; }",
        "E0303 `min(i, 3)` cannot be shown to stay inside axis 0 of `x` | `clamp(min(i, 3))` for the nearest element, or `pad(min(i, 3))` for 0 outside",
    );
    refused(
        "def f<N>(x: f32[N, N]) -> y: f32[N] { y[i] = x[pad(i, 1.0), pad(i, 2.0)]; }",
        "E0304 one access states two pad values | state it once, `pad(e)` elsewhere",
    );
    refused("def f<N>(x: f32[N, N]) -> y: f32[N] { y[i] = x[pad(i, -inf), pad(i, -inf)]; }", "");
}

#[test]
fn conditions_on_sizes() {
    refused("def f<N>(x: f32[N]) -> y: f32[N] where N + 1 { y[i] = x[i]; }", "E0308 a `where` condition compares sizes | `N == P*Q`");
    refused(
        "def f<N>(x: f32[N / 2]) -> y: f32[N] { y[i] = x[0]; }",
        "E0308 `N / 2` is not a size | `N // 2`\nE0207 index `i` is never used | `_` for an axis that is only repeated",
    );
    refused(
        "def f<N, K>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }",
        "E0306 nothing mentions the dim `K`, so nothing says what size it has | remove it",
    );
    refused("def f<N>(x: f32[N]) -> y: f32[N] where 3 == 4 { y[i] = x[i]; }", "E0305 `3 == 4` does not hold");
}

#[test]
fn modes_and_constants_in_subscripts() {
    body(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[wrap(i + 1)] + x[reflect(i - 1)] + x[pad(i + 2, -inf)]; }",
        &["t1[i0] = (t0[wrap((i0 + 1))] + t0[reflect((i0 - 1))] + t0[pad((i0 + 2))] else -inf)"],
    );
    checks("def f<N, B>(x: f32[N*B]) -> y: f32[N, B] { y[i, j] = x[i*|B| + j]; }", &[]);
    checks("def f<N, B>(x: f32[N, B]) -> y: f32[N*B] { y[k] = x[k // |B|, k % |B|]; }", &[]);
}

#[test]
fn values_of_states_are_those_of_any_step() {
    let program = |body: &str| {
        format!(
            "def g(a: f32 in 0.0..1.0) -> b: f32 {{ b = a; }}\n\
             def f<T>(x: f32[T] in 0.0..1.0, z: f32) -> (h: f32, y: f32[T], s: f32) {{ {body} }}"
        )
    };
    let unknown = "E0317 nothing shows that this argument is in 0.0..1.0, as `a` of `g` must be";
    let right = "scan t: T { h = 0.5 * x[t] from z; y[t] = g(h) + g(x[t]); } s = g(tanh(x[0]));";
    super::tir(&program(right));
    refused(&program("scan t: T { y[t] = g(prev h); h = 0.5 * x[t] from z; } s = 0.0;"), unknown);
    refused(&program("scan t: T { h = 0.5 * x[t] from z; y[t] = x[t]; } s = g(h);"), unknown);
}

//! Nested reductions as tensors of their own, with axes and domains (design 11.1), and calls.

use super::{body, refused};

#[test]
fn a_nested_reduction_has_the_outer_indices_it_uses() {
    body(
        "def f<M, N>(x: f32[M, N]) -> y: f32[M, N] { y[i, j] = x[i, j] / sum[k](x[i, k]); }",
        &["tensor t2 \"y.sum\" f32[d0]", "t2[i3] = sum:f32[i2](t0[i3, i2])", "t1[i0, i1] = (t0[i0, i1] / t2[i0])"],
    );
    body(
        "def f<M, N>(x: f32[M, N]) -> y: f32 { y = max[i](sum[j](x[i, j])); }",
        &["tensor t2 \"y.sum\" f32[d0]", "t2[i2] = sum:f32[i1](t0[i2, i1])", "t1[] = max:f32[i0](t2[i0])"],
    );
    body(
        "def f<N>(x: f32[N]) -> y: f32 { y = max[i in 2..5](i * sum[j](x[j] * i)); }",
        &[
            "tensor t2 \"y.sum\" f32[3]",
            "t2[i2] = sum:f32[i1]((t0[i1] * f32((i2 + size(2)))))",
            "t1[] = max:f32[i0]((f32(i0) * t2[(i0 - size(2))]))",
        ],
    );
}

#[test]
fn a_mean_is_a_sum_and_a_quotient() {
    body(
        "def f<M, N>(x: f32[M, N]) -> y: f32[M] { y[i] = mean[j](x[i, j]); }",
        &["tensor t2 \"y.sum\" f32[d0]", "t2[i2] = sum:f32[i1](t0[i2, i1])", "t1[i0] = (t2[i0] / f32(size(d1)))"],
    );
    body(
        "def f<M, N>(x: f32[M, N]) -> y: f32[M] { y[i] = mean[j where j < i](x[i, j]); }",
        &[
            "tensor t2 \"y.sum\" f32[d0]",
            "tensor t3 \"y.sum2\" i64[d0]",
            "t2[i2] = sum:f32[i1 where (i1 < i2)](t0[i2, i1])",
            "t3[i4] = sum:i64[i3 where (i3 < i4)](1)",
            "t1[i0] = (t2[i0] / f32(t3[i0]))",
        ],
    );
    body(
        "def f<N>(x: f32[N]) -> y: f32 { y = mean[j in 1..|N| - 1](x[j]); }",
        &["tensor t2 \"y.sum\" f32[]", "t2[] = sum:f32[i0](t0[i0])", "t1[] = (t2[] / f32(max(size(d0 - 2), 0)))"],
    );
}

#[test]
fn a_domain_is_kept_where_a_proof_needed_it() {
    body(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if i > 0 then sum[j](x[j] * x[i - 1]) else 0.0; }",
        &[
            "tensor t2 \"y.sum\" f32[d0]",
            "t2[i2] where (i2 > 0) = sum:f32[i1]((t0[i1] * t0[(i2 - 1)]))",
            "t1[i0] = if((i0 > 0), t2[i0], 0.0:f32)",
        ],
    );
    body(
        "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if i > 0 then sum[j](x[j] * x[i]) else 0.0; }",
        &["tensor t2 \"y.sum\" f32[d0]", "t2[i2] = sum:f32[i1]((t0[i1] * t0[i2]))", "t1[i0] = if((i0 > 0), t2[i0], 0.0:f32)"],
    );
    body(
        "def f<N>(x: i32[N], z: i32[N]) -> y: i32[N] { y[i] = if z[i] != 0 then max[j](x[j] // z[i]) else 0; }",
        &[
            "tensor t3 \"y.max\" i32[d0]",
            "t3[i2] where (t1[i2] != 0:i32) = max:i32[i1]((t0[i1] // t1[i2]))",
            "t2[i0] = if((t1[i0] != 0:i32), t3[i0], 0:i32)",
        ],
    );
}

#[test]
fn calls_are_inlined() {
    let softmax = "def softmax<B, N>(x: f32[B, N]) -> y: f32[B, N] { m[b] = max[j](x[b, j]); e[b, i] = exp(x[b, i] - m[b]); y[b, i] = e[b, i] / sum[j](e[b, j]); }\n";
    body(
        &format!("{softmax}def g<I, O>(z: f32[I, O]) -> q: f32[I] {{ p = softmax(z); q[i] = sum[o](p[i, o]); }}"),
        &[
            "tensor t3 \"p.m\" f32[d0]",
            "tensor t4 \"p.e\" f32[d0, d1]",
            "tensor t5 \"p.y.sum\" f32[d0]",
            "t3[i0] = max:f32[i1](t0[i0, i1])",
            "t4[i2, i3] = exp((t0[i2, i3] - t3[i2]))",
            "t5[i7] = sum:f32[i6](t4[i7, i6])",
            "t2[i4, i5] = (t4[i4, i5] / t5[i4])",
            "t1[i8] = sum:f32[i9](t2[i8, i9])",
        ],
    );
    body(
        "def sq(x: f32) -> y: f32 { y = x*x; } def g<N>(z: f32[N]) -> q: f32[N] { q[i] = sq(z[i] + 1); }",
        &["t1[i0] = ((t0[i0] + 1.0:f32) * (t0[i0] + 1.0:f32))"],
    );
    body(
        "def c<N, st: int = 1>(x: f32[N]) -> y: f32[N // st] { y[i] = x[clamp(st*i)]; } def g<M>(z: f32[M]) -> q: f32[M // 2] { q = c(z, st = 2); }",
        &["t1[i0] = t0[clamp((size(2) * i0))]"],
    );
    body(
        "def two<N>(x: f32[N]) -> (a: f32, b: f32[N]) { a = sum[i](x[i]); b[i] = x[i] * a; } def g<M>(z: f32[M]) -> q: f32[M] { (s, t) = two(z); q[i] = s + t[i]; }",
        &["t2[] = sum:f32[i0](t0[i0])", "t3[i1] = (t0[i1] * t2[])", "t1[i2] = (t2[] + t3[i2])"],
    );
}

#[test]
fn calls_that_do_not_fit() {
    let f = "def f<N>(x: f32[N, N]) -> y: f32[N] { y[i] = x[i, i]; }\n";
    refused(
        &format!("{f}def g<A, B>(z: f32[A, B]) -> q: f32[A] {{ q = f(z); }}"),
        "E0301 axis 1 of `z` is `B`, but `x` of `f` needs `A` there",
    );
    refused(
        &format!("{f}def g<A>(z: f64[A, A]) -> q: f32[A] {{ q = f(z); }}"),
        "E0402 `x` of `f` is f32, and `z` is f64 | an equation that converts it: `… as f32`",
    );
    refused(&format!("{f}def g<A>(z: f32[A]) -> q: f32[A] {{ q = f(z); }}"), "E0310 `x` of `f` has 2 axes, and `z` has 1");
    refused(&format!("{f}def g<A>(z: f32[A, A]) -> q: f32[A] {{ q = f(z, z); }}"), "E0213 `f` takes 1 argument, and 2 are given | `f(x)`");
    refused(
        &format!("{f}def g<A>(z: f32[A, A]) -> q: f32[A] {{ q[i] = f(z); }}"),
        "E0212 `f` works on whole tensors, and one value must stand here | `p = f(z);` as an equation of its own",
    );
    refused(
        &format!("{f}def g<A>(z: f32[A, A]) -> q: f32[A] {{ (q, r) = f(z); }}"),
        "E0213 `f` has 1 result, and 2 are named | `q = f(z);`",
    );
    refused(
        "def g<A>(z: f32[A]) -> q: f32[A] { q = h(z); } def h<A>(z: f32[A]) -> q: f32[A] { q = g(z); }",
        "E0209 `h` calls itself through `g` | a `scan` states a recurrence",
    );
    refused(
        "def h<N, P>(z: f32[N]) -> q: f32[P] { q[i: P] = z[clamp(i)]; } def g<A>(z: f32[A]) -> q: f32[A] { q = h(z); }",
        "E0306 no argument says what size `P` of `h` has | `P = …` among the arguments",
    );
}

//! Optimised plans against the programs as written, one thread, interleaved.
//!
//! `cargo bench --bench plans` prints one line a program: microseconds of a call at -O0 (one nest an equation, in the written order) and at
//! -O1, and how many times faster the latter is. Results are compared before anything is timed.

#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark prints its table")]

use ein::{Bound, Compiler, Tensor, TensorMut, TensorRef};
use ein_benches::interleave;
use std::cell::RefCell;

const ROUNDS: usize = 15;

/// Name, source, shapes of the inputs.
type Case = (&'static str, &'static str, &'static [&'static [usize]]);

const CASES: [Case; 18] = [
    ("product", "def f<N>(A: f32[N, N], B: f32[N, N]) -> y: f32[N, N] { y[i, j] = A[i, k] * B[k, j]; }", &[&[256, 256], &[256, 256]]),
    ("matrix-vector", "def f<N>(A: f32[N, N], x: f32[N]) -> y: f32[N] { y[i] = A[i, k] * x[k]; }", &[&[1024, 1024], &[1024]]),
    (
        "chain",
        "def f<N, M>(A: f32[M, N], B: f32[N, N], x: f32[N]) -> y: f32[M] { y[i] = A[i, k] * B[k, j] * x[j]; }",
        &[&[64, 256], &[256, 256], &[256]],
    ),
    (
        "LoRA",
        "def f<S, D, R>(x: f32[S, D], W: f32[D, D], a: f32[D, R], b: f32[R, D]) -> y: f32[S, D] { y[s, d] = x[s, c] * W[c, d] + 2.0 * x[s, c] * a[c, r] * b[r, d]; }",
        &[&[64, 192], &[192, 192], &[192, 8], &[8, 192]],
    ),
    (
        "MTTKRP",
        "def f<I, J, K, R>(X: f32[I, J, K], B: f32[J, R], C: f32[K, R]) -> A: f32[I, R] { A[i, r] = X[i, j, k] * B[j, r] * C[k, r]; }",
        &[&[48, 48, 48], &[48, 16], &[48, 16]],
    ),
    (
        "TT layer",
        "def f<B, N, R>(x: f32[B, N, N, N], G: f32[N, N, R], H: f32[R, N, N, R], K: f32[R, N, N]) -> y: f32[B, N, N, N] {
           y[b, i, j, k] = x[b, p, q, r] * G[p, i, u] * H[u, q, j, v] * K[v, r, k]; }",
        &[&[4, 8, 8, 8], &[8, 8, 4], &[4, 8, 8, 4], &[4, 8, 8]],
    ),
    (
        "Tucker",
        "def f<N, R>(g: f32[R, R, R], A: f32[N, R], B: f32[N, R], C: f32[N, R]) -> x: f32[N, N, N] { x[i, j, k] = g[a, b, c] * A[i, a] * B[j, b] * C[k, c]; }",
        &[&[6, 6, 6], &[32, 6], &[32, 6], &[32, 6]],
    ),
    (
        "common factor",
        "def f<N>(A: f32[N, N], B: f32[N, N], C: f32[N, N]) -> y: f32[N, N] { y[i, j] = A[i, k] * B[k, j] + A[i, k] * C[k, j]; }",
        &[&[160, 160], &[160, 160], &[160, 160]],
    ),
    (
        "bilinear",
        "def f<B, N, M>(x: f32[B, N], W: f32[N, M, N], z: f32[B, N]) -> y: f32[B, M] { y[b, o] = x[b, i] * W[i, o, j] * z[b, j]; }",
        &[&[32, 48], &[48, 16, 48], &[32, 48]],
    ),
    (
        "gradients",
        "def f<N, R>(X: f32[N, N, N], A: f32[N, R], B: f32[N, R], C: f32[N, R]) -> (a: f32[N, R], b: f32[N, R], c: f32[N, R]) {
           a[i, r] = X[i, j, k] * B[j, r] * C[k, r]; b[j, r] = X[i, j, k] * A[i, r] * C[k, r]; c[k, r] = X[i, j, k] * A[i, r] * B[j, r]; }",
        &[&[32, 32, 32], &[32, 8], &[32, 8], &[32, 8]],
    ),
    (
        "attention",
        "def f<S, T, D>(q: f32[S, D], k: f32[T, D], v: f32[T, D]) -> y: f32[S, D] {
           s[i, j] = q[i, d] * k[j, d]; m[i] = max[j](s[i, j]); e[i, j] = exp(s[i, j] - m[i]); z[i] = sum[j](e[i, j]); y[i, d] = sum[j](e[i, j] / z[i] * v[j, d]); }",
        &[&[128, 32], &[128, 32], &[128, 32]],
    ),
    (
        "layer norm",
        "def f<S, D>(x: f32[S, D], g: f32[D]) -> y: f32[S, D] {
           m[i] = sum[d](x[i, d]) / |D|; v[i] = sum[d]((x[i, d] - m[i])^2) / |D|; y[i, d] = (x[i, d] - m[i]) / sqrt(v[i] + 1e-5) * g[d]; }",
        &[&[256, 256], &[256]],
    ),
    (
        "residual block",
        "def f<S, D, H>(x: f32[S, D], u: f32[D, H], w: f32[H, D]) -> y: f32[S, D] { h[s, f] = max(x[s, d] * u[d, f], 0.0); y[s, d] = x[s, d] + h[s, f] * w[f, d]; }",
        &[&[64, 128], &[128, 256], &[256, 128]],
    ),
    (
        "squared distances",
        "def f<N, D>(x: f32[N, D]) -> y: f32[N, N] { y[i, j] = sum[d]((x[i, d] - x[j, d])^2); }",
        &[&[192, 16]],
    ),
    ("shortest paths", "def f<N>(A: f32[N, N]) -> y: f32[N, N] { y[i, j] = min[k](A[i, k] + A[k, j]); }", &[&[128, 128]]),
    (
        "Viterbi",
        "def f<N>(A: f32[N, N], B: f32[N, N], x: f32[N]) -> y: f32 { y = max[i, j, k](x[i] + A[i, j] + B[j, k]); }",
        &[&[96, 96], &[96, 96], &[96]],
    ),
    (
        "stencil",
        "def f<N>(x: f32[N, N]) -> y: f32[N, N] { y[i, j] = 0.25 * (x[clamp(i - 1), j] + x[clamp(i + 1), j] + x[i, clamp(j - 1)] + x[i, clamp(j + 1)]); }",
        &[&[512, 512]],
    ),
    ("pointwise", "def f<N>(x: f32[N], z: f32[N]) -> y: f32[N] { a[i] = x[i] * z[i]; b[i] = a[i] + x[i]; y[i] = b[i] * b[i] - z[i]; }", &[&[65536], &[65536]]),
];

/// Numbers between -1 and 1, the same in every run.
fn input(seed: u64, shape: &[usize]) -> Tensor {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    Tensor::from_vec(shape, (0..shape.iter().product()).map(|_| next()).collect()).expect("as many values as the shape says")
}

fn bind(source: &str, views: &[TensorRef<'_>], level: u8) -> Result<Bound, ein::Error> {
    Compiler::new().threads(1).opt_level(level).compile(source)?.main_def()?.bind().like(views).build()
}

/// Largest difference, as a part of the largest value.
fn difference(a: &[Tensor], b: &[Tensor]) -> f32 {
    let pairs = a.iter().zip(b).map(|(a, b)| {
        let [a, b] = [a, b].map(|t| t.as_slice::<f32>().expect("results are f32"));
        let scale = a.iter().fold(1e-30f32, |m, x| m.max(x.abs()));
        a.iter().zip(b).fold(0.0f32, |m, (x, y)| m.max((x - y).abs())) / scale
    });
    pairs.fold(0.0, f32::max)
}

fn main() -> Result<(), ein::Error> {
    println!("{:<20}{:>12}{:>12}{:>10}", "program", "-O0 us", "-O1 us", "faster");
    for (name, source, shapes) in CASES {
        let inputs: Vec<Tensor> = shapes.iter().enumerate().map(|(n, shape)| input(n as u64 + 1, shape)).collect();
        let views: Vec<TensorRef<'_>> = inputs.iter().map(TensorRef::from).collect();
        let bound = [bind(source, &views, 0)?, bind(source, &views, 1)?];
        let outputs = [bound[0].call(&views)?.into_tensors(), bound[1].call(&views)?.into_tensors()];
        let apart = difference(&outputs[0], &outputs[1]);
        assert!(apart < 1e-4, "{name}: results differ by {apart}");
        let outputs = outputs.map(RefCell::new);
        let run = |n: usize| {
            let mut out = outputs[n].borrow_mut();
            let mut into: Vec<TensorMut<'_>> = out.iter_mut().map(TensorMut::from).collect();
            bound[n].call_into(&views, &mut into).expect("it ran before");
        };
        let (written, optimised) = interleave(ROUNDS, 1, || run(0), || run(1));
        println!("{name:<20}{:>12.1}{:>12.1}{:>10.2}", written * 1e6, optimised * 1e6, written / optimised);
    }
    Ok(())
}

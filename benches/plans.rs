//! Optimised plans against the written order, one thread, interleaved.
//!
//! `cargo bench --bench plans [NAME]` prints one line a program: microseconds of a call with products in the order of the text (`--path written`:
//! the same kernels and fusion, no algebra) and with those of the optimiser, and how many times faster the latter is. Of the programs of
//! the tests, whose sizes are small, it prints those that are slower by a tenth. Results are compared before anything is timed.

#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark prints its table")]

use ein::{Bound, Compiler, Error, Order, Tensor, TensorMut};
use ein_benches::{interleave, time};
use ein_tests::compare::close;
use ein_tests::fixture::{ProgramCase, reference_calls};
use ein_tests::run;
use std::cell::RefCell;

const ROUNDS: usize = 15;
/// Seconds of a round, at least: a tiny program is called many times.
const ROUND: f64 = 3e-4;
/// From how many times the written order on a plan is a bad one.
const SLOWER: f64 = 1.1;

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

/// Programs of files: name, definition, sizes of integer generics, shapes of the inputs.
type File = (&'static str, &'static [(&'static str, i64)], &'static [&'static [usize]]);

const FILES: [File; 14] = [
    ("benches/programs/attention.ein", &[], &[&[1, 4, 128, 32], &[1, 4, 128, 32], &[1, 4, 128, 32]]),
    ("benches/programs/bool_mm.ein", &[], &[&[128, 128], &[128, 128]]),
    ("benches/programs/conv2d.ein", &[], &[&[1, 8, 32, 32], &[8, 8, 3, 3]]),
    ("benches/programs/fma_chain.ein", &[], &[&[65536], &[65536], &[65536]]),
    ("benches/programs/jacobi5.ein", &[], &[&[514, 514]]),
    ("benches/programs/logsumexp_mm.ein", &[], &[&[64, 64], &[64, 64]]),
    ("benches/programs/maxplus_mm.ein", &[], &[&[128, 128], &[128, 128]]),
    ("benches/programs/mlp_relu.ein", &[], &[&[64, 128], &[128, 256], &[256], &[256, 32]]),
    ("benches/programs/rbf_matvec.ein", &[], &[&[256, 16], &[256, 16], &[256]]),
    ("benches/programs/softmax_rows.ein", &[], &[&[256, 512]]),
    ("benches/programs/sqdist.ein", &[], &[&[192, 16], &[192, 16]]),
    ("examples/attention/attention.ein", &[], &[&[1, 4, 128, 32], &[1, 4, 128, 32], &[1, 4, 128, 32]]),
    ("examples/conv2d/conv2d.ein", &[], &[&[1, 3, 64, 64], &[4, 3, 3, 3]]),
    ("examples/layernorm/layernorm.ein", &[], &[&[4, 64, 256], &[256], &[256]]),
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

/// A call of the last definition of a program on such numbers.
fn case(name: &str, source: &str, sizes: &[(&str, i64)], shapes: &[&[usize]]) -> Result<ProgramCase, Error> {
    let function = Compiler::new().threads(1).compile(source)?.main_def()?;
    let inputs = function.inputs().into_iter().zip(shapes).enumerate();
    Ok(ProgramCase {
        name: name.to_owned(),
        source: source.to_owned(),
        def: None,
        sizes: sizes.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
        inputs: inputs.map(|(n, (name, shape))| (name.to_owned(), input(n as u64 + 1, shape))).collect(),
        outputs: Vec::new(),
        tolerance: 1e-4,
    })
}

/// The code of a case, and results of it.
struct Contestant {
    bound: Bound,
    outputs: RefCell<Vec<Tensor>>,
}

impl Contestant {
    fn new(case: &ProgramCase, order: Order) -> Result<Self, Error> {
        let bound = run::bound_in(&Compiler::new().threads(1).order(order).compile(&case.source)?, case)?;
        let outputs = RefCell::new(bound.call(&run::views(&bound, case))?.into_tensors());
        Ok(Self { bound, outputs })
    }

    fn call(&self, case: &ProgramCase) {
        let mut outputs = self.outputs.borrow_mut();
        let mut into: Vec<TensorMut<'_>> = outputs.iter_mut().map(TensorMut::from).collect();
        self.bound.call_into(&run::views(&self.bound, case), &mut into).expect("it ran before");
    }
}

/// Microseconds of a call in the written order and in that of the optimiser.
fn compare(case: &ProgramCase) -> Result<(f64, f64), Error> {
    let [written, optimised] = [Contestant::new(case, Order::Written)?, Contestant::new(case, Order::Auto)?];
    for (got, expected) in optimised.outputs.borrow().iter().zip(&*written.outputs.borrow()) {
        close(got, expected, case.tolerance).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    }
    let once = time(1, &mut || written.call(case));
    let calls = (ROUND / once).clamp(1.0, 200.0) as usize;
    let (a, b) = interleave(ROUNDS, calls, || written.call(case), || optimised.call(case));
    Ok((a * 1e6, b * 1e6))
}

fn report(name: &str, (written, optimised): (f64, f64)) {
    let mark = if optimised > SLOWER * written { "  slower" } else { "" };
    println!("{name:<36}{written:>12.1}{optimised:>14.1}{:>10.2}{mark}", written / optimised);
}

/// The first call of each definition of the tests.
fn small() -> Vec<ProgramCase> {
    let mut calls = reference_calls();
    calls.sort_by(|a, b| (&a.program, &a.def).cmp(&(&b.program, &b.def)));
    calls.dedup_by(|a, b| (&a.program, &a.def) == (&b.program, &b.def));
    calls.iter().map(|call| call.case()).collect()
}

fn main() -> Result<(), Error> {
    let wanted = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()));
    println!("{:<36}{:>12}{:>14}{:>10}", "program", "written us", "optimised us", "faster");
    for (name, source, shapes) in CASES.into_iter().filter(|(name, ..)| is_wanted(name)) {
        report(name, compare(&case(name, source, &[], shapes)?)?);
    }
    for (name, sizes, shapes) in FILES.into_iter().filter(|(name, ..)| is_wanted(name)) {
        let source = std::fs::read_to_string(ein_tests::repository().join(name)).expect("a file of the repository");
        report(name, compare(&case(name, &source, sizes, shapes)?)?);
    }
    let mut n = 0;
    for case in small().iter().filter(|case| is_wanted(&case.name)) {
        let times = compare(case)?;
        n += 1;
        if times.1 > SLOWER * times.0 || wanted.is_some() {
            report(&case.name, times);
        }
    }
    println!("and {n} programs of the tests");
    Ok(())
}

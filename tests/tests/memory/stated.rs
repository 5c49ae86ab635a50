//! What calls allocate at sizes at which libraries pack blocks and threads have work: nothing into arrays of the caller's, and no more than
//! the peak that the plan states into fresh ones.

use super::counting::{Allocated, allocated};
use ein::{Bound, Compiler, DType, Tensor, TensorMut, TensorRef};
use ein_tests::random::Random;
use ein_tests::store::random_tensor;

type Inputs = &'static [(DType, &'static [usize])];

const F: DType = DType::F32;
const D: DType = DType::F64;

/// Programs of generated loops and of functions of whole tensors: all that they need is in the arena.
const OWN: [(&str, Inputs); 10] = [
    (
        "def f<N, M>(x: bf16[N, M], n: u4[N, M]) -> y: f32[N] { y[i] = sum[j]((x[i, j] as f32) * (n[i, j] as f32)); }",
        &[(DType::U16, &[30, 8]), (DType::U8, &[30, 4])],
    ),
    (
        "def f<N, M>(x: f32[N, M]) -> y: f32[N, M] {
           m[i] = max[j](x[i, j]); e[i, j] = exp(x[i, j] - m[i]); y[i, j] = e[i, j] / sum[j'](e[i, j']);
         }",
        &[(F, &[256, 512])],
    ),
    ("def f<N, M>(x: f32[N, M]) -> (y: f32[M, N], z: f32[N]) { y[j, i] = x[i, j]; z[i] = sum[j](y[j, i] * y[j, i]); }", &[(F, &[300, 70])]),
    (
        "def f<N, M>(x: f32[N, M]) -> y: f32[N, M] { scan t in 0..4 { y[i, j] = prev y[wrap(i + 1), j] + x[i, j] from x[i, j]; } }",
        &[(F, &[128, 64])],
    ),
    ("def f<N, M>(x: i32[N, M]) -> n: i32[16] { n[v] = sum[i, j where x[i, j] == v](1); }", &[(DType::I32, &[128, 64])]),
    ("def f<N>(x: f32[N, N]) -> (v: f32[N, N], i: i64[N, N]) { (v, i) = sort(x); }", &[(F, &[64, 64])]),
    ("def f<N>(A: f64[N, N], b: f64[N]) -> x: f64[N] { x = solve(A, b); }", &[(D, &[64, 64]), (D, &[64])]),
    ("def f<N, M>(A: f64[N, M]) -> (q: f64[N, M], s: f64[M]) where N >= M { (q, R) = qr(A); (U, s, V) = svd(A); }", &[(D, &[80, 64])]),
    ("def f<N, M>(A: c64[N, M]) -> y: c64[N, M] { y = fft(A); }", &[(DType::C64, &[16, 61])]),
    ("def f<N, M>(A: f64[N, M]) -> y: f64[N, M] { X = rfft(A); y = irfft(X, n = M); }", &[(D, &[16, 60])]),
];

/// Programs with matrix products, which the library packs.
const PRODUCTS: [(&str, Inputs); 4] = [
    (
        "def f<N, M, K>(x: f32[N, K], y: f32[K, M]) -> z: f32[N, M] { z[i, j] = x[i, k] * y[k, j]; }",
        &[(F, &[300, 1100]), (F, &[1100, 200])],
    ),
    ("def f<N, M, K>(x: f32[K, N], y: f32[M, K]) -> z: f32[N, M] { z[i, j] = x[k, i] * y[j, k]; }", &[(F, &[90, 1500]), (F, &[700, 90])]),
    (
        "def f<N>(x: c128[N, N], y: c128[N, N]) -> z: c128[N, N] { z[i, j] = x[i, k] * y[k, j]; }",
        &[(DType::C128, &[130, 130]), (DType::C128, &[130, 130])],
    ),
    (
        "def f<N>(x: f64[N, N], y: f64[N, N]) -> z: f64[N, N] { scan t in 0..3 { z[i, j] = x[i, k] * prev z[k, j] from y[i, j]; } }",
        &[(D, &[96, 96]), (D, &[96, 96])],
    ),
];

/// Programs with limits that the best plan does not keep to: blocks of rows, slices that are added up, slices beside each other.
const LIMITED: [(&str, Inputs, u64); 4] = [
    (
        "def f<N, M, K>(q: f32[N, K], k: f32[M, K], v: f32[M, K]) -> y: f32[N, K] {
           s[i, j] = q[i, c] * k[j, c]; m[i] = max[j](s[i, j]); e[i, j] = exp(s[i, j] - m[i]); z[i] = sum[j](e[i, j]);
           y[i, c] = sum[j](e[i, j] / z[i] * v[j, c]);
         }",
        &[(F, &[300, 16]), (F, &[500, 16]), (F, &[500, 16])],
        200_000,
    ),
    (
        "def f<N, M>(x: f64[N], y: f64[M]) -> z: f64[N] { t[i, j] = tanh(x[i] * y[j]); a[i] = max[j](t[i, j]); z[i] = sum[j](exp(t[i, j] - a[i])); }",
        &[(D, &[211]), (D, &[300])],
        20_000,
    ),
    (
        "def f<N>(A: f64[N, N], B: f64[N, N], C: f64[N, N], D: f64[N, N]) -> t: f64 { t = A[i, j] * B[j, k] * C[k, l] * D[l, i]; }",
        &[(D, &[60, 60]), (D, &[60, 60]), (D, &[60, 60]), (D, &[60, 60])],
        10_000,
    ),
    (
        "def f<M, N>(A: f64[M, N], B: f64[N, N], C: f64[N, M]) -> y: f64[M, M] { y[i, l] = A[i, j] * B[j, k] * C[k, l]; }",
        &[(D, &[50, 90]), (D, &[90, 90]), (D, &[90, 50])],
        50 * 50 * 8 + 5000,
    ),
];

/// Bytes of names, lists and alignment around the tensors of a call.
const AROUND: u64 = 4096;

fn bind(source: &str, inputs: Inputs, compiler: Compiler) -> (Bound, Vec<Tensor>) {
    let mut random = Random::new(1);
    let data: Vec<Tensor> = inputs.iter().map(|(dtype, shape)| random_tensor(&mut random, *dtype, shape)).collect();
    let function = compiler.compile(source).and_then(|p| p.main_def());
    let views: Vec<TensorRef<'_>> = data.iter().map(TensorRef::from).collect();
    let bound = function.and_then(|f| f.bind().like(&views).build()).unwrap_or_else(|e| panic!("{}", e.render(false)));
    (bound, data)
}

/// Allocations of a first call into fresh arrays, on threads that have used every library, and of a second one into these.
fn calls(source: &str, inputs: Inputs, compiler: &Compiler) -> (Bound, Allocated, Allocated) {
    // What libraries keep for threads, and tables for lengths, is there afterwards.
    let (warm, data) = bind(source, inputs, compiler.clone());
    let views: Vec<TensorRef<'_>> = data.iter().map(TensorRef::from).collect();
    for _ in 0..4 {
        warm.call(&views).unwrap_or_else(|e| panic!("{}", e.render(false)));
    }
    let (bound, _) = bind(source, inputs, compiler.clone());
    let (outputs, fresh) = allocated(|| bound.call(&views).expect("it has run before"));
    let mut outputs = outputs.into_tensors();
    let mut into: Vec<TensorMut<'_>> = outputs.iter_mut().map(TensorMut::from).collect();
    let ((), again) = allocated(|| bound.call_into(&views, &mut into).expect("it has run before"));
    (bound, fresh, again)
}

pub(crate) fn calls_allocate_what_the_plan_states() {
    for (source, inputs) in OWN {
        let (bound, fresh, again) = calls(source, inputs, &Compiler::new().threads(1));
        let stated = bound.peak();
        assert_eq!((again.calls, stated.per_thread), (0, 0), "{source}");
        assert!(fresh.peak >= stated.base && fresh.peak <= stated.base + AROUND, "{} for {stated:?}: {source}", fresh.peak);
        let (bound, _, again) = calls(source, inputs, &Compiler::new().threads(3));
        assert!(again.peak <= AROUND, "{} on three threads: {source}", again.peak);
        assert_eq!(bound.peak(), stated);
    }
    for (source, inputs) in PRODUCTS {
        for threads in [1, 2] {
            let (bound, fresh, again) = calls(source, inputs, &Compiler::new().threads(threads));
            let (stated, threads) = (bound.peak(), threads as u64);
            assert!(stated.per_thread > 0, "{source}");
            assert!(again.peak <= threads * stated.per_thread + AROUND, "{} for {stated:?}: {source}", again.peak);
            assert!(fresh.peak >= stated.base, "{} for {stated:?}: {source}", fresh.peak);
            assert!(fresh.peak <= stated.base + threads * stated.per_thread + AROUND, "{} for {stated:?}: {source}", fresh.peak);
        }
    }
    for (source, inputs, limit) in LIMITED {
        let free = bind(source, inputs, Compiler::new().threads(1)).0.peak();
        let (bound, fresh, again) = calls(source, inputs, &Compiler::new().threads(1).memory_limit(limit));
        let stated = bound.peak();
        assert!(stated.base <= limit && limit < free.base, "{stated:?}, at best {free:?}, limit {limit}: {source}");
        assert!(again.peak <= stated.per_thread + AROUND, "{} for {stated:?}: {source}", again.peak);
        assert!(fresh.peak >= stated.base, "{} for {stated:?}: {source}", fresh.peak);
        assert!(fresh.peak <= stated.base + stated.per_thread + AROUND, "{} for {stated:?}: {source}", fresh.peak);
    }
}

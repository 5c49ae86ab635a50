//! Plans under a memory limit: products computed slice by slice give what the unlimited plan gives, and keep to the limit.

use ein::{Compiler, Tensor, TensorRef};
use ein_tests::random::Random;
use ein_tests::store::random_tensor;

/// Both results, and the peaks of the two plans.
fn compare(source: &str, shapes: &[&[usize]], limit: u64) -> (u64, u64) {
    let inputs: Vec<Tensor> = shapes.iter().map(|shape| random_tensor(&mut Random::new(7), ein::DType::F64, shape)).collect();
    let views: Vec<TensorRef<'_>> = inputs.iter().map(TensorRef::from).collect();
    let bound = |compiler: Compiler| {
        let function = compiler.compile(source).unwrap_or_else(|e| panic!("{}", e.render(false))).main_def().expect("one def");
        function.bound_for(&views).unwrap_or_else(|e| panic!("{}", e.render(false)))
    };
    let (free, tight) = (bound(Compiler::new().threads(1)), bound(Compiler::new().threads(1).memory_limit(limit)));
    let outputs = [&free, &tight].map(|bound| bound.call(&views).unwrap_or_else(|e| panic!("{}", e.render(false))));
    for (name, _) in outputs[0].iter() {
        let [a, b] = [0, 1].map(|n| outputs[n].array::<f64>(name).expect("an f64 result"));
        let scale = a.iter().fold(1.0f64, |m, x| m.max(x.abs()));
        assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() <= 1e-11 * scale), "{source}");
    }
    (free.peak().base, tight.peak().base)
}

#[test]
fn a_reduced_label_is_sliced_and_the_slices_added() {
    let ring = "def f<N>(A: f64[N, N], B: f64[N, N], C: f64[N, N], D: f64[N, N]) -> t: f64 { t = A[i, j] * B[j, k] * C[k, l] * D[l, i]; }";
    for (n, limit) in [(40, 4000), (7, 200), (1, 8)] {
        let (free, tight) = compare(ring, &[[n, n].as_slice(); 4], limit);
        assert!(tight <= limit && (n == 1 || free > limit), "{free} {tight} {limit}");
    }
}

#[test]
fn a_label_of_the_result_is_sliced_and_the_slices_put_beside_each_other() {
    let chain = "def f<M, N>(A: f64[M, N], B: f64[N, N], C: f64[N, M]) -> y: f64[M, M] { y[i, l] = A[i, j] * B[j, k] * C[k, l]; }";
    for (m, n) in [(50, 50), (13, 31), (5, 64)] {
        let result = (m * m * 8) as u64;
        let (free, tight) = compare(chain, &[&[m, n], &[n, n], &[n, m]], result + 3000);
        assert!(tight <= result + 3000 && tight <= free, "{free} {tight}");
    }
}

#[test]
fn several_labels_are_sliced_together() {
    // A three-dimensional ladder, whose every order has large intermediates.
    let cube = "def f<N, M>(A: f64[N, N, N, M], B: f64[N, N, N, M], C: f64[N, N, N, M], D: f64[N, N, N, M]) -> y: f64[M, M] {
  y[p, q] = A[a, b, c, p] * B[a, d, e, q] * C[b, d, f, r] * D[c, e, f, r];
}";
    let (n, m) = (7, 5);
    let (free, _) = compare(cube, &[[n, n, n, m].as_slice(); 4], u64::MAX);
    for part in [2, 8, 20] {
        let (_, tight) = compare(cube, &[[n, n, n, m].as_slice(); 4], free / part);
        assert!(tight <= free / part, "{tight} of {free}, wanted a part in {part}");
    }
}

/// Programs cut into blocks along an axis of a result, with the sizes of their inputs, and bytes of results and of what every block needs.
const BLOCKS: [(&str, &[&[usize]], u64); 9] = [
    // Attention: scores of a block of queries.
    (
        "def f<N, M, K>(q: f64[N, K], k: f64[M, K], v: f64[M, K]) -> y: f64[N, K] {
  s[i, j] = q[i, c] * k[j, c]; m[i] = max[j](s[i, j]); e[i, j] = exp(s[i, j] - m[i]); z[i] = sum[j](e[i, j]);
  y[i, c] = sum[j](e[i, j] / z[i] * v[j, c]);
}",
        &[&[53, 8], &[47, 8], &[47, 8]],
        53 * 8 * 8,
    ),
    // A loss: along an axis of what it adds up.
    (
        "def f<N, M, K>(q: f64[N, K], k: f64[M, K], v: f64[M, K]) -> (l: f64, w: f64[M]) {
  s[i, j] = q[i, c] * k[j, c]; m[i] = max[j](s[i, j]); e[i, j] = exp(s[i, j] - m[i]); z[i] = sum[j](e[i, j]);
  y[i, c] = sum[j](e[i, j] / z[i] * v[j, c]); l = sum[i, c]((y[i, c] - q[i, c])^2); w[j] = v[j, c] * k[j, c];
}",
        &[&[53, 4], &[47, 4], &[47, 4]],
        53 * 4 * 8 + 47 * 8,
    ),
    // Two layers, each with a square of its own.
    (
        "def f<N, K>(x: f64[N, K]) -> y: f64[N, K] {
  s[i, j] = exp(x[i, c] * x[j, c]); z[i] = sum[j](s[i, j]); h[i, c] = sum[j](s[i, j] / z[i] * x[j, c]);
  t[i, j] = exp(h[i, c] * h[j, c]); w[i] = sum[j](t[i, j]); y[i, c] = sum[j](t[i, j] / w[i] * h[j, c]);
}",
        &[&[60, 3]],
        2 * 60 * 3 * 8,
    ),
    // With projections: keys and values are needed whole.
    (
        "def f<N, D>(x: f64[N, D], A: f64[D, D], B: f64[D, D]) -> y: f64[N, D] {
  q[i, d] = x[i, c] * A[c, d]; k[i, d] = x[i, c] * B[c, d]; s[i, j] = q[i, d] * k[j, d];
  y[i, d] = sum[j](tanh(s[i, j]) * x[j, d]);
}",
        &[&[61, 6], &[6, 6], &[6, 6]],
        2 * 61 * 6 * 8,
    ),
    // Two results of one intermediate.
    (
        "def f<N, M>(x: f64[N], y: f64[M]) -> (a: f64[N], b: f64[N]) {
  t[i, j] = exp(-(x[i] - y[j]) * (x[i] - y[j])); a[i] = sum[j](t[i, j]); c[i, k] = t[i, j] * t[k, j]; b[i] = max[k](c[i, k]);
}",
        &[&[40], &[30]],
        2 * 40 * 8 + 40 * 30 * 8,
    ),
    // Along the second axis; the first is needed whole.
    (
        "def f<N, M>(x: f64[N, N], y: f64[N, M]) -> z: f64[N, M] {
  u[i, m] = x[i, k] * y[k, m]; w[m] = max[i](u[i, m]); p[i, m] = exp(u[i, m] - w[m]); z[i, m] = x[i, k] * p[k, m];
}",
        &[&[12, 12], &[12, 70]],
        12 * 70 * 8,
    ),
    // Steps before and after, one of which needs what the blocks write whole.
    (
        "def f<N, K>(x: f64[N, K]) -> (y: f64[N, K], t: f64) {
  m[k] = sum[i](x[i, k]) / 7.0; g[i, j] = sum[k]((x[i, k] - m[k]) * (x[j, k] - m[k])); h[i, j] = exp(sum[l](g[i, l] * g[l, j]) * 0.01);
  y[i, k] = sum[j](h[i, j] * x[j, k]); t = sum[i, k](y[i, k] * y[i, k]);
}",
        &[&[29, 3]],
        2 * 29 * 3 * 8 + 29 * 29 * 8,
    ),
    // Neighbours are read from inputs, not from other blocks.
    (
        "def f<N, K, C>(x: f64[N], w: f64[K, C], v: f64[C]) -> y: f64[N] {
  h[i: N, c] = sum[k](x[pad(i + k - 1)] * w[k, c]); a[i, c] = max(h[i, c], 0.0) * h[i, c]; y[i] = sum[c, d](a[i, c] * a[i, d] * v[c]);
}",
        &[&[101], &[3, 9], &[9]],
        101 * 8,
    ),
    // A scan in between, and positions of data.
    (
        "def f<N, K>(x: f64[N, K], n: f64[K]) -> y: f64[N, N] {
  scan t in 0..3 { s[k] = prev s[k] * n[k] from n[k]; }
  p[i, j, k] = exp(x[i, k] * x[j, k] * s[k]); q[i, j] = max[k](p[i, j, k]);
  r[i, j] = sum[k](p[i, j, k] / q[i, j] * p[i, j, k]); y[i, j] = r[i, j] * q[i, j];
}",
        &[&[17, 5], &[5]],
        17 * 17 * 8,
    ),
];

#[test]
fn programs_run_in_blocks_along_an_axis() {
    for (source, shapes, floor) in &BLOCKS {
        let (free, _) = compare(source, shapes, u64::MAX);
        assert!(free > *floor, "{free} {floor}: {source}");
        for limit in [free - 1, floor + (free - floor) / 10] {
            let (_, tight) = compare(source, shapes, limit);
            assert!(tight <= limit, "{tight} for {limit} of {free}: {source}");
        }
    }
}

/// Of the rows of a block only the columns are computed that some of them need, ragged blocks included.
#[test]
fn blocks_of_triangles_are_cut_to_what_is_needed() {
    for condition in ["j <= i", "i <= j", "i + j < |S|"] {
        let source = format!(
            "def f<S, E>(q: f64[S, E], k: f64[S, E], v: f64[S, E]) -> y: f64[S, E] {{
  s[i, j] = q[i, e] * k[j, e]; w[i, j] = if {condition} then exp(s[i, j] / |E|) else 0.0; y[i, e] = w[i, j] * v[j, e];
}}"
        );
        for n in [128, 101] {
            let limit = (n * 8 * 8 + n * 80 * 8) as u64;
            let (free, tight) = compare(&source, &[[n, 8].as_slice(); 3], limit);
            assert!(tight <= limit && free > limit, "{free} {tight} {limit}");
        }
    }
}

/// The last block is longer than what is left: it meets no fault that the rows themselves do not.
#[test]
fn ragged_blocks_read_nothing_beyond_the_last_row() {
    let source = "def f<N, M>(a: i32[N, M], x: i32[N + 5], b: i32[M, M]) -> y: i32[N, M] {
  t[i in 0..N, j] = a[i, j] // x[i]; u[i, j] = t[i, k] * b[k, j]; y[i, j] = u[i, k] * b[k, j] - max[q](u[i, q]);
}";
    let (n, m) = (43, 9);
    let whole = |shape: &[usize]| Tensor::from_vec(shape, (0..shape.iter().product::<usize>() as i32).collect()).expect("it fits");
    let divisors = (0..n + 5).map(|k| i32::from(k < n)).collect();
    let inputs = [whole(&[n, m]), Tensor::from_vec(&[n + 5], divisors).expect("it fits"), whole(&[m, m])];
    let views: Vec<TensorRef<'_>> = inputs.iter().map(TensorRef::from).collect();
    let result = |compiler: Compiler| {
        let function = compiler.threads(1).compile(source).and_then(|program| program.main_def());
        let outputs = function.and_then(|f| f.bound_for(&views)).and_then(|bound| bound.call(&views));
        outputs.unwrap_or_else(|e| panic!("{}", e.render(false))).into_tensors()
    };
    for limit in [2088, 2610, 3480] {
        assert_eq!(result(Compiler::new().memory_limit(limit)), result(Compiler::new()), "{limit}");
    }
}

#[test]
fn what_cannot_be_met_is_refused_with_the_figure_that_can() {
    let chain = "def f<N>(A: f64[N, N], B: f64[N, N], C: f64[N, N]) -> y: f64[N, N] { y[i, l] = A[i, j] * B[j, k] * C[k, l]; }";
    let refused = |limit: u64| {
        let program = Compiler::new().threads(1).memory_limit(limit).compile(chain).expect("it is right");
        let shape: &[usize] = &[20, 20];
        program.main_def().expect("one def").bind().shape("A", shape).shape("B", shape).shape("C", shape).build().err()
    };
    // The result alone takes 3200 bytes.
    let error = refused(3199).expect("it does not fit").render(false);
    assert!(error.contains("needs 3200 bytes") && error.contains("`--memory 3200`"), "{error}");
    assert!(refused(3200).is_none());
}

/// The limit of a hint holds beside that of whoever compiles: the smaller one.
#[test]
fn hints_limit_memory() {
    let source = |limit: &str| {
        format!(
            "def f<N, M>(x: f64[N], y: f64[M]) -> z: f64[N] {{
  t[i, j] = tanh(x[i] * y[j]); a[i] = max[j](t[i, j]); z[i] = sum[j](exp(t[i, j] - a[i]));
}}
hint f {{ memory <= {limit}; threads = 1; path = auto; }}"
        )
    };
    let bound = |limit: &str, compiler: Compiler| {
        let function =
            compiler.compile(&source(limit)).and_then(|program| program.main_def()).unwrap_or_else(|e| panic!("{}", e.render(false)));
        function.bind().shape("x", &[100]).shape("y", &[80]).build()
    };
    let peak = |limit: &str, compiler: Compiler| bound(limit, compiler).unwrap_or_else(|e| panic!("{}", e.render(false))).peak().base;
    let compiler = || Compiler::new().threads(2);
    assert!(peak("1MiB", compiler()) > 64_000);
    assert!(peak("8KiB", compiler()) <= 8192);
    assert!(peak("1MiB", compiler().memory_limit(8192)) <= 8192);
    let error = bound("100", compiler().memory_limit(1 << 30)).err().expect("the result is larger").render(false);
    assert!(error.contains("the limit is that of `hint f { memory <= 100; }`"), "{error}");
}

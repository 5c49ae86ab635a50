//! Functions of whole tensors and constants by formula, from source text to results.

use ein::{Compiler, DType, Error, Tensor, TensorRef};
use ein_tests::generate::Generated;
use ein_tests::oracle;
use ein_tests::random::Random;
use ein_tests::store::{random_tensor, to_data};

/// Compares a program with the interpreters in every configuration: levels, threads, strided inputs, interpreted kernels.
fn agrees(source: &str, inputs: &[(&str, DType, &[usize])]) {
    let program = Generated {
        seed: 7,
        source: source.to_owned(),
        inputs: inputs.iter().map(|(n, d, s)| ((*n).to_owned(), *d, s.to_vec())).collect(),
        sizes: Vec::new(),
    };
    oracle::check_program(&program).unwrap_or_else(|e| panic!("{e}"));
}

fn call(source: &str, inputs: &[(&str, Tensor)]) -> Result<Vec<Tensor>, Error> {
    let function = Compiler::new().threads(1).compile(source)?.main_def()?;
    Ok(function.call(inputs.iter().map(|(name, t)| (*name, TensorRef::from(t))))?.into_tensors())
}

/// Compares a program with the declared semantics, number by number.
fn is_near(source: &str, inputs: &[(&str, DType, &[usize])], tolerance: f64) {
    let mut random = Random::new(3);
    let inputs: Vec<(&str, Tensor)> =
        inputs.iter().map(|(name, dtype, shape)| (*name, random_tensor(&mut random, *dtype, shape))).collect();
    let got = call(source, &inputs).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let module = oracle::module(source, None).unwrap_or_else(|e| panic!("{e:?}"));
    let shapes: Vec<&[usize]> = inputs.iter().map(|(_, t)| t.shape()).collect();
    let specialised = oracle::specialise(&module, &shapes, &[]).unwrap_or_else(|e| panic!("{e:?}"));
    let tensors: Vec<Tensor> = inputs.into_iter().map(|(_, t)| t).collect();
    let wanted = oracle::interpret(&specialised, &tensors).unwrap_or_else(|e| panic!("{e}"));
    for (n, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
        assert_eq!(got.shape(), wanted.shape());
        for (g, w) in to_data(got).values.iter().zip(&to_data(wanted).values) {
            let (g, w) = (g.as_float().expect("a float"), w.as_float().expect("a float"));
            assert!((g - w).abs() <= tolerance * w.abs().max(1.0), "result {n}: {g} for {w}\n{source}");
        }
    }
}

fn codes(source: &str) -> Vec<u16> {
    let checked = Compiler::new().threads(1).compile(source).and_then(|p| p.check_all());
    checked.err().map_or_else(Vec::new, |e| e.diagnostics().iter().map(|d| d.code.0).collect())
}

#[test]
fn sorting_agrees_with_the_interpreter() {
    let source = "def f<B, N>(x: f32[B, N], n: i32[N], t: bool[N]) -> (v: f32[B, N], i: i64[B, N], d: i32[N], b: bool[N], k: f32[B, 2], m: f32[B, 2]) \
                  where N >= 2 { (v, i) = sort(x); d = sort(n, descending = true); b = sort(t); k = top_k(x, 2); m = top_k(x, k = 2, smallest = true); }";
    for (b, n) in [(1, 2), (3, 7), (2, 40), (0, 5)] {
        agrees(source, &[("x", DType::F32, &[b, n]), ("n", DType::I32, &[n]), ("t", DType::Bool, &[n])]);
    }
}

#[test]
fn positions_are_indices_of_the_axis() {
    let source = "def f<B, N, D>(x: f32[B, N], E: f32[N, D]) -> (y: f32[B, 2, D], z: f32[B, N]) where N >= 2 {\
                  (v, at) = top_k(x, k = 2); y[b, k, d] = E[at[b, k], d] * v[b, k]; (s, i) = sort(x); z[b, n] = s[b, n] - x[b, i[b, n]]; }";
    agrees(source, &[("x", DType::F32, &[3, 5]), ("E", DType::F32, &[5, 4])]);
    let sorted = "def f<N, V>(n: idx<V>[N], x: f32[V]) -> y: f32[N] { s = sort(n); y[i] = x[s[i]]; }";
    let n = Tensor::from_vec(&[4], vec![2i32, 0, 2, 1]).expect("small");
    let x = Tensor::from_vec(&[3], vec![0.5f32, 1.5, 2.5]).expect("small");
    assert_eq!(call(sorted, &[("n", n), ("x", x)]).expect("runs")[0].as_slice::<f32>().expect("f32"), [0.5, 1.5, 2.5, 2.5]);
}

#[test]
fn transforms_agree_with_the_interpreter() {
    let source = "def f<B, N, M>(x: c64[B, N], r: f64[N]) -> (X: c64[B, N], y: c64[B, N], R: c128[N // 2 + 1], s: f64[N]) {\
                  X = fft(x); y = ifft(x); R = rfft(r); s = irfft(R, n = N); }"
        .replace("<B, N, M>", "<B, N>");
    for (b, n) in [(1, 1), (2, 2), (3, 12), (2, 17), (1, 0)] {
        agrees(&source, &[("x", DType::C64, &[b, n]), ("r", DType::F64, &[n])]);
    }
}

const MATRICES: &str = include_str!("../cases/language/library_matrix.ein");

#[test]
fn matrix_functions_run_in_every_configuration() {
    for (b, n, m, k) in [(2, 3, 5, 2), (1, 1, 1, 1), (3, 6, 6, 0)] {
        let inputs: [(&str, DType, &[usize]); 4] =
            [("A", DType::F64, &[b, n, n]), ("T", DType::F64, &[m, n]), ("b", DType::F64, &[b, n, k]), ("c", DType::F64, &[m])];
        agrees(MATRICES, &inputs);
    }
}

#[test]
fn matrix_functions_give_the_interpreters_numbers() {
    let posed = "P[i, j] = A[k, i] * A[k, j] + (if i == j then 3.0 else 0.0);";
    for (results, body) in [
        ("x: f64[N]", "c[i] = A[0, i]; x = solve(P, c);"),
        ("B: f64[N, N]", "B = inv(P);"),
        ("L: f64[N, N]", "L = cholesky(P);"),
        ("d: f64", "d = det(P);"),
        ("(w: f64[N], V: f64[N, N])", "(w, V) = eigh(P);"),
        ("(Q: f64[M, N], R: f64[N, N])", "(Q, R) = qr(A);"),
        ("(U: f64[M, N], s: f64[N], Vt: f64[N, N])", "(U, s, Vt) = svd(A);"),
        ("x: f64[N]", "c[m] = A[m, 0] + m; x = lstsq(A, c);"),
    ] {
        let source = format!("def f<M, N>(A: f64[M, N]) -> {results} where M >= N, N >= 1 {{ {posed} {body} }}");
        is_near(&source, &[("A", DType::F64, &[6, 4])], 1e-8);
        is_near(&source, &[("A", DType::F64, &[1, 1])], 1e-8);
    }
}

#[test]
fn a_function_may_be_called_inside_a_called_definition() {
    let source = "def halve<N>(x: f64[N]) -> (y: f64[N], n: f64[2]) { (s, i) = sort(x); (n, w) = gauss_legendre(2); y[i'] = s[i'] / 2.0; }\n\
                  def f<N>(x: f64[N]) -> (y: f64[N], z: f64) { (y, n) = halve(x); z = n[1]; }";
    agrees(source, &[("x", DType::F64, &[5])]);
}

#[test]
fn constants_by_formula_agree_with_the_interpreter() {
    agrees(
        "def f<N>(x: c128[N]) -> (X: c128[N], q: f64, y: f64) { F = dft(N); X[k] = F[k, n] * x[n]; (t, w) = gauss_legendre(3);\
         q = w[i] * t[i] * t[i]; (p, D) = chebyshev(4); y = D[3, i] * p[i]; }",
        &[("x", DType::C128, &[6])],
    );
    agrees(
        "def f<Z>(x: f32[Z, 3], y: f32[Z, 5]) -> o: f32[Z, 3] { C: f32 = clebsch_gordan(1, 2, 1); o[z, k] = C[i, j, k] * x[z, i] * y[z, j]; }",
        &[("x", DType::F32, &[4, 3]), ("y", DType::F32, &[4, 5])],
    );
    assert_eq!(
        call("def f() -> (G: f64[1, 1, 1]) { G = gaunt(0, 0, 0); }", &[]).expect("a constant")[0].as_slice::<f64>().expect("f64"),
        [0.28209479177387814]
    );
}

#[test]
fn failures_name_function_and_matrix() {
    let matrices = |values: &[f64]| Tensor::from_vec(&[values.len() / 4, 2, 2], values.to_vec()).expect("small");
    let source = |body: &str| format!("def f<B>(A: f64[B, 2, 2]) -> X: f64[B, 2, 2] {{ {body} }}");
    let fail = |body: &str, values: &[f64]| {
        let error = call(&source(body), &[("A", matrices(values))]).expect_err("a failure");
        let d = &error.diagnostics()[0];
        format!("{} {}", d.code, d.message)
    };
    let regular = [1.0, 0.0, 0.0, 1.0];
    let singular = [regular, [1.0, 2.0, 2.0, 4.0]].concat();
    assert_eq!(fail("X = inv(A);", &singular), "E0610 `inv`: the matrix is singular (matrix 1 of the batch)");
    assert_eq!(fail("X = solve(A, A);", &singular[4..]), "E0610 `solve`: the matrix is singular");
    let indefinite = [regular, regular, [1.0, 0.0, 2.0, 1.0]].concat();
    assert_eq!(fail("X = cholesky(A);", &indefinite), "E0611 `cholesky`: the matrix is not positive definite (matrix 2 of the batch)");
    assert_eq!(
        fail("X = lstsq(A, A);", &singular),
        "E0610 `lstsq`: the columns of the matrix are linearly dependent (matrix 1 of the batch)"
    );
    let nan = call(&source("X = inv(A);"), &[("A", matrices(&[1.0, f64::NAN, 0.0, 1.0]))]).expect("no failure");
    assert!(nan[0].as_slice::<f64>().expect("f64").iter().all(|x| x.is_nan()));
}

#[test]
fn misuse_is_refused() {
    let f = |body: &str| codes(&format!("def f<M, N>(A: f64[M, N], S: f64[N, N], x: f32[N], n: i32[N]) -> y: f64[N, N] {{ {body} }}"));
    assert_eq!(f("y = inv(A);"), [301]);
    assert_eq!(f("y = inv(x);"), [310]);
    assert_eq!(f("y = inv(S, S);"), [213]);
    assert_eq!(f("y = inv(S, k = 3);"), [213]);
    assert_eq!(f("y = solve(S);"), [213]);
    assert_eq!(f("y = solve(S, A);"), [301]);
    assert_eq!(f("y = svd(S);"), [213]);
    assert_eq!(f("X = fft(x); y = inv(S);"), [402]);
    assert_eq!(f("v = top_k(x); y = inv(S);"), [213]);
    assert_eq!(f("v = sort(x, descending = 1); y = inv(S);"), [213]);
    assert_eq!(f("v = top_k(x, k = 1, smalest = true); y = inv(S);"), [213]);
    assert_eq!(f("y[i, j] = inv(S)[i, j];"), codes("def f<N>(S: f64[N, N]) -> y: f64[N, N] { y[i, j] = inv(S)[i, j]; }"));
    assert_eq!(f("y[i, j] = S[i, j] + det(S);"), [212]);
    assert_eq!(f("y = clebsch_gordan(1, 1); "), [213]);
    assert_eq!(f("C: i32 = clebsch_gordan(1, 1, 1); y = inv(S);"), [402]);
    assert_eq!(f("C = clebsch_gordan(1, 1, -1); y = inv(S);"), [305]);
    assert_eq!(f("(a, a) = qr(S); y = inv(S);"), [206]);
    assert_eq!(f("y = inverse(S);"), [211]);
}

#[test]
fn sizes_are_checked_at_entry() {
    let fail = |source: &str, shape: &[usize]| {
        let error = call(source, &[("A", Tensor::zeros(DType::C128, shape).expect("small"))]).expect_err("a failure");
        format!("{} {}", error.diagnostics()[0].code, error.diagnostics()[0].message)
    };
    let wide = fail("def f<M, N>(A: c128[M, N]) -> R: c128[N, N] { (Q, R) = qr(A); }", &[2, 3]);
    assert_eq!(wide, "E0305 `M >= N` in `qr` (the matrix has at least as many rows as columns) does not hold for M = 2, N = 3");
    let large = fail("def f<N, M>(A: c128[N, M]) -> F: c128[N, N] { F = dft(N); }", &[1025, 1]);
    assert_eq!(large, "E0806 `dft` of 1050625 elements, and 1048576 is the most");
    let half = fail("def f<K>(A: c128[K]) -> y: f64[6] { y = irfft(A, n = 6); }", &[3]);
    assert!(half.starts_with("E0305 "), "{half}");
}

#[test]
fn what_reads_no_input_is_computed_beforehand() {
    let source = "def f<B, N, H>(x: f32[B, N, H]) -> (y: f32[B, N, H], z: f32[B, N], best: i64, small: f16[4], odd: f32[N], w: c64[N, N]) {
      angle[n: N, h: H] = (n as f64) / 100.0 ^ (2 * h as f64 / |H|);
      wave[n, h]        = sin(angle[n, h]) as f32;
      total             = sum[n, h](wave[n, h]);
      back[n: N]: i64   = |N| - 1 - n;
      y[b, n, h]        = x[b, n, h] + wave[n, h] / total;
      z[b, n]           = x[b, clamp(back[n]), 0] + wave[n, h] * x[b, n, h];
      best              = argmax[n](sin(n as f64) + wave[n, 0] as f64);
      small[i: 4]       = sqrt(i as f32) as f16;
      odd[n]            = if n % 2 == 1 then 1.0 / (n as f32) else log(0.0) * 0.0;
      w[a, b]           = cis(2.0 * pi * a as f32 * b as f32 / |N|);
    }";
    for (b, n, h) in [(1, 2, 1), (2, 7, 3), (0, 5, 4)] {
        agrees(source, &[("x", DType::F32, &[b, n, h])]);
    }
}

#[test]
fn functions_stand_in_scans() {
    // A Kalman filter: every turn inverts the covariance of the innovation.
    let kalman =
        "def kalman<T, N, M>(F: f64[N, N], H: f64[M, N], Q: f64[N, N], R: f64[M, M], z: f64[T, M]) -> (xs: f64[T, N], last: f64[N, N]) {
      scan t: T {
        xp[i]    = F[i, j] * prev x[j];
        Pp[i, j] = F[i, k] * prev P[k, l] * F[j, l] + Q[i, k] * Q[j, k];
        S[a, b]  = H[a, i] * Pp[i, j] * H[b, j] + R[a, c] * R[b, c] + (if a == b then 1.0 else 0.0);
        C        = inv(S);
        K[i, b]  = Pp[i, j] * H[a, j] * C[a, b];
        x[i: N]  = xp[i] + sum[a](K[i, a] * (z[t, a] - sum[j](H[a, j] * xp[j]))) from 0.5;
        P[i: N, j: N] = Pp[i, j] - K[i, a] * H[a, k] * Pp[k, j] from if i == j then 4.0 else 0.0;
        xs[t, i] = x[i];
      }
      last[i, j] = P[i, j];
    }";
    let square = |name, n: usize| (name, DType::F64, vec![n, n]);
    let inputs = [square("F", 3), ("H", DType::F64, vec![2, 3]), square("Q", 3), square("R", 2), ("z", DType::F64, vec![4, 2])];
    let inputs: Vec<(&str, DType, &[usize])> = inputs.iter().map(|(n, d, s)| (*n, *d, s.as_slice())).collect();
    is_near(kalman, &inputs, 1e-9);
    // QR iteration: the state is an operand and a result of the call.
    let eigenvalues = "def f<N>(A: f64[N, N]) -> w: f64[N] {
      S[i, j] = A[i, j] + A[j, i] + (if i == j then 3.0 * (i as f64) else 0.0);
      scan n in 0..40 {
        (Q, R)  = qr(prev X);
        X[i: N, j: N] = R[i, k] * Q[k, j] from S[i, j];
      }
      d[i] = X[i, i];
      w    = sort(d);
    }";
    is_near(eigenvalues, &[("A", DType::F64, &[4, 4])], 1e-8);
}

#[test]
fn functions_in_scans_agree_with_the_interpreter() {
    let source = "def f<T, N>(x: f32[T, N], n: i32[N]) -> (s: f32[T, N], m: i32[N], p: i64[T, N]) {
      scan t: T {
        y[i: N]      = x[t, i] * prev y[i] from 1.0;
        (v, q)       = sort(y);
        s[t, i]      = v[i] + prev y[i];
        p[t, i]      = q[i];
        m            = sort(prev m, descending = true) from n;
      }
    }";
    for (t, n) in [(1, 3), (4, 5), (0, 2), (3, 0)] {
        agrees(source, &[("x", DType::F32, &[t, n]), ("n", DType::I32, &[n])]);
    }
    let transforms = "def f<T, N>(x: c64[T, N], z: c64[N]) -> (X: c64[N], Y: c64[T, N]) {
      scan t: T {
        Z       = fft(prev X);
        Y[t, i] = Z[i] * x[t, i] + z[i];
        W       = ifft(Z);
        X[i: N] = W[i] + x[t, i] from z[i];
      }
    }";
    for (t, n) in [(2, 4), (3, 7)] {
        agrees(transforms, &[("x", DType::C64, &[t, n]), ("z", DType::C64, &[n])]);
    }
}

#[test]
fn a_call_that_fails_in_a_turn_ends_the_run() {
    let source = "def f<T, N>(A: f64[T, N, N], b: f64[N]) -> y: f64[N] {
      scan t: T {
        M[i, j] = A[t, i, j];
        y       = solve(M, prev y) from b;
      }
    }";
    let matrices = |last: f64| Tensor::from_vec(&[2, 2, 2], vec![2.0f64, 0.0, 0.0, 4.0, 1.0, 1.0, 1.0, last]).expect("small");
    let b = || Tensor::from_vec(&[2], vec![2.0f64, 8.0]).expect("small");
    let error = call(source, &[("A", matrices(1.0)), ("b", b())]).expect_err("a singular matrix");
    assert_eq!(error.diagnostics()[0].code.0, 610, "{}", error.render(false));
    let got = call(source, &[("A", matrices(2.0)), ("b", b())]).unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert_eq!(got[0].as_array::<f64>().expect("f64").iter().copied().collect::<Vec<_>>(), [0.0, 1.0]);
}

//! Scans: compiled code against the interpreters, and both against loops written by hand.

use ein::{Compiler, Error, Tensor, TensorRef};
use ein_ir::dtype::DType;
use ein_tests::generate::Generated;
use ein_tests::oracle;

const F: DType = DType::F32;
const D: DType = DType::F64;

type Input<'a> = (&'a str, DType, &'a [usize]);

/// The program of a case.
fn case(name: &str) -> String {
    let path = format!("{}/cases/language/scan_{name}.ein", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Runs a program on random inputs in every configuration.
fn agrees(source: &str, inputs: &[Input<'_>], sizes: &[(&str, i64)]) {
    for seed in 1..3 {
        let program = Generated {
            seed,
            source: source.to_owned(),
            inputs: inputs.iter().map(|(n, d, s)| ((*n).to_owned(), *d, s.to_vec())).collect(),
            sizes: sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
        };
        oracle::check_program(&program).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Extents at which loops begin and end differently.
const STEPS: [usize; 5] = [0, 1, 2, 3, 8];

#[test]
fn states_in_two_buffers_agree() {
    for n in [0, 1, 2, 5, 8, 17] {
        agrees(&case("two_buffers"), &[("W", F, &[n, n])], &[]);
        agrees(&case("life"), &[("x", DType::I32, &[n.max(1), 5])], &[("K", 1 + (n as i64) % 4)]);
    }
    for t in [0, 1, 2, 7] {
        agrees(&case("wave"), &[("a", F, &[11]), ("b", F, &[11]), ("c", F, &[])], &[("T", t)]);
        agrees(&case("power_iteration"), &[("A", D, &[6, 6]), ("x", D, &[6])], &[("K", t.max(1))]);
    }
}

#[test]
fn states_in_place_agree() {
    for t in STEPS {
        for n in [1, 5, 16] {
            let inputs: [Input<'_>; 5] =
                [("x", F, &[2, t, 3]), ("dt", F, &[2, t, 3]), ("A", F, &[3, n]), ("P", F, &[2, t, n]), ("Q", F, &[2, t, n])];
            agrees(&case("in_place"), &inputs, &[]);
        }
        let scalars = ["b0", "b1", "b2", "a1", "a2"].map(|name| (name, D, &[] as &[usize]));
        let x: &[usize] = &[t];
        let inputs: Vec<Input<'_>> = [("x", D, x)].into_iter().chain(scalars).collect();
        agrees(&case("iir"), &inputs, &[]);
    }
}

/// A condition of the turn alone is no bound of any loop: what it excludes is not computed.
#[test]
fn conditions_of_the_turn_alone_agree() {
    let source = "def f<T, N, B>(A: i64[N, B], ids: i32[T, B]) -> (y: i64[T, N], z: i64[T, N], n: i64[T, N]) {
        scan t: T {
          y[t, i] = if t > 0 then sum[k](A[i, k] // t) else 0;
          d[i] = if t > 1 then max[k](A[i, k] // (t - 1)) + sum[k](A[i, k] // t) else 0;
          z[t, i] = d[i] * d[i];
          n[t, i] = sum[k where ids[t, k] == i and t > 0](A[i, k] // t);
        }
      }";
    for t in STEPS {
        agrees(source, &[("A", DType::I64, &[4, 5]), ("ids", DType::I32, &[t, 5])], &[]);
    }
}

#[test]
fn scans_in_both_directions_agree() {
    for t in STEPS {
        for a in [0, 1, 3] {
            agrees(&case("cumulative"), &[("x", DType::I64, &[a, t])], &[]);
        }
    }
}

#[test]
fn scans_in_scans_agree() {
    for n in STEPS {
        for m in [1, 2, 7] {
            agrees(&case("nested"), &[("a", DType::I32, &[n]), ("b", DType::I32, &[m])], &[]);
        }
    }
    for t in [2, 3, 6] {
        agrees(&case("calls"), &[("x", D, &[t, 5]), ("a", D, &[5])], &[]);
    }
}

#[test]
fn reductions_in_scans_agree() {
    for t in STEPS {
        for s in [1, 4, 9] {
            agrees(&case("viterbi"), &[("e", D, &[t, s]), ("A", D, &[s, s]), ("p", D, &[s])], &[]);
            agrees(&case("hmm_forward"), &[("e", D, &[t, s]), ("A", D, &[s, s]), ("p", D, &[s])], &[]);
        }
    }
    agrees(&case("gemm"), &[("x", F, &[32, 3, 64]), ("W", F, &[64, 64]), ("U", F, &[64, 64]), ("c", F, &[64])], &[]);
}

fn call(source: &str, inputs: &[(&str, Tensor)]) -> Result<Vec<Tensor>, Error> {
    let program = Compiler::new().threads(1).compile(source)?;
    let name = program.defs().last().expect("a definition").to_string();
    let out = program.def(&name)?.call(inputs.iter().map(|(name, t)| (*name, TensorRef::from(t))))?;
    Ok(out.into_tensors())
}

fn numbers(source: &str, inputs: &[(&str, Tensor)]) -> Vec<Vec<f64>> {
    let results = call(source, inputs).unwrap_or_else(|e| panic!("{source}\n{}", e.render(false)));
    results.iter().map(|t| t.as_slice::<f64>().expect("f64").to_vec()).collect()
}

fn vector(values: &[f64]) -> Tensor {
    Tensor::from_vec(&[values.len()], values.to_vec()).expect("small")
}

#[test]
fn an_edit_distance_is_that_of_the_textbook() {
    let word = |text: &str| Tensor::from_vec(&[text.len()], text.bytes().map(i32::from).collect()).expect("small");
    for (a, b, distance) in [("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("intention", "execution", 5), ("x", "x", 0)] {
        let results = call(&case("nested"), &[("a", word(a)), ("b", word(b))]).unwrap_or_else(|e| panic!("{}", e.render(false)));
        assert_eq!(results[0].as_slice::<i32>().expect("i32"), [distance], "{a} {b}");
    }
}

#[test]
fn a_filter_is_that_of_a_loop() {
    let x = [1.0, 0.0, -2.0, 3.5, 0.25, 0.0, 0.0];
    let [b0, b1, b2, a1, a2] = [0.5, 0.25, -0.125, -0.5, 0.75];
    let scalar = |v: f64| Tensor::from_vec(&[], vec![v]).expect("small");
    let inputs = [("x", vector(&x)), ("b0", scalar(b0)), ("b1", scalar(b1)), ("b2", scalar(b2)), ("a1", scalar(a1)), ("a2", scalar(a2))];
    let (mut s, mut u, mut expected) = (0.0, 0.0, Vec::new());
    for x in x {
        let o = b0 * x + s;
        s = b1 * x - a1 * o + u;
        u = b2 * x - a2 * o;
        expected.push(o);
    }
    let got = numbers(&case("iir"), &inputs);
    assert!(got[0].iter().zip(&expected).all(|(g, e)| (g - e).abs() < 1e-14), "{got:?} {expected:?}");
}

#[test]
fn two_previous_steps_are_those_of_a_loop() {
    let source = case("wave").replace("f32", "f64");
    let (mut v, mut u) = (vec![0.0, 1.0, 3.0, -2.0, 0.5], vec![0.25, 1.0, 2.0, 0.0, -1.0]);
    let inputs = [("a", vector(&v)), ("b", vector(&u)), ("c", Tensor::from_vec(&[], vec![0.25f64]).expect("small"))];
    let n = u.len();
    for _ in 0..7 {
        let w = (0..n).map(|i| 2.0 * u[i] - v[i] + 0.25 * (u[(i + 1) % n] - 2.0 * u[i] + u[(i + n - 1) % n])).collect();
        v = std::mem::replace(&mut u, w);
    }
    let got = numbers(&source, &inputs);
    assert!(got[0].iter().zip(&u).all(|(g, e)| (g - e).abs() < 1e-11), "{got:?} {u:?}");
}

#[test]
fn a_state_keeps_its_last_value_and_an_empty_scan_its_first() {
    let last = "def f<T>(x: f64[T]) -> (s: f64, y: f64[T]) { scan t: T { s = prev s + x[t] from 7.0; y[t] = s; } }";
    assert_eq!(numbers(last, &[("x", vector(&[1.0, 2.0]))]), [vec![10.0], vec![8.0, 10.0]]);
    assert_eq!(numbers(last, &[("x", vector(&[]))]), [vec![7.0], vec![]]);
    let without = "def f<T>(x: f64[T]) -> s: f64 { scan t: T { s = 2.0 * x[t]; } }";
    assert_eq!(numbers(without, &[("x", vector(&[1.0, 2.0]))]), [vec![4.0]]);
    let error = call(without, &[("x", vector(&[]))]).expect_err("there is no value");
    assert_eq!(error.diagnostics()[0].code.to_string(), "E0502", "{}", error.render(false));
}

/// The codes of a program.
fn codes(source: &str) -> Vec<String> {
    let compiled = Compiler::new().threads(1).compile(source).and_then(|p| p.check_all().map(|()| p));
    compiled.err().map_or_else(Vec::new, |e| e.diagnostics().iter().map(|d| d.code.to_string()).collect())
}

#[test]
fn what_scans_refuse() {
    let block = |text: &str| format!("def f<T, N>(x: f64[T, N], a: f64[N]) -> (h: f64[N], y: f64[T, N]) {{ {text} }}");
    for (text, expected) in [
        ("scan t: T { h[i] = prev h[i] + x[t, i] from 0.0; y[t, i] = h[i]; }", vec![]),
        ("scan t: T { h[i] = prev h[i] + x[t, i]; y[t, i] = h[i]; }", vec!["E0501"]),
        ("scan t: T { h[i] = prev a[i] + x[t, i] from 0.0; y[t, i] = h[i]; }", vec!["E0501"]),
        ("scan t: T { h[i] = prev q[i] + x[t, i] from 0.0; y[t, i] = h[i]; }", vec!["E0501"]),
        ("h[i] = prev h[i]; y[t, i] = x[t, i];", vec!["E0501"]),
        ("h[i] = a[i] from 0.0; y[t, i] = x[t, i];", vec!["E0501"]),
        ("scan t: T { y[t, i] = h[i] + x[t, i]; h[i] = prev h[i] from a[i]; }", vec!["E0204"]),
        ("scan t: T { h[i] = h[i] + x[t, i] from a[i]; y[t, i] = h[i]; }", vec!["E0204"]),
        ("scan t: T { h[i] = prev h[i] + x[t, i] from x[t, i]; y[t, i] = h[i]; }", vec!["E0511"]),
        ("scan t: T { h[i] = prev h[i] + x[t, i] from 0.0; y[t, i] = h[i] from 0.0; }", vec!["E0510"]),
        ("scan t: T { y[t, i] = x[t, i]; h[i] = if t > 0 then y[t - 1, i] else 0.0; }", vec!["E0510"]),
        ("scan t: T { h[i] = x[t, i]; y[t, i] = h[i] + prev y[t, i]; }", vec!["E0501"]),
        ("scan t { h[i] = prev h[i] from 0.0; y[t, i] = h[i]; }", vec!["E0302"]),
        ("scan a: T { h[i] = prev h[i] from 0.0; y[a, i] = h[i]; }", vec!["E0205"]),
        ("scan t: T { scan t: T { h[i] = prev h[i] from 0.0; y[t, i] = h[i]; } }", vec!["E0203"]),
        ("scan t in 1..T { h[i] = prev h[i] + x[t, i] from 0.0; y[t, i] = h[i]; }", vec!["E0309"]),
        ("scan t: N { h[i] = prev h[i] + x[t, i] from 0.0; y[t, i] = h[i]; }", vec!["E0301", "E0301"]),
        ("scan t: T { h[i] = prev h[i] + x[t, j] from 0.0; y[t, i] = h[i]; }", vec!["E0201"]),
        ("scan t: T { scan s: N { h[i] = prev h[i] from 0.0; y[t, i] = h[i]; } }", vec!["E0510"]),
        ("scan t: T { h[i] = prev h[i] + x[t, i] from 0; y[t, i] = h[i]; h[i] = a[i]; }", vec!["E0206"]),
        ("scan t: T { q[i] = prev q[i] + 1.0 from 0.0; h[i] = a[i]; y[t, i] = h[i]; }", vec!["E0302"]),
        ("scan t: T { q[i: N] = prev q[i] + 1.0 from 0.0; h[i] = a[i]; y[t, i] = h[i]; }", vec!["E0401"]),
        ("scan t: T { q[i: N]: f64 = prev q[i] + 1.0 from 0.0; h[i] = q[i]; y[t, i] = h[i]; }", vec![]),
        ("scan t: T { h[i] = prev h[i] + x[t, i] from a; y[t, i] = h[i]; }", vec!["E0212"]),
    ] {
        assert_eq!(codes(&block(text)), expected, "{text}");
    }
}

/// Sums that go into elements named by data, of the step and of the state.
#[test]
fn scatters_in_scans_agree() {
    let f = |body: &str| {
        format!("def f<T, B, N>(ids: i32[T, B], w: f32[T, B], x: f32[N]) -> (h: f32[N], y: f32[T, N]) {{ scan t: T {{ {body} }} }}")
    };
    let dropped = "h[v] = sum[b where ids[t, b] == v](w[t, b] * prev h[b % |N|]) from x[v]; y[t, v] = h[v];";
    let added = "y[t, v] = sum[b where ids[t, b] == v](w[t, b]); h[v] = prev h[v] + y[t, v] from x[v];";
    let chosen = "y[t, v] = x[v]; h[v] = max[b where ids[t, b] == v and w[t, b] > prev h[0]](w[t, b]) from x[v];";
    for body in [dropped, added, chosen] {
        for t in STEPS {
            agrees(&f(body), &[("ids", DType::I32, &[t, 7]), ("w", F, &[t, 7]), ("x", F, &[5])], &[]);
        }
    }
}

/// Products that read the slice of a step in place, in all layouts.
#[test]
fn products_of_slices_agree() {
    for (b, n) in [(1, 5), (9, 31), (17, 33)] {
        for t in [1, 2, 5] {
            let weights = case("weights").replace("where N == H*E", "").replace("n // |E|, n % |E|", "n // 1 % |H|, n % |E|");
            agrees(&weights, &[("x", F, &[b, n]), ("W", F, &[t, 3, 7, n]), ("U", F, &[n, t, n])], &[]);
        }
        let both = "def f<T, N, B>(W: c64[T, N, N], x: c64[T, B, N]) -> y: c64[T, B, N] {
            scan t: T { y[t, b, n] = W[t, n, m] * x[t, b, m]; } }";
        agrees(both, &[("W", DType::C64, &[3, n, n]), ("x", DType::C64, &[3, b, n])], &[]);
        let nested = "def f<T, S, N, B>(W: f64[T, S, N, N], V: f64[S, N, T, N], x: f64[B, N]) -> h: f64[B, N] {
            scan t: T { scan reverse s in 1..S { g[b, n] = W[t, s, n, m] * prev g[b, m] + V[s - 1, m, t, n] * x[b, m] from prev h[b, n]; }
                        h[b, n] = 0.125 * g[b, n] from x[b, n]; } }";
        agrees(nested, &[("W", D, &[2, 3, n, n]), ("V", D, &[3, n, 2, n]), ("x", D, &[b, n])], &[]);
        let shared = "def f<T, N, B>(W: f32[T, N, N], x: f32[B, N]) -> (h: f32[B, N], k: f32[T, N, N]) {
            scan t: T { w[i, j] = W[t, j, i]; h[b, n] = w[n, m] * prev h[b, m] from x[b, n]; k[t, i, j] = w[i, m] * w[j, m]; } }";
        agrees(shared, &[("W", F, &[3, n, n]), ("x", F, &[b, n])], &[]);
    }
}

/// A library function of the state, which swaps two buffers, in every step.
#[test]
fn library_calls_in_scans_agree() {
    let source = "def f<N, K: int = 3>(A: f64[N, N], x: f64[N, N]) -> (R: f64[N, N], D: f64) {\n  \
                  scan _ in 0..K {\n    S[i, j] = A[i, k] * prev Q[k, j];\n    Q = inv(S) from x;\n    D = det(Q);\n  }\n  R[i, j] = Q[i, j];\n}";
    let eye = |n: usize, d: f64| (0..n * n).map(|k| if k % (n + 1) == 0 { d } else { 0.125 }).collect();
    let matrix = |d: f64| Tensor::from_vec(&[3, 3], eye(3, d)).expect("small");
    for steps in [1, 2, 3] {
        let source = source.replace("= 3>", &format!("= {steps}>"));
        let got = numbers(&source, &[("A", matrix(2.0)), ("x", matrix(1.0))]);
        assert!(got[0].iter().all(|v| v.is_finite()) && got[1][0] != 0.0, "{got:?}");
    }
}

//! Loop nests where conditions protect what they compute, where integers wrap and numbers are special, against the interpreters.

use ein::{Compiler, DType, Tensor};
use ein_tests::generate::Generated;
use ein_tests::oracle;
use ein_tests::random::Random;
use ein_tests::store::{Layout, Stored, to_data};

const F: DType = DType::F32;
const I: DType = DType::I32;
const L: DType = DType::I64;

/// Runs a program on random inputs in every configuration.
fn agrees(source: &str, inputs: &[(&str, DType, &[usize])]) {
    for seed in 1..4 {
        let inputs = inputs.iter().map(|(n, d, s)| ((*n).to_owned(), *d, s.to_vec())).collect();
        let program = Generated { seed, source: source.to_owned(), inputs, sizes: Vec::new() };
        oracle::check_program(&program).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// A long sum of columns runs in its result, row after row: not where some elements of a row must not be computed.
#[test]
fn sums_are_not_computed_where_they_would_fail() {
    for k in [1, 31, 33, 64] {
        let inputs: [(&str, DType, &[usize]); 2] = [("A", I, &[k, 9]), ("d", I, &[9])];
        agrees("def f<K, N>(A: i32[K, N], d: i32[N]) -> y: i32[N] { y[i] = if d[i] != 0 then sum[k](A[k, i] // d[i]) else 0; }", &inputs);
        agrees(
            "def f<K, N>(A: i32[K, N], d: i32[N]) -> (y: i32[N], z: i32[N]) {
               y[i] = if d[i] != 0 then sum[k](A[k, i] // d[i]) * sum[k](A[k, i] % d[i]) else 0;
               z[i] = y[i];
             }",
            &inputs,
        );
    }
}

/// Index values are 64-bit integers, which wrap, as sums of multiples at any place do.
#[test]
fn index_values_wrap() {
    for y in [
        "i * 4611686018427387904 + i * 4611686018427387904",
        "(i * 3037000500) * (i * 3037000500)",
        "x[i] * (i * 4611686018427387904)",
        "(x[i] + i * 4611686018427387904) // 3",
    ] {
        agrees(&format!("def f<N>(x: i64[N]) -> y: i64[N] {{ y[i] = {y}; }}"), &[("x", L, &[7])]);
    }
    for y in [
        "x[pad((i - 3) * 1125899906842624), j]",
        "x[pad((i - 3) * 281474976710656 + p[i]), j]",
        "x[clamp((i - 3) * p[i] * 4611686018427387904), wrap(j * 576460752303423487)]",
        "x[reflect((i - 3) * 281474976710656), wrap(j * 288230376151711743)]",
    ] {
        let source = format!("def f<N, M>(x: f32[N, M], p: i64[N]) -> y: f32[N, M] {{ y[i, j] = {y}; }}");
        agrees(&source, &[("x", F, &[5, 15]), ("p", L, &[5])]);
    }
}

/// Numbers at the ends of f32, and beside them.
const SPECIAL: [f32; 14] =
    [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0, -1.5, 1e-45, -1e-40, 3.4e38, -3.4e38, 2.5, -2.5, 65520.0];

/// Functions of numbers that are special give what the declared semantics give: the same zero, infinity or NaN, in loops of every shape.
#[test]
fn special_numbers_agree() {
    for (result, value) in [
        ("f32", "max(x[i, j], x[j, i])"),
        ("f32", "min(x[i, j], x[j, i])"),
        ("f32", "max[k](x[i, k]) - min[k](x[k, j])"),
        ("f32", "lse[k](x[i, k]) + x[i, j]"),
        ("f32", "relu(x[i, j]) + sign(x[j, i])"),
        ("f32", "x[i, j] // x[j, i]"),
        ("f32", "x[i, j] % x[j, i]"),
        ("f32", "x[i, j] / x[j, i]"),
        ("f32", "x[i, j] ^ x[j, i]"),
        ("f32", "atan2(x[i, j], x[j, i])"),
        ("f32", "if x[i, j] > 0.0 then x[i, j] else -0.0"),
        ("f32", "sqrt(x[i, j]) * tanh(x[j, i])"),
        ("i64", "argmax[k](x[i, k]) * 100 + argmin[k](x[k, j])"),
        ("i8", "(x[i, j] as i8) // 2"),
        ("u32", "x[i, j] as u32"),
        ("f16", "x[i, j] as f16"),
        ("bool", "x[i, j] < x[j, i] or isnan(x[i, i])"),
    ] {
        let source = format!("def f<N>(x: f32[N, N]) -> y: {result}[N, N] {{ y[i, j] = {value}; }}");
        for n in [1usize, 3, 14, 17] {
            let x = Tensor::from_vec(&[n, n], (0..n * n).map(|k| SPECIAL[(k + k / 14 * 3) % SPECIAL.len()]).collect()).expect("small");
            let module = oracle::module(&source, None).unwrap_or_else(|e| panic!("{source}: {}", e[0]));
            let module = oracle::specialise(&module, &[x.shape()], &[]).expect("it fits");
            let expected = oracle::interpret(&module, std::slice::from_ref(&x)).expect("no fault").swap_remove(0);
            for (opt_level, layout) in [(0, Layout::RowMajor), (1, Layout::RowMajor), (1, Layout::Negative)] {
                let function = Compiler::new().threads(2).opt_level(opt_level).compile(&source).and_then(|p| p.main_def()).expect("right");
                let got = function.call([("x", Stored::new(&x, layout).view())]).expect("no fault").into_tensors().swap_remove(0);
                same_class(&got, &expected).unwrap_or_else(|e| panic!("-O{opt_level} {layout:?}: {e}\n{source}"));
            }
        }
    }
}

/// Exact but for rounding of finite numbers.
fn same_class(got: &Tensor, expected: &Tensor) -> Result<(), String> {
    let near = |a: f64, b: f64| {
        let same = a == b && a.is_sign_negative() == b.is_sign_negative();
        same || (a.is_nan() && b.is_nan()) || (a.is_finite() && (a - b).abs() <= 1e-6 * a.abs().max(b.abs()))
    };
    for (n, (a, b)) in to_data(got).values.iter().zip(&to_data(expected).values).enumerate() {
        let same = a.as_float().zip(b.as_float()).map_or(a == b, |(a, b)| near(a, b));
        if !same {
            return Err(format!("at {n}: {a:?} instead of {b:?}"));
        }
    }
    Ok(())
}

/// Views whose rows, or all of whose elements, are one and the same in memory, and views that run backwards.
#[test]
fn repeated_and_reversed_views_agree() {
    let (row, column) = (ndarray::Array1::from_iter((0..70).map(|k| f64::from(k % 9) - 4.0)), ndarray::arr0(2.5f64));
    let source = "def f<N>(x: f64[N, N], y: f64[N, N]) -> (z: f64[N, N], s: f64[N], t: f64[N, N]) {
        z[i, j] = x[i, k] * y[k, j]; s[i] = max[j](x[j, i] - y[i, j]); t[i, j] = x[j, i] + y[i, j]; }";
    let function = Compiler::new().threads(2).compile(source).and_then(|p| p.main_def()).expect("right");
    let rows = row.broadcast((70, 70)).expect("a row for each");
    let views = [rows, rows.reversed_axes(), column.broadcast((70, 70)).expect("one for all"), rows.slice(ndarray::s![..;-1, ..;-1])];
    for x in &views {
        for y in &views {
            let got = function.call([("x", x.view()), ("y", y.view())]).unwrap_or_else(|e| panic!("{}", e.render(false)));
            let (x, y) = (x.to_owned(), y.to_owned());
            let expected = function.call([("x", &x), ("y", &y)]).expect("no fault");
            for name in ["s", "t"] {
                assert_eq!(got.get(name), expected.get(name));
            }
            let (got, product) = (got.array::<f64>("z").expect("f64"), x.dot(&y));
            assert!(got.iter().zip(&product).all(|(a, b)| (a - b).abs() <= 1e-10 * 70.0 * 20.0), "{x:?} {y:?}");
        }
    }
}

/// Products of which only a band of positions is needed, around the ends of its panels: triangles of every operand and of the result, with offsets, batches and
/// what is done to finished sums.
#[test]
fn triangular_products() {
    let conditions = [
        "K <= I",
        "K < I",
        "I <= K + 3",
        "K <= I + 40",
        "I <= K + 2 and K <= I + 5",
        "K + 200 <= I",
        "K <= I + 200",
        "K + I < 60",
        "2 * K <= I + 9 and K + I >= 5",
        "K // 4 <= I // 3",
    ];
    let mut random = Random::new(11);
    for (seed, (condition, dtype)) in (0..).zip(conditions.iter().flat_map(|c| ["f64", "f32", "i32"].map(|d| (c, d)))) {
        let mut size = |of: &[usize]| random.pick(of);
        let (n, k, m) = (size(&[33, 64, 65, 71]), size(&[32, 63, 66]), size(&[1, 17, 40]));
        let of = |row: &str, column: &str| condition.replace('K', column).replace('I', row);
        let (ik, ij, kj) = (of("i", "k"), of("i", "j"), of("j", "k"));
        let wide = if dtype == "i32" { "" } else { "exp(0.1 * " };
        let end = if dtype == "i32" { "" } else { ")" };
        let zero = if dtype == "i32" { "0" } else { "0.0" };
        let (source, shapes): (String, [Vec<usize>; 2]) = match seed % 5 {
            0 => (format!("y[i, j] = sum[k where {ik}](a[i, k] * b[k, j]);"), [vec![n, k], vec![k, m]]),
            1 => (
                format!("t[i, k] = if {ik} then {wide}a[i, k]{end} else {zero}; y[i, j] = t[i, k] * b[k, j] + 1;"),
                [vec![n, k], vec![k, m]],
            ),
            2 => (format!("t[k, j] = if {kj} then {wide}b[k, j]{end} else {zero}; y[i, j] = a[i, k] * t[k, j];"), [vec![m, k], vec![k, n]]),
            3 => (format!("y[i, j] = if {ij} then sum[k](a[i, k] * b[k, j]) else {zero};"), [vec![n, m], vec![m, k]]),
            _ => (
                format!(
                    "s[i, j] = 3 * a[i, k] * b[k, j]; m[i] = max[j where {ij}](s[i, j]); y[i, j] = if {ij} then s[i, j] - m[i] else {zero};"
                ),
                [vec![n, m], vec![m, k]],
            ),
        };
        let source = format!("def f<N, K, M>(a: {dtype}[N, K], b: {dtype}[K, M]) -> y: {dtype}[N, M] {{ {source} }}");
        let dtype = match dtype {
            "f64" => DType::F64,
            "f32" => F,
            _ => I,
        };
        let inputs = ["a", "b"].into_iter().zip(shapes).map(|(name, shape)| (name.to_owned(), dtype, shape)).collect();
        let program = Generated { seed, source, inputs, sizes: Vec::new() };
        oracle::check_program(&program).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Bands of batches, of two labels of one side, of sums, of three labels, of what is read alone; integers, which have no library.
#[test]
fn bands_of_any_labels() {
    let zero_outside = [
        ("k <= b", "y[b, i, j] = t[b, i, k] * c[b, k, j];"),
        ("i <= b", "y[b, i, j] = t[b, i, k] * c[b, k, j];"),
        ("b + i + k < 40", "y[b, i, j] = t[b, i, k] * c[b, k, j];"),
        ("b < k and k < 2 * b + 9", "y[i, j] = t[b, i, k] * c[b, k, j];"),
        ("i // 8 == k // 8", "y[i, j] = t[b, i, k] * c[b, k, j];"),
        ("", "y[b, i, j] = sum[k where 2 * k <= b + i](t[b, i, k] * c[b, k, j]);"),
        ("", "y[b, i, j] = if i <= b + 3 then sum[k](t[b, i, k] * c[b, k, j]) else 0;"),
        ("", "y[b, i, j] = if i < 9 and j >= 2 then sum[k](t[b, i, k] * c[b, k, j]) else 0;"),
        ("abs(i - 2 * k) < 9 or k <= b - 20", "y[b, i, j] = t[b, i, k] * c[b, k, j];"),
        ("", "y[b, i, j] = if j + b <= i then sum[k](t[b, i, k] * c[b, k, j]) else 0;"),
    ];
    for (seed, (condition, product)) in (0..).zip(zero_outside) {
        for (name, dtype, [b, i, k]) in [("f64", DType::F64, [37, 33, 40]), ("f32", F, [3, 66, 35]), ("i32", I, [37, 20, 24])] {
            let value = if dtype == I { "a[b, i, k] * a[b, i, k]" } else { "exp(0.1 * a[b, i, k])" };
            let value = if condition.is_empty() { value.to_owned() } else { format!("if {condition} then {value} else 0") };
            let out = if product.starts_with("y[b") { "B, I, J" } else { "I, J" };
            let body = format!("t[b, i, k] = {value}; {product}").replace("else 0", if dtype == I { "else 0" } else { "else 0.0" });
            let source = format!("def f<B, I, K, J>(a: {name}[B, I, K], c: {name}[B, K, J]) -> y: {name}[{out}] {{ {body} }}");
            let inputs = vec![("a".to_owned(), dtype, vec![b, i, k]), ("c".to_owned(), dtype, vec![b, k, 4])];
            oracle::check_program(&Generated { seed, source, inputs, sizes: Vec::new() }).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

/// A product of triangles is one, and what is made of it; the product of two that go the other way is not.
#[test]
fn products_of_triangular_products() {
    let source = "def f<N, M>(a: f64[N, N], b: f64[N, N], c: f64[N, M]) -> (t: f64[N, N], y: f64[N, M], z: f64[N, M], w: f64[N, M]) {
      l[i, k] = if k <= i then exp(0.1 * a[i, k]) else 0.0;
      u[i, k] = if 2*k <= i + 9 then exp(0.1 * b[i, k]) else 0.0;
      t[i, j] = l[i, k] * u[k, j];
      s[i, j] = t[i, j] * a[i, j];
      y[i, m] = s[i, k] * c[k, m];
      z[i, m] = t[k, i] * c[k, m];
      v[i, j] = l[i, k] * u[j, k];
      w[i, m] = v[i, k] * c[k, m];
    }";
    for (n, m) in [(70, 8), (97, 33)] {
        let inputs =
            [("a", [n, n]), ("b", [n, n]), ("c", [n, m])].map(|(name, shape)| (name.to_owned(), DType::F64, shape.to_vec())).to_vec();
        oracle::check_program(&Generated { seed: 5, source: source.to_owned(), inputs, sizes: Vec::new() })
            .unwrap_or_else(|e| panic!("{e}"));
    }
}

/// One turn or none, axes of one position, and factors near the ends of 64 bits: bands that fall together, are empty, or are none.
#[test]
fn bands_of_few_positions_and_of_large_factors() {
    let sources = [
        "def f(a: f64[1, 64, 64], b: f64[64, 64]) -> h: f64[1, 64, 64] {
           u[t, i, k] = if k <= i + t and k <= i + 3 then exp(a[t, i, k]) else 0.0; h[t, i, j] = u[t, i, k] * b[k, j];
         }",
        "def f(a: f64[64, 64], b: f64[64, 64]) -> h: f64[64, 64] {
           scan t in 0..0 { u[i, k]: f64 = if k <= i + t then a[i, k] else 0.0; h[i, j] = u[i, k] * b[k, j] + prev h[i, j] from 0.0; }
         }",
        "def f(a: f64[130, 130], b: f64[130, 130]) -> z: f64[130] {
           u[i, k] = if 379625063 * i <= 379625062 * k then exp(a[i, k]) else 0.0;
           v[k, j] = if 379625060 * k <= 379625059 * j then exp(b[k, j]) else 0.0;
           w[i, j] = u[i, k] * v[k, j]; z[i] = sum[j](w[i, j] * w[i, j]);
         }",
        "def f(a: f64[70, 70], b: f64[70, 70]) -> y: f64[70, 70] {
           u[i, k] = if k < i then exp(a[i, k]) else if k == i then 1.0 else 0.0; v[i, k] = u[i, k] + 2.0 * (if k <= i - 3 then a[i, k] else 0.0);
           y[i, j] = v[i, k] * b[k, j];
         }",
    ];
    for (seed, source) in (0..).zip(sources) {
        let shape = |n: usize| if source.contains("[1, 64") && n == 0 { vec![1, 64, 64] } else { vec![64, 64] };
        let side = |n: usize| {
            if source.contains("130") {
                vec![130, 130]
            } else if source.contains("70") {
                vec![70, 70]
            } else {
                shape(n)
            }
        };
        let inputs = ["a", "b"].iter().enumerate().map(|(n, name)| ((*name).to_owned(), DType::F64, side(n))).collect();
        oracle::check_program(&Generated { seed, source: source.to_owned(), inputs, sizes: Vec::new() }).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Scores of which a triangle is read, through what is done to them in between.
#[test]
fn causal_attention_of_several_panels() {
    let source = "def f<H, S, E>(q: f32[H, S, E], k: f32[H, S, E], v: f32[H, S, E]) -> o: f32[H, S, E] {
      s[h, i, j] = q[h, i, e] * k[h, j, e] / sqrt(|E|);
      m[h, i]    = max[j where j <= i and i < j + 50](s[h, i, j]);
      w[h, i, j] = if j <= i and i < j + 50 then exp(s[h, i, j] - m[h, i]) else 0.0;
      o[h, i, e] = w[h, i, j] * v[h, j, e] / sum[j](w[h, i, j]);
    }";
    let shape = vec![2, 70, 16];
    let inputs = ["q", "k", "v"].map(|name| (name.to_owned(), F, shape.clone())).to_vec();
    oracle::check_program(&Generated { seed: 5, source: source.to_owned(), inputs, sizes: Vec::new() }).unwrap_or_else(|e| panic!("{e}"));
}

/// What a guard leaves out takes no part, whatever it would be multiplied by.
#[test]
fn guards_of_products_bring_no_nan() {
    let function = Compiler::new()
        .compile("def f<N>(a: f64[N, N], b: f64[N, N]) -> y: f64[N, N] { y[i, j] = sum[k where k <= i](a[i, k] * b[k, j]); }")
        .and_then(|p| p.main_def())
        .expect("right");
    let n = 100usize;
    let a: Vec<f64> = (0..n * n).map(|at| if at % n > at / n { f64::NAN } else { 1.0 }).collect();
    let b: Vec<f64> = (0..n * n).map(|at| if at / n == n - 1 { f64::INFINITY } else { 1.0 }).collect();
    let [a, b] = [a, b].map(|values| Tensor::from_vec(&[n, n], values).expect("small"));
    let got = function.call([("a", &a), ("b", &b)]).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let y = got.array::<f64>("y").expect("f64");
    for ((row, column), value) in y.indexed_iter().map(|(at, value)| ((at[0], at[1]), *value)) {
        let expected = if row == n - 1 { f64::INFINITY } else { (row + 1) as f64 };
        assert_eq!(value, expected, "at {row}, {column}");
    }
}

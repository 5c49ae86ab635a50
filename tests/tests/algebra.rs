//! Programs that the optimiser rewrites, on values for which algebra is delicate: the compiled code against the interpreter, at every level.

use ein::{Compiler, Order, Tensor, TensorRef};
use ein_ir::scalar::value::Value;
use ein_tests::oracle;
use ein_tests::store::to_data;

/// Compares classes of values, and numbers up to what regrouping in f64 may change.
#[track_caller]
fn check<const N: usize>(source: &str, inputs: [(&str, Tensor); N]) {
    let (names, tensors): (Vec<&str>, Vec<Tensor>) = inputs.into_iter().unzip();
    let shapes: Vec<&[usize]> = tensors.iter().map(Tensor::shape).collect();
    let module = oracle::module(source, None).unwrap_or_else(|e| panic!("{e:?}"));
    let module = oracle::specialise(&module, &shapes, &[]).unwrap_or_else(|e| panic!("{e:?}"));
    let expected = oracle::interpret(&module, &tensors).unwrap_or_else(|e| panic!("{e:?}"));
    for (level, order) in [(0, Order::Auto), (1, Order::Auto), (2, Order::Auto), (1, Order::Written)] {
        let compiler = Compiler::new().threads(1).opt_level(level).order(order);
        let program = compiler.compile(source).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let function = program.main_def().unwrap_or_else(|e| panic!("{}", e.render(false)));
        let got =
            function.call(names.iter().copied().zip(tensors.iter().map(TensorRef::from))).unwrap_or_else(|e| panic!("{}", e.render(false)));
        for (got, expected) in got.into_tensors().iter().zip(&expected) {
            for (n, (a, b)) in to_data(got).values.iter().zip(&to_data(expected).values).enumerate() {
                assert!(is_alike(a, b), "-O{level}, path {order:?}: element {n} is {a:?} instead of {b:?} in\n{source}");
            }
        }
    }
}

fn is_alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a, _), Value::Float(b, _)) if a.is_nan() || b.is_nan() => a.is_nan() && b.is_nan(),
        (Value::Float(a, _), Value::Float(b, _)) => a == b || (a - b).abs() <= 1e-12 * (1.0 + b.abs()),
        _ => a == b,
    }
}

fn floats(shape: &[usize], value: impl Fn(usize) -> f64) -> Tensor {
    Tensor::from_vec(shape, (0..shape.iter().product()).map(value).collect()).expect("small")
}

/// A value that differs from place to place.
fn plain(n: usize) -> f64 {
    ((n * 37 + 11) % 23) as f64 / 4.0 - 2.5
}

/// Forward probabilities of a chain, in logarithms: large ones, impossible steps, and a state from which nothing is possible.
#[test]
fn log_sum_exp_of_chains() {
    let chain = "def f<N, K>(a: f64[N, K], b: f64[K, K], c: f64[K, N], d: f64[N]) -> (y: f64[N, N], z: f64[N]) {
        y[i, l] = lse[j, k](a[i, j] + b[j, k] + c[k, l]);
        z[i] = lse[j, k, l](a[i, j] + b[j, k] + c[k, l] + d[i]);
      }";
    let inf = f64::INFINITY;
    let masked = |n: usize| if n.is_multiple_of(3) { -inf } else { 100.0 * plain(n) };
    let kinds: [&dyn Fn(usize) -> f64; 4] = [&plain, &masked, &|_| -inf, &|n| if n < 5 { -inf } else { -700.0 + plain(n) }];
    for kind in kinds {
        let (a, b) = (floats(&[4, 5], kind), floats(&[5, 5], |n| kind(n + 1)));
        let (c, d) = (floats(&[5, 4], plain), floats(&[4], kind));
        check(chain, [("a", a), ("b", b), ("c", c), ("d", d)]);
    }
}

/// Coupling coefficients are mostly zero, and their zeros are exact: what is multiplied by one takes no part, infinite or not.
#[test]
fn zeros_of_tables() {
    let couple = "def couple<Z>(x: f64[Z, 5], y: f64[Z, 5]) -> (o: f64[Z, 5], p: f64[Z, 5, 5], s: f64[Z]) {
        C = clebsch_gordan(2, 2, 2);
        o[z, k] = C[i, j, k] * x[z, i] * y[z, j];
        p[z, j, k] = C[i, j, k] * x[z, i];
        s[z] = 2.0 * C[i, j, k] * x[z, i] * y[z, j] * x[z, k];
      }";
    for z in [0, 1, 7, 600] {
        check(couple, [("x", floats(&[z, 5], plain)), ("y", floats(&[z, 5], |n| plain(n + 3)))]);
    }
    let pick = "def pick<Z>(x: f64[Z, 4]) -> y: f64[Z, 2] {
        S[i: 4, k: 2]: f64 = if i == 2*k then 3.0 / (1 + k) else 0.0;
        y[z, k] = S[i, k] * x[z, i];
      }";
    let unread = |n: usize| if n % 2 == 1 { f64::INFINITY } else { plain(n) };
    let program = Compiler::new().threads(1).compile(pick).and_then(|p| p.main_def()).expect("right");
    let x = floats(&[300, 4], unread);
    let y = program.call([("x", &x)]).expect("runs").into_tensors().swap_remove(0);
    let expected = |n: usize| plain(4 * (n / 2) + 2 * (n % 2)) * 3.0 / (1 + n % 2) as f64;
    assert_eq!(to_data(&y).values, to_data(&floats(&[300, 2], expected)).values);
}

/// Values that are zero by cases, in products that are large enough for every way to compute them.
#[test]
fn zeros_by_cases() {
    let cases = [
        "if j <= i then a[i, j] else 0.0",
        "if i // 8 == j // 8 then a[i, j] else 0.0",
        "if i == j then 1.0 else 0.0",
        "if i == j then a[i, 2] else 0.0",
        "if j < 3 then a[i, j] else 0.0",
        "a[pad(i - 5), pad(j + 3)]",
        "if i - j <= 1 and j - i <= 1 then a[i, j] else 0.0",
        "((i <= j) as f64) * a[i, j]",
    ];
    for case in cases {
        let text = format!(
            "def cases<N, M>(a: f64[N, N], b: f64[N, M]) -> (y: f64[N, M], z: f64[N, M], s: f64[N], t: f64) {{
                L[i: N, j: N]: f64 = {case};
                y[i, k] = L[i, j] * b[j, k];
                z[j, k] = L[i, j] * b[i, k];
                s[i] = sum[j](L[i, j]);
                t = L[i, j] * a[j, i];
              }}"
        );
        for (n, m) in [(16, 5), (40, 24)] {
            check(&text, [("a", floats(&[n, n], plain)), ("b", floats(&[n, m], |k| plain(k + 7)))]);
        }
    }
    let longest = "def longest<N, M>(a: f64[N, N], b: f64[N, M]) -> (y: f64[N, M], z: f64[N, M]) {
        L[i, j] = if i < j then a[i, j] else -inf;
        y[i, k] = max[j](L[i, j] + b[j, k]);
        z[i, k] = lse[j](L[i, j] + b[j, k]);
      }";
    check(longest, [("a", floats(&[12, 12], plain)), ("b", floats(&[12, 7], |k| plain(k + 7)))]);
}

/// Parts of products, whole ones beside them.
#[test]
fn parts_of_products() {
    let parts = "def parts<M, K, N>(a: f64[M, K], b: f64[K, N]) -> (c: f64[M], d: f64[M, 4], e: f64) {
        p[i, j] = a[i, k] * b[k, j];
        c[i] = p[i, 3];
        q[i, j] = p[i, j] + p[|M| - 1 - i, j];
        d[i, j: 4] = q[i, 2*j + 1];
        e = max[i, j](exp(0.01 * q[i, j])) + p[0, 0];
      }";
    for (m, k, n) in [(1, 0, 8), (9, 4, 8), (50, 33, 21)] {
        check(parts, [("a", floats(&[m, k], plain)), ("b", floats(&[k, n], |k| plain(k + 7)))]);
    }
}

/// Values with both zeros, infinities, NaN and what is next to nothing.
fn special(n: usize) -> f64 {
    let inf = f64::INFINITY;
    [0.0, -0.0, 1.5, inf, -2.0, -inf, f64::NAN, 5e-324, -f64::MAX, 2.25e-308, 3.0][n % 11]
}

fn same_bits(got: &Tensor, expected: &Tensor) -> bool {
    to_data(got).values == to_data(expected).values
}

/// Expressions that have a simpler form, and their likes that have none, bit by bit at every level.
#[test]
fn expressions_with_simpler_forms() {
    let forms = [
        "x[i] * 1.0 - 0.0 + y[j]",
        "-(-x[i]) / -(-y[j])",
        "x[i] - (-y[j])",
        "x[i] + (-y[j])",
        "(-x[i]) + y[j]",
        "(-x[i]) * (-y[j])",
        "x[i] + 0.0 * y[j]",
        "x[i] / 8.0 - y[j] / -0.5",
        "x[i] / 10.0 + y[j] / 4.0",
        "abs(-x[i]) - abs(abs(y[j]))",
        "max(max(x[i], -1.0), 0.0) + min(y[j], 1.0 / 0.0)",
        "relu(relu(x[i])) + max(y[j], y[j])",
        "(-x[i])^2 + y[j]^1",
        "floor(trunc(x[i])) - y[j]",
        "if not (x[i] < y[j]) then x[i] else y[j]",
        "if x[i] < y[j] then y[j] else y[j]",
        "if not not (x[i] == y[j]) and true then 1.0 else -0.0",
        "if x[i] != x[i] or false then 2.0 else y[j]",
        "((x[i] as f32) as f64) + y[j]",
        "keep(-(-x[i])) - -keep(-y[j])",
    ];
    for form in forms {
        let source = format!("def f<N, M>(x: f64[N], y: f64[M]) -> z: f64[N, M] {{ z[i, j] = {form}; }}");
        let inputs = || [("x", floats(&[22], special)), ("y", floats(&[13], special))];
        let module = oracle::module(&source, None).unwrap_or_else(|e| panic!("{form}: {e:?}"));
        let module = oracle::specialise(&module, &[&[22], &[13]], &[]).unwrap_or_else(|e| panic!("{e:?}"));
        let expected = oracle::interpret(&module, &inputs().map(|(_, tensor)| tensor)).unwrap_or_else(|e| panic!("{e:?}"));
        for level in 0..=2 {
            let program = Compiler::new().threads(1).opt_level(level).compile(&source).and_then(|p| p.main_def());
            let program = program.unwrap_or_else(|e| panic!("{}", e.render(false)));
            let inputs = inputs();
            let got = program.call(inputs.iter().map(|(name, tensor)| (*name, TensorRef::from(tensor)))).expect("runs").into_tensors();
            assert!(same_bits(&got[0], &expected[0]), "-O{level}: {form}: {:?} instead of {:?}", got[0], expected[0]);
        }
    }
}

/// The likeliest path: products of what is not negative under `max` and `min`, with NaN, zeros of both signs, what underflows, and infinities beside
/// numbers above 0.
#[test]
fn greatest_products_of_chains() {
    let chain = "def f<N, K>(a: f64[N, K], b: f64[K, K], c: f64[K]) -> (y: f64[N], z: f64[N], w: f64) {
        y[i] = max[j, k](abs(a[i, j]) * (b[j, k] * b[j, k]) * abs(c[k]));
        z[i] = min[j, k](abs(a[i, j]) * relu(b[j, k]) * exp(c[k]));
        w = max[i, j, k](abs(a[i, j]) * abs(c[k]));
      }";
    let zeros = |n: usize| if n.is_multiple_of(3) { -0.0 } else { plain(n) };
    let tiny = |n: usize| plain(n) * 1e-200;
    let one_nan = |n: usize| if n == 3 { f64::NAN } else { plain(n) };
    let infinite = |n: usize| if n.is_multiple_of(4) { f64::INFINITY } else { 1.0 + plain(n).abs() };
    let kinds: [&dyn Fn(usize) -> f64; 5] = [&plain, &zeros, &tiny, &one_nan, &infinite];
    for kind in kinds {
        for (n, k) in [(3, 5), (1, 1), (0, 4), (4, 0)] {
            check(chain, [("a", floats(&[n, k], kind)), ("b", floats(&[k, k], |n| kind(n + 1))), ("c", floats(&[k], kind))]);
        }
    }
}

/// Sums of integers under `min` and `max`, at the ends of what does not overflow and beyond: those wrap around as written.
#[test]
fn least_sums_of_integers() {
    let narrow = "def f<N, K>(a: i16[N, K], b: i16[K, K], c: i16[K]) -> (y: i32[N], z: i32[N]) {
        y[i] = min[j, k](a[i, j] as i32 + b[j, k] as i32 + c[k] as i32);
        z[i] = max[j, k](a[i, j] as i32 * 65537 + b[j, k] as i32 * 65538 + c[k] as i32);
      }";
    let wide = "def f<N, K>(a: i32[N, K], b: i32[K, K], c: i32[K]) -> (y: i32[N], z: i32[N]) {
        y[i] = min[j, k](a[i, j] + b[j, k] + c[k]);
        z[i] = max[j, k](abs(a[i, j]) * abs(b[j, k]) * abs(c[k]));
      }";
    for (n, k) in [(3, 5), (1, 1), (0, 4), (4, 0)] {
        let of = |shape: &[usize]| Tensor::from_vec(shape, (0..shape.iter().product()).map(|n| ends(n, i16::MIN, i16::MAX)).collect());
        let [a, b, c] = [of(&[n, k]), of(&[k, k]), of(&[k])].map(|t| t.expect("small"));
        check(narrow, [("a", a), ("b", b), ("c", c)]);
        let of = |shape: &[usize]| Tensor::from_vec(shape, (0..shape.iter().product()).map(|n| ends(n, i32::MIN, i32::MAX)).collect());
        let [a, b, c] = [of(&[n, k]), of(&[k, k]), of(&[k])].map(|t| t.expect("small"));
        check(wide, [("a", a), ("b", b), ("c", c)]);
    }
}

/// Both ends of a type, and small numbers.
fn ends<T: From<i8>>(n: usize, lo: T, hi: T) -> T {
    match (n * 5 + 1) % 7 {
        0 => lo,
        3 => hi,
        m => T::from(m as i8 - 2),
    }
}

/// Inputs with stated ranges, at the ends of these.
#[test]
fn choices_of_what_is_stated() {
    let source = "def f<N, K>(a: f64[N, K] in 0.0..3.0, b: f64[K, K] in 0.5..inf, c: i32[N, K] in -1000000000..1000000000, d: i32[K] in 0..1147483647)
        -> (y: f64[N], z: i32[N]) {
        y[i] = max[j, k](a[i, j] * b[j, k] * a[i, k]);
        z[i] = min[j, k](c[i, j] + d[k]);
      }";
    let zeros = floats(&[3, 4], |n| [0.0, 3.0, -0.0, 1.5][n % 4]);
    let above = floats(&[3, 4], |n| 1.0 + n as f64 / 6.0);
    let finite = floats(&[4, 4], |n| 0.5 + n as f64);
    // Infinities beside numbers above 0 alone: elsewhere a product is none.
    let infinite = floats(&[4, 4], |n| if n % 5 == 1 { f64::INFINITY } else { 0.5 + n as f64 });
    for (a, b) in [(zeros, finite), (above, infinite)] {
        let c = Tensor::from_vec(&[3, 4], (0..12).map(|n| [-1_000_000_000, 1_000_000_000, 7][n % 3]).collect()).expect("small");
        let d = Tensor::from_vec(&[4], vec![1_147_483_647, 0, 1, 2]).expect("small");
        check(source, [("a", a), ("b", b), ("c", c), ("d", d)]);
    }
}

/// Products in the order of the text: what is summed is summed as soon as no factor further right has it.
#[test]
fn products_as_written() {
    let products = "def f<N, M>(a: f64[N, M], b: f64[M, N], c: f64[N, M], s: f64) -> (y: f64[N, M], z: f64[N], t: f64, m: f64[N]) {
        y[i, l] = -a[i, j] * b[j, k] * s * c[k, l];
        z[i] = sum[j, k](exp(0.1 * a[i, j]) * b[j, k] * c[k, j] * 2.0);
        t = a[i, j] * a[i, j] * b[j, i] * s * y[i, j];
        m[i] = max[j, k](a[i, j] + b[j, k] + a[k, j] + z[k]);
      }";
    for (n, m) in [(0, 3), (1, 1), (7, 5), (33, 20)] {
        let numbers = |shape: &[usize]| floats(shape, |k| plain(k) / 64.0);
        let (s, shape) = (floats(&[], |_| 1.5), [n, m]);
        check(products, [("a", numbers(&shape)), ("b", numbers(&[m, n])), ("c", numbers(&shape)), ("s", s)]);
    }
    let program = Compiler::new().order(Order::Written).compile(products).expect("right");
    let plan = program.emit(ein::Stage::Plan, "f", &[("N", 40), ("M", 30)]).expect("it is planned");
    assert!(plan.starts_with("plan \"f\" target \"cpu\" opt 1 objective \"time\" machine \"default\" path written"), "{plan}");
    let hinted = Compiler::new().compile(&format!("{products} hint f {{ path = written; }}")).expect("right");
    assert_eq!(hinted.emit(ein::Stage::Plan, "f", &[("N", 40), ("M", 30)]).expect("it is planned"), plan);
}

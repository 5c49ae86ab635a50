//! Programs that the optimiser rewrites, on values for which algebra is delicate: the compiled code against the interpreter, at every level.

use ein::{Compiler, Tensor, TensorRef};
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
    for level in 0..=2 {
        let program = Compiler::new().threads(1).opt_level(level).compile(source).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let function = program.main_def().unwrap_or_else(|e| panic!("{}", e.render(false)));
        let got =
            function.call(names.iter().copied().zip(tensors.iter().map(TensorRef::from))).unwrap_or_else(|e| panic!("{}", e.render(false)));
        for (got, expected) in got.into_tensors().iter().zip(&expected) {
            for (n, (a, b)) in to_data(got).values.iter().zip(&to_data(expected).values).enumerate() {
                assert!(is_alike(a, b), "-O{level}: element {n} is {a:?} instead of {b:?} in\n{source}");
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

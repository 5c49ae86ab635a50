//! Results that were worked out by hand, where types are narrow, ties and edges are, or a number is easily lost on the way.

use ein::{Compiler, DType, Tensor, TensorRef};
use ein_ir::scalar::value::Value;
use ein_tests::store::to_data;

/// The results of the last definition, in order, as numbers; the same at every level.
#[track_caller]
fn results(source: &str, inputs: &[(&str, &Tensor)]) -> Vec<Vec<f64>> {
    let at = |level: u8| -> Vec<Vec<f64>> {
        let program = Compiler::new().threads(1).opt_level(level).compile(source).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let function = program.main_def().unwrap_or_else(|e| panic!("{}", e.render(false)));
        let called = function.call(inputs.iter().map(|(name, t)| (*name, TensorRef::from(*t))));
        let outputs = called.unwrap_or_else(|e| panic!("{source}\n{}", e.render(false)));
        outputs.into_tensors().iter().map(|t| to_data(t).values.iter().map(number).collect()).collect()
    };
    let (plain, optimised) = (at(0), at(1));
    assert_eq!(plain, optimised, "{source}");
    plain
}

fn number(value: &Value) -> f64 {
    match *value {
        Value::Bool(b) => f64::from(b),
        Value::Int(n, _) => n as f64,
        Value::Float(x, _) => x,
        Value::Complex(..) | Value::Key(_) => f64::NAN,
    }
}

/// Whole numbers as a tensor of a type.
fn tensor(dtype: DType, shape: &[usize], values: &[i64]) -> Tensor {
    let plain = Tensor::from_vec(shape, values.to_vec()).expect("small");
    if dtype == DType::I64 {
        return plain;
    }
    let axes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let indices: Vec<String> = (0..shape.len()).map(|n| format!("i{n}")).collect();
    let bracketed = |list: &[String]| if list.is_empty() { String::new() } else { format!("[{}]", list.join(", ")) };
    let (axes, indices) = (bracketed(&axes), bracketed(&indices));
    let source = format!("def f(x: i64{axes}) -> y: {dtype}{axes} {{ y{indices} = x{indices} as {dtype}; }}");
    let function = Compiler::new().threads(1).compile(&source).and_then(|p| p.main_def()).expect("right");
    function.call([("x", &plain)]).expect("runs").into_tensors().swap_remove(0)
}

/// Sums of literals, sizes and index values are exact before they are rounded to the type that they meet.
#[test]
fn sums_of_index_values_are_rounded_once() {
    let x = tensor(DType::F16, &[3000], &[0; 3000]);
    let counts = "def f<N>(x: f16[N]) -> (c: f16, d: f16, m: f16) { c = sum[_: N](1); d = sum[_: N](1.5); m = mean[i: N](i) + x[0]; }";
    assert_eq!(results(counts, &[("x", &x)]), [[3000.0], [4500.0], [1500.0]]);
    let x = tensor(DType::F32, &[9000], &[0; 9000]);
    let sums = "def f<N>(x: f32[N]) -> (c: f32, d: f32) { c = sum[i: N](i); d = prod[i: 25](i + 1) + x[0]; }";
    assert_eq!(results(sums, &[("x", &x)]), [[40_495_500.0], [f64::from(1.551_121e25_f32)]]);
}

/// Products of sizes are those of mathematics where they meet floats.
#[test]
fn products_of_sizes_do_not_wrap_around() {
    let x = tensor(DType::F32, &[60_000], &[0; 60_000]);
    let sizes = "def f<N>(x: f32[N]) -> (a: f64, b: f32, c: f64) { a = |N|^4 + x[0] as f64; b = x[1] + |N|*|N|*|N|*|N|; c = 1.0 / |N|^4; }";
    assert_eq!(results(sizes, &[("x", &x)]), [[1.296e19], [f64::from(1.296e19_f32)], [1.0 / 1.296e19]]);
}

/// A factor without an index is multiplied in the accumulator's type, as the others are.
#[test]
fn narrow_scalars_are_factors_of_sums() {
    let (a, c) = (tensor(DType::I8, &[5], &[100; 5]), tensor(DType::I8, &[], &[3]));
    let product = "def f<N>(a: i8[N], b: i8[N], c: i8) -> (s: i32, t: i32) { s = a[i]*b[i]*c; t = 2*c*a[i]*b[i]; }";
    assert_eq!(results(product, &[("a", &a), ("b", &a), ("c", &c)]), [[150_000.0], [300_000.0]]);
    let (a, c) = (tensor(DType::F16, &[5], &[200; 5]), tensor(DType::F16, &[2], &[0, -1]));
    let scaled = "def f<N>(a: f16[N], b: f16[N], c: f16[2]) -> s: f16 { s = -c[1]*a[i]*b[i]*(c[0] as f16) + c[1]; }";
    assert_eq!(results(scaled, &[("a", &a), ("b", &a), ("c", &c)]), [[-1.0]]);
}

/// What type a state has is found where its equation is a position or a product.
#[test]
fn states_of_positions_and_products() {
    let x = tensor(DType::I8, &[3, 2], &[1, 2, 7, 3, 5, 9]);
    let positions = "def f<T, N>(x: i8[T, N]) -> (p: i64[T], q: i32[T]) {
        scan t: T {
          best    = argmax[j](x[t, j]) from 0;
          product = prod[j](x[t, j]) + prev product from 0;
          p[t]    = 10*best + prev best;
          q[t]    = product;
        }
      }";
    assert_eq!(results(positions, &[("x", &x)]), [[10.0, 1.0, 10.0], [2.0, 23.0, 68.0]]);
}

/// Subscripts of u64 beyond i64 are where mathematics puts them.
#[test]
fn great_subscripts() {
    let x = tensor(DType::F32, &[3], &[1, 2, 3]);
    let k = tensor(DType::U64, &[4], &[-1, -3, 2, i64::MIN]);
    let modes = "def f<N, M>(x: f32[N], k: u64[M]) -> (a: f32[M], b: f32[M], c: f32[M], d: f32[M]) {
        a[i] = x[clamp(k[i])]; b[i] = x[wrap(k[i])]; c[i] = x[pad(k[i])]; d[i] = x[reflect(k[i])];
      }";
    // 2^64 - 1, 2^64 - 3, 2 and 2^63: modulo 3 they are 0, 1, 2, 2, and modulo 4 they are 3, 1, 2, 0.
    let expected = [[3.0, 3.0, 3.0, 3.0], [1.0, 2.0, 3.0, 3.0], [0.0, 0.0, 3.0, 0.0], [2.0, 2.0, 3.0, 1.0]];
    assert_eq!(results(modes, &[("x", &x), ("k", &k)]), expected);
}

//! Products with the same secret factors: what is public of them is one factor in the clear.

use ein::packed::PackOptions;
use ein::{Compiler, Tensor, TensorRef};
use ein_ir::packed::Counts;
use ein_tests::random::Random;
use ndarray::ArrayD;

const INPUTS: [(&str, [usize; 2]); 5] = [("x", [2, 8]), ("z", [2, 8]), ("w", [8, 8]), ("b", [8, 3]), ("a", [3, 8])];

/// The largest difference of a program on slots from the same in the clear, and what it takes.
fn difference(source: &str, slots: u32) -> (f64, Counts) {
    let program = Compiler::new().compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let function = program.main_def().expect("a definition");
    let mut random = Random::new(11);
    let mut numbers = |shape: &[usize]| ArrayD::from_shape_simple_fn(shape, || random.between(-1000, 1000) as f64 / 1000.0);
    let arrays = INPUTS.map(|(name, shape)| (name, numbers(&shape)));
    let inputs: Vec<(&str, TensorRef<'_>)> = arrays.iter().map(|(name, array)| (*name, array.view().into())).collect();
    let options = PackOptions { slots, ..PackOptions::default() };
    let (packed, got) = function.simulate(&inputs, &[], &options).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let outputs = function.call(inputs).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let reals = |tensor: &Tensor| tensor.as_array::<f64>().expect("f64").to_owned();
    let clear = reals(outputs.get("y").expect("the result"));
    let off = clear.iter().zip(reals(&got[0].1).iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    (off, packed.counts())
}

/// What a result is, and the depth of its plan.
const CASES: [(&str, usize); 19] = [
    // A weight with adapters is one weight.
    ("y[n, o] = w[o, i] * x[n, i] + 0.5 * b[o, r] * a[r, i] * x[n, i];", 1),
    ("y[n, o] = w[o, i] * x[n, i] - b[o, r] * a[r, i] * x[n, i] + 2.0 * w[o, k] * x[n, k];", 1),
    ("y[n, o] = w[o, i] * x[n, i] + 0.5 * b[o, r] * a[r, i] * x[n, i] + b[o, 0];", 1),
    ("y[n, o] = sum[i](w[o, i] * (1.0 + 0.5 * w[o, i]) * x[n, i]) - 3.0 * x[n, k] * w[o, k];", 1),
    // Without a weight each is scaled with its own factors.
    ("y[n, o] = 0.5 * b[o, r] * a[r, i] * x[n, i];", 1),
    ("y[n, o] = 0.5 * b[o, r] * a[r, i] * x[n, i] - 0.25 * w[o, i] * x[n, i];", 1),
    // Windows of the same sizes are, others are not.
    ("y[n, o in 0..6] = sum[p in 0..2](w[o, p] * x[n, o + p]) + sum[q in 0..2](w[o, q + 1] * x[n, o + q]);", 1),
    ("y[n, o in 0..6] = sum[p in 0..2](w[o, p] * x[n, o + p]) + sum[q in 0..3](w[o, q] * x[n, o + q]);", 1),
    // Neither are other factors.
    ("y[n, o] = w[o, i] * x[n, i] + w[o, i] * z[n, i];", 1),
    ("y[n, o] = w[o, i] * x[n, i] * z[n, i] + 0.5 * w[i, o] * x[n, i] * z[n, i];", 2),
    ("y[n, o] = x[n, o] * w[0, o] + x[n, o] + 0.5 * w[o, o] * x[n, o];", 1),
    // Numbers of the same products are added up.
    ("y[n, o] = 0.25 * x[n, o] * z[n, o] - z[n, o] * x[n, o] * 1.25;", 1),
    ("y[n, o] = x[n, o] * z[n, o] - z[n, o] * x[n, o] + x[n, o];", 0),
    ("y[n, o] = x[n, o] * z[n, o] - z[n, o] * x[n, o];", 0),
    // The indices of one sum are those of each of its products.
    ("y[n, o] = sum[j, k](w[j, k] * (x[n, j] - x[n, k])) + x[n, o];", 2),
    ("y[n, o] = sum[j, k](w[j, k] * (x[n, j] - x[n, k])^2) + x[n, o];", 3),
    ("y[n, o] = sum[j, k](w[o, j] * x[n, j] + w[j, k] * w[o, 1] * x[n, k]);", 1),
    ("y[n, o] = sum[j, k, r](b[j, r] * a[r, k] * (x[n, j] + x[n, k] * w[o, j]));", 2),
    // What others read stays.
    ("u[n, o] = w[o, i] * x[n, i]; y[n, o] = 0.5 * u[n, o] + w[o, i] * x[n, i] + u[n, o] * u[n, o];", 2),
];

/// Results with sums that are multiplied, and how many products of ciphertexts their plans have.
const SUMS: [(&str, usize); 8] = [
    ("m[i] = mean[n](x[n, i]); y[n, o] = (x[n, o] - m[o]) * (x[n, o] + z[n, o]);", 1),
    ("m[i] = mean[n](x[n, i]); y[n, o] = sum[i]((x[n, i] - m[i]) * (x[n, o] - m[o]));", 1),
    ("m[i] = mean[n](x[n, i]); y[n, o] = sum[i]((x[n, i] - m[i]) * (z[0, o] - m[o]) * x[n, i]);", 2),
    ("y[n, o] = (x[n, o] - z[n, o]) * (x[n, o] + z[n, o]);", 1),
    ("y[n, o] = (x[n, o] - z[n, o] + 1.0)^2;", 1),
    ("y[n, o] = (x[n, o] + w[o, 0]) * z[n, o] - (x[n, o] + w[o, 0]) * (x[n, o] - 1.0);", 2),
    ("y[n, o] = (x[n, o] - z[n, o])^4;", 2),
    ("y[n, o in 0..6] = (x[n, o + 1] - x[n, o]) * (x[n, o + 2] + x[n, o]);", 1),
];

/// What plans of this result take, at few slots and at many; they are right.
fn counts(body: &str) -> [Counts; 2] {
    let columns = if body.contains("0..6") { 6 } else { 8 };
    let source = format!(
        "def f(x: secret f64[2, 8] in -1.0..1.0, z: secret f64[2, 8] in -1.0..1.0, w: f64[8, 8], b: f64[8, 3], a: f64[3, 8])
           -> y: secret f64[2, {columns}] {{ {body} }}"
    );
    [64, 1024].map(|slots| {
        let (worst, counts) = difference(&source, slots);
        assert!(worst < 1e-9, "{body}: off by {worst}");
        counts
    })
}

#[test]
fn public_factors_of_the_same_secrets_are_added_in_the_clear() {
    for (body, depth) in CASES {
        let [_, many] = counts(body);
        assert!(many.depth <= depth, "{body}: {many}");
    }
}

#[test]
fn sums_that_are_multiplied_stay_together_where_that_is_lighter() {
    for (body, products) in SUMS {
        assert!(counts(body).iter().all(|counts| counts.mulcc <= products), "{body}");
    }
}

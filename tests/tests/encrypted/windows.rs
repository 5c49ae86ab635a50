//! Sums over windows: what they take with layouts of their own, and that they are right in rows too.

use super::check;
use ein::packed::{Contract, PackOptions};
use ein::{Compiler, TensorRef};
use ein_tests::random::Random;
use ndarray::ArrayD;

/// A program, its sizes, and the most rotations and products with plaintexts that its free plan may take.
type Case<'a> = (&'a str, &'a [(&'a str, i64)], [usize; 2]);

#[test]
fn windows_within_an_axis_and_beyond_it() {
    let blur = "def f<N, M>(x: secret i64[N, M]) -> y: secret i64[N, M] { y[i, j] = sum[p: 3, q: 3](x[pad(i + p - 1), pad(j + q - 1)]); }";
    let average = "def f<N>(x: secret i64[N]) -> y: secret i64[N] { y[i] = sum[p: 5](x[pad(i + p - 2)]); }";
    let pool = "def f<N>(x: secret i64[N, N]) -> y: secret i64[N // 2, N // 2] { y[i, j] = sum[p: 2, q: 2](x[2 * i + p, 2 * j + q]); }";
    let causal = "def f<N>(x: secret i64[N]) -> y: secret i64[N] { y[i] = x[i] - x[pad(i - 1)]; }";
    let kernel =
        "def f<N, M>(x: secret i64[N, M], w: i64[3, 3]) -> y: secret i64[N, M] { y[i, j] = x[pad(i + p - 1), pad(j + q - 1)] * w[p, q]; }";
    let two = "def f<N>(x: secret i64[N], w: i64[3]) -> y: secret i64[N] {
        h[i: N] = sum[p: 3](x[pad(i + p - 1)] * w[p]);
        y[i] = sum[p: 3](h[pad(i + p - 1)]) * x[i];
    }";
    let cases: [Case<'_>; 9] = [
        (blur, &[("N", 19), ("M", 8)], [4, 0]),
        (blur, &[("N", 16), ("M", 16)], [4, 0]),
        (average, &[("N", 20)], [3, 0]),
        (average, &[("N", 32)], [3, 0]),
        (pool, &[("N", 16)], [2, 0]),
        (causal, &[("N", 20)], [1, 0]),
        (kernel, &[("N", 16), ("M", 16)], [5, 9]),
        (kernel, &[("N", 7), ("M", 12)], [5, 9]),
        (two, &[("N", 12)], [6, 4]),
    ];
    for (source, sizes, [rotations, products]) in cases {
        let counts = check(source, sizes, 1024);
        assert!(counts.rotations <= rotations && counts.mulcp <= products, "{source} {sizes:?}: {counts}");
    }
}

/// Padding with another number, sums with several subscripts in one axis, and what is computed as an operand.
#[test]
fn windows_are_right() {
    let cases: [(&[usize], &str); 6] = [
        (&[7], "def f(x: secret i64[7]) -> y: secret i64[7] { y[i] = sum[p: 3](x[pad(i + p - 1, 4)]); }"),
        (&[7], "def f(x: secret i64[7]) -> y: secret i64[9] { y[i: 9] = sum[p: 2, q: 3](x[pad(i + 2 * p - q - 1)]); }"),
        (&[7], "def f(x: secret i64[7]) -> y: secret i64[3] { y[i: 3] = sum[p: 4](x[pad(2 * i - p)] * x[pad(p - i)]); }"),
        (&[1, 5], "def f(x: secret i64[1, 5]) -> y: secret i64[3, 5] { y[i: 3, j: 5] = x[pad(i - 1), j] + x[0, pad(j + i)]; }"),
        (
            &[6],
            "def f(x: secret i64[6]) -> y: secret i64[6] {
                u[i] = x[i] * x[i];
                y[i: 6] = sum[p: 4](u[pad(i + p - 2)]) - u[pad(i + 5)];
            }",
        ),
        (&[8], "def f(x: secret i64[8]) -> y: secret i64[4] { y[i: 4] = if i > 1 then x[pad(3 * i)] else x[pad(i - 1)]; }"),
    ];
    let mut random = Random::new(3);
    for (shape, source) in cases {
        let program = Compiler::new().compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
        let function = program.main_def().expect("a definition");
        let x = ArrayD::from_shape_simple_fn(shape, || random.between(-50, 50));
        let inputs: [(&str, TensorRef<'_>); 1] = [("x", x.view().into())];
        let outputs = function.call(inputs.to_vec()).unwrap_or_else(|e| panic!("{source}\n{e}"));
        let clear = outputs.get("y").expect("the result").as_bytes();
        for (slots, contract) in [(8, Contract::Free), (8, Contract::Strict), (64, Contract::Free), (64, Contract::Strict)] {
            let options = PackOptions { slots, contract, ..PackOptions::default() };
            let (_, got) = function.simulate(&inputs, &[], &options).unwrap_or_else(|e| panic!("{source}\n{e}"));
            assert_eq!(clear, got[0].1.as_bytes(), "{source} {contract:?} {slots}");
        }
    }
}

/// A function of what lies beyond an axis everywhere is that of zero.
#[test]
fn functions_of_nothing_are_those_of_zero() {
    let source = "def f(x: secret f64[4] in -1.0..1.0) -> y: secret f64[3] { y[i: 3] = exp(x[pad(i - 9)]); }";
    let program = Compiler::new().compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let x = ArrayD::from_elem(vec![4], 0.5);
    let inputs: [(&str, TensorRef<'_>); 1] = [("x", x.view().into())];
    let options = PackOptions { slots: 8, ..PackOptions::default() };
    let (_, got) = program.main_def().expect("a definition").simulate(&inputs, &[], &options).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let got = got[0].1.as_array::<f64>().expect("f64").to_owned();
    assert!(got.iter().all(|y| (y - 1.0).abs() < 1e-2), "{got}");
}

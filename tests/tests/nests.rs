//! Loop nests where conditions protect what they compute, and where integers wrap, against the interpreters.

use ein::DType;
use ein_tests::generate::Generated;
use ein_tests::oracle;

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

/// Index values are 64-bit integers, which wrap; conditions on them, and elements that they name, are those of what is left.
#[test]
fn index_values_wrap() {
    for y in [
        "i * 4611686018427387904 + i * 4611686018427387904",
        "(i * 3037000500) * (i * 3037000500)",
        "x[i] * (i * 4611686018427387904)",
        "x[i] + (i * 4611686018427387904) // 3 + (i * 4611686018427387904) % 7",
        "if i * 4611686018427387904 >= 3 then x[i] else 0",
        "if abs(i * 4611686018427387904) <= 3 then x[i] else 0",
        "sum[k: N where k * 4611686018427387904 < i](x[k])",
    ] {
        agrees(&format!("def f<N>(x: i64[N]) -> y: i64[N] {{ y[i] = {y}; }}"), &[("x", L, &[7])]);
    }
    for y in [
        "x[pad((i - 3) * 1125899906842624), j]",
        "x[pad((i - 3) * 4611686018427387904), j]",
        "x[pad((i - 3) * 4611686018427387904 + p[i]), j]",
        "x[clamp((i - 3) * p[i] * 4611686018427387904), wrap(j * 9223372036854775807)]",
        "x[reflect((i - 3) * 4611686018427387904), wrap(j * 9223372036854775807)]",
    ] {
        let source = format!("def f<N, M>(x: f32[N, M], p: i64[N]) -> y: f32[N, M] {{ y[i, j] = {y}; }}");
        agrees(&source, &[("x", F, &[5, 64]), ("p", L, &[5])]);
    }
}

//! What lowered programs compute, by the interpreter of tensor IR.

use super::checked;
use ein_ir::dtype::DType;
use ein_ir::entity::{Dim, EntityRef, SecondaryMap};
use ein_ir::interp::data::Data;
use ein_ir::interp::tensor::run;
use ein_ir::tensor::specialise;

/// The results of a def for sizes in the order of its generics.
#[track_caller]
fn results(source: &str, def: &str, sizes: &[i64], inputs: &[Data]) -> Vec<Data> {
    let program = checked(source).unwrap_or_else(|d| panic!("{d:#?}"));
    let module = program.lower(def).unwrap_or_else(|d| panic!("{d:#?}"));
    let mut map: SecondaryMap<Dim, Option<i64>> = SecondaryMap::new();
    for (n, size) in sizes.iter().enumerate() {
        map[Dim::new(n)] = Some(*size);
    }
    let module = specialise(&module, &map).unwrap_or_else(|d| panic!("{d:#?}"));
    run(&module, inputs).unwrap_or_else(|f| panic!("{f:?}"))
}

fn floats(n: usize, f: impl Fn(usize) -> f64) -> Data {
    Data::floats(DType::F64, &[n], &(0..n).map(f).collect::<Vec<_>>())
}

#[test]
fn a_step_of_the_fft_is_the_dft() {
    let path = format!("{}/../../tests/cases/programs/11_fft.ein", env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(path).expect("the program").replace("c64", "c128");
    let bytes: Vec<u8> = (0..24).flat_map(|n: i32| f64::from(n * n % 7 - n).to_le_bytes()).collect();
    let x = Data::from_bytes(DType::C128, vec![12], &bytes).expect("12 complex numbers");
    let parts = |d: &Data| d.to_bytes().chunks(8).map(|c| f64::from_le_bytes(c.try_into().expect("8"))).collect::<Vec<_>>();
    let direct = parts(&results(&source, "dft", &[12], std::slice::from_ref(&x))[0]);
    let step = parts(&results(&source, "fft_step", &[12, 3, 4], &[x])[0]);
    assert!(direct.iter().any(|v| v.abs() > 1.0));
    for (a, b) in direct.iter().zip(&step) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
}

#[test]
fn a_branch_not_taken_is_not_evaluated() {
    let source = "def f<N>(x: i32[N], z: i32[N]) -> y: i32[N] { y[i] = if z[i] != 0 then max[j](x[j] // z[i]) else -1; }";
    let x = Data::ints(DType::I32, &[3], &[7, -9, 4]);
    let z = Data::ints(DType::I32, &[3], &[2, 0, -2]);
    assert_eq!(results(source, "f", &[3], &[x, z])[0], Data::ints(DType::I32, &[3], &[3, -1, 4]));
}

#[test]
fn means_and_windows() {
    let source = "def f<N>(x: f64[N]) -> (m: f64, w: f64[N], v: f64) {
        m = mean[i](x[i]);
        w[i] = mean[j where j <= i](x[j]);
        v = mean[j in 1..|N| - 1](x[j]) + sum[i in 1..3](i * sum[j](x[j] * i));
    }";
    let found = results(source, "f", &[4], &[floats(4, |n| n as f64 * n as f64)]);
    assert_eq!(found[0], Data::floats(DType::F64, &[], &[3.5]));
    assert_eq!(found[1], floats(4, |n| [0.0, 0.5, 5.0 / 3.0, 3.5][n]));
    assert_eq!(found[2], Data::floats(DType::F64, &[], &[2.5 + 5.0 * 14.0]));
}

#[test]
fn a_called_def_computes_what_it_says() {
    let source = "def scale(x: f64, s: f64) -> y: f64 { t = x * s; y = t + 1; }
        def every<N, st: int = 1>(x: f64[N]) -> y: f64[N // st] { y[i] = x[st*i]; }
        def g<M>(z: f64[M]) -> q: f64[M // 2] { e = every(z, st = 2); q[i] = scale(e[i], 10) - z[2*i]; }";
    let found = results(source, "g", &[5], &[floats(5, |n| n as f64)]);
    assert_eq!(found[0], floats(2, |n| n as f64 * 18.0 + 1.0));
}

//! Predicted against measured times of programs, one thread: whether the model of a machine is any good.
//!
//! `cargo bench --bench model` measures this machine, then prints one line a program: nanoseconds predicted with that table, nanoseconds
//! measured, and their ratio (above 1 the program is slower than predicted), with the geometric mean and the spread at the end. Processor
//! time is measured, so that what else runs on the machine matters little.

#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark prints its table")]

use ein::calibrate::{Calibration, calibrate};
use ein::{Compiler, DType, Machine, Tensor, TensorMut, TensorRef};
use ein_benches::median;
use std::hint::black_box;

const ROUNDS: usize = 15;

/// A program, and the shapes of its inputs; all are in f32.
struct Case(&'static str, &'static str, &'static [&'static [usize]]);

const CASES: [Case; 26] = [
    Case("attention", include_str!("programs/attention.ein"), &[&[2, 4, 64, 32], &[2, 4, 64, 32], &[2, 4, 64, 32]]),
    Case("attention large", include_str!("programs/attention.ein"), &[&[1, 4, 256, 64], &[1, 4, 256, 64], &[1, 4, 256, 64]]),
    Case("bool_mm", include_str!("programs/bool_mm.ein"), &[&[96, 96], &[96, 96]]),
    Case("conv2d", include_str!("programs/conv2d.ein"), &[&[1, 8, 34, 34], &[8, 8, 3, 3]]),
    Case("fma_chain", include_str!("programs/fma_chain.ein"), &[&[65536], &[65536], &[65536]]),
    Case("fma_chain long", include_str!("programs/fma_chain.ein"), &[&[1 << 22], &[1 << 22], &[1 << 22]]),
    Case("jacobi5", include_str!("programs/jacobi5.ein"), &[&[512, 512]]),
    Case("logsumexp_mm", include_str!("programs/logsumexp_mm.ein"), &[&[64, 64], &[64, 64]]),
    Case("maxplus_mm", include_str!("programs/maxplus_mm.ein"), &[&[128, 128], &[128, 128]]),
    Case("mlp_relu", include_str!("programs/mlp_relu.ein"), &[&[64, 256], &[256, 512], &[512], &[512, 128]]),
    Case("rbf_matvec", include_str!("programs/rbf_matvec.ein"), &[&[128, 16], &[128, 16], &[128]]),
    Case("softmax_rows", include_str!("programs/softmax_rows.ein"), &[&[256, 256]]),
    Case("sqdist", include_str!("programs/sqdist.ein"), &[&[128, 32], &[128, 32]]),
    Case("sum_rows", "def f<N, M>(x: f32[N, M]) -> y: f32[N] { y[i] = sum[j](x[i, j]); }", &[&[512, 512]]),
    Case("sum_columns", "def f<N, M>(x: f32[N, M]) -> y: f32[M] { y[j] = sum[i](x[i, j]); }", &[&[512, 512]]),
    Case("transpose", "def f<N, M>(x: f32[N, M]) -> y: f32[M, N] { y[j, i] = x[i, j]; }", &[&[512, 512]]),
    Case(
        "triangle",
        "def f<N>(x: f32[N, N], z: f32[N]) -> y: f32[N] { y[i] = sum[j where j <= i](x[i, j] * z[j]); }",
        &[&[512, 512], &[512]],
    ),
    Case("matmul tiny", MATMUL, &[&[8, 8], &[8, 8]]),
    Case("matmul small", MATMUL, &[&[24, 24], &[24, 24]]),
    Case("matmul", MATMUL, &[&[256, 256], &[256, 256]]),
    Case("matmul k=4", MATMUL, &[&[512, 4], &[4, 512]]),
    Case("matmul n=4", MATMUL, &[&[1024, 1024], &[1024, 4]]),
    Case("matvec", "def f<N, M>(x: f32[N, M], z: f32[M]) -> y: f32[N] { y[i] = x[i, j] * z[j]; }", &[&[1024, 1024], &[1024]]),
    Case("outer", "def f<N, M>(x: f32[N], z: f32[M]) -> y: f32[N, M] { y[i, j] = x[i] * z[j]; }", &[&[512], &[512]]),
    Case(
        "batched",
        "def f<B, N>(x: f32[B, N, N], z: f32[B, N, N]) -> y: f32[B, N, N] { y[b, i, j] = x[b, i, k] * z[b, k, j]; }",
        &[&[64, 32, 32], &[64, 32, 32]],
    ),
    Case(
        "cumulative",
        "def f<T, N>(x: f32[T, N]) -> y: f32[T, N] { scan t: T { s[i] = prev s[i] + x[t, i] from 0; y[t, i] = s[i]; } }",
        &[&[256, 64]],
    ),
];

const MATMUL: &str = "def f<M, N, K>(a: f32[M, K], b: f32[K, N]) -> c: f32[M, N] { c[i, j] = a[i, k] * b[k, j]; }";

fn main() -> Result<(), ein::Error> {
    let how = Calibration { name: "bench".to_owned(), threads: 1, rounds: 9 };
    let machine = calibrate(&how, &mut |_, _| {})?;
    print!("{}", ein::machine::to_text(&machine));
    let mut ratios = Vec::new();
    for Case(name, source, shapes) in &CASES {
        let (predicted, measured) = times(source, shapes, &machine)?;
        ratios.push(measured / predicted);
        println!("{name:<16} predicted {predicted:>10.0} ns  measured {measured:>10.0} ns  ratio {:.2}", measured / predicted);
    }
    let mean = (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp();
    ratios.sort_by(f64::total_cmp);
    println!("geometric mean {mean:.2}, from {:.2} to {:.2}", ratios[0], ratios[ratios.len() - 1]);
    Ok(())
}

/// Nanoseconds of a call, predicted and measured.
fn times(source: &str, shapes: &[&[usize]], machine: &Machine) -> Result<(f64, f64), ein::Error> {
    let tensors = shapes.iter().map(|shape| filled(shape)).collect::<Result<Vec<Tensor>, _>>()?;
    let views: Vec<TensorRef<'_>> = tensors.iter().map(TensorRef::from).collect();
    let program = Compiler::new().threads(1).machine(machine.clone())?.compile(source)?;
    let bound = program.main_def()?.bind().like(&views).build()?;
    let mut outputs = bound.call(&views)?.into_tensors();
    let mut outputs: Vec<TensorMut<'_>> = outputs.iter_mut().map(TensorMut::from).collect();
    let mut sample = |calls: usize| -> Result<f64, ein::Error> {
        let begin = cpu_time::ThreadTime::now();
        for _ in 0..calls {
            bound.call_into(black_box(&views), &mut outputs)?;
        }
        Ok(begin.elapsed().as_secs_f64() * 1e9 / calls as f64)
    };
    // Samples of two milliseconds.
    let calls = 1 + (2e6 / sample(3)?) as usize;
    let mut samples = (0..ROUNDS).map(|_| sample(calls)).collect::<Result<Vec<f64>, _>>()?;
    Ok((bound.predicted().as_nanos() as f64, median(&mut samples)))
}

fn filled(shape: &[usize]) -> Result<Tensor, ein::Error> {
    let n: usize = shape.iter().product();
    let values: Vec<f32> = (0..n).map(|k| (k * 7919 % 1009) as f32 / 1009.0 - 0.25).collect();
    let tensor = Tensor::from_vec(shape, values)?;
    assert_eq!(tensor.dtype(), DType::F32);
    Ok(tensor)
}

//! Generated nests against the same loops in safe, release-mode Rust, one thread, interleaved.
//!
//! `cargo bench --bench loops` prints one line a case: nanoseconds of each, and the speed of ein as a multiple of Rust's
//! (above 1 ein is faster), with the geometric mean at the end. Results are compared before anything is timed.

#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark prints its table")]

use ein::{Bound, Compiler, DType, Tensor, TensorMut, TensorRef};
use ein_benches::interleave;
use std::cell::RefCell;
use std::hint::black_box;

const ROUNDS: usize = 31;
/// Elements of the one-dimensional cases: 256 KiB in f32, in the second-level cache.
const LEN: usize = 1 << 16;
/// Rows and columns of the two-dimensional cases.
const SIDE: usize = 512;

const SOURCE: &str = "
def copy<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }
def axpy<N>(x: f32[N], z: f32[N]) -> y: f32[N] { y[i] = 1.5 * x[i] + z[i]; }
def stencil<N, M>(x: f32[N, M]) -> y: f32[N - 2, M - 2] {
  y[i in 0..N - 2, j in 0..M - 2] = 0.25 * (x[i, j + 1] + x[i + 2, j + 1] + x[i + 1, j] + x[i + 1, j + 2]);
}
def sum_rows<N, M>(x: f32[N, M]) -> y: f32[N] { y[i] = sum[j](x[i, j]); }
def transpose<N, M>(x: f32[N, M]) -> y: f32[M, N] { y[j, i] = x[i, j]; }
def triangle<N>(x: f32[N, N], z: f32[N]) -> y: f32[N] { y[i] = sum[j where j <= i](x[i, j] * z[j]); }
";

/// One case: the function, its input shapes, and the same loops in Rust.
struct Case<T> {
    name: &'static str,
    shapes: &'static [&'static [usize]],
    rust: fn(&[&[T]], &mut [T]),
}

macro_rules! cases {
    ($t:ty, $dtype:expr, $tolerance:expr, $ratios:expr) => {{
        fn copy(x: &[&[$t]], y: &mut [$t]) {
            y.copy_from_slice(x[0]);
        }
        fn axpy(x: &[&[$t]], y: &mut [$t]) {
            for ((y, x), z) in y.iter_mut().zip(x[0]).zip(x[1]) {
                *y = 1.5 * x + z;
            }
        }
        fn stencil(x: &[&[$t]], y: &mut [$t]) {
            let x = x[0];
            for (i, row) in y.chunks_exact_mut(SIDE - 2).enumerate() {
                let (up, mid, down) = (&x[i * SIDE..][..SIDE], &x[(i + 1) * SIDE..][..SIDE], &x[(i + 2) * SIDE..][..SIDE]);
                for j in 0..SIDE - 2 {
                    row[j] = 0.25 * (up[j + 1] + down[j + 1] + mid[j] + mid[j + 2]);
                }
            }
        }
        fn sum_rows(x: &[&[$t]], y: &mut [$t]) {
            for (y, row) in y.iter_mut().zip(x[0].chunks_exact(SIDE)) {
                *y = row.iter().sum();
            }
        }
        fn transpose(x: &[&[$t]], y: &mut [$t]) {
            for (j, row) in y.chunks_exact_mut(SIDE).enumerate() {
                for (i, out) in row.iter_mut().enumerate() {
                    *out = x[0][i * SIDE + j];
                }
            }
        }
        fn triangle(x: &[&[$t]], y: &mut [$t]) {
            for (i, (y, row)) in y.iter_mut().zip(x[0].chunks_exact(SIDE)).enumerate() {
                *y = row[..=i].iter().zip(&x[1][..=i]).map(|(a, b)| a * b).sum();
            }
        }
        let cases: [Case<$t>; 6] = [
            Case { name: "copy", shapes: &[&[LEN]], rust: copy },
            Case { name: "axpy", shapes: &[&[LEN], &[LEN]], rust: axpy },
            Case { name: "stencil", shapes: &[&[SIDE, SIDE]], rust: stencil },
            Case { name: "sum_rows", shapes: &[&[SIDE, SIDE]], rust: sum_rows },
            Case { name: "transpose", shapes: &[&[SIDE, SIDE]], rust: transpose },
            Case { name: "triangle", shapes: &[&[SIDE, SIDE], &[SIDE]], rust: triangle },
        ];
        let program = Compiler::new().threads(1).compile(&SOURCE.replace("f32", stringify!($t)))?;
        for case in cases {
            // Both read and write the same memory: where an array lies decides the speed of a copy.
            let tensors = case.shapes.iter().enumerate().map(|(n, s)| Tensor::from_vec(s, fill::<$t>(n, s.iter().product())));
            let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
            let inputs = tensors.iter().map(Tensor::as_slice).collect::<Result<Vec<&[$t]>, _>>()?;
            let views: Vec<TensorRef<'_>> = tensors.iter().map(TensorRef::from).collect();
            let bound = program.def(case.name)?.bind().like(&views).build()?;
            let ours = bound.call(&views)?.into_tensors().swap_remove(0);
            let mut theirs = Tensor::zeros(ours.dtype(), ours.shape())?;
            let theirs = theirs.as_mut_slice::<$t>()?;
            (case.rust)(&inputs, theirs);
            for (a, b) in ours.as_slice::<$t>()?.iter().zip(theirs.iter()) {
                assert!((a - b).abs() <= $tolerance * b.abs().max(1.0), "{}: {a} is not {b}", case.name);
            }
            let calls = 1 + (1 << 22) / inputs[0].len();
            let out = RefCell::new(ours);
            let rust = || {
                let mut out = out.borrow_mut();
                (case.rust)(black_box(&inputs), black_box(out.as_mut_slice::<$t>().expect("its dtype is known")));
            };
            let (ein, rust) = interleave(ROUNDS, calls, || run(&bound, &views, &mut out.borrow_mut()), rust);
            println!("{:<10} {}  ein {:>9.0} ns  rust {:>9.0} ns  speed {:.2}x", case.name, $dtype, ein * 1e9, rust * 1e9, rust / ein);
            $ratios.push(rust / ein);
        }
    }};
}

/// Reproducible values in -1..1.
fn fill<T: From<f32>>(seed: usize, n: usize) -> Vec<T> {
    let mut state = seed as u32 ^ 0x9e37_79b9;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        T::from((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
    };
    (0..n).map(|_| next()).collect()
}

fn run(bound: &Bound, views: &[TensorRef<'_>], out: &mut Tensor) {
    bound.call_into(black_box(views), &mut [TensorMut::from(out)]).expect("the call has succeeded once");
}

fn main() -> Result<(), ein::Error> {
    let mut ratios: Vec<f64> = Vec::new();
    cases!(f32, DType::F32, 1e-4, ratios);
    cases!(f64, DType::F64, 1e-11, ratios);
    let mean = (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    println!("geometric mean {mean:.2}x, least {least:.2}x");
    Ok(())
}

//! The libraries against the interpreter's textbook algorithms, the bound of their workspace, and inputs that could hurt.

use super::*;
use ein_ir::interp::{Data, library as oracle};
use ein_ir::library::result_counts;
use ein_ir::scalar::value::Value;

const FIELDS: [DType; 4] = [DType::F32, DType::F64, DType::C64, DType::C128];

/// Numbers in -1..1 from a linear congruence.
fn numbers(n: usize, seed: u64, dtype: DType) -> Vec<Value> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let value = |dtype: DType, next: &mut dyn FnMut() -> f64| match dtype {
        _ if dtype.is_complex() => Value::complex(next(), next(), dtype),
        _ if dtype.is_float() => Value::float((next() * 8.0).round() / 4.0, dtype),
        DType::Bool => Value::Bool(next() > 0.0),
        _ => Value::int((next() * 9.0) as i128, dtype),
    };
    (0..n).map(|_| value(dtype, &mut next)).collect()
}

/// Runs a problem through the ABI, in a workspace of the stated size.
fn run(problem: &Problem, args: &[Data]) -> Result<Vec<Data>, u64> {
    let operands: Vec<crate::AlignedBuf> = args.iter().map(|a| crate::AlignedBuf::copy_of(&a.to_bytes()).unwrap()).collect();
    let sizes = problem.results();
    let bytes = |(dtype, n): &(DType, u64)| (n * problem.batch) as usize * dtype.bytes();
    let mut results: Vec<crate::AlignedBuf> = sizes.iter().map(|r| crate::AlignedBuf::zeroed(bytes(r)).unwrap()).collect();
    let mut workspace = crate::AlignedBuf::zeroed(problem.workspace_bytes() as usize).unwrap();
    let mut raw = LibraryArgs {
        args: [std::ptr::null(); N_ARGS],
        results: [std::ptr::null_mut(); N_RESULTS],
        workspace: workspace.as_mut_ptr(),
        workspace_bytes: problem.workspace_bytes(),
        batch: problem.batch,
        m: problem.m,
        n: problem.n,
        k: problem.k,
        op: op_number(problem.op),
        dtype: dtype_number(problem.dtype),
        reversed: u64::from(problem.reversed),
    };
    raw.args.iter_mut().zip(&operands).for_each(|(to, from)| *to = from.as_ptr());
    raw.results.iter_mut().zip(&mut results).for_each(|(to, from)| *to = from.as_mut_ptr());
    // SAFETY: operands and results have the sizes of the problem, and the workspace is as long as stated.
    if unsafe { library(&raw const raw) } != 0 {
        return Err(take_failed_element().unwrap_or(0));
    }
    let data = |(buf, (dtype, n)): (&crate::AlignedBuf, &(DType, u64))| {
        let n = (n * problem.batch) as usize;
        Data::from_bytes(*dtype, vec![n], &buf.as_slice()[..n * dtype.bytes()]).unwrap()
    };
    Ok(results.iter().zip(&sizes).map(data).collect())
}

fn operands(problem: &Problem, seed: u64) -> Vec<Data> {
    let n_args = if matches!(problem.op, MultiOp::Solve | MultiOp::Lstsq) { 2 } else { 1 };
    let operand = |n: usize| {
        let size = (problem.arg_size(n) * problem.batch) as usize;
        Data::new(problem.dtype, vec![size], numbers(size, seed + n as u64, problem.dtype))
    };
    (0..n_args).map(operand).collect()
}

fn parts(value: &Value) -> (f64, f64) {
    match value {
        Value::Complex(re, im, _) => (*re, *im),
        Value::Int(n, _) => (*n as f64, 0.0),
        Value::Bool(b) => (f64::from(u8::from(*b)), 0.0),
        other => (other.as_float().unwrap(), 0.0),
    }
}

fn assert_close(got: &[Value], wanted: &[Value], tolerance: f64, what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    for (g, w) in got.iter().zip(wanted) {
        let ((a, b), (c, d)) = (parts(g), parts(w));
        let close = |x: f64, y: f64| (x - y).abs() <= tolerance * y.abs().max(1.0) || x.is_nan() && y.is_nan();
        assert!(close(a, c) && close(b, d), "{what}: {g:?} for {w:?}");
    }
}

/// Compares with the oracle; a random matrix of these sizes has a condition of at most some thousands.
fn check(problem: &Problem, seed: u64, tolerance: f64) {
    let what = format!("{problem:?}");
    let args = operands(problem, seed);
    match (run(problem, &args), oracle::evaluate(problem, &args)) {
        (Ok(got), Ok(wanted)) => {
            for (got, wanted) in got.iter().zip(&wanted) {
                assert_close(&got.values, wanted, tolerance, &what);
            }
        }
        (got, wanted) => assert_eq!(got.err(), wanted.err(), "{what}"),
    }
}

fn tolerance_of(dtype: DType) -> f64 {
    if dtype.real() == DType::F32 { 3e-3 } else { 1e-9 }
}

#[test]
fn square_functions_agree_with_the_oracle() {
    for dtype in FIELDS {
        for op in [MultiOp::Solve, MultiOp::Inv, MultiOp::Det, MultiOp::Eigh] {
            for n in [0, 1, 2, 3, 5, 17] {
                check(&Problem { op, dtype, batch: 2, m: n, n, k: 3, reversed: false }, n + 11, 10.0 * tolerance_of(dtype));
            }
        }
    }
}

#[test]
fn tall_functions_agree_with_the_oracle() {
    for dtype in FIELDS {
        for op in [MultiOp::Qr, MultiOp::Svd, MultiOp::Lstsq] {
            for (m, n) in [(3, 0), (1, 1), (2, 1), (3, 3), (9, 4), (40, 3), (17, 13)] {
                check(&Problem { op, dtype, batch: 2, m, n, k: 2, reversed: false }, m * 100 + n, 10.0 * tolerance_of(dtype));
            }
        }
    }
}

/// `X X*` plus the identity, computed by the oracle's own values.
#[test]
fn cholesky_agrees_with_the_oracle() {
    for dtype in FIELDS {
        for n in [1usize, 2, 5, 16, 33] {
            let x = numbers(n * n, n as u64, dtype);
            let entry = |position: usize| {
                let (row, column) = (position / n, position % n);
                let (mut re, mut im) = (if row == column { 1.0 } else { 0.0 }, 0.0);
                for k in 0..n {
                    let ((a, b), (c, d)) = (parts(&x[row * n + k]), parts(&x[column * n + k]));
                    (re, im) = (re + a * c + b * d, im + b * c - a * d);
                }
                if dtype.is_complex() { Value::complex(re, im, dtype) } else { Value::float(re, dtype) }
            };
            let data = Data::new(dtype, vec![n * n], (0..n * n).map(entry).collect());
            let problem = Problem { op: MultiOp::Cholesky, dtype, batch: 1, m: n as u64, n: n as u64, k: 0, reversed: false };
            let got = run(&problem, std::slice::from_ref(&data)).unwrap();
            let wanted = oracle::evaluate(&problem, &[data]).unwrap();
            assert_close(&got[0].values, &wanted[0], tolerance_of(dtype), &format!("{problem:?}"));
        }
    }
}

#[test]
fn transforms_agree_with_the_oracle() {
    for (n, real) in (0..=20).chain([31, 32, 33, 100, 127, 128, 210]).flat_map(|n| [(n, DType::F32), (n, DType::F64)]) {
        let complex = if real == DType::F32 { DType::C64 } else { DType::C128 };
        let tolerance = if real == DType::F32 { 1e-4 } else { 1e-11 };
        let base = Problem { op: MultiOp::Fft, dtype: complex, batch: 3, m: 1, n, k: 0, reversed: false };
        check(&base, n, tolerance);
        check(&Problem { op: MultiOp::Ifft, ..base }, n, tolerance);
        check(&Problem { op: MultiOp::Rfft, dtype: real, ..base }, n, tolerance);
        check(&Problem { op: MultiOp::Irfft, n: n / 2 + 1, k: n, ..base }, n, tolerance);
    }
}

#[test]
fn order_agrees_with_the_oracle() {
    let dtypes = [
        DType::Bool,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
    ];
    for dtype in dtypes {
        for n in [0, 1, 2, 7, 64, 1000] {
            for reversed in [false, true] {
                let sort = Problem { op: MultiOp::Sort, dtype, batch: 2, m: 1, n, k: 0, reversed };
                check(&sort, n + 5, 0.0);
                for k in [0, 1, n / 2, n].into_iter().filter(|k| *k <= n) {
                    check(&Problem { op: MultiOp::TopK, k, ..sort }, n + 5, 0.0);
                }
            }
        }
    }
    let values = [1.0, f64::NAN, -0.0, f64::NEG_INFINITY, 0.0, f64::INFINITY, 1.0];
    let data = Data::floats(DType::F32, &[7], &values);
    for op in [MultiOp::Sort, MultiOp::TopK] {
        let problem = Problem { op, dtype: DType::F32, batch: 1, m: 1, n: 7, k: 4, reversed: op == MultiOp::TopK };
        let got = run(&problem, std::slice::from_ref(&data)).unwrap();
        assert_eq!(got[1].values, oracle::evaluate(&problem, std::slice::from_ref(&data)).unwrap()[1]);
    }
}

/// The stated workspace is enough, so that a call allocates nothing but the twiddle factors of a new length.
#[test]
fn workspace_is_bounded() {
    let sizes = [1u64, 2, 3, 4, 7, 8, 16, 31, 32, 33, 64, 65, 100, 129, 200, 257, 400];
    let ops = [MultiOp::Solve, MultiOp::Inv, MultiOp::Det, MultiOp::Cholesky, MultiOp::Qr, MultiOp::Lstsq, MultiOp::Eigh, MultiOp::Svd];
    for op in ops {
        for &n in &sizes {
            for m in [n, 2 * n, 10 * n, 40 * n] {
                for k in [1, n, 3 * n] {
                    let is_square = !matches!(op, MultiOp::Qr | MultiOp::Svd | MultiOp::Lstsq);
                    let problem = Problem { op, dtype: DType::F32, batch: 1, m: if is_square { n } else { m }, n, k, reversed: false };
                    let request = [
                        (decompose::request::<f32>(&problem), DType::F32),
                        (decompose::request::<f64>(&problem), DType::F64),
                        (decompose::request::<Complex<f32>>(&problem), DType::C64),
                        (decompose::request::<Complex<f64>>(&problem), DType::C128),
                    ];
                    for (request, dtype) in request {
                        let bound = Problem { dtype, ..problem }.workspace_bytes();
                        let needed = request.unaligned_bytes_required() as u64;
                        assert!(needed <= bound, "{op:?} {dtype} {m} x {n}, {k}: {needed} bytes, and {bound} are stated");
                    }
                }
            }
        }
    }
    for n in (1..300).chain([1009, 2048, 4099, 10_007, 65_537]) {
        for op in [MultiOp::Fft, MultiOp::Ifft, MultiOp::Rfft, MultiOp::Irfft] {
            let problem = Problem { op, dtype: DType::C128, batch: 1, m: 1, n, k: n, reversed: false };
            let dtype = if op == MultiOp::Rfft { DType::F64 } else { DType::C128 };
            let needed = fourier::workspace::<f64>(&problem).unaligned_bytes_required() as u64;
            let bound = Problem { dtype, ..problem }.workspace_bytes();
            assert!(needed <= bound, "{op:?} {n}: {needed} bytes, and {bound} are stated");
        }
    }
}

#[test]
fn nothing_hurts() {
    let cases: [&[f64]; 8] = [
        &[0.0, 0.0, 0.0, 0.0],
        &[1.0, f64::NAN, 0.0, 1.0],
        &[1.0, f64::INFINITY, f64::INFINITY, 1.0],
        &[1e300, 1e300, -1e300, 1e300],
        &[1e-310, 3e-310, 0.0, 2e-310],
        &[1.0, 1.0, 1.0, 1.0],
        &[1e300, 1e-300, 1e-300, 1e300],
        &[-0.0, 1.0, -0.0, 1.0],
    ];
    for values in cases {
        for op in MultiOp::ALL.into_iter().filter(|op| ein_ir::library::is_matrix_function(*op)) {
            for dtype in [DType::F64, DType::C128] {
                let problem = Problem { op, dtype, batch: 1, m: 2, n: 2, k: 1, reversed: false };
                let number = |x: &f64| if dtype.is_complex() { Value::complex(*x, 0.0, dtype) } else { Value::float(*x, dtype) };
                let args = [values, &values[..2]].map(|list| Data::new(dtype, vec![list.len()], list.iter().map(number).collect()));
                let n_args = if matches!(op, MultiOp::Solve | MultiOp::Lstsq) { 2 } else { 1 };
                let (got, wanted) = (run(&problem, &args[..n_args]), oracle::evaluate(&problem, &args[..n_args]));
                assert_eq!(got.is_err(), wanted.is_err(), "{op:?} of {values:?}");
            }
        }
    }
}

#[test]
fn results_that_are_not_wanted_are_not_written_and_failures_name_their_element() {
    assert_eq!(result_counts(MultiOp::Sort).0, 1);
    let problem = Problem { op: MultiOp::Inv, dtype: DType::F64, batch: 3, m: 1, n: 1, k: 0, reversed: false };
    assert_eq!(run(&problem, &[Data::floats(DType::F64, &[3], &[2.0, 4.0, 0.0])]).unwrap_err(), 2);
    let problem = Problem { batch: 1, ..problem };
    assert!(run(&problem, &[Data::floats(DType::F64, &[1], &[0.0])]).is_err());
    assert_eq!(take_failed_element(), None);
}

/// Larger than every block and recursion threshold of the library.
#[test]
fn large_matrices_multiply_back() {
    let (m, n) = (150usize, 140usize);
    let problem = Problem { op: MultiOp::Svd, dtype: DType::F64, batch: 1, m: m as u64, n: n as u64, k: 0, reversed: false };
    let args = operands(&problem, 3);
    let got = run(&problem, &args).unwrap();
    let [u, s, v] = [0, 1, 2].map(|r: usize| got[r].values.iter().map(|x| parts(x).0).collect::<Vec<f64>>());
    for (row, column) in [(0, 0), (17, 93), (149, 139), (80, 2)] {
        let sum: f64 = (0..n).map(|k| u[row * n + k] * s[k] * v[k * n + column]).sum();
        assert!((sum - parts(&args[0].values[row * n + column]).0).abs() < 1e-11);
    }
    assert!(s.windows(2).all(|pair| pair[0] >= pair[1]));
}

//! The textbook algorithms satisfy what defines them.

use super::*;
use crate::dtype::DType;

/// Numbers in -1..1 from a linear congruence.
fn numbers(n: usize, seed: u64, dtype: DType) -> Vec<Value> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| if dtype.is_complex() { Value::complex(next(), next(), dtype) } else { Value::float(next(), dtype) }).collect()
}

fn problem(op: MultiOp, dtype: DType, m: u64, n: u64, k: u64) -> Problem {
    Problem { op, dtype, batch: 1, m, n, k, reversed: false }
}

fn run(problem: &Problem, args: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, u64> {
    let data: Vec<Data> = args.iter().map(|values| Data::new(problem.dtype, vec![values.len()], values.clone())).collect();
    evaluate(problem, &data)
}

fn matrix(rows: usize, columns: usize, values: &[Value]) -> Matrix {
    Matrix::new(rows, columns, &values.iter().map(Complex::of_value).collect::<Vec<_>>())
}

fn diagonal(values: &[Value]) -> Matrix {
    let mut out = Matrix::identity(values.len(), values.len());
    values.iter().enumerate().for_each(|(i, v)| out[(i, i)] = Complex::of_value(v));
    out
}

fn assert_close(got: &Matrix, wanted: &Matrix, what: &str) {
    for (a, b) in got.entries.iter().zip(&wanted.entries) {
        assert!((*a - *b).modulus() < 1e-11, "{what}: {a:?} for {b:?}");
    }
}

const FIELDS: [DType; 2] = [DType::F64, DType::C128];

#[test]
fn decompositions_multiply_back() {
    for dtype in FIELDS {
        for (m, n) in [(1, 1), (3, 3), (5, 2), (7, 7), (9, 4), (4, 0)] {
            let what = format!("{dtype} {m} x {n}");
            let values = numbers(m * n, (m * 10 + n) as u64, dtype);
            let a = matrix(m, n, &values);
            let qr = run(&problem(MultiOp::Qr, dtype, m as u64, n as u64, 0), std::slice::from_ref(&values)).unwrap();
            let (q, r) = (matrix(m, n, &qr[0]), matrix(n, n, &qr[1]));
            assert_close(&q.times(&r), &a, &what);
            assert_close(&q.adjoint().times(&q), &Matrix::identity(n, n), &what);
            assert!((0..n).all(|i| r[(i, i)].re >= 0.0 && r[(i, i)].im == 0.0), "{what}");
            let svd = run(&problem(MultiOp::Svd, dtype, m as u64, n as u64, 0), &[values]).unwrap();
            let (u, s, v) = (matrix(m, n, &svd[0]), diagonal(&svd[1]), matrix(n, n, &svd[2]));
            assert_close(&u.times(&s).times(&v), &a, &what);
            assert_close(&u.adjoint().times(&u), &Matrix::identity(n, n), &what);
            assert_close(&v.times(&v.adjoint()), &Matrix::identity(n, n), &what);
            assert!((1..n).all(|i| s[(i - 1, i - 1)].re >= s[(i, i)].re), "{what}");
        }
    }
}

#[test]
fn square_matrices_are_solved_inverted_and_diagonalised() {
    for dtype in FIELDS {
        for n in [1usize, 2, 5, 8] {
            let what = format!("{dtype} {n}");
            let (size, values) = (n as u64, numbers(n * n, n as u64, dtype));
            let a = matrix(n, n, &values);
            let rhs = numbers(n * 3, 77, dtype);
            let x = run(&problem(MultiOp::Solve, dtype, size, size, 3), &[values.clone(), rhs.clone()]).unwrap();
            assert_close(&a.times(&matrix(n, 3, &x[0])), &matrix(n, 3, &rhs), &what);
            let inverse = run(&problem(MultiOp::Inv, dtype, size, size, 0), std::slice::from_ref(&values)).unwrap();
            assert_close(&a.times(&matrix(n, n, &inverse[0])), &Matrix::identity(n, n), &what);
            let eigh = run(&problem(MultiOp::Eigh, dtype, size, size, 0), std::slice::from_ref(&values)).unwrap();
            let (w, v) = (diagonal(&eigh[0]), matrix(n, n, &eigh[1]));
            let mut hermitian = a.clone();
            for row in 0..n {
                hermitian[(row, row)].im = 0.0;
                (0..row).for_each(|column| hermitian[(column, row)] = a[(row, column)].conj());
            }
            assert_close(&v.times(&w).times(&v.adjoint()), &hermitian, &what);
            let positive = a.times(&a.adjoint());
            let entries: Vec<Value> = positive.entries.iter().map(|z| z.to_value(dtype)).collect();
            let l = run(&problem(MultiOp::Cholesky, dtype, size, size, 0), &[entries]).unwrap();
            let l = matrix(n, n, &l[0]);
            assert_close(&l.times(&l.adjoint()), &positive, &what);
        }
    }
}

#[test]
fn transforms_invert_each_other() {
    for n in [1u64, 2, 3, 8, 13] {
        let x = numbers(n as usize, n, DType::C128);
        let f = run(&problem(MultiOp::Fft, DType::C128, 1, n, 0), std::slice::from_ref(&x)).unwrap().swap_remove(0);
        let back = run(&problem(MultiOp::Ifft, DType::C128, 1, n, 0), &[f]).unwrap().swap_remove(0);
        assert_close(&matrix(1, n as usize, &back), &matrix(1, n as usize, &x), "complex");
        let x = numbers(n as usize, n, DType::F64);
        let f = run(&problem(MultiOp::Rfft, DType::F64, 1, n, 0), std::slice::from_ref(&x)).unwrap().swap_remove(0);
        let back = run(&problem(MultiOp::Irfft, DType::C128, 1, n / 2 + 1, n), &[f]).unwrap().swap_remove(0);
        assert_close(&matrix(1, n as usize, &back), &matrix(1, n as usize, &x), "real");
    }
}

#[test]
fn order_is_stable_with_nan_above_all() {
    let values: Vec<Value> = [2.0, f64::NAN, 0.0, 2.0, -0.0, -1.0].into_iter().map(|x| Value::Float(x, DType::F64)).collect();
    let order = |op, k, reversed| {
        let p = Problem { reversed, ..problem(op, DType::F64, 1, 6, k) };
        let positions = run(&p, std::slice::from_ref(&values)).unwrap().swap_remove(1);
        positions.iter().map(|v| v.as_int().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(order(MultiOp::Sort, 0, false), [5, 2, 4, 0, 3, 1]);
    assert_eq!(order(MultiOp::Sort, 0, true), [1, 0, 3, 2, 4, 5]);
    assert_eq!(order(MultiOp::TopK, 3, false), [1, 0, 3]);
    assert_eq!(order(MultiOp::TopK, 2, true), [5, 2]);
}

#[test]
fn what_has_no_answer_fails_and_what_is_not_finite_is_nan() {
    let reals = |list: &[f64]| list.iter().map(|x| Value::Float(*x, DType::F64)).collect::<Vec<_>>();
    let singular = reals(&[1.0, 2.0, 2.0, 4.0]);
    assert_eq!(run(&problem(MultiOp::Inv, DType::F64, 2, 2, 0), std::slice::from_ref(&singular)), Err(0));
    assert_eq!(run(&problem(MultiOp::Det, DType::F64, 2, 2, 0), std::slice::from_ref(&singular)).unwrap()[0][0].as_float(), Some(0.0));
    assert_eq!(run(&problem(MultiOp::Cholesky, DType::F64, 2, 2, 0), &[reals(&[1.0, 0.0, 2.0, 1.0])]), Err(0));
    assert_eq!(run(&problem(MultiOp::Lstsq, DType::F64, 2, 2, 1), &[singular.clone(), reals(&[1.0, 1.0])]), Err(0));
    assert_eq!(run(&problem(MultiOp::Det, DType::F64, 0, 0, 0), &[vec![]]).unwrap()[0], reals(&[1.0]));
    for op in [MultiOp::Qr, MultiOp::Svd, MultiOp::Eigh, MultiOp::Inv, MultiOp::Det, MultiOp::Cholesky] {
        let results = run(&problem(op, DType::F64, 2, 2, 0), &[reals(&[1.0, f64::INFINITY, f64::NAN, 1.0])]).unwrap();
        assert!(results.iter().flatten().all(|v| v.as_float().is_some_and(f64::is_nan)), "{op:?}");
    }
    let svd = run(&problem(MultiOp::Svd, DType::F64, 2, 2, 0), &[reals(&[0.0; 4])]).unwrap();
    assert_eq!(svd[1], reals(&[0.0, 0.0]));
    let huge = run(&problem(MultiOp::Eigh, DType::F64, 2, 2, 0), &[reals(&[1e300, 0.0, 1e300, 1e300])]).unwrap();
    assert!((huge[0][1].as_float().unwrap() / 2e300 - 1.0).abs() < 1e-14);
}

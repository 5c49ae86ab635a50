//! Elimination and reflections.

use super::complex::Complex;
use super::{Matrix, epsilon, jacobi};
use crate::library::Problem;
use crate::tensor::MultiOp;

/// The results of a function of a matrix; `None` if it fails.
pub(super) fn matrix_function(problem: &Problem, args: &[Vec<Complex>]) -> Option<Vec<Vec<Complex>>> {
    let (m, n, k) = (problem.m as usize, problem.n as usize, problem.k as usize);
    let a = Matrix::new(m, n, &args[0]);
    Some(match problem.op {
        MultiOp::Det => vec![vec![determinant(a)]],
        MultiOp::Inv => vec![solve(a, Matrix::identity(n, n))?.entries],
        MultiOp::Solve => vec![solve(a, Matrix::new(n, k, &args[1]))?.entries],
        MultiOp::Cholesky => vec![cholesky(&a)?.entries],
        MultiOp::Qr => {
            let (q, r) = qr(a);
            vec![q.entries, r.entries]
        }
        MultiOp::Lstsq => vec![least_squares(a, &Matrix::new(m, k, &args[1]), epsilon(problem.dtype))?.entries],
        MultiOp::Eigh => jacobi::eigh(a)?,
        _ => jacobi::svd(a)?,
    })
}

/// Gaussian elimination with row pivoting, carried out on `rhs` too. Returns the pivots; the sign of the row swaps is in the first.
fn eliminate(a: &mut Matrix, rhs: &mut Matrix) -> Vec<Complex> {
    let n = a.rows;
    let mut sign = 1.0;
    for column in 0..n {
        let mut pivot = column;
        for row in column + 1..n {
            if a[(row, column)].modulus() > a[(pivot, column)].modulus() {
                pivot = row;
            }
        }
        if pivot != column {
            a.swap_rows(pivot, column);
            rhs.swap_rows(pivot, column);
            sign = -sign;
        }
        if a[(column, column)] == Complex::ZERO {
            continue;
        }
        for row in column + 1..n {
            let factor = a[(row, column)].over(a[(column, column)]);
            (column..n).for_each(|j| a[(row, j)] = a[(row, j)] - factor * a[(column, j)]);
            (0..rhs.columns).for_each(|j| rhs[(row, j)] = rhs[(row, j)] - factor * rhs[(column, j)]);
        }
    }
    let mut pivots: Vec<Complex> = (0..n).map(|i| a[(i, i)]).collect();
    pivots.iter_mut().take(1).for_each(|p| *p = p.scale(sign));
    pivots
}

fn determinant(mut a: Matrix) -> Complex {
    let mut nothing = Matrix::new(a.rows, 0, &[]);
    eliminate(&mut a, &mut nothing).into_iter().fold(Complex::ONE, |product, pivot| product * pivot)
}

/// `None` if a pivot is 0.
fn solve(mut a: Matrix, mut rhs: Matrix) -> Option<Matrix> {
    if eliminate(&mut a, &mut rhs).contains(&Complex::ZERO) {
        return None;
    }
    back_substitute(&a, &mut rhs);
    Some(rhs)
}

/// Solves with the upper triangle.
fn back_substitute(r: &Matrix, rhs: &mut Matrix) {
    for column in 0..rhs.columns {
        for row in (0..r.columns).rev() {
            let sum = (row + 1..r.columns).fold(rhs[(row, column)], |sum, j| sum - r[(row, j)] * rhs[(j, column)]);
            rhs[(row, column)] = sum.over(r[(row, row)]);
        }
    }
}

/// `None` if a pivot is not positive.
fn cholesky(a: &Matrix) -> Option<Matrix> {
    let n = a.rows;
    let mut l = Matrix { rows: n, columns: n, entries: vec![Complex::ZERO; n * n] };
    for column in 0..n {
        let pivot = (0..column).fold(a[(column, column)].re, |sum, k| sum - l[(column, k)].square());
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        l[(column, column)] = Complex::new(libm::sqrt(pivot), 0.0);
        for row in column + 1..n {
            let sum = (0..column).fold(a[(row, column)], |sum, k| sum - l[(row, k)] * l[(column, k)].conj());
            l[(row, column)] = sum.over(l[(column, column)]);
        }
    }
    Some(l)
}

/// Householder reflections; then phases move from `R` to `Q`.
pub(super) fn qr(mut a: Matrix) -> (Matrix, Matrix) {
    let (m, n) = (a.rows, a.columns);
    let exponent = a.normalise();
    let mut reflectors = Vec::new();
    for column in 0..n {
        let reflector = reflector(&a, column);
        reflect(&mut a, &reflector, column);
        reflectors.push(reflector);
    }
    let mut q = Matrix::identity(m, n);
    for (column, reflector) in reflectors.iter().enumerate().rev() {
        reflect(&mut q, reflector, column);
    }
    let mut r = Matrix::identity(n, n);
    for row in 0..n {
        (0..n).for_each(|column| r[(row, column)] = if column < row { Complex::ZERO } else { a[(row, column)] });
        let phase = r[(row, row)].phase();
        r.scale_row(row, phase.conj());
        r[(row, row)].im = 0.0;
        q.scale_column(row, phase);
    }
    r.scale_exponent(exponent);
    (q, r)
}

/// The vector `v` of the reflection `1 - 2 v v* / v*v` that clears a column below the diagonal.
fn reflector(a: &Matrix, column: usize) -> Vec<Complex> {
    let mut v: Vec<Complex> = (column..a.rows).map(|row| a[(row, column)]).collect();
    let norm = libm::sqrt(v.iter().map(|z| z.square()).sum());
    v[0] = v[0] + v[0].phase().scale(norm);
    v
}

fn reflect(a: &mut Matrix, v: &[Complex], first: usize) {
    let square: f64 = v.iter().map(|z| z.square()).sum();
    if square == 0.0 {
        return;
    }
    for column in 0..a.columns {
        let product = v.iter().enumerate().fold(Complex::ZERO, |sum, (n, z)| sum + z.conj() * a[(first + n, column)]);
        let factor = product.scale(2.0 / square);
        v.iter().enumerate().for_each(|(n, z)| a[(first + n, column)] = a[(first + n, column)] - *z * factor);
    }
}

/// `None` if the columns are dependent up to rounding.
fn least_squares(a: Matrix, rhs: &Matrix, epsilon: f64) -> Option<Matrix> {
    let n = a.columns;
    let tolerance = a.rows.max(n) as f64 * epsilon;
    let (q, r) = qr(a);
    let largest = (0..n).fold(0.0f64, |max, i| max.max(r[(i, i)].re));
    if (0..n).any(|i| r[(i, i)].re <= tolerance * largest) {
        return None;
    }
    let mut x = q.adjoint().times(rhs);
    back_substitute(&r, &mut x);
    Some(x)
}

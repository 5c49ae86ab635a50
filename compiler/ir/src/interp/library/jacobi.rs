//! Jacobi rotations (Golub and Van Loan, Matrix Computations, 4th edition, sections 8.5 and 8.6.3).

use super::Matrix;
use super::complex::Complex;

/// Sweeps after which there is no convergence; ten do for matrices of any size that this is used for.
const MAX_SWEEPS: usize = 60;

/// A rotation of two columns: `p` becomes `c p - conj(s) q`, `q` becomes `s p + c q`.
struct Rotation {
    c: f64,
    s: Complex,
}

/// The rotation that diagonalises `[[a, z], [conj z, b]]`.
fn rotation(a: f64, b: f64, z: Complex) -> Rotation {
    let tau = (b - a) / (2.0 * z.modulus());
    let t = (if tau >= 0.0 { 1.0 } else { -1.0 }) / (tau.abs() + libm::sqrt(1.0 + tau * tau));
    let c = 1.0 / libm::sqrt(1.0 + t * t);
    Rotation { c, s: z.phase().scale(t * c) }
}

impl Rotation {
    fn columns(&self, a: &mut Matrix, p: usize, q: usize) {
        for row in 0..a.rows {
            let (x, y) = (a[(row, p)], a[(row, q)]);
            a[(row, p)] = x.scale(self.c) - self.s.conj() * y;
            a[(row, q)] = self.s * x + y.scale(self.c);
        }
    }

    fn rows(&self, a: &mut Matrix, p: usize, q: usize) {
        for column in 0..a.columns {
            let (x, y) = (a[(p, column)], a[(q, column)]);
            a[(p, column)] = x.scale(self.c) - self.s * y;
            a[(q, column)] = self.s.conj() * x + y.scale(self.c);
        }
    }
}

/// Eigenvalues, ascending, and eigenvectors of the matrix with this lower triangle.
pub(super) fn eigh(mut a: Matrix) -> Option<Vec<Vec<Complex>>> {
    let n = a.rows;
    for row in 0..n {
        a[(row, row)].im = 0.0;
        (0..row).for_each(|column| a[(column, row)] = a[(row, column)].conj());
    }
    let exponent = a.normalise();
    let mut v = Matrix::identity(n, n);
    let mut sweeps = 0;
    // The largest entry is near 1. Convergence is quadratic: what is left after the last sweep is below the rounding of the values.
    while off_diagonal(&a) > 1e-15 {
        sweeps += 1;
        if sweeps > MAX_SWEEPS {
            return None;
        }
        for p in 0..n {
            for q in p + 1..n {
                let z = a[(p, q)];
                if z.modulus() > 1e-18 {
                    let turn = rotation(a[(p, p)].re, a[(q, q)].re, z);
                    turn.columns(&mut a, p, q);
                    turn.rows(&mut a, p, q);
                    turn.columns(&mut v, p, q);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[(i, i)].re.total_cmp(&a[(j, j)].re));
    let values = order.iter().map(|&i| Complex::new(libm::ldexp(a[(i, i)].re, exponent), 0.0)).collect();
    let mut v = v.pick_columns(&order);
    for column in 0..n {
        let phase = v.column_phase(column);
        v.scale_column(column, phase);
    }
    Some(vec![values, v.entries])
}

/// The largest modulus above the diagonal.
fn off_diagonal(a: &Matrix) -> f64 {
    let row_max = |row: usize| (row + 1..a.columns).fold(0.0f64, |max, column| max.max(a[(row, column)].modulus()));
    (0..a.rows).map(row_max).fold(0.0, f64::max)
}

/// Columns shorter than this part of the longest are rounding, and have no direction of their own.
const NEGLIGIBLE: f64 = 1e-14;

/// `U`, the singular values, descending, and `V*`, by rotations of the columns.
pub(super) fn svd(mut a: Matrix) -> Option<Vec<Vec<Complex>>> {
    let n = a.columns;
    let exponent = a.normalise();
    let mut v = Matrix::identity(n, n);
    let mut converged = false;
    for _ in 0..MAX_SWEEPS {
        converged = true;
        let largest = (0..n).map(|column| a.column_product(column, column).re).fold(0.0, f64::max);
        for p in 0..n {
            for q in p + 1..n {
                let (x, y, z) = (a.column_product(p, p).re, a.column_product(q, q).re, a.column_product(p, q));
                let is_short = x.min(y) <= NEGLIGIBLE * NEGLIGIBLE * largest;
                if z.modulus() <= 1e-15 * libm::sqrt(x * y) || is_short {
                    continue;
                }
                converged = false;
                let turn = rotation(x, y, z);
                turn.columns(&mut a, p, q);
                turn.columns(&mut v, p, q);
            }
        }
        if converged {
            break;
        }
    }
    converged.then(|| finish(a, v, exponent))
}

fn finish(a: Matrix, v: Matrix, exponent: i32) -> Vec<Vec<Complex>> {
    let n = a.columns;
    let norms: Vec<f64> = (0..n).map(|column| libm::sqrt(a.column_product(column, column).re)).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    let (mut u, mut v) = (a.pick_columns(&order), v.pick_columns(&order));
    let largest = order.first().map_or(0.0, |&i| norms[i]);
    for (column, &from) in order.iter().enumerate() {
        if norms[from] > NEGLIGIBLE * largest {
            u.scale_column(column, Complex::new(1.0 / norms[from], 0.0));
        } else {
            complete(&mut u, column);
        }
        let phase = u.column_phase(column);
        u.scale_column(column, phase);
        v.scale_column(column, phase);
    }
    let values = order.iter().map(|&i| Complex::new(libm::ldexp(norms[i], exponent), 0.0)).collect();
    vec![u.entries, values, v.adjoint().entries]
}

/// Makes a column of length 1 that is orthogonal to those before it, out of the first unit vector that is far from them.
fn complete(u: &mut Matrix, column: usize) {
    let mut best = (0.0, 0);
    for unit in 0..u.rows {
        let rest = 1.0 - (0..column).map(|k| u[(unit, k)].square()).sum::<f64>();
        if rest > best.0 + 1e-6 {
            best = (rest, unit);
        }
    }
    (0..u.rows).for_each(|row| u[(row, column)] = if row == best.1 { Complex::ONE } else { Complex::ZERO });
    // Twice is enough (Kahan, in Parlett, The Symmetric Eigenvalue Problem, section 6.9).
    for _ in 0..2 {
        for k in 0..column {
            let product = u.column_product(k, column);
            (0..u.rows).for_each(|row| u[(row, column)] = u[(row, column)] - product * u[(row, k)]);
        }
        let norm = libm::sqrt(u.column_product(column, column).re);
        u.scale_column(column, Complex::new(1.0 / norm, 0.0));
    }
}

//! Nodes, weights and transforms on the line and the circle.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Cosine and sine of `steps / total` of a turn, exact where they are 0, 1, or the root of a half.
pub(super) fn turn(steps: usize, total: usize) -> (f64, f64) {
    let eighths = 8 * (steps as u128 % total as u128);
    let (octant, rest) = (eighths / total as u128, eighths % total as u128);
    // Odd octants are measured from their end, so that angles that mirror each other agree in their bits.
    let part = if octant % 2 == 0 { rest } else { total as u128 - rest };
    let angle = PI / 4.0 * (part as f64 / total as f64);
    let (cos, sin) = if part == total as u128 { (FRAC_1_SQRT_2, FRAC_1_SQRT_2) } else { (libm::cos(angle), libm::sin(angle)) };
    match octant {
        0 => (cos, sin),
        1 => (sin, cos),
        2 => (-sin, cos),
        3 => (-cos, sin),
        4 => (-cos, -sin),
        5 => (-sin, -cos),
        6 => (sin, -cos),
        _ => (cos, -sin),
    }
    .plus_zero()
}

trait PlusZero {
    /// Without negative zeros.
    fn plus_zero(self) -> Self;
}

impl PlusZero for (f64, f64) {
    fn plus_zero(self) -> Self {
        (self.0 + 0.0, self.1 + 0.0)
    }
}

/// `F[j, k] = cis(-2 pi j k / n)`, row-major.
pub(super) fn dft(n: usize) -> Vec<(f64, f64)> {
    let entry = |position: usize| {
        let (cos, sin) = turn((position / n) * (position % n), n);
        (cos, 0.0 - sin)
    };
    (0..n * n).map(entry).collect()
}

/// The points `-cos(pi j / (n - 1))` and the matrix from values there to the coefficients of the interpolating sum of Chebyshev
/// polynomials, row-major. A single point is 0.
///
/// Source: Trefethen, Approximation Theory and Approximation Practice, chapters 2 and 3.
pub(super) fn chebyshev(n: usize) -> [Vec<f64>; 2] {
    if n < 2 {
        return [vec![0.0; n], vec![1.0; n]];
    }
    let last = n - 1;
    let points = (0..n).map(|j| 0.0 - turn(j, 2 * last).0).collect();
    let end = |j: usize| if j == 0 || j == last { 0.5 } else { 1.0 };
    let coefficient = |position: usize| {
        let (p, j) = (position / n, position % n);
        let sign = if p.is_multiple_of(2) { 1.0 } else { -1.0 };
        sign * 2.0 * end(p) * end(j) * turn(p * j, 2 * last).0 / last as f64 + 0.0
    };
    [points, (0..n * n).map(coefficient).collect()]
}

/// Nodes, ascending, and weights on -1..1: Newton's method on the Legendre polynomial.
///
/// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, equations 25.4.29 and 22.16.6 (first guess).
pub(super) fn gauss_legendre(n: usize) -> [Vec<f64>; 2] {
    let (mut nodes, mut weights) = (vec![0.0; n], vec![0.0; n]);
    for i in 0..n.div_ceil(2) {
        let is_middle = 2 * i + 1 == n;
        let mut x = if is_middle { 0.0 } else { libm::cos(PI * (i as f64 + 0.75) / (n as f64 + 0.5)) };
        for _ in 0..if is_middle { 0 } else { 8 } {
            let (value, slope) = legendre(n, x);
            x -= value / slope;
        }
        let (_, slope) = legendre(n, x);
        let weight = 2.0 / ((1.0 - x) * (1.0 + x) * slope * slope);
        (nodes[i], nodes[n - 1 - i]) = (0.0 - x, x);
        (weights[i], weights[n - 1 - i]) = (weight, weight);
    }
    [nodes, weights]
}

/// The Legendre polynomial of degree `n` and its derivative.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=n {
        (before, value) = (value, ((2 * k - 1) as f64 * x * value - (k - 1) as f64 * before) / k as f64);
    }
    (value, n as f64 * (before - x * value) / ((1.0 - x) * (1.0 + x)))
}

//! Fourier transforms by their definition.

use super::complex::Complex;
use crate::library::Problem;
use crate::tensor::MultiOp;

pub(super) fn transform(problem: &Problem, x: &[Complex]) -> Vec<Complex> {
    match problem.op {
        MultiOp::Ifft => {
            let by = 1.0 / x.len() as f64;
            (0..x.len()).map(|k| component(x, k, 1.0).scale(by)).collect()
        }
        MultiOp::Rfft if x.is_empty() => vec![Complex::ZERO],
        MultiOp::Rfft => (0..=x.len() / 2).map(|k| component(x, k, -1.0)).collect(),
        MultiOp::Irfft => real_inverse(x, problem.k as usize),
        _ => (0..x.len()).map(|k| component(x, k, -1.0)).collect(),
    }
}

/// `sum x[n] * cis(sign * 2 pi n k / N)`
fn component(x: &[Complex], k: usize, sign: f64) -> Complex {
    x.iter().enumerate().fold(Complex::ZERO, |sum, (n, z)| sum + *z * turn(n * k, x.len(), sign))
}

/// `cis(sign * 2 pi steps / total)`, by the angle below one turn.
fn turn(steps: usize, total: usize, sign: f64) -> Complex {
    let angle = sign * 2.0 * std::f64::consts::PI * (steps % total) as f64 / total as f64;
    Complex::new(libm::cos(angle), libm::sin(angle))
}

/// The real signal of `n` elements with these components, which stand for their conjugates too; the imaginary parts of the components
/// that are their own conjugates are ignored.
fn real_inverse(x: &[Complex], n: usize) -> Vec<Complex> {
    let full: Vec<Complex> = (0..n)
        .map(|k| {
            let z = if k < x.len() { x[k] } else { x[n - k].conj() };
            if (2 * k).is_multiple_of(n) { Complex::new(z.re, 0.0) } else { z }
        })
        .collect();
    (0..n).map(|j| Complex::new(component(&full, j, 1.0).re / n as f64, 0.0)).collect()
}

//! Real spherical harmonics on a grid.

use super::points::{gauss_legendre, turn};
use std::f64::consts::PI;

/// `Y[l^2 + l + m, t, p]`, row-major.
pub(super) fn on_grid(degree: usize, n_polar: usize, n_azimuth: usize) -> Vec<f64> {
    let [nodes, _] = gauss_legendre(n_polar);
    let legendre: Vec<Vec<f64>> = nodes.iter().map(|x| normalised_legendre(degree, *x)).collect();
    let mut out = Vec::new();
    for l in 0..=degree {
        for position in 0..=2 * l {
            let m = position.abs_diff(l);
            for row in &legendre {
                for p in 0..n_azimuth {
                    let (cos, sin) = turn(m * p, n_azimuth);
                    let angular = match position.cmp(&l) {
                        std::cmp::Ordering::Less => std::f64::consts::SQRT_2 * sin,
                        std::cmp::Ordering::Equal => 1.0,
                        std::cmp::Ordering::Greater => std::f64::consts::SQRT_2 * cos,
                    };
                    out.push(row[l * (l + 1) / 2 + m] * angular);
                }
            }
        }
    }
    out
}

/// `N(l, m) P(l, m)(x)` at `l (l + 1) / 2 + m`, so that their squares times 2 pi have the integral 1; no Condon-Shortley sign.
///
/// Source: the three-term recurrence of Press and others, Numerical Recipes, 3rd edition, section 6.7.
fn normalised_legendre(degree: usize, x: f64) -> Vec<f64> {
    let mut out = vec![0.0; (degree + 1) * (degree + 2) / 2];
    let at = |l: usize, m: usize| l * (l + 1) / 2 + m;
    let sine = libm::sqrt((1.0 - x) * (1.0 + x));
    let mut diagonal = libm::sqrt(1.0 / (4.0 * PI));
    for m in 0..=degree {
        if m > 0 {
            diagonal *= sine * libm::sqrt((2 * m + 1) as f64 / (2 * m) as f64);
        }
        out[at(m, m)] = diagonal;
        for l in m + 1..=degree {
            let factor = |l: usize| libm::sqrt((4 * l * l - 1) as f64 / (l * l - m * m) as f64);
            let before = if l >= m + 2 { out[at(l - 2, m)] / factor(l - 1) } else { 0.0 };
            out[at(l, m)] = factor(l) * (x * out[at(l - 1, m)] - before);
        }
    }
    out
}

//! What sums of Chebyshev polynomials do on a part of their range: the values and the steepest slope.
//!
//! A polynomial of degree `n` is nowhere larger than at the Chebyshev points of `m > n` by more than a factor of `1 / cos(n pi / 2m)`
//! (Ehlich and Zeller, "Schwankung von Polynomen zwischen Gitterpunkten", 1964), so that a look at these gives bounds.

use super::operands::Span;
use crate::approximation::evaluate;
use std::f64::consts::PI;

/// Points a degree: the bounds are beyond the values by less than 2 parts of 100.
const POINTS: usize = 8;

/// Between which numbers a sum of Chebyshev polynomials lies on a part of the line.
pub(crate) fn range(coefficients: &[f64], on: Span) -> Span {
    let (lo, hi) = at_points(coefficients, coefficients.len(), on);
    let (middle, half) = (f64::midpoint(lo, hi), (hi - lo) / 2.0 * margin());
    (middle - half, middle + half)
}

/// The largest size of its derivative there.
pub(crate) fn slope(coefficients: &[f64], on: Span) -> f64 {
    let (lo, hi) = at_points(&derivative(coefficients), coefficients.len(), on);
    lo.abs().max(hi.abs()) * margin()
}

/// By how many parts of itself a polynomial is off from the reciprocal of what is in a range where its argument is -1 to 1.
pub(crate) fn of_itself(coefficients: &[f64], (lo, hi): Span) -> f64 {
    let product = |t: f64| evaluate(coefficients, t) * (f64::midpoint(lo, hi) + t * (hi - lo) / 2.0) - 1.0;
    let (least, most) = extrema(&product, coefficients.len() + 1, (-1.0, 1.0));
    least.abs().max(most.abs()) * margin()
}

fn margin() -> f64 {
    (PI / (2 * POINTS) as f64).cos().recip()
}

/// The extrema at the points of a range; those of its ends are there too.
fn at_points(coefficients: &[f64], degree: usize, on: Span) -> Span {
    extrema(&|t| evaluate(coefficients, t), degree, on)
}

fn extrema(polynomial: &dyn Fn(f64) -> f64, degree: usize, (lo, hi): Span) -> Span {
    let n = POINTS * degree.max(1);
    let point = |k: usize| f64::midpoint(lo, hi) + (hi - lo) / 2.0 * (PI * (k as f64 + 0.5) / n as f64).cos();
    let values = (0..n).map(point).chain([lo, hi]).map(polynomial);
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), y| (lo.min(y), hi.max(y)))
}

/// The derivative of a sum of Chebyshev polynomials, as such a sum.
fn derivative(coefficients: &[f64]) -> Vec<f64> {
    let mut slopes = vec![0.0; coefficients.len() + 1];
    for k in (1..coefficients.len()).rev() {
        slopes[k - 1] = slopes[k + 1] + 2.0 * k as f64 * coefficients[k];
    }
    slopes[0] /= 2.0;
    slopes.truncate(coefficients.len().saturating_sub(1).max(1));
    slopes
}

/// How large the Chebyshev polynomials up to a degree get at most as far beyond -1 and 1.
pub(crate) fn beyond(degree: usize, by: f64) -> f64 {
    (degree as f64 * (1.0 + by.max(0.0)).acosh()).cosh()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approximation::interpolate;

    #[test]
    fn ranges_and_slopes_are_those_of_the_function() {
        let of = |f: &dyn Fn(f64) -> f64| interpolate(f, (-1.0, 1.0), 31);
        let exp = of(&|t: f64| (4.0 * t).exp());
        for (lo, hi) in [(-1.0, 1.0), (-0.3, 0.9), (0.25, 0.25), (0.0, 1e-3)] {
            let (least, greatest) = range(&exp, (lo, hi));
            let (from, to) = ((4.0_f64 * lo).exp(), (4.0_f64 * hi).exp());
            let slack = 0.02 * (to - from) + 1e-9;
            assert!(least <= from + 1e-9 && greatest >= to - 1e-9, "{lo}..{hi}: {least}..{greatest}");
            assert!(least >= from - slack && greatest <= to + slack, "{lo}..{hi}: {least}..{greatest}");
            let steepest = slope(&exp, (lo, hi)) / (4.0 * to);
            assert!((0.9999..1.03).contains(&steepest), "{lo}..{hi}: {steepest}");
        }
    }

    #[test]
    fn chebyshev_polynomials_grow_as_is_said() {
        for degree in [1, 5, 31] {
            let mut single = vec![0.0; degree + 1];
            single[degree] = 1.0;
            assert!((evaluate(&single, 1.001) / beyond(degree, 0.001) - 1.0).abs() < 1e-9);
            assert!((slope(&single, (-1.0, 1.0)) / (degree * degree) as f64 - 1.0).abs() < 0.03);
        }
    }
}

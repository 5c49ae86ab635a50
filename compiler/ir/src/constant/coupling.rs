//! Coupling coefficients of rotations, exact up to one rounding.
//!
//! Source: Racah's formula as in Varshalovich, Moskalev, Khersonskii, Quantum Theory of Angular Momentum, section 8.2.1, equation 3,
//! written with binomial coefficients: an integer sum times the root of a rational number, whose prime factors are counted.

use super::double::{Double, PI};
use std::collections::BTreeMap;

/// An integer times the root of a rational number given by its prime factors.
#[derive(Clone, Debug, Default)]
struct Surd {
    integer: i128,
    radicand: BTreeMap<i64, i32>,
}

impl Surd {
    fn multiply(&mut self, n: i64, exponent: i32) {
        let (mut rest, mut p) = (n, 2);
        while p * p <= rest {
            while rest % p == 0 {
                *self.radicand.entry(p).or_default() += exponent;
                rest /= p;
            }
            p += 1;
        }
        if rest > 1 {
            *self.radicand.entry(rest).or_default() += exponent;
        }
    }

    fn multiply_factorial(&mut self, n: i64, exponent: i32) {
        (2..=n).for_each(|factor| self.multiply(factor, exponent));
    }

    fn value(&self) -> Double {
        let mut root = Double::ONE;
        for (prime, exponent) in &self.radicand {
            // Whole powers outside the root keep everything in range.
            let (whole, half) = (exponent.div_euclid(2), exponent.rem_euclid(2));
            root = root.times(Double::from_int(i128::from(*prime)).power(whole));
            if half == 1 {
                root = root.times(Double::from_int(i128::from(*prime)).sqrt());
            }
        }
        Double::from_int(self.integer).times(root)
    }
}

fn binomial(n: i64, k: i64) -> i128 {
    if k < 0 || k > n {
        return 0;
    }
    (0..k).fold(1, |product, i| product * i128::from(n - i) / i128::from(i + 1))
}

/// `<l1 m1 l2 m2 | l3 m3>`
fn complex_coefficient(l: [i64; 3], m1: i64, m2: i64) -> Surd {
    let [l1, l2, l3] = l;
    let m3 = m1 + m2;
    let (a, b, c) = (l1 + l2 - l3, l1 - l2 + l3, l2 + l3 - l1);
    let mut out = Surd::default();
    if a < 0 || b < 0 || c < 0 || m1.abs() > l1 || m2.abs() > l2 || m3.abs() > l3 {
        return out;
    }
    out.integer = (0..=a)
        .map(|k| {
            let term = binomial(a, k) * binomial(b, l1 - m1 - k) * binomial(c, l2 + m2 - k);
            if k % 2 == 0 { term } else { -term }
        })
        .sum();
    out.multiply(2 * l3 + 1, 1);
    for (l, m) in [(l1, m1), (l2, m2), (l3, m3)] {
        out.multiply_factorial(l + m, 1);
        out.multiply_factorial(l - m, 1);
    }
    for n in [l1 + l2 + l3 + 1, a, b, c] {
        out.multiply_factorial(n, -1);
    }
    out
}

/// A power of i, with its sign: `i^quarter`.
type Quarter = i64;

/// The entries of the row `a` of `U` (`Y real[a] = sum U[a, m] Y complex[m]`): order and power of i, each over `sqrt(2)` if `a` is not 0.
fn basis(a: i64) -> Vec<(i64, Quarter)> {
    let sign = if a % 2 == 0 { 0 } else { 2 };
    match a {
        0 => vec![(0, 0)],
        a if a > 0 => vec![(-a, 0), (a, sign)],
        a => vec![(a, 1), (-a, 3 + sign)],
    }
}

/// Calls `f` on the three orders of each entry; what it gives is the table.
fn table(l: [i64; 3], f: impl Fn(i64, i64, i64) -> f64) -> Vec<f64> {
    let mut out = Vec::new();
    for a in -l[0]..=l[0] {
        for b in -l[1]..=l[1] {
            (-l[2]..=l[2]).for_each(|c| out.push(f(a, b, c)));
        }
    }
    out
}

/// The real coefficient times what `scale` is.
fn real_coefficient(l: [i64; 3], orders: [i64; 3], scale: Double) -> f64 {
    let [a, b, c] = orders;
    let n_split = orders.iter().filter(|order| **order != 0).count();
    // The terms come in one pair of opposite orders, whose coefficients agree up to sign: a single one is looked up.
    let (mut total, mut found) = ([0i64; 4], None);
    for (m1, u1) in basis(a) {
        for (m2, u2) in basis(b) {
            for (m3, u3) in basis(c) {
                if m1 + m2 != m3 {
                    continue;
                }
                let (first1, first2) = *found.get_or_insert((m1, m2));
                let is_mirrored = (m1, m2) != (first1, first2);
                let mirror = if is_mirrored && (l[0] + l[1] - l[2]) % 2 != 0 { 2 } else { 0 };
                total[(u1 + u2 - u3 + mirror).rem_euclid(4) as usize] += 1;
            }
        }
    }
    let Some((m1, m2)) = found else { return 0.0 };
    let is_odd = (l[0] + l[1] + l[2]) % 2 != 0;
    // Times -i for odd sums: the imaginary part becomes the real one.
    let weight = if is_odd { total[1] - total[3] } else { total[0] - total[2] };
    let mut surd = complex_coefficient(l, m1, m2);
    surd.integer *= i128::from(weight);
    if surd.integer == 0 {
        return 0.0;
    }
    surd.multiply(2, -i32::try_from(n_split).unwrap_or(0));
    surd.value().times(scale).rounded()
}

/// `C[i, j, k]`, row-major.
pub(super) fn clebsch_gordan(l1: i64, l2: i64, l3: i64) -> Vec<f64> {
    let l = [l1, l2, l3];
    table(l, |a, b, c| real_coefficient(l, [a, b, c], Double::ONE))
}

/// `G[i, j, k] = sqrt((2 l1 + 1)(2 l2 + 1) / (4 pi (2 l3 + 1))) <l1 0 l2 0 | l3 0> C[i, j, k]`, row-major.
pub(super) fn gaunt(l1: i64, l2: i64, l3: i64) -> Vec<f64> {
    let l = [l1, l2, l3];
    let mut factor = complex_coefficient(l, 0, 0);
    if factor.integer == 0 {
        return table(l, |_, _, _| 0.0);
    }
    factor.multiply(2 * l1 + 1, 1);
    factor.multiply(2 * l2 + 1, 1);
    factor.multiply(2 * l3 + 1, -1);
    let scale = factor.value().over(Double::from_int(4).times(PI).sqrt());
    table(l, |a, b, c| real_coefficient(l, [a, b, c], scale))
}

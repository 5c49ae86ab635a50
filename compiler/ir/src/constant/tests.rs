//! Identities that the tables must satisfy.

use super::*;

fn reals(generator: Generator, args: &[i64], result: usize) -> Vec<f64> {
    let values = generator.values(args).unwrap().swap_remove(result);
    values.iter().map(|v| if let Literal::Float(x) = v { *x } else { panic!("{v:?}") }).collect()
}

fn assert_near(got: f64, wanted: f64, what: &str) {
    assert!((got - wanted).abs() <= 1e-13, "{what}: {got} for {wanted}");
}

#[test]
fn coupling_coefficients_have_orthonormal_columns() {
    for (l1, l2) in [(0, 0), (1, 1), (2, 1), (2, 3), (3, 3), (4, 2)] {
        for l3 in 0i64..=7 {
            let c = reals(Generator::ClebschGordan, &[l1, l2, l3], 0);
            let n3 = (2 * l3 + 1) as usize;
            let exists = (l1 - l2).abs() <= l3 && l3 <= l1 + l2;
            for (k, k2) in (0..n3).flat_map(|k| (0..n3).map(move |k2| (k, k2))) {
                let sum: f64 = c.chunks(n3).map(|row| row[k] * row[k2]).sum();
                assert_near(sum, if exists && k == k2 { 1.0 } else { 0.0 }, &format!("{l1} {l2} {l3}"));
            }
        }
    }
}

#[test]
fn two_vectors_couple_to_their_cross_and_dot_product() {
    let (a, b) = ([0.3, -1.2, 0.7], [2.0, 0.4, -0.9]);
    let couple = |l3: i64| -> Vec<f64> {
        let c = reals(Generator::ClebschGordan, &[1, 1, l3], 0);
        let n3 = (2 * l3 + 1) as usize;
        (0..n3).map(|k| (0..9).map(|ij| c[ij * n3 + k] * a[ij / 3] * b[ij % 3]).sum()).collect()
    };
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    for (got, wanted) in couple(1).iter().zip(cross) {
        assert_near(*got, -wanted / 2f64.sqrt(), "cross product");
    }
    let dot: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
    assert_near(couple(0)[0], -dot / 3f64.sqrt(), "dot product");
}

#[test]
fn structural_zeros_are_exact() {
    let c = reals(Generator::ClebschGordan, &[3, 3, 3], 0);
    // Orders add up or subtract: everything else is 0 itself.
    for (position, value) in c.iter().enumerate() {
        let order = |n: usize| n as i64 - 3;
        let (a, b, k) = (order(position / 49).abs(), order(position / 7 % 7).abs(), order(position % 7).abs());
        if k != a + b && k != (a - b).abs() {
            assert_eq!(value.to_bits(), 0, "{a} {b} {k}");
        }
    }
    assert!(c.iter().filter(|x| **x != 0.0).count() > 20);
    assert!(reals(Generator::Gaunt, &[1, 2, 2], 0).iter().all(|x| x.to_bits() == 0));
    assert_eq!(Generator::Dft.values(&[4]).unwrap()[0][5], Literal::Complex(0.0, -1.0));
    assert_eq!(Generator::Dft.values(&[4]).unwrap()[0][10], Literal::Complex(1.0, 0.0));
}

/// The integral of three harmonics by quadrature that is exact for their product.
#[test]
fn gaunt_coefficients_are_integrals() {
    let (degree, n_polar, n_azimuth) = (4usize, 8usize, 16usize);
    let y = reals(Generator::SphHarm, &[degree as i64, n_polar as i64, n_azimuth as i64], 0);
    let w = reals(Generator::GaussLegendre, &[n_polar as i64], 1);
    let grid = n_polar * n_azimuth;
    let at = |l: i64, n: usize, point: usize| y[((l * l) as usize + n) * grid + point];
    let weight = |point: usize| w[point / n_azimuth] * 2.0 * std::f64::consts::PI / n_azimuth as f64;
    for (l1, l2, l3) in [(0, 0, 0), (1, 1, 0), (1, 1, 2), (2, 2, 2), (3, 2, 1), (4, 3, 3), (2, 1, 2)] {
        let g = reals(Generator::Gaunt, &[l1, l2, l3], 0);
        let [n1, n2, n3] = [l1, l2, l3].map(|l| (2 * l + 1) as usize);
        assert_eq!(g.len(), n1 * n2 * n3);
        for (position, value) in g.iter().enumerate() {
            let (a, b, c) = (position / (n2 * n3), position / n3 % n2, position % n3);
            let integral: f64 = (0..grid).map(|p| weight(p) * at(l1, a, p) * at(l2, b, p) * at(l3, c, p)).sum();
            assert_near(*value, integral, &format!("{l1} {l2} {l3} at {a} {b} {c}"));
        }
    }
}

#[test]
fn harmonics_are_orthonormal_and_the_first_are_y_z_x() {
    let (n_polar, n_azimuth) = (6usize, 12usize);
    let y = reals(Generator::SphHarm, &[3, 6, 12], 0);
    let [x, w] = [0, 1].map(|n| reals(Generator::GaussLegendre, &[6], n));
    let grid = n_polar * n_azimuth;
    for (a, b) in (0..16).flat_map(|a| (0..16).map(move |b| (a, b))) {
        let sum: f64 =
            (0..grid).map(|p| w[p / n_azimuth] * 2.0 * std::f64::consts::PI / n_azimuth as f64 * y[a * grid + p] * y[b * grid + p]).sum();
        assert_near(sum, if a == b { 1.0 } else { 0.0 }, &format!("{a} {b}"));
    }
    let factor = (3.0 / (4.0 * std::f64::consts::PI)).sqrt();
    for p in 0..grid {
        let (z, angle) = (x[p / n_azimuth], 2.0 * std::f64::consts::PI * (p % n_azimuth) as f64 / n_azimuth as f64);
        let s = (1.0 - z * z).sqrt();
        for (n, wanted) in [s * angle.sin(), z, s * angle.cos()].into_iter().enumerate() {
            assert_near(y[(1 + n) * grid + p], factor * wanted, "l = 1");
        }
    }
}

#[test]
fn quadrature_is_exact_for_polynomials() {
    for n in 1..=20i64 {
        let [x, w] = [0, 1].map(|k| reals(Generator::GaussLegendre, &[n], k));
        for degree in 0..2 * n as i32 {
            let sum: f64 = x.iter().zip(&w).map(|(x, w)| w * x.powi(degree)).sum();
            assert_near(sum, if degree % 2 == 0 { 2.0 / f64::from(degree + 1) } else { 0.0 }, &format!("{n} {degree}"));
        }
        assert!(x.windows(2).all(|p| p[0] < p[1]));
    }
}

#[test]
fn chebyshev_coefficients_interpolate() {
    for n in 1..=9i64 {
        let [x, d] = [0, 1].map(|k| reals(Generator::Chebyshev, &[n], k));
        let f = |x: f64| 1.0 / (2.0 + x);
        let coefficients: Vec<f64> = d.chunks(n as usize).map(|row| row.iter().zip(&x).map(|(d, x)| d * f(*x)).sum()).collect();
        for point in &x {
            let value: f64 = coefficients.iter().enumerate().map(|(p, c)| c * (p as f64 * point.acos()).cos()).sum();
            assert_near(value, f(*point), &format!("{n}"));
        }
    }
}

#[test]
fn what_is_too_large_is_refused_and_nothing_is_empty_handed() {
    assert!(Generator::ClebschGordan.values(&[41, 0, 41]).is_err());
    assert!(Generator::Dft.values(&[2000]).is_err());
    assert_eq!(Generator::Dft.values(&[0]).unwrap(), [vec![]]);
    assert_eq!(Generator::GaussLegendre.values(&[0]).unwrap(), [vec![], vec![]]);
    assert_eq!(reals(Generator::ClebschGordan, &[40, 40, 0], 0).len(), 81 * 81);
    let c = reals(Generator::ClebschGordan, &[20, 20, 40], 0);
    let last: f64 = c.chunks(81).map(|row| row[80] * row[80]).sum();
    assert_near(last, 1.0, "the stretched state");
}

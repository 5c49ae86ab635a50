//! Constant tensors by formula: coupling coefficients of rotations, nodes and weights, transforms.
//!
//! A definition `(t1, t2) = gauss_legendre(n)` has sizes alone as arguments. It becomes tables when the sizes are literal
//! ([`crate::tensor::specialise()`]), so that everything after knows every value: structural zeros are exact zeros.
//!
//! Conventions:
//!
//! * Real spherical harmonics `Y[l, m]`, `m = -l..=l` in this order, orthonormal on the sphere, with the polar axis z: for `m > 0` they
//!   are `sqrt(2) N P(cos th) cos(m ph)`, for `m < 0` the same with `sin(|m| ph)`, and no Condon-Shortley sign: `l = 1` is
//!   `sqrt(3 / 4 pi) (y, z, x)`.
//! * [`Generator::ClebschGordan`] is `sum U1[i, m1] U2[j, m2] conj(U3[k, m3]) <l1 m1 l2 m2 | l3 m3>` with `Y real = U Y complex`, times
//!   `-i` where `l1 + l2 + l3` is odd, which makes it real; for fixed `l1`, `l2` and `l3` its matrices `[(i, j), k]` have
//!   orthonormal columns. For `l1 = l2 = l3 = 1` it is the cross product times `-1/sqrt(2)`.
//! * [`Generator::Gaunt`] is the integral of three real spherical harmonics over the sphere.

mod coupling;
mod double;
mod harmonics;
mod points;
#[cfg(test)]
mod tests;

use crate::dtype::DType;
use crate::extent::Extent;
use crate::scalar::Literal;

/// Elements of a table above which a program would better compute it: 2^20.
pub const MAX_ELEMENTS: u64 = 1 << 20;
/// The greatest degree of spherical harmonics: the sums of coupling coefficients then fit 128 bits.
pub const MAX_DEGREE: i64 = 40;

/// Constant tensors by formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generator {
    /// `C[2*l1 + 1, 2*l2 + 1, 2*l3 + 1]`: real coupling coefficients.
    ClebschGordan,
    /// `G[2*l1 + 1, 2*l2 + 1, 2*l3 + 1]`: integrals of three real spherical harmonics.
    Gaunt,
    /// `Y[(l + 1)^2, t, p]`: real spherical harmonics of the degrees `0..=l`, at the angles whose cosines are the `t` Gauss-Legendre
    /// nodes, and at `p` equidistant angles from 0.
    SphHarm,
    /// `x[n]`, `D[n, n]`: the extrema of a Chebyshev polynomial, ascending, and the matrix from values there to coefficients.
    Chebyshev,
    /// `x[n]`, `w[n]`: nodes, ascending, and weights of Gauss-Legendre quadrature on -1..1.
    GaussLegendre,
    /// `F[n, n]`: `cis(-2 pi j k / n)`.
    Dft,
}

impl Generator {
    /// Every generator, in declaration order.
    pub const ALL: [Generator; 6] =
        [Generator::ClebschGordan, Generator::Gaunt, Generator::SphHarm, Generator::Chebyshev, Generator::GaussLegendre, Generator::Dft];

    /// The spelling in programs and text forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Generator::ClebschGordan => "clebsch_gordan",
            Generator::Gaunt => "gaunt",
            Generator::SphHarm => "sph_harm",
            Generator::Chebyshev => "chebyshev",
            Generator::GaussLegendre => "gauss_legendre",
            Generator::Dft => "dft",
        }
    }

    /// Names of the arguments.
    #[must_use]
    pub const fn params(self) -> &'static [&'static str] {
        match self {
            Generator::ClebschGordan | Generator::Gaunt => &["l1", "l2", "l3"],
            Generator::SphHarm => &["l", "t", "p"],
            Generator::Chebyshev | Generator::GaussLegendre | Generator::Dft => &["n"],
        }
    }

    /// Number of results.
    #[must_use]
    pub const fn n_results(self) -> usize {
        match self {
            Generator::Chebyshev | Generator::GaussLegendre => 2,
            Generator::ClebschGordan | Generator::Gaunt | Generator::SphHarm | Generator::Dft => 1,
        }
    }

    /// Whether the values are complex.
    #[must_use]
    pub const fn is_complex(self) -> bool {
        matches!(self, Generator::Dft)
    }

    /// Whether the values can have this type.
    #[must_use]
    pub const fn takes(self, dtype: DType) -> bool {
        match dtype {
            DType::F32 | DType::F64 => !self.is_complex(),
            DType::C64 | DType::C128 => self.is_complex(),
            _ => false,
        }
    }

    /// Axes of each result. There must be as many arguments as parameters.
    #[must_use]
    pub fn axes(self, args: &[Extent]) -> Vec<Vec<Extent>> {
        let one = Extent::from(1);
        let order = |l: &Extent| l.scale(2).add(&one);
        match self {
            Generator::ClebschGordan | Generator::Gaunt => vec![args.iter().map(order).collect()],
            Generator::SphHarm => {
                let next = args[0].add(&one);
                vec![vec![next.mul(&next), args[1].clone(), args[2].clone()]]
            }
            Generator::Chebyshev => vec![vec![args[0].clone()], vec![args[0].clone(); 2]],
            Generator::GaussLegendre => vec![vec![args[0].clone()]; 2],
            Generator::Dft => vec![vec![args[0].clone(); 2]],
        }
    }

    /// The values of each result, row-major.
    ///
    /// # Errors
    /// In words, what is too large.
    pub fn values(self, args: &[i64]) -> Result<Vec<Vec<Literal>>, String> {
        self.check(args)?;
        let n = |position: usize| args[position].max(0) as usize;
        let reals = |list: Vec<f64>| list.into_iter().map(Literal::Float).collect::<Vec<_>>();
        Ok(match self {
            Generator::ClebschGordan => vec![reals(coupling::clebsch_gordan(args[0], args[1], args[2]))],
            Generator::Gaunt => vec![reals(coupling::gaunt(args[0], args[1], args[2]))],
            Generator::SphHarm => vec![reals(harmonics::on_grid(n(0), n(1), n(2)))],
            Generator::Chebyshev => points::chebyshev(n(0)).into_iter().map(reals).collect(),
            Generator::GaussLegendre => points::gauss_legendre(n(0)).into_iter().map(reals).collect(),
            Generator::Dft => vec![points::dft(n(0)).into_iter().map(|(re, im)| Literal::Complex(re, im)).collect()],
        })
    }

    fn check(self, args: &[i64]) -> Result<(), String> {
        let degrees = match self {
            Generator::ClebschGordan | Generator::Gaunt => 3,
            Generator::SphHarm => 1,
            Generator::Chebyshev | Generator::GaussLegendre | Generator::Dft => 0,
        };
        if let Some(degree) = args.iter().take(degrees).find(|l| **l > MAX_DEGREE) {
            return Err(format!("`{}` of degree {degree}, and {MAX_DEGREE} is the greatest degree", self.name()));
        }
        let sizes: Vec<Extent> = args.iter().map(|n| Extent::from(*n)).collect();
        for axes in self.axes(&sizes) {
            let sizes = axes.iter().map(|e| e.as_constant().unwrap_or(i128::MAX));
            let count = sizes.fold(1i128, i128::saturating_mul);
            if count > i128::from(MAX_ELEMENTS) {
                return Err(format!("`{}` of {count} elements, and {MAX_ELEMENTS} is the most", self.name()));
            }
        }
        Ok(())
    }
}

//! Reciprocals on long ranges, by Newton's iteration.
//!
//! With `s = u y` (of a root `s = sqrt(u) y`), which is 1 at the end, a step makes `s (2 - s)` of `s`, or `s (3 - s^2) / 2`. The iteration
//! begins with a polynomial whose `s` is as close to 1 as it can be on the whole range.

use crate::approximation::{ERROR, interpolate};
use crate::composite::{chebyshev, powers};
use crate::minimax::Problem;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Scalar, ScalarKind};

/// Ranges whose ends have a larger ratio are iterated on.
const LONG: f64 = 16.0;
/// Beyond this ratio the least result is lost in the noise of the greatest.
const LONGEST: f64 = 1e8;
/// Degrees of what the iteration begins with.
const DEGREES: [u32; 5] = [3, 7, 15, 31, 63];
/// Steps of an iteration: those from the longest range on.
const MAX_STEPS: usize = 64;

/// What an iteration begins with.
pub(crate) struct Start {
    /// Of Chebyshev polynomials of what is -1 to 1 where `u` is in its range.
    pub(crate) coefficients: Vec<f64>,
    /// Of the polynomial, in parts of what it is close to.
    pub(crate) error: f64,
    /// The greatest of it, in the same parts.
    pub(crate) most: f64,
    /// The same after each step.
    pub(crate) steps: Vec<f64>,
    /// From which `u` on it is off by less, and by how much.
    pub(crate) nearer: Option<(f64, f64)>,
}

/// A polynomial to begin with, and between which parts of what it is close to it is.
struct First {
    coefficients: Vec<f64>,
    ends: [f64; 2],
    nearer: Option<(f64, f64)>,
}

/// `factor / u` or `factor / sqrt(u)` of a linear `u` that is positive on the range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reciprocal {
    /// Whether it is that of a root.
    pub(crate) root: bool,
    /// What it is multiplied by.
    pub(crate) factor: f64,
    /// Offset and slope of `u`.
    pub(crate) of: [f64; 2],
}

impl Reciprocal {
    /// What a function of `Operand(0)` is, if it is one on a long range without its pole.
    pub(crate) fn of(function: &Scalar, on: (f64, f64)) -> Option<Self> {
        let found = Self::read(function)?.positive(on.0)?;
        let (lo, hi) = found.range(on);
        (lo > 0.0 && hi / lo > LONG && found.factor != 0.0).then_some(found)
    }

    /// What a function of `Operand(0)` is, if it is one.
    pub(crate) fn read(function: &Scalar) -> Option<Self> {
        let linear = |scalar: &Scalar| match powers(scalar)?[..] {
            [offset, slope] if slope != 0.0 => Some([offset, slope]),
            _ => None,
        };
        let of = |root: bool, scalar: &Scalar| Some(Self { root, factor: 1.0, of: linear(scalar)? });
        let number = |scalar: &Scalar| match powers(scalar)?[..] {
            [number] => Some(number),
            _ => None,
        };
        let times = |factor: f64, mut found: Self| {
            found.factor *= factor;
            found
        };
        match &function.kind {
            ScalarKind::Binary(BinaryFn::Div, a, b) => Some(match number(a) {
                Some(a) => times(a, Self::under_one(b).or_else(|| of(false, b))?),
                None => times(number(b)?.recip(), Self::read(a)?),
            }),
            ScalarKind::Binary(BinaryFn::Mul, a, b) => match number(a) {
                Some(a) => Some(times(a, Self::read(b)?)),
                None => Some(times(number(b)?, Self::read(a)?)),
            },
            ScalarKind::Unary(UnaryFn::Neg, a) => Some(times(-1.0, Self::read(a)?)),
            ScalarKind::Unary(UnaryFn::Powi(-1), a) => Self::under_one(a).or_else(|| of(false, a)),
            ScalarKind::Unary(UnaryFn::Rsqrt, a) => of(true, a),
            ScalarKind::Binary(BinaryFn::Pow, a, b) => match number(b)? {
                -1.0 => of(false, a),
                -0.5 => of(true, a),
                _ => None,
            },
            ScalarKind::Cast(a) if function.dtype.is_float() && a.dtype.is_float() => Self::read(a),
            _ => None,
        }
    }

    /// Whether it is that of the operand itself.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self { root: false, factor: 1.0, of: [0.0, 1.0] }
    }

    /// `1 / scalar`, of the square root of something.
    fn under_one(scalar: &Scalar) -> Option<Self> {
        match &scalar.kind {
            ScalarKind::Unary(UnaryFn::Sqrt, a) => match powers(a)?[..] {
                [offset, slope] => Some(Self { root: true, factor: 1.0, of: [offset, slope] }),
                _ => None,
            },
            ScalarKind::Cast(a) if a.dtype.is_float() => Self::under_one(a),
            _ => None,
        }
    }

    /// With a linear function that is positive at an argument.
    fn positive(mut self, at: f64) -> Option<Self> {
        if self.of[0] + self.of[1] * at >= 0.0 {
            return Some(self);
        }
        self.of.iter_mut().for_each(|c| *c = -*c);
        self.factor = -self.factor;
        (!self.root).then_some(self)
    }

    /// Least and greatest `u`.
    pub(crate) fn range(&self, on: (f64, f64)) -> (f64, f64) {
        let [a, b] = [on.0, on.1].map(|x| self.of[0] + self.of[1] * x);
        (a.min(b), a.max(b))
    }

    /// How many times the ends of the range of `u` are apart.
    pub(crate) fn ratio(&self, on: (f64, f64)) -> f64 {
        let (lo, hi) = self.range(on);
        hi / lo
    }

    /// The polynomial of `t` in -1 to 1 that the iteration begins with, and the number of its steps: those that need the fewest levels.
    /// No result is farther off than `aim`, nor by more than so many parts of itself.
    pub(crate) fn start(&self, on: (f64, f64), aim: f64) -> Option<Start> {
        if self.ratio(on) > LONGEST {
            return None;
        }
        let range = self.range(on);
        let least = if self.root { range.0.sqrt() } else { range.0 };
        let wanted = (aim * least / self.factor.abs()).min(ERROR);
        let mut best: Option<(usize, Start)> = None;
        for degree in DEGREES {
            let firsts = if self.root { of_root(range, degree).into_iter().collect() } else { of_number(range, degree) };
            // The first of them needs the fewest steps; of those with as many the last is the one that noise harms least.
            for First { coefficients, ends, nearer } in firsts {
                let Some(([error, most], steps)) = self.steps(ends, wanted) else { continue };
                let levels = (degree + 1).ilog2() as usize + steps.len() * if self.root { 3 } else { 2 };
                let is_safer = nearer.is_some()
                    && best.as_ref().is_some_and(|(least, start)| levels == *least && start.coefficients.len() == coefficients.len());
                if is_safer || best.as_ref().is_none_or(|(least, ..)| levels < *least) {
                    best = Some((levels, Start { coefficients, error, most, steps, nearer }));
                }
            }
        }
        best.map(|(_, start)| start)
    }

    /// How far `s` is from 1 at first and its greatest, and how far it is after each step until that is as small as this.
    fn steps(&self, mut ends: [f64; 2], wanted: f64) -> Option<([f64; 2], Vec<f64>)> {
        let wanted = wanted.max(f64::EPSILON);
        let step = |s: f64| step(self.root, s);
        let off = |ends: [f64; 2]| ends.into_iter().map(|s| (1.0 - s).abs()).fold(0.0, f64::max);
        let (first, most, mut errors) = (off(ends), ends[0].max(ends[1]), Vec::new());
        // Where `s` is 1 a step leaves it there, and makes less of all others.
        while errors.last().unwrap_or(&first) > &wanted {
            if errors.len() == MAX_STEPS {
                return None;
            }
            ends = ends.map(step);
            errors.push(off(ends));
        }
        Some(([first, most], errors))
    }
}

/// What a step of the iteration makes of `s`.
pub(crate) fn step(of_root: bool, s: f64) -> f64 {
    if of_root { s * (3.0 - s * s) / 2.0 } else { s * (2.0 - s) }
}

/// By what `s` from `1 - error` to `1 + error` is multiplied so that a step makes the same of both ends: above the square root of 3 it would
/// lead astray.
fn centred(error: f64) -> f64 {
    (3.0 / (3.0 + error * error)).sqrt()
}

/// `p` with the least largest `|1 - u p|` from some number on, in closed form: that is a Chebyshev polynomial, scaled to 1 at `u = 0`. Below that number
/// `u p` falls to 0 as `u` does; where it begins later it is hardly less at the least `u`, and much nearer to 1 at large ones, where the noise of
/// `p` is a larger part of it.
fn of_number((lo, hi): (f64, f64), degree: u32) -> Vec<First> {
    let n = f64::from(degree + 1);
    let sign = if degree.is_multiple_of(2) { -1.0 } else { 1.0 };
    let from = |times: f64| {
        let from = lo * times;
        let to = |u: f64| (2.0 * u - from - hi) / (hi - from);
        // There `t` is outside of -1 to 1 by so much.
        let beyond = |u: f64| {
            let outside = 2.0 * (from - u) / (hi - from);
            (n * (outside + (outside * (outside + 2.0)).sqrt()).ln_1p()).cosh()
        };
        let at_zero = beyond(0.0);
        let of = |u: f64| if u < from { beyond(u) } else { sign * (n * to(u).clamp(-1.0, 1.0).acos()).cos() };
        let p = |u: f64| (1.0 - of(u) / at_zero) / u;
        let (error, most) = (beyond(lo) / at_zero, 1.0 / at_zero);
        First {
            coefficients: interpolate(&p, (lo, hi), degree),
            ends: [1.0 - error, 1.0 + most],
            nearer: (times > 1.0).then_some((from, most)),
        }
    };
    LATER.into_iter().filter(|times| lo * times * LONG <= hi).map(from).collect()
}

/// Where polynomials begin to be close, in parts of where the range does.
const LATER: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

/// As good for the root, by exchange.
fn of_root((lo, hi): (f64, f64), degree: u32) -> Option<First> {
    let basis = |k: usize, u: f64| u.sqrt() * chebyshev(k, (2.0 * u - lo - hi) / (hi - lo));
    let (mut start, error) = Problem { target: &|_| 1.0, basis: &basis, sum: None, n: degree as usize + 1, on: (lo, hi) }.solve()?;
    // Between the points that were looked at it is a little more.
    let error = error + error.min(1.0 - error) / 100.0;
    let centred = centred(error);
    start.iter_mut().for_each(|c| *c *= centred);
    Some(First { coefficients: start, ends: [1.0 - error, 1.0 + error].map(|s| s * centred), nearer: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approximation::evaluate;

    /// On ranges up to the longest, what the steps make of the start is as close as it was asked to be.
    #[test]
    fn iterations_end_as_close_as_they_should() {
        for (root, of, factor) in [(false, [0.0, 1.0], 1.0), (true, [0.0, 1.0], 3.0), (false, [5.0, -1.0], -2.0)] {
            for ratio in [20.0, 3e4, 1e6, 0.9e8] {
                let kind = Reciprocal { root, factor, of };
                let (lo, hi) = (0.5, 0.5 * ratio);
                let on = if of[1] > 0.0 { (lo, hi) } else { (5.0 - hi, 5.0 - lo) };
                let start = kind.start(on, 1e-3).expect("an iteration");
                for k in 0..=2000 {
                    let u = lo * ratio.powf(f64::from(k) / 2000.0);
                    let mut y = evaluate(&start.coefficients, (2.0 * u - lo - hi) / (hi - lo));
                    for _ in &start.steps {
                        y *= if root { 1.5 - 0.5 * u * y * y } else { 2.0 - u * y };
                    }
                    let exact = if root { u.sqrt().recip() } else { u.recip() };
                    assert!((y - exact).abs() * factor.abs() < 1.1e-3, "{kind:?} to {ratio}: {y} at {u} after {:?}", start.steps);
                }
            }
        }
    }
}

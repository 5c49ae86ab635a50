//! Functions that no one polynomial is close to, as they have a kink or a jump: by a composite of polynomials that is close to the sign.

use crate::approximation::evaluate;
use crate::minimax::Problem;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Literal, Scalar, ScalarKind};

/// Degrees of the polynomials whose composite is the sign.
const SIGN_DEGREES: [usize; 3] = [15, 15, 27];
/// Share of the range within which the sign is not known.
pub(crate) const DEAD_ZONE: f64 = 1.0 / 512.0;

/// The most that the distance from 0 times the error of the sign is, in the dead zone.
pub(crate) fn slip(stages: &[Stage]) -> f64 {
    let at = |t: f64| stages.iter().fold(t, |t, stage| evaluate(&stage.coefficients, t));
    let points = (0..=1000).map(|k| DEAD_ZONE * f64::from(k) / 1000.0);
    // Steps are a thousandth of what the distance may be, and the composite rises.
    points.map(|t| t * (1.0 - at(t)).abs()).fold(0.0, f64::max) + DEAD_ZONE / 1000.0
}

/// A polynomial of a composite.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) coefficients: Vec<f64>,
    /// Outside of the dead zone its argument is no nearer to 0.
    pub(crate) least: f64,
}

/// Polynomials, one after the other, that make of `t` from -1 to 1 its sign outside of the dead zone; each maps -1 to 1 into it. With the
/// error of the last one.
pub(crate) fn sign() -> Option<(Vec<Stage>, f64)> {
    let mut least = DEAD_ZONE;
    let mut stages = Vec::new();
    let mut error = 1.0;
    for (n, degree) in SIGN_DEGREES.into_iter().enumerate() {
        let basis = |k: usize, t: f64| chebyshev(2 * k + 1, t);
        let (odd, found) = Problem { target: &|_| 1.0, basis: &basis, sum: None, n: degree.div_ceil(2), on: (least, 1.0) }.solve()?;
        // Between the points that were looked at it is a little more.
        let found = found * 1.001;
        // What the next one reads is at most 1.
        let scale = if n + 1 < SIGN_DEGREES.len() { 1.0 / (1.0 + found) } else { 1.0 };
        stages.push(Stage { coefficients: odd.into_iter().flat_map(|c| [0.0, c * scale]).collect(), least });
        least = (1.0 - found) * scale;
        error = found;
    }
    Some((stages, error))
}

/// `T(n)` at a point of -1 to 1.
pub(crate) fn chebyshev(n: usize, t: f64) -> f64 {
    (n as f64 * t.clamp(-1.0, 1.0).acos()).cos()
}

/// A function that is one polynomial below a number, and another one above it; coefficients lowest first.
#[derive(Debug, PartialEq)]
pub(crate) struct Pieces {
    pub(crate) at: f64,
    pub(crate) below: Vec<f64>,
    pub(crate) above: Vec<f64>,
}

impl Pieces {
    /// What a function of `Operand(0)` is, if it has two such pieces.
    pub(crate) fn of(function: &Scalar) -> Option<Self> {
        match &function.kind {
            ScalarKind::Unary(UnaryFn::Relu, a) => Self::between(&powers(a)?, vec![0.0], powers(a)?),
            ScalarKind::Unary(UnaryFn::Abs, a) => Self::between(&powers(a)?, negated(&powers(a)?), powers(a)?),
            ScalarKind::Unary(UnaryFn::Sign, a) => Self::between(&powers(a)?, vec![-1.0], vec![1.0]),
            ScalarKind::Binary(op @ (BinaryFn::Max | BinaryFn::Min), a, b) => {
                let (a, b) = (powers(a)?, powers(b)?);
                let difference = added(&a, &negated(&b));
                if *op == BinaryFn::Max { Self::between(&difference, b, a) } else { Self::between(&difference, a, b) }
            }
            ScalarKind::If(condition, yes, no) => {
                let ScalarKind::Binary(op, a, b) = &condition.kind else { return None };
                let difference = added(&powers(a)?, &negated(&powers(b)?));
                let (yes, no) = (powers(yes)?, powers(no)?);
                match op {
                    BinaryFn::Lt | BinaryFn::Le => Self::between(&difference, yes, no),
                    BinaryFn::Gt | BinaryFn::Ge => Self::between(&difference, no, yes),
                    _ => None,
                }
            }
            ScalarKind::Cast(a) if function.dtype.is_float() && a.dtype.is_float() => Self::of(a),
            _ => None,
        }
    }

    /// One polynomial where a linear one is negative, and another one where it is positive.
    fn between(sign: &[f64], negative: Vec<f64>, positive: Vec<f64>) -> Option<Self> {
        let [offset, slope] = *sign else { return None };
        let at = -offset / slope;
        match slope {
            _ if !at.is_finite() => None,
            s if s > 0.0 => Some(Self { at, below: negative, above: positive }),
            _ => Some(Self { at, below: positive, above: negative }),
        }
    }

    /// How far the pieces are from the function, outside of the dead zone, where the sign is off by `sign_error`; and the largest value.
    pub(crate) fn off(&self, sign_error: f64, (lo, hi): (f64, f64)) -> (f64, f64) {
        let largest = |p: &[f64], on: (f64, f64)| {
            let at = |k: u32| on.0 + (on.1 - on.0) * f64::from(k) / 100.0;
            (0..=100).map(|k| p.iter().rev().fold(0.0, |sum, c| sum * at(k) + c).abs()).fold(0.0, f64::max)
        };
        let at = self.at.clamp(lo, hi);
        (largest(&self.jump(), (lo, hi)) * sign_error / 2.0, largest(&self.below, (lo, at)).max(largest(&self.above, (at, hi))))
    }

    /// How high the jump is, how far off a value in the dead zone may be, and how much the pieces differ at the most, all on the range.
    pub(crate) fn beside(&self, (lo, hi): (f64, f64), dead_zone: f64) -> (f64, f64, f64) {
        let jump = self.jump();
        let at = |x: f64| jump.iter().rev().fold(0.0, |sum, c| sum * x + c).abs();
        if self.at <= lo || hi <= self.at {
            return (0.0, 0.0, at(lo).max(at(hi)));
        }
        let half = (hi - self.at).max(self.at - lo) * dead_zone;
        (at(self.at), at(self.at - half).max(at(self.at + half)) / 2.0, at(lo).max(at(hi)))
    }

    /// What the upper piece has more than the lower one.
    pub(crate) fn jump(&self) -> Vec<f64> {
        added(&self.above, &negated(&self.below))
    }
}

/// Where a function may have kinks and jumps: where linear arguments of what has pieces are 0.
pub(crate) fn breaks(function: &Scalar) -> Vec<f64> {
    let mut found = Vec::new();
    function.visit(&mut |node| {
        let difference = match &node.kind {
            ScalarKind::Unary(UnaryFn::Relu | UnaryFn::Abs | UnaryFn::Sign, a) => powers(a),
            ScalarKind::Binary(op, a, b) if !matches!(op, BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul | BinaryFn::Div) => {
                powers(a).zip(powers(b)).map(|(a, b)| added(&a, &negated(&b)))
            }
            _ => None,
        };
        if let Some([offset, slope]) = difference.as_deref() {
            found.push(-offset / slope);
        }
    });
    found
}

fn negated(a: &[f64]) -> Vec<f64> {
    a.iter().map(|c| -c).collect()
}

/// Without zeros of the highest powers.
fn added(a: &[f64], b: &[f64]) -> Vec<f64> {
    let at = |p: &[f64], k: usize| p.get(k).copied().unwrap_or(0.0);
    let mut sum: Vec<f64> = (0..a.len().max(b.len())).map(|k| at(a, k) + at(b, k)).collect();
    while sum.len() > 1 && sum.last() == Some(&0.0) {
        sum.pop();
    }
    sum
}

/// Coefficients of the powers of `Operand(0)`, lowest first, of a polynomial of degree 3 or less.
pub(crate) fn powers(scalar: &Scalar) -> Option<Vec<f64>> {
    let found = match &scalar.kind {
        ScalarKind::Operand(_) => vec![0.0, 1.0],
        ScalarKind::Literal(Literal::Float(number)) => vec![*number],
        #[expect(clippy::cast_precision_loss, reason = "as the function itself rounds it")]
        ScalarKind::Literal(Literal::Int(number)) => vec![*number as f64],
        ScalarKind::Cast(a) if scalar.dtype.is_float() => powers(a)?,
        ScalarKind::Unary(UnaryFn::Neg, a) => negated(&powers(a)?),
        ScalarKind::Unary(UnaryFn::Powi(n @ 0..=3), a) => {
            let a = powers(a)?;
            (0..*n).fold(vec![1.0], |power, _| multiplied(&power, &a))
        }
        ScalarKind::Binary(op, a, b) => {
            let (a, b) = (powers(a)?, powers(b)?);
            match (op, &b[..]) {
                (BinaryFn::Add, _) => added(&a, &b),
                (BinaryFn::Sub, _) => added(&a, &negated(&b)),
                (BinaryFn::Mul, _) => multiplied(&a, &b),
                (BinaryFn::Div, [number]) if *number != 0.0 => a.iter().map(|c| c / number).collect(),
                _ => return None,
            }
        }
        _ => return None,
    };
    (found.len() <= 4).then_some(found)
}

fn multiplied(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut product = vec![0.0; a.len() + b.len() - 1];
    a.iter().enumerate().for_each(|(i, x)| b.iter().enumerate().for_each(|(j, y)| product[i + j] += x * y));
    added(&product, &[])
}

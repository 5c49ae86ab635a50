//! Which polynomials stand for a function on a range: one, a composite where the function has a kink or a jump, or those of Newton's
//! iteration.

use crate::approximation::{ERROR, closest, error, function_at, interpolate};
use crate::composite::{DEAD_ZONE, Pieces, Stage, sign};
use crate::read::in_few_digits;
use crate::reciprocal::{Reciprocal, Start};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::scalar::approx::{Approx, Degree};
use ein_ir::scalar::function::UnaryFn;
use ein_ir::scalar::value;
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::span::Span;

/// Degrees that are tried where none is given.
const DEGREES: [u32; 7] = [3, 7, 15, 31, 63, 127, 255];
/// Degrees up to here are exchanged in no time.
const FEW: u32 = 63;
/// No best approximation is closer than interpolation by more than about this.
const GAIN: f64 = 8.0;

/// What is close to a function.
pub(crate) enum Close {
    /// Newton's iteration from a polynomial.
    Iterated(Reciprocal, Start),
    /// One polynomial.
    One(Vec<f64>),
    /// Two pieces, and the composite whose value is the sign, with its error.
    Kinked(Pieces, Vec<Stage>, f64),
}

/// How close it is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim {
    /// The error that the program allows, if it says.
    pub(crate) budget: Option<f64>,
    /// Largest number that the value is multiplied by.
    pub(crate) factor: f64,
    /// Whether values are divided by: then as many parts of the least of them.
    pub(crate) divides: bool,
    /// Whether it is close everywhere, and not only beside kinks and jumps.
    pub(crate) everywhere: bool,
}

impl Aim {
    /// Of an approximation that the program asks for.
    pub(crate) const fn stated(budget: Option<f64>) -> Self {
        Self { budget, factor: 1.0, divides: false, everywhere: false }
    }

    /// How close a function must be.
    pub(crate) fn of(&self, approx: &Approx) -> f64 {
        self.error(&value_of(&approx.function), approx.on)
    }

    fn error(&self, f: &dyn Fn(f64) -> f64, (lo, hi): (f64, f64)) -> f64 {
        let least = || (0..=64).map(|k| f(lo + (hi - lo) * f64::from(k) / 64.0).abs()).fold(f64::INFINITY, f64::min);
        // The other half is for noise, and for what errors grow to.
        let aim = self.budget.map_or(ERROR, |budget| budget / 2.0) / self.factor;
        if !self.divides {
            return aim;
        }
        match least() {
            least if least > 0.0 && least < 1.0 => aim * least,
            _ => aim,
        }
    }
}

impl Aim {
    /// What is enough of a root, which is steep at 0, where nothing is as close as it should be, and the program does not say how close
    /// that is: as much of large values as of those of size 1.
    fn coarse(&self, function: &Scalar, f: &dyn Fn(f64) -> f64, (lo, hi): (f64, f64)) -> f64 {
        let is_said = self.budget.is_some() || self.divides || self.factor > 1.0 || !self.everywhere;
        let largest = f(lo).abs().max(f(hi).abs());
        if is_said || !is_root(function) || !largest.is_finite() { 0.0 } else { ERROR * largest }
    }
}

/// Whether an expression is a root.
pub(crate) fn is_root(scalar: &Scalar) -> bool {
    match &scalar.kind {
        ScalarKind::Unary(UnaryFn::Sqrt, _) => true,
        ScalarKind::Cast(a) => is_root(a),
        _ => false,
    }
}

/// A function as one of numbers; NaN where it has no value.
fn value_of(function: &Scalar) -> impl Fn(f64) -> f64 {
    move |x| match function_at(function, x) {
        Some(value::Value::Float(y, _)) => y,
        _ => f64::NAN,
    }
}

/// Why nothing is close.
pub(crate) enum Far {
    /// The best that was found is off by this.
    By(f64),
    /// The function jumps at a number.
    Jump(f64),
    /// The ends of the range are too many times apart for the iteration.
    Ratio(f64),
    /// It has a pole, or no value.
    Pole,
}

impl Close {
    /// What is close to a function, in the fewest levels that were found.
    pub(crate) fn to(approx: &Approx, aim: Aim) -> Result<Self, Far> {
        let f = value_of(&approx.function);
        let wanted = aim.error(&f, approx.on);
        if approx.degree == Degree::Free
            && let Some(reciprocal) = Reciprocal::of(&approx.function, approx.on)
        {
            let start = reciprocal.start(approx.on, wanted).ok_or(Far::Ratio(reciprocal.ratio(approx.on)))?;
            return Ok(Close::Iterated(reciprocal, start));
        }
        let exchanged = if Pieces::of(&approx.function).is_some() { FEW } else { u32::MAX };
        let coarse = aim.coarse(&approx.function, &f, approx.on);
        match one(&f, approx.on, approx.degree, (wanted, wanted.max(coarse)), exchanged) {
            Ok(coefficients) if coefficients.iter().all(|c| c.is_finite()) => Ok(Close::One(coefficients)),
            Ok(_) => Err(Far::Pole),
            Err((least, coefficients)) => Self::kinked(approx, aim, least).or_else(|far| match far {
                Far::By(off) if off == least && least <= coarse => Ok(Close::One(coefficients)),
                Far::By(off) => Err(Far::By(off.min(least_of_few(&f, approx.on)))),
                far => Err(far),
            }),
        }
    }

    fn kinked(approx: &Approx, aim: Aim, least: f64) -> Result<Self, Far> {
        let Some(pieces) = Pieces::of(&approx.function) else { return Err(if least.is_finite() { Far::By(least) } else { Far::Pole }) };
        let Some((stages, sign_error)) = sign() else { return Err(Far::By(least)) };
        let (mut off, mut largest) = pieces.off(sign_error, approx.on);
        if aim.everywhere {
            let (jump, beside, height) = pieces.beside(approx.on, DEAD_ZONE);
            if jump > sign_error * height {
                return Err(Far::Jump(pieces.at));
            }
            (off, largest) = (off.max(beside), largest.max(height));
        }
        let allowed = aim.budget.unwrap_or(ERROR * largest.max(1.0)) / aim.factor;
        if off <= allowed { Ok(Close::Kinked(pieces, stages, sign_error)) } else { Err(Far::By(least.min(off))) }
    }
}

impl Far {
    /// In words; `help` says what to change.
    pub(crate) fn refused(&self, on: (f64, f64), span: Span, help: &str) -> Diagnostic {
        let (lo, hi) = (in_few_digits(on.0), in_few_digits(on.1));
        let (message, label) = match self {
            Far::By(off) => (
                format!("no polynomial of degree {} or less is close to the function on {lo}..{hi}", DEGREES[DEGREES.len() - 1]),
                format!("off by {off:.2e} at the best"),
            ),
            Far::Jump(at) => (
                format!("the function jumps at {}, within {lo}..{hi}: no polynomial is close to it everywhere", in_few_digits(*at)),
                "jumps".to_owned(),
            ),
            Far::Ratio(ratio) => (
                format!("the ends of {lo}..{hi} are a factor of {ratio:.1e} apart, which is too much for Newton's iteration"),
                "a reciprocal".to_owned(),
            ),
            Far::Pole => (format!("the function is not finite on {lo}..{hi}"), "this range".to_owned()),
        };
        Diagnostic::error(710, "he-range", message).at(span, label).help(help)
    }
}

/// The least error of polynomials of low degrees: where a function jumps none of a higher one need be closer.
fn least_of_few(f: &dyn Fn(f64) -> f64, on: (f64, f64)) -> f64 {
    let few = [1].into_iter().chain(DEGREES).take_while(|degree| *degree <= FEW);
    few.map(|degree| closest(f, on, degree, FEW).1).fold(f64::INFINITY, f64::min)
}

/// The polynomial of a given degree, or of the least that is no farther off than `aim`; else the least error, and the polynomial
/// that has it, which may be `enough`. Those of higher degrees than `exchanged` are interpolated alone.
fn one(
    f: &dyn Fn(f64) -> f64,
    on: (f64, f64),
    degree: Degree,
    (aim, enough): (f64, f64),
    exchanged: u32,
) -> Result<Vec<f64>, (f64, Vec<f64>)> {
    let limit = match degree {
        Degree::Exactly(degree) => return Ok(closest(f, on, degree, FEW).0),
        Degree::AtMost(limit) => Some(limit),
        Degree::Free => None,
    };
    let mut closest_one = (f64::INFINITY, Vec::new());
    for degree in DEGREES.into_iter().filter(|&degree| limit.is_none_or(|limit| degree < limit)).chain(limit) {
        // The program allows this degree, and so its error.
        let is_last = limit == Some(degree);
        let interpolated = interpolate(f, on, degree);
        let mut last = (error(&interpolated, f, on), interpolated);
        if last.0 <= aim {
            return Ok(last.1);
        }
        if is_last || last.0 <= GAIN * enough {
            let (coefficients, least) = closest(f, on, degree, if is_last { FEW } else { exchanged });
            last = (least, coefficients);
            if is_last || last.0 <= aim {
                return Ok(last.1);
            }
        }
        if last.0 <= closest_one.0 {
            closest_one.clone_from(&last);
        }
    }
    Err(closest_one)
}

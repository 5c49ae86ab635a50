//! Polynomials in the place of functions: `approx(f, x, on = (lo, hi))`.
//!
//! The polynomial interpolates at the Chebyshev points of the range, in the basis of Chebyshev polynomials of `t`, which runs over
//! `-1..1` where the argument runs over the range. The map to `t` is part of the sum that makes the argument, so that it costs no product
//! where there is one already.

use crate::contraction::{Axis, Operand, Subscript};
use crate::program::{Origin, Sum, Tensor, Term};
use crate::read::{Product, Reader, Scope, refused, scaled};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::scalar::approx::{Approx, Degree};
use ein_ir::scalar::eval::{cast, eval_binary, eval_unary};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use std::f64::consts::PI;

/// Degrees that are tried where none is given.
const DEGREES: [u32; 6] = [3, 7, 15, 31, 63, 127];
/// The error that is aimed at where none is given.
const ERROR: f64 = 1e-3;
/// Points at which the error of a polynomial is looked at.
const POINTS: u32 = 2000;

/// Coefficients of Chebyshev polynomials, lowest first, of degree `degree` for `f` on a range.
pub(crate) fn interpolate(f: &dyn Fn(f64) -> f64, (lo, hi): (f64, f64), degree: u32) -> Vec<f64> {
    let n = f64::from(degree + 1);
    let angles: Vec<f64> = (0..=degree).map(|k| PI * (f64::from(k) + 0.5) / n).collect();
    let values: Vec<f64> = angles.iter().map(|angle| f(f64::midpoint(lo, hi) + angle.cos() * (hi - lo) / 2.0)).collect();
    let coefficient = |j: u32| {
        let sum: f64 = angles.iter().zip(&values).map(|(angle, value)| value * (f64::from(j) * angle).cos()).sum();
        sum * if j == 0 { 1.0 } else { 2.0 } / n
    };
    (0..=degree).map(coefficient).collect()
}

/// The value of a sum of Chebyshev polynomials at `t`, by Clenshaw's recurrence.
pub(crate) fn evaluate(coefficients: &[f64], t: f64) -> f64 {
    let (mut next, mut after) = (0.0, 0.0);
    for &coefficient in coefficients.iter().skip(1).rev() {
        (next, after) = (coefficient + 2.0 * t * next - after, next);
    }
    coefficients.first().copied().unwrap_or(0.0) + t * next - after
}

/// The largest difference from `f` on a range.
pub(crate) fn error(coefficients: &[f64], f: &dyn Fn(f64) -> f64, (lo, hi): (f64, f64)) -> f64 {
    let difference = |k: u32| {
        let t = f64::from(k).mul_add(2.0 / f64::from(POINTS), -1.0);
        (f(f64::midpoint(lo, hi) + t * (hi - lo) / 2.0) - evaluate(coefficients, t)).abs()
    };
    (0..=POINTS).map(difference).fold(0.0, |worst: f64, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) })
}

/// The function of an approximation at a number, in f64; none where it faults.
fn function_at(function: &Scalar, x: f64) -> Option<Value> {
    let wide = |dtype: DType| if dtype.is_float() { DType::F64 } else { dtype };
    Some(match &function.kind {
        ScalarKind::Operand(_) => Value::Float(x, DType::F64),
        ScalarKind::Literal(Literal::Float(number)) => Value::Float(*number, DType::F64),
        ScalarKind::Literal(Literal::Int(number)) if function.dtype.is_float() => cast(Value::int(*number, DType::I64), DType::F64),
        ScalarKind::Literal(Literal::Int(number)) => Value::int(*number, function.dtype),
        ScalarKind::Literal(Literal::Bool(truth)) => Value::Bool(*truth),
        ScalarKind::Unary(f, a) => eval_unary(*f, function_at(a, x)?, wide(function.dtype)),
        ScalarKind::Binary(f, a, b) => eval_binary(*f, function_at(a, x)?, function_at(b, x)?).ok()?,
        ScalarKind::Cast(a) => cast(function_at(a, x)?, wide(function.dtype)),
        ScalarKind::If(condition, yes, no) => match function_at(condition, x)? {
            Value::Bool(true) => function_at(yes, x)?,
            _ => function_at(no, x)?,
        },
        ScalarKind::Literal(Literal::Complex(..))
        | ScalarKind::Index(_)
        | ScalarKind::Size(_)
        | ScalarKind::Access(_)
        | ScalarKind::Approx(_)
        | ScalarKind::Accumulated => return None,
    })
}

fn polynomial(f: &dyn Fn(f64) -> f64, on: (f64, f64), degree: Degree) -> Result<Vec<f64>, f64> {
    let limit = match degree {
        Degree::Exactly(degree) => return Ok(interpolate(f, on, degree)),
        Degree::AtMost(limit) => Some(limit),
        Degree::Free => None,
    };
    let mut last = f64::INFINITY;
    for degree in DEGREES.into_iter().filter(|&degree| limit.is_none_or(|limit| degree < limit)).chain(limit) {
        let coefficients = interpolate(f, on, degree);
        last = error(&coefficients, f, on);
        // The program allows this degree, and so its error.
        if last <= ERROR || limit == Some(degree) {
            return Ok(coefficients);
        }
    }
    Err(last)
}

impl Reader<'_> {
    /// The polynomial of an approximation as a tensor of its own, and how it is read here.
    pub(crate) fn approximation(&mut self, approx: &Approx, scalar: &Scalar, scope: &mut Scope) -> Result<Operand, Diagnostic> {
        let f = |x: f64| match function_at(&approx.function, x) {
            Some(Value::Float(y, _)) => y,
            _ => f64::NAN,
        };
        let (lo, hi) = approx.on;
        let coefficients = polynomial(&f, approx.on, approx.degree).map_err(|error| {
            Diagnostic::error(
                710,
                "he-range",
                format!("no polynomial of degree {} or less is close to the function on {lo}..{hi}", DEGREES[DEGREES.len() - 1]),
            )
            .at(scalar.span, format!("off by {error:.2e} at the best"))
            .help("name a smaller range, or the degree")
        })?;
        if coefficients.iter().any(|c| !c.is_finite()) {
            let message = format!("the function is not finite on {lo}..{hi}");
            return Err(Diagnostic::error(710, "he-range", message).at(scalar.span, "this range").help("name a range without its poles"));
        }
        let products = self.argument_under_conditions(approx, scope)?;
        let (mut sum, axes) = self.argument(products, scalar, scope)?;
        let (factor, constant) = (2.0 / (hi - lo), -(hi + lo) / (hi - lo));
        sum.terms.iter_mut().for_each(|term| term.coefficient *= factor);
        if constant != 0.0 {
            sum.terms.push(Term { coefficient: constant, operands: Vec::new() });
        }
        let shape: Vec<u64> = sum.output.iter().map(|&label| sum.labels[usize::from(label)].size).collect();
        let name = format!("approx.{}", self.program.tensors.len());
        let tensor = |name: String, origin: Origin| Tensor { name, dtype: scalar.dtype, shape: shape.clone(), origin, span: scalar.span };
        let of = self.program.tensors.len();
        self.program.tensors.push(tensor(format!("{name}.argument"), Origin::Sum(sum)));
        self.program.tensors.push(tensor(name.clone(), Origin::Polynomial { of, coefficients }));
        Ok(Operand { name, tensor: of + 1, axes, secret: true })
    }

    /// The argument where it is read, and the middle of the range elsewhere: what a polynomial is beyond its range is no small number.
    fn argument_under_conditions(&mut self, approx: &Approx, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let argument = &approx.argument;
        let conditions = std::mem::take(&mut scope.conditions);
        let both = |a: Scalar, b: Scalar| Scalar::binary(BinaryFn::And, a, b, DType::Bool, argument.span);
        let Some(condition) = conditions.iter().cloned().reduce(both) else { return self.expand(argument, scope) };
        let inside = self.under(condition.clone(), argument, scope);
        let not = Scalar::unary(UnaryFn::Not, condition, DType::Bool, argument.span);
        let outside = self.in_the_clear(&not.cast(argument.dtype), scope);
        scope.conditions = conditions;
        let middle = f64::midpoint(approx.on.0, approx.on.1);
        let outside = if middle == 0.0 { Vec::new() } else { scaled(outside?, middle) };
        Ok([inside?, outside].concat())
    }

    /// The argument as a sum, and how its axes are read. A computed tensor that is read whole is added up anew, so that the map of its range
    /// is part of what makes it.
    fn argument(&self, products: Vec<Product>, scalar: &Scalar, scope: &Scope) -> Result<(Sum, Vec<Axis>), Diagnostic> {
        if let [product] = &products[..]
            && product.coefficient == 1.0
            && let [operand] = &product.factors[..]
            && let Origin::Sum(sum) = &self.program.tensors[operand.tensor].origin
        {
            return Ok((sum.clone(), operand.axes.clone()));
        }
        let labels = scope.labels.clone();
        let reads = |label: &u8| products.iter().any(|product| product.factors.iter().any(|operand| operand.reads(*label)));
        // Positions that are selected are summed over.
        let n_labels = u8::try_from(scope.indices.len()).map_err(|_| refused(scalar.span, "so many indices"))?;
        let output: Vec<u8> = (0..n_labels).filter(reads).collect();
        let axes = output.iter().map(|&label| Axis { size: labels[usize::from(label)].size, subscript: Subscript::Label(label) }).collect();
        let terms = products.into_iter().map(|product| Term { coefficient: product.coefficient, operands: product.factors }).collect();
        Ok((Sum { labels, output, terms }, axes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case<'a> = (&'a dyn Fn(f64) -> f64, (f64, f64), u32, f64);

    /// Largest errors of plain interpolation, to two digits.
    #[test]
    fn errors_are_those_of_chebyshev_interpolation() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let cases: [Case<'_>; 6] = [
            (&sigmoid, (-8.0, 8.0), 7, 3.0e-2),
            (&sigmoid, (-8.0, 8.0), 31, 3.0e-6),
            (&f64::tanh, (-5.0, 5.0), 15, 8.9e-3),
            (&f64::exp, (-1.0, 1.0), 7, 2.2e-7),
            (&f64::recip, (0.5, 2.0), 7, 6.1e-4),
            (&|x: f64| x.ln(), (0.1, 10.0), 15, 4.0e-2),
        ];
        for (f, on, degree, expected) in cases {
            let found = error(&interpolate(f, on, degree), f, on);
            assert!((found / expected - 1.0).abs() < 0.05, "degree {degree} on {on:?}: {found} instead of {expected}");
        }
    }
}

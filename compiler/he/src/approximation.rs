//! Polynomials in the place of functions: `approx(f, x, on = (lo, hi))`.
//!
//! The polynomial interpolates at the Chebyshev points of the range, in the basis of Chebyshev polynomials of `t`, which runs over
//! `-1..1` where the argument runs over the range, or it is the one whose largest error is least, if that is less. The map to `t` is part
//! of the sum that makes the argument, so that it costs no product where there is one already. Where no polynomial is close and no degree
//! is given, [`crate::close`] has others.

use crate::close::{Aim, Close, Far};
use crate::composite::{DEAD_ZONE, Pieces, Stage, breaks, chebyshev, slip};
use crate::contraction::{Axis, Operand, Subscript};
use crate::minimax::Problem;
use crate::program::{Iterate, Label, Origin, Sign, Sum, Tensor, Term};
use crate::read::{Product, Reader, Scope, refused, scaled};
use crate::reciprocal::{Reciprocal, Start};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::range::{Range, of_function};
use ein_ir::scalar::approx::Approx;
use ein_ir::scalar::eval::{cast, eval_binary, eval_unary};
use ein_ir::scalar::value;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use std::f64::consts::PI;

/// The error that is aimed at where none is given.
pub(crate) const ERROR: f64 = 1e-3;
/// Points at which the error of a polynomial is looked at.
const POINTS: u32 = 2000;

/// Arguments of roots below this are not far from the noise of a product.
const SMALL: f64 = 1.0 / (1 << 17) as f64;

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

/// The largest difference from `f` on a range: beside the greatest of those at some points, which may miss a kink or a jump, it is looked at
/// more closely.
pub(crate) fn error(coefficients: &[f64], f: &dyn Fn(f64) -> f64, (lo, hi): (f64, f64)) -> f64 {
    let difference = |t: f64| {
        let off = (f(f64::midpoint(lo, hi) + t * (hi - lo) / 2.0) - evaluate(coefficients, t)).abs();
        if off.is_nan() { f64::INFINITY } else { off }
    };
    let step = 2.0 / f64::from(POINTS);
    let points: Vec<f64> = (0..=POINTS).map(|k| f64::from(k).mul_add(step, -1.0)).collect();
    let found: Vec<f64> = points.iter().map(|t| difference(*t)).collect();
    let worst = found.iter().copied().fold(0.0, f64::max);
    let is_peak = |k: &usize| {
        let at = |k: usize| found.get(k).copied().unwrap_or(0.0);
        at(*k) >= NEAR * worst && at(*k) >= at(k + 1) && k.checked_sub(1).is_none_or(|before| at(*k) >= at(before))
    };
    if !worst.is_finite() || worst == 0.0 {
        return worst;
    }
    (0..found.len()).filter(is_peak).map(|k| peak(&difference, points[k], step)).fold(worst, f64::max)
}

/// The same where a function may have a kink or a jump, and beside it.
fn beside(coefficients: &[f64], f: &dyn Fn(f64) -> f64, (lo, hi): (f64, f64), at: f64) -> f64 {
    let points = [at.next_down(), at, at.next_up()].into_iter().filter(|x| (lo..=hi).contains(x));
    points.map(|x| (f(x) - evaluate(coefficients, (2.0 * x - lo - hi) / (hi - lo))).abs()).fold(0.0, f64::max)
}

/// Peaks of at least this part of the greatest are looked at more closely.
const NEAR: f64 = 0.9;

/// The greatest value that is found around a point, each time more closely.
fn peak(f: &dyn Fn(f64) -> f64, mut at: f64, mut step: f64) -> f64 {
    let mut most = f(at);
    for _ in 0..4 {
        let around = (-8..=8).map(|k| (at + f64::from(k) * step / 8.0).clamp(-1.0, 1.0)).map(|t| (f(t), t));
        let best = around.fold((most, at), |best, other| if other.0 > best.0 { other } else { best });
        (most, at) = best;
        step /= 8.0;
    }
    most
}

/// The function of an approximation at a number, in f64; none where it faults.
pub(crate) fn function_at(function: &Scalar, x: f64) -> Option<value::Value> {
    let wide = |dtype: DType| if dtype.is_float() { DType::F64 } else { dtype };
    Some(match &function.kind {
        ScalarKind::Operand(_) => value::Value::Float(x, DType::F64),
        ScalarKind::Literal(Literal::Float(number)) => value::Value::Float(*number, DType::F64),
        ScalarKind::Literal(Literal::Int(number)) if function.dtype.is_float() => cast(value::Value::int(*number, DType::I64), DType::F64),
        ScalarKind::Literal(Literal::Int(number)) => value::Value::int(*number, function.dtype),
        ScalarKind::Literal(Literal::Bool(truth)) => value::Value::Bool(*truth),
        ScalarKind::Unary(f, a) => eval_unary(*f, function_at(a, x)?, wide(function.dtype)),
        ScalarKind::Binary(f, a, b) => eval_binary(*f, function_at(a, x)?, function_at(b, x)?).ok()?,
        ScalarKind::Cast(a) => cast(function_at(a, x)?, wide(function.dtype)),
        ScalarKind::If(condition, yes, no) => match function_at(condition, x)? {
            value::Value::Bool(true) => function_at(yes, x)?,
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

/// The closer one of the polynomial that interpolates, and the one whose largest error is least; the first alone of a degree above `exchanged`.
pub(crate) fn closest(f: &dyn Fn(f64) -> f64, on: (f64, f64), degree: u32, exchanged: u32) -> (Vec<f64>, f64) {
    let interpolated = interpolate(f, on, degree);
    let off = error(&interpolated, f, on);
    if degree > exchanged || !off.is_finite() {
        return (interpolated, off);
    }
    let (middle, half) = (f64::midpoint(on.0, on.1), (on.1 - on.0) / 2.0);
    let target = |t: f64| f(middle + t * half);
    let problem = Problem { target: &target, basis: &chebyshev, sum: Some(&evaluate), n: degree as usize + 1, on: (-1.0, 1.0) };
    let Some((best, _)) = problem.solve() else { return (interpolated, off) };
    let least = error(&best, f, on);
    if least < off { (best, least) } else { (interpolated, off) }
}

/// Between which numbers a function lies on a range, as far as that is known.
fn range_of(function: &Scalar, (lo, hi): (f64, f64)) -> Option<(f64, f64)> {
    match of_function(function, Range::Real(lo, hi)) {
        Range::Real(lo, hi) if lo.is_finite() || hi.is_finite() => Some((lo, hi)),
        _ => None,
    }
}

/// A tensor and how it is read.
pub(crate) struct Value {
    pub(crate) tensor: usize,
    pub(crate) axes: Vec<Axis>,
}

impl Reader<'_> {
    /// What is close to a function that the program lets be approximated.
    pub(crate) fn approximation(&mut self, approx: &Approx, scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let close = Close::to(approx, Aim::stated(scope.budget));
        let close = close.map_err(|far| {
            let help = if matches!(far, Far::Pole) { "name a range without its poles" } else { "name a smaller range, or the degree" };
            far.refused(approx.on, scalar.span, help)
        })?;
        self.approximated(close, approx, scalar, scope)
    }

    /// What is close to a function, over polynomials that are tensors of their own.
    pub(crate) fn approximated(
        &mut self,
        close: Close,
        approx: &Approx,
        scalar: &Scalar,
        scope: &mut Scope,
    ) -> Result<Vec<Product>, Diagnostic> {
        let known = self.known_argument(approx, scope);
        let (products, kept) = self.in_each_way(|reader| reader.argument_under_conditions(approx, scope))?;
        let coefficients = match close {
            Close::Iterated(reciprocal, start) => {
                let argument = self.argument_tensor(products, known, scalar, scope)?;
                self.may_be_kept(&argument, kept, scalar, scope)?;
                return Ok(self.iterated(&reciprocal, &argument, start, (approx, scalar)));
            }
            Close::Kinked(pieces, stages, error) => {
                let argument = self.argument_tensor(products, known, scalar, scope)?;
                self.may_be_kept(&argument, kept, scalar, scope)?;
                return Ok(self.composite(&pieces, (stages, error), &argument, (approx, scalar)));
            }
            Close::One(coefficients) => coefficients,
        };
        let f = |x: f64| match function_at(&approx.function, x) {
            Some(value::Value::Float(y, _)) => y,
            _ => f64::NAN,
        };
        let (lo, hi) = approx.on;
        let (sums, axes) = self.argument(products, kept, scalar, scope)?;
        let (factor, constant) = (2.0 / (hi - lo), -(hi + lo) / (hi - lo));
        let mapped = |mut sum: Sum| {
            sum.terms.iter_mut().for_each(|term| term.coefficient *= factor);
            sum.terms.extend((constant != 0.0).then(|| Term { coefficient: constant, operands: Vec::new() }));
            sum
        };
        let mut sums = sums.into_iter().map(mapped);
        let of = self.computed(sums.next().ok_or_else(|| refused(scalar.span, "the argument of nothing"))?, scalar);
        sums.for_each(|other| self.is_also(of, other));
        let off = breaks(&approx.function).into_iter().map(|at| beside(&coefficients, &f, approx.on, at));
        let off = off.fold(error(&coefficients, &f, approx.on), f64::max);
        self.program.domains.insert(of, approx.on);
        self.program.ranges.extend(known.map(|(lo, hi)| (of, (lo * factor + constant, hi * factor + constant))));
        let tensor = self.polynomial_of(of, coefficients, scalar);
        self.program.errors.insert(tensor, off);
        self.program.ranges.extend(range_of(&approx.function, approx.on).map(|range| (tensor, range)));
        if lo > 0.0 && Reciprocal::read(&approx.function).is_some_and(|found| found.is_plain()) {
            self.program.reciprocals.insert(tensor);
        }
        Ok(vec![self.product(1.0, &[tensor], &axes)])
    }

    /// The argument as a tensor that may be read several times.
    pub(crate) fn argument_tensor(
        &mut self,
        products: Vec<Product>,
        known: Option<(f64, f64)>,
        scalar: &Scalar,
        scope: &Scope,
    ) -> Result<Value, Diagnostic> {
        if let [product] = &products[..]
            && product.coefficient == 1.0
            && let [operand] = &product.factors[..]
            && operand.axes.iter().all(|axis| matches!(axis.subscript, Subscript::Label(_)))
            && operand.is_plain()
        {
            return Ok(Value { tensor: operand.tensor, axes: operand.axes.clone() });
        }
        let (sum, axes) = self.added_up(products, scalar, scope)?;
        let tensor = self.computed(sum, scalar);
        self.program.ranges.extend(known.map(|known| (tensor, known)));
        Ok(Value { tensor, axes })
    }

    /// Notes how a sum is written with its brackets kept, if it is one.
    fn may_be_kept(&mut self, of: &Value, kept: Vec<Vec<Product>>, scalar: &Scalar, scope: &Scope) -> Result<(), Diagnostic> {
        for kept in kept {
            let (sum, axes) = self.added_up(kept, scalar, scope)?;
            let is_before = |operand: &Operand| operand.tensor < of.tensor;
            if axes == of.axes && sum.terms.iter().flat_map(|term| &term.operands).all(is_before) {
                self.is_also(of.tensor, sum);
            }
        }
        Ok(())
    }

    /// Where the argument of an approximation lies in the exact program, the middle of its range included where conditions leave it out.
    fn known_argument(&self, approx: &Approx, scope: &Scope) -> Option<(f64, f64)> {
        let (lo, hi) = self.finite_range(&approx.argument, scope)?;
        let middle = f64::midpoint(approx.on.0, approx.on.1);
        Some(if scope.conditions.is_empty() { (lo, hi) } else { (lo.min(middle), hi.max(middle)) })
    }

    /// A function with a kink or a jump: the pieces, and where each counts.
    fn composite(
        &mut self,
        pieces: &Pieces,
        (stages, error): (Vec<Stage>, f64),
        x: &Value,
        (approx, scalar): (&Approx, &Scalar),
    ) -> Vec<Product> {
        let half = (approx.on.1 - pieces.at).max(pieces.at - approx.on.0);
        let mut s = self.slotwise(&[(half.recip(), &[x.tensor]), (-pieces.at / half, &[])], x.tensor, scalar);
        self.program.domains.insert(s, (pieces.at - half, pieces.at + half));
        let last = stages.len() - 1;
        let jump = pieces.jump();
        let is_odd = pieces.below.iter().map(|c| -c).eq(pieces.above.iter().copied());
        let scale = if is_odd { 1.0 } else { 0.5 };
        let slip = slip(&stages) * half * scale;
        let mut parts = Vec::new();
        for (n, Stage { mut coefficients, least }) in stages.into_iter().enumerate() {
            if n == last && !is_odd {
                // From -1 and 1 to 0 and 1.
                coefficients.iter_mut().for_each(|c| *c /= 2.0);
                coefficients[0] += 0.5;
            }
            s = self.polynomial_of(s, coefficients, scalar);
            parts.push((s, least));
        }
        self.program.errors.insert(s, error * scale);
        let height = jump.iter().rev().fold(0.0, |sum, c| sum * pieces.at + c).abs();
        let largest = jump.iter().fold(0.0_f64, |largest, c| largest.max(c.abs()));
        let height = if height <= 1e-12 * largest { 0.0 } else { height };
        self.program.signs.insert(s, Sign { argument: x.tensor, parts, at: pieces.at, near: DEAD_ZONE * half, slip, height });
        let mut products = Vec::new();
        let mut push = |coefficients: &[f64], last: Option<usize>| {
            for (power, &coefficient) in coefficients.iter().enumerate().filter(|(_, c)| **c != 0.0) {
                let factors: Vec<usize> = std::iter::repeat_n(x.tensor, power).chain(last).collect();
                products.push(self.product(coefficient, &factors, &x.axes));
            }
        };
        if is_odd {
            push(&pieces.above, Some(s));
        } else {
            push(&pieces.below, None);
            push(&jump, Some(s));
        }
        products
    }

    /// Newton's iteration, which needs no division.
    fn iterated(&mut self, kind: &Reciprocal, x: &Value, start: Start, (approx, scalar): (&Approx, &Scalar)) -> Vec<Product> {
        let on = kind.range(approx.on);
        let ([offset, slope], (lo, hi)) = (kind.of, on);
        let to = 2.0 / (hi - lo);
        let t = self.slotwise(&[(to * slope, &[x.tensor]), (to * offset - (hi + lo) / (hi - lo), &[])], x.tensor, scalar);
        self.program.domains.insert(t, on);
        let argument = match kind.of {
            [0.0, 1.0] => x.tensor,
            _ => self.slotwise(&[(slope, &[x.tensor]), (offset, &[])], x.tensor, scalar),
        };
        let mut y = self.polynomial_of(t, start.coefficients, scalar);
        let mut iterate =
            Iterate { argument, on, of_root: kind.root, previous: None, error: start.error, most: start.most, nearer: start.nearer };
        self.program.iterates.insert(y, iterate.clone());
        // Of the argument itself, so that errors of a step are seen to follow from those of that. Of one that is nearly nothing the noise would be
        // too much: there it is half of the step before, which is not small.
        let half = (kind.root && on.0 >= SMALL).then(|| self.slotwise(&[(0.5, &[argument])], argument, scalar));
        for error in start.steps {
            let correction = match half {
                None if kind.root => {
                    let less = self.slotwise(&[(0.5, &[y])], y, scalar);
                    self.slotwise(&[(-1.0, &[argument, y, less]), (1.5, &[])], y, scalar)
                }
                None => self.slotwise(&[(-1.0, &[argument, y]), (2.0, &[])], y, scalar),
                Some(half) => self.slotwise(&[(-1.0, &[half, y, y]), (1.5, &[])], y, scalar),
            };
            iterate = Iterate { previous: Some((y, correction)), error, most: 1.0, nearer: None, ..iterate };
            y = self.slotwise(&[(1.0, &[y, correction])], y, scalar);
            self.program.iterates.insert(y, iterate.clone());
        }
        vec![self.product(kind.factor, &[y], &x.axes)]
    }

    /// A sum of products of elements at one place, of tensors of one shape.
    pub(crate) fn slotwise(&mut self, terms: &[(f64, &[usize])], like: usize, scalar: &Scalar) -> usize {
        let shape = self.program.tensors[like].shape.clone();
        let labels: Vec<Label> = shape.iter().map(|&size| Label { name: "element".to_owned(), size }).collect();
        let output: Vec<u8> = (0..=u8::MAX).take(labels.len()).collect();
        let axes: Vec<Axis> = output.iter().zip(&shape).map(|(&label, &size)| Axis { size, subscript: Subscript::Label(label) }).collect();
        let term = |(coefficient, tensors): &(f64, &[usize])| {
            let product = self.product(*coefficient, tensors, &axes);
            Term { coefficient: product.coefficient, operands: product.factors }
        };
        let terms = terms.iter().filter(|(coefficient, _)| *coefficient != 0.0).map(term).collect();
        self.computed(Sum { labels, output, terms }, scalar)
    }

    pub(crate) fn product(&self, coefficient: f64, tensors: &[usize], axes: &[Axis]) -> Product {
        let operand =
            |&tensor: &usize| Operand { name: self.program.tensors[tensor].name.clone(), tensor, axes: axes.to_vec(), secret: true };
        Product { coefficient, factors: tensors.iter().map(operand).collect() }
    }

    fn computed(&mut self, sum: Sum, scalar: &Scalar) -> usize {
        let shape = sum.output.iter().map(|&label| sum.labels[usize::from(label)].size).collect();
        self.added(Origin::Sum(sum), shape, scalar)
    }

    fn polynomial_of(&mut self, of: usize, coefficients: Vec<f64>, scalar: &Scalar) -> usize {
        let shape = self.program.tensors[of].shape.clone();
        self.added(Origin::Polynomial { of, coefficients }, shape, scalar)
    }

    fn added(&mut self, origin: Origin, shape: Vec<u64>, scalar: &Scalar) -> usize {
        if let Some(tensor) = self.made_before(&origin) {
            return tensor;
        }
        let n = self.program.tensors.len();
        let name = format!("approx.{n}");
        self.program.tensors.push(Tensor { name, dtype: scalar.dtype, shape, origin, span: scalar.span });
        n
    }

    /// The argument where it is read, and the middle of the range elsewhere: what a polynomial is beyond its range is no small number.
    fn argument_under_conditions(&mut self, approx: &Approx, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let argument = &approx.argument;
        let conditions = std::mem::take(&mut scope.conditions);
        let Some(condition) = conditions.iter().cloned().reduce(Scalar::and) else { return self.expand(argument, scope) };
        let inside = self.under(condition.clone(), argument, scope);
        let outside = self.in_the_clear(&condition.negated().cast(argument.dtype), scope);
        scope.conditions = conditions;
        let middle = f64::midpoint(approx.on.0, approx.on.1);
        let outside = if middle == 0.0 { Vec::new() } else { scaled(outside?, middle) };
        Ok([inside?, outside].concat())
    }

    /// The argument as a sum, written in each way, and how its axes are read. A computed tensor that is read whole is added up anew, so that
    /// the map of its range is part of what makes it.
    fn argument(
        &mut self,
        products: Vec<Product>,
        kept: Vec<Vec<Product>>,
        scalar: &Scalar,
        scope: &Scope,
    ) -> Result<(Vec<Sum>, Vec<Axis>), Diagnostic> {
        if let [product] = &products[..]
            && product.coefficient == 1.0
            && let [operand] = &product.factors[..]
            && let Origin::Sum(_) = &self.program.tensors[operand.tensor].origin
        {
            return Ok((self.program.sums(operand.tensor).cloned().collect(), operand.axes.clone()));
        }
        let (sum, axes) = self.added_up(products, scalar, scope)?;
        let mut sums = vec![sum];
        for kept in kept {
            let (kept, of_kept) = self.added_up(kept, scalar, scope)?;
            sums.extend((of_kept == axes).then_some(kept));
        }
        Ok((sums, axes))
    }

    /// Products as a sum over the labels that they have of the equation.
    fn added_up(&mut self, products: Vec<Product>, scalar: &Scalar, scope: &Scope) -> Result<(Sum, Vec<Axis>), Diagnostic> {
        let whole = |product| self.whole_factors(product, scope.indices.len(), scope, scalar.span);
        let products: Vec<Product> = products.into_iter().map(whole).collect::<Result<_, _>>()?;
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
    use crate::composite::{DEAD_ZONE, sign};

    type Case<'a> = (&'a dyn Fn(f64) -> f64, (f64, f64), u32, f64);

    /// Largest errors of plain interpolation, to two digits.
    #[test]
    fn errors_beside_kinks_and_jumps_are_found() {
        let relu = |x: f64| x.max(0.0);
        for on in [(-0.19, 0.11), (-0.1, 0.11), (-1.0, 1.3)] {
            let (coefficients, found) = closest(&relu, on, 31, 31);
            let t = -f64::midpoint(on.0, on.1) / ((on.1 - on.0) / 2.0);
            assert!(found >= evaluate(&coefficients, t).abs() * (1.0 - 1e-3), "{on:?}: {found}");
        }
        let sign = |x: f64| if x < 0.0 { -1.0 } else { 1.0 };
        let (_, found) = closest(&sign, (-1.0, 1.3), 15, 15);
        assert!(found > 0.999, "{found}");
    }

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

    #[test]
    fn best_approximations_are_no_worse_and_their_errors_take_turns() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let cases: [Case<'_>; 4] = [
            (&sigmoid, (-8.0, 8.0), 15, 1.4e-3),
            (&f64::exp, (-1.0, 1.0), 7, 2.2e-7),
            (&f64::recip, (0.5, 2.0), 7, 6.1e-4),
            (&|x: f64| x.ln(), (0.1, 10.0), 15, 4.0e-2),
        ];
        for (f, on, degree, interpolated) in cases {
            let (coefficients, least) = closest(f, on, degree, degree);
            assert!(least <= interpolated * 1.05 && least > 0.0, "degree {degree} on {on:?}: {least}");
            let at = |k: u32| {
                let t = f64::from(k) / 5000.0 - 1.0;
                f(f64::midpoint(on.0, on.1) + t * (on.1 - on.0) / 2.0) - evaluate(&coefficients, t)
            };
            let large: Vec<bool> = (0..=10000).map(at).filter(|e| e.abs() > 0.98 * least).map(|e| e > 0.0).collect();
            let turns = 1 + large.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!(turns > degree as usize, "degree {degree} on {on:?}: {turns} turns");
        }
    }

    #[test]
    fn the_sign_is_known_outside_of_the_dead_zone() {
        let (stages, error) = sign().expect("a composite");
        assert_eq!(stages.iter().map(|stage| stage.coefficients.len() - 1).collect::<Vec<_>>(), [15, 15, 27]);
        assert!(error < 1e-3, "{error}");
        let at = |t: f64| stages.iter().fold(t, |t, stage| evaluate(&stage.coefficients, t));
        for k in 0..=20000 {
            let t = f64::from(k) / 10000.0 - 1.0;
            let s = at(t);
            assert!(s.abs() <= 1.0 + error * 1.01, "{t}: {s}");
            assert!(t.abs() < DEAD_ZONE || (s - t.signum()).abs() <= error * 1.01, "{t}: {s} within {error}");
        }
    }
}

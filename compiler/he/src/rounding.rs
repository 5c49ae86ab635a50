//! What a program rounds that is carried out in the clear.
//!
//! Ciphertexts hold real numbers: only what is decrypted is rounded to its type. In the clear every operation rounds to the type that it is
//! made in, `as f16` among them, so that the two differ by more than encrypted results are off. This is a bound of how far the program in
//! the clear may be from the exact one: errors of operands grow by slopes and factors, and each operation adds its own. Sums may be made in any
//! order, so each of their terms may be rounded as often as there are terms. What is public is computed in the clear both times.

use crate::composite::Pieces;
use crate::levels::error::unit_of;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::interval::Interval;
use ein_ir::range::module::Ranges;
use ein_ir::range::{Leaves, Range, of_scalar};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::tensor::{Definition, Equation, Module, ReduceOp};
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// Units in the last place that a function may be off.
const FUNCTION_UNITS: f64 = 16.0;
/// What functions that are no steeper than this have beyond 1.
const GELU_SLOPE: f64 = 1.13;

/// A number that is not known exactly.
#[derive(Clone, Copy, Debug)]
struct Near {
    /// Between which numbers it is in the exact program.
    range: (f64, f64),
    /// No larger it is, were all terms positive.
    size: f64,
    /// By how much the program in the clear may be off.
    off: f64,
}

/// The same module where elements of unknown floats lie in -1..1, as bounds of errors take them; and their names.
pub(crate) fn with_assumptions(module: &Module) -> (Module, Vec<String>) {
    let mut assuming = module.clone();
    let mut assumed = Vec::new();
    for &param in &module.params {
        let decl = &mut assuming.tensors[param];
        if decl.bounds.is_none() && decl.dtype.is_float() {
            decl.bounds = Some((-1.0, 1.0));
            assumed.push(decl.name.clone());
        }
    }
    (assuming, assumed)
}

/// By how much each secret tensor may be off in the clear.
pub(crate) fn rounded(module: &Module, secret: &BTreeSet<Tensor>) -> BTreeMap<Tensor, f64> {
    let (module, _) = with_assumptions(module);
    let mut rounding = Rounding { ranges: Ranges::of(&module), module: &module, secret, known: BTreeMap::new(), operand: None };
    for definition in &module.body {
        match definition {
            Definition::Equation(equation) if secret.contains(&equation.out) => {
                let near = rounding.equation(equation);
                rounding.known.insert(equation.out, near);
            }
            _ => {}
        }
    }
    let known = rounding.known.iter().map(|(tensor, near)| (*tensor, near.off));
    known.collect()
}

struct Rounding<'a> {
    module: &'a Module,
    ranges: Ranges,
    secret: &'a BTreeSet<Tensor>,
    known: BTreeMap<Tensor, Near>,
    /// What a function is applied to.
    operand: Option<Near>,
}

impl Leaves for Rounding<'_> {
    fn tensor(&self, tensor: Tensor, dtype: DType) -> Range {
        let range = self.ranges.of_tensor(self.module, tensor);
        match self.known.get(&tensor) {
            Some(near) if dtype.is_float() => range.and(Range::Real(near.range.0, near.range.1)),
            _ => range,
        }
    }

    fn index(&self, index: Index) -> Interval {
        let (lo, hi) = self.module.indices[index].literal_range().unwrap_or((i64::MIN, i64::MAX));
        (i128::from(lo), i128::from(hi.saturating_sub(1)).max(i128::from(lo)))
    }

    fn operand(&self, dtype: DType) -> Range {
        match self.operand {
            Some(near) if dtype.is_float() => Range::Real(near.range.0, near.range.1),
            _ => Range::of_type(dtype),
        }
    }
}

impl Rounding<'_> {
    fn equation(&mut self, equation: &Equation) -> Near {
        let near = self.scalar(&equation.body);
        let dtype = self.module.tensors[equation.out].dtype;
        let near = match &equation.reduce {
            None => near,
            Some(reduce) => {
                let size = |index: &Index| self.module.indices[*index].literal_range().map_or(u64::MAX, |(lo, hi)| hi.abs_diff(lo));
                #[expect(clippy::cast_precision_loss, reason = "a bound")]
                let n = reduce.binders.iter().map(size).fold(1.0, |n, size| n * size as f64);
                match reduce.op {
                    ReduceOp::Sum => {
                        let size = n * near.size;
                        let off = scaled(near.off, n) + scaled(size + n * near.off, (n * unit_of(equation.body.dtype)).exp_m1());
                        Near { range: near.range, size, off }
                    }
                    ReduceOp::Max | ReduceOp::Min => near,
                    _ => Near { off: f64::INFINITY, ..near },
                }
            }
        };
        let range = ends(self.ranges.of_tensor(self.module, equation.out));
        let narrowed = if unit_of(dtype) > unit_of(equation.body.dtype) { unit_of(dtype) * (near.size + near.off) } else { 0.0 };
        let range = if equation.reduce.is_none() { within(range, near.range) } else { range };
        Near { range, off: near.off + narrowed, ..near }
    }

    fn is_public(&self, scalar: &Scalar) -> bool {
        let mut public = self.operand.is_none();
        scalar.visit(&mut |node| match &node.kind {
            ScalarKind::Access(access) => public &= !self.secret.contains(&access.tensor),
            ScalarKind::Operand(_) => public = false,
            _ => {}
        });
        public
    }

    fn scalar(&mut self, scalar: &Scalar) -> Near {
        let range = ends(of_scalar(self, scalar));
        let (largest, unit) = (range.0.abs().max(range.1.abs()), unit_of(scalar.dtype));
        let exact = Near { range, size: largest, off: 0.0 };
        if self.is_public(scalar) {
            return exact;
        }
        match &scalar.kind {
            ScalarKind::Access(access) => self.known.get(&access.tensor).copied().unwrap_or(exact),
            ScalarKind::Operand(_) => self.operand.unwrap_or(exact),
            ScalarKind::Literal(Literal::Float(_)) => Near { off: scaled(largest, unit), ..exact },
            ScalarKind::Literal(_) | ScalarKind::Index(_) | ScalarKind::Size(_) => exact,
            ScalarKind::Cast(a) => {
                let (near, from) = (self.scalar(a), unit_of(a.dtype));
                let rounds = scalar.dtype.is_float() && (unit > from || from == 0.0);
                let jumps = a.dtype.is_float() && !scalar.dtype.is_float() && near.off > 0.0;
                let more = if rounds { scaled(near.size + near.off, unit) } else { 0.0 } + if jumps { 1.0 } else { 0.0 };
                Near { range, size: near.size, off: near.off + more }
            }
            ScalarKind::Unary(function, a) => {
                let near = self.scalar(a);
                unary(*function, near, exact, unit)
            }
            ScalarKind::Binary(function, a, b) => {
                let (a, b) = (self.scalar(a), self.scalar(b));
                binary(*function, a, b, exact, unit)
            }
            ScalarKind::If(condition, yes, no) => {
                let (near, yes, no) = (self.scalar(condition), self.scalar(yes), self.scalar(no));
                let height = if near.off == 0.0 { 0.0 } else { height(scalar, range) };
                Near { range, size: yes.size.max(no.size), off: yes.off.max(no.off) + height }
            }
            ScalarKind::Approx(approx) => {
                let argument = self.scalar(&approx.argument);
                let range = within(argument.range, approx.on);
                let outer = self.operand.replace(Near { range, size: argument.size.min(range.0.abs().max(range.1.abs())), ..argument });
                let near = self.scalar(&approx.function);
                self.operand = outer;
                near
            }
            ScalarKind::Accumulated => Near { off: f64::INFINITY, ..exact },
        }
    }
}

/// A function of a number; `exact` is its range.
fn unary(function: UnaryFn, x: Near, exact: Near, unit: f64) -> Near {
    let (lo, hi) = (x.range.0 - x.off, x.range.1 + x.off);
    let from = |slope: f64| if lo > 0.0 { slope } else { f64::INFINITY };
    let slope = match function {
        UnaryFn::Neg | UnaryFn::Keep | UnaryFn::Abs | UnaryFn::Relu => return Near { range: exact.range, ..x },
        UnaryFn::Powi(n) => return power(n, x, exact, unit),
        UnaryFn::Sign => return Near { off: if x.off > 0.0 && lo <= 0.0 && hi >= 0.0 { 2.0 } else { 0.0 }, ..exact },
        UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc => {
            return Near { off: if x.off > 0.0 { 1.0 + x.off } else { 0.0 }, ..exact };
        }
        UnaryFn::Not | UnaryFn::IsNan | UnaryFn::IsFinite => return Near { off: x.off, ..exact },
        UnaryFn::Exp | UnaryFn::Expm1 => hi.exp(),
        UnaryFn::Log => from(lo.recip()),
        UnaryFn::Log1p if lo > -1.0 => (1.0 + lo).recip(),
        UnaryFn::Sqrt => from(0.5 / lo.sqrt()),
        UnaryFn::Rsqrt => from(0.5 * lo.powf(-1.5)),
        UnaryFn::Sin | UnaryFn::Cos | UnaryFn::Tanh | UnaryFn::Softplus => 1.0,
        UnaryFn::Sigmoid => 0.25,
        UnaryFn::Erf => FRAC_2_SQRT_PI,
        UnaryFn::Gelu | UnaryFn::Silu => GELU_SLOPE,
        UnaryFn::Tan if lo > -PI / 2.0 && hi < PI / 2.0 => lo.abs().max(hi.abs()).cos().powi(-2),
        _ => f64::INFINITY,
    };
    Near { off: scaled(x.off, slope) + scaled(exact.size, FUNCTION_UNITS * unit), ..exact }
}

fn power(n: i32, x: Near, exact: Near, unit: f64) -> Near {
    let one = Near { range: (1.0, 1.0), size: 1.0, off: 0.0 };
    let times = |a: Near, b: Near| binary(BinaryFn::Mul, a, b, exact, unit);
    // By squares, as however many factors there are each of them adds what it is off by.
    let (mut product, mut square, mut left) = (one, x, n.unsigned_abs());
    while left > 0 {
        product = if left % 2 == 1 { times(product, square) } else { product };
        square = times(square, square);
        left /= 2;
    }
    if n >= 0 {
        return Near { range: exact.range, ..product };
    }
    let least = least_of(x.range).powi(n.saturating_abs());
    let divisor = Near { range: (least, product.size), ..product };
    binary(BinaryFn::Div, one, divisor, exact, unit)
}

fn binary(function: BinaryFn, a: Near, b: Near, exact: Near, unit: f64) -> Near {
    let made = |size: f64, off: f64| Near { range: exact.range, size, off: off + scaled(size + off, unit) };
    match function {
        BinaryFn::Add | BinaryFn::Sub => made(a.size + b.size, a.off + b.off),
        BinaryFn::Mul => made(scaled(a.size, b.size), scaled(b.off, a.size) + scaled(a.off, b.size) + scaled(a.off, b.off)),
        BinaryFn::Div => {
            let least = least_of(b.range);
            if least <= b.off || least == 0.0 {
                return Near { off: f64::INFINITY, ..exact };
            }
            let size = a.size / least;
            made(size, (a.off + scaled(b.off, size)) / (least - b.off))
        }
        BinaryFn::Max | BinaryFn::Min => Near { range: exact.range, size: a.size.max(b.size), off: a.off.max(b.off) },
        BinaryFn::Pow if b.off == 0.0 && b.range.0 == b.range.1 && a.range.0 > a.off => {
            let slope = |x: f64| (b.range.0 * x.powf(b.range.0 - 1.0)).abs();
            let slope = slope(a.range.0 - a.off).max(slope(a.range.1 + a.off));
            Near { off: scaled(a.off, slope) + scaled(exact.size, FUNCTION_UNITS * unit), ..exact }
        }
        _ if a.off == 0.0 && b.off == 0.0 => Near { off: scaled(exact.size, FUNCTION_UNITS * unit), ..exact },
        // A truth value may be the other one.
        BinaryFn::Lt | BinaryFn::Le | BinaryFn::Gt | BinaryFn::Ge | BinaryFn::Eq | BinaryFn::Ne => Near { off: 1.0, ..exact },
        _ => Near { off: f64::INFINITY, ..exact },
    }
}

/// How far the pieces of a choice are from each other where it changes; what is between all its values, if that is not known.
fn height(choice: &Scalar, range: (f64, f64)) -> f64 {
    Pieces::of(choice).map_or(range.1 - range.0, |pieces| {
        let jump = pieces.jump();
        let (at, largest) =
            (jump.iter().rev().fold(0.0, |sum, c| sum * pieces.at + c).abs(), jump.iter().fold(0.0, |most, c| c.abs().max(most)));
        if at <= 1e-12 * largest { 0.0 } else { at }
    })
}

fn least_of((lo, hi): (f64, f64)) -> f64 {
    if lo <= 0.0 && hi >= 0.0 { 0.0 } else { lo.abs().min(hi.abs()) }
}

fn within((lo, hi): (f64, f64), known: (f64, f64)) -> (f64, f64) {
    if lo.max(known.0) <= hi.min(known.1) { (lo.max(known.0), hi.min(known.1)) } else { known }
}

/// Nothing times what is unbounded is nothing.
fn scaled(error: f64, factor: f64) -> f64 {
    if error == 0.0 || factor == 0.0 { 0.0 } else { error * factor }
}

#[expect(clippy::cast_precision_loss, reason = "a bound")]
fn ends(range: Range) -> (f64, f64) {
    match range {
        Range::Real(lo, hi) => (lo, hi),
        Range::Integer((lo, hi)) => (lo as f64, hi as f64),
        Range::Unordered => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

//! Intervals of values: `in lo..hi` behind a parameter, and `on = (lo, hi)` of `approx`.
//!
//! The ends are literals and both belong to the interval: it says what a value may reach, and the range of an index how many there are.

use super::dtype::Typer;
use super::names::children;
use super::resolve::Resolver;
use super::scope::Elaborator;
use super::tree::{Kind, NodeKind, Ty};
use crate::ast::{self, ElementKind, Expr, ExprKind, NumberValue, Param};
use crate::error::{dims, types};
use crate::lower::Builder;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::range::Range;
use ein_ir::scalar::value::{int_range, round_to, shortest};
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::{TensorDecl, Tolerance, ToleranceKind};

/// Integers from here on are not all numbers of f64, in which the ends are kept.
const MAX_END: i128 = 1 << 53;

impl Elaborator<'_> {
    /// The interval that is stated of the values of a parameter. `None` if there is none, or after an error.
    pub(crate) fn stated_values(&mut self, param: &Param) -> Option<(f64, f64)> {
        let interval = param.bounds.as_ref()?;
        let dtype = match &param.ty.element.kind {
            ElementKind::Scalar(dtype) if dtype.is_float() || (dtype.is_integer() && dtype.bits() >= 8) => *dtype,
            ElementKind::Scalar(dtype) => {
                let message = format!("`{}` is {dtype}, and such values have no range `in lo..hi`", param.name);
                let found = dims::error(316, message).at(interval.span, "a range of values");
                self.errors.push(found.and(param.ty.element.span, "not real numbers or integers of 8 bits or more"));
                return None;
            }
            ElementKind::Index(_) => {
                let message = format!("the values of `{}` are indices, and their range is the dim", param.name);
                let found = dims::error(316, message).at(interval.span, "a second range");
                self.errors.push(found.and(param.ty.element.span, "the range is stated here").help("without `in …`"));
                return None;
            }
        };
        let (lo, hi) = (self.end(&interval.lo, dtype), self.end(&interval.hi, dtype));
        self.ordered((lo?, hi?), dtype, interval.span)
    }

    /// `within abs 1e-3`
    pub(crate) fn budget(&mut self, tolerance: &ast::Tolerance) -> Option<Tolerance> {
        let kind = match tolerance.kind {
            ast::ToleranceKind::Rel => ToleranceKind::Rel,
            ast::ToleranceKind::Abs => ToleranceKind::Abs,
            ast::ToleranceKind::Out => ToleranceKind::Out,
        };
        let value = match tolerance.bound.value {
            NumberValue::Integer(n) => n as f64,
            NumberValue::Float(x) => x,
        };
        if tolerance.bound.imaginary {
            self.errors.push(types::error(406, "an error budget is a real number").at(tolerance.span, "imaginary"));
            return None;
        }
        Some(Tolerance { kind, value })
    }

    /// The interval, unless its ends are in the wrong order.
    pub(crate) fn ordered(&mut self, (lo, hi): (f64, f64), dtype: DType, span: Span) -> Option<(f64, f64)> {
        if lo <= hi {
            return Some((lo, hi));
        }
        let (lo, hi) = (shortest(lo, dtype), shortest(hi, dtype));
        let found = dims::error(316, format!("no value is in the range from {lo} to {hi}")).at(span, "the first end is the greater one");
        self.errors.push(found.help(format!("`{hi}..{lo}`")));
        None
    }

    /// A literal as an end of an interval of values of a type: the value of the type that it stands for.
    pub(crate) fn end(&mut self, e: &Expr, dtype: DType) -> Option<f64> {
        if reads_data(e) {
            return self.no_end(e.span);
        }
        let before = self.errors.len();
        let mut node = Resolver::new(self, Vec::new()).expr(e);
        let ty = Typer { elab: self, source: e }.annotate(&mut node);
        if self.errors.len() > before || matches!(node.kind, NodeKind::Bad) {
            return None;
        }
        let literal = match ty {
            Ty::Adapt(Kind::Int) if dtype.is_integer() => Builder::new(self, &Vec::new(), e, "", &[]).literal(&node, DType::I64),
            Ty::Adapt(Kind::Int | Kind::Float) if dtype.is_float() => {
                Builder::new(self, &Vec::new(), e, "", &[]).literal(&node, DType::F64)
            }
            Ty::Adapt(kind) => {
                let kind = if kind == Kind::Complex { "a complex" } else { "a real" };
                self.errors.push(types::error(406, format!("{kind} literal is not a value of {dtype}")).at(e.span, "an end of the range"));
                return None;
            }
            _ => None,
        };
        match literal {
            Some(Literal::Int(n)) => self.whole_end(n, dtype, e.span),
            Some(Literal::Float(x)) => Some(round_to(x, dtype)).filter(|x| !x.is_nan()).or_else(|| self.no_end(e.span)),
            _ => self.no_end(e.span),
        }
    }

    fn whole_end(&mut self, n: i128, dtype: DType, span: Span) -> Option<f64> {
        let (least, greatest) = int_range(dtype);
        if !(least..=greatest).contains(&n) {
            self.errors.push(types::error(406, format!("{n} is not a value of {dtype}")).at(span, format!("outside of {dtype}")));
            return None;
        }
        if n.abs() > MAX_END {
            self.errors.push(dims::error(316, format!("{n} is too large for an end of a range of values")).at(span, "beyond 2^53"));
            return None;
        }
        Some(n as f64)
    }

    /// What values the elements of a tensor can have, as far as that is known.
    pub(crate) fn values_of_tensor(&mut self, tensor: Tensor) -> Option<(f64, f64)> {
        self.ranges.update(&self.module);
        ends(self.ranges.of_tensor(&self.module, tensor))
    }

    /// What values an expression can have, as far as that is known.
    pub(crate) fn values_of(&mut self, scalar: &Scalar) -> Option<(f64, f64)> {
        if let ScalarKind::Operand(_) = scalar.kind {
            return self.operand;
        }
        self.ranges.update(&self.module);
        ends(self.ranges.of_scalar(&self.module, scalar))
    }

    fn no_end(&mut self, span: Span) -> Option<f64> {
        let found = dims::error(316, "an end of a range of values is a literal, or computed from literals").at(span, "not a literal");
        self.errors.push(found.note("a bound that differs from call to call bounds nothing when the program is compiled"));
        None
    }
}

/// The ends of a range, if there are any.
fn ends(range: Range) -> Option<(f64, f64)> {
    match range {
        Range::Real(lo, hi) => (lo > f64::NEG_INFINITY || hi < f64::INFINITY).then_some((lo, hi)),
        Range::Integer((lo, hi)) => Some((lo as f64, hi as f64)),
        Range::Unordered => None,
    }
}

/// Whether an expression reads a tensor by its indices.
fn reads_data(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Subscript { .. } | ExprKind::Reduce(_) | ExprKind::Prev(_)) || children(e).into_iter().any(reads_data)
}

/// Says that nothing shows that an argument is in the interval that its parameter states.
pub(crate) fn values_unknown(def: &str, param: &TensorDecl, argument: (&str, Span), known: Option<(f64, f64)>) -> Diagnostic {
    let (lo, hi) = param.bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let (text, span) = argument;
    let show = |x: f64| shortest(x, param.dtype);
    let found =
        dims::error(317, format!("nothing shows that {text} is in {}..{}, as `{}` of `{def}` must be", show(lo), show(hi), param.name));
    let known = match known {
        None => "may be any number".to_owned(),
        Some((lo, hi)) if lo == hi => format!("is {}", show(lo)),
        Some((lo, hi)) => format!("may be {} to {}", show(lo), show(hi)),
    };
    let found = found.at(span, known);
    found.and(param.span, "stated here")
}

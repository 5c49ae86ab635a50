//! Between which numbers the elements of the tensors of a module lie.
//!
//! A module need not be specialised: a sum over a range that is not literal may have any number of terms.

use super::places::{self, Placed, Places};
use super::{Leaves, Range, of_reduction, of_scalar};
use crate::dtype::DType;
use crate::entity::{Index, Tensor};
use crate::extent::{Atom, Extent};
use crate::interval::Interval;
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::int_range;
use crate::scalar::{Access, Literal, Scalar, ScalarKind};
use crate::tensor::{Definition, Equation, Module, Reduce, ReduceOp, TensorDecl};
use std::collections::{BTreeMap, BTreeSet};

/// Values of expressions that are looked at place by place, of all equations of a module.
const MAX_PLACES: u64 = 1 << 20;

/// By which part of their size computed values may be beyond their range where they are rounded, for comparisons.
const MARGIN: f64 = 0.01;

/// The range of each tensor of a module, as far as it follows from bounds that are stated, and from the equations.
#[derive(Debug, Default)]
pub struct Ranges {
    known: BTreeMap<Tensor, Range>,
    /// Of those that are not alike everywhere.
    places: BTreeMap<Tensor, Places>,
    /// How many places may still be looked at.
    left: u64,
    /// Parameters and definitions that have been looked at.
    done: (usize, usize),
    /// Whether what depends on sizes is taken for the best that it may be.
    hopeful: bool,
    /// Whether ranges of reals decide comparisons.
    deciding: bool,
    /// Tensors of reals whose elements are numbers for sure, if comparisons are decided.
    numbers: BTreeSet<Tensor>,
}

impl Ranges {
    /// Of all tensors of a module, in the order of its definitions. Where indices decide, as in `if j <= i`, it is looked place by place.
    #[must_use]
    pub fn of(module: &Module) -> Self {
        let mut out = Self::by_place();
        out.update(module);
        out
    }

    /// Of nothing yet, for a module that grows; place by place, as [`Ranges::of`].
    #[must_use]
    pub fn by_place() -> Self {
        Self { left: MAX_PLACES, ..Self::default() }
    }

    /// The same, and ranges of reals decide comparisons: who brings the elements of what is encrypted is held to ranges, and to numbers.
    #[must_use]
    pub fn deciding(module: &Module) -> Self {
        let mut out = Self { deciding: true, ..Self::by_place() };
        out.update(module);
        out
    }

    /// What may hold for some sizes and conditions, if not for all: indices whose range is not known have one value, sizes are at least 1,
    /// guards admit all, and of the choice between a value and 0 it is the value. Comparisons are decided, as in [`Ranges::deciding`].
    #[must_use]
    pub fn hopeful(module: &Module) -> Self {
        let mut out = Self { hopeful: true, deciding: true, ..Self::default() };
        out.update(module);
        out
    }

    /// Looks at what a module has grown by since it was looked at last.
    pub fn update(&mut self, module: &Module) {
        self.update_to(module, module.body.len());
    }

    /// The same, up to a definition.
    pub fn update_to(&mut self, module: &Module, n_definitions: usize) {
        if module.params.len() < self.done.0 || n_definitions < self.done.1 {
            *self = Self { hopeful: self.hopeful, deciding: self.deciding, left: self.left, ..Self::default() };
        }
        for param in &module.params[self.done.0..] {
            let decl = &module.tensors[*param];
            let sizes: Option<Vec<u64>> = decl.index_of.iter().map(|e| u64::try_from(e.as_constant()?).ok()).collect();
            let range = Range::of_declared(decl, &sizes.unwrap_or_default());
            self.known.insert(*param, range);
            if self.deciding && decl.bounds.is_some() && is_finite(range) {
                self.numbers.insert(*param);
            }
        }
        self.body(module, &module.body[self.done.1..n_definitions]);
        self.done = (module.params.len(), n_definitions);
    }

    /// Of the elements of a tensor.
    #[must_use]
    pub fn of_tensor(&self, module: &Module, tensor: Tensor) -> Range {
        Within::new(self, module).tensor(tensor, module.tensors[tensor].dtype)
    }

    /// Of the values of an expression of the module.
    #[must_use]
    pub fn of_scalar(&self, module: &Module, scalar: &Scalar) -> Range {
        of_scalar(&Within::new(self, module), scalar)
    }

    /// The same where conditions hold, as far as indices decide that.
    #[must_use]
    pub fn of_scalar_where(&self, module: &Module, scalar: &Scalar, conditions: &[Scalar]) -> Range {
        let within = Within::new(self, module);
        places::where_it_is_read(&within, scalar, conditions, MAX_PLACES).unwrap_or_else(|| of_scalar(&within, scalar))
    }

    /// Whether a condition always holds where others do, and whether it never does, as far as indices decide that.
    #[must_use]
    pub fn truth_where(&self, module: &Module, condition: &Scalar, conditions: &[Scalar]) -> (bool, bool) {
        places::truth_where(&Within::new(self, module), condition, conditions, MAX_PLACES)
    }

    /// Whether a condition never holds where others do, for some sizes at least: those of which indices have one value.
    #[must_use]
    pub fn may_never_hold(&self, module: &Module, condition: &Scalar, conditions: &[Scalar]) -> bool {
        let first = Within { first: true, ..Within::new(self, module) };
        self.truth_where(module, condition, conditions).1 || places::truth_where(&first, condition, conditions, MAX_PLACES).1
    }

    /// What a recurrence carries may be read before it is computed in its body, and so may be any value.
    fn body(&mut self, module: &Module, body: &[Definition]) {
        for definition in body {
            let (out, range) = match definition {
                Definition::Equation(equation) => {
                    let mut left = self.left;
                    let (range, places) = Within::new(self, module).equation(equation, &mut left);
                    self.left = left;
                    self.places.extend(places.map(|places| (equation.out, places)));
                    (equation.out, range)
                }
                Definition::Table(table) => (table.out, of_table(&module.tensors[table.out], &table.values)),
                Definition::Scan(_) | Definition::Multi(_) | Definition::Generate(_) => continue,
            };
            self.known.insert(out, range);
            if let Definition::Equation(equation) = definition
                && self.deciding
                && is_finite(range)
                && Within::new(self, module).is_number(&equation.body)
            {
                self.numbers.insert(out);
            }
        }
    }
}

/// Whether a range is one of reals with two ends.
fn is_finite(range: Range) -> bool {
    matches!(range, Range::Real(lo, hi) if lo.is_finite() && hi.is_finite())
}

fn of_table(decl: &TensorDecl, values: &[Literal]) -> Range {
    let ranges = values.iter().map(|literal| Range::of_literal(*literal, decl.dtype));
    ranges.reduce(Range::or).unwrap_or(Range::of_type(decl.dtype))
}

/// What the expressions of a module are over.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    pub(super) ranges: &'a Ranges,
    pub(super) module: &'a Module,
    /// Indices with their values, if it is at a place.
    pub(super) at: &'a [Placed],
    /// Whether indices whose range is not known are at the first value of it.
    pub(super) first: bool,
}

impl<'a> Within<'a> {
    fn new(ranges: &'a Ranges, module: &'a Module) -> Self {
        Self { ranges, module, at: &[], first: false }
    }

    pub(super) fn places(&self, tensor: Tensor) -> Option<&'a Places> {
        self.ranges.places.get(&tensor)
    }

    fn equation(&self, equation: &Equation, left: &mut u64) -> (Range, Option<Places>) {
        if let Some((range, places)) = places::of_equation(self, equation, left) {
            return (range, places);
        }
        let body = of_scalar(self, &equation.body);
        (equation.reduce.as_ref().map_or(body, |reduce| self.reduced(reduce, body)), None)
    }

    fn reduced(&self, reduce: &Reduce, body: Range) -> Range {
        let n = self.terms(&reduce.binders);
        let least = if reduce.guard.is_some() && !self.ranges.hopeful { 0 } else { n.0 };
        let found = of_reduction(reduce.op, reduce.acc, body, (least, n.1), self.position(reduce));
        match found {
            // A sum has no end where its number of terms has none.
            Range::Real(lo, hi) if reduce.op == ReduceOp::Sum && n.1 == u64::MAX => {
                Range::Real(if lo < 0.0 { f64::NEG_INFINITY } else { lo }, if hi > 0.0 { f64::INFINITY } else { hi })
            }
            found => found,
        }
    }

    /// The values of the first index of a reduction.
    pub(super) fn position(&self, reduce: &Reduce) -> Option<Interval> {
        reduce.binders.first().map(|index| self.index(*index))
    }

    /// How many choices of values these indices have, at least and at most.
    pub(super) fn terms(&self, binders: &[Index]) -> (u64, u64) {
        let lengths = binders.iter().map(|index| self.length(*index));
        lengths.fold((1u64, 1u64), |n, length| (n.0.saturating_mul(length.0), n.1.saturating_mul(length.1)))
    }

    /// How many values an index has, at least and at most.
    fn length(&self, index: Index) -> (u64, u64) {
        let decl = &self.module.indices[index];
        match decl.literal_range() {
            Some((lo, hi)) => {
                let n = u64::try_from(hi.saturating_sub(lo)).unwrap_or(0);
                (n, n)
            }
            None if self.ranges.hopeful => (1, 1),
            None => (0, u64::MAX),
        }
    }
}

impl Within<'_> {
    /// Whether a value is an element that is given, or a number that is written.
    fn is_given(&self, scalar: &Scalar) -> bool {
        match &scalar.kind {
            ScalarKind::Literal(_) => true,
            ScalarKind::Access(access) => self.module.params.contains(&access.tensor),
            _ => false,
        }
    }

    /// Whether a real value is a number for sure: what it is computed from is, and has a value wherever the ranges of that let it be.
    fn is_number(&self, scalar: &Scalar) -> bool {
        let all = || scalar.children().into_iter().all(|child| self.is_number(child));
        match &scalar.kind {
            ScalarKind::Literal(_) | ScalarKind::Index(_) | ScalarKind::Size(_) => true,
            ScalarKind::Access(access) => !access.prev && (!scalar.dtype.is_float() || self.ranges.numbers.contains(&access.tensor)),
            ScalarKind::Cast(_) | ScalarKind::If(..) => all(),
            ScalarKind::Unary(function, a) => is_total(*function, || of_scalar(self, a)) && all(),
            ScalarKind::Binary(BinaryFn::Div, _, divisor) => {
                matches!(of_scalar(self, divisor), Range::Real(lo, hi) if lo > 0.0 || hi < 0.0) && all()
            }
            ScalarKind::Binary(BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul | BinaryFn::Max | BinaryFn::Min, ..) => all(),
            ScalarKind::Binary(function, ..) => (function.is_comparison() || !scalar.dtype.is_float()) && all(),
            ScalarKind::Approx(_) | ScalarKind::Accumulated | ScalarKind::Operand(_) => false,
        }
    }
}

/// Whether a function of a number is one, wherever that lies in its range.
fn is_total(function: UnaryFn, of: impl Fn() -> Range) -> bool {
    match function {
        UnaryFn::Sqrt => matches!(of(), Range::Real(lo, _) if lo >= 0.0),
        UnaryFn::Log | UnaryFn::Rsqrt => matches!(of(), Range::Real(lo, _) if lo > 0.0),
        UnaryFn::Log1p => matches!(of(), Range::Real(lo, _) if lo > -1.0),
        UnaryFn::Powi(n) => n >= 0 || matches!(of(), Range::Real(lo, hi) if lo > 0.0 || hi < 0.0),
        UnaryFn::Tan | UnaryFn::Cis | UnaryFn::Imag => false,
        _ => true,
    }
}

impl Leaves for Within<'_> {
    fn tensor(&self, tensor: Tensor, dtype: DType) -> Range {
        self.ranges.known.get(&tensor).copied().unwrap_or(Range::of_type(dtype))
    }

    fn element(&self, access: &Access) -> Option<Range> {
        self.places(access.tensor)?.read(self, access)
    }

    fn axis(&self, tensor: Tensor, n: usize) -> Option<i128> {
        self.module.tensors[tensor].axes.get(n)?.as_constant()
    }

    fn either(&self, a: Range, b: Range) -> Range {
        match (self.ranges.hopeful, is_zero(a), is_zero(b)) {
            (true, false, true) => a,
            (true, true, false) => b,
            _ => a.or(b),
        }
    }

    fn ends(&self, scalar: &Scalar) -> Option<(f64, f64)> {
        if !self.ranges.deciding {
            return None;
        }
        let Range::Real(lo, hi) = of_scalar(self, scalar) else { return None };
        let is_wide = matches!(scalar.dtype, DType::F32 | DType::F64);
        let margin = if self.is_given(scalar) { 0.0 } else { MARGIN * lo.abs().max(hi.abs()) };
        (lo.is_finite() && hi.is_finite() && is_wide && self.is_number(scalar)).then_some((lo - margin, hi + margin))
    }

    fn size(&self, size: &Extent) -> Option<Interval> {
        let known = size.as_constant().map(|n| (n, n));
        let is_dim = || size.terms().all(|(monomial, factor)| matches!(monomial[..], [Atom::Dim(_)]) && factor == 1);
        known.or_else(|| (self.ranges.hopeful && is_dim()).then_some((1, int_range(DType::I64).1)))
    }

    fn index(&self, index: Index) -> Interval {
        if let Some((_, value)) = self.at.iter().find(|(other, _)| *other == index) {
            return (*value, *value);
        }
        let decl = &self.module.indices[index];
        let end = |size: &Extent, otherwise: i128| size.as_constant().unwrap_or(otherwise);
        let (least, greatest) = int_range(DType::I64);
        let lo = end(&decl.lo, least);
        let hi = if self.first && decl.literal_range().is_none() { lo.saturating_add(1) } else { end(&decl.hi, greatest) };
        (lo, hi.max(lo.saturating_add(1)) - 1)
    }
}

fn is_zero(range: Range) -> bool {
    matches!(range, Range::Real(0.0, 0.0) | Range::Integer((0, 0)))
}

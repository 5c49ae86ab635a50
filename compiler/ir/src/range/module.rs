//! Between which numbers the elements of the tensors of a module lie.
//!
//! A module need not be specialised: a sum over a range that is not literal may have any number of terms.

use super::{Leaves, Range, of_reduction, of_scalar};
use crate::dtype::DType;
use crate::entity::{Index, Tensor};
use crate::extent::{Atom, Extent};
use crate::interval::Interval;
use crate::scalar::value::int_range;
use crate::scalar::{Literal, Scalar};
use crate::tensor::{Definition, Equation, Module, Reduce, ReduceOp, TensorDecl};
use std::collections::BTreeMap;

/// The range of each tensor of a module, as far as it follows from bounds that are stated, and from the equations.
#[derive(Debug, Default)]
pub struct Ranges {
    known: BTreeMap<Tensor, Range>,
    /// Parameters and definitions that have been looked at.
    done: (usize, usize),
    /// Whether what depends on sizes is taken for the best that it may be.
    hopeful: bool,
}

impl Ranges {
    /// Of all tensors of a module, in the order of its definitions.
    #[must_use]
    pub fn of(module: &Module) -> Self {
        let mut out = Self::default();
        out.update(module);
        out
    }

    /// What may hold for some sizes, if not for all: indices whose range is not known have one value, and sizes are at least 1.
    #[must_use]
    pub fn hopeful(module: &Module) -> Self {
        let mut out = Self { hopeful: true, ..Self::default() };
        out.update(module);
        out
    }

    /// Looks at what a module has grown by since it was looked at last.
    pub fn update(&mut self, module: &Module) {
        if module.params.len() < self.done.0 || module.body.len() < self.done.1 {
            *self = Self { hopeful: self.hopeful, ..Self::default() };
        }
        for param in &module.params[self.done.0..] {
            let decl = &module.tensors[*param];
            let sizes: Option<Vec<u64>> = decl.index_of.iter().map(|e| u64::try_from(e.as_constant()?).ok()).collect();
            self.known.insert(*param, Range::of_declared(decl, &sizes.unwrap_or_default()));
        }
        self.body(module, &module.body[self.done.1..]);
        self.done = (module.params.len(), module.body.len());
    }

    /// Of the elements of a tensor.
    #[must_use]
    pub fn of_tensor(&self, module: &Module, tensor: Tensor) -> Range {
        Within { ranges: self, module }.tensor(tensor, module.tensors[tensor].dtype)
    }

    /// Of the values of an expression of the module.
    #[must_use]
    pub fn of_scalar(&self, module: &Module, scalar: &Scalar) -> Range {
        of_scalar(&Within { ranges: self, module }, scalar)
    }

    /// What a recurrence carries may be read before it is computed in its body, and so may be any value.
    fn body(&mut self, module: &Module, body: &[Definition]) {
        for definition in body {
            let (out, range) = match definition {
                Definition::Equation(equation) => (equation.out, Within { ranges: self, module }.equation(equation)),
                Definition::Table(table) => (table.out, of_table(&module.tensors[table.out], &table.values)),
                Definition::Scan(_) | Definition::Multi(_) | Definition::Generate(_) => continue,
            };
            self.known.insert(out, range);
        }
    }
}

fn of_table(decl: &TensorDecl, values: &[Literal]) -> Range {
    let ranges = values.iter().map(|literal| Range::of_literal(*literal, decl.dtype));
    ranges.reduce(Range::or).unwrap_or(Range::of_type(decl.dtype))
}

/// What the expressions of a module are over.
struct Within<'a> {
    ranges: &'a Ranges,
    module: &'a Module,
}

impl Within<'_> {
    fn equation(&self, equation: &Equation) -> Range {
        let body = of_scalar(self, &equation.body);
        equation.reduce.as_ref().map_or(body, |reduce| self.reduced(reduce, body))
    }

    fn reduced(&self, reduce: &Reduce, body: Range) -> Range {
        let lengths = reduce.binders.iter().map(|index| self.length(*index));
        let n = lengths.fold((1u64, 1u64), |n, length| (n.0.saturating_mul(length.0), n.1.saturating_mul(length.1)));
        let least = if reduce.guard.is_some() { 0 } else { n.0 };
        let found = of_reduction(reduce.op, reduce.acc, body, (least, n.1), reduce.binders.first().map(|index| self.index(*index)));
        match found {
            // A sum has no end where its number of terms has none.
            Range::Real(lo, hi) if reduce.op == ReduceOp::Sum && n.1 == u64::MAX => {
                Range::Real(if lo < 0.0 { f64::NEG_INFINITY } else { lo }, if hi > 0.0 { f64::INFINITY } else { hi })
            }
            found => found,
        }
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

impl Leaves for Within<'_> {
    fn tensor(&self, tensor: Tensor, dtype: DType) -> Range {
        self.ranges.known.get(&tensor).copied().unwrap_or(Range::of_type(dtype))
    }

    fn size(&self, size: &Extent) -> Option<Interval> {
        let known = size.as_constant().map(|n| (n, n));
        let is_dim = || size.terms().all(|(monomial, factor)| matches!(monomial[..], [Atom::Dim(_)]) && factor == 1);
        known.or_else(|| (self.ranges.hopeful && is_dim()).then_some((1, int_range(DType::I64).1)))
    }

    fn index(&self, index: Index) -> Interval {
        let decl = &self.module.indices[index];
        let end = |size: &Extent, otherwise: i128| size.as_constant().unwrap_or(otherwise);
        let (least, greatest) = int_range(DType::I64);
        let (lo, hi) = (end(&decl.lo, least), end(&decl.hi, greatest));
        (lo, hi.max(lo.saturating_add(1)) - 1)
    }
}

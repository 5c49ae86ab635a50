//! Public factors of which only a part is read, or along sums of indices.
//!
//! Alone they are encoded from where they lie. What is contracted in the clear with other public factors, or summed there, is an einsum, which
//! reads whole axes: so they become tensors over their labels first.

use crate::contraction::{Operand, Subscript};
use crate::read::{Product, Reader, Scope, refused};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;

impl Reader<'_> {
    /// The product with whole public factors, where a part of one may be contracted in the clear; `n_outputs` labels are of the result.
    pub(crate) fn whole_factors(
        &mut self,
        mut product: Product,
        n_outputs: usize,
        scope: &Scope,
        span: Span,
    ) -> Result<Product, Diagnostic> {
        let factors = &product.factors;
        let is_kept = |label: u8, of: &Operand| {
            usize::from(label) < n_outputs || factors.iter().any(|other| !std::ptr::eq(other, of) && other.reads(label))
        };
        let publics = || factors.iter().filter(|factor| !factor.secret);
        let encoded_as_they_are = publics().count() == 1 && publics().all(|public| public.labels().all(|label| is_kept(label, public)));
        if encoded_as_they_are {
            return Ok(product);
        }
        for factor in product.factors.iter_mut().filter(|factor| !factor.secret && factor.is_sliced()) {
            let access = self.accessed(factor, scope, span)?;
            *factor = self.part(&access, &[], scope)?;
        }
        Ok(product)
    }

    /// What reads a public operand.
    fn accessed(&self, operand: &Operand, scope: &Scope, span: Span) -> Result<Scalar, Diagnostic> {
        let tensor = self.tensor_of(operand.tensor).ok_or_else(|| refused(span, "a part of what is computed in the clear"))?;
        let subs = operand.axes.iter().map(|axis| Ok(Sub { value: self.affine(&axis.subscript, scope, span)?, mode: Mode::Exact }));
        let access = Access { tensor, prev: false, subs: subs.collect::<Result<_, Diagnostic>>()?, pad: None };
        Ok(Scalar::new(ScalarKind::Access(access), self.program.tensors[operand.tensor].dtype, span))
    }

    /// A subscript over the indices of its labels, which begin where their ranges do.
    fn affine(&self, subscript: &Subscript, scope: &Scope, span: Span) -> Result<Scalar, Diagnostic> {
        let number = |n: i64| Scalar::literal(Literal::Int(i128::from(n)), DType::I64, span);
        let both = |function, a, b| Scalar::binary(function, a, b, DType::I64, span);
        let (terms, offset) = subscript.linear();
        let mut sum = number(offset);
        for (label, coefficient) in terms {
            let index = scope.indices.get(usize::from(label)).ok_or_else(|| refused(span, "a part at a computed position"))?;
            let (lo, _) = self.module.indices[*index].literal_range().ok_or_else(|| refused(span, "a range beyond 64 bits"))?;
            let from_lo = both(BinaryFn::Sub, Scalar::index(*index, span), number(lo));
            sum = both(BinaryFn::Add, sum, both(BinaryFn::Mul, number(coefficient), from_lo));
        }
        Ok(sum)
    }
}

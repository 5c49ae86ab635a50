//! Public factors of which only a part is read, or along sums of indices.
//!
//! Alone they are encoded from where they lie. What is contracted in the clear with other public factors, or summed there, is an einsum, which
//! reads whole axes: so they become tensors over their labels first.

use crate::contraction::{Axis, Operand, Subscript};
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
        let number = |n: i64| Scalar::literal(Literal::Int(i128::from(n)), DType::I64, span);
        // From where its range begins.
        let index = |label: u8| {
            let index = *scope.indices.get(usize::from(label))?;
            let (lo, _) = self.module.indices[index].literal_range()?;
            Some(Scalar::binary(BinaryFn::Sub, Scalar::index(index, span), number(lo), DType::I64, span))
        };
        self.read_by(operand, index, span)
    }

    /// What reads a public operand where `index` says the position along each label.
    pub(crate) fn read_by(&self, operand: &Operand, index: impl Fn(u8) -> Option<Scalar>, span: Span) -> Result<Scalar, Diagnostic> {
        let tensor = self.tensor_of(operand.tensor).ok_or_else(|| refused(span, "a part of what is computed in the clear"))?;
        let sub = |axis: &Axis| Ok(Sub { value: affine(&axis.subscript, &index, span)?, mode: Mode::Exact });
        let subs = operand.axes.iter().map(sub).collect::<Result<_, Diagnostic>>()?;
        let access = Access { tensor, prev: false, subs, pad: None };
        Ok(Scalar::new(ScalarKind::Access(access), self.program.tensors[operand.tensor].dtype, span))
    }
}

/// A subscript where `index` says the position along each label.
fn affine(subscript: &Subscript, index: impl Fn(u8) -> Option<Scalar>, span: Span) -> Result<Scalar, Diagnostic> {
    let number = |n: i64| Scalar::literal(Literal::Int(i128::from(n)), DType::I64, span);
    let both = |function, a, b| Scalar::binary(function, a, b, DType::I64, span);
    let (terms, offset) = subscript.linear();
    let mut sum = (offset != 0 || terms.is_empty()).then(|| number(offset));
    for (label, coefficient) in terms {
        let position = index(label).ok_or_else(|| refused(span, "a part at a computed position"))?;
        let term = if coefficient == 1 { position } else { both(BinaryFn::Mul, number(coefficient), position) };
        sum = Some(match sum {
            Some(sum) => both(BinaryFn::Add, sum, term),
            None => term,
        });
    }
    Ok(sum.unwrap_or_else(|| number(0)))
}

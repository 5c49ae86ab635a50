//! Sums that stay together where they are multiplied.
//!
//! Brackets are multiplied out, so that every product is contracted in the order that is best for it: of `(x[n, j] - c[m, j])^2`, summed over `j`,
//! the middle term is a product of matrices. Where one tensor of a sum has all its indices, as in `(x[i] - m)^2`, the sum is no larger than
//! that, and one product may be less than several. A program with such sums can be read either way; the lighter plan decides.

use crate::contraction::{Axis, Operand, Subscript};
use crate::pieces::is_sum_of_its_own;
use crate::planner::{Options, best};
use crate::program::{Label, Origin, Sum, Tensor, Term};
use crate::read::{Product, Read, Reader, Scope, read_as};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::scalar::Scalar;
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;
use std::collections::BTreeSet;

/// How sums that are multiplied are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sums {
    /// As sums of products.
    MultipliedOut,
    /// As tensors of their own, where they are no larger than what they are of.
    Together,
    /// As sums of products; and elements beyond the ends of axes by selections of positions, and not as sums themselves.
    Selected,
}

/// Reads a module in the way that has the best plan.
///
/// # Errors
/// As [`read`](crate::read::read).
pub fn reading(module: &Verified<Module>, options: &Options) -> Result<Read, Vec<Diagnostic>> {
    let (mut out, others) = match read_as(module, Sums::MultipliedOut) {
        Ok(read) => read,
        // A sum may be of more products than there may be.
        Err(errors) => return read_as(module, Sums::Selected).map(|(read, _)| read).map_err(|_| errors),
    };
    if others.is_empty() || options.one_shot {
        return Ok(out);
    }
    let mut least = best(&out.program, options).ok();
    for sums in others {
        let Ok((other, _)) = read_as(module, sums) else { continue };
        let Ok(found) = best(&other.program, options) else { continue };
        if least.as_ref().is_none_or(|least| found.planned.is_better(&least.planned, options.objective)) {
            (out, least) = (other, Some(found));
        }
    }
    out.program.best = least;
    Ok(out)
}

impl Reader<'_> {
    /// A factor of other products as one product, if it is read so.
    pub(crate) fn together(
        &mut self,
        products: Vec<Product>,
        is_by_secret: bool,
        scalar: &Scalar,
        scope: &Scope,
    ) -> Result<Vec<Product>, Diagnostic> {
        // Elements that are sums by the way they are read: of a product of them there would be many.
        let is_one = is_by_secret && is_sum_of_its_own(&products, scope) && self.reads_in_pieces(scalar, scope);
        if !is_one {
            if !is_by_secret || !is_small(&products, scope) {
                return Ok(products);
            }
            self.may_be(Sums::Together);
            if self.sums != Sums::Together {
                return Ok(products);
            }
        }
        let read: BTreeSet<u8> = products.iter().flat_map(|product| &product.factors).flat_map(Operand::labels).collect();
        let over: Vec<u8> = read.into_iter().collect();
        let number = |label: u8| over.iter().position(|other| *other == label).and_then(|at| u8::try_from(at).ok()).unwrap_or(label);
        let labels: Vec<Label> = over.iter().map(|&label| scope.labels[usize::from(label)].clone()).collect();
        let mut terms: Vec<Term> =
            products.into_iter().map(|product| Term { coefficient: product.coefficient, operands: product.factors }).collect();
        terms.iter_mut().for_each(|term| term.relabel(number));
        let output = (0..).take(over.len()).collect();
        let tensor = self.sum_of(Sum { labels, output, terms }, scalar, scope);
        let axis = |&label: &u8| Axis { size: scope.labels[usize::from(label)].size, subscript: Subscript::Label(label) };
        let name = self.program.tensors[tensor].name.clone();
        let factor = Operand { name, tensor, axes: over.iter().map(axis).collect(), secret: true };
        Ok(vec![Product { coefficient: 1.0, factors: vec![factor] }])
    }

    /// Notes another way to read the module.
    pub(crate) fn may_be(&mut self, sums: Sums) {
        if !self.others.contains(&sums) {
            self.others.push(sums);
        }
    }

    /// The tensor that is this sum, which may be there already.
    fn sum_of(&mut self, sum: Sum, scalar: &Scalar, scope: &Scope) -> usize {
        let sizes = |sum: &Sum| sum.labels.iter().map(|label| label.size).collect::<Vec<u64>>();
        let is_alike = |tensor: &Tensor| match &tensor.origin {
            Origin::Sum(other) => other.output == sum.output && other.terms == sum.terms && sizes(other) == sizes(&sum),
            _ => false,
        };
        if let Some(there) = self.program.tensors.iter().position(is_alike) {
            return there;
        }
        let n = self.program.tensors.len();
        let name = format!("{}.{n}", scope.name);
        self.program.ranges.extend(self.finite_range(scalar, scope).map(|range| (n, range)));
        self.program.tensors.push(Tensor { name, dtype: scalar.dtype, shape: sizes(&sum), origin: Origin::Sum(sum), span: scalar.span });
        n
    }
}

/// Whether a sum is of tensors, one of which, a secret one, has all its indices.
fn is_small(products: &[Product], scope: &Scope) -> bool {
    let labels = |product: &Product| product.factors.iter().flat_map(Operand::labels).collect::<BTreeSet<u8>>();
    let all: BTreeSet<u8> = products.iter().flat_map(labels).collect();
    let is_secret = |product: &&Product| product.factors.iter().any(|factor| factor.secret);
    // Along no axis it has more positions than there are.
    let is_within = |factor: &Operand| {
        let one_each = factor.axes.iter().all(|axis| axis.subscript.linear().0.len() <= 1);
        one_each && factor.labels().count() == factor.labels().collect::<BTreeSet<u8>>().len()
    };
    let is_whole = |product: &Product| product.factors.iter().all(is_within) && labels(product) == all;
    let is_flat = |product: &Product| match &product.factors[..] {
        [] => true,
        [factor] => !factor.secret || product.coefficient.abs() == 1.0,
        _ => false,
    };
    products.len() > 1
        && scope.conditions.is_empty()
        && all.iter().all(|&label| usize::from(label) < scope.indices.len())
        && products.iter().all(is_flat)
        && products.iter().filter(is_secret).any(is_whole)
}

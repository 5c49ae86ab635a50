//! Where values are zero because the program says so of what they are made of.

use super::find::Around;
use super::{Place, Strips};
use crate::draft::Work;
use crate::egraph::{negated, zero_outside};
use crate::{guards, rewrite};
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::plan::{Contraction, Nest};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::tensor::ReduceOp;

/// Where an expression may be other than zero, in positions of a nest: `None` is nowhere.
type Region = Option<Strips<Index>>;

impl Around<'_> {
    /// Strips outside of which a value is zero, as the steps before say.
    pub(super) fn outside_of(self, value: Tensor, depth: usize) -> Option<Strips<usize>> {
        let ([step], depth) = (self.links.writers.get(&value)?.as_slice(), depth.checked_sub(1)?) else { return None };
        match &self.draft.steps[*step].work {
            Work::Nest(nest) => self.outside_of_nest(nest, depth),
            Work::Contraction(contraction) => Some(self.outside_of_product(contraction, depth)),
            _ => None,
        }
    }

    fn outside_of_nest(self, nest: &Nest, depth: usize) -> Option<Strips<usize>> {
        if nest.domain.is_some() {
            return None;
        }
        let sum = nest.reduce.as_ref().filter(|r| r.op == ReduceOp::Sum && r.pins.is_empty() && nest.epilogue.is_none());
        let value = match (&nest.reduce, &nest.epilogue) {
            (_, Some(epilogue)) => epilogue,
            (Some(_), None) if sum.is_none() => return None,
            _ => &nest.body,
        };
        let guard: Vec<&Scalar> = sum.and_then(|sum| sum.guard.as_ref()).into_iter().collect();
        // Of what is zero everywhere nothing is known here.
        let strips = self.region(nest, value, depth)?.and(Strips::of(nest, &guard, &Some));
        let inner = nest.indices.keys().filter(|index| !nest.is_param(*index) && !nest.outer.contains(index));
        let strips = inner.fold(strips, |strips, index| strips.without(Place::At(index)));
        let axis = |index: Index| nest.outer.iter().position(|o| *o == index);
        Some(strips.iter().filter_map(|strip| strip.named(&axis)).collect())
    }

    /// As the strips of both operands say, the labels summed over aside.
    fn outside_of_product(self, contraction: &Contraction, depth: usize) -> Strips<usize> {
        let lhs = self.of_operand(contraction.lhs, &contraction.lhs_labels, depth);
        let strips = lhs.and(self.of_operand(contraction.rhs, &contraction.rhs_labels, depth));
        let summed = (0..contraction.extents.len() as u16).filter(|label| !contraction.out_labels.contains(label));
        let strips = summed.fold(strips, |strips, label| strips.without(Place::At(label)));
        strips.iter().filter_map(|strip| strip.named(&|label| contraction.out_labels.iter().position(|l| *l == label))).collect()
    }

    /// Where an expression is other than zero: in cases, sums and products of what is.
    fn region(self, nest: &Nest, scalar: &Scalar, depth: usize) -> Region {
        let of = |scalar: &Scalar| self.region(nest, scalar, depth);
        match &scalar.kind {
            ScalarKind::Literal(Literal::Int(0)) => None,
            ScalarKind::Literal(Literal::Float(x)) if x.to_bits() == 0 => None,
            ScalarKind::If(condition, then, otherwise) if guards::is_static(condition) => {
                let under = |condition: Option<&Scalar>, scalar: &Scalar| {
                    let facts: Vec<&Scalar> = condition.into_iter().collect();
                    of(scalar).map(|strips| strips.and(Strips::of(nest, &facts, &Some)))
                };
                either(under(Some(condition), then), under(negated(condition).as_ref(), otherwise))
            }
            ScalarKind::Binary(BinaryFn::Mul, a, b) => Some(of(a)?.and(of(b)?)),
            ScalarKind::Binary(BinaryFn::Add | BinaryFn::Sub, a, b) => either(of(a), of(b)),
            ScalarKind::Unary(UnaryFn::Neg | UnaryFn::Conj, a) => of(a),
            ScalarKind::Cast(inner) if inner.dtype != DType::Bool => of(inner),
            _ => Some(self.stated(nest, scalar, depth)),
        }
    }

    /// What an access, or a condition as a number, says by itself.
    fn stated(self, nest: &Nest, scalar: &Scalar, depth: usize) -> Strips<Index> {
        let shape = |tensor: Tensor| self.draft.values[tensor].extents.clone();
        let conditions = zero_outside(scalar, scalar.dtype, &shape);
        let strips = Strips::of(nest, &conditions.iter().collect::<Vec<_>>(), &Some);
        let ScalarKind::Access(access) = &scalar.kind else { return strips };
        let Some(indices) = rewrite::plain_indices(access) else { return strips };
        let read = self.outside_of(access.tensor, depth).unwrap_or_default();
        strips.and(read.iter().filter_map(|strip| strip.named(&|axis| indices.get(axis).copied())).collect())
    }
}

fn either(a: Region, b: Region) -> Region {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.or(&b)),
        (a, b) => a.or(b),
    }
}

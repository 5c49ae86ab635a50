//! Contractions over fewer positions, where an operand is zero at the others.

use super::support::Support;
use super::{is_same, number};
use crate::draft::{Draft, Role};
use crate::egraph::convert::Converted;
use crate::egraph::graph::{Access, Product};
use crate::egraph::language::{Label, Node, Position, Ring, Spec};
use crate::egraph::narrow::Written;
use crate::egraph::nests::NestMaker;
use crate::guards::Claim;
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use std::collections::BTreeSet;

/// Contractions that are narrowed in one graph.
const NARROWED: usize = 200;
/// Rounds: a contraction narrowed along one axis may be narrowed along another.
const ROUNDS: usize = 6;

/// Narrows contractions until nothing new is found.
pub(crate) fn narrow(draft: &Draft, converted: &mut Converted) {
    let (mut left, mut done) = (NARROWED, BTreeSet::new());
    for _ in 0..ROUNDS {
        let before = left;
        for class in converted.graph.classes() {
            for node in converted.graph.nodes(class) {
                let Node::Contract(ring, spec, children) = &node else { continue };
                if !spec.reduces() {
                    continue;
                }
                for at in 0..children.len() {
                    if left > 0 && done.insert((node.clone(), at)) {
                        let mut contraction = Contraction { draft, converted, class, ring: *ring, spec, children, at };
                        left -= usize::from(contraction.narrow().is_some());
                    }
                }
            }
        }
        converted.graph.egraph.rebuild();
        if left == before {
            return;
        }
    }
}

/// A contraction of which operand `at` is known to be zero somewhere.
struct Contraction<'a> {
    draft: &'a Draft,
    converted: &'a mut Converted,
    class: Id,
    ring: Ring,
    spec: &'a Spec,
    children: &'a [Id],
    at: usize,
}

/// Fewer positions: where each label of a contraction is, over new labels.
struct Narrowing {
    positions: Vec<Position>,
    extents: Vec<u64>,
}

impl Narrowing {
    fn none(spec: &Spec) -> Self {
        Self { positions: (0..spec.extents.len() as Label).map(Position::label).collect(), extents: spec.extents.clone() }
    }

    fn of(&self, labels: &[Label]) -> Vec<Position> {
        labels.iter().map(|l| self.positions[usize::from(*l)].clone()).collect()
    }
}

impl Contraction<'_> {
    /// The first narrowing that operand `at` allows.
    fn narrow(&mut self) -> Option<()> {
        if let Some((a, b)) = self.diagonal_of_table() {
            return self.merge(a, b, None);
        }
        let support = Support::of(self.converted, self.children[self.at], self.ring)?;
        let zero = self.ring.stated_zero()?;
        (0..support.conditions.len()).find_map(|n| match support.claim(&support.conditions[n]) {
            Claim::Range(index, lo, hi) => self.narrow_range(&support, n, zero, support.axis(index)?, lo, hi),
            Claim::Equal(a, b) => self.merge(support.axis(a)?, support.axis(b)?, Some(support.without(n, zero))),
            Claim::Block(a, b, size) => self.narrow_blocks(&support, n, zero, (support.axis(a)?, support.axis(b)?), size),
            Claim::Below { .. } | Claim::Other => None,
        })
    }

    fn labels(&self) -> &[Label] {
        &self.spec.operands[self.at]
    }

    fn narrow_range(&mut self, support: &Support, n: usize, zero: Literal, axis: usize, lo: i64, hi: i64) -> Option<()> {
        let label = *self.labels().get(axis)?;
        let extent = self.spec.extents[usize::from(label)];
        let length = u64::try_from(hi.checked_sub(lo)?).unwrap_or(0);
        if length >= extent || lo < 0 {
            return None;
        }
        let mut narrowing = Narrowing::none(self.spec);
        // Nothing is left: any empty range will do.
        narrowing.positions[usize::from(label)].start = if length == 0 { 0 } else { lo };
        narrowing.extents[usize::from(label)] = length;
        if length == 0 {
            return self.all_zero(zero);
        }
        let made = self.over(&narrowing, Some(support.without(n, zero)))?;
        let subs = self.spec.output.iter().enumerate().map(|(axis, l)| {
            let index = Scalar::index(self.outer(axis), Span::default());
            let is_narrowed = *l == label;
            let value = if is_narrowed { minus(index, lo) } else { index };
            (*l, Sub { value, mode: if is_narrowed { Mode::Pad } else { Mode::Exact } })
        });
        let subs = subs.collect();
        self.join(made, self.spec.output.contains(&label).then_some(subs), "zero-range")
    }

    /// Two axes of the operand that must be at one position get one label.
    fn merge(&mut self, a: usize, b: usize, operand: Option<Written>) -> Option<()> {
        let (a, b) = (*self.labels().get(a)?, *self.labels().get(b)?);
        let (kept, gone) = if self.spec.output.contains(&b) { (b, a) } else { (a, b) };
        if kept == gone || self.spec.output.contains(&gone) || self.spec.extents[usize::from(a)] != self.spec.extents[usize::from(b)] {
            return None;
        }
        let mut narrowing = Narrowing::none(self.spec);
        narrowing.positions[usize::from(gone)] = Position::label(kept);
        let made = self.over(&narrowing, operand)?;
        self.join(made, None, "diagonal-operand")
    }

    /// Two axes of the operand that must be in one block become the block, which both have, and the places in it.
    fn narrow_blocks(&mut self, support: &Support, n: usize, zero: Literal, (a, b): (usize, usize), size: i64) -> Option<()> {
        let (a, b) = (*self.labels().get(a)?, *self.labels().get(b)?);
        let (extent, block) = (self.spec.extents[usize::from(a)], size.unsigned_abs());
        let is_even = extent == self.spec.extents[usize::from(b)] && extent.is_multiple_of(block) && extent > block && block > 1;
        if a == b || !is_even || self.spec.output.contains(&a) && self.spec.output.contains(&b) {
            return None;
        }
        let mut narrowing = Narrowing::none(self.spec);
        let first = narrowing.extents.len() as Label;
        narrowing.extents.extend([extent / block, block, block]);
        let place = |inner: Label| Position { start: 0, steps: vec![(first, size), (inner, 1)] };
        narrowing.positions[usize::from(a)] = place(first + 1);
        narrowing.positions[usize::from(b)] = place(first + 2);
        let made = self.over(&narrowing, Some(support.without(n, zero)))?;
        let kept = [(a, first + 1), (b, first + 2)].into_iter().find(|(l, _)| self.spec.output.contains(l));
        let mut subs: Vec<(Label, Sub)> = Vec::new();
        for (axis, l) in self.spec.output.iter().enumerate() {
            let index = Scalar::index(self.outer(axis), Span::default());
            let exact = |value| Sub { value, mode: Mode::Exact };
            match kept.filter(|(label, _)| label == l) {
                Some((_, inner)) => {
                    let part = |op| Scalar::binary(op, index.clone(), int(size), DType::I64, Span::default());
                    subs.extend([(first, exact(part(BinaryFn::FloorDiv))), (inner, exact(part(BinaryFn::Rem)))]);
                }
                None => subs.push((*l, exact(index))),
            }
        }
        self.join(made, kept.map(|_| subs), "zero-blocks")
    }

    /// The contraction over fewer positions, its operand `at` as given there.
    fn over(&mut self, narrowing: &Narrowing, operand: Option<Written>) -> Option<Access> {
        let mut operands = Vec::new();
        for (n, (child, labels)) in self.children.iter().zip(&self.spec.operands).enumerate() {
            if n != self.at || operand.is_none() {
                operands.push(self.converted.graph.slice(*child, narrowing.of(labels), &narrowing.extents)?);
            }
        }
        let there: BTreeSet<Label> = operands.iter().flat_map(|o| &o.labels).copied().collect();
        if let Some(written) = operand {
            let positions = narrowing.of(self.labels());
            let own = positions.iter().flat_map(|p| &p.steps).map(|(label, _)| *label);
            let number = if let ScalarKind::Literal(literal) = written.nest.body.kind { Some(literal) } else { None };
            operands.push(match number.filter(|_| own.clone().all(|l| there.contains(&l))) {
                Some(literal) => self.converted.graph.constant(literal, self.ring.dtype),
                None => written.at(self.converted, &positions, &narrowing.extents)?,
            });
        }
        let used = |labels: &[Label]| -> BTreeSet<Label> { narrowing.of(labels).iter().flat_map(|p| &p.steps).map(|(l, _)| *l).collect() };
        let covered: BTreeSet<Label> = operands.iter().flat_map(|o| &o.labels).copied().collect();
        let all: Vec<Label> = (0..self.spec.extents.len() as Label).collect();
        if used(&all) != covered {
            return None;
        }
        let output = used(&self.spec.output).into_iter().collect();
        let product = self.converted.graph.flattened(self.ring, Product { operands, output, extents: narrowing.extents.clone() });
        Some(self.converted.graph.contract(self.ring, product))
    }

    /// Says what the class is made of: `made` itself, or its elements at the subscripts given for its labels.
    fn join(&mut self, made: Access, subs: Option<Vec<(Label, Sub)>>, reason: &'static str) -> Option<()> {
        let Some(subs) = subs else {
            let whole = Access { class: self.class, labels: self.spec.output.clone() };
            self.converted.graph.join(&whole, &made, reason);
            return Some(());
        };
        let subs: Vec<Sub> =
            made.labels.iter().map(|l| subs.iter().find(|(m, _)| m == l).map(|(_, sub)| sub.clone())).collect::<Option<_>>()?;
        let zero = self.ring.stated_zero()?;
        let is_padded = subs.iter().any(|sub| sub.mode == Mode::Pad);
        let pad = (is_padded && !is_same(zero, number(0, self.ring.dtype))).then_some(zero);
        let (class, ring) = (self.class, self.ring);
        let mut maker = NestMaker::new(self.converted, ring, self.spec, |_| false)?;
        let body = maker.element(made.class, subs, pad, ring.dtype);
        maker.join(class, body, reason);
        Some(())
    }

    /// The class is zero everywhere.
    fn all_zero(&mut self, zero: Literal) -> Option<()> {
        let zero = Scalar::literal(zero, self.ring.dtype, Span::default());
        NestMaker::new(self.converted, self.ring, self.spec, |_| false)?.join(self.class, zero, "zero-range");
        Some(())
    }

    /// The index of an axis of the class.
    fn outer(&self, axis: usize) -> Index {
        Index::new(self.converted.params.len() + axis)
    }

    /// Two axes of a table outside whose diagonal nothing is.
    fn diagonal_of_table(&self) -> Option<(usize, usize)> {
        let class = self.converted.graph.egraph.find(self.children[self.at]);
        let leaf = self.converted.graph.nodes(class).into_iter().find_map(|n| if let Node::Leaf(n) = n { Some(n) } else { None })?;
        let value = &self.draft.values[self.converted.leaves[leaf as usize]];
        let (Role::Constant(elements), zero) = (&value.role, self.ring.stated_zero()?) else { return None };
        let rank = value.extents.len();
        let pairs = (0..rank).flat_map(|a| (a + 1..rank).map(move |b| (a, b))).filter(|(a, b)| value.extents[*a] == value.extents[*b]);
        let stride = |axis: usize| value.extents[axis + 1..].iter().product::<u64>();
        let at = |n: usize, axis: usize| n as u64 / stride(axis) % value.extents[axis];
        let is_diagonal = |(a, b): &(usize, usize)| elements.iter().enumerate().all(|(n, x)| at(n, *a) == at(n, *b) || is_same(*x, zero));
        pairs.into_iter().find(is_diagonal)
    }
}

fn int(n: i64) -> Scalar {
    Scalar::literal(Literal::Int(n.into()), DType::I64, Span::default())
}

fn minus(index: Scalar, n: i64) -> Scalar {
    if n == 0 { index } else { Scalar::binary(BinaryFn::Sub, index, int(n), DType::I64, Span::default()) }
}

//! Nests of the program over fewer positions: only part of their elements, with indices replaced.

use super::convert::Converted;
use super::emit::position;
use super::facts::Type;
use super::graph::Access;
use super::language::{Label, Node, Position};
use crate::rewrite;
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::extent::Atom;
use ein_ir::plan::{IndexRange, Nest};
use ein_ir::scalar::{Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;

/// A nest over children that are classes.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) nest: Nest,
    pub(crate) children: Vec<Id>,
    pub(crate) dtype: DType,
    pub(crate) span: Span,
}

impl Written {
    /// The nests that make a class.
    pub(crate) fn all(converted: &Converted, class: Id) -> Vec<Self> {
        let class = converted.graph.egraph.find(class);
        let written = |node| {
            let Node::Nest(n, children) = node else { return None };
            let template = &converted.nests[n as usize];
            Some(Self { nest: template.nest.clone(), children, dtype: converted.graph.dtype(class), span: template.span })
        };
        converted.graph.nodes(class).into_iter().filter_map(written).collect()
    }

    /// The class of the elements at these positions, one for each axis, over labels of these extents. A copy of a part of a child is that part.
    pub(crate) fn at(mut self, converted: &mut Converted, positions: &[Position], extents: &[u64]) -> Option<Access> {
        let used = self.reindex(converted, positions, extents)?;
        if let Some(part) = self.as_part(converted, &used, extents) {
            return Some(part);
        }
        self.forget_unread();
        let shape = used.iter().map(|l| extents[usize::from(*l)]).collect();
        self.nest.out = Tensor::new(self.children.len());
        let n = converted.template(self.nest, Type { shape, dtype: self.dtype }, self.span);
        let class = converted.graph.egraph.add(Node::Nest(n, self.children));
        Some(Access { class, labels: used })
    }

    /// Puts positions in the place of outer indices; gives the labels in the order of the new axes.
    fn reindex(&mut self, converted: &Converted, positions: &[Position], extents: &[u64]) -> Option<Vec<Label>> {
        let old = &self.nest;
        let mut indices: Vec<IndexRange> = converted.params.clone();
        let mut index_of = vec![Index::new(0); extents.len()];
        let mut used: Vec<Label> = Vec::new();
        for (label, _) in positions.iter().flat_map(|p| &p.steps) {
            if !used.contains(label) {
                used.push(*label);
                index_of[usize::from(*label)] = Index::new(indices.len());
                let hi = i64::try_from(extents[usize::from(*label)]).ok()?;
                indices.push(IndexRange { name: format!("i{}", indices.len()), lo: 0, hi });
            }
        }
        let outer = used.iter().map(|l| index_of[usize::from(*l)]).collect();
        let binders: Vec<Index> = old.reduce.iter().flat_map(|r| &r.binders).copied().collect();
        let moved: Vec<(Index, Index)> = binders.iter().enumerate().map(|(n, b)| (*b, Index::new(indices.len() + n))).collect();
        indices.extend(binders.iter().map(|b| old.indices[*b].clone()));
        let axes = old.outer.clone();
        let span = self.span;
        let replacement = |index: Index| {
            if let Some(axis) = axes.iter().position(|o| *o == index) {
                return Some(position(&positions[axis], &index_of, span));
            }
            moved.iter().find(|(from, _)| *from == index).map(|(_, to)| Scalar::index(*to, span))
        };
        rewrite::scalars_mut(&mut self.nest).into_iter().for_each(|s| rewrite::replace_indices(s, &replacement));
        if let Some(reduce) = &mut self.nest.reduce {
            reduce.binders = moved.iter().map(|(_, to)| *to).collect();
        }
        (self.nest.indices, self.nest.outer) = (indices.into_iter().collect(), outer);
        Some(used)
    }

    /// The part of a child that a nest copies.
    fn as_part(&self, converted: &mut Converted, used: &[Label], extents: &[u64]) -> Option<Access> {
        let ScalarKind::Access(access) = &self.nest.body.kind else { return None };
        if self.nest.reduce.is_some() || self.nest.domain.is_some() || self.nest.epilogue.is_some() {
            return None;
        }
        let n_params = self.nest.params as usize;
        let label = |index: Index| index.index().checked_sub(n_params).and_then(|n| used.get(n).copied());
        let positions = access.subs.iter().map(|sub| as_position(sub, &label)).collect::<Option<Vec<_>>>()?;
        let part = converted.graph.slice(self.children[access.tensor.index()], positions, extents)?;
        used.iter().all(|l| part.labels.contains(l)).then_some(part)
    }

    /// Drops children that nothing reads any more.
    fn forget_unread(&mut self) {
        let read: Vec<Tensor> = self.nest.accesses().into_iter().collect();
        for scalar in rewrite::scalars_mut(&mut self.nest) {
            scalar.visit_mut(&mut |s| {
                if let ScalarKind::Access(access) = &mut s.kind
                    && let Ok(n) = read.binary_search(&access.tensor)
                {
                    access.tensor = Tensor::new(n);
                }
            });
        }
        self.children = read.iter().map(|t| self.children[t.index()]).collect();
    }
}

/// A subscript as a position over labels; `None` if it is none, or has a mode.
pub(crate) fn as_position(sub: &Sub, label: &dyn Fn(Index) -> Option<Label>) -> Option<Position> {
    let value = sub.value.as_polynomial().filter(|_| sub.mode == Mode::Exact)?;
    let mut position = Position::default();
    for (monomial, factor) in value.terms() {
        let factor = i64::try_from(factor).ok()?;
        match monomial.as_slice() {
            [] => position.start = factor,
            [Atom::Index(index)] => position.steps.push((label(*index)?, factor)),
            _ => return None,
        }
    }
    Some(position)
}

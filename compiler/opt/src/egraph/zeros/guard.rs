//! Contractions as nests that leave out what conditions on positions exclude.

use super::support::Support;
use crate::egraph::convert::Converted;
use crate::egraph::language::{Label, Node, Ring, Spec};
use crate::egraph::nests::NestMaker;
use crate::rewrite;
use egg::Id;
use ein_ir::entity::{EntityRef, Index};
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::span::Span;
use std::collections::BTreeMap;

/// Nests with guards that are added to one graph.
const GUARDED: usize = 200;

/// Adds nests with guards.
pub(crate) fn guard(converted: &mut Converted) {
    let mut left = GUARDED;
    // Most operands have no cases, and many products read them.
    let mut by_cases: BTreeMap<(Id, Ring), bool> = BTreeMap::new();
    for class in converted.graph.classes() {
        for node in converted.graph.nodes(class) {
            let Node::Contract(ring, spec, children) = &node else { continue };
            let mut has_cases = |child: &Id| {
                let class = converted.graph.egraph.find(*child);
                *by_cases.entry((class, *ring)).or_insert_with(|| {
                    let support = Support::of(converted, class, *ring);
                    let strips = support.as_ref().filter(|_| *ring == Ring::sum_product(ring.dtype)).map_or(Vec::new(), Support::strips);
                    if !strips.is_empty() {
                        converted.strips.insert(class, strips);
                    }
                    support.is_some()
                })
            };
            // All children are looked at.
            if left > 0
                && spec.reduces()
                && children.iter().filter(|child| has_cases(child)).count() > 0
                && guarded(converted, class, *ring, spec, children).is_some()
            {
                left -= 1;
            }
        }
    }
    converted.graph.egraph.rebuild();
}

/// Adds the nest of a contraction that leaves out the zeros of all operands.
fn guarded(converted: &mut Converted, class: Id, ring: Ring, spec: &Spec, children: &[Id]) -> Option<()> {
    let supports: Vec<Option<Support>> = children.iter().map(|child| Support::of(converted, *child, ring)).collect();
    if supports.iter().all(Option::is_none) {
        return None;
    }
    let mut maker = NestMaker::new(converted, ring, spec, |_| true)?;
    let (positions, mut conditions, mut factors) = (maker.positions(), Vec::new(), Vec::new());
    for ((child, labels), support) in children.iter().zip(&spec.operands).zip(supports) {
        factors.push(match support {
            Some(support) => by_cases(&mut maker, support, labels, &mut conditions),
            None => maker.operand(*child, labels, &positions),
        });
    }
    let body = maker.product(factors)?;
    maker.join_reduced(class, conditions, Vec::new(), body, "guard-zeros");
    Some(())
}

/// The value of an operand by cases; its conditions go into the guard.
fn by_cases(maker: &mut NestMaker<'_>, support: Support, labels: &[Label], conditions: &mut Vec<Scalar>) -> Scalar {
    let Support { written, conditions: own, mut value } = support;
    let replacement = |index: Index| {
        let axis = written.nest.outer.iter().position(|o| *o == index)?;
        Some(Scalar::index(maker.index_of(labels[axis])?, Span::default()))
    };
    conditions.extend(own.into_iter().map(|mut condition| {
        rewrite::replace_indices(&mut condition, &replacement);
        condition
    }));
    rewrite::replace_indices(&mut value, &replacement);
    value.visit_mut(&mut |s| {
        if let ScalarKind::Access(access) = &mut s.kind {
            access.tensor = maker.child(written.children[access.tensor.index()]);
        }
    });
    value
}

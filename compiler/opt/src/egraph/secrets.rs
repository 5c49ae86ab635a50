//! Prices of nodes for circuits over encrypted integers: their bootstraps.
//!
//! What a step costs there follows from which of its operands are encrypted and from how wide they are, so both must be known of every class, also of
//! those that only a rule or an order made.

use super::convert::Converted;
use super::language::{Label, Node, Ring, Spec};
use crate::draft::Draft;
use crate::ranges::Range;
use crate::sketch::{Known, Scope, Sketch, Value};
use egg::{Id, Language};
use ein_ir::entity::{PrimaryMap, Reducer, Tensor};
use ein_ir::interval::Interval;
use ein_ir::plan::Nest;
use ein_ir::tensor::ReducerDecl;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of each class.
pub(crate) struct Secrets(BTreeMap<Id, Known>);

impl Secrets {
    /// Of classes with their nodes, children before parents as far as that goes.
    pub(crate) fn of(draft: &Draft, converted: &Converted, classes: &[(Id, Vec<Node>)]) -> Self {
        let secret = draft.all_secrets();
        let mut found = Self(BTreeMap::new());
        loop {
            let before = found.0.len();
            for (class, nodes) in classes {
                if !found.0.contains_key(class)
                    && let Some(known) = found.of_class(converted, &secret, &draft.reducers, *class, nodes)
                {
                    found.0.insert(*class, known);
                }
            }
            if found.0.len() == before {
                return found;
            }
        }
    }

    /// From every node whose children are known: each of them makes the same value.
    fn of_class(
        &self,
        converted: &Converted,
        secret: &BTreeSet<Tensor>,
        reducers: &PrimaryMap<Reducer, ReducerDecl>,
        class: Id,
        nodes: &[Node],
    ) -> Option<Known> {
        let stated = range_of(converted, class);
        let of_node = |node: &Node| match node {
            Node::Leaf(n) => Some(Known { range: stated, secret: secret.contains(&converted.leaves[*n as usize]) }),
            Node::Constant(_) => Some(Known { range: stated, secret: false }),
            _ => self.measure(converted, reducers, node).map(|(known, _)| known),
        };
        nodes.iter().filter_map(of_node).reduce(narrower).map(|known| narrower(known, Known { range: stated, secret: true }))
    }

    /// Bootstraps of a node, its children being there; infinitely many if nobody knows what it reads.
    pub(crate) fn price(&self, converted: &Converted, reducers: &PrimaryMap<Reducer, ReducerDecl>, node: &Node) -> f64 {
        self.measure(converted, reducers, node).map_or(f64::INFINITY, |(_, price)| price)
    }

    fn measure(&self, converted: &Converted, reducers: &PrimaryMap<Reducer, ReducerDecl>, node: &Node) -> Option<(Known, f64)> {
        let children = node.children().iter().map(|child| self.0.get(&converted.graph.egraph.find(*child)).copied());
        let children = children.collect::<Option<Vec<Known>>>()?;
        let mut sketch = Sketch::default();
        let scope = Scope { tensors: &children, indices: Vec::new(), reducers, accumulated: None, operands: None };
        let value = match node {
            Node::Leaf(_) | Node::Constant(_) => return None,
            Node::Conjugate(_) | Node::Slice(..) => return Some((children[0], 0.0)),
            Node::Contract(ring, spec, _) => contraction(&mut sketch, *ring, spec, &scope),
            Node::Sum(ring, spec, _) => sum(&mut sketch, *ring, spec, &scope),
            Node::Nest(n, _) => nest(&mut sketch, &converted.nests[*n as usize].nest, scope),
        };
        Some((sketch.known(&value), sketch.bootstraps))
    }
}

/// What both say of one value.
fn narrower(a: Known, b: Known) -> Known {
    let (lo, hi) = (a.range.0.max(b.range.0), a.range.1.min(b.range.1));
    Known { range: if lo <= hi { (lo, hi) } else { a.range }, secret: a.secret && b.secret }
}

fn range_of(converted: &Converted, class: Id) -> Interval {
    let data = &converted.graph.egraph[class].data;
    match data.range {
        Range::Integer(range) => range,
        Range::Real(..) | Range::Unordered => (0, 0),
    }
}

fn operand(sketch: &mut Sketch, known: Known, labels: &[Label]) -> Value {
    sketch.value(known, labels.iter().map(|label| usize::from(*label)).collect())
}

/// Factors from left to right: what two of them make is one value for all that the others add.
fn contraction(sketch: &mut Sketch, ring: Ring, spec: &Spec, scope: &Scope<'_>) -> Value {
    sketch.extents = spec.extents.iter().map(|extent| *extent as f64).collect();
    let factors: Vec<Value> = scope.tensors.iter().zip(&spec.operands).map(|(known, labels)| operand(sketch, *known, labels)).collect();
    let product = factors.into_iter().reduce(|a, b| sketch.binary(ring.mul, &a, &b, ring.dtype));
    let product = product.unwrap_or_else(|| sketch.value(Known { range: (0, 0), secret: false }, BTreeSet::new()));
    let reduced: BTreeSet<usize> = (0..spec.extents.len()).filter(|label| !spec.output.iter().any(|l| usize::from(*l) == *label)).collect();
    if reduced.is_empty() { product } else { sketch.reduce(ring.add, ring.dtype, &product, &reduced, scope) }
}

fn sum(sketch: &mut Sketch, ring: Ring, spec: &Spec, scope: &Scope<'_>) -> Value {
    sketch.extents = spec.extents.iter().map(|extent| *extent as f64).collect();
    let terms: Vec<Value> = scope.tensors.iter().zip(&spec.operands).map(|(known, labels)| operand(sketch, *known, labels)).collect();
    let plus = ring.plus().unwrap_or(ein_ir::scalar::function::BinaryFn::Add);
    let found = terms.into_iter().reduce(|a, b| sketch.binary(plus, &a, &b, ring.dtype));
    found.unwrap_or_else(|| sketch.value(Known { range: (0, 0), secret: false }, BTreeSet::new()))
}

/// Loops as they are; an index of a scan around has one value a turn.
fn nest(sketch: &mut Sketch, nest: &Nest, mut scope: Scope<'_>) -> Value {
    scope.indices =
        nest.indices.values().map(|range| (range.lo.into(), i128::from(range.hi.max(range.lo.saturating_add(1))) - 1)).collect();
    let extent = |(index, range): (ein_ir::entity::Index, &ein_ir::plan::IndexRange)| {
        if nest.is_param(index) { 1.0 } else { range.hi.saturating_sub(range.lo).max(0) as f64 }
    };
    sketch.extents = nest.indices.iter().map(extent).collect();
    let mut value = sketch.scalar(&nest.body, &scope);
    let Some(reduce) = &nest.reduce else { return value };
    if let Some(guard) = &reduce.guard {
        let when = sketch.scalar(guard, &scope);
        value = sketch.guarded(&when, &value);
    }
    for pin in &reduce.pins {
        let position = sketch.scalar(&pin.value, &scope);
        value = sketch.pinned(&position, pin.index, &value, &scope);
    }
    let binders = reduce.binders.iter().map(|index| index.as_u32() as usize).collect();
    let found = sketch.reduce(reduce.op, reduce.acc, &value, &binders, &scope);
    let Some(epilogue) = &nest.epilogue else { return found };
    scope.accumulated = Some(found);
    sketch.scalar(epilogue, &scope)
}

//! A part of a product, or of a sum, is made of parts of the operands: only what is read is computed.

use super::Steps;
use crate::egraph::graph::{Access, Graph, Product};
use crate::egraph::language::{Label, Node, Position, Spec, Window};
use egg::Id;

/// `(A B)[i, 3] = A[i, ..] B[.., 3]`: holds in every ring, since no term of any element changes.
pub(crate) const SLICE_CONTRACTION: &str = "slice-contraction";
/// `(a + b)[2 i] = a[2 i] + b[2 i]`, in every ring.
pub(crate) const SLICE_SUM: &str = "slice-sum";

/// Takes a slice of a class into one way to make the class.
pub(crate) fn push(graph: &mut Graph, class: Id, window: &Window, node: &Node, steps: &mut Steps) {
    let (Node::Contract(_, spec, children) | Node::Sum(_, spec, children)) = node else { return };
    // Views are read through by whoever slices them.
    if children.len() == 1 && !spec.reduces() || !steps.take(children.len() + 1) {
        return;
    }
    let mut extents = window.shape.clone();
    let positions = positions(spec, window, &mut extents);
    let mut operands = Vec::new();
    for (child, labels) in children.iter().zip(&spec.operands) {
        let own = labels.iter().map(|l| positions[usize::from(*l)].clone()).collect();
        let Some(operand) = graph.slice(*child, own, &extents) else { return };
        operands.push(operand);
    }
    let whole = Access { class, labels: (0..window.shape.len() as Label).collect() };
    let (made, reason) = match node {
        Node::Sum(ring, ..) => (graph.sum(*ring, operands, &extents), SLICE_SUM),
        Node::Contract(ring, ..) => {
            let product = graph.flattened(*ring, Product { operands, output: whole.labels.clone(), extents });
            (graph.contract(*ring, product), SLICE_CONTRACTION)
        }
        _ => return,
    };
    if made.labels.len() == whole.labels.len() {
        graph.join(&whole, &made, reason);
    }
}

/// Where the axes of the slice put each label of a spec; reduced labels get numbers behind them.
fn positions(spec: &Spec, window: &Window, extents: &mut Vec<u64>) -> Vec<Position> {
    let mut position = |label: Label| match spec.output.iter().position(|l| *l == label) {
        Some(axis) => window.positions[axis].clone(),
        None => {
            extents.push(spec.extents[usize::from(label)]);
            Position::label((extents.len() - 1) as Label)
        }
    };
    (0..spec.extents.len() as Label).map(&mut position).collect()
}

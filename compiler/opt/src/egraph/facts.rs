//! What is known of the value of a class. No cost is in here: costs depend on what is chosen, facts do not.

use super::language::{Constant, Node};
use crate::ranges::Range;
use egg::{Analysis, DidMerge, EGraph, Id};
use ein_ir::dtype::DType;

/// What nodes refer to by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Tensors that the graph does not look into.
    pub(crate) leaves: Vec<Type>,
    /// Nests of the program.
    pub(crate) nests: Vec<Type>,
}

/// Extents and element type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Type {
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
}

/// Facts of a class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data {
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
    /// The value, if it is a number known here.
    pub(crate) constant: Option<Constant>,
    /// Between which numbers the elements lie.
    pub(crate) range: Range,
    /// A class with a smaller id of which this one is a permutation: axis `n` of this one is axis `axes[n]` of that one.
    pub(crate) leader: Option<(Id, Vec<usize>)>,
}

impl Data {
    fn new(shape: Vec<u64>, dtype: DType) -> Self {
        Self { shape, dtype, constant: None, range: Range::of_type(dtype), leader: None }
    }

    pub(crate) fn n_elements(&self) -> f64 {
        self.shape.iter().map(|e| *e as f64).product()
    }
}

impl Analysis<Node> for Facts {
    type Data = Data;

    fn make(egraph: &mut EGraph<Node, Self>, node: &Node, _: Id) -> Data {
        let of = |t: &Type| Data::new(t.shape.clone(), t.dtype);
        match node {
            Node::Leaf(n) => of(&egraph.analysis.leaves[*n as usize]),
            Node::Nest(n, _) => of(&egraph.analysis.nests[*n as usize]),
            Node::Constant(c) => {
                Data { constant: Some(*c), range: Range::of_literal(c.literal(), c.dtype), ..Data::new(Vec::new(), c.dtype) }
            }
            // Ranges are handed on and never computed here: else they might narrow without end around a cycle.
            Node::Contract(ring, spec, children) if children.len() == 1 && !spec.reduces() => {
                Data { range: egraph[children[0]].data.range, ..Data::new(spec.shape(), ring.dtype) }
            }
            Node::Contract(ring, spec, _) | Node::Sum(ring, spec, _) => Data::new(spec.shape(), ring.dtype),
            Node::Slice(window, child) => {
                let Data { dtype, range, .. } = egraph[*child].data;
                Data { range, ..Data::new(window.shape.clone(), dtype) }
            }
            Node::Conjugate(child) => {
                let Data { shape, dtype, .. } = &egraph[*child].data;
                Data::new(shape.clone(), *dtype)
            }
        }
    }

    fn merge(&mut self, a: &mut Data, b: Data) -> DidMerge {
        debug_assert_eq!((&a.shape, a.dtype), (&b.shape, b.dtype), "equal values have equal types");
        let before = a.clone();
        a.constant = a.constant.or(b.constant);
        a.range = a.range.and(b.range);
        a.leader = match (a.leader.take(), b.leader.clone()) {
            (Some(x), Some(y)) => Some(x.min(y)),
            (x, y) => x.or(y),
        };
        DidMerge(*a != before, *a != b)
    }
}

//! What calls may copy and sizes may become, so that a program of a few lines cannot grow without bound.

use crate::limits::{MAX_COPIED_NODES, MAX_SIZE_WEIGHT, MAX_TREE_DEPTH};
use ein_ir::entity::Tensor;
use ein_ir::extent::{Atom, Extent};
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::{Definition, Module};
use std::cell::Cell;
use std::collections::BTreeMap;

/// Counts over one program.
#[derive(Default)]
pub(crate) struct Budget {
    copied: Cell<usize>,
}

impl Budget {
    /// Takes nodes for a copy, if there are as many left.
    pub(crate) fn take(&self, nodes: usize) -> bool {
        self.copied.set(self.copied.get().saturating_add(nodes));
        self.copied.get() <= MAX_COPIED_NODES
    }
}

/// Nodes of every expression of a module.
pub(crate) fn nodes_of(module: &Module) -> usize {
    let nodes = |definition: &Definition| match definition {
        Definition::Equation(e) => {
            let scalars = e.domain.iter().chain(e.reduce.iter().filter_map(|r| r.guard.as_ref())).chain([&e.body]);
            scalars.map(|scalar| measure(scalar, &BTreeMap::new()).nodes).sum()
        }
        _ => 1,
    };
    module.body.iter().map(nodes).sum::<usize>() + module.tensors.len() + module.indices.len()
}

/// How large an expression is.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) nodes: usize,
    pub(crate) depth: usize,
}

impl Measure {
    pub(crate) fn is_too_deep(self) -> bool {
        self.depth > MAX_TREE_DEPTH as usize
    }
}

/// How large an expression would be with values of these sizes in place of its accesses, and functions in place of approximations.
pub(crate) fn measure(scalar: &Scalar, values: &BTreeMap<Tensor, Measure>) -> Measure {
    if let ScalarKind::Access(access) = &scalar.kind
        && let Some(value) = values.get(&access.tensor)
    {
        return *value;
    }
    if let ScalarKind::Approx(approx) = &scalar.kind {
        return applied(&approx.function, measure(&approx.argument, values));
    }
    let mut whole = Measure { nodes: 1, depth: 1 };
    for child in scalar.children() {
        let child = measure(child, values);
        whole.nodes = whole.nodes.saturating_add(child.nodes);
        whole.depth = whole.depth.max(child.depth + 1);
    }
    whole
}

/// How large a function is when applied to a value.
fn applied(function: &Scalar, argument: Measure) -> Measure {
    if matches!(function.kind, ScalarKind::Operand(_)) {
        return argument;
    }
    let mut whole = Measure { nodes: 1, depth: 1 };
    for child in function.children() {
        let child = applied(child, argument);
        whole.nodes = whole.nodes.saturating_add(child.nodes);
        whole.depth = whole.depth.max(child.depth + 1);
    }
    whole
}

/// Whether a size is a polynomial that can be worked with: few terms, of few factors.
pub(crate) fn is_small(size: &Extent) -> bool {
    weight(size) <= MAX_SIZE_WEIGHT
}

/// Terms and factors of a size, those inside its quotients included.
fn weight(size: &Extent) -> usize {
    let atom = |atom: &Atom| match atom {
        Atom::Quotient(a, b) | Atom::Remainder(a, b) => 1 + weight(a) + weight(b),
        Atom::Dim(_) | Atom::Index(_) => 1,
    };
    size.terms().map(|(monomial, _)| 1 + monomial.iter().map(atom).sum::<usize>()).sum()
}

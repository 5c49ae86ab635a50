//! Factors of a product that are read at positions of data: gathered into a value of their own where a matrix product then
//! reads it many times, left in the loops where it would not.

use crate::contraction::{Network, Operand, pair};
use crate::draft::Draft;
use crate::order::{self, Chosen};
use crate::rewrite;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap};
use ein_ir::plan::{IndexRange, Nest, Strategy};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind};
use std::collections::BTreeSet;

/// How often an element must be read to be gathered beforehand: writing it and reading it back cost about as much as this many
/// multiply-adds of a matrix product.
const READS_MIN: u64 = 8;

/// Labels of a factor that may be gathered: an element of a tensor at positions of data, or of the slice of a step of a scan, which can be
/// computed anywhere.
pub(crate) fn labels_of(draft: &Draft, nest: &Nest, factor: &Scalar, acc: DType) -> Option<Vec<u16>> {
    let access = match &factor.kind {
        ScalarKind::Access(access) => access,
        ScalarKind::Cast(a) | ScalarKind::Unary(UnaryFn::Conj, a) => match &a.kind {
            ScalarKind::Access(access) => access,
            _ => return None,
        },
        _ => return None,
    };
    let reads_data = access.subs.iter().any(|s| s.value.as_polynomial().is_none());
    let mut is_slice = false;
    factor.visit(&mut |s| is_slice |= matches!(s.kind, ScalarKind::Index(index) if nest.is_param(index)));
    if factor.dtype != acc || !(reads_data || is_slice) || !cannot_fail(draft, factor) {
        return None;
    }
    let mut labels = BTreeSet::new();
    factor.visit(&mut |s| {
        if let ScalarKind::Index(index) = s.kind
            && !nest.is_param(index)
        {
            labels.insert(index.index());
        }
    });
    labels.into_iter().map(|n| u16::try_from(n).ok()).collect()
}

/// Whether an expression has a value whatever the data is.
pub(crate) fn cannot_fail(draft: &Draft, scalar: &Scalar) -> bool {
    let mut safe = true;
    scalar.visit(&mut |s| match &s.kind {
        ScalarKind::Binary(BinaryFn::FloorDiv | BinaryFn::Rem, _, divisor) => {
            safe &= matches!(divisor.kind, ScalarKind::Literal(Literal::Int(n)) if n != 0);
        }
        ScalarKind::Access(Access { tensor, subs, .. }) => {
            let moves = |mode| matches!(mode, Mode::Clamp | Mode::Wrap | Mode::Reflect);
            safe &= !subs.iter().zip(&draft.values[*tensor].extents).any(|(sub, extent)| moves(sub.mode) && *extent == 0);
        }
        _ => {}
    });
    safe
}

/// Whether every gathered factor is read often enough, and small enough.
pub(crate) fn is_worth_it(draft: &Draft, network: &Network) -> bool {
    let turns = order::nest_flops(network) / network.operands.len().max(1) as u64;
    let is_gathered = |n: &usize| network.gathered.iter().any(|(m, _)| m == n);
    let others = (0..network.operands.len()).filter(|n| !is_gathered(n)).map(|n| network.operands[n].value);
    let limit = order::intermediate_limit(draft, others.chain([network.out]));
    network.gathered.iter().all(|(n, _)| {
        let elements = network.volume(&network.operands[*n].labels);
        let bytes = elements.saturating_mul(network.acc.bytes() as u64);
        elements.saturating_mul(READS_MIN) <= turns && bytes <= limit
    })
}

/// Whether every gathered factor goes into a matrix product of the chosen order.
pub(crate) fn feeds_products(network: &Network, chosen: &Chosen) -> bool {
    let mut operands = network.operands.clone();
    for (n, rest) in &chosen.presums {
        operands[*n].labels.clone_from(rest);
    }
    let mut fed: BTreeSet<usize> = BTreeSet::new();
    for step in &chosen.pairs {
        let contraction = pair(network, network.out, [&operands[step.lhs], &operands[step.rhs]], &step.out_labels);
        if contraction.strategy != Strategy::Nest {
            fed.extend([step.lhs, step.rhs]);
        }
        operands.push(Operand { value: network.out, labels: step.out_labels.clone(), conjugate: false });
    }
    network.gathered.iter().all(|(n, _)| fed.contains(n))
}

/// The nest that computes a gathered factor.
pub(crate) fn nest(network: &Network, operand: &Operand, factor: &Scalar) -> Nest {
    let n_params = network.n_params;
    let labels = operand.labels.iter().map(|l| network.ranges[usize::from(*l)].clone());
    let indices: PrimaryMap<Index, IndexRange> = network.ranges[..n_params].iter().cloned().chain(labels).collect();
    let mut body = factor.clone();
    rewrite::replace_indices(&mut body, &|index| {
        let position = operand.labels.iter().position(|l| usize::from(*l) == index.index())?;
        Some(Scalar::index(Index::new(n_params + position), network.span))
    });
    let outer = indices.keys().skip(n_params).collect();
    Nest { out: operand.value, indices, params: n_params as u32, outer, domain: None, reduce: None, body, epilogue: None }
}

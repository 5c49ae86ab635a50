//! Factors of a product that are read at positions of data: gathered into a value of their own where a matrix product then
//! reads it many times, left in the loops where it would not.

use crate::draft::Draft;
use crate::rewrite;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap};
use ein_ir::plan::{IndexRange, Nest};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind};
use std::collections::BTreeSet;

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

/// The nest that computes an expression over some indices of another nest; its result has one axis for each of them.
pub(crate) fn pointwise(of: &Nest, labels: &[u16], mut body: Scalar) -> Nest {
    let n_params = of.params as usize;
    let ranges = labels.iter().map(|l| of.indices[Index::new(usize::from(*l))].clone());
    let indices: PrimaryMap<Index, IndexRange> = of.indices.values().take(n_params).cloned().chain(ranges).collect();
    let span = body.span;
    rewrite::replace_indices(&mut body, &|index| {
        let position = labels.iter().position(|l| usize::from(*l) == index.index())?;
        Some(Scalar::index(Index::new(n_params + position), span))
    });
    let outer = indices.keys().skip(n_params).collect();
    Nest { out: of.out, indices, params: of.params, outer, domain: None, reduce: None, body, epilogue: None }
}

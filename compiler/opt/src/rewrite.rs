//! Small rewritings of scalar expressions and nests.

use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::plan::{IndexRange, Nest};
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};

/// Every expression of a nest: domain, guard, body, epilogue.
pub(crate) fn scalars(nest: &Nest) -> Vec<&Scalar> {
    nest.scalars().collect()
}

/// Every expression of a nest for change.
pub(crate) fn scalars_mut(nest: &mut Nest) -> Vec<&mut Scalar> {
    nest.scalars_mut().collect()
}

/// Puts an expression in the place of every index.
pub(crate) fn replace_indices(scalar: &mut Scalar, replacement: &dyn Fn(Index) -> Option<Scalar>) {
    scalar.visit_mut(&mut |s| {
        if let ScalarKind::Index(index) = s.kind
            && let Some(new) = replacement(index)
        {
            *s = new;
        }
    });
}

/// Puts an expression in the place of every access to a tensor.
pub(crate) fn replace_accesses(scalar: &mut Scalar, tensor: Tensor, replacement: &dyn Fn(&Access) -> Scalar) {
    scalar.visit_mut(&mut |s| {
        if let ScalarKind::Access(access) = &s.kind
            && access.tensor == tensor
        {
            *s = replacement(access);
        }
    });
}

/// Accesses to a tensor, in order.
pub(crate) fn accesses_to(scalar: &Scalar, tensor: Tensor) -> Vec<&Access> {
    let mut out = Vec::new();
    scalar.visit(&mut |s| {
        if let ScalarKind::Access(access) = &s.kind
            && access.tensor == tensor
        {
            out.push(access);
        }
    });
    out
}

/// Number of nodes.
pub(crate) fn size(scalar: &Scalar) -> usize {
    let mut n = 0;
    scalar.visit(&mut |_| n += 1);
    n
}

/// Whether any of the indices occurs.
pub(crate) fn mentions(scalar: &Scalar, indices: &[Index]) -> bool {
    let mut found = false;
    scalar.visit(&mut |s| found |= matches!(s.kind, ScalarKind::Index(i) if indices.contains(&i)));
    found
}

/// Whether two expressions are spelled alike, wherever they stand.
pub(crate) fn same(a: &Scalar, b: &Scalar) -> bool {
    a.is_alike(b)
}

/// The indices of an access whose subscripts are all plain: exact, and a single index each.
pub(crate) fn plain_indices(access: &Access) -> Option<Vec<Index>> {
    let plain = |sub: &Sub| match (&sub.value.kind, sub.mode) {
        (ScalarKind::Index(index), Mode::Exact) => Some(*index),
        _ => None,
    };
    if access.prev { None } else { access.subs.iter().map(plain).collect() }
}

/// Number of times that the body of a nest is evaluated, guards apart, in a turn of the scans around: pinned indices have one value a term.
pub(crate) fn iterations(nest: &Nest) -> u64 {
    let is_pinned = |index: Index| nest.pins().iter().any(|pin| pin.index == index);
    let ranges = nest.indices.iter().filter(|(index, _)| !is_pinned(*index) && !nest.is_param(*index));
    ranges.fold(1, |n, (_, range)| n.saturating_mul(u64::try_from(range.hi.saturating_sub(range.lo)).unwrap_or(0)))
}

/// Number of elements that a nest writes, in a turn of the scans around.
pub(crate) fn n_results(nest: &Nest) -> u64 {
    let extent = |i: &Index| u64::try_from(nest.indices[*i].hi.saturating_sub(nest.indices[*i].lo)).unwrap_or(0);
    nest.outer.iter().filter(|i| !nest.is_param(**i)).fold(1, |n: u64, i| n.saturating_mul(extent(i)))
}

/// Makes room for the index of one more scan around a nest.
pub(crate) fn insert_param(nest: &mut Nest, position: usize, range: IndexRange) {
    let mut indices: Vec<IndexRange> = nest.indices.values().cloned().collect();
    indices.insert(position, range);
    nest.params += 1;
    renumber(nest, indices, &|index| Index::new(index.index() + usize::from(index.index() >= position)));
}

/// Takes a nest out of a scan around it, whose index it does not use.
pub(crate) fn remove_param(nest: &mut Nest, position: usize) {
    remove_index(nest, position);
    nest.params -= 1;
}

/// Takes an index away that nothing in a nest uses.
pub(crate) fn remove_index(nest: &mut Nest, position: usize) {
    let mut indices: Vec<IndexRange> = nest.indices.values().cloned().collect();
    indices.remove(position);
    renumber(nest, indices, &|index| Index::new(index.index() - usize::from(index.index() > position)));
}

fn renumber(nest: &mut Nest, indices: Vec<IndexRange>, new: &dyn Fn(Index) -> Index) {
    nest.indices = indices.into_iter().collect();
    nest.outer.iter_mut().for_each(|index| *index = new(*index));
    if let Some(reduce) = &mut nest.reduce {
        let pins = reduce.pins.iter_mut().map(|pin| &mut pin.index);
        reduce.binders.iter_mut().chain(pins).for_each(|index| *index = new(*index));
    }
    for scalar in scalars_mut(nest) {
        scalar.visit_mut(&mut |s| {
            if let ScalarKind::Index(index) = &mut s.kind {
                *index = new(*index);
            }
        });
    }
}

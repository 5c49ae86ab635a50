//! Slices that matrix products read where they are.
//!
//! In a scan an operand `W[t, i, k]` is the slice of the turn. It is first made a value of its own, as elements at positions of data
//! are; a matrix product takes strides, and needs no such copy where those of the source serve it as well.

use crate::draft::{Draft, Role, Work};
use crate::rewrite;
use ein_ir::entity::{Index, Tensor};
use ein_ir::plan::{Contraction, Nest, Strategy};
use ein_ir::scalar::{Access, Mode, ScalarKind};

/// Takes the copies of slices away that matrix products alone read.
pub(crate) fn read_in_place(draft: &mut Draft, strided_inputs: &[bool]) {
    let mut n = 0;
    while n < draft.steps.len() {
        if forward(draft, strided_inputs, n).is_some() {
            draft.steps.remove(n);
        } else {
            n += 1;
        }
    }
}

/// Gives the readers of a copied slice the tensor that it is a slice of; `None` if one of them cannot read it, or there is none.
fn forward(draft: &mut Draft, strided_inputs: &[bool], copy: usize) -> Option<()> {
    let slice = Slice::of(draft, copy)?;
    let is_strided = matches!(draft.values[slice.source].role, Role::Input(n) if strided_inputs.get(n as usize) == Some(&true));
    if !slice.is_as_good(is_strided) {
        return None;
    }
    let readers: Vec<usize> = (0..draft.steps.len()).filter(|n| draft.steps[*n].reads().contains(&slice.copy)).collect();
    let mut changed = Vec::new();
    for &reader in &readers {
        let Work::Contraction(contraction) = &draft.steps[reader].work else { return None };
        changed.push(slice.read_by(contraction, &draft.values[slice.source].extents)?);
    }
    let is_read = !readers.is_empty();
    for (reader, contraction) in readers.into_iter().zip(changed) {
        draft.steps[reader].work = Work::Contraction(contraction);
    }
    is_read.then_some(())
}

/// What an axis of the source of a slice is.
#[derive(Clone, Copy, Debug)]
enum Axis {
    /// This axis of the slice, whole.
    Of(usize),
    /// At the index of a scan around.
    Turn(Index),
}

/// A value that is a slice of another, the axes perhaps in another order.
struct Slice {
    copy: Tensor,
    source: Tensor,
    axes: Vec<Axis>,
}

impl Slice {
    fn of(draft: &Draft, step: usize) -> Option<Self> {
        let Work::Nest(nest) = &draft.steps[step].work else { return None };
        let ScalarKind::Access(access) = &nest.body.kind else { return None };
        let (copy, source) = (&draft.values[nest.out], &draft.values[access.tensor]);
        let is_copy = nest.reduce.is_none() && nest.domain.is_none() && copy.is_intermediate() && copy.dtype == source.dtype;
        let axes = axes(nest, access).filter(|_| is_copy && source.dtype.bits() >= 8)?;
        let is_whole = |(axis, extent): (&Axis, &u64)| match axis {
            Axis::Of(n) => copy.extents[*n] == *extent,
            Axis::Turn(index) => nest.indices[*index].lo >= 0 && u64::try_from(nest.indices[*index].hi).is_ok_and(|hi| hi <= *extent),
        };
        let whole = axes.iter().zip(&source.extents).all(is_whole);
        let once = (0..nest.outer.len()).all(|n| axes.iter().filter(|axis| matches!(axis, Axis::Of(m) if *m == n)).count() == 1);
        (whole && once).then_some(Self { copy: nest.out, source: access.tensor, axes })
    }

    /// Whether products read the source as fast as a copy: the slice is contiguous, or a matrix of contiguous rows. Otherwise a copy
    /// joins axes that a product could only loop over.
    fn is_as_good(&self, is_strided: bool) -> bool {
        let is_turn = |axis: &Axis| matches!(axis, Axis::Turn(_));
        let is_contiguous = self.axes.iter().skip_while(|axis| is_turn(axis)).all(|axis| !is_turn(axis));
        let is_matrix = self.axes.iter().filter(|axis| !is_turn(axis)).count() <= 2 && !self.axes.last().is_some_and(is_turn);
        is_matrix || (is_contiguous && !is_strided)
    }

    /// The contraction that reads the slice in place; `None` if that is no matrix product.
    fn read_by(&self, contraction: &Contraction, extents: &[u64]) -> Option<Contraction> {
        if contraction.strategy != Strategy::Gemm || contraction.conjugate != (false, false) {
            return None;
        }
        let mut changed = contraction.clone();
        for (tensor, labels) in [(&mut changed.lhs, &mut changed.lhs_labels), (&mut changed.rhs, &mut changed.rhs_labels)] {
            if *tensor != self.copy {
                continue;
            }
            *tensor = self.source;
            let mut own = Vec::new();
            for (axis, extent) in self.axes.iter().zip(extents) {
                own.push(match axis {
                    Axis::Of(n) => labels[*n],
                    Axis::Turn(index) => {
                        let label = u16::try_from(changed.extents.len()).ok()?;
                        changed.extents.push(*extent);
                        changed.turns.push((label, *index));
                        label
                    }
                });
            }
            *labels = own;
        }
        Some(changed)
    }
}

/// The axes of the source, if every subscript is an index alone and one of them that of a scan.
fn axes(nest: &Nest, access: &Access) -> Option<Vec<Axis>> {
    let indices = rewrite::plain_indices(access)?;
    let axis = |index: &Index| match nest.outer.iter().position(|o| o == index) {
        _ if nest.is_param(*index) => Some(Axis::Turn(*index)),
        position => Some(Axis::Of(position?)),
    };
    let axes: Vec<Axis> = indices.iter().map(axis).collect::<Option<_>>()?;
    let is_slice = axes.iter().any(|axis| matches!(axis, Axis::Turn(_)));
    (is_slice && access.subs.iter().all(|sub| sub.mode == Mode::Exact)).then_some(axes)
}

//! The innermost loop over the output.

use super::Emitter;
use super::tile::Shifts;
use crate::affine::{Affine, Axis};
use crate::schedule::Schedule;
use ein_ir::kernel::Operand;

impl Emitter<'_> {
    /// The elements of a range of the innermost axis.
    pub(crate) fn emit_strip(&mut self, schedule: &Schedule, axis: Axis, range: (Operand, Operand), learnt: Vec<Affine>) {
        self.over(axis, range, 1, |e| {
            learnt.into_iter().for_each(|form| e.learn(form));
            e.emit_elements(schedule, &[Shifts::new()]);
        });
    }

    pub(crate) fn emit_in_memory(&mut self, _schedule: &Schedule, _axis: Axis, _range: (Operand, Operand)) {
        unreachable!("not scheduled yet")
    }
}

//! Rows that are only copied go to the library's copy, which is wider than our vectors.

use super::strip::Range;
use super::{Bound, Emitter};
use crate::affine::{Affine, Axis};
use crate::graph::ValueOp;
use ein_ir::kernel::{BinaryOp, MemoryCopy, Operand, Stmt};

/// Bytes of a row from which a call is worth it.
const MIN_BYTES: i64 = 256;

impl<'a> Emitter<'a> {
    /// Emits a part of the innermost loop as one copy, if it is one; whether it did.
    pub(crate) fn emit_copy(&mut self, axis: Axis, (lo, hi): Range, known: &[Affine]) -> bool {
        let problem = self.problem;
        let long = match (lo, hi) {
            (Operand::Const(lo), Operand::Const(hi)) => hi - lo,
            _ => problem.axes[axis].extent,
        };
        let wanted = problem.domain.residual.is_none_or(|r| self.knowing(known, |e| e.truth(r)) == Some(true));
        let &[root] = problem.body.as_slice() else { return false };
        let root = self.knowing(known, |e| e.simplify(root));
        let ValueOp::Load(load) = &problem.graph[root].op else { return false };
        let contiguous = load.stride(axis) == Some(1) && problem.out.address.stride(axis) == Some(1);
        let steady = load.values.iter().all(|(v, _)| !problem.graph[*v].deps.contains(axis));
        let plain = problem.reduction.is_none() && self.jammed.len() == 1 && wanted;
        if !plain || !contiguous || !steady || long.saturating_mul(i64::from(problem.out.ty.bytes())) < MIN_BYTES {
            return false;
        }
        let start = match lo {
            Operand::Const(offset) => Bound { base: None, offset },
            Operand::Local(base) => Bound { base: Some(base), offset: 0 },
        };
        let count = self.arithmetic(BinaryOp::Sub, hi, lo);
        self.knowing(known, |e| {
            e.bound(axis, start, |e| {
                let (dst, src) = (e.address(&problem.out.address), e.address(load));
                e.push(Stmt::Copy(Box::new(MemoryCopy { dst, src, count })));
            });
        });
        true
    }
}

//! Reductions along a contiguous axis, in the lanes of several vectors.
//!
//! The order is fixed: term `t` of a block goes to accumulator `t / lanes % 4`, lane `t % lanes`; the accumulators are joined as
//! `(0 + 1) + (2 + 3)`, the lanes likewise, and what is left of the block follows term by term. Long float sums are cut into blocks,
//! and these into blocks of blocks, so that the error grows with neither length: that of a block, and of their number.

use super::strip::Range;
use super::tile::Shifts;
use super::{Emitter, Lanes};
use crate::affine::{Affine, Axis};
use crate::schedule::Schedule;
use crate::vectorize::lanes_of;
use ein_ir::entity::Local;
use ein_ir::kernel::{BinaryOp, Op, Operand, Stmt, Type};
use ein_ir::tensor::ReduceOp;

/// Vectors that a loop accumulates in: enough to hide the latency of an addition.
const ACCUMULATORS: i64 = 4;
/// Terms of a block of a float sum, and of a block of blocks: powers of two.
const BLOCKS: [i64; 2] = [1 << 18, 1 << 12];
/// Rows from this length on are joined one by one; shorter ones share their accumulators.
const OWN_ACCUMULATORS: i64 = 256;

impl<'a> Emitter<'a> {
    /// The reduction of the element at hand, vectors running along the innermost reduced axis; `None` if they cannot.
    pub(crate) fn fold_in_lanes(&mut self, schedule: &Schedule) -> Option<Local> {
        let (&row, outer) = schedule.reduced.split_last()?;
        let reduction = self.problem.reduction.as_ref().expect("called for reductions");
        let n = lanes_of(reduction.ty)?;
        let total = self.start(0, 1);
        let shared = (self.problem.axes[row].extent < OWN_ACCUMULATORS && !outer.is_empty()).then(|| self.accumulators(n));
        self.reduced_loops(outer, &[Shifts::new()], &mut |e| {
            let (range, learnt) = e.restrict(row, e.whole(row), &reduction.guard.constraints);
            e.split(row, range, learnt, 4, &mut |e, range, known, inner| {
                let vectors = inner && e.knowing(known, |e| e.fits_in_lanes(row, n));
                match &shared {
                    _ if !vectors => e.fold_scalars(row, range, known, total),
                    Some(accumulators) => e.fold_vectors(row, range, known, accumulators, total),
                    None => e.fold_blocks(row, range, known, &BLOCKS, total),
                }
            });
        });
        if let Some(accumulators) = shared {
            self.join(&accumulators, total);
        }
        Some(total)
    }

    fn accumulators(&mut self, lanes: u8) -> Vec<Local> {
        (0..ACCUMULATORS).map(|_| self.start(0, lanes)).collect()
    }

    fn fold_scalars(&mut self, row: Axis, range: Range, known: &[Affine], total: Local) {
        self.over(row, range, 1, |e| {
            e.learn_all(known);
            e.accumulate(&[total]);
        });
    }

    /// A range in blocks, each with accumulators of its own.
    fn fold_blocks(&mut self, row: Axis, (lo, hi): Range, known: &[Affine], blocks: &[i64], total: Local) {
        let reduction = self.problem.reduction.as_ref().expect("called for reductions");
        let rounds = reduction.op == ReduceOp::Sum && reduction.ty.is_float();
        let Some((&size, smaller)) = blocks.split_first().filter(|_| rounds) else {
            let accumulators = self.accumulators(lanes_of(reduction.ty).expect("vectors run"));
            self.fold_vectors(row, (lo, hi), known, &accumulators, total);
            return self.join(&accumulators, total);
        };
        if self.problem.axes[row].extent <= size {
            return self.fold_blocks(row, (lo, hi), known, smaller, total);
        }
        self.counted(lo, hi, size, |e, start| {
            let end = e.arithmetic(BinaryOp::Add, Operand::Local(start), Operand::Const(size));
            let end = e.arithmetic(BinaryOp::Min, end, hi);
            let sum = e.start(0, 1);
            e.fold_blocks(row, (Operand::Local(start), end), known, smaller, sum);
            e.push(Stmt::Set(total, Op::Binary(BinaryOp::Add, total, sum)));
        });
    }

    fn fold_vectors(&mut self, row: Axis, range: Range, known: &[Affine], accumulators: &[Local], total: Local) {
        let n = self.locals[accumulators[0]].lanes;
        let (mut lo, hi) = range;
        let before = self.lanes.replace(Lanes { axis: row, n });
        self.knowing(known, |e| {
            e.hoist_all();
            for used in [accumulators, &accumulators[..1]] {
                let step = i64::from(n) * used.len() as i64;
                let middle = e.last_whole_turn((lo, hi), step);
                e.over(row, (lo, middle), step, |e| {
                    e.learn_all(known);
                    for (u, accumulator) in used.iter().enumerate() {
                        e.shifted(row, u as i64 * i64::from(n), |e| e.accumulate(&[*accumulator]));
                    }
                });
                lo = middle;
            }
        });
        self.lanes = before;
        self.fold_scalars(row, (lo, hi), known, total);
    }

    /// Joins accumulators, then lanes, into a scalar.
    fn join(&mut self, accumulators: &[Local], total: Local) {
        let op = self.combining_op();
        let ty = self.locals[accumulators[0]];
        let vector = self.pairwise(accumulators.to_vec(), op, ty);
        let scalar = Type::scalar(ty.scalar);
        let lanes = (0..ty.lanes).map(|lane| self.set(scalar, Op::Extract(vector, lane))).collect();
        let sum = self.pairwise(lanes, op, scalar);
        self.push(Stmt::Set(total, Op::Binary(op, total, sum)));
    }

    fn pairwise(&mut self, mut values: Vec<Local>, op: BinaryOp, ty: Type) -> Local {
        while values.len() > 1 {
            values = values.chunks(2).map(|pair| self.set(ty, Op::Binary(op, pair[0], pair[1]))).collect();
        }
        values[0]
    }
}

//! What changes only from turn to turn of the scans around a kernel.

use ein_ir::entity::Local;
use ein_ir::kernel::{BinaryOp, Op, OpConst};
use ein_ir::plan::Scan;

/// A scan around the kernels being made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    /// Its range.
    pub(crate) lo: i64,
    pub(crate) hi: i64,
    /// The index in the last turn.
    last: i64,
}

impl Around {
    pub(crate) fn of(scan: &Scan) -> Self {
        let (lo, hi) = (scan.range.lo, scan.range.hi);
        Self { lo, hi, last: if scan.reverse { lo } else { hi.saturating_sub(1) } }
    }

    /// Number of turns.
    pub(crate) fn extent(&self) -> i64 {
        self.hi.saturating_sub(self.lo)
    }

    /// The index of the scan, counted from 0.
    pub(crate) fn step(&self, n_around: usize) -> Turn {
        Turn::Step { counter: n_around as u32, lo: self.lo }
    }

    /// Whether an odd number of turns follow.
    pub(crate) fn parity(&self, n_around: usize) -> Turn {
        Turn::Parity { counter: n_around as u32, last: self.last }
    }
}

/// A value that is known in each turn of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The counter less its first value.
    Step { counter: u32, lo: i64 },
    /// 1 if the counter is an odd number away from its last value, else 0.
    Parity { counter: u32, last: i64 },
}

impl Turn {
    /// Computes it; `set` gives a new i64 variable a value.
    pub(crate) fn emit(self, set: &mut dyn FnMut(Op) -> Local) -> Local {
        let (counter, least) = match self {
            Turn::Step { counter, lo } => (counter, lo),
            Turn::Parity { counter, last } => (counter, last & 1),
        };
        let value = set(Op::Scalar(counter));
        let from = |set: &mut dyn FnMut(Op) -> Local, op, value, n| {
            let n = set(Op::Const(OpConst::Int(n)));
            set(Op::Binary(op, value, n))
        };
        match self {
            Turn::Step { .. } if least == 0 => value,
            Turn::Step { .. } => from(set, BinaryOp::Sub, value, least),
            Turn::Parity { .. } => {
                let value = if least == 0 { value } else { from(set, BinaryOp::Xor, value, 1) };
                from(set, BinaryOp::And, value, 1)
            }
        }
    }
}

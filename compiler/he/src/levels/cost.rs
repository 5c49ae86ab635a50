//! What operations cost at a level, in units of the dearest at the highest.

use crate::Costs;
use ein_ir::packed::Op;
#[cfg(test)]
use ein_ir::packed::Packed;

/// A rescaling of three, at any level: its rounding meets the square of the key and is ten times the noise of a fresh ciphertext, so that it
/// comes after the relinearisation wherever it can.
const RESCALE_THREE: f64 = 1000.0;

/// What an operation counts for that adds noise after a rescaling and might do so before it, if noise counts: more than any costs.
const NOISE: f64 = 10.0;

/// What operations cost, by the table that plans are made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights {
    costs: Costs,
    /// What noise counts for.
    noise: f64,
}

impl Weights {
    /// With the dearest as 1: the unit of a table is anything.
    pub(crate) fn of(costs: &Costs) -> Self {
        let Costs { rotation, hoisted, relin, mulcc, mulcp, add, rescale, boot } = *costs;
        // A rotation is not free.
        let dearest = [rotation, relin, mulcc, mulcp, add, rescale].into_iter().fold(f64::MIN_POSITIVE, f64::max);
        let [rotation, hoisted, relin, mulcc, mulcp, add, rescale] =
            [rotation, hoisted, relin, mulcc, mulcp, add, rescale].map(|cost| cost / dearest);
        Self { costs: Costs { rotation, hoisted, relin, mulcc, mulcp, add, rescale, boot }, noise: 0.0 }
    }

    /// With key switches before rescalings where they can be: at a scale of two moduli their noise is nothing.
    pub(crate) const fn quiet(self) -> Self {
        Self { noise: NOISE, ..self }
    }

    /// What an operation counts for besides if it comes after the rescaling of what it reads.
    pub(crate) const fn noise(&self, op: &Op) -> f64 {
        if matches!(op, Op::Rotate { .. } | Op::Relin(_)) { self.noise } else { 0.0 }
    }

    /// An operation other than a rescaling, at the highest level; `parts` are those of what it reads.
    pub(crate) fn weight(&self, op: &Op, parts: u8) -> f64 {
        match op {
            Op::Rotate { .. } => self.costs.rotation,
            Op::Relin(_) => self.costs.relin,
            Op::Mul(..) => self.costs.mulcc,
            Op::MulPlain(..) | Op::Mask(..) => self.costs.mulcp * per_part(parts),
            Op::Add(..) | Op::Sub(..) | Op::AddPlain(..) | Op::Neg(_) => self.costs.add * per_part(parts),
            Op::Input { .. } | Op::Rescale(_) | Op::Drop(..) | Op::Boot { .. } => 0.0,
        }
    }

    /// A rescaling, at the level with this share.
    pub(crate) fn rescale(&self, parts: u8, share: f64) -> f64 {
        self.costs.rescale * per_part(parts) * share + if parts > 2 { RESCALE_THREE } else { 0.0 }
    }
}

fn per_part(parts: u8) -> f64 {
    f64::from(parts) / 2.0
}

/// The share of an operation's cost that is left at a level of `top`: less moduli, less work.
pub(crate) fn share(level: u32, top: u32) -> f64 {
    ((f64::from(level) + 1.0) / (f64::from(top) + 1.0)).powf(1.5)
}

/// All operations of a program with rescalings.
#[cfg(test)]
pub(crate) fn total(packed: &Packed, top: u32, weights: Weights) -> f64 {
    let levels = ein_ir::packed::level::levels(packed, top).expect("levels are right");
    let parts = super::demand::demand(packed).parts;
    let at = |op: &Op| op.args().map(|arg| levels[arg].level).min().unwrap_or(top);
    let of = |op: &Op| op.args().map(|arg| parts[arg]).max().unwrap_or(2);
    let cost = |op: &Op| match op {
        Op::Rescale(_) => weights.rescale(of(op), share(at(op), top)),
        op => weights.weight(op, of(op)) * share(at(op), top),
    };
    packed.ops.values().map(cost).sum()
}

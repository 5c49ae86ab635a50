//! The level at which each value is needed.

use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed};

/// What is asked of every value of a program.
pub(crate) struct Demand {
    /// The lowest level at which a value may be once it is rescaled: the highest at which it is read.
    pub(crate) base: SecondaryMap<Ciphertext, u32>,
    /// Whether a value may carry a product that is not rescaled: it is one, or is made of such values only.
    pub(crate) may_wait: SecondaryMap<Ciphertext, bool>,
    /// Two, or three before a relinearisation.
    pub(crate) parts: SecondaryMap<Ciphertext, u8>,
    /// Levels of a fresh ciphertext.
    pub(crate) top: u32,
}

/// The demands of a program without rescalings, bootstrappings apart, in which every value is read.
pub(crate) fn demand(packed: &Packed) -> Demand {
    let mut demand = Demand { base: SecondaryMap::new(), may_wait: SecondaryMap::new(), parts: SecondaryMap::with_default(2), top: 0 };
    for (id, op) in packed.ops.iter().rev() {
        // A bootstrapping reads at the lowest level, where that is cheapest.
        let factor = if matches!(op, Op::Boot { .. }) { 0 } else { demand.base[id] + u32::from(op.multiplies()) };
        op.args().for_each(|arg| demand.base[arg] = demand.base[arg].max(factor));
    }
    for (id, op) in &packed.ops {
        let made_of_waiting = !matches!(op, Op::Boot { .. }) && op.args().next().is_some() && op.args().all(|arg| demand.may_wait[arg]);
        demand.may_wait[id] = op.multiplies() || made_of_waiting;
        demand.parts[id] = match op {
            Op::Mul(..) => 3,
            Op::Relin(_) | Op::Input { .. } | Op::Boot { .. } => 2,
            _ => op.args().map(|arg| demand.parts[arg]).max().unwrap_or(2),
        };
        let own = if let Op::Boot { level, .. } = op { *level } else { 0 };
        demand.top = demand.top.max(demand.base[id] + u32::from(op.multiplies())).max(own);
    }
    demand
}

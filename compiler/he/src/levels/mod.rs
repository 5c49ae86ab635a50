//! Levels: where a plan rescales, for a scheme of reals with one modulus a level.
//!
//! A product doubles the scale of its numbers, and a rescaling takes that back for one level. What decides is where rescalings stand. Two
//! facts make the choice small:
//!
//! * No program does with fewer levels than it has products on its longest path, and every program does with as many if each factor of a
//!   product is rescaled first: a factor that is not costs the result another level. So the number of levels is the depth.
//! * Every operation is cheaper at a lower level, so each value is at the lowest that its readers allow ([`demand`]), and what is read at
//!   several levels is dropped to them.
//!
//! What is left is whether the sums and rotations after a product wait for the rescaling or come after it: one rescaling
//! of a sum is cheaper than one of each term, and rotations are cheaper after it. With two states a value that is a minimum cut, and
//! [`choice`] finds the best exactly. Multiplying by 1 to raise a scale is never needed: whatever waits can be rescaled instead.
//!
//! Where there are fewer levels than that, values are bootstrapped if that may be ([`boot`]): levels are then counted from there.
//!
//! A result is rescaled, so that it is sent in as few moduli as it can.

pub mod boot;
pub mod budget;
mod choice;
mod cost;
mod demand;
pub mod drawn;
pub mod error;
mod flow;
mod holds;
pub mod parameters;
pub mod path;
mod place;
mod plan;
mod prepare;
#[cfg(test)]
mod tests;
mod words;

pub use boot::Available;
pub use error::{Errors, OutputError, approximations, without_an_end};
pub use holds::with_budgets_that_hold;
pub use parameters::Parameters;
pub use path::Step;
pub(crate) use plan::leveled_with_origins;
pub use plan::{Levels, Reals, Refreshed, plan_reals, plan_secure};
pub use words::at_most;

use crate::Costs;
use cost::Weights;
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::verify::verify;
use ein_ir::packed::{Op, Packed};
use ein_ir::verified::{Verified, VerifierError};

/// A program with its rescalings.
#[derive(Clone, Debug)]
pub struct Leveled {
    /// The same operations, rescalings and drops among them; those that no result needs are gone.
    pub packed: Verified<Packed>,
    /// Levels of a fresh ciphertext.
    pub top: u32,
    /// Of each operation, the one of the given program that it is or follows.
    pub origins: SecondaryMap<Ciphertext, Ciphertext>,
}

impl Leveled {
    /// The same with so many moduli more: every ciphertext has them, and numbers may be larger.
    pub(crate) fn raised(self, levels: u32) -> Result<Self, Vec<VerifierError>> {
        let mut packed = self.packed.into_inner();
        for op in packed.ops.values_mut() {
            if let Op::Drop(_, level) | Op::Boot { level, .. } = op {
                *level += levels;
            }
        }
        let (packed, top) = (verify(packed)?, self.top + levels);
        ein_ir::packed::level::levels(&packed, top)?;
        Ok(Self { packed, top, origins: self.origins })
    }
}

/// Places the rescalings of a program at the least cost of its operations, by the table that plans are made with.
///
/// # Errors
/// The program that was made is broken, which is a mistake of this crate.
pub fn level(packed: &Verified<Packed>, costs: &Costs) -> Result<Leveled, Vec<VerifierError>> {
    level_by(packed, Weights::of(costs))
}

/// The same, by weights.
pub(crate) fn level_by(packed: &Verified<Packed>, weights: Weights) -> Result<Leveled, Vec<VerifierError>> {
    let prepared = prepare::prepare(packed);
    let demand = demand::demand(&prepared.packed);
    let waits = choice::waits(&prepared.packed, &demand, weights);
    let placed = place::place(&prepared.packed, &demand, &waits);
    let packed = verify(placed.packed)?;
    ein_ir::packed::level::levels(&packed, demand.top)?;
    let mut origins = SecondaryMap::with_default(Ciphertext::from_u32(0));
    packed.ops.keys().for_each(|id| origins[id] = prepared.origins[placed.origins[id]]);
    Ok(Leveled { packed, top: demand.top, origins })
}

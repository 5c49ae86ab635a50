//! What numbers need of the moduli: a ciphertext whose number in any slot, with an element or without, is beyond what its level holds is lost in
//! all of them.
//!
//! A coefficient of what stands for numbers is no larger than the largest number times the scale, so a ciphertext at level `l` and scale `s`
//! holds numbers below half of its moduli divided by its scale. Each level that a plan has besides those that it needs gives every ciphertext of it
//! one more modulus.

use super::slots::Slots;
use crate::levels::parameters::{FIRST, SCALE};
use ein_ir::packed::level::Level;

/// Levels that numbers need beyond those of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Room {
    /// How many, of the numbers that are bounded.
    pub(crate) levels: u32,
    /// The largest number of those that need any.
    pub(crate) largest: f64,
    /// Whether nothing bounds some number.
    unbounded: bool,
}

impl Room {
    /// What a value needs.
    pub(crate) fn of(value: &Slots, at: Level) -> Self {
        let largest = value.largest().into_iter().fold(0.0, |most, x| if x.is_nan() { f64::INFINITY } else { f64::max(most, x) });
        let bits = largest.log2() - Self::bits(at);
        if bits < 0.0 {
            return Self::default();
        }
        // Nothing that has as many is a plan.
        let levels = (1..=64_u32).find(|levels| bits < f64::from(SCALE * levels));
        match levels {
            Some(levels) => Self { levels, largest, unbounded: false },
            None => Self { levels: 0, largest: 0.0, unbounded: true },
        }
    }

    /// Bits that numbers may have at a level.
    pub(crate) fn bits(at: Level) -> f64 {
        f64::from(FIRST) - 1.0 + f64::from(SCALE) * (f64::from(at.level) - f64::from(at.scale))
    }

    /// What both need.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            levels: if self.levels > other.levels { self.levels } else { other.levels },
            largest: self.largest.max(other.largest),
            unbounded: self.unbounded || other.unbounded,
        }
    }

    /// Whether nothing bounds some number.
    pub(crate) const fn is_unbounded(self) -> bool {
        self.unbounded
    }
}

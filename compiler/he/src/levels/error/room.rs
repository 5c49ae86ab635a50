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
    /// How many; none if nothing bounds some number.
    levels: Bounded,
    /// The largest number of those that need any.
    pub(crate) largest: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bounded {
    By(u32),
    Not,
}

impl Default for Bounded {
    fn default() -> Self {
        Self::By(0)
    }
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
        Self { levels: levels.map_or(Bounded::Not, Bounded::By), largest }
    }

    /// Bits that numbers may have at a level.
    pub(crate) fn bits(at: Level) -> f64 {
        f64::from(FIRST) - 1.0 + f64::from(SCALE) * (f64::from(at.level) - f64::from(at.scale))
    }

    /// What both need.
    pub(crate) fn and(self, other: Self) -> Self {
        let levels = match (self.levels, other.levels) {
            (Bounded::By(a), Bounded::By(b)) => Bounded::By(a.max(b)),
            _ => Bounded::Not,
        };
        Self { levels, largest: self.largest.max(other.largest) }
    }

    /// How many levels are needed; none if nothing bounds some number.
    pub(crate) const fn levels(self) -> Option<u32> {
        match self.levels {
            Bounded::By(levels) => Some(levels),
            Bounded::Not => None,
        }
    }
}

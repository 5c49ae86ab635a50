//! What a plan costs, in rotations of a ciphertext.
//!
//! The weights are a table, [`Costs`], that a caller may give ([`crate::Options`]); whatever is weighed is weighed by one that is handed on.

use ein_ir::packed::Counts;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// What operations cost. Only ratios matter to a plan; a rotation at full level is 1 in the built-in table.
///
/// ```
/// use ein_he::Costs;
/// use ein_ir::packed::Counts;
/// let alone = Counts { rotations: 3, ..Counts::default() };
/// let of_one = Counts { hoisted: 2, ..alone };
/// assert!(Costs::default().weigh(&of_one) < Costs::default().weigh(&alone));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// A rotation.
    pub rotation: f64,
    /// A rotation of a ciphertext that another one has rotated before: they share work.
    pub hoisted: f64,
    /// A relinearisation.
    pub relin: f64,
    /// A product of two ciphertexts.
    pub mulcc: f64,
    /// A product with a plaintext, a mask among them.
    pub mulcp: f64,
    /// A sum or a difference.
    pub add: f64,
    /// A rescaling.
    pub rescale: f64,
    /// A bootstrapping; a table that does not say has that of the built-in one.
    #[serde(default = "boot")]
    pub boot: f64,
}

/// As many rotations as one takes.
const fn boot() -> f64 {
    300.0
}

/// CKKS at 16384 slots.
impl Default for Costs {
    fn default() -> Self {
        Self { rotation: 1.0, hoisted: 0.45, relin: 1.0, mulcc: 0.12, mulcp: 0.06, add: 0.01, rescale: 0.08, boot: boot() }
    }
}

impl Costs {
    /// What operations that were counted cost.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn weigh(&self, counts: &Counts) -> f64 {
        let terms = [
            (counts.rotations - counts.hoisted, self.rotation),
            (counts.hoisted, self.hoisted),
            (counts.relins, self.relin),
            (counts.mulcc, self.mulcc),
            (counts.mulcp, self.mulcp),
            (counts.adds, self.add),
            (counts.rescales, self.rescale),
            (counts.boots, self.boot),
        ];
        terms.into_iter().map(|(n, weight)| n as f64 * weight).sum()
    }

    /// What plans are compared by: each level makes every operation slower, as it takes one modulus more.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "depths are small")]
    pub fn with_levels(weight: f64, depth: usize) -> f64 {
        weight * ((depth + 1) as f64).powf(1.5)
    }

    /// What is wrong with a table, if anything: plans are compared by sums of its numbers.
    ///
    /// # Errors
    /// The name of a number that is negative, too large or none; `rotation` may not be 0 either.
    pub fn check(&self) -> Result<(), String> {
        let named = [
            ("rotation", self.rotation),
            ("hoisted", self.hoisted),
            ("relin", self.relin),
            ("mulcc", self.mulcc),
            ("mulcp", self.mulcp),
            ("add", self.add),
            ("rescale", self.rescale),
            ("boot", self.boot),
        ];
        let wrong = named.into_iter().find(|(name, cost)| !(0.0..=1e9).contains(cost) || *name == "rotation" && *cost == 0.0);
        wrong.map_or(Ok(()), |(name, cost)| Err(format!("`{name}` is {cost}, and not from 0 to 1e9")))
    }
}

/// Numbers of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) rotations: u64,
    pub(crate) relins: u64,
    pub(crate) mulcc: u64,
    pub(crate) mulcp: u64,
    pub(crate) adds: u64,
}

impl Cost {
    /// What they cost together; rotations of one ciphertext share nothing.
    pub(crate) fn weigh(&self, costs: &Costs) -> f64 {
        let terms = [
            (self.rotations, costs.rotation),
            (self.relins, costs.relin),
            (self.mulcc, costs.mulcc),
            (self.mulcp, costs.mulcp),
            (self.adds, costs.add),
        ];
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let weigh = |(n, weight): (u64, f64)| n as f64 * weight;
        terms.into_iter().map(weigh).sum()
    }
}

impl Cost {
    /// What is left without a part of it.
    pub(crate) const fn without(self, part: Self) -> Self {
        Self {
            rotations: self.rotations.saturating_sub(part.rotations),
            relins: self.relins.saturating_sub(part.relins),
            mulcc: self.mulcc.saturating_sub(part.mulcc),
            mulcp: self.mulcp.saturating_sub(part.mulcp),
            adds: self.adds.saturating_sub(part.adds),
        }
    }

    /// What a packed program does.
    pub(crate) const fn of(counts: &Counts) -> Self {
        Self {
            rotations: counts.rotations as u64,
            relins: counts.relins as u64,
            mulcc: counts.mulcc as u64,
            mulcp: counts.mulcp as u64,
            adds: counts.adds as u64,
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.rotations = self.rotations.saturating_add(other.rotations);
        self.relins = self.relins.saturating_add(other.relins);
        self.mulcc = self.mulcc.saturating_add(other.mulcc);
        self.mulcp = self.mulcp.saturating_add(other.mulcp);
        self.adds = self.adds.saturating_add(other.adds);
    }
}

//! What a plan costs, in key switches of a ciphertext at full level.

use std::ops::AddAssign;

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
    /// The weights of CKKS at 16384 slots: a rotation is one.
    pub(crate) fn weigh(&self) -> f64 {
        let terms = [(self.rotations, 1.0), (self.relins, 1.0), (self.mulcc, 0.12), (self.mulcp, 0.06), (self.adds, 0.01)];
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let weigh = |(n, weight): (u64, f64)| n as f64 * weight;
        terms.into_iter().map(weigh).sum()
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

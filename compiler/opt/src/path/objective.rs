//! What is minimised.

use super::network::Network;
use super::optimal::Rank;
use super::portfolio::WithCost;
use super::price::{self, price};
use super::step_cost::{Combo, Flops, Sizes, StepCost, Time, Written};
use super::tree::Path;

/// What makes one path better than another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// Multiplications and additions as `opt_einsum` counts them; of equal ones, the least peak memory.
    Flops,
    /// Predicted time.
    Time(Time),
    /// Peak memory; of equal ones, the fewest flops. Exact for few operands; large networks are searched for small results.
    Peak,
    /// Flops, and each element written as 64 of them.
    Combo,
}

impl Objective {
    pub(crate) fn with_cost(&self, then: &mut impl WithCost) {
        match self {
            Self::Flops => then.call(&Flops),
            Self::Time(time) => then.call(time),
            Self::Peak => then.call(&SmallResults),
            Self::Combo => then.call(&Combo),
        }
    }

    pub(crate) fn rank(&self) -> Rank {
        if *self == Self::Peak { Rank::Peak } else { Rank::Cost }
    }

    /// Two numbers that are compared one after the other; less is better.
    pub(crate) fn rank_of(&self, network: &Network, path: &Path) -> [f64; 2] {
        let price = price(network, path);
        let (flops, peak) = (price.log10_flops, price.peak as f64);
        match self {
            // As integers while they fit: a difference of one flop counts.
            Self::Flops if price.flops < u128::MAX => [price.flops as f64, peak],
            Self::Flops => [flops * 1e40, peak],
            Self::Time(time) => [price::log2_cost(network, path, time), peak],
            Self::Peak => [peak, flops],
            Self::Combo => [price::log2_cost(network, path, &Combo), peak],
        }
    }
}

/// Flops among the trees of one peak where all are compared, small results where trees are searched.
struct SmallResults;

impl StepCost for SmallResults {
    fn cost(&self, elements: &Sizes) -> f64 {
        Flops.cost(elements)
    }

    fn log2_cost(&self, log2: &Sizes) -> f64 {
        Written.log2_cost(log2)
    }
}

//! What a path costs, exactly: the one judge of all searches.

use super::log2;
use super::network::Network;
use super::step_cost::{Sizes, StepCost};
use super::tree::Path;
use super::walk::{Step, walk};

/// Work and memory of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// Multiplications and additions as `opt_einsum` counts them, up to the largest number of 128 bits.
    pub flops: u128,
    /// Decimal logarithm of `flops`, of any size; negative infinity for no work.
    pub log10_flops: f64,
    /// Decimal logarithm of the combinations of values of all labels of each step, summed over the steps: multiplications.
    pub log10_volume: f64,
    /// Binary logarithm of the size of the largest result.
    pub log2_largest: f64,
    /// Elements of intermediates and of the result, at most at a time, in the order of the steps; operands are not counted.
    pub peak: u128,
    /// Elements of all results.
    pub written: u128,
}

/// Prices a path of a network.
///
/// Every step counts its volume, twice if a label is summed: the rule of `opt_einsum`, for single operands too.
#[must_use]
pub fn price(network: &Network, path: &Path) -> Price {
    let extents = |labels: &[u32]| labels.iter().fold(1u128, |n, l| n.saturating_mul(u128::from(network.extent(*l))));
    let weights = true_weights(network);
    let (mut meter, mut volumes, mut doubled) = (Meter::default(), Vec::new(), Vec::new());
    let (mut flops, mut written, mut log2_largest) = (0u128, 0u128, 0.0f64);
    walk(network, path, |step| {
        let out = extents(&step.out);
        flops = flops.saturating_add(extents(&step.all).saturating_mul(1 + u128::from(step.sums())));
        written = written.saturating_add(out);
        log2_largest = log2_largest.max(weight(&step.out, &weights));
        meter.make(step, out);
        volumes.push(weight(&step.all, &weights));
        doubled.push(weight(&step.all, &weights) + f64::from(u8::from(step.sums())));
    });
    let log10 = |values: &[f64]| log2::sum(values.iter().copied()) * std::f64::consts::LOG10_2;
    let (log10_flops, log10_volume) = (log10(&doubled), log10(&volumes));
    Price { flops, log10_flops, log10_volume, log2_largest, peak: meter.peak, written }
}

/// Binary logarithm of the cost of a path under a step cost: of the exact one, unless no float holds it.
pub(crate) fn log2_cost<C: StepCost>(network: &Network, path: &Path, cost_of: &C) -> f64 {
    let weights = network.log2_extents();
    let elements: Vec<f64> = network.extents().iter().map(|e| *e as f64).collect();
    let (mut exact, mut estimates) = (0.0, Vec::new());
    walk(network, path, |step| {
        let sizes = |of: &dyn Fn(&[u32]) -> f64| {
            let (lhs, rhs) = (of(&step.operands[0]), of(step.operands.get(1).map_or(&[], Vec::as_slice)));
            Sizes { lhs, rhs, out: of(&step.out), volume: of(&step.all), sums: step.sums() }
        };
        exact += cost_of.cost(&sizes(&|labels| labels.iter().map(|l| elements[*l as usize]).product()));
        estimates.push(cost_of.log2_cost(&sizes(&|labels| weight(labels, &weights))));
    });
    if exact < 1e300 { libm::log2(exact) } else { log2::sum(estimates.iter().copied()) }
}

/// Sizes of one step; those as binary logarithms are negative infinity if an axis is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSizes {
    /// Multiplications.
    pub log2_volume: f64,
    /// Elements of the result.
    pub log2_out: f64,
    /// Elements of intermediates and of the result that are there while it runs.
    pub held: u128,
    /// Labels of the result, ascending.
    pub out: Vec<u32>,
    /// Labels that are summed, ascending.
    pub summed: Vec<u32>,
}

impl Path {
    /// Sizes of every step, in the order of [`Path::to_ssa`].
    #[must_use]
    pub fn step_sizes(&self, network: &Network) -> Vec<StepSizes> {
        let weights = true_weights(network);
        let (mut meter, mut sizes) = (Meter::default(), Vec::new());
        walk(network, self, |step| {
            let held = meter.make(step, step.out.iter().fold(1u128, |n, l| n.saturating_mul(u128::from(network.extent(*l)))));
            let (log2_volume, log2_out) = (weight(&step.all, &weights), weight(&step.out, &weights));
            let summed = step.all.iter().copied().filter(|l| !step.out.contains(l)).collect();
            sizes.push(StepSizes { log2_volume, log2_out, held, out: step.out.clone(), summed });
        });
        sizes
    }
}

/// Binary logarithms of the extents; negative infinity for an empty axis.
fn true_weights(network: &Network) -> Vec<f64> {
    network.extents().iter().map(|e| if *e == 0 { f64::NEG_INFINITY } else { libm::log2(*e as f64) }).collect()
}

fn weight(labels: &[u32], weights: &[f64]) -> f64 {
    labels.iter().map(|l| weights[*l as usize]).sum()
}

/// Memory while the steps run.
#[derive(Default)]
pub(crate) struct Meter {
    held: std::collections::BTreeMap<u32, u128>,
    now: u128,
    pub(crate) peak: u128,
}

impl Meter {
    /// Counts a step, and gives what is held while it runs.
    pub(crate) fn make(&mut self, step: &Step, out: u128) -> u128 {
        self.now = self.now.saturating_add(out);
        self.peak = self.peak.max(self.now);
        let held = self.now;
        for end in &step.ends {
            self.now = self.now.saturating_sub(self.held.remove(end).unwrap_or(0));
        }
        self.held.insert(step.id, out);
        held
    }
}

//! Slicing: labels that are fixed to one value at a time, so that every intermediate becomes smaller. The network is then contracted once
//! for each combination of their values, and the results are added up, or put beside each other where the result has the label.

use super::network::Network;
use super::objective::Objective;
use super::portfolio::{Budget, search};
use super::price::{Meter, price};
use super::tree::Path;
use super::walk::walk;

/// Rounds of slicing and of looking for a better path of a slice.
const ROUNDS: u64 = 3;

/// A path of each slice of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Sliced {
    /// The labels that are fixed, ascending.
    pub labels: Vec<u32>,
    /// The path of each slice.
    pub path: Path,
    /// Combinations of values of the labels, up to the largest number of 128 bits.
    pub n_slices: u128,
    /// Decimal logarithm of the flops of all slices.
    pub log10_flops: f64,
    /// Elements held at most at a time: the whole result, and the intermediates of one slice.
    pub peak: u128,
}

/// The least number of elements that slicing came down to, which is more than was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Elements of the whole result and of the intermediates of one slice.
    pub smallest: u128,
}

/// Fixes labels until a path keeps to `limit` elements, with few additional flops. Better paths of a slice are searched within `budget`.
///
/// # Errors
/// [`TooLarge`] has the smallest peak that was found.
pub fn slice(
    network: &Network,
    path: &Path,
    limit: u128,
    objective: &Objective,
    budget: Budget,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Sliced, TooLarge> {
    let mut best = reduce(network, path, limit);
    let mut before = 0;
    for round in 0..ROUNDS {
        let Some(sliced) = best.as_ref().ok().filter(|sliced| !sliced.labels.is_empty()).cloned() else { break };
        // A path of the slice, not of the whole, and its labels chosen anew.
        let budget = Budget { steps: budget.steps / ROUNDS, seed: budget.seed.wrapping_add(round), ..budget };
        let small = network.sliced(&sliced.labels);
        let found = search(&small, objective, budget, Some(&sliced.path), &mut |made| go_on(before + made));
        before += found.steps;
        let again = [measure(network, &found.path, &sliced.labels).filter(|s| s.peak <= limit), reduce(network, &found.path, limit).ok()];
        for other in again.into_iter().flatten() {
            if best.as_ref().is_ok_and(|best| other.log10_flops < best.log10_flops - 1e-9) {
                best = Ok(other);
            }
        }
        if found.truncated {
            break;
        }
    }
    best
}

/// Fixes one label after the other, each the cheapest for what it saves.
fn reduce(network: &Network, path: &Path, limit: u128) -> Result<Sliced, TooLarge> {
    let mut labels = Vec::new();
    let mut smallest = u128::MAX;
    loop {
        let sliced = measure(network, path, &labels);
        let peak = sliced.as_ref().map_or(u128::MAX, |sliced| sliced.peak);
        smallest = smallest.min(peak);
        match sliced {
            Some(sliced) if peak <= limit => return Ok(Sliced { labels: sorted(&labels), ..sliced }),
            _ => {}
        }
        match next_label(network, path, &labels) {
            Some(label) => labels.push(label),
            None => return Err(TooLarge { smallest }),
        }
    }
}

fn sorted(labels: &[u32]) -> Vec<u32> {
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    labels
}

/// Price of a path with some labels fixed; `None` if there are no slices, as an axis is empty.
fn measure(network: &Network, path: &Path, labels: &[u32]) -> Option<Sliced> {
    let n_slices = labels.iter().fold(1u128, |n, l| n.saturating_mul(u128::from(network.extent(*l))));
    let small = network.sliced(labels);
    let price = price(&small, path);
    let log10_slices: f64 = labels.iter().map(|l| libm::log10(network.extent(*l) as f64)).sum();
    let peak = if labels.is_empty() { price.peak } else { peak(network, &small, path) };
    let log10_flops = price.log10_flops + log10_slices;
    (n_slices > 0).then(|| Sliced { labels: labels.to_vec(), path: path.clone(), n_slices, log10_flops, peak })
}

/// The whole result, held from the first slice on, and the intermediates of one slice. The last step of a slice writes into the result.
fn peak(network: &Network, small: &Network, path: &Path) -> u128 {
    let mut meter = Meter::default();
    let last = last_id(network, path);
    walk(small, path, |step| {
        meter.make(step, if step.id == last { 0 } else { elements(small, &step.out) });
    });
    meter.peak.saturating_add(elements(network, network.output()))
}

/// The tensor that is the result.
fn last_id(network: &Network, path: &Path) -> u32 {
    (network.n_operands() + path.tree.pairs.len() - 1) as u32
}

fn elements(network: &Network, labels: &[u32]) -> u128 {
    labels.iter().fold(1, |n: u128, l| n.saturating_mul(u128::from(network.extent(*l))))
}

/// The label of the largest moment whose slices cost least compared with the memory that they save.
fn next_label(network: &Network, path: &Path, fixed: &[u32]) -> Option<u32> {
    let small = network.sliced(fixed);
    let weights = small.log2_extents();
    let held = largest_moment(&small, path);
    let work = Shares::of_steps(&small, path, &weights);
    let memory = Shares::of(held.iter().map(Vec::as_slice), &weights);
    // Doublings of work for each halving of memory.
    let price = |label: &u32| {
        let extent = small.extent(*label) as f64;
        let more = libm::log2(work.without(*label) * extent + work.with(*label));
        let less = -libm::log2(memory.without(*label) + memory.with(*label) / extent);
        more.max(0.0) / less.max(1e-12)
    };
    let mut candidates: Vec<u32> = held.iter().flatten().copied().filter(|l| small.extent(*l) > 1).collect();
    candidates.sort_unstable();
    candidates.dedup();
    candidates.into_iter().min_by(|a, b| price(a).total_cmp(&price(b)))
}

/// What part of a sum of volumes has each label.
struct Shares(Vec<f64>);

impl Shares {
    fn of<'a>(sets: impl Iterator<Item = &'a [u32]> + Clone, weights: &[f64]) -> Self {
        let volume = |set: &[u32]| -> f64 { set.iter().map(|l| weights[*l as usize]).sum() };
        let total = super::log2::sum(sets.clone().map(volume));
        let mut with = vec![0.0; weights.len()];
        for set in sets {
            let share = libm::exp2(volume(set) - total);
            set.iter().for_each(|l| with[*l as usize] += share);
        }
        Self(with)
    }

    fn of_steps(network: &Network, path: &Path, weights: &[f64]) -> Self {
        let (mut volumes, mut with) = (Vec::new(), vec![0.0; weights.len()]);
        walk(network, path, |step| volumes.push(step.all.iter().map(|l| weights[*l as usize]).sum()));
        let total = super::log2::sum(volumes.iter().copied());
        let mut volumes = volumes.iter();
        walk(network, path, |step| {
            let share = libm::exp2(volumes.next().map_or(f64::NEG_INFINITY, |v| v - total));
            step.all.iter().for_each(|l| with[*l as usize] += share);
        });
        Self(with)
    }

    fn with(&self, label: u32) -> f64 {
        self.0[label as usize]
    }

    fn without(&self, label: u32) -> f64 {
        (1.0 - self.with(label)).max(0.0)
    }
}

/// Labels of the tensors that are held when most memory is, without the final result.
fn largest_moment(network: &Network, path: &Path) -> Vec<Vec<u32>> {
    let last = last_id(network, path);
    let mut meter = Meter::default();
    let (mut most, mut moment) = (0, Vec::new());
    let mut labels: std::collections::BTreeMap<u32, Vec<u32>> = std::collections::BTreeMap::new();
    walk(network, path, |step| {
        let is_last = step.id == last;
        meter.peak = 0;
        meter.make(step, if is_last { 0 } else { elements(network, &step.out) });
        let is_largest = meter.peak > most;
        if is_largest {
            most = meter.peak;
            moment = labels.values().cloned().collect();
            moment.extend((!is_last).then(|| step.out.clone()));
        }
        step.ends.iter().for_each(|end| drop(labels.remove(end)));
        labels.insert(step.id, step.out.clone());
    });
    moment
}

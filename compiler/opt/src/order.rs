//! The order in which the operands of a network are contracted: as written, reversed, or as [`crate::path`] finds it.
//!
//! The written order is always a candidate, and splitting is only chosen where it needs less work than the single nest, so the result is
//! never worse than what was written. Orders with intermediates that are far larger than the operands are left aside; if all are, the one
//! with the smallest intermediates is looked for.

use crate::Options;
use crate::contraction::{self, Network};
use crate::draft::Draft;
use crate::path::{self, Budget, Objective, Path, Time, Tree};
use ein_ir::entity::Tensor;
use ein_ir::plan::Strategy;

/// Intermediates of at most this many bytes are accepted whatever the operands are.
const INTERMEDIATE_BYTES: u64 = 64 << 20;
/// Larger ones are accepted up to this multiple of the largest operand or output.
const INTERMEDIATE_FACTOR: u64 = 4;
/// Work that an additional step must save, in flops: a loop of its own costs about as much as this many.
const STEP_FLOPS: u64 = 256;
/// Steps of search for each operand beyond those that all trees are compared for: 30 operands take 2 ms.
const STEPS_AN_OPERAND: u64 = 1000;
/// Operands beyond which no more steps are added.
const BUDGET_OPERANDS: u64 = 1000;

/// Steps that compute a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Operands of which labels are summed beforehand, with the labels that remain.
    pub(crate) presums: Vec<(usize, Vec<u16>)>,
    /// Contractions; the result of the n-th is operand `n_operands + n`.
    pub(crate) pairs: Vec<Pair>,
    /// Multiplications and additions of all steps.
    pub(crate) flops: u64,
}

/// One contraction of two operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) lhs: usize,
    pub(crate) rhs: usize,
    pub(crate) out_labels: Vec<u16>,
}

/// Steps that beat the single nest; `None` to keep it.
pub(crate) fn choose(draft: &Draft, network: &Network, options: &Options) -> Option<Chosen> {
    let best = cheapest(draft, network, options)?;
    let steps = (best.presums.len() + best.pairs.len()) as u64 - 1;
    let overhead = if options.objective == "flops" { 0 } else { STEP_FLOPS.saturating_mul(steps) };
    let saves = best.flops.saturating_add(overhead) < nest_flops(network);
    (saves || is_matrix_product(network, &best)).then_some(best)
}

fn cheapest(draft: &Draft, network: &Network, options: &Options) -> Option<Chosen> {
    let limit = intermediate_limit(draft, network.operands.iter().map(|o| o.value).chain([network.out]));
    let all = as_path_network(network)?;
    let written = Path::summed_first(&all, Tree::written(all.n_operands()));
    if all.n_operands() == 2 {
        return follow(network, &all, &written, limit);
    }
    let wanted = objective(network, options);
    let reversed = Path::summed_first(&all, Tree::reversed(all.n_operands()));
    let found = search(&all, &wanted, options, &written);
    // Ties go to the written order, which is first; no order needs more work than it, whatever time it may save.
    let candidates = [&written, &reversed, &found].map(|path| follow(network, &all, path, limit));
    let work = candidates[0].as_ref().map_or(u64::MAX, |c| c.flops);
    let rank = |path: &Path| wanted.cost(&all, path);
    let paths = [&written, &reversed, &found].into_iter().zip(candidates);
    let allowed = paths.filter_map(|(path, c)| Some((rank(path), c?))).filter(|(_, c)| c.flops <= work);
    let best = allowed.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, c)| c);
    best.or_else(|| follow(network, &all, &search(&all, &Objective::Peak, options, &written), limit))
}

fn search(network: &path::Network, objective: &Objective, options: &Options, written: &Path) -> Path {
    let n = (network.n_operands() as u64).min(BUDGET_OPERANDS);
    let usual = Budget::default_for(network);
    let exact = if options.opt_level > 1 { path::MAX_OPERANDS } else { usual.exact };
    let steps = if options.opt_level > 1 { usual.steps } else { n * STEPS_AN_OPERAND };
    path::search(network, objective, Budget { steps, seed: options.seed, exact }, Some(written), &mut |_| true).path
}

fn objective(network: &Network, options: &Options) -> Objective {
    match options.objective.as_str() {
        "flops" => Objective::Flops,
        "memory" => Objective::Peak,
        _ => Objective::Time(Time::of_element(network.acc.bytes() as u64)),
    }
}

fn as_path_network(network: &Network) -> Option<path::Network> {
    let wide = |labels: &[u16]| labels.iter().map(|l| u32::from(*l)).collect::<Vec<u32>>();
    let operands = network.operands.iter().map(|o| wide(&o.labels)).collect();
    let extents = (0..network.ranges.len()).filter_map(|l| u16::try_from(l).ok()).map(|l| network.extent(l)).collect();
    path::Network::new(operands, wide(&network.out_labels), extents).ok()
}

/// The steps of a path; `None` if an intermediate is larger than `limit` bytes.
fn follow(network: &Network, all: &path::Network, path: &Path, limit: u64) -> Option<Chosen> {
    let n = network.operands.len();
    let mut labels: Vec<Vec<u16>> = network.operands.iter().map(|o| o.labels.clone()).collect();
    let mut chosen = Chosen { presums: Vec::new(), pairs: Vec::new(), flops: 0 };
    let mut is_small = true;
    path::walk(all, path, |step| {
        let is_kept = |l: &u16| step.out.binary_search(&u32::from(*l)).is_ok();
        let [first, rest @ ..] = step.ends.as_slice() else { return };
        let (lhs, rhs) = (*first as usize, rest.first().map(|r| *r as usize));
        let union = union(&labels[lhs], rhs.map_or(&[], |rhs| &labels[rhs]));
        let mut out_labels: Vec<u16> = union.iter().copied().filter(is_kept).collect();
        let work = network.volume(&union);
        let Some(rhs) = rhs else {
            chosen.flops = chosen.flops.saturating_add(work);
            labels[lhs].clone_from(&out_labels);
            return chosen.presums.push((lhs, out_labels));
        };
        chosen.flops = chosen.flops.saturating_add(work.saturating_mul(if step.sums() { 2 } else { 1 }));
        if chosen.pairs.len() + 2 == n {
            out_labels.clone_from(&network.out_labels);
        } else {
            is_small &= network.volume(&out_labels).saturating_mul(network.acc.bytes() as u64) <= limit;
        }
        labels.push(out_labels.clone());
        chosen.pairs.push(Pair { lhs, rhs, out_labels });
    });
    is_small.then_some(chosen)
}

/// Multiplications and additions of the nest over all labels.
pub(crate) fn nest_flops(network: &Network) -> u64 {
    let iterations = network.ranges.iter().skip(network.n_params).fold(1u64, |n, r| n.saturating_mul(u64::try_from(r.hi).unwrap_or(0)));
    iterations.saturating_mul(network.operands.len() as u64)
}

fn is_matrix_product(network: &Network, chosen: &Chosen) -> bool {
    let [pair] = chosen.pairs.as_slice() else { return false };
    let operands = [&network.operands[pair.lhs], &network.operands[pair.rhs]];
    chosen.presums.is_empty() && contraction::pair(network, network.out, operands, &pair.out_labels).strategy != Strategy::Nest
}

/// Bytes that an intermediate may have next to values that are there anyway.
pub(crate) fn intermediate_limit(draft: &Draft, values: impl Iterator<Item = Tensor>) -> u64 {
    let largest = values.map(|v| draft.values[v].n_bytes()).max().unwrap_or(0);
    INTERMEDIATE_BYTES.max(largest.saturating_mul(INTERMEDIATE_FACTOR))
}

/// Labels of both, each once, in the order of first use.
fn union(a: &[u16], b: &[u16]) -> Vec<u16> {
    let mut out = Vec::new();
    for label in a.iter().chain(b) {
        if !out.contains(label) {
            out.push(*label);
        }
    }
    out
}

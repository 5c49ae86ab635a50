//! The order in which the operands of a network are contracted, first form: as written, reversed, or greedily.
//!
//! A label is summed as soon as neither a later operand nor the output needs it. The written order is always a candidate, and
//! splitting is only chosen where it needs less work than the single nest, so the result is never worse than what was written.
//! The greedy order (opt_einsum's `greedy`: the pair that shrinks memory the most) is there for networks that no order from left
//! to right can contract in reasonable memory, such as inner products of tensor trains.

use crate::Options;
use crate::contraction::{self, Network};
use crate::draft::Draft;
use ein_ir::entity::Tensor;
use ein_ir::plan::Strategy;

/// Intermediates of at most this many bytes are accepted whatever the operands are.
const INTERMEDIATE_BYTES: u64 = 64 << 20;
/// Larger ones are accepted up to this multiple of the largest operand or output.
const INTERMEDIATE_FACTOR: u64 = 4;
/// Operands up to which the greedy order is searched: its cost grows with their third power.
const GREEDY_OPERANDS: usize = 128;
/// Work that an additional step must save, in flops: a loop of its own costs about as much as this many.
const STEP_FLOPS: u64 = 256;

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
    let n = network.operands.len();
    let written: Vec<usize> = (0..n).collect();
    let reversed: Vec<usize> = (0..n).rev().collect();
    let orders = if n == 2 { vec![written] } else { vec![written, reversed] };
    let limit = intermediate_limit(draft, network.operands.iter().map(|o| o.value).chain([network.out]));
    let greedy = if (3..=GREEDY_OPERANDS).contains(&n) { greedy(network, limit) } else { None };
    // Ties go to the written order, which is first.
    let best = orders.iter().filter_map(|order| along(network, order, limit)).chain(greedy).min_by_key(|c| c.flops)?;
    let steps = (best.presums.len() + best.pairs.len()) as u64 - 1;
    let overhead = if options.objective == "flops" { 0 } else { STEP_FLOPS.saturating_mul(steps) };
    let saves = best.flops.saturating_add(overhead) < nest_flops(network);
    (saves || is_matrix_product(network, &best)).then_some(best)
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

/// Contracts the operands one after the other; `None` if an intermediate is larger than `limit` bytes.
fn along(network: &Network, order: &[usize], limit: u64) -> Option<Chosen> {
    let n = network.operands.len();
    let mut labels: Vec<Vec<u16>> = network.operands.iter().map(|o| o.labels.clone()).collect();
    let mut chosen = presum(network, &mut labels);
    let (first, rest) = order.split_first()?;
    let last_use = last_uses(network, rest, &labels);
    let mut current = *first;
    for (step, &next) in rest.iter().enumerate() {
        let is_last = step + 1 == rest.len();
        let all = union(&labels[current], &labels[next]);
        let is_needed = |l: &u16| last_use[usize::from(*l)] > step;
        let out_labels = if is_last { network.out_labels.clone() } else { all.iter().copied().filter(is_needed).collect() };
        let sums = out_labels.len() < all.len();
        chosen.flops = chosen.flops.saturating_add(network.volume(&all).saturating_mul(if sums { 2 } else { 1 }));
        let bytes = network.volume(&out_labels).saturating_mul(network.acc.bytes() as u64);
        if bytes > limit && !is_last {
            return None;
        }
        chosen.pairs.push(Pair { lhs: current, rhs: next, out_labels: out_labels.clone() });
        current = n + step;
        labels.push(out_labels);
    }
    Some(chosen)
}

/// For each label, the last step that needs it: the number of steps for those of the output.
fn last_uses(network: &Network, rest: &[usize], labels: &[Vec<u16>]) -> Vec<usize> {
    let mut last = vec![0; network.ranges.len()];
    for (step, operand) in rest.iter().enumerate() {
        labels[*operand].iter().for_each(|l| last[usize::from(*l)] = step);
    }
    network.out_labels.iter().for_each(|l| last[usize::from(*l)] = rest.len());
    last
}

/// Contracts, at each step, the pair whose result is smallest compared with its operands; ties by flops, then by position.
/// `None` if an intermediate is larger than `limit` bytes.
fn greedy(network: &Network, limit: u64) -> Option<Chosen> {
    let mut labels: Vec<Vec<u16>> = network.operands.iter().map(|o| o.labels.clone()).collect();
    let mut chosen = presum(network, &mut labels);
    let mut alive: Vec<usize> = (0..labels.len()).collect();
    while alive.len() > 1 {
        let uses = count_uses(network, &labels, &alive);
        let mut best: Option<((i128, u64), usize, usize)> = None;
        for (n, &lhs) in alive.iter().enumerate() {
            for &rhs in &alive[n + 1..] {
                let cost = pair_cost(network, &uses, [&labels[lhs], &labels[rhs]]);
                if best.is_none_or(|(least, ..)| cost < least) {
                    best = Some((cost, lhs, rhs));
                }
            }
        }
        let ((_, flops), lhs, rhs) = best?;
        alive.retain(|o| *o != lhs && *o != rhs);
        let out_labels = if alive.is_empty() { network.out_labels.clone() } else { remaining(&uses, &labels[lhs], &labels[rhs]) };
        if !alive.is_empty() && network.volume(&out_labels).saturating_mul(network.acc.bytes() as u64) > limit {
            return None;
        }
        chosen.flops = chosen.flops.saturating_add(flops);
        chosen.pairs.push(Pair { lhs, rhs, out_labels: out_labels.clone() });
        alive.push(labels.len());
        labels.push(out_labels);
    }
    Some(chosen)
}

/// How many of the operands, and of the output, each label is in.
fn count_uses(network: &Network, labels: &[Vec<u16>], alive: &[usize]) -> Vec<usize> {
    let mut uses = vec![0; network.ranges.len()];
    for label in alive.iter().flat_map(|o| union(&labels[*o], &[])).chain(network.out_labels.iter().copied()) {
        uses[usize::from(label)] += 1;
    }
    uses
}

/// Growth of memory in elements, and flops, of contracting two operands.
fn pair_cost(network: &Network, uses: &[usize], [lhs, rhs]: [&[u16]; 2]) -> (i128, u64) {
    let all = union(lhs, rhs);
    let out = remaining(uses, lhs, rhs);
    let size = |labels: &[u16]| i128::from(network.volume(labels));
    let growth = size(&out) - size(lhs) - size(rhs);
    (growth, network.volume(&all).saturating_mul(if out.len() < all.len() { 2 } else { 1 }))
}

/// Labels of two operands that others still need.
fn remaining(uses: &[usize], lhs: &[u16], rhs: &[u16]) -> Vec<u16> {
    let here = |l: &u16| usize::from(lhs.contains(l)) + usize::from(rhs.contains(l));
    union(lhs, rhs).into_iter().filter(|l| uses[usize::from(*l)] > here(l)).collect()
}

/// Sums labels out beforehand that occur in one operand alone.
fn presum(network: &Network, labels: &mut [Vec<u16>]) -> Chosen {
    let mut chosen = Chosen { presums: Vec::new(), pairs: Vec::new(), flops: 0 };
    for n in 0..labels.len() {
        let is_alone = |l: &u16| !network.out_labels.contains(l) && labels.iter().enumerate().all(|(m, o)| m == n || !o.contains(l));
        if !labels[n].iter().any(is_alone) {
            continue;
        }
        let all = union(&labels[n], &[]);
        let rest: Vec<u16> = all.iter().copied().filter(|l| !is_alone(l)).collect();
        chosen.flops = chosen.flops.saturating_add(network.volume(&all));
        labels[n].clone_from(&rest);
        chosen.presums.push((n, rest));
    }
    chosen
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

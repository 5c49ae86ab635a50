//! How far a search of contraction orders goes inside a compiler, and how large intermediates may be.

use crate::Options;
use crate::draft::Draft;
use crate::path::{self, Budget, Objective, Path};
use ein_ir::entity::Tensor;

/// Intermediates of at most this many bytes are accepted whatever the operands are.
const INTERMEDIATE_BYTES: u64 = 64 << 20;
/// Larger ones are accepted up to this multiple of the largest operand or output.
const INTERMEDIATE_FACTOR: u64 = 4;
/// Steps of search for each operand beyond those that all trees are compared for: 30 operands take 2 ms.
const STEPS_AN_OPERAND: u64 = 1000;
/// Operands beyond which no more steps are added.
const BUDGET_OPERANDS: u64 = 1000;

/// The best path that is found with the steps of the level, no worse than the written one.
pub(crate) fn search(network: &path::Network, objective: &Objective, options: &Options, written: &Path) -> Path {
    let n = (network.n_operands() as u64).min(BUDGET_OPERANDS);
    let usual = Budget::default_for(network);
    let exact = if options.opt_level > 1 { path::MAX_OPERANDS } else { usual.exact };
    let steps = if options.opt_level > 1 { usual.steps } else { n * STEPS_AN_OPERAND };
    path::search(network, objective, Budget { steps, seed: options.seed, exact }, Some(written), &mut |_| true).path
}

/// Bytes that an intermediate may have next to values that are there anyway.
pub(crate) fn intermediate_limit(draft: &Draft, values: impl Iterator<Item = Tensor>) -> u64 {
    let largest = values.map(|v| draft.values[v].n_bytes()).max().unwrap_or(0);
    INTERMEDIATE_BYTES.max(largest.saturating_mul(INTERMEDIATE_FACTOR))
}

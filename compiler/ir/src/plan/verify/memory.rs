//! Lifetimes and places in the arena.

use super::broken;
use crate::entity::{SecondaryMap, Step, Tensor};
use crate::plan::lifetime::{Moments, moments};
use crate::plan::{Place, Plan};
use crate::verified::VerifierError;

/// Alignment of buffers in the arena, in bytes.
pub(super) const ALIGN: u64 = 64;

/// Checks lifetimes and places.
pub(super) fn check(plan: &Plan, errors: &mut Vec<VerifierError>) {
    let mut live: SecondaryMap<Tensor, Option<(Step, Step)>> = SecondaryMap::new();
    for (step, decl) in &plan.steps {
        for tensor in decl.kind.buffers() {
            let first = live[tensor].map_or(step, |(first, _)| first);
            live[tensor] = Some((first, step));
        }
    }
    for (tensor, buffer) in &plan.buffers {
        if buffer.live != live[tensor] {
            let spelled = |live: Option<(Step, Step)>| live.map_or("nowhere".to_owned(), |(a, b)| format!("{a}..{b}"));
            errors.push(broken(tensor, format!("is said to live {}, but lives {}", spelled(buffer.live), spelled(live[tensor]))));
        }
    }
    check_arena(plan, errors);
}

/// A buffer in the arena.
struct Block {
    tensor: Tensor,
    start: u64,
    end: u64,
    live: Moments,
}

fn check_arena(plan: &Plan, errors: &mut Vec<VerifierError>) {
    let live = moments(plan);
    let mut blocks = Vec::new();
    for (tensor, buffer) in &plan.buffers {
        let Place::Arena(start) = buffer.place else { continue };
        if start % ALIGN != 0 {
            errors.push(broken(tensor, format!("offset {start} is not a multiple of {ALIGN}")));
        }
        let end = start.saturating_add(buffer.n_bytes());
        if end > plan.arena_bytes {
            errors.push(broken(tensor, format!("ends at {end} in an arena of {} bytes", plan.arena_bytes)));
        }
        if let Some(live) = live[tensor].filter(|_| end > start) {
            blocks.push(Block { tensor, start, end, live });
        }
    }
    blocks.sort_by_key(|block| (block.start, block.tensor));
    for (n, a) in blocks.iter().enumerate() {
        for b in blocks[n + 1..].iter().take_while(|b| b.start < a.end) {
            if a.live.0 <= b.live.1 && b.live.0 <= a.live.1 {
                errors.push(broken(a.tensor, format!("shares memory with {}, which lives at the same time", b.tensor)));
            }
        }
    }
}

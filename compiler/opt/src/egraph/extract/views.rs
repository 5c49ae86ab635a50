//! Pretends that shared classes are free: their users then choose ways that read them, and the honest price says whether that pays.

use super::{Best, Problem, Selection, Visits, tree};

/// Makes one more shared class free at a time, and keeps it so where the plan becomes cheaper.
pub(super) fn improve(problem: &Problem, parents: &[Vec<usize>], best: &mut Best, written: &Selection, visits: &mut Visits) {
    let shared = problem.shared_classes();
    let n_ways: usize = problem.ways.iter().map(Vec::len).sum();
    // What is wanted is paid for in any case.
    let mut is_free = vec![false; problem.ways.len()];
    problem.roots.iter().for_each(|root| is_free[*root] = true);
    best.offer(problem, tree::select(problem, parents, &is_free, written));
    let mut is_changed = true;
    while is_changed {
        is_changed = false;
        for &class in &shared {
            if visits.is_spent() {
                return;
            }
            visits.spend(n_ways);
            is_free[class] = !is_free[class];
            if best.offer(problem, tree::select(problem, parents, &is_free, written)) {
                is_changed = true;
            } else {
                is_free[class] = !is_free[class];
            }
        }
    }
}

//! The search for networks of any size: exact for few operands, otherwise several kinds of search in turn, under a budget of steps.
//!
//! In turn: the given path, if there is one; greedy, greedy with noise, sweeps and a bisection, each annealed briefly; the best of them
//! annealed again, and once more from hot; last, the whole network annealed cold, to repair what simplification took too early. Every tree
//! is judged by one price, and the best is kept.
//!
//! A step is one rotation tried, one pair looked at, or one split of the exact search: 50 to 200 ns.

use super::anneal::{Annealer, Schedule};
use super::bits::Layout;
use super::network::Network;
use super::objective::Objective;
use super::optimal::{MAX_OPERANDS, Rank, Table};
use super::random::Random;
use super::reduce::{Reduced, reduce};
use super::refine::refine;
use super::step_cost::StepCost;
use super::tree::{Path, Tree};
use super::walk::walk;
use super::{canonical, greedy, starts};

/// Operands up to which all trees are compared when nothing else is asked for.
pub const EXACT_OPERANDS: usize = 12;
/// Words of the label sets of a tree up to which it is annealed: 64 MiB.
const MAX_WORDS: usize = 8 << 20;
/// Sweeps over a network that a run needs to make sense of heat.
const FEW_SWEEPS: u64 = 400;
/// Steps of exact repair that are made even if the budget is used.
const MIN_WINDOW_STEPS: u64 = 20_000;
/// Operands up to which nothing is taken out before the search.
const FEW_OPERANDS: usize = 80;
/// Operands with labels of their own up to which it is tried to sum them later.
const MAX_LATE: usize = 32;
/// Sweeps over a network that a run from hot needs.
const HOT_SWEEPS: u64 = 15_000;
/// Ends of the network that sweeps begin at.
const SWEEPS: usize = 4;
/// Trees of halves that the best is taken of.
const BISECTIONS: usize = 8;
/// Operands up to which sweeps and bisections are tried.
const MAX_STARTS: usize = 20_000;

/// How long to search, and with which random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Steps.
    pub steps: u64,
    /// Seed of everything random.
    pub seed: u64,
    /// Operands up to which all trees are compared, whatever `steps` says; at most [`MAX_OPERANDS`].
    pub exact: usize,
}

impl Budget {
    /// About 50 ms for 100 operands, a second for 1000.
    #[must_use]
    pub fn default_for(network: &Network) -> Self {
        Self { steps: 6_000 * network.n_operands().min(1500) as u64, seed: 0, exact: EXACT_OPERANDS }
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The path.
    pub path: Path,
    /// Whether no path is better under the objective.
    pub optimal: bool,
    /// Whether the search was stopped before its budget was used.
    pub truncated: bool,
    /// Steps made.
    pub steps: u64,
}

/// Searches a path. `given` is a candidate too, and comes first among equals. `go_on` is told the steps made so far now and then, and
/// ends the search by `false`; a path is always found.
///
/// ```
/// use ein_opt::path::{Budget, Network, Objective, search};
/// let ring = Network::new((0..30).map(|k| vec![k, (k + 1) % 30]).collect(), vec![], vec![2; 30])?;
/// let found = search(&ring, &Objective::Flops, Budget::default_for(&ring), None, &mut |_| true);
/// assert_eq!(found.path.tree.pairs.len(), 29);
/// # Ok::<(), ein_opt::path::NetworkError>(())
/// ```
pub fn search(network: &Network, objective: &Objective, budget: Budget, given: Option<&Path>, go_on: &mut dyn FnMut(u64) -> bool) -> Found {
    if network.n_operands() == 1 {
        // Nothing is chosen: a sum, if there is one, is all there is to do.
        let path = Path::summed_first(network, Tree::default());
        return Found { path, optimal: true, truncated: false, steps: 0 };
    }
    let mut judge = Judge::new(network, objective, budget.steps, go_on);
    if let Some(path) = given {
        judge.offer(path.clone());
    }
    let exact = network.n_operands() <= budget.exact.min(MAX_OPERANDS);
    if exact {
        judge.offer(optimal(network, objective));
    } else {
        objective.with_cost(&mut Portfolio { judge: &mut judge, seed: budget.seed });
    }
    Found { optimal: exact, truncated: judge.stopped, steps: judge.made, path: judge.finish() }
}

/// The best path of at most [`MAX_OPERANDS`] operands; the same one however operands are listed and labels called.
fn optimal(network: &Network, objective: &Objective) -> Path {
    let order = canonical::order(network);
    let operands = order.iter().map(|o| network.operands()[*o].clone()).collect();
    let mut exact = Exact { network: &network.with_operands(operands), rank: objective.rank(), path: Path::default() };
    objective.with_cost(&mut exact);
    exact.path.renamed(&order)
}

/// Something that is done with the step cost of an objective.
pub(crate) trait WithCost {
    fn call<C: StepCost>(&mut self, cost_of: &C);
}

struct Exact<'a> {
    network: &'a Network,
    rank: Rank,
    path: Path,
}

impl WithCost for Exact<'_> {
    fn call<C: StepCost>(&mut self, cost_of: &C) {
        if let Some(table) = Table::search(self.network, cost_of, self.rank) {
            self.path = table.path();
        }
    }
}

/// Keeps the best path, and counts steps.
struct Judge<'a> {
    network: &'a Network,
    objective: &'a Objective,
    best: Option<(Path, [f64; 2])>,
    limit: u64,
    made: u64,
    stopped: bool,
    go_on: &'a mut dyn FnMut(u64) -> bool,
}

impl<'a> Judge<'a> {
    fn new(network: &'a Network, objective: &'a Objective, limit: u64, go_on: &'a mut dyn FnMut(u64) -> bool) -> Self {
        Self { network, objective, best: None, limit, made: 0, stopped: false, go_on }
    }

    /// Keeps a path if it is better than all before.
    fn offer(&mut self, path: Path) {
        let rank = self.objective.rank_of(self.network, &path);
        if self.best.as_ref().is_none_or(|(_, best)| rank < *best) {
            self.best = Some((path, rank));
        }
    }

    fn offer_tree(&mut self, tree: &Tree) {
        let size = self.sizes(tree);
        self.offer(Path::summed_first(self.network, tree.ordered(&size, self.network.n_operands())));
    }

    /// Sizes of all tensors; relative to the largest, if floats could not hold them otherwise.
    fn sizes(&self, tree: &Tree) -> Vec<f64> {
        let weights = self.network.log2_extents();
        let mut log2 = vec![0.0; self.network.n_operands()];
        let path = Path { presums: Vec::new(), tree: tree.clone() };
        walk(self.network, &path, |step| log2.push(step.out.iter().map(|l| weights[*l as usize]).sum()));
        let largest = log2.iter().copied().fold(0.0, f64::max);
        let scale = if largest < 1000.0 { 0.0 } else { largest };
        log2.iter().map(|size: &f64| libm::exp2(size - scale)).collect()
    }

    /// Counts steps; whether the search may go on.
    fn spend(&mut self, steps: u64) -> bool {
        self.made += steps;
        if !self.stopped && !(self.go_on)(self.made) {
            self.stopped = true;
        }
        !self.stopped && self.made < self.limit
    }

    fn left(&self) -> u64 {
        if self.stopped { 0 } else { self.limit.saturating_sub(self.made) }
    }

    /// Sums labels of single operands in their first step where that is better: as when the other operand has one element.
    fn sum_late(&mut self) {
        let presums = self.best.as_ref().map_or(Vec::new(), |(path, _)| path.presums.clone());
        if presums.len() > MAX_LATE {
            return;
        }
        for operand in presums {
            let Some((mut path, _)) = self.best.clone() else { return };
            path.presums.retain(|o| *o != operand);
            self.offer(path);
        }
    }

    fn finish(mut self) -> Path {
        self.sum_late();
        self.best.map_or_else(|| Path::summed_first(self.network, Tree::written(self.network.n_operands())), |(path, _)| path)
    }
}

struct Portfolio<'a, 'b> {
    judge: &'a mut Judge<'b>,
    seed: u64,
}

impl WithCost for Portfolio<'_, '_> {
    fn call<C: StepCost>(&mut self, cost_of: &C) {
        let weights = self.judge.network.log2_extents();
        let whole = self.judge.network.summed();
        // Few operands leave time enough to search among all of them.
        let small = if whole.n_operands() > FEW_OPERANDS { reduce(&whole, &weights) } else { Reduced::nothing(&whole) };
        let layout = Layout::new(&small.network);
        Kinds {
            judge: self.judge,
            whole: &whole,
            small: &small,
            layout: &layout,
            weights: &weights,
            cost_of,
            random: Random::new(self.seed),
        }
        .run();
    }
}

/// The kinds of search, over the network that is left after simplification.
struct Kinds<'a, 'b, C> {
    judge: &'a mut Judge<'b>,
    whole: &'a Network,
    small: &'a Reduced,
    layout: &'a Layout,
    weights: &'a [f64],
    cost_of: &'a C,
    random: Random,
}

impl<C: StepCost> Kinds<'_, '_, C> {
    fn run(&mut self) {
        let n = self.small.network.n_operands();
        let (first, _) = greedy::greedy(&self.small.network, self.weights, greedy::Taste::PLAIN, &mut self.random);
        self.judge.offer_tree(&self.small.lift(&first));
        if !self.judge.spend(n as u64) || 2 * n * self.layout.n_words > MAX_WORDS {
            return;
        }
        if n <= 2 {
            return self.polish(&first);
        }
        let budget = self.judge.left();
        let noisy = self.noisy_greedy(budget / 20, &first);
        let sweep = self.best_sweep(&first);
        let mut starts = vec![(2.5, first), (2.5, noisy), (5.0, sweep), (3.0, self.bisection())];
        starts.sort_by(|a, b| self.cost(&a.1).total_cmp(&self.cost(&b.1)));
        // Too few sweeps to undo what heat would do: only repair the best.
        let few = budget / 5 / (n as u64) < FEW_SWEEPS;
        let best = if few { self.anneal_again(budget * 3 / 4, &starts[0].1, (6.0, 9.0)) } else { self.anneal_all(budget, &starts) };
        self.polish(&best);
    }

    /// A short run from every start, a second one from the best result, and a long one that forgets where it began.
    fn anneal_all(&mut self, budget: u64, starts: &[(f64, Tree)]) -> Tree {
        // A long run from hot needs time; without it the best result is worth more of it.
        let sweeps = budget / self.small.network.n_operands() as u64;
        let (first, second, hot) = if sweeps < HOT_SWEEPS { (5, 12, 0) } else { (6, 5, 6) };
        let share = budget * first / 20 / starts.len() as u64;
        let mut best = starts[0].1.clone();
        for (heat, tree) in starts {
            let tree = self.anneal_again(share, tree, (*heat, 8.0));
            best = self.better(best, tree);
        }
        let again = self.anneal_again(budget * second / 20, &best, (3.0, 8.0));
        best = self.better(best, again);
        if hot == 0 {
            return best;
        }
        let hot = self.anneal_again(budget * hot / 20, &starts[0].1, (1.0, 5.0));
        self.better(best, hot)
    }

    fn cost(&self, tree: &Tree) -> f64 {
        Annealer::new(&self.small.network, self.layout, self.cost_of, tree).total()
    }

    fn better(&self, one: Tree, other: Tree) -> Tree {
        if self.cost(&other) < self.cost(&one) { other } else { one }
    }

    /// Greedy trees with noise, the best of as many as there are steps for.
    fn noisy_greedy(&mut self, steps: u64, first: &Tree) -> Tree {
        let end = self.judge.made + steps;
        let (mut best, mut least) = (first.clone(), self.cost(first));
        while self.judge.made < end {
            let factor = 0.1 + 3.9 * self.random.unit();
            let taste = greedy::Taste { factor, temperature: libm::exp2(-10.0 * self.random.unit()) };
            let (tree, looked_at) = greedy::greedy(&self.small.network, self.weights, taste, &mut self.random);
            let cost = self.cost(&tree);
            if cost < least {
                (best, least) = (tree, cost);
            }
            if !self.judge.spend(looked_at.max(1)) {
                break;
            }
        }
        self.judge.offer_tree(&self.small.lift(&best));
        best
    }

    /// The best of a few sweeps from different ends.
    fn best_sweep(&mut self, first: &Tree) -> Tree {
        let n = self.small.network.n_operands();
        let mut best: Option<(Tree, f64)> = None;
        for _ in 0..if n <= MAX_STARTS { SWEEPS } else { 0 } {
            let tree = starts::sweep(&self.small.network, self.weights, &mut self.random);
            let cost = self.cost(&tree);
            if best.as_ref().is_none_or(|(_, least)| cost < *least) {
                best = Some((tree, cost));
            }
            if !self.judge.spend(8 * n as u64) {
                break;
            }
        }
        let tree = best.map_or_else(|| first.clone(), |(tree, _)| tree);
        self.judge.offer_tree(&self.small.lift(&tree));
        tree
    }

    /// The best of a few trees of halves.
    fn bisection(&mut self) -> Tree {
        let network = &self.small.network;
        let n = network.n_operands();
        let mut tree = starts::bisect(network, self.weights, &mut self.random);
        for _ in 1..if n <= MAX_STARTS { BISECTIONS } else { 1 } {
            if !self.judge.spend(64 * n as u64) {
                break;
            }
            let other = starts::bisect(network, self.weights, &mut self.random);
            tree = self.better(tree, other);
        }
        self.judge.offer_tree(&self.small.lift(&tree));
        tree
    }

    /// Anneals from a tree, from one inverse temperature to the other, and offers the result.
    fn anneal_again(&mut self, steps: u64, tree: &Tree, betas: (f64, f64)) -> Tree {
        let tree = anneal(&self.small.network, self.layout, self.cost_of, tree, steps, betas, &mut self.random, self.judge);
        self.judge.offer_tree(&self.small.lift(&tree));
        tree
    }

    /// Anneals the whole network cold with what is left.
    fn polish(&mut self, tree: &Tree) {
        let network = self.whole;
        let layout = Layout::new(network);
        let (tree, left) = (self.small.lift(tree), self.judge.left() / 2);
        if 2 * network.n_operands() * layout.n_words <= MAX_WORDS {
            let tree = anneal(network, &layout, self.cost_of, &tree, left, (6.0, 9.0), &mut self.random, self.judge);
            self.judge.offer_tree(&tree);
            // What is still left of the budget, and a few windows in any case.
            let mut extra = MIN_WINDOW_STEPS;
            let judge = &mut *self.judge;
            let tree = refine(network, self.cost_of, &tree, &mut |steps| {
                extra = extra.saturating_sub(steps);
                judge.spend(steps) || extra > 0 && !judge.stopped
            });
            self.judge.offer_tree(&tree);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "a run is just this")]
fn anneal<C: StepCost>(
    network: &Network,
    layout: &Layout,
    cost_of: &C,
    tree: &Tree,
    steps: u64,
    betas: (f64, f64),
    random: &mut Random,
    judge: &mut Judge<'_>,
) -> Tree {
    let mut annealer = Annealer::new(network, layout, cost_of, tree);
    let sweeps = steps / annealer.moves_a_sweep().max(1);
    let schedule = Schedule { first: betas.0, last: betas.1, sweeps: if judge.stopped { 0 } else { sweeps } };
    annealer.run(&schedule, random, &mut |moves| judge.spend(moves));
    annealer.best().0.clone()
}

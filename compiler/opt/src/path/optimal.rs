//! The best order of a few operands, by dynamic programming over their subsets; outer products are allowed.
//!
//! The result of a set of operands has the same labels whatever the order, so a set has one size. A label is *closed* in a set if nothing
//! outside needs it. The labels of a step that joins `lhs` and `rhs` are then those of its result and those that the step closes, and
//! its volume is `size(all) * closed(all) / (closed(lhs) * closed(rhs))`: one division a split.
//!
//! Labels of a single operand that nothing else needs can be summed before its first step or in it; both are tried.

use super::network::{EMPTY_LOG2, Network};
use super::step_cost::{Sizes, StepCost};
use super::tree::{Path, Tree};
use std::collections::BTreeMap;

/// Operands that the search takes: 3^16 / 2 splits are half a second.
pub const MAX_OPERANDS: usize = 16;

/// A set of operands, as bits.
pub type Subset = u32;

/// What comes first when two trees are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The cost; of equal ones, the least peak memory.
    Cost,
    /// The peak memory; of equal ones, the least cost.
    Peak,
}

/// One way to make the result of a set: from those of two parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Operands of the result.
    pub whole: Subset,
    /// Operands of the first part.
    pub lhs: Subset,
    /// Cost of the cheapest tree that has this step.
    pub cost: f64,
}

/// Sizes of all subsets, and the best way to make each.
pub struct Table<'a, C> {
    cost_of: &'a C,
    n_operands: usize,
    size: Vec<f64>,
    closed: Vec<f64>,
    n_closed: Vec<u32>,
    /// Operands with labels that nothing else needs.
    lone: Subset,
    inside: Vec<f64>,
    peak: Vec<f64>,
    best: Vec<Choice>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Choice {
    lhs: Subset,
    /// Whether labels of the first or second part, an operand, are summed in this step instead of before it.
    late: [bool; 2],
}

/// The best split of a set so far.
struct Best {
    cost: f64,
    peak: f64,
    choice: Choice,
}

impl Best {
    const NONE: Self = Self { cost: f64::INFINITY, peak: f64::INFINITY, choice: Choice { lhs: 0, late: [false; 2] } };

    /// Takes a cheaper split, or of two equal ones that with the smaller peak. Some split is taken even if no cost is a number.
    fn take_cheaper(&mut self, cost: f64, choice: Choice, peak: impl FnOnce() -> f64) {
        if cost < self.cost || self.choice.lhs == 0 {
            *self = Self { cost, peak: peak(), choice };
        } else if cost == self.cost {
            let peak = peak();
            if peak < self.peak {
                *self = Self { cost, peak, choice };
            }
        }
    }

    fn take_smaller(&mut self, cost: f64, choice: Choice, peak: f64) {
        if peak < self.peak || peak == self.peak && cost < self.cost || self.choice.lhs == 0 {
            *self = Self { cost, peak, choice };
        }
    }
}

/// How one side of a split enters: what it costs to make, what it closed, and what it holds.
#[derive(Clone, Copy)]
struct Side {
    late: bool,
    inside: f64,
    closed: f64,
    n_closed: u32,
    size: f64,
    held: f64,
    peak: f64,
}

impl<'a, C: StepCost> Table<'a, C> {
    /// Searches all trees; `None` if there are more than [`MAX_OPERANDS`] operands.
    ///
    /// ```
    /// use ein_opt::path::{Flops, Network, Rank, Table};
    /// // A matrix chain 10 x 100, 100 x 5, 5 x 50.
    /// let chain = Network::new(vec![vec![0, 1], vec![1, 2], vec![2, 3]], vec![0, 3], vec![10, 100, 5, 50])?;
    /// let table = Table::search(&chain, &Flops, Rank::Cost).expect("few operands");
    /// assert_eq!(table.cost(), 2.0 * (10.0 * 100.0 * 5.0 + 10.0 * 5.0 * 50.0));
    /// # Ok::<(), ein_opt::path::NetworkError>(())
    /// ```
    #[must_use]
    pub fn search(network: &Network, cost_of: &'a C, rank: Rank) -> Option<Self> {
        let n = network.n_operands();
        if n > MAX_OPERANDS {
            return None;
        }
        let mut table = Self::measure(network, cost_of);
        for whole in 1..1u32 << n {
            if whole.count_ones() > 1 {
                match rank {
                    Rank::Cost => table.choose_cheapest(whole),
                    Rank::Peak => table.choose_smallest(whole),
                }
            }
        }
        Some(table)
    }

    /// Sizes of all subsets, and costs of single operands.
    fn measure(network: &Network, cost_of: &'a C) -> Self {
        let n = network.n_operands();
        let n_sets = 1usize << n;
        let (mut size, mut closed, mut n_closed) = (vec![1.0; n_sets], vec![1.0; n_sets], vec![0; n_sets]);
        for ((holders, in_output), (extent, n_labels)) in classes(network) {
            for set in 1..n_sets {
                let here = set as Subset & holders;
                if here == holders && !in_output {
                    closed[set] *= extent;
                    n_closed[set] += n_labels;
                } else if here != 0 {
                    size[set] *= extent;
                }
            }
        }
        let mut table = Self {
            cost_of,
            n_operands: n,
            lone: (0..n).filter(|o| n_closed[1 << o] > 0).fold(0, |set, o| set | 1 << o),
            inside: vec![0.0; n_sets],
            peak: vec![0.0; n_sets],
            best: vec![Choice::default(); n_sets],
            size,
            closed,
            n_closed,
        };
        for operand in (0..n).filter(|o| table.lone & 1 << o != 0) {
            let set = 1 << operand;
            let volume = table.size[set] * table.closed[set];
            table.inside[set] = cost_of.cost(&Sizes { lhs: volume, rhs: 1.0, out: table.size[set], volume, sums: true });
            table.peak[set] = table.size[set];
        }
        table
    }

    fn choose_cheapest(&mut self, whole: Subset) {
        let mut best = Best::NONE;
        for lhs in halves(whole) {
            let rhs = whole ^ lhs;
            if self.may_be_late(lhs) || self.may_be_late(rhs) {
                for (cost, late) in self.ways(whole, lhs) {
                    best.take_cheaper(cost, Choice { lhs, late }, || self.peak_of(whole, lhs, late));
                }
            } else if self.inside[lhs as usize] + self.inside[rhs as usize] <= best.cost {
                let cost = self.cost_of_split(whole, self.side(lhs, false), self.side(rhs, false));
                best.take_cheaper(cost, Choice { lhs, late: [false; 2] }, || self.peak_of(whole, lhs, [false; 2]));
            }
        }
        self.set(whole, best);
    }

    fn choose_smallest(&mut self, whole: Subset) {
        let mut best = Best::NONE;
        for lhs in halves(whole) {
            for (cost, late) in self.ways(whole, lhs) {
                best.take_smaller(cost, Choice { lhs, late }, self.peak_of(whole, lhs, late));
            }
        }
        self.set(whole, best);
    }

    fn set(&mut self, whole: Subset, best: Best) {
        self.inside[whole as usize] = best.cost;
        self.peak[whole as usize] = best.peak;
        self.best[whole as usize] = best.choice;
    }

    /// Costs of a split: one, or several if a part is an operand that may be summed late.
    #[inline]
    fn ways(&self, whole: Subset, lhs: Subset) -> impl Iterator<Item = (f64, [bool; 2])> + '_ {
        let rhs = whole ^ lhs;
        let n_lhs = 1 + usize::from(self.may_be_late(lhs));
        let n_rhs = 1 + usize::from(self.may_be_late(rhs));
        let ways = (0..n_lhs).flat_map(move |a| (0..n_rhs).map(move |b| [a == 1, b == 1]));
        ways.map(move |late| (self.cost_of_split(whole, self.side(lhs, late[0]), self.side(rhs, late[1])), late))
    }

    /// Whether a part is an operand whose own labels can be summed in its first step.
    #[inline]
    fn may_be_late(&self, set: Subset) -> bool {
        set & self.lone == set && set.is_power_of_two()
    }

    #[inline]
    fn side(&self, set: Subset, late: bool) -> Side {
        let at = set as usize;
        let (size, closed, n_closed) = (self.size[at], self.closed[at], self.n_closed[at]);
        let is_input = set.is_power_of_two() && (late || set & self.lone == 0);
        if late {
            return Side { late, inside: 0.0, closed: 1.0, n_closed: 0, size: size * closed, held: 0.0, peak: 0.0 };
        }
        Side { late, inside: self.inside[at], closed, n_closed, size, held: if is_input { 0.0 } else { size }, peak: self.peak[at] }
    }

    #[inline]
    fn cost_of_split(&self, whole: Subset, lhs: Side, rhs: Side) -> f64 {
        let at = whole as usize;
        let volume = self.size[at] * self.closed[at] / (lhs.closed * rhs.closed);
        let sums = self.n_closed[at] > lhs.n_closed + rhs.n_closed;
        debug_assert!(!lhs.late || sums);
        lhs.inside + rhs.inside + self.cost_of.cost(&Sizes { lhs: lhs.size, rhs: rhs.size, out: self.size[at], volume, sums })
    }

    /// Elements of intermediates and of the result of a set, at most at a time, with the parts made in the better order.
    fn peak_of(&self, whole: Subset, lhs: Subset, late: [bool; 2]) -> f64 {
        let (a, b) = (self.side(lhs, late[0]), self.side(whole ^ lhs, late[1]));
        let together = a.held + b.held + self.size[whole as usize];
        a.peak.max(a.held + b.peak).min(b.peak.max(b.held + a.peak)).max(together)
    }

    fn all(&self) -> Subset {
        ((1u64 << self.n_operands) - 1) as Subset
    }

    /// Cost of the best tree.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.inside[self.all() as usize]
    }

    /// Peak memory of the best tree in elements, without inputs.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.peak[self.all() as usize]
    }

    /// Cost of the best way to make the result of these operands.
    #[must_use]
    pub fn inside(&self, set: Subset) -> f64 {
        self.inside[set as usize]
    }

    /// For each set of operands, the least cost of everything else in a tree that makes its result.
    #[must_use]
    pub fn outside(&self) -> Vec<f64> {
        let mut outside = vec![f64::INFINITY; self.inside.len()];
        outside[self.all() as usize] = 0.0;
        for whole in (1..=self.all()).rev().filter(|set| set.count_ones() > 1) {
            for lhs in halves(whole) {
                let rhs = whole ^ lhs;
                let with = outside[whole as usize] + self.split_cost(whole, lhs);
                for part in [lhs, rhs] {
                    let rest = with - self.inside[part as usize];
                    let known = &mut outside[part as usize];
                    *known = known.min(rest);
                }
            }
        }
        outside
    }

    /// Cost of the best way to make a set from these two parts.
    fn split_cost(&self, whole: Subset, lhs: Subset) -> f64 {
        self.ways(whole, lhs).map(|(cost, _)| cost).fold(f64::INFINITY, f64::min)
    }

    /// Every split that lies on a tree of at most `alpha` times the least cost, the cheapest first, ties by sets; at most `cap`.
    #[must_use]
    pub fn splits_within(&self, alpha: f64, cap: usize) -> Vec<Split> {
        let outside = self.outside();
        let limit = self.cost() * alpha;
        let mut found = Vec::new();
        for whole in (1..=self.all()).filter(|set| set.count_ones() > 1 && outside[*set as usize] <= limit) {
            let cost = |lhs| outside[whole as usize] + self.split_cost(whole, lhs);
            found.extend(halves(whole).map(|lhs| Split { whole, lhs, cost: cost(lhs) }).filter(|split| split.cost <= limit));
        }
        found.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.whole.cmp(&a.whole)).then(a.lhs.cmp(&b.lhs)));
        found.truncate(cap);
        found
    }

    /// The best tree, its steps in the order of least peak memory.
    #[must_use]
    pub fn path(&self) -> Path {
        let mut late: Subset = 0;
        let mut pairs = Vec::new();
        self.emit(self.all(), &mut pairs, &mut late);
        let presums = (0..self.n_operands as u32).filter(|o| self.lone & !late & 1 << o != 0).collect();
        Path { presums, tree: Tree { pairs } }
    }

    fn emit(&self, set: Subset, pairs: &mut Vec<[u32; 2]>, late: &mut Subset) -> u32 {
        if set.is_power_of_two() {
            return set.trailing_zeros();
        }
        let Choice { lhs, late: [a, b] } = self.best[set as usize];
        let rhs = set ^ lhs;
        *late |= if a { lhs } else { 0 } | if b { rhs } else { 0 };
        let (l, r) = (self.side(lhs, a), self.side(rhs, b));
        let lhs_first = l.peak.max(l.held + r.peak) <= r.peak.max(r.held + l.peak);
        let (one, two) = if lhs_first { (lhs, rhs) } else { (rhs, lhs) };
        let (one, two) = (self.emit(one, pairs, late), self.emit(two, pairs, late));
        pairs.push(if lhs_first { [one, two] } else { [two, one] });
        (self.n_operands + pairs.len() - 1) as u32
    }
}

/// Labels that the same operands have, and the result has or has not, taken together: product of their extents, and their number.
fn classes(network: &Network) -> BTreeMap<(Subset, bool), (f64, u32)> {
    let mut holders = vec![0; network.n_labels()];
    for (operand, labels) in network.operands().iter().enumerate() {
        labels.iter().for_each(|l| holders[*l as usize] |= 1 << operand);
    }
    let mut classes = BTreeMap::new();
    for (label, holders) in holders.into_iter().enumerate().filter(|(_, holders)| *holders != 0) {
        let extent = network.extents()[label];
        let extent = if extent == 0 { libm::exp2(EMPTY_LOG2) } else { extent as f64 };
        let in_output = network.output().binary_search(&(label as u32)).is_ok();
        let class = classes.entry((holders, in_output)).or_insert((1.0, 0));
        *class = (class.0 * extent, class.1 + 1);
    }
    classes
}

/// Every way to part a set in two, each once: the part that has the least operand.
fn halves(whole: Subset) -> impl Iterator<Item = Subset> {
    let least = whole & whole.wrapping_neg();
    let rest = whole ^ least;
    let mut next = (rest != 0).then(|| rest.wrapping_sub(1) & rest);
    std::iter::from_fn(move || {
        let part = next?;
        next = (part != 0).then(|| part.wrapping_sub(1) & rest);
        Some(least | part)
    })
}

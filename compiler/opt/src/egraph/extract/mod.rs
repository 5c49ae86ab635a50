//! Which node each class is made by.
//!
//! Work that several results share counts once: the price of a selection is the sum over the classes that it reaches. Finding the least is
//! hard in general, so several searches propose and one honest price ranks them, that of the program as written included:
//!
//! 1. [`tree`]: the best node of each class as if nothing were shared. It only proposes: sums of trees count shared work many times.
//! 2. [`shared`]: each class keeps the set of work that it pays for.
//! 3. [`views`]: classes with several users are taken for free, one after the other, and trees are chosen again.
//! 4. [`swap`]: the node of one class at a time is exchanged, until nothing is gained.
//!
//! They search in each region by itself ([`regions`]).
//!
//! All stop after a number of visits to nodes, never after a time.

mod regions;
mod shared;
mod swap;
mod tree;
mod views;

/// A class as extraction sees it: positions instead of ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Problem {
    /// Ways to make each class.
    pub(crate) ways: Vec<Vec<Way>>,
    /// Classes that are wanted.
    pub(crate) roots: Vec<usize>,
}

/// One way to make a class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Way {
    /// What this step costs alone.
    pub(crate) cost: f64,
    /// Classes read, each once.
    pub(crate) children: Vec<usize>,
}

/// The way of each class; classes that nothing reaches have one too.
pub(crate) type Selection = Vec<usize>;

/// Visits to nodes that extraction may make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visits(pub(crate) u64);

impl Visits {
    pub(crate) fn spend(&mut self, n: usize) {
        self.0 = self.0.saturating_sub(n as u64);
    }

    pub(crate) fn is_spent(self) -> bool {
        self.0 == 0
    }
}

impl Problem {
    pub(crate) fn way(&self, selection: &Selection, class: usize) -> &Way {
        &self.ways[class][selection[class]]
    }

    /// Classes that a selection computes, children before parents; `None` if a class needs itself.
    pub(crate) fn order(&self, selection: &Selection) -> Option<Vec<usize>> {
        const NEW: u8 = 0;
        const OPEN: u8 = 1;
        const DONE: u8 = 2;
        let mut state = vec![NEW; self.ways.len()];
        let mut order = Vec::new();
        let mut stack: Vec<(usize, usize)> = Vec::new();
        for &root in &self.roots {
            if state[root] == NEW {
                state[root] = OPEN;
                stack.push((root, 0));
            }
            while let Some((class, next)) = stack.pop() {
                let Some(&child) = self.way(selection, class).children.get(next) else {
                    state[class] = DONE;
                    order.push(class);
                    continue;
                };
                stack.push((class, next + 1));
                match state[child] {
                    NEW => {
                        state[child] = OPEN;
                        stack.push((child, 0));
                    }
                    OPEN => return None,
                    _ => {}
                }
            }
        }
        Some(order)
    }

    /// What a selection costs, shared work once; infinite if it cannot be carried out.
    pub(crate) fn price(&self, selection: &Selection) -> f64 {
        let order = self.order(selection);
        order.map_or(f64::INFINITY, |order| order.into_iter().map(|class| self.way(selection, class).cost).sum())
    }

    /// The cheapest selection that is found; never dearer than `written`.
    pub(crate) fn choose(&self, written: &Selection, visits: Visits) -> Selection {
        let regions = regions::split(self);
        let n_ways = |problem: &Problem| problem.ways.iter().map(Vec::len).sum::<usize>() as u64;
        let all: u64 = regions.iter().map(|region| n_ways(&region.problem)).sum();
        let mut selection = written.clone();
        for region in regions {
            let share = Visits(visits.0.saturating_mul(n_ways(&region.problem)) / all.max(1));
            let written = region.classes.iter().map(|class| written[*class]).collect();
            let chosen = region.problem.choose_whole(&written, share);
            region.classes.iter().zip(chosen).for_each(|(class, way)| selection[*class] = way);
        }
        // Choices of two regions may need each other.
        if self.order(&selection).is_some() { selection } else { self.choose_whole(written, visits) }
    }

    /// The cheapest selection that is found, all classes together.
    fn choose_whole(&self, written: &Selection, mut visits: Visits) -> Selection {
        let mut best = Best { price: self.price(written), selection: written.clone() };
        let parents = tree::parents(self);
        best.offer(self, tree::select(self, &parents, &vec![false; self.ways.len()], written));
        if let Some(selection) = shared::select(self, &parents, written, &mut visits) {
            best.offer(self, selection);
        }
        views::improve(self, &parents, &mut best, written, &mut visits);
        swap::improve(self, &mut best, &mut visits);
        best.selection
    }

    /// Classes that several ways of different classes read.
    fn shared_classes(&self) -> Vec<usize> {
        let mut users = vec![0u32; self.ways.len()];
        for ways in &self.ways {
            let mut children: Vec<usize> = ways.iter().flat_map(|w| &w.children).copied().collect();
            children.sort_unstable();
            children.dedup();
            children.into_iter().for_each(|c| users[c] += 1);
        }
        self.roots.iter().for_each(|root| users[*root] += 1);
        (0..self.ways.len()).filter(|c| users[*c] > 1 && self.ways[*c].iter().all(|w| !w.children.is_empty())).collect()
    }
}

/// The best selection so far.
struct Best {
    price: f64,
    selection: Selection,
}

impl Best {
    /// Takes a selection that costs no more; what comes later is canonical where the first was as written.
    fn offer(&mut self, problem: &Problem, selection: Selection) -> bool {
        let price = problem.price(&selection);
        let is_better = price < self.price - self.price.abs() * 1e-12;
        if is_better || price <= self.price {
            *self = Self { price, selection };
        }
        is_better
    }
}

//! Exchanges the way of one class at a time, priced honestly, until nothing is gained.

use super::{Best, Problem, Selection, Visits};

/// Improves the best selection.
pub(super) fn improve(problem: &Problem, best: &mut Best, visits: &mut Visits) {
    let Some(mut plan) = Counted::new(problem, best.selection.clone()) else { return };
    let mut is_changed = true;
    while is_changed && !visits.is_spent() {
        is_changed = false;
        for class in 0..problem.ways.len() {
            for way in 0..problem.ways[class].len() {
                if visits.is_spent() {
                    break;
                }
                is_changed |= plan.users[class] > 0 && way != plan.selection[class] && plan.try_swap(class, way, visits);
            }
        }
    }
    best.offer(problem, plan.selection);
}

/// A selection with the number of users of each class, so that a change costs what it changes.
struct Counted<'a> {
    problem: &'a Problem,
    selection: Selection,
    users: Vec<u32>,
    total: f64,
}

impl<'a> Counted<'a> {
    fn new(problem: &'a Problem, selection: Selection) -> Option<Self> {
        problem.order(&selection)?;
        let mut plan = Self { problem, users: vec![0; problem.ways.len()], selection, total: 0.0 };
        let mut visits = Visits(u64::MAX);
        problem.roots.iter().for_each(|root| plan.acquire(*root, &mut visits));
        Some(plan)
    }

    /// Makes a class by another way if that is cheaper.
    fn try_swap(&mut self, class: usize, way: usize, visits: &mut Visits) -> bool {
        let (before, old) = (self.total, self.selection[class]);
        if !self.problem.ways[class][way].cost.is_finite() {
            return false;
        }
        self.set(class, way, visits);
        let is_better = self.total < before - before.abs() * 1e-12;
        if is_better && !self.needs_itself(class, visits) {
            return true;
        }
        self.set(class, old, visits);
        self.total = before;
        false
    }

    fn set(&mut self, class: usize, way: usize, visits: &mut Visits) {
        let problem = self.problem;
        let old = &problem.ways[class][self.selection[class]];
        let new = &problem.ways[class][way];
        self.total += new.cost - old.cost;
        // What both need stays: it is taken before it is given up.
        new.children.iter().for_each(|child| self.acquire(*child, visits));
        self.selection[class] = way;
        old.children.iter().for_each(|child| self.release(*child, visits));
    }

    fn acquire(&mut self, class: usize, visits: &mut Visits) {
        let mut stack = vec![class];
        while let Some(class) = stack.pop() {
            visits.spend(1);
            self.users[class] += 1;
            if self.users[class] == 1 {
                let way = self.problem.way(&self.selection, class);
                self.total += way.cost;
                stack.extend(&way.children);
            }
        }
    }

    fn release(&mut self, class: usize, visits: &mut Visits) {
        let mut stack = vec![class];
        while let Some(class) = stack.pop() {
            visits.spend(1);
            self.users[class] -= 1;
            if self.users[class] == 0 {
                let way = self.problem.way(&self.selection, class);
                self.total -= way.cost;
                stack.extend(&way.children);
            }
        }
    }

    fn needs_itself(&self, class: usize, visits: &mut Visits) -> bool {
        let mut seen = vec![false; self.users.len()];
        let mut stack: Vec<usize> = self.problem.way(&self.selection, class).children.clone();
        while let Some(next) = stack.pop() {
            if next == class {
                return true;
            }
            if !std::mem::replace(&mut seen[next], true) {
                visits.spend(1);
                stack.extend(&self.problem.way(&self.selection, next).children);
            }
        }
        false
    }
}

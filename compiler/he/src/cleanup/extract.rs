//! Which node of each class is computed.
//!
//! What is read twice is paid for once, so the price of a plan is no sum over a tree. The choice begins with the plan as it is, with the
//! number of readers of each class. A class that is computed is then given another of its nodes for a trial: what only the old one needed
//! goes, and what the new one needs comes: each class by the node that it had, or else by the one that adds the least. A trial that does not
//! make the whole lighter is taken back. So no plan is heavier than the one that it began with.

use super::form::{Form, SlotGraph};
use crate::cost::{Cost, Costs};
use egg::{Id, Language};
use std::collections::{BTreeMap, BTreeSet};

/// How often all classes are tried.
const MAX_ROUNDS: usize = 48;
/// New classes that a new class needs one after the other.
const MAX_DEPTH: usize = 12;
/// Nodes that are looked at in all trials.
const MAX_LOOKS: usize = 1_000_000;

/// A node, over classes by their numbers.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) form: Form,
    pub(super) cost: Cost,
    pub(super) children: Vec<usize>,
}

/// The node that computes each class; none of classes that are not computed.
pub(super) struct Chosen {
    pub(super) numbers: BTreeMap<Id, usize>,
    pub(super) forms: Vec<Option<Form>>,
}

/// The lightest plan that is found; none if that is the given one.
pub(super) fn extract(graph: &SlotGraph<'_>, costs: &Costs) -> Option<Chosen> {
    let dag = Dag::of(graph);
    let mut choice = Choice::given(&dag, costs);
    let changed = choice.improve();
    let forms = |class: usize| (choice.readers[class] > 0).then(|| dag.nodes[class][choice.node[class]].form.clone());
    changed.then(|| Chosen { forms: (0..dag.nodes.len()).map(forms).collect(), numbers: dag.numbers.clone() })
}

/// The classes and their nodes.
pub(super) struct Dag {
    pub(super) nodes: Vec<Vec<Node>>,
    pub(super) roots: Vec<usize>,
    numbers: BTreeMap<Id, usize>,
    /// Of each class, the node by which the given plan computes it.
    given: Vec<usize>,
}

impl Dag {
    pub(super) fn of(graph: &SlotGraph<'_>) -> Self {
        let egraph = &graph.egraph;
        let mut ids: Vec<Id> = egraph.classes().map(|class| class.id).collect();
        ids.sort_unstable();
        let numbers: BTreeMap<Id, usize> = ids.iter().enumerate().map(|(n, &id)| (id, n)).collect();
        let number = |id: &Id| numbers[&egraph.find(*id)];
        let node = |form: &Form| Node { form: form.clone(), cost: cost(form), children: form.children().iter().map(number).collect() };
        let nodes: Vec<Vec<Node>> = ids.iter().map(|&id| egraph[id].nodes.iter().map(node).collect()).collect();
        let mut given: Vec<Option<usize>> = vec![None; ids.len()];
        for (class, form) in &graph.given {
            let class = number(class);
            // The first of several is over classes that begin before.
            let is_same = |node: &Node| node.form.matches(form) && same_children(&node.children, form, number);
            given[class] = given[class].or_else(|| nodes[class].iter().position(is_same));
        }
        let roots = graph.roots.iter().map(number).collect();
        Self { nodes, roots, given: given.into_iter().map(|node| node.unwrap_or(usize::MAX)).collect(), numbers }
    }
}

fn same_children(children: &[usize], form: &Form, number: impl Fn(&Id) -> usize) -> bool {
    let (mut a, mut b) = (children.to_vec(), form.children().iter().map(number).collect::<Vec<usize>>());
    a.sort_unstable();
    b.sort_unstable();
    a == b
}

fn cost(form: &Form) -> Cost {
    let none = Cost::default();
    match form {
        Form::Input(..) | Form::Neg(_) | Form::Pin(..) => none,
        Form::Rotate(..) => Cost { rotations: 1, ..none },
        Form::Sum(terms) => Cost { adds: terms.len() as u64 - 1, ..none },
        Form::Plus(..) => Cost { adds: 1, ..none },
        Form::Times(..) => Cost { mulcp: 1, ..none },
        Form::Mul(_) => Cost { mulcc: 1, ..none },
        Form::Relin(_) => Cost { relins: 1, ..none },
    }
}

/// What is taken back if a trial fails.
enum Change {
    Readers(usize, u32),
    Node(usize, usize),
}

pub(super) struct Choice<'a> {
    dag: &'a Dag,
    costs: &'a Costs,
    node: Vec<usize>,
    /// How many operands and results each class is; those with none are not computed.
    readers: Vec<u32>,
    pub(super) cost: Cost,
    changes: Vec<Change>,
    /// Classes whose operands are being chosen.
    open: Vec<bool>,
    /// Classes that were computed before the trial; one that comes back does so by the node that it had.
    released: BTreeSet<usize>,
    /// The node that adds the least to what is computed, and how much that is.
    least: BTreeMap<usize, (f64, usize)>,
    /// Nodes that may still be looked at.
    left: usize,
}

impl<'a> Choice<'a> {
    pub(super) fn given(dag: &'a Dag, costs: &'a Costs) -> Self {
        let n = dag.nodes.len();
        let mut choice = Self {
            dag,
            costs,
            node: dag.given.clone(),
            readers: vec![0; n],
            cost: Cost::default(),
            changes: Vec::new(),
            open: vec![false; n],
            released: (0..n).collect(),
            least: BTreeMap::new(),
            left: MAX_LOOKS,
        };
        for &root in &dag.roots {
            // The given plan has no circles.
            let _ = choice.come(root);
        }
        choice.changes.clear();
        choice
    }

    /// Tries every node of every class as long as that helps; says whether it did.
    pub(super) fn improve(&mut self) -> bool {
        let mut improved = false;
        for _ in 0..MAX_ROUNDS {
            let before = self.cost;
            for class in (0..self.dag.nodes.len()).rev() {
                for node in 0..self.dag.nodes[class].len() {
                    if self.readers[class] > 0 && self.node[class] != node && self.left > 0 {
                        self.try_node(class, node);
                    }
                }
            }
            if self.cost == before {
                break;
            }
            improved = true;
        }
        improved
    }

    /// Computes a class by another node, if that is lighter.
    fn try_node(&mut self, class: usize, node: usize) {
        let (before, old) = (self.cost, self.node[class]);
        self.released.clear();
        self.least.clear();
        self.go_on(&self.dag.nodes[class][old]);
        self.changes.push(Change::Node(class, old));
        self.node[class] = node;
        let came = self.come_by(class);
        let lighter = came.is_some() && self.cost.weigh(self.costs) + 1e-9 < before.weigh(self.costs);
        if lighter && !self.is_in_a_circle(class) {
            self.changes.clear();
            return;
        }
        self.take_back();
        self.cost = before;
    }

    fn set_readers(&mut self, class: usize, readers: u32) {
        self.changes.push(Change::Readers(class, self.readers[class]));
        self.readers[class] = readers;
    }

    fn take_back(&mut self) {
        while let Some(change) = self.changes.pop() {
            match change {
                Change::Readers(class, readers) => self.readers[class] = readers,
                Change::Node(class, node) => self.node[class] = node,
            }
        }
    }

    /// One reader more. None if that goes round in a circle.
    fn come(&mut self, class: usize) -> Option<()> {
        if self.open[class] {
            return None;
        }
        self.set_readers(class, self.readers[class] + 1);
        if self.readers[class] > 1 {
            return Some(());
        }
        if !self.released.contains(&class) {
            let (_, node) = self.least(class, MAX_DEPTH)?;
            self.changes.push(Change::Node(class, self.node[class]));
            self.node[class] = node;
        }
        self.come_by(class)
    }

    /// The operands of the node of a class have a reader more.
    fn come_by(&mut self, class: usize) -> Option<()> {
        let node = &self.dag.nodes[class][self.node[class]];
        self.cost += node.cost;
        self.open[class] = true;
        let came = node.children.iter().try_for_each(|&child| self.come(child));
        self.open[class] = false;
        came
    }

    /// One reader less.
    fn go(&mut self, class: usize) {
        self.set_readers(class, self.readers[class] - 1);
        if self.readers[class] == 0 {
            self.released.insert(class);
            self.go_on(&self.dag.nodes[class][self.node[class]]);
        }
    }

    /// A node is not computed.
    fn go_on(&mut self, node: &Node) {
        self.left = self.left.saturating_sub(1);
        self.cost = self.cost.without(node.cost);
        node.children.iter().for_each(|&child| self.go(child));
    }

    /// The node that adds the least to what is computed, if it needs no class that is open.
    fn least(&mut self, class: usize, depth: usize) -> Option<(f64, usize)> {
        if let Some(&there) = self.least.get(&class) {
            return Some(there);
        }
        let was_there = self.released.contains(&class);
        let nodes = if was_there { self.node[class]..self.node[class] + 1 } else { 0..self.dag.nodes[class].len() };
        let depth = if was_there { depth } else { depth.checked_sub(1)? };
        self.open[class] = true;
        let mut best: Option<(f64, usize)> = None;
        for node in nodes {
            let price = self.price(&self.dag.nodes[class][node], depth);
            if let Some(price) = price.filter(|price| best.is_none_or(|(least, _)| *price < least)) {
                best = Some((price, node));
            }
        }
        self.open[class] = false;
        self.least.extend(best.map(|best| (class, best)));
        best
    }

    /// What a node adds to what is computed.
    fn price(&mut self, node: &Node, depth: usize) -> Option<f64> {
        self.left = self.left.saturating_sub(1);
        let mut price = node.cost.weigh(self.costs);
        for &child in &node.children {
            price += match self.readers[child] {
                _ if self.open[child] => return None,
                0 => self.least(child, depth)?.0,
                _ => 0.0,
            };
        }
        Some(price)
    }

    /// Whether a class is computed from itself.
    fn is_in_a_circle(&self, class: usize) -> bool {
        let mut seen = vec![false; self.dag.nodes.len()];
        let mut left = self.operands(class).to_vec();
        while let Some(other) = left.pop() {
            if other == class {
                return true;
            }
            if !std::mem::replace(&mut seen[other], true) {
                left.extend(self.operands(other));
            }
        }
        false
    }

    fn operands(&self, class: usize) -> &'a [usize] {
        &self.dag.nodes[class][self.node[class]].children
    }
}

//! Chooses contraction orders, algebra and what is shared together, in one graph of equal values.
//!
//! ```text
//! steps → convert (fuses products) → narrow → algebra → orders → guards, lists → extract → emit → steps
//! ```
//!
//! * [`language`]: nodes. [`graph`]: the constructors that give equal values one class. [`facts`]: what is known of a class.
//! * [`convert`]: steps to classes. [`rules`]: sums and products rewritten. [`orders`]: splits of contractions, found in [`crate::path`].
//! * [`zeros`], [`lists`]: products with values by cases, and with tables, that are zero in part. [`narrow`]: nests over fewer positions. [`nests`]: nests
//!   that rules make.
//! * [`price`], [`secrets`], [`inline`], [`extract`]: which node each class is made by. [`emit`]: classes to steps. [`why`]: by which rules. [`dump`]: all of it.
//!
//! The phases run once each. Equalities are exact in the ring that a rule asks for. Every stop is a number of steps.

mod convert;
mod dump;
mod emit;
mod extract;
mod facts;
mod graph;
mod inline;
mod language;
mod lists;
mod narrow;
mod nests;
mod orders;
mod price;
mod rules;
mod secrets;
#[cfg(test)]
mod tests;
mod why;
mod zeros;

pub(crate) use convert::ring_of;
pub use dump::{EClass, EGraph, EWay};
pub(crate) use emit::renumber;
pub use why::Reason;
pub(crate) use zeros::{negated, zero_outside};

use crate::draft::{Draft, Question};
use crate::{Options, Order, search};
use convert::{Converted, Item};
use egg::{Id, Language};
use extract::{Problem, Selection, Visits, Way};
use language::Node;
use price::Prices;
use secrets::Secrets;
use std::collections::{BTreeMap, BTreeSet};

/// Visits to nodes that extraction may make, by level.
const VISITS: [u64; 3] = [0, 200_000, 5_000_000];

/// Replaces the steps of a draft by cheaper ones that compute the same.
pub(crate) fn optimise(draft: &mut Draft, options: &Options) {
    let limit = search::intermediate_limit(draft, draft.values.keys());
    let mut converted = saturated(draft, options, limit);
    let candidates = Candidates::of(draft, &converted, options, limit);
    let level = usize::from(options.opt_level).min(VISITS.len() - 1);
    let selection = candidates.problem.choose(&candidates.written, Visits(VISITS[level]));
    let Some(chosen) = candidates.chosen(&selection) else { return };
    let mut asked = draft.asked.take();
    if let Some(Question::Graph(graphs)) = &mut asked {
        graphs.push(dump::dump(draft, &converted, &candidates, &chosen));
    }
    if let Some(made) = emit::emit(draft, &converted, &chosen)
        && let Some(Question::Why(reasons)) = &mut asked
    {
        reasons.extend(why::explain(draft, &mut converted, &chosen, &made));
    }
    draft.asked = asked;
}

/// The graph with everything in it that extraction may choose.
fn saturated(draft: &mut Draft, options: &Options, limit: u64) -> Converted {
    let mut converted = convert::convert(draft);
    if options.order == Order::Written {
        return converted;
    }
    zeros::narrow(draft, &mut converted);
    let program = orders::networks(&converted.graph);
    rules::apply(&mut converted.graph, options);
    orders::insert(&mut converted.graph, &program, options, limit);
    zeros::guard(&mut converted);
    lists::insert(draft, &mut converted);
    converted
}

/// What extraction chooses from.
struct Candidates {
    classes: Vec<Id>,
    /// Nodes of each class.
    nodes: Vec<Vec<Node>>,
    problem: Problem,
    written: Selection,
}

impl Candidates {
    /// Every class that some way of making the wanted ones needs. Intermediates of more than `limit` bytes cannot be chosen.
    fn of(draft: &Draft, converted: &Converted, options: &Options, limit: u64) -> Self {
        let layouts = emit::layouts(draft, converted);
        let (minimize, machine) = (options.minimize, &options.machine);
        let found = reachable(converted);
        let secrets = options.counts_bootstraps().then(|| Secrets::of(draft, converted, &found));
        let prices = Prices { converted, reducers: &draft.reducers, minimize, machine, layouts: &layouts, secrets };
        let (classes, nodes): (Vec<Id>, Vec<Vec<Node>>) = found.into_iter().unzip();
        let position: BTreeMap<Id, usize> = classes.iter().enumerate().map(|(n, class)| (*class, n)).collect();
        let find = |id: &Id| position[&converted.graph.egraph.find(*id)];
        let current = |access: &graph::Access| converted.graph.current(access.clone()).class;
        let roots = roots(converted);
        let inlined = inline::inlined(converted, &classes, &nodes, &roots);
        let wanted: BTreeSet<Id> = roots.iter().map(|root| converted.graph.egraph.find(*root)).collect();
        let of_program: BTreeSet<Id> = converted.values.values().map(current).collect();
        let way = |class: Id, node: &Node| {
            let mut children: Vec<usize> = node.children().iter().map(find).collect();
            children.sort_unstable();
            children.dedup();
            let bytes = converted.graph.egraph[class].data.n_elements() * converted.graph.dtype(class).bytes() as f64;
            let is_too_large = bytes > limit as f64 && !of_program.contains(&class) && !price::is_view(node);
            let is_inlined = inlined.contains(&class) && inline::is_pointwise(converted, node);
            let cost = match () {
                () if is_too_large => f64::INFINITY,
                () if is_inlined => prices.price_inlined(class, node),
                () if wanted.contains(&class) => prices.price(class, node),
                () => prices.price_stored(class, node),
            };
            Way { cost, children }
        };
        let ways = classes.iter().zip(&nodes).map(|(class, nodes)| nodes.iter().map(|node| way(*class, node)).collect()).collect();
        let roots = roots.iter().map(find).collect();
        let written = as_written(&nodes);
        Self { classes, nodes, problem: Problem { ways, roots }, written }
    }

    /// The node of each class; `None` if a class cannot be made.
    fn chosen(&self, selection: &Selection) -> Option<BTreeMap<Id, Node>> {
        let chosen = self.classes.iter().zip(&self.nodes).zip(selection).map(|((class, nodes), n)| (*class, nodes[*n].clone()));
        self.problem.price(selection).is_finite().then(|| chosen.collect())
    }
}

/// Classes of what is wanted and what remaining steps read.
fn roots(converted: &Converted) -> Vec<Id> {
    let mut roots = Vec::new();
    let mut want = |tensor| roots.push(converted.graph.current(converted.values[&tensor].clone()).class);
    for item in &converted.items {
        match item {
            Item::Wanted(tensor) => want(*tensor),
            Item::Step(step) => step.reads().into_iter().for_each(&mut want),
        }
    }
    roots.sort();
    roots.dedup();
    roots
}

/// Classes that some way of making the roots needs, ascending, with their nodes in order.
fn reachable(converted: &Converted) -> Vec<(Id, Vec<Node>)> {
    let graph = &converted.graph;
    let mut found: BTreeMap<Id, Vec<Node>> = BTreeMap::new();
    let mut stack = roots(converted);
    while let Some(class) = stack.pop() {
        if found.contains_key(&class) {
            continue;
        }
        let nodes = ways(graph.nodes(class));
        stack.extend(nodes.iter().flat_map(|n| n.children()).map(|c| graph.egraph.find(*c)));
        found.insert(class, nodes);
    }
    found.into_iter().collect()
}

/// A class that is there already needs no other way.
fn ways(nodes: Vec<Node>) -> Vec<Node> {
    let is_given = |node: &&Node| matches!(node, Node::Leaf(_) | Node::Constant(_));
    match nodes.iter().find(is_given) {
        Some(given) => vec![given.clone()],
        None => nodes,
    }
}

/// Each class as the program computes it, as far as it does.
fn as_written(nodes: &[Vec<Node>]) -> Selection {
    let written = |nodes: &Vec<Node>| nodes.iter().position(|n| matches!(n, Node::Nest(..) | Node::Leaf(_) | Node::Constant(_)));
    nodes.iter().map(|nodes| written(nodes).unwrap_or(0)).collect()
}

//! Contraction orders: searched in [`crate::path`], and inserted in bulk.
//!
//! Of a network with few operands every split that lies on a tree near the best is inserted, so that extraction chooses among them
//! together with what several outputs share and what the algebra found. Of a large one only the best tree is.

use super::graph::{Access, Graph, Product};
use super::language::{Label, Node, Ring, Spec};
use crate::path::{self, Objective, Path, Rank, StepCost, Subset, Table};
use crate::{Options, search};
use egg::Id;
use std::collections::{BTreeMap, BTreeSet};

/// How much dearer than the best tree those may be whose splits are inserted.
const ALPHA: f64 = 1.5;
/// Splits of one network: stars do not prune.
const SPLITS: usize = 500;
/// Splits of all networks.
const STEPS: usize = 600;
/// Pairs of parts that exact searches may compare for networks that rules made, by level: a network of twelve operands has half a million. The
/// networks of the program are searched whatever that takes.
const PAIRS: [u64; 3] = [0, 2_000_000, 50_000_000];

/// The networks that classes have, for [`insert`].
pub(crate) fn networks(graph: &Graph) -> BTreeSet<Node> {
    let nodes = graph.egraph.classes().flat_map(|class| &class.nodes);
    nodes.filter(|node| matches!(node, Node::Contract(..))).cloned().collect()
}

/// Inserts orders of every network that has several; those of `program` come from no rule.
pub(crate) fn insert(graph: &mut Graph, program: &BTreeSet<Node>, options: &Options, limit: u64) {
    let (mut left, mut pairs) = (STEPS, PAIRS[usize::from(options.opt_level).min(PAIRS.len() - 1)]);
    for class in graph.classes() {
        for node in graph.nodes(class) {
            let is_of_program = program.contains(&node);
            let Node::Contract(ring, spec, children) = node else { continue };
            if children.len() < 2 || children.len() == 2 && !has_lone_label(&spec) || is_elementwise(&spec) {
                continue;
            }
            let needed = 3u64.saturating_pow(children.len() as u32);
            if !is_of_program {
                if children.len() > path::EXACT_OPERANDS || needed > pairs {
                    continue;
                }
                pairs -= needed;
            }
            let operands = children.into_iter().zip(spec.operands).map(|(class, labels)| Access { class, labels });
            let product = Product { operands: operands.collect(), output: spec.output, extents: spec.extents };
            for (class, product) in apart_from_numbers(graph, ring, class, product) {
                left = left.saturating_sub(Orders { graph, ring, class, product, limit }.insert(options, left));
            }
        }
    }
    graph.egraph.rebuild();
}

/// The networks whose orders are searched for a class: itself, unless some of its operands are numbers (tensors without axes). Those take no part in
/// an order: they multiply the result, or the smallest operand if that is smaller.
fn apart_from_numbers(graph: &mut Graph, ring: Ring, class: Id, product: Product) -> Vec<(Id, Product)> {
    let (numbers, others): (Vec<Access>, Vec<Access>) = product.operands.iter().cloned().partition(|o| o.labels.is_empty());
    if numbers.is_empty() || others.is_empty() {
        return vec![(class, product)];
    }
    let whole = Access { class, labels: product.output.clone() };
    let core = Product { operands: others.clone(), ..product.clone() };
    let unscaled = graph.contract(ring, core.clone());
    let scaled = numbers.iter().cloned().chain([unscaled.clone()]).collect();
    graph.join_contraction(&whole, ring, scaled, &product.extents, "scale-result");
    let mut networks = vec![(unscaled.class, Product { output: unscaled.labels, ..core.clone() })];
    let size = |access: &Access| graph.egraph[access.class].data.n_elements();
    let smallest = (0..others.len()).min_by(|a, b| size(&others[*a]).total_cmp(&size(&others[*b]))).unwrap_or(0);
    if others.len() > 1 && size(&others[smallest]) < graph.egraph[class].data.n_elements() {
        let mut operands = numbers;
        operands.push(others[smallest].clone());
        let output = others[smallest].labels.iter().copied().collect::<BTreeSet<Label>>().into_iter().collect();
        let mut core = core;
        core.operands[smallest] = graph.contract(ring, Product { operands, output, extents: product.extents.clone() });
        let named = graph.contract(ring, core.clone());
        graph.join(&whole, &named, "scale-operand");
        networks.push((graph.egraph.find(class), Product { output: product.output, ..core }));
    }
    networks
}

/// Whether all operands have the axes of the result: no order is better than another.
fn is_elementwise(spec: &Spec) -> bool {
    !spec.reduces() && spec.operands.iter().all(|o| o.len() == spec.output.len())
}

/// Whether an operand can be reduced alone.
fn has_lone_label(spec: &Spec) -> bool {
    let is_lone = |label: Label| !spec.output.contains(&label) && spec.operands.iter().filter(|o| o.contains(&label)).count() == 1;
    (0..spec.extents.len() as Label).any(is_lone)
}

/// The network of a class; its labels are those of the axes of the class.
struct Orders<'a> {
    graph: &'a mut Graph,
    ring: Ring,
    class: Id,
    product: Product,
    /// Bytes that an intermediate may have.
    limit: u64,
}

impl Orders<'_> {
    /// Inserts orders; returns how many splits.
    fn insert(&mut self, options: &Options, most: usize) -> usize {
        let Some(network) = self.as_path_network() else { return 0 };
        let objective = options.minimize.of_orders(&options.machine, self.ring.dtype);
        if network.n_operands() > path::EXACT_OPERANDS || objective == Objective::Peak {
            return self.insert_best(&network, &objective, options);
        }
        match objective {
            // What an order costs depends on more than sizes: all are inserted, as far as there is room.
            _ if options.counts_bootstraps() => self.insert_within(&network, &path::Flops, f64::INFINITY, most),
            Objective::Time(time) => self.insert_near_best(&network, &time, most),
            Objective::Combo => self.insert_near_best(&network, &path::Combo, most),
            _ => self.insert_near_best(&network, &path::Flops, most),
        }
    }

    fn as_path_network(&self) -> Option<path::Network> {
        let wide = |labels: &[Label]| labels.iter().map(|l| u32::from(*l)).collect::<Vec<u32>>();
        let operands = self.product.operands.iter().map(|o| wide(&o.labels)).collect();
        path::Network::new(operands, wide(&self.product.output), self.product.extents.clone()).ok()
    }

    fn insert_near_best<C: StepCost>(&mut self, network: &path::Network, cost: &C, most: usize) -> usize {
        self.insert_within(network, cost, ALPHA, most)
    }

    /// The splits of trees that are at most so much dearer than the best.
    fn insert_within<C: StepCost>(&mut self, network: &path::Network, cost: &C, alpha: f64, most: usize) -> usize {
        let Some(table) = Table::search(network, cost, Rank::Cost) else { return 0 };
        let mut splits = table.splits_within(alpha, SPLITS.min(most));
        // The best tree is always there, whatever the budget.
        splits.extend(splits_of(&table.path(), network.n_operands()).into_iter().map(|(whole, lhs)| path::Split { whole, lhs, cost: 0.0 }));
        let mut known = BTreeMap::new();
        for split in &splits {
            self.join(network, split.whole, split.lhs, &mut known);
        }
        if self.is_too_large(network, &table.path()) {
            return splits.len() + self.insert_best(network, &Objective::Peak, &Options::default());
        }
        splits.len()
    }

    /// Whether a path has an intermediate beyond the limit.
    fn is_too_large(&self, network: &path::Network, path: &Path) -> bool {
        let sizes = path.step_sizes(network);
        let most = libm::log2(self.limit as f64 / self.ring.dtype.bytes() as f64);
        sizes.len() > 1 && sizes[..sizes.len() - 1].iter().any(|s| s.log2_out > most)
    }

    /// One more way to make a part of the network.
    fn join(&mut self, network: &path::Network, whole: Subset, lhs: Subset, known: &mut BTreeMap<Subset, Access>) {
        let made = self.part(network, whole, known);
        let parts = [lhs, whole ^ lhs];
        let ways = parts.map(|part| self.ways_to_read(network, part, known));
        for one in &ways[0] {
            for other in &ways[1] {
                self.graph.join_contraction(&made, self.ring, vec![one.clone(), other.clone()], &self.product.extents, "split-contraction");
            }
        }
    }

    /// A part as an operand of a step; an operand whose own labels nothing else has may be reduced before the step or in it.
    fn ways_to_read(&mut self, network: &path::Network, part: Subset, known: &mut BTreeMap<Subset, Access>) -> Vec<Access> {
        let made = self.part(network, part, known);
        if !part.is_power_of_two() {
            return vec![made];
        }
        let operand = self.product.operands[part.trailing_zeros() as usize].clone();
        if made == operand { vec![made] } else { vec![operand, made] }
    }

    /// The class of some operands, reduced over what nothing else needs.
    fn part(&mut self, network: &path::Network, part: Subset, known: &mut BTreeMap<Subset, Access>) -> Access {
        if let Some(access) = known.get(&part) {
            return access.clone();
        }
        let is_in = |n: usize| part & 1 << n != 0;
        let access = if part.count_ones() as usize == self.product.operands.len() {
            Access { class: self.class, labels: self.product.output.clone() }
        } else {
            let operands: Vec<Access> =
                (0..self.product.operands.len()).filter(|n| is_in(*n)).map(|n| self.product.operands[n].clone()).collect();
            let outside = (0..network.n_operands()).filter(|n| !is_in(*n)).flat_map(|n| &network.operands()[n]);
            let needed: Vec<u32> = outside.chain(network.output()).copied().collect();
            self.contract(operands, |label| needed.contains(&label))
        };
        known.insert(part, access.clone());
        access
    }

    fn contract(&mut self, operands: Vec<Access>, is_kept: impl Fn(u32) -> bool) -> Access {
        let mut output: Vec<Label> = operands.iter().flat_map(|o| &o.labels).copied().filter(|l| is_kept(u32::from(*l))).collect();
        output.sort_unstable();
        output.dedup();
        self.graph.contract(self.ring, Product { operands, output, extents: self.product.extents.clone() })
    }

    /// Inserts the steps of the best path that is found.
    fn insert_best(&mut self, network: &path::Network, objective: &Objective, options: &Options) -> usize {
        let found = search::search(network, objective, options, &Path::summed_first(network, path::Tree::written(network.n_operands())));
        let n = network.n_operands();
        let mut made: Vec<Access> = self.product.operands.clone();
        let mut n_splits = 0;
        path::walk(network, &found, |step| {
            let operands: Vec<Access> = step.ends.iter().map(|end| made[*end as usize].clone()).collect();
            n_splits += 1;
            if operands.len() == 2 && made.len() + 2 == 2 * n {
                let whole = Access { class: self.class, labels: self.product.output.clone() };
                self.graph.join_contraction(&whole, self.ring, operands, &self.product.extents, "split-contraction");
                return;
            }
            let result = self.contract(operands, |label| step.out.binary_search(&label).is_ok());
            if step.ends.len() == 1 { made[step.id as usize] = result } else { made.push(result) }
        });
        n_splits
    }
}

/// The splits of a tree, as sets of operands.
fn splits_of(path: &Path, n_operands: usize) -> Vec<(Subset, Subset)> {
    let mut sets: Vec<Subset> = (0..n_operands).map(|n| 1 << n).collect();
    path.tree
        .pairs
        .iter()
        .map(|[lhs, rhs]| {
            let (lhs, rhs) = (sets[*lhs as usize], sets[*rhs as usize]);
            sets.push(lhs | rhs);
            (lhs | rhs, lhs)
        })
        .collect()
}

//! The layout graph of a program: in which packings its tensors may be, and what makes each of them, so that a tensor that is read more
//! than once is paid for once.
//!
//! A class of the e-graph is a tensor in a packing. Its nodes are the ways to have it there: an input that is sent so, a kernel that the
//! search found over other classes, or a move from another packing of the same tensor. Equal places are one class, so that what one product
//! moves a factor to may be where another makes it. The graph only *chooses*: tensors that are read more than once are given a packing each
//! ([`Graph::choose`]), and the search is run again with these; its plan is taken if it is better.

use crate::contraction::{Contraction, Operand, Subscript};
use crate::convert::{self, Conversion};
use crate::cost::Cost;
use crate::held::{Added, Held, Holder, Make, row_major};
use crate::packing::Packing;
use crate::program::Origin;
use crate::search::{Contract, Node, Way};
use egg::{EGraph, Id, Language};
use ein_ir::packed::layout::AddressBit;
use std::collections::BTreeMap;
use std::rc::Rc;

#[cfg(test)]
mod tests;

/// Packings of one tensor that others are made from.
const MAX_PACKINGS: usize = 12;
/// Places of one tensor that it is moved to.
const MAX_TARGETS: usize = 64;
/// How often each choice is looked at again.
const MAX_ROUNDS: usize = 4;

/// A node of the graph; its price is that of its number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    /// Stands for a class; nothing that can be had.
    Place(u32),
    /// An input as it is sent.
    Sent(u32),
    /// A kernel, or what finishes a result.
    Made(u32, Vec<Id>),
    /// A move from another packing of the same tensor.
    Moved(u32, Id),
}

impl Language for Form {
    type Discriminant = std::mem::Discriminant<Self>;

    fn discriminant(&self) -> Self::Discriminant {
        std::mem::discriminant(self)
    }

    fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Place(a), Self::Place(b)) | (Self::Sent(a), Self::Sent(b)) | (Self::Moved(a, _), Self::Moved(b, _)) => a == b,
            (Self::Made(a, x), Self::Made(b, y)) => a == b && x.len() == y.len(),
            _ => false,
        }
    }

    fn children(&self) -> &[Id] {
        match self {
            Self::Place(_) | Self::Sent(_) => &[],
            Self::Made(_, children) => children,
            Self::Moved(_, child) => std::slice::from_ref(child),
        }
    }

    fn children_mut(&mut self) -> &mut [Id] {
        match self {
            Self::Place(_) | Self::Sent(_) => &mut [],
            Self::Made(_, children) => children,
            Self::Moved(_, child) => std::slice::from_mut(child),
        }
    }
}

/// What tells classes apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A tensor in a packing of its axes.
    Held(usize, Packing),
    /// A tensor as a product reads it, other than by a label an axis.
    Seen(usize, String, Packing),
    /// An input packed along diagonals, for one product.
    Rolled(usize, u32),
    /// A result as it is wanted.
    Result(usize),
}

/// Where a product wants a factor.
struct Target {
    class: Id,
    contraction: Rc<Contraction>,
    operand: usize,
    joint: Packing,
    /// What is filled after every move.
    filled: f64,
}

/// A factor of a kernel that is a tensor of the program.
struct Leaf<'a> {
    contraction: &'a Rc<Contraction>,
    operand: usize,
    /// None for an input that can be anywhere.
    from: Option<&'a Rc<Held>>,
    conversion: &'a Conversion,
    /// The joint space, of a product slot by slot.
    joint: Option<&'a Packing>,
    rolled: bool,
}

/// Packings of tensors that are read more than once.
pub(crate) type Choice = BTreeMap<usize, Packing>;

/// The graph in the making.
struct Drawing<'a> {
    holder: &'a Holder<'a>,
    /// How often each tensor is read.
    reads: Vec<usize>,
    graph: EGraph<Form, ()>,
    places: BTreeMap<Place, Id>,
    prices: Vec<f64>,
    targets: BTreeMap<usize, Vec<Target>>,
    /// Packings that inputs may be sent in.
    sendable: BTreeMap<usize, Vec<Packing>>,
}

/// What it takes to have a class.
struct Means {
    price: f64,
    children: Vec<usize>,
    /// Whether it does not come from another packing of the tensor.
    makes: bool,
}

/// The graph, each class with its ways.
pub(crate) struct Graph {
    classes: Vec<Vec<Means>>,
    roots: Vec<usize>,
    /// Of each tensor that is read more than once, its packings.
    shared: BTreeMap<usize, Vec<(Packing, usize)>>,
    /// Of each class, the tensor of the program.
    tensors: Vec<Option<usize>>,
    /// The classes by tensor, each after those that it is made from; results at the end.
    in_order: Vec<Vec<usize>>,
}

/// How often the tensors of a program are read.
fn reads(holder: &Holder<'_>) -> Vec<usize> {
    let program = holder.program;
    let mut reads = vec![0; program.tensors.len()];
    (0..program.tensors.len()).for_each(|tensor| program.operands(tensor).for_each(|operand| reads[operand] += 1));
    holder.program.results.iter().for_each(|&result| reads[result] += 1);
    reads
}

/// The graph over the ways that were found; none if every secret tensor is read once, so that nothing is shared.
pub(crate) fn graph(holder: &Holder<'_>) -> Option<Graph> {
    let reads = reads(holder);
    let is_shared = |tensor: &usize| reads[*tensor] > 1 && holder.program.tensors[*tensor].is_secret();
    let shared: Vec<usize> = (0..reads.len()).filter(is_shared).collect();
    if shared.is_empty() {
        return None;
    }
    let mut drawing = Drawing {
        holder,
        reads,
        graph: EGraph::default(),
        places: BTreeMap::new(),
        prices: Vec::new(),
        targets: BTreeMap::new(),
        sendable: BTreeMap::new(),
    };
    holder.held.iter().flat_map(|ways| ways.iter()).for_each(|held| drawing.held(held));
    let roots: Vec<Id> =
        holder.program.results.iter().filter(|result| !holder.held[**result].is_empty()).map(|&result| drawing.result(result)).collect();
    let shared = shared.into_iter().map(|tensor| (tensor, drawing.packings(tensor))).collect();
    drawing.graph.rebuild();
    Some(drawing.finish(&roots, shared))
}

impl Drawing<'_> {
    fn place(&mut self, place: Place) -> Id {
        if let Some(&class) = self.places.get(&place) {
            return class;
        }
        let class = self.graph.add(Form::Place(u32::try_from(self.places.len()).unwrap_or(u32::MAX)));
        self.places.insert(place, class);
        class
    }

    /// A way to have a class.
    fn way(&mut self, class: Id, price: f64, form: impl FnOnce(u32) -> Form) {
        let number = u32::try_from(self.prices.len()).unwrap_or(u32::MAX);
        self.prices.push(price);
        let node = self.graph.add(form(number));
        self.graph.union(class, node);
    }

    /// A way to hold a tensor, over the tensors that it reads.
    fn held(&mut self, held: &Held) {
        let mut leaves = Vec::new();
        let mut own = held.cost;
        let mut children = Vec::new();
        match &held.make {
            Make::Input => {}
            Make::Term(way) => of_way(way, &mut leaves),
            Make::Sum(added) => of_sum(added, &mut leaves),
            Make::Polynomial(of, _) => {
                own = own.without(of.cost);
                children.push(self.place(Place::Held(of.tensor, of.packing.clone())));
            }
        }
        for leaf in leaves {
            own = own.without(leaf.conversion.cost);
            own = own.without(leaf.from.map_or_else(Cost::default, |from| from.cost));
            children.push(self.leaf(&leaf));
        }
        let class = self.place(Place::Held(held.tensor, held.packing.clone()));
        self.way(class, own.weigh(&self.holder.costs), |number| Form::Made(number, children));
    }

    /// The class of a factor where it is wanted.
    fn leaf(&mut self, leaf: &Leaf<'_>) -> Id {
        let operand = &leaf.contraction.operands[leaf.operand];
        let tensor = operand.tensor;
        let packing = leaf.conversion.packing.clone();
        if leaf.rolled {
            let class = self.place(Place::Rolled(tensor, u32::try_from(self.prices.len()).unwrap_or(u32::MAX)));
            if self.reads[tensor] == 1 {
                self.way(class, leaf.conversion.cost.weigh(&self.holder.costs), Form::Sent);
            }
            return class;
        }
        let over_axes = |packing: &Packing| packing.relabelled(|label| axis_of(operand, label));
        let place = if operand.is_plain() {
            Place::Held(tensor, over_axes(&packing))
        } else {
            Place::Seen(tensor, format!("{:?}", operand.axes), packing.clone())
        };
        let class = self.place(place);
        match leaf.from {
            Some(held) => {
                let from = self.place(Place::Held(tensor, held.packing.clone()));
                if from != class {
                    self.way(class, leaf.conversion.cost.weigh(&self.holder.costs), |number| Form::Moved(number, from));
                }
            }
            None if operand.is_plain() => {
                let mut sent = over_axes(&packing);
                leaf.conversion.spread.iter().for_each(|&p| sent.set(p, AddressBit::Zero));
                let from = self.sent(tensor, sent);
                if from != class {
                    self.way(class, leaf.conversion.cost.weigh(&self.holder.costs), |number| Form::Moved(number, from));
                }
            }
            // Rolled so that its diagonal is at hand.
            None if self.reads[tensor] == 1 => self.way(class, leaf.conversion.cost.weigh(&self.holder.costs), Form::Sent),
            None => {}
        }
        let filled = if leaf.joint.is_some() { 0.0 } else { f64::from(u32::try_from(leaf.conversion.spread.len()).unwrap_or(u32::MAX)) };
        let joint = leaf.joint.cloned().unwrap_or(packing);
        let target = Target { class, contraction: Rc::clone(leaf.contraction), operand: leaf.operand, joint, filled };
        let targets = self.targets.entry(tensor).or_default();
        if targets.len() < MAX_TARGETS && targets.iter().all(|other| other.class != class) {
            targets.push(target);
        }
        class
    }

    /// An input as it may be sent.
    fn sent(&mut self, tensor: usize, packing: Packing) -> Id {
        let class = self.place(Place::Held(tensor, packing.clone()));
        let packings = self.sendable.entry(tensor).or_default();
        if !packings.contains(&packing) {
            packings.push(packing);
            self.way(class, 0.0, Form::Sent);
        }
        class
    }

    /// A result as it is wanted.
    fn result(&mut self, tensor: usize) -> Id {
        let class = self.place(Place::Result(tensor));
        for held in self.holder.held[tensor].iter() {
            let made = self.place(Place::Held(tensor, held.packing.clone()));
            let price = self.holder.finishing(tensor, &held.packing).1.weigh(&self.holder.costs);
            self.way(class, price, |number| Form::Made(number, vec![made]));
        }
        class
    }

    /// The packings of a tensor that is read more than once, each with its class; it is moved from each to wherever it is wanted.
    fn packings(&mut self, tensor: usize) -> Vec<(Packing, Id)> {
        let origin = &self.holder.program.tensors[tensor];
        let mut packings: Vec<Packing> = Vec::new();
        if matches!(origin.origin, Origin::Secret) {
            let row_major = row_major(&origin.shape, self.holder.log_slots);
            if self.holder.contract == Contract::Free {
                packings = self.sendable.remove(&tensor).unwrap_or_default();
                packings.truncate(MAX_PACKINGS - 1);
            }
            if !packings.contains(&row_major) {
                packings.push(row_major);
            }
        } else {
            for held in self.holder.held[tensor].iter() {
                if packings.len() < MAX_PACKINGS && !packings.contains(&held.packing) {
                    packings.push(held.packing.clone());
                }
            }
        }
        let is_input = matches!(origin.origin, Origin::Secret);
        let classed: Vec<(Packing, Id)> = packings
            .into_iter()
            .map(|packing| {
                let class = if is_input { self.sent(tensor, packing.clone()) } else { self.place(Place::Held(tensor, packing.clone())) };
                (packing, class)
            })
            .collect();
        let targets = self.targets.remove(&tensor).unwrap_or_default();
        for (packing, from) in &classed {
            targets.iter().filter(|target| target.class != *from).for_each(|target| self.moved(target, packing, *from));
        }
        classed
    }

    fn moved(&mut self, target: &Target, packing: &Packing, from: Id) {
        let contraction = &target.contraction;
        let operand = &contraction.operands[target.operand];
        let Some((source, _)) = convert::seen(contraction, operand, packing, self.holder.log_slots) else { return };
        let labels = contraction.labels_of(1 << target.operand);
        let (log_slots, costs) = (self.holder.log_slots, &self.holder.costs);
        let Some(conversion) = convert::convert(contraction, labels, &source, &target.joint, log_slots, costs) else { return };
        self.way(target.class, conversion.cost.weigh(&self.holder.costs) + target.filled, |number| Form::Moved(number, from));
    }

    fn finish(self, roots: &[Id], shared: BTreeMap<usize, Vec<(Packing, Id)>>) -> Graph {
        let mut numbers: BTreeMap<Id, usize> = BTreeMap::new();
        for class in self.graph.classes() {
            numbers.insert(class.id, 0);
        }
        numbers.values_mut().enumerate().for_each(|(n, number)| *number = n);
        let number = |id: Id| numbers[&self.graph.find(id)];
        let mut tensors = vec![None; numbers.len()];
        for (place, &class) in &self.places {
            tensors[number(class)] = match place {
                Place::Held(tensor, _) | Place::Seen(tensor, ..) | Place::Rolled(tensor, _) => Some(*tensor),
                Place::Result(_) => None,
            };
        }
        let mut classes: Vec<Vec<Means>> = Vec::new();
        for &id in numbers.keys() {
            let price = |n: &u32| self.prices[*n as usize];
            let way = |node: &Form| {
                let (price, makes) = match node {
                    Form::Place(_) => return None,
                    Form::Sent(n) | Form::Made(n, _) => (price(n), true),
                    Form::Moved(n, _) => (price(n), false),
                };
                Some(Means { price, children: node.children().iter().map(|&child| number(child)).collect(), makes })
            };
            classes.push(self.graph[id].nodes.iter().filter_map(way).collect());
        }
        let mut by_tensor: BTreeMap<(bool, Option<usize>), Vec<usize>> = BTreeMap::new();
        for (class, tensor) in tensors.iter().enumerate() {
            by_tensor.entry((tensor.is_none(), *tensor)).or_default().push(class);
        }
        let numbered = |packings: Vec<(Packing, Id)>| packings.into_iter().map(|(packing, class)| (packing, number(class))).collect();
        let shared = shared.into_iter().map(|(tensor, packings)| (tensor, numbered(packings))).collect();
        Graph {
            classes,
            roots: roots.iter().map(|&root| number(root)).collect(),
            shared,
            tensors,
            in_order: by_tensor.into_values().collect(),
        }
    }
}

/// Which axis a label of a plain operand reads.
fn axis_of(operand: &Operand, label: u8) -> u8 {
    let axis = operand.axes.iter().position(|axis| axis.subscript == Subscript::Label(label));
    axis.and_then(|axis| u8::try_from(axis).ok()).unwrap_or(u8::MAX)
}

fn of_sum<'a>(added: &'a Added, leaves: &mut Vec<Leaf<'a>>) {
    added.parts.iter().for_each(|part| of_way(&part.way, leaves));
}

/// The tensors that a product reads.
fn of_way<'a>(way: &'a Way, leaves: &mut Vec<Leaf<'a>>) {
    match &way.node {
        Node::Product(product) => {
            for (factor, conversion) in &product.factors {
                of_factor(factor, conversion, &product.contraction, Some(&product.joint), false, leaves);
            }
        }
        Node::Mapped(mapped) => of_factor(&mapped.way, &mapped.conversion, &mapped.contraction, None, false, leaves),
        Node::Rolled(rolled) => {
            for side in &rolled.sides {
                let Node::Input(contraction, _) = &side.way.node else { continue };
                of_factor(&side.way, &side.conversion, contraction, None, true, leaves);
            }
        }
        Node::Input(..) | Node::Held(..) | Node::Window(_) => {}
    }
}

fn of_factor<'a>(
    factor: &'a Way,
    conversion: &'a Conversion,
    contraction: &'a Rc<Contraction>,
    joint: Option<&'a Packing>,
    rolled: bool,
    leaves: &mut Vec<Leaf<'a>>,
) {
    match &factor.node {
        Node::Input(contraction, operand) => leaves.push(Leaf { contraction, operand: *operand, from: None, conversion, joint, rolled }),
        Node::Held(held, operand, _) => leaves.push(Leaf { contraction, operand: *operand, from: Some(held), conversion, joint, rolled }),
        Node::Product(_) | Node::Mapped(_) | Node::Rolled(_) | Node::Window(_) => of_way(factor, leaves),
    }
}

impl Graph {
    /// A packing for each tensor that is read more than once: first one tensor after the other, then each again while that helps. Ties go to
    /// the first.
    pub(crate) fn choose(&self) -> Choice {
        let mut chosen: BTreeMap<usize, usize> = BTreeMap::new();
        let mut least = f64::INFINITY;
        for _ in 0..MAX_ROUNDS {
            let before = chosen.clone();
            for (&tensor, packings) in &self.shared {
                let priced = |n: usize| {
                    let mut tried = chosen.clone();
                    tried.insert(tensor, n);
                    self.price(&tried)
                };
                let now = chosen.get(&tensor).map_or(f64::INFINITY, |_| least);
                let prices = (0..packings.len()).map(|n| (n, priced(n)));
                let best = prices.filter(|(_, price)| *price < now).min_by(|a, b| a.1.total_cmp(&b.1));
                if let Some((n, price)) = best {
                    chosen.insert(tensor, n);
                    least = price;
                }
            }
            if chosen == before {
                break;
            }
        }
        chosen.into_iter().map(|(tensor, n)| (tensor, self.shared[&tensor][n].0.clone())).collect()
    }

    /// What all results take with these packings, each tensor that has one counted once.
    fn price(&self, chosen: &BTreeMap<usize, usize>) -> f64 {
        let pinned: BTreeMap<usize, usize> = chosen.iter().map(|(tensor, &n)| (*tensor, self.shared[tensor][n].1)).collect();
        let mut is_pinned = vec![false; self.classes.len()];
        pinned.values().for_each(|&pin| is_pinned[pin] = true);
        let elsewhere = |class: usize| self.tensors[class].is_some_and(|tensor| pinned.get(&tensor).is_some_and(|pin| *pin != class));
        let mut least = vec![f64::INFINITY; self.classes.len()];
        pinned.values().for_each(|&pin| least[pin] = 0.0);
        let of = |way: &Means, least: &[f64]| way.children.iter().fold(way.price, |sum, &child| sum + least[child]);
        for classes in &self.in_order {
            // Only moves are between classes of one tensor.
            loop {
                let mut changed = false;
                for &class in classes.iter().filter(|class| !is_pinned[**class]) {
                    let ways = self.classes[class].iter().filter(|way| !(way.makes && elsewhere(class)));
                    let price = ways.map(|way| of(way, &least)).fold(f64::INFINITY, f64::min);
                    if price < least[class] {
                        least[class] = price;
                        changed = true;
                    }
                }
                if !changed {
                    break;
                }
            }
        }
        let made = |&pin: &usize| self.classes[pin].iter().filter(|way| way.makes).map(|way| of(way, &least)).fold(f64::INFINITY, f64::min);
        self.roots.iter().map(|&root| least[root]).sum::<f64>() + pinned.values().map(made).sum::<f64>()
    }
}

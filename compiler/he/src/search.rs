//! Which operands are multiplied in which order, and in which joint spaces.
//!
//! Dynamic programming over sets of operands: of each set the cheapest ways to hold its product are kept, each in a packing of its own.
//! All operands at once in one joint space (the one-shot plan) is always among the ways.

use crate::contraction::Contraction;
use crate::convert::{self, Conversion, Route, Source};
use crate::cost::Cost;
use crate::joint;
use crate::mapped::{self, Mapped};
use crate::packing::Packing;
use crate::product::{self, Outcome};
use crate::rolled::{self, Rolled};
use ein_ir::packed::layout::AddressBit;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many ways to hold a product are kept.
const KEPT: usize = 24;
/// Up to so many operands every split is tried.
const ALL_SPLITS: usize = 6;

/// A way to hold the product of a set of operands.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) node: Node,
    /// How a product that takes it sees it.
    pub(crate) source: Source,
    pub(crate) cost: Cost,
    pub(crate) depth: u32,
}

/// What makes a value.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// An encrypted operand.
    Operand(usize),
    /// A product, summed.
    Product(Rc<Product>),
    /// A secret value mapped by a public one.
    Mapped(Rc<Mapped>),
    /// A product of two inputs along diagonals.
    Rolled(Rc<Rolled>),
}

/// A product of secret values and at most one public value.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) joint: Packing,
    /// Labels, as bits, that are not summed.
    pub(crate) kept: u64,
    pub(crate) factors: Vec<(Way, Conversion)>,
    /// Public operands, as bits, that are contracted in the clear and then multiplied.
    pub(crate) public: u32,
    pub(crate) outcome: Outcome,
}

/// A plan: how the product of all operands is made and brought into the layout that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) way: Way,
    pub(crate) finish: Route,
    pub(crate) packing: Packing,
    pub(crate) cost: Cost,
    pub(crate) depth: u32,
}

impl Plan {
    /// Its cost where every level makes each operation slower: the number of moduli is that of levels, and a key switch takes
    /// their power of one and a half.
    fn slowness(&self) -> f64 {
        self.cost.weigh() * f64::from(self.depth + 1).powf(1.5)
    }
}

/// What the layouts of inputs and of the result may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// Row major from address 0, axes padded to powers of two, zero elsewhere.
    Strict,
    /// As the plan likes, each element of an input sent once.
    Free,
}

/// A plan that is deeper than the one-shot plan must be this much faster.
const WORTH_A_LEVEL: f64 = 0.75;

/// Searches for a plan.
pub(crate) struct Search<'a> {
    contraction: &'a Contraction,
    contract: Contract,
    log_slots: usize,
    wanted: Packing,
    memo: BTreeMap<u32, Rc<Vec<Way>>>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(contraction: &'a Contraction, contract: Contract, log_slots: usize) -> Self {
        let wanted = wanted(contraction, log_slots);
        Self { contraction, contract, log_slots, wanted, memo: BTreeMap::new() }
    }

    /// The best plan that is no deeper than the one-shot plan, or a deeper one that is worth it.
    pub(crate) fn plan(&mut self) -> Plan {
        let all = (1_u32 << self.contraction.operands.len()) - 1;
        let mut one_shot = Vec::new();
        self.all_at_once(all, &mut one_shot);
        let finish = |way: Way| self.finish(way);
        let one_shot = one_shot.into_iter().map(finish).min_by(better).expect("there is a secret operand");
        let ways = self.ways(all);
        let plans: Vec<Plan> = ways.iter().cloned().map(|way| self.finish(way)).chain([one_shot.clone()]).collect();
        let flat = plans.iter().filter(|plan| plan.depth <= one_shot.depth).min_by(|a, b| better(a, b)).unwrap_or(&one_shot);
        let deep = plans
            .iter()
            .filter(|plan| plan.slowness() < WORTH_A_LEVEL * flat.slowness())
            .min_by(|a, b| a.slowness().total_cmp(&b.slowness()));
        deep.unwrap_or(flat).clone()
    }

    /// Brings the product of all operands into the layout that is wanted.
    fn finish(&self, way: Way) -> Plan {
        let Source::Packed(packing) = &way.source else { unreachable!("a product has a packing") };
        let (mut cost, mut depth) = (way.cost, way.depth);
        if self.contract == Contract::Free {
            return Plan { packing: packing.clone(), finish: Route::Direct, cost, depth, way };
        }
        let finish = if packing.positions() != self.wanted.positions() {
            let map = convert::packed_map(self.contraction, packing, &self.wanted, self.log_slots);
            let n = 1 << self.log_slots;
            let chunks = convert::n_chunks(packing, self.log_slots);
            let targets = convert::n_chunks(&self.wanted, self.log_slots);
            let split = map.split(n, n, chunks, targets);
            let (babies, giants, products) = split.costs();
            cost += Cost { rotations: babies * chunks + giants * targets, mulcp: products, adds: products, ..Cost::default() };
            Route::Map(map, split)
        } else if packing.bits.iter().take(self.log_slots).any(|bit| matches!(bit, AddressBit::Rep | AddressBit::Junk)) {
            cost.mulcp += convert::n_chunks(packing, self.log_slots);
            Route::Mask
        } else {
            Route::Direct
        };
        depth += u32::from(!matches!(finish, Route::Direct));
        Plan { packing: self.wanted.clone(), finish, cost, depth, way }
    }

    /// The ways to hold the product of a set with a secret operand.
    fn ways(&mut self, set: u32) -> Rc<Vec<Way>> {
        if let Some(ways) = self.memo.get(&set) {
            return Rc::clone(ways);
        }
        let mut found = Vec::new();
        if set.count_ones() == 1 {
            let operand = set.trailing_zeros() as usize;
            found.push(self.operand(operand));
            let labels = self.contraction.labels_of(set);
            if self.contraction.kept_of(set) != labels || self.contraction.operands.len() == 1 {
                self.products(set, &[set], 0, &mut found);
            }
            if self.contraction.operands.len() == 1 {
                found.remove(0);
            }
        } else {
            self.all_at_once(set, &mut found);
            if set.count_ones() as usize <= ALL_SPLITS {
                for (one, other) in splits(set) {
                    self.pair(set, one, other, &mut found);
                }
            }
        }
        let ways = Rc::new(best(found));
        self.memo.insert(set, Rc::clone(&ways));
        ways
    }

    fn operand(&self, operand: usize) -> Way {
        let given = || convert::given(&self.contraction.operands[operand], self.log_slots);
        let source = if self.contract == Contract::Strict { given() } else { Source::Anywhere };
        Way { node: Node::Operand(operand), source, cost: Cost::default(), depth: 0 }
    }

    /// The product of all operands of a set in one joint space.
    fn all_at_once(&mut self, set: u32, found: &mut Vec<Way>) {
        let secrets: Vec<u32> = (0..32).map(|n| set & 1 << n).filter(|&one| one != 0 && !self.contraction.is_public(one)).collect();
        let public = set & !secrets.iter().fold(0, |all, one| all | one);
        match secrets[..] {
            [secret] if public != 0 => self.by_public(set, secret, public, found),
            _ => self.products(set, &secrets, public, found),
        }
    }

    fn pair(&mut self, set: u32, one: u32, other: u32, found: &mut Vec<Way>) {
        match (self.contraction.is_public(one), self.contraction.is_public(other)) {
            (true, true) => {}
            (true, false) => self.by_public(set, other, one, found),
            (false, true) => self.by_public(set, one, other, found),
            (false, false) => {
                self.products(set, &[one, other], 0, found);
                self.rolled(set, one, other, found);
            }
        }
    }

    /// Products of a set with a secret and a set of public operands.
    fn by_public(&mut self, set: u32, secret: u32, public: u32, found: &mut Vec<Way>) {
        self.products(set, &[secret], public, found);
        let labels = self.contraction.kept_of(secret);
        let kept = self.contraction.kept_of(set);
        let all = (1_u32 << self.contraction.operands.len()) - 1;
        let ways = self.ways(secret);
        let wanted = (self.contract == Contract::Strict && set == all).then_some(&self.wanted);
        for way in ways.iter().filter(|way| self.labels(way, labels) == labels) {
            for mapped in mapped::candidates(self.contraction, way, (labels, public), kept, wanted, self.log_slots) {
                let (cost, depth, source) = (mapped.outcome.cost, mapped.outcome.depth, Source::Packed(mapped.outcome.packing.clone()));
                found.push(Way { node: Node::Mapped(Rc::new(mapped)), source, cost, depth });
            }
        }
    }

    /// The product of two sets along diagonals.
    fn rolled(&mut self, set: u32, one: u32, other: u32, found: &mut Vec<Way>) {
        let kept = self.contraction.kept_of(set);
        let (first, second) = (self.ways(one), self.ways(other));
        let labels = [self.contraction.kept_of(one), self.contraction.kept_of(other)];
        let whole = |ways: &[Way], labels: u64| ways.iter().find(|way| self.labels(way, labels) == labels).cloned();
        let (Some(first), Some(second)) = (whole(&first, labels[0]), whole(&second, labels[1])) else { return };
        for sides in [[(&first, labels[0]), (&second, labels[1])], [(&second, labels[1]), (&first, labels[0])]] {
            if let Some(rolled) = rolled::candidate(self.contraction, sides, kept, self.log_slots) {
                let (cost, depth, source) = (rolled.outcome.cost, rolled.outcome.depth, Source::Packed(rolled.outcome.packing.clone()));
                found.push(Way { node: Node::Rolled(Rc::new(rolled)), source, cost, depth });
            }
        }
    }

    /// The labels of a way to hold a value that is seen with the labels `kept`.
    fn labels(&self, way: &Way, kept: u64) -> u64 {
        match way.node {
            Node::Operand(operand) => self.contraction.labels_of(1 << operand),
            Node::Product(_) | Node::Mapped(_) | Node::Rolled(_) => kept,
        }
    }

    /// Products of secret sets and of a public one, in all joint spaces worth a try.
    fn products(&mut self, set: u32, secrets: &[u32], public: u32, found: &mut Vec<Way>) {
        let alone = secrets.len() == 1 && public == 0;
        let factors: Vec<(u64, Rc<Vec<Way>>)> = secrets
            .iter()
            .map(|&secret| {
                let ways = if alone { Rc::new(vec![self.operand(secret.trailing_zeros() as usize)]) } else { self.ways(secret) };
                let labels = if alone { self.contraction.labels_of(secret) } else { 0 };
                (labels, ways)
            })
            .collect();
        let kept = self.contraction.kept_of(set);
        let labels = if alone {
            self.contraction.labels_of(set)
        } else {
            secrets.iter().chain([&public]).fold(0, |all, &part| all | self.contraction.kept_of(part))
        };
        let packed = |way: &Way| match &way.source {
            Source::Packed(packing) => Some(packing.clone()),
            Source::Anywhere | Source::Strided(..) => None,
        };
        let mut seeds: Vec<Packing> = factors.iter().flat_map(|(_, ways)| ways.iter().filter_map(packed)).collect();
        if self.contract == Contract::Strict {
            seeds.push(self.wanted.clone());
        }
        let seeds: Vec<&Packing> = seeds.iter().collect();
        for joint in joint::candidates(self.contraction, labels, kept, &seeds, self.log_slots) {
            let chosen: Vec<(Way, Conversion)> = factors
                .iter()
                .zip(secrets)
                .map(|((all, ways), &secret)| {
                    let kept = if alone { *all } else { self.contraction.kept_of(secret) };
                    self.cheapest(ways, kept, &joint)
                })
                .collect();
            let operands: Vec<(&Conversion, u32)> = chosen.iter().map(|(way, conversion)| (conversion, way.depth)).collect();
            let mut outcome = product::outcome(self.contraction, &joint, &operands, public != 0, kept, self.log_slots);
            chosen.iter().for_each(|(way, _)| outcome.cost += way.cost);
            let (cost, depth, source) = (outcome.cost, outcome.depth, Source::Packed(outcome.packing.clone()));
            let product = Product { joint, kept, factors: chosen, public, outcome };
            found.push(Way { node: Node::Product(Rc::new(product)), source, cost, depth });
        }
    }

    /// The way to hold a factor from which it is cheapest to get it into the joint space.
    fn cheapest(&self, ways: &[Way], labels: u64, joint: &Packing) -> (Way, Conversion) {
        let all = ways.iter().map(|way| {
            let way_labels = self.labels(way, labels);
            // An operand with labels that are summed before has no place for them here.
            (way_labels & !labels == 0).then(|| (way, convert::convert(self.contraction, way_labels, &way.source, joint, self.log_slots)))
        });
        let price = |(way, conversion): &(&Way, Conversion)| way.cost.weigh() + conversion.cost.weigh();
        let best = all.flatten().min_by(|a, b| price(a).total_cmp(&price(b)));
        let (way, conversion) = best.expect("every set has a way with the labels that are kept");
        (way.clone(), conversion)
    }
}

fn better(a: &Plan, b: &Plan) -> std::cmp::Ordering {
    a.cost.weigh().total_cmp(&b.cost.weigh()).then(a.depth.cmp(&b.depth))
}

/// The ways worth keeping: cheap ones, flat ones, each packing once.
fn best(mut found: Vec<Way>) -> Vec<Way> {
    found.sort_by(|a, b| a.cost.weigh().total_cmp(&b.cost.weigh()).then(a.depth.cmp(&b.depth)));
    let mut kept: Vec<Way> = Vec::new();
    for way in found {
        let dominated = kept.iter().any(|other| other.source == way.source && other.depth <= way.depth);
        let room = kept.len() < KEPT || kept.iter().all(|other| other.depth > way.depth);
        if !dominated && room {
            kept.push(way);
        }
    }
    kept
}

/// Ways to part a set in two, each once.
fn splits(set: u32) -> impl Iterator<Item = (u32, u32)> {
    let first = set & set.wrapping_neg();
    let rest = set & !first;
    let mut part = rest;
    std::iter::from_fn(move || {
        if part == 0 {
            return None;
        }
        let other = part;
        part = (part - 1) & rest;
        Some((set & !other, other))
    })
}

/// The result in row-major form.
pub(crate) fn wanted(contraction: &Contraction, log_slots: usize) -> Packing {
    let shape: Vec<u64> = contraction.output.iter().map(|&label| contraction.labels[usize::from(label)].size).collect();
    let layout = ein_ir::packed::Layout::row_major(&shape, u32::try_from(log_slots).unwrap_or(u32::MAX));
    let relabel = |bit| match bit {
        AddressBit::Axis { axis, bit } => AddressBit::Axis { axis: contraction.output[usize::from(axis)], bit },
        AddressBit::Rep | AddressBit::Zero | AddressBit::Junk => bit,
    };
    Packing { bits: layout.bits().map(relabel).collect() }
}

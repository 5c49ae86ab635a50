//! Which operands are multiplied in which order, and in which joint spaces.
//!
//! Dynamic programming over sets of operands: of each set the cheapest ways to hold its product are kept, each in a packing of its own.
//! All operands at once in one joint space (the one-shot plan) is always among the ways.

use crate::contraction::Contraction;
use crate::convert::{Conversion, Goal, Offer, Source};
use crate::cost::{Cost, Costs};
use crate::front::Front;
use crate::held::Held;
use crate::joint;
use crate::limits;
use crate::mapped::{self, Mapped};
use crate::order;
use crate::packing::Packing;
use crate::product::{self, Outcome};
use crate::rolled::{self, Rolled};
use crate::window;
use crate::window::Window;
use crate::work::Work;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many ways to hold a product are kept.
const KEPT: usize = 24;
/// Of many operands so many ways divided by their number, and so many joint spaces, so that the search takes no longer.
const KEPT_OF_MANY: usize = 48;
const JOINTS_OF_MANY: usize = 800;
/// Joint spaces that are tried for sums along lines as moves.
const JOINTS_OF_LINES: usize = 48;
/// Up to so many operands every split is tried; of more, those that leave neighbours together.
const ALL_SPLITS: usize = 3;
/// Costs that differ by less are the same: they are sums in another order.
const TIE: f64 = 1e-9;
/// Steps of work that the maps of one way by a public factor take, about.
const STEPS_OF_A_MAP: u64 = 8;

/// A way to hold the product of a set of operands.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) node: Node,
    /// How a product that takes it sees it.
    pub(crate) source: Source,
    /// Its labels, as bits.
    pub(crate) labels: u64,
    pub(crate) cost: Cost,
    pub(crate) depth: u32,
    /// Whether every product of it has all operands at once in one joint space.
    pub(crate) one_shot: bool,
}

/// What makes a value.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// An encrypted operand that is put where it is needed.
    Input(Rc<Contraction>, usize),
    /// An operand that is held already, its number, and the address bits of its ciphertexts that are read only.
    Held(Rc<Held>, usize, u64),
    /// Sums over windows of a tensor.
    Window(Rc<Window>),
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
    pub(crate) contraction: Rc<Contraction>,
    pub(crate) joint: Packing,
    /// Labels, as bits, that are not summed.
    pub(crate) kept: u64,
    pub(crate) factors: Vec<(Way, Conversion)>,
    pub(crate) public: Public,
    pub(crate) outcome: Outcome,
}

/// Public operands, as bits, that are contracted in the clear, and a number that their product is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Public {
    pub(crate) operands: u32,
    pub(crate) scale: f64,
}

/// What the layouts of inputs and of the result may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// Row major from address 0, axes padded to powers of two, zero elsewhere.
    Strict,
    /// As the plan likes, each element of an input sent once.
    Free,
}

/// Which products of all operands are kept.
pub(crate) enum Last<'a> {
    /// All that are found.
    All,
    /// The cheapest ones.
    Cheap,
    /// The cheapest ones with what it takes to finish them from where they are.
    Finished(Box<dyn Fn(&Packing) -> f64 + 'a>),
}

/// Products that are found.
struct Candidates<'a> {
    ways: Vec<Way>,
    /// Of products of all operands.
    last: Option<&'a Last<'a>>,
    front: Front,
}

impl Candidates<'_> {
    fn push(&mut self, way: Way, costs: &Costs) {
        let cost = way.cost.weigh(costs);
        if let Source::Packed(packing) = &way.source {
            let price = match self.last {
                Some(Last::Finished(finishing)) if cost < self.front.dearest() => cost + finishing(packing),
                _ => cost,
            };
            self.front.push(price, way.depth, packing);
        }
        self.ways.push(way);
    }

    /// A cost from which on a way that is no flatter than `depth` is not kept.
    fn limit(&self, depth: u32) -> f64 {
        if matches!(self.last, Some(Last::All)) { f64::INFINITY } else { self.front.limit(depth) }
    }
}

/// Searches for ways to hold the product of all operands.
pub(crate) struct Search<'a> {
    contraction: Rc<Contraction>,
    log_slots: usize,
    costs: Costs,
    /// Packings of the result that would be welcome.
    wanted: Vec<Packing>,
    /// Whether only products of all operands at once are looked for.
    pub(crate) one_shot: bool,
    /// A number by which the first public factor is multiplied.
    scale: f64,
    /// Whether factors are also chosen so that products are flat.
    pub(crate) flat: bool,
    pub(crate) last: Last<'a>,
    work: &'a Work,
    operands: Vec<Vec<Way>>,
    /// Orders of operands in which neighbours are multiplied first.
    orders: Vec<Vec<usize>>,
    memo: BTreeMap<u32, Rc<Vec<Way>>>,
}

impl<'a> Search<'a> {
    /// `operands` are the ways to hold each secret operand.
    pub(crate) fn new(
        contraction: Rc<Contraction>,
        operands: Vec<Vec<Way>>,
        scale: f64,
        wanted: Vec<Packing>,
        log_slots: usize,
        costs: Costs,
        work: &'a Work,
    ) -> Self {
        let (one_shot, flat, last, memo) = (false, false, Last::Cheap, BTreeMap::new());
        let orders = vec![(0..operands.len()).collect(), order::of_tree(&contraction, log_slots)];
        Self { contraction, log_slots, costs, wanted, one_shot, scale, flat, last, work, operands, orders, memo }
    }

    /// All ways found to hold the product of all operands.
    pub(crate) fn run(&mut self) -> Vec<Way> {
        self.found(self.contraction.all())
    }

    /// The ways worth keeping to hold the product of a set with a secret operand.
    fn ways(&mut self, set: u32) -> Rc<Vec<Way>> {
        if let Some(ways) = self.memo.get(&set) {
            return Rc::clone(ways);
        }
        let mut ways = best(self.found(set), &self.costs);
        ways.truncate(self.kept());
        let ways = Rc::new(ways);
        self.memo.insert(set, Rc::clone(&ways));
        ways
    }

    /// How many ways to hold a part of the product are kept.
    fn kept(&self) -> usize {
        let all = if self.is_small() { usize::MAX } else { (KEPT_OF_MANY / self.contraction.operands.len()).max(4) };
        if self.work.level() == 0 { all } else { self.work.kept(all.min(KEPT)) }
    }

    /// Whether there are so few operands that everything is tried.
    fn is_small(&self) -> bool {
        self.contraction.operands.len() <= ALL_SPLITS
    }

    fn found(&mut self, set: u32) -> Vec<Way> {
        let is_last = set == self.contraction.all();
        // Of a part of the product the cheapest ways are kept.
        let last = std::mem::replace(&mut self.last, Last::Cheap);
        let mut found = Candidates { ways: Vec::new(), last: is_last.then_some(&last), front: Front::new(KEPT) };
        self.find(set, &mut found);
        let ways = found.ways;
        self.last = last;
        ways
    }

    fn find(&mut self, set: u32, found: &mut Candidates<'_>) {
        if set.count_ones() == 1 {
            let operand = set.trailing_zeros() as usize;
            let (labels, kept) = (self.contraction.labels_of(set), self.contraction.kept_of(set));
            // What is not summed yet, as it will be, is of no use to others, and must not be taken for one of the cheapest ways.
            if self.contraction.operands.len() > 1 && kept == labels {
                self.operands[operand].iter().for_each(|way| found.push(way.clone(), &self.costs));
            } else {
                self.windows(operand, kept, found);
                self.alone(set, found);
            }
        } else {
            self.all_at_once(set, found);
            if self.one_shot {
                return;
            }
            for (one, other) in self.parts(set) {
                self.pair(set, one, other, found);
            }
        }
    }

    /// The product of all operands of a set in one joint space.
    fn all_at_once(&mut self, set: u32, found: &mut Candidates<'_>) {
        let one_shot = set == self.contraction.all();
        let secrets: Vec<u32> = (0..32).map(|n| set & 1 << n).filter(|&one| one != 0 && !self.contraction.is_public(one)).collect();
        let public = set & !secrets.iter().fold(0, |all, one| all | one);
        let from = found.ways.len();
        match secrets[..] {
            [secret] if public != 0 && !self.one_shot => self.by_public(set, secret, public, found),
            _ => self.products(set, &secrets, public, found),
        }
        found.ways[from..].iter_mut().for_each(|way| way.one_shot = one_shot);
    }

    /// The pairs of sets that a set is parted in: all of a few operands; of more those that leave neighbours together, as they are written and as
    /// a good tree has them.
    fn parts(&self, set: u32) -> Vec<(u32, u32)> {
        if self.is_small() {
            return splits(set).collect();
        }
        let mut parts: Vec<(u32, u32)> = self.orders.iter().flat_map(|order| between_neighbours(set, order)).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }

    fn pair(&mut self, set: u32, one: u32, other: u32, found: &mut Candidates<'_>) {
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

    /// Sums of one operand.
    fn alone(&mut self, set: u32, found: &mut Candidates<'_>) {
        let labels = self.contraction.labels_of(set);
        let ways = Rc::new(self.operands[set.trailing_zeros() as usize].clone());
        let from = found.ways.len();
        self.joined(set, &[(ways, labels)], 0, found);
        found.ways[from..].iter_mut().for_each(|way| way.one_shot = true);
    }

    /// Sums of one operand that is read along lines, over windows and by moves.
    fn windows(&self, operand: usize, kept: u64, found: &mut Candidates<'_>) {
        let strided = |way: &&Way| matches!(way.source, Source::Strided(_));
        let ways: Vec<&Way> = self.operands[operand].iter().filter(strided).collect();
        if ways.is_empty() {
            return;
        }
        let of = &self.contraction.operands[operand];
        for way in &ways {
            let Node::Held(held, ..) = &way.node else { continue };
            let Some(window) = window::windows(&self.contraction, of, kept, held, self.log_slots) else { continue };
            let (source, cost) = (Source::Packed(window.packing.clone()), window.cost(self.log_slots));
            let node = Node::Window(Rc::new(window));
            found.push(Way { node, source, labels: kept, cost, depth: way.depth, one_shot: way.one_shot }, &self.costs);
        }
        if kept == self.contraction.labels_of(1 << operand) {
            return;
        }
        let seeds: Vec<&Packing> = self.wanted.iter().collect();
        let none = Public { operands: 0, scale: 1.0 };
        for joint in joint::candidates(&self.contraction, kept, kept, &seeds, self.work.joints().min(JOINTS_OF_LINES), self.log_slots) {
            for way in &ways {
                self.work.spend(1);
                let limit = found.limit(way.depth + 1) - way.cost.weigh(&self.costs);
                let goal = Goal::new(&self.contraction, way.labels, &joint, self.log_slots);
                let Some(offer) = goal.offer(&way.source, limit, &self.costs) else { continue };
                let conversion = offer.conversion(&goal);
                let from = found.ways.len();
                self.multiplied(&joint, kept, none, vec![(Way::clone(way), conversion)], found);
                found.ways[from..].iter_mut().for_each(|way| way.one_shot = true);
            }
        }
    }

    /// Products of a set with a secret and a set of public operands.
    fn by_public(&mut self, set: u32, secret: u32, public: u32, found: &mut Candidates<'_>) {
        self.products(set, &[secret], public, found);
        let labels = self.contraction.kept_of(secret);
        let kept = self.contraction.kept_of(set);
        let ways = self.ways(secret);
        let wanted = if set == self.contraction.all() { &self.wanted[..] } else { &[] };
        let public = self.public(public);
        for way in ways.iter().filter(|way| way.labels == labels) {
            if way.cost.weigh(&self.costs) >= found.limit(way.depth + 1) {
                continue;
            }
            self.work.spend(STEPS_OF_A_MAP);
            for mapped in mapped::candidates(&self.contraction, way, public, kept, wanted, self.log_slots) {
                let outcome = mapped.outcome.clone();
                found.push(Way::new(Node::Mapped(Rc::new(mapped)), &outcome, kept), &self.costs);
            }
        }
    }

    fn public(&self, operands: u32) -> Public {
        let first = (0..32).find(|&n| self.contraction.is_public(1 << n) && n < self.contraction.operands.len() as u32);
        let scaled = first.is_some_and(|n| operands >> n & 1 == 1);
        Public { operands, scale: if scaled { self.scale } else { 1.0 } }
    }

    /// Products of secret sets and of a public one.
    fn products(&mut self, set: u32, secrets: &[u32], public: u32, found: &mut Candidates<'_>) {
        let factors: Vec<(Rc<Vec<Way>>, u64)> =
            secrets.iter().map(|&secret| (self.ways(secret), self.contraction.kept_of(secret))).collect();
        self.joined(set, &factors, public, found);
    }

    /// Products of secret factors with these labels and of a public one, in all joint spaces worth a try.
    fn joined(&mut self, set: u32, factors: &[(Rc<Vec<Way>>, u64)], public: u32, found: &mut Candidates<'_>) {
        let kept = self.contraction.kept_of(set);
        let labels = factors.iter().fold(self.contraction.kept_of(public), |all, (_, labels)| all | labels);
        let packed = |way: &Way| match &way.source {
            Source::Packed(packing) => Some(packing.clone()),
            Source::Anywhere | Source::Strided(..) => None,
        };
        let mut seeds: Vec<Packing> = factors.iter().flat_map(|(ways, _)| ways.iter().filter_map(packed)).collect();
        seeds.extend(self.wanted.clone());
        let seeds: Vec<&Packing> = seeds.iter().collect();
        let public = self.public(public);
        let joints = if self.one_shot {
            let joint = joint::one_shot(&self.contraction, labels, self.log_slots);
            Some(joint).filter(|packing| limits::fits_space(packing.bits.len(), self.log_slots)).into_iter().collect()
        } else {
            let most = if self.is_small() { usize::MAX } else { JOINTS_OF_MANY / self.contraction.operands.len() };
            joint::candidates(&self.contraction, labels, kept, &seeds, most.min(self.work.joints()), self.log_slots)
        };
        let least = Least::of(factors, public.operands != 0, &self.costs);
        for (n, joint) in joints.into_iter().enumerate() {
            if n >= self.work.joints() {
                break;
            }
            self.work.spend(1);
            let own = product::own(&joint, factors.len(), public.operands != 0, kept, self.log_slots).weigh(&self.costs);
            let limit = if self.flat { f64::INFINITY } else { found.limit(least.depth) - own };
            let Some(chosen) = self.chosen(factors, &joint, &vec![u32::MAX; factors.len()], (&least, limit)) else { continue };
            let depths: Vec<u32> = chosen.iter().map(|(way, conversion)| way.depth + conversion.depth).collect();
            self.multiplied(&joint, kept, public, chosen, found);
            // One level less for the deepest factors, and so on while there are such ways.
            let mut limits = depths;
            while let Some(deepest) = limits.iter().copied().max().filter(|depth| self.flat && *depth > 0) {
                limits.iter_mut().filter(|depth| **depth == deepest).for_each(|depth| *depth -= 1);
                let Some(chosen) = self.chosen(factors, &joint, &limits, (&least, f64::INFINITY)) else { break };
                self.multiplied(&joint, kept, public, chosen, found);
            }
        }
    }

    /// The cheapest way of each factor into a joint space, no deeper than these, if all together may cost less than `limit`.
    fn chosen(
        &self,
        factors: &[(Rc<Vec<Way>>, u64)],
        joint: &Packing,
        depths: &[u32],
        (least, mut limit): (&Least, f64),
    ) -> Option<Vec<(Way, Conversion)>> {
        let mut chosen: Vec<Option<(Way, Conversion)>> = vec![None; factors.len()];
        limit -= least.of.iter().sum::<f64>();
        for &n in &least.order {
            let (ways, labels) = &factors[n];
            let below = (depths[n], limit + least.of[n]);
            let found = cheapest(&self.contraction, ways, *labels, joint, below, self.log_slots, (&self.costs, self.work))?;
            limit -= found.0.cost.weigh(&self.costs) + found.1.cost.weigh(&self.costs) - least.of[n];
            chosen[n] = Some(found);
        }
        chosen.into_iter().collect()
    }

    /// The product of these factors.
    fn multiplied(&self, joint: &Packing, kept: u64, public: Public, factors: Vec<(Way, Conversion)>, found: &mut Candidates<'_>) {
        let operands: Vec<(&Conversion, u32)> = factors.iter().map(|(way, conversion)| (conversion, way.depth)).collect();
        let mut outcome = product::outcome(&self.contraction, joint, &operands, public.operands != 0, kept, self.log_slots);
        factors.iter().for_each(|(way, _)| outcome.cost += way.cost);
        let contraction = Rc::clone(&self.contraction);
        let product = Product { contraction, joint: joint.clone(), kept, factors, public, outcome: outcome.clone() };
        found.push(Way::new(Node::Product(Rc::new(product)), &outcome, kept), &self.costs);
    }

    /// The product of two sets along diagonals.
    fn rolled(&mut self, set: u32, one: u32, other: u32, found: &mut Candidates<'_>) {
        let kept = self.contraction.kept_of(set);
        let sides = [one, other].map(|side| {
            let labels = self.contraction.kept_of(side);
            let ways = self.ways(side);
            ways.iter().find(|way| way.labels == labels && way.source == Source::Anywhere).cloned()
        });
        let [Some(first), Some(second)] = sides else { return };
        for sides in [[&first, &second], [&second, &first]] {
            if let Some(rolled) = rolled::candidate(&self.contraction, sides, kept, self.log_slots) {
                let outcome = rolled.outcome.clone();
                found.push(Way::new(Node::Rolled(Rc::new(rolled)), &outcome, kept), &self.costs);
            }
        }
    }
}

impl Way {
    fn new(node: Node, outcome: &Outcome, labels: u64) -> Self {
        let source = Source::Packed(outcome.packing.clone());
        Self { node, source, labels, cost: outcome.cost, depth: outcome.depth, one_shot: false }
    }
}

/// What factors take at least.
struct Least {
    /// Of each what it costs where it is.
    of: Vec<f64>,
    /// Those with few ways first.
    order: Vec<usize>,
    /// The depth of their product.
    depth: u32,
}

impl Least {
    fn of(factors: &[(Rc<Vec<Way>>, u64)], public: bool, costs: &Costs) -> Self {
        let cheapest = |(ways, _): &(Rc<Vec<Way>>, u64)| ways.iter().map(|way| way.cost.weigh(costs)).fold(f64::INFINITY, f64::min);
        let flattest = |(ways, _): &(Rc<Vec<Way>>, u64)| ways.iter().map(|way| way.depth).min().unwrap_or(0);
        let mut order: Vec<usize> = (0..factors.len()).collect();
        order.sort_by_key(|&n| factors[n].0.len());
        let depth = product::tree_depth(factors.iter().map(flattest).chain(public.then_some(0)).collect());
        Self { of: factors.iter().map(cheapest).collect(), order, depth }
    }
}

/// The way to hold a factor from which it is cheapest to get it, with these labels, into the joint space, at no more than this depth; none
/// if each has other labels, which are to be summed before, or is deeper, or costs `limit` or more.
pub(crate) fn cheapest(
    contraction: &Contraction,
    ways: &[Way],
    labels: u64,
    joint: &Packing,
    (depth, limit): (u32, f64),
    log_slots: usize,
    (costs, work): (&Costs, &Work),
) -> Option<(Way, Conversion)> {
    let goal = Goal::new(contraction, labels, joint, log_slots);
    let mut tried: Vec<(usize, &Way)> =
        ways.iter().enumerate().filter(|(_, way)| way.labels & !labels == 0 && way.depth <= depth).collect();
    // What is nearly there first: others are then known to be dearer before they are looked at closely.
    tried.sort_by_key(|(_, way)| std::cmp::Reverse(goal.alike(&way.source)));
    let mut best: Option<(f64, (u32, usize), &Way, Offer)> = None;
    for (n, way) in tried {
        let so_far = way.cost.weigh(costs);
        // Of those that cost the same the flattest is taken, and then the first.
        let limit = best.as_ref().map_or(limit, |(least, ..)| (least + TIE).min(limit)) - so_far;
        // No conversion is so cheap that it makes up for this.
        if limit <= 0.0 {
            continue;
        }
        work.spend(1);
        let fewer = (way.labels != labels).then(|| Goal::new(contraction, way.labels, joint, log_slots));
        let Some(offer) = fewer.as_ref().unwrap_or(&goal).offer(&way.source, limit, costs) else { continue };
        let price = so_far + offer.cost.weigh(costs);
        let after = (way.depth + offer.depth, n);
        let is_better = |(least, other, _, _): &(f64, (u32, usize), &Way, Offer)| price < *least - TIE || after < *other;
        if after.0 <= depth && offer.cost.weigh(costs) < limit && best.as_ref().is_none_or(is_better) {
            best = Some((price, after, way, offer));
        }
    }
    best.map(|(_, _, way, offer)| (way.clone(), offer.conversion(&Goal::new(contraction, way.labels, joint, log_slots))))
}

/// The ways worth keeping: cheap ones, flat ones, each packing once.
pub(crate) fn best(mut found: Vec<Way>, costs: &Costs) -> Vec<Way> {
    found.sort_by(|a, b| a.cost.weigh(costs).total_cmp(&b.cost.weigh(costs)).then(a.depth.cmp(&b.depth)));
    let mut kept: Vec<Way> = Vec::new();
    for way in found {
        let dominated = kept.iter().any(|other| other.source == way.source && other.depth <= way.depth);
        let room = kept.len() < KEPT || kept.iter().all(|other| other.depth > way.depth);
        let last_resort = way.one_shot && !kept.iter().any(|other| other.one_shot);
        if !dominated && (room || last_resort) {
            kept.push(way);
        }
    }
    kept
}

/// Ways to part a set into what comes first and what comes last in an order, if it is of neighbours.
fn between_neighbours(set: u32, order: &[usize]) -> Vec<(u32, u32)> {
    let places = order.iter().enumerate().filter(|(_, n)| set >> **n & 1 == 1);
    let (places, members): (Vec<usize>, Vec<usize>) = places.unzip();
    let is_in_one_piece = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let first = |at: usize| members[..at].iter().fold(0_u32, |all, n| all | 1 << n);
    let part = |at: usize| {
        let first = first(at);
        // Each once, whichever order finds it.
        if first & set & set.wrapping_neg() == 0 { (set & !first, first) } else { (first, set & !first) }
    };
    if is_in_one_piece { (1..members.len()).map(part).collect() } else { Vec::new() }
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

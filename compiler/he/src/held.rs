//! Ways to hold the tensors of a program, and the sums of terms.

use crate::attempts::Where;
use crate::contraction::{Contraction, Operand};
use crate::convert::{self, Conversion, Kept, Route, Source};
use crate::cost::{Cost, Costs};
use crate::emit::costs;
use crate::found::Ways;
use crate::front::Front;
use crate::joint;
use crate::layouts::Choice;
use crate::packing::{LabelBit, Packing};
use crate::planner::{Objective, Options};
use crate::program::{Origin, Program, Sum, Tensor, Term};
use crate::search::{Contract, Last, Node, Search, Way, best, cheapest};
use crate::staged::two_steps;
use crate::window;
use crate::wishes::Wishes;
use crate::work::Work;
use ein_ir::packed::layout::AddressBit;
use std::cmp::Ordering;
use std::rc::Rc;

/// How many ways to hold a tensor are kept.
const KEPT: usize = 24;
/// Packings of terms that a sum is tried in.
const MAX_SEEDS: usize = 12;

/// A way to hold a tensor; an axis of the packing is an axis of the tensor.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) tensor: usize,
    pub(crate) make: Make,
    pub(crate) packing: Packing,
    pub(crate) cost: Cost,
    pub(crate) depth: u32,
    pub(crate) one_shot: bool,
    /// As which one of the sums that it is it is made.
    written: usize,
}

/// What makes it.
#[derive(Clone, Debug)]
pub(crate) enum Make {
    /// It is given in this packing.
    Input,
    /// It is a product: each label of the contraction's result is an axis.
    Term(Way),
    /// It is a sum.
    Sum(Rc<Added>),
    /// It is a polynomial of each element of another, with these coefficients.
    Polynomial(Rc<Held>, Rc<[f64]>),
}

/// A sum of products in one packing.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    /// Over labels.
    pub(crate) joint: Packing,
    /// Sizes of all labels.
    pub(crate) sizes: Vec<u64>,
    pub(crate) parts: Vec<Part>,
    /// Products of public operands, each with its coefficient.
    pub(crate) publics: Vec<(Rc<Contraction>, f64)>,
    /// The result, over labels.
    pub(crate) packing: Packing,
}

/// What a sum is of: ways to hold its secret products, and its public ones, each with its coefficient.
struct Summands {
    terms: Vec<(Vec<Way>, f64)>,
    publics: Vec<(Rc<Contraction>, f64)>,
}

impl Summands {
    fn may_be_one_shot(&self) -> bool {
        self.terms.iter().all(|(ways, _)| ways.iter().any(|way| way.one_shot))
    }
}

/// What summands take at least: of each the cost, of all the depth.
struct Least {
    of: Vec<f64>,
    depth: u32,
}

impl Least {
    fn of(terms: &[(Vec<Way>, f64)], costs: &Costs) -> Self {
        let cheapest = |(ways, _): &(Vec<Way>, f64)| ways.iter().map(|way| way.cost.weigh(costs)).fold(f64::INFINITY, f64::min);
        let flattest = |(ways, _): &(Vec<Way>, f64)| ways.iter().map(|way| way.depth).min().unwrap_or(0);
        Self { of: terms.iter().map(cheapest).collect(), depth: terms.iter().map(flattest).max().unwrap_or(0) }
    }
}

/// A secret product of a sum.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) way: Way,
    pub(crate) conversion: Conversion,
    /// What it is still to be multiplied by.
    pub(crate) coefficient: f64,
    pub(crate) scaling: Scaling,
}

/// How a term of a sum is multiplied by its coefficient, but for the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scaling {
    /// There is nothing to multiply.
    None,
    /// The last product of its conversion is with the coefficient.
    OnTheWay,
    /// By a product of its own, which also clears what is no element.
    Own,
}

impl Scaling {
    /// Products that it takes.
    const fn depth(self) -> u32 {
        matches!(self, Scaling::Own) as u32
    }
}

impl Part {
    /// What a bit that no label has may be once it is scaled: zero in the place of anything, too, if a product clears it.
    fn may_be(&self, position: usize, state: AddressBit) -> bool {
        let own = self.conversion.packing.at(position);
        own == state || self.scaling == Scaling::Own && state == AddressBit::Zero && LabelBit::of(own).is_none()
    }
}

/// How a secret input may be packed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Placing {
    /// Where it is needed.
    Anywhere,
    /// In this packing of its axes.
    Fixed(Packing),
}

/// Finds ways to hold tensors.
pub(crate) struct Holder<'a> {
    pub(crate) program: &'a Program,
    pub(crate) contract: Contract,
    /// Whether products are of all operands at once only.
    pub(crate) one_shot: bool,
    pub(crate) objective: Objective,
    pub(crate) costs: Costs,
    pub(crate) log_slots: usize,
    /// One a tensor; of inputs alone they matter.
    pub(crate) placings: &'a [Placing],
    /// Packings that computed tensors are to have.
    pub(crate) chosen: &'a Choice,
    /// Packings in which computed tensors are read.
    pub(crate) wishes: &'a Wishes,
    pub(crate) work: &'a Work,
    /// As which one of the sums that they are tensors are made, the last one of fewer, if not as any.
    pub(crate) written: Option<usize>,
    /// Ways to hold the tensors so far, and the number of each list of them.
    pub(crate) held: Vec<Ways>,
    pub(crate) numbers: Vec<usize>,
}

impl<'a> Holder<'a> {
    /// Nothing is held yet.
    pub(crate) fn new(program: &'a Program, options: &Options, place: Where<'a>, work: &'a Work) -> Self {
        let Options { contract, one_shot, objective, costs, .. } = *options;
        let Where { placings, chosen, wishes } = place;
        let log_slots = options.log_slots as usize;
        let (held, numbers) = (Vec::new(), Vec::new());
        let written = one_shot.then_some(0);
        Self { program, contract, one_shot, objective, costs, log_slots, placings, chosen, wishes, work, written, held, numbers }
    }
}

impl Holder<'_> {
    /// The ways to hold a tensor whose operands are held.
    pub(crate) fn tensor(&self, tensor: usize) -> Vec<Rc<Held>> {
        match &self.program.tensors[tensor].origin {
            Origin::Secret | Origin::Public => Vec::new(),
            Origin::Polynomial { of, coefficients } => {
                self.worth_keeping(self.held[*of].iter().map(|held| self.polynomial(tensor, held, coefficients)).collect())
            }
            Origin::Sum(_) => {
                let last = self.program.sums(tensor).count() - 1;
                let sums = self.program.sums(tensor).enumerate().filter(|(n, _)| self.written.is_none_or(|only| *n == only.min(last)));
                let found = |(written, sum)| self.sum(tensor, sum).into_iter().map(move |held| Held { written, ..held }).collect();
                sums.map(found).flat_map(|found| self.worth_keeping(found)).collect()
            }
        }
    }

    /// Of many ways to hold a tensor: the cheapest ones, of results once they are as wanted; some flat ones; a one-shot one.
    fn worth_keeping(&self, mut found: Vec<Held>) -> Vec<Rc<Held>> {
        if let Some(packing) = found.first().and_then(|held| self.chosen.get(&held.tensor)) {
            let place = |packing: &Packing| (packing.offset, packing.positions());
            let as_chosen = |held: &Held| place(&held.packing) == place(packing);
            if found.iter().any(as_chosen) {
                found.retain(as_chosen);
            }
        }
        let mut found: Vec<((f64, u32), Held)> = found.into_iter().map(|held| (self.price(&held), held)).collect();
        found.sort_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let room = self.work.kept(KEPT);
        let mut kept: Vec<Rc<Held>> = Vec::new();
        let mut flattest = u32::MAX;
        let mut flattest_one_shot = u32::MAX;
        for ((_, depth), held) in found {
            let dominated = kept.iter().any(|other| other.packing == held.packing && other.depth <= held.depth);
            let flat = depth < flattest || held.one_shot && depth < flattest_one_shot;
            if !dominated && (kept.len() < room || flat) {
                flattest = flattest.min(depth);
                if held.one_shot {
                    flattest_one_shot = flattest_one_shot.min(depth);
                }
                kept.push(Rc::new(held));
            }
        }
        kept
    }

    /// By what ways to hold a tensor are compared: of a result once it is as wanted.
    fn price(&self, held: &Held) -> (f64, u32) {
        if self.becomes_result(held.tensor) { self.finish_price(held) } else { (held.cost.weigh(&self.costs), held.depth) }
    }

    fn sum(&self, tensor: usize, sum: &Sum) -> Vec<Held> {
        let wanted = self.wanted(tensor, sum);
        let mut publics = Vec::new();
        let mut terms: Vec<(Vec<Way>, f64)> = Vec::new();
        for term in &sum.terms {
            let contraction = Rc::new(contraction(sum, term));
            if contraction.is_public(contraction.all()) {
                publics.push((contraction, term.coefficient));
                continue;
            }
            // A public factor takes the coefficient in.
            let has_public = contraction.operands.iter().any(|operand| !operand.secret);
            let (scale, rest) = if has_public { (term.coefficient, 1.0) } else { (1.0, term.coefficient) };
            let operands = (0..contraction.operands.len()).map(|n| self.operand(&contraction, n)).collect();
            let mut search = Search::new(Rc::clone(&contraction), operands, scale, wanted.clone(), self.log_slots, self.costs, self.work);
            let is_alone = sum.terms.len() == 1 && rest == 1.0;
            search.last = self.last(tensor, sum, is_alone);
            search.flat = self.objective == Objective::Depth;
            search.one_shot = self.one_shot;
            terms.push((search.run(), rest));
        }
        let labels = sum.output.iter().filter(|&&label| bits(sum, label) > 0).fold(0, |all, &label| all | 1 << label);
        if let ([(ways, coefficient)], []) = (&terms[..], &publics[..])
            && *coefficient == 1.0
            && ways.iter().all(|way| way.labels == labels)
        {
            return ways.iter().map(|way| self.term(tensor, sum, way)).collect();
        }
        let terms: Vec<(Vec<Way>, f64)> = terms.into_iter().map(|(ways, coefficient)| (best(ways, &self.costs), coefficient)).collect();
        let summands = Summands { terms, publics };
        let mut found: Vec<Held> = Vec::new();
        let alone = Contraction { labels: sum.labels.clone(), operands: Vec::new(), output: sum.output.clone() };
        let mut front = Front::new(KEPT);
        let prunes = self.objective != Objective::Depth && !self.chosen.contains_key(&tensor);
        // Also the flattest one that has all operands at once is kept.
        let mut flattest_one_shot = if summands.may_be_one_shot() { u32::MAX } else { 0 };
        let least = Least::of(&summands.terms, &self.costs);
        for joint in self.joints(&alone, labels, &summands.terms, &wanted) {
            let mut deepest = u32::MAX;
            let dear = if prunes && flattest_one_shot <= least.depth { front.limit(least.depth) } else { f64::INFINITY };
            let added = |deepest: u32, clean: bool| self.added(tensor, &alone, &joint, &summands, (deepest, dear, &least), clean);
            while let Some(held) = added(deepest, false) {
                // Terms that are cleared before they are added may be of a plan that is flatter than one that clears the sum.
                found.extend(held.packing.has_junk().then(|| added(deepest, true)).flatten());
                deepest = held.depth.saturating_sub(1);
                front.push(self.price(&held).0, held.depth, &held.packing);
                flattest_one_shot = flattest_one_shot.min(if held.one_shot { held.depth } else { u32::MAX });
                found.push(held);
                if self.objective != Objective::Depth || deepest == 0 {
                    break;
                }
            }
        }
        found
    }

    /// What is known of which products of all operands are kept.
    fn last<'b>(&'b self, tensor: usize, sum: &'b Sum, is_alone: bool) -> Last<'b> {
        if is_alone && self.chosen.contains_key(&tensor) {
            return Last::All;
        }
        if !is_alone || self.contract == Contract::Free || !self.becomes_result(tensor) {
            return Last::Cheap;
        }
        Last::Finished(Box::new(move |packing| {
            let packing = packing.relabelled(|label| axis_of(&sum.output, label));
            self.finishing(tensor, &packing).1.weigh(&self.costs)
        }))
    }

    fn polynomial(&self, tensor: usize, held: &Rc<Held>, coefficients: &[f64]) -> Held {
        let (products, scalings, depth) = costs(coefficients.len() - 1);
        let chunks = convert::n_chunks(&held.packing, self.log_slots);
        let mut cost = held.cost;
        let (kept, packing) = cleaned(&held.packing, &self.program.tensors[tensor].shape, self.log_slots);
        let cleaning = u32::from(kept.is_some());
        cost += Cost { mulcp: u64::from(cleaning) * chunks, ..Cost::default() };
        let adds = 2 * (products + scalings) * chunks;
        cost += Cost { mulcc: products * chunks, relins: products * chunks, mulcp: scalings * chunks, adds, ..Cost::default() };
        let make = Make::Polynomial(Rc::clone(held), coefficients.into());
        Held { tensor, make, packing, cost, depth: held.depth + cleaning + depth, one_shot: held.one_shot, written: held.written }
    }

    /// Packings of a result as the contract has it, and of what is read so later, over labels.
    fn wanted(&self, tensor: usize, sum: &Sum) -> Vec<Packing> {
        let is_result = self.becomes_result(tensor);
        let axes = row_major(&self.program.tensors[tensor].shape, self.log_slots);
        let contracted = (is_result && self.contract == Contract::Strict).then_some(&axes);
        let wanted = contracted.into_iter().chain(self.wishes.of(tensor));
        wanted.map(|packing| packing.relabelled(|axis| sum.output[usize::from(axis)])).collect()
    }

    /// Whether it is a result, or the argument of a polynomial that is one.
    fn becomes_result(&self, tensor: usize) -> bool {
        let of_result = |(n, other): (usize, &Tensor)| matches!(&other.origin, Origin::Polynomial { of, .. } if *of == tensor && self.becomes_result(n));
        self.program.results.contains(&tensor) || self.program.tensors.iter().enumerate().any(of_result)
    }

    fn joints(&self, alone: &Contraction, labels: u64, terms: &[(Vec<Way>, f64)], wanted: &[Packing]) -> Vec<Packing> {
        let packed = |way: &Way| match &way.source {
            Source::Packed(packing) => Some(packing.clone()),
            Source::Anywhere | Source::Strided(..) => None,
        };
        let of_term = self.work.kept(MAX_SEEDS);
        let firsts = terms.iter().flat_map(|(ways, _)| ways.iter().filter_map(packed).take(of_term));
        let seeds: Vec<Packing> = firsts.chain(wanted.iter().cloned()).collect();
        let seeds: Vec<&Packing> = seeds.iter().collect();
        joint::candidates(alone, labels, labels, &seeds, self.work.joints(), self.log_slots)
    }

    /// The sum in a joint space, no deeper than `limit`; none if it costs `dear` or more.
    fn added(
        &self,
        tensor: usize,
        sum: &Contraction,
        joint: &Packing,
        summands: &Summands,
        (limit, dear, least): (u32, f64, &Least),
        clean: bool,
    ) -> Option<Held> {
        let mut left = dear - least.of.iter().sum::<f64>();
        let mut parts = Vec::new();
        let (mut cost, mut depth, mut one_shot, mut junk) = (Cost::default(), 0, true, 0);
        for ((ways, coefficient), least) in summands.terms.iter().zip(&least.of) {
            let labels = ways.first()?.labels;
            // A value spread over a label is there beyond its size too.
            let beyond = |label: &&u8| labels >> **label & 1 == 0 && !sum.labels[usize::from(**label)].size.is_power_of_two();
            let beyond = sum.output.iter().filter(beyond).fold(0, |all, label| all | 1 << label);
            let is_scaled = coefficient.abs() != 1.0;
            let at_most = |limit: u32| cheapest(sum, ways, labels, joint, (limit, left + least), self.log_slots, (&self.costs, self.work));
            let scaling = |conversion: &Conversion| match conversion.depth {
                _ if clean && (beyond != 0 || conversion.packing.has_junk()) => Scaling::Own,
                _ if !is_scaled => Scaling::None,
                0 => Scaling::Own,
                _ => Scaling::OnTheWay,
            };
            let is_flat = |(way, conversion): &(Way, Conversion)| way.depth + conversion.depth + scaling(conversion).depth() <= limit;
            let found = at_most(limit).filter(is_flat);
            let found = if found.is_none() && (is_scaled || clean) { at_most(limit.checked_sub(1)?) } else { found };
            let (way, conversion) = found?;
            left -= way.cost.weigh(&self.costs) + conversion.cost.weigh(&self.costs) - least;
            let scaling = scaling(&conversion);
            let chunks = convert::n_chunks(&conversion.packing, self.log_slots);
            junk |= if scaling == Scaling::Own { 0 } else { beyond | conversion.packing.junk };
            cost += way.cost;
            cost += conversion.cost;
            cost += Cost { mulcp: u64::from(scaling.depth()) * chunks, adds: chunks, ..Cost::default() };
            depth = depth.max(way.depth + conversion.depth + scaling.depth());
            one_shot &= way.one_shot;
            parts.push(Part { way, conversion, coefficient: *coefficient, scaling });
        }
        if depth > limit {
            return None;
        }
        let packing = Packing { junk, ..together(joint, &parts, self.log_slots) };
        let axes = packing.relabelled(|label| axis_of(&sum.output, label));
        let added = Added {
            joint: joint.clone(),
            sizes: sum.labels.iter().map(|label| label.size).collect(),
            parts,
            publics: summands.publics.clone(),
            packing,
        };
        Some(Held { tensor, make: Make::Sum(Rc::new(added)), packing: axes, cost, depth, one_shot, written: 0 })
    }

    fn term(&self, tensor: usize, sum: &Sum, way: &Way) -> Held {
        let Source::Packed(packing) = &way.source else { unreachable!("a product has a packing") };
        let packing = packing.relabelled(|label| axis_of(&sum.output, label));
        Held { tensor, make: Make::Term(way.clone()), packing, cost: way.cost, depth: way.depth, one_shot: way.one_shot, written: 0 }
    }

    /// The ways to hold a secret operand of a product, seen with its labels.
    fn operand(&self, contraction: &Rc<Contraction>, n: usize) -> Vec<Way> {
        let operand = &contraction.operands[n];
        if !operand.secret {
            return Vec::new();
        }
        let labels = contraction.labels_of(1 << n);
        if matches!(self.program.tensors[operand.tensor].origin, Origin::Secret) {
            let free = Way {
                node: Node::Input(Rc::clone(contraction), n),
                source: Source::Anywhere,
                labels,
                cost: Cost::default(),
                depth: 0,
                one_shot: true,
            };
            let packing = match &self.placings[operand.tensor] {
                Placing::Anywhere if !operand.is_sliced() => return vec![free],
                Placing::Anywhere => {
                    let spaced = window::spaced(contraction, operand, self.log_slots);
                    let packings = [row_major(&operand.shape(), self.log_slots)].into_iter().chain(spaced);
                    let inputs = packings.map(|packing| Rc::new(self.input(operand.tensor, packing)));
                    return inputs.filter_map(|held| self.seen(contraction, n, &held)).collect();
                }
                Placing::Fixed(packing) => packing.clone(),
            };
            return self.seen(contraction, n, &Rc::new(self.input(operand.tensor, packing))).into_iter().collect();
        }
        self.held[operand.tensor].iter().filter_map(|held| self.seen(contraction, n, held)).collect()
    }

    fn input(&self, tensor: usize, packing: Packing) -> Held {
        Held { tensor, make: Make::Input, packing, cost: Cost::default(), depth: 0, one_shot: true, written: 0 }
    }

    fn seen(&self, contraction: &Rc<Contraction>, n: usize, held: &Rc<Held>) -> Option<Way> {
        let operand = &contraction.operands[n];
        let labels = contraction.labels_of(1 << n);
        let (source, chunk) = convert::seen(contraction, operand, &held.packing, self.log_slots)?;
        Some(Way {
            node: Node::Held(Rc::clone(held), n, chunk),
            source,
            labels,
            cost: held.cost,
            depth: held.depth,
            one_shot: held.one_shot,
        })
    }
}

fn bits(sum: &Sum, label: u8) -> u8 {
    ein_ir::packed::layout::axis_bits(sum.labels[usize::from(label)].size)
}

pub(crate) fn axis_of(output: &[u8], label: u8) -> u8 {
    let axis = output.iter().position(|&other| other == label).and_then(|axis| u8::try_from(axis).ok());
    axis.expect("a result keeps labels of its axes only")
}

/// A term with the labels of its sum.
pub(crate) fn contraction(sum: &Sum, term: &Term) -> Contraction {
    let reads = |label: &u8| term.operands.iter().any(|operand: &Operand| operand.reads(*label));
    let output = sum.output.iter().copied().filter(reads).collect();
    Contraction { labels: sum.labels.clone(), operands: term.operands.clone(), output }
}

/// The row-major packing of a tensor, over its axes.
pub(crate) fn row_major(shape: &[u64], log_slots: usize) -> Packing {
    let layout = ein_ir::packed::Layout::row_major(shape, u32::try_from(log_slots).unwrap_or(u32::MAX));
    Packing::of(layout.bits().collect())
}

/// What is to be kept of the argument of a polynomial, if not all: partial sums, and what is beyond the sizes of axes, need not lie where the
/// polynomial is small, and a slot with a number beyond the modulus spoils all others.
pub(crate) fn cleaned(packing: &Packing, shape: &[u64], log_slots: usize) -> (Option<Kept>, Packing) {
    let mut packing = packing.clone();
    let kept = Kept::elements(&packing, |axis| shape[axis], log_slots);
    let kept = (!kept.zero.is_empty() || !kept.within.is_empty()).then_some(kept);
    kept.iter().for_each(|kept| kept.clean(&mut packing));
    (kept, packing)
}

/// What is known of a sum at bits that no label has.
fn together(joint: &Packing, parts: &[Part], log_slots: usize) -> Packing {
    let free = |position: usize| {
        let all = |state: AddressBit| parts.iter().all(|part| part.may_be(position, state));
        match [AddressBit::Rep, AddressBit::Zero].map(all) {
            [true, _] if !parts.is_empty() => AddressBit::Rep,
            [_, true] => AddressBit::Zero,
            _ => AddressBit::Junk,
        }
    };
    let bits = (0..joint.bits.len().max(log_slots)).map(|position| match joint.at(position) {
        bit @ AddressBit::Axis { .. } => bit,
        AddressBit::Rep | AddressBit::Zero | AddressBit::Junk if position >= log_slots => AddressBit::Rep,
        AddressBit::Rep | AddressBit::Zero | AddressBit::Junk => free(position),
    });
    Packing { bits: bits.collect(), offset: joint.offset, junk: 0 }
}

/// What is left to do to a result once it is computed.
#[derive(Clone, Debug)]
pub(crate) struct Finish {
    pub(crate) held: Rc<Held>,
    pub(crate) route: Route,
    pub(crate) packing: Packing,
    pub(crate) cost: Cost,
    pub(crate) depth: u32,
}

/// A plan that is deeper than the one-shot plan must be this much faster.
const WORTH_A_LEVEL: f64 = 0.7;
/// One that is deeper than one of the same tensor written otherwise, this much.
const WORTH_ANOTHER: f64 = 0.8;
/// Moves with more rotations than this may be made in two steps.
const WORTH_TWO_STEPS: u64 = 48;

impl Holder<'_> {
    /// The best way to hold a result as the contract wants it, of all ways to write it.
    pub(crate) fn result(&self, tensor: usize) -> Option<Finish> {
        let written = |n: usize| self.held[tensor].iter().filter(move |held| held.written == n).map(|held| self.finish(held)).collect();
        let n_written = self.held[tensor].iter().map(|held| held.written + 1).max().unwrap_or(0);
        let all = (0..n_written).filter_map(|n| self.best_of(written(n)));
        all.reduce(|best, other| if self.is_better(&other, &best) { other } else { best })
    }

    /// Whether a way is flatter or cheaper, and if it is but one of both, faster: much so if it is deeper.
    fn is_better(&self, one: &Finish, other: &Finish) -> bool {
        let [cost, of_other] = [one, other].map(|finish| finish.cost.weigh(&self.costs));
        let is_faster = |one: &Finish, other: &Finish| self.slowness(one) < WORTH_ANOTHER * self.slowness(other);
        match one.depth.cmp(&other.depth) {
            Ordering::Equal => cost < of_other,
            order if self.objective == Objective::Depth => order == Ordering::Less,
            Ordering::Less => cost < of_other || !is_faster(other, one),
            Ordering::Greater => is_faster(one, other),
        }
    }

    /// No deeper than the one-shot plan, or deeper where that is worth it; or the flattest.
    fn best_of(&self, mut all: Vec<Finish>) -> Option<Finish> {
        let moved = all.iter().filter(|finish| matches!(finish.route, Route::Map(..)));
        let cheapest = moved.min_by(|a, b| a.cost.weigh(&self.costs).total_cmp(&b.cost.weigh(&self.costs)));
        all.extend(cheapest.and_then(|finish| self.in_two_steps(finish)));
        let least = |plans: &mut dyn Iterator<Item = &Finish>| {
            plans.min_by(|a, b| a.cost.weigh(&self.costs).total_cmp(&b.cost.weigh(&self.costs)).then(a.depth.cmp(&b.depth))).cloned()
        };
        if self.objective == Objective::Depth {
            let flattest = all.iter().map(|plan| plan.depth).min()?;
            return least(&mut all.iter().filter(|plan| plan.depth == flattest));
        }
        let one_shot = least(&mut all.iter().filter(|plan| plan.held.one_shot)).or_else(|| least(&mut all.iter()))?;
        let flat = least(&mut all.iter().filter(|plan| plan.depth <= one_shot.depth)).unwrap_or(one_shot);
        let deep = all.iter().filter(|plan| self.slowness(plan) < WORTH_A_LEVEL * self.slowness(&flat));
        Some(deep.min_by(|a, b| self.slowness(a).total_cmp(&self.slowness(b))).cloned().unwrap_or(flat))
    }

    /// What a way to hold a result costs once it is as wanted, and how deep it is.
    fn finish_price(&self, held: &Held) -> (f64, u32) {
        let (route, extra) = self.finishing(held.tensor, &held.packing);
        let mut cost = held.cost;
        cost += extra;
        (cost.weigh(&self.costs), held.depth + route.depth())
    }

    pub(crate) fn finish(&self, held: &Rc<Held>) -> Finish {
        let (route, extra) = self.finishing(held.tensor, &held.packing);
        let mut cost = held.cost;
        cost += extra;
        let packing = match self.contract {
            Contract::Free => held.packing.clone(),
            Contract::Strict => row_major(&self.program.tensors[held.tensor].shape, self.log_slots),
        };
        let depth = held.depth + route.depth();
        Finish { held: Rc::clone(held), packing, route, cost, depth }
    }

    /// The same with its last move in two steps, if it is a long one.
    fn in_two_steps(&self, finish: &Finish) -> Option<Finish> {
        let Route::Map(_, split) = &finish.route else { return None };
        if split.cost().rotations < WORTH_TWO_STEPS {
            return None;
        }
        let held = Rc::clone(&finish.held);
        let stages = two_steps(&self.program.tensors[held.tensor].shape, &held.packing, &finish.packing, self.log_slots)?;
        let mut cost = held.cost;
        stages.iter().for_each(|(_, split, _)| cost += split.cost());
        let route = Route::Stages(Box::new(stages));
        let depth = held.depth + route.depth();
        Some(Finish { held, packing: finish.packing.clone(), route, cost, depth })
    }

    /// The cost of a result where every level makes each operation slower: the number of moduli is that of levels, and a key switch takes
    /// their power of one and a half.
    pub(crate) fn slowness(&self, finish: &Finish) -> f64 {
        finish.cost.weigh(&self.costs) * f64::from(finish.depth + 1).powf(1.5)
    }

    /// What is left to do to a result, and its cost.
    pub(crate) fn finishing(&self, tensor: usize, packing: &Packing) -> (Route, Cost) {
        if self.contract == Contract::Free {
            return (Route::Direct, Cost::default());
        }
        let shape = &self.program.tensors[tensor].shape;
        let wanted = row_major(shape, self.log_slots);
        let chunks = convert::n_chunks(packing, self.log_slots);
        if packing.positions() != wanted.positions() {
            let map = convert::shape_map(shape, packing, &wanted, self.log_slots);
            let (n, targets) = (1 << self.log_slots, convert::n_chunks(&wanted, self.log_slots));
            let split = map.split(n, n, chunks, targets);
            let cost = split.cost();
            return (Route::Map(map, split), cost);
        }
        let filled = |&p: &usize| matches!(packing.at(p), AddressBit::Rep | AddressBit::Junk);
        let zero: Vec<usize> = (0..self.log_slots).filter(filled).collect();
        let kept = Kept { zero, ..Kept::elements(packing, |axis| shape[axis], self.log_slots) };
        let kept = Some(kept).filter(|kept| !kept.zero.is_empty() || !kept.within.is_empty());
        let (route, _) = Route::turned(packing, 0, kept, self.log_slots);
        let cost = route.turning(chunks);
        (route, cost)
    }
}

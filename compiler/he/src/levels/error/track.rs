//! Carries a program out on what is known of each slot.

use super::OutputError;
use super::alike::{Alike, Spread};
use super::close::{Close, Found, Region};
use super::noise::Noise;
use super::operands::{Facts, MUCH, Span, is_uniform, plain_ranges};
use super::parts::Parts;
use super::related::{Inverse, Relating, Relations, refined};
use super::residue::Residue;
use super::room::Room;
use super::series;
use super::slots::{DEVIATIONS, Slot, Slots};
use super::sources::Sources;
use super::tensors::{reciprocals, within};
use super::unit_of;
use crate::approximation::evaluate;
use crate::program::{self, Iterate, Program, Sign};
use ein_ir::entity::{Ciphertext, Plain, SecondaryMap};
use ein_ir::packed::layout::Content;
use ein_ir::packed::level::Level;
use ein_ir::packed::{Op, OutputDecl, Packed, Run};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

mod steps;

pub(crate) struct Tracker<'a> {
    packed: &'a Packed,
    program: &'a Program,
    facts: &'a Facts,
    levels: &'a SecondaryMap<Ciphertext, Level>,
    noise: Noise,
    /// Those that are still read.
    values: SecondaryMap<Ciphertext, Option<Slots>>,
    /// What is known of these beside others, if there are reciprocals that this is good for.
    related: SecondaryMap<Ciphertext, Option<Relations>>,
    follows: bool,
    /// Of each step of an iteration, between which parts of what it is close to it is if its argument is not off.
    steps: BTreeMap<usize, Span>,
    /// Ranges of reciprocals whose arguments may be off as far as their poles, and by how much they are.
    poles: Vec<(f64, f64, f64)>,
    /// Ranges of iterations whose noise is no small part of what they give.
    noisy: Vec<(f64, f64)>,
    /// Which positive numbers are parts of others.
    parts: Rc<RefCell<Parts>>,
    /// What numbers need of the moduli, also in slots without an element.
    room: Room,
}

/// What is known of a program that was carried out.
pub(crate) struct Tracked {
    pub(crate) results: Vec<OutputError>,
    /// Of each result, whether nothing bounds some number that it is computed from, in a slot with an element or without.
    pub(crate) lost: Vec<bool>,
    pub(crate) poles: Vec<(f64, f64, f64)>,
    pub(crate) noisy: Vec<(f64, f64)>,
    pub(crate) room: Room,
}

/// Whether values are those of the exact program, or start from values with errors that are taken to be exact.
enum Origin<'a> {
    Program,
    /// With how far beyond -1 and 1 each slot of what is in there may be, if it holds arguments of polynomials.
    Within(Option<&'a Spread<f64>>),
}

impl<'a> Tracker<'a> {
    pub(crate) fn new(
        packed: &'a Packed,
        (program, facts): (&'a Program, &'a Facts),
        levels: &'a SecondaryMap<Ciphertext, Level>,
        noise: Noise,
    ) -> Self {
        let follows = !program.iterates.is_empty() || packed.ops.keys().any(|id| facts.summed[id]);
        let (values, related, steps) = (SecondaryMap::new(), SecondaryMap::new(), BTreeMap::new());
        Self {
            packed,
            program,
            facts,
            levels,
            noise,
            values,
            related,
            follows,
            steps,
            poles: Vec::new(),
            noisy: Vec::new(),
            parts: Rc::default(),
            room: Room::default(),
        }
    }

    /// The bounds of the results; `seen` is told what is known of each value on the way, but for those between a value and what it is close to.
    pub(crate) fn results(mut self, close: &BTreeMap<Ciphertext, Found<'a>>, seen: &mut dyn FnMut(Ciphertext, &Slots)) -> Tracked {
        let (needed, last) = reads(self.packed, close);
        let mut lost = SecondaryMap::with_default(false);
        for (id, op) in self.packed.ops.iter().filter(|(id, _)| needed[*id]) {
            let all = std::mem::take(&mut self.room);
            let (value, relations) = match close.get(&id) {
                Some(found) => self.close(id, found, &needed),
                None => self.both(id, op, &Origin::Program),
            };
            let own = self.room.and(Room::of(&value, self.levels[id]));
            let read = arguments(op, close.get(&id));
            let is_endless = self.facts.is_endless(self.packed, op);
            lost[id] = own.is_unbounded() || is_endless || read.iter().any(|x| lost[*x]);
            self.room = all.and(own);
            seen(id, &value);
            self.values[id] = Some(value);
            self.related[id] = Some(relations);
            for x in read.into_iter().filter(|x| last[*x] == Some(id)) {
                self.values[x] = None;
                self.related[x] = None;
            }
        }
        let rounded = |n: usize| self.program.results.get(n).and_then(|result| self.program.rounded.get(result)).copied().unwrap_or(0.0);
        let results = self.packed.outputs.iter().enumerate().map(|(n, output)| self.output(output, rounded(n))).collect();
        let lost = self.packed.outputs.iter().map(|output| output.values.iter().any(|value| lost[*value])).collect();
        Tracked { results, lost, poles: self.poles, noisy: self.noisy, room: self.room }
    }

    /// An operation, and what is known of its result beside others.
    fn both(&self, id: Ciphertext, op: &Op, origin: &Origin<'_>) -> (Slots, Relations) {
        let value = self.execute(id, op, origin);
        if !self.follows {
            return (value, Relations::default());
        }
        let operands: Vec<(&Slots, &Relations)> = op.args().map(|x| (self.value(x), self.relations(x))).collect();
        let rounding = op.plain().map_or(0.0, |plain| {
            let scale = if op.multiplies() { 1 } else { op.args().next().map_or(1, |x| self.levels[x].scale) };
            self.rounding(plain, scale)
        });
        let relating = Relating { packed: self.packed, facts: self.facts, parts: &self.parts };
        let relations = relating.of(id, op, &operands, (self.added(id, op), rounding));
        let value = match operands[..] {
            [a, b] if matches!(op, Op::Mul(..)) => refined(value, [a, b], &self.parts),
            _ => value,
        };
        if self.facts.summed[id] { (value.clone(), relations.gauged(&value)) } else { (value, relations) }
    }

    fn relations(&self, x: Ciphertext) -> &Relations {
        self.related[x].as_ref().expect("it is kept as long as the value")
    }

    /// The noise that an operation adds.
    fn added(&self, id: Ciphertext, op: &Op) -> f64 {
        let added = match *op {
            Op::Rotate { .. } | Op::Relin(_) => self.noise.switch,
            Op::Rescale(x) => self.noise.rescale[usize::from(self.facts.three_parts[x])],
            Op::Drop(x, _) if !matches!(self.packed.ops[x], Op::Input { .. } | Op::Boot { .. }) => self.noise.rescale[0],
            Op::Boot { bits, .. } => self.noise.boot(bits),
            _ => 0.0,
        };
        self.noise.at(added, self.levels[id].scale)
    }

    fn execute(&self, id: Ciphertext, op: &Op, origin: &Origin<'_>) -> Slots {
        let mut value = self.computed(id, op);
        let added = self.added(id, op);
        if added > 0.0 {
            value = value.noisy(id, added);
        }
        match origin {
            Origin::Within(Some(limits)) if self.facts.unit[id] => {
                let (mut value, limits) = value.split(limits);
                value.slots.iter_mut().zip(limits).for_each(|(slot, limit)| *slot = slot.within((-limit, limit)));
                value
            }
            Origin::Within(_) => match self.facts.corrections[id] {
                Some(range) => value.map(|slot| slot.within(range)),
                None => value,
            },
            Origin::Program => self.known(id, value),
        }
    }

    /// What is known of a value besides.
    fn known(&self, id: Ciphertext, mut value: Slots) -> Slots {
        if self.facts.unit[id] {
            value = value.map(|slot| slot.within((-1.0, 1.0)));
        }
        if let Some(range) = self.facts.ranges[id] {
            value = self.in_range(id, value, range);
        }
        let off = self.facts.off[id];
        if off > 0.0 { value.map(|slot| if slot.is_zero() { slot } else { slot.and(off) }) } else { value }
    }

    /// With what is known of the elements; slots that may hold anything are as they were computed.
    fn in_range(&self, id: Ciphertext, value: Slots, range: Span) -> Slots {
        let lies = |slot: &Slot| slot.lo >= range.0 && slot.hi <= range.1;
        match &self.facts.junk[id] {
            Some(_) if value.slots.iter().all(lies) => value,
            Some((layout, chunk)) => {
                let elements = layout.contents(*chunk).enumerate().filter(|(_, content)| matches!(content, Content::Element(_)));
                let elements = Alike::two(self.packed.slots as usize, elements.map(|(slot, _)| slot));
                let (mut value, elements) = value.split(&elements);
                value.slots.iter_mut().zip(elements).filter(|(_, is_element)| *is_element).for_each(|(slot, _)| *slot = slot.within(range));
                value
            }
            None => value.map(|slot| slot.within(range)),
        }
    }

    fn value(&self, x: Ciphertext) -> &Slots {
        self.values[x].as_ref().expect("it is read later than it is made, and kept until then")
    }

    fn computed(&self, id: Ciphertext, op: &Op) -> Slots {
        match *op {
            Op::Input { input, chunk } => {
                let (lo, hi) = self.facts.inputs[input];
                let contents = self.packed.inputs[input].layout.contents(chunk).enumerate();
                let filled: Vec<(usize, Content)> = contents.filter(|(_, content)| *content != Content::Zero).collect();
                // Slots that are left open hold what elements may, or nothing: who encrypts must not put anything else there.
                let is_open = filled.iter().any(|(_, content)| *content == Content::Junk);
                let (lo, hi) = if is_open { (lo.min(0.0), hi.max(0.0)) } else { (lo, hi) };
                let filled = Alike::two(self.packed.slots as usize, filled.into_iter().map(|(slot, _)| slot));
                let slot = |filled: &bool| if *filled { Slot::between(lo, hi) } else { Slot::default() };
                let Spread { alike, of: slots } = filled.map(slot);
                Slots { sources: Sources::new(id, vec![self.noise.fresh; slots.len()], alike.slots()), slots, alike }
            }
            Op::Rotate { x, by } => self.value(x).clone().rotated(by as usize),
            Op::Add(x, y) => self.value(x).plus(self.value(y)),
            Op::Sub(x, y) if x == y => {
                Slots { alike: Alike::all(self.packed.slots as usize), slots: vec![Slot::default()], sources: Sources::default() }
            }
            Op::Sub(x, y) => self.value(x).joined(self.value(y), |a, b| a.plus(b.negated())),
            Op::Mul(x, y) if x == y => self.value(x).squared(),
            Op::Mul(x, y) => self.value(x).times(self.value(y)),
            Op::Neg(x) => self.value(x).clone().map(Slot::negated),
            Op::AddPlain(x, plain) => {
                let (ranges, off) = (plain_ranges(self.packed, self.facts, plain), self.rounding(plain, self.levels[x].scale));
                self.value(x).plus_plain(&ranges, off)
            }
            Op::MulPlain(x, plain) | Op::Mask(x, plain) => {
                self.value(x).times_plain(&plain_ranges(self.packed, self.facts, plain), self.rounding(plain, 1))
            }
            Op::Relin(x) | Op::Rescale(x) | Op::Drop(x, _) | Op::Boot { x, .. } => self.value(x).clone(),
        }
    }

    /// The most by which the rounding of a plaintext changes a slot.
    fn rounding(&self, plain: Plain, scale: u32) -> f64 {
        let rounding = if is_uniform(self.packed, plain) { self.noise.constant } else { DEVIATIONS * self.noise.encode };
        self.noise.at(rounding, scale)
    }

    /// The result of a region, from bases that are exact; `limits` are how large arguments of polynomials are.
    fn between(
        &self,
        region: &Region,
        bases: BTreeMap<Ciphertext, (Slots, Relations)>,
        limits: Option<&Spread<f64>>,
    ) -> (Slots, Relations, Room) {
        let follows = self.follows && limits.is_none();
        let (values, related, steps) = (SecondaryMap::new(), SecondaryMap::new(), BTreeMap::new());
        let mut inner = Tracker {
            values,
            related,
            steps,
            follows,
            poles: Vec::new(),
            noisy: Vec::new(),
            parts: Rc::clone(&self.parts),
            room: Room::default(),
            ..*self
        };
        for (id, (value, relations)) in bases {
            inner.values[id] = Some(value);
            inner.related[id] = Some(relations);
        }
        let mut last = None;
        for &id in &region.inner {
            let (value, relations) = inner.both(id, &self.packed.ops[id], &Origin::Within(limits));
            inner.room = inner.room.and(Room::of(&value, self.levels[id]));
            inner.values[id] = Some(value);
            inner.related[id] = Some(relations);
            last = Some(id);
        }
        let result = last.and_then(|id| inner.values[id].take().zip(inner.related[id].take()));
        let (value, relations) = result.expect("the result is in its region");
        (value, relations, inner.room)
    }

    fn close(&mut self, id: Ciphertext, found: &Found<'a>, needed: &SecondaryMap<Ciphertext, bool>) -> (Slots, Relations) {
        // Noise that others have too is counted to what they have it from.
        let is_shared = found.region.inner.iter().any(|inner| *inner != id && needed[*inner]);
        match found.close {
            Close::Series { tensor, coefficients, argument, empty } => {
                self.series(&found.region, (tensor, coefficients), (argument, empty), is_shared)
            }
            Close::Constant { tensor, empty } => self.constant(id, tensor, empty),
            Close::Step { tensor, iterate } => self.step(found, (tensor, iterate), is_shared),
        }
    }

    /// A number in the place of a function.
    fn constant(&self, id: Ciphertext, tensor: usize, empty: &[Run]) -> (Slots, Relations) {
        let (value, relations) = self.both(id, &self.packed.ops[id], &Origin::Program);
        let off = self.program.errors.get(&tensor).copied().unwrap_or(0.0);
        let empty = Alike::two(value.alike.slots(), empty.iter().flat_map(|run| run.slots(self.packed.slots)));
        let (mut value, empty) = value.split(&empty);
        value.slots.iter_mut().zip(empty).filter(|(_, empty)| !empty).for_each(|(slot, _)| *slot = slot.and(off));
        (value, relations)
    }

    /// A value without its errors, which lies as far from where it should as they say.
    fn exact(value: &Slots, is_shared: bool) -> Slots {
        let errors = value.errors();
        let widened = |(slot, error): (&Slot, &f64)| Slot::between(slot.lo - error, slot.hi + error);
        let slots = value.slots.iter().zip(&errors).map(widened).collect();
        let sources = if is_shared { value.sources.clone().scaled(&vec![0.0; errors.len()]) } else { Sources::default() };
        Slots { slots, sources, alike: value.alike.clone() }
    }

    fn series(
        &mut self,
        region: &Region,
        (tensor, coefficients): (usize, &[f64]),
        (base, empty): (Ciphertext, &[Run]),
        is_shared: bool,
    ) -> (Slots, Relations) {
        let argument = self.value(base).clone();
        let exact = Self::exact(&argument, is_shared);
        let degree = coefficients.len().saturating_sub(1);
        let limit = |slot: &Slot| series::beyond(degree, slot.lo.abs().max(slot.hi.abs()) - 1.0);
        let limits = Spread { alike: exact.alike.clone(), of: exact.slots.iter().map(limit).collect() };
        let (added, _, room) = self.between(region, BTreeMap::from([(base, (exact.clone(), Relations::default()))]), Some(&limits));
        self.room = self.room.and(room);
        let empty = Alike::two(argument.alike.slots(), empty.iter().flat_map(|run| run.slots(self.packed.slots)));
        let value = self.of_argument((tensor, coefficients), &argument, &added, &empty);
        if let Some(iterate) = self.program.iterates.get(&tensor) {
            let worst = added.errors().into_iter().fold(0.0, f64::max);
            let at = |argument: f64| worst / reciprocals(iterate.of_root, (argument, argument)).0;
            let local = at(iterate.on.1);
            // What it is off by by itself is less where its noise is more.
            let least = match iterate.nearer {
                Some((from, error)) => (1.0 - iterate.error - at(from)).min(1.0 - error - local),
                None => 1.0 - iterate.error - local,
            };
            self.steps.insert(tensor, (least, iterate.most + local));
        }
        let relations = self.of_series((tensor, coefficients), base, (&argument, &exact), &added, &empty);
        (value, relations)
    }

    /// A polynomial of an argument, off by what its operations add, by itself, and by its slope times what the argument is off by.
    fn of_argument(&self, (tensor, coefficients): (usize, &[f64]), argument: &Slots, added: &Slots, empty: &Spread<bool>) -> Slots {
        let sign = self.program.signs.values().find_map(|sign| part_of(sign, tensor));
        let iterate = self.program.iterates.get(&tensor);
        let off = self.program.errors.get(&tensor).copied().unwrap_or(0.0);
        let at_zero = evaluate(coefficients, 0.0);
        let [argument, added] = argument.together(added);
        let ((argument, empty), (added, _)) = (argument.split(empty), added.split(empty));
        let (mut slots, mut slopes) = (Vec::new(), Vec::new());
        for (n, (slot, error)) in argument.slots.iter().zip(argument.errors()).enumerate() {
            let wide = (slot.lo - error, slot.hi + error);
            // What is off by a small part of itself moves its reciprocal by that, and not by what the steepest slope makes of it.
            let moved = iterate.filter(|_| !empty[n]).and_then(|iterate| moved(iterate, slot, error));
            let (range, slope) = match (sign, iterate) {
                _ if empty[n] => ((at_zero, at_zero), series::slope(coefficients, wide)),
                (Some(part), _) => (series::range(coefficients, (-1.0, 1.0)), of_part(coefficients, part, error)),
                (None, Some(iterate)) => of_reciprocal(iterate, (slot.lo, slot.hi), wide),
                (None, None) => {
                    let range = series::range(coefficients, (slot.lo, slot.hi));
                    let known = self.program.ranges.get(&tensor).map_or(range, |known| within(range, *known));
                    (known, series::slope(coefficients, wide))
                }
            };
            let far = iterate.map_or(0.0, |iterate| iterate.error * range.1) + off;
            let slope = if moved.is_some() { 0.0 } else { slope };
            let own = moved.unwrap_or(slope * slot.off) + added.slots[n].off;
            slots.push(Slot { off: if empty[n] { own } else { own + far }, ..Slot::between(range.0, range.1) });
            slopes.push(slope);
        }
        let value = Slots { slots, sources: argument.sources.scaled(&slopes).joined(&added.sources), alike: argument.alike }.merged();
        if sign.is_some() && value.errors().into_iter().any(|error| error > MUCH) {
            return value.map(|slot| Slot { off: f64::INFINITY, ..slot });
        }
        value
    }

    /// What is known of a polynomial beside others: of a reciprocal, how far off it is times what it is of.
    fn of_series(
        &self,
        (tensor, coefficients): (usize, &[f64]),
        base: Ciphertext,
        (argument, exact): (&Slots, &Slots),
        added: &Slots,
        empty: &Spread<bool>,
    ) -> Relations {
        if !self.follows {
            return Relations::default();
        }
        let of = &self.relations(base).residues;
        let empty: Vec<bool> = (0..of.len()).map(|n| *empty.at(n)).collect();
        let iterate = self.program.iterates.get(&tensor).filter(|iterate| !iterate.of_root);
        let domain = match self.program.tensors[tensor].origin {
            program::Origin::Polynomial { of, .. } => self.program.domains.get(&of),
            _ => None,
        };
        let is_reciprocal = iterate.is_some() || self.program.reciprocals.contains(&tensor);
        let Some(&(lo, hi)) = domain.filter(|_| is_reciprocal) else {
            let drawn = |(residue, empty): (&Residue, &bool)| match empty {
                true => Residue::of_number(evaluate(coefficients, 0.0)),
                false => Residue::drawn([3, tensor as u64, residue.word()]),
            };
            return Relations::new(of.iter().zip(&empty).map(drawn).collect(), None);
        };
        // As the argument was made of what the reciprocal is of.
        let unit = Residue::of_number(2.0 / (hi - lo)).inverse();
        let shift = Residue::of_number(-(hi + lo) / (hi - lo)).negated();
        let sums: Vec<Residue> = of.iter().map(|t| t.plus(shift).times(unit)).collect();
        let share = iterate.map_or_else(|| series::of_itself(coefficients, (lo, hi)), |iterate| iterate.error);
        let half = (hi - lo) / 2.0;
        let [argument, exact, added] = [argument, exact, added].map(Slots::each);
        let slopes: Vec<f64> = exact.slots.iter().map(|slot| half / (f64::midpoint(lo, hi) + half * slot.lo).max(0.0)).collect();
        let off = |n: usize| {
            let (slot, error) = (&argument.slots[n], exact.slots[n].hi - argument.slots[n].hi);
            slopes[n] * slot.off + share * (1.0 + slopes[n] * error) + hi * added.slots[n].off
        };
        let inverse = Inverse {
            of: sums.iter().zip(&empty).map(|(sum, empty)| (!empty).then_some(*sum)).collect(),
            of_root: false,
            most: hi,
            size: vec![1.0; sums.len()],
            off: (0..sums.len()).map(off).collect(),
            sources: argument.sources.scaled(&slopes).joined(&added.sources.scaled(&vec![hi; sums.len()])),
        };
        let at_zero = Residue::of_number(evaluate(coefficients, 0.0));
        let residues = sums.iter().zip(&empty).map(|(sum, empty)| if *empty { at_zero } else { sum.inverse() }).collect();
        Relations::new(residues, Some(inverse))
    }

    fn output(&self, output: &OutputDecl, in_the_clear: f64) -> OutputError {
        let (mut noise, mut approximation, mut worst, mut magnitude) = (0.0, 0.0, 0.0_f64, 0.0_f64);
        for (chunk, &value) in (0..).zip(&output.values) {
            let value = self.value(value);
            let deviations = value.sources.deviations(value.slots.len());
            let elements =
                output.layout.contents(chunk).zip(value.alike.classes()).filter(|(content, _)| matches!(content, Content::Element(_)));
            let classes: BTreeSet<usize> = elements.map(|(_, class)| class).collect();
            for (slot, sigma) in classes.into_iter().map(|class| (value.slots[class], deviations[class])) {
                let error = DEVIATIONS * sigma + slot.off;
                magnitude = magnitude.max(slot.magnitude());
                if error > worst || error.is_nan() {
                    (worst, noise, approximation) = (error, DEVIATIONS * sigma, slot.off);
                }
            }
        }
        let rounding = magnitude * unit_of(output.dtype);
        OutputError {
            name: output.name.clone(),
            bound: noise + approximation + rounding,
            noise,
            approximation,
            rounding,
            magnitude,
            in_the_clear,
        }
    }
}

/// Which part of a sign a tensor is, and how near its argument gets to 0 where the sign is known.
fn part_of(sign: &Sign, tensor: usize) -> Option<(usize, f64)> {
    let part = sign.parts.iter().position(|part| part.0 == tensor)?;
    Some((part, sign.parts[part].1))
}

/// The steepest slope of a part of a sign, whose argument is off by `error`. Of the first part it counts as it is; of the others it is no nearer
/// to 0 than some number, or nothing is said.
fn of_part(coefficients: &[f64], (part, least): (usize, f64), error: f64) -> f64 {
    if part == 0 { 0.0 } else { series::slope(coefficients, (least - error, 1.0 + error)) }
}

/// The range and the steepest slope of a reciprocal in terms of what is -1 to 1 on its range.
fn of_reciprocal(iterate: &Iterate, (lo, hi): Span, wide: Span) -> (Span, f64) {
    let half = (iterate.on.1 - iterate.on.0) / 2.0;
    let at = |t: f64| f64::midpoint(iterate.on.0, iterate.on.1) + t * half;
    (reciprocals(iterate.of_root, (at(lo).max(iterate.on.0), at(hi))), half * steepest(iterate.of_root, at(wide.0)))
}

/// By how much a reciprocal of what is -1 to 1 on its range moves with an argument that is off by a part of itself; nothing if it may be off by less
/// than that.
fn moved(iterate: &Iterate, slot: &Slot, error: f64) -> Option<f64> {
    let (lo, hi) = iterate.on;
    let (middle, half) = (f64::midpoint(lo, hi), (hi - lo) / 2.0);
    let least = (middle + half * slot.lo).max(lo);
    let share = slot.root.scaled(half).shifted(middle).share(least);
    (share < 1.0 && share * least < half * error).then(|| steepest(iterate.of_root, least * (1.0 - share)) * share * least)
}

/// The steepest slope from a number on.
fn steepest(of_root: bool, from: f64) -> f64 {
    match (of_root, from > 0.0) {
        (_, false) => f64::INFINITY,
        (false, true) => from.powi(-2),
        (true, true) => 0.5 * from.powf(-1.5),
    }
}

/// What an operation reads; what is close to something, only that.
fn arguments(op: &Op, found: Option<&Found<'_>>) -> Vec<Ciphertext> {
    match found {
        Some(Found { close: Close::Series { argument, .. }, .. }) => vec![*argument],
        Some(Found { close: Close::Step { .. }, region, .. }) => region.bases.iter().copied().collect(),
        Some(Found { close: Close::Constant { .. }, .. }) | None => op.args().collect(),
    }
}

type Reads = (SecondaryMap<Ciphertext, bool>, SecondaryMap<Ciphertext, Option<Ciphertext>>);

/// Which values are needed, and the last reader of each that is part of no result.
fn reads(packed: &Packed, close: &BTreeMap<Ciphertext, Found<'_>>) -> Reads {
    let (mut needed, mut last) = (SecondaryMap::with_default(false), SecondaryMap::<Ciphertext, Option<Ciphertext>>::new());
    let results = || packed.outputs.iter().flat_map(|output| &output.values).copied();
    results().for_each(|value| needed[value] = true);
    for (id, op) in packed.ops.iter().rev() {
        if needed[id] {
            for x in arguments(op, close.get(&id)) {
                needed[x] = true;
                last[x] = last[x].or(Some(id));
            }
        }
    }
    results().for_each(|value| last[value] = None);
    (needed, last)
}

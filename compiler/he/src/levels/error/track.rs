//! Carries a program out on what is known of each slot.

use super::OutputError;
use super::close::{Close, Found, Region};
use super::noise::Noise;
use super::operands::{Facts, MUCH, Span, is_uniform, plain_ranges};
use super::series;
use super::slots::{DEVIATIONS, Slot, Slots};
use super::sources::Sources;
use super::tensors::reciprocals;
use super::unit_of;
use crate::approximation::evaluate;
use crate::program::{Iterate, Program, Sign};
use ein_ir::entity::{Ciphertext, Plain, SecondaryMap};
use ein_ir::packed::layout::Content;
use ein_ir::packed::level::Level;
use ein_ir::packed::{Op, OutputDecl, Packed};
use std::collections::BTreeMap;

pub(crate) struct Tracker<'a> {
    packed: &'a Packed,
    program: &'a Program,
    facts: &'a Facts,
    levels: &'a SecondaryMap<Ciphertext, Level>,
    noise: Noise,
    /// Those that are still read.
    values: SecondaryMap<Ciphertext, Option<Slots>>,
    /// Of each step of an iteration, by how many parts of itself it is off if its argument is not.
    steps: BTreeMap<usize, f64>,
}

/// Whether values are those of the exact program, or start from values with errors that are taken to be exact.
enum Origin<'a> {
    Program,
    /// With how far beyond -1 and 1 each slot of what is in there may be.
    Within(&'a [f64]),
}

impl<'a> Tracker<'a> {
    pub(crate) fn new(
        packed: &'a Packed,
        (program, facts): (&'a Program, &'a Facts),
        levels: &'a SecondaryMap<Ciphertext, Level>,
        noise: Noise,
    ) -> Self {
        Self { packed, program, facts, levels, noise, values: SecondaryMap::new(), steps: BTreeMap::new() }
    }

    /// The bounds of the results.
    pub(crate) fn results(mut self, close: &BTreeMap<Ciphertext, Found<'a>>) -> Vec<OutputError> {
        let (needed, last) = reads(self.packed, close);
        for (id, op) in self.packed.ops.iter().filter(|(id, _)| needed[*id]) {
            let value = match close.get(&id) {
                Some(found) => self.close(id, found, &needed),
                None => self.execute(id, op, &Origin::Program),
            };
            self.values[id] = Some(value);
            for x in arguments(op, close.get(&id)).into_iter().filter(|x| last[*x] == Some(id)) {
                self.values[x] = None;
            }
        }
        self.packed.outputs.iter().map(|output| self.output(output)).collect()
    }

    fn execute(&self, id: Ciphertext, op: &Op, origin: &Origin<'_>) -> Slots {
        let mut value = self.computed(id, op);
        let scale = self.levels[id].scale;
        let added = match *op {
            Op::Rotate { .. } | Op::Relin(_) => self.noise.switch,
            Op::Rescale(x) => self.noise.rescale[usize::from(self.has_three_parts(x))],
            Op::Drop(x, _) if !matches!(self.packed.ops[x], Op::Input { .. }) => self.noise.rescale[0],
            _ => 0.0,
        };
        let added = self.noise.at(added, scale);
        if added > 0.0 {
            value.sources.add(id, added, value.slots.len());
        }
        match origin {
            Origin::Within(limits) if self.facts.unit[id] => {
                value.slots.iter_mut().zip(*limits).for_each(|(slot, limit)| *slot = slot.within((-limit, *limit)));
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
        let unit = self.facts.unit[id].then_some((-1.0, 1.0));
        for range in unit.into_iter().chain(self.facts.ranges[id]) {
            value = value.map(|slot| slot.within(range));
        }
        let off = self.facts.off[id];
        if off > 0.0 { value.map(|slot| if slot.is_zero() { slot } else { Slot { off: slot.off + off, ..slot } }) } else { value }
    }

    fn value(&self, x: Ciphertext) -> &Slots {
        self.values[x].as_ref().expect("it is read later than it is made, and kept until then")
    }

    fn has_three_parts(&self, x: Ciphertext) -> bool {
        match self.packed.ops[x] {
            Op::Mul(..) => true,
            Op::Relin(_) | Op::Rotate { .. } | Op::Input { .. } => false,
            ref op => op.args().any(|arg| self.has_three_parts(arg)),
        }
    }

    fn computed(&self, id: Ciphertext, op: &Op) -> Slots {
        match *op {
            Op::Input { input, chunk } => {
                let range = self.facts.inputs[input];
                let slot = |content: Content| {
                    let (lo, hi) = if content == Content::Zero { (0.0, 0.0) } else { range };
                    Slot { lo, hi, off: 0.0 }
                };
                let slots: Vec<Slot> = self.packed.inputs[input].layout.contents(chunk).map(slot).collect();
                Slots { sources: Sources::new(id, vec![self.noise.fresh; slots.len()]), slots }
            }
            Op::Rotate { x, by } => self.value(x).clone().rotated(by as usize),
            Op::Add(x, y) => self.value(x).joined(self.value(y), Slot::plus),
            Op::Sub(x, y) if x == y => Slots { slots: vec![Slot::default(); self.value(x).slots.len()], sources: Sources::default() },
            Op::Sub(x, y) => self.value(x).joined(self.value(y), |a, b| a.plus(b.negated())),
            Op::Mul(x, y) if x == y => self.value(x).squared(),
            Op::Mul(x, y) => self.value(x).times(self.value(y)),
            Op::Neg(x) => self.value(x).clone().map(Slot::negated),
            Op::AddPlain(x, plain) => {
                let (ranges, off) = (plain_ranges(self.packed, self.facts, plain), self.rounding(plain, self.levels[x].scale));
                let mut value = self.value(x).clone();
                value.slots.iter_mut().zip(ranges).for_each(|(slot, (lo, hi))| *slot = slot.plus(Slot { lo, hi, off }));
                value
            }
            Op::MulPlain(x, plain) | Op::Mask(x, plain) => {
                self.value(x).times_plain(&plain_ranges(self.packed, self.facts, plain), self.rounding(plain, 1))
            }
            Op::Relin(x) | Op::Rescale(x) | Op::Drop(x, _) => self.value(x).clone(),
        }
    }

    /// The most by which the rounding of a plaintext changes a slot.
    fn rounding(&self, plain: Plain, scale: u32) -> f64 {
        let rounding = if is_uniform(self.packed, plain) { self.noise.constant } else { DEVIATIONS * self.noise.encode };
        self.noise.at(rounding, scale)
    }

    /// The result of a region, from bases that are exact; `limits` are how large arguments of polynomials are.
    fn between(&self, region: &Region, bases: BTreeMap<Ciphertext, Slots>, limits: &[f64]) -> Slots {
        let mut inner = Tracker { values: SecondaryMap::new(), steps: BTreeMap::new(), ..*self };
        bases.into_iter().for_each(|(id, value)| inner.values[id] = Some(value));
        let mut last = None;
        for &id in &region.inner {
            let value = inner.execute(id, &self.packed.ops[id], &Origin::Within(limits));
            inner.values[id] = Some(value);
            last = Some(id);
        }
        last.and_then(|id| inner.values[id].take()).expect("the result is in its region")
    }

    fn close(&mut self, id: Ciphertext, found: &Found<'a>, needed: &SecondaryMap<Ciphertext, bool>) -> Slots {
        // Noise that others have too is counted to what they have it from.
        let is_shared = found.region.inner.iter().any(|inner| *inner != id && needed[*inner]);
        match found.close {
            Close::Series { tensor, coefficients, cleared } => {
                let base = *found.region.bases.first().expect("a series has one base");
                self.series(&found.region, (tensor, coefficients), (base, cleared), is_shared)
            }
            Close::Step { tensor, iterate } => self.step(found, (tensor, iterate), is_shared),
        }
    }

    /// A value without its errors, which lies as far from where it should as they say.
    fn exact(value: &Slots, is_shared: bool) -> Slots {
        let errors = value.errors();
        let widened = |(slot, error): (&Slot, &f64)| Slot { lo: slot.lo - error, hi: slot.hi + error, off: 0.0 };
        let slots = value.slots.iter().zip(&errors).map(widened).collect();
        let sources = if is_shared { value.sources.clone().scaled(&vec![0.0; errors.len()]) } else { Sources::default() };
        Slots { slots, sources }
    }

    fn series(
        &mut self,
        region: &Region,
        (tensor, coefficients): (usize, &[f64]),
        (base, cleared): (Ciphertext, Option<Plain>),
        is_shared: bool,
    ) -> Slots {
        let argument = self.value(base).clone();
        let exact = Self::exact(&argument, is_shared);
        let degree = coefficients.len().saturating_sub(1);
        let limit = |slot: &Slot| series::beyond(degree, slot.lo.abs().max(slot.hi.abs()) - 1.0);
        let limits: Vec<f64> = exact.slots.iter().map(limit).collect();
        let added = self.between(region, BTreeMap::from([(base, exact.clone())]), &limits);
        let sign = self.program.signs.values().find_map(|sign| part_of(sign, tensor));
        let iterate = self.program.iterates.get(&tensor);
        let mut empty = vec![false; argument.slots.len()];
        if let Some(plain) = cleared {
            let ranges = plain_ranges(self.packed, self.facts, plain);
            ranges.iter().enumerate().for_each(|(slot, range)| empty[slot] = *range != (0.0, 0.0));
        }
        let off = self.program.errors.get(&tensor).copied().unwrap_or(0.0);
        let at_zero = evaluate(coefficients, 0.0);
        let mut known: BTreeMap<[u64; 4], (Span, f64)> = BTreeMap::new();
        let (mut slots, mut slopes) = (Vec::new(), Vec::new());
        for (n, (slot, wide)) in argument.slots.iter().zip(&exact.slots).enumerate() {
            let key = [slot.lo, slot.hi, wide.lo, wide.hi].map(f64::to_bits);
            let &mut (range, slope) = known.entry(key).or_insert_with(|| match (sign, iterate) {
                (Some(part), _) => (series::range(coefficients, (-1.0, 1.0)), of_part(coefficients, part, wide.hi - slot.hi)),
                (None, Some(iterate)) => of_reciprocal(iterate, (slot.lo, slot.hi), (wide.lo, wide.hi)),
                (None, None) => (series::range(coefficients, (slot.lo, slot.hi)), series::slope(coefficients, (wide.lo, wide.hi))),
            });
            let (range, slope, off) =
                if empty[n] { ((at_zero, at_zero), series::slope(coefficients, (wide.lo, wide.hi)), 0.0) } else { (range, slope, off) };
            let far = iterate.filter(|_| !empty[n]).map_or(0.0, |iterate| iterate.error * range.1);
            slots.push(Slot { lo: range.0, hi: range.1, off: slope * slot.off + off + far + added.slots[n].off });
            slopes.push(slope);
        }
        if let Some(iterate) = iterate {
            let worst = added.errors().into_iter().fold(0.0, f64::max);
            self.steps.insert(tensor, iterate.error + worst / reciprocals(iterate.of_root, iterate.on).0);
        }
        let mut value = Slots { slots, sources: argument.sources.scaled(&slopes).joined(&added.sources) };
        if sign.is_some() && value.errors().into_iter().any(|error| error > MUCH) {
            value = value.map(|slot| Slot { off: f64::INFINITY, ..slot });
        }
        value
    }

    fn step(&mut self, found: &Found<'a>, (tensor, iterate): (usize, &Iterate), is_shared: bool) -> Slots {
        let bases = found.region.bases.iter().map(|&id| (id, self.value(id).clone()));
        let bases: BTreeMap<Ciphertext, Slots> = bases.collect();
        let before = iterate.previous.and_then(|(previous, _)| self.steps.get(&previous)).copied().unwrap_or(f64::INFINITY);
        let exact = |(id, value): (&Ciphertext, &Slots)| (*id, Self::exact(value, is_shared));
        let added = self.between(&found.region, bases.iter().map(exact).collect(), &[]);
        // Where there is an element the argument is positive.
        let (lo, hi) = iterate.on;
        let arguments = || found.arguments.iter().map(|id| &bases[id]);
        let elements = || arguments().flat_map(|value| &value.slots).filter(|slot| !slot.is_zero());
        let least = elements().map(|slot| slot.lo.clamp(lo, hi)).fold(hi, f64::min);
        let greatest = elements().map(|slot| slot.hi.clamp(lo, hi)).fold(lo, f64::max);
        let worst = arguments().flat_map(Slots::errors).fold(0.0, f64::max);
        let off = arguments().flat_map(|value| &value.slots).map(|slot| slot.off).fold(0.0, f64::max);
        let (range, slope) = (reciprocals(iterate.of_root, (least, greatest)), steepest(iterate.of_root, least - worst));
        let squared = if iterate.of_root { 1.5 * before * before + 0.5 * before.powi(3) } else { before * before };
        let squared = if before > 1.0 { f64::INFINITY } else { squared };
        let local = added.errors().into_iter().fold(0.0, f64::max) / reciprocals(iterate.of_root, iterate.on).0;
        self.steps.insert(tensor, if local < MUCH { squared + local } else { f64::INFINITY });
        let slot = |inner: &Slot| match inner.is_zero() {
            true => *inner,
            false => Slot { lo: range.0, hi: range.1, off: inner.off + slope * off + squared * range.1 },
        };
        let slots: Vec<Slot> = added.slots.iter().map(slot).collect();
        let slopes = vec![slope; slots.len()];
        let sources = arguments().fold(added.sources, |all, value| all.joined(&value.sources.everywhere().scaled(&slopes)));
        Slots { slots, sources }
    }

    fn output(&self, output: &OutputDecl) -> OutputError {
        let (mut noise, mut approximation, mut worst, mut magnitude) = (0.0, 0.0, 0.0_f64, 0.0_f64);
        for (chunk, &value) in (0..).zip(&output.values) {
            let value = self.value(value);
            let slots = value.slots.iter().zip(value.sources.deviations(value.slots.len()));
            for (content, (slot, sigma)) in output.layout.contents(chunk).zip(slots) {
                let error = DEVIATIONS * sigma + slot.off;
                if matches!(content, Content::Element(_)) {
                    magnitude = magnitude.max(slot.magnitude());
                    if error > worst || error.is_nan() {
                        (worst, noise, approximation) = (error, DEVIATIONS * sigma, slot.off);
                    }
                }
            }
        }
        let rounding = magnitude * unit_of(output.dtype);
        OutputError { name: output.name.clone(), bound: noise + approximation + rounding, noise, approximation, rounding, magnitude }
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
    found.map_or_else(|| op.args().collect(), |found| found.region.bases.iter().copied().collect())
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

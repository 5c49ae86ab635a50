//! By how much the results of a program of reals may be off: the program is carried out on ranges and deviations, slot by slot.
//!
//! The noise of each operation is that of [`noise::Noise`]; a product passes on the noise of each factor times the largest value of the
//! other. What polynomials are off by, and the rounding of plaintexts, add up in the worst case. A bound is six deviations of the noise, and the
//! rest. Scales are those of their level: an engine that drops a computed value corrects its scale by a number, which rounds as a rescaling
//! does, so that no sum is of different scales.
//!
//! Ranges are the declared ones; of an operand of which nothing is declared every element is taken to lie in -1..1, and the bound says so.

mod noise;
mod operands;
mod slots;
mod spread;
#[cfg(test)]
mod tests;

use super::parameters::Parameters;
use crate::Makers;
use crate::program::Program;
use ein_ir::dtype::DType;
use ein_ir::entity::{Ciphertext, Plain, SecondaryMap};
use ein_ir::packed::layout::Content;
use ein_ir::packed::level::{Level, levels};
use ein_ir::packed::{Op, OutputDecl, Packed};
pub(crate) use noise::Noise;
use operands::{Facts, is_uniform, plain_ranges};
use serde::Serialize;
use slots::{DEVIATIONS, Slot, Slots};
use spread::Spread;

/// Slots of operations that are looked at: more take too long, and have no bound.
const MAX_WORK: u64 = 1 << 29;

/// By how much a result may be off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputError {
    /// The result.
    pub name: String,
    /// No element is farther from that of the exact program, but for one chance in 10^9 each.
    pub bound: f64,
    /// Six deviations of the noise.
    pub noise: f64,
    /// What polynomials and the rounding of public operands add, at most.
    pub approximation: f64,
    /// What the rounding to the type of the result adds.
    pub rounding: f64,
    /// No element is larger.
    pub magnitude: f64,
}

/// The bounds of the results, and the operands that nothing is declared of.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Errors {
    /// One a result.
    pub results: Vec<OutputError>,
    /// Operands whose elements are taken to lie in -1..1.
    pub assumed: Vec<String>,
}

/// The bounds of a program with rescalings; none if it is too large for them. `origins` are the operations of the plan that `makers` speaks of.
pub(crate) fn errors(
    packed: &Packed,
    parameters: &Parameters,
    (program, makers): (&Program, &Makers),
    origins: &SecondaryMap<Ciphertext, Ciphertext>,
) -> Option<Errors> {
    if packed.ops.len() as u64 * u64::from(packed.slots) > MAX_WORK {
        return None;
    }
    let top = u32::try_from(parameters.moduli_bits.len()).ok()?.checked_sub(2)?;
    let facts = Facts::of(packed, program, makers, origins);
    let levels = levels(packed, top).ok()?;
    let mut tracker = Tracker { packed, facts: &facts, levels, noise: Noise::of(parameters), values: SecondaryMap::new() };
    let last = last_reads(packed);
    for (id, op) in &packed.ops {
        let value = tracker.execute(id, op);
        tracker.values[id] = Some(value);
        for x in op.args().filter(|x| last[*x] == Some(id)) {
            tracker.values[x] = None;
        }
    }
    let results = packed.outputs.iter().map(|output| tracker.output(output)).collect();
    Some(Errors { results, assumed: facts.assumed })
}

/// By what share of itself a number changes at most that is rounded to a type.
fn unit_of(dtype: DType) -> f64 {
    let digits = match dtype {
        DType::F64 => 53,
        DType::F32 => 24,
        DType::F16 => 11,
        DType::BF16 => 8,
        _ => return 0.0,
    };
    (-f64::from(digits)).exp2()
}

/// The last reader of each value that is part of no result.
fn last_reads(packed: &Packed) -> SecondaryMap<Ciphertext, Option<Ciphertext>> {
    let mut last = SecondaryMap::new();
    packed.ops.iter().for_each(|(id, op)| op.args().for_each(|x| last[x] = Some(id)));
    packed.outputs.iter().flat_map(|output| &output.values).for_each(|value| last[*value] = None);
    last
}

struct Tracker<'a> {
    packed: &'a Packed,
    facts: &'a Facts,
    levels: SecondaryMap<Ciphertext, Level>,
    noise: Noise,
    /// Those that are still read.
    values: SecondaryMap<Ciphertext, Option<Slots>>,
}

impl Tracker<'_> {
    fn execute(&self, id: Ciphertext, op: &Op) -> Slots {
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
            value.slots.iter_mut().for_each(|slot| *slot = slot.noisier(added));
        }
        if let Some(range) = self.facts.ranges[id] {
            value.slots.iter_mut().for_each(|slot| *slot = slot.within(range));
        }
        let off = self.facts.off[id];
        if off > 0.0 {
            value.slots.iter_mut().for_each(|slot| slot.off += off);
        }
        value
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
                    Slot { lo, hi, sigma: self.noise.fresh, off: 0.0 }
                };
                let slots: Vec<Slot> = self.packed.inputs[input].layout.contents(chunk).map(slot).collect();
                Slots { spread: Spread::fresh(id, slots.len()), slots }
            }
            Op::Rotate { x, by } => {
                let mut value = self.value(x).clone();
                value.slots.rotate_left(by as usize);
                Slots { spread: value.spread.rotated(by as usize), ..value }
            }
            Op::Add(x, y) => self.joined(x, y, |a, b, independent| a.plus(b, independent)),
            Op::Sub(x, y) if x == y => self.mapped(x, |_| Slot::default()),
            Op::Sub(x, y) => self.joined(x, y, |a, b, independent| a.plus(b.negated(), independent)),
            Op::Mul(x, y) if x == y => self.mapped(x, Slot::squared),
            Op::Mul(x, y) => self.joined(x, y, Slot::times),
            Op::Neg(x) => self.mapped(x, Slot::negated),
            Op::AddPlain(x, plain) => {
                let (ranges, rounding) = (plain_ranges(self.packed, self.facts, plain), self.rounding(plain, self.levels[x].scale));
                self.with(x, |n, slot| {
                    let (lo, hi) = ranges[n];
                    slot.plus(Slot { lo, hi, sigma: 0.0, off: rounding }, true)
                })
            }
            Op::MulPlain(x, plain) | Op::Mask(x, plain) => {
                let (ranges, rounding) = (plain_ranges(self.packed, self.facts, plain), self.rounding(plain, 1));
                self.with(x, |n, slot| slot.times_plain(ranges[n], rounding))
            }
            Op::Relin(x) | Op::Rescale(x) | Op::Drop(x, _) => self.value(x).clone(),
        }
    }

    /// The most by which the rounding of a plaintext changes a slot.
    fn rounding(&self, plain: Plain, scale: u32) -> f64 {
        let rounding = if is_uniform(self.packed, plain) { self.noise.constant } else { DEVIATIONS * self.noise.encode };
        self.noise.at(rounding, scale)
    }

    fn mapped(&self, x: Ciphertext, f: impl Fn(Slot) -> Slot) -> Slots {
        self.with(x, |_, slot| f(slot))
    }

    fn with(&self, x: Ciphertext, f: impl Fn(usize, Slot) -> Slot) -> Slots {
        let value = self.value(x);
        Slots { slots: value.slots.iter().enumerate().map(|(n, &slot)| f(n, slot)).collect(), spread: value.spread.clone() }
    }

    fn joined(&self, x: Ciphertext, y: Ciphertext, f: impl Fn(Slot, Slot, bool) -> Slot) -> Slots {
        let (a, b) = (self.value(x), self.value(y));
        let independent = x != y && a.spread.is_independent_of(&b.spread);
        let slots = a.slots.iter().zip(&b.slots).map(|(&a, &b)| f(a, b, independent)).collect();
        Slots { slots, spread: a.spread.joined(&b.spread) }
    }

    fn output(&self, output: &OutputDecl) -> OutputError {
        let (mut worst, mut magnitude) = (Slot::default(), 0.0_f64);
        for (chunk, &value) in (0..).zip(&output.values) {
            for (content, slot) in output.layout.contents(chunk).zip(&self.value(value).slots) {
                if matches!(content, Content::Element(_)) {
                    magnitude = magnitude.max(slot.magnitude());
                    worst = if slot.error() > worst.error() || slot.error().is_nan() { *slot } else { worst };
                }
            }
        }
        let rounding = magnitude * unit_of(output.dtype);
        let (noise, approximation) = (DEVIATIONS * worst.sigma, worst.off);
        OutputError { name: output.name.clone(), bound: noise + approximation + rounding, noise, approximation, rounding, magnitude }
    }
}

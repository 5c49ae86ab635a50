//! What is known before a program runs: ranges of operands, of plaintexts, and of values of tensors.

use super::alike::{Alike, Spread};
use super::slots::product;
use super::tensors::Tensors;
use crate::Makers;
use crate::program::{Endless, Origin, Program};
use ein_ir::entity::{Ciphertext, Input, Plain, Public, SecondaryMap};
use ein_ir::packed::{Equation, Layout, Op, Packed, PlainValues, PublicSource, Segment};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the argument of a part of a sign is off by at most, if anything is said of it.
pub(crate) const MUCH: f64 = 0.01;
/// Noise of a step of an iteration, in parts of its result, beyond which nothing is said. An iteration takes it back with the next step, but for the last.
pub(crate) const MOST: f64 = 0.05;

/// A range of numbers.
pub(crate) type Span = (f64, f64);

/// Ranges and errors that do not follow from the operations.
pub(crate) struct Facts {
    /// Of the elements of each input.
    pub(crate) inputs: SecondaryMap<Input, Span>,
    /// Of the elements of each tensor in the clear.
    pub(crate) publics: SecondaryMap<Public, Span>,
    /// Of the slots of a ciphertext that holds a tensor; 0 is one of them, which is where there is no element.
    pub(crate) ranges: SecondaryMap<Ciphertext, Option<Span>>,
    /// Of those with slots of which a range says nothing, how the tensor is laid out, and which of its ciphertexts it is.
    pub(crate) junk: SecondaryMap<Ciphertext, Option<(Arc<Layout>, u32)>>,
    /// Whether it is an argument of a polynomial, or a Chebyshev polynomial of one: in -1..1.
    pub(crate) unit: SecondaryMap<Ciphertext, bool>,
    /// What a value is off by as soon as it is computed: dead zones of signs.
    pub(crate) off: SecondaryMap<Ciphertext, f64>,
    /// What steps of iterations are multiplied by: 1, and what the step before is off by.
    pub(crate) corrections: SecondaryMap<Ciphertext, Option<Span>>,
    /// Positive elements that are summed in the argument of a reciprocal.
    pub(crate) summed: SecondaryMap<Ciphertext, bool>,
    /// Whether it is multiplied by itself somewhere.
    pub(crate) squared: SecondaryMap<Ciphertext, bool>,
    /// Whether a ciphertext has three parts.
    pub(crate) three_parts: SecondaryMap<Ciphertext, bool>,
    /// Operands that nothing is declared of.
    pub(crate) assumed: Vec<String>,
    /// Operands that are declared in ranges without an end.
    pub(crate) endless: Endless,
    /// Inputs and tensors in the clear that nothing bounds because of them.
    pub(crate) endless_inputs: SecondaryMap<Input, bool>,
    pub(crate) endless_publics: SecondaryMap<Public, bool>,
}

impl Facts {
    pub(crate) fn of(
        packed: &Packed,
        (program, makers): (&Program, &Makers),
        tensors: &Tensors,
        origins: &SecondaryMap<Ciphertext, Ciphertext>,
    ) -> Self {
        let mut facts = Self {
            inputs: SecondaryMap::with_default((-1.0, 1.0)),
            publics: SecondaryMap::with_default((-1.0, 1.0)),
            ranges: SecondaryMap::new(),
            junk: SecondaryMap::new(),
            unit: SecondaryMap::new(),
            off: SecondaryMap::with_default(0.0),
            corrections: SecondaryMap::new(),
            summed: SecondaryMap::with_default(false),
            squared: squared(packed),
            three_parts: SecondaryMap::with_default(false),
            assumed: Vec::new(),
            endless: Endless::new(),
            endless_inputs: SecondaryMap::with_default(false),
            endless_publics: SecondaryMap::with_default(false),
        };
        for (input, decl) in &packed.inputs {
            facts.inputs[input] = facts.declared(program, &decl.name);
            facts.endless_inputs[input] = program.endless.contains_key(&decl.name);
        }
        for (public, decl) in &packed.publics {
            (facts.publics[public], facts.endless_publics[public]) = match &decl.source {
                PublicSource::Given => (facts.declared(program, &decl.name), program.endless.contains_key(&decl.name)),
                PublicSource::Einsum { equation, args, scale } => {
                    (facts.derived(packed, equation, args, *scale), args.iter().any(|arg| facts.endless_publics[*arg]))
                }
            };
        }
        facts.values(packed, (program, makers), tensors, origins);
        facts
    }

    fn declared(&mut self, program: &Program, name: &str) -> Span {
        let is_given = |origin: &Origin| matches!(origin, Origin::Secret | Origin::Public);
        let tensor = program.tensors.iter().position(|tensor| tensor.name == name && is_given(&tensor.origin));
        tensor.and_then(|tensor| program.ranges.get(&tensor).copied()).unwrap_or_else(|| {
            match program.endless.get(name) {
                Some(of) => self.endless.extend(of.iter().map(|(name, range)| (name.clone(), *range))),
                None => self.assumed.push(name.to_owned()),
            }
            (-1.0, 1.0)
        })
    }

    /// Whether an operation reads numbers of which nothing is known.
    pub(crate) fn is_endless(&self, packed: &Packed, op: &Op) -> bool {
        let is_public = |plain: Plain| match &packed.plains[plain].values {
            PlainValues::Elements(public, _) => self.endless_publics[*public],
            PlainValues::Constant(..) => false,
        };
        matches!(op, Op::Input { input, .. } if self.endless_inputs[*input]) || op.plain().is_some_and(is_public)
    }

    /// Of an einsum of uniform ranges.
    fn derived(&self, packed: &Packed, equation: &str, args: &[Public], scale: f64) -> Span {
        let factors = args.iter().map(|arg| self.publics[*arg]).fold((scale, scale), product);
        let shapes: Vec<&[u64]> = args.iter().map(|arg| packed.publics[*arg].shape.as_slice()).collect();
        let terms = Equation::parse(equation).and_then(|equation| {
            let summed = |label: &char| !equation.output.contains(label);
            Ok(equation.sizes(&shapes)?.into_iter().filter(|(label, _)| summed(label)).map(|(_, size)| size).product::<u64>())
        });
        #[expect(clippy::cast_precision_loss, reason = "a bound")]
        let terms = terms.unwrap_or(u64::MAX) as f64;
        (factors.0 * terms, factors.1 * terms)
    }

    /// Of the values that are computed.
    fn values(
        &mut self,
        packed: &Packed,
        (program, makers): (&Program, &Makers),
        tensors: &Tensors,
        origins: &SecondaryMap<Ciphertext, Ciphertext>,
    ) {
        let (mut ranges, mut off) = (SecondaryMap::with_default(None), SecondaryMap::with_default(0.0));
        let (mut unit, mut corrections) = (SecondaryMap::with_default(false), SecondaryMap::with_default(None));
        let mut of_corrections = BTreeMap::new();
        for (before, correction) in program.iterates.values().filter_map(|iterate| iterate.previous) {
            // A correction is off by half the square of what the step before is off by as well, noise and all.
            let far = 1.5 * program.iterates.get(&before).map_or(1.0, |before| before.error) + 2.0 * MOST;
            of_corrections.insert(correction, (1.0 - far, 1.0 + far));
        }
        makers.unit.iter().for_each(|&x| unit[x] = true);
        let of_reciprocals = of_reciprocals(program);
        let mut summed = SecondaryMap::with_default(false);
        let mut junk: SecondaryMap<Ciphertext, Option<(Arc<Layout>, u32)>> = SecondaryMap::new();
        for &(x, tensor) in &makers.held {
            summed[x] = summed[x] || of_reciprocals.contains(&tensor);
            let (lo, hi) = tensors.ranges[tensor];
            ranges[x] = Some((lo.min(0.0), hi.max(0.0)));
            junk[x] = makers.junk.get(&(x, tensor)).cloned();
            corrections[x] = of_corrections.get(&tensor).map(|&(lo, hi): &Span| (lo.min(0.0), hi));
            if matches!(program.tensors[tensor].origin, Origin::Sum(_)) {
                off[x] = tensors.off[tensor];
            }
        }
        for (id, op) in &packed.ops {
            self.three_parts[id] = match op {
                Op::Mul(..) => true,
                Op::Relin(_) => false,
                op => op.args().any(|x| self.three_parts[x]),
            };
            self.ranges[id] = ranges[origins[id]];
            self.junk[id].clone_from(&junk[origins[id]]);
            self.unit[id] = unit[origins[id]];
            self.corrections[id] = corrections[origins[id]];
            self.summed[id] = summed[origins[id]] || self.is_summed(packed, program, op, &of_reciprocals);
            // Once, and not again where it is rescaled.
            if !matches!(op, Op::Rescale(_) | Op::Drop(..) | Op::Boot { .. }) {
                self.off[id] = off[origins[id]];
            }
        }
    }
}

impl Facts {
    /// Whether it is an operand of which sums are the arguments of reciprocals.
    fn is_summed(&self, packed: &Packed, program: &Program, op: &Op, of: &BTreeSet<usize>) -> bool {
        let Op::Input { input, .. } = *op else { return false };
        self.inputs[input].0 >= 0.0 && of.iter().any(|&tensor| program.tensors[tensor].name == packed.inputs[input].name)
    }
}

/// What is multiplied by itself, also before it is rescaled or dropped for that.
fn squared(packed: &Packed) -> SecondaryMap<Ciphertext, bool> {
    let mut squared = SecondaryMap::with_default(false);
    for (id, op) in packed.ops.iter().rev() {
        match *op {
            Op::Mul(x, y) if x == y => squared[x] = true,
            Op::Rescale(x) | Op::Drop(x, _) | Op::Relin(x) if squared[id] => squared[x] = true,
            _ => {}
        }
    }
    squared
}

/// The tensors of which sums are the arguments of reciprocals.
fn of_reciprocals(program: &Program) -> BTreeSet<usize> {
    let series = program.reciprocals.iter().filter_map(|tensor| match program.tensors[*tensor].origin {
        Origin::Polynomial { of, .. } => Some(of),
        _ => None,
    });
    let mut open: Vec<usize> = series.chain(program.iterates.values().map(|iterate| iterate.argument)).collect();
    let mut found = BTreeSet::new();
    while let Some(tensor) = open.pop() {
        for term in program.sums(tensor).flat_map(|sum| &sum.terms) {
            if let [operand] = &term.operands[..]
                && found.insert(operand.tensor)
            {
                open.push(operand.tensor);
            }
        }
    }
    found
}

/// The ranges of the slots of a plaintext.
pub(crate) fn plain_ranges(packed: &Packed, facts: &Facts, plain: Plain) -> Spread<Span> {
    let n = packed.slots;
    let (filled, range) = match &packed.plains[plain].values {
        PlainValues::Elements(public, segments) => (Alike::two_by_runs(n, segments.iter().map(Segment::run)), facts.publics[*public]),
        PlainValues::Constant(value, runs) => (Alike::two_by_runs(n, runs.iter().copied()), (*value, *value)),
    };
    filled.map(|is_filled| if *is_filled { range } else { (0.0, 0.0) })
}

/// Whether a plaintext is one number in all slots.
pub(crate) fn is_uniform(packed: &Packed, plain: Plain) -> bool {
    let PlainValues::Constant(_, runs) = &packed.plains[plain].values else { return false };
    // No slot has two numbers.
    runs.iter().map(|run| u64::from(run.count)).sum::<u64>() == u64::from(packed.slots)
}

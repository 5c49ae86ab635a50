//! What is known before a program runs: ranges of operands, of plaintexts, and of values that are arguments of polynomials.

use super::slots::product;
use crate::Makers;
use crate::approximation::evaluate;
use crate::program::{Origin, Program};
use ein_ir::entity::{Ciphertext, Input, Plain, Public, SecondaryMap};
use ein_ir::packed::{Equation, Op, Packed, PlainValues, PublicSource};

/// Points at which a polynomial is looked at for its range.
const POINTS: u32 = 4000;

/// A range of numbers.
pub(crate) type Span = (f64, f64);

/// Ranges and errors that do not follow from the operations.
pub(crate) struct Facts {
    /// Of the elements of each input.
    pub(crate) inputs: SecondaryMap<Input, Span>,
    /// Of the elements of each tensor in the clear.
    pub(crate) publics: SecondaryMap<Public, Span>,
    /// Of all slots of a ciphertext.
    pub(crate) ranges: SecondaryMap<Ciphertext, Option<Span>>,
    /// What a value is off by as soon as it is computed: a polynomial in the place of a function.
    pub(crate) off: SecondaryMap<Ciphertext, f64>,
    /// Operands that nothing is declared of.
    pub(crate) assumed: Vec<String>,
}

impl Facts {
    pub(crate) fn of(packed: &Packed, program: &Program, makers: &Makers, origins: &SecondaryMap<Ciphertext, Ciphertext>) -> Self {
        let mut facts = Self {
            inputs: SecondaryMap::with_default((-1.0, 1.0)),
            publics: SecondaryMap::with_default((-1.0, 1.0)),
            ranges: SecondaryMap::new(),
            off: SecondaryMap::with_default(0.0),
            assumed: Vec::new(),
        };
        for (input, decl) in &packed.inputs {
            facts.inputs[input] = facts.declared(program, &decl.name);
        }
        for (public, decl) in &packed.publics {
            facts.publics[public] = match &decl.source {
                PublicSource::Given => facts.declared(program, &decl.name),
                PublicSource::Einsum { equation, args, scale } => facts.derived(packed, equation, args, *scale),
            };
        }
        facts.polynomials(packed, program, makers, origins);
        facts
    }

    fn declared(&mut self, program: &Program, name: &str) -> Span {
        let tensor = program.tensors.iter().position(|tensor| tensor.name == name);
        tensor.and_then(|tensor| program.ranges.get(&tensor).copied()).unwrap_or_else(|| {
            self.assumed.push(name.to_owned());
            (-1.0, 1.0)
        })
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

    /// Arguments of polynomials lie in -1..1, and so do the Chebyshev polynomials of them; a result lies where the polynomial does.
    fn polynomials(&mut self, packed: &Packed, program: &Program, makers: &Makers, origins: &SecondaryMap<Ciphertext, Ciphertext>) {
        let (mut ranges, mut off) = (SecondaryMap::with_default(None), SecondaryMap::with_default(0.0));
        makers.unit.iter().for_each(|&x| ranges[x] = Some((-1.0, 1.0)));
        for &(x, tensor) in &makers.held {
            if let Origin::Polynomial { coefficients, .. } = &program.tensors[tensor].origin {
                ranges[x] = Some(range_of(coefficients));
                off[x] = program.errors.get(&tensor).copied().unwrap_or(0.0);
            }
        }
        for (id, op) in &packed.ops {
            self.ranges[id] = ranges[origins[id]];
            // Once, and not again where it is rescaled.
            if !matches!(op, Op::Rescale(_) | Op::Drop(..)) {
                self.off[id] = off[origins[id]];
            }
        }
    }
}

/// Of a sum of Chebyshev polynomials on -1..1, and 0, which is where there is no element.
fn range_of(coefficients: &[f64]) -> Span {
    let values = (0..=POINTS).map(|k| evaluate(coefficients, f64::from(k).mul_add(2.0 / f64::from(POINTS), -1.0)));
    let (lo, hi) = values.fold((0.0_f64, 0.0_f64), |(lo, hi), y| (lo.min(y), hi.max(y)));
    // Between the points it may be a little more.
    let margin = 1e-3 * (hi - lo);
    (lo - margin, hi + margin)
}

/// The ranges of the slots of a plaintext.
pub(crate) fn plain_ranges(packed: &Packed, facts: &Facts, plain: Plain) -> Vec<Span> {
    let mut ranges = vec![(0.0, 0.0); packed.slots as usize];
    match &packed.plains[plain].values {
        PlainValues::Elements(public, segments) => {
            let slots = segments.iter().flat_map(|segment| segment.run().slots(packed.slots));
            slots.for_each(|slot| ranges[slot] = facts.publics[*public]);
        }
        PlainValues::Constant(value, runs) => {
            runs.iter().flat_map(|run| run.slots(packed.slots)).for_each(|slot| ranges[slot] = (*value, *value));
        }
    }
    ranges
}

/// Whether a plaintext is one number in all slots.
pub(crate) fn is_uniform(packed: &Packed, plain: Plain) -> bool {
    let PlainValues::Constant(_, runs) = &packed.plains[plain].values else { return false };
    // No slot has two numbers.
    runs.iter().map(|run| u64::from(run.count)).sum::<u64>() == u64::from(packed.slots)
}

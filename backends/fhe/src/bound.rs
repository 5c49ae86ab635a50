//! How large the numbers of the results may be: the program is carried out on bounds, slot by slot.

use crate::scale::Scales;
use crate::{Options, error, parameters};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::{Class, DType};
use ein_ir::interp::slots::{self, Number, Operands};
use ein_ir::packed::layout::Content;
use ein_ir::packed::{Op, OutputDecl, Packed, PublicSource};
use ein_ir::verified::Verified;

/// Elements that the tensors of a program may have together.
const MAX_ELEMENTS: u64 = 1 << 26;

/// Bits of a number beyond which floats no longer count exactly; no slot has as many.
pub const MAX_FRACTION_BITS: u32 = 40;

/// What a large integer may lose, of its own size, when it is read back as a float.
const READING: f64 = 1.0 / (1_u64 << 44) as f64;

/// What is known of a number before anything is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Its absolute value is no more.
    pub magnitude: f64,
    /// By how much rounding of the operands may have changed it.
    pub error: f64,
    /// As `error`, in units that a constant does not know and what it meets does.
    pub units: f64,
    /// The unit: half of the last bit of a real. 0 where it is not known.
    pub unit: f64,
}

/// What is known of the elements of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutputBound {
    /// No element is larger.
    pub magnitude: f64,
    /// Rounding of the operands moves no element farther; what polynomials in the place of functions add is no part of it.
    pub error: f64,
    /// By how many powers of `2^fraction_bits` its integers are multiplied.
    pub factors: u32,
}

impl OutputBound {
    /// The logarithm of the largest integer that stands for an element.
    #[must_use]
    pub fn integer_bits(&self, fraction_bits: u32) -> f64 {
        // The factor allows for the rounding of the bounds themselves.
        ((self.magnitude + self.error) * (1.0 + 1e-9)).log2() + f64::from(fraction_bits) * f64::from(self.factors)
    }
}

/// The bound of every operand, by name.
///
/// # Errors
/// There is none, or the type has no integers.
pub fn operand(name: &str, dtype: DType, options: &Options) -> Result<Bound, Diagnostic> {
    let factors = match dtype.class() {
        Class::Bool | Class::Signed | Class::Unsigned => 0_u8,
        Class::Float if (1..=MAX_FRACTION_BITS).contains(&options.fraction_bits) => 1,
        Class::Float => return Err(error::no_fraction(name)),
        Class::Complex | Class::Key => return Err(error::dtype(name, dtype.name())),
    };
    let stated = match options.ranges.get(name) {
        Some((lo, hi)) if lo.is_finite() && hi.is_finite() && lo <= hi => Some(lo.abs().max(hi.abs())),
        Some(_) => return Err(error::bad_bound(name)),
        None => None,
    };
    let magnitude = match (options.bounds.get(name), stated) {
        (Some(bound), stated) if bound.is_finite() && *bound > 0.0 => bound.min(stated.unwrap_or(f64::INFINITY)),
        (Some(_), _) => return Err(error::bad_bound(name)),
        (None, Some(stated)) => stated,
        (None, None) => of_dtype(dtype).ok_or_else(|| error::no_bound(name))?,
    };
    let unit = if options.fraction_bits == 0 { 0.0 } else { (-f64::from(options.fraction_bits) - 1.0).exp2() };
    Ok(Bound { magnitude, error: f64::from(factors) * unit, units: 0.0, unit })
}

/// Small integer types bound their own numbers.
fn of_dtype(dtype: DType) -> Option<f64> {
    match dtype.class() {
        Class::Bool => Some(1.0),
        Class::Unsigned if dtype.bits() <= 8 => Some(f64::from(dtype.bits()).exp2() - 1.0),
        Class::Signed if dtype.bits() <= 8 => Some((f64::from(dtype.bits()) - 1.0).exp2()),
        _ => None,
    }
}

/// The bounds of all results.
///
/// # Errors
/// An operand without a bound or of a type that has no integers, and what cannot be computed on them.
pub fn outputs(program: &Verified<Packed>, options: &Options) -> Result<Vec<OutputBound>, Diagnostic> {
    parameters::check_slots(program)?;
    if program.ops.values().any(|op| matches!(op, Op::Boot { .. })) {
        return Err(error::bootstraps());
    }
    check_names(program, options)?;
    check_elements(program)?;
    let mut operands = Operands { secrets: Vec::new(), publics: Vec::new(), seed: 0 };
    for input in program.inputs.values() {
        operands.secrets.push(vec![operand(&input.name, input.dtype, options)?; n_elements(&input.layout.shape)]);
    }
    for public in program.publics.values().filter(|public| public.source == PublicSource::Given) {
        operands.publics.push(vec![operand(&public.name, public.dtype, options)?; n_elements(&public.shape)]);
    }
    let values = slots::execute(program, &operands).map_err(|e| error::not_computable(&e.to_string()))?;
    let scales = Scales::of(program);
    let slots_of = |output: &OutputDecl| output.values.iter().map(|value| values[*value].as_slice()).collect::<Vec<_>>();
    program.outputs.iter().map(|output| of_output(output, &slots_of(output), scales.output(output))).collect()
}

fn check_names(program: &Packed, options: &Options) -> Result<(), Diagnostic> {
    let given = program.publics.values().filter(|public| public.source == PublicSource::Given).map(|public| public.name.as_str());
    let known: Vec<&str> = program.inputs.values().map(|input| input.name.as_str()).chain(given).collect();
    match options.bounds.keys().chain(options.ranges.keys()).find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(error::unknown_bound(name, &known)),
        None => Ok(()),
    }
}

fn check_elements(program: &Packed) -> Result<(), Diagnostic> {
    let shapes = program.inputs.values().map(|input| (&input.name, &input.layout.shape));
    let shapes = shapes.chain(program.publics.values().map(|public| (&public.name, &public.shape)));
    let mut total = 0_u64;
    for (name, shape) in shapes.chain(program.outputs.iter().map(|output| (&output.name, &output.layout.shape))) {
        total = total.saturating_add(shape.iter().copied().fold(1, u64::saturating_mul));
        if total > MAX_ELEMENTS {
            return Err(error::too_many_elements(name, total, MAX_ELEMENTS));
        }
    }
    Ok(())
}

/// Of a shape whose elements were counted.
pub(crate) fn n_elements(shape: &[u64]) -> usize {
    usize::try_from(shape.iter().product::<u64>()).expect("no more than MAX_ELEMENTS")
}

fn of_output(output: &OutputDecl, values: &[&[Bound]], factors: u32) -> Result<OutputBound, Diagnostic> {
    let mut all = Bound::zero();
    for (chunk, slots) in (0..).zip(values) {
        for (content, bound) in output.layout.contents(chunk).zip(*slots) {
            if matches!(content, Content::Element(_)) {
                all = all.join(bound);
            }
        }
    }
    if factors > 0 && !output.dtype.is_float() {
        return Err(error::not_computable(&format!("`{}` is of type {}, but a constant has a fraction", output.name, output.dtype.name())));
    }
    let error = all.error + if output.dtype.is_float() { all.magnitude * READING } else { 0.0 };
    Ok(OutputBound { magnitude: all.magnitude, error, factors })
}

impl Bound {
    /// Of either number.
    fn join(&self, other: &Self) -> Self {
        Self {
            magnitude: self.magnitude.max(other.magnitude),
            error: self.error.max(other.error),
            units: self.units.max(other.units),
            unit: self.unit.max(other.unit),
        }
    }

    /// With units counted into the error where the unit is known.
    const fn resolved(self) -> Self {
        if self.unit > 0.0 { Self { error: self.error + self.units * self.unit, units: 0.0, ..self } } else { self }
    }
}

impl Number for Bound {
    const EXACT: bool = false;

    fn zero() -> Self {
        Self { magnitude: 0.0, error: 0.0, units: 0.0, unit: 0.0 }
    }

    fn one() -> Self {
        Self { magnitude: 1.0, ..Self::zero() }
    }

    /// Integers are exact, fractions are rounded as reals are.
    fn constant(value: f64) -> Option<Self> {
        let units = f64::from(u8::from(i64::constant(value).is_none()));
        let bound = Self { magnitude: value.abs(), units, ..Self::zero() };
        value.is_finite().then_some(bound)
    }

    /// The engine fills with zeros what a layout leaves open.
    fn junk(_: u64, _: u64) -> Self {
        Self::zero()
    }

    fn add(&mut self, other: &Self) {
        *self = Self {
            magnitude: self.magnitude + other.magnitude,
            error: self.error + other.error,
            units: self.units + other.units,
            unit: self.unit.max(other.unit),
        }
        .resolved();
    }

    fn sub(&mut self, other: &Self) {
        self.add(other);
    }

    fn neg(&mut self) {}

    fn mul(&self, other: &Self) -> Self {
        let unit = self.unit.max(other.unit);
        let (a, b) = (Self { unit, ..*self }.resolved(), Self { unit, ..*other }.resolved());
        let error = |a_error: f64, b_error: f64| a.magnitude * b_error + b.magnitude * a_error;
        Self {
            magnitude: a.magnitude * b.magnitude,
            error: error(a.error, b.error) + a.error * b.error,
            // A unit is a quarter at most; only constants among themselves have any left.
            units: error(a.units, b.units) + a.units * b.units / 4.0,
            unit,
        }
    }
}

#[cfg(test)]
mod tests;

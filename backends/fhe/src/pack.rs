//! Between tensors and slots, and between numbers and residues.

use crate::bound::{self, OutputBound};
use crate::crt::Basis;
use crate::{Options, error};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::interp::slots::{Number, einsum};
use ein_ir::packed::layout::Content;
use ein_ir::packed::{Equation, Layout, OutputDecl, Packed, PlainValues, PublicSource};
use ein_ir::scalar::value::wrap;
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// The elements of a tensor, in row-major order. `Debug` does not show them, and memory is cleared after use.
#[derive(Clone, PartialEq)]
pub enum Numbers {
    /// Of any integer type, or `bool`.
    Integers(Vec<i64>),
    /// Of a real type.
    Reals(Vec<f64>),
}

impl Numbers {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(numbers) => numbers.len(),
            Self::Reals(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers", self.len())
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        match self {
            Self::Integers(numbers) => numbers.zeroize(),
            Self::Reals(numbers) => numbers.zeroize(),
        }
    }
}

/// An integer of a program; `None` if it does not fit, which a run reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer(pub(crate) Option<i128>);

impl Number for Integer {
    const EXACT: bool = true;

    fn zero() -> Self {
        Self(Some(0))
    }

    fn one() -> Self {
        Self(Some(1))
    }

    fn constant(value: f64) -> Option<Self> {
        i64::constant(value).map(|value| Self(Some(value.into())))
    }

    fn junk(_: u64, _: u64) -> Self {
        Self::zero()
    }

    fn add(&mut self, other: &Self) {
        self.0 = self.0.zip(other.0).and_then(|(a, b)| a.checked_add(b));
    }

    fn sub(&mut self, other: &Self) {
        self.0 = self.0.zip(other.0).and_then(|(a, b)| a.checked_sub(b));
    }

    fn neg(&mut self) {
        self.0 = self.0.and_then(i128::checked_neg);
    }

    fn mul(&self, other: &Self) -> Self {
        Self(self.0.zip(other.0).and_then(|(a, b)| a.checked_mul(b)))
    }
}

/// The integers that stand for an operand of a program with these results, checked against its bound.
pub(crate) fn integers_for(
    outputs: &[OutputDecl],
    (name, dtype): (&str, DType),
    shape: &[u64],
    numbers: &Numbers,
    options: &Options,
) -> Result<Vec<Integer>, Diagnostic> {
    // Numbers of 64 bits without a sign come as those that are 2^64 less: modulo that they are the same, and a real result would be another.
    if let Numbers::Integers(numbers) = numbers
        && dtype == DType::U64
        && outputs.iter().any(|output| !output.dtype.is_integer())
        && let Some(position) = numbers.iter().position(|number| *number < 0)
    {
        return Err(error::beyond_signed(&place(name, shape, position)));
    }
    integers(name, dtype, shape, numbers, options)
}

/// The integers that stand for an operand, checked against its bound.
fn integers(name: &str, dtype: DType, shape: &[u64], numbers: &Numbers, options: &Options) -> Result<Vec<Integer>, Diagnostic> {
    let expected = bound::n_elements(shape);
    if numbers.len() != expected {
        return Err(error::operands(format!("`{name}` has {expected} elements, not {}", numbers.len())));
    }
    let bound = bound::operand(name, dtype, options)?.magnitude;
    let check = |position: usize, value: f64| match options.ranges.get(name) {
        _ if !value.is_finite() => Err(error::not_finite(&place(name, shape, position))),
        Some(&(lo, hi)) if !(lo..=hi).contains(&value) => Err(error::outside_range(&place(name, shape, position), (lo, hi))),
        _ if value.abs() > bound => Err(error::beyond_bound(name, position, bound)),
        _ => Ok(()),
    };
    match numbers {
        Numbers::Integers(_) if dtype.is_float() => Err(error::operands(format!("`{name}` is of type {}, not of integers", dtype.name()))),
        Numbers::Reals(_) if !dtype.is_float() => Err(error::operands(format!("`{name}` is of type {}, not of reals", dtype.name()))),
        Numbers::Integers(numbers) => {
            let integer = |(n, value): (usize, &i64)| check(n, *value as f64).map(|()| Integer(Some((*value).into())));
            numbers.iter().enumerate().map(integer).collect()
        }
        Numbers::Reals(numbers) => {
            let scale = f64::from(options.fraction_bits).exp2();
            let integer = |(n, value): (usize, &f64)| check(n, *value).map(|()| Integer(Some(rounded(value * scale))));
            numbers.iter().enumerate().map(integer).collect()
        }
    }
}

/// An element as a program would write it.
fn place(name: &str, shape: &[u64], position: usize) -> String {
    let mut left = position as u64;
    let mut subscripts = Vec::new();
    for size in shape.iter().rev().map(|size| (*size).max(1)) {
        subscripts.push((left % size).to_string());
        left /= size;
    }
    subscripts.reverse();
    if subscripts.is_empty() { name.to_owned() } else { format!("{name}[{}]", subscripts.join(", ")) }
}

/// All tensors in the clear by their number, the derived ones computed.
pub(crate) fn publics(program: &Packed, given: &[Numbers], options: &Options) -> Result<Vec<Vec<Integer>>, Diagnostic> {
    let wanted = program.publics.values().filter(|public| public.source == PublicSource::Given).count();
    if given.len() != wanted {
        return Err(error::operands(format!("{} tensors in the clear, not {wanted}", given.len())));
    }
    let mut given = given.iter();
    let mut all: Vec<Vec<Integer>> = Vec::new();
    for public in program.publics.values() {
        let tensor = match &public.source {
            PublicSource::Given => {
                let numbers = given.next().expect("as many as were counted");
                integers_for(&program.outputs, (&public.name, public.dtype), &public.shape, numbers, options)?
            }
            PublicSource::Einsum { equation, args, scale } => {
                let scale = constant(*scale, options);
                let shapes = args.iter().map(|arg| program.publics[*arg].shape.as_slice());
                // A derived tensor reads only those before it.
                let args: Vec<(&[u64], &[Integer])> = shapes.zip(args.iter().map(|arg| all[arg.as_u32() as usize].as_slice())).collect();
                let equation = Equation::parse(equation).map_err(|e| error::not_computable(&e))?;
                let products = einsum::evaluate(&equation, &args).map_err(|e| error::not_computable(&e))?;
                products.into_iter().map(|x| x.mul(&scale)).collect()
            }
        };
        all.push(tensor);
    }
    Ok(all)
}

/// The integer that stands for a constant; one with a fraction is rounded as a real is, which [`bound::Bound`] knows.
fn constant(value: f64, options: &Options) -> Integer {
    let exact = || Integer(Some(rounded(value * f64::from(options.fraction_bits).exp2())));
    Integer::constant(value).unwrap_or_else(exact)
}

fn rounded(value: f64) -> i128 {
    #[expect(clippy::cast_possible_truncation, reason = "rounded, and it saturates")]
    let rounded = value.round() as i128;
    rounded
}

/// The slots of a ciphertext of an input; what the layout leaves open is zero.
pub(crate) fn input_slots(layout: &Layout, chunk: u32, numbers: &[Integer], residue: impl Fn(Integer) -> Option<u64>) -> Option<Vec<u64>> {
    let slot = |content| match content {
        Content::Element(flat) => residue(numbers[flat as usize]),
        Content::Zero | Content::Junk => Some(0),
    };
    layout.contents(chunk).map(slot).collect()
}

/// The slots of a plaintext.
pub(crate) fn plain_slots(
    program: &Packed,
    values: &PlainValues,
    publics: &[Vec<Integer>],
    options: &Options,
    residue: impl Fn(Integer) -> Option<u64>,
) -> Option<Vec<u64>> {
    let mut slots = vec![0; program.slots as usize];
    match values {
        PlainValues::Elements(public, segments) => {
            let tensor = &publics[public.as_u32() as usize];
            for (slot, flat) in segments.iter().flat_map(|segment| segment.elements(program.slots)) {
                slots[slot] = residue(tensor[flat as usize])?;
            }
        }
        PlainValues::Constant(value, runs) => {
            let number = residue(constant(*value, options))?;
            runs.iter().flat_map(|run| run.slots(program.slots)).for_each(|slot| slots[slot] = number);
        }
    }
    Some(slots)
}

/// The elements of a result, off the residues of the slots of its ciphertexts, of which there are some for each modulus: `None` where
/// these are not as the layout and the bound promise.
pub(crate) fn read_output(
    output: &OutputDecl,
    bound: &OutputBound,
    rings: &[&[Zeroizing<Vec<u64>>]],
    basis: &Basis,
    options: &Options,
) -> Option<Numbers> {
    let mut elements: Vec<Option<Zeroizing<Vec<u64>>>> = vec![None; bound::n_elements(&output.layout.shape)];
    for chunk in 0..output.values.len() {
        for (slot, content) in output.layout.contents(chunk as u32).enumerate() {
            let residues = Zeroizing::new(rings.iter().map(|chunks| chunks[chunk][slot]).collect::<Vec<u64>>());
            match content {
                Content::Element(flat) => {
                    let known = elements[flat as usize].get_or_insert_with(|| residues.clone());
                    if *known != residues {
                        return None;
                    }
                }
                Content::Zero if residues.iter().any(|residue| *residue != 0) => return None,
                Content::Zero | Content::Junk => {}
            }
        }
    }
    let limit = bound.integer_bits(options.fraction_bits);
    let within = |residues: Option<Zeroizing<Vec<u64>>>| {
        let residues = residues?;
        let number = basis.signed(&residues);
        (number.float().abs().log2() <= limit).then_some((number.integer(), number.float()))
    };
    let numbers = Zeroizing::new(elements.into_iter().map(within).collect::<Option<Vec<_>>>()?);
    if !output.dtype.is_float() {
        // As in the clear: the number modulo the width of its type.
        let wrapped = |number: i64| if output.dtype.is_integer() { wrap(number.into(), output.dtype) as i64 } else { number };
        return numbers.iter().map(|number| number.0.map(wrapped)).collect::<Option<_>>().map(Numbers::Integers);
    }
    let scale = (-f64::from(options.fraction_bits) * f64::from(bound.factors)).exp2();
    Some(Numbers::Reals(numbers.iter().map(|number| number.1 * scale).collect()))
}

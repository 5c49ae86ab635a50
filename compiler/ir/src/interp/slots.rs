//! Carries out packed IR slot by slot: its meaning.
//!
//! A vector of numbers stands for a ciphertext, and a rotation is a rotation. What a layout calls junk, bits of addresses as well as padding,
//! gets large pseudo-random numbers on the way in, so that a mask that is missing cannot pass. On the way out all that the layout of a result
//! promises is looked at: that elements which stand in several places are the same everywhere, and that zeros are zero.
//!
//! What a number is, is a [`Number`]: `i64` is exact modulo 2^64, `f64` is as a scheme for reals would be without its noise, and a
//! [`Polynomial`] over the elements of the operands makes one run a proof for all operands (see [`proof`]).

pub mod dyadic;
pub mod einsum;
pub mod number;
pub mod polynomial;
pub mod proof;

pub use number::Number;
pub use polynomial::Polynomial;

use crate::entity::{Ciphertext, EntityRef, Input, Public, SecondaryMap};
use crate::packed::layout::Content;
use crate::packed::{Equation, Layout, Op, OutputDecl, Packed, PlainValues, PublicSource};
use crate::verified::{Verified, VerifierError};

/// Problems that are listed of one result.
const MAX_PROBLEMS: usize = 8;

/// Row-major operands of a run.
#[derive(Clone, Debug)]
pub struct Operands<T> {
    /// One an input.
    pub secrets: Vec<Vec<T>>,
    /// One a given tensor in the clear, in order of their ids; derived ones are computed.
    pub publics: Vec<Vec<T>>,
    /// Of the numbers that stand for junk.
    pub seed: u64,
}

/// Runs a program, and gives row-major results.
///
/// # Errors
/// Operands of other sizes, a constant that the numbers do not have, and every way in which a result is not as its layout says.
pub fn run<T: Number>(program: &Verified<Packed>, operands: &Operands<T>) -> Result<Vec<Vec<T>>, Vec<VerifierError>> {
    run_for(program, operands, |_| true)
}

/// Runs what some of the results of a program are made of, and gives these.
///
/// # Errors
/// As [`run`], of what is carried out.
pub fn run_for<T: Number>(
    program: &Verified<Packed>,
    operands: &Operands<T>,
    wanted: impl Fn(&OutputDecl) -> bool,
) -> Result<Vec<Vec<T>>, Vec<VerifierError>> {
    let values = execute_for(program, operands, &wanted).map_err(|e| vec![e])?;
    let mut errors = Vec::new();
    let outputs = program.outputs.iter().filter(|output| wanted(output)).map(|output| read(output, &values, &mut errors)).collect();
    if errors.is_empty() { Ok(outputs) } else { Err(errors) }
}

/// Runs a program, and gives the slots of its results: those ciphertexts that are of no result are empty.
///
/// # Errors
/// Operands of other sizes, and a constant that the numbers do not have.
pub fn execute<T: Number>(program: &Verified<Packed>, operands: &Operands<T>) -> Result<SecondaryMap<Ciphertext, Vec<T>>, VerifierError> {
    execute_for(program, operands, &|_| true)
}

fn execute_for<T: Number>(
    program: &Verified<Packed>,
    operands: &Operands<T>,
    wanted: &impl Fn(&OutputDecl) -> bool,
) -> Result<SecondaryMap<Ciphertext, Vec<T>>, VerifierError> {
    for (id, input) in &program.inputs {
        check_size(&id.to_string(), &input.layout.shape, operands.secrets.get(id.index()))?;
    }
    let needed = needed(program, wanted);
    let publics = publics(program, operands, &needed)?;
    let mut machine = Machine {
        program,
        operands,
        publics: &publics,
        last_reads: last_reads(program),
        values: SecondaryMap::new(),
        spare: Vec::new(),
        n: program.slots as usize,
    };
    for (id, op) in program.ops.iter().filter(|(id, _)| needed.values[*id]) {
        let value = machine.execute(id, op)?;
        machine.values[id] = value;
        machine.release(id, op);
    }
    Ok(machine.values)
}

fn check_size<T>(entity: &str, shape: &[u64], operand: Option<&Vec<T>>) -> Result<(), VerifierError> {
    let n: u64 = shape.iter().product();
    match operand.map(Vec::len) {
        Some(found) if found as u64 == n => Ok(()),
        found => Err(problem(entity, format!("{} numbers for the shape {shape:?}", found.unwrap_or(0)))),
    }
}

fn problem(entity: impl ToString, message: impl Into<String>) -> VerifierError {
    VerifierError { entity: entity.to_string(), message: message.into() }
}

/// What results are made of.
struct Needed {
    values: SecondaryMap<Ciphertext, bool>,
    publics: SecondaryMap<Public, bool>,
}

fn needed(program: &Packed, wanted: impl Fn(&OutputDecl) -> bool) -> Needed {
    let mut needed = Needed { values: SecondaryMap::new(), publics: SecondaryMap::new() };
    let wanted = program.outputs.iter().filter(|output| wanted(output));
    wanted.flat_map(|output| &output.values).for_each(|value| needed.values[*value] = true);
    for (id, op) in program.ops.iter().rev() {
        if needed.values[id] {
            op.args().for_each(|arg| needed.values[arg] = true);
            if let Some(PlainValues::Elements(public, _)) = op.plain().map(|plain| &program.plains[plain].values) {
                needed.publics[*public] = true;
            }
        }
    }
    for (id, public) in program.publics.iter().rev() {
        if let PublicSource::Einsum { args, .. } = &public.source
            && needed.publics[id]
        {
            args.iter().for_each(|arg| needed.publics[*arg] = true);
        }
    }
    needed
}

/// Tensors in the clear, by id; those that are not needed are empty.
fn publics<T: Number>(program: &Packed, operands: &Operands<T>, needed: &Needed) -> Result<Vec<Vec<T>>, VerifierError> {
    let mut given = operands.publics.iter();
    let mut publics: Vec<Vec<T>> = Vec::new();
    for (id, public) in &program.publics {
        let tensor = match &public.source {
            PublicSource::Given => {
                let tensor = given.next();
                check_size(&id.to_string(), &public.shape, tensor)?;
                tensor.cloned().unwrap_or_default()
            }
            PublicSource::Einsum { .. } if !needed.publics[id] => Vec::new(),
            PublicSource::Einsum { equation, args, scale } => {
                let scale = T::constant(*scale).ok_or_else(|| problem(id, format!("{scale} is no number of these")))?;
                let derived = derive(program, equation, args, &publics).map_err(|message| problem(id, message))?;
                derived.into_iter().map(|x| x.mul(&scale)).collect()
            }
        };
        publics.push(tensor);
    }
    Ok(publics)
}

fn derive<T: Number>(program: &Packed, equation: &str, args: &[Public], publics: &[Vec<T>]) -> Result<Vec<T>, String> {
    let args: Vec<(&[u64], &[T])> =
        args.iter().map(|arg| (program.publics[*arg].shape.as_slice(), publics[arg.index()].as_slice())).collect();
    einsum::evaluate(&Equation::parse(equation)?, &args)
}

/// The last operation that reads each ciphertext: itself if none does, nothing if a result is made of it.
fn last_reads(program: &Packed) -> SecondaryMap<Ciphertext, Option<Ciphertext>> {
    let mut last = SecondaryMap::new();
    for (id, op) in &program.ops {
        last[id] = Some(id);
        op.args().for_each(|arg| last[arg] = Some(id));
    }
    program.outputs.iter().flat_map(|output| &output.values).for_each(|value| last[*value] = None);
    last
}

struct Machine<'a, T: Clone> {
    program: &'a Packed,
    operands: &'a Operands<T>,
    publics: &'a [Vec<T>],
    last_reads: SecondaryMap<Ciphertext, Option<Ciphertext>>,
    /// Empty before it is computed and after it is last read.
    values: SecondaryMap<Ciphertext, Vec<T>>,
    /// Vectors that nothing is in any more.
    spare: Vec<Vec<T>>,
    n: usize,
}

impl<T: Number> Machine<'_, T> {
    fn execute(&mut self, id: Ciphertext, op: &Op) -> Result<Vec<T>, VerifierError> {
        Ok(match *op {
            Op::Input { input, chunk } => self.input(input, chunk),
            Op::Rotate { x, by } => self.rotate(id, x, by as usize),
            Op::Add(x, y) => self.join(id, x, y, T::add),
            Op::Sub(x, y) => self.join(id, x, y, T::sub),
            Op::Mul(x, y) => self.join(id, x, y, |a, b| *a = a.mul(b)),
            Op::Neg(x) => {
                let mut value = self.take(id, x);
                value.iter_mut().for_each(T::neg);
                value
            }
            Op::AddPlain(x, plain) => {
                let mut value = self.take(id, x);
                self.for_slots(&self.program.plains[plain].values, |slot, number| value[slot].add(number))?;
                value
            }
            Op::MulPlain(x, plain) | Op::Mask(x, plain) => {
                let mut value = self.zeros();
                let x = &self.values[x];
                self.for_slots(&self.program.plains[plain].values, |slot, number| value[slot] = x[slot].mul(number))?;
                value
            }
            Op::Relin(x) | Op::Rescale(x) | Op::Drop(x, _) | Op::Boot { x, .. } => self.take(id, x),
        })
    }

    /// Gives the vectors back that are read for the last time here, or never.
    fn release(&mut self, id: Ciphertext, op: &Op) {
        for x in op.args().chain([id]) {
            if self.last_reads[x] == Some(id) && !self.values[x].is_empty() {
                self.spare.push(std::mem::take(&mut self.values[x]));
            }
        }
    }

    fn zeros(&mut self) -> Vec<T> {
        let mut value = self.spare.pop().unwrap_or_default();
        value.clear();
        value.resize(self.n, T::zero());
        value
    }

    /// A vector to change that has the numbers of `x`: its own where this is the last to read it.
    fn take(&mut self, id: Ciphertext, x: Ciphertext) -> Vec<T> {
        if self.last_reads[x] == Some(id) {
            return std::mem::take(&mut self.values[x]);
        }
        let mut value = self.spare.pop().unwrap_or_default();
        value.clear();
        value.extend_from_slice(&self.values[x]);
        value
    }

    fn rotate(&mut self, id: Ciphertext, x: Ciphertext, by: usize) -> Vec<T> {
        if self.last_reads[x] == Some(id) {
            let mut value = std::mem::take(&mut self.values[x]);
            value.rotate_left(by);
            return value;
        }
        let mut value = self.spare.pop().unwrap_or_default();
        value.clear();
        let (low, high) = self.values[x].split_at(by);
        value.extend_from_slice(high);
        value.extend_from_slice(low);
        value
    }

    fn join(&mut self, id: Ciphertext, x: Ciphertext, y: Ciphertext, op: impl Fn(&mut T, &T)) -> Vec<T> {
        let mut value = if x == y { self.values[x].clone() } else { self.take(id, x) };
        value.iter_mut().zip(&self.values[y]).for_each(|(a, b)| op(a, b));
        value
    }

    fn input(&mut self, input: Input, chunk: u32) -> Vec<T> {
        let mut value = self.zeros();
        let earlier = self.program.inputs.iter().take_while(|(id, _)| *id < input);
        let chunks_before: u64 = earlier.map(|(_, decl)| u64::from(decl.layout.n_chunks())).sum();
        let first = (chunks_before + u64::from(chunk)) * self.n as u64;
        let tensor = &self.operands.secrets[input.index()];
        for ((slot, content), address) in value.iter_mut().zip(self.program.inputs[input].layout.contents(chunk)).zip(first..) {
            match content {
                Content::Element(flat) => slot.clone_from(&tensor[flat as usize]),
                Content::Zero => {}
                Content::Junk => *slot = T::junk(self.operands.seed, address),
            }
        }
        value
    }

    /// Calls a function with every slot that a plaintext fills, and with the number there.
    fn for_slots(&self, values: &PlainValues, mut f: impl FnMut(usize, &T)) -> Result<(), VerifierError> {
        match values {
            PlainValues::Elements(public, segments) => {
                let tensor = &self.publics[public.index()];
                for segment in segments {
                    segment.elements(self.program.slots).for_each(|(slot, flat)| f(slot, &tensor[flat as usize]));
                }
            }
            PlainValues::Constant(value, runs) => {
                let number = T::constant(*value).ok_or_else(|| problem(value, "is no number of this kind"))?;
                runs.iter().flat_map(|run| run.slots(self.program.slots)).for_each(|slot| f(slot, &number));
            }
        }
        Ok(())
    }
}

/// Reads a result off by its layout, and checks what the layout says of all addresses.
fn read<T: Number>(output: &OutputDecl, values: &SecondaryMap<Ciphertext, Vec<T>>, errors: &mut Vec<VerifierError>) -> Vec<T> {
    let layout = &output.layout;
    let n_elements: u64 = layout.shape.iter().product();
    let mut tensor: Vec<Option<T>> = vec![None; n_elements as usize];
    let mut problems = Vec::new();
    for (chunk, value) in (0..).zip(&output.values) {
        for (slot, (content, number)) in layout.contents(chunk).zip(&values[*value]).enumerate() {
            if let Some(message) = read_slot(&content, number, &mut tensor) {
                problems.push(format!("slot {slot} of {value}, ciphertext {chunk} of {layout}, {message}"));
            }
        }
    }
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    problems.truncate(MAX_PROBLEMS);
    problems.extend((more > 0).then(|| format!("and {more} more")));
    errors.extend(problems.into_iter().map(|message| problem(format!("output `{}`", output.name), message)));
    // Every element has an address: a verified layout has all bits of all axes.
    tensor.into_iter().flatten().collect()
}

fn read_slot<T: Number>(content: &Content, number: &T, tensor: &mut [Option<T>]) -> Option<String> {
    match *content {
        Content::Element(flat) => match &tensor[flat as usize] {
            Some(known) if T::EXACT && known != number => Some(format!("differs from where element {flat} was before")),
            Some(_) => None,
            None => {
                tensor[flat as usize] = Some(number.clone());
                None
            }
        },
        Content::Zero if T::EXACT && *number != T::zero() => Some("is not zero".to_owned()),
        Content::Zero | Content::Junk => None,
    }
}

/// Whether a result is as the strict contract wants it: row major, every axis padded to a power of two, zero elsewhere.
#[must_use]
pub fn is_strict(layout: &Layout) -> bool {
    let log_slots = u32::try_from(layout.slots.len()).unwrap_or(u32::MAX);
    *layout == Layout::row_major(&layout.shape, log_slots)
}

#[cfg(test)]
mod tests;

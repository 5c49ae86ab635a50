//! Packed programs as MLIR, in the dialects that [HEIR](https://heir.dev) reads once tensors are packed.
//!
//! ```text
//! // x0_0: ciphertext 0 of "x", f64[4], [slots: zero.1 a0.1-0]
//! // p0: "w" at [0 by 1 x 4 = 0 by 1]
//! func.func @f(%x0_0: tensor<1x8xf64> {secret.secret}, %p0: tensor<1x8xf64>) -> (tensor<1x8xf64>) {
//!   %k1 = arith.constant 1 : index
//!   %c1 = tensor_ext.rotate %x0_0, %k1 : tensor<1x8xf64>, index
//!   %c2 = arith.mulf %c1, %p0 : tensor<1x8xf64>
//!   return %c2 : tensor<1x8xf64>
//! }
//! ```
//!
//! A ciphertext is a tensor of one row, the slots along its second axis. Every ciphertext of an input is an argument that is
//! `secret.secret`, every vector of elements of a public tensor is one in the clear, which whoever calls packs as the comment says, and other
//! plaintexts are constants. Relinearisation, rescaling and levels are left to HEIR.

use ein_ir::dtype::DType;
use ein_ir::entity::{Ciphertext, EntityRef, Input, Plain, SecondaryMap};
use ein_ir::packed::{Op, Packed, PlainValues, PublicDecl, PublicSource, Run};
use ein_ir::tensor::Module;
use ein_ir::text::{float, quoted};
use std::collections::BTreeSet;
use std::fmt::{self, Write};

/// The MLIR of a program, after what computes public tensors that it is given, if there is such a module.
#[must_use]
pub fn to_mlir(program: &Packed, clear: Option<&Module>) -> String {
    let element = element(program);
    let writer = Writer { program, element, ty: format!("tensor<1x{}x{}>", program.slots, element.name()), names: SecondaryMap::new() };
    let mut out: String =
        clear.iter().flat_map(|clear| clear.to_string().lines().map(|line| format!("// {line}\n")).collect::<Vec<_>>()).collect();
    // Writing to a string cannot fail.
    let _ = writer.write(&mut out);
    out
}

/// What slots hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    I64,
    F32,
    F64,
}

impl Element {
    const fn name(self) -> &'static str {
        match self {
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// An operation of `arith` on these: `addf` or `addi`.
    const fn suffix(self) -> char {
        if matches!(self, Self::I64) { 'i' } else { 'f' }
    }

    fn literal(self, value: f64) -> String {
        #[expect(clippy::cast_possible_truncation, reason = "constants of programs of integers are integers below 2^53")]
        if self == Self::I64 { (value as i64).to_string() } else { decimal(value) }
    }
}

/// A number of MLIR, which has a point: `1e300` is none.
fn decimal(value: f64) -> String {
    let text = float(value);
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

/// The widest reals of the program, or integers if it has none.
fn element(program: &Packed) -> Element {
    let inputs = program.inputs.values().map(|input| input.dtype);
    let publics = program.publics.values().map(|public| public.dtype);
    let dtypes: BTreeSet<DType> = inputs.chain(publics).chain(program.outputs.iter().map(|output| output.dtype)).collect();
    if !dtypes.iter().any(|dtype| dtype.is_float()) {
        return Element::I64;
    }
    if dtypes.iter().all(|dtype| dtype.is_float() && dtype.bits() <= 32) { Element::F32 } else { Element::F64 }
}

struct Writer<'a> {
    program: &'a Packed,
    element: Element,
    /// The type of a ciphertext, and of a plaintext.
    ty: String,
    /// What each ciphertext is called.
    names: SecondaryMap<Ciphertext, String>,
}

impl Writer<'_> {
    fn write(mut self, out: &mut String) -> fmt::Result {
        self.comments(out)?;
        let secrets = self.chunks().map(|(input, chunk)| format!("%{input}_{chunk}: {} {{secret.secret}}", self.ty));
        let publics = self.vectors().map(|(plain, ..)| format!("%{plain}: {}", self.ty));
        let arguments: Vec<String> = secrets.chain(publics).collect();
        let results = self.program.outputs.iter().flat_map(|output| &output.values);
        let types: Vec<&str> = results.clone().map(|_| self.ty.as_str()).collect();
        let results: Vec<Ciphertext> = results.copied().collect();
        let types = types.join(", ");
        writeln!(out, "func.func @{}({}) -> ({types}) {{", symbol(&self.program.name), arguments.join(", "))?;
        self.constants(out)?;
        for (id, op) in &self.program.ops {
            self.op(out, id, op)?;
        }
        let results: Vec<String> = results.iter().map(|id| format!("%{}", self.names[*id])).collect();
        if results.is_empty() { out.write_str("  return\n}\n") } else { writeln!(out, "  return {} : {types}\n}}", results.join(", ")) }
    }

    /// Every ciphertext of every input.
    fn chunks(&self) -> impl Iterator<Item = (Input, u32)> + '_ {
        self.program.inputs.iter().flat_map(|(id, input)| (0..input.layout.n_chunks()).map(move |chunk| (id, chunk)))
    }

    /// The plaintexts that hold elements of public tensors.
    fn vectors(&self) -> impl Iterator<Item = (Plain, &PublicDecl, &PlainValues)> + '_ {
        self.program.plains.iter().filter_map(|(id, plain)| match &plain.values {
            PlainValues::Elements(public, _) => Some((id, &self.program.publics[*public], &plain.values)),
            PlainValues::Constant(..) => None,
        })
    }

    /// What the arguments and results are.
    fn comments(&self, out: &mut String) -> fmt::Result {
        for (id, chunk) in self.chunks() {
            let input = &self.program.inputs[id];
            let name = quoted(&input.name);
            writeln!(out, "// {id}_{chunk}: ciphertext {chunk} of {name}, {}{:?}, {}", input.dtype, input.layout.shape, input.layout)?;
        }
        for public in self.program.publics.values() {
            if let PublicSource::Einsum { equation, args, scale } = &public.source {
                let args: Vec<String> = args.iter().map(|arg| quoted(&self.program.publics[*arg].name)).collect();
                writeln!(out, "// {}: {} times einsum {} of {}", quoted(&public.name), float(*scale), quoted(equation), args.join(", "))?;
            }
        }
        for (id, public, values) in self.vectors() {
            writeln!(out, "// {id}: of {}, {}{:?}: {values}", quoted(&public.name), public.dtype, public.shape)?;
        }
        for output in &self.program.outputs {
            let n = output.values.len();
            let name = quoted(&output.name);
            writeln!(out, "// result: {n} x {name}, {}{:?}, {}", output.dtype, output.layout.shape, output.layout)?;
        }
        Ok(())
    }

    fn constants(&self, out: &mut String) -> fmt::Result {
        let (mut rotations, mut negates) = (BTreeSet::new(), false);
        for op in self.program.ops.values() {
            match op {
                Op::Rotate { by, .. } => rotations.extend([*by]),
                Op::Neg(_) => negates = true,
                _ => {}
            }
        }
        for by in rotations {
            writeln!(out, "  %k{by} = arith.constant {by} : index")?;
        }
        if negates && self.element == Element::I64 {
            writeln!(out, "  %zero = arith.constant dense<0> : {}", self.ty)?;
        }
        for (id, plain) in &self.program.plains {
            if let PlainValues::Constant(value, runs) = &plain.values {
                writeln!(out, "  %{id} = arith.constant dense<{}> : {}", self.dense(*value, runs), self.ty)?;
            }
        }
        Ok(())
    }

    /// One number, or one for each slot.
    fn dense(&self, value: f64, runs: &[Run]) -> String {
        let mut slots = vec![false; self.program.slots as usize];
        runs.iter().flat_map(|run| run.slots(self.program.slots)).for_each(|slot| slots[slot] = true);
        let (number, zero) = (self.element.literal(value), self.element.literal(0.0));
        if slots.iter().all(|filled| *filled) {
            return number;
        }
        let numbers: Vec<&str> = slots.iter().map(|filled| if *filled { number.as_str() } else { zero.as_str() }).collect();
        format!("[[{}]]", numbers.join(", "))
    }

    fn op(&mut self, out: &mut String, id: Ciphertext, op: &Op) -> fmt::Result {
        let name = |x: Ciphertext| format!("%{}", self.names[x]);
        let (ty, suffix) = (&self.ty, self.element.suffix());
        let text = match *op {
            Op::Input { input, chunk } => {
                self.names[id] = format!("{input}_{chunk}");
                return Ok(());
            }
            // Other names for the same: HEIR has its own.
            Op::Relin(x) | Op::Rescale(x) | Op::Drop(x, _) | Op::Boot { x, .. } => {
                self.names[id] = self.names[x].clone();
                return Ok(());
            }
            Op::Rotate { x, by } => format!("tensor_ext.rotate {}, %k{by} : {ty}, index", name(x)),
            Op::Add(x, y) => format!("arith.add{suffix} {}, {} : {ty}", name(x), name(y)),
            Op::Sub(x, y) => format!("arith.sub{suffix} {}, {} : {ty}", name(x), name(y)),
            Op::Mul(x, y) => format!("arith.mul{suffix} {}, {} : {ty}", name(x), name(y)),
            Op::Neg(x) if self.element == Element::I64 => format!("arith.subi %zero, {} : {ty}", name(x)),
            Op::Neg(x) => format!("arith.negf {} : {ty}", name(x)),
            Op::AddPlain(x, plain) => format!("arith.add{suffix} {}, %{plain} : {ty}", name(x)),
            Op::MulPlain(x, plain) | Op::Mask(x, plain) => format!("arith.mul{suffix} {}, %{plain} : {ty}", name(x)),
        };
        self.names[id] = format!("c{}", id.index());
        writeln!(out, "  %{} = {text}", self.names[id])
    }
}

/// The name of a function: quoted where it is no identifier.
fn symbol(name: &str) -> String {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if begins && letters.all(|c| c.is_ascii_alphanumeric() || c == '_') { name.to_owned() } else { quoted(name) }
}

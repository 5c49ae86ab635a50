//! The text form of packed IR, which [`super::parse`] reads back exactly.
//!
//! ```text
//! packed "f" slots 16 {
//!   # 2 rotations, 1 ct-ct and 0 ct-pt products, 2 sums, 1 relinearisation, 0 rescalings; depth 1, 2 keys
//!   input x0 "A": f32[4, 4] [slots: a0.1-0 a1.1-0]
//!   public w0 "B": f32[4]
//!   public w1 "BB": f32[4, 4] = einsum "i,j->ij" (w0, w0)
//!   plain p0 = w0 at [0 by 4 x 4 = 0 by 1, 1 = 3]
//!   plain p1 = 1.0 at [0 by 4 x 4]
//!   c0 = input x0[0]
//!   c1 = rotate c0 by 2
//!   c2 = mask c1, p1
//!   output "y": f32[4] [slots: a0.1-0 junk.2] = (c2)
//! }
//! ```
//!
//! `boot c2 to 3 within 1` gives `c2`, whose slots are in `-2^1..2^1`, level 3.
//!
//! In a plaintext `0 by 4 x 4` is slots 0, 4, 8 and 12; after `=` are the elements that they hold. In a layout the highest bit of an
//! address comes first: `a1.2-0` are bits 2 to 0 of axis 1, `rep.2`, `zero.2` and `junk.2` two free bits;
//! after them `offset 3` turns every ciphertext by three slots, and of the axes in `junk padding a0 a1` what is beyond the size is anything.

use super::{AddressBit, Counts, Layout, Op, OutputDecl, Packed, Piece, PlainValues, PublicSource, Run, Segment};
use crate::dtype::DType;
use crate::text::{float, quoted};
use std::fmt::{self, Write};

/// The text form of a program.
#[must_use]
pub fn print(program: &Packed) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_program(&mut out, program);
    out
}

fn write_program(out: &mut String, program: &Packed) -> fmt::Result {
    writeln!(out, "packed {} slots {} {{", quoted(&program.name), program.slots)?;
    writeln!(out, "  # {}", program.counts())?;
    for (id, input) in &program.inputs {
        writeln!(out, "  input {id} {} {}", typed(&input.name, input.dtype, &input.layout.shape), input.layout)?;
    }
    for (id, public) in &program.publics {
        write!(out, "  public {id} {}", typed(&public.name, public.dtype, &public.shape))?;
        if let PublicSource::Einsum { equation, args, scale } = &public.source {
            write!(out, " = einsum {} ({})", quoted(equation), commas(args))?;
            if *scale != 1.0 {
                write!(out, " times {}", float(*scale))?;
            }
        }
        out.write_str("\n")?;
    }
    for (id, plain) in &program.plains {
        writeln!(out, "  plain {id} = {}", plain.values)?;
    }
    for (id, op) in &program.ops {
        writeln!(out, "  {id} = {op}")?;
    }
    for OutputDecl { name, dtype, layout, values } in &program.outputs {
        writeln!(out, "  output {} {layout} = ({})", typed(name, *dtype, &layout.shape), commas(values))?;
    }
    out.write_str("}\n")
}

fn typed(name: &str, dtype: DType, shape: &[u64]) -> String {
    format!("{}: {dtype}[{}]", quoted(name), commas(shape))
}

fn commas<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for PlainValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elements(public, segments) => write!(f, "{public} at [{}]", commas(segments)),
            Self::Constant(value, runs) => write!(f, "{} at [{}]", float(*value), commas(runs)),
        }
    }
}

/// `3`, or `0 by 4 x 4`.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { slot, dslot: 0, count: 1 } => write!(f, "{slot}"),
            Self { slot, dslot, count } => write!(f, "{slot} by {dslot} x {count}"),
        }
    }
}

/// `3 = 7`, or `0 by 4 x 4 = 7 by -1`.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.chunk != 0 {
            write!(f, "ct {}: ", self.chunk)?;
        }
        write!(f, "{} = {}", self.run(), self.flat)?;
        if self.dflat == 0 { Ok(()) } else { write!(f, " by {}", self.dflat) }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { input, chunk } => write!(f, "input {input}[{chunk}]"),
            Self::Rotate { x, by } => write!(f, "rotate {x} by {by}"),
            Self::Add(x, y) => write!(f, "add {x}, {y}"),
            Self::Sub(x, y) => write!(f, "sub {x}, {y}"),
            Self::Neg(x) => write!(f, "neg {x}"),
            Self::AddPlain(x, plain) => write!(f, "add_plain {x}, {plain}"),
            Self::MulPlain(x, plain) => write!(f, "mul_plain {x}, {plain}"),
            Self::Mask(x, plain) => write!(f, "mask {x}, {plain}"),
            Self::Mul(x, y) => write!(f, "mul {x}, {y}"),
            Self::Relin(x) => write!(f, "relin {x}"),
            Self::Rescale(x) => write!(f, "rescale {x}"),
            Self::Drop(x, level) => write!(f, "drop {x} to {level}"),
            Self::Boot { x, level, bits } => write!(f, "boot {x} to {level} within {bits}"),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
        write!(f, "{}, {} ct-ct and ", many(self.rotations, "rotation"), self.mulcc)?;
        write!(f, "{} ct-pt products, {}, ", self.mulcp, many(self.adds, "sum"))?;
        write!(f, "{}, {}; ", many(self.relins, "relinearisation"), many(self.rescales, "rescaling"))?;
        write!(f, "depth {}, {}", self.depth, many(self.keys, "key"))?;
        if self.boots == 0 { Ok(()) } else { write!(f, ", {}", many(self.boots, "bootstrapping")) }
    }
}

/// `[ct: a1.3 | slots: a0.6-0 rep.1 a1.2-0]`.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        if !self.chunks.is_empty() {
            f.write_str("ct:")?;
            fmt_bits(f, &self.chunks)?;
            f.write_str(" | ")?;
        }
        f.write_str("slots:")?;
        fmt_bits(f, &self.slots)?;
        for roll in &self.rolls {
            write!(f, " roll {} by {}", roll.piece, roll.by)?;
        }
        if self.offset > 0 {
            write!(f, " offset {}", self.offset)?;
        }
        if !self.junk_padding.is_empty() {
            f.write_str(" junk padding")?;
        }
        self.junk_padding.iter().try_for_each(|axis| write!(f, " a{axis}"))?;
        f.write_str("]")
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A piece without bits, which is none, has a spelling too: messages are of it.
        fmt_piece(f, self.axis, self.lo.saturating_add(self.len).saturating_sub(1), self.lo)
    }
}

fn fmt_piece(f: &mut fmt::Formatter<'_>, axis: u8, hi: u8, lo: u8) -> fmt::Result {
    write!(f, "a{axis}.{hi}")?;
    if hi > lo { write!(f, "-{lo}") } else { Ok(()) }
}

/// Runs of falling bits of one axis are joined, and so are free bits of one kind.
fn fmt_bits(f: &mut fmt::Formatter<'_>, bits: &[AddressBit]) -> fmt::Result {
    let mut rest: Vec<AddressBit> = bits.iter().rev().copied().collect();
    while let Some(&first) = rest.first() {
        let length = run_length(&rest);
        f.write_str(" ")?;
        match (first, rest[length - 1]) {
            (AddressBit::Axis { axis, bit: hi }, AddressBit::Axis { bit: lo, .. }) => fmt_piece(f, axis, hi, lo)?,
            (AddressBit::Axis { .. } | AddressBit::Rep, _) => write!(f, "rep.{length}")?,
            (AddressBit::Zero, _) => write!(f, "zero.{length}")?,
            (AddressBit::Junk, _) => write!(f, "junk.{length}")?,
        }
        rest.drain(..length);
    }
    Ok(())
}

fn run_length(bits: &[AddressBit]) -> usize {
    let goes_on = |pair: &[AddressBit]| match (pair[0], pair[1]) {
        (AddressBit::Axis { axis, bit }, AddressBit::Axis { axis: next, bit: lower }) => axis == next && bit.checked_sub(1) == Some(lower),
        (one, other) => one == other,
    };
    1 + bits.windows(2).take_while(|pair| goes_on(pair)).count()
}

//! Packed IR: a straight-line program over ciphertexts of `n` slots, with everything about it known before it runs.
//!
//! A *slot* holds one number, a *ciphertext* or a *plaintext* a vector of `n` of them (`n` a power of two). Arithmetic is slot by
//! slot; the one way to move numbers is a rotation of the whole vector. Where the elements of a tensor are is its [`Layout`].
//! What is public is a [`PublicDecl`]: a tensor that the server has in the clear, given or computed from given ones; a [`PlainDecl`]
//! places some of its elements, or a constant, into slots.
//!
//! There are no shapes, loops or conditions among the operations: rotations by several steps, sums over axes and matrix products
//! are written out. A product of two ciphertexts has three parts until it is relinearised; sums of such products may be
//! relinearised once. Levels and scales are a property of the operations (of whoever plans them): [`Op::Rescale`],
//! [`Op::Drop`] and [`Op::Boot`] change them and no value.
//!
//! The slot simulator (`interp/slots.rs`) is the meaning of this IR.

pub mod count;
pub mod equation;
pub mod layout;
pub mod level;
pub mod parse;
pub mod print;
pub mod verify;

pub use count::Counts;
pub use equation::Equation;
pub use layout::{AddressBit, Layout, Piece, Roll, Segment};

use crate::dtype::DType;
use crate::entity::{Ciphertext, Input, Plain, PrimaryMap, Public};

/// A packed program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packed {
    /// Name of the definition, or of nothing for an einsum of the command line.
    pub name: String,
    /// Numbers a ciphertext holds: a power of two.
    pub slots: u32,
    /// Secret operands, in the order of the parameter list.
    pub inputs: PrimaryMap<Input, InputDecl>,
    /// Tensors in the clear; a derived one reads only those before it.
    pub publics: PrimaryMap<Public, PublicDecl>,
    /// Vectors in the clear.
    pub plains: PrimaryMap<Plain, PlainDecl>,
    /// The operations, in order: each reads only those before it.
    pub ops: PrimaryMap<Ciphertext, Op>,
    /// Results, in the order of the result list.
    pub outputs: Vec<OutputDecl>,
}

/// A tensor that is encrypted by whoever has the key.
#[derive(Clone, Debug, PartialEq)]
pub struct InputDecl {
    /// As the user wrote it.
    pub name: String,
    /// Element type in the clear.
    pub dtype: DType,
    /// Which address holds which element. Addresses of none hold zero.
    pub layout: Layout,
}

/// A tensor in the clear.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicDecl {
    /// As the user wrote it; a derived one is named after what it is for.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Sizes of its axes.
    pub shape: Vec<u64>,
    /// Where it comes from.
    pub source: PublicSource,
}

/// Where a tensor in the clear comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum PublicSource {
    /// It is given when the program runs.
    Given,
    /// An einsum over earlier ones, in numpy's notation: one label a letter.
    Einsum {
        /// `ij,jk->ik`
        equation: String,
        /// One an operand of the equation.
        args: Vec<Public>,
        /// A number by which it is multiplied.
        scale: f64,
    },
}

/// A vector of `n` slots in the clear, zero where nothing is said.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainDecl {
    /// What its numbers are.
    pub values: PlainValues,
}

/// What the numbers of a plaintext are.
#[derive(Clone, Debug, PartialEq)]
pub enum PlainValues {
    /// Elements of a tensor in the clear. The `chunk` of each segment is 0; no slot has two elements.
    Elements(Public, Vec<Segment>),
    /// One number, in every slot of these runs.
    Constant(f64, Vec<Run>),
}

/// `count` slots: `slot`, `slot + dslot`, and so on, modulo `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// The first.
    pub slot: u32,
    /// From each to the next; below `n`.
    pub dslot: u32,
    /// How many.
    pub count: u32,
}

/// An operation; its result is a ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A ciphertext of an input.
    Input {
        /// Which input.
        input: Input,
        /// Which of its ciphertexts.
        chunk: u32,
    },
    /// `out[i] = x[(i + by) mod n]`: to the left. `x` has two parts.
    Rotate {
        /// What is rotated.
        x: Ciphertext,
        /// In `1..n`; needs a key of its own.
        by: u32,
    },
    /// Slot by slot; levels and scales are equal, and so is the number of parts or it is the larger of both.
    Add(Ciphertext, Ciphertext),
    /// As [`Op::Add`].
    Sub(Ciphertext, Ciphertext),
    /// Slot by slot.
    Neg(Ciphertext),
    /// Adds a plaintext, encoded at the scale and level of `x`.
    AddPlain(Ciphertext, Plain),
    /// The scales multiply.
    MulPlain(Ciphertext, Plain),
    /// A product with a plaintext that is 1 in some slots and 0 in the others: what is not kept becomes zero.
    Mask(Ciphertext, Plain),
    /// A product of two ciphertexts of two parts each, at equal level: three parts; the scales multiply.
    Mul(Ciphertext, Ciphertext),
    /// Back to two parts.
    Relin(Ciphertext),
    /// Divides the scale by a modulus and drops it: one level less.
    Rescale(Ciphertext),
    /// Down to this level, at the same scale.
    Drop(Ciphertext, u32),
    /// Bootstrapping, of two parts at scale 1: the same numbers at another level.
    Boot {
        /// What is given levels again.
        x: Ciphertext,
        /// The level that it then has, from 1 on.
        level: u32,
        /// All slots of `x` are in `-2^bits..2^bits`: what an engine scales by. Numbers that do not fit level 0 have levels left, and it
        /// makes them smaller by a product first.
        bits: u32,
    },
}

/// A tensor that is decrypted by whoever has the key.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputDecl {
    /// As the user wrote it.
    pub name: String,
    /// Element type in the clear.
    pub dtype: DType,
    /// Which address holds which element, and what the others hold.
    pub layout: Layout,
    /// One a ciphertext of the layout.
    pub values: Vec<Ciphertext>,
}

impl Run {
    /// The slots, in order.
    pub fn slots(self, n: u32) -> impl Iterator<Item = usize> {
        (0..u64::from(self.count)).map(move |t| ((u64::from(self.slot) + t * u64::from(self.dslot)) % u64::from(n)) as usize)
    }
}

impl Segment {
    /// The slots it fills.
    #[must_use]
    pub const fn run(&self) -> Run {
        Run { slot: self.slot, dslot: self.dslot, count: self.count }
    }

    /// Slots and elements, in order.
    pub fn elements(&self, n: u32) -> impl Iterator<Item = (usize, u64)> + use<> {
        let (flat, dflat) = (self.flat, self.dflat);
        self.run().slots(n).zip(0_i64..).map(move |(slot, t)| (slot, flat.wrapping_add_signed(t.wrapping_mul(dflat))))
    }
}

impl PlainDecl {
    /// Whether every number is 1 or 0.
    #[must_use]
    pub fn is_mask(&self) -> bool {
        matches!(self.values, PlainValues::Constant(1.0, _))
    }
}

impl Op {
    /// The ciphertexts it reads, in order.
    pub fn args(&self) -> impl Iterator<Item = Ciphertext> + use<> {
        let (first, second) = match *self {
            Op::Input { .. } => (None, None),
            Op::Rotate { x, .. }
            | Op::Neg(x)
            | Op::AddPlain(x, _)
            | Op::MulPlain(x, _)
            | Op::Mask(x, _)
            | Op::Relin(x)
            | Op::Rescale(x)
            | Op::Drop(x, _)
            | Op::Boot { x, .. } => (Some(x), None),
            Op::Add(x, y) | Op::Sub(x, y) | Op::Mul(x, y) => (Some(x), Some(y)),
        };
        first.into_iter().chain(second)
    }

    /// The same of other ciphertexts.
    #[must_use]
    pub fn renamed(&self, to: impl Fn(Ciphertext) -> Ciphertext) -> Self {
        match *self {
            Op::Input { .. } => *self,
            Op::Rotate { x, by } => Op::Rotate { x: to(x), by },
            Op::Add(x, y) => Op::Add(to(x), to(y)),
            Op::Sub(x, y) => Op::Sub(to(x), to(y)),
            Op::Neg(x) => Op::Neg(to(x)),
            Op::AddPlain(x, plain) => Op::AddPlain(to(x), plain),
            Op::MulPlain(x, plain) => Op::MulPlain(to(x), plain),
            Op::Mask(x, plain) => Op::Mask(to(x), plain),
            Op::Mul(x, y) => Op::Mul(to(x), to(y)),
            Op::Relin(x) => Op::Relin(to(x)),
            Op::Rescale(x) => Op::Rescale(to(x)),
            Op::Drop(x, level) => Op::Drop(to(x), level),
            Op::Boot { x, level, bits } => Op::Boot { x: to(x), level, bits },
        }
    }

    /// The plaintext it reads.
    #[must_use]
    pub const fn plain(&self) -> Option<Plain> {
        match *self {
            Op::AddPlain(_, plain) | Op::MulPlain(_, plain) | Op::Mask(_, plain) => Some(plain),
            Op::Input { .. }
            | Op::Rotate { .. }
            | Op::Add(..)
            | Op::Sub(..)
            | Op::Neg(_)
            | Op::Mul(..)
            | Op::Relin(_)
            | Op::Rescale(_)
            | Op::Drop(..)
            | Op::Boot { .. } => None,
        }
    }

    /// Whether it multiplies: what depth counts.
    #[must_use]
    pub const fn multiplies(&self) -> bool {
        matches!(self, Op::MulPlain(..) | Op::Mask(..) | Op::Mul(..))
    }
}

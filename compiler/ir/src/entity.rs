//! Ids of the entities of the intermediate representations.
//!
//! Each is a `u32` newtype whose `Display` is its spelling in the text forms; entities live in
//! [`PrimaryMap`]s of the module that owns them.

pub use cranelift_entity::{EntityRef, PrimaryMap, SecondaryMap, entity_impl};

/// A size or `int` parameter of a tensor module: `d0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim(u32);
entity_impl!(Dim, "d");

/// A tensor value; in a plan, the buffer that holds it: `t0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tensor(u32);
entity_impl!(Tensor, "t");

/// An index variable with its range: `i0`. In tensor IR it belongs to one definition, in a plan to one nest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(u32);
entity_impl!(Index, "i");

/// A reducer defined by the program: `r0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reducer(u32);
entity_impl!(Reducer, "r");

/// A step of a plan: `s0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u32);
entity_impl!(Step, "s");

/// Memory that kernels read and write: `b0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Buffer(u32);
entity_impl!(Buffer, "b");

/// A kernel of a kernel module: `k0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kernel(u32);
entity_impl!(Kernel, "k");

/// A local variable of a kernel: `v0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Local(u32);
entity_impl!(Local, "v");

/// An entry of the fault table, a way in which data can make a program fail at run time: `f0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault(u32);
entity_impl!(Fault, "f");

/// A secret operand of a packed program, or an operand of a circuit: `x0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input(u32);
entity_impl!(Input, "x");

/// A tensor in the clear of a packed program: `w0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Public(u32);
entity_impl!(Public, "w");

/// A vector in the clear of a packed program: `p0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Plain(u32);
entity_impl!(Plain, "p");

/// A ciphertext of a packed program: `c0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ciphertext(u32);
entity_impl!(Ciphertext, "c");

/// A value of a circuit: `v0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wire(u32);
entity_impl!(Wire, "v");

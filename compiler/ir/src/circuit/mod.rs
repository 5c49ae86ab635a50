//! Circuits: straight lists of integer operations on single elements, for schemes that encrypt each element by itself.
//!
//! Every value is one integer, secret or public. Its [`Node::range`] holds whatever the operands are, as long as these are in theirs, and
//! says how many *blocks* of two bits a ciphertext of it has ([`width`]). Integers are exact: where the program wraps at a type, the
//! node says so ([`Node::wrap`]), and only the bits of that type are computed.
//!
//! There are no shapes, loops or branches: a choice computes both sides. Public values are computed in the clear by the same operations,
//! whoever carries the circuit out; what that costs is not counted. A *bootstrap* is the unit of cost ([`cost`]).
//!
//! The simulator (`interp/circuit.rs`) is the meaning of this IR.

pub mod cost;
pub mod kind;
pub mod parse;
pub mod print;
pub mod range;
pub mod verify;
pub mod width;

pub use cost::Cost;
pub use kind::Kind;

use crate::dtype::DType;
use crate::entity::{Input, PrimaryMap, Wire};
use crate::interval::Interval;

/// A list of operations on integers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circuit {
    /// Name of the definition.
    pub name: String,
    /// Operands, in the order of the parameter list.
    pub inputs: PrimaryMap<Input, InputDecl>,
    /// The operations, in order: each reads only those before it.
    pub nodes: PrimaryMap<Wire, Node>,
    /// Results, in the order of the result list.
    pub outputs: Vec<OutputDecl>,
}

/// An operand.
#[derive(Clone, Debug, PartialEq)]
pub struct InputDecl {
    /// As the user wrote it.
    pub name: String,
    /// Whether its elements are encrypted, each by itself.
    pub secret: bool,
    /// Element type in the clear.
    pub dtype: DType,
    /// Size of each axis.
    pub shape: Vec<u64>,
    /// In which every element is; whoever encrypts is held to it.
    pub range: Interval,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// How it is computed.
    pub op: Op,
    /// The integer type at which the result wraps; only [`Op::Sum`] and [`Op::Mul`] can.
    pub wrap: Option<DType>,
    /// In which it is, both ends taken: follows from the ranges of what it reads.
    pub range: Interval,
    /// Whether it is encrypted: it reads something that is.
    pub secret: bool,
}

/// An operation on integers. Truth values are 0 and 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// An element of an operand, at this row-major position.
    Input(Input, u64),
    /// A number.
    Constant(i128),
    /// The sum of multiples, and a number. Carries are propagated once for all terms.
    Sum(Vec<Term>, i128),
    /// The product.
    Mul(Wire, Wire),
    /// Divided by this power of two, rounded down.
    Shr(Wire, u32),
    /// 1 if they compare so, else 0.
    Compare(Comparison, Wire, Wire),
    /// The second where the first is 1, the third where it is 0.
    Select(Wire, Wire, Wire),
    /// The smaller one.
    Min(Wire, Wire),
    /// The larger one.
    Max(Wire, Wire),
    /// Of truth values: 1 if one of them is.
    Any(Vec<Wire>),
    /// Of truth values: 1 if all of them are.
    All(Vec<Wire>),
    /// Of a truth value: the other one.
    Not(Wire),
    /// Bit by bit, in two's complement.
    Bits(BitOp, Wire, Wire),
    /// The entry at the position of the index, counted from the least value that its range has; one an integer of the range. If the index is
    /// secret, there are at most [`MAX_ENTRIES`] and all are public.
    Lut(Wire, Vec<Wire>),
}

/// Most entries of a table that is looked up at a secret index: a bootstrap sees four bits.
pub const MAX_ENTRIES: usize = 16;

/// A multiple of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    /// By how much; not 0.
    pub coefficient: i128,
    /// Of what.
    pub wire: Wire,
}

/// A comparison of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named as in the language")]
pub enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
}

/// A function of two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named as in the language")]
pub enum BitOp {
    And,
    Or,
    Xor,
}

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputDecl {
    /// As the user wrote it.
    pub name: String,
    /// Element type in the clear.
    pub dtype: DType,
    /// Size of each axis.
    pub shape: Vec<u64>,
    /// Its elements, row-major.
    pub wires: Vec<Wire>,
}

impl Comparison {
    /// Every comparison, in declaration order.
    pub const ALL: [Comparison; 4] = [Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Le];

    /// The spelling in text forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Comparison::Eq => "eq",
            Comparison::Ne => "ne",
            Comparison::Lt => "lt",
            Comparison::Le => "le",
        }
    }

    /// Of two numbers.
    #[must_use]
    pub const fn holds(self, a: i128, b: i128) -> bool {
        match self {
            Comparison::Eq => a == b,
            Comparison::Ne => a != b,
            Comparison::Lt => a < b,
            Comparison::Le => a <= b,
        }
    }
}

impl BitOp {
    /// Every function, in declaration order.
    pub const ALL: [BitOp; 3] = [BitOp::And, BitOp::Or, BitOp::Xor];

    /// The spelling in text forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            BitOp::And => "bitand",
            BitOp::Or => "bitor",
            BitOp::Xor => "bitxor",
        }
    }

    /// Of two numbers.
    #[must_use]
    pub const fn apply(self, a: i128, b: i128) -> i128 {
        match self {
            BitOp::And => a & b,
            BitOp::Or => a | b,
            BitOp::Xor => a ^ b,
        }
    }
}

impl Op {
    /// The values it reads, in order.
    #[must_use]
    pub fn args(&self) -> Vec<Wire> {
        match self {
            Op::Input(..) | Op::Constant(_) => Vec::new(),
            Op::Sum(terms, _) => terms.iter().map(|term| term.wire).collect(),
            Op::Mul(a, b) | Op::Compare(_, a, b) | Op::Min(a, b) | Op::Max(a, b) | Op::Bits(_, a, b) => vec![*a, *b],
            Op::Shr(a, _) | Op::Not(a) => vec![*a],
            Op::Select(c, a, b) => vec![*c, *a, *b],
            Op::Any(wires) | Op::All(wires) => wires.clone(),
            Op::Lut(index, entries) => [&[*index], &entries[..]].concat(),
        }
    }

    /// The same of other values.
    #[must_use]
    pub fn renamed(&self, to: impl Fn(Wire) -> Wire) -> Self {
        let all = |wires: &[Wire]| wires.iter().map(|wire| to(*wire)).collect();
        match self {
            Op::Input(..) | Op::Constant(_) => self.clone(),
            Op::Sum(terms, constant) => Op::Sum(terms.iter().map(|term| Term { wire: to(term.wire), ..*term }).collect(), *constant),
            Op::Mul(a, b) => Op::Mul(to(*a), to(*b)),
            Op::Compare(how, a, b) => Op::Compare(*how, to(*a), to(*b)),
            Op::Min(a, b) => Op::Min(to(*a), to(*b)),
            Op::Max(a, b) => Op::Max(to(*a), to(*b)),
            Op::Bits(op, a, b) => Op::Bits(*op, to(*a), to(*b)),
            Op::Shr(a, by) => Op::Shr(to(*a), *by),
            Op::Not(a) => Op::Not(to(*a)),
            Op::Select(c, a, b) => Op::Select(to(*c), to(*a), to(*b)),
            Op::Any(wires) => Op::Any(all(wires)),
            Op::All(wires) => Op::All(all(wires)),
            Op::Lut(index, entries) => Op::Lut(to(*index), all(entries)),
        }
    }
}

impl Circuit {
    /// The operations that are carried out on ciphertexts: those of secret values that are no operands.
    #[must_use]
    pub fn n_secret_ops(&self) -> usize {
        self.nodes.values().filter(|node| node.secret && !matches!(node.op, Op::Input(..))).count()
    }

    /// Least and most blocks of the secret values; `None` if there are none.
    #[must_use]
    pub fn widths(&self) -> Option<(u32, u32)> {
        let blocks = || self.nodes.values().filter(|node| node.secret).map(|node| width::blocks(node.range));
        blocks().min().zip(blocks().max())
    }

    /// What it costs and how wide its values are, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        let Cost { bootstraps, path } = self.cost();
        let plural = |n: u64, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
        let widths = match self.widths() {
            None => "nothing is secret".to_owned(),
            Some((1, 1)) => "values of 1 block".to_owned(),
            Some((least, most)) if least == most => format!("values of {most} blocks"),
            Some((least, most)) => format!("values of {least} to {most} blocks"),
        };
        let operations = plural(self.n_secret_ops() as u64, "operation");
        format!("{}, critical path {path}; {operations}, {widths}", plural(bootstraps, "bootstrap"))
    }
}

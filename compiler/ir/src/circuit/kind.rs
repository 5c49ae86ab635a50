//! Kinds of operations, for whoever counts them.

use super::{Circuit, Op};
use crate::entity::Wire;

/// What an operation is, as people speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An operand, a number, or the opposite of a truth value: nothing is done.
    Free,
    /// A sum of multiples.
    Sum,
    /// A product.
    Product,
    /// A comparison.
    Comparison,
    /// One of two values: a selection, a minimum or a maximum.
    Choice,
    /// Truth values that are gathered.
    Truth,
    /// A shift, or a function of single bits.
    Bits,
    /// An entry of a table.
    LookUp,
}

impl Kind {
    /// Kinds of work, in declaration order.
    pub const WORK: [Kind; 7] = [Kind::Sum, Kind::Product, Kind::Comparison, Kind::Choice, Kind::Truth, Kind::Bits, Kind::LookUp];

    /// Several of them, in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Free => "free",
            Kind::Sum => "sums",
            Kind::Product => "products",
            Kind::Comparison => "comparisons",
            Kind::Choice => "choices",
            Kind::Truth => "truths",
            Kind::Bits => "bits",
            Kind::LookUp => "look-ups",
        }
    }
}

impl Op {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Op::Input(..) | Op::Constant(_) | Op::Not(_) => Kind::Free,
            Op::Sum(..) => Kind::Sum,
            Op::Mul(..) => Kind::Product,
            Op::Compare(..) => Kind::Comparison,
            Op::Select(..) | Op::Min(..) | Op::Max(..) => Kind::Choice,
            Op::Any(_) | Op::All(_) => Kind::Truth,
            Op::Shr(..) | Op::Bits(..) => Kind::Bits,
            Op::Lut(..) => Kind::LookUp,
        }
    }
}

impl Circuit {
    /// How many of some values are ciphertexts that an operation of this kind makes.
    #[must_use]
    pub fn count(&self, kind: Kind, wires: &[Wire]) -> usize {
        wires.iter().filter(|wire| self.nodes[**wire].secret && self.nodes[**wire].op.kind() == kind).count()
    }
}

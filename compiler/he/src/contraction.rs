//! One product of a program as the search sees it: factors with their labels, summed over the labels that the result does not have.

use crate::program::Label;
use ein_ir::packed::layout::axis_bits;

/// A sum over a product. Labels are numbered from 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contraction {
    /// Every label with its size.
    pub(crate) labels: Vec<Label>,
    /// The factors.
    pub(crate) operands: Vec<Operand>,
    /// Labels of the result, each once.
    pub(crate) output: Vec<u8>,
}

/// A factor of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// As the user wrote it.
    pub name: String,
    /// Which tensor of the program it is.
    pub tensor: usize,
    /// One an axis, in order.
    pub axes: Vec<Axis>,
    /// Whether it is encrypted.
    pub secret: bool,
}

/// An axis of an operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its size.
    pub size: u64,
    /// What reads it.
    pub subscript: Subscript,
}

/// What reads an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscript {
    /// A label of the axis's size; one that stands twice in an operand reads a diagonal.
    Label(u8),
    /// Always this position: of an axis of size 1, or of a slice.
    Fixed(u64),
    /// A sum of labels with coefficients, and an offset; within the axis for all positions of the labels.
    Linear {
        /// Each label once.
        terms: Vec<(u8, i64)>,
        /// Where all labels are 0.
        offset: i64,
    },
    /// The same, and beyond the axis, where there are zeros.
    Padded {
        /// Each label once.
        terms: Vec<(u8, i64)>,
        /// Where all labels are 0.
        offset: i64,
    },
}

impl Subscript {
    /// Labels with their coefficients, and the position where all labels are 0.
    pub(crate) fn linear(&self) -> (Vec<(u8, i64)>, i64) {
        match self {
            Subscript::Label(label) => (vec![(*label, 1)], 0),
            Subscript::Fixed(position) => (Vec::new(), position.cast_signed()),
            Subscript::Linear { terms, offset } | Subscript::Padded { terms, offset } => (terms.clone(), *offset),
        }
    }
}

impl Axis {
    /// The position that is read where the labels are at these; none beyond the axis.
    pub(crate) fn position(&self, at: &[u64]) -> Option<u64> {
        let (terms, offset) = self.subscript.linear();
        let moved = terms.iter().fold(offset, |sum, (label, factor)| sum + factor * at[usize::from(*label)].cast_signed());
        u64::try_from(moved).ok().filter(|position| *position < self.size)
    }
}

impl Operand {
    /// The labels of its axes, in order, those that stand twice twice.
    pub(crate) fn labels(&self) -> impl Iterator<Item = u8> + '_ {
        self.axes.iter().flat_map(|axis| axis.subscript.linear().0).map(|(label, _)| label)
    }

    /// Whether a label takes part.
    pub(crate) fn reads(&self, label: u8) -> bool {
        self.labels().any(|other| other == label)
    }

    /// Sizes of its axes.
    pub(crate) fn shape(&self) -> Vec<u64> {
        self.axes.iter().map(|axis| axis.size).collect()
    }

    /// Whether every axis has a label of its own, or one position only.
    pub(crate) fn is_plain(&self) -> bool {
        let labels: Vec<u8> = self.labels().collect();
        let distinct = labels.iter().enumerate().all(|(n, label)| !labels[..n].contains(label));
        distinct && !self.is_sliced()
    }

    /// Whether it is read beyond its axes.
    pub(crate) fn is_padded(&self) -> bool {
        self.axes.iter().any(|axis| matches!(axis.subscript, Subscript::Padded { .. }))
    }

    /// Whether an axis is read by other than a label.
    pub(crate) fn is_sliced(&self) -> bool {
        self.is_padded() || self.axes.iter().any(|axis| axis.size > 1 && !matches!(axis.subscript, Subscript::Label(_)))
    }
}

impl Contraction {
    /// How many bits number the positions of a label.
    pub(crate) fn bits(&self, label: u8) -> u8 {
        axis_bits(self.labels[usize::from(label)].size)
    }

    /// All operands, as bits.
    pub(crate) fn all(&self) -> u32 {
        (1_u32 << self.operands.len()) - 1
    }

    /// A set of operands as bits; their labels, as bits. Labels of one position are left out: there is nothing to place.
    pub(crate) fn labels_of(&self, operands: u32) -> u64 {
        let chosen = self.operands.iter().enumerate().filter(|(n, _)| operands >> n & 1 == 1);
        chosen.flat_map(|(_, operand)| operand.labels()).filter(|&label| self.bits(label) > 0).fold(0, |all, label| all | 1 << label)
    }

    /// The labels that a product of these operands keeps once summed: those of the result and of the other operands.
    pub(crate) fn kept_of(&self, operands: u32) -> u64 {
        let others = self.labels_of(!operands);
        let output = self.output.iter().fold(0, |all, &label| all | 1 << label);
        self.labels_of(operands) & (others | output)
    }

    /// Whether none of these operands is encrypted.
    pub(crate) fn is_public(&self, operands: u32) -> bool {
        self.operands.iter().enumerate().all(|(n, operand)| operands >> n & 1 == 0 || !operand.secret)
    }
}

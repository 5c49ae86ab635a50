//! What is planned: a sum over a product of secret and public operands.

use ein_ir::packed::layout::axis_bits;

/// A sum over a product. Labels are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contraction {
    /// Every label with its size.
    pub labels: Vec<Label>,
    /// The factors.
    pub operands: Vec<Operand>,
    /// Labels of the result, each once, in the order of its axes.
    pub output: Vec<u8>,
}

/// An index of a contraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// As the user wrote it.
    pub name: String,
    /// How many positions it has.
    pub size: u64,
}

/// A factor of a contraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// As the user wrote it.
    pub name: String,
    /// One an axis, in order.
    pub axes: Vec<Axis>,
    /// Whether it is encrypted.
    pub secret: bool,
}

/// An axis of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its size.
    pub size: u64,
    /// What reads it.
    pub subscript: Subscript,
}

/// What reads an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscript {
    /// A label of the axis's size; one that stands twice in an operand reads a diagonal.
    Label(u8),
    /// Always this position: of an axis of size 1, or of a slice.
    Fixed(u64),
}

impl Operand {
    /// The labels of its axes, in order, those that stand twice twice.
    pub fn labels(&self) -> impl Iterator<Item = u8> + '_ {
        self.axes.iter().filter_map(|axis| match axis.subscript {
            Subscript::Label(label) => Some(label),
            Subscript::Fixed(_) => None,
        })
    }

    /// Sizes of its axes.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.axes.iter().map(|axis| axis.size).collect()
    }

    /// Whether every axis has a label of its own, or one position only.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let labels: Vec<u8> = self.labels().collect();
        let distinct = labels.iter().enumerate().all(|(n, label)| !labels[..n].contains(label));
        distinct && self.axes.iter().all(|axis| axis.size == 1 || matches!(axis.subscript, Subscript::Label(_)))
    }
}

impl Contraction {
    /// How many bits number the positions of a label.
    #[must_use]
    pub fn bits(&self, label: u8) -> u8 {
        axis_bits(self.labels[usize::from(label)].size)
    }

    /// A set of operands as bits; their labels, as bits. Labels of one position are left out: there is nothing to place.
    #[must_use]
    pub fn labels_of(&self, operands: u32) -> u64 {
        let chosen = self.operands.iter().enumerate().filter(|(n, _)| operands >> n & 1 == 1);
        chosen.flat_map(|(_, operand)| operand.labels()).filter(|&label| self.bits(label) > 0).fold(0, |all, label| all | 1 << label)
    }

    /// The labels that a product of these operands keeps once summed: those of the result and of the other operands.
    #[must_use]
    pub fn kept_of(&self, operands: u32) -> u64 {
        let others = self.labels_of(!operands);
        let output = self.output.iter().fold(0, |all, &label| all | 1 << label);
        self.labels_of(operands) & (others | output)
    }

    /// Whether none of these operands is encrypted.
    #[must_use]
    pub fn is_public(&self, operands: u32) -> bool {
        self.operands.iter().enumerate().all(|(n, operand)| operands >> n & 1 == 0 || !operand.secret)
    }
}

//! Where the labels of a value are while a plan is searched for.

use ein_ir::packed::layout::AddressBit;
use std::collections::BTreeMap;

/// What each address bit of a value stands for, slots first, then ciphertexts; an axis is a label. Bits beyond the last are
/// [`AddressBit::Rep`]: the value has fewer ciphertexts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Packing {
    pub(crate) bits: Vec<AddressBit>,
}

/// A bit of the position along a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LabelBit {
    pub(crate) label: u8,
    pub(crate) bit: u8,
}

impl Packing {
    /// What a bit stands for.
    pub(crate) fn at(&self, position: usize) -> AddressBit {
        self.bits.get(position).copied().unwrap_or(AddressBit::Rep)
    }

    /// Says what a bit stands for.
    pub(crate) fn set(&mut self, position: usize, bit: AddressBit) {
        if position >= self.bits.len() {
            self.bits.resize(position + 1, AddressBit::Rep);
        }
        self.bits[position] = bit;
    }

    /// Where each bit of each label is.
    pub(crate) fn positions(&self) -> BTreeMap<LabelBit, usize> {
        let labelled = self.bits.iter().enumerate().filter_map(|(position, bit)| Some((LabelBit::of(*bit)?, position)));
        labelled.collect()
    }

    /// With other numbers for its labels.
    pub(crate) fn relabelled(&self, number: impl Fn(u8) -> u8) -> Self {
        let relabel =
            |bit: &AddressBit| LabelBit::of(*bit).map_or(*bit, |LabelBit { label, bit }| LabelBit { label: number(label), bit }.address());
        Self { bits: self.bits.iter().map(relabel).collect() }
    }

    /// Positions of ciphertext bits that stand for a label, lowest first.
    pub(crate) fn chunk_positions(&self, log_slots: usize) -> Vec<usize> {
        (log_slots..self.bits.len()).filter(|&p| LabelBit::of(self.bits[p]).is_some()).collect()
    }
}

impl LabelBit {
    /// The label bit that an address bit stands for, if any.
    pub(crate) const fn of(bit: AddressBit) -> Option<Self> {
        match bit {
            AddressBit::Axis { axis, bit } => Some(Self { label: axis, bit }),
            AddressBit::Rep | AddressBit::Zero | AddressBit::Junk => None,
        }
    }

    /// As an address bit.
    pub(crate) const fn address(self) -> AddressBit {
        AddressBit::Axis { axis: self.label, bit: self.bit }
    }
}

//! Where the labels of a value are while a plan is searched for.

use ein_ir::packed::layout::AddressBit;

/// What each address bit of a value stands for, slots first, then ciphertexts; an axis is a label. Bits beyond the last are
/// [`AddressBit::Rep`]: the value has fewer ciphertexts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Packing {
    pub(crate) bits: Vec<AddressBit>,
    /// Slots by which every ciphertext is turned to the right: what is said of slot `s` is at `s + offset`.
    pub(crate) offset: u32,
    /// Labels, as bits, of which positions beyond the size hold anything; of the others they hold zero.
    pub(crate) junk: u64,
}

/// A bit of the position along a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LabelBit {
    pub(crate) label: u8,
    pub(crate) bit: u8,
}

impl Packing {
    /// From slot 0, with zeros beyond the sizes.
    pub(crate) const fn of(bits: Vec<AddressBit>) -> Self {
        Self { bits, offset: 0, junk: 0 }
    }

    /// The labels of which positions beyond the size hold anything, in order.
    pub(crate) fn junk_axes(&self) -> Vec<u8> {
        (0..64).filter(|label| self.junk >> label & 1 == 1).collect()
    }

    /// Whether some slots hold anything.
    pub(crate) fn has_junk(&self) -> bool {
        self.junk != 0 || self.bits.contains(&AddressBit::Junk)
    }

    /// Whether what is unknown gets into what is known where slots are shifted by this bit: a carry reaches all bits from there on.
    pub(crate) fn is_disturbed_from(&self, position: usize) -> bool {
        let is_junk = |bit: &AddressBit| *bit == AddressBit::Junk || LabelBit::of(*bit).is_some_and(|bit| self.junk >> bit.label & 1 == 1);
        self.bits.iter().skip(position).any(is_junk)
    }

    /// The slots by which its ciphertexts are to be rotated to the left to have another offset.
    pub(crate) const fn turn_to(&self, offset: u32, log_slots: usize) -> u32 {
        self.offset.wrapping_sub(offset) & ((1 << log_slots) - 1)
    }

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
    pub(crate) fn positions(&self) -> Positions {
        let mut of = Vec::with_capacity(self.bits.len());
        of.extend(self.bits.iter().enumerate().filter_map(|(position, bit)| Some((LabelBit::of(*bit)?, position))));
        of.sort_unstable();
        Positions { of }
    }

    /// With other numbers for its labels.
    pub(crate) fn relabelled(&self, number: impl Fn(u8) -> u8) -> Self {
        let relabel =
            |bit: &AddressBit| LabelBit::of(*bit).map_or(*bit, |LabelBit { label, bit }| LabelBit { label: number(label), bit }.address());
        let junk = (0..64).filter(|label| self.junk >> label & 1 == 1).fold(0, |all, label| all | 1 << number(label));
        Self { bits: self.bits.iter().map(relabel).collect(), offset: self.offset, junk }
    }

    /// Positions of ciphertext bits that stand for a label, lowest first.
    pub(crate) fn chunk_positions(&self, log_slots: usize) -> Vec<usize> {
        (log_slots..self.bits.len()).filter(|&p| LabelBit::of(self.bits[p]).is_some()).collect()
    }
}

/// Where bits of labels are, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Positions {
    of: Vec<(LabelBit, usize)>,
}

impl Positions {
    pub(crate) fn get(&self, bit: &LabelBit) -> Option<&usize> {
        self.of.binary_search_by(|(other, _)| other.cmp(bit)).ok().map(|n| &self.of[n].1)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = LabelBit> {
        self.of.iter().map(|(bit, _)| *bit)
    }
}

impl std::ops::Index<&LabelBit> for Positions {
    type Output = usize;

    fn index(&self, bit: &LabelBit) -> &usize {
        self.get(bit).expect("every bit of a label that is there has a place")
    }
}

impl IntoIterator for Positions {
    type Item = (LabelBit, usize);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.of.into_iter()
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

//! Layouts: which slot of which ciphertext holds which element of a tensor.
//!
//! An *address* is `chunk * n + slot`. Each of its bits stands for a bit of an axis (an axis of size `2^k`, or padded to that, has
//! `k`), or is free, and then says what the value is where that bit is 1. Row major, tiles, interleaving, replication and gaps are
//! all of this form; diagonals have a [`Roll`] besides, and what begins elsewhere than at slot 0 (a part of a tensor, say) an offset.

#[cfg(test)]
mod tests;

/// A packing of a tensor of shape `shape` into ciphertexts of `n` slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Sizes of the axes.
    pub shape: Vec<u64>,
    /// What each bit of the slot number stands for, the least first: `log2 n` of them.
    pub slots: Vec<AddressBit>,
    /// What each bit of the number of the ciphertext stands for, the least first.
    pub chunks: Vec<AddressBit>,
    /// Fields that are read off by another; applied in order.
    pub rolls: Vec<Roll>,
    /// Slots by which every ciphertext is turned: what an address says of slot `s` is at slot `(s + offset) mod n`.
    pub offset: u32,
    /// Axes of which the addresses of positions beyond the size hold anything, in order; those of other axes hold zero.
    pub junk_padding: Vec<u8>,
}

/// What one bit of an address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressBit {
    /// Bit `bit` of the position along axis `axis`. No two bits of a layout stand for the same.
    Axis {
        /// The axis.
        axis: u8,
        /// Its bit, the least is 0.
        bit: u8,
    },
    /// The value does not depend on it.
    Rep,
    /// The value is 0 unless the bit is 0.
    Zero,
    /// Nothing is known of the value unless the bit is 0.
    Junk,
}

/// Bits `lo .. lo + len` of the position along an axis, as a number below `2^len`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piece {
    /// The axis.
    pub axis: u8,
    /// Its lowest bit in the piece.
    pub lo: u8,
    /// How many bits.
    pub len: u8,
}

/// Where the address says `p` for `piece` and `q` for `by`, the element is at `(p + q) mod 2^len` of `piece`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Roll {
    /// What is read further along.
    pub piece: Piece,
    /// By how much.
    pub by: Piece,
}

/// For `t` in `0..count`: slot `(slot + t * dslot) mod n` of ciphertext `chunk` holds the element `flat + t * dflat` of the row-major
/// tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the sentence above names each")]
pub struct Segment {
    pub chunk: u32,
    pub slot: u32,
    pub dslot: u32,
    pub flat: u64,
    pub dflat: i64,
    pub count: u32,
}

/// What an address holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The element with this row-major position.
    Element(u64),
    /// Zero.
    Zero,
    /// Anything.
    Junk,
}

/// Bits that number the positions along an axis of this size: `ceil(log2 size)`.
#[must_use]
pub const fn axis_bits(size: u64) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
    let bits = (64 - size.saturating_sub(1).leading_zeros()) as u8;
    bits
}

impl Layout {
    /// Row major from address 0, each axis padded to a power of two, zero elsewhere; over several ciphertexts where one is too small.
    #[must_use]
    pub fn row_major(shape: &[u64], log_slots: u32) -> Self {
        let mut bits = Vec::new();
        for (axis, &size) in (0_u8..=u8::MAX).zip(shape).collect::<Vec<_>>().into_iter().rev() {
            bits.extend((0..axis_bits(size)).map(|bit| AddressBit::Axis { axis, bit }));
        }
        let at = bits.len().min(log_slots as usize);
        let chunks = bits.split_off(at);
        bits.resize(log_slots as usize, AddressBit::Zero);
        Self { shape: shape.to_vec(), slots: bits, chunks, ..Self::default() }
    }

    /// How many ciphertexts it takes.
    #[must_use]
    pub fn n_chunks(&self) -> u32 {
        1 << self.chunks.len()
    }

    /// What each bit of an address stands for, the least first.
    pub fn bits(&self) -> impl Iterator<Item = AddressBit> + '_ {
        self.slots.iter().chain(&self.chunks).copied()
    }

    /// Whether an element has more than one address.
    #[must_use]
    pub fn is_replicated(&self) -> bool {
        self.bits().any(|bit| bit == AddressBit::Rep)
    }

    /// What is at an address below `n_chunks * n`.
    #[must_use]
    pub fn content(&self, address: u64) -> Content {
        Walk::of(self).content(address)
    }

    /// What is at each slot of a ciphertext, in order.
    pub fn contents(&self, chunk: u32) -> impl Iterator<Item = Content> + '_ {
        let n = 1_u64 << self.slots.len();
        let mut walk = Walk::of(self);
        (u64::from(chunk) * n..(u64::from(chunk) + 1) * n).map(move |address| walk.content(address))
    }

    /// The same in runs, in order.
    pub fn runs(&self, chunk: u32) -> impl Iterator<Item = ContentRun> + '_ {
        let n = 1_u64 << self.slots.len();
        let field = Field::lowest(self);
        let (first, mut slot) = (u64::from(chunk) * n, 0);
        let mut walk = Walk::of(self);
        std::iter::from_fn(move || {
            if slot == n {
                return None;
            }
            let content = walk.content(first + slot);
            let whole = field.count > 1 && slot.is_multiple_of(field.count) && field.is_uniform(self, &walk);
            let count = if whole { field.count } else { 1 };
            let run = ContentRun { slot, count, content, dflat: if count == 1 { 0 } else { field.dflat } };
            slot += count;
            Some(run)
        })
    }

    /// Whether a ciphertext holds an element at all: of an axis that is padded, some may not.
    #[must_use]
    pub fn holds_element(&self, chunk: u32) -> bool {
        self.contents(chunk).any(|content| matches!(content, Content::Element(_)))
    }

    fn element(&self, position: &[u64]) -> Content {
        let mut flat = Some(0);
        for ((&p, &size), axis) in position.iter().zip(&self.shape).zip(0_u8..) {
            if p >= size && self.junk_padding.contains(&axis) {
                return Content::Junk;
            }
            flat = flat.filter(|_| p < size).map(|flat| flat * size + p);
        }
        flat.map_or(Content::Zero, Content::Element)
    }

    /// The addresses of all elements as runs, by address.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment> {
        let mut segments = Segments::default();
        for chunk in 0..self.n_chunks() {
            for run in self.runs(chunk) {
                if let (Content::Element(flat), Ok(slot)) = (run.content, u32::try_from(run.slot)) {
                    let count = u32::try_from(run.count).unwrap_or(u32::MAX);
                    segments.push_run(Segment { chunk, slot, dslot: 1, flat, dflat: run.dflat.cast_signed(), count });
                }
            }
        }
        segments.finish()
    }
}

/// Slots next to each other that hold the same kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRun {
    /// The first.
    pub slot: u64,
    /// How many.
    pub count: u64,
    /// What is at the first.
    pub content: Content,
    /// Elements that each is further on than the one before.
    pub dflat: u64,
}

/// The lowest bits of the slot number as far as they number positions along one axis.
struct Field {
    axis: usize,
    count: u64,
    /// What the last of them adds to the position.
    reach: u64,
    dflat: u64,
}

impl Field {
    fn lowest(layout: &Layout) -> Self {
        let none = Self { axis: 0, count: 1, reach: 0, dflat: 0 };
        let Some(AddressBit::Axis { axis, bit: lo }) = layout.slots.first().filter(|_| layout.rolls.is_empty()) else { return none };
        let goes_on = |(n, bit): (u8, &AddressBit)| matches!(bit, AddressBit::Axis { axis: other, bit } if other == axis && *bit == lo + n);
        let run = (0..).zip(&layout.slots).take_while(|&pair| goes_on(pair)).count();
        let count = 1 << run.min(layout.offset.trailing_zeros() as usize);
        let axis = usize::from(*axis);
        let stride = layout.shape[axis + 1..].iter().fold(1, |stride: u64, size| stride.saturating_mul(*size));
        Self { axis, count, reach: (count - 1) << lo, dflat: stride.wrapping_shl((*lo).into()) }
    }

    /// Whether the positions from where a walk is on are all within the size, or none is.
    fn is_uniform(&self, layout: &Layout, walk: &Walk<'_>) -> bool {
        let (first, size) = (walk.position[self.axis], layout.shape[self.axis]);
        first >= size || first + self.reach < size
    }
}

/// Contents of one address after the other: of an address that is near the last one few bits are new.
struct Walk<'a> {
    layout: &'a Layout,
    /// The last address, as it is without the offset.
    at: u64,
    /// Where it is along each axis, before rolls.
    position: Vec<u64>,
    /// Memory for the same after them.
    rolled: Vec<u64>,
    zero: u64,
    junk: u64,
}

impl<'a> Walk<'a> {
    fn of(layout: &'a Layout) -> Self {
        let all = |wanted: AddressBit| layout.bits().zip(0..).filter(|(bit, _)| *bit == wanted).fold(0, |all, (_, at)| all | 1_u64 << at);
        let position = vec![0; layout.shape.len()];
        Self { layout, at: 0, rolled: position.clone(), position, zero: all(AddressBit::Zero), junk: all(AddressBit::Junk) }
    }

    fn content(&mut self, address: u64) -> Content {
        self.go_to(address);
        let element = if self.layout.rolls.is_empty() {
            self.layout.element(&self.position)
        } else {
            self.rolled.copy_from_slice(&self.position);
            self.layout.rolls.iter().for_each(|roll| roll.apply(&mut self.rolled));
            self.layout.element(&self.rolled)
        };
        // Junk times zero is junk: a zero that holds only where the junk is not is none.
        match element {
            _ if self.at & self.junk != 0 => Content::Junk,
            Content::Element(_) if self.at & self.zero != 0 => Content::Zero,
            content => content,
        }
    }

    fn go_to(&mut self, address: u64) {
        let (n, layout) = (1_u64 << self.layout.slots.len(), self.layout);
        let address = address & !(n - 1) | address.wrapping_sub(u64::from(layout.offset)) & (n - 1);
        let mut changed = address ^ self.at;
        self.at = address;
        while changed != 0 {
            let at = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            let bit = layout.slots.get(at).or_else(|| layout.chunks.get(at - layout.slots.len()));
            if let Some(AddressBit::Axis { axis, bit }) = bit {
                self.position[usize::from(*axis)] ^= 1 << bit;
            }
        }
    }
}

impl Piece {
    const fn read(self, position: &[u64]) -> u64 {
        position[self.axis as usize] >> self.lo & ((1 << self.len) - 1)
    }
}

impl Roll {
    fn apply(self, position: &mut [u64]) {
        let modulus = (1_u64 << self.piece.len) - 1;
        let value = (self.piece.read(position) + self.by.read(position)) & modulus;
        let axis = &mut position[usize::from(self.piece.axis)];
        *axis = *axis & !(modulus << self.piece.lo) | value << self.piece.lo;
    }
}

/// Joins single elements to runs, greedily and in order.
#[derive(Debug, Default)]
pub struct Segments {
    done: Vec<Segment>,
}

impl Segments {
    /// The element `flat` is at `slot` of `chunk`.
    pub fn push(&mut self, chunk: u32, slot: u32, flat: u64) {
        if let Some(last) = self.done.last_mut()
            && last.extend(chunk, slot, flat)
        {
            return;
        }
        self.done.push(Segment { chunk, slot, dslot: 0, flat, dflat: 0, count: 1 });
    }

    /// The same as each element of a run whose slots rise.
    pub fn push_run(&mut self, run: Segment) {
        let mut pushed = 0;
        // Two of them say how a run goes on.
        while pushed < run.count.min(2) || pushed < run.count && !self.goes_on(&run) {
            let flat = run.flat.wrapping_add_signed(run.dflat * i64::from(pushed));
            self.push(run.chunk, run.slot + run.dslot * pushed, flat);
            pushed += 1;
        }
        if let Some(last) = self.done.last_mut() {
            last.count += run.count - pushed;
        }
    }

    /// Whether what follows the last element is as far from it as elements of a run are apart.
    fn goes_on(&self, run: &Segment) -> bool {
        self.done.last().is_some_and(|last| last.count > 1 && (last.dslot, last.dflat) == (run.dslot, run.dflat))
    }

    /// The runs.
    #[must_use]
    pub fn finish(self) -> Vec<Segment> {
        self.done
    }
}

impl Segment {
    /// Takes the element in if it goes on with the run; slots must not fall.
    fn extend(&mut self, chunk: u32, slot: u32, flat: u64) -> bool {
        let (Some(dslot), Ok(flat), Ok(first)) = (slot.checked_sub(self.slot), i64::try_from(flat), i64::try_from(self.flat)) else {
            return false;
        };
        if chunk != self.chunk {
            return false;
        }
        if self.count == 1 {
            (self.dslot, self.dflat) = (dslot, flat - first);
        }
        let goes_on = dslot == self.dslot * self.count && flat - first == self.dflat * i64::from(self.count);
        self.count += u32::from(goes_on);
        goes_on
    }
}

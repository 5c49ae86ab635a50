//! Writes packed operations; equal ones are written once.

use ein_ir::entity::{Ciphertext, Plain, Public, SecondaryMap};
use ein_ir::packed::layout::Segments;
use ein_ir::packed::{Layout, Op, Packed, PlainDecl, PlainValues, Run, Segment};
use rustc_hash::FxHashMap as HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an operation was first written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maker {
    /// The tensor that it helps to make.
    pub tensor: Option<usize>,
    /// What it does for that, as a number of [`Makers::purposes`].
    pub purpose: Option<usize>,
}

impl Maker {
    /// For a tensor, and nothing said about it yet.
    pub(crate) const fn of(tensor: usize) -> Self {
        Self { tensor: Some(tensor), purpose: None }
    }
}

/// For which tensors of a program its operations are, and what they do for them.
#[derive(Clone, Debug, Default)]
pub struct Makers {
    /// Of each operation.
    pub of: SecondaryMap<Ciphertext, Maker>,
    /// What operations do, in words: `sum over k`.
    pub purposes: Vec<String>,
    /// Ciphertexts that hold elements of a tensor, and the tensor.
    pub held: Vec<(Ciphertext, usize)>,
    /// Of those with slots that may hold anything, which slots these are: how the tensor is laid out, and which of its ciphertexts this is.
    pub junk: BTreeMap<(Ciphertext, usize), (Arc<Layout>, u32)>,
    /// Arguments of polynomials, and Chebyshev polynomials of them: all in -1..1.
    pub unit: Vec<Ciphertext>,
    /// Polynomials that are computed.
    pub series: Vec<Series>,
}

/// A ciphertext that is a polynomial of another one, in every slot.
#[derive(Clone, Debug)]
pub struct Series {
    /// The polynomial.
    pub result: Ciphertext,
    /// What it is of.
    pub argument: Ciphertext,
    /// The tensor that it is for.
    pub tensor: usize,
    /// Slots that have no element: there it is made zero later.
    pub empty: Vec<Run>,
}

impl Makers {
    /// The same of operations that were renamed.
    pub(crate) fn renamed(&self, of: SecondaryMap<Ciphertext, Maker>, to: impl Fn(Ciphertext) -> Ciphertext) -> Self {
        let series = |series: &Series| Series { result: to(series.result), argument: to(series.argument), ..series.clone() };
        Self {
            of,
            purposes: self.purposes.clone(),
            held: self.held.iter().map(|&(x, tensor)| (to(x), tensor)).collect(),
            junk: self.junk.iter().map(|(&(x, tensor), layout)| ((to(x), tensor), layout.clone())).collect(),
            unit: self.unit.iter().map(|&x| to(x)).collect(),
            series: self.series.iter().map(series).collect(),
        }
    }
}

/// A packed program in the making.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub(crate) packed: Packed,
    /// What operations are written for now.
    pub(crate) maker: Maker,
    pub(crate) makers: Makers,
    ops: HashMap<Op, Ciphertext>,
    constants: HashMap<(u64, Vec<Run>), Plain>,
    elements: HashMap<(Public, Vec<Segment>), Plain>,
}

impl Builder {
    pub(crate) fn new(slots: u32) -> Self {
        Self { packed: Packed { slots, ..Packed::default() }, ..Self::default() }
    }

    pub(crate) fn op(&mut self, op: Op) -> Ciphertext {
        if let Some(&there) = self.ops.get(&op) {
            return there;
        }
        let id = self.packed.ops.push(op);
        self.makers.of[id] = self.maker;
        self.ops.insert(op, id);
        id
    }

    /// Says what the next operations do.
    pub(crate) fn purpose(&mut self, words: String) {
        let purposes = &mut self.makers.purposes;
        let there = purposes.iter().position(|purpose| *purpose == words);
        self.maker.purpose = Some(there.unwrap_or_else(|| {
            purposes.push(words);
            purposes.len() - 1
        }));
    }

    /// `x` rotated to the left by any number of slots.
    pub(crate) fn rotate(&mut self, x: Ciphertext, by: i64) -> Ciphertext {
        let by = u32::try_from(by.rem_euclid(i64::from(self.packed.slots))).expect("below the number of slots");
        if by == 0 { x } else { self.op(Op::Rotate { x, by }) }
    }

    /// The sum of what is there.
    pub(crate) fn sum(&mut self, terms: impl IntoIterator<Item = Ciphertext>) -> Option<Ciphertext> {
        terms.into_iter().reduce(|sum, term| self.op(Op::Add(sum, term)))
    }

    /// A plaintext that is a number in these slots, which are sorted.
    pub(crate) fn constant(&mut self, number: f64, slots: &[u32]) -> Plain {
        let key = (number.to_bits(), runs(slots));
        if let Some(&there) = self.constants.get(&key) {
            return there;
        }
        let plain = self.packed.plains.push(PlainDecl { values: PlainValues::Constant(number, key.1.clone()) });
        self.constants.insert(key, plain);
        plain
    }

    /// A plaintext of elements of a public tensor, in runs of which no two share a slot.
    pub(crate) fn elements(&mut self, public: Public, parts: Vec<Segment>) -> Plain {
        let key = (public, joined(parts));
        if let Some(&there) = self.elements.get(&key) {
            return there;
        }
        let plain = self.packed.plains.push(PlainDecl { values: PlainValues::Elements(public, key.1.clone()) });
        self.elements.insert(key, plain);
        plain
    }

    /// A ciphertext of zeros.
    pub(crate) fn zero(&mut self) -> Ciphertext {
        let input = self.packed.inputs.keys().next().expect("a program has a secret input");
        let x = self.op(Op::Input { input, chunk: 0 });
        self.op(Op::Sub(x, x))
    }

    /// Only these slots, which are sorted, times a number.
    pub(crate) fn scaled_mask(&mut self, x: Ciphertext, number: f64, slots: &[u32]) -> Ciphertext {
        if number == 1.0 {
            return self.mask(x, slots);
        }
        let plain = self.constant(number, slots);
        self.op(Op::MulPlain(x, plain))
    }

    /// Only these slots, which are sorted.
    pub(crate) fn mask(&mut self, x: Ciphertext, slots: &[u32]) -> Ciphertext {
        if slots.len() == self.packed.slots as usize {
            return x;
        }
        let ones = self.constant(1.0, slots);
        self.op(Op::Mask(x, ones))
    }
}

/// Sorted slots as runs.
pub(crate) fn runs(slots: &[u32]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for &slot in slots {
        match runs.last_mut() {
            Some(run) if run.count == 1 => {
                run.dslot = slot - run.slot;
                run.count = 2;
            }
            Some(run) if slot == run.slot + run.dslot * run.count => run.count += 1,
            Some(_) | None => runs.push(Run { slot, dslot: 0, count: 1 }),
        }
    }
    runs
}

/// Runs of elements whose slots rise, as the elements of all of them are joined by slot.
pub(crate) fn joined(mut parts: Vec<Segment>) -> Vec<Segment> {
    parts.sort_unstable();
    if !are_apart(&parts) {
        return segments(parts.iter().flat_map(elements_of).collect());
    }
    let mut segments = Segments::default();
    parts.into_iter().for_each(|part| segments.push_run(part));
    segments.finish()
}

/// Whether each of these runs, which are sorted, rises and ends before the next begins.
pub(crate) fn are_apart(sorted: &[Segment]) -> bool {
    let rises = |run: &Segment| run.count == 1 || run.dslot > 0;
    sorted.iter().all(rises) && sorted.windows(2).all(|pair| pair[0].slot + pair[0].dslot * (pair[0].count - 1) < pair[1].slot)
}

/// The elements of a run whose slots rise, each with its slot.
pub(crate) fn elements_of(run: &Segment) -> impl Iterator<Item = (u32, u64)> + use<> {
    let Segment { slot, dslot, flat, dflat, count, .. } = *run;
    (0..count).map(move |t| (slot + dslot * t, flat.wrapping_add_signed(dflat * i64::from(t))))
}

/// Elements as segments, by slot.
pub(crate) fn segments(mut elements: Vec<(u32, u64)>) -> Vec<Segment> {
    elements.sort_unstable();
    let mut segments = Segments::default();
    elements.into_iter().for_each(|(slot, flat)| segments.push(0, slot, flat));
    segments.finish()
}

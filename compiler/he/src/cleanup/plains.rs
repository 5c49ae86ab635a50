//! Plaintexts by number, and those that are made of them: rotated, multiplied by one another, or added where they share no slot.

use crate::builder::{runs, segments};
use ein_ir::entity::{Plain, Public};
use ein_ir::packed::{Packed, PlainDecl, PlainValues, Run, Segment};
use rustc_hash::FxHashMap as HashMap;

/// Slots that are looked at in making plaintexts, at most.
const MAX_SLOTS: usize = 1 << 22;

/// The plaintexts of a plan, and more.
pub(super) struct Plains<'a> {
    packed: &'a Packed,
    made: Vec<PlainDecl>,
    numbers: HashMap<Values, u32>,
    rotated: HashMap<(u32, u32), Option<u32>>,
    products: HashMap<(u32, u32), Option<u32>>,
    sums: HashMap<(u32, u32), Option<u32>>,
    /// Slots that may still be looked at.
    left: usize,
}

/// What a plaintext holds; equal ones have one number.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Values {
    Constant(u64, Vec<Run>),
    Elements(Public, Vec<Segment>),
}

/// The same, slot by slot.
enum Listed {
    Constant(f64, Vec<u32>),
    Elements(Public, Vec<(u32, u64)>),
}

impl<'a> Plains<'a> {
    pub(super) fn of(packed: &'a Packed) -> Self {
        let mut plains = Self {
            packed,
            made: Vec::new(),
            numbers: HashMap::default(),
            rotated: HashMap::default(),
            products: HashMap::default(),
            sums: HashMap::default(),
            left: MAX_SLOTS,
        };
        for (id, plain) in &packed.plains {
            plains.numbers.entry(values(plain)).or_insert(id.as_u32());
        }
        plains
    }

    pub(super) fn get(&self, plain: u32) -> &PlainDecl {
        let given = self.packed.plains.len();
        if (plain as usize) < given { &self.packed.plains[Plain::from_u32(plain)] } else { &self.made[plain as usize - given] }
    }

    /// Whether it is 1 everywhere.
    pub(super) fn is_one(&self, plain: u32) -> bool {
        let plain = self.get(plain);
        plain.is_mask() && n_slots(plain) == self.packed.slots as usize
    }

    /// A plaintext rotated to the left; none if too many were made.
    pub(super) fn rotated(&mut self, plain: u32, by: i64) -> Option<u32> {
        let by = u32::try_from(by.rem_euclid(i64::from(self.packed.slots))).ok()?;
        if by == 0 {
            return Some(plain);
        }
        if let Some(&there) = self.rotated.get(&(plain, by)) {
            return there;
        }
        let n = self.packed.slots;
        let turned = |slot: u32| (slot + n - by) % n;
        let made = self.listed(plain).and_then(|listed| match listed {
            Listed::Constant(number, slots) => self.constant(number, slots.into_iter().map(turned).collect()),
            Listed::Elements(public, elements) => {
                self.elements(public, elements.into_iter().map(|(slot, flat)| (turned(slot), flat)).collect())
            }
        });
        self.rotated.insert((plain, by), made);
        made
    }

    /// The product of two; none if it is zero, or no exact plaintext.
    pub(super) fn product(&mut self, p: u32, q: u32) -> Option<u32> {
        let key = (p.min(q), p.max(q));
        if let Some(&there) = self.products.get(&key) {
            return there;
        }
        let made = self.listed(p).zip(self.listed(q)).and_then(|pair| match pair {
            (Listed::Constant(a, of), Listed::Constant(b, at)) => exact_product(a, b).and_then(|ab| self.constant(ab, common(of, &at))),
            (Listed::Constant(1.0, mask), Listed::Elements(public, elements))
            | (Listed::Elements(public, elements), Listed::Constant(1.0, mask)) => {
                let inside: Vec<(u32, u64)> = elements.into_iter().filter(|(slot, _)| mask.binary_search(slot).is_ok()).collect();
                self.elements(public, inside)
            }
            _ => None,
        });
        self.products.insert(key, made);
        made
    }

    /// The sum of two; none if they share a slot, or are not of the same numbers.
    pub(super) fn sum(&mut self, p: u32, q: u32) -> Option<u32> {
        let key = (p.min(q), p.max(q));
        if let Some(&there) = self.sums.get(&key) {
            return there;
        }
        let made = self.listed(p).zip(self.listed(q)).and_then(|pair| match pair {
            (Listed::Constant(a, mut of), Listed::Constant(b, at)) if a == b => {
                of.extend(at);
                is_each_once(&mut of).then(|| self.constant(a, of)).flatten()
            }
            (Listed::Elements(a, mut of), Listed::Elements(b, at)) if a == b => {
                of.extend(at);
                let mut slots: Vec<u32> = of.iter().map(|(slot, _)| *slot).collect();
                is_each_once(&mut slots).then(|| self.elements(a, of)).flatten()
            }
            _ => None,
        });
        self.sums.insert(key, made);
        made
    }

    fn listed(&mut self, plain: u32) -> Option<Listed> {
        let (n, slots) = (n_slots(self.get(plain)), self.packed.slots);
        self.left = self.left.checked_sub(n)?;
        Some(match &self.get(plain).values {
            PlainValues::Constant(number, runs) => {
                let mut all: Vec<u32> = runs.iter().flat_map(|run| run.slots(slots)).filter_map(|slot| u32::try_from(slot).ok()).collect();
                all.sort_unstable();
                Listed::Constant(*number, all)
            }
            PlainValues::Elements(public, segments) => {
                let all = segments.iter().flat_map(|segment| segment.elements(slots));
                Listed::Elements(*public, all.filter_map(|(slot, flat)| Some((u32::try_from(slot).ok()?, flat))).collect())
            }
        })
    }

    fn constant(&mut self, number: f64, mut slots: Vec<u32>) -> Option<u32> {
        slots.sort_unstable();
        (!slots.is_empty()).then(|| self.number(PlainDecl { values: PlainValues::Constant(number, runs(&slots)) }))
    }

    fn elements(&mut self, public: Public, elements: Vec<(u32, u64)>) -> Option<u32> {
        (!elements.is_empty()).then(|| self.number(PlainDecl { values: PlainValues::Elements(public, segments(elements)) }))
    }

    fn number(&mut self, plain: PlainDecl) -> u32 {
        let next = u32::try_from(self.packed.plains.len() + self.made.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(values(&plain)).or_insert(next);
        if number == next {
            self.made.push(plain);
        }
        number
    }
}

fn values(plain: &PlainDecl) -> Values {
    match &plain.values {
        PlainValues::Constant(number, runs) => Values::Constant(number.to_bits(), runs.clone()),
        PlainValues::Elements(public, segments) => Values::Elements(*public, segments.clone()),
    }
}

fn n_slots(plain: &PlainDecl) -> usize {
    match &plain.values {
        PlainValues::Constant(_, runs) => runs.iter().map(|run| run.count as usize).sum(),
        PlainValues::Elements(_, segments) => segments.iter().map(|segment| segment.count as usize).sum(),
    }
}

/// The product where it is not rounded.
fn exact_product(a: f64, b: f64) -> Option<f64> {
    let product = a * b;
    (product.is_normal() && a.mul_add(b, -product) == 0.0).then_some(product)
}

fn common(of: Vec<u32>, sorted: &[u32]) -> Vec<u32> {
    of.into_iter().filter(|slot| sorted.binary_search(slot).is_ok()).collect()
}

/// Sorts slots, and says whether there is none twice.
fn is_each_once(slots: &mut [u32]) -> bool {
    slots.sort_unstable();
    slots.windows(2).all(|pair| pair[0] != pair[1])
}

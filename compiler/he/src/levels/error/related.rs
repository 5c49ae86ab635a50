//! How values are related slot by slot: what is divided by a sum is no larger than a weight times that sum, and a reciprocal of the sum
//! no farther off than it may be as a part of itself.
//!
//! `sum(e v) / sum(e)`, of positive `e`, is a mean of `v`. As a product of a sum and a reciprocal it may be as large as the largest sum times the
//! largest reciprocal, and its error too, although there is no such place. So a value carries its *gauge*: a sum of positive elements, by its
//! [`Residue`], which times a *weight* is no less than the value. A reciprocal carries what it and its errors are times what it is the reciprocal
//! of. Where the first is the second, or a part of it ([`Parts`]), the product is bounded by weights.
//!
//! `x / sqrt(sum(x x))` is a part of a root in the same way: what is squared somewhere carries its own square as a gauge of its root.

use super::alike::Alike;
use super::operands::{Facts, plain_ranges};
use super::parts::{Lookup, Parts};
use super::residue::Residue;
use super::slots::{Slot, Slots};
use super::sources::{Sources, scaled};
use ein_ir::entity::{Ciphertext, EntityRef, Plain};
use ein_ir::packed::layout::Content;
use ein_ir::packed::{Op, Packed, PlainValues};
use std::cell::RefCell;
use std::rc::Rc;

/// A positive sum and the weight with which it is no less than a value.
type Gauge = Option<(Residue, f64)>;

/// What is known of the slots of a value beside others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relations {
    /// What each slot holds.
    pub(crate) residues: Rc<Vec<Residue>>,
    gauges: Rc<Vec<Gauge>>,
    /// Squares and the weights with which their roots are no less than a value; empty if there are none.
    roots: Rc<Vec<Gauge>>,
    inverse: Option<Rc<Inverse>>,
}

/// Of the reciprocal of a sum, what it is times that sum; of the reciprocal of its root, what it is times the root.
#[derive(Clone, Debug)]
pub(crate) struct Inverse {
    /// The sum, where there is one.
    pub(crate) of: Vec<Option<Residue>>,
    /// Whether it is of the root.
    pub(crate) of_root: bool,
    /// The largest that it may be.
    pub(crate) most: f64,
    /// The size of the product: 1, or what the reciprocal was multiplied by.
    pub(crate) size: Vec<f64>,
    /// Errors of the reciprocal times the sum.
    pub(crate) off: Vec<f64>,
    pub(crate) sources: Sources,
}

/// What relations are computed with.
pub(crate) struct Relating<'a> {
    pub(crate) packed: &'a Packed,
    pub(crate) facts: &'a Facts,
    pub(crate) parts: &'a RefCell<Parts>,
}

impl Relations {
    pub(crate) fn new(residues: Vec<Residue>, inverse: Option<Inverse>) -> Self {
        let gauges = vec![None; residues.len()];
        Self { residues: Rc::new(residues), gauges: Rc::new(gauges), roots: Rc::default(), inverse: inverse.map(Rc::new) }
    }

    /// Positive elements are their own gauges.
    pub(crate) fn gauged(mut self, value: &Slots) -> Self {
        let gauge = |(n, residue): (usize, &Residue)| (value.at(n).lo >= 0.0 && !value.at(n).is_zero()).then_some((*residue, 1.0));
        self.gauges = Rc::new(self.residues.iter().enumerate().map(gauge).collect());
        self
    }

    /// A square is positive, and its own gauge.
    fn gauged_square(mut self) -> Self {
        self.gauges = Rc::new(self.residues.iter().map(|x| (*x != Residue::default()).then_some((*x, 1.0))).collect());
        self
    }

    /// What is squared somewhere is no larger than the root of its square.
    fn rooted(mut self) -> Self {
        self.roots = Rc::new(self.residues.iter().map(|x| (*x != Residue::default()).then(|| (x.times(*x), 1.0))).collect());
        self
    }

    fn rotated(mut self, by: usize) -> Self {
        if !self.roots.is_empty() {
            Rc::make_mut(&mut self.roots).rotate_left(by);
        }
        Rc::make_mut(&mut self.residues).rotate_left(by);
        Rc::make_mut(&mut self.gauges).rotate_left(by);
        if let Some(inverse) = &mut self.inverse {
            let inverse = Rc::make_mut(inverse);
            inverse.of.rotate_left(by);
            inverse.size.rotate_left(by);
            inverse.off.rotate_left(by);
            inverse.rotate_sources(by);
        }
        self
    }

    /// Whether the number in a slot is its own gauge.
    fn is_own(&self, slot: usize) -> bool {
        self.gauges[slot].is_some_and(|(sum, weight)| sum == self.residues[slot] && weight == 1.0)
    }
}

fn weighted(gauges: &[Gauge], factors: impl Iterator<Item = f64>) -> Vec<Gauge> {
    gauges.iter().zip(factors).map(|(gauge, factor)| gauge.map(|(sum, weight)| (sum, weight * factor))).collect()
}

impl Inverse {
    /// Every slot is a class of its own.
    fn rotate_sources(&mut self, by: usize) {
        let n = self.off.len();
        let from: Vec<usize> = (0..n).map(|slot| (slot + by) % n).collect();
        self.sources = self.sources.picked(&from);
        self.sources.rotate(by);
    }

    /// With noise that an operation adds to the reciprocal.
    fn noisier(mut self, id: Ciphertext, sigma: f64) -> Self {
        let slots = self.off.len();
        self.sources.add(id, sigma * self.most, (slots, slots));
        self
    }

    /// Where `keeps` says so; elsewhere it is of nothing.
    fn kept(mut self, keeps: impl Fn(usize) -> bool, off: f64) -> Self {
        for n in 0..self.of.len() {
            self.off[n] += off * self.most;
            self.of[n] = self.of[n].filter(|_| keeps(n));
        }
        self
    }

    fn scaled(mut self, factors: &[f64], rounding: f64) -> Self {
        for (n, factor) in factors.iter().enumerate() {
            self.off[n] = scaled(self.off[n], *factor) + (self.size[n] + self.off[n]) * rounding;
            self.size[n] *= factor;
        }
        self.sources = self.sources.scaled(factors);
        self
    }

    /// The sum of two that are nowhere both there.
    fn joined(&self, other: &Self, (a, b): (&Slots, &Slots)) -> Self {
        let most = self.most.max(other.most);
        let from_other = |n: usize| a.at(n).is_zero();
        let from_self = |n: usize| b.at(n).is_zero();
        let mut out = self.clone();
        let n = out.of.len();
        let mask = |yes: &dyn Fn(usize) -> bool, value: f64| (0..n).map(|slot| if yes(slot) { value } else { 0.0 }).collect::<Vec<f64>>();
        for slot in 0..n {
            let (chosen, rest) = if from_self(slot) { (self, b) } else { (other, a) };
            out.of[slot] = chosen.of[slot].filter(|_| from_self(slot) || from_other(slot));
            out.size[slot] = chosen.size[slot];
            out.off[slot] = chosen.off[slot] + rest.at(slot).off * most;
        }
        // What is zero has noise all the same.
        let parts = [
            self.sources.clone().scaled(&mask(&from_self, 1.0)),
            other.sources.clone().scaled(&mask(&|slot| !from_self(slot), 1.0)),
            b.each().sources.scaled(&mask(&from_self, most)),
            a.each().sources.scaled(&mask(&|slot| !from_self(slot), most)),
        ];
        out.sources = parts.iter().fold(Sources::default(), |all, part| all.joined(part));
        Self { most, ..out }
    }
}

impl Relating<'_> {
    /// Of an operation, whose operands have these values and relations; `added` is the noise that it adds, `rounding` that of its plaintext.
    pub(crate) fn of(&self, id: Ciphertext, op: &Op, operands: &[(&Slots, &Relations)], (added, rounding): (f64, f64)) -> Relations {
        let mut made = match (*op, operands) {
            (Op::Input { input, chunk }, _) => Self::input((input.index() as u64, chunk), self.packed.inputs[input].layout.contents(chunk)),
            (Op::Rotate { by, .. }, [(_, x)]) => (*x).clone().rotated(by as usize),
            (Op::Add(..), [x, y]) => self.sum(x, y, Residue::plus),
            (Op::Sub(..), [x, y]) => Relations { inverse: None, ..self.sum(x, y, |a, b| a.plus(b.negated())) },
            (Op::Neg(_), [(_, x)]) => Relations { residues: Rc::new(x.residues.iter().map(|x| x.negated()).collect()), ..(*x).clone() },
            (Op::AddPlain(_, plain), [(_, x)]) => self.plus_plain(x, plain, rounding),
            (Op::MulPlain(_, plain) | Op::Mask(_, plain), [(_, x)]) => self.times_plain(x, plain, rounding),
            (Op::Mul(x, y), [a, ..]) if x == y => Self::product(a, a).gauged_square(),
            (Op::Mul(..), [a, b]) => Self::product(a, b),
            (Op::Relin(_) | Op::Rescale(_) | Op::Drop(..) | Op::Boot { .. }, [(_, x)]) => (*x).clone(),
            _ => Relations::default(),
        };
        if added > 0.0 {
            made.inverse = made.inverse.map(|inverse| Rc::new(Rc::unwrap_or_clone(inverse).noisier(id, added)));
        }
        if self.facts.squared[id] { made.rooted() } else { made }
    }

    fn input((input, chunk): (u64, u32), contents: impl Iterator<Item = Content>) -> Relations {
        let residue = |(slot, content)| match content {
            Content::Element(flat) => Residue::drawn([1, input, flat]),
            Content::Zero => Residue::default(),
            Content::Junk => Residue::drawn([5, input, u64::from(chunk) << 32 | slot]),
        };
        Relations::new((0..).zip(contents).map(residue).collect(), None)
    }

    /// The residues of a plaintext.
    fn plain(&self, plain: Plain) -> Vec<Residue> {
        let n = self.packed.slots;
        let mut residues = vec![Residue::default(); n as usize];
        match &self.packed.plains[plain].values {
            PlainValues::Elements(public, segments) => {
                let elements = segments.iter().flat_map(|segment| segment.elements(n));
                elements.for_each(|(slot, flat)| residues[slot] = Residue::drawn([2, public.index() as u64, flat]));
            }
            PlainValues::Constant(value, runs) => {
                runs.iter().flat_map(|run| run.slots(n)).for_each(|slot| residues[slot] = Residue::of_number(*value));
            }
        }
        residues
    }

    fn sum(&self, (a, x): &(&Slots, &Relations), (b, y): &(&Slots, &Relations), f: impl Fn(Residue, Residue) -> Residue) -> Relations {
        let residues = x.residues.iter().zip(&*y.residues).map(|(a, b)| f(*a, *b)).collect();
        let mut parts = self.parts.borrow_mut();
        let gauge = |n: usize| match (x.gauges[n], y.gauges[n]) {
            (gauge, _) if b.at(n).is_zero() => gauge,
            (_, gauge) if a.at(n).is_zero() => gauge,
            (Some((a, v)), Some((b, w))) if a == b => Some((a, v + w)),
            (Some((a, v)), Some((b, w))) => {
                let whole = a.plus(b);
                if x.is_own(n) && y.is_own(n) {
                    parts.add(whole, &[(a, 1.0), (b, 1.0)]);
                }
                Some((whole, v.max(w)))
            }
            _ => None,
        };
        let gauges = (0..x.gauges.len()).map(gauge).collect();
        let root = |n: usize| match () {
            () if b.at(n).is_zero() => x.roots.get(n).copied().flatten(),
            () if a.at(n).is_zero() => y.roots.get(n).copied().flatten(),
            () => None,
        };
        let has_roots = !(x.roots.is_empty() && y.roots.is_empty());
        let roots = if has_roots { (0..x.gauges.len()).map(root).collect() } else { Vec::new() };
        let inverse = x.inverse.as_ref().zip(y.inverse.as_ref()).filter(|(p, q)| p.of_root == q.of_root);
        let inverse = inverse.map(|(p, q)| Rc::new(p.joined(q, (a, b))));
        Relations { residues: Rc::new(residues), gauges: Rc::new(gauges), roots: Rc::new(roots), inverse }
    }

    fn product((a, x): &(&Slots, &Relations), (b, y): &(&Slots, &Relations)) -> Relations {
        let residues = x.residues.iter().zip(&*y.residues).map(|(a, b)| a.times(*b)).collect();
        let either = |x: &[Gauge], y: &[Gauge]| -> Vec<Gauge> {
            match (x.is_empty(), y.is_empty()) {
                (true, true) => Vec::new(),
                (true, false) => weighted(y, sizes(a)),
                (false, true) => weighted(x, sizes(b)),
                (false, false) => weighted(x, sizes(b)).into_iter().zip(weighted(y, sizes(a))).map(|(a, b)| a.or(b)).collect(),
            }
        };
        let (gauges, roots) = (either(&x.gauges, &y.gauges), either(&x.roots, &y.roots));
        Relations { residues: Rc::new(residues), gauges: Rc::new(gauges), roots: Rc::new(roots), inverse: None }
    }

    /// A number that is known is a part of what it is added to, as far as its size.
    fn plus_plain(&self, x: &Relations, plain: Plain, rounding: f64) -> Relations {
        let numbers = self.plain(plain);
        let ranges = plain_ranges(self.packed, self.facts, plain);
        let mut parts = self.parts.borrow_mut();
        let gauge = |n: usize| {
            let (sum, weight) = x.gauges[n]?;
            match *ranges.at(n) {
                (0.0, 0.0) => Some((sum, weight)),
                (lo, hi) if lo == hi || lo >= 0.0 => {
                    let whole = sum.plus(if lo >= 0.0 { numbers[n] } else { numbers[n].negated() });
                    if x.is_own(n) && lo >= 0.0 {
                        parts.add(whole, &[(sum, 1.0)]);
                    }
                    Some((whole, weight.max(1.0)))
                }
                _ => None,
            }
        };
        let gauges = (0..numbers.len()).map(gauge).collect();
        let is_zero: Vec<bool> = (0..numbers.len()).map(|n| *ranges.at(n) == (0.0, 0.0)).collect();
        Relations {
            residues: Rc::new(x.residues.iter().zip(&numbers).map(|(a, b)| a.plus(*b)).collect()),
            gauges: Rc::new(gauges),
            roots: Rc::new(x.roots.iter().zip(&is_zero).map(|(root, keeps)| root.filter(|_| *keeps)).collect()),
            inverse: x.inverse.as_ref().map(|inverse| Rc::new(Inverse::clone(inverse).kept(|n| is_zero[n], rounding))),
        }
    }

    fn times_plain(&self, x: &Relations, plain: Plain, rounding: f64) -> Relations {
        let numbers = self.plain(plain);
        let ranges = plain_ranges(self.packed, self.facts, plain);
        let sizes = ranges.map(|(lo, hi)| lo.abs().max(hi.abs()));
        let factors: Vec<f64> = (0..numbers.len()).map(|n| *sizes.at(n)).collect();
        let residues: Vec<Residue> = x.residues.iter().zip(&numbers).map(|(a, b)| a.times(*b)).collect();
        let mut gauges = weighted(&x.gauges, factors.iter().copied());
        let mut parts = self.parts.borrow_mut();
        for n in 0..numbers.len() {
            let (lo, hi) = *ranges.at(n);
            // What is scaled by a positive number is still positive, and the same but for the scale.
            if lo == hi && lo > 0.0 && x.is_own(n) {
                parts.scaled(residues[n], x.residues[n], lo);
                gauges[n] = Some((residues[n], 1.0));
            }
        }
        Relations {
            residues: Rc::new(residues),
            gauges: Rc::new(gauges),
            roots: Rc::new(weighted(&x.roots, factors.iter().copied())),
            inverse: x.inverse.as_ref().map(|inverse| Rc::new(Inverse::clone(inverse).scaled(&factors, rounding))),
        }
    }
}

/// A product that is known better where one side has the gauge that the other is a reciprocal of.
pub(crate) fn refined(product: Slots, [a, b]: [(&Slots, &Relations); 2], parts: &RefCell<Parts>) -> Slots {
    let (sum, reciprocal) = match (&a.1.inverse, &b.1.inverse) {
        (_, Some(inverse)) => (a, (b.0, inverse)),
        (Some(inverse), None) => (b, (a.0, inverse)),
        (None, None) => return product,
    };
    let (value, inverse) = reciprocal;
    let parts = parts.borrow();
    let mut lookup = Lookup::new(&parts);
    let gauges = if inverse.of_root { &sum.1.roots } else { &sum.1.gauges };
    let weights = gauges.iter().zip(&inverse.of).map(|(gauge, of)| {
        let (part, weight) = (*gauge)?;
        let share = lookup.share(part, (*of)?)?;
        // Scales are rounded.
        Some(weight * if inverse.of_root { share.sqrt() } else { share } * (1.0 + 1e-9))
    });
    let weights: Vec<Option<f64>> = weights.collect();
    if weights.iter().all(Option::is_none) {
        return product;
    }
    let [product, value, whole] = [&product, value, sum.0].map(Slots::each);
    let (largest, most) = (value.largest(), whole.largest());
    let mut slots = product.slots;
    for (n, weight) in weights.iter().enumerate() {
        let Some(weight) = weight else { continue };
        let size = weight * inverse.size[n];
        let off = weight * inverse.off[n] + whole.slots[n].off * largest[n];
        slots[n] = Slot { off, ..slots[n].within((-size, size)) };
    }
    let plain: Vec<f64> = weights.iter().zip(most).map(|(weight, most)| if weight.is_some() { 0.0 } else { most }).collect();
    let weighted: Vec<f64> = weights.iter().map(|weight| weight.unwrap_or(0.0)).collect();
    let sources = whole.sources.scaled(&largest).joined(&value.sources.scaled(&plain));
    Slots { sources: sources.joined(&inverse.sources.clone().scaled(&weighted)), alike: Alike::none(slots.len()), slots }.merged()
}

/// The largest number of each slot.
fn sizes(value: &Slots) -> impl Iterator<Item = f64> {
    value.alike.classes().map(|class| value.slots[class].magnitude())
}

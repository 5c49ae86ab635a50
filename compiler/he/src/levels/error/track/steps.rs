//! Steps of Newton's iteration: how close each is, and what its operations add.
//!
//! An iteration on a long range has large values where its argument is small, and small ones where that is large. What the operations add is
//! looked at on one part of the range after the other, so that a large value meets no large argument.

use super::{Tracker, steepest};
use crate::levels::error::alike::{Alike, Spread};
use crate::levels::error::close::Found;
use crate::levels::error::operands::{MOST, Span};
use crate::levels::error::related::{Inverse, Relations};
use crate::levels::error::residue::Residue;
use crate::levels::error::room::Room;
use crate::levels::error::slots::{Slot, Slots};
use crate::levels::error::sources::Sources;
use crate::levels::error::tensors::reciprocals;
use crate::program::Iterate;
use crate::reciprocal;
use ein_ir::entity::Ciphertext;
use ein_ir::packed::Op;
use std::collections::BTreeMap;

/// The ends of a part of a range are no more than this many times apart.
const RATIO: f64 = 1.5;
/// Parts of the longest range.
const MAX_PARTS: f64 = 64.0;

/// What the operations of a step add, looked at in parts of its range.
#[derive(Clone, Copy, Debug, Default)]
struct Binned {
    /// The most of it, in parts of the step itself.
    local: f64,
    /// The most of what is no noise.
    off: f64,
    /// The greatest deviation of the noise.
    sigma: f64,
    /// What its numbers need.
    room: Room,
}

impl Binned {
    /// What was found of the whole range, as far as that is not more.
    fn limit(self, mut added: Slots) -> Slots {
        let deviations = added.sources.deviations(added.slots.len());
        let factors: Vec<f64> = deviations.iter().map(|sigma| if *sigma > self.sigma { self.sigma / sigma } else { 1.0 }).collect();
        added.sources = std::mem::take(&mut added.sources).scaled(&factors);
        added.map(|slot| Slot { off: slot.off.min(self.off), ..slot })
    }
}

impl<'a> Tracker<'a> {
    pub(super) fn step(&mut self, found: &Found<'a>, (tensor, iterate): (usize, &Iterate), is_shared: bool) -> (Slots, Relations) {
        let bases = found.region.bases.iter().map(|&id| (id, self.value(id).clone()));
        let bases: BTreeMap<Ciphertext, Slots> = bases.collect();
        let before = iterate.previous.and_then(|(previous, _)| self.steps.get(&previous)).copied();
        // From here on only what slots hold is needed: errors are those of the region alone.
        let residues = |id: Ciphertext| Relations::new(self.relations(id).residues.to_vec(), None);
        let exact = |(id, value): (&Ciphertext, &Slots)| (*id, (Self::exact(value, is_shared), residues(*id)));
        let (added, relations, room) = self.between(&found.region, bases.iter().map(exact).collect(), None);
        // Of what is nothing a step makes nothing; what that was off by is not made less, and what is in the slots is all of it.
        let started = bases.iter().find(|(id, _)| !found.arguments.contains(id)).map(|(_, value)| value);
        let empty = started.map_or_else(
            || Spread { alike: Alike::all(self.packed.slots as usize), of: vec![false] },
            |value| Spread { alike: value.alike.clone(), of: value.slots.iter().map(Slot::is_zero).collect() },
        );
        // Where there is an element the argument is positive.
        let (lo, hi) = iterate.on;
        let arguments = || found.arguments.iter().map(|id| &bases[id]);
        let of_elements = |value: &Slots| {
            let (value, is_empty) = value.split(&empty);
            let slots = value.slots.into_iter().zip(is_empty);
            slots.filter(|(slot, is_empty)| !is_empty && !slot.is_zero()).map(|(slot, _)| slot).collect::<Vec<Slot>>()
        };
        let elements: Vec<Slot> = arguments().flat_map(of_elements).collect();
        let least = elements.iter().map(|slot| slot.lo.clamp(lo, hi)).fold(hi, f64::min);
        let greatest = elements.iter().map(|slot| slot.hi.clamp(lo, hi)).fold(lo, f64::max);
        let worst = arguments().flat_map(Slots::errors).fold(0.0, f64::max);
        let off = arguments().flat_map(|value| &value.slots).map(|slot| slot.off).fold(0.0, f64::max);
        // Off by a part of itself, an argument is off by less where it is small.
        let share = elements.iter().map(|slot| slot.root.share(slot.lo.clamp(lo, hi))).fold(0.0, f64::max);
        let shrinks = share < worst / least;
        let at_least = if shrinks { share * least } else { worst };
        let (range, slope) = (reciprocals(iterate.of_root, (least, greatest)), steepest(iterate.of_root, least - at_least));
        if least <= at_least && at_least.is_finite() && !self.poles.iter().any(|(a, b, _)| (*a, *b) == (lo, hi)) {
            self.poles.push((lo, hi, at_least));
        }
        // What an argument is off by, besides its noise, and with that if it shrinks.
        let (off, of_noise) = if shrinks { (at_least, 0.0) } else { (off, 1.0) };
        let parts = before.map_or((f64::NEG_INFINITY, f64::INFINITY), |before| stepped(iterate.of_root, before));
        let squared = if parts.0 > 0.0 { (1.0 - parts.0).max(parts.1 - 1.0) } else { f64::INFINITY };
        let local = added.errors().into_iter().fold(0.0, f64::max) / reciprocals(iterate.of_root, iterate.on).0;
        let on = (least - at_least, greatest + worst);
        let binned = before.and_then(|before| self.binned(found, (iterate, before, on), &bases, is_shared));
        self.room = self.room.and(binned.map_or(room, |binned| binned.room));
        let (added, local) = match binned {
            Some(binned) => (binned.limit(added), local.min(binned.local)),
            None => (added, local),
        };
        let far = if local < MOST { local } else { f64::INFINITY };
        if far.is_infinite() && local.is_finite() && !self.noisy.contains(&(lo, hi)) {
            self.noisy.push((lo, hi));
        }
        self.steps.insert(tensor, (parts.0 - far, parts.1 + far));
        let (added, is_empty) = added.split(&empty);
        let slot = |(inner, is_empty): (&Slot, &bool)| match (inner.is_zero(), is_empty) {
            (true, _) => *inner,
            (false, true) => Slot { off: inner.off + inner.magnitude(), ..Slot::default() },
            (false, false) => Slot { off: inner.off + slope * off + squared * range.1, ..Slot::between(range.0, range.1) },
        };
        let slots: Vec<Slot> = added.slots.iter().zip(&is_empty).map(slot).collect();
        let slopes: Vec<f64> = is_empty.iter().map(|empty| if *empty { 0.0 } else { slope * of_noise }).collect();
        let of_argument = |own: Sources, slopes: &[f64]| {
            arguments().fold(own, |all, value| all.joined(&value.sources.everywhere(slopes.len()).scaled(slopes)))
        };
        let relations = if self.follows {
            let added = added.each();
            let n = added.slots.len();
            let is_there = |slot: usize| !added.slots[slot].is_zero() && !empty.at(slot);
            let of = self.arguments_of(found, &relations, iterate.of_root);
            // Times the argument or its root; what shrinks with it as well as of itself.
            let most = if iterate.of_root { hi.sqrt() } else { hi };
            let slope = relative(iterate.of_root, least, at_least);
            let largest = added.errors().into_iter().fold(0.0, f64::max);
            let local = binned.map(|binned| binned.local).filter(|local| *local < most * largest);
            let off = |inner: &Slot| local.unwrap_or(most * inner.off) + slope * off + squared;
            let own = added.sources.clone().scaled(&vec![if local.is_some() { 0.0 } else { most }; n]);
            let inverse = Inverse {
                of: (0..n).map(|slot| of[slot].filter(|_| is_there(slot))).collect(),
                of_root: iterate.of_root,
                most,
                size: vec![1.0; n],
                off: added.slots.iter().map(off).collect(),
                sources: of_argument(own, &vec![slope * of_noise; n]),
            };
            Relations::new(self.roots_of(&of, &relations, iterate.of_root), Some(inverse))
        } else {
            relations
        };
        (Slots { slots, sources: of_argument(added.sources, &slopes), alike: added.alike }.merged(), relations)
    }

    /// What a step is the reciprocal of, in each slot, or of whose root.
    fn arguments_of(&self, found: &Found<'a>, step: &Relations, of_root: bool) -> Vec<Option<Residue>> {
        if !of_root {
            return step.residues.iter().map(|x| Some(x.inverse())).collect();
        }
        let moves = found.region.inner.iter().any(|x| matches!(self.packed.ops[*x], Op::Rotate { .. }));
        let mut arguments = found.arguments.iter();
        match (arguments.next(), arguments.next()) {
            (Some(&argument), None) if !moves => self.relations(argument).residues.iter().map(|x| Some(*x)).collect(),
            _ => vec![None; step.residues.len()],
        }
    }

    /// What stands for a step in each slot; the reciprocal of a root is drawn for what it is of.
    fn roots_of(&self, of: &[Option<Residue>], step: &Relations, of_root: bool) -> Vec<Residue> {
        let drawn = |(of, step): (&Option<Residue>, &Residue)| match of {
            Some(of) if of_root => Residue::drawn([4, 0, of.word()]),
            _ => *step,
        };
        of.iter().zip(&*step.residues).map(drawn).collect()
    }

    /// What the operations of a step add, from a step before that is between these parts of what it is close to, and an argument on this
    /// range; none if nothing is known of these.
    fn binned(
        &self,
        found: &Found<'a>,
        (iterate, before, (least, greatest)): (&Iterate, Span, Span),
        bases: &BTreeMap<Ciphertext, Slots>,
        is_shared: bool,
    ) -> Option<Binned> {
        let moves = found.region.inner.iter().any(|x| matches!(self.packed.ops[*x], Op::Rotate { .. } | Op::Input { .. }));
        if moves || !(least > 0.0 && before.0 > 0.0 && before.1.is_finite() && greatest.is_finite()) {
            return None;
        }
        let n = ((greatest / least).ln() / RATIO.ln()).ceil().clamp(1.0, MAX_PARTS);
        let end = |k: f64| least * (greatest / least).powf(k / n);
        let limits = Spread { alike: Alike::all(self.packed.slots as usize), of: vec![f64::INFINITY] };
        let mut binned = Binned::default();
        let mut k = 0.0;
        while k < n {
            // Powers are rounded.
            let argument = (end(k) * (1.0 - 1e-9), end(k + 1.0) * (1.0 + 1e-9));
            let (lo, hi) = reciprocals(iterate.of_root, argument);
            let placed = |(id, value): (&Ciphertext, &Slots)| {
                let (lo, hi) = if found.arguments.contains(id) { argument } else { (before.0 * lo, before.1 * hi) };
                let mut exact = Self::exact(value, is_shared);
                let elements = exact.slots.iter_mut().zip(&value.slots).filter(|(_, slot)| !slot.is_zero());
                elements.for_each(|(exact, _)| *exact = Slot::between(lo, hi));
                (*id, (exact, Relations::default()))
            };
            let (added, _, room) = self.between(&found.region, bases.iter().map(placed).collect(), Some(&limits));
            binned.room = binned.room.and(room);
            let worst = added.errors().into_iter().fold(0.0, f64::max);
            binned.local = binned.local.max(worst / lo);
            binned.off = added.slots.iter().map(|slot| slot.off).fold(binned.off, f64::max);
            binned.sigma = added.sources.deviations(added.slots.len()).into_iter().fold(binned.sigma, f64::max);
            k += 1.0;
        }
        Some(binned)
    }
}

/// By how many parts of itself the reciprocal of a number from `least` on moves, or that of its root, for each by which the number does; it may be off
/// by `off` where it is least.
fn relative(of_root: bool, least: f64, off: f64) -> f64 {
    match (of_root, least - off > 0.0) {
        (_, false) => f64::INFINITY,
        (false, true) => (least - off).recip(),
        (true, true) => 0.5 * (1.0 - off / least).powf(-1.5) / least,
    }
}

/// Where a step of an iteration is, in parts of what it is close to, if the one before was between these: 1 is the greatest of all.
fn stepped(of_root: bool, (lo, hi): Span) -> Span {
    let (a, b) = (reciprocal::step(of_root, lo), reciprocal::step(of_root, hi));
    (a.min(b), if lo <= 1.0 && hi >= 1.0 { 1.0 } else { a.max(b) })
}

//! Linear maps as rotations, masks and sums.

use super::{Emitter, Factor, Keys, Positions, Value, turned};
use crate::builder::{are_apart, elements_of, segments};
use crate::convert;
use crate::limits::{MAX_OPERATIONS, MAX_VOLUME};
use crate::linear::{LinearMap, Split, slots_of};
use crate::packing::Packing;
use ein_ir::entity::Ciphertext;
use ein_ir::packed::layout::Segments;
use ein_ir::packed::{Op, Segment};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Below this, what is looked up is a place in a table.
const MAX_SMALL: usize = 1 << 16;

/// What elements go together: from a ciphertext by baby steps, and then by giant steps to a ciphertext of the result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Course {
    to: usize,
    giant: i64,
    from: Ciphertext,
    baby: i64,
    /// Of what is summed, the part: two elements of one slot have plaintexts of their own.
    part: usize,
}

/// Elements by their course.
#[derive(Default)]
struct Courses {
    all: Vec<Gathered>,
    numbers: FxHashMap<Course, usize>,
    /// Of the last element.
    last: usize,
}

/// The elements of a course.
struct Gathered {
    course: Course,
    /// In runs: slots, with the positions of their elements of the public factor.
    elements: Segments,
    /// The course of the elements that came after some of these: often that comes again.
    next: usize,
}

impl Courses {
    fn push(&mut self, course: Course, run: Segment) {
        let is = |all: &[Gathered], n: usize| all.get(n).is_some_and(|there| there.course == course);
        if !is(&self.all, self.last) {
            let next = self.all.get(self.last).map_or(0, |last| last.next);
            let found = if is(&self.all, next) { next } else { *self.numbers.entry(course).or_insert(self.all.len()) };
            if found == self.all.len() {
                self.all.push(Gathered { course, elements: Segments::default(), next: 0 });
            }
            self.all[self.last].next = found;
            self.last = found;
        }
        self.all[self.last].elements.push_run(run);
    }

    fn in_order(mut self) -> Vec<Gathered> {
        self.all.sort_unstable_by_key(|gathered| gathered.course);
        self.all
    }
}

/// Elements in slots that are equally far apart, around the ciphertext and in any direction.
struct Run {
    slot: i64,
    dslot: i64,
    flat: u64,
    dflat: i64,
    count: u64,
}

impl Run {
    /// Runs whose slots rise, of `n` slots.
    fn segments(self, n: i64) -> impl Iterator<Item = Segment> {
        let Self { slot, dslot, flat, dflat, count } = self;
        let last = count.cast_signed() - 1;
        let (slot, flat) =
            if dslot < 0 { ((slot + last * dslot).rem_euclid(n), flat.wrapping_add_signed(last * dflat)) } else { (slot, flat) };
        let dflat = if dslot < 0 { -dflat } else { dflat };
        let small = |number: i64| u32::try_from(number).expect("at most the number of slots");
        let run = Segment { chunk: 0, slot: small(slot), dslot: small(dslot.abs()), flat, dflat, count: small(last + 1) };
        turned(run, 0, small(n))
    }
}

/// Numbers of steps, by what they are looked up by.
#[derive(Default)]
struct Steps {
    small: Vec<Option<i64>>,
    large: FxHashMap<i64, i64>,
}

impl Steps {
    fn or_insert_with(&mut self, at: i64, step: impl FnOnce() -> i64) -> i64 {
        let Some(small) = usize::try_from(at).ok().filter(|&at| at < MAX_SMALL) else {
            return *self.large.entry(at).or_insert_with(step);
        };
        if small >= self.small.len() {
            self.small.resize(small + 1, None);
        }
        *self.small[small].get_or_insert_with(step)
    }
}

/// Tells elements of one slot apart: where a value does not depend on what is summed, several are multiplied by it.
struct Layers {
    /// How often each slot was seen in which call.
    seen: Vec<(u32, u32)>,
    calls: u32,
}

impl Layers {
    fn of(slots: usize) -> Self {
        Self { seen: vec![(0, 0); slots], calls: 0 }
    }

    /// Elements of which no two have one slot.
    fn of_slots(&mut self, runs: Vec<Segment>) -> Vec<Vec<Segment>> {
        let mut sorted = runs.clone();
        sorted.sort_unstable();
        if are_apart(&sorted) {
            return vec![sorted];
        }
        self.calls += 1;
        let mut layers: Vec<Vec<(u32, u64)>> = Vec::new();
        for (slot, flat) in runs.iter().flat_map(elements_of) {
            let seen = &mut self.seen[slot as usize];
            if seen.0 != self.calls {
                *seen = (self.calls, 0);
            }
            let layer = seen.1 as usize;
            seen.1 += 1;
            if layers.len() == layer {
                layers.push(Vec::new());
            }
            layers[layer].push((slot, flat));
        }
        layers.into_iter().map(segments).collect()
    }
}

impl Emitter<'_> {
    /// A linear map; each element is multiplied by one of the elements of a factor. It leads to a packing, of which some ciphertexts may
    /// then be summed, which gives another.
    pub(super) fn map(
        &mut self,
        value: &Value,
        (map, split): (&LinearMap, &Split),
        factor: &Factor,
        (partial, packing): (&Packing, &Packing),
    ) -> Value {
        let n = 1_i64 << self.log_slots;
        let (elements, operations) = (map.volume(), split.cost().mulcp);
        if elements > MAX_VOLUME || operations > MAX_OPERATIONS {
            let takes = format!("{operations} products with plaintexts for {elements} elements");
            self.refuse(
                715,
                "he-memory",
                format!("a move takes {takes}; at most {MAX_OPERATIONS} products and {MAX_VOLUME} elements are planned for"),
            );
            return Value::zero(packing.clone(), self.log_slots);
        }
        self.elements += elements;
        let (baby_units, giant_units) = (split.baby_units(), split.giant_units());
        let (along, first) = factor.along(map);
        let (to, parts) = (Positions::of(packing, self.log_slots), Positions::of(partial, self.log_slots));
        let from = Positions::of(&value.packing, self.log_slots);
        // Slots after the baby steps, each with the position of its element of the public factor.
        let (mut courses, turns) = (Courses::default(), split.turns());
        let (mut babies, mut same_baby, mut giants) = (FxHashMap::default(), Steps::default(), Steps::default());
        let in_one = |first: u64, last: u64| first >> self.log_slots == last >> self.log_slots;
        map.lines(split, |line| {
            let mut turn = turns.of(line.values);
            // Steps that come to the same slots are the same.
            turn.giant = giants.or_insert_with(turn.slots.rem_euclid(n), || turn.giant);
            turn.baby = same_baby.or_insert_with(turn.baby, || {
                let slots = slots_of(&baby_units, &split.babies(turn.baby)).rem_euclid(n);
                *babies.entry(slots).or_insert(turn.baby)
            });
            let flat = first + line.values.iter().zip(&along).map(|(value, along)| value.cast_signed() * along).sum::<i64>();
            let dflat = line.way.steps.iter().map(|&(step, by)| by * along[step]).sum::<i64>();
            // An element of the line, and those after it if they are in the same ciphertexts.
            let mut push = |t: i64, count: u64| {
                let (source, target) = line.at(t);
                let Some(from) = value.chunks[from.chunk(source)] else { return };
                let Ok(flat) = u64::try_from(flat + t * dflat) else { return };
                let slot = (target.cast_signed() + i64::from(map.frames[1]) + turn.slots).rem_euclid(n);
                let course = Course { to: to.chunk(target), giant: turn.giant, from, baby: turn.baby, part: parts.chunk(target) };
                let run = Run { slot, dslot: line.way.target, flat, dflat, count };
                run.segments(n).for_each(|run| courses.push(course, run));
            };
            let (ends, last) = ([line.at(0), line.at(line.count.cast_signed() - 1)], flat + (line.count.cast_signed() - 1) * dflat);
            if in_one(ends[0].0, ends[1].0) && in_one(ends[0].1, ends[1].1) && flat.min(last) >= 0 {
                push(0, line.count);
            } else {
                (0..line.count.cast_signed()).for_each(|t| push(t, 1));
            }
        });
        let mut mapped = Value::zero(packing.clone(), self.log_slots);
        debug_assert_eq!(mapped.chunks.len() as u64, convert::n_chunks(packing, self.log_slots));
        let mut sums: BTreeMap<(usize, i64), Vec<Ciphertext>> = BTreeMap::new();
        let mut layers = Layers::of(1 << self.log_slots);
        for Gathered { course, elements, .. } in courses.in_order() {
            let turned = self.turned(course.from, &baby_units, &split.babies(course.baby));
            for elements in layers.of_slots(elements.finish()) {
                let kept = self.keep(turned, factor, elements);
                sums.entry((course.to, course.giant)).or_default().push(kept);
            }
        }
        let mut targets: BTreeMap<usize, BTreeMap<Vec<i64>, Ciphertext>> = BTreeMap::new();
        for ((to, giant), terms) in sums {
            targets.entry(to).or_default().extend(self.builder.sum(terms).map(|sum| (split.giants(giant), sum)));
        }
        for (to, sums) in targets {
            mapped.chunks[to] = self.gathered(sums, &giant_units, split.offset());
        }
        mapped
    }

    /// A ciphertext rotated by so many steps of each unit.
    pub(super) fn turned(&mut self, x: Ciphertext, units: &[i64], steps: &[i64]) -> Ciphertext {
        let first = steps.iter().position(|&step| step != 0);
        match (self.keys, first) {
            (Keys::Each, _) | (Keys::Few, None) => self.builder.rotate(x, slots_of(units, steps)),
            (Keys::Few, Some(at)) => {
                let mut before = steps.to_vec();
                before[at] -= steps[at].signum();
                let before = self.turned(x, units, &before);
                self.builder.rotate(before, units[at] * steps[at].signum())
            }
        }
    }

    /// The sum of ciphertexts, each rotated by its steps and by an offset.
    fn gathered(&mut self, sums: BTreeMap<Vec<i64>, Ciphertext>, units: &[i64], offset: i64) -> Option<Ciphertext> {
        if self.keys == Keys::Few {
            let sum = self.nested(sums, units)?;
            return Some(self.builder.rotate(sum, offset));
        }
        let turned: Vec<Ciphertext> =
            sums.into_iter().map(|(steps, sum)| self.builder.rotate(sum, offset + slots_of(units, &steps))).collect();
        self.builder.sum(turned)
    }

    /// As in Horner's scheme: what is furthest is rotated by one step and joins what is nearer.
    fn nested(&mut self, sums: BTreeMap<Vec<i64>, Ciphertext>, units: &[i64]) -> Option<Ciphertext> {
        let Some((unit, others)) = units.split_first() else { return sums.into_values().next() };
        let mut by_step: BTreeMap<i64, BTreeMap<Vec<i64>, Ciphertext>> = BTreeMap::new();
        for (steps, sum) in sums {
            by_step.entry(steps[0]).or_default().insert(steps[1..].to_vec(), sum);
        }
        let (least, greatest) = (*by_step.first_key_value()?.0, *by_step.last_key_value()?.0);
        let mut at: BTreeMap<i64, Ciphertext> = BTreeMap::new();
        for (step, sums) in by_step {
            at.extend(self.nested(sums, others).map(|sum| (step, sum)));
        }
        let mut parts = Vec::from_iter(at.remove(&0));
        for (steps, towards) in [((1..=greatest).rev().collect::<Vec<_>>(), 1), ((least..0).collect(), -1)] {
            let mut total: Option<Ciphertext> = None;
            for step in steps {
                total = self.builder.sum(total.into_iter().chain(at.remove(&step)));
                total = total.map(|total| self.builder.rotate(total, unit * towards));
            }
            parts.extend(total);
        }
        self.builder.sum(parts)
    }

    /// Slots of a ciphertext, each times its element of a factor; the others become zero.
    fn keep(&mut self, x: Ciphertext, factor: &Factor, elements: Vec<Segment>) -> Ciphertext {
        if let Some(public) = factor.public {
            let plain = self.builder.elements(public, elements);
            return self.builder.op(Op::MulPlain(x, plain));
        }
        self.builder.scaled_mask(x, factor.constant, &super::slots_of(&elements))
    }
}

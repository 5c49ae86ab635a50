//! The worked cases of the language, section 4, and what must not be proved.

use super::{Facts, Proof, prove_nonnegative};
use ein_ir::entity::{Dim, EntityRef, Index};
use ein_ir::extent::Extent;

fn d(n: usize) -> Extent {
    Extent::dim(Dim::new(n))
}

fn i(n: usize) -> Extent {
    Extent::index(Index::new(n))
}

fn c(n: i128) -> Extent {
    Extent::constant(n)
}

/// Facts for `sizes` dims that are sizes, and indices from 0 with the given ends.
fn facts(sizes: usize, ends: &[Extent]) -> Facts {
    let ranges = ends.iter().enumerate().map(|(n, hi)| (Index::new(n), (c(0), hi.clone()))).collect();
    Facts { ranges, zero: Vec::new(), nonnegative: (0..sizes).map(d).collect() }
}

/// Both obligations of a subscript on an axis.
fn inside(subscript: &Extent, axis: &Extent, facts: &Facts) -> (Proof, Proof) {
    (prove_nonnegative(subscript, facts), prove_nonnegative(&axis.sub(&c(1)).sub(subscript), facts))
}

const PROVED: (Proof, Proof) = (Proof::Always, Proof::Always);

#[test]
fn valid_convolution() {
    let facts = facts(2, &[d(0).sub(&d(1)).add(&c(1)), d(1)]);
    assert_eq!(inside(&i(0).add(&i(1)), &d(0), &facts), PROVED);
}

/// Channels in groups, `o // P * C + c` in an axis of I, beside what a convolution says of its other axes.
#[test]
fn facts_of_other_axes_do_not_hinder() {
    let (out, of_group, per_group, inputs, groups) = (d(0), d(1), d(2), d(3), d(4));
    let mut facts = facts(5, &[out.clone(), of_group.clone()]);
    facts.nonnegative.push(groups.sub(&c(1)));
    facts.zero.extend([per_group.sub(&out.floor_div(&groups)), out.sub(&groups.mul(&per_group)), inputs.sub(&groups.mul(&of_group))]);
    let subscript = i(0).floor_div(&per_group).mul(&of_group).add(&i(1));
    assert_eq!(inside(&subscript, &inputs, &facts), PROVED);
    let (padding, stride, dilation) = (d(5), d(6), d(7));
    facts.nonnegative.extend([padding.clone(), stride.sub(&c(1)), dilation.sub(&c(1))]);
    for axis in 0..4 {
        let (size, window) = (d(8 + 2 * axis), d(9 + 2 * axis));
        let reach = dilation.mul(&window.sub(&c(1))).add(&c(1));
        let room = size.add(&padding.mul(&c(2))).sub(&reach);
        facts.ranges.insert(Index::new(2 + 2 * axis), (c(0), room.floor_div(&stride).add(&c(1))));
        facts.ranges.insert(Index::new(3 + 2 * axis), (c(0), window.clone()));
        facts.nonnegative.extend([size, window, room]);
    }
    assert_eq!(inside(&subscript, &inputs, &facts), PROVED);
}

#[test]
fn pooling_by_two() {
    let facts = facts(1, &[d(0).floor_div(&c(2)), c(2)]);
    assert_eq!(inside(&i(0).scale(2).add(&i(1)), &d(0), &facts), PROVED);
}

#[test]
fn split_of_an_axis_by_quotient_and_remainder() {
    // N = d0, P = d1, Q = d2, k = i0; Z has axes Q, P.
    let mut facts = facts(3, &[d(0)]);
    facts.zero.push(d(0).sub(&d(1).mul(&d(2))));
    assert_eq!(inside(&i(0).floor_div(&d(1)), &d(2), &facts), PROVED);
    assert_eq!(inside(&i(0).floor_rem(&d(1)), &d(1), &facts), PROVED);
    let joined = i(0).floor_div(&d(1)).mul(&d(1)).add(&i(0).floor_rem(&d(1)));
    assert_eq!(inside(&joined, &d(0), &facts), PROVED);
}

#[test]
fn joined_axes() {
    let mut facts = facts(3, &[d(1), d(2)]);
    facts.zero.push(d(0).sub(&d(1).mul(&d(2))));
    assert_eq!(inside(&d(2).mul(&i(0)).add(&i(1)), &d(0), &facts), PROVED);
    // The wrong stride leaves the axis for some sizes.
    let wrong = d(1).mul(&i(0)).add(&i(1));
    assert_ne!(prove_nonnegative(&d(0).sub(&c(1)).sub(&wrong), &facts), Proof::Always);
}

#[test]
fn offset_under_a_guard() {
    let mut facts = facts(1, &[d(0)]);
    assert_eq!(inside(&i(0).sub(&c(1)), &d(0), &facts), (Proof::Entry(c(-1)), Proof::Always));
    facts.nonnegative.push(i(0).sub(&c(1)));
    assert_eq!(inside(&i(0).sub(&c(1)), &d(0), &facts), PROVED);
}

#[test]
fn a_remainder_by_a_size_that_may_be_empty() {
    // x[(3*i + 1) % P] with P = N - R + 1 needs P >= 1, and nothing else.
    let facts = facts(2, &[d(0)]);
    let p = d(0).sub(&d(1)).add(&c(1));
    let is_there = Proof::Entry(p.sub(&c(1)));
    assert_eq!(inside(&i(0).scale(3).add(&c(1)).floor_rem(&p), &p, &facts), (is_there.clone(), is_there));
}

#[test]
fn reversal() {
    assert_eq!(inside(&d(0).sub(&c(1)).sub(&i(0)), &d(0), &facts(1, &[d(0)])), PROVED);
}

#[test]
fn one_past_the_end_is_refused() {
    assert_eq!(inside(&i(0).add(&c(1)), &d(0), &facts(1, &[d(0)])), (Proof::Always, Proof::Entry(c(-1))));
}

#[test]
fn strided_convolution_needs_a_positive_stride() {
    // H = d0, R = d1 are sizes, st = d2 is an integer.
    let (h, r, st) = (d(0), d(1), d(2));
    let mut facts = facts(2, &[h.sub(&r).floor_div(&st).add(&c(1)), r]);
    let subscript = st.mul(&i(0)).add(&i(1));
    let positive = Proof::Entry(st.sub(&c(1)));
    assert_eq!(inside(&subscript, &h, &facts), (positive.clone(), positive));
    facts.nonnegative.push(st.sub(&c(1)));
    // With a positive stride, H - R + st >= 1 leaves i = 0 only where R may exceed H: that is not so, the quotient floors.
    assert_eq!(inside(&subscript, &h, &facts), PROVED);
}

#[test]
fn channels_in_groups() {
    // O = d0, C = d1 are sizes, groups = d2 an integer >= 1, P = O // groups, O == groups*P; the axis is groups*C.
    let (o, per_group, groups) = (d(0), d(1), d(2));
    let p = o.floor_div(&groups);
    let mut facts = facts(2, &[o.clone(), per_group.clone()]);
    facts.zero.push(o.sub(&groups.mul(&p)));
    facts.nonnegative.extend([groups.sub(&c(1)), p.clone()]);
    let subscript = i(0).floor_div(&p).mul(&per_group).add(&i(1));
    assert_eq!(inside(&subscript, &groups.mul(&per_group), &facts), PROVED);
}

#[test]
fn triangular_range() {
    // j in 0..i+1, i in 0..N.
    let facts = facts(1, &[d(0), i(0).add(&c(1))]);
    assert_eq!(inside(&i(1), &d(0), &facts), PROVED);
    assert_eq!(inside(&i(0).sub(&i(1)), &d(0), &facts), PROVED);
}

#[test]
fn a_guard_between_indices() {
    let mut facts = facts(1, &[d(0), d(0)]);
    assert_ne!(inside(&i(0).sub(&i(1)), &d(0), &facts).0, Proof::Always);
    facts.nonnegative.push(i(0).sub(&i(1)));
    assert_eq!(inside(&i(0).sub(&i(1)), &d(0), &facts), PROVED);
}

#[test]
fn other_sizes_become_entry_checks() {
    let facts = facts(2, &[d(0)]);
    assert_eq!(prove_nonnegative(&d(1).sub(&c(1)).sub(&i(0)), &facts), Proof::Entry(d(1).sub(&d(0))));
}

#[test]
fn alias_of_a_quotient() {
    // OH = d2 with OH == (H - R) // 1 + 1 spelt by `where`, and C == 2*P.
    let mut facts = facts(4, &[d(1)]);
    facts.zero.push(d(0).sub(&d(1).scale(2)));
    assert_eq!(inside(&i(0).scale(2).add(&c(1)), &d(0), &facts), PROVED);
}

#[test]
fn halves_of_an_even_axis() {
    // rotary embedding: x[2*i], x[2*i + 1] and x[i + D // 2] with i in 0..D//2.
    let half = d(0).floor_div(&c(2));
    let facts = facts(1, std::slice::from_ref(&half));
    assert_eq!(inside(&i(0).scale(2).add(&c(1)), &d(0), &facts), PROVED);
    assert_eq!(inside(&i(0).add(&half), &d(0), &facts), PROVED);
}

#[test]
fn wrong_claims_are_never_proved() {
    let facts = facts(3, &[d(0), d(1)]);
    for claim in [
        d(0).sub(&d(1)),
        i(0).sub(&i(1)),
        d(0).mul(&d(1)).sub(&d(2)),
        i(0).mul(&i(1)).sub(&c(1)),
        i(0).floor_div(&d(2)).sub(&c(1)),
        d(2).sub(&c(1)),
    ] {
        assert_ne!(prove_nonnegative(&claim, &facts), Proof::Always, "{claim}");
    }
}

#[test]
fn hard_goals_end() {
    let many: Vec<Extent> = (0..10).map(d).collect();
    let facts = facts(10, &many);
    let sum = (0..10).fold(c(-7), |p, n| p.add(&i(n).mul(&d(9 - n)).sub(&i(9 - n).floor_div(&d(n)).scale(3))));
    assert_ne!(prove_nonnegative(&sum, &facts), Proof::Always);
    // Coefficients near the limits of the type must not wrap into a proof.
    let huge = i(0).scale(i128::MAX / 2).mul(&d(1)).sub(&d(2).scale(i128::MAX / 2));
    assert_ne!(prove_nonnegative(&huge, &facts), Proof::Always);
}

/// A small generator, so that the claims are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn atom(&mut self) -> Extent {
        match self.below(7) {
            0..=1 => d(self.below(2) as usize),
            2..=3 => i(self.below(2) as usize),
            4 => i(self.below(2) as usize).floor_div(&d(self.below(2) as usize).add(&c(self.below(2) as i128))),
            5 => i(self.below(2) as usize).add(&d(0)).floor_rem(&c(2 + self.below(2) as i128)),
            _ => d(1).floor_div(&c(2)),
        }
    }

    fn polynomial(&mut self) -> Extent {
        let mut p = c(self.below(5) as i128 - 2);
        for _ in 0..1 + self.below(3) {
            let mut term = self.atom().scale(self.below(5) as i128 - 2);
            if self.below(3) == 0 {
                term = term.mul(&self.atom());
            }
            p = p.add(&term);
        }
        p
    }
}

/// Every proof and every entry check holds on all small sizes: the search may fail, but it may not be wrong.
#[test]
fn random_proofs_are_sound() {
    let mut random = Random(1);
    let mut proved = 0;
    for _ in 0..600 {
        let ends = [
            d(random.below(2) as usize).add(&c(random.below(2) as i128)),
            [d(0), i(0).add(&c(1)), d(1).floor_div(&c(2))][random.below(3) as usize].clone(),
        ];
        let mut facts = facts(2, &ends);
        if random.below(2) == 0 {
            facts.nonnegative.push(random.polynomial());
        }
        if random.below(4) == 0 {
            facts.zero.push(random.polynomial());
        }
        let claim = random.polynomial();
        let proof = prove_nonnegative(&claim, &facts);
        proved += usize::from(proof == Proof::Always);
        if proof != Proof::Unknown {
            check_on_small_sizes(&claim, &facts, &proof);
        }
    }
    assert!(proved > 50, "only {proved} claims were proved");
}

fn check_on_small_sizes(claim: &Extent, facts: &Facts, proof: &Proof) {
    let span = 0..6i128;
    for (m, n) in span.clone().flat_map(|m| span.clone().map(move |n| (m, n))) {
        for (j, k) in (0..8).flat_map(|j| (0..8).map(move |k| (j, k))) {
            let value = |e: &Extent| {
                e.evaluate(&|atom| match atom.to_string().as_str() {
                    "d0" => Some(m),
                    "d1" => Some(n),
                    "i0" => Some(j),
                    "i1" => Some(k),
                    _ => None,
                })
            };
            let in_range = facts.ranges.iter().all(|(index, (lo, hi))| {
                let at = value(&Extent::index(*index));
                value(lo) <= at && at < value(hi)
            });
            let holds =
                facts.nonnegative.iter().all(|f| value(f).is_some_and(|v| v >= 0)) && facts.zero.iter().all(|f| value(f) == Some(0));
            let entry = if let Proof::Entry(e) = proof { value(e).is_some_and(|v| v >= 0) } else { true };
            if let (true, true, true, Some(v)) = (in_range, holds, entry, value(claim)) {
                assert!(v >= 0, "{claim} is {v} at d0={m} d1={n} i0={j} i1={k}: {proof:?} from {facts:?}");
            }
        }
    }
}

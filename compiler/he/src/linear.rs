//! Linear maps between slots: every element goes from a source address to a target address, perhaps times a public number.
//!
//! An element that goes from slot `a` to slot `b` takes a rotation by `a - b`, its *displacement*, and a plaintext that keeps it
//! and nothing else (Halevi and Shoup, *Algorithms in HElib*, 2014: a map is a sum over diagonals). Displacements of index
//! arithmetic are sums of *progressions*: the steps of some index, or of several indices whose steps are a power of two apart,
//! `127 (i - j)` in a transposition of 128 x 128. Each progression is cut into a baby step and a giant step of its own; babies
//! rotate the source, giants the sums over babies. That takes far fewer rotations than cutting the displacements by value.

/// An index that a map runs over, with what one step along it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// How many values the index has.
    pub(crate) size: u64,
    /// What one step adds to the source address.
    pub(crate) source: u64,
    /// What one step adds to the target address.
    pub(crate) target: u64,
    /// What one step adds to the row-major position of the public number.
    pub(crate) flat: u64,
}

/// A map: the product of its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LinearMap {
    /// Source address where every index is 0.
    pub(crate) offset: u64,
    /// The indices, outermost first.
    pub(crate) steps: Vec<Step>,
}

/// Displacements that are multiples of one unit: `unit * v` for `v` in `lo..=hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progression {
    unit: i64,
    lo: i64,
    hi: i64,
}

/// A map's displacements, cut into baby steps and giant steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// Of each step of the map, the progression that it is part of and its multiple of the unit; none if it displaces nothing.
    parts: Vec<Option<(usize, i64)>>,
    progressions: Vec<Progression>,
    /// Babies of each progression are multiples below `2^baby`.
    baby: Vec<u32>,
    /// What is added to every displacement.
    offset: i64,
    /// Displacements count modulo this: the source repeats.
    period: i64,
}

impl LinearMap {
    /// Cuts the displacements so that rotations are few: `sources` ciphertexts are rotated by each baby step, `targets` by each
    /// giant step. The source repeats every `period` slots; `slots` is the whole ciphertext.
    pub(crate) fn split(&self, slots: u64, period: u64, sources: u64, targets: u64) -> Split {
        #[expect(clippy::cast_possible_wrap, reason = "slots are below 2^32")]
        let displacement = |step: &Step| (step.source % slots) as i64 - (step.target % slots) as i64;
        let mut progressions: Vec<Progression> = Vec::new();
        let mut parts = Vec::with_capacity(self.steps.len());
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        order.sort_by_key(|&n| displacement(&self.steps[n]).trailing_zeros());
        parts.resize(self.steps.len(), None);
        for n in order {
            let (step, d) = (&self.steps[n], displacement(&self.steps[n]));
            if d == 0 || step.size < 2 {
                continue;
            }
            let unit = d.abs() >> d.trailing_zeros();
            let found = progressions.iter().position(|p| p.unit >> p.unit.trailing_zeros() == unit);
            let at = found.unwrap_or_else(|| {
                progressions.push(Progression { unit: d.abs(), lo: 0, hi: 0 });
                progressions.len() - 1
            });
            let multiple = d / progressions[at].unit;
            progressions[at].add(multiple, step.size);
            parts[n] = Some((at, multiple));
        }
        #[expect(clippy::cast_possible_wrap, reason = "slots are below 2^32")]
        let (offset, period) = ((self.offset % slots) as i64, period as i64);
        for progression in &mut progressions {
            progression.wrap(period);
        }
        let baby = choose(&progressions, sources, targets);
        Split { parts, progressions, baby, offset, period }
    }
}

impl LinearMap {
    /// Calls `f` with the values of the indices, the source address, the target address and the position of the public number.
    pub(crate) fn each(&self, mut f: impl FnMut(&[u64], u64, u64, u64)) {
        if self.steps.iter().any(|step| step.size == 0) {
            return;
        }
        let mut values = vec![0; self.steps.len()];
        let (mut source, mut target, mut flat) = (self.offset, 0, 0);
        loop {
            f(&values, source, target, flat);
            let mut at = self.steps.len();
            loop {
                if at == 0 {
                    return;
                }
                at -= 1;
                let step = &self.steps[at];
                values[at] += 1;
                (source, target, flat) = (source + step.source, target + step.target, flat + step.flat);
                if values[at] < step.size {
                    break;
                }
                (source, target, flat) = (source - step.source * step.size, target - step.target * step.size, flat - step.flat * step.size);
                values[at] = 0;
            }
        }
    }
}

impl Progression {
    /// Takes in an index of `size` values that adds `multiple` units a step.
    const fn add(&mut self, multiple: i64, size: u64) {
        #[expect(clippy::cast_possible_wrap, reason = "sizes of packed axes are below 2^32")]
        let reach = multiple * (size as i64 - 1);
        if reach < 0 { self.lo += reach } else { self.hi += reach }
    }

    /// Where multiples come round before the range ends, one round is enough.
    const fn wrap(&mut self, period: i64) {
        if self.unit.count_ones() == 1 && self.unit < period && self.hi - self.lo >= period / self.unit {
            (self.lo, self.hi) = (0, period / self.unit - 1);
        }
    }

    const fn babies(&self, bits: u32) -> i64 {
        if self.hi - self.lo + 1 < 1 << bits { self.hi - self.lo + 1 } else { 1 << bits }
    }

    const fn giants(&self, bits: u32) -> i64 {
        (self.hi >> bits) - (self.lo >> bits) + 1
    }

    const fn n_bits(&self) -> u32 {
        64 - (self.hi - self.lo).leading_zeros()
    }
}

/// The baby bits of each progression with the fewest rotations; all combinations are tried, of many progressions the longest.
fn choose(progressions: &[Progression], sources: u64, targets: u64) -> Vec<u32> {
    let mut best = vec![0; progressions.len()];
    let mut best_cost = cost(progressions, &best, sources, targets);
    let mut bits = best.clone();
    loop {
        let Some(n) = (0..bits.len()).find(|&n| bits[n] < progressions[n].n_bits()) else { return best };
        bits[..n].fill(0);
        bits[n] += 1;
        let now = cost(progressions, &bits, sources, targets);
        if now < best_cost {
            best_cost = now;
            best.clone_from(&bits);
        }
    }
}

fn cost(progressions: &[Progression], bits: &[u32], sources: u64, targets: u64) -> u64 {
    let (babies, giants) = counts(progressions, bits);
    (babies - 1).saturating_mul(sources).saturating_add((giants - 1).saturating_mul(targets))
}

fn counts(progressions: &[Progression], bits: &[u32]) -> (u64, u64) {
    let pairs = || progressions.iter().zip(bits);
    let product = |numbers: &mut dyn Iterator<Item = i64>| numbers.fold(1, |all: u64, n| all.saturating_mul(n.unsigned_abs()));
    (product(&mut pairs().map(|(p, &bits)| p.babies(bits))), product(&mut pairs().map(|(p, &bits)| p.giants(bits))))
}

impl Split {
    /// Rotations of each source, rotations of each target, and products for each pair of them.
    pub(crate) fn costs(&self) -> (u64, u64, u64) {
        let (babies, giants) = counts(&self.progressions, &self.baby);
        let all = self.progressions.iter().fold(1, |all: u64, p| all.saturating_mul((p.hi - p.lo + 1).unsigned_abs()));
        (babies - 1, giants - u64::from(self.offset == 0), all)
    }

    /// Baby step and giant step, in slots, of the element at these values of the indices.
    pub(crate) fn steps(&self, values: &[u64]) -> (i64, i64) {
        let mut totals = vec![0_i64; self.progressions.len()];
        for (part, &value) in self.parts.iter().zip(values) {
            if let Some((at, multiple)) = *part {
                totals[at] += multiple * value.cast_signed();
            }
        }
        let (mut baby, mut giant) = (0, self.offset);
        for ((total, progression), bits) in totals.into_iter().zip(&self.progressions).zip(&self.baby) {
            let total = progression.reduce(total, self.period);
            baby += progression.unit * (total & ((1 << bits) - 1));
            giant += progression.unit * (total >> bits << bits);
        }
        (baby, giant)
    }
}

impl Progression {
    /// The multiple that stands for this one among those of [`Progression::wrap`].
    const fn reduce(&self, total: i64, period: i64) -> i64 {
        if total < self.lo || total > self.hi { total.rem_euclid(period / self.unit) } else { total }
    }
}

//! The order in which kernels are carried out.

use super::KernelModule;
use crate::entity::Kernel;

/// One entry of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Every task of a kernel.
    Kernel(Kernel),
    /// Stages that are carried out many times.
    Repeat(Repeat),
}

/// Carries out `body` once for each value of a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Slot of `Frame::scalars` that holds the value, which kernels of the body read with `Op::Scalar`; no repetition around this one
    /// has the same. After the repetition its content is unspecified.
    pub counter: u32,
    /// Least value.
    pub lo: i64,
    /// One past the greatest value; with at most `lo` the body is not carried out.
    pub hi: i64,
    /// From the greatest value to the least.
    pub reverse: bool,
    /// What is done for each value.
    pub body: Vec<Stage>,
}

impl Repeat {
    /// The values of the counter, in order.
    pub fn values(&self) -> impl Iterator<Item = i64> + use<> {
        let (lo, hi, reverse) = (self.lo, self.hi, self.reverse);
        // Mirrored by complements: `!n` falls where `n` grows, and unlike a difference cannot overflow.
        (if reverse { !hi.wrapping_sub(1)..!lo.wrapping_sub(1) } else { lo..hi }).map(move |n| if reverse { !n } else { n })
    }
}

impl KernelModule {
    /// The schedule that carries out every kernel once, in the order of their numbers.
    #[must_use]
    pub fn flat_schedule(&self) -> Vec<Stage> {
        self.kernels.keys().map(Stage::Kernel).collect()
    }

    /// Number of slots of `Frame::scalars`: one more than the greatest counter.
    #[must_use]
    pub fn n_scalars(&self) -> u32 {
        n_scalars(&self.schedule)
    }
}

fn n_scalars(stages: &[Stage]) -> u32 {
    let of = |stage: &Stage| match stage {
        Stage::Kernel(_) => 0,
        Stage::Repeat(repeat) => n_scalars(&repeat.body).max(repeat.counter.saturating_add(1)),
    };
    stages.iter().map(of).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Repeat;

    fn values(lo: i64, hi: i64, reverse: bool) -> Vec<i64> {
        Repeat { counter: 0, lo, hi, reverse, body: Vec::new() }.values().collect()
    }

    #[test]
    fn counters_run_both_ways() {
        assert_eq!(values(2, 5, false), [2, 3, 4]);
        assert_eq!(values(2, 5, true), [4, 3, 2]);
        assert_eq!(values(-1, 1, true), [0, -1]);
        assert_eq!(values(3, 3, true), []);
        assert_eq!(values(0, 0, false), []);
        assert_eq!(values(5, 2, true), []);
    }
}

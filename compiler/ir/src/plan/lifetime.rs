//! How long the content of each buffer is wanted.
//!
//! Time is counted in moments, in the order of the text: one a step, and for a scan also those of its body. What is not wanted in the
//! next turn of a scan lives in a part of the turn, so that the temporaries of a body may share memory.

use super::{Plan, Scan, StepKind};
use crate::entity::{Index, SecondaryMap, Tensor};
use std::ops::RangeInclusive;

/// The first and the last moment at which a buffer has to be there.
pub type Moments = (usize, usize);

/// When each buffer has to be there; `None` for those that no step touches.
#[must_use]
pub fn moments(plan: &Plan) -> SecondaryMap<Tensor, Option<Moments>> {
    let mut clock = Clock::default();
    plan.steps.values().for_each(|step| clock.step(&step.kind));
    let Clock { mut live, scans, .. } = clock;
    for (scan, range) in scans {
        for tensor in scan.buffers() {
            if outlives_a_turn(scan, tensor, live[tensor], &range) {
                extend(&mut live[tensor], *range.start());
                extend(&mut live[tensor], *range.end());
            }
        }
    }
    live
}

/// Whether a buffer is wanted in the next turn of a scan, or was there before the first, or is after the last.
fn outlives_a_turn(scan: &Scan, tensor: Tensor, live: Option<Moments>, range: &RangeInclusive<usize>) -> bool {
    let is_state = scan.states.iter().any(|s| [s.current, s.previous].contains(&tensor));
    let is_here_alone = live.is_some_and(|(first, last)| range.contains(&first) && range.contains(&last));
    let is_stacked = || scan.body.iter().any(|step| writes_slice(&step.kind, scan.index, tensor));
    is_state || !is_here_alone || is_stacked()
}

fn extend(live: &mut Option<Moments>, moment: usize) {
    *live = Some(live.map_or((moment, moment), |(first, last)| (first.min(moment), last.max(moment))));
}

/// Goes through the steps once.
#[derive(Default)]
struct Clock<'p> {
    now: usize,
    live: SecondaryMap<Tensor, Option<Moments>>,
    scans: Vec<(&'p Scan, RangeInclusive<usize>)>,
}

impl<'p> Clock<'p> {
    fn step(&mut self, kind: &'p StepKind) {
        let start = self.now;
        self.now += 1;
        if let StepKind::Scan(scan) = kind {
            scan.body.iter().for_each(|step| self.step(&step.kind));
            self.scans.push((scan, start..=self.now - 1));
        } else {
            kind.buffers().into_iter().for_each(|tensor| extend(&mut self.live[tensor], start));
        }
    }
}

/// Whether a step writes a slice of a buffer at the index of a scan around it, and leaves the others.
fn writes_slice(kind: &StepKind, index: Index, tensor: Tensor) -> bool {
    match kind {
        StepKind::Nest(nest) => nest.out == tensor && nest.outer.contains(&index),
        StepKind::Scan(scan) => scan.body.iter().any(|step| writes_slice(&step.kind, index, tensor)),
        StepKind::Contraction(_) | StepKind::Library(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::EntityRef;
    use crate::plan::parse::parse;

    /// A scan in a scan: `a`, `b` and `c` live in parts of a turn, `s` and `p` (states), `y` (stacked) and `z` (read afterwards) do not.
    const PLAN: &str = r#"plan "f" target "cpu" opt 1 objective "time" machine "default" seed 0
arena 0
buffer t0 "x" f32[4] input 0 live s0..s1
buffer t1 "a" f32[4] arena 0 live s1..s1
buffer t2 "b" f32[4] arena 0 live s1..s1
buffer t3 "c" f32[4] arena 0 live s1..s1
buffer t4 "s" f32[4] arena 0 live s0..s1
buffer t5 "p" f32[4] arena 0 live s1..s1
buffer t6 "y" f32[3, 4] arena 0 live s1..s1
buffer t7 "z" f32[4] arena 0 live s1..s2
buffer t8 "o" f32[4] output 0 live s2..s2
inputs (t0)
outputs (t8)
s0 = nest t4[i0] over (i0 "n" 0..4) = t0[i0] flops 0 bytes 0
s1 = scan i0 "t" 0..3 states (t4 prev t4) flops 0 bytes 0 {
  nest t1[i1] over (i0 "t" 0..3, i1 "n" 0..4) = t4[i1] flops 0 bytes 0
  nest t6[i0, i1] over (i0 "t" 0..3, i1 "n" 0..4) = t1[i1] flops 0 bytes 0
  nest t5[i1] over (i0 "t" 0..3, i1 "n" 0..4) = t0[i1] flops 0 bytes 0
  scan i1 "u" 0..2 states (t5 prev t5) flops 0 bytes 0 {
    nest t2[i2] over (i0 "t" 0..3, i1 "u" 0..2, i2 "n" 0..4) = t5[i2] flops 0 bytes 0
    nest t5[i2] over (i0 "t" 0..3, i1 "u" 0..2, i2 "n" 0..4) = t2[i2] flops 0 bytes 0
  }
  nest t3[i1] over (i0 "t" 0..3, i1 "n" 0..4) = t5[i1] flops 0 bytes 0
  nest t7[i1] over (i0 "t" 0..3, i1 "n" 0..4) = t3[i1] flops 0 bytes 0
  nest t4[i1] over (i0 "t" 0..3, i1 "n" 0..4) = t4[i1] flops 0 bytes 0
}
s2 = nest t8[i0] over (i0 "n" 0..4) = t7[i0] flops 0 bytes 0
"#;

    #[test]
    fn temporaries_of_a_body_live_in_a_part_of_a_turn() {
        let live = moments(&parse(PLAN).unwrap_or_else(|e| panic!("{e}")));
        let of: Vec<_> = (0..9).map(|n| live[Tensor::new(n)].unwrap()).collect();
        // The scan has the moments 1 to 10, the one in it 5 to 7.
        assert_eq!(of, [(0, 10), (2, 3), (6, 7), (8, 9), (0, 10), (4, 8), (1, 10), (1, 11), (11, 11)]);
    }
}

//! Helpers shared by the benchmarks: interleaved timing of two contestants.

use std::time::Instant;

/// Seconds of one call of each contestant, as the median over `rounds` interleaved rounds.
///
/// Every round times `calls` calls of the first, then of the second, so that a drift of the machine's speed meets both.
pub fn interleave(rounds: usize, calls: usize, mut first: impl FnMut(), mut second: impl FnMut()) -> (f64, f64) {
    let (mut a, mut b) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for _ in 0..rounds {
        a.push(time(calls, &mut first));
        b.push(time(calls, &mut second));
    }
    (median(&mut a), median(&mut b))
}

/// Seconds of one call, as the mean over `calls`.
pub fn time(calls: usize, f: &mut impl FnMut()) -> f64 {
    let begin = Instant::now();
    for _ in 0..calls {
        f();
    }
    begin.elapsed().as_secs_f64() / calls as f64
}

/// The middle value; sorts.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

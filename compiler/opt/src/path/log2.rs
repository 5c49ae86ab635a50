//! Sums of numbers that are given by their binary logarithms.

/// Entries of the table for each unit of difference.
const PER_UNIT: usize = 32;
/// Beyond this difference the smaller number does not show.
const LIMIT: usize = 24;

/// `log2(1 + 2^-d)` at `d = n / PER_UNIT`.
static TABLE: std::sync::LazyLock<Vec<f64>> = std::sync::LazyLock::new(|| {
    let entry = |n: usize| libm::log2(1.0 + libm::exp2(-(n as f64) / PER_UNIT as f64));
    (0..=PER_UNIT * LIMIT + 1).map(entry).collect()
});

/// `log2(2^a + 2^b)` to about four digits: what a search compares.
#[inline]
pub(crate) fn add(a: f64, b: f64) -> f64 {
    Adder::new().add(a, b)
}

/// The table, borrowed once for a loop.
#[derive(Clone, Copy)]
pub(crate) struct Adder(&'static [f64]);

impl Adder {
    pub(crate) fn new() -> Self {
        Self(&TABLE)
    }

    /// `log2(2^a + 2^b)`.
    #[inline]
    pub(crate) fn add(self, a: f64, b: f64) -> f64 {
        let (big, small) = if a >= b { (a, b) } else { (b, a) };
        let at = (big - small) * PER_UNIT as f64;
        // A difference of infinities is not a number.
        if at.is_nan() || at >= (PER_UNIT * LIMIT) as f64 {
            return big;
        }
        let n = at as usize;
        let fraction = at - n as f64;
        big + self.0[n] + fraction * (self.0[n + 1] - self.0[n])
    }
}

/// `log2` of the sum of all: exact to rounding.
pub(crate) fn sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    let small = |v: f64| if v < largest - 60.0 { 0.0 } else { libm::exp2(v - largest) };
    largest + libm::log2(values.map(small).sum())
}

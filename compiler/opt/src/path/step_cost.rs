//! What one pairwise step costs: the searches are generic over it.

/// Sizes of the tensors of a step: in elements for [`StepCost::cost`], as binary logarithms for [`StepCost::log2_cost`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Size of the first operand.
    pub lhs: f64,
    /// Size of the second operand.
    pub rhs: f64,
    /// Size of the result.
    pub out: f64,
    /// Number of combinations of values of all labels of both operands: multiplications.
    pub volume: f64,
    /// Whether a label is summed.
    pub sums: bool,
}

/// The price of a step. The price of a tree is the sum over its steps.
///
/// A cost must not grow smaller when a size grows. One unit is whatever the implementation says; only ratios matter.
pub trait StepCost {
    /// Cost of a step, sizes in elements.
    fn cost(&self, elements: &Sizes) -> f64;

    /// Binary logarithm of the cost, sizes as binary logarithms: for networks whose sizes no float can hold. It may be a close estimate.
    fn log2_cost(&self, log2: &Sizes) -> f64;
}

/// Multiplications and additions, as `opt_einsum` counts them: the volume, twice where a label is summed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flops;

impl StepCost for Flops {
    fn cost(&self, elements: &Sizes) -> f64 {
        if elements.sums { 2.0 * elements.volume } else { elements.volume }
    }

    #[inline]
    fn log2_cost(&self, log2: &Sizes) -> f64 {
        if log2.sums { log2.volume + 1.0 } else { log2.volume }
    }
}

/// Flops, and each element of a result as much as 64 of them: `cotengra`'s `combo`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Combo;

impl StepCost for Combo {
    fn cost(&self, elements: &Sizes) -> f64 {
        Flops.cost(elements) + 64.0 * elements.out
    }

    #[inline]
    fn log2_cost(&self, log2: &Sizes) -> f64 {
        super::log2::add(Flops.log2_cost(log2), log2.out + 6.0)
    }
}

/// Elements of the results alone: small intermediates at any price.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written;

impl StepCost for Written {
    fn cost(&self, elements: &Sizes) -> f64 {
        elements.out
    }

    #[inline]
    fn log2_cost(&self, log2: &Sizes) -> f64 {
        log2.out
    }
}

/// Predicted time in nanoseconds: arithmetic or memory traffic, whichever takes longer, and an overhead a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// Flops a nanosecond.
    pub flops: f64,
    /// Terms of each sum that a step takes the time of besides its own.
    pub depth: f64,
    /// Bytes a nanosecond between memory and a core.
    pub bytes: f64,
    /// Bytes a nanosecond of what the cache holds, not less.
    pub cache_bytes: f64,
    /// Bytes that the cache holds.
    pub cache_size: f64,
    /// Nanoseconds that a step takes whatever it does.
    pub overhead: f64,
    /// Bytes of an element.
    pub element_bytes: f64,
}

impl Time {
    /// Nanoseconds in which a step can touch so many bytes: what the cache does not hold comes from memory.
    pub(crate) fn traffic(&self, bytes: f64) -> f64 {
        let held = bytes.min(self.cache_size);
        held / self.cache_bytes + (bytes - held) / self.bytes
    }
}

impl StepCost for Time {
    fn cost(&self, elements: &Sizes) -> f64 {
        let traffic = (elements.lhs + elements.rhs + elements.out) * self.element_bytes;
        let flops = Flops.cost(elements) + if elements.sums { 2.0 * self.depth * elements.out } else { 0.0 };
        (flops / self.flops).max(self.traffic(traffic)) + self.overhead
    }

    #[inline]
    fn log2_cost(&self, log2: &Sizes) -> f64 {
        // A mantissa is enough here: where it overflows, arithmetic dominates by far.
        let largest = log2.lhs.max(log2.rhs).max(log2.out);
        let bytes = largest + libm::log2(self.element_bytes) + 0.5;
        let rate = if bytes <= libm::log2(self.cache_size) { self.cache_bytes } else { self.bytes };
        let traffic = bytes - libm::log2(rate);
        let flops = Flops.log2_cost(log2);
        let flops = if log2.sums { super::log2::add(flops, log2.out + 1.0 + libm::log2(self.depth)) } else { flops };
        let arithmetic = flops - libm::log2(self.flops);
        super::log2::add(arithmetic.max(traffic), libm::log2(self.overhead))
    }
}

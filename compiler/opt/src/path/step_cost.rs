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
    /// Bytes a nanosecond.
    pub bytes: f64,
    /// Nanoseconds that a step takes whatever it does.
    pub overhead: f64,
    /// Bytes of an element.
    pub element_bytes: f64,
}

/// Flops a nanosecond: half of a good matrix product in f32 on one core of a current machine.
pub(crate) const PRODUCT_FLOPS: f64 = 50.0;
/// Bytes a nanosecond.
pub(crate) const BYTES: f64 = 15.0;
/// Nanoseconds of a loop of its own, whatever it does.
pub(crate) const OVERHEAD: f64 = 100.0;

impl Time {
    /// One core of a current machine on tensors of this element size: 50 Gflop/s (half of a good matrix product in f32), 15 GB/s, and
    /// 100 ns for a loop of its own.
    #[must_use]
    pub fn of_element(element_bytes: u64) -> Self {
        Self { flops: PRODUCT_FLOPS, bytes: BYTES, overhead: OVERHEAD, element_bytes: element_bytes as f64 }
    }
}

impl StepCost for Time {
    fn cost(&self, elements: &Sizes) -> f64 {
        let traffic = (elements.lhs + elements.rhs + elements.out) * self.element_bytes;
        (Flops.cost(elements) / self.flops).max(traffic / self.bytes) + self.overhead
    }

    #[inline]
    fn log2_cost(&self, log2: &Sizes) -> f64 {
        // A mantissa is enough here: where it overflows, arithmetic dominates by far.
        let largest = log2.lhs.max(log2.rhs).max(log2.out);
        let traffic = largest + libm::log2(self.element_bytes / self.bytes) + 0.5;
        let arithmetic = Flops.log2_cost(log2) - libm::log2(self.flops);
        super::log2::add(arithmetic.max(traffic), libm::log2(self.overhead))
    }
}

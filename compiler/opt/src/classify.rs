//! Chooses how a contraction of two operands is carried out.

use crate::ring::is_field;
use ein_ir::plan::{Contraction, Strategy};

/// Products below this many multiply-adds per matrix run faster as generated loops than through a library call: about where the
/// call's fixed cost, near a microsecond, is regained at one multiply-add a nanosecond.
const GEMM_MIN: u64 = 4096;

/// Extents of a contraction seen as a batch of matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) batch: u64,
    pub(crate) m: u64,
    pub(crate) n: u64,
    pub(crate) k: u64,
}

/// The contraction as a batch of matrix products, summed labels apart.
pub(crate) fn shape(contraction: &Contraction) -> Shape {
    let classes = contraction.classify_modes();
    let volume = |labels: &[u16]| labels.iter().fold(1u64, |n, l| n.saturating_mul(contraction.extents[usize::from(*l)]));
    Shape { batch: volume(&classes.batch), m: volume(&classes.free_lhs), n: volume(&classes.free_rhs), k: volume(&classes.contracted) }
}

/// A matrix product where it is one and big enough; generated loops otherwise.
pub(crate) fn strategy(contraction: &Contraction) -> Strategy {
    let classes = contraction.classify_modes();
    let Shape { m, n, k, .. } = shape(contraction);
    let is_product = !classes.contracted.is_empty() && classes.summed.is_empty() && is_field(contraction.acc);
    // With one of m, n, k alone above 1 it is a dot product or an outer product.
    let is_matrix = [m, n, k].iter().filter(|e| **e > 1).count() >= 2 && k > 1;
    let is_big = m.saturating_mul(n).saturating_mul(k) >= GEMM_MIN;
    if is_product && is_matrix && is_big { Strategy::Gemm } else { Strategy::Nest }
}

/// The strategy of a contraction in words.
pub(crate) fn reason(contraction: &Contraction) -> String {
    let Shape { batch, m, n, k } = shape(contraction);
    let times = if batch == 1 { String::new() } else { format!("{batch} times ") };
    let kind = match (m, n) {
        (1, _) | (_, 1) => "matrix-vector product",
        _ => "matrix product",
    };
    match contraction.strategy {
        Strategy::Gemm => format!("{times}a {kind}, m={m} n={n} k={k}"),
        Strategy::Gett => format!("{times}a {kind} of packed blocks, m={m} n={n} k={k}"),
        Strategy::Nest => format!("{times}m={m} n={n} k={k}: too small or too narrow for a matrix product"),
    }
}

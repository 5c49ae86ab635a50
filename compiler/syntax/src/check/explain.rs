//! What `ein explain` tells of a def: sums, ranges, accumulators and entry checks, in the user's words.

use ein_ir::dtype::DType;
use ein_ir::span::Span;

/// What is known of one equation once it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The tensor that it defines.
    pub tensor: String,
    /// The equation with every sum written.
    pub equation: String,
    /// Its indices, in the order in which they are bound.
    pub indices: Vec<IndexNote>,
    /// Its reductions, outermost first.
    pub reductions: Vec<ReductionNote>,
    /// The conditions on sizes that it adds to the entry of the def.
    pub checks: Vec<String>,
    /// The equation.
    pub span: Span,
}

/// An index with its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexNote {
    /// As written.
    pub name: String,
    /// `N`, or `1..N` if it does not begin at 0.
    pub range: String,
    /// What the range was taken from: "axis 1 of `A`", "stated".
    pub from: String,
    /// The binder, or the first occurrence of an index that is summed silently.
    pub span: Span,
}

/// A reduction with the type that it is carried out in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReductionNote {
    /// `sum`, `max`, …
    pub reducer: String,
    /// The indices reduced over.
    pub indices: Vec<String>,
    /// The type of the accumulator.
    pub accumulator: DType,
    /// The reduction.
    pub span: Span,
}

/// The explanations of a def while they are collected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) equations: Vec<Explanation>,
    pub(crate) indices: Vec<IndexNote>,
    pub(crate) reductions: Vec<ReductionNote>,
}

//! Contraction orders: which two tensors of a network come together next.
//!
//! * [`Network`]: operands as sets of labels. [`Path`], [`Tree`]: an order. [`price()`]: what it costs.
//! * [`Table`]: the best of all trees of up to 16 operands, with what every subset costs from inside and outside, so that whoever wants to
//!   choose among the nearly best splits can.
//! * [`search()`]: the best path that is found within a budget of steps, whatever the size.
//! * [`slice()`]: labels to fix so that a path keeps to a memory limit.
//!
//! Searches are generic over a [`StepCost`]. They are functions of the network, the objective, the steps and the seed: no clock, thread
//! or hash order takes part, and logarithms come from `libm`, so that paths are the same on every machine.

mod anneal;
mod bits;
pub(crate) mod canonical;
mod formats;
mod greedy;
mod log2;
mod network;
mod objective;
mod optimal;
mod portfolio;
mod price;
mod random;
mod reduce;
mod refine;
mod slice;
mod starts;
mod step_cost;
mod tree;
mod walk;

pub use formats::PathError;
pub use network::{Network, NetworkError};
pub use objective::Objective;
pub use optimal::{MAX_OPERANDS, Rank, Split, Subset, Table};
pub use portfolio::{Budget, EXACT_OPERANDS, Found, search};
pub use price::{Price, StepSizes, price};
pub use slice::{Sliced, TooLarge, slice};
pub use step_cost::{Combo, Flops, Sizes, StepCost, Time, Written};
pub use tree::{Path, Tree};
pub(crate) use walk::walk;

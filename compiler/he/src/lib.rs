//! From typed tensor IR to packed programs: which slot of which ciphertext holds what, and which rotations and products compute with it.
//!
//! [`read::read`] makes a [`program::Program`] of a specialised module: sums of products. [`plan`] searches for packings, orders and
//! kernels, and writes the [`ein_ir::packed::Packed`] that an engine executes. This crate does no input or output.

mod approximation;
mod attempts;
mod beyond;
mod brackets;
mod budgets;
mod builder;
mod cleanup;
mod clear;
mod close;
mod composite;
mod constants;
mod contraction;
mod convert;
mod cost;
mod decided;
mod emit;
pub mod explain;
mod found;
mod front;
mod functions;
pub mod heir;
mod held;
pub mod interchange;
mod joint;
mod keys;
mod known;
mod layouts;
pub mod levels;
mod limits;
mod linear;
mod mapped;
mod merge;
mod minimax;
mod order;
mod packing;
mod pieces;
mod planner;
mod powers;
mod product;
pub mod program;
pub mod read;
mod reciprocal;
mod rolled;
mod rounding;
mod search;
mod secret;
mod selected;
mod shift;
mod sliced;
mod staged;
mod taken;
#[cfg(test)]
mod tests;
mod together;
mod trees;
mod unroll;
mod view;
mod whole;
mod window;
mod wishes;
mod words;
mod work;

pub use builder::{Maker, Makers, Series};
pub use contraction::{Axis, Operand, Subscript};
pub use cost::Costs;
pub use planner::{Best, Objective, Options, explained, plan, plan_with_makers};
pub use search::Contract;
pub use together::reading;

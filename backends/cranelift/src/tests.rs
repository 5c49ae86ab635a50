//! Whole modules, compiled, run and compared with plain Rust.

mod address;
mod control;
mod harness;
mod ops;
mod oracle;
mod random;
mod schedule;
mod text;

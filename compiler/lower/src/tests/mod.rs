//! Kernels of small plans against the oracle, over many shapes.

mod bands;
mod build;
mod contractions;
mod nests;
mod oracle;
mod random;
mod shape;

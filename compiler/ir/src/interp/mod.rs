//! The meaning of tensor IR, of kernel IR, of packed IR and of circuits: slow, obvious evaluation that every back end is compared with.
//!
//! * [`tensor`] evaluates a specialised tensor module as declared: each operation rounded to its dtype, sums in index order in
//!   the accumulator. It decides integers, bools and faults.
//! * [`wide`] evaluates the same modules with floats in f64 and with the error that an implementation may make, and says whether
//!   a result is close enough.
//! * [`library`] evaluates functions of whole tensors, by textbook algorithms in f64, for all three.
//! * [`kernel`] carries out kernel IR on byte buffers and reports every access out of bounds.
//! * [`slots`] carries out packed IR slot by slot: exactly, in floats, or for formal numbers, which is a proof.
//! * [`circuit`] carries out circuits on integers.

pub mod circuit;
pub mod data;
mod engine;
pub mod fault;
pub mod kernel;
pub mod library;
mod load;
mod multi;
mod reduce;
pub mod slots;
pub mod tensor;
pub mod wide;

pub use data::Data;
pub use fault::RunFault;

//! Carries out packed programs on ciphertexts: integers, and reals as integers, exactly, under BFV.
//!
//! ```text
//! Verified<Packed> + Options ── bound.rs: how large results get ── parameters.rs, noise.rs: ring, moduli ── Engine
//! client: keygen, encrypt ── server: run, with evaluation keys only ── client: decrypt
//! ```
//!
//! The scheme is the `fhe` crate's, behind the feature `bfv`; what is computed without it (bounds and parameters) is always there.
//!
//! * **Slots.** A ring of degree `N` gives two rows of `N/2` numbers, and a rotation turns both. A program of `n` slots repeats its
//!   vector `N/n` times over both rows: then every rotation of the rows is a rotation of `n` slots, whatever `N` security asks for,
//!   and plaintexts that are constant stay constant polynomials. The copies are compared on decryption, so that noise which has eaten
//!   a result is an error and not a wrong number.
//! * **Numbers** are residues modulo a product of primes `t`, read as the representative nearest to zero; the program is carried out
//!   modulo each prime, under keys of its own. Bounds of the operands are options; what they make of the results gives the primes, and
//!   an operand beyond its bound is refused. A tensor of reals is multiplied by `2^fraction_bits` and rounded, and a result divided by
//!   as many such factors as were multiplied; where a sum has sides of different numbers of factors, the shorter one is multiplied by
//!   what it lacks (`scale.rs`).
//! * **Memory.** A ring of the library and its keys may take hundreds of megabytes, so no more of them are there at once than there are threads: the
//!   program is carried out modulo some primes, then modulo the next; keys stay bytes, or in their file, until they are needed (`keys.rs`). What it
//!   takes is known before (`needs.rs`), and refused where it is more than there is.
//! * **Threads** share the primes, the ciphertexts of inputs and results, and the operations that do not wait for each other; results are the same
//!   at any number of them.
//! * **Costs** are others than those of a scheme of reals, and keys are made for the lighter plan by either (`ein::costs::BFV`): with three moduli of
//!   50 bits and degrees of 8192, 16384 and 32768 a rotation takes 1.6, 3.6 and 7.4 ms on one core of a virtual server; in such rotations a
//!   relinearisation is 0.85, a product of two ciphertexts 6.9 (0.12 in a scheme of reals), one with a plaintext 0.06, a sum 0.035, and rotations
//!   of one ciphertext share nothing. With more moduli products become cheaper beside rotations. `ein he calibrate` measures them.
//! * **Levels.** The scheme divides by the modulus in each product, so `rescale` and `drop` change nothing here and cost nothing. Keys are made
//!   for the plan without them: it has the operations of the one with levels, in the same order, and may be deeper than moduli of levels allow.

pub mod bound;
mod error;
mod live;
mod needs;
mod noise;
pub mod options;
pub mod parameters;
mod primes;
mod scale;

#[cfg(feature = "bfv")]
mod crt;
#[cfg(feature = "bfv")]
mod execute;
#[cfg(feature = "bfv")]
mod frame;
#[cfg(feature = "bfv")]
mod keys;
#[cfg(feature = "bfv")]
mod machine;
#[cfg(feature = "bfv")]
mod manifest;
#[cfg(feature = "bfv")]
mod pack;
#[cfg(feature = "bfv")]
mod ring;
#[cfg(feature = "bfv")]
mod schedule;
#[cfg(feature = "bfv")]
mod scheme;

pub use needs::Needs;
pub use options::Options;
pub use parameters::Parameters;

#[cfg(feature = "bfv")]
pub use error::{bytes, other_clear};
#[cfg(feature = "bfv")]
pub use execute::{Kind, Report};
#[cfg(feature = "bfv")]
pub use frame::HEAD;
#[cfg(feature = "bfv")]
pub use keys::{Ciphertexts, EvaluationKeys, Keys, PublicKey, SecretKey};
#[cfg(feature = "bfv")]
pub use pack::Numbers;
#[cfg(feature = "bfv")]
pub use ring::is_guarded;
#[cfg(feature = "bfv")]
pub use scheme::{Engine, WriteError, digest};
#[cfg(test)]
#[cfg(feature = "bfv")]
mod tests;

//! Fuzz targets for everything that reads what others wrote.
//!
//! A [`Target`] is a function of bytes that must come back: no panic, no hang, no unbounded memory, and no wrong result where one
//! can be recognised. It returns a number that tells apart what it did, which the driver takes for coverage. The driver
//! (`main.rs`) is deterministic and needs no instrumentation; `fuzz_targets/` has the same functions for libFuzzer.

pub mod corpus;
pub mod driver;
pub mod memory;
pub mod mutate;
pub mod targets;

/// One thing to fuzz.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Runs it on an input, and says what it did as a number.
    pub run: fn(&[u8]) -> u64,
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How inputs are changed.
    pub mutate: fn(&mut mutate::Mutator<'_>) -> Vec<u8>,
}

/// Every target.
pub const TARGETS: [Target; 8] = [
    Target { name: "parse", run: targets::parse, seeds: corpus::programs, mutate: mutate::text },
    Target { name: "front", run: targets::front, seeds: corpus::programs, mutate: mutate::text },
    Target { name: "format", run: targets::format, seeds: corpus::programs, mutate: mutate::text },
    Target { name: "einsum", run: targets::einsum, seeds: corpus::strings, mutate: mutate::text },
    Target { name: "npy", run: targets::npy, seeds: corpus::npy, mutate: mutate::binary },
    Target { name: "npz", run: targets::npz, seeds: corpus::npz, mutate: mutate::binary },
    Target { name: "safetensors", run: targets::safetensors, seeds: corpus::safetensors, mutate: mutate::binary },
    Target { name: "run", run: targets::run, seeds: corpus::choices, mutate: mutate::binary },
];

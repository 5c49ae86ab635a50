//! Everything that a compilation is a function of, besides the program and its sizes.

use ein_cranelift::Cpu;
use ein_opt::{Machine, Minimize, Order};

/// Options of a [`Compiler`](crate::Compiler).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Options {
    /// 0 as written, 1 default budgets, 2 larger ones.
    pub(crate) opt_level: u8,
    /// Threads of a call, at least 1. Bits do not depend on it.
    pub(crate) threads: usize,
    /// Bytes that the peak must not exceed.
    pub(crate) memory_limit: Option<u64>,
    /// What makes a plan better.
    pub(crate) minimize: Minimize,
    /// Who decides the order of products.
    pub(crate) order: Order,
    /// What predicted times are made of.
    pub(crate) machine: Machine,
    /// Seed of randomised searches.
    pub(crate) seed: u64,
    /// Processor.
    pub(crate) cpu: Cpu,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let machine = Machine::default();
        Self { opt_level: 1, threads, memory_limit: None, minimize: Minimize::Time, order: Order::Auto, machine, seed: 0, cpu: Cpu::Host }
    }
}

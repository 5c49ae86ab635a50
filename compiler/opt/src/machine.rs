//! The cost table of a machine: what predicted times are made of.
//!
//! Figures are whole numbers, so that tables compare, print and read back exactly. Rates are a microsecond, times are nanoseconds, of one
//! thread unless whoever measured says otherwise: a plan does not depend on the number of threads.

use crate::path::Time;
use ein_ir::dtype::DType;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Cost table of a machine. [`Machine::default`] is built in.
///
/// ```
/// use ein_opt::Machine;
/// let slow = Machine { name: "slow".to_owned(), memory_bytes: 100, ..Machine::default() };
/// assert!(slow.check().is_ok());
/// assert_eq!(Machine::default().title(), "default");
/// assert!(slow.title().starts_with("slow-"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// What it is called: letters, digits, `.`, `_` and `-`, 64 at most.
    pub name: String,
    /// Threads that the figures are of; nothing is derived from it.
    pub threads: u64,
    /// Flops a microsecond of large matrix products in f32.
    pub product_f32: u64,
    /// Flops a microsecond of large matrix products in f64.
    pub product_f64: u64,
    /// Flops a microsecond of large matrix products in c64; a multiply-add is 8.
    pub product_c64: u64,
    /// Flops a microsecond of large matrix products in c128; a multiply-add is 8.
    pub product_c128: u64,
    /// Terms of each sum that a matrix product takes the time of besides its own: what it costs to load and to store an element.
    pub product_depth: u64,
    /// Nanoseconds of a matrix product, however small; a step of many matrices takes them for each.
    pub product_call: u64,
    /// Flops a microsecond of generated loops in f32, which run in vectors.
    pub loop_f32: u64,
    /// Flops a microsecond of generated loops in f64, which run in vectors.
    pub loop_f64: u64,
    /// Operations a microsecond of generated loops that run one element at a time.
    pub loop_scalar: u64,
    /// Evaluations a microsecond of functions such as `exp`.
    pub function: u64,
    /// Bytes a microsecond between memory and a core.
    pub memory_bytes: u64,
    /// Bytes a microsecond of what the cache holds.
    pub cache_bytes: u64,
    /// Bytes that the cache holds.
    pub cache_size: u64,
    /// Nanoseconds of a step, whatever it does.
    pub step: u64,
}

/// One core of a current server: round figures of what `ein calibrate` measured on one of 2.6 GHz with AVX-512, its other core busy. Library
/// products of several sizes ran between 35 and 65 Gflop/s in f32, and at 90 where nothing else did: their figures are the cautious end of that. The
/// depth is that of builds that are optimised.
impl Default for Machine {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            threads: 1,
            product_f32: 50_000,
            product_f64: 25_000,
            product_c64: 50_000,
            product_c128: 25_000,
            product_depth: 1,
            product_call: 200,
            loop_f32: 14_000,
            loop_f64: 9_000,
            loop_scalar: 2_000,
            function: 100,
            memory_bytes: 25_000,
            cache_bytes: 50_000,
            cache_size: 1 << 20,
            step: 20,
        }
    }
}

/// The largest rate, time and size of a table: sums of products of such figures stay far from the end of floats.
pub const MAX_FIGURE: u64 = 1_000_000_000_000;

/// Characters of a name.
const MAX_NAME: usize = 64;

/// Why a table is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineError {
    /// The name is empty, too long, or has other characters.
    Name(String),
    /// A figure out of its range.
    Figure {
        /// The field.
        field: &'static str,
        /// What it has.
        value: u64,
        /// The least that it may have; the most is [`MAX_FIGURE`].
        least: u64,
    },
}

impl fmt::Display for MachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "its name is {name:?}, which has other than 1 to {MAX_NAME} letters, digits, `.`, `_` and `-`"),
            Self::Figure { field, value, least } => write!(f, "`{field}` is {value}, and must be {least} to {MAX_FIGURE}"),
        }
    }
}

impl Machine {
    /// Every figure with its name and the least that it may be.
    fn figures(&self) -> [(&'static str, u64, u64); 15] {
        [
            ("threads", self.threads, 1),
            ("product_f32", self.product_f32, 1),
            ("product_f64", self.product_f64, 1),
            ("product_c64", self.product_c64, 1),
            ("product_c128", self.product_c128, 1),
            ("product_depth", self.product_depth, 0),
            ("product_call", self.product_call, 0),
            ("loop_f32", self.loop_f32, 1),
            ("loop_f64", self.loop_f64, 1),
            ("loop_scalar", self.loop_scalar, 1),
            ("function", self.function, 1),
            ("memory_bytes", self.memory_bytes, 1),
            ("cache_bytes", self.cache_bytes, 1),
            ("cache_size", self.cache_size, 0),
            ("step", self.step, 0),
        ]
    }

    /// Whether every figure is one that times can be predicted from.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), MachineError> {
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(is_known) {
            return Err(MachineError::Name(self.name.chars().take(MAX_NAME).collect()));
        }
        match self.figures().into_iter().find(|(_, value, least)| !(*least..=MAX_FIGURE).contains(value)) {
            Some((field, value, least)) => Err(MachineError::Figure { field, value, least }),
            None => Ok(()),
        }
    }

    /// How plans name it: `default` for the one that is built in, else the name and a hash of the figures.
    #[must_use]
    pub fn title(&self) -> String {
        if *self == Self::default() {
            return self.name.clone();
        }
        format!("{}-{:08x}", self.name, self.hash_of_figures())
    }

    /// FNV-1a of the figures, the same on every host, folded to 32 bits.
    fn hash_of_figures(&self) -> u32 {
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let bytes = self.figures().into_iter().flat_map(|(_, value, _)| value.to_le_bytes());
        let hash = bytes.fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        (hash ^ (hash >> 32)) as u32
    }

    /// Flops a nanosecond of large matrix products; of types that have none, those of generated loops.
    pub(crate) fn product_rate(&self, dtype: DType) -> f64 {
        let rate = match dtype {
            DType::F32 => self.product_f32,
            DType::F64 => self.product_f64,
            DType::C64 => self.product_c64,
            DType::C128 => self.product_c128,
            _ => return self.loop_rate(dtype),
        };
        a_nanosecond(rate)
    }

    /// Flops a nanosecond of generated loops.
    pub(crate) fn loop_rate(&self, dtype: DType) -> f64 {
        a_nanosecond(match dtype {
            DType::F32 => self.loop_f32,
            DType::F64 => self.loop_f64,
            _ => self.loop_scalar,
        })
    }

    /// Operations a nanosecond, one element at a time.
    pub(crate) fn scalar_rate(&self) -> f64 {
        a_nanosecond(self.loop_scalar)
    }

    /// Evaluations of functions a nanosecond.
    pub(crate) fn function_rate(&self) -> f64 {
        a_nanosecond(self.function)
    }

    /// Nanoseconds in which a step can touch so many bytes: what the cache does not hold comes from memory.
    pub(crate) fn traffic(&self, bytes: f64) -> f64 {
        self.time_of(DType::F32).traffic(bytes)
    }

    /// What the steps of a contraction order cost, for elements of this type.
    #[must_use]
    pub fn time_of(&self, dtype: DType) -> Time {
        Time {
            flops: self.product_rate(dtype),
            depth: self.product_depth as f64,
            bytes: a_nanosecond(self.memory_bytes),
            cache_bytes: a_nanosecond(self.cache_bytes.max(self.memory_bytes)),
            cache_size: self.cache_size as f64,
            overhead: self.step as f64,
            element_bytes: dtype.bytes() as f64,
        }
    }
}

/// A rate a microsecond as one a nanosecond.
fn a_nanosecond(rate: u64) -> f64 {
    rate as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_checked_and_hashed() {
        let n = Machine::default().figures().len();
        assert_eq!(n, 15);
        let mut titles = std::collections::BTreeSet::from([Machine::default().title()]);
        for field in 0..n {
            for value in [u64::MAX, MAX_FIGURE + 1, 7] {
                let mut machine = Machine::default();
                *machine.figure_mut(field) = value;
                assert_eq!(machine.check().is_ok(), value == 7, "{machine:?}");
                if value == 7 {
                    assert!(titles.insert(machine.title()), "{} is not hashed", machine.figures()[field].0);
                }
            }
        }
    }

    impl Machine {
        fn figure_mut(&mut self, field: usize) -> &mut u64 {
            match field {
                0 => &mut self.threads,
                1 => &mut self.product_f32,
                2 => &mut self.product_f64,
                3 => &mut self.product_c64,
                4 => &mut self.product_c128,
                5 => &mut self.product_depth,
                6 => &mut self.product_call,
                7 => &mut self.loop_f32,
                8 => &mut self.loop_f64,
                9 => &mut self.loop_scalar,
                10 => &mut self.function,
                11 => &mut self.memory_bytes,
                12 => &mut self.cache_bytes,
                13 => &mut self.cache_size,
                _ => &mut self.step,
            }
        }
    }

    #[test]
    fn rates_of_nothing_are_refused() {
        let machine = Machine { loop_scalar: 0, ..Machine::default() };
        let error = machine.check().expect_err("a rate of nothing");
        assert_eq!(error.to_string(), "`loop_scalar` is 0, and must be 1 to 1000000000000");
        assert!(Machine { step: 0, ..Machine::default() }.check().is_ok());
    }

    #[test]
    fn names_are_short_words() {
        for name in ["", "a b", "a\"b", "é", &"a".repeat(65)] {
            assert!(Machine { name: name.to_owned(), ..Machine::default() }.check().is_err(), "{name}");
        }
        assert!(Machine { name: "EPYC_9554.64-core".to_owned(), ..Machine::default() }.check().is_ok());
    }
}

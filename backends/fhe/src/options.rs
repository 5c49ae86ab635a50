//! What the owner of the key says before keys are made.

use std::collections::BTreeMap;

/// How a program is carried out. Both sides must agree on it.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "bfv", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Options {
    /// The largest absolute value of each operand, by name; small integer types have one of their own.
    pub bounds: BTreeMap<String, f64>,
    /// The least and the greatest value of each operand of which the program states them: both finite.
    pub ranges: BTreeMap<String, (f64, f64)>,
    /// Bits after the binary point of each real.
    pub fraction_bits: u32,
    /// The digest of what is computed in the clear for the program, if there is something.
    pub clear: Option<String>,
    /// Results of the program that no secret goes into: they are computed in the clear, and no ciphertext has them.
    #[cfg_attr(feature = "bfv", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub open: Vec<String>,
    /// By how much polynomials in the place of functions put each result off at most; nothing where nothing bounds that, or nobody looked.
    #[cfg_attr(feature = "bfv", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub polynomials: Vec<Option<f64>>,
    /// The smallest ring with the slots, whatever its security: for tests only.
    pub insecure_toy: bool,
}

//! Standard deviations of what each operation adds to a slot, relative to the scale.
//!
//! A coefficient of a polynomial with a deviation of `s` gives each slot, whose numbers are real, one of `s sqrt(N / 2)`, and slots
//! are not correlated. Keys are uniform in -1, 0 and 1, errors have the deviation 3.2.

use crate::levels::parameters::Parameters;

/// Of the errors that hide a key.
const ERROR: f64 = 3.2;

/// What a bootstrapping of numbers in -1..1 leaves: it takes a remainder by a polynomial, and its error is of that. Published ones leave 2^-25 or
/// less at scales of 40 bits (Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux, *Efficient bootstrapping for approximate homomorphic encryption*,
/// 2021); an engine must not do worse than this.
const BOOT: f64 = 1.0 / (1 << 22) as f64;

/// Noise in units of the slots, of numbers whose scale is one modulus; of a higher one it is less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    /// A fresh encryption under the public key.
    pub(crate) fresh: f64,
    /// A key switch: a rotation or a relinearisation.
    pub(crate) switch: f64,
    /// A rescaling of two parts, and of three.
    pub(crate) rescale: [f64; 2],
    /// The rounding of a plaintext.
    pub(crate) encode: f64,
    /// The rounding of a plaintext that is the same in all slots: at most.
    pub(crate) constant: f64,
    /// What a bootstrapping leaves of numbers in -1..1.
    boot: f64,
    /// One over the scale.
    unit: f64,
}

impl Noise {
    pub(crate) fn of(parameters: &Parameters) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a power of two")]
        let n = parameters.degree as f64;
        let unit = (-f64::from(parameters.scale_bits)).exp2();
        let slot = |variance: f64| variance.sqrt() * (n / 2.0).sqrt() * unit;
        let key = 2.0 * n / 3.0;
        let rounding = 1.0 / 12.0;
        // Of digits that are as large as the special modulus there is one, the first modulus.
        let digits = n * rounding * ERROR * ERROR;
        Self {
            fresh: slot(ERROR * ERROR * (1.0 + n / 2.0 + key)),
            switch: slot(digits + rounding * (1.0 + key)),
            rescale: [slot(rounding * (1.0 + key)), slot(rounding * (1.0 + key + key * key))],
            encode: slot(rounding),
            constant: 0.5 * unit,
            boot: BOOT,
            unit,
        }
    }

    /// Of a scheme that is exact.
    pub(crate) const fn none() -> Self {
        Self { fresh: 0.0, switch: 0.0, rescale: [0.0; 2], encode: 0.0, constant: 0.0, boot: 0.0, unit: 1.0 }
    }

    /// What a bootstrapping adds to numbers in `-2^bits..2^bits`.
    pub(crate) fn boot(&self, bits: u32) -> f64 {
        self.boot * f64::from(bits).exp2()
    }

    /// What noise at a scale of one modulus is at a scale of several.
    pub(crate) fn at(&self, noise: f64, scale: u32) -> f64 {
        noise * self.unit.powi(i32::try_from(scale).unwrap_or(i32::MAX).saturating_sub(1))
    }
}

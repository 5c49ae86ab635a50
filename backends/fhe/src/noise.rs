//! How much noise a program makes: the logarithm of the standard deviation of a coefficient, by the usual average-case rules.
//!
//! A ciphertext is `q/t * m + e` under the key; it decrypts rightly while `|e| < q / 2t`.
//!
//! Products with the same sign everywhere do not add up like independent ones. A plaintext has coefficients in `0..t`, all of them
//! positive, and so have the digits of a key switch, in `0..q_i`: the noise after a product or a key switch is no longer independent
//! from coefficient to coefficient, but a part of it is `1 + X + ... + X^(N-1)` times noise that is. The next product, of which the
//! mean is that sum again, is counted with the sum of the coefficients in place of the root of the sum of their squares. Further ones
//! grow no faster: at a root of `X^N + 1` the sum is `2 / (1 - exp(i pi / N))` at most, `2 N / pi`.
//!
//! Source: Kim, Polyakov and Zucca, "Revisiting homomorphic encryption schemes for finite fields", 2021, for the rules of BFV.

use crate::scale::{Lifts, Scales};
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed};

/// Variance of a coefficient of the key and of fresh noise: the `fhe` crate's.
const VARIANCE: f64 = 10.0;

/// What noise depends on, all but the degree as logarithms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    /// `N`.
    pub degree: f64,
    /// Bits of `t`.
    pub plain_bits: f64,
    /// Bits after the binary point of each factor.
    pub fraction_bits: f64,
    /// Number of moduli.
    pub moduli: f64,
    /// Bits of each.
    pub modulus_bits: f64,
}

#[derive(Clone, Copy, Debug)]
struct Noise {
    /// Logarithm of the standard deviation.
    log: f64,
    /// Whether coefficients depend on one another: a product or a key switch is behind it.
    smooth: bool,
}

/// The most noise of any result, as a logarithm.
pub(crate) fn of_outputs(program: &Packed, scales: &Scales, ring: Ring) -> f64 {
    of_each_output(program, scales, ring).into_iter().fold(ring.fresh(), f64::max)
}

/// That of each ciphertext of each result.
pub(crate) fn of_each_output(program: &Packed, scales: &Scales, ring: Ring) -> Vec<f64> {
    let mut noises = SecondaryMap::with_default(Noise { log: ring.fresh(), smooth: false });
    for (id, op) in &program.ops {
        noises[id] = ring.of_op(op, scales.lifts(program, op), &noises);
    }
    program.outputs.iter().flat_map(|output| &output.values).map(|value| noises[*value].log).collect()
}

impl Ring {
    fn of_op(self, op: &Op, lifts: Lifts, noises: &SecondaryMap<Ciphertext, Noise>) -> Noise {
        let lifted = |log: f64, factors: u32| log + self.lift(factors);
        match *op {
            Op::Input { .. } => Noise { log: self.fresh(), smooth: false },
            Op::Rotate { x, .. } | Op::Relin(x) => Noise { log: sum(noises[x].log, self.key_switch()), smooth: true },
            Op::Add(x, y) | Op::Sub(x, y) => Noise {
                // Both may be the same noise.
                log: sum(lifted(noises[x].log, lifts.left), lifted(noises[y].log, lifts.right)),
                smooth: noises[x].smooth || noises[y].smooth,
            },
            Op::AddPlain(x, _) => Noise { log: sum(lifted(noises[x].log, lifts.left), 0.0), ..noises[x] },
            Op::MulPlain(x, _) | Op::Mask(x, _) => Noise { log: noises[x].log + self.plain(noises[x].smooth), smooth: true },
            Op::Mul(x, y) => {
                let grown = |noise: Noise| noise.log + self.product(noise.smooth);
                Noise { log: sum(sum(grown(noises[x]), grown(noises[y])), self.rounding()), smooth: true }
            }
            Op::Neg(x) | Op::Rescale(x) | Op::Drop(x, _) | Op::Boot { x, .. } => noises[x],
        }
    }

    /// `u * e + e' + s * e''`.
    fn fresh(self) -> f64 {
        (2.0 * self.degree * VARIANCE * VARIANCE + VARIANCE).log2() / 2.0
    }

    /// A digit for each modulus, each below it, times fresh noise.
    fn key_switch(self) -> f64 {
        self.modulus_bits + (self.moduli * self.degree * VARIANCE / 3.0).log2() / 2.0
    }

    fn plain(self, smooth: bool) -> f64 {
        self.plain_bits + if smooth { (self.degree / 2.0).log2() } else { self.degree.log2() / 2.0 }
    }

    /// A power of two modulo `t`, the same in every slot: a polynomial of one coefficient.
    fn lift(self, factors: u32) -> f64 {
        (f64::from(factors) * self.fraction_bits).min(self.plain_bits)
    }

    /// By `t` and the multiple of `q` that is in the other factor: of two parts in `0..q`, of which one is times the key.
    fn product(self, smooth: bool) -> f64 {
        let wrapped = (self.degree * VARIANCE / 3.0).log2() / 2.0 + 1.0;
        self.plain_bits + wrapped + if smooth { (self.degree / 4.0).log2() } else { self.degree.log2() / 2.0 }
    }

    /// Of three parts, times 1, `s` and `s^2`.
    fn rounding(self) -> f64 {
        (self.degree * VARIANCE).log2()
    }
}

fn sum(a: f64, b: f64) -> f64 {
    a.max(b) + (1.0 + (-(a - b).abs()).exp2()).log2()
}

//! A program with the noise of a scheme of reals: drawn, and added where each operation adds it.
//!
//! The slot simulator carries the program out: noise is a vector in the clear that is added, and the rounding of a plaintext one by which
//! is multiplied once more. The draws follow from a seed.

use super::error::Noise;
use super::parameters::Parameters;
use ein_ir::dtype::DType;
use ein_ir::entity::{Ciphertext, Plain, SecondaryMap};
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::level::{Level, levels};
use ein_ir::packed::verify::verify;
use ein_ir::packed::{Op, Packed, PlainDecl, PlainValues, PublicDecl, PublicSource, Segment};
use ein_ir::verified::{Verified, VerifierError};
use std::f64::consts::TAU;

/// Runs a program with rescalings as a scheme with these parameters would.
///
/// # Errors
/// As [`slots::run`].
pub fn run(
    packed: &Verified<Packed>,
    parameters: &Parameters,
    operands: &Operands<f64>,
    seed: u64,
) -> Result<Vec<Vec<f64>>, Vec<VerifierError>> {
    let top = u32::try_from(parameters.moduli_bits.len().saturating_sub(2)).unwrap_or(u32::MAX);
    let mut noisy = Noisy {
        noise: Noise::of(parameters),
        levels: levels(packed, top)?,
        out: Packed { ops: Default::default(), ..(**packed).clone() },
        draws: Draws(seed),
        vectors: Vec::new(),
        three_parts: SecondaryMap::with_default(false),
    };
    let mut new = SecondaryMap::with_default(Ciphertext::from_u32(0));
    for (id, op) in &packed.ops {
        noisy.three_parts[id] = match op {
            Op::Mul(..) => true,
            Op::Relin(_) => false,
            op => op.args().any(|x| noisy.three_parts[x]),
        };
        new[id] = noisy.op(packed, id, op, &op.renamed(|x| new[x]));
    }
    noisy.out.outputs.iter_mut().flat_map(|output| &mut output.values).for_each(|value| *value = new[*value]);
    let mut operands = operands.clone();
    operands.publics.append(&mut noisy.vectors);
    slots::run(&verify(noisy.out)?, &operands)
}

struct Noisy {
    noise: Noise,
    levels: SecondaryMap<Ciphertext, Level>,
    out: Packed,
    draws: Draws,
    /// What stands in the new vectors in the clear.
    vectors: Vec<Vec<f64>>,
    /// Whether a ciphertext of the program has three parts.
    three_parts: SecondaryMap<Ciphertext, bool>,
}

impl Noisy {
    fn op(&mut self, packed: &Packed, id: Ciphertext, op: &Op, renamed: &Op) -> Ciphertext {
        let made = self.out.ops.push(*renamed);
        let scale = self.levels[id].scale;
        let deviation = match *op {
            Op::Input { .. } => self.noise.fresh,
            Op::Rotate { .. } | Op::Relin(_) => self.noise.switch,
            Op::Rescale(x) => self.noise.rescale[usize::from(self.three_parts[x])],
            Op::Boot { bits, .. } => self.noise.boot(bits),
            Op::Drop(x, _) if !matches!(packed.ops[x], Op::Input { .. } | Op::Boot { .. }) => self.noise.rescale[0],
            Op::AddPlain(..) => self.noise.encode,
            Op::MulPlain(..) | Op::Mask(..) => {
                let rounding = self.vector(self.noise.encode);
                let x = renamed.args().next().unwrap_or(made);
                let more = self.out.ops.push(Op::MulPlain(x, rounding));
                return self.out.ops.push(Op::Add(made, more));
            }
            Op::Add(..) | Op::Sub(..) | Op::Neg(_) | Op::Mul(..) | Op::Drop(..) => return made,
        };
        let noise = self.vector(self.noise.at(deviation, scale));
        self.out.ops.push(Op::AddPlain(made, noise))
    }

    /// A vector of draws.
    fn vector(&mut self, deviation: f64) -> Plain {
        let slots = self.out.slots;
        let name = format!("noise.{}", self.vectors.len());
        self.vectors.push((0..slots).map(|_| deviation * self.draws.normal()).collect());
        let public = PublicDecl { name, dtype: DType::F64, shape: vec![u64::from(slots)], source: PublicSource::Given };
        let public = self.out.publics.push(public);
        let all = Segment { chunk: 0, slot: 0, dslot: u32::from(slots > 1), flat: 0, dflat: i64::from(slots > 1), count: slots };
        self.out.plains.push(PlainDecl { values: PlainValues::Elements(public, vec![all]) })
    }
}

/// Numbers that follow from a seed.
struct Draws(u64);

impl Draws {
    /// In 0..1, never 0.
    fn uniform(&mut self) -> f64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        #[expect(clippy::cast_precision_loss, reason = "53 bits")]
        let uniform = ((z ^ (z >> 31)) >> 11) as f64;
        (uniform + 0.5) / (1_u64 << 53) as f64
    }

    /// Of mean 0 and deviation 1, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
    }
}

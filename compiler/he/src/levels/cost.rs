//! What operations cost at a level, in key switches at the highest.

use ein_ir::packed::Op;
#[cfg(test)]
use ein_ir::packed::Packed;

/// A rescaling of two parts.
const RESCALE: f64 = 0.08;
/// A rescaling of three, at any level: its rounding meets the square of the key and is ten times the noise of a fresh ciphertext, so that it
/// comes after the relinearisation wherever it can.
const RESCALE_THREE: f64 = 1000.0;

/// An operation other than a rescaling, at the highest level; `parts` are those of what it reads.
pub(crate) fn weight(op: &Op, parts: u8) -> f64 {
    match op {
        Op::Rotate { .. } | Op::Relin(_) => 1.0,
        Op::Mul(..) => 0.12,
        Op::MulPlain(..) | Op::Mask(..) => 0.06 * per_part(parts),
        Op::Add(..) | Op::Sub(..) | Op::AddPlain(..) | Op::Neg(_) => 0.01 * per_part(parts),
        Op::Input { .. } | Op::Rescale(_) | Op::Drop(..) => 0.0,
    }
}

/// A rescaling, at the level with this share.
pub(crate) fn rescale(parts: u8, share: f64) -> f64 {
    RESCALE * per_part(parts) * share + if parts > 2 { RESCALE_THREE } else { 0.0 }
}

fn per_part(parts: u8) -> f64 {
    f64::from(parts) / 2.0
}

/// The share of an operation's cost that is left at a level of `top`: less moduli, less work.
pub(crate) fn share(level: u32, top: u32) -> f64 {
    ((f64::from(level) + 1.0) / (f64::from(top) + 1.0)).powf(1.5)
}

/// All operations of a program with rescalings.
#[cfg(test)]
pub(crate) fn total(packed: &Packed, top: u32) -> f64 {
    let levels = ein_ir::packed::level::levels(packed, top).expect("levels are right");
    let parts = super::demand::demand(packed).parts;
    let at = |op: &Op| op.args().map(|arg| levels[arg].level).min().unwrap_or(top);
    let of = |op: &Op| op.args().map(|arg| parts[arg]).max().unwrap_or(2);
    let cost = |op: &Op| match op {
        Op::Rescale(_) => rescale(of(op), share(at(op), top)),
        op => weight(op, of(op)) * share(at(op), top),
    };
    packed.ops.values().map(cost).sum()
}

//! Levels and scales: what a scheme with a modulus per level makes of a program.
//!
//! A fresh ciphertext has the highest level and scale 1, counted in powers of the modulus that one rescaling drops. A product adds
//! scales, a plaintext has scale 1; a rescaling takes one off scale and level. Sums are of equal level and scale, and the moduli of a level hold a scale of one more than it. A program
//! without a rescaling, a drop or a bootstrapping, which has a level of its own, is one whose levels are not planned yet, and nothing is asked of it.

use super::{Op, Packed};
use crate::entity::{Ciphertext, SecondaryMap};
use crate::verified::VerifierError;

/// Where in the chain of moduli a ciphertext is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// How many rescalings are left.
    pub level: u32,
    /// Products that are not rescaled yet, and 1.
    pub scale: u32,
}

/// Level and scale of every ciphertext of a program with `top` levels above the last modulus.
///
/// # Errors
/// Every operation that has not enough levels, or adds what differs.
pub fn levels(program: &Packed, top: u32) -> Result<SecondaryMap<Ciphertext, Level>, Vec<VerifierError>> {
    let planned = program.ops.values().any(|op| matches!(op, Op::Rescale(_) | Op::Drop(..) | Op::Boot { .. }));
    let mut levels = SecondaryMap::with_default(Level { level: top, scale: 1 });
    let mut errors = Vec::new();
    for (id, op) in &program.ops {
        let (level, problem) = level_of(op, &levels, top);
        // Other operations have it from what they read.
        let beyond = (op.multiplies() || matches!(op, Op::Drop(..))) && level.scale > level.level.saturating_add(1);
        let problem = problem.or_else(|| beyond.then(|| format!("{level} is beyond the moduli")));
        levels[id] = level;
        if let Some(message) = problem.filter(|_| planned) {
            errors.push(VerifierError { entity: id.to_string(), message });
        }
    }
    if errors.is_empty() { Ok(levels) } else { Err(errors) }
}

/// The level of the result, also after an error, and what is wrong.
fn level_of(op: &Op, levels: &SecondaryMap<Ciphertext, Level>, top: u32) -> (Level, Option<String>) {
    match *op {
        Op::Input { .. } => (Level { level: top, scale: 1 }, None),
        Op::Rotate { x, .. } | Op::Neg(x) | Op::AddPlain(x, _) | Op::Relin(x) => (levels[x], None),
        Op::MulPlain(x, _) | Op::Mask(x, _) => (Level { scale: levels[x].scale.saturating_add(1), ..levels[x] }, None),
        Op::Add(x, y) | Op::Sub(x, y) => {
            let (a, b) = (levels[x], levels[y]);
            (a, (a != b).then(|| format!("{x} has {a}, but {y} has {b}")))
        }
        Op::Mul(x, y) => {
            let (a, b) = (levels[x], levels[y]);
            let product = Level { level: a.level.min(b.level), scale: a.scale.saturating_add(b.scale) };
            (product, (a.level != b.level).then(|| format!("{x} has {a}, but {y} has {b}")))
        }
        Op::Rescale(x) => rescale(x, levels[x]),
        Op::Boot { x, level, .. } => {
            let from = levels[x];
            let beyond = || (level > top).then(|| format!("level {level} is above {top}"));
            (Level { level, scale: 1 }, (from.scale != 1).then(|| format!("{x} has {from}, and is not rescaled")).or_else(beyond))
        }
        Op::Drop(x, level) => {
            let from = levels[x];
            (Level { level, ..from }, (level > from.level).then(|| format!("{x} has {from}, which is below level {level}")))
        }
    }
}

fn rescale(x: Ciphertext, from: Level) -> (Level, Option<String>) {
    let problem = match from {
        Level { level: 0, .. } => Some(format!("{x} has no level left")),
        Level { scale: 0 | 1, .. } => Some(format!("{x} has {from}: no product to rescale")),
        Level { .. } => None,
    };
    (Level { level: from.level.saturating_sub(1), scale: from.scale.saturating_sub(1).max(1) }, problem)
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "level {} and scale {}", self.level, self.scale)
    }
}

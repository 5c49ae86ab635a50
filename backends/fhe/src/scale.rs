//! By which power of `2^fraction_bits` the integers of a ciphertext stand for its reals.
//!
//! A tensor of reals has one factor, a product as many as both of what is multiplied. What is added must agree, so the shorter side of
//! a sum is multiplied by the powers that it lacks: exactly, at run time, by the engine itself.

use ein_ir::entity::{Ciphertext, Plain, Public, SecondaryMap};
use ein_ir::interp::slots::Number;
use ein_ir::packed::{Op, OutputDecl, Packed, PlainValues, PublicSource};

/// Numbers of factors of `2^fraction_bits`.
#[derive(Clone, Debug)]
pub(crate) struct Scales {
    ciphertexts: SecondaryMap<Ciphertext, u32>,
    publics: SecondaryMap<Public, u32>,
}

/// What the sides of a sum are multiplied by, in factors; at most one is not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lifts {
    pub(crate) left: u32,
    pub(crate) right: u32,
}

impl Scales {
    pub(crate) fn of(program: &Packed) -> Self {
        let mut scales = Self { ciphertexts: SecondaryMap::new(), publics: SecondaryMap::new() };
        for (id, public) in &program.publics {
            scales.publics[id] = match &public.source {
                PublicSource::Given => u32::from(public.dtype.is_float()),
                PublicSource::Einsum { args, scale, .. } => {
                    args.iter().map(|arg| scales.publics[*arg]).fold(of_constant(*scale), u32::saturating_add)
                }
            };
        }
        for (id, op) in &program.ops {
            scales.ciphertexts[id] = scales.of_op(program, op);
        }
        scales
    }

    fn of_op(&self, program: &Packed, op: &Op) -> u32 {
        match *op {
            Op::Input { input, .. } => u32::from(program.inputs[input].dtype.is_float()),
            Op::Rotate { x, .. } | Op::Neg(x) | Op::Mask(x, _) | Op::Relin(x) | Op::Rescale(x) | Op::Drop(x, _) | Op::Boot { x, .. } => {
                self.ciphertexts[x]
            }
            Op::Add(x, y) | Op::Sub(x, y) => self.ciphertexts[x].max(self.ciphertexts[y]),
            Op::AddPlain(x, plain) => self.ciphertexts[x].max(self.plain(program, plain)),
            Op::MulPlain(x, plain) => self.ciphertexts[x].saturating_add(self.plain(program, plain)),
            Op::Mul(x, y) => self.ciphertexts[x].saturating_add(self.ciphertexts[y]),
        }
    }

    /// Of a ciphertext.
    #[cfg(feature = "bfv")]
    pub(crate) fn ciphertext(&self, x: Ciphertext) -> u32 {
        self.ciphertexts[x]
    }

    /// Of a result: the most of its ciphertexts.
    pub(crate) fn output(&self, output: &OutputDecl) -> u32 {
        output.values.iter().map(|value| self.ciphertexts[*value]).max().unwrap_or(0)
    }

    /// Of a plaintext as it is given.
    pub(crate) fn plain(&self, program: &Packed, plain: Plain) -> u32 {
        match &program.plains[plain].values {
            PlainValues::Elements(public, _) => self.publics[*public],
            PlainValues::Constant(value, _) => of_constant(*value),
        }
    }

    /// What the two sides of a sum lack; nothing of another operation.
    pub(crate) fn lifts(&self, program: &Packed, op: &Op) -> Lifts {
        let (left, right) = match *op {
            Op::Add(x, y) | Op::Sub(x, y) => (self.ciphertexts[x], self.ciphertexts[y]),
            Op::AddPlain(x, plain) => (self.ciphertexts[x], self.plain(program, plain)),
            _ => (0, 0),
        };
        let most = left.max(right);
        Lifts { left: most - left, right: most - right }
    }
}

/// Integers are exact, fractions are rounded as reals are.
fn of_constant(value: f64) -> u32 {
    u32::from(i64::constant(value).is_none())
}

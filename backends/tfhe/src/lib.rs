//! Circuits over integers, carried out on real ciphertexts: each element is one radix integer of two-bit blocks.
//!
//! Who has the [`ClientKey`] encrypts the elements of secret operands, each into as many blocks as its range takes, and decrypts the results. Who has
//! the [`ServerKey`] executes: public values are computed in the clear, everything else on ciphertexts. [`Report`] counts what was done, which is
//! what the circuit says.
//!
//! [`program`] has keys and ciphertexts as bytes, for two sides that share files; the command `ein-tfhe` is made of it.
//!
//! This crate takes [`Verified`] circuits alone and knows no compiler crate but `ein-ir`.

pub mod arrays;
pub mod calibrate;
mod error;
pub mod files;
mod frame;
mod machine;
pub mod program;

pub use tfhe::integer::{ClientKey, ServerKey};
pub use tfhe::shortint::Ciphertext;

use ein_ir::circuit::width::{BLOCK_BITS, blocks, is_signed};
use ein_ir::circuit::{Circuit, Op};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{EntityRef, Wire};
use ein_ir::interval::Interval;
use ein_ir::verified::Verified;
use machine::Machine;
use std::collections::BTreeMap;
use tfhe::shortint::ClassicPBSParameters;
use tfhe::shortint::parameters::PARAM_MESSAGE_2_CARRY_2_KS_PBS;

/// Failures of decryption have a probability below 2^-64 an operation, and security is 128 bits, by the library.
const PARAMETERS: ClassicPBSParameters = PARAM_MESSAGE_2_CARRY_2_KS_PBS;

/// The blocks of an integer, the lowest first.
pub type Blocks = Vec<Ciphertext>;

/// An operand of a run.
#[derive(Clone)]
pub enum Operand {
    /// Elements that everybody may see.
    Public(Vec<i128>),
    /// Elements, each encrypted by itself.
    Secret(Vec<Blocks>),
}

/// An element of a result.
#[derive(Clone)]
pub enum Element {
    /// Nothing secret is in it.
    Public(i128),
    /// Encrypted.
    Secret(Blocks),
}

/// What was done on ciphertexts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Operations by their names in the text form.
    pub operations: BTreeMap<String, usize>,
}

impl Report {
    /// What a circuit says that is done.
    #[must_use]
    pub fn expected(circuit: &Circuit) -> Self {
        let mut out = Self::default();
        circuit.nodes.values().filter(|node| node.secret && !matches!(node.op, Op::Input(..))).for_each(|node| out.add(&node.op));
        out
    }

    fn add(&mut self, op: &Op) {
        let text = op.to_string();
        let name = text.split(' ').next().unwrap_or_default().to_owned();
        *self.operations.entry(name).or_default() += 1;
    }
}

/// A pair of keys.
#[must_use]
pub fn generate_keys() -> (ClientKey, ServerKey) {
    let client = ClientKey::new(PARAMETERS);
    let server = ServerKey::new_radix_server_key(&client);
    (client, server)
}

/// An integer of a range, encrypted.
///
/// # Errors
/// It is not in the range, whose blocks may not hold it.
pub fn encrypt(key: &ClientKey, number: i128, range: Interval) -> Result<Blocks, Diagnostic> {
    if !(range.0..=range.1).contains(&number) {
        return Err(error::operands(format!("a number is not in {}..{}", range.0, range.1)));
    }
    let block = |at: u32| ((number >> (BLOCK_BITS * at)) & 3) as u64;
    Ok((0..blocks(range)).map(|at| key.encrypt_one_block(block(at))).collect())
}

/// The integer of a range that blocks hold.
#[must_use]
pub fn decrypt(key: &ClientKey, number: &[Ciphertext], range: Interval) -> i128 {
    let block = |(at, block): (u32, &Ciphertext)| i128::from(key.decrypt_one_block(block)) << (BLOCK_BITS * at);
    let found = (0..).zip(number).map(block).fold(0, |sum, part| sum | part);
    let bits = BLOCK_BITS * number.len() as u32;
    let spare = i128::BITS - bits.clamp(1, i128::BITS);
    if is_signed(range) { (found << spare) >> spare } else { found }
}

/// The operands of a circuit, of which the secret ones are encrypted.
///
/// # Errors
/// An operand too few, or an element out of its range.
pub fn encrypt_operands(key: &ClientKey, circuit: &Circuit, numbers: &[Vec<i128>]) -> Result<Vec<Operand>, Diagnostic> {
    let operand = |(id, decl): (ein_ir::entity::Input, &ein_ir::circuit::InputDecl)| {
        let numbers = numbers.get(id.index()).ok_or_else(|| error::operands(format!("`{}` is missing", decl.name)))?;
        if !decl.secret {
            return Ok(Operand::Public(numbers.clone()));
        }
        let elements = numbers.iter().map(|n| encrypt(key, *n, decl.range));
        elements.collect::<Result<_, _>>().map(Operand::Secret)
    };
    circuit.inputs.iter().map(operand).collect()
}

/// Carries a circuit out, without a secret; row-major results, and what was done.
///
/// # Errors
/// Operands that are not those of the circuit.
pub fn execute(key: &ServerKey, circuit: &Verified<Circuit>, operands: &[Operand]) -> Result<(Vec<Vec<Element>>, Report), Diagnostic> {
    let run = error::guarded(|| Machine::new(key, circuit, operands).run());
    run.unwrap_or_else(|| Err(error::operands("these ciphertexts cannot be computed with".to_owned())))
}

/// The numbers of the results.
///
/// # Errors
/// One is out of the range that its circuit promises: it comes from somewhere else, or of another key.
pub fn decrypt_results(key: &ClientKey, circuit: &Circuit, results: &[Vec<Element>]) -> Result<Vec<Vec<i128>>, Diagnostic> {
    let number = |(wire, element): (&Wire, &Element)| {
        let range = circuit.nodes[*wire].range;
        let found = match element {
            Element::Public(n) => Some(*n),
            Element::Secret(blocks) => error::guarded(|| decrypt(key, blocks, range)),
        };
        let refused = || error::malformed("results of this circuit", "one of them is out of its range");
        found.filter(|n| (range.0..=range.1).contains(n)).ok_or_else(refused)
    };
    circuit.outputs.iter().zip(results).map(|(output, elements)| output.wires.iter().zip(elements).map(number).collect()).collect()
}

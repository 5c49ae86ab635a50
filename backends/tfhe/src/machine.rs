//! One operation after the other.
//!
//! Every secret value has the blocks of its node's range, clean of carries. An operation brings what it reads to the width that it needs: zero blocks
//! or copies of the sign are put in front, or blocks are left away.

use crate::{Blocks, Element, Operand, Report, error};
use ein_ir::circuit::width::{BLOCK_BITS, blocks, is_signed};
use ein_ir::circuit::{BitOp, Circuit, Comparison, Node, Op, Term, range};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{EntityRef, PrimaryMap, Wire};
use ein_ir::interp::circuit::evaluate;
use ein_ir::scalar::value::wrap;
use ein_ir::verified::Verified;
use tfhe::integer::prelude::{IntegerRadixCiphertext, ServerKeyDefaultCMux};
use tfhe::integer::{BooleanBlock, RadixCiphertext, ServerKey, SignedRadixCiphertext};

pub(crate) struct Machine<'a> {
    key: &'a ServerKey,
    circuit: &'a Verified<Circuit>,
    operands: &'a [Operand],
    values: PrimaryMap<Wire, Element>,
    report: Report,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(key: &'a ServerKey, circuit: &'a Verified<Circuit>, operands: &'a [Operand]) -> Self {
        Self { key, circuit, operands, values: PrimaryMap::new(), report: Report::default() }
    }

    pub(crate) fn run(mut self) -> Result<(Vec<Vec<Element>>, Report), Diagnostic> {
        for (wire, node) in &self.circuit.nodes {
            let value = match &node.op {
                Op::Input(id, at) => {
                    self.operand(id.index(), *at, node).ok_or_else(|| error::operands(format!("{wire}: no such operand")))?
                }
                op if node.secret => {
                    self.report.add(op);
                    Element::Secret(self.secret(node))
                }
                op => {
                    let exact = evaluate(op, &|arg| self.number(arg), &|_, _| 0, self.circuit);
                    Element::Public(node.wrap.map_or(exact, |dtype| wrap(exact, dtype)))
                }
            };
            self.values.push(value);
        }
        let element = |wire: &Wire| self.values[*wire].clone();
        let results = self.circuit.outputs.iter().map(|output| output.wires.iter().map(element).collect()).collect();
        Ok((results, self.report))
    }

    fn operand(&self, id: usize, at: u64, node: &Node) -> Option<Element> {
        let at = usize::try_from(at).ok()?;
        match self.operands.get(id)? {
            Operand::Public(numbers) if !node.secret => numbers.get(at).copied().map(Element::Public),
            Operand::Secret(elements) if node.secret => {
                elements.get(at).filter(|element| element.len() == blocks(node.range) as usize).cloned().map(Element::Secret)
            }
            Operand::Public(_) | Operand::Secret(_) => None,
        }
    }

    /// A public value; the operations that call this read one.
    fn number(&self, wire: Wire) -> i128 {
        match &self.values[wire] {
            Element::Public(n) => *n,
            Element::Secret(_) => 0,
        }
    }

    fn is_public(&self, wire: Wire) -> bool {
        matches!(self.values[wire], Element::Public(_))
    }

    /// The low blocks of a number, not encrypted.
    fn trivial(&self, number: i128, width: u32) -> Blocks {
        let block = |at: u32| self.key.as_ref().create_trivial(((number >> (BLOCK_BITS * at).min(127)) & 3) as u64);
        (0..width).map(block).collect()
    }

    /// A value in so many blocks.
    fn lifted(&self, wire: Wire, width: u32) -> Blocks {
        match &self.values[wire] {
            Element::Public(n) => self.trivial(*n, width),
            Element::Secret(value) => self.fitted(value.clone(), is_signed(self.circuit.nodes[wire].range), width),
        }
    }

    fn fitted(&self, mut value: Blocks, signed: bool, width: u32) -> Blocks {
        let width = width as usize;
        value.truncate(width);
        let missing = width - value.len();
        if missing == 0 {
            return value;
        }
        if signed {
            let mut number = SignedRadixCiphertext::from(value);
            self.key.extend_radix_with_sign_msb_assign(&mut number, missing);
            return number.into_blocks();
        }
        value.extend((0..missing).map(|_| self.key.as_ref().create_trivial(0)));
        value
    }

    fn radix(&self, wire: Wire, width: u32) -> RadixCiphertext {
        self.lifted(wire, width).into()
    }

    fn truth(&self, wire: Wire) -> BooleanBlock {
        BooleanBlock::new_unchecked(self.lifted(wire, 1).swap_remove(0))
    }

    /// The result of an operation, in the blocks of its range.
    fn secret(&self, node: &Node) -> Blocks {
        let width = blocks(node.range);
        match &node.op {
            // Operands and numbers are no operations.
            Op::Input(..) | Op::Constant(_) => self.trivial(0, width),
            Op::Sum(terms, constant) => self.sum(terms, *constant, width),
            Op::Mul(a, b) => self.product(*a, *b, width),
            Op::Shr(a, by) => self.shifted(*a, *by, width),
            Op::Compare(how, a, b) => vec![self.compared(*how, *a, *b).into_raw_parts()],
            Op::Select(condition, a, b) if self.is_public(*condition) => {
                self.lifted(if self.number(*condition) == 0 { *b } else { *a }, width)
            }
            Op::Select(condition, a, b) => {
                let (a, b) = (self.radix(*a, width), self.radix(*b, width));
                self.key.if_then_else_parallelized(&self.truth(*condition), &a, &b).into_blocks()
            }
            Op::Min(a, b) => self.extreme(*a, *b, false, width),
            Op::Max(a, b) => self.extreme(*a, *b, true, width),
            Op::Any(wires) => self.gathered(wires, |key, a, b| key.boolean_bitor(a, b)),
            Op::All(wires) => self.gathered(wires, |key, a, b| key.boolean_bitand(a, b)),
            Op::Not(a) => vec![self.key.boolean_bitnot(&self.truth(*a)).into_raw_parts()],
            Op::Bits(op, a, b) => {
                let (a, b) = (self.radix(*a, width), self.radix(*b, width));
                let found = match op {
                    BitOp::And => self.key.bitand_parallelized(&a, &b),
                    BitOp::Or => self.key.bitor_parallelized(&a, &b),
                    BitOp::Xor => self.key.bitxor_parallelized(&a, &b),
                };
                found.into_blocks()
            }
            Op::Lut(index, entries) => self.looked_up(*index, entries, width),
        }
    }

    /// Carries are propagated once, after all terms are added.
    fn sum(&self, terms: &[Term], constant: i128, width: u32) -> Blocks {
        let public: Vec<&Term> = terms.iter().filter(|term| self.is_public(term.wire)).collect();
        let number = public.iter().fold(constant, |sum, term| sum.wrapping_add(term.coefficient.wrapping_mul(self.number(term.wire))));
        let secret = terms.iter().filter(|term| !self.is_public(term.wire));
        let mut parts: Vec<RadixCiphertext> = secret.map(|term| self.multiple(term.wire, term.coefficient, width)).collect();
        if number != 0 {
            parts.push(self.trivial(number, width).into());
        }
        let sum = self.key.sum_ciphertexts_parallelized(&parts);
        sum.map_or_else(|| self.trivial(0, width), IntegerRadixCiphertext::into_blocks)
    }

    fn multiple(&self, wire: Wire, by: i128, width: u32) -> RadixCiphertext {
        let value = self.radix(wire, width);
        let magnitude = by.unsigned_abs();
        let found = if magnitude == 1 { value } else { self.key.scalar_mul_parallelized(&value, magnitude) };
        if by < 0 { self.key.neg_parallelized(&found) } else { found }
    }

    fn product(&self, a: Wire, b: Wire, width: u32) -> Blocks {
        let found = match (self.is_public(a), self.is_public(b)) {
            (true, _) => self.multiple(b, self.number(a), width),
            (_, true) => self.multiple(a, self.number(b), width),
            _ => self.key.mul_parallelized(&self.radix(a, width), &self.radix(b, width)),
        };
        found.into_blocks()
    }

    fn shifted(&self, a: Wire, by: u32, width: u32) -> Blocks {
        let from = self.circuit.nodes[a].range;
        let value = self.lifted(a, blocks(from));
        let signed = is_signed(from);
        let found = if signed {
            self.key.scalar_right_shift_parallelized(&SignedRadixCiphertext::from(value), by).into_blocks()
        } else {
            self.key.scalar_right_shift_parallelized(&RadixCiphertext::from(value), by).into_blocks()
        };
        self.fitted(found, signed, width)
    }

    fn compared(&self, how: Comparison, a: Wire, b: Wire) -> BooleanBlock {
        let both = range::hull(self.circuit.nodes[a].range, self.circuit.nodes[b].range);
        let (a, b) = (self.lifted(a, blocks(both)), self.lifted(b, blocks(both)));
        if is_signed(both) {
            return compare(self.key, how, &SignedRadixCiphertext::from(a), &SignedRadixCiphertext::from(b));
        }
        compare(self.key, how, &RadixCiphertext::from(a), &RadixCiphertext::from(b))
    }

    fn extreme(&self, a: Wire, b: Wire, largest: bool, width: u32) -> Blocks {
        let both = range::hull(self.circuit.nodes[a].range, self.circuit.nodes[b].range);
        let (a, b) = (self.lifted(a, blocks(both)), self.lifted(b, blocks(both)));
        let found = if is_signed(both) {
            let (a, b) = (SignedRadixCiphertext::from(a), SignedRadixCiphertext::from(b));
            if largest { self.key.max_parallelized(&a, &b) } else { self.key.min_parallelized(&a, &b) }.into_blocks()
        } else {
            let (a, b) = (RadixCiphertext::from(a), RadixCiphertext::from(b));
            if largest { self.key.max_parallelized(&a, &b) } else { self.key.min_parallelized(&a, &b) }.into_blocks()
        };
        self.fitted(found, is_signed(both), width)
    }

    fn gathered(&self, wires: &[Wire], combine: impl Fn(&ServerKey, &BooleanBlock, &BooleanBlock) -> BooleanBlock) -> Blocks {
        let found = wires.iter().map(|wire| self.truth(*wire)).reduce(|a, b| combine(self.key, &a, &b));
        found.map_or_else(|| self.trivial(0, 1), |found| vec![found.into_raw_parts()])
    }

    /// A table has at most 16 entries, which the low four bits of the index tell apart.
    fn looked_up(&self, index: Wire, entries: &[Wire], width: u32) -> Blocks {
        let (lo, _) = self.circuit.nodes[index].range;
        if self.is_public(index) {
            let at = usize::try_from(self.number(index) - lo).ok().and_then(|at| entries.get(at));
            return at.map_or_else(|| self.trivial(0, width), |entry| self.lifted(*entry, width));
        }
        let key = self.key.as_ref();
        let low = self.lifted(index, 2);
        let four = key.unchecked_add(&low[0], &key.unchecked_scalar_mul(&low[1], 4));
        let entry = |four: u64, at: u32| {
            let position = (i128::from(four) - lo).rem_euclid(16);
            let entry = usize::try_from(position).ok().and_then(|position| entries.get(position));
            entry.map_or(0, |entry| ((self.number(*entry) >> (BLOCK_BITS * at).min(127)) & 3) as u64)
        };
        let block = |at: u32| key.apply_lookup_table(&four, &key.generate_lookup_table(|four| entry(four, at)));
        (0..width).map(block).collect()
    }
}

fn compare<T: IntegerRadixCiphertext>(key: &ServerKey, how: Comparison, a: &T, b: &T) -> BooleanBlock {
    match how {
        Comparison::Eq => key.eq_parallelized(a, b),
        Comparison::Ne => key.ne_parallelized(a, b),
        Comparison::Lt => key.lt_parallelized(a, b),
        Comparison::Le => key.le_parallelized(a, b),
    }
}

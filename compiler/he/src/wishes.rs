//! Packings in which tensors are wanted further on, so that a move may be made where it is cheapest.
//!
//! What reads a tensor may move it first. Slot-wise steps commute with moves: instead of a polynomial, a sum or a product its factors may be
//! moved, down to inputs and public tensors, where a move is free, or to a product whose sums end there anyway. So where a plan moves a
//! computed tensor is *wished* for the tensor, and for the tensors that it is made of slot by slot; the search is run again with what is
//! wished among the spaces that it tries, and its plan is taken if it is better.

use crate::contraction::{Contraction, Operand, Subscript};
use crate::convert::Conversion;
use crate::cost::Cost;
use crate::held::{Finish, Held, Make};
use crate::layouts::Choice;
use crate::packing::{LabelBit, Packing};
use crate::program::{Origin, Program, Sum};
use crate::search::{Node, Way};
use ein_ir::packed::layout::AddressBit;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Packings that are wished for a tensor.
const MAX_WISHES: usize = 4;

/// Of each tensor the packings that are wished for it, over its axes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    of: BTreeMap<usize, Vec<Packing>>,
}

impl Wishes {
    pub(crate) fn of(&self, tensor: usize) -> &[Packing] {
        self.of.get(&tensor).map_or(&[], Vec::as_slice)
    }

    /// With those of a plan; whether there are more now.
    pub(crate) fn add<'a>(&mut self, program: &Program, results: impl Iterator<Item = &'a Finish>) -> bool {
        let found = Moves::of(results);
        let before = self.clone();
        for (tensor, packing) in found.moves {
            self.wish(program, tensor, packing);
        }
        *self != before
    }

    /// Wishes a packing for a tensor, and for what it is made of slot by slot.
    fn wish(&mut self, program: &Program, tensor: usize, packing: Packing) {
        let all = self.of.entry(tensor).or_default();
        if all.len() >= MAX_WISHES || all.contains(&packing) {
            return;
        }
        all.push(packing.clone());
        for sum in program.sums(tensor) {
            for operand in sum.terms.iter().flat_map(|term| &term.operands) {
                if let Some(packing) = along(sum, operand, &packing).filter(|_| operand.secret) {
                    self.wish(program, operand.tensor, packing);
                }
            }
        }
        if let Origin::Polynomial { of, .. } = program.tensors[tensor].origin {
            self.wish(program, of, packing);
        }
    }
}

/// Where an operand would be whose labels are where the result has them; none if it has others, or is read otherwise.
fn along(sum: &Sum, operand: &Operand, packing: &Packing) -> Option<Packing> {
    let of_result = |label: u8| sum.output.contains(&label);
    if !operand.is_plain() || !operand.labels().all(of_result) {
        return None;
    }
    let axis_of_label = |axis: u8| {
        let label = sum.output.get(usize::from(axis))?;
        operand.axes.iter().position(|axis| axis.subscript == Subscript::Label(*label)).and_then(|axis| u8::try_from(axis).ok())
    };
    Some(seen(packing, axis_of_label))
}

/// Where a plan has the tensors that it computes.
pub(crate) fn packings<'a>(results: impl Iterator<Item = &'a Finish>) -> Choice {
    Moves::of(results).packings
}

/// Moves of computed tensors in a plan, and where they are first.
#[derive(Default)]
struct Moves {
    seen: Vec<*const Held>,
    moves: Vec<(usize, Packing)>,
    packings: Choice,
}

impl Moves {
    fn of<'a>(results: impl Iterator<Item = &'a Finish>) -> Self {
        let mut found = Self::default();
        results.for_each(|finish| found.held(&finish.held));
        found
    }

    fn held(&mut self, held: &Rc<Held>) {
        if self.seen.contains(&Rc::as_ptr(held)) {
            return;
        }
        self.seen.push(Rc::as_ptr(held));
        if !matches!(held.make, Make::Input) {
            self.packings.entry(held.tensor).or_insert_with(|| held.packing.clone());
        }
        match &held.make {
            Make::Input => {}
            Make::Term(way) => self.way(way),
            Make::Polynomial(of, _) => self.held(of),
            Make::Sum(added) => {
                for part in &added.parts {
                    self.way(&part.way);
                    if is_move(&part.conversion) {
                        self.moves.push((held.tensor, Packing { junk: 0, ..held.packing.clone() }));
                    }
                }
            }
        }
    }

    /// The moves of a way, and of what it is made of.
    fn way(&mut self, way: &Way) {
        match &way.node {
            Node::Product(product) => {
                product.factors.iter().for_each(|(factor, conversion)| self.factor(&product.contraction, factor, conversion));
            }
            Node::Mapped(mapped) => self.factor(&mapped.contraction, &mapped.way, &mapped.conversion),
            Node::Held(held, ..) => self.held(held),
            Node::Window(window) => self.held(&window.held),
            Node::Rolled(_) | Node::Input(..) => {}
        }
    }

    fn factor(&mut self, contraction: &Contraction, way: &Way, conversion: &Conversion) {
        self.way(way);
        let Node::Held(held, operand, _) = &way.node else { return };
        let operand = &contraction.operands[*operand];
        if is_move(conversion) && operand.is_plain() && !matches!(held.make, Make::Input) {
            let axis = |label| operand.axes.iter().zip(0..).find(|(axis, _)| axis.subscript == Subscript::Label(label)).map(|(_, n)| n);
            self.moves.push((held.tensor, seen(&conversion.packing, axis)));
        }
    }
}

fn is_move(conversion: &Conversion) -> bool {
    conversion.cost != Cost::default()
}

/// A packing over other labels; what has none is the same everywhere.
fn seen(packing: &Packing, number: impl Fn(u8) -> Option<u8>) -> Packing {
    let bit = |bit: &AddressBit| match LabelBit::of(*bit) {
        Some(LabelBit { label, bit }) => number(label).map_or(AddressBit::Rep, |label| LabelBit { label, bit }.address()),
        None => *bit,
    };
    Packing { bits: packing.bits.iter().map(bit).collect(), offset: packing.offset, junk: 0 }
}

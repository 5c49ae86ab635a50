//! How each tensor of a plan is made: kernel, order, layout, and what the rotations that are carried out for it are for.

use crate::builder::Makers;
use crate::contraction::Contraction;
use crate::held::{Added, Finish, Held, Make};
use crate::levels::Parameters;
use crate::mapped::Mapped;
use crate::packing::{LabelBit, Packing};
use crate::program::Program;
use crate::rolled::Rolled;
use crate::search::{Node, Product, Way};
use crate::words::{self, diagonals, factor, factors, labels, name, publics};
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Layout, Op, Packed};
use ein_ir::span::Span;
use ein_ir::verified::Verified;
use std::rc::Rc;

/// A plan, and how its tensors are made.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The plan that is carried out; of reals with its rescalings.
    pub packed: Verified<Packed>,
    /// Levels of a fresh ciphertext, of reals.
    pub levels: Option<u32>,
    /// What a scheme needs for them; none if no secure ring has so many.
    pub parameters: Option<Parameters>,
    /// Each tensor after those that it is made of.
    pub made: Vec<Made>,
}

/// How a tensor is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its number.
    pub tensor: usize,
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub span: Span,
    /// What makes it, the last step last.
    pub kernels: Vec<String>,
    /// Its factors in the order of their products: `(A * B) * C`.
    pub order: String,
    /// Where its elements are.
    pub layout: Layout,
    /// Rotations of the plan, and what they are for. One that another tensor takes too is counted for the first of them; of a tensor that is
    /// made twice all are here the first time.
    pub rotations: Vec<(u64, String)>,
}

/// Counts the rotations of a plan, each for the tensor that it was first written for; `origins` are its operations in the plan that `makers`
/// speaks of.
pub(crate) fn count_rotations(made: &mut [Made], packed: &Packed, makers: &Makers, origins: &SecondaryMap<Ciphertext, Ciphertext>) {
    for (id, op) in &packed.ops {
        if !matches!(op, Op::Rotate { .. }) {
            continue;
        }
        let maker = makers.of[origins[id]];
        let purpose = maker.purpose.map_or("bring slots together", |purpose| &makers.purposes[purpose]);
        let of = made.iter().position(|made| Some(made.tensor) == maker.tensor).or(made.len().checked_sub(1));
        let Some(rotations) = of.map(|of| &mut made[of].rotations) else { continue };
        match rotations.iter_mut().find(|(_, what)| what == purpose) {
            Some((n, _)) => *n += 1,
            None => rotations.push((1, purpose.to_owned())),
        }
    }
}

/// The tensors of these results, each after those that it is made of; no rotation is counted yet.
pub(crate) fn made<'a>(program: &Program, results: impl Iterator<Item = &'a Finish>, log_slots: usize) -> Vec<Made> {
    let mut teller = Teller { program, log_slots, seen: Vec::new(), made: Vec::new() };
    for finish in results {
        teller.held(&finish.held);
        let place = teller.seen.iter().position(|seen| *seen == Rc::as_ptr(&finish.held));
        if let Some(made) = place.and_then(|n| teller.made[n].as_mut()) {
            made.layout = layout(program, finish.held.tensor, &finish.packing, log_slots);
        }
    }
    teller.made.into_iter().flatten().collect()
}

struct Teller<'a> {
    program: &'a Program,
    log_slots: usize,
    /// What is told already; of inputs there is nothing to tell.
    seen: Vec<*const Held>,
    made: Vec<Option<Made>>,
}

impl Teller<'_> {
    fn held(&mut self, held: &Rc<Held>) {
        if self.seen.contains(&Rc::as_ptr(held)) || matches!(held.make, Make::Input) {
            return;
        }
        let mut kernels = Vec::new();
        let order = match &held.make {
            Make::Input => String::new(),
            Make::Term(way) => self.way(way, &mut kernels),
            Make::Sum(added) => self.sum(added, &mut kernels),
            Make::Polynomial(of, coefficients) => {
                self.held(of);
                kernels.push(format!("polynomial of degree {}", coefficients.len() - 1));
                name(self.program, of).to_owned()
            }
        };
        let tensor = &self.program.tensors[held.tensor];
        let layout = layout(self.program, held.tensor, &held.packing, self.log_slots);
        self.seen.push(Rc::as_ptr(held));
        let (name, span, rotations) = (tensor.name.clone(), tensor.span, Vec::new());
        self.made.push(Some(Made { tensor: held.tensor, name, span, kernels, order, layout, rotations }));
    }

    /// The kernels of a value; gives the order of its products.
    fn way(&mut self, way: &Way, kernels: &mut Vec<String>) -> String {
        match &way.node {
            Node::Input(..) => {}
            Node::Held(held, ..) => self.held(held),
            Node::Window(window) => {
                self.held(&window.held);
                kernels.push(format!("sums of neighbours of {}", name(self.program, &window.held)));
            }
            Node::Product(product) => self.product(product, kernels),
            Node::Mapped(mapped) => self.mapped(mapped, kernels),
            Node::Rolled(rolled) => self.rolled(rolled, kernels),
        }
        words::order(self.program, way)
    }

    fn product(&mut self, product: &Product, kernels: &mut Vec<String>) {
        for (way, _) in &product.factors {
            self.way(way, kernels);
        }
        let names = factors(self.program, product);
        let (order, space) = (names.join(" * "), space(&product.contraction, &product.joint));
        kernels.push(if names.len() == 1 { format!("sum of {order} over {space}") } else { format!("{order} in the space {space}") });
    }

    fn mapped(&mut self, mapped: &Mapped, kernels: &mut Vec<String>) {
        let name = self.way(&mapped.way, kernels);
        kernels.push(format!("diagonals of {} times {name}", diagonals(mapped)));
    }

    fn rolled(&mut self, rolled: &Rolled, kernels: &mut Vec<String>) {
        for side in &rolled.sides {
            self.way(&side.way, kernels);
        }
        let names = rolled.sides.each_ref().map(|side| factor(self.program, &side.way)).join(" * ");
        kernels.push(format!("{names} along the diagonals of both, in {} rounds", 1_u64 << rolled.turns));
    }

    fn sum(&mut self, added: &Added, kernels: &mut Vec<String>) -> String {
        let mut terms: Vec<String> = added.parts.iter().map(|part| self.way(&part.way, kernels)).collect();
        let publics = added.publics.iter().map(|(contraction, _)| publics(contraction, contraction.all()).join(" * "));
        terms.extend(publics.map(|term| if term.is_empty() { "a constant".to_owned() } else { term }));
        kernels.push(if terms.len() == 1 { "scaled".to_owned() } else { format!("sum of {} terms", terms.len()) });
        terms.join(" + ")
    }
}

/// A joint space: its labels, the outermost first.
fn space(contraction: &Contraction, joint: &Packing) -> String {
    format!("[{}]", labels(contraction, joint.bits.iter().rev().filter_map(|bit| LabelBit::of(*bit))))
}

fn layout(program: &Program, tensor: usize, packing: &Packing, log_slots: usize) -> Layout {
    let chunks = packing.chunk_positions(log_slots).iter().map(|&position| packing.bits[position]).collect();
    let slots = packing.bits.iter().take(log_slots).copied().collect();
    Layout {
        shape: program.tensors[tensor].shape.clone(),
        slots,
        chunks,
        rolls: Vec::new(),
        offset: packing.offset,
        junk_padding: packing.junk_axes(),
    }
}

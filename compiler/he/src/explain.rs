//! How each tensor of a plan is made: kernel, order, layout, and what its rotations are for.

use crate::contraction::Contraction;
use crate::convert::{self, Conversion, Route};
use crate::held::{Added, Finish, Held, Make};
use crate::linear::Split;
use crate::mapped::Mapped;
use crate::packing::{LabelBit, Packing};
use crate::product::folds;
use crate::program::Program;
use crate::rolled::Rolled;
use crate::search::{Node, Product, Way};
use ein_ir::packed::Layout;
use ein_ir::span::Span;
use std::rc::Rc;

/// How a tensor is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
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
    /// Rotations, and what they are for. One that another tensor takes too is counted for both.
    pub rotations: Vec<(u64, String)>,
}

/// The tensors of these results, each after those that it is made of.
pub(crate) fn made<'a>(program: &Program, results: impl Iterator<Item = &'a Finish>, log_slots: usize) -> Vec<Made> {
    let mut teller = Teller { program, log_slots, seen: Vec::new(), made: Vec::new() };
    for finish in results {
        teller.held(&finish.held);
        let place = teller.seen.iter().position(|seen| *seen == Rc::as_ptr(&finish.held));
        if let Some(made) = place.and_then(|n| teller.made[n].as_mut()) {
            made.rotations.extend(route(&finish.route, &format!("`{}` into row-major order", made.name)));
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

/// What a tensor is made of, so far.
#[derive(Default)]
struct Parts {
    kernels: Vec<String>,
    rotations: Vec<(u64, String)>,
}

impl Teller<'_> {
    fn held(&mut self, held: &Rc<Held>) {
        if self.seen.contains(&Rc::as_ptr(held)) || matches!(held.make, Make::Input) {
            return;
        }
        let mut parts = Parts::default();
        let order = match &held.make {
            Make::Input => String::new(),
            Make::Term(way) => self.way(way, &mut parts),
            Make::Sum(added) => self.sum(added, &mut parts),
            Make::Polynomial(of, coefficients) => {
                self.held(of);
                parts.kernels.push(format!("polynomial of degree {}", coefficients.len() - 1));
                self.name(of).to_owned()
            }
        };
        let tensor = &self.program.tensors[held.tensor];
        let layout = layout(self.program, held.tensor, &held.packing, self.log_slots);
        let Parts { kernels, rotations } = parts;
        self.seen.push(Rc::as_ptr(held));
        self.made.push(Some(Made { name: tensor.name.clone(), span: tensor.span, kernels, order, layout, rotations }));
    }

    fn name(&self, held: &Held) -> &str {
        &self.program.tensors[held.tensor].name
    }

    /// A value in the order of its products, as it stands in one that it is a factor of.
    fn way(&mut self, way: &Way, parts: &mut Parts) -> String {
        match &way.node {
            Node::Input(contraction, operand) => contraction.operands[*operand].name.clone(),
            Node::Held(held, _) => {
                self.held(held);
                self.name(held).to_owned()
            }
            Node::Product(product) => self.product(product, parts),
            Node::Mapped(mapped) => self.mapped(mapped, parts),
            Node::Rolled(rolled) => self.rolled(rolled, way, parts),
        }
    }

    fn product(&mut self, product: &Product, parts: &mut Parts) -> String {
        let contraction = &product.contraction;
        let mut names = Vec::new();
        for (way, conversion) in &product.factors {
            let name = self.way(way, parts);
            parts.rotations.extend(self.conversion(conversion, &name, contraction));
            names.push(factor(name));
        }
        names.extend(publics(contraction, product.public.operands));
        let order = names.join(" * ");
        let space = space(contraction, &product.joint);
        parts.kernels.push(if names.len() == 1 { format!("sum of {order} over {space}") } else { format!("{order} in the space {space}") });
        let results = convert::n_chunks(&product.outcome.packing, self.log_slots);
        parts.rotations.extend(self.folds(contraction, &product.joint, product.kept, results));
        order
    }

    fn mapped(&mut self, mapped: &Mapped, parts: &mut Parts) -> String {
        let (contraction, name) = (&mapped.contraction, self.way(&mapped.way, parts));
        parts.rotations.extend(self.conversion(&mapped.conversion, &name, contraction));
        let publics = publics(contraction, mapped.public.operands).join(" * ");
        parts.kernels.push(format!("diagonals of {publics} times {name}"));
        parts.rotations.extend(steps(&mapped.split, &format!("multiply by the diagonals of {publics}")));
        let results = convert::n_chunks(&mapped.outcome.packing, self.log_slots);
        parts.rotations.extend(self.folds(contraction, &mapped.partial, mapped.kept, results));
        format!("{} * {publics}", factor(name))
    }

    fn rolled(&mut self, rolled: &Rolled, way: &Way, parts: &mut Parts) -> String {
        let mut names = Vec::new();
        let mut rest = way.cost.rotations;
        for side in &rolled.sides {
            let before: u64 = parts.rotations.iter().map(|(n, _)| n).sum();
            names.push(factor(self.way(&side.way, parts)));
            rest = rest.saturating_sub(parts.rotations.iter().map(|(n, _)| n).sum::<u64>() - before);
        }
        let order = names.join(" * ");
        parts.kernels.push(format!("{order} along the diagonals of both, in {} rounds", 1_u64 << rolled.turns));
        if rest > 0 {
            parts.rotations.push((rest, format!("turn {} and sum", names.join(" and "))));
        }
        order
    }

    fn sum(&mut self, added: &Added, parts: &mut Parts) -> String {
        let mut terms = Vec::new();
        for part in &added.parts {
            let name = self.way(&part.way, parts);
            let chunks = convert::n_chunks(&part.conversion.packing, self.log_slots);
            parts.rotations.extend(route(&part.conversion.route, &format!("{} to the sum", factor(name.clone()))));
            let spread = part.conversion.spread.len() as u64 * chunks;
            parts.rotations.extend((spread > 0).then(|| (spread, format!("spread {} over the result", factor(name.clone())))));
            terms.push(name);
        }
        let publics = added.publics.iter().map(|(contraction, _)| publics(contraction, contraction.all()).join(" * "));
        terms.extend(publics.map(|term| if term.is_empty() { "a constant".to_owned() } else { term }));
        parts.kernels.push(if terms.len() == 1 { "scaled".to_owned() } else { format!("sum of {} terms", terms.len()) });
        terms.join(" + ")
    }

    /// What it takes to get an operand into the space of a product.
    fn conversion(&self, conversion: &Conversion, name: &str, contraction: &Contraction) -> Vec<(u64, String)> {
        let name = factor(name.to_owned());
        let spread = conversion.spread.len() as u64 * convert::n_chunks(&conversion.packing, self.log_slots);
        let moves = conversion.cost.rotations.saturating_sub(spread);
        let mut found: Vec<(u64, String)> = (moves > 0).then(|| (moves, format!("move {name} into the space"))).into_iter().collect();
        if spread > 0 {
            let labels = labels(contraction, conversion.packing.positions().into_keys());
            let over = if labels.is_empty() { String::new() } else { format!(", which has {labels}, over the rest") };
            found.push((spread, format!("spread {name}{over}")));
        }
        found
    }

    /// Sums over slots, for each ciphertext of the result.
    fn folds(&self, contraction: &Contraction, joint: &Packing, kept: u64, results: u64) -> Option<(u64, String)> {
        let folded = folds(joint, kept, self.log_slots);
        let n = folded.len() as u64 * results;
        let labels = labels(contraction, folded.iter().filter_map(|&position| LabelBit::of(joint.at(position))));
        (n > 0).then(|| (n, format!("sum over {labels}")))
    }
}

/// Names of labels, each once, in this order.
fn labels(contraction: &Contraction, bits: impl Iterator<Item = LabelBit>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for bit in bits {
        let name = contraction.labels[usize::from(bit.label)].name.as_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" ")
}

/// A joint space: its labels, the outermost first.
fn space(contraction: &Contraction, joint: &Packing) -> String {
    format!("[{}]", labels(contraction, joint.bits.iter().rev().filter_map(|bit| LabelBit::of(*bit))))
}

/// A factor of a product: one that is a product or a sum itself in brackets.
fn factor(name: String) -> String {
    if name.contains(' ') { format!("({name})") } else { name }
}

fn publics(contraction: &Contraction, operands: u32) -> Vec<String> {
    let chosen = contraction.operands.iter().enumerate().filter(|(n, _)| operands >> n & 1 == 1);
    chosen.map(|(_, operand)| operand.name.clone()).collect()
}

/// Rotations of a route.
fn route(route: &Route, what: &str) -> Vec<(u64, String)> {
    let what = format!("move {what}");
    match route {
        Route::Direct | Route::Mask(_) => Vec::new(),
        Route::Map(_, split) => steps(split, &what).into_iter().collect(),
        Route::Stages(stages) => stages.iter().filter_map(|(_, split, _)| steps(split, &what)).collect(),
    }
}

/// Baby steps of each source and giant steps of each target.
fn steps(split: &Split, what: &str) -> Option<(u64, String)> {
    let rotations = split.cost().rotations;
    (rotations > 0).then(|| (rotations, what.to_owned()))
}

fn layout(program: &Program, tensor: usize, packing: &Packing, log_slots: usize) -> Layout {
    let chunks = packing.chunk_positions(log_slots).iter().map(|&position| packing.bits[position]).collect();
    let slots = packing.bits.iter().take(log_slots).copied().collect();
    Layout { shape: program.tensors[tensor].shape.clone(), slots, chunks, rolls: Vec::new(), junk_padding: false }
}

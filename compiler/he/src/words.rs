//! What operations do, in words: for `ein explain`.

use crate::contraction::Contraction;
use crate::convert::{Conversion, Source};
use crate::held::Held;
use crate::mapped::Mapped;
use crate::packing::{LabelBit, Packing};
use crate::program::Program;
use crate::search::{Node, Product, Way};

/// A value by the order of its products, as it stands where it is a factor: `(A * B)`.
pub(crate) fn factor(program: &Program, way: &Way) -> String {
    in_brackets(order(program, way))
}

/// The order of the products of a value: `(A * B) * C`.
pub(crate) fn order(program: &Program, way: &Way) -> String {
    match &way.node {
        Node::Input(contraction, operand) => contraction.operands[*operand].name.clone(),
        Node::Held(held, ..) => name(program, held).to_owned(),
        Node::Window(window) => name(program, &window.held).to_owned(),
        Node::Product(product) => factors(program, product).join(" * "),
        Node::Mapped(mapped) => format!("{} * {}", factor(program, &mapped.way), diagonals(mapped)),
        Node::Rolled(rolled) => rolled.sides.each_ref().map(|side| factor(program, &side.way)).join(" * "),
    }
}

/// The factors of a product, public ones last.
pub(crate) fn factors(program: &Program, product: &Product) -> Vec<String> {
    let mut names: Vec<String> = product.factors.iter().map(|(way, _)| factor(program, way)).collect();
    names.extend(publics(&product.contraction, product.public.operands));
    names
}

/// What the diagonals of a map are of.
pub(crate) fn diagonals(mapped: &Mapped) -> String {
    publics(&mapped.contraction, mapped.public.operands).join(" * ")
}

pub(crate) fn name<'a>(program: &'a Program, held: &Held) -> &'a str {
    &program.tensors[held.tensor].name
}

/// Names of these operands.
pub(crate) fn publics(contraction: &Contraction, operands: u32) -> Vec<String> {
    let chosen = contraction.operands.iter().enumerate().filter(|(n, _)| operands >> n & 1 == 1);
    chosen.map(|(_, operand)| operand.name.clone()).collect()
}

/// A factor of a product: one that is a product or a sum itself in brackets.
fn in_brackets(order: String) -> String {
    if order.contains(' ') { format!("({order})") } else { order }
}

/// Names of the labels of these bits, each once, in this order.
pub(crate) fn labels(contraction: &Contraction, bits: impl Iterator<Item = LabelBit>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for bit in bits {
        let name = contraction.labels[usize::from(bit.label)].name.as_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" ")
}

/// How a factor gets into the space of a product: what its move is for, and what its repetition is for.
pub(crate) fn into_space(program: &Program, way: &Way, conversion: &Conversion, contraction: &Contraction) -> [String; 2] {
    let name = factor(program, way);
    // What is read along sums of indices lies as its tensor does, by axes.
    let is_by_labels = !matches!(way.source, Source::Strided(_));
    let labels = if is_by_labels { labels(contraction, conversion.packing.positions().keys()) } else { String::new() };
    let over = if labels.is_empty() { String::new() } else { format!(", which has {labels}, over the rest") };
    [format!("move {name} into the space"), format!("spread {name}{over}")]
}

/// The same of a term of a sum.
pub(crate) fn to_sum(program: &Program, way: &Way) -> [String; 2] {
    let name = factor(program, way);
    [format!("move {name} to the sum"), format!("spread {name} over the result")]
}

/// What a sum over these slot bits of a joint space is for.
pub(crate) fn sum_over(contraction: &Contraction, joint: &Packing, positions: &[usize]) -> String {
    format!("sum over {}", labels(contraction, positions.iter().filter_map(|&position| LabelBit::of(joint.at(position)))))
}

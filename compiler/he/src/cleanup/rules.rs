//! What is equal to an operation: rules of one operation and its operands. Rules of sums are in [`sums`].
//!
//! A rule makes what it says of a node, in terms of classes that are there, or nothing. It may rotate and multiply plaintexts, which is done
//! in the clear. Rules that would make new rotations of one ciphertext only do so where the new ones are there already or are fewer.

mod sums;

use super::form::{Form, SlotGraph};
use egg::{Id, Language};
use std::collections::BTreeSet;

/// Nodes of the largest graph.
const MAX_NODES: usize = 50_000;
/// How often rules are tried on what they made.
const MAX_ROUNDS: usize = 32;
/// Terms of a sum that is rotated term by term.
const MAX_ROTATED_TERMS: usize = 8;

/// A rule: the class that is equal to a node of this form.
pub(super) type Rule = fn(&mut SlotGraph<'_>, &Form) -> Option<Id>;

/// Every rule by its name.
pub(super) const RULES: [(&str, Rule); 15] = [
    ("rotation-of-rotation", rotation_of_rotation),
    ("rotation-into-product", rotation_into_product),
    ("rotation-into-sum", rotation_into_sum),
    ("rotation-out-of-mul", rotation_out_of_mul),
    ("product-of-product", product_of_product),
    ("product-of-sum", product_of_sum),
    ("relin-of-product", relin_of_product),
    ("sum-of-sum", sums::sum_of_sum),
    ("sum-in-sum", sums::sum_in_sum),
    ("common-rotation", sums::common_rotation),
    ("common-rotation-of-factors", sums::common_rotation_of_factors),
    ("common-doubling", sums::common_doubling),
    ("common-relin", sums::common_relin),
    ("common-plaintext", sums::common_plaintext),
    ("common-factor", sums::common_factor),
];

/// Adds all that the rules find; says whether that is anything.
pub(super) fn saturate(graph: &mut SlotGraph<'_>) -> bool {
    saturate_by(graph, &RULES)
}

/// The same by some of the rules.
pub(super) fn saturate_by(graph: &mut SlotGraph<'_>, rules: &[(&str, Rule)]) -> bool {
    let mut found = false;
    let mut queue = std::mem::take(&mut graph.fresh);
    for _ in 0..MAX_ROUNDS {
        let mut joined: BTreeSet<Id> = BTreeSet::new();
        for (class, form) in queue {
            let form = canonical(graph, form);
            for (_, rule) in rules {
                if graph.egraph.total_number_of_nodes() > MAX_NODES {
                    break;
                }
                let Some(other) = rule(graph, &form) else { continue };
                if graph.egraph.union(class, other) {
                    joined.insert(class);
                }
            }
        }
        found |= !joined.is_empty();
        graph.egraph.rebuild();
        queue = std::mem::take(&mut graph.fresh);
        queue.extend(readers(graph, &joined));
        if queue.is_empty() {
            break;
        }
    }
    graph.egraph.rebuild();
    found
}

/// The nodes that read one of these classes.
fn readers(graph: &SlotGraph<'_>, classes: &BTreeSet<Id>) -> Vec<(Id, Form)> {
    let egraph = &graph.egraph;
    let parents = classes.iter().flat_map(|&class| egraph[egraph.find(class)].parents()).map(|parent| egraph.find(parent));
    let parents: BTreeSet<Id> = parents.collect();
    parents.into_iter().flat_map(|class| egraph[class].nodes.iter().map(move |node| (class, node.clone()))).collect()
}

fn canonical(graph: &SlotGraph<'_>, form: Form) -> Form {
    let mut form = form.map_children(|child| graph.egraph.find(child));
    match &mut form {
        Form::Sum(terms) => terms.sort_unstable(),
        Form::Mul(factors) => factors.sort_unstable(),
        _ => {}
    }
    form
}

/// `rot a (rot b x) = rot (a + b) x`
fn rotation_of_rotation(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Rotate(a, x) = *form else { return None };
    let (b, y) = rotation(graph, x)?;
    graph.rotated(i64::from(a) + i64::from(b), y)
}

/// `rot k (p x) = (rot k p) (rot k x)`, where `rot k x` is there
fn rotation_into_product(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Rotate(k, x) = *form else { return None };
    let (p, y) = product(graph, x)?;
    let turned = already_rotated(graph, k, y)?;
    let p = graph.plains.rotated(p, i64::from(k))?;
    Some(graph.times(p, turned))
}

/// `rot k (x + y) = rot k x + rot k y`, where both are there
fn rotation_into_sum(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Rotate(k, x) = *form else { return None };
    let terms = sum(graph, x).filter(|terms| terms.len() <= MAX_ROTATED_TERMS)?;
    let turned: Option<Vec<Id>> = terms.into_iter().map(|term| already_rotated(graph, k, term)).collect();
    graph.sum(turned?)
}

/// `relin (rot k x · rot k y) = rot k (relin (x y))`
fn rotation_out_of_mul(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Relin(z) = *form else { return None };
    let [x, y] = graph.nodes(z).iter().find_map(|node| if let Form::Mul(factors) = *node { Some(factors) } else { None })?;
    let (k, x) = rotation(graph, x)?;
    let y = graph.nodes(y).iter().find_map(|node| match *node {
        Form::Rotate(by, y) if by == k => Some(y),
        _ => None,
    })?;
    let (x, y) = (graph.egraph.find(x), graph.egraph.find(y));
    let product = graph.add(Form::Mul([x.min(y), x.max(y)]));
    let product = graph.add(Form::Relin(product));
    graph.rotated(i64::from(k), product)
}

/// `p (q x) = (p q) x`
fn product_of_product(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Times(p, x) = *form else { return None };
    let (q, y) = product(graph, x)?;
    let both = graph.plains.product(p, q)?;
    Some(graph.times(both, y))
}

/// `p (q x + r y) = (p q) x + (p r) y`
fn product_of_sum(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Times(p, x) = *form else { return None };
    let mut terms = Vec::new();
    for term in sum(graph, x)? {
        let (term, minus) = signed(graph, term);
        let (q, y) = product(graph, term)?;
        let both = graph.plains.product(p, q)?;
        let term = graph.times(both, y);
        terms.push(with_sign(graph, term, minus));
    }
    graph.sum(terms)
}

/// `p (relin z) = relin (p z)`
fn relin_of_product(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Times(p, x) = *form else { return None };
    let z = relin(graph, x)?;
    let product = graph.times(p, z);
    Some(graph.add(Form::Relin(product)))
}

/// What a class is a rotation of, and by how much.
fn rotation(graph: &SlotGraph<'_>, x: Id) -> Option<(u32, Id)> {
    graph.nodes(x).iter().find_map(|node| if let Form::Rotate(by, y) = *node { Some((by, y)) } else { None })
}

/// What a class is a product of, and with which plaintext.
fn product(graph: &SlotGraph<'_>, x: Id) -> Option<(u32, Id)> {
    graph.nodes(x).iter().find_map(|node| if let Form::Times(p, y) = *node { Some((p, y)) } else { None })
}

/// What a class is a relinearisation of.
fn relin(graph: &SlotGraph<'_>, x: Id) -> Option<Id> {
    graph.nodes(x).iter().find_map(|node| if let Form::Relin(z) = *node { Some(z) } else { None })
}

/// The terms of a class that is a sum.
fn sum(graph: &SlotGraph<'_>, x: Id) -> Option<Vec<Id>> {
    graph.nodes(x).iter().find_map(|node| if let Form::Sum(terms) = node { Some(terms.clone()) } else { None })
}

/// A term without its sign, and whether it is subtracted.
fn signed(graph: &SlotGraph<'_>, x: Id) -> (Id, bool) {
    let negated = graph.nodes(x).iter().find_map(|node| if let Form::Neg(y) = *node { Some(y) } else { None });
    negated.map_or((x, false), |y| (y, true))
}

fn with_sign(graph: &mut SlotGraph<'_>, x: Id, minus: bool) -> Id {
    if minus { graph.add(Form::Neg(x)) } else { x }
}

/// The rotation of a class, if it is there or is the other way of one.
fn already_rotated(graph: &SlotGraph<'_>, k: u32, x: Id) -> Option<Id> {
    let x = graph.egraph.find(x);
    graph.there(Form::Rotate(k, x)).or_else(|| {
        let (b, y) = rotation(graph, x)?;
        let by = (k + b) % graph.slots;
        if by == 0 { Some(y) } else { graph.there(Form::Rotate(by, graph.egraph.find(y))) }
    })
}

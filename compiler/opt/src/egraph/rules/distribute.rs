//! A product with a sum is a sum of products.

use super::flatten::sum_of;
use super::{Match, Rule, Steps, labels_in};
use crate::egraph::graph::{Access, Graph, Product, open};
use crate::egraph::language::Label;
use ein_ir::dtype::Class;
use ein_ir::scalar::Literal;

/// `A (B + C) = A B + A C`, also under reductions.
pub(crate) const DISTRIBUTE: Rule = Rule { name: "distribute", laws: |ring| ring.distributes && ring.add_commutes, apply: distribute };

fn distribute(graph: &mut Graph, found: &Match, steps: &mut Steps) {
    if found.is_sum {
        return;
    }
    for (n, operand) in found.operands.iter().enumerate() {
        let operand = graph.current(operand.clone());
        if let Some(sum) = sum_of(graph, found.ring, operand.class)
            && steps.take(sum.operands.len())
        {
            over(graph, found, n, &operand, sum);
        }
    }
}

/// The terms of operand `n`, each times the other operands.
fn over(graph: &mut Graph, found: &Match, n: usize, operand: &Access, sum: Product) {
    let mut extents = found.spec.extents.clone();
    let terms = open(sum, &operand.labels, &mut extents);
    let mut products = Vec::new();
    for term in terms {
        let mut operands: Vec<Access> = found.operands.clone();
        operands[n] = term;
        let covered = labels_in(&operands, |_| true);
        let lost = operand.labels.iter().filter(|l| !covered.contains(l) && !found.spec.output.contains(l));
        let lost: Vec<Label> = lost.copied().collect();
        let Some(times) = repetitions(graph, found, &lost) else { return };
        operands.extend(times);
        let output = labels_in(&operands, |label| found.spec.output.contains(&label));
        let product = graph.flattened(found.ring, Product { operands, output, extents: extents.clone() });
        products.push(graph.contract(found.ring, product));
    }
    let result = graph.sum(found.ring, products, &extents);
    if result.labels.len() == found.class.labels.len() {
        graph.join(&found.class, &result, found.rule);
    }
}

/// What a term is multiplied by that is the same along labels which were reduced: how often it is added to itself. `None` if the ring does
/// not say.
fn repetitions(graph: &mut Graph, found: &Match, labels: &[Label]) -> Option<Option<Access>> {
    let n = labels.iter().fold(1u64, |n, l| n.saturating_mul(found.spec.extents[usize::from(*l)]));
    // Nothing added up is zero, which a product with zero need not be.
    if n <= 1 {
        return (n == 1).then_some(None);
    }
    let laws = found.ring.laws()?;
    if laws.idempotent {
        return Some(None);
    }
    let dtype = found.ring.dtype;
    let literal = match dtype.class() {
        Class::Float => Literal::Float(n as f64),
        Class::Complex => Literal::Complex(n as f64, 0.0),
        Class::Signed | Class::Unsigned if n <= i32::MAX as u64 => Literal::Int(i128::from(n)),
        _ => return None,
    };
    laws.subtracts.then(|| Some(graph.constant(literal, dtype)))
}

//! Every node of every class is evaluated on random data: what the graph calls equal is equal.

use super::draft;
use crate::Options;
use crate::egraph::convert::Converted;
use crate::egraph::language::{Constant, Label, Node, Spec};
use crate::egraph::saturated;
use egg::Id;
use ein_ir::entity::EntityRef;
use ein_ir::scalar::Literal;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::tensor::ReduceOp;
use std::collections::BTreeMap;

/// Elements in the order of the axes of a class.
type Values = Vec<i64>;

struct Evaluator<'a> {
    converted: &'a Converted,
    known: BTreeMap<Id, Values>,
}

impl Evaluator<'_> {
    /// The value of a class by its first node that can be evaluated; all others must agree.
    fn settle(&mut self) {
        let graph = &self.converted.graph;
        loop {
            let mut is_changed = false;
            for class in graph.classes() {
                for node in graph.nodes(class) {
                    let Some(values) = self.evaluate(&node) else { continue };
                    match self.known.get(&class) {
                        Some(known) => assert_eq!(known, &values, "{class:?} by {node:?}"),
                        None => {
                            self.known.insert(class, values);
                            is_changed = true;
                        }
                    }
                }
            }
            if !is_changed {
                return;
            }
        }
    }

    fn evaluate(&self, node: &Node) -> Option<Values> {
        let child = |id: &Id| self.known.get(&self.converted.graph.egraph.find(*id));
        match node {
            Node::Leaf(n) => {
                let size: u64 = self.converted.graph.egraph.analysis.leaves[*n as usize].shape.iter().product();
                Some((0..size as i64).map(|k| (k * 7 + 5 * i64::from(*n)) % 9 - 4).collect())
            }
            Node::Constant(c) => Some(vec![integer(*c)]),
            Node::Contract(ring, spec, children) => {
                let values = children.iter().map(child).collect::<Option<Vec<_>>>()?;
                Some(join(spec, &values, ring.mul, ring.add))
            }
            Node::Sum(ring, spec, children) => {
                let values = children.iter().map(child).collect::<Option<Vec<_>>>()?;
                Some(join(spec, &values, ring.plus()?, ring.add))
            }
            // What the program wrote is evaluated by the tests of plans.
            Node::Conjugate(_) | Node::Nest(..) => None,
        }
    }
}

fn integer(constant: Constant) -> i64 {
    if let Literal::Int(n) = constant.literal() { n as i64 } else { panic!("integers only") }
}

fn join(spec: &Spec, values: &[&Values], mul: BinaryFn, add: ReduceOp) -> Values {
    let mut out: Vec<Option<i64>> = vec![None; spec.shape().iter().product::<u64>() as usize];
    let total: u64 = spec.extents.iter().product();
    for turn in 0..total {
        let mut at = vec![0; spec.extents.len()];
        let mut rest = turn;
        for (position, extent) in at.iter_mut().zip(&spec.extents).rev() {
            *position = rest % extent;
            rest /= extent;
        }
        let place = |labels: &[Label]| labels.iter().fold(0, |n, l| n * spec.extents[usize::from(*l)] + at[usize::from(*l)]) as usize;
        let factors = spec.operands.iter().zip(values).map(|(labels, values)| values[place(labels)]);
        let term = factors.reduce(|a, b| apply(mul, a, b)).expect("an operand");
        let sum = &mut out[place(&spec.output)];
        *sum = Some(sum.map_or(term, |sum| plus(add, sum, term)));
    }
    out.into_iter().map(|value| value.expect("no empty axes")).collect()
}

fn apply(function: BinaryFn, a: i64, b: i64) -> i64 {
    match function {
        BinaryFn::Add => a.wrapping_add(b),
        BinaryFn::Mul => a.wrapping_mul(b),
        BinaryFn::Max => a.max(b),
        BinaryFn::Min => a.min(b),
        other => panic!("{other:?}"),
    }
}

fn plus(add: ReduceOp, a: i64, b: i64) -> i64 {
    match add {
        ReduceOp::Sum => a.wrapping_add(b),
        ReduceOp::Max => a.max(b),
        ReduceOp::Min => a.min(b),
        other => panic!("{other:?}"),
    }
}

fn check(inputs: &[(&str, &[u64])], outputs: &str, extents: &[u64], body: &str) -> usize {
    let draft = draft(inputs, outputs, extents, body, "i64");
    let converted = saturated(&draft, &Options { opt_level: 2, ..Options::default() }, u64::MAX);
    let mut evaluator = Evaluator { converted: &converted, known: BTreeMap::new() };
    evaluator.settle();
    let wanted = converted.values[&ein_ir::entity::Tensor::new(draft.values.len() - 1)].clone();
    assert!(evaluator.known.contains_key(&converted.graph.current(wanted).class));
    converted.graph.egraph.total_size()
}

const MATRICES: [(&str, &[u64]); 5] = [("A", &[2, 3]), ("B", &[3, 4]), ("C", &[3, 4]), ("D", &[4, 2]), ("E", &[2, 4])];

/// Extents of `i0..`: 2, 3, 4, 2, 3, 4, 2.
const EXTENTS: [u64; 7] = [2, 3, 4, 2, 3, 4, 2];

#[test]
fn orders_and_sharing() {
    let body = "t5[i0, i3] = sum:i64[i1, i2]((t0[i0, i1] * t1[i1, i2] * t3[i2, i3]))\n\
                t6[i0, i5] = sum:i64[i1, i2, i3, i4]((t0[i0, i1] * t2[i1, i2] * t3[i2, i3] * t0[i3, i4] * t1[i4, i5]))";
    assert!(check(&MATRICES, "<y i64[2, 2]\n<z i64[2, 4]", &EXTENTS, body) > 20);
}

#[test]
fn factors_of_sums() {
    let body = "t5[i0, i2] = sum:i64[i1]((t0[i0, i1] * t1[i1, i2]))\nt6[i0, i2] = sum:i64[i1]((t0[i0, i1] * t2[i1, i2]))\n\
                t7[i0, i2] = ((t5[i0, i2] - (3:i64 * t6[i0, i2])) + (t4[i0, i2] * t4[i0, i2]))";
    check(&MATRICES, "|p i64[2, 4]\n|q i64[2, 4]\n<y i64[2, 4]", &EXTENTS, body);
}

#[test]
fn products_of_sums() {
    let body = "t5[i0, i3] = sum:i64[i1, i2]((t0[i0, i1] * (t1[i1, i2] + t2[i1, i2] + 1:i64) * t3[i2, i3]))";
    check(&MATRICES, "<y i64[2, 2]", &EXTENTS, body);
    // A term that lacks a label which is summed counts as often as that label has values.
    let body = "t5[i0, i2] = sum:i64[i1]((t0[i0, i1] + t1[i1, i2] + t4[i0, i2]))";
    check(&MATRICES, "<y i64[2, 4]", &EXTENTS, body);
    let body = "t5[i0] = sum:i64[i1]((t0[i0, i1] * ((t0[i0, i1] + t0[i0, i1]) - (2:i64 * t0[i0, i1]))))";
    check(&MATRICES, "<y i64[2]", &EXTENTS, body);
}

#[test]
fn symmetric_uses_of_one_tensor() {
    // `S S^T` in two spellings, traces and diagonals.
    let inputs: [(&str, &[u64]); 1] = [("S", &[3, 3])];
    let body = "t1[i0, i1] = sum:i64[i2]((t0[i0, i2] * t0[i1, i2]))\nt2[i0, i1] = sum:i64[i2]((t0[i1, i2] * t0[i0, i2]))\n\
                t3[i0, i1] = sum:i64[i2, i3]((t1[i0, i2] * t0[i2, i3] * t2[i3, i1]))\nt4[] = sum:i64[i0, i1]((t3[i0, i1] * t0[i1, i1]))";
    check(&inputs, "|p i64[3, 3]\n|q i64[3, 3]\n|r i64[3, 3]\n<y i64[]", &[3, 3, 3, 3], body);
}

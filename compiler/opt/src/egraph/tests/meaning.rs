//! Every node of every class is evaluated on random data: what the graph calls equal is equal.

use super::draft;
use crate::Options;
use crate::draft::{Draft, Role};
use crate::egraph::convert::Converted;
use crate::egraph::facts::Type;
use crate::egraph::language::{Label, Node, Position, Spec, Window};
use crate::egraph::saturated;
use crate::ranges::Range;
use crate::tests::{add_nest, equations, module};
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::EntityRef;
use ein_ir::extent::Extent;
use ein_ir::interp::data::Data;
use ein_ir::interp::tensor::run;
use ein_ir::scalar::Literal;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::span::Span;
use ein_ir::tensor::{Module, ReduceOp, TensorDecl, verify};
use std::collections::BTreeMap;

/// Elements in the order of the axes of a class.
type Values = Vec<i64>;

struct Evaluator<'a> {
    draft: &'a Draft,
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
            Node::Leaf(n) if self.table(*n).is_some() => self.table(*n),
            Node::Leaf(n) => {
                let leaf = self.converted.leaves[*n as usize];
                let value = |k: i64| (k * 7 + 5 * i64::from(*n)) % 9;
                let within = |k: i64| match self.draft.ranges.of_tensor(leaf, DType::I64) {
                    Range::Integer((lo, hi)) if hi - lo < 9 => lo as i64 + value(k) % (hi - lo + 1) as i64,
                    _ => value(k) - 4,
                };
                Some((0..self.draft.values[leaf].n_elements() as i64).map(within).collect())
            }
            Node::Constant(c) => Some(vec![integer(c.literal())]),
            Node::Contract(ring, spec, children) => {
                let values = children.iter().map(child).collect::<Option<Vec<_>>>()?;
                Some(join(spec, &values, ring.mul, ring.add))
            }
            Node::Sum(ring, spec, children) => {
                let values = children.iter().map(child).collect::<Option<Vec<_>>>()?;
                Some(join(spec, &values, ring.plus()?, ring.add))
            }
            Node::Nest(n, children) => {
                let values = children.iter().map(child).collect::<Option<Vec<_>>>()?;
                Some(self.nest(*n, children, &values))
            }
            Node::Slice(window, of) => Some(part(window, self.converted.graph.shape(*of), child(of)?)),
            Node::Conjugate(_) => None,
        }
    }

    /// The elements of a leaf that is a table.
    fn table(&self, leaf: u32) -> Option<Values> {
        let Role::Constant(elements) = &self.draft.values[self.converted.leaves[leaf as usize]].role else { return None };
        Some(elements.iter().map(|literal| integer(*literal)).collect())
    }

    /// The value of a nest by the interpreter.
    fn nest(&self, n: u32, children: &[Id], values: &[&Values]) -> Values {
        let nest = &self.converted.nests[n as usize].nest;
        let mut module = Module::default();
        let mut declare = |of: &Type| {
            let axes = of.shape.iter().map(|e| Extent::constant(i128::from(*e))).collect();
            module.tensors.push(TensorDecl::new("t", of.dtype, axes, Span::default()))
        };
        let graph = &self.converted.graph;
        let types = children.iter().map(|c| Type { shape: graph.shape(*c).to_vec(), dtype: graph.dtype(*c) });
        let types: Vec<Type> = types.collect();
        let params = types.iter().map(&mut declare).collect();
        let out = declare(&graph.egraph.analysis.nests[n as usize]);
        (module.params, module.results) = (params, vec![out]);
        add_nest(&mut module, nest);
        let module = verify::verify(module).unwrap_or_else(|e| panic!("{e:?}"));
        let shape = |of: &Type| of.shape.iter().map(|e| *e as usize).collect::<Vec<_>>();
        let inputs: Vec<Data> = types.iter().zip(values).map(|(of, values)| Data::ints(of.dtype, &shape(of), values)).collect();
        let outputs = run(&module, &inputs).unwrap_or_else(|e| panic!("{e:?}"));
        outputs[0].values.iter().map(|v| v.as_int().expect("integers") as i64).collect()
    }
}

fn integer(literal: Literal) -> i64 {
    if let Literal::Int(n) = literal { n as i64 } else { panic!("integers only") }
}

fn part(window: &Window, shape: &[u64], values: &Values) -> Values {
    let n: u64 = window.shape.iter().product();
    let value = |turn: u64| {
        let mut at = vec![0; window.shape.len()];
        let mut rest = turn;
        for (position, extent) in at.iter_mut().zip(&window.shape).rev() {
            *position = (rest % extent) as i64;
            rest /= extent;
        }
        let along = |p: &Position| p.start + p.steps.iter().map(|(l, step)| at[usize::from(*l)] * step).sum::<i64>();
        values[window.positions.iter().zip(shape).fold(0, |n, (p, extent)| n * extent + along(p) as u64) as usize]
    };
    (0..n).map(value).collect()
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
    check_draft(draft(inputs, outputs, extents, body, "i64"))
}

fn check_draft(mut draft: Draft) -> usize {
    let wanted = ein_ir::entity::Tensor::new(draft.values.len() - 1);
    let converted = saturated(&mut draft, &Options { opt_level: 2, ..Options::default() }, u64::MAX);
    let mut evaluator = Evaluator { draft: &draft, converted: &converted, known: BTreeMap::new() };
    evaluator.settle();
    let wanted = converted.values[&wanted].clone();
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

/// A table with few elements that are not zero, with labels that are reduced, kept, and of others besides.
#[test]
fn lists_of_tables() {
    let table = "table t2 = [0, 0, 3, 0, 0, 0, 0, 1, 0, 0, -2, 0]";
    let inputs: [(&str, &[u64]); 2] = [("x", &[5, 3]), ("y", &[5, 4])];
    let body = "t3[i0, i2] = sum:i64[i1]((t2[i1, i2] * t0[i0, i1]))\nt4[i0] = sum:i64[i1, i2]((2:i64 * t2[i1, i2] * t0[i0, i1] * t1[i0, i2]))\n\
                t5[i1, i2] = (t2[i1, i2] * t2[i1, i2])\nt6[i0, i3] = sum:i64[i1, i2]((t0[i0, i1] * t2[i1, i2] * t1[i3, i2]))";
    let outputs = "|W i64[3, 4]\n<p i64[5, 4]\n<q i64[5]\n<r i64[3, 4]\n<s i64[5, 5]";
    check(&inputs, outputs, &[5, 3, 4, 5], &format!("{table}\n{body}"));
}

/// Matrices of numbers that are not negative, in the rings whose laws need that, or that nothing overflows.
#[test]
fn choices_of_products_and_sums() {
    let laws = [("max", "*"), ("min", "*"), ("max", "+"), ("min", "+")];
    for (choose, mul) in laws {
        let body = format!(
            "t5[i0, i3] = {choose}:i64[i1, i2]((t0[i0, i1] {mul} t1[i1, i2] {mul} t3[i2, i3]))\n\
             t6[i0, i2] = {choose}:i64[i1]((t0[i0, i1] {mul} (t1[i1, i2] * t2[i1, i2])))\n\
             t7[i0, i3] = {choose}:i64[i2]((t6[i0, i2] {mul} t3[i2, i3] {mul} 3:i64))\n\
             t8[] = {choose}:i64[i0, i3]((t5[i0, i3] {mul} t7[i0, i3] {mul} t4[i0, 1]))"
        );
        let outputs = "|p i64[2, 2]\n|q i64[2, 4]\n|r i64[2, 2]\n<y i64[]";
        let text = equations(&MATRICES, outputs, &EXTENTS, &body, "i64");
        let bounded: Vec<String> =
            text.lines().map(|l| if l.starts_with('>') { format!("{l} in 0.0..4.0") } else { l.to_owned() }).collect();
        let size = |text: &str| check_draft(crate::convert::convert(&module(text)).expect("a draft"));
        assert!(size(&bounded.join("\n")) > size(&text) + 15, "{choose} {mul}");
    }
}

/// The greatest of least values, and the least of greatest: a ring of all numbers.
#[test]
fn choices_of_choices() {
    for (outer, inner) in [("max", "min"), ("min", "max")] {
        let body = format!(
            "t5[i0, i3] = {outer}:i64[i1, i2]({inner}({inner}(t0[i0, i1], t1[i1, i2]), t3[i2, i3]))\n\
             t6[i0] = {outer}:i64[i3]({inner}(t5[i0, i3], t0[i0, 1]))"
        );
        assert!(check(&MATRICES, "<p i64[2, 2]\n<y i64[2]", &EXTENTS, &body) > 15);
    }
}

/// Parts of products, of sums and of parts: rows, columns, every other element, backwards.
#[test]
fn parts_of_values() {
    let body = "t5[i0, i2] = sum:i64[i1]((t0[i0, i1] * t1[i1, i2]))\nt6[i0, i2] = (t5[i0, i2] + t4[i0, i2])\n\
                t7[i0] = t6[i0, 3]\nt8[i3] = (t5[(1 - i3), ((2 * i3) + 1)] * t7[i3])\nt9[] = sum:i64[i1]((t0[1, i1] * t5[0, 2] * t2[i1, 1]))\n\
                t10[i0] = sum:i64[i3]((t6[i0, (i3 + 2)] * t8[i3]))";
    let outputs = "|p i64[2, 4]\n|q i64[2, 4]\n<r i64[2]\n<s i64[2]\n<t i64[]\n<u i64[2]";
    check(&MATRICES, outputs, &EXTENTS, body);
}

/// Values by cases: bands, triangles, blocks, paddings, diagonals, in both roles of an index.
#[test]
fn values_that_are_zero_in_part() {
    let inputs: [(&str, &[u64]); 2] = [("A", &[6, 6]), ("B", &[6, 5])];
    let cases = [
        "if((i0 <= i1), t0[i0, i1], 0:i64)",
        "if((i0 < i1), 0:i64, t0[i0, i1])",
        "if(((i0 // 2) == (i1 // 2)), t0[i0, i1], 0:i64)",
        "if(((i0 // 4) == (i1 // 4)), t0[i0, i1], 0:i64)",
        "if((i0 == i1), 1:i64, 0:i64)",
        "if((i0 == i1), t0[i0, 3], 0:i64)",
        "if((((i0 + i1) == 4) and (i0 < 3)), t0[i1, i0], 0:i64)",
        "if(((i0 < 4) and (2 <= i1)), if((((3 * i1) - i0) < 11), t0[i0, i1], 0:i64), 0:i64)",
        "if((i1 < 0), t0[i0, i1], 0:i64)",
        "t0[pad((i0 - 1)), pad((i1 + 2))]",
        "(if((i0 <= i1), t0[i0, i1], 0:i64) * neg(t0[pad((i1 - 2)), i0]))",
        "(i64((i0 != i1)) * t0[i0, i1])",
    ];
    for case in cases {
        let body = format!(
            "t2[i0, i1] = {case}\nt3[i0, i2] = sum:i64[i1]((t2[i0, i1] * t1[i1, i2]))\nt4[i1, i2] = sum:i64[i0]((t2[i0, i1] * t1[i0, i2]))\n\
             t5[i0] = sum:i64[i1](t2[i0, i1])\nt6[] = sum:i64[i0, i1]((t2[i0, i1] * t0[i1, i0]))\nt7[i2] = sum:i64[i0, i1]((t3[i0, i2] * t2[i0, i1]))"
        );
        check(&inputs, "|L i64[6, 6]\n<p i64[6, 5]\n<q i64[6, 5]\n<r i64[6]\n<s i64[]\n<u i64[5]", &[6, 6, 5], &body);
    }
}

//! Products with tables that are mostly zero, as sums over the list of what is not.
//!
//! `z[b, k] = sum[i, j](C[i, j, k] * x[b, i] * y[b, j])` with a table `C` equals `sum[n where K[n] == k](V[n] * x[b, I[n]] * y[b, J[n]])` over the
//! elements of `C` that are not the zero of the ring: a product with a zero of a table is zero, whatever the other factor is (section 12 of the
//! language). The list is one more way to make the class; the price decides.

use super::convert::Converted;
use super::language::{Label, Node, Ring, Spec};
use super::nests::NestMaker;
use super::zeros::is_same;
use crate::draft::{Draft, Role, Value};
use crate::scatter;
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::plan::Pin;
use ein_ir::scalar::{Literal, Mode, Scalar, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;
use std::collections::BTreeMap;

/// Contractions of one graph that are also written as lists.
const LISTS: usize = 200;
/// Elements of a table for each that is not zero, below which a list saves nothing: it reads a position for each of its axes besides.
const SPARSITY: usize = 2;
/// Rule that explanations print.
const RULE: &str = "list-of-non-zeros";

/// The elements of a table that are not zero, as tables of their own: numbers of leaves.
#[derive(Clone, Debug)]
struct List {
    n: usize,
    /// The position on each axis.
    positions: Vec<Id>,
    /// The elements; `None` if all are neutral for products.
    values: Option<Id>,
}

/// Adds the lists of contractions with tables to their classes.
pub(crate) fn insert(draft: &mut Draft, converted: &mut Converted) {
    let tables = tables(draft, converted);
    let (mut lists, mut left) = (Lists { draft, converted, known: BTreeMap::new() }, LISTS);
    if tables.is_empty() {
        return;
    }
    for class in lists.converted.graph.classes() {
        for node in lists.converted.graph.nodes(class) {
            let Node::Contract(ring, spec, children) = &node else { continue };
            for (at, child) in children.iter().enumerate() {
                let child = lists.converted.graph.egraph.find(*child);
                if let Some(table) = tables.get(&child).filter(|_| left > 0)
                    && lists.add(class, *ring, spec, children, at, *table).is_some()
                {
                    left -= 1;
                }
            }
        }
    }
    lists.converted.graph.egraph.rebuild();
}

/// Tables of the program by class.
fn tables(draft: &Draft, converted: &Converted) -> BTreeMap<Id, Tensor> {
    let is_table = |tensor: &Tensor| matches!(draft.values[*tensor].role, Role::Constant(_));
    let leaves = converted.leaves.iter().enumerate().filter(|(_, tensor)| is_table(tensor));
    let class = |n: usize| converted.graph.egraph.lookup(Node::Leaf(n as u32));
    leaves.filter_map(|(n, tensor)| Some((converted.graph.egraph.find(class(n)?), *tensor))).collect()
}

struct Lists<'a> {
    draft: &'a mut Draft,
    converted: &'a mut Converted,
    /// Lists by table and add: what is zero depends on the ring.
    known: BTreeMap<(Tensor, Ring), Option<List>>,
}

impl Lists<'_> {
    /// One more way to make a class: over the list of operand `at`.
    fn add(&mut self, class: Id, ring: Ring, spec: &Spec, children: &[Id], at: usize, table: Tensor) -> Option<()> {
        let own = &spec.operands[at];
        let is_once = own.iter().all(|l| own.iter().filter(|m| *m == l).count() == 1);
        let pinned: Vec<Label> = spec.output.iter().copied().filter(|l| own.contains(l)).collect();
        if !is_once || !(pinned.is_empty() || may_scatter(ring)) {
            return None;
        }
        let list = self.list(table, ring)?;
        write(self.converted, class, ring, spec, children, at, &list)
    }

    /// The list of a table, if it is much shorter.
    fn list(&mut self, table: Tensor, ring: Ring) -> Option<List> {
        if let Some(list) = self.known.get(&(table, ring)) {
            return list.clone();
        }
        let list = self.make(table, ring);
        self.known.insert((table, ring), list.clone());
        list
    }

    fn make(&mut self, table: Tensor, ring: Ring) -> Option<List> {
        let (zero, one) = (ring.stated_zero()?, ring.laws()?.one);
        let value = self.draft.values[table].clone();
        let Role::Constant(elements) = &value.role else { return None };
        let there: Vec<usize> = (0..elements.len()).filter(|n| !is_same(elements[*n], zero)).collect();
        if there.is_empty() || there.len().saturating_mul(SPARSITY) > elements.len() {
            return None;
        }
        let n = there.len();
        let mut step = elements.len();
        let mut positions = Vec::new();
        for (axis, extent) in value.extents.iter().enumerate() {
            let extent = usize::try_from(*extent).ok()?;
            step /= extent;
            let column = there.iter().map(|at| Literal::Int((at / step % extent) as i128)).collect();
            positions.push(self.table(&value, &format!("axis {axis}"), DType::I64, column));
        }
        let of_list: Vec<Literal> = there.iter().map(|at| elements[*at]).collect();
        let are_neutral = one.is_some_and(|one| of_list.iter().all(|x| is_same(*x, one)));
        let values = (!are_neutral).then(|| self.table(&value, "values", value.dtype, of_list));
        Some(List { n, positions, values })
    }

    /// A column of a list as a leaf.
    fn table(&mut self, of: &Value, what: &str, dtype: DType, elements: Vec<Literal>) -> Id {
        let (name, extents) = (format!("{}.{what}", of.name), vec![elements.len() as u64]);
        let role = Role::Constant(elements);
        let tensor = self.draft.values.push(Value { name, dtype, extents, index_of: Vec::new(), role, span: of.span });
        self.converted.leaf(self.draft, tensor);
        self.converted.values[&tensor].class
    }
}

/// Whether terms of a ring may be taken into elements that lie in memory.
fn may_scatter(ring: Ring) -> bool {
    ring.add != ReduceOp::Lse && scatter::is_kept_as_is(ring.dtype)
}

/// Adds the nest over a list in the place of operand `at`: over what the list has no positions for, and over its entries.
fn write(converted: &mut Converted, class: Id, ring: Ring, spec: &Spec, children: &[Id], at: usize, list: &List) -> Option<()> {
    let own = &spec.operands[at];
    let mut maker = NestMaker::new(converted, ring, spec, |label| !own.contains(&label))?;
    let entry = maker.binder("n".to_owned(), list.n as u64)?;
    let of_list = |maker: &mut NestMaker<'_>, column: Id, dtype: DType| {
        let sub = Sub { value: Scalar::index(entry, Span::default()), mode: Mode::Exact };
        maker.element(column, vec![sub], None, dtype)
    };
    let (mut positions, mut pins) = (maker.positions(), Vec::new());
    for (label, column) in own.iter().zip(&list.positions) {
        let value = of_list(&mut maker, *column, DType::I64);
        if let Some(index) = maker.index_of(*label) {
            pins.push(Pin { index, value: value.clone() });
        }
        positions.insert(*label, value);
    }
    let mut factors = Vec::new();
    if let Some(values) = list.values {
        factors.push(of_list(&mut maker, values, ring.dtype));
    }
    for (n, (labels, class)) in spec.operands.iter().zip(children).enumerate() {
        if n != at {
            factors.push(maker.operand(*class, labels, &positions));
        }
    }
    let body = maker.product(factors)?;
    maker.join_reduced(class, Vec::new(), pins, body, RULE);
    Some(())
}

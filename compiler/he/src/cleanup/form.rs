//! Operations as nodes of an e-graph: sums of any number of terms, plaintexts by number.

use super::plains::Plains;
use crate::builder::Makers;
use egg::{EGraph, Id, Language};
use ein_ir::entity::{Ciphertext, SecondaryMap};
use ein_ir::packed::{Op, Packed};
use std::collections::{BTreeMap, BTreeSet};

/// An operation on classes of equal ciphertexts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Form {
    /// A ciphertext of an input.
    Input(u32, u32),
    /// To the left.
    Rotate(u32, Id),
    /// Of at least two terms, sorted. A difference has a [`Form::Neg`] among them.
    Sum(Vec<Id>),
    Neg(Id),
    /// A plaintext added.
    Plus(u32, Id),
    /// A product with a plaintext, also with a mask.
    Times(u32, Id),
    /// Sorted.
    Mul([Id; 2]),
    Relin(Id),
    /// What is computed as it is: what reads it does not see how. By the number of its operation.
    Pin(u32, Id),
}

impl Language for Form {
    type Discriminant = (std::mem::Discriminant<Self>, u32, u32);

    fn discriminant(&self) -> Self::Discriminant {
        let (a, b) = match *self {
            Self::Input(input, chunk) => (input, chunk),
            Self::Rotate(n, _) | Self::Plus(n, _) | Self::Times(n, _) | Self::Pin(n, _) => (n, 0),
            Self::Sum(_) | Self::Neg(_) | Self::Mul(_) | Self::Relin(_) => (0, 0),
        };
        (std::mem::discriminant(self), a, b)
    }

    fn matches(&self, other: &Self) -> bool {
        self.discriminant() == other.discriminant() && self.children().len() == other.children().len()
    }

    fn children(&self) -> &[Id] {
        match self {
            Self::Input(..) => &[],
            Self::Sum(terms) => terms,
            Self::Mul(factors) => factors,
            Self::Rotate(_, x) | Self::Neg(x) | Self::Plus(_, x) | Self::Times(_, x) | Self::Relin(x) | Self::Pin(_, x) => {
                std::slice::from_ref(x)
            }
        }
    }

    fn children_mut(&mut self) -> &mut [Id] {
        match self {
            Self::Input(..) => &mut [],
            Self::Sum(terms) => terms,
            Self::Mul(factors) => factors,
            Self::Rotate(_, x) | Self::Neg(x) | Self::Plus(_, x) | Self::Times(_, x) | Self::Relin(x) | Self::Pin(_, x) => {
                std::slice::from_mut(x)
            }
        }
    }
}

/// The graph of a plan.
pub(super) struct SlotGraph<'a> {
    pub(super) egraph: EGraph<Form, ()>,
    pub(super) plains: Plains<'a>,
    pub(super) slots: u32,
    /// Rotations that there may be; none if all.
    pub(super) amounts: Option<BTreeSet<u32>>,
    /// The class of each operation; none of one that is part of the sum that alone reads it.
    pub(super) classes: SecondaryMap<Ciphertext, Option<Id>>,
    /// What the plan does, in order.
    pub(super) given: Vec<(Id, Form)>,
    /// The results, once each.
    pub(super) roots: Vec<Id>,
    /// Nodes that were made since they were last asked for.
    pub(super) fresh: Vec<(Id, Form)>,
}

/// A term of a sum and whether it is subtracted.
type Term = (Id, bool);

impl<'a> SlotGraph<'a> {
    pub(super) fn of(packed: &'a Packed, makers: &Makers, pins: &BTreeSet<Ciphertext>, amounts: Option<BTreeSet<u32>>) -> Self {
        let mut graph = Self {
            egraph: EGraph::default(),
            plains: Plains::of(packed),
            slots: packed.slots,
            amounts,
            classes: SecondaryMap::new(),
            given: Vec::new(),
            roots: Vec::new(),
            fresh: Vec::new(),
        };
        let part_of_sum = parts(packed, makers, pins);
        let mut terms: BTreeMap<Ciphertext, Vec<Term>> = BTreeMap::new();
        for (id, op) in &packed.ops {
            let sum = graph.terms(op, &mut terms);
            if part_of_sum[id] {
                terms.extend(sum.map(|sum| (id, sum)));
                continue;
            }
            let form = match sum {
                Some(terms) => graph.sum_of(terms),
                None => graph.form(op),
            };
            let class = graph.add(form.clone());
            graph.given.push((class, form));
            graph.classes[id] = Some(if pins.contains(&id) { graph.pinned(id, class) } else { class });
        }
        let values = packed.outputs.iter().flat_map(|output| &output.values);
        let roots: BTreeSet<Id> = values.filter_map(|&value| graph.classes[value]).collect();
        graph.roots = roots.into_iter().collect();
        graph.egraph.rebuild();
        graph
    }

    /// The terms of a sum, with those of the sums that are part of it.
    fn terms(&self, op: &Op, parts: &mut BTreeMap<Ciphertext, Vec<Term>>) -> Option<Vec<Term>> {
        let mut of = |x: Ciphertext| parts.remove(&x).unwrap_or_else(|| vec![(self.class(x), false)]);
        let negated = |terms: Vec<Term>| terms.into_iter().map(|(x, minus)| (x, !minus));
        match *op {
            Op::Add(x, y) | Op::Sub(x, y) => {
                let (mut first, second) = (of(x), of(y));
                if matches!(op, Op::Sub(..)) {
                    first.extend(negated(second))
                } else {
                    first.extend(second)
                }
                Some(first)
            }
            _ => None,
        }
    }

    fn pinned(&mut self, id: Ciphertext, class: Id) -> Id {
        let form = Form::Pin(id.as_u32(), class);
        let pinned = self.add(form.clone());
        self.given.push((pinned, form));
        pinned
    }

    fn class(&self, x: Ciphertext) -> Id {
        self.classes[x].expect("what is no part of a sum has a class")
    }

    fn sum_of(&mut self, terms: Vec<Term>) -> Form {
        let mut children: Vec<Id> = Vec::with_capacity(terms.len());
        for (x, minus) in terms {
            let term = if minus {
                let negated = self.add(Form::Neg(x));
                self.given.push((negated, Form::Neg(x)));
                negated
            } else {
                x
            };
            children.push(term);
        }
        children.sort_unstable();
        Form::Sum(children)
    }

    fn form(&self, op: &Op) -> Form {
        match *op {
            Op::Input { input, chunk } => Form::Input(input.as_u32(), chunk),
            Op::Rotate { x, by } => Form::Rotate(by, self.class(x)),
            Op::Neg(x) => Form::Neg(self.class(x)),
            Op::AddPlain(x, plain) => Form::Plus(plain.as_u32(), self.class(x)),
            Op::MulPlain(x, plain) | Op::Mask(x, plain) => Form::Times(plain.as_u32(), self.class(x)),
            Op::Mul(x, y) => {
                let (x, y) = (self.class(x), self.class(y));
                Form::Mul([x.min(y), x.max(y)])
            }
            Op::Relin(x) => Form::Relin(self.class(x)),
            Op::Add(..) | Op::Sub(..) | Op::Rescale(_) | Op::Drop(..) | Op::Boot { .. } => {
                unreachable!("sums have terms, and levels are not placed yet")
            }
        }
    }

    /// The class of a node.
    pub(super) fn add(&mut self, form: Form) -> Id {
        let before = self.egraph.total_number_of_nodes();
        let class = self.egraph.add(form.clone());
        if self.egraph.total_number_of_nodes() > before {
            self.fresh.push((class, form));
        }
        class
    }

    /// The class of a node, if it is there.
    pub(super) fn there(&self, form: Form) -> Option<Id> {
        self.egraph.lookup(form)
    }

    /// The class of a rotation to the left by `by`, of any sign; none if there may be none.
    pub(super) fn rotated(&mut self, by: i64, x: Id) -> Option<Id> {
        let by = u32::try_from(by.rem_euclid(i64::from(self.slots))).ok()?;
        let allowed = by == 0 || self.amounts.as_ref().is_none_or(|amounts| amounts.contains(&by));
        allowed.then(|| if by == 0 { x } else { self.add(Form::Rotate(by, x)) })
    }

    /// The class of a sum.
    pub(super) fn sum(&mut self, mut terms: Vec<Id>) -> Option<Id> {
        terms.iter_mut().for_each(|term| *term = self.egraph.find(*term));
        terms.sort_unstable();
        match terms[..] {
            [] => None,
            [one] => Some(one),
            _ => Some(self.add(Form::Sum(terms))),
        }
    }

    /// The class of a product with a plaintext.
    pub(super) fn times(&mut self, plain: u32, x: Id) -> Id {
        if self.plains.is_one(plain) { x } else { self.add(Form::Times(plain, x)) }
    }

    /// The nodes of a class.
    pub(super) fn nodes(&self, x: Id) -> &[Form] {
        &self.egraph[self.egraph.find(x)].nodes
    }
}

/// Sums that only a sum reads, once, and that are neither a tensor of the program nor pinned.
fn parts(packed: &Packed, makers: &Makers, pins: &BTreeSet<Ciphertext>) -> SecondaryMap<Ciphertext, bool> {
    let is_sum = |op: &Op| matches!(op, Op::Add(..) | Op::Sub(..));
    let mut reads: SecondaryMap<Ciphertext, (u32, bool)> = SecondaryMap::with_default((0, true));
    for op in packed.ops.values() {
        op.args().for_each(|arg| reads[arg] = (reads[arg].0 + 1, is_sum(op)));
    }
    packed.outputs.iter().flat_map(|output| &output.values).for_each(|&value| reads[value] = (2, false));
    makers.held.iter().map(|(x, _)| x).chain(pins).for_each(|x| reads[*x].1 = false);
    let mut part = SecondaryMap::with_default(false);
    packed.ops.iter().for_each(|(id, op)| part[id] = is_sum(op) && reads[id] == (1, true));
    part
}

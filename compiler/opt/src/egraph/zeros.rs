//! Zeros that the program says: `if ... else 0`, padding, diagonals. What they multiply is not computed.
//!
//! A value that an equation defines by cases is zero where the cases say so (section 12 of the language: such zeros are exact, whatever they
//! multiply). A contraction that reads it is also
//!
//! * `zero-range`: one over fewer positions, where an index alone decides; its result is padded where that was an index of the result,
//! * `diagonal-operand`: one with a label less, where two axes must be at one position,
//! * `zero-blocks`: a batch of smaller ones, where two axes must be in one block,
//! * `guard-zeros`: a nest that leaves out whatever a condition on positions excludes.
//!
//! The first three are products again, of which orders are searched; the last one comes after the orders. The price decides.

use super::convert::Converted;
use super::facts::Type;
use super::graph::{Access, Product};
use super::language::{Label, Node, Position, Ring, Spec};
use super::narrow::Written;
use crate::draft::{Draft, Role};
use crate::guards::{self, Claim};
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::plan::{IndexRange, Nest, NestReduce};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{self, Literal, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Contractions that are narrowed, and nests with guards that are added, in one graph.
const NARROWED: usize = 200;
/// Rounds: a contraction narrowed along one axis may be narrowed along another.
const ROUNDS: usize = 6;

/// A value by cases: `value` where all conditions hold, the zero of the ring elsewhere. Both over the indices of the nest.
struct Support {
    written: Written,
    conditions: Vec<Scalar>,
    value: Scalar,
}

impl Support {
    /// The cases of a class that the program defines element by element; `None` if it has none that positions decide.
    fn of(converted: &Converted, class: Id, ring: Ring) -> Option<Self> {
        Written::all(converted, class).into_iter().find_map(|written| Self::of_nest(converted, written, ring))
    }

    fn of_nest(converted: &Converted, written: Written, ring: Ring) -> Option<Self> {
        let nest = &written.nest;
        if nest.reduce.is_some() || nest.domain.is_some() || nest.epilogue.is_some() || written.dtype != ring.dtype {
            return None;
        }
        let mut conditions = Vec::new();
        let shape = |child: Tensor| converted.graph.shape(written.children[child.index()]).to_vec();
        let value = Cases { zero: ring.stated_zero()?, mul: ring.mul, shape: &shape }.split(&nest.body, &mut conditions);
        let own = |index: Index| nest.outer.contains(&index).then(|| nest.indices[index].clone());
        let holds = |claim: Claim| matches!(claim, Claim::Range(i, lo, hi) if lo <= nest.indices[i].lo && hi >= nest.indices[i].hi);
        conditions.retain(|c| !holds(guards::claim(c, &own)));
        (!conditions.is_empty()).then_some(Self { written, conditions, value })
    }

    /// What a condition says of the axes.
    fn claim(&self, condition: &Scalar) -> Claim {
        let nest = &self.written.nest;
        guards::claim(condition, &|index| nest.outer.contains(&index).then(|| nest.indices[index].clone()))
    }

    fn axis(&self, index: Index) -> Option<usize> {
        self.written.nest.outer.iter().position(|o| *o == index)
    }

    /// The value with the conditions but one: that one holds wherever it will be asked for.
    fn without(&self, at: usize, zero: Literal) -> Written {
        let mut written = self.written.clone();
        let (dtype, span) = (written.dtype, self.value.span);
        let left = self.conditions.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, c)| c.clone());
        written.nest.body = match left.reduce(and) {
            None => self.value.clone(),
            Some(condition) => {
                let otherwise = Box::new(Scalar::literal(zero, dtype, span));
                Scalar::new(ScalarKind::If(Box::new(condition), Box::new(self.value.clone()), otherwise), dtype, span)
            }
        };
        written
    }
}

fn and(a: Scalar, b: Scalar) -> Scalar {
    let span = a.span;
    Scalar::binary(BinaryFn::And, a, b, DType::Bool, span)
}

/// Splits values by cases.
struct Cases<'a> {
    zero: Literal,
    mul: BinaryFn,
    shape: &'a dyn Fn(Tensor) -> Vec<u64>,
}

impl Cases<'_> {
    /// The value where the conditions that are added hold.
    fn split(&self, body: &Scalar, conditions: &mut Vec<Scalar>) -> Scalar {
        match &body.kind {
            ScalarKind::If(condition, then, otherwise) if guards::is_static(condition) => {
                if self.is_zero(otherwise) {
                    conditions.extend(parts(condition));
                    return self.split(then, conditions);
                }
                match negated(condition).filter(|_| self.is_zero(then)) {
                    Some(negated) => {
                        conditions.push(negated);
                        self.split(otherwise, conditions)
                    }
                    None => body.clone(),
                }
            }
            ScalarKind::Cast(truth) if truth.dtype == DType::Bool && self.is_number(0) && guards::is_static(truth) => {
                conditions.extend(parts(truth));
                Scalar::literal(number(1, body.dtype), body.dtype, body.span)
            }
            ScalarKind::Binary(function, ..)
                if function.is_comparison() && self.zero == Literal::Bool(false) && guards::is_static(body) =>
            {
                conditions.push(body.clone());
                Scalar::literal(Literal::Bool(true), DType::Bool, body.span)
            }
            ScalarKind::Unary(function @ (UnaryFn::Neg | UnaryFn::Conj), inner) if self.is_number(0) => {
                Scalar::unary(*function, self.split(inner, conditions), body.dtype, body.span)
            }
            ScalarKind::Binary(function, a, b) if *function == self.mul => {
                Scalar::binary(*function, self.split(a, conditions), self.split(b, conditions), body.dtype, body.span)
            }
            ScalarKind::Access(access) if self.is_padded(access) => self.inside(body, access, conditions),
            _ => body.clone(),
        }
    }

    fn is_zero(&self, scalar: &Scalar) -> bool {
        matches!(&scalar.kind, ScalarKind::Literal(literal) if is_same(*literal, self.zero))
    }

    fn is_number(&self, n: i128) -> bool {
        matches!(self.zero, Literal::Int(m) if m == n)
            || is_same(self.zero, Literal::Float(n as f64))
            || is_same(self.zero, Literal::Complex(n as f64, 0.0))
    }

    /// Whether a tensor is read with zeros around it, at positions that the indices alone decide.
    fn is_padded(&self, access: &scalar::Access) -> bool {
        let pads_zero = access.pad.map_or(self.is_number(0), |pad| is_same(pad, self.zero));
        let plain = |sub: &Sub| matches!(sub.mode, Mode::Exact | Mode::Pad) && sub.value.as_polynomial().is_some();
        pads_zero && access.subs.iter().any(|sub| sub.mode == Mode::Pad) && access.subs.iter().all(plain)
    }

    /// The access inside of its tensor.
    fn inside(&self, body: &Scalar, access: &scalar::Access, conditions: &mut Vec<Scalar>) -> Scalar {
        let mut exact = access.clone();
        exact.pad = None;
        for (sub, extent) in exact.subs.iter_mut().zip((self.shape)(access.tensor)) {
            if sub.mode == Mode::Pad {
                let int = |n: i128| Scalar::literal(Literal::Int(n), DType::I64, body.span);
                let compare = |op, n| Scalar::binary(op, sub.value.clone(), int(n), DType::Bool, body.span);
                conditions.extend([compare(BinaryFn::Ge, 0), compare(BinaryFn::Lt, i128::from(extent))]);
                sub.mode = Mode::Exact;
            }
        }
        Scalar::new(ScalarKind::Access(exact), body.dtype, body.span)
    }
}

fn parts(condition: &Scalar) -> Vec<Scalar> {
    let mut parts = Vec::new();
    guards::conjuncts(condition, &mut parts);
    parts.into_iter().cloned().collect()
}

/// The opposite of a comparison of positions.
fn negated(condition: &Scalar) -> Option<Scalar> {
    let ScalarKind::Binary(op, a, b) = &condition.kind else { return None };
    let op = match op {
        BinaryFn::Lt => BinaryFn::Ge,
        BinaryFn::Le => BinaryFn::Gt,
        BinaryFn::Gt => BinaryFn::Le,
        BinaryFn::Ge => BinaryFn::Lt,
        BinaryFn::Ne => BinaryFn::Eq,
        BinaryFn::Eq => BinaryFn::Ne,
        _ => return None,
    };
    (a.dtype == DType::I64).then(|| Scalar::binary(op, (**a).clone(), (**b).clone(), DType::Bool, condition.span))
}

fn number(n: i32, dtype: DType) -> Literal {
    match () {
        () if dtype.is_complex() => Literal::Complex(f64::from(n), 0.0),
        () if dtype.is_float() => Literal::Float(f64::from(n)),
        () => Literal::Int(n.into()),
    }
}

/// Equal as numbers: of zeros the sign does not matter.
pub(crate) fn is_same(a: Literal, b: Literal) -> bool {
    match (a, b) {
        (Literal::Complex(re, im), Literal::Complex(x, y)) => re == x && im == y,
        (Literal::Float(a), Literal::Float(b)) => a == b,
        _ => a == b,
    }
}

/// Narrows contractions until nothing new is found.
pub(crate) fn narrow(draft: &Draft, converted: &mut Converted) {
    let (mut left, mut done) = (NARROWED, BTreeSet::new());
    for _ in 0..ROUNDS {
        let before = left;
        for class in converted.graph.classes() {
            for node in converted.graph.nodes(class) {
                let Node::Contract(ring, spec, children) = &node else { continue };
                if !spec.reduces() {
                    continue;
                }
                for at in 0..children.len() {
                    if left > 0 && done.insert((node.clone(), at)) {
                        let mut contraction = Contraction { draft, converted, class, ring: *ring, spec, children, at };
                        left -= usize::from(contraction.narrow().is_some());
                    }
                }
            }
        }
        converted.graph.egraph.rebuild();
        if left == before {
            return;
        }
    }
}

/// Adds nests with guards.
pub(crate) fn guard(converted: &mut Converted) {
    let mut left = NARROWED;
    // Most operands have no cases, and many products read them.
    let mut by_cases: BTreeMap<(Id, Ring), bool> = BTreeMap::new();
    for class in converted.graph.classes() {
        for node in converted.graph.nodes(class) {
            let Node::Contract(ring, spec, children) = &node else { continue };
            let mut has_cases = |child: &Id| {
                let class = converted.graph.egraph.find(*child);
                *by_cases.entry((class, *ring)).or_insert_with(|| Support::of(converted, class, *ring).is_some())
            };
            if left > 0
                && spec.reduces()
                && children.iter().any(&mut has_cases)
                && guarded(converted, class, *ring, spec, children).is_some()
            {
                left -= 1;
            }
        }
    }
    converted.graph.egraph.rebuild();
}

/// A contraction of which operand `at` is known to be zero somewhere.
struct Contraction<'a> {
    draft: &'a Draft,
    converted: &'a mut Converted,
    class: Id,
    ring: Ring,
    spec: &'a Spec,
    children: &'a [Id],
    at: usize,
}

/// Fewer positions: where each label of a contraction is, over new labels.
struct Narrowing {
    positions: Vec<Position>,
    extents: Vec<u64>,
}

impl Narrowing {
    fn none(spec: &Spec) -> Self {
        Self { positions: (0..spec.extents.len() as Label).map(Position::label).collect(), extents: spec.extents.clone() }
    }

    fn of(&self, labels: &[Label]) -> Vec<Position> {
        labels.iter().map(|l| self.positions[usize::from(*l)].clone()).collect()
    }
}

impl Contraction<'_> {
    /// The first narrowing that operand `at` allows.
    fn narrow(&mut self) -> Option<()> {
        if let Some((a, b)) = self.diagonal_of_table() {
            return self.merge(a, b, None);
        }
        let support = Support::of(self.converted, self.children[self.at], self.ring)?;
        let zero = self.ring.stated_zero()?;
        (0..support.conditions.len()).find_map(|n| match support.claim(&support.conditions[n]) {
            Claim::Range(index, lo, hi) => self.narrow_range(&support, n, zero, support.axis(index)?, lo, hi),
            Claim::Equal(a, b) => self.merge(support.axis(a)?, support.axis(b)?, Some(support.without(n, zero))),
            Claim::Block(a, b, size) => self.narrow_blocks(&support, n, zero, (support.axis(a)?, support.axis(b)?), size),
            Claim::Below { .. } | Claim::Other => None,
        })
    }

    fn labels(&self) -> &[Label] {
        &self.spec.operands[self.at]
    }

    fn narrow_range(&mut self, support: &Support, n: usize, zero: Literal, axis: usize, lo: i64, hi: i64) -> Option<()> {
        let label = *self.labels().get(axis)?;
        let extent = self.spec.extents[usize::from(label)];
        let length = u64::try_from(hi.checked_sub(lo)?).unwrap_or(0);
        if length >= extent || lo < 0 {
            return None;
        }
        let mut narrowing = Narrowing::none(self.spec);
        // Nothing is left: any empty range will do.
        narrowing.positions[usize::from(label)].start = if length == 0 { 0 } else { lo };
        narrowing.extents[usize::from(label)] = length;
        if length == 0 {
            return self.all_zero(zero);
        }
        let made = self.over(&narrowing, Some(support.without(n, zero)))?;
        let subs = self.spec.output.iter().enumerate().map(|(axis, l)| {
            let index = Scalar::index(self.outer(axis), Span::default());
            let is_narrowed = *l == label;
            let value = if is_narrowed { minus(index, lo) } else { index };
            (*l, Sub { value, mode: if is_narrowed { Mode::Pad } else { Mode::Exact } })
        });
        let subs = subs.collect();
        self.join(made, self.spec.output.contains(&label).then_some(subs), "zero-range")
    }

    /// Two axes of the operand that must be at one position get one label.
    fn merge(&mut self, a: usize, b: usize, operand: Option<Written>) -> Option<()> {
        let (a, b) = (*self.labels().get(a)?, *self.labels().get(b)?);
        let (kept, gone) = if self.spec.output.contains(&b) { (b, a) } else { (a, b) };
        if kept == gone || self.spec.output.contains(&gone) || self.spec.extents[usize::from(a)] != self.spec.extents[usize::from(b)] {
            return None;
        }
        let mut narrowing = Narrowing::none(self.spec);
        narrowing.positions[usize::from(gone)] = Position::label(kept);
        let made = self.over(&narrowing, operand)?;
        self.join(made, None, "diagonal-operand")
    }

    /// Two axes of the operand that must be in one block become the block, which both have, and the places in it.
    fn narrow_blocks(&mut self, support: &Support, n: usize, zero: Literal, (a, b): (usize, usize), size: i64) -> Option<()> {
        let (a, b) = (*self.labels().get(a)?, *self.labels().get(b)?);
        let (extent, block) = (self.spec.extents[usize::from(a)], size.unsigned_abs());
        let is_even = extent == self.spec.extents[usize::from(b)] && extent.is_multiple_of(block) && extent > block && block > 1;
        if a == b || !is_even || self.spec.output.contains(&a) && self.spec.output.contains(&b) {
            return None;
        }
        let mut narrowing = Narrowing::none(self.spec);
        let first = narrowing.extents.len() as Label;
        narrowing.extents.extend([extent / block, block, block]);
        let place = |inner: Label| Position { start: 0, steps: vec![(first, size), (inner, 1)] };
        narrowing.positions[usize::from(a)] = place(first + 1);
        narrowing.positions[usize::from(b)] = place(first + 2);
        let made = self.over(&narrowing, Some(support.without(n, zero)))?;
        let kept = [(a, first + 1), (b, first + 2)].into_iter().find(|(l, _)| self.spec.output.contains(l));
        let mut subs: Vec<(Label, Sub)> = Vec::new();
        for (axis, l) in self.spec.output.iter().enumerate() {
            let index = Scalar::index(self.outer(axis), Span::default());
            let exact = |value| Sub { value, mode: Mode::Exact };
            match kept.filter(|(label, _)| label == l) {
                Some((_, inner)) => {
                    let part = |op| Scalar::binary(op, index.clone(), int(size), DType::I64, Span::default());
                    subs.extend([(first, exact(part(BinaryFn::FloorDiv))), (inner, exact(part(BinaryFn::Rem)))]);
                }
                None => subs.push((*l, exact(index))),
            }
        }
        self.join(made, kept.map(|_| subs), "zero-blocks")
    }

    /// The contraction over fewer positions, its operand `at` as given there.
    fn over(&mut self, narrowing: &Narrowing, operand: Option<Written>) -> Option<Access> {
        let mut operands = Vec::new();
        for (n, (child, labels)) in self.children.iter().zip(&self.spec.operands).enumerate() {
            if n != self.at || operand.is_none() {
                operands.push(self.converted.graph.slice(*child, narrowing.of(labels), &narrowing.extents)?);
            }
        }
        let there: BTreeSet<Label> = operands.iter().flat_map(|o| &o.labels).copied().collect();
        if let Some(written) = operand {
            let positions = narrowing.of(self.labels());
            let own = positions.iter().flat_map(|p| &p.steps).map(|(label, _)| *label);
            let number = if let ScalarKind::Literal(literal) = written.nest.body.kind { Some(literal) } else { None };
            operands.push(match number.filter(|_| own.clone().all(|l| there.contains(&l))) {
                Some(literal) => self.converted.graph.constant(literal, self.ring.dtype),
                None => written.at(self.converted, &positions, &narrowing.extents)?,
            });
        }
        let used = |labels: &[Label]| -> BTreeSet<Label> { narrowing.of(labels).iter().flat_map(|p| &p.steps).map(|(l, _)| *l).collect() };
        let covered: BTreeSet<Label> = operands.iter().flat_map(|o| &o.labels).copied().collect();
        let all: Vec<Label> = (0..self.spec.extents.len() as Label).collect();
        if used(&all) != covered {
            return None;
        }
        let output = used(&self.spec.output).into_iter().collect();
        let product = self.converted.graph.flattened(self.ring, Product { operands, output, extents: narrowing.extents.clone() });
        Some(self.converted.graph.contract(self.ring, product))
    }

    /// Says what the class is made of: `made` itself, or its elements at the subscripts given for its labels.
    fn join(&mut self, made: Access, subs: Option<Vec<(Label, Sub)>>, reason: &'static str) -> Option<()> {
        let Some(subs) = subs else {
            let whole = Access { class: self.class, labels: self.spec.output.clone() };
            self.converted.graph.join(&whole, &made, reason);
            return Some(());
        };
        let subs: Vec<Sub> =
            made.labels.iter().map(|l| subs.iter().find(|(m, _)| m == l).map(|(_, sub)| sub.clone())).collect::<Option<_>>()?;
        let zero = self.ring.stated_zero()?;
        let is_padded = subs.iter().any(|sub| sub.mode == Mode::Pad);
        let pad = (is_padded && !is_same(zero, number(0, self.ring.dtype))).then_some(zero);
        let access = scalar::Access { tensor: Tensor::new(0), prev: false, subs, pad };
        let body = Scalar::new(ScalarKind::Access(access), self.ring.dtype, Span::default());
        self.add(body, vec![made.class], reason)
    }

    /// The class is zero everywhere.
    fn all_zero(&mut self, zero: Literal) -> Option<()> {
        self.add(Scalar::literal(zero, self.ring.dtype, Span::default()), Vec::new(), "zero-range")
    }

    /// A nest over the axes of the class.
    fn add(&mut self, body: Scalar, children: Vec<Id>, reason: &'static str) -> Option<()> {
        let mut indices: Vec<IndexRange> = self.converted.params.clone();
        let outer = (0..self.spec.output.len()).map(|axis| self.outer(axis)).collect();
        for extent in self.spec.shape() {
            indices.push(IndexRange { name: format!("i{}", indices.len()), lo: 0, hi: i64::try_from(extent).ok()? });
        }
        let params = self.converted.params.len() as u32;
        let out = Tensor::new(children.len());
        let nest = Nest { out, indices: indices.into_iter().collect(), params, outer, domain: None, reduce: None, body, epilogue: None };
        let n = self.converted.template(nest, Type { shape: self.spec.shape(), dtype: self.ring.dtype }, Span::default());
        let node = self.converted.graph.egraph.add_uncanonical(Node::Nest(n, children));
        self.converted.graph.egraph.union_trusted(self.class, node, reason);
        Some(())
    }

    /// The index of an axis of the class.
    fn outer(&self, axis: usize) -> Index {
        Index::new(self.converted.params.len() + axis)
    }

    /// Two axes of a table outside whose diagonal nothing is.
    fn diagonal_of_table(&self) -> Option<(usize, usize)> {
        let class = self.converted.graph.egraph.find(self.children[self.at]);
        let leaf = self.converted.graph.nodes(class).into_iter().find_map(|n| if let Node::Leaf(n) = n { Some(n) } else { None })?;
        let value = &self.draft.values[self.converted.leaves[leaf as usize]];
        let (Role::Constant(elements), zero) = (&value.role, self.ring.stated_zero()?) else { return None };
        let rank = value.extents.len();
        let pairs = (0..rank).flat_map(|a| (a + 1..rank).map(move |b| (a, b))).filter(|(a, b)| value.extents[*a] == value.extents[*b]);
        let stride = |axis: usize| value.extents[axis + 1..].iter().product::<u64>();
        let at = |n: usize, axis: usize| n as u64 / stride(axis) % value.extents[axis];
        let is_diagonal = |(a, b): &(usize, usize)| elements.iter().enumerate().all(|(n, x)| at(n, *a) == at(n, *b) || is_same(*x, zero));
        pairs.into_iter().find(is_diagonal)
    }
}

fn int(n: i64) -> Scalar {
    Scalar::literal(Literal::Int(n.into()), DType::I64, Span::default())
}

fn minus(index: Scalar, n: i64) -> Scalar {
    if n == 0 { index } else { Scalar::binary(BinaryFn::Sub, index, int(n), DType::I64, Span::default()) }
}

/// Adds the nest of a contraction that leaves out the zeros of all operands.
fn guarded(converted: &mut Converted, class: Id, ring: Ring, spec: &Spec, children: &[Id]) -> Option<()> {
    let supports: Vec<Option<Support>> = children.iter().map(|child| Support::of(converted, *child, ring)).collect();
    if supports.iter().all(Option::is_none) {
        return None;
    }
    let mut indices: Vec<IndexRange> = converted.params.clone();
    let mut index_of: BTreeMap<Label, Index> = BTreeMap::new();
    let reduced = (0..spec.extents.len() as Label).filter(|l| !spec.output.contains(l));
    for label in spec.output.iter().copied().chain(reduced) {
        index_of.insert(label, Index::new(indices.len()));
        let hi = i64::try_from(spec.extents[usize::from(label)]).ok()?;
        indices.push(IndexRange { name: format!("i{}", indices.len()), lo: 0, hi });
    }
    let mut nest = Guarded { children: Vec::new(), conditions: Vec::new(), index_of: &index_of };
    let mut factors = Vec::new();
    for ((child, labels), support) in children.iter().zip(&spec.operands).zip(supports) {
        factors.push(match support {
            Some(support) => nest.by_cases(support, labels),
            None => nest.plain(converted, *child, labels, ring.dtype),
        });
    }
    let Guarded { children, conditions, .. } = nest;
    let body = factors.into_iter().reduce(|a, b| Scalar::binary(ring.mul, a, b, ring.dtype, Span::default()))?;
    let outer: Vec<Index> = spec.output.iter().map(|l| index_of[l]).collect();
    let binders = index_of.values().copied().filter(|i| !outer.contains(i)).collect();
    let reduce = Some(NestReduce { op: ring.add, acc: ring.dtype, binders, guard: conditions.into_iter().reduce(and), pins: Vec::new() });
    let (out, params) = (Tensor::new(children.len()), converted.params.len() as u32);
    let nest = Nest { out, indices: indices.into_iter().collect(), params, outer, domain: None, reduce, body, epilogue: None };
    let n = converted.template(nest, Type { shape: spec.shape(), dtype: ring.dtype }, Span::default());
    let node = converted.graph.egraph.add_uncanonical(Node::Nest(n, children));
    converted.graph.egraph.union_trusted(class, node, "guard-zeros");
    Some(())
}

/// A nest with a guard in the making.
struct Guarded<'a> {
    children: Vec<Id>,
    conditions: Vec<Scalar>,
    index_of: &'a BTreeMap<Label, Index>,
}

impl Guarded<'_> {
    /// An operand by cases: its conditions go into the guard.
    fn by_cases(&mut self, support: Support, labels: &[Label]) -> Scalar {
        let Support { written, conditions, mut value } = support;
        let replacement = |index: Index| {
            let axis = written.nest.outer.iter().position(|o| *o == index)?;
            Some(Scalar::index(self.index_of[&labels[axis]], Span::default()))
        };
        let renamed = conditions.into_iter().map(|mut c| {
            crate::rewrite::replace_indices(&mut c, &replacement);
            c
        });
        let renamed: Vec<Scalar> = renamed.collect();
        crate::rewrite::replace_indices(&mut value, &replacement);
        self.conditions.extend(renamed);
        value.visit_mut(&mut |s| {
            if let ScalarKind::Access(access) = &mut s.kind {
                access.tensor = self.child(written.children[access.tensor.index()]);
            }
        });
        value
    }

    fn plain(&mut self, converted: &Converted, class: Id, labels: &[Label], dtype: DType) -> Scalar {
        if let Some(constant) = converted.graph.constant_of(class) {
            return Scalar::literal(constant.literal(), dtype, Span::default());
        }
        let current = converted.graph.current(Access { class, labels: labels.to_vec() });
        let sub = |l: &Label| Sub { value: Scalar::index(self.index_of[l], Span::default()), mode: Mode::Exact };
        let subs = current.labels.iter().map(sub).collect();
        let access = scalar::Access { tensor: self.child(current.class), prev: false, subs, pad: None };
        Scalar::new(ScalarKind::Access(access), dtype, Span::default())
    }

    fn child(&mut self, class: Id) -> Tensor {
        let n = self.children.iter().position(|c| *c == class).unwrap_or_else(|| {
            self.children.push(class);
            self.children.len() - 1
        });
        Tensor::new(n)
    }
}

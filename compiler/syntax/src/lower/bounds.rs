//! Subscripts inside their axes: proved, or reduced to an entry check, or refused (language 4).

use super::Builder;
use crate::check::facts::Facts;
use crate::check::names::find_at;
use crate::check::prove::{Proof, prove_nonnegative};
use crate::check::range::polynomial;
use crate::check::tree::{Access, Node, NodeKind, Ty};
use crate::error::dims::error;
use crate::print::print_expr;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index};
use ein_ir::extent::Extent;
use ein_ir::scalar::Mode;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::span::Span;
use ein_ir::tensor::{Relation, Require};

/// A subscript that must stay inside an axis.
struct Obligation<'a> {
    access: &'a Access,
    axis: usize,
    /// Size of the axis.
    size: &'a Extent,
    value: &'a Extent,
    whole: Span,
}

impl Obligation<'_> {
    fn span(&self) -> Span {
        self.access.subs[self.axis].value.span
    }
}

impl Builder<'_, '_> {
    pub(super) fn check_bounds(&mut self, access: &Access, node: &Node) {
        for (axis, sub) in access.subs.iter().enumerate() {
            let size = self.elab.module.tensors[access.tensor].axes[axis].clone();
            match sub.mode {
                Mode::Exact => match self.position(&sub.value) {
                    Some(value) => self.check_inside(&Obligation { access, axis, size: &size, value: &value, whole: node.span }),
                    None => {
                        let found = self.not_affine(access, axis);
                        self.elab.errors.push(found);
                    }
                },
                Mode::Pad => {}
                Mode::Clamp | Mode::Wrap | Mode::Reflect => self.note_possible_fault(&size),
            }
        }
    }

    fn not_affine(&self, access: &Access, axis: usize) -> Diagnostic {
        let span = access.subs[axis].value.span;
        let (text, tensor) = (self.text(span), self.elab.quoted(access.tensor));
        let decl = &self.elab.module.tensors[access.tensor];
        let found = error(303, format!("`{text}` cannot be shown to stay inside axis {axis} of {tensor}"));
        let Ty::Data(dtype) = access.subs[axis].value.ty else {
            return found.at(span, "not affine in indices and sizes").and(decl.span, "declared here").help(modes(&text));
        };
        let size = self.elab.show(&decl.axes[axis]);
        let found = found.at(span, format!("{dtype} data, which may be any number")).and(decl.span, "declared here");
        let name = match &access.subs[axis].value.kind {
            NodeKind::Access(source) => self.elab.module.tensors[source.tensor].name.clone(),
            _ => "ids".to_owned(),
        };
        found.note(format!("a parameter `{name}: idx<{size}>[…]` is checked when it is given, and then needs no mode")).help(modes(&text))
    }

    /// The polynomial over sizes, indices and data of known range that a subscript computes.
    fn position(&mut self, node: &Node) -> Option<Extent> {
        if let Some(known) = polynomial(node, self.vars) {
            return Some(known);
        }
        if let Some(size) = self.elab.index_fact(node, self.vars) {
            self.data.push(size);
            return Some(Extent::index(data_index(self.data.len() - 1)));
        }
        match &node.kind {
            NodeKind::Unary(UnaryFn::Neg, a) if is_wide(node) => Some(self.position(a)?.scale(-1)),
            NodeKind::Cast(a) if is_wide(node) && is_wide(a) => self.position(a),
            NodeKind::Binary(op, a, b) if is_wide(node) => {
                let (a, b) = (self.position(a)?, self.position(b)?);
                match op {
                    BinaryFn::Add => Some(a.add(&b)),
                    BinaryFn::Sub => Some(a.sub(&b)),
                    BinaryFn::Mul => Some(a.mul(&b)),
                    BinaryFn::FloorDiv => Some(a.floor_div(&b)),
                    BinaryFn::Rem => Some(a.floor_rem(&b)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// First value and one past the last of an index, or of data in its place.
    fn range(&self, index: Index) -> (Extent, Extent) {
        match index.index().checked_sub(DATA_INDICES).and_then(|n| self.data.get(n)) {
            Some(size) => (Extent::default(), size.clone()),
            None => {
                let decl = &self.elab.module.indices[index];
                (decl.lo.clone(), decl.hi.clone())
            }
        }
    }

    /// Whether a value can be shown to be in `0..size`.
    pub(crate) fn is_index_of(&mut self, node: &Node, size: &Extent) -> bool {
        if self.elab.index_fact(node, self.vars).as_ref() == Some(size) {
            return true;
        }
        if let NodeKind::If(parts) = &node.kind {
            return self.is_index_of(&parts[1], size) && self.is_index_of(&parts[2], size);
        }
        let Some(value) = self.position(node) else { return false };
        let last = size.sub(&Extent::from(1)).sub(&value);
        self.prove(&value) == Proof::Always && self.prove(&last) == Proof::Always
    }

    fn check_inside(&mut self, o: &Obligation<'_>) {
        if let Some(index) = o.value.as_index() {
            let (lo, hi) = self.range(index);
            if lo.as_constant() == Some(0) && hi == *o.size {
                return;
            }
        }
        let last = o.size.sub(&Extent::from(1)).sub(o.value);
        for (goal, at_end) in [(o.value, false), (&last, true)] {
            match self.prove(goal) {
                Proof::Always => {}
                Proof::Entry(condition) => self.entry_check(o, condition, at_end),
                Proof::Unknown => {
                    let found = self.unproved(o, at_end);
                    self.elab.errors.push(found);
                    return;
                }
            }
        }
    }

    /// Proves with the conditions of the innermost reduction alone if possible, else with those around it, which the tensor that
    /// the reduction becomes then needs as its domain.
    fn prove(&mut self, goal: &Extent) -> Proof {
        let own = self.frames.last().map_or(0, |f| f.outer);
        let first = prove_nonnegative(goal, &self.facts_from(own));
        if first == Proof::Always || own == 0 {
            return first;
        }
        let second = prove_nonnegative(goal, &self.facts_from(0));
        let helps = second == Proof::Always || first == Proof::Unknown || first.is_never();
        if helps && second != Proof::Unknown {
            self.need_domain();
            return second;
        }
        first
    }

    /// What is known here, with the conditions in force from position `from` on.
    fn facts_from(&self, from: usize) -> Facts {
        let mut facts = self.elab.size_facts();
        for v in &self.scope {
            let index = self.index(*v);
            let decl = &self.elab.module.indices[index];
            facts.ranges.insert(index, (decl.lo.clone(), decl.hi.clone()));
        }
        for (n, size) in self.data.iter().enumerate() {
            facts.ranges.insert(data_index(n), (Extent::default(), size.clone()));
        }
        for condition in &self.conditions[from..] {
            facts.zero.extend(condition.zero.iter().cloned());
            facts.nonnegative.extend(condition.nonnegative.iter().cloned());
        }
        for value in self.conditions[from..].iter().flat_map(|c| &c.nonzero) {
            facts.nonnegative.extend(beyond_zero(value, &facts));
        }
        facts
    }

    /// Every reduction under way may only be evaluated where the conditions around it hold.
    pub(super) fn need_domain(&mut self) {
        for frame in &mut self.frames {
            frame.needs_domain |= frame.outer > 0;
        }
    }

    /// An access with a mode has no element to take if its axis may be empty.
    fn note_possible_fault(&mut self, size: &Extent) {
        if prove_nonnegative(&size.sub(&Extent::from(1)), &self.facts_from(0)) != Proof::Always {
            self.need_domain();
        }
    }

    /// A division of integers fails for a divisor of 0, unless it is known to be another number.
    pub(super) fn note_division(&mut self, divisor: &Node) {
        let safe = polynomial(divisor, self.vars).is_some_and(|p| {
            let facts = self.facts_from(self.frames.last().map_or(0, |f| f.outer));
            let one = Extent::from(1);
            let positive = prove_nonnegative(&p.sub(&one), &facts) == Proof::Always;
            positive || prove_nonnegative(&p.scale(-1).sub(&one), &facts) == Proof::Always
        });
        if !safe {
            self.need_domain();
        }
    }

    fn entry_check(&mut self, o: &Obligation<'_>, condition: Extent, at_end: bool) {
        let lengths: Vec<Extent> = self.scope.iter().map(|v| self.length(self.index(*v))).collect();
        if lengths.iter().any(|l| l.as_constant().is_some_and(|c| c <= 0)) {
            return;
        }
        if self.never_holds(&condition, &lengths) {
            let found = self.out_of_bounds(o, at_end);
            self.elab.errors.push(found);
            return;
        }
        let mut unless_empty: Vec<Extent> = lengths.into_iter().filter(|l| l.as_constant().is_none()).collect();
        unless_empty.sort();
        unless_empty.dedup();
        let (whole, tensor) = (self.text(o.whole), self.elab.quoted(o.access.tensor));
        let condition_text = self.elab.show_nonnegative(&condition);
        let message = format!("`{condition_text}`, which keeps `{whole}` inside axis {} of {tensor},", o.axis);
        let require = Require { value: condition, relation: Relation::NonNegative, unless_empty, message, code: 303, span: o.span() };
        self.elab.require(require);
    }

    /// Whether a condition fails for all sizes for which anything is accessed.
    fn never_holds(&self, condition: &Extent, lengths: &[Extent]) -> bool {
        let mut facts = self.elab.size_facts();
        facts.nonnegative.extend(lengths.iter().map(|l| l.sub(&Extent::from(1))));
        prove_nonnegative(&condition.scale(-1).sub(&Extent::from(1)), &facts) == Proof::Always
    }

    fn out_of_bounds(&self, o: &Obligation<'_>, at_end: bool) -> Diagnostic {
        let (size, text, tensor) = (self.elab.show(o.size), self.text(o.span()), self.elab.quoted(o.access.tensor));
        let reaches = self.elab.extreme(o.value, at_end).map(|e| self.elab.show(&e));
        let reach = reaches.map_or_else(|| "leaves it".to_owned(), |r| format!("reaches {r}"));
        let found = error(303, format!("`{text}` {reach}, and axis {} of {tensor} has size {size}", o.axis));
        found.at(o.span(), reach).and(self.declared(o), format!("axis {} has size {size}", o.axis)).help(modes(&text))
    }

    fn unproved(&self, o: &Obligation<'_>, at_end: bool) -> Diagnostic {
        let (size, text, tensor) = (self.elab.show(o.size), self.text(o.span()), self.elab.quoted(o.access.tensor));
        let bound = if at_end { format!("`{text} < {size}`") } else { format!("`{text} >= 0`") };
        let found = error(303, format!("`{text}` cannot be shown to stay inside axis {} of {tensor}", o.axis));
        let found = found.at(o.span(), format!("{bound} is not proved")).and(self.declared(o), format!("axis {} has size {size}", o.axis));
        found.note("a `where` clause on the sizes, or a guard such as `where i < N`, may prove it").help(modes(&text))
    }

    fn declared(&self, o: &Obligation<'_>) -> Span {
        self.elab.module.tensors[o.access.tensor].span
    }

    /// The text of the expression at a place.
    pub(super) fn text(&self, span: Span) -> String {
        find_at(self.source, span).map_or_else(|| "…".to_owned(), |e| print_expr(e.peeled()))
    }
}

/// What `value != 0` says where the sign of the value is known: it is at least 1, or at most -1.
fn beyond_zero(value: &Extent, facts: &Facts) -> Option<Extent> {
    [value.clone(), value.scale(-1)].into_iter().find(|v| prove_nonnegative(v, facts) == Proof::Always).map(|v| v.sub(&Extent::from(1)))
}

/// Whether arithmetic on a value is that of index values: in 64 bits.
fn is_wide(node: &Node) -> bool {
    matches!(node.ty, Ty::Data(DType::I64) | Ty::Adapt(_))
}

fn modes(text: &str) -> String {
    format!("`clamp({text})` for the nearest element, or `pad({text})` for 0 outside")
}

/// What stands for the n-th subscript of data in a proof: an index that no module has.
pub(super) fn data_index(n: usize) -> Index {
    Index::new(DATA_INDICES + n)
}

/// More than the indices of any module.
const DATA_INDICES: usize = 1 << 30;

impl Proof {
    /// Whether the condition is one that no sizes satisfy.
    fn is_never(&self) -> bool {
        matches!(self, Proof::Entry(e) if e.as_constant().is_some_and(|c| c < 0))
    }
}

//! Guarded sums whose guard names the element: `n[v] = sum[b where ids[b] == v](w[b])` goes over `b` once, whatever the size of `v`.
//!
//! The equation of an outer index with data of the binders is turned into a pin: each term is taken into the element that it names.
//! What else is in the guard, and the body, then speak of the data where they spoke of the index. The order of conditions stays,
//! so that what keeps another from failing is still asked first.

use crate::draft::{Draft, DraftStep, Value, Work};
use crate::{gather, rewrite};
use ein_ir::dtype::DType;
use ein_ir::entity::Index;
use ein_ir::plan::{Nest, Pin};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Literal, Mode, Scalar, ScalarKind};
use ein_ir::tensor::ReduceOp;

/// Pins what can be pinned in every reduction.
pub(crate) fn pin_all(draft: &mut Draft) {
    for p in 0..draft.steps.len() {
        if let Some(nest) = pinned(draft, &draft.steps[p]) {
            draft.steps[p].work = Work::Nest(nest);
        }
    }
}

fn pinned(draft: &Draft, step: &DraftStep) -> Option<Nest> {
    let Work::Nest(nest) = &step.work else { return None };
    let reduce = nest.reduce.as_ref()?;
    let out = draft.values[nest.out].dtype;
    if !may_scatter(draft, reduce.op) || !is_kept_as_is(out) || out != reduce.acc || nest.epilogue.is_some() || !reduce.pins.is_empty() {
        return None;
    }
    let mut scatter = Scatter { draft, nest, conditions: Vec::new(), pins: Vec::new(), body: nest.body.clone() };
    let mut conjuncts = Vec::new();
    split(reduce.guard.as_ref()?, &mut conjuncts);
    for conjunct in conjuncts {
        scatter.take(conjunct);
    }
    if scatter.pins.is_empty() {
        return None;
    }
    scatter.take_domain()?;
    Some(scatter.finish())
}

/// Whether elements lie in memory as they are computed: terms are taken into them there.
pub(crate) const fn is_kept_as_is(dtype: DType) -> bool {
    let small_float = matches!(dtype, DType::F16 | DType::BF16 | DType::F8E4M3 | DType::F8E5M2);
    dtype.bits() >= 8 && !small_float
}

/// Reductions whose terms may be taken in any order, one at a time, into what is there.
fn may_scatter(draft: &Draft, op: ReduceOp) -> bool {
    match op {
        ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min | ReduceOp::Any | ReduceOp::All => true,
        ReduceOp::User(reducer) => draft.reducers[reducer].laws.associative && draft.reducers[reducer].laws.commutative,
        ReduceOp::Lse | ReduceOp::ArgMax | ReduceOp::ArgMin => false,
    }
}

/// The conditions of a conjunction, in order.
fn split<'a>(guard: &'a Scalar, out: &mut Vec<&'a Scalar>) {
    match &guard.kind {
        ScalarKind::Binary(BinaryFn::And, a, b) => {
            split(a, out);
            split(b, out);
        }
        _ => out.push(guard),
    }
}

/// A reduction while its guard is gone through.
struct Scatter<'a> {
    draft: &'a Draft,
    nest: &'a Nest,
    /// What is left of the guard, in order; pins have become conditions on their ranges.
    conditions: Vec<Scalar>,
    pins: Vec<Pin>,
    body: Scalar,
}

impl Scatter<'_> {
    /// Takes a condition of the guard: a pin, or one that stays.
    fn take(&mut self, condition: &Scalar) {
        let mut condition = condition.clone();
        self.substitute(&mut condition);
        let pin = self.pin(&condition).and_then(|pin| Some((self.place_of(&pin)?, pin)));
        let Some((place, pin)) = pin else { return self.conditions.push(condition) };
        let inside = self.inside(&pin);
        self.pins.push(pin);
        let mut conditions = std::mem::take(&mut self.conditions);
        conditions.iter_mut().for_each(|c| self.substitute(c));
        if let Some(inside) = inside {
            conditions.insert(place, inside);
        }
        self.conditions = conditions;
        let mut body = std::mem::replace(&mut self.body, condition);
        self.substitute(&mut body);
        self.body = body;
    }

    /// Where the range of a pin is asked for: last, unless earlier conditions speak of its index. Those must then be ones that
    /// cannot fail, since they are asked at fewer positions, and the pin one that can be read before them.
    fn place_of(&self, pin: &Pin) -> Option<usize> {
        let speaks = |c: &Scalar| rewrite::mentions(c, &[pin.index]);
        let Some(first) = self.conditions.iter().position(speaks) else { return Some(self.conditions.len()) };
        let harmless = self.conditions.iter().filter(|c| speaks(c)).all(|c| gather::cannot_fail(self.draft, c));
        (harmless && self.is_readable_anywhere(&pin.value)).then_some(first)
    }

    /// An element that is there to be read whatever the indices are, with no condition to protect it.
    fn is_readable_anywhere(&self, value: &Scalar) -> bool {
        match &value.kind {
            ScalarKind::Cast(inner) => self.is_readable_anywhere(inner),
            ScalarKind::Access(access) => access.subs.iter().zip(&self.draft.values[access.tensor].extents).all(|(sub, extent)| {
                let range = match &sub.value.kind {
                    ScalarKind::Index(index) => (self.nest.indices[*index].lo.into(), i128::from(self.nest.indices[*index].hi)),
                    ScalarKind::Literal(Literal::Int(n)) => (*n, *n + 1),
                    _ => return false,
                };
                sub.mode == Mode::Exact && range.0 >= 0 && range.1 <= i128::from(*extent)
            }),
            _ => false,
        }
    }

    /// Puts the values of pins in the place of their indices.
    fn substitute(&self, scalar: &mut Scalar) {
        rewrite::replace_indices(scalar, &|index| self.pins.iter().find(|p| p.index == index).map(|p| p.value.clone()));
    }

    /// `data == index`, from either side.
    fn pin(&self, condition: &Scalar) -> Option<Pin> {
        let ScalarKind::Binary(BinaryFn::Eq, a, b) = &condition.kind else { return None };
        let sides = [(a, b), (b, a)];
        sides.into_iter().find_map(|(index, value)| {
            let index = self.outer_index(index)?;
            let value = (**value).clone();
            self.is_data(&value, index).then(|| Pin { index, value: value.cast(DType::I64) })
        })
    }

    /// The outer index that an expression is, perhaps converted to a type that holds its range.
    fn outer_index(&self, scalar: &Scalar) -> Option<Index> {
        let index = match &scalar.kind {
            ScalarKind::Index(index) => *index,
            ScalarKind::Cast(inner) if scalar.dtype.is_integer() => self.outer_index(inner)?,
            _ => return None,
        };
        let range = &self.nest.indices[index];
        let bits = scalar.dtype.bits() - 1;
        let holds = range.lo == 0 && range.hi > 1 && (bits >= 63 || range.hi <= 1 << bits);
        (holds && self.nest.outer.contains(&index) && !self.nest.is_param(index)).then_some(index)
    }

    /// Whether a value is read from data at positions of the binders, and does not depend on what is pinned.
    fn is_data(&self, value: &Scalar, index: Index) -> bool {
        let binders = self.nest.reduce.as_ref().map_or(&[][..], |r| &r.binders);
        let mut reads = false;
        value.visit(&mut |s| reads |= matches!(s.kind, ScalarKind::Access(_)));
        let depends = |scalar: &Scalar| rewrite::mentions(scalar, &[index]);
        reads
            && value.dtype.is_integer()
            && rewrite::mentions(value, binders)
            && !depends(value)
            && !self.pins.iter().any(|p| depends(&p.value))
    }

    /// The condition that a pin is inside the range of its index; none for checked indices of a dim that is no longer.
    fn inside(&self, pin: &Pin) -> Option<Scalar> {
        let hi = self.nest.indices[pin.index].hi;
        if checked_size(self.draft, &pin.value).is_some_and(|size| i64::try_from(size).is_ok_and(|size| size <= hi)) {
            return None;
        }
        let span = pin.value.span;
        let bound = |n: i64| Scalar::literal(Literal::Int(n.into()), DType::I64, span);
        let compare = |op, n| Scalar::binary(op, pin.value.clone(), bound(n), DType::Bool, span);
        Some(Scalar::binary(BinaryFn::And, compare(BinaryFn::Ge, 0), compare(BinaryFn::Lt, hi), DType::Bool, span))
    }

    /// Where the result is wanted becomes a condition on terms; `None` if it would be asked for after what it protects.
    fn take_domain(&mut self) -> Option<()> {
        let Some(domain) = &self.nest.domain else { return Some(()) };
        let mut domain = domain.clone();
        self.substitute(&mut domain);
        // What cannot fail may be asked first: the ranges of pins that are plain elements.
        let n_ranges = self.conditions.iter().take_while(|c| self.pins.iter().any(|p| self.inside(p).as_ref() == Some(c))).count();
        let readable = self.pins.iter().all(|p| self.is_readable_anywhere(&p.value));
        if !readable || n_ranges < self.conditions.len() {
            return None;
        }
        self.conditions.push(domain);
        Some(())
    }

    fn finish(self) -> Nest {
        let mut nest = self.nest.clone();
        nest.domain = None;
        nest.body = self.body;
        if let Some(reduce) = &mut nest.reduce {
            reduce.guard = self.conditions.into_iter().reduce(|a, b| {
                let span = a.span;
                Scalar::binary(BinaryFn::And, a, b, DType::Bool, span)
            });
            reduce.pins = self.pins;
        }
        nest
    }
}

/// The size of the dim that an element of an input of indices is known to be in.
fn checked_size(draft: &Draft, value: &Scalar) -> Option<u64> {
    match &value.kind {
        ScalarKind::Cast(inner) => checked_size(draft, inner),
        ScalarKind::Access(access) => {
            let source: &Value = &draft.values[access.tensor];
            let is_input = matches!(source.role, crate::draft::Role::Input(_));
            let column = match access.subs.last().map(|s| &s.value.kind) {
                Some(ScalarKind::Literal(Literal::Int(n))) => usize::try_from(*n).ok(),
                _ => None,
            };
            let size = match source.index_of.as_slice() {
                [size] => Some(*size),
                columns => columns.get(column?).copied(),
            };
            size.filter(|_| is_input && access.subs.iter().all(|s| s.mode != Mode::Pad))
        }
        _ => None,
    }
}

//! Where a value that an equation defines by cases of positions is zero.

use super::{is_same, number};
use crate::bands::{AxisStrip, Strips};
use crate::egraph::convert::Converted;
use crate::egraph::language::Ring;
use crate::egraph::narrow::Written;
use crate::egraph::nests::and;
use crate::guards::{self, Claim};
use egg::Id;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{self, Literal, Mode, Scalar, ScalarKind, Sub};

/// A value by cases: `value` where all conditions hold, the zero of the ring elsewhere. Both over the indices of the nest.
pub(super) struct Support {
    pub(super) written: Written,
    pub(super) conditions: Vec<Scalar>,
    pub(super) value: Scalar,
}

impl Support {
    /// The cases of a class that the program defines element by element; `None` if it has none that positions decide.
    pub(super) fn of(converted: &Converted, class: Id, ring: Ring) -> Option<Self> {
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
    pub(super) fn claim(&self, condition: &Scalar) -> Claim {
        let nest = &self.written.nest;
        guards::claim(condition, &|index| nest.outer.contains(&index).then(|| nest.indices[index].clone()))
    }

    /// The strips of axes that conditions say.
    pub(super) fn strips(&self) -> Vec<AxisStrip> {
        let conditions: Vec<&Scalar> = self.conditions.iter().collect();
        Strips::of(&self.written.nest, &conditions, &|index| self.axis(index)).iter().cloned().collect()
    }

    pub(super) fn axis(&self, index: Index) -> Option<usize> {
        self.written.nest.outer.iter().position(|o| *o == index)
    }

    /// The value with the conditions but one: that one holds wherever it will be asked for.
    pub(super) fn without(&self, at: usize, zero: Literal) -> Written {
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

/// Conditions on positions without which a factor of sums of products is zero, as its expression says.
pub(crate) fn zero_outside(value: &Scalar, dtype: DType, shape: &dyn Fn(Tensor) -> Vec<u64>) -> Vec<Scalar> {
    let (ring, mut conditions) = (Ring::sum_product(dtype), Vec::new());
    if let Some(zero) = ring.stated_zero() {
        Cases { zero, mul: ring.mul, shape }.split(value, &mut conditions);
    }
    conditions
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
pub(crate) fn negated(condition: &Scalar) -> Option<Scalar> {
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

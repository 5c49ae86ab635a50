//! What loops over encrypted integers cost: the bootstraps of the circuit that they are written out to.
//!
//! Nothing is written out here. One turn of a loop is looked at with the ranges of what it reads, and counts as often as it is different: an
//! operation that does not depend on an index is one operation for all values of it. What is public costs nothing.

use ein_ir::circuit::{BitOp, Circuit, Comparison, Node, Op, Term, range};
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::{Index, PrimaryMap, Reducer, Wire};
use ein_ir::interval::Interval;
use ein_ir::range::Range;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::int_range;
use ein_ir::scalar::{Access, Scalar, ScalarKind};
use ein_ir::tensor::{ReduceOp, ReducerDecl};
use std::collections::BTreeSet;

/// What a value counts that 127 bits may not hold: there is no circuit of it.
const TOO_WIDE: f64 = 1e12;
/// Terms of a sum that are looked at; more of them cost in proportion.
const MAX_TERMS: f64 = 1024.0;

/// What is known of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// In which all elements are.
    pub(crate) range: Interval,
    /// Whether they are encrypted.
    pub(crate) secret: bool,
}

/// A value in a loop.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    wire: Wire,
    /// The indices on which it depends, by number.
    over: BTreeSet<usize>,
}

/// What an expression stands among.
pub(crate) struct Scope<'a> {
    /// Of each tensor, by number.
    pub(crate) tensors: &'a [Known],
    /// Of each index.
    pub(crate) indices: Vec<Interval>,
    pub(crate) reducers: &'a PrimaryMap<Reducer, ReducerDecl>,
    pub(crate) accumulated: Option<Value>,
    pub(crate) operands: Option<(Value, Value)>,
}

/// Counts bootstraps on the way.
#[derive(Default)]
pub(crate) struct Sketch {
    /// Its nodes have ranges, and operations that nobody looks at.
    circuit: Circuit,
    /// Values of each index.
    pub(crate) extents: Vec<f64>,
    pub(crate) bootstraps: f64,
}

impl Sketch {
    pub(crate) fn value(&mut self, known: Known, over: BTreeSet<usize>) -> Value {
        let node = Node { op: Op::Constant(0), wrap: None, range: known.range, secret: known.secret };
        Value { wire: self.circuit.nodes.push(node), over }
    }

    pub(crate) fn known(&self, value: &Value) -> Known {
        let node = &self.circuit.nodes[value.wire];
        Known { range: node.range, secret: node.secret }
    }

    fn public(&mut self, range: Interval) -> Value {
        self.value(Known { range, secret: false }, BTreeSet::new())
    }

    fn constant(&mut self, n: i128) -> Value {
        self.public((n, n))
    }

    fn number(&self, value: &Value) -> Option<i128> {
        let Known { range: (lo, hi), secret } = self.known(value);
        (lo == hi && !secret).then_some(lo)
    }

    /// How often a value is different.
    fn times(&self, over: &BTreeSet<usize>) -> f64 {
        over.iter().map(|index| self.extents.get(*index).copied().unwrap_or(1.0)).product()
    }

    /// An operation, so many times.
    fn push(&mut self, op: Op, at: Option<DType>, times: f64) -> Wire {
        let args = op.args();
        let exact = range::exact(&op, &|arg| self.circuit.nodes[arg].range, (0, 0));
        if exact.is_none() {
            self.bootstraps += TOO_WIDE;
        }
        let found = range::wrapped(exact.unwrap_or_else(|| int_range(at.unwrap_or(DType::I64))), at);
        let secret = found.0 != found.1 && args.iter().any(|arg| self.circuit.nodes[*arg].secret);
        let node = Node { op, wrap: at, range: found, secret };
        self.bootstraps += self.circuit.cost_of(&node).bootstraps as f64 * times;
        self.circuit.nodes.push(Node { op: Op::Constant(0), ..node })
    }

    fn apply(&mut self, parts: &[&Value], op: Op, at: Option<DType>) -> Value {
        let over = parts.iter().flat_map(|part| part.over.iter().copied()).collect();
        let times = self.times(&over);
        Value { wire: self.push(op, at, times), over }
    }

    fn linear(&mut self, parts: &[(i128, &Value)], constant: i128, at: Option<DType>) -> Value {
        let terms = parts.iter().map(|(coefficient, part)| Term { coefficient: *coefficient, wire: part.wire }).collect();
        let values: Vec<&Value> = parts.iter().map(|(_, part)| *part).collect();
        self.apply(&values, Op::Sum(terms, constant), at)
    }

    /// The product in a ring, or any other function of two values.
    pub(crate) fn binary(&mut self, function: BinaryFn, a: &Value, b: &Value, dtype: DType) -> Value {
        let (x, y) = (a.wire, b.wire);
        let is_truth = dtype == DType::Bool && self.known(a).range.0 >= 0 && self.known(a).range.1 <= 1;
        let compare = |how, x, y| Op::Compare(how, x, y);
        match function {
            BinaryFn::And | BinaryFn::BitAnd | BinaryFn::Min | BinaryFn::Mul if is_truth => self.apply(&[a, b], Op::All(vec![x, y]), None),
            BinaryFn::Or | BinaryFn::BitOr | BinaryFn::Max | BinaryFn::Add if is_truth => self.apply(&[a, b], Op::Any(vec![x, y]), None),
            BinaryFn::Add => self.linear(&[(1, a), (1, b)], 0, Some(dtype)),
            BinaryFn::Sub => self.linear(&[(1, a), (-1, b)], 0, Some(dtype)),
            BinaryFn::Mul => match (self.number(a), self.number(b)) {
                (Some(n), _) => self.multiple(n, b, dtype),
                (_, Some(n)) => self.multiple(n, a, dtype),
                _ => self.apply(&[a, b], Op::Mul(x, y), Some(dtype)),
            },
            BinaryFn::Max => self.apply(&[a, b], Op::Max(x, y), None),
            BinaryFn::Min => self.apply(&[a, b], Op::Min(x, y), None),
            BinaryFn::BitAnd | BinaryFn::And => self.apply(&[a, b], Op::Bits(BitOp::And, x, y), None),
            BinaryFn::BitOr | BinaryFn::Or => self.apply(&[a, b], Op::Bits(BitOp::Or, x, y), None),
            BinaryFn::Xor => self.apply(&[a, b], Op::Bits(BitOp::Xor, x, y), None),
            BinaryFn::Eq => self.apply(&[a, b], compare(Comparison::Eq, x, y), None),
            BinaryFn::Ne => self.apply(&[a, b], compare(Comparison::Ne, x, y), None),
            BinaryFn::Lt => self.apply(&[a, b], compare(Comparison::Lt, x, y), None),
            BinaryFn::Le => self.apply(&[a, b], compare(Comparison::Le, x, y), None),
            BinaryFn::Gt => self.apply(&[a, b], compare(Comparison::Lt, y, x), None),
            BinaryFn::Ge => self.apply(&[a, b], compare(Comparison::Le, y, x), None),
            BinaryFn::Shl => {
                let by = self.number(b).map_or(0, |n| n.rem_euclid(dtype.bits().max(1).into()));
                self.multiple(1 << by, a, dtype)
            }
            // By a constant: a multiple, and a shift by any number of bits.
            BinaryFn::FloorDiv | BinaryFn::Rem | BinaryFn::Shr => {
                let by = self.number(b).unwrap_or(1).unsigned_abs().max(1);
                let shift = if function == BinaryFn::Shr { self.number(b).unwrap_or(0).clamp(0, 126) as u32 } else { by.ilog2() };
                self.apply(&[a], Op::Shr(x, shift | 1), None)
            }
            BinaryFn::Div | BinaryFn::Pow | BinaryFn::Atan2 => self.anything(&[a, b], dtype),
        }
    }

    fn multiple(&mut self, n: i128, a: &Value, dtype: DType) -> Value {
        if n == 0 { self.constant(0) } else { self.linear(&[(n, a)], 0, Some(dtype)) }
    }

    /// A value of which nothing is known but its type; what no circuit computes has no price.
    fn anything(&mut self, parts: &[&Value], dtype: DType) -> Value {
        let secret = parts.iter().any(|part| self.known(part).secret);
        let over = parts.iter().flat_map(|part| part.over.iter().copied()).collect();
        self.value(Known { range: of_type(dtype), secret }, over)
    }

    fn unary(&mut self, function: UnaryFn, a: &Value, dtype: DType) -> Value {
        match function {
            UnaryFn::Neg => self.linear(&[(-1, a)], 0, Some(dtype)),
            UnaryFn::Not => self.apply(&[a], Op::Not(a.wire), None),
            UnaryFn::Abs => {
                let negative = self.linear(&[(-1, a)], 0, Some(dtype));
                self.apply(&[a, &negative], Op::Max(a.wire, negative.wire), None)
            }
            UnaryFn::Relu => {
                let zero = self.constant(0);
                self.apply(&[a], Op::Max(a.wire, zero.wire), None)
            }
            UnaryFn::Sign => {
                let zero = self.constant(0);
                let above = self.binary(BinaryFn::Lt, &zero, a, DType::Bool);
                let below = self.binary(BinaryFn::Lt, a, &zero, DType::Bool);
                self.linear(&[(1, &above), (-1, &below)], 0, None)
            }
            UnaryFn::Powi(n) if n > 0 => (1..n).fold(a.clone(), |found, _| self.binary(BinaryFn::Mul, &found, a, dtype)),
            UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc | UnaryFn::Conj | UnaryFn::Real | UnaryFn::Keep => a.clone(),
            _ => self.anything(&[a], dtype),
        }
    }

    /// An expression of a loop.
    pub(crate) fn scalar(&mut self, scalar: &Scalar, scope: &Scope<'_>) -> Value {
        let dtype = scalar.dtype;
        match &scalar.kind {
            ScalarKind::Literal(literal) => match Range::of_literal(*literal, dtype) {
                Range::Integer(range) => self.public(range),
                Range::Real(..) | Range::Unordered => self.constant(0),
            },
            ScalarKind::Index(index) => {
                let n = index.as_u32() as usize;
                let range = scope.indices.get(n).copied().unwrap_or_else(|| int_range(DType::I64));
                self.value(Known { range, secret: false }, BTreeSet::from([n]))
            }
            ScalarKind::Size(size) => self.constant(size.as_constant().unwrap_or(0)),
            ScalarKind::Access(access) => self.access(access, dtype, scope),
            ScalarKind::Unary(function, a) => {
                let a = self.scalar(a, scope);
                self.unary(*function, &a, dtype)
            }
            ScalarKind::Binary(function, a, b) => {
                let (a, b) = (self.scalar(a, scope), self.scalar(b, scope));
                self.binary(*function, &a, &b, dtype)
            }
            ScalarKind::Cast(a) => {
                let a = self.scalar(a, scope);
                self.cast(&a, dtype)
            }
            ScalarKind::If(condition, a, b) => {
                let (condition, a, b) = (self.scalar(condition, scope), self.scalar(a, scope), self.scalar(b, scope));
                self.apply(&[&condition, &a, &b], Op::Select(condition.wire, a.wire, b.wire), None)
            }
            ScalarKind::Operand(n) => match &scope.operands {
                Some((a, b)) => if *n == 0 { a } else { b }.clone(),
                None => self.anything(&[], dtype),
            },
            ScalarKind::Accumulated => scope.accumulated.clone().unwrap_or_else(|| self.anything(&[], dtype)),
            ScalarKind::Approx(_) => self.anything(&[], dtype),
        }
    }

    fn cast(&mut self, a: &Value, to: DType) -> Value {
        match to.class() {
            Class::Bool if self.known(a).range.0 < 0 || self.known(a).range.1 > 1 => {
                let zero = self.constant(0);
                self.binary(BinaryFn::Ne, a, &zero, DType::Bool)
            }
            Class::Signed | Class::Unsigned => self.linear(&[(1, a)], 0, Some(to)),
            Class::Bool | Class::Float | Class::Complex | Class::Key => a.clone(),
        }
    }

    /// An element; at a secret position one is looked up.
    fn access(&mut self, access: &Access, dtype: DType, scope: &Scope<'_>) -> Value {
        let subs: Vec<Value> = access.subs.iter().map(|sub| self.scalar(&sub.value, scope)).collect();
        let known = scope.tensors.get(access.tensor.as_u32() as usize).copied();
        let known = known.unwrap_or(Known { range: of_type(dtype), secret: true });
        let mut found = self.value(known, subs.iter().flat_map(|sub| sub.over.iter().copied()).collect());
        for sub in &subs {
            if self.known(sub).secret {
                found = self.apply(&[sub, &found], Op::Lut(sub.wire, vec![found.wire]), None);
            }
        }
        found
    }

    /// A reduction of values over `binders`, which its result does not depend on.
    pub(crate) fn reduce(&mut self, op: ReduceOp, acc: DType, value: &Value, binders: &BTreeSet<usize>, scope: &Scope<'_>) -> Value {
        let n = self.times(binders);
        let over: BTreeSet<usize> = value.over.difference(binders).copied().collect();
        let times = self.times(&over);
        let wire = match op {
            _ if n < 1.0 => return self.constant(0),
            ReduceOp::Any | ReduceOp::All => self.gathered(value.wire, n, times),
            ReduceOp::Sum | ReduceOp::Prod if acc == DType::Bool => self.gathered(value.wire, n, times),
            ReduceOp::Sum => self.sum(value.wire, n, acc, times),
            ReduceOp::Prod => self.product(value.wire, n, acc, times),
            ReduceOp::Max | ReduceOp::Min => {
                let twin = self.twin(value.wire);
                let op = if op == ReduceOp::Max { Op::Max(value.wire, twin) } else { Op::Min(value.wire, twin) };
                self.push(op, None, times * (n - 1.0))
            }
            ReduceOp::ArgMax | ReduceOp::ArgMin => {
                let (twin, position) = (self.twin(value.wire), self.public((0, n as i128)).wire);
                let less = self.push(Op::Compare(Comparison::Lt, value.wire, twin), None, times * (n - 1.0));
                self.push(Op::Select(less, value.wire, twin), None, times * (n - 1.0));
                let other = self.twin(position);
                self.push(Op::Select(less, position, other), None, times * (n - 1.0))
            }
            ReduceOp::User(reducer) => {
                let combined = Value { wire: value.wire, over: BTreeSet::new() };
                let inner = Scope {
                    tensors: scope.tensors,
                    indices: scope.indices.clone(),
                    reducers: scope.reducers,
                    accumulated: None,
                    operands: Some((combined.clone(), combined)),
                };
                let before = self.bootstraps;
                let found = self.scalar(&scope.reducers[reducer].combine, &inner);
                self.bootstraps += (self.bootstraps - before) * (times * n - 1.0);
                let secret = self.known(&found).secret;
                self.value(Known { range: of_type(acc), secret }, BTreeSet::new()).wire
            }
            ReduceOp::Lse => return self.anything(&[value], acc),
        };
        Value { wire, over }
    }

    /// Another value like one.
    fn twin(&mut self, wire: Wire) -> Wire {
        let node = self.circuit.nodes[wire].clone();
        self.circuit.nodes.push(node)
    }

    fn gathered(&mut self, wire: Wire, n: f64, times: f64) -> Wire {
        let seen = n.min(MAX_TERMS);
        if seen < 2.0 { wire } else { self.push(Op::Any(vec![wire; seen as usize]), None, times * n / seen) }
    }

    fn sum(&mut self, wire: Wire, n: f64, acc: DType, times: f64) -> Wire {
        let seen = n.min(MAX_TERMS);
        self.push(Op::Sum(vec![Term { coefficient: 1, wire }; seen as usize], 0), Some(acc), times * n / seen)
    }

    /// Neighbours first, as circuits have it.
    fn product(&mut self, mut wire: Wire, mut n: f64, acc: DType, times: f64) -> Wire {
        while n > 1.0 {
            let pairs = (n / 2.0).floor();
            let twin = self.twin(wire);
            wire = self.push(Op::Mul(wire, twin), Some(acc), times * pairs);
            n -= pairs;
        }
        wire
    }

    /// A term that takes part where a truth value says so.
    pub(crate) fn guarded(&mut self, when: &Value, value: &Value) -> Value {
        let zero = self.constant(0);
        self.apply(&[when, value], Op::Select(when.wire, value.wire, zero.wire), None)
    }

    /// A term for each value of an index, which takes part where it equals a position.
    pub(crate) fn pinned(&mut self, position: &Value, index: Index, value: &Value, scope: &Scope<'_>) -> Value {
        let n = index.as_u32() as usize;
        let range = scope.indices.get(n).copied().unwrap_or((0, 0));
        let index = self.value(Known { range, secret: false }, BTreeSet::from([n]));
        let here = self.binary(BinaryFn::Eq, position, &index, DType::Bool);
        self.guarded(&here, value)
    }
}

/// All integers of a type; a number that is none is not looked at.
fn of_type(dtype: DType) -> Interval {
    match Range::of_type(dtype) {
        Range::Integer(range) => range,
        Range::Real(..) | Range::Unordered => (0, 0),
    }
}

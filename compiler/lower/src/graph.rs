//! The values of a nest as a graph: scalar operations over loop axes, equal ones shared.
//!
//! A value depends on a set of axes and on nothing else that changes, so it can be computed at the outermost loop that binds
//! them. Complex numbers do not exist here.

use crate::affine::{Affine, Axes, Axis, AxisSet};
use ein_ir::entity::{Buffer, Fault, PrimaryMap, entity_impl};
use ein_ir::kernel::{BinaryOp, Coefficient, Comparison, Conversion, MathFn, ScalarType, UnaryOp};
use std::collections::HashMap;

/// A value: `x0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ValueId(u32);
entity_impl!(ValueId, "x");

/// How a value is computed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ValueOp {
    /// An integer or bool sign-extended to 64 bits, or the bits of a float.
    Const(i64),
    /// An index value, i64.
    Affine(Affine),
    /// Whether a form is at least 0. `edge` marks conditions of access modes: false only near the border of a tensor.
    Holds { form: Affine, edge: bool },
    /// An element of a buffer.
    Load(LoadAddress),
    /// A function of one value.
    Unary(UnaryOp, ValueId),
    /// A function of two values.
    Binary(BinaryOp, ValueId, ValueId),
    /// A comparison.
    Compare(Comparison, ValueId, ValueId),
    /// Condition, then, else; lazy.
    Select(ValueId, ValueId, ValueId),
    /// A conversion.
    Convert(Conversion, ValueId),
    /// A function of the runtime.
    Call(MathFn, Vec<ValueId>),
    /// An integer divisor, after a test for 0.
    NonZero(ValueId, Fault),
    /// A fault wherever it is evaluated: the access of an empty axis.
    Fail(Fault),
    /// A component of the finished reduction.
    Accumulated(u32),
    /// A component of the reduction so far: it changes with every term.
    Running(u32),
}

/// An address over axes and values, in elements of the buffer's type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LoadAddress {
    pub(crate) buffer: Buffer,
    pub(crate) offset: i64,
    /// Sorted by axis; with run-time strides an axis may occur more than once.
    pub(crate) terms: Vec<(Axis, Coefficient)>,
    pub(crate) values: Vec<(ValueId, Coefficient)>,
    pub(crate) stride_offsets: Vec<(u32, i64)>,
    /// Elements of the buffer.
    pub(crate) n_elements: i64,
    /// Whether it is inside the buffer for all values of the axes.
    pub(crate) in_bounds: bool,
}

impl LoadAddress {
    /// Elements from one value of the axis to the next; `None` if known only at run time.
    pub(crate) fn stride(&self, axis: Axis) -> Option<i64> {
        let mut sum: i64 = 0;
        for (_, coefficient) in self.terms.iter().filter(|(a, _)| *a == axis) {
            match coefficient {
                Coefficient::Elements(c) => sum = sum.wrapping_add(*c),
                Coefficient::Stride { .. } => return None,
            }
        }
        Some(sum)
    }

    pub(crate) fn axes(&self) -> AxisSet {
        self.terms.iter().map(|(a, _)| *a).collect()
    }
}

/// A value with what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) op: ValueOp,
    pub(crate) ty: ScalarType,
    /// Axes that it depends on.
    pub(crate) deps: AxisSet,
    /// Whether it may be evaluated anywhere in the iteration space: it neither faults nor reads out of bounds.
    pub(crate) safe: bool,
    /// Operations below it, saturating: a measure for speculation.
    pub(crate) cost: u32,
}

/// All values of a nest.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    values: PrimaryMap<ValueId, Value>,
    known: HashMap<(ValueOp, ScalarType), ValueId>,
}

impl std::ops::Index<ValueId> for Graph {
    type Output = Value;
    fn index(&self, id: ValueId) -> &Value {
        &self.values[id]
    }
}

impl Graph {
    /// The value of an operation; equal operations are one value.
    pub(crate) fn value(&mut self, op: ValueOp, ty: ScalarType) -> ValueId {
        let key = (op, ty);
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let value = self.describe(key.0.clone(), ty);
        let id = self.values.push(value);
        self.known.insert(key, id);
        id
    }

    fn describe(&self, op: ValueOp, ty: ScalarType) -> Value {
        let mut deps = match &op {
            ValueOp::Affine(form) | ValueOp::Holds { form, .. } => form.axes(),
            ValueOp::Load(address) => address.axes(),
            _ => AxisSet::EMPTY,
        };
        let mut safe = match &op {
            ValueOp::Load(address) => address.in_bounds,
            ValueOp::NonZero(..) | ValueOp::Fail(_) | ValueOp::Accumulated(_) | ValueOp::Running(_) => false,
            _ => true,
        };
        let mut cost = op.cost();
        for operand in op.operands() {
            let operand = &self.values[operand];
            deps = deps.union(operand.deps);
            safe &= operand.safe;
            cost = cost.saturating_add(operand.cost);
        }
        Value { op, ty, deps, safe, cost }
    }

    /// Every load, for change of its address; what depends on axes is found anew afterwards. No new value may be asked for then.
    pub(crate) fn rewrite_loads(&mut self, outer: AxisSet, all: AxisSet, change: &mut dyn FnMut(&mut LoadAddress)) {
        for value in self.values.values_mut() {
            if let ValueOp::Load(address) = &mut value.op {
                change(address);
            }
        }
        self.known.clear();
        let ids: Vec<ValueId> = self.values.keys().collect();
        for id in ids {
            let (op, ty) = (self.values[id].op.clone(), self.values[id].ty);
            let deps = match op {
                ValueOp::Accumulated(_) => Some(outer),
                ValueOp::Running(_) => Some(all),
                _ => None,
            };
            self.values[id] = self.describe(op, ty);
            if let Some(deps) = deps {
                self.values[id].deps = deps;
            }
        }
    }

    /// Values reachable from the roots, each once, operands first.
    pub(crate) fn reachable(&self, roots: &[ValueId]) -> Vec<ValueId> {
        fn visit(graph: &Graph, id: ValueId, seen: &mut Vec<bool>, out: &mut Vec<ValueId>) {
            if std::mem::replace(&mut seen[id.as_u32() as usize], true) {
                return;
            }
            for operand in graph[id].op.operands() {
                visit(graph, operand, seen, out);
            }
            out.push(id);
        }
        let mut seen = vec![false; self.values.len()];
        let mut out = Vec::new();
        for root in roots {
            visit(self, *root, &mut seen, &mut out);
        }
        out
    }
}

impl ValueOp {
    /// Operations that it stands for, its operands being there.
    pub(crate) fn cost(&self) -> u32 {
        match self {
            ValueOp::Const(_) => 0,
            // Some tens of instructions.
            ValueOp::Call(..) => 20,
            ValueOp::Binary(BinaryOp::SDiv | BinaryOp::SRem | BinaryOp::UDiv | BinaryOp::URem, ..) => 10,
            _ => 1,
        }
    }

    /// Values that it is computed from, in order.
    pub(crate) fn operands(&self) -> Vec<ValueId> {
        match self {
            ValueOp::Const(_) | ValueOp::Affine(_) | ValueOp::Holds { .. } | ValueOp::Fail(_) => Vec::new(),
            ValueOp::Accumulated(_) | ValueOp::Running(_) => Vec::new(),
            ValueOp::Load(address) => address.values.iter().map(|(v, _)| *v).collect(),
            ValueOp::Unary(_, a) | ValueOp::Convert(_, a) | ValueOp::NonZero(a, _) => vec![*a],
            ValueOp::Binary(_, a, b) | ValueOp::Compare(_, a, b) => vec![*a, *b],
            ValueOp::Select(c, a, b) => vec![*c, *a, *b],
            ValueOp::Call(_, args) => args.clone(),
        }
    }
}

/// Building blocks with the few simplifications that later passes rely on.
impl Graph {
    pub(crate) fn integer(&mut self, n: i64, ty: ScalarType) -> ValueId {
        self.value(ValueOp::Const(n), ty)
    }

    /// A float constant, rounded to the type.
    pub(crate) fn float(&mut self, x: f64, ty: ScalarType) -> ValueId {
        let bits = match ty {
            ScalarType::F32 => i64::from((x as f32).to_bits()),
            _ => x.to_bits().cast_signed(),
        };
        self.value(ValueOp::Const(bits), ty)
    }

    pub(crate) fn boolean(&mut self, b: bool) -> ValueId {
        self.value(ValueOp::Const(i64::from(b)), ScalarType::Bool)
    }

    pub(crate) fn as_boolean(&self, id: ValueId) -> Option<bool> {
        match self[id].op {
            ValueOp::Const(b) if self[id].ty == ScalarType::Bool => Some(b != 0),
            _ => None,
        }
    }

    pub(crate) fn affine(&mut self, form: Affine) -> ValueId {
        match form.as_constant() {
            Some(n) => self.integer(n, ScalarType::I64),
            None => self.value(ValueOp::Affine(form), ScalarType::I64),
        }
    }

    /// `form >= 0`, decided where the ranges of the axes decide it.
    pub(crate) fn holds(&mut self, form: Affine, edge: bool, axes: &Axes) -> ValueId {
        let (lo, hi) = form.range(axes);
        if lo >= 0 || hi < 0 {
            return self.boolean(lo >= 0);
        }
        self.value(ValueOp::Holds { form, edge }, ScalarType::Bool)
    }

    pub(crate) fn unary(&mut self, op: UnaryOp, a: ValueId) -> ValueId {
        if let (UnaryOp::Not, Some(b)) = (op, self.as_boolean(a)) {
            return self.boolean(!b);
        }
        let ty = self[a].ty;
        self.value(ValueOp::Unary(op, a), ty)
    }

    pub(crate) fn binary(&mut self, op: BinaryOp, a: ValueId, b: ValueId) -> ValueId {
        let ty = self[a].ty;
        self.value(ValueOp::Binary(op, a, b), ty)
    }

    pub(crate) fn and(&mut self, a: ValueId, b: ValueId) -> ValueId {
        match (self.as_boolean(a), self.as_boolean(b)) {
            (Some(false), _) | (_, Some(true)) => a,
            (Some(true), _) => b,
            _ if a == b => a,
            _ => self.binary(BinaryOp::And, a, b),
        }
    }

    pub(crate) fn or(&mut self, a: ValueId, b: ValueId) -> ValueId {
        match (self.as_boolean(a), self.as_boolean(b)) {
            (Some(true), _) | (_, Some(false)) => a,
            (Some(false), _) => b,
            _ if a == b => a,
            _ => self.binary(BinaryOp::Or, a, b),
        }
    }

    pub(crate) fn compare(&mut self, op: Comparison, a: ValueId, b: ValueId) -> ValueId {
        self.value(ValueOp::Compare(op, a, b), ScalarType::Bool)
    }

    pub(crate) fn select(&mut self, c: ValueId, a: ValueId, b: ValueId) -> ValueId {
        match self.as_boolean(c) {
            Some(true) => return a,
            Some(false) => return b,
            None if a == b && self[c].safe => return a,
            None => {}
        }
        let ty = self[a].ty;
        self.value(ValueOp::Select(c, a, b), ty)
    }

    pub(crate) fn convert(&mut self, op: Conversion, a: ValueId, ty: ScalarType) -> ValueId {
        self.value(ValueOp::Convert(op, a), ty)
    }

    pub(crate) fn call(&mut self, function: MathFn, args: &[ValueId]) -> ValueId {
        let ty = self[args[0]].ty;
        self.value(ValueOp::Call(function, args.to_vec()), ty)
    }

    /// A component of the reduction so far; it changes with every term.
    pub(crate) fn running(&mut self, component: u32, ty: ScalarType, all: AxisSet) -> ValueId {
        let id = self.value(ValueOp::Running(component), ty);
        self.values[id].deps = all;
        id
    }

    /// A component of the finished reduction; it changes with every element of the output.
    pub(crate) fn accumulated(&mut self, component: u32, ty: ScalarType, outer: AxisSet) -> ValueId {
        let id = self.value(ValueOp::Accumulated(component), ty);
        self.values[id].deps = outer;
        id
    }
}

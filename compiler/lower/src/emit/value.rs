//! Values: scalars, or vectors where they depend on the axis of the lanes.

use super::{Emitter, Key};
use crate::graph::{LoadAddress, ValueId, ValueOp};
use ein_ir::entity::{Fault, Local};
use ein_ir::kernel::{Address, BinaryOp, Coefficient, Comparison, Op, OpConst, Operand, ScalarType, Stmt, Type};
use std::collections::BTreeSet;

/// Both sides of a choice are computed if neither costs more operations than this: about a mispredicted branch.
const SPECULATION_LIMIT: u32 = 12;

impl Emitter<'_> {
    fn key(&self, id: ValueId, lanes: u8) -> Key {
        let bounds = self.problem.graph[id].deps.iter().map(|axis| self.binding(axis)).collect();
        (id, bounds, lanes)
    }

    fn find(&self, key: &Key) -> Option<Local> {
        self.scopes.iter().rev().find_map(|scope| scope.get(key)).copied()
    }

    fn remember(&mut self, key: Key, local: Local) {
        self.scopes.last_mut().expect("a block is open").insert(key, local);
    }

    /// Lanes of a value: 1 unless it depends on the axis of the lanes.
    pub(crate) fn lanes_of(&self, id: ValueId) -> u8 {
        self.lanes.filter(|l| self.problem.graph[id].deps.contains(l.axis)).map_or(1, |l| l.n)
    }

    /// The value, in as many lanes as it has.
    pub(crate) fn value(&mut self, id: ValueId) -> Local {
        let id = self.simplify(id);
        let key = self.key(id, self.lanes_of(id));
        if let Some(local) = self.find(&key) {
            return local;
        }
        let local = self.compute(id);
        self.remember(key, local);
        local
    }

    /// The value in `n` lanes.
    pub(crate) fn widened(&mut self, id: ValueId, n: u8) -> Local {
        let id = self.simplify(id);
        if self.lanes_of(id) == n {
            return self.value(id);
        }
        let key = self.key(id, n);
        if let Some(local) = self.find(&key) {
            return local;
        }
        let ty = Type { scalar: self.problem.graph[id].ty, lanes: n };
        let local = match self.problem.graph[id].op {
            ValueOp::Const(bits) => self.set(ty, Op::Const(Self::constant(bits, ty.scalar))),
            _ => {
                let scalar = self.value(id);
                self.set(ty, Op::Splat(scalar))
            }
        };
        self.remember(key, local);
        local
    }

    fn compute(&mut self, id: ValueId) -> Local {
        let problem = self.problem;
        let value = &problem.graph[id];
        let n = self.lanes_of(id);
        let ty = Type { scalar: value.ty, lanes: n };
        match &value.op {
            ValueOp::Const(bits) => self.set(ty, Op::Const(Self::constant(*bits, ty.scalar))),
            ValueOp::Affine(form) => {
                let sum = self.form(form);
                self.operand_local(sum)
            }
            ValueOp::Holds { form, .. } => {
                let sum = self.form(form);
                match (self.decide(form), sum) {
                    (Some(b), _) => self.set(ty, Op::Const(OpConst::Int(i64::from(b)))),
                    (None, Operand::Const(n)) => self.set(ty, Op::Const(OpConst::Int(i64::from(n >= 0)))),
                    (None, Operand::Local(sum)) => {
                        let zero = self.int(0);
                        self.set(Type::BOOL, Op::Compare(Comparison::Ge, sum, zero))
                    }
                }
            }
            ValueOp::Load(load) => {
                let address = self.address(load);
                let constant = address.terms.is_empty() && address.stride_offsets.is_empty();
                if constant && !(0..load.n_elements).contains(&address.offset) {
                    // Outside under a condition that is never true here: the load is not reached.
                    return self.set(ty, Op::Const(Self::constant(0, ty.scalar)));
                }
                self.set(ty, Op::Load(address))
            }
            ValueOp::Unary(op, a) => {
                let a = self.widened(*a, n);
                self.set(ty, Op::Unary(*op, a))
            }
            ValueOp::Binary(op, a, b) => {
                let (a, b) = (self.widened(*a, n), self.widened(*b, n));
                self.set(ty, Op::Binary(*op, a, b))
            }
            ValueOp::Compare(op, a, b) => {
                let (a, b) = (self.widened(*a, n), self.widened(*b, n));
                self.set(ty, Op::Compare(*op, a, b))
            }
            ValueOp::Convert(op, a) => {
                let a = self.widened(*a, n);
                self.set(ty, Op::Convert(*op, a))
            }
            ValueOp::Call(function, args) => {
                let args = args.iter().map(|a| self.value(*a)).collect();
                self.set(ty, Op::Call(*function, args))
            }
            ValueOp::Select(c, a, b) => self.choose(ty, *c, *a, *b),
            ValueOp::NonZero(divisor, fault) => self.test_divisor(*divisor, *fault),
            ValueOp::Fail(fault) => {
                let always = self.set(Type::BOOL, Op::Const(OpConst::Int(1)));
                self.push(Stmt::If { condition: always, then: vec![Stmt::Fault(*fault)], otherwise: Vec::new() });
                self.int(0)
            }
            ValueOp::Accumulated(component) => self.accumulated[*component as usize],
            // A copy: the variable itself changes while the term is taken in.
            ValueOp::Running(component) => self.set(ty, Op::Copy(self.running[*component as usize])),
        }
    }

    fn test_divisor(&mut self, divisor: ValueId, fault: Fault) -> Local {
        let divisor = self.value(divisor);
        let ty = self.locals[divisor];
        let zero = self.set(ty, Op::Const(OpConst::Int(0)));
        let is_zero = self.set(Type::BOOL, Op::Compare(Comparison::Eq, divisor, zero));
        self.push(Stmt::If { condition: is_zero, then: vec![Stmt::Fault(fault)], otherwise: Vec::new() });
        divisor
    }

    /// A choice whose condition is not known: by a select where both sides may be computed, else by a branch.
    fn choose(&mut self, ty: Type, c: ValueId, a: ValueId, b: ValueId) -> Local {
        let c = self.simplify(c);
        let in_lanes = self.lanes_of(c) > 1;
        if !in_lanes {
            self.compute_shared(a, b);
        }
        if in_lanes || (ty.lanes == 1 && self.is_cheap(a) && self.is_cheap(b)) {
            let c = self.widened(c, ty.lanes);
            let (a, b) = (self.widened(a, ty.lanes), self.widened(b, ty.lanes));
            return self.set(ty, Op::Select(c, a, b));
        }
        let result = self.local(ty);
        let condition = self.value(c);
        self.emit_if(
            condition,
            |e| {
                e.learn_condition(c);
                let a = e.widened(a, ty.lanes);
                e.push(Stmt::Set(result, Op::Copy(a)));
            },
            |e| {
                e.learn_failure(c);
                let b = e.widened(b, ty.lanes);
                e.push(Stmt::Set(result, Op::Copy(b)));
            },
        );
        result
    }

    /// Values under a root that are computed given what is known, each once.
    fn reachable(&self, root: ValueId) -> BTreeSet<ValueId> {
        let mut seen = BTreeSet::new();
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            let id = self.simplify(id);
            if seen.insert(id) {
                stack.extend(self.problem.graph[id].op.operands());
            }
        }
        seen
    }

    /// Computes what both sides of a choice use, so that it stands in neither. Ids grow from operands to users.
    fn compute_shared(&mut self, a: ValueId, b: ValueId) {
        let graph = &self.problem.graph;
        let shared: Vec<ValueId> = self.reachable(a).intersection(&self.reachable(b)).copied().collect();
        for id in shared {
            let value = &graph[id];
            if value.safe && value.cost > 1 && self.lanes_of(id) == 1 {
                self.value(id);
            }
        }
    }

    /// Whether a value may be computed although it may not be needed: what is left to do for it costs little.
    fn is_cheap(&self, root: ValueId) -> bool {
        let graph = &self.problem.graph;
        let (mut cost, mut seen, mut stack) = (0u32, BTreeSet::new(), vec![root]);
        while let Some(id) = stack.pop() {
            let id = self.simplify(id);
            if !seen.insert(id) || self.find(&self.key(id, self.lanes_of(id))).is_some() {
                continue;
            }
            cost = cost.saturating_add(graph[id].op.cost());
            if cost > SPECULATION_LIMIT {
                return false;
            }
            stack.extend(graph[id].op.operands());
        }
        graph[self.simplify(root)].safe
    }

    /// An address under the bindings of its axes.
    pub(crate) fn address(&mut self, address: &LoadAddress) -> Address {
        let mut out =
            Address { buffer: address.buffer, offset: address.offset, terms: Vec::new(), stride_offsets: address.stride_offsets.clone() };
        for &(axis, coefficient) in &address.terms {
            let bound = self.binding(axis);
            out.terms.extend(bound.base.map(|base| (base, coefficient)));
            match coefficient {
                Coefficient::Elements(c) => out.offset = out.offset.wrapping_add(c.wrapping_mul(bound.offset)),
                Coefficient::Stride { .. } if bound.offset == 0 => {}
                Coefficient::Stride { axis, factor } => out.stride_offsets.push((axis, factor.wrapping_mul(bound.offset))),
            }
        }
        for &(value, coefficient) in &address.values {
            let value = self.value(value);
            out.terms.push((value, coefficient));
        }
        out
    }

    /// Computes now what the roots need and what depends on bound axes alone, if it may be computed anywhere.
    pub(crate) fn hoist(&mut self, roots: &[ValueId]) {
        let mut seen = BTreeSet::new();
        for root in roots {
            self.hoist_value(*root, false, &mut seen);
        }
    }

    fn hoist_value(&mut self, id: ValueId, into_lanes: bool, seen: &mut BTreeSet<(ValueId, bool)>) {
        let id = self.simplify(id);
        if !seen.insert((id, into_lanes)) {
            return;
        }
        let problem = self.problem;
        let value = &problem.graph[id];
        if value.safe && value.deps.iter().all(|axis| self.is_bound(axis)) {
            if is_worth_a_variable(&value.op, value.ty) {
                match self.lanes {
                    Some(lanes) if into_lanes => self.widened(id, lanes.n),
                    _ => self.value(id),
                };
            }
            return;
        }
        let wide = self.lanes_of(id) > 1;
        for (n, operand) in value.op.operands().into_iter().enumerate() {
            let scalar = matches!(value.op, ValueOp::Load(_)) || (matches!(value.op, ValueOp::Select(..)) && n == 0);
            self.hoist_value(operand, wide && !scalar, seen);
        }
    }
}

fn is_worth_a_variable(op: &ValueOp, ty: ScalarType) -> bool {
    match op {
        ValueOp::Const(_) => ty.is_float(),
        ValueOp::Affine(_) | ValueOp::Accumulated(_) => false,
        ValueOp::Binary(BinaryOp::And | BinaryOp::Or, ..) if ty == ScalarType::Bool => false,
        _ => true,
    }
}

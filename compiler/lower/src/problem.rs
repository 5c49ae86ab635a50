//! A nest ready for loops: its axes, its values as a graph, and its conditions as linear constraints.

use crate::affine::{Affine, Axes, Axis, AxisKind, AxisSet};
use crate::buffers::{memory_type, supported};
use crate::build::{Builder, Built, Parts, Position};
use crate::error::unsupported;
use crate::graph::{Graph, LoadAddress, ValueId, ValueOp};
use crate::pipeline::Context;
use crate::space::Space;
use crate::turn::Turn;
use ein_ir::dtype::DType;
use ein_ir::entity::{Fault, PrimaryMap, Reducer};
use ein_ir::kernel::{BinaryOp, ScalarType, UnaryOp};
use ein_ir::plan::{Nest, NestReduce};
use ein_ir::scalar::value::Value as Datum;
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::{ReduceOp, ReducerDecl};
use std::collections::BTreeMap;

/// What a loop nest computes.
pub(crate) struct Problem {
    pub(crate) axes: Axes,
    /// What axes that have one value a turn stand for.
    pub(crate) turns: Vec<(Axis, Turn)>,
    pub(crate) graph: Graph,
    /// Axes of the output, in its order.
    pub(crate) outer: Vec<Axis>,
    /// Where the value is wanted.
    pub(crate) domain: Guard,
    pub(crate) out: Target,
    /// What is reduced, or the value: one root a component.
    pub(crate) body: Vec<ValueId>,
    pub(crate) reduction: Option<Reduction>,
    /// The value from the finished reduction, if it is not simply that.
    pub(crate) epilogue: Option<Vec<ValueId>>,
}

/// A condition: constraints `form >= 0`, and what is not linear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    pub(crate) constraints: Vec<Affine>,
    pub(crate) residual: Option<ValueId>,
}

/// Where the output is written; the address has values only where a reduction scatters.
pub(crate) struct Target {
    pub(crate) address: LoadAddress,
    pub(crate) ty: ScalarType,
}

/// A reduction over axes.
pub(crate) struct Reduction {
    pub(crate) op: ReduceOp,
    pub(crate) acc: DType,
    pub(crate) ty: ScalarType,
    pub(crate) axes: Vec<Axis>,
    pub(crate) guard: Guard,
    /// The value of the empty reduction, one a component.
    pub(crate) identity: Vec<ValueId>,
    /// For `argmax` and `argmin`: the position, and the fault of the empty reduction.
    pub(crate) position: Option<(ValueId, Fault)>,
}

impl Problem {
    /// Every root whose value is needed for an element of the output.
    pub(crate) fn roots(&self) -> Vec<ValueId> {
        let guard = self.reduction.as_ref().and_then(|r| r.guard.residual);
        let position = self.reduction.as_ref().and_then(|r| r.position).map(|(v, _)| v);
        let epilogue = self.epilogue.iter().flatten().copied().chain(self.out.address.values.iter().map(|(v, _)| *v));
        self.body.iter().copied().chain(epilogue).chain(self.domain.residual).chain(guard).chain(position).collect()
    }

    /// Every linear condition: of the domain, of the reduction and in values.
    pub(crate) fn conditions(&self) -> Vec<Affine> {
        let guard = self.reduction.iter().flat_map(|r| &r.guard.constraints);
        let values = self.graph.reachable(&self.roots());
        let held = values.into_iter().filter_map(|id| match &self.graph[id].op {
            ValueOp::Holds { form, .. } => Some(form.clone()),
            _ => None,
        });
        self.domain.constraints.iter().chain(guard).cloned().chain(held).collect()
    }

    /// Axes that the nest makes any use of.
    pub(crate) fn used(&self) -> AxisSet {
        let values = self.graph.reachable(&self.roots()).into_iter().map(|id| self.graph[id].deps);
        let forms = self.conditions().iter().map(Affine::axes).collect::<Vec<_>>();
        values.chain(forms).fold(self.out.address.axes(), AxisSet::union)
    }

    pub(crate) fn reduced(&self) -> AxisSet {
        self.reduction.iter().flat_map(|r| &r.axes).copied().collect()
    }

    /// Elements of the output times turns of the reduction, at most.
    pub(crate) fn n_turns(&self) -> u64 {
        self.axes.values().filter(|a| a.kind != AxisKind::Turn).fold(1u64, |n, a| n.saturating_mul(a.extent.max(0).cast_unsigned()))
    }
}

/// Prepares a nest; `None` if it has no output elements.
///
/// # Errors
/// `not-in-this-version` for what has no kernels.
pub(crate) fn prepare(context: &mut Context<'_>, nest: &Nest, span: Span) -> Built<Option<Problem>> {
    let is_empty = |i: &ein_ir::entity::Index| nest.indices[*i].hi <= nest.indices[*i].lo;
    if nest.outer.iter().any(is_empty) {
        return Ok(None);
    }
    let space = Space::new(nest, &context.around);
    let turns = space.turns.clone();
    if space.axes.len() > crate::affine::MAX_AXES {
        return Err(unsupported("an equation over this many indices", span));
    }
    let axes_of = |kind| space.axes.iter().filter(move |(_, a)| a.kind == kind).map(|(id, _)| id).collect::<Vec<_>>();
    let (outer, reduced) = (axes_of(AxisKind::Outer), axes_of(AxisKind::Reduced));
    let outer_set: AxisSet = outer.iter().copied().collect();
    let mut builder = Builder {
        memories: &context.memories,
        faults: &mut context.faults,
        space,
        graph: Graph::default(),
        outer: outer_set,
        reducers: &context.plan.reducers,
        operands: None,
    };
    let out = target(&mut builder, nest)?;
    let domain = builder.guard(nest.domain.as_ref())?;
    let nothing = nest.reduce.as_ref().is_some_and(|r| r.binders.iter().any(is_empty));
    let (body, reduction) = match &nest.reduce {
        None => {
            let value = builder.scalar(&nest.body)?;
            (builder.stored(value, nest.body.dtype).components(), None)
        }
        Some(_) => builder.reduction(nest, reduced, nothing, span)?,
    };
    let epilogue = builder.epilogue(nest)?;
    Ok(Some(Problem { axes: builder.space.axes, turns, graph: builder.graph, outer, domain, out, body, reduction, epilogue }))
}

fn target(builder: &mut Builder<'_>, nest: &Nest) -> Built<Target> {
    let memory = builder.memories[nest.out].clone();
    let mut positions = Vec::new();
    for index in &nest.outer {
        positions.push(match nest.pins().iter().find(|pin| pin.index == *index) {
            // Inside the axis wherever the guard holds.
            Some(pin) => Position { bounded: true, ..builder.position(&pin.value)? },
            None => Position { form: builder.space.form(*index).clone(), ..Position::default() },
        });
    }
    let ty = memory_type(memory.dtype).expect("declared memory is of a supported dtype");
    Ok(Target { address: builder.address(&memory, &positions), ty })
}

impl Builder<'_> {
    fn guard(&mut self, condition: Option<&Scalar>) -> Built<Guard> {
        let Some(condition) = condition else { return Ok(Guard::default()) };
        let value = self.condition(condition)?;
        let mut guard = Guard::default();
        self.split_conjunction(value, &mut guard);
        Ok(guard)
    }

    fn split_conjunction(&mut self, value: ValueId, guard: &mut Guard) {
        match self.graph[value].op.clone() {
            ValueOp::Const(b) if b != 0 => {}
            ValueOp::Holds { form, .. } => guard.constraints.push(form),
            ValueOp::Binary(BinaryOp::And, a, b) => {
                self.split_conjunction(a, guard);
                self.split_conjunction(b, guard);
            }
            _ => {
                guard.residual = Some(match guard.residual {
                    None => value,
                    // The left side may keep the right one from failing.
                    Some(first) => {
                        let no = self.graph.boolean(false);
                        self.graph.select(first, value, no)
                    }
                });
            }
        }
    }

    fn reduction(&mut self, nest: &Nest, axes: Vec<Axis>, nothing: bool, span: Span) -> Built<(Vec<ValueId>, Option<Reduction>)> {
        let reduce = nest.reduce.as_ref().expect("called for reductions");
        let ty = supported(reduce.acc, span)?;
        let mut guard = self.guard(reduce.guard.as_ref())?;
        let body = match self.scalar(&nest.body)? {
            // An empty range takes part in nothing: its body is never evaluated.
            _ if nothing => Vec::new(),
            parts => parts.components(),
        };
        if nothing {
            guard = Guard { constraints: Vec::new(), residual: Some(self.graph.boolean(false)) };
        }
        let identity = self.datum(identity(self.reducers, reduce.op, reduce.acc)).components();
        let body = self.combined(reduce, body)?;
        let position = match reduce.op {
            ReduceOp::ArgMax | ReduceOp::ArgMin => {
                let index = *reduce.binders.first().ok_or_else(|| unsupported("argmax over no index", span))?;
                let form = self.space.form(index).clone();
                let position = self.graph.affine(form);
                Some((position, self.fault(crate::build::EMPTY_ARGMAX, span, "`argmax` or `argmin` of nothing")))
            }
            _ => None,
        };
        let mut reduction = Reduction { op: reduce.op, acc: reduce.acc, ty, axes, guard, identity, position };
        let body = body.into_iter().map(|root| self.peel_neutral(root, &mut reduction)).collect();
        Ok((body, Some(reduction)))
    }

    /// What a reduction is after a term: for a reducer of the program, its body over what it is so far and the term.
    fn combined(&mut self, reduce: &NestReduce, term: Vec<ValueId>) -> Built<Vec<ValueId>> {
        let (ReduceOp::User(reducer), Some(&first)) = (reduce.op, term.first()) else { return Ok(term) };
        let all = self.space.axes.keys().collect();
        let ty = self.graph[first].ty;
        let so_far = self.graph.running(0, ty, all);
        let operands = match term.get(1) {
            Some(&second) => [Parts::Pair(so_far, self.graph.running(1, ty, all)), Parts::Pair(first, second)],
            None => [Parts::One(so_far), Parts::One(first)],
        };
        self.operands = Some(operands);
        let reducers = self.reducers;
        let combined = self.scalar(&reducers[reducer].combine)?.components();
        self.operands = None;
        Ok(combined)
    }

    /// Turns conditions outside which a real summand is the neutral element into guards of the reduction.
    fn peel_neutral(&mut self, root: ValueId, reduction: &mut Reduction) -> ValueId {
        if reduction.identity.len() != 1 || reduction.position.is_some() || matches!(reduction.op, ReduceOp::Lse | ReduceOp::User(_)) {
            return root;
        }
        if let ValueOp::Select(condition, value, rest) = self.graph[root].op
            && rest == reduction.identity[0]
            && let Some(constraints) = self.linear_conditions(condition, false)
        {
            reduction.guard.constraints.extend(constraints);
            return self.peel_neutral(value, reduction);
        }
        if reduction.op == ReduceOp::Sum {
            self.peel_factor(root, reduction.identity[0], &mut reduction.guard, &mut BTreeMap::new())
        } else {
            root
        }
    }

    /// In a product, pads of 0 are structural zeros: the whole term vanishes (language 4h).
    fn peel_factor(&mut self, value: ValueId, zero: ValueId, guard: &mut Guard, done: &mut BTreeMap<ValueId, ValueId>) -> ValueId {
        if let Some(peeled) = done.get(&value) {
            return *peeled;
        }
        let peeled = match self.graph[value].op {
            ValueOp::Binary(BinaryOp::Mul, a, b) => {
                let (a, b) = (self.peel_factor(a, zero, guard, done), self.peel_factor(b, zero, guard, done));
                self.graph.binary(BinaryOp::Mul, a, b)
            }
            ValueOp::Unary(UnaryOp::Neg, a) => {
                let a = self.peel_factor(a, zero, guard, done);
                self.graph.unary(UnaryOp::Neg, a)
            }
            ValueOp::Select(condition, inner, rest) if rest == zero => match self.linear_conditions(condition, true) {
                Some(constraints) => {
                    guard.constraints.extend(constraints);
                    inner
                }
                None => value,
            },
            _ => value,
        };
        done.insert(value, peeled);
        peeled
    }

    /// The constraints of a conjunction of nothing but constraints.
    fn linear_conditions(&self, condition: ValueId, only_edges: bool) -> Option<Vec<Affine>> {
        match &self.graph[condition].op {
            ValueOp::Holds { form, edge } if *edge || !only_edges => Some(vec![form.clone()]),
            ValueOp::Binary(BinaryOp::And, a, b) => {
                let mut constraints = self.linear_conditions(*a, only_edges)?;
                constraints.extend(self.linear_conditions(*b, only_edges)?);
                Some(constraints)
            }
            _ => None,
        }
    }

    /// The value from the finished reduction; `None` if it is that.
    fn epilogue(&mut self, nest: &Nest) -> Built<Option<Vec<ValueId>>> {
        let Some(reduce) = &nest.reduce else { return Ok(None) };
        if let Some(epilogue) = &nest.epilogue {
            let value = self.scalar(epilogue)?;
            return Ok(Some(self.stored(value, epilogue.dtype).components()));
        }
        let from = if matches!(reduce.op, ReduceOp::ArgMax | ReduceOp::ArgMin) { DType::I64 } else { reduce.acc };
        let to = self.memories[nest.out].dtype;
        let value = self.accumulated(from);
        let result = self.cast(value, from, to);
        let result = self.stored(result, to);
        Ok((result != value || from.bits() < 8).then(|| result.components()))
    }
}

/// The value of the empty reduction.
pub(crate) fn identity(reducers: &PrimaryMap<Reducer, ReducerDecl>, op: ReduceOp, acc: DType) -> Datum {
    match op {
        ReduceOp::Sum | ReduceOp::Any => Datum::small(0, acc),
        ReduceOp::Prod | ReduceOp::All => Datum::small(1, acc),
        ReduceOp::Max | ReduceOp::Lse | ReduceOp::ArgMax => Datum::least(acc).unwrap_or(Datum::small(0, acc)),
        ReduceOp::Min | ReduceOp::ArgMin => Datum::greatest(acc).unwrap_or(Datum::small(1, acc)),
        ReduceOp::User(reducer) => match reducers[reducer].init.kind {
            ScalarKind::Literal(literal) => Datum::from_literal(literal, acc),
            // The front end gives literals alone.
            _ => Datum::small(0, acc),
        },
    }
}

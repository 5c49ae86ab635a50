//! What can run in the lanes of 128-bit vectors.
//!
//! Vectors hold one width of element, loaded from neighbours. Calls, conversions between widths, bools in memory and index values
//! along the axis run in scalars. Conditions on the axis itself do not count here: loops are split where they change.

use crate::affine::Axis;
use crate::graph::{ValueId, ValueOp};
use crate::problem::Problem;
use ein_ir::kernel::{BinaryOp, Comparison, ScalarType, Type, UnaryOp};
use ein_ir::tensor::ReduceOp;
use std::collections::BTreeSet;

/// Whether a reduction keeps more than a running value.
pub(crate) fn is_scan_like(op: ReduceOp) -> bool {
    matches!(op, ReduceOp::Lse | ReduceOp::ArgMax | ReduceOp::ArgMin | ReduceOp::User(_))
}

/// Whether the order of the terms of a reduction matters: the first of equals is taken, or nothing is known of a reducer.
pub(crate) fn is_ordered(op: ReduceOp) -> bool {
    matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin | ReduceOp::User(_))
}

/// Lanes of a type; `None` if it has no vectors.
pub(crate) fn lanes_of(ty: ScalarType) -> Option<u8> {
    Type::vector(ty).map(|t| t.lanes)
}

/// Whether the elements along an outer axis can be computed side by side.
pub(crate) fn can_run_in_lanes(problem: &Problem, axis: Axis) -> bool {
    let Some(lanes) = lanes_of(problem.out.ty) else { return false };
    let real = problem.body.len() == 1 && problem.out.address.stride(axis) == Some(1);
    let epilogue = problem.epilogue.as_ref().is_none_or(|e| e.len() == 1);
    let folds = problem.reduction.as_ref().is_none_or(|r| is_fold_in_lanes(r.op, r.ty, lanes) && r.identity.len() == 1);
    real && epilogue && folds && all_values_fit(problem, axis, lanes)
}

/// Whether terms along a reduced axis can be folded side by side.
pub(crate) fn can_reduce_in_lanes(problem: &Problem, axis: Axis) -> bool {
    let Some(reduction) = &problem.reduction else { return false };
    let Some(lanes) = lanes_of(reduction.ty) else { return false };
    let folds = reduction.identity.len() == 1 && is_fold_in_lanes(reduction.op, reduction.ty, lanes);
    let guarded = reduction.guard.residual.is_some_and(|g| problem.graph[g].deps.contains(axis));
    folds && !guarded && all_values_fit(problem, axis, lanes)
}

fn is_fold_in_lanes(op: ReduceOp, ty: ScalarType, lanes: u8) -> bool {
    let orders = ty.is_float() || lanes == 4;
    match op {
        ReduceOp::Sum => true,
        ReduceOp::Prod => ty.is_float() || lanes == 4,
        ReduceOp::Max | ReduceOp::Min => orders,
        _ => false,
    }
}

/// Whether every value that depends on the axis has a vector form of this many lanes, inside the borders that loops split off.
fn all_values_fit(problem: &Problem, axis: Axis, lanes: u8) -> bool {
    let roots: Vec<ValueId> = problem.body.iter().chain(problem.epilogue.iter().flatten()).copied().collect();
    let view = View { problem, simplify: &|id| id, split: true };
    view.values(&roots).into_iter().all(|id| view.fits(id, axis, lanes))
}

/// The values of a nest as they are where code is emitted.
pub(crate) struct View<'a> {
    pub(crate) problem: &'a Problem,
    /// What a value comes to, given what is known.
    pub(crate) simplify: &'a dyn Fn(ValueId) -> ValueId,
    /// Whether loops will be split where linear conditions change, so that these are known.
    pub(crate) split: bool,
}

impl View<'_> {
    /// Values that are computed for the roots, each once.
    pub(crate) fn values(&self, roots: &[ValueId]) -> Vec<ValueId> {
        let mut seen = BTreeSet::new();
        let mut stack = roots.to_vec();
        while let Some(id) = stack.pop() {
            let id = (self.simplify)(id);
            if seen.insert(id) {
                stack.extend(self.operands(id));
            }
        }
        seen.into_iter().collect()
    }

    fn operands(&self, id: ValueId) -> Vec<ValueId> {
        match self.problem.graph[id].op {
            ValueOp::Select(c, a, b) if self.split => match self.linear(c) {
                Some(true) => vec![a],
                Some(false) => vec![a, b],
                None => vec![c, a, b],
            },
            _ => self.problem.graph[id].op.operands(),
        }
    }

    /// For a condition of nothing but linear ones, whether all of them are borders of tensors.
    fn linear(&self, condition: ValueId) -> Option<bool> {
        match &self.problem.graph[condition].op {
            ValueOp::Holds { edge, .. } => Some(*edge),
            ValueOp::Unary(UnaryOp::Not, a) => self.linear(*a).map(|_| false),
            ValueOp::Binary(BinaryOp::And, a, b) => Some(self.linear(*a)? & self.linear(*b)?),
            ValueOp::Binary(BinaryOp::Or, a, b) => Some(self.linear(*a)? & self.linear(*b)? & false),
            _ => None,
        }
    }

    /// Whether a value can be had in this many lanes along an axis, given that its operands can.
    pub(crate) fn fits(&self, id: ValueId, axis: Axis, lanes: u8) -> bool {
        let graph = &self.problem.graph;
        let value = &graph[id];
        if !value.deps.contains(axis) {
            return true;
        }
        let depends = |id: ValueId| graph[id].deps.contains(axis);
        let width = value.ty == ScalarType::Bool || lanes_of(value.ty) == Some(lanes);
        width
            && match &value.op {
                ValueOp::Const(_) | ValueOp::Accumulated(_) | ValueOp::Running(_) => true,
                ValueOp::Holds { .. } => self.split,
                ValueOp::Load(address) => {
                    value.ty != ScalarType::Bool && address.stride(axis) == Some(1) && !address.values.iter().any(|(v, _)| depends(*v))
                }
                ValueOp::Unary(op, _) => unary_fits(*op, value.ty),
                ValueOp::Binary(op, ..) => binary_fits(*op, value.ty, lanes),
                ValueOp::Compare(op, a, _) => is_signed(*op) && lanes_of(graph[*a].ty) == Some(lanes),
                ValueOp::Select(c, a, b) => !depends(*c) || (self.split && self.linear(*c).is_some()) || (graph[*a].safe && graph[*b].safe),
                ValueOp::Affine(_) | ValueOp::Convert(..) | ValueOp::Call(..) | ValueOp::NonZero(..) | ValueOp::Fail(_) => false,
            }
    }
}

fn is_signed(op: Comparison) -> bool {
    !matches!(op, Comparison::ULt | Comparison::ULe | Comparison::UGt | Comparison::UGe)
}

fn unary_fits(op: UnaryOp, ty: ScalarType) -> bool {
    match op {
        UnaryOp::Neg | UnaryOp::Not => true,
        UnaryOp::Popcount => false,
        UnaryOp::Abs => ty.is_float() || ty == ScalarType::I32,
        _ => ty.is_float(),
    }
}

fn binary_fits(op: BinaryOp, ty: ScalarType, lanes: u8) -> bool {
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => true,
        BinaryOp::Mul | BinaryOp::Min | BinaryOp::Max => ty.is_float() || lanes == 4,
        BinaryOp::Div => ty.is_float(),
        BinaryOp::UMin | BinaryOp::UMax => lanes == 4,
        _ => false,
    }
}

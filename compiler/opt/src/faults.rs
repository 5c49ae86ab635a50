//! Lists the ways in which data can make a plan fail, so that compiled code can return the number of one.
//!
//! Code generation finds the fault of an expression by its code and span.

use crate::rewrite;
use ein_ir::entity::Tensor;
use ein_ir::plan::{FaultDecl, Plan, StepKind};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind};

/// Integer division by zero.
pub(crate) const DIVISION_BY_ZERO: u16 = 912;
/// A subscript that is moved into an axis without positions.
pub(crate) const EMPTY_AXIS: u16 = 913;

/// Fills the fault table, in the order of the steps.
pub(crate) fn list(plan: &mut Plan) {
    let mut found: Vec<FaultDecl> = Vec::new();
    for step in plan.steps.values() {
        let StepKind::Nest(nest) = &step.kind else { continue };
        for scalar in rewrite::scalars(nest) {
            scalar.visit(&mut |s| {
                if let Some(fault) = fault(plan, s)
                    && !found.contains(&fault)
                {
                    found.push(fault);
                }
            });
        }
    }
    plan.faults = found.into_iter().collect();
}

fn fault(plan: &Plan, scalar: &Scalar) -> Option<FaultDecl> {
    let (code, message) = match &scalar.kind {
        ScalarKind::Binary(BinaryFn::FloorDiv, _, divisor) if may_be_zero(divisor) => {
            (DIVISION_BY_ZERO, "the divisor of an integer `//` is 0".to_owned())
        }
        ScalarKind::Binary(BinaryFn::Rem, _, divisor) if may_be_zero(divisor) => {
            (DIVISION_BY_ZERO, "the divisor of an integer `%` is 0".to_owned())
        }
        ScalarKind::Access(access) => (EMPTY_AXIS, empty_axis(plan, access)?),
        _ => return None,
    };
    Some(FaultDecl { code, message, span: scalar.span })
}

fn may_be_zero(divisor: &Scalar) -> bool {
    divisor.dtype.is_integer() && !matches!(divisor.kind, ScalarKind::Literal(Literal::Int(n)) if n != 0)
}

fn empty_axis(plan: &Plan, access: &Access) -> Option<String> {
    let tensor: Tensor = access.tensor;
    let buffer = &plan.buffers[tensor];
    let moved = |(sub, extent): (&ein_ir::scalar::Sub, &u64)| {
        let moves = matches!(sub.mode, Mode::Clamp | Mode::Wrap | Mode::Reflect);
        (moves && *extent == 0).then_some(sub.mode)
    };
    let (axis, mode) = access.subs.iter().zip(&buffer.extents).enumerate().find_map(|(n, pair)| Some((n, moved(pair)?)))?;
    Some(format!("`{}` has no position in axis {axis} of `{}`, whose size is 0", mode.name(), buffer.name))
}

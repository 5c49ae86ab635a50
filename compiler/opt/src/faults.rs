//! Lists the ways in which data can make a plan fail, so that compiled code can return the number of one.
//!
//! Code generation finds the fault of an expression by its code and span.

use crate::{library, rewrite};
use ein_ir::interp::fault::{DIVISION_BY_ZERO, EMPTY_ARGMAX, EMPTY_AXIS};
use ein_ir::plan::{FaultDecl, Plan, StepDecl, StepKind};
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::{Access, Literal, Mode, Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;

/// Fills the fault table, in the order of the steps.
pub(crate) fn list(plan: &mut Plan) {
    let mut found: Vec<FaultDecl> = Vec::new();
    for step in plan.steps.values() {
        list_step(plan, step, &mut found);
    }
    plan.faults = found.into_iter().collect();
}

fn list_step(plan: &Plan, step: &StepDecl, found: &mut Vec<FaultDecl>) {
    match &step.kind {
        StepKind::Nest(nest) => {
            if let Some(reduce) = nest.reduce.as_ref().filter(|r| matches!(r.op, ReduceOp::ArgMax | ReduceOp::ArgMin)) {
                let message = format!("`{}` has nothing to choose from", reduce.op.name());
                let empty = FaultDecl { code: EMPTY_ARGMAX, message, span: step.span };
                if !found.contains(&empty) {
                    found.push(empty);
                }
            }
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
        StepKind::Scan(scan) => scan.body.iter().for_each(|step| list_step(plan, step, found)),
        StepKind::Library(call) => found.extend(library::fault(call, step.span)),
        StepKind::Contraction(_) => {}
    }
}

/// Whether evaluating an expression can end the program.
pub(crate) fn can_fail(scalar: &Scalar) -> bool {
    let mut found = false;
    scalar.visit(&mut |s| {
        found |= match &s.kind {
            ScalarKind::Binary(BinaryFn::FloorDiv | BinaryFn::Rem, _, divisor) => may_be_zero(divisor),
            ScalarKind::Access(access) => access.subs.iter().any(|sub| sub.mode != Mode::Exact && sub.mode != Mode::Pad),
            _ => false,
        };
    });
    found
}

fn fault(plan: &Plan, scalar: &Scalar) -> Option<FaultDecl> {
    let (code, message, span) = match &scalar.kind {
        ScalarKind::Binary(BinaryFn::FloorDiv, _, divisor) if may_be_zero(divisor) => {
            (DIVISION_BY_ZERO, "the divisor of an integer `//` is 0".to_owned(), scalar.span)
        }
        ScalarKind::Binary(BinaryFn::Rem, _, divisor) if may_be_zero(divisor) => {
            (DIVISION_BY_ZERO, "the divisor of an integer `%` is 0".to_owned(), scalar.span)
        }
        ScalarKind::Access(access) => {
            let (message, span) = empty_axis(plan, access)?;
            (EMPTY_AXIS, message, span)
        }
        _ => return None,
    };
    Some(FaultDecl { code, message, span })
}

fn may_be_zero(divisor: &Scalar) -> bool {
    divisor.dtype.is_integer() && !matches!(divisor.kind, ScalarKind::Literal(Literal::Int(n)) if n != 0)
}

/// The first subscript that is moved into an axis without positions: the fact, and the subscript's place.
fn empty_axis(plan: &Plan, access: &Access) -> Option<(String, Span)> {
    let buffer = &plan.buffers[access.tensor];
    let is_moved = |mode| matches!(mode, Mode::Clamp | Mode::Wrap | Mode::Reflect);
    let mut axes = access.subs.iter().zip(&buffer.extents).enumerate();
    let (axis, (sub, _)) = axes.find(|(_, (sub, extent))| is_moved(sub.mode) && **extent == 0)?;
    let message = format!("`{}` has no position in axis {axis} of `{}`, whose size is 0", sub.mode.name(), buffer.name);
    Some((message, sub.value.span))
}

//! The plan as its dump shows it: without names and places of the source, so that renaming an index, reordering factors or cutting an equation
//! into several leaves no trace.

use ein_ir::entity::Tensor;
use ein_ir::plan::{Place, Plan, StepDecl, StepKind};
use ein_ir::span::Span;

/// The same plan with indices named by position and intermediates in the order of the buffers, and without spans. Inputs, outputs and tables
/// keep their names.
#[must_use]
pub fn anonymous(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let intermediates: Vec<Tensor> = plan.buffers.iter().filter(|(_, b)| matches!(b.place, Place::Arena(_))).map(|(t, _)| t).collect();
    for (n, tensor) in intermediates.into_iter().enumerate() {
        plan.buffers[tensor].name = format!("v{n}");
    }
    plan.buffers.values_mut().for_each(|b| b.span = Span::default());
    plan.faults.values_mut().for_each(|f| f.span = Span::default());
    plan.steps.values_mut().for_each(anonymise);
    plan.erase_spans();
    plan
}

fn anonymise(step: &mut StepDecl) {
    step.span = Span::default();
    match &mut step.kind {
        StepKind::Nest(nest) => {
            nest.indices.iter_mut().for_each(|(index, range)| range.name = index.to_string());
        }
        StepKind::Scan(scan) => {
            scan.range.name = scan.index.to_string();
            scan.body.iter_mut().for_each(anonymise);
        }
        StepKind::Contraction(_) | StepKind::Library(_) => {}
    }
}

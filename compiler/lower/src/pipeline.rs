//! The passes, in order.

use crate::buffers::{Memories, declare};
use crate::error::unsupported;
use crate::{gemm, library, nest, scatter};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Fault, Kernel, PrimaryMap};
use ein_ir::kernel::{KernelDecl, KernelModule, Stage, verify::verify};
use ein_ir::plan::{FaultDecl, Plan, StepDecl, StepKind, Strategy};
use ein_ir::verified::{Verified, VerifierError};

/// What every step needs while its kernel is made.
pub(crate) struct Context<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) memories: &'a Memories,
    pub(crate) faults: PrimaryMap<Fault, FaultDecl>,
}

/// The kernels of a plan in the order of its steps: one for each, two where a step scatters into what it has to clear.
///
/// # Errors
/// `not-in-this-version` (E0190) for steps and dtypes that have no kernels yet.
/// E0199 if a kernel breaks an invariant of kernel IR: a mistake of this crate.
pub fn lower(plan: &Verified<Plan>) -> Result<Verified<KernelModule>, Vec<Diagnostic>> {
    lower_plan(plan)
}

pub(crate) fn lower_plan(plan: &Plan) -> Result<Verified<KernelModule>, Vec<Diagnostic>> {
    let memories = declare(plan)?;
    let mut context = Context { plan, memories: &memories, faults: plan.faults.clone() };
    let (mut kernels, mut errors) = (PrimaryMap::<Kernel, KernelDecl>::new(), Vec::new());
    for step in plan.steps.values() {
        match lower_step(&mut context, step) {
            Ok(made) => made.into_iter().for_each(|kernel| {
                kernels.push(kernel);
            }),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let schedule = kernels.keys().map(Stage::Kernel).collect();
    let module = KernelModule {
        name: plan.header.program.clone(),
        faults: context.faults,
        kernels,
        schedule,
        n_arguments: (plan.inputs.len() + plan.outputs.len()) as u32,
        n_strides: memories.n_strides,
        arena_bytes: plan.arena_bytes,
        buffers: memories.decls,
    };
    verify(module).map_err(|errors| {
        let internal = |e: &VerifierError| Diagnostic::error(199, "internal", format!("lowering made an invalid kernel: {e}"));
        errors.iter().map(internal).collect()
    })
}

fn lower_step(context: &mut Context<'_>, step: &StepDecl) -> Result<Vec<KernelDecl>, Diagnostic> {
    if let StepKind::Nest(nest) = &step.kind
        && !nest.pins().is_empty()
    {
        return scatter::lower_scatter(context, nest, step.span);
    }
    lower_one(context, step).map(|kernel| vec![kernel])
}

fn lower_one(context: &mut Context<'_>, step: &StepDecl) -> Result<KernelDecl, Diagnostic> {
    match &step.kind {
        StepKind::Nest(nest) => nest::lower_nest(context, nest, step.span),
        StepKind::Contraction(contraction) => match contraction.strategy {
            Strategy::Gemm if gemm::fits(context, contraction) => Ok(gemm::lower_contraction(context, contraction, step.span)),
            _ => nest::lower_nest(context, &nest::of_contraction(context, contraction, step.span), step.span),
        },
        StepKind::Scan(_) => Err(unsupported("a scan", step.span)),
        StepKind::Library(call) => library::lower_library(context, call, step.span),
    }
}

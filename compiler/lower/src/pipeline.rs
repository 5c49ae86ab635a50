//! The passes, in order.

use crate::buffers::{Memories, declare};
use crate::turn::Around;
use crate::{gemm, library, nest, scatter};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Fault, Kernel, PrimaryMap};
use ein_ir::kernel::{KernelDecl, KernelModule, Repeat, Stage, verify::verify};
use ein_ir::plan::{FaultDecl, Plan, Scan, StepDecl, StepKind, Strategy};
use ein_ir::verified::{Verified, VerifierError};

/// What every step needs while its kernel is made.
pub(crate) struct Context<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) memories: Memories,
    pub(crate) faults: PrimaryMap<Fault, FaultDecl>,
    /// Scans around the step, outermost first.
    pub(crate) around: Vec<Around>,
    kernels: PrimaryMap<Kernel, KernelDecl>,
    errors: Vec<Diagnostic>,
}

/// The kernels of a plan in the order of its steps, those of scans repeated: one for each step, two where one scatters into what it has to
/// clear.
///
/// # Errors
/// `not-in-this-version` (E0190) for steps and dtypes that have no kernels yet.
/// E0199 if a kernel breaks an invariant of kernel IR: a mistake of this crate.
pub fn lower(plan: &Verified<Plan>) -> Result<Verified<KernelModule>, Vec<Diagnostic>> {
    lower_plan(plan)
}

pub(crate) fn lower_plan(plan: &Plan) -> Result<Verified<KernelModule>, Vec<Diagnostic>> {
    let memories = declare(plan)?;
    let mut context =
        Context { plan, memories, faults: plan.faults.clone(), around: Vec::new(), kernels: PrimaryMap::new(), errors: Vec::new() };
    let schedule = context.stages(plan.steps.values());
    if !context.errors.is_empty() {
        return Err(context.errors);
    }
    let module = KernelModule {
        name: plan.header.program.clone(),
        faults: context.faults,
        kernels: context.kernels,
        schedule,
        n_arguments: (plan.inputs.len() + plan.outputs.len()) as u32,
        n_strides: context.memories.n_strides,
        arena_bytes: plan.arena_bytes,
        buffers: context.memories.decls,
    };
    verify(module).map_err(|errors| {
        let internal = |e: &VerifierError| Diagnostic::error(199, "internal", format!("lowering made an invalid kernel: {e}"));
        errors.iter().map(internal).collect()
    })
}

impl<'a> Context<'a> {
    /// The kernels of steps, and when they are carried out.
    fn stages(&mut self, steps: impl Iterator<Item = &'a StepDecl>) -> Vec<Stage> {
        steps.flat_map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &'a StepDecl) -> Vec<Stage> {
        if let StepKind::Scan(scan) = &step.kind {
            return self.scan(scan).into_iter().collect();
        }
        match self.kernels_of(step) {
            Ok(kernels) => kernels.into_iter().map(|kernel| Stage::Kernel(self.kernels.push(kernel))).collect(),
            Err(error) => {
                self.errors.push(error);
                Vec::new()
            }
        }
    }

    fn kernels_of(&mut self, step: &StepDecl) -> Result<Vec<KernelDecl>, Diagnostic> {
        let kernel = match &step.kind {
            StepKind::Nest(nest) if !nest.pins().is_empty() => return scatter::lower_scatter(self, nest, step.span),
            StepKind::Nest(nest) => nest::lower_nest(self, nest, step.span)?,
            StepKind::Contraction(contraction) => match contraction.strategy {
                Strategy::Gemm if gemm::fits(self, contraction) => gemm::lower_contraction(self, contraction, step.span),
                _ => nest::lower_nest(self, &nest::of_contraction(self, contraction, step.span), step.span)?,
            },
            StepKind::Scan(_) => return Ok(Vec::new()),
            StepKind::Library(call) => library::lower_library(self, call, step.span)?,
        };
        Ok(vec![kernel])
    }

    /// A scan as a repetition; `None` if it has no turns, for then nothing of it is carried out.
    fn scan(&mut self, scan: &'a Scan) -> Option<Stage> {
        if scan.n_turns() == 0 {
            return None;
        }
        let counter = self.around.len() as u32;
        self.memories.enter(scan);
        self.around.push(Around::of(scan));
        let body = self.stages(scan.body.iter());
        self.around.pop();
        self.memories.leave(scan);
        Some(Stage::Repeat(Repeat { counter, lo: scan.range.lo, hi: scan.range.hi, reverse: scan.reverse, body }))
    }
}

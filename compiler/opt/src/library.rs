//! Functions of whole tensors as steps: row-major operands, workspace, faults.

use crate::convert::copy_nest;
use crate::draft::{Draft, DraftStep, Role, Value, Work};
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::library::{Problem, failure, failure_message};
use ein_ir::plan::{FaultDecl, Library, Plan};
use ein_ir::span::Span;
use ein_ir::tensor::Multi;

/// The step of a definition; `None` if an option is no literal.
pub(crate) fn convert(multi: &Multi) -> Option<Library> {
    let option = |(name, size): &(String, ein_ir::extent::Extent)| Some((name.clone(), i64::try_from(size.as_constant()?).ok()?));
    let options = multi.options.iter().map(option).collect::<Option<Vec<_>>>()?;
    Some(Library { op: multi.op, results: multi.results.clone(), args: multi.args.clone(), options, workspace: None })
}

/// Gives every call operands that lie in memory row by row, each element in bytes of its own, and its workspace.
pub(crate) fn prepare(draft: &mut Draft, strided_inputs: &[bool]) {
    for step in std::mem::take(&mut draft.steps) {
        let step = prepare_step(draft, step, strided_inputs);
        draft.steps.push(step);
    }
}

/// Copies that a call inside of a recurrence reads are made before the recurrence.
fn prepare_step(draft: &mut Draft, DraftStep { work, span }: DraftStep, strided_inputs: &[bool]) -> DraftStep {
    let work = match work {
        Work::Library(call) => Work::Library(prepare_call(draft, call, strided_inputs, span)),
        Work::Scan(mut scan) => {
            scan.body = std::mem::take(&mut scan.body).into_iter().map(|step| prepare_step(draft, step, strided_inputs)).collect();
            Work::Scan(scan)
        }
        other => other,
    };
    DraftStep { work, span }
}

fn prepare_call(draft: &mut Draft, mut call: Library, strided_inputs: &[bool], span: Span) -> Library {
    for arg in &mut call.args {
        let is_strided = |role: &Role| matches!(role, Role::Input(n) if strided_inputs.get(*n as usize) == Some(&true));
        let value = &draft.values[*arg];
        let is_packed = value.dtype.bits() < 8 && matches!(value.role, Role::Input(_));
        if is_strided(&value.role) || is_packed {
            *arg = copied(draft, *arg, span);
        }
    }
    let bytes = problem(&call, |t| (draft.values[t].dtype, draft.values[t].extents.as_slice())).map_or(0, |p| p.workspace_bytes());
    call.workspace = (bytes > 0).then(|| {
        let name = format!("{}.work", draft.values[call.results[0]].name);
        draft.values.push(Value { name, dtype: DType::U8, extents: vec![bytes], index_of: Vec::new(), role: Role::Intermediate, span })
    });
    call
}

/// A row-major copy of an input.
fn copied(draft: &mut Draft, input: Tensor, span: Span) -> Tensor {
    let Value { dtype, extents, .. } = draft.values[input].clone();
    let copy = draft.add_intermediate(input, extents.clone());
    draft.steps.push(DraftStep { work: Work::Nest(copy_nest(copy, input, dtype, &extents, span)), span });
    copy
}

fn problem<'a>(call: &Library, value: impl Fn(Tensor) -> (DType, &'a [u64])) -> Option<Problem> {
    let args: Vec<_> = call.args.iter().map(|t| value(*t)).collect();
    Problem::new(call.op, &args, &call.options)
}

/// Work of a call, estimated.
pub(crate) fn flops(plan: &Plan, call: &Library) -> u64 {
    problem(call, |t| (plan.buffers[t].dtype, plan.buffers[t].extents.as_slice())).map_or(0, |p| p.flops())
}

/// The way in which a call can fail, if there is one.
pub(crate) fn fault(call: &Library, span: Span) -> Option<FaultDecl> {
    let failure = failure(call.op)?;
    Some(FaultDecl { code: failure.code, message: failure_message(call.op, failure, None), span })
}

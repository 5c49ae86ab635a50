//! Functions of whole tensors as calls.

use crate::error::unsupported;
use crate::pipeline::Context;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{PrimaryMap, Tensor};
use ein_ir::kernel::{Address, Coefficient, KernelDecl, LibraryCall, Stmt, Type};
use ein_ir::library::{Problem, failure, failure_message};
use ein_ir::plan::{FaultDecl, Library};
use ein_ir::span::Span;

/// A kernel of one task: the call, and the fault if it fails.
pub(crate) fn lower_library(context: &mut Context<'_>, call: &Library, span: Span) -> Result<KernelDecl, Diagnostic> {
    let plan = context.plan;
    let args: Vec<_> = call.args.iter().map(|t| (plan.buffers[*t].dtype, plan.buffers[*t].extents.as_slice())).collect();
    let problem = Problem::new(call.op, &args, &call.options).ok_or_else(|| unsupported(&format!("`{}`", call.op.name()), span))?;
    let mut locals = PrimaryMap::new();
    let task = locals.push(Type::INDEX);
    let failed = locals.push(Type::BOOL);
    let mut body = Vec::new();
    let mut first = |t: &Tensor| {
        let memory = &context.memories[*t];
        let turn = memory.swing.map(|swing| (context.around[swing.scan].parity(swing.scan), swing.by));
        let mut set = |op| {
            let local = locals.push(Type::INDEX);
            body.push(Stmt::Set(local, op));
            local
        };
        let terms = turn.map(|(turn, by)| (turn.emit(&mut set), Coefficient::Elements(by))).into_iter().collect();
        Address { buffer: memory.buffer, offset: memory.offset, terms, stride_offsets: Vec::new() }
    };
    let library = LibraryCall {
        failed,
        problem,
        results: call.results.iter().map(&mut first).collect(),
        args: call.args.iter().map(&mut first).collect(),
        workspace: call.workspace.as_ref().map(first),
    };
    body.push(Stmt::Library(Box::new(library)));
    if let Some(failure) = failure(call.op) {
        let known = context.faults.iter().find(|(_, f)| f.code == failure.code && f.span == span).map(|(id, _)| id);
        let decl = || FaultDecl { code: failure.code, message: failure_message(call.op, failure, None), span };
        let fault = known.unwrap_or_else(|| context.faults.push(decl()));
        body.push(Stmt::If { condition: failed, then: vec![Stmt::Fault(fault)], otherwise: Vec::new() });
    }
    let name = plan.buffers[call.results[0]].name.clone();
    Ok(KernelDecl { name, tasks: 1, task, locals, body, span })
}

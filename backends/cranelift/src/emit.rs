//! Stable text of the code: names instead of addresses, the same on every machine for a named processor.

use crate::error::Error;
use crate::lower::{Linker, Toolbox, kernel_symbol, lower_entry, lower_kernel};
use crate::target::{Target, isa};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function, Signature, UserFuncName};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use ein_ir::entity::{Buffer, Kernel};
use ein_ir::kernel::KernelModule;
use ein_ir::verified::Verified;
use std::fmt::Write;

/// CLIF as it is made, before Cranelift's own optimisations.
///
/// # Errors
///
/// [`Error`]; none for a verified module on a supported processor.
pub fn clif(module: &Verified<KernelModule>, target: Target) -> Result<String, Error> {
    let mut text = format!("; target {}\n", target.cpu);
    each_function(module, target, &mut |_, ctx, _| {
        write!(text, "\n{}", ctx.func.display()).expect("a string takes any text");
        Ok(())
    })?;
    Ok(text)
}

/// Machine instructions, in Cranelift's spelling.
///
/// # Errors
///
/// [`Error`]; none for a verified module on a supported processor.
pub fn asm(module: &Verified<KernelModule>, target: Target) -> Result<String, Error> {
    let mut text = format!("; target {}\n", target.cpu);
    each_function(module, target, &mut |name, ctx, isa| {
        ctx.set_disasm(true);
        let failed = |message: String| Error::Codegen { function: name.to_owned(), message };
        let code = ctx.compile(isa, &mut ControlPlane::default()).map_err(|e| failed(e.inner.to_string()))?;
        write!(text, "\n{name}:\n{}", code.vcode.as_deref().unwrap_or_default()).expect("a string takes any text");
        Ok(())
    })?;
    Ok(text)
}

type Show<'a> = dyn FnMut(&str, &mut Context, &dyn TargetIsa) -> Result<(), Error> + 'a;

/// Lowers every kernel, then `entry`, and shows each.
fn each_function(module: &KernelModule, target: Target, show: &mut Show<'_>) -> Result<(), Error> {
    let isa = isa(target.cpu)?;
    let (mut ctx, mut builder_context) = (Context::new(), FunctionBuilderContext::new());
    let mut linker = Words { module };
    let mut tools = Toolbox { isa: &*isa, linker: &mut linker, builder_context: &mut builder_context };
    for (kernel, decl) in module.kernels.iter() {
        let name = kernel_symbol(kernel, decl);
        ctx.func.name = UserFuncName::testcase(name.as_bytes());
        lower_kernel(module, kernel, &mut ctx.func, &mut tools)?;
        show(&name, &mut ctx, &*isa)?;
        ctx.clear();
    }
    ctx.func.name = UserFuncName::testcase("entry");
    lower_entry(module, &mut ctx.func, &mut tools)?;
    show("entry", &mut ctx, &*isa)
}

/// Names as words.
struct Words<'a> {
    module: &'a KernelModule,
}

impl Linker for Words<'_> {
    fn runtime(&mut self, _: &mut Function, symbol: &str, _: &Signature) -> Result<ExternalName, Error> {
        Ok(ExternalName::testcase(symbol))
    }

    fn kernel(&mut self, _: &mut Function, kernel: Kernel) -> Result<ExternalName, Error> {
        Ok(ExternalName::testcase(kernel_symbol(kernel, &self.module.kernels[kernel])))
    }

    fn constant(&mut self, _: &mut Function, buffer: Buffer) -> Result<ExternalName, Error> {
        Ok(ExternalName::testcase(buffer.to_string()))
    }
}

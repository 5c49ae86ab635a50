//! Code in memory, and all the `unsafe` of this crate.
//!
//! What has to hold: machine code is called only as long as its memory is there ([`Compiled`] owns both), with frames that fit it (the
//! caller's promise), and reads only memory that outlives it (constants are owned by [`Compiled`] too, the runtime's functions are
//! static).

use crate::error::Error;
use crate::lower::{Linker, Toolbox, entry_signature, kernel_signature, kernel_symbol, lower_entry, lower_kernel};
use crate::target::{Target, runnable_isa};
use cranelift_codegen::Context;
use cranelift_codegen::ir::{ExternalName, Function, Signature, UserExternalName, UserFuncName};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{DataId, FuncId, Linkage, Module, ModuleError};
use ein_ir::entity::{Buffer, Kernel, PrimaryMap};
use ein_ir::kernel::{KernelModule, Place, Stage};
use ein_ir::verified::Verified;
use ein_runtime::micro_kernel::symbols;
use ein_runtime::{AlignedBuf, Executable, Frame, Pool, StepFn};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The back end for one processor.
pub struct Cranelift {
    isa: OwnedTargetIsa,
}

impl Cranelift {
    /// The back end for a processor that this machine is, or contains.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedTarget`] if the code would not run here.
    pub fn new(target: Target) -> Result<Self, Error> {
        Ok(Self { isa: runnable_isa(target.cpu)? })
    }

    /// The name that users see.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        "cranelift"
    }

    /// Compiles a module.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`]. The others would be mistakes of ours.
    pub fn compile(&self, module: &Verified<KernelModule>) -> Result<Compiled, Error> {
        let constants = copy_constants(module)?;
        let mut job = Job::new(self.isa.clone(), module, &constants)?;
        let mut builder_context = FunctionBuilderContext::new();
        let mut ctx = Context::new();
        for (kernel, decl) in module.kernels.iter() {
            let id = job.kernels[kernel];
            let mut tools = Toolbox { isa: &*self.isa, linker: &mut job, builder_context: &mut builder_context };
            lower_kernel(module, kernel, &mut ctx.func, &mut tools)?;
            job.define(id, &mut ctx, &kernel_symbol(kernel, decl))?;
        }
        let entry = job.declare("entry", &entry_signature(self.isa.default_call_conv()))?;
        let mut tools = Toolbox { isa: &*self.isa, linker: &mut job, builder_context: &mut builder_context };
        lower_entry(module, &mut ctx.func, &mut tools)?;
        job.define(entry, &mut ctx, "entry")?;
        job.finish(module, entry, constants)
    }
}

/// The data of constant buffers, in memory of their own.
fn copy_constants(module: &KernelModule) -> Result<BTreeMap<Buffer, AlignedBuf>, Error> {
    let mut constants = BTreeMap::new();
    for (buffer, decl) in module.buffers.iter() {
        if let Place::Constant(bytes) = &decl.place {
            constants.insert(buffer, AlignedBuf::copy_of(bytes).map_err(|e| Error::Memory(e.to_string()))?);
        }
    }
    Ok(constants)
}

/// A module under compilation.
struct Job {
    module: JITModule,
    kernels: PrimaryMap<Kernel, FuncId>,
    imports: BTreeMap<String, FuncId>,
    constants: BTreeMap<Buffer, DataId>,
    code_bytes: usize,
}

impl Job {
    fn new(isa: OwnedTargetIsa, module: &KernelModule, constants: &BTreeMap<Buffer, AlignedBuf>) -> Result<Self, Error> {
        let signature = kernel_signature(isa.default_call_conv());
        let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
        builder.symbol_lookup_fn(Box::new(runtime_symbol));
        for (buffer, data) in constants {
            builder.symbol(buffer.to_string(), data.as_ptr());
        }
        let mut job = Self {
            module: JITModule::new(builder),
            kernels: PrimaryMap::new(),
            imports: BTreeMap::new(),
            constants: BTreeMap::new(),
            code_bytes: 0,
        };
        for (kernel, decl) in module.kernels.iter() {
            let id = job.declare(&kernel_symbol(kernel, decl), &signature)?;
            job.kernels.push(id);
        }
        for &buffer in constants.keys() {
            let id =
                job.module.declare_data(&buffer.to_string(), Linkage::Import, false, false).map_err(|e| failed(&buffer.to_string(), &e))?;
            job.constants.insert(buffer, id);
        }
        Ok(job)
    }

    fn declare(&mut self, name: &str, signature: &Signature) -> Result<FuncId, Error> {
        self.module.declare_function(name, Linkage::Local, signature).map_err(|e| failed(name, &e))
    }

    /// Compiles the function of `ctx` and empties it.
    fn define(&mut self, id: FuncId, ctx: &mut Context, name: &str) -> Result<(), Error> {
        ctx.func.name = UserFuncName::user(0, id.as_u32());
        self.module.define_function(id, ctx).map_err(|e| failed(name, &e))?;
        self.code_bytes += ctx.compiled_code().map_or(0, |code| code.code_buffer().len());
        self.module.clear_context(ctx);
        Ok(())
    }

    /// Makes the code executable.
    fn finish(mut self, module: &KernelModule, entry: FuncId, constants: BTreeMap<Buffer, AlignedBuf>) -> Result<Compiled, Error> {
        self.module.finalize_definitions().map_err(|e| Error::Memory(e.to_string()))?;
        let kernels = module
            .kernels
            .iter()
            .map(|(kernel, decl)| {
                let address = self.module.get_finalized_function(self.kernels[kernel]);
                // SAFETY: the code was made with `kernel_signature`, the C ABI of `StepFn`, and the address is not null.
                let function = unsafe { std::mem::transmute::<*const u8, StepFn>(address) };
                Step { function, tasks: decl.tasks }
            })
            .collect();
        let address = self.module.get_finalized_function(entry);
        // SAFETY: the code was made with `entry_signature`, the C ABI of `EntryFn`, and the address is not null.
        let entry = unsafe { std::mem::transmute::<*const u8, EntryFn>(address) };
        let schedule = Schedule { stages: module.schedule.clone(), n_scalars: module.n_scalars() as usize, kernels };
        Ok(Compiled { entry, schedule, code_bytes: self.code_bytes, _constants: constants, memory: Mutex::new(Some(self.module)) })
    }
}

impl Linker for Job {
    fn runtime(&mut self, func: &mut Function, symbol: &str, signature: &Signature) -> Result<ExternalName, Error> {
        let id = match self.imports.get(symbol) {
            Some(&id) => id,
            None => {
                // Asked here because the JIT panics on a name that it cannot resolve.
                runtime_symbol(symbol).ok_or_else(|| Error::MissingSymbol(symbol.to_owned()))?;
                let id = self.module.declare_function(symbol, Linkage::Import, signature).map_err(|e| failed(symbol, &e))?;
                self.imports.insert(symbol.to_owned(), id);
                id
            }
        };
        Ok(user_name(func, 0, id.as_u32()))
    }

    fn kernel(&mut self, func: &mut Function, kernel: Kernel) -> Result<ExternalName, Error> {
        Ok(user_name(func, 0, self.kernels[kernel].as_u32()))
    }

    fn constant(&mut self, func: &mut Function, buffer: Buffer) -> Result<ExternalName, Error> {
        let id = self.constants.get(&buffer).ok_or_else(|| Error::MissingSymbol(buffer.to_string()))?;
        Ok(user_name(func, 1, id.as_u32()))
    }
}

/// The name by which `cranelift_module` finds a function (namespace 0) or data (namespace 1) again.
fn user_name(func: &mut Function, namespace: u32, index: u32) -> ExternalName {
    ExternalName::user(func.declare_imported_user_function(UserExternalName { namespace, index }))
}

fn runtime_symbol(name: &str) -> Option<*const u8> {
    let all = symbols();
    all.binary_search_by_key(&name, |(symbol, _)| symbol).ok().map(|i| all[i].1)
}

fn failed(function: &str, error: &ModuleError) -> Error {
    match error {
        ModuleError::Allocation { .. } => Error::Memory(error.to_string()),
        _ => Error::Codegen { function: function.to_owned(), message: format!("{error:?}") },
    }
}

/// All kernels, all tasks, in order.
type EntryFn = unsafe extern "C" fn(*const Frame) -> u32;

/// A kernel's code.
struct Step {
    function: StepFn,
    tasks: u32,
}

/// The kernels' code and the order in which it is run.
struct Schedule {
    stages: Vec<Stage>,
    n_scalars: usize,
    kernels: PrimaryMap<Kernel, Step>,
}

/// A compiled module: machine code and its constants.
pub struct Compiled {
    entry: EntryFn,
    schedule: Schedule,
    code_bytes: usize,
    /// Read by the code.
    _constants: BTreeMap<Buffer, AlignedBuf>,
    /// Owner of the code, kept for its memory alone; in a mutex because Cranelift's type is not `Sync`.
    memory: Mutex<Option<JITModule>>,
}

impl Compiled {
    /// Runs everything on the calling thread: one call, no allocation. Returns 0, or 1 + an index into the module's fault table.
    ///
    /// # Safety
    ///
    /// As [`Executable::run`].
    #[inline]
    pub unsafe fn call(&self, frame: &Frame) -> u32 {
        // SAFETY: the code is in memory as long as `self`; the frame fits it by the caller's promise.
        unsafe { (self.entry)(frame) }
    }

    /// Bytes of machine code.
    #[must_use]
    pub const fn code_bytes(&self) -> usize {
        self.code_bytes
    }
}

impl Executable for Compiled {
    unsafe fn run(&self, frame: &Frame, pool: &Pool) -> Result<(), u32> {
        if pool.threads() == 1 || self.schedule.is_serial() {
            // SAFETY: the caller's promise is the same.
            return result(unsafe { self.call(frame) });
        }
        if self.schedule.n_scalars == 0 {
            // SAFETY: the caller's promise is the same.
            return unsafe { self.schedule.run(&self.schedule.stages, frame, pool) };
        }
        let mut counters: SmallVec<[i64; 8]> = SmallVec::from_elem(0, self.schedule.n_scalars);
        let frame = Frame { scalars: counters.as_mut_ptr(), ..*frame };
        // SAFETY: the caller's promise, with as many counters as the schedule has.
        unsafe { self.schedule.run(&self.schedule.stages, &frame, pool) }
    }
}

impl Schedule {
    /// Whether there is nothing to share among threads.
    fn is_serial(&self) -> bool {
        self.kernels.values().all(|step| step.tasks == 1)
    }

    /// Carries out stages, the tasks of each kernel on the pool.
    ///
    /// # Safety
    ///
    /// As [`Executable::run`]; if there are repetitions, `frame.scalars` points to `n_scalars` counters of the caller's own.
    unsafe fn run(&self, stages: &[Stage], frame: &Frame, pool: &Pool) -> Result<(), u32> {
        for stage in stages {
            match stage {
                Stage::Kernel(kernel) => {
                    let step = &self.kernels[*kernel];
                    // SAFETY: the code is in memory as long as `self`, the frame fits it by the caller's promise, and `task` is below
                    // the number of tasks, which write disjoint memory.
                    let task = |task| unsafe { (step.function)(frame, task) };
                    result(if step.tasks == 1 { task(0) } else { pool.run(step.tasks, &task) })?;
                }
                Stage::Repeat(repeat) => {
                    for value in repeat.values() {
                        // SAFETY: there is such a counter, and no task runs that could read it meanwhile.
                        unsafe { frame.scalars.add(repeat.counter as usize).write(value) };
                        // SAFETY: as for this call.
                        unsafe { self.run(&repeat.body, frame, pool) }?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A return code of compiled code: 0, or 1 + the index of a fault.
fn result(code: u32) -> Result<(), u32> {
    match code.checked_sub(1) {
        None => Ok(()),
        Some(fault) => Err(fault),
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        let memory = self.memory.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(module) = memory {
            // SAFETY: nothing runs the code, for that borrows `self`, and the pointers to it end with `self`.
            unsafe { module.free_memory() };
        }
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Compiled({} kernels, {} bytes)", self.schedule.kernels.len(), self.code_bytes)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Running modules on plain bytes.

    use super::*;
    use crate::target::Cpu;

    type Way<'a> = dyn Fn(&Frame) -> Result<(), u32> + 'a;

    /// An argument: its bytes, and the byte that the frame points to.
    #[derive(Clone, Debug)]
    pub(crate) struct Argument {
        pub(crate) bytes: Vec<u8>,
        pub(crate) first: usize,
    }

    /// Compiles and runs a module on one thread and on two; all ways have to agree. Returns the fault and the arguments afterwards.
    ///
    /// The module has to stay inside of its buffers: nothing checks it.
    pub(crate) fn run(
        module: &Verified<KernelModule>,
        cpu: Cpu,
        arguments: &[Argument],
        strides: &[isize],
    ) -> (Result<(), u32>, Vec<Vec<u8>>) {
        let compiled = Cranelift::new(Target { cpu }).unwrap().compile(module).unwrap();
        let ways: [&Way<'_>; 3] = [
            // SAFETY: `once` makes a frame of the module's buffers, here and below.
            &|frame| result(unsafe { compiled.call(frame) }),
            &|frame| unsafe { compiled.run(frame, &Pool::inline()) },
            &|frame| unsafe { compiled.run(frame, &Pool::new(2).unwrap()) },
        ];
        let mut results: Vec<_> = ways.iter().map(|way| once(module, way, arguments, strides)).collect();
        assert!(results.windows(2).all(|w| w[0].0 == w[1].0), "threads change the fault of {}", module.name);
        if results[0].0.is_ok() {
            assert!(results.windows(2).all(|w| w[0].1 == w[1].1), "threads change the result of {}", module.name);
        }
        results.swap_remove(0)
    }

    fn once(module: &KernelModule, way: &Way<'_>, arguments: &[Argument], strides: &[isize]) -> (Result<(), u32>, Vec<Vec<u8>>) {
        let mut data: Vec<AlignedBuf> = arguments.iter().map(|a| AlignedBuf::copy_of(&a.bytes).unwrap()).collect();
        let mut arena = AlignedBuf::zeroed(usize::try_from(module.arena_bytes).unwrap()).unwrap();
        let bufs: Vec<*mut u8> = data.iter_mut().zip(arguments).map(|(d, a)| d.as_mut_ptr().wrapping_add(a.first)).collect();
        let frame = Frame { bufs: bufs.as_ptr(), strides: strides.as_ptr(), scalars: std::ptr::null_mut(), arena: arena.as_mut_ptr() };
        let code = way(&frame);
        (code, data.iter().map(|d| d.as_slice().to_vec()).collect())
    }
}

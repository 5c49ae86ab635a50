//! From text to a checked program.

use crate::emit::{self, Stage};
use crate::error::{Error, Source};
use crate::function::Function;
use crate::loader::FileLoader;
use crate::machine;
use crate::options::Options;
use crate::picture::Picture;
use crate::pipeline;
use crate::pools;
use ein_cranelift::Cpu;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::FileId;
use ein_opt::{Machine, Minimize, Order};
use ein_runtime::{Pool, TensorRef};
use ein_syntax::sources::{Loader, NoFiles};
use ein_syntax::{CheckedProgram, Hints};
use std::path::Path;
use std::sync::Arc;

/// Compiles programs; holds the options.
///
/// ```
/// let compiler = ein::Compiler::new().threads(1).opt_level(1);
/// # let _ = compiler;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    options: Options,
}

impl Compiler {
    /// Default options: as many threads as the machine has, no memory limit, code for this processor.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Threads of a call. Results do not depend on it, bit for bit.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.options.threads = threads.max(1);
        self
    }

    /// 0: as written; 1: default budgets; 2: larger ones.
    #[must_use]
    pub fn opt_level(mut self, level: u8) -> Self {
        self.options.opt_level = level.min(2);
        self
    }

    /// Bytes that outputs and intermediates together may take; a plan that needs more is refused before it runs.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.options.memory_limit = Some(bytes);
        self
    }

    /// What makes one plan better than another: predicted time, unless something else is asked for.
    #[must_use]
    pub fn minimize(mut self, what: Minimize) -> Self {
        self.options.minimize = what;
        self
    }

    /// Who decides in which order factors are multiplied: the optimiser, unless something else is asked for or hinted.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.options.order = order;
        self
    }

    /// The cost table that times are predicted from: the built-in one, unless another is given.
    ///
    /// ```
    /// use ein::{Compiler, Machine};
    /// let slow = Machine { name: "slow-memory".to_owned(), memory_bytes: 1000, cache_bytes: 1000, ..Machine::default() };
    /// let program = Compiler::new().machine(slow)?.compile("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }")?;
    /// let plan = program.emit(ein::Stage::Plan, "f", &[("N", 4)])?;
    /// assert!(plan.starts_with("plan \"f\" target \"cpu\" opt 1 objective \"time\" machine \"slow-memory-"));
    /// # Ok::<(), ein::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0925 if a figure of the table is out of its range.
    pub fn machine(mut self, machine: Machine) -> Result<Self, Error> {
        machine.check().map_err(|e| machine::malformed(&format!("the machine table is refused: {e}")))?;
        self.options.machine = machine;
        Ok(self)
    }

    /// Processor that code is made for.
    #[must_use]
    pub fn cpu(mut self, cpu: Cpu) -> Self {
        self.options.cpu = cpu;
        self
    }

    /// Parses and checks a program. It may use the standard library, and no files: a text has no folder to look in.
    ///
    /// # Errors
    /// Every mistake that was found, in source order.
    pub fn compile(&self, source: &str) -> Result<Program, Error> {
        self.compile_source(&Source::new("<program>", source), &mut NoFiles)
    }

    /// Reads, parses and checks a file, and the files that it uses.
    ///
    /// # Errors
    /// E0901 if the file cannot be read, E0118 if it is not UTF-8, else as [`Compiler::compile`].
    pub fn compile_file(&self, path: impl AsRef<Path>) -> Result<Program, Error> {
        let path = path.as_ref();
        let text = crate::loader::read_source(path)?;
        self.compile_source(&Source::new(&path.display().to_string(), &text), &mut FileLoader::new(path))
    }

    /// One equation, such as `C[i,k] = A[i,j] * B[j,k]`, on arrays: dims and dtypes are theirs.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn compile_equation(&self, equation: &str, inputs: &[(&str, TensorRef<'_>)]) -> Result<Function, Error> {
        let source = Source::new("<equation>", equation);
        let located = |d: Vec<Diagnostic>| Error::new(d, Some(source.clone()));
        let bind = ein_syntax::parse::parse_equation(equation, FileId(0)).map_err(located)?;
        let inputs: Vec<_> = inputs.iter().map(|(n, v)| ((*n).to_owned(), v.dtype(), v.shape().to_vec())).collect();
        let module = ein_syntax::eval_module(&bind, &inputs).map_err(located)?;
        Ok(Function::new(module, self.shared(Some(source.clone()))?))
    }

    fn compile_source(&self, source: &Source, loader: &mut dyn Loader) -> Result<Program, Error> {
        let (texts, loaded) = pipeline::load(source, loader);
        let files: Arc<[Source]> = texts.into();
        let located = |d: Vec<Diagnostic>| Error::in_files(d, Arc::clone(&files));
        let checked = loaded.and_then(pipeline::check).map_err(located)?;
        Ok(Program { checked: Arc::new(checked), shared: self.shared_with(files)? })
    }

    /// What a function shares with the others of its compiler.
    ///
    /// # Errors
    /// E0804 if the threads cannot be started.
    pub(crate) fn shared(&self, source: Option<Source>) -> Result<Arc<Shared>, Error> {
        self.shared_with(source.into_iter().collect())
    }

    fn shared_with(&self, sources: Arc<[Source]>) -> Result<Arc<Shared>, Error> {
        Ok(Arc::new(Shared { sources, options: self.options.clone(), pool: pools::pool(self.options.threads)?, hinted_memory: None }))
    }
}

/// What the functions of a program share.
pub(crate) struct Shared {
    /// The files that spans point into, by their numbers.
    pub(crate) sources: Arc<[Source]>,
    pub(crate) options: Options,
    pub(crate) pool: Arc<Pool>,
    /// Bytes of the memory limit, where it is a hint's.
    pub(crate) hinted_memory: Option<u64>,
}

/// A checked program, generic in sizes.
#[derive(Clone)]
pub struct Program {
    checked: Arc<CheckedProgram>,
    shared: Arc<Shared>,
}

impl Program {
    /// Names of the definitions, in the order of the file.
    #[must_use]
    pub fn defs(&self) -> Vec<&str> {
        self.checked.defs()
    }

    /// A definition that may be bound and called.
    ///
    /// # Errors
    /// E0210 if there is none of that name (with the nearest one); E0190 if it needs what this version does not have.
    pub fn def(&self, name: &str) -> Result<Function, Error> {
        if !self.defs().contains(&name) {
            return Err(self.unknown_def(name).into());
        }
        let module = self.checked.lower(name).map_err(|d| self.located(d))?;
        let function = Function::new(module, self.hinted(name)?);
        Ok(if self.checked.rows(name).is_empty() { function } else { function.of_rows(Arc::clone(&self.checked)) })
    }

    /// What functions share, within the hints of a definition.
    fn hinted(&self, def: &str) -> Result<Arc<Shared>, Error> {
        let hints = self.checked.hints(def);
        if hints == Hints::default() {
            return Ok(Arc::clone(&self.shared));
        }
        let mut options = self.shared.options.clone();
        options.memory_limit = options.memory_limit.into_iter().chain(hints.memory).min();
        if hints.written_order {
            options.order = Order::Written;
        }
        options.threads = hints.threads.map_or(options.threads, |threads| threads.min(options.threads));
        let pool = pools::pool(options.threads)?;
        let hinted_memory = options.memory_limit.filter(|limit| Some(*limit) != self.shared.options.memory_limit);
        Ok(Arc::new(Shared { sources: Arc::clone(&self.shared.sources), options, pool, hinted_memory }))
    }

    /// The definition that is meant where none is named: the only one, or the last.
    ///
    /// # Errors
    /// E0210 if the program has no definition, else as [`Program::def`].
    pub fn main_def(&self) -> Result<Function, Error> {
        match self.defs().last() {
            Some(name) => self.def(name),
            None => Err(Error::from(Diagnostic::error(210, "unknown-def", "the program has no `def`"))),
        }
    }

    /// Checks every definition strictly: what is beyond this version is an error too.
    ///
    /// # Errors
    /// Every diagnostic, in source order.
    pub fn check_all(&self) -> Result<(), Error> {
        let mut found = Vec::new();
        for name in self.defs() {
            if let Err(diagnostics) = self.checked.lower(name) {
                found.extend(diagnostics);
            }
        }
        if found.is_empty() {
            found = self.refused_for_ciphertexts();
        }
        ein_ir::diagnostic::sort_by_position(&mut found);
        found.dedup();
        if found.is_empty() { Ok(()) } else { Err(self.located(found)) }
    }

    /// What ciphertexts cannot do of the definitions that are exported `for he` with all their sizes; how they are packed is not looked at.
    fn refused_for_ciphertexts(&self) -> Vec<Diagnostic> {
        let of = |(name, sizes): (&str, Vec<(&str, i64)>)| self.def(name).map(|function| function.refused_for_ciphertexts(&sizes));
        self.checked.exported("he").into_iter().filter_map(|export| of(export).ok()).flatten().collect()
    }

    /// As [`Program::check_all`]; what would be checked of the sizes when a definition is called is an error too, unless a `where` clause
    /// or the bound of a dim states it.
    ///
    /// # Errors
    /// Every diagnostic, in source order; E0315 for checks of sizes.
    pub fn check_strict(&self) -> Result<(), Error> {
        self.check_all()?;
        let mut found: Vec<Diagnostic> = self.defs().iter().flat_map(|name| self.checked.unproved(name)).collect();
        ein_ir::diagnostic::sort_by_position(&mut found);
        found.dedup();
        if found.is_empty() { Ok(()) } else { Err(self.located(found)) }
    }

    /// The stable text of a stage, for snapshots. Sizes, as `("N", 8)`, are needed from [`Stage::Egraph`] on.
    ///
    /// # Errors
    /// As [`Program::def`]; E0306 if a size is missing.
    pub fn emit(&self, stage: Stage, def: &str, sizes: &[(&str, i64)]) -> Result<String, Error> {
        match stage {
            Stage::Ast => Ok(ein_syntax::print::dump(self.checked.tree())),
            _ => emit::emit(&self.def(def)?, stage, sizes),
        }
    }

    /// The plan of a definition as pictures.
    ///
    /// # Errors
    /// As [`Program::emit`].
    pub fn picture(&self, def: &str, sizes: &[(&str, i64)]) -> Result<Picture, Error> {
        let function = self.def(def)?;
        function.picture(sizes, &self.checked.explain(function.name()))
    }

    /// The checked definitions, for `ein explain`.
    #[must_use]
    pub fn checked(&self) -> &CheckedProgram {
        &self.checked
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        self.shared.sources.first()
    }

    fn located(&self, diagnostics: Vec<Diagnostic>) -> Error {
        Error::in_files(diagnostics, Arc::clone(&self.shared.sources))
    }

    fn unknown_def(&self, name: &str) -> Diagnostic {
        let d = Diagnostic::error(210, "unknown-def", format!("the program has no def `{name}`"));
        let defs = self.defs();
        match ein_ir::near::nearest(name, defs.iter().copied()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.note(format!("it has {}", crate::loader::list(&defs))),
        }
    }
}

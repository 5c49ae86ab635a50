//! A definition that may be bound to sizes and called.

use crate::bound::{Binder, Bound, Outputs};
use crate::emit::{self, Stage};
use crate::error::Error;
use crate::picture::{self, Picture};
use crate::pipeline::{self, InputClass, Specialised};
use crate::program::Shared;
use ein_cranelift::Cpu;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Dim, SecondaryMap};
use ein_ir::near::nearest_first;
use ein_ir::tensor::Module;
use ein_ir::tensor::specialise::infer_sizes;
use ein_ir::verified::Verified;
use ein_runtime::{Cache, LayoutClass, TensorRef};
use ein_syntax::{CheckedProgram, Explanation};
use std::sync::Arc;

/// Specialisations kept in memory by [`Function::call`]; the least recently used goes first.
const CACHED_SPECIALISATIONS: usize = 64;

/// A definition of a program, generic in sizes. Cheap to clone; clones share the cache. `Send + Sync`.
#[derive(Clone)]
pub struct Function {
    inner: Arc<Inner>,
}

struct Inner {
    /// With row variables: each stands for one axis here, so that names and dtypes are known.
    module: Verified<Module>,
    /// Where the forms for other numbers of axes come from, if it has row variables.
    rows: Option<Arc<CheckedProgram>>,
    shared: Arc<Shared>,
    cache: Cache<Key, Bound>,
}

/// What a specialisation depends on: the dtypes are fixed by the program, but for those of indices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// Rank, then sizes, of each input in order.
    shapes: Vec<usize>,
    classes: Vec<InputClass>,
}

impl Function {
    pub(crate) fn new(module: Verified<Module>, shared: Arc<Shared>) -> Self {
        Self { inner: Arc::new(Inner { module, rows: None, shared, cache: Cache::new(CACHED_SPECIALISATIONS) }) }
    }

    /// The same definition with row variables, which a program writes out.
    pub(crate) fn of_rows(&self, program: Arc<CheckedProgram>) -> Self {
        let Inner { module, shared, .. } = &*self.inner;
        let rows = Some(program);
        Self {
            inner: Arc::new(Inner { module: module.clone(), rows, shared: Arc::clone(shared), cache: Cache::new(CACHED_SPECIALISATIONS) }),
        }
    }

    /// Whether it has row variables, so that inputs decide its numbers of axes.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        self.inner.rows.is_some()
    }

    /// The definition with its row variables written out, and the sizes that are left to give. A size `..B` is the number of
    /// axes that `..B` stands for; `B.1`, `B.2`, … are their sizes.
    ///
    /// # Errors
    /// E0313 if nothing says how many axes a row stands for, or two places say different things; E0906 for inputs that fit none.
    pub(crate) fn written_out(&self, ranks: &[Option<usize>], given: &[(String, i64)]) -> Result<(Self, Vec<(String, i64)>), Error> {
        let Some(program) = &self.inner.rows else { return Ok((self.clone(), given.to_vec())) };
        let (rows, sizes) = row_lengths(program.rows(self.name()), given);
        let found = program.ranks(self.name(), ranks, &rows).and_then(|ranks| program.lower_for(self.name(), &ranks));
        Ok((Self::new(found.map_err(|d| self.located(d))?, Arc::clone(self.shared())), sizes))
    }

    /// The name of the definition.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.module.name
    }

    /// Names of the inputs, in order.
    #[must_use]
    pub fn inputs(&self) -> Vec<&str> {
        let m = self.module();
        m.params.iter().map(|t| m.tensors[*t].name.as_str()).collect()
    }

    /// Names of the outputs, in order.
    #[must_use]
    pub fn outputs(&self) -> Vec<&str> {
        let m = self.module();
        m.results.iter().map(|t| m.tensors[*t].name.as_str()).collect()
    }

    /// The element type of an input; `None` if there is none of that name, or it holds indices, which any integer may.
    #[must_use]
    pub fn input_dtype(&self, name: &str) -> Option<ein_ir::dtype::DType> {
        let m = self.module();
        m.params.iter().map(|t| &m.tensors[*t]).find(|t| t.name == name && t.index_of.is_empty()).map(|t| t.dtype)
    }

    /// What is checked of the sizes before a call, in the words of the program; each row variable stands for one axis.
    #[must_use]
    pub fn entry_checks(&self) -> Vec<&str> {
        self.module().requires.iter().map(|r| r.message.as_str()).collect()
    }

    /// Starts fixing sizes, layouts and constants.
    #[must_use]
    pub fn bind(&self) -> Binder {
        Binder::new(self.clone())
    }

    /// Runs it: sizes come from the arrays, the compiled code from a cache where it has been made before.
    ///
    /// Inputs are given by name, in any order, as anything that a [`TensorRef`] can be made of: `ndarray` views of any strides,
    /// references to arrays, or [`Tensor`](crate::Tensor)s. Arrays of different dtypes are given as `TensorRef::from(view)`.
    ///
    /// # Errors
    /// Missing, unknown or ill-shaped inputs (E03xx, E09xx), and failures of the run.
    pub fn call<'a, 'n, V: Into<TensorRef<'a>>>(&self, inputs: impl IntoIterator<Item = (&'n str, V)>) -> Result<Outputs, Error> {
        let views = self.order_inputs(inputs)?;
        self.bound_for(&views)?.call(&views)
    }

    /// The stable text of a stage; sizes are needed from [`Stage::Egraph`] on.
    ///
    /// # Errors
    /// E0306 if a size is missing.
    pub fn emit(&self, stage: Stage, sizes: &[(&str, i64)]) -> Result<String, Error> {
        emit::emit(self, stage, sizes)
    }

    /// The plan in words: one row a step, with its flops, bytes and strategy, and the peak memory.
    ///
    /// # Errors
    /// As [`Function::emit`].
    pub fn plan_table(&self, sizes: &[(&str, i64)]) -> Result<String, Error> {
        Ok(ein_opt::table(&self.specialised(sizes)?.plan, &self.shared().options.machine))
    }

    /// Why the plan is as it is: for each step that the e-graph chose, the rules that lead to it from what the program says.
    ///
    /// # Errors
    /// As [`Function::emit`].
    pub fn why(&self, sizes: &[(&str, i64)]) -> Result<String, Error> {
        Ok(self.reasons(&self.specialised(sizes)?)?.iter().map(ToString::to_string).collect())
    }

    /// The e-graph that the plan is extracted from, for Graphviz.
    ///
    /// # Errors
    /// As [`Function::emit`].
    pub fn egraph_dot(&self, sizes: &[(&str, i64)]) -> Result<String, Error> {
        Ok(picture::dot(&self.egraphs(&self.specialised(sizes)?)?))
    }

    /// Its plan as pictures, with what is known of its equations.
    pub(crate) fn picture(&self, sizes: &[(&str, i64)], equations: &[Explanation]) -> Result<Picture, Error> {
        let staged = self.specialised(sizes)?;
        let reasons = self.reasons(&staged)?;
        Ok(Picture::of_program(&staged, &self.shared().options.machine, sizes, reasons, equations))
    }

    fn reasons(&self, staged: &Specialised) -> Result<Vec<ein_opt::Reason>, Error> {
        ein_opt::why(&staged.module, &pipeline::plan_options(&[], &self.shared().options)).map_err(|d| self.located(d))
    }

    /// The e-graphs of a module with its sizes.
    pub(crate) fn egraphs(&self, staged: &Specialised) -> Result<Vec<ein_opt::EGraph>, Error> {
        ein_opt::egraphs(&staged.module, &pipeline::plan_options(&[], &self.shared().options)).map_err(|d| self.located(d))
    }

    /// The code for views of these shapes and layouts, from the cache or made now.
    ///
    /// # Errors
    /// As [`Binder::build`].
    pub fn bound_for(&self, views: &[TensorRef<'_>]) -> Result<Arc<Bound>, Error> {
        let key = Key {
            shapes: views.iter().flat_map(|v| std::iter::once(v.rank()).chain(v.shape().iter().copied())).collect(),
            classes: views.iter().map(input_class).collect(),
        };
        self.inner.cache.get_or_try_insert(&key, || self.bind().like(views).build())
    }

    /// Puts named inputs into the order of the parameter list.
    fn order_inputs<'a, 'n, V: Into<TensorRef<'a>>>(
        &self,
        inputs: impl IntoIterator<Item = (&'n str, V)>,
    ) -> Result<Vec<TensorRef<'a>>, Error> {
        let names = self.inputs();
        let mut slots: Vec<Option<TensorRef<'a>>> = names.iter().map(|_| None).collect();
        for (name, view) in inputs {
            if slots[self.input_position(name)?].replace(view.into()).is_some() {
                return Err(Diagnostic::error(914, "argument-count", format!("the input `{name}` is given twice")).into());
            }
        }
        let missing = |n: usize| ein_runtime::Error::MissingInput { name: names[n].to_owned() };
        slots.into_iter().enumerate().map(|(n, slot)| slot.ok_or_else(|| missing(n).into())).collect()
    }

    pub(crate) fn input_position(&self, name: &str) -> Result<usize, Error> {
        let names = self.inputs();
        names.iter().position(|n| *n == name).ok_or_else(|| {
            let known = nearest_first(name, names.iter().copied()).into_iter().map(str::to_owned).collect();
            ein_runtime::Error::UnknownInput { name: name.to_owned(), known }.into()
        })
    }

    pub(crate) fn module(&self) -> &Verified<Module> {
        &self.inner.module
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    pub(crate) fn cpu(&self) -> Cpu {
        self.inner.shared.options.cpu
    }

    /// An error with the source of this function's program.
    pub(crate) fn located(&self, diagnostics: Vec<Diagnostic>) -> Error {
        Error::in_files(diagnostics, Arc::clone(&self.inner.shared.sources))
    }

    /// The stages up to kernel IR for given sizes, row-major inputs.
    pub(crate) fn specialised(&self, sizes: &[(&str, i64)]) -> Result<Specialised, Error> {
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        let shapes = vec![None; self.module().params.len()];
        let (function, given) = self.written_out(&vec![None; shapes.len()], &given)?;
        let sizes = function.sizes(&shapes, &given)?;
        function.stages(&sizes, &vec![InputClass::default(); shapes.len()])
    }

    /// Tensor IR for inputs of these shapes, where they are known, and given sizes.
    pub(crate) fn literal(&self, shapes: &[Option<&[usize]>], given: &[(String, i64)]) -> Result<Verified<Module>, Error> {
        let ranks: Vec<Option<usize>> = shapes.iter().map(|shape| shape.map(<[usize]>::len)).collect();
        let (function, given) = self.written_out(&ranks, given)?;
        let sizes = function.sizes(shapes, &given)?;
        pipeline::literal(function.module(), &sizes).map_err(|found| self.located(found))
    }

    pub(crate) fn sizes(&self, shapes: &[Option<&[usize]>], given: &[(String, i64)]) -> Result<SecondaryMap<Dim, Option<i64>>, Error> {
        infer_sizes(self.module(), shapes, given).map_err(|d| self.located(d))
    }

    pub(crate) fn stages(&self, sizes: &SecondaryMap<Dim, Option<i64>>, classes: &[InputClass]) -> Result<Specialised, Error> {
        let hinted = |d: Diagnostic| match self.shared().hinted_memory {
            Some(limit) if d.code.0 == 801 => d.note(format!("the limit is that of `hint {} {{ memory <= {limit}; }}`", self.name())),
            _ => d,
        };
        pipeline::specialise(self.module(), sizes, classes, &self.shared().options)
            .map_err(|found| self.located(found.into_iter().map(hinted).collect()))
    }
}

/// What code depends on of an array that is given.
pub(crate) fn input_class(view: &TensorRef<'_>) -> InputClass {
    InputClass { strided: view.layout_class() == LayoutClass::Strided, stored: Some(view.dtype()) }
}

/// The name of a row variable, and its number of axes.
type RowLength = (String, usize);

/// The numbers of axes of rows among given sizes, and the other sizes: `..B` = 2 says it, and so do sizes up to `B.2`.
fn row_lengths(rows: &[String], given: &[(String, i64)]) -> (Vec<RowLength>, Vec<(String, i64)>) {
    let mut lengths: Vec<RowLength> = Vec::new();
    let mut sizes = Vec::new();
    for (name, value) in given {
        match name.strip_prefix("..") {
            Some(row) => lengths.push((row.to_owned(), usize::try_from(*value).unwrap_or(usize::MAX))),
            // The size of the only axis of a row.
            None if rows.contains(name) => {
                lengths.push((name.clone(), 1));
                sizes.push((format!("{name}.1"), *value));
            }
            None => sizes.push((name.clone(), *value)),
        }
    }
    for row in rows.iter().filter(|r| given.iter().all(|(name, _)| name.strip_prefix("..").unwrap_or(name) != r.as_str())) {
        let position = |name: &str| name.strip_prefix(row.as_str())?.strip_prefix('.')?.parse::<usize>().ok();
        lengths.extend(sizes.iter().filter_map(|(name, _)| position(name)).max().map(|n| (row.clone(), n)));
    }
    (lengths, sizes)
}

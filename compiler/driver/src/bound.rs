//! Machine code for fixed sizes and layouts, ready to be called.

use crate::error::Error;
use crate::function::{Function, input_class};
use crate::pipeline::{self, InputClass, Specialised};
use crate::raw;
use ein_cranelift::Compiled;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor as TensorId;
use ein_ir::kernel::Place;
use ein_ir::plan::{FaultDecl, Peak};
use ein_runtime::{AlignedBuf, Element, Executable, Frame, Tensor, TensorMut, TensorRef};
use ndarray::ArrayD;
use smallvec::SmallVec;
use std::sync::Mutex;
use std::time::Duration;

/// Fixes sizes, layouts and constants of a [`Function`], then makes the code.
///
/// ```
/// # let source = "def scale<N>(x: f32[N], a: f32) -> y: f32[N] { y[i] = a * x[i]; }";
/// let scale = ein::Compiler::new().compile(source)?.def("scale")?;
/// let a = ein::ndarray::arr0(2.0f32);
/// let bound = scale.bind().size("N", 4).constant("a", a.view())?.build()?;
/// let x = ein::ndarray::array![1.0f32, 2.0, 3.0, 4.0];
/// let mut y = ein::Tensor::zeros(ein::DType::F32, &[4])?;
/// bound.call_into(&[(&x).into()], &mut [(&mut y).into()])?;
/// assert_eq!(y.as_slice::<f32>()?, [2.0, 4.0, 6.0, 8.0]);
/// # Ok::<(), ein::Error>(())
/// ```
pub struct Binder {
    function: Function,
    sizes: Vec<(String, i64)>,
    shapes: Vec<Option<Vec<usize>>>,
    classes: Vec<InputClass>,
    constants: Vec<Option<Tensor>>,
    error: Option<Error>,
}

impl Binder {
    pub(crate) fn new(function: Function) -> Self {
        let n = function.module().params.len();
        let constants = std::iter::repeat_with(|| None).take(n).collect();
        Self { function, sizes: Vec::new(), shapes: vec![None; n], classes: vec![InputClass::default(); n], constants, error: None }
    }

    /// Fixes a dim or an `int` generic.
    #[must_use]
    pub fn size(mut self, name: &str, value: i64) -> Self {
        self.sizes.push((name.to_owned(), value));
        self
    }

    /// Fixes the shape of an input.
    #[must_use]
    pub fn shape(mut self, input: &str, shape: &[usize]) -> Self {
        if let Some(n) = self.position(input) {
            self.shapes[n] = Some(shape.to_vec());
        }
        self
    }

    /// Declares that the strides of an input are known only at the call.
    #[must_use]
    pub fn strided(mut self, input: &str) -> Self {
        if let Some(n) = self.position(input) {
            self.classes[n].strided = true;
        }
        self
    }

    /// Takes shape and layout of an input from an array.
    ///
    /// # Errors
    /// An unknown name, another dtype than declared.
    pub fn input(mut self, name: &str, view: &TensorRef<'_>) -> Result<Self, Error> {
        let n = self.function.input_position(name)?;
        self.check_given(n, view)?;
        self.shapes[n] = Some(view.shape().to_vec());
        self.classes[n] = input_class(view);
        Ok(self)
    }

    /// Takes shapes and layouts of all inputs from arrays, in the order of the parameter list.
    #[must_use]
    pub fn like(mut self, views: &[TensorRef<'_>]) -> Self {
        for (n, view) in views.iter().enumerate().take(self.shapes.len()) {
            self.shapes[n] = Some(view.shape().to_vec());
            self.classes[n] = input_class(view);
        }
        self
    }

    /// Gives an input now, for good: it is copied and is no longer an input of the calls.
    ///
    /// # Errors
    /// An unknown name, another dtype than declared, no memory.
    pub fn constant<'a>(mut self, input: &str, value: impl Into<TensorRef<'a>>) -> Result<Self, Error> {
        let n = self.function.input_position(input)?;
        let value: TensorRef<'a> = value.into();
        self.check_given(n, &value)?;
        self.shapes[n] = Some(value.shape().to_vec());
        self.classes[n] = InputClass { strided: false, ..input_class(&value) };
        self.constants[n] = Some(value.to_tensor()?);
        Ok(self)
    }

    /// Makes the code.
    ///
    /// # Errors
    /// Sizes that are missing, contradict each other or fail an entry check (E03xx), limits (E08xx).
    pub fn build(self) -> Result<Bound, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let shapes = self.logical_shapes();
        let shapes: Vec<Option<&[usize]>> = shapes.iter().map(Option::as_deref).collect();
        let ranks: Vec<Option<usize>> = shapes.iter().map(|s| s.map(<[usize]>::len)).collect();
        let (function, given) = self.function.written_out(&ranks, &self.sizes)?;
        let sizes = function.sizes(&shapes, &given)?;
        let staged = function.stages(&sizes, &self.classes)?;
        ein_opt::check_work(&staged.plan).map_err(|d| function.located(d))?;
        let code = pipeline::generate(&staged.kernels, function.cpu()).map_err(|d| function.located(d))?;
        Bound::new(function, &staged, code, self.constants, &self.classes)
    }

    /// The shapes of the inputs as the program sees them; of packed ones that are given as bytes, the length of the last axis follows
    /// from the other inputs.
    fn logical_shapes(&self) -> Vec<Option<Vec<usize>>> {
        let module = self.function.module();
        let as_bytes = |n: usize| raw::is_packed_input(module, n, self.classes[n].stored);
        if !(0..self.shapes.len()).any(as_bytes) {
            return self.shapes.clone();
        }
        let others: Vec<Option<&[usize]>> = self.shapes.iter().enumerate().map(|(n, s)| s.as_deref().filter(|_| !as_bytes(n))).collect();
        // What is wrong with the others is said when all of them are looked at.
        let known = self.function.sizes(&others, &self.sizes).ok();
        let shape = |(n, shape): (usize, &Option<Vec<usize>>)| match shape {
            Some(bytes) if as_bytes(n) => Some(raw::logical_shape(&module.tensors[module.params[n]], bytes, known.as_ref())),
            other => other.clone(),
        };
        self.shapes.iter().enumerate().map(shape).collect()
    }

    /// An array of the declared element type; for indices, of any integers.
    fn check_given(&self, n: usize, view: &TensorRef<'_>) -> Result<(), Error> {
        let module = self.function.module();
        let decl = &module.tensors[module.params[n]];
        if (!decl.index_of.is_empty() && view.dtype().is_integer()) || raw::holds(decl.dtype, view.dtype()) {
            return Ok(());
        }
        check_dtype(&decl.name, decl.dtype, view.dtype())
    }

    fn position(&mut self, input: &str) -> Option<usize> {
        match self.function.input_position(input) {
            Ok(n) => Some(n),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }
}

fn check_dtype(name: &str, expected: DType, found: DType) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(ein_runtime::Error::DtypeMismatch { name: name.to_owned(), expected, found }.into())
}

/// An argument as the code was made for it.
#[derive(Debug)]
struct Argument {
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    /// Position of its first run-time stride in the frame, if it is strided.
    first_stride: Option<usize>,
    /// For indices: sizes of the ranges that their values must be in, one for each column.
    index_of: Vec<u64>,
    /// The least and the greatest value that its elements may have, where the program states them.
    bounds: Option<(f64, f64)>,
    /// Whether its elements are secret.
    secret: bool,
}

/// Machine code for fixed sizes and layouts. `Send + Sync`: calls may overlap.
pub struct Bound {
    function: Function,
    code: Compiled,
    /// Every parameter in order, constants included.
    inputs: Vec<Argument>,
    outputs: Vec<Argument>,
    constants: Vec<Option<Tensor>>,
    faults: Vec<FaultDecl>,
    n_strides: usize,
    arena_bytes: usize,
    peak: Peak,
    /// Nanoseconds.
    predicted: u64,
    /// Arenas of finished calls, for the next ones.
    arenas: Mutex<Vec<AlignedBuf>>,
}

impl Bound {
    fn new(
        function: Function,
        staged: &Specialised,
        code: Compiled,
        constants: Vec<Option<Tensor>>,
        classes: &[InputClass],
    ) -> Result<Self, Error> {
        let plan = &staged.plan;
        let module = function.module();
        let argument = |t, first_stride| {
            let b: &ein_ir::plan::Buffer = &plan.buffers[t];
            let shape = b.extents.iter().map(|e| usize::try_from(*e).unwrap_or(usize::MAX)).collect();
            Argument {
                name: b.name.clone(),
                dtype: b.dtype,
                shape,
                first_stride,
                index_of: b.index_of.clone(),
                bounds: None,
                secret: false,
            }
        };
        let first_strides = runtime_strides(staged);
        let decl = |n: usize| module.params.get(n).map(|param| &module.tensors[*param]);
        let input = |(n, t): (usize, &TensorId)| {
            let first_stride = classes[n].strided.then(|| first_strides[n]).flatten();
            let (bounds, secret) = decl(n).map_or((None, false), |decl| (decl.bounds, decl.secret));
            Argument { bounds, secret, ..argument(*t, first_stride) }
        };
        let inputs = plan.inputs.iter().enumerate().map(input).collect();
        let outputs = plan.outputs.iter().map(|t| argument(*t, None)).collect();
        let arena_bytes =
            usize::try_from(staged.kernels.arena_bytes).map_err(|_| ein_runtime::Error::AllocationFailed { bytes: usize::MAX })?;
        let predicted = ein_opt::predicted(plan, &function.shared().options.machine);
        let bound = Self {
            function,
            code,
            inputs,
            outputs,
            constants,
            faults: staged.kernels.faults.values().cloned().collect(),
            n_strides: staged.kernels.n_strides as usize,
            arena_bytes,
            peak: plan.peak(),
            predicted,
            arenas: Mutex::new(Vec::new()),
        };
        for (n, constant) in bound.constants.iter().enumerate() {
            if let Some(value) = constant {
                bound.check_input(n, &value.into())?;
            }
        }
        Ok(bound)
    }

    /// Peak memory of a call: fresh outputs, intermediates and workspace, without inputs and code.
    #[must_use]
    pub fn peak(&self) -> Peak {
        self.peak
    }

    /// The time that a call is predicted to take with one thread, by the cost table that the plan was made with.
    #[must_use]
    pub fn predicted(&self) -> Duration {
        Duration::from_nanos(self.predicted)
    }

    /// Names of the inputs that a call takes (those that are not constant), in order.
    #[must_use]
    pub fn inputs(&self) -> Vec<&str> {
        self.inputs.iter().zip(&self.constants).filter(|(_, c)| c.is_none()).map(|(a, _)| a.name.as_str()).collect()
    }

    /// Runs it into fresh arrays. `inputs` are those that are not constant, in order.
    ///
    /// # Errors
    /// As [`Bound::call_into`]; E0803 if memory runs out.
    pub fn call(&self, inputs: &[TensorRef<'_>]) -> Result<Outputs, Error> {
        let mut tensors = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            tensors.push(Tensor::zeros(output.dtype, &output.shape)?);
        }
        {
            let mut views: SmallVec<[TensorMut<'_>; 4]> = tensors.iter_mut().map(TensorMut::from).collect();
            self.call_into(inputs, &mut views)?;
        }
        Ok(Outputs { named: self.outputs.iter().map(|o| o.name.clone()).zip(tensors).collect() })
    }

    /// Runs it into row-major arrays of yours. On one thread it allocates nothing once the arena of an earlier call can be reused, but for
    /// what matrix products pack ([`Peak::per_thread`]) and what libraries keep for a thread that uses them for the first time.
    ///
    /// `inputs` are those that are not constant, `outputs` all, each in order.
    ///
    /// # Errors
    /// Another number of arrays, dtype, shape or layout than bound (E0905 to E0907, E0913 to E0915), outputs that overlap (E0908), faults
    /// of the data. After an error the outputs are unspecified.
    pub fn call_into(&self, inputs: &[TensorRef<'_>], outputs: &mut [TensorMut<'_>]) -> Result<(), Error> {
        self.check_counts(inputs.len(), outputs.len())?;
        let mut bufs: SmallVec<[*mut u8; 16]> = SmallVec::new();
        let mut strides: SmallVec<[isize; 32]> = SmallVec::from_elem(0, self.n_strides);
        let mut given = inputs.iter();
        for (n, constant) in self.constants.iter().enumerate() {
            match constant {
                Some(value) => bufs.push(value.as_ptr().cast_mut()),
                None => {
                    let view = given.next().expect("check_counts has compared the numbers");
                    self.check_input(n, view)?;
                    if let Some(first) = self.inputs[n].first_stride {
                        strides[first..first + view.rank()].copy_from_slice(view.strides());
                    }
                    bufs.push(view.as_ptr().cast_mut());
                }
            }
        }
        for n in 0..outputs.len() {
            self.check_output(n, inputs, outputs)?;
            bufs.push(outputs[n].as_mut_ptr());
        }
        let mut arena = self.take_arena()?;
        let frame = Frame {
            bufs: bufs.as_ptr(),
            strides: strides.as_ptr(),
            scalars: std::ptr::null_mut(),
            arena: arena.as_mut().map_or(std::ptr::null_mut(), AlignedBuf::as_mut_ptr),
        };
        // SAFETY: the checks above are what the code asks of a frame: every argument has the dtype, shape and layout that it was
        // made for, outputs are row-major and overlap nothing, and the arena has the size that the plan states. All of it
        // outlives the call, and an arena is used by one call at a time.
        let result = unsafe { self.code.run(&frame, &self.function.shared().pool) };
        if let Some(arena) = arena {
            self.arenas.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(arena);
        }
        result.map_err(|fault| self.fault(fault))
    }

    fn take_arena(&self) -> Result<Option<AlignedBuf>, Error> {
        if self.arena_bytes == 0 {
            return Ok(None);
        }
        let kept = self.arenas.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        Ok(Some(match kept {
            Some(arena) => arena,
            None => AlignedBuf::zeroed(self.arena_bytes)?,
        }))
    }

    fn check_counts(&self, inputs: usize, outputs: usize) -> Result<(), Error> {
        let wanted = self.constants.iter().filter(|c| c.is_none()).count();
        if inputs == wanted && outputs == self.outputs.len() {
            return Ok(());
        }
        let message = format!(
            "`{}` takes {wanted} inputs and {} outputs but was given {inputs} and {outputs}",
            self.function.name(),
            self.outputs.len()
        );
        Err(Diagnostic::error(914, "argument-count", message).into())
    }

    fn check_input(&self, n: usize, view: &TensorRef<'_>) -> Result<(), Error> {
        let argument = &self.inputs[n];
        argument.check_input(view.dtype(), view.shape())?;
        if argument.first_stride.is_none() && !view.is_row_major() {
            let message = format!("`{}` was bound row-major but the array given has strides {:?}", argument.name, view.strides());
            let help = format!("bind it with `.strided(\"{}\")`", argument.name);
            return Err(Diagnostic::error(915, "layout-mismatch", message).help(help).into());
        }
        let found = argument.check_elements(view);
        Ok(if argument.secret { found.map_err(ein_runtime::Error::of_secret) } else { found }?)
    }

    fn check_output(&self, n: usize, inputs: &[TensorRef<'_>], outputs: &[TensorMut<'_>]) -> Result<(), Error> {
        let (argument, output) = (&self.outputs[n], &outputs[n]);
        argument.check(output.dtype(), output.shape())?;
        if !output.is_row_major() {
            return Err(ein_runtime::Error::OutputNotRowMajor { name: argument.name.clone() }.into());
        }
        let range = output.byte_range();
        let overlaps = |other: std::ops::Range<usize>| !range.is_empty() && range.start < other.end && other.start < range.end;
        let free = self.inputs.iter().zip(&self.constants).filter(|(_, c)| c.is_none()).map(|(a, _)| a);
        for (input, view) in free.zip(inputs) {
            if overlaps(view.byte_range()) {
                return Err(overlap(argument, &input.name));
            }
        }
        for (m, other) in outputs.iter().enumerate().take(n) {
            if overlaps(other.byte_range()) {
                return Err(overlap(argument, &self.outputs[m].name));
            }
        }
        Ok(())
    }

    fn fault(&self, fault: u32) -> Error {
        let diagnostic = match self.faults.get(fault as usize) {
            Some(f) => {
                let message = format!("{}{}", f.message, failed_place());
                Diagnostic { code: ein_ir::diagnostic::Code(f.code), ..Diagnostic::error(0, "data-fault", message) }.at(f.span, "here")
            }
            None => Diagnostic::error(999, "unknown-fault", format!("the compiled code reported the unknown fault {fault}")),
        };
        self.function.located(vec![diagnostic])
    }
}

/// The element of the batch for which a function of whole tensors has just failed on this thread, in words.
fn failed_place() -> String {
    ein_ir::library::failed_place(ein_runtime::library::take_failed_element())
}

fn overlap(output: &Argument, other: &str) -> Error {
    ein_runtime::Error::OutputOverlaps { output: output.name.clone(), other: other.to_owned() }.into()
}

/// Where the run-time strides of each input begin in the frame.
fn runtime_strides(staged: &Specialised) -> Vec<Option<usize>> {
    let mut first = vec![None; staged.plan.inputs.len()];
    for buffer in staged.kernels.buffers.values() {
        if let Place::Argument { slot, strides: Some(strides), .. } = &buffer.place
            && let Some(entry) = first.get_mut(*slot as usize)
        {
            *entry = Some(strides.first as usize);
        }
    }
    first
}

impl Argument {
    /// Whether every element of an input is where it is stated to be.
    fn check_elements(&self, view: &TensorRef<'_>) -> Result<(), ein_runtime::Error> {
        if !self.index_of.is_empty() {
            ein_runtime::check_indices(&self.name, view, &self.index_of)?;
        }
        self.bounds.map_or(Ok(()), |bounds| ein_runtime::check_bounds(&self.name, view, self.dtype, bounds))
    }

    /// An input may also be given as its bits.
    fn check_input(&self, dtype: DType, shape: &[usize]) -> Result<(), Error> {
        if !raw::holds(self.dtype, dtype) {
            return self.check(dtype, shape);
        }
        self.check_shape(&raw::stored_shape(self.dtype, &self.shape), shape)
    }

    fn check(&self, dtype: DType, shape: &[usize]) -> Result<(), Error> {
        check_dtype(&self.name, self.dtype, dtype)?;
        self.check_shape(&self.shape, shape)
    }

    fn check_shape(&self, wanted: &[usize], shape: &[usize]) -> Result<(), Error> {
        if shape.len() != wanted.len() {
            let (expected, found) = (wanted.len(), shape.len());
            return Err(ein_runtime::Error::RankMismatch { name: self.name.clone(), expected, found }.into());
        }
        match wanted.iter().zip(shape).position(|(a, b)| a != b) {
            None => Ok(()),
            Some(axis) => {
                let (expected, found) = (wanted[axis], shape[axis]);
                Err(ein_runtime::Error::ExtentMismatch { name: self.name.clone(), axis, expected, found }.into())
            }
        }
    }
}

/// The results of a call, by name.
#[derive(Debug)]
pub struct Outputs {
    named: Vec<(String, Tensor)>,
}

impl Outputs {
    /// A result, or `None` if there is none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.named.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// A result as an array.
    ///
    /// # Errors
    /// E0916 if there is no result of that name; E0905 if `T` is not its element type.
    pub fn array<T: Element>(&self, name: &str) -> Result<ArrayD<T>, Error> {
        match self.get(name) {
            Some(tensor) if tensor.dtype() != T::DTYPE => {
                let message = format!("the output `{name}` is {}, and was asked for as {}", tensor.dtype(), T::DTYPE);
                Err(Diagnostic::error(905, "dtype-mismatch", message).into())
            }
            Some(tensor) => Ok(tensor.as_array::<T>()?.to_owned()),
            None => {
                let known: Vec<&str> = self.named.iter().map(|(n, _)| n.as_str()).collect();
                let d = Diagnostic::error(916, "unknown-output", format!("there is no output `{name}`"));
                Err(d.note(format!("the outputs are {}", crate::loader::list(&known))).into())
            }
        }
    }

    /// Names and results, in the order of the result list.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.named.iter().map(|(n, t)| (n.as_str(), t))
    }

    /// The results, in order.
    #[must_use]
    pub fn into_tensors(self) -> Vec<Tensor> {
        self.named.into_iter().map(|(_, t)| t).collect()
    }
}

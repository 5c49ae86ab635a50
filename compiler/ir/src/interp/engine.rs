//! The walk over a specialised tensor module, for any arithmetic.

use super::fault::{self, RunFault};
use crate::dtype::DType;
use crate::entity::{EntityRef, Index, Tensor};
use crate::scalar::eval::ScalarFault;
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::Value;
use crate::span::Span;
use crate::tensor::{Definition, Equation, Module, Scan, Table};

/// What a module is evaluated in.
///
/// A value may be doubtful: it depends on a decision about floats that an equally good evaluation might take the other way.
pub(super) trait Arithmetic {
    /// A value.
    type V: Copy;
    /// A sum under way.
    type Sum;

    /// An exact value.
    fn lift(value: Value) -> Self::V;
    /// The bool or integer that a value is.
    fn exact(v: &Self::V) -> Value;
    fn unary(function: UnaryFn, x: Self::V, result: DType) -> Self::V;
    fn binary(function: BinaryFn, a: Self::V, b: Self::V) -> Result<Self::V, ScalarFault>;
    fn cast(x: Self::V, dtype: DType) -> Self::V;
    fn is_doubtful(v: &Self::V) -> bool;
    fn doubt(v: Self::V) -> Self::V;
    fn sum_new(dtype: DType) -> Self::Sum;
    fn sum_add(sum: &mut Self::Sum, v: Self::V);
    fn sum_done(sum: Self::Sum) -> Self::V;
    /// Whether every implementation gets the same value.
    fn is_exact(v: &Self::V) -> bool;
    /// The value, rounded to its dtype.
    fn rounded(v: &Self::V) -> Value;
    /// A value that a function of whole tensors gives.
    fn of_library(value: Value, quality: super::multi::Quality) -> Self::V;
}

/// A tensor under evaluation; `None` is a value that is unspecified and must not be read.
#[derive(Clone, Debug)]
pub(super) struct Store<V> {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<Option<V>>,
}

impl<V: Copy> Store<V> {
    fn unspecified(shape: Vec<usize>) -> Self {
        let n = shape.iter().product();
        Self { shape, values: vec![None; n] }
    }
}

/// The state of an evaluation.
pub(super) struct Engine<'a, A: Arithmetic> {
    pub(super) module: &'a Module,
    /// Current value of each index.
    pub(super) env: Vec<i64>,
    pub(super) stores: Vec<Option<Store<A::V>>>,
    /// Values at the end of the previous step, of the states of the scans around.
    pub(super) previous: Vec<Option<Store<A::V>>>,
    /// Indices of the scans around.
    active: Vec<Index>,
    /// States without `from` of scans that had no step.
    pub(super) stateless: Vec<Tensor>,
    /// Operands of the reducer under evaluation.
    pub(super) operands: Option<[A::V; 2]>,
}

/// Index ranges, stepped through with the last fastest.
pub(super) struct Odometer {
    ranges: Vec<(Index, i64, i64)>,
}

impl Odometer {
    /// Sets the indices to their first values; `None` if one has no value.
    pub(super) fn start(ranges: Vec<(Index, i64, i64)>, env: &mut [i64]) -> Option<Self> {
        for &(index, lo, hi) in &ranges {
            if lo >= hi {
                return None;
            }
            env[index.index()] = lo;
        }
        Some(Self { ranges })
    }

    /// Steps on; false after the last combination.
    pub(super) fn advance(&self, env: &mut [i64]) -> bool {
        for &(index, lo, hi) in self.ranges.iter().rev() {
            let value = &mut env[index.index()];
            *value += 1;
            if *value < hi {
                return true;
            }
            *value = lo;
        }
        false
    }
}

impl<'a, A: Arithmetic> Engine<'a, A> {
    pub(super) fn new(module: &'a Module) -> Self {
        let n = module.tensors.len();
        Self {
            module,
            env: vec![0; module.indices.len()],
            stores: (0..n).map(|_| None).collect(),
            previous: (0..n).map(|_| None).collect(),
            active: Vec::new(),
            stateless: Vec::new(),
            operands: None,
        }
    }

    /// Sets a parameter.
    pub(super) fn bind(&mut self, tensor: Tensor, data: &super::Data) -> Result<(), RunFault> {
        let decl = &self.module.tensors[tensor];
        if decl.dtype != data.dtype || self.shape_of(tensor)? != data.shape || data.values.len() != data.shape.iter().product::<usize>() {
            return Err(RunFault::internal(format!("the input `{}` has another dtype or shape", decl.name), decl.span));
        }
        let values = data.values.iter().map(|v| Some(A::lift(*v))).collect();
        self.stores[tensor.index()] = Some(Store { shape: data.shape.clone(), values });
        Ok(())
    }

    pub(super) fn shape_of(&self, tensor: Tensor) -> Result<Vec<usize>, RunFault> {
        let decl = &self.module.tensors[tensor];
        let axes = decl.literal_axes().ok_or_else(|| RunFault::internal(format!("`{}` is not specialised", decl.name), decl.span))?;
        Ok(axes.into_iter().map(|n| n as usize).collect())
    }

    pub(super) fn range_of(&self, index: Index) -> Result<(Index, i64, i64), RunFault> {
        let decl = &self.module.indices[index];
        let (lo, hi) = decl.literal_range().ok_or_else(|| RunFault::internal(format!("`{}` is not specialised", decl.name), decl.span))?;
        Ok((index, lo, hi))
    }

    /// Carries out definitions in order.
    pub(super) fn define_all(&mut self, body: &[Definition]) -> Result<(), RunFault> {
        for definition in body {
            match definition {
                Definition::Equation(equation) => self.equation(equation)?,
                Definition::Scan(scan) => self.scan(scan)?,
                Definition::Table(table) => self.table(table)?,
                Definition::Multi(multi) => self.multi(multi)?,
                Definition::Generate(generate) => {
                    let message = format!("`{}` is not specialised", generate.generator.name());
                    return Err(RunFault::internal(message, generate.span));
                }
            }
        }
        Ok(())
    }

    fn table(&mut self, table: &Table) -> Result<(), RunFault> {
        let shape = self.shape_of(table.out)?;
        let dtype = self.module.tensors[table.out].dtype;
        let values = table.values.iter().map(|l| Some(A::lift(Value::from_literal(*l, dtype)))).collect();
        self.stores[table.out.index()] = Some(Store { shape, values });
        Ok(())
    }

    fn equation(&mut self, equation: &Equation) -> Result<(), RunFault> {
        let slot = equation.out.index();
        let in_steps = equation.indices.iter().any(|i| self.active.contains(i));
        // A tensor that a scan stacks keeps the slices of the other steps.
        let mut store = match self.stores[slot].take() {
            Some(store) if in_steps => store,
            _ => Store::unspecified(self.shape_of(equation.out)?),
        };
        let free: Vec<Index> = equation.indices.iter().copied().filter(|i| !self.active.contains(i)).collect();
        let ranges = free.iter().map(|i| self.range_of(*i)).collect::<Result<_, _>>()?;
        if let Some(odometer) = Odometer::start(ranges, &mut self.env) {
            loop {
                let position = self.position(&store.shape, &equation.indices, equation.span)?;
                store.values[position] = self.element(equation)?;
                if !odometer.advance(&mut self.env) {
                    break;
                }
            }
        }
        self.stores[slot] = Some(store);
        Ok(())
    }

    /// Row-major position of the element at the current values of the indices.
    fn position(&self, shape: &[usize], indices: &[Index], span: Span) -> Result<usize, RunFault> {
        let mut position = 0;
        for (index, size) in indices.iter().zip(shape) {
            let at = usize::try_from(self.env[index.index()]).ok().filter(|n| n < size);
            position = position * size + at.ok_or_else(|| RunFault::internal(format!("{index} leaves the axis that it defines"), span))?;
        }
        Ok(position)
    }

    /// The element at the current values of the indices; `None` outside the domain.
    fn element(&mut self, equation: &Equation) -> Result<Option<A::V>, RunFault> {
        if let Some(domain) = &equation.domain
            && !self.truth(domain)?.0
        {
            return Ok(None);
        }
        let dtype = self.module.tensors[equation.out].dtype;
        let value = match &equation.reduce {
            Some(reduce) => self.reduce(reduce, &equation.body, equation.span)?,
            None => self.eval(&equation.body)?,
        };
        Ok(Some(A::cast(value, dtype)))
    }

    fn scan(&mut self, scan: &Scan) -> Result<(), RunFault> {
        let (_, lo, hi) = self.range_of(scan.index)?;
        self.begin_scan(scan)?;
        self.active.push(scan.index);
        for n in 0..(hi - lo).max(0) {
            self.env[scan.index.index()] = if scan.reverse { hi - 1 - n } else { lo + n };
            if n > 0 {
                for state in &scan.states {
                    // Its equation comes later in the step, and nothing but `prev` reads it before.
                    self.previous[state.tensor.index()] = self.stores[state.tensor.index()].take();
                }
            }
            self.define_all(&scan.body)?;
        }
        self.active.pop();
        for state in &scan.states {
            self.previous[state.tensor.index()] = None;
        }
        Ok(())
    }

    /// Gives states their initial values, which they keep if there is no step, and makes room for stacked tensors.
    fn begin_scan(&mut self, scan: &Scan) -> Result<(), RunFault> {
        for state in &scan.states {
            let slot = state.tensor.index();
            let init = state.init.and_then(|t| self.stores[t.index()].clone());
            if init.is_none() {
                self.stateless.push(state.tensor);
            }
            self.previous[slot].clone_from(&init);
            let store = match init {
                Some(init) => init,
                None => Store::unspecified(self.shape_of(state.tensor)?),
            };
            self.stores[slot] = Some(store);
        }
        for stacked in &scan.stacked {
            let slot = stacked.tensor.index();
            if self.stores[slot].is_none() {
                self.stores[slot] = Some(Store::unspecified(self.shape_of(stacked.tensor)?));
            }
        }
        Ok(())
    }
}

impl<A: Arithmetic> Engine<'_, A> {
    /// Binds the inputs and carries out the module.
    pub(super) fn run(&mut self, inputs: &[super::Data]) -> Result<(), RunFault> {
        let module = self.module;
        if inputs.len() != module.params.len() {
            let message = format!("{} inputs for {} parameters", inputs.len(), module.params.len());
            return Err(RunFault::internal(message, Span::default()));
        }
        for (&param, data) in module.params.iter().zip(inputs) {
            self.bind(param, data)?;
        }
        self.define_all(&module.body)
    }

    /// The shape and the values of a result.
    pub(super) fn take_result(&self, tensor: Tensor) -> Result<(Vec<usize>, Vec<A::V>), RunFault> {
        let decl = &self.module.tensors[tensor];
        let store = self.stores[tensor.index()].as_ref();
        let store = store.ok_or_else(|| RunFault::internal(format!("`{}` is not defined", decl.name), decl.span))?;
        let values: Option<Vec<A::V>> = store.values.iter().copied().collect();
        let values = values.ok_or_else(|| {
            let no_state = self.stateless.contains(&tensor);
            let code = if no_state { fault::NO_STATE } else { fault::INTERNAL };
            RunFault::new(code, format!("an element of `{}` has no value", decl.name), decl.span)
        })?;
        Ok((store.shape.clone(), values))
    }
}

//! Evaluation as declared: each operation rounded to its dtype, sums in index order in the accumulator.

use super::data::Data;
use super::engine::{Arithmetic, Engine};
use super::fault::RunFault;
use super::multi::Quality;
use crate::dtype::DType;
use crate::entity::EntityRef;
use crate::scalar::approx::exact;
use crate::scalar::eval::{ScalarFault, cast, eval_binary, eval_unary};
use crate::scalar::function::{BinaryFn, UnaryFn};
use crate::scalar::value::Value;
use crate::tensor::{Definition, Module};
use crate::verified::Verified;

/// The arithmetic that programs declare.
struct Declared;

impl Arithmetic for Declared {
    type V = Value;
    type Sum = Value;

    fn lift(value: Value) -> Value {
        value
    }
    fn exact(v: &Value) -> Value {
        *v
    }
    fn unary(function: UnaryFn, x: Value, result: DType) -> Value {
        eval_unary(function, x, result)
    }
    fn binary(function: BinaryFn, a: Value, b: Value) -> Result<Value, ScalarFault> {
        eval_binary(function, a, b)
    }
    fn cast(x: Value, dtype: DType) -> Value {
        cast(x, dtype)
    }
    fn is_doubtful(_: &Value) -> bool {
        false
    }
    fn doubt(v: Value) -> Value {
        v
    }
    fn sum_new(dtype: DType) -> Value {
        Value::small(0, dtype)
    }
    fn sum_add(sum: &mut Value, v: Value) {
        if let Ok(next) = eval_binary(BinaryFn::Add, *sum, v) {
            *sum = next;
        }
    }
    fn sum_done(sum: Value) -> Value {
        sum
    }
    fn is_exact(_: &Value) -> bool {
        true
    }
    fn rounded(v: &Value) -> Value {
        *v
    }
    fn of_library(value: Value, _: Quality) -> Value {
        value
    }
}

/// Runs a specialised module on inputs in the order of its parameters; the answers are in the order of its results.
///
/// An element that is outside the domain of its equation must not be in a result.
///
/// # Errors
/// The first fault in the order of evaluation, or [`super::fault::INTERNAL`] if the inputs do not fit the module or a promise
/// that its verifier cannot check is broken: a subscript outside its axis, a value read outside its domain.
pub fn run(module: &Verified<Module>, inputs: &[Data]) -> Result<Vec<Data>, RunFault> {
    let module = exact(module);
    let mut engine = Engine::<Declared>::new(&module);
    engine.run(inputs)?;
    let mut results = Vec::with_capacity(module.results.len());
    for &tensor in &module.results {
        let (shape, values) = engine.take_result(tensor)?;
        results.push(Data::new(module.tensors[tensor].dtype, shape, values));
    }
    Ok(results)
}

/// The values of definitions that read no input, in order; `None` for one that faults, or that reads what does.
///
/// Elements outside a domain, which nobody reads, are 0. The sizes of the module must be literal.
#[must_use]
pub fn constants(module: &Module, body: &[Definition]) -> Vec<Option<Data>> {
    let mut engine = Engine::<Declared>::new(module);
    let value = |definition| {
        engine.define_all(std::slice::from_ref(definition)).ok()?;
        let out = match definition {
            Definition::Equation(equation) => equation.out,
            Definition::Table(table) => table.out,
            Definition::Scan(_) | Definition::Multi(_) | Definition::Generate(_) => return None,
        };
        let (dtype, store) = (module.tensors[out].dtype, engine.stores[out.index()].as_ref()?);
        let values = store.values.iter().map(|v| v.unwrap_or(Value::small(0, dtype))).collect();
        Some(Data::new(dtype, store.shape.clone(), values))
    };
    body.iter().map(value).collect()
}

#[cfg(test)]
pub(crate) mod tests;

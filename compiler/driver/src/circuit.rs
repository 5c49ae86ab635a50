//! Programs over integers that are encrypted one by one: from a function to a circuit, and that carried out in the clear.

use crate::error::Error;
use crate::function::Function;
use crate::packed::PackOptions;
use crate::pipeline::{self, CircuitOf};
use ein_ir::circuit::Circuit;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::interp::{self, Data};
use ein_ir::scalar::value::Value;
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;
use ein_runtime::{AlignedBuf, Tensor, TensorRef};

/// A circuit that its verifier has passed.
pub type VerifiedCircuit = Verified<Circuit>;

impl Function {
    /// The circuit of this function for given sizes.
    ///
    /// # Errors
    /// E0306 if a size is missing, E0190 and E07xx for what integers on ciphertexts cannot do.
    pub fn circuit(&self, sizes: &[(&str, i64)]) -> Result<VerifiedCircuit, Error> {
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        self.circuit_for(&vec![None; self.inputs().len()], &given)
    }

    /// The circuits that [`Function::circuit`] chooses from: of every plan that is another one, the best first.
    ///
    /// # Errors
    /// As [`Function::circuit`].
    pub fn circuits(&self, sizes: &[(&str, i64)]) -> Result<Vec<CircuitOf>, Error> {
        let given: Vec<(String, i64)> = sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        let module = self.secrets_for(&vec![None; self.inputs().len()], &given)?;
        pipeline::circuits(&module, &self.shared().options).map_err(|found| self.located(found))
    }

    fn secrets_for(&self, shapes: &[Option<&[usize]>], sizes: &[(String, i64)]) -> Result<Verified<Module>, Error> {
        let module = self.literal(shapes, sizes)?;
        self.with_secrets(module.into_inner(), &PackOptions::default())
    }

    fn circuit_for(&self, shapes: &[Option<&[usize]>], sizes: &[(String, i64)]) -> Result<VerifiedCircuit, Error> {
        let module = self.secrets_for(shapes, sizes)?;
        pipeline::circuit(&module, &self.shared().options).map_err(|found| self.located(found))
    }

    /// The circuit for inputs of these shapes, and its results: those that no circuit has, because they are no integers and nothing in them is
    /// secret, are left out.
    ///
    /// # Errors
    /// As [`Function::circuit`]; a missing input, or one with an element out of its range.
    pub fn simulate_circuit(
        &self,
        inputs: &[(&str, TensorRef<'_>)],
        sizes: &[(String, i64)],
    ) -> Result<(VerifiedCircuit, Vec<(String, Tensor)>), Error> {
        let find = |name: &str| inputs.iter().find(|(given, _)| *given == name).map(|(_, tensor)| tensor);
        let shapes: Vec<Option<&[usize]>> = self.inputs().into_iter().map(|name| find(name).map(TensorRef::shape)).collect();
        let circuit = self.circuit_for(&shapes, sizes)?;
        let mut operands = Vec::new();
        for decl in circuit.inputs.values() {
            let missing = || Error::from(ein_runtime::Error::MissingInput { name: decl.name.clone() });
            operands.push(integers(find(&decl.name).ok_or_else(missing)?)?);
        }
        let found = interp::circuit::run(&circuit, &operands).map_err(|e| {
            let message = format!("the circuit does not hold these operands: {e}");
            Error::from(Diagnostic::error(717, "he-width", message).help("every element in the range that is stated"))
        })?;
        let results = circuit.outputs.iter().zip(found).map(|(output, numbers)| {
            let shape: Vec<usize> = output.shape.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
            Ok((output.name.clone(), tensor(output.dtype, shape, &numbers)?))
        });
        let results = results.collect::<Result<_, Error>>()?;
        Ok((circuit, results))
    }
}

/// Elements as integers, truth values as 0 and 1.
fn integers(tensor: &TensorRef<'_>) -> Result<Vec<i128>, Error> {
    let tensor = tensor.to_tensor()?;
    let refused = || Error::from(Diagnostic::error(716, "he-dtype", format!("an array of {} has no integers", tensor.dtype())));
    let data = Data::from_bytes(tensor.dtype(), tensor.shape().to_vec(), tensor.as_bytes()).ok_or_else(refused)?;
    let number = |value: &Value| match *value {
        Value::Bool(truth) => Some(i128::from(truth)),
        Value::Int(n, _) => Some(n),
        Value::Float(..) | Value::Complex(..) | Value::Key(_) => None,
    };
    data.values.iter().map(number).collect::<Option<_>>().ok_or_else(refused)
}

fn tensor(dtype: DType, shape: Vec<usize>, numbers: &[i128]) -> Result<Tensor, Error> {
    let value = |n: &i128| if dtype == DType::Bool { Value::Bool(*n != 0) } else { Value::int(*n, dtype) };
    let data = Data::new(dtype, shape, numbers.iter().map(value).collect());
    Ok(Tensor::from_bytes(dtype, &data.shape, AlignedBuf::copy_of(&data.to_bytes())?)?)
}

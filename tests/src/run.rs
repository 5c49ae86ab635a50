//! A program of a fixture, interpreted and compiled.

use crate::compare::close;
use crate::fixture::ProgramCase;
use crate::oracle;
use ein::{Bound, Compiler, Error, Program, Tensor, TensorRef};
use ein_syntax::CheckedProgram;

/// Results of the interpreter, by name.
///
/// # Errors
/// What the front end or the interpreter says.
pub fn interpret(case: &ProgramCase) -> Result<Vec<(String, Tensor)>, String> {
    interpret_in(&oracle::checked(&case.source).map_err(|d| Error::from(d).to_string())?, case)
}

/// As [`interpret`], of a program that has been checked.
///
/// # Errors
/// As [`interpret`].
pub fn interpret_in(program: &CheckedProgram, case: &ProgramCase) -> Result<Vec<(String, Tensor)>, String> {
    let last = program.defs().last().map(|s| (*s).to_owned()).unwrap_or_default();
    let def = case.def.as_deref().unwrap_or(&last);
    let generic = program.lower(def).map_err(|d| Error::from(d).to_string())?;
    let named = |t: &ein_ir::entity::Tensor| generic.tensors[*t].name.clone();
    let find = |name: String| case.inputs.iter().find(|(n, _)| *n == name).map(|(_, t)| t.try_clone().expect("small"));
    let inputs: Option<Vec<Tensor>> = generic.params.iter().map(|t| find(named(t))).collect();
    let inputs = inputs.ok_or_else(|| "an input is missing".to_owned())?;
    let shapes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
    let generic = oracle::lower_for(program, Some(def), &shapes).map_err(|d| Error::from(d).to_string())?;
    // Indices are given in any integer type.
    let dtypes: Vec<_> = inputs.iter().map(|t| Some(t.dtype())).collect();
    let generic = ein_ir::tensor::retype(&generic, &dtypes).map_err(|e| format!("{e:?}"))?;
    let module = oracle::specialise(&generic, &shapes, &case.sizes).map_err(|d| Error::from(d).to_string())?;
    let results = oracle::interpret(&module, &inputs).map_err(|f| format!("{f:?}"))?;
    Ok(generic.results.iter().map(named).zip(results).collect())
}

/// Results of compiled code, by name.
///
/// # Errors
/// What the compiler or the run says.
pub fn compiled(case: &ProgramCase, compiler: &Compiler) -> Result<Vec<(String, Tensor)>, Error> {
    compiled_in(&compiler.compile(&case.source)?, case)
}

/// As [`compiled`], of a program that has been compiled.
///
/// # Errors
/// As [`compiled`].
pub fn compiled_in(program: &Program, case: &ProgramCase) -> Result<Vec<(String, Tensor)>, Error> {
    let bound = bound_in(program, case)?;
    let outputs = bound.call(&views(&bound, case))?;
    let names: Vec<String> = outputs.iter().map(|(name, _)| name.to_owned()).collect();
    Ok(names.into_iter().zip(outputs.into_tensors()).collect())
}

/// The code of the case's definition for its inputs.
///
/// # Errors
/// What the compiler says.
pub fn bound_in(program: &Program, case: &ProgramCase) -> Result<Bound, Error> {
    let function = case.def.as_ref().map_or_else(|| program.main_def(), |name| program.def(name))?;
    let mut binder = case.sizes.iter().fold(function.bind(), |binder, (name, n)| binder.size(name, *n));
    for (name, tensor) in &case.inputs {
        binder = binder.input(name, &tensor.into())?;
    }
    binder.build()
}

/// The inputs of the case in the order in which its code takes them.
///
/// # Panics
/// If the code is not that of the case.
#[must_use]
pub fn views<'c>(bound: &Bound, case: &'c ProgramCase) -> Vec<TensorRef<'c>> {
    let find = |name: &str| TensorRef::from(&case.inputs.iter().find(|(n, _)| n == name).expect("bound by name").1);
    bound.inputs().into_iter().map(find).collect()
}

/// Whether results are those of the case, within its tolerance; `who` made them.
///
/// # Errors
/// The first result that is missing or differs.
pub fn judge(case: &ProgramCase, who: &str, got: &[(String, Tensor)]) -> Result<(), String> {
    for (name, expected) in &case.outputs {
        let at = format!("{who}: {}, result `{name}`", case.name);
        let (_, tensor) = got.iter().find(|(n, _)| n == name).ok_or_else(|| format!("{at} is missing"))?;
        close(tensor, expected, case.tolerance).map_err(|e| format!("{at}: {e}"))?;
    }
    Ok(())
}

/// Whether two runs, on one thread and on two, gave the same results bit for bit.
///
/// # Errors
/// That they did not.
pub fn same_bits(case: &ProgramCase, who: &str, one: &[(String, Tensor)], two: &[(String, Tensor)]) -> Result<(), String> {
    let bits = |results: &[(String, Tensor)]| results.iter().map(|(_, t)| t.as_bytes().to_vec()).collect::<Vec<_>>();
    if bits(one) == bits(two) { Ok(()) } else { Err(format!("{who}: {}: two threads give other bits", case.name)) }
}

/// Panics with every failure of a list of checks at once.
///
/// # Panics
/// If there is one.
pub fn all(results: impl Iterator<Item = Result<(), String>>) {
    let failures: Vec<String> = results.filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

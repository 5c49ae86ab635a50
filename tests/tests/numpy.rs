//! What numpy computes, from the interpreter and from compiled code.

use ein::{Compiler, Error, Tensor, TensorRef};
use ein_tests::compare::{close, same};
use ein_tests::fixture::{EinsumCase, ProgramCase, einsum_cases, program_cases};
use ein_tests::oracle;
use ein_tests::store::Stored;

/// Reports every failure of a list of checks at once.
fn all(results: impl Iterator<Item = Result<(), String>>) {
    let failures: Vec<String> = results.filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

fn judge(case: &EinsumCase, who: &str, got: Result<Tensor, String>) -> Result<(), String> {
    let shapes: Vec<&[usize]> = case.operands.iter().map(Tensor::shape).collect();
    let at = format!("{who}: {:?} of {shapes:?}", case.equation);
    match (&case.expected, got) {
        (Some(expected), Ok(got)) => same(&got, expected).map_err(|e| format!("{at}: {e}")),
        (Some(_), Err(error)) => Err(format!("{at}: {error}")),
        (None, Ok(_)) => Err(format!("{at}: numpy refuses it")),
        (None, Err(error)) if error.contains("E01") => Ok(()),
        (None, Err(error)) => Err(format!("{at}: numpy refuses it, and so do we, but with {error}")),
    }
}

#[test]
fn einsum_interpreted() {
    all(einsum_cases().iter().filter(|case| case.is_small()).map(|case| {
        let shapes: Vec<&[usize]> = case.operands.iter().map(Tensor::shape).collect();
        let dtypes: Vec<ein::DType> = case.operands.iter().map(Tensor::dtype).collect();
        let interpret = || -> Result<Tensor, String> {
            let module = ein_syntax::einsum::parse_einsum(&case.equation)
                .and_then(|string| ein_syntax::einsum::resolve(&string, &shapes))
                .and_then(|spec| ein_syntax::einsum::lower(&spec, &shapes, &dtypes))
                .map_err(|d| d.to_string())?;
            let module = oracle::specialise(&module, &shapes, &[]).map_err(|d| format!("{d:?}"))?;
            let mut results = oracle::interpret(&module, &case.operands).map_err(|f| format!("{f:?}"))?;
            Ok(results.swap_remove(0))
        };
        judge(case, "interpreter", interpret())
    }));
}

#[test]
fn einsum_compiled() {
    all(einsum_cases().iter().map(|case| {
        let stored = case.stored();
        let views: Vec<TensorRef<'_>> = stored.iter().map(Stored::view).collect();
        let compiler = Compiler::new().threads(1);
        let got = ein::Einsum::with_compiler(&case.equation, compiler).and_then(|e| e.call(&views));
        judge(case, "compiled", got.map_err(|e| e.to_string()))
    }));
}

/// Programs with constructs that are not in this version; each is refused with E0190 until it is.
const LATER: [&str; 4] = ["argmax", "casts of floats", "casts of integers", "bits"];

/// The programs of this version.
fn programs() -> Vec<ProgramCase> {
    program_cases().into_iter().filter(|case| !LATER.contains(&case.name.as_str())).collect()
}

#[test]
fn programs_of_later_versions_are_refused() {
    for case in program_cases().iter().filter(|case| LATER.contains(&case.name.as_str())) {
        let refused = oracle::module(&case.source, case.def.as_deref()).expect_err("remove it from the list");
        assert!(refused.iter().all(|d| d.code.0 == 190), "{}: {refused:?}", case.name);
    }
}

fn outputs(case: &ProgramCase, who: &str, got: &[(String, Tensor)]) -> Result<(), String> {
    for (name, expected) in &case.outputs {
        let at = format!("{who}: {}, result `{name}`", case.name);
        let (_, tensor) = got.iter().find(|(n, _)| n == name).ok_or_else(|| format!("{at} is missing"))?;
        close(tensor, expected, case.tolerance).map_err(|e| format!("{at}: {e}"))?;
    }
    Ok(())
}

#[test]
fn programs_interpreted() {
    all(programs().iter().map(|case| {
        let failed = |e: String| format!("interpreter: {}: {e}", case.name);
        let generic = oracle::module(&case.source, case.def.as_deref()).map_err(|d| failed(Error::from(d).to_string()))?;
        let named = |t: &ein_ir::entity::Tensor| generic.tensors[*t].name.clone();
        let find = |name: String| case.inputs.iter().find(|(n, _)| *n == name).map(|(_, t)| t.try_clone().expect("small"));
        let inputs: Option<Vec<Tensor>> = generic.params.iter().map(|t| find(named(t))).collect();
        let inputs = inputs.ok_or_else(|| failed("an input is missing".to_owned()))?;
        let shapes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
        let module = oracle::specialise(&generic, &shapes, &case.sizes).map_err(|d| failed(Error::from(d).to_string()))?;
        let results = oracle::interpret(&module, &inputs).map_err(|f| failed(format!("{f:?}")))?;
        outputs(case, "interpreter", &generic.results.iter().map(named).zip(results).collect::<Vec<_>>())
    }));
}

#[test]
fn programs_compiled() {
    for opt_level in [0, 1] {
        all(programs().iter().map(|case| {
            let who = format!("-O{opt_level}");
            let run = || -> Result<Vec<(String, Tensor)>, Error> {
                let program = Compiler::new().threads(1).opt_level(opt_level).compile(&case.source)?;
                let function = case.def.as_ref().map_or_else(|| program.main_def(), |name| program.def(name))?;
                let mut binder = function.bind();
                for (name, n) in &case.sizes {
                    binder = binder.size(name, *n);
                }
                for (name, tensor) in &case.inputs {
                    binder = binder.input(name, &tensor.into())?;
                }
                let bound = binder.build()?;
                let find = |name: &str| TensorRef::from(&case.inputs.iter().find(|(n, _)| n == name).expect("bound by name").1);
                let views: Vec<TensorRef<'_>> = bound.inputs().into_iter().map(find).collect();
                let names: Vec<String> = function.outputs().iter().map(|n| (*n).to_owned()).collect();
                Ok(names.into_iter().zip(bound.call(&views)?.into_tensors()).collect())
            };
            outputs(case, &who, &run().map_err(|e| format!("{who}: {}: {}", case.name, e.render(false)))?)
        }));
    }
}

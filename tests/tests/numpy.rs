//! What numpy computes, from the interpreter and from compiled code.

use ein::{Compiler, Tensor, TensorRef};
use ein_tests::compare::same;
use ein_tests::fixture::{EinsumCase, einsum_cases, program_cases};
use ein_tests::oracle;
use ein_tests::run::{self, all};
use ein_tests::store::Stored;

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

#[test]
fn programs_interpreted() {
    all(program_cases().iter().map(|case| {
        let got = run::interpret(case).map_err(|e| format!("interpreter: {}: {e}", case.name))?;
        run::judge(case, "interpreter", &got)
    }));
}

#[test]
fn programs_compiled() {
    for opt_level in [0, 1] {
        let (who, compiler) = (format!("-O{opt_level}"), Compiler::new().threads(1).opt_level(opt_level));
        all(program_cases().iter().map(|case| {
            let got = run::compiled(case, &compiler).map_err(|e| format!("{who}: {}: {}", case.name, e.render(false)))?;
            run::judge(case, &who, &got)
        }));
    }
}

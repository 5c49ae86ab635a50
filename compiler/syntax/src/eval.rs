//! One equation on given arrays: `ein eval 'C[i,k] = A[i,j] * B[j,k]' A=a.npy B=b.npy`.
//!
//! Dims are the sizes of the arrays, as literals: an index that two axes of different sizes share is E0301 with both sizes,
//! and bounds are exact. The element type of the result is that of the right side, or the one that the equation states.

use crate::ast::{Bind, Statement};
use crate::check::program::{Outcome, ProgramScope};
use crate::check::refuse::{first_refusal, refuse_dtype};
use crate::check::scope::{Elaborator, Meaning};
use crate::error::sums::error;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::extent::Extent;
use ein_ir::span::Span;
use ein_ir::tensor::{Module, TensorDecl};
use ein_ir::verified::Verified;

/// The tensor IR of one equation on arrays of these names, element types and shapes; its one result is the tensor it defines.
///
/// # Errors
/// As [`crate::check()`]; E0190 for an element type that this version does not have.
pub fn eval_module(bind: &Bind, inputs: &[(String, DType, Vec<usize>)]) -> Result<Verified<Module>, Vec<Diagnostic>> {
    let place = bind.span;
    if let Some(refusal) = inputs.iter().find_map(|(_, dtype, _)| refuse_dtype(*dtype, place)) {
        return Err(vec![refusal]);
    }
    if let Some(refusal) = first_refusal(&as_def(bind)) {
        return Err(vec![refusal]);
    }
    let program = ProgramScope::empty();
    let mut elaborator = Elaborator::new(&program, bind.name.as_str());
    for (name, dtype, shape) in inputs {
        declare_input(&mut elaborator, name, *dtype, shape, bind)?;
    }
    match elaborator.only_equation(bind) {
        Outcome::Right(elaborated) => Ok(elaborated.module.clone()),
        Outcome::Refused(errors) | Outcome::Wrong(errors) => Err(errors),
        Outcome::Active => Err(Vec::new()),
    }
}

fn declare_input(e: &mut Elaborator<'_>, name: &str, dtype: DType, shape: &[usize], bind: &Bind) -> Result<(), Vec<Diagnostic>> {
    if name == bind.name.as_str() {
        let found = error(206, format!("`{name}` is an input and defined by the equation")).at(bind.name.span, "defined here");
        return Err(vec![found.help("another name on the left side")]);
    }
    let axes = shape.iter().map(|n| Extent::constant(*n as i128)).collect();
    // An input has no place in the text: an empty span at its beginning.
    let tensor = e.module.tensors.push(TensorDecl::new(name, dtype, axes, Span::default()));
    e.declare(name, Span::default(), "input", Meaning::Tensor(tensor));
    e.defined.insert(tensor);
    e.module.params.push(tensor);
    Ok(())
}

fn as_def(bind: &Bind) -> crate::ast::Def {
    crate::ast::Def {
        name: bind.name.clone(),
        generics: Vec::new(),
        params: Vec::new(),
        results: Vec::new(),
        wheres: Vec::new(),
        body: vec![Statement::Bind(bind.clone())],
        span: bind.span,
    }
}

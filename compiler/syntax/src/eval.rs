//! One equation on given arrays: `ein eval 'C[i,k] = A[i,j] * B[j,k]' A=a.npy B=b.npy`.
//!
//! Dims are the sizes of the arrays, as literals: an index that two axes of different sizes share is E0301 with both sizes,
//! and bounds are exact. The element type of the result is that of the right side, or the one that the equation states.

use crate::ast::Bind;
use crate::check::program::{Outcome, ProgramScope};
use crate::check::refuse::{first_refusal_of_equation, refuse_dtype};
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
    if let Some(refusal) = first_refusal_of_equation(bind) {
        return Err(vec![refusal]);
    }
    let program = ProgramScope::empty();
    let mut elaborator = Elaborator::new(&program, 0, bind.name.as_str());
    for (name, dtype, shape) in inputs {
        declare_input(&mut elaborator, name, *dtype, shape, bind)?;
    }
    match elaborator.only_equation(bind) {
        Outcome::Right(elaborated) => Ok(elaborated.module.clone()),
        Outcome::Refused(errors) | Outcome::Wrong(errors) => Err(errors.into_iter().map(without_inputs).collect()),
        Outcome::Active | Outcome::TooDeep => Err(Vec::new()),
    }
}

/// What a message says, less the places of inputs, which have none.
fn without_inputs(mut found: Diagnostic) -> Diagnostic {
    found.others.retain(|label| label.span != Span::default());
    found
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_equation;
    use ein_ir::span::FileId;

    fn eval(equation: &str, inputs: &[(&str, DType, &[usize])]) -> Result<String, String> {
        let bind = parse_equation(equation, FileId(0)).expect("parses");
        let inputs: Vec<_> = inputs.iter().map(|(n, d, s)| ((*n).to_owned(), *d, s.to_vec())).collect();
        let lines = |d: Vec<Diagnostic>| d.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let module = eval_module(&bind, &inputs).map_err(lines)?;
        let text = module.to_string();
        let body = text.lines().filter(|l| l.starts_with('t') || l.starts_with("results"));
        Ok(body.map(|l| l.split(" @").next().unwrap_or_default()).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn dims_and_dtypes_are_those_of_the_arrays() {
        let found = eval("C[i,k] = A[i,j] * B[j,k]", &[("A", DType::F32, &[2, 3]), ("B", DType::F32, &[3, 4])]);
        let expected = "tensor t0 \"A\" f32[2, 3]\ntensor t1 \"B\" f32[3, 4]\ntensor t2 \"C\" f32[2, 4]\nresults (t2)\n\
                        t2[i0, i1] = sum:f32[i2]((t0[i0, i2] * t1[i2, i1]))";
        assert_eq!(found.as_deref(), Ok(expected));
    }

    #[test]
    fn sizes_that_disagree_are_both_named() {
        let found = eval("C[i,k] = A[i,j] * B[j,k]", &[("A", DType::F32, &[2, 3]), ("B", DType::F32, &[4, 4])]);
        assert_eq!(found, Err("E0301: index `j` has size 3 in `A` but 4 in `B`".to_owned()));
    }

    #[test]
    fn an_input_has_no_place_in_the_equation() {
        let bind = parse_equation("c[i: 2] = A[i]", FileId(0)).expect("parses");
        let found = eval_module(&bind, &[("A".to_owned(), DType::F32, vec![3])]).expect_err("3 is not 2");
        let labels: Vec<&str> = found[0].others.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(labels, ["`2` stated here"], "{found:?}");
    }

    #[test]
    fn bounds_are_exact() {
        let found = eval("d[i: 3] = a[2*i + 1]", &[("a", DType::F64, &[6])]);
        assert!(found.is_ok(), "{found:?}");
        let found = eval("d[i: 4] = a[2*i + 1]", &[("a", DType::F64, &[6])]);
        assert_eq!(found, Err("E0303: `2*i + 1` reaches 7, and axis 0 of `a` has size 6".to_owned()));
    }

    #[test]
    fn what_cannot_be_evaluated_is_refused() {
        let found = eval("d = a[i] * a[i]", &[("a", DType::Key, &[6])]);
        assert_eq!(found, Err("E0190: the element type key is not in this version of the compiler".to_owned()));
        let found = eval("a[i] = a[i] + 1", &[("a", DType::F32, &[6])]);
        assert_eq!(found, Err("E0206: `a` is an input and defined by the equation".to_owned()));
        let found = eval("y = exp(a[i])", &[("a", DType::F32, &[6])]);
        assert_eq!(found, Err("E0201: index `i` occurs once".to_owned()));
    }
}

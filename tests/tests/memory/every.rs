//! Every program of `programs/` and of `cases/language`, without a limit and within one that saves half of what can be saved: calls
//! take exactly the memory that the plan states, and what a limit asks for can be had.

use super::counting::allocated;
use ein::{Bound, Compiler, Error, Tensor, TensorMut};
use ein_tests::cases::{self, Case};
use ein_tests::compare::close;
use ein_tests::fixture::{ProgramCase, reference_calls};
use ein_tests::run;

pub(crate) fn calls_allocate_what_the_plan_states() {
    let cases = every_case();
    let checked = cases.iter().enumerate().map(|(n, case)| check(case, n.is_multiple_of(8))).collect::<Vec<_>>();
    let limited = checked.iter().filter(|found| matches!(found, Ok(true))).count();
    run::all(checked.into_iter().map(|found| found.map(|_| ())));
    assert!(cases.len() > 140 && limited > 25, "{limited} of {} programs can do with less memory", cases.len());
}

/// The first call of each definition.
fn every_case() -> Vec<ProgramCase> {
    let mut calls = reference_calls();
    calls.sort_by(|a, b| (&a.program, &a.def).cmp(&(&b.program, &b.def)));
    calls.dedup_by(|a, b| (&a.program, &a.def) == (&b.program, &b.def));
    let programs = calls.iter().map(|call| call.case());
    let language = cases::files("language").into_iter().filter_map(|path| Case::read(&path).call().ok());
    programs.chain(language).collect()
}

/// Whether the program can do with less memory than its best plan takes: half of what may be saved, or exactly the least, as a byte less is
/// refused.
fn check(case: &ProgramCase, is_exact: bool) -> Result<bool, String> {
    let compile = |limit: Option<u64>| limit.map_or(Compiler::new(), |limit| Compiler::new().memory_limit(limit)).threads(1);
    let bind = |limit: Option<u64>| compile(limit).compile(&case.source).and_then(|program| run::bound_in(&program, case));
    let at = |limit: Option<u64>, what: String| format!("{} within {limit:?}: {what}", case.name);
    let run = |limit: Option<u64>| {
        let bound = || bind(limit).map_err(|e| at(limit, e.render(false)));
        let first = bound()?;
        // What libraries keep for a length is there from then on.
        let results = call(&first, case).or_else(|_| call(&bound()?, case).map_err(|e| at(limit, e)))?;
        Ok::<_, String>((first.peak().base, results))
    };
    let (free, expected) = run(None)?;
    let Some(least) = bind(Some(0)).err().map(|e| asked_for(&e)) else { return Ok(false) };
    if least == free {
        return Ok(false);
    }
    let limit = if is_exact { least } else { least.midpoint(free) };
    let (peak, got) = run(Some(limit))?;
    if peak > limit {
        return Err(at(Some(limit), format!("{peak} bytes")));
    }
    if is_exact {
        let refused = bind(Some(least - 1)).err().map(|e| asked_for(&e));
        if refused != Some(least) {
            return Err(at(Some(least - 1), format!("{refused:?} bytes are asked for, within none {least}")));
        }
    }
    let mut pairs = got.iter().zip(&expected);
    pairs.try_for_each(|(got, expected)| close(got, expected, case.tolerance)).map_err(|e| at(Some(limit), e))?;
    Ok(true)
}

/// The results of a first call, and of a second one into their memory.
fn call(bound: &Bound, case: &ProgramCase) -> Result<Vec<Tensor>, String> {
    let views = run::views(bound, case);
    let (outputs, fresh) = allocated(|| bound.call(&views));
    let mut outputs = outputs.map_err(|e| e.render(false))?.into_tensors();
    let mut into: Vec<TensorMut<'_>> = outputs.iter_mut().map(TensorMut::from).collect();
    let ((), again) = allocated(|| bound.call_into(&views, &mut into).expect("it has run before"));
    let stated = bound.peak();
    if fresh.tensors < stated.base || fresh.tensors > stated.base + stated.per_thread {
        return Err(format!("{} bytes are taken where {stated:?} is stated", fresh.tensors));
    }
    if again.tensors > stated.per_thread || (stated.per_thread == 0 && again.calls > 0) {
        return Err(format!("{} allocations of {} bytes into arrays that are there", again.calls, again.peak));
    }
    Ok(outputs)
}

/// The limit that a refusal says would do.
fn asked_for(error: &Error) -> u64 {
    let text = error.render(false);
    let figure = text.split("`--memory ").nth(1).and_then(|rest| rest.split('`').next()).and_then(|figure| figure.parse().ok());
    figure.unwrap_or_else(|| panic!("no figure in {text}"))
}

//! What is known of the tensors that are computed in the clear for a program: their numbers if they are constants, or else their ranges.

use crate::clear::{reads, results};
use crate::program::Endless;
use crate::rounding::with_assumptions;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Index, Tensor};
use ein_ir::interp::tensor::constants;
use ein_ir::range::Range;
use ein_ir::range::module::Ranges;
use ein_ir::scalar::value::Value;
use ein_ir::tensor::{Definition, Module};
use std::collections::{BTreeMap, BTreeSet};

/// Steps of the definitions of constants that are carried out: those of longer ones are known by their ranges alone.
const MAX_STEPS: u64 = 1 << 19;

/// What is known of results.
pub(crate) struct Known {
    /// Between which numbers they lie, by name.
    pub(crate) ranges: BTreeMap<String, (f64, f64)>,
    /// The operands that this takes to be in -1..1.
    pub(crate) assumed: Vec<String>,
    /// The results that have no range as an operand is declared in one without an end.
    pub(crate) endless: BTreeMap<String, Endless>,
}

/// The parameters that are declared in ranges without an end.
pub(crate) fn endless(module: &Module) -> BTreeMap<Tensor, Endless> {
    let declared = module.params.iter().map(|param| (*param, &module.tensors[*param])).filter(|(_, decl)| decl.dtype.is_float());
    let ranges = declared.filter_map(|(param, decl)| Some((param, &decl.name, decl.bounds?)));
    let endless = ranges.filter(|(.., (lo, hi))| !(lo.is_finite() && hi.is_finite()));
    endless.map(|(param, name, range)| (param, Endless::from([(name.clone(), range)]))).collect()
}

/// The same, and what is computed from them.
fn of_endless(module: &Module) -> BTreeMap<Tensor, Endless> {
    let mut found = endless(module);
    for definition in &module.body {
        let mut read = BTreeSet::new();
        reads(definition, &mut read);
        let from: Endless =
            read.iter().filter_map(|tensor| found.get(tensor)).flatten().map(|(name, range)| (name.clone(), *range)).collect();
        if !from.is_empty() {
            found.extend(results(definition).into_iter().map(|tensor| (tensor, from.clone())));
        }
    }
    found
}

/// What is known of the results of a module that reads what is public.
///
/// # Errors
/// E0934: a constant has an element that no slot holds.
pub(crate) fn known(module: &Module) -> Result<Known, Diagnostic> {
    let (assuming, assumed) = with_assumptions(module);
    let found = Ranges::of(&assuming);
    let (mut ranges, mut endless) = (BTreeMap::new(), BTreeMap::new());
    let of_endless = of_endless(module);
    let constants = constants_of(module);
    for &result in &module.results {
        let decl = &module.tensors[result];
        let range = match constants.get(&result) {
            Some(numbers) => {
                if let Some((n, number)) = numbers.iter().enumerate().find(|(_, number)| !number.is_finite()) {
                    return Err(Diagnostic::error(
                        934,
                        "he-operands",
                        format!("element {n} of what is computed in the clear here is {number}"),
                    )
                    .at(decl.span, "a slot holds a finite number")
                    .help("give it a value wherever it is read; an `if` on a public condition leaves others out"));
                }
                numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(*x), hi.max(*x)))
            }
            None => match found.of_tensor(&assuming, result) {
                Range::Real(lo, hi) => (lo, hi),
                range @ Range::Integer((lo, hi)) if range != Range::of_type(decl.dtype) => (as_bound(lo), as_bound(hi)),
                Range::Integer(_) | Range::Unordered => continue,
            },
        };
        if range.0.is_finite() && range.1.is_finite() {
            ranges.insert(decl.name.clone(), range);
        } else if let Some(from) = of_endless.get(&result) {
            endless.insert(decl.name.clone(), from.clone());
        }
    }
    Ok(Known { ranges, assumed, endless })
}

/// The elements of the tensors that depend on no parameter, as far as they are few.
fn constants_of(module: &Module) -> BTreeMap<Tensor, Vec<f64>> {
    let mut left = MAX_STEPS;
    let mut short = Vec::new();
    for definition in &module.body {
        match (definition, steps(module, definition)) {
            (Definition::Equation(_) | Definition::Table(_), Some(steps)) if steps <= left => {
                left -= steps;
                short.push(definition.clone());
            }
            _ => {}
        }
    }
    let out = |definition: &Definition| match definition {
        Definition::Equation(equation) => Some(equation.out),
        Definition::Table(table) => Some(table.out),
        Definition::Scan(_) | Definition::Multi(_) | Definition::Generate(_) => None,
    };
    let found = short.iter().zip(constants(module, &short));
    found.filter_map(|(definition, data)| Some((out(definition)?, data?.values.iter().map(number).collect::<Option<_>>()?))).collect()
}

/// How many values a definition computes.
fn steps(module: &Module, definition: &Definition) -> Option<u64> {
    let size = |index: &Index| module.indices[*index].literal_range().map(|(lo, hi)| hi.abs_diff(lo));
    match definition {
        Definition::Equation(equation) => {
            let binders = equation.reduce.iter().flat_map(|reduce| &reduce.binders);
            equation.indices.iter().chain(binders).try_fold(1_u64, |n, index| n.checked_mul(size(index)?))
        }
        _ => Some(0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bound")]
const fn as_bound(end: i128) -> f64 {
    end as f64
}

#[expect(clippy::cast_precision_loss, reason = "a bound")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number, _) => Some(*number),
        value => value.as_int().map(|number| number as f64),
    }
}

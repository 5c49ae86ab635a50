//! Makes sizes literal and discharges the entry checks; [`infer_sizes`] takes the sizes from the inputs.

mod infer;
mod overflow;
mod spell;

pub use infer::infer_sizes;
pub use spell::spell_extent;

use super::verify::verify;
use super::{Definition, DimKind, Generate, Module, Relation, Require, Table};
use crate::diagnostic::{Diagnostic, sort_by_position};
use crate::entity::{Dim, SecondaryMap};
use crate::extent::{Atom, Extent};
use crate::scalar::{Literal, ScalarKind};
use crate::span::Span;
use crate::verified::Verified;

/// A value for each dim; `None` is unknown.
pub type Sizes = SecondaryMap<Dim, Option<i64>>;

/// Makes sizes literal and discharges the entry checks.
///
/// # Errors
/// * E0306 `missing-size`: a dim has no value; all of them in one message.
/// * E0312 `negative-size`: a size or an axis is below 0, or divides by 0.
/// * Every requirement that fails, with the values, under the code that the requirement states.
/// * E0802 `too-large`: a size, the bytes of a tensor, or a position that is divided or compared, do not fit i64.
/// * E0806 `large-constant`: a constant tensor by formula has too many elements, or too great a degree.
pub fn specialise(module: &Verified<Module>, sizes: &Sizes) -> Result<Verified<Module>, Vec<Diagnostic>> {
    if let Some(missing) = missing_sizes(module, sizes) {
        return Err(vec![missing]);
    }
    let mut errors = negative_sizes(module, sizes);
    errors.extend(module.requires.iter().filter_map(|require| check_require(module, sizes, require)));
    if errors.is_empty() {
        // Only sizes that satisfy the requirements are worth more words.
        errors.extend(check_axes(module, sizes));
    }
    let mut out: Module = Module::clone(module);
    if errors.is_empty() {
        substitute(&mut out, sizes, &mut errors);
    }
    if errors.is_empty() {
        errors.extend(overflow::positions_beyond_64_bits(&out));
    }
    if errors.is_empty() {
        tabulate(&mut out.body, &mut errors);
    }
    if !errors.is_empty() {
        sort_by_position(&mut errors);
        return Err(errors);
    }
    verify(out).map_err(|broken| {
        let internal = |e: &dyn std::fmt::Display| Diagnostic::error(199, "internal", format!("the specialised module is broken: {e}"));
        broken.iter().map(|e| internal(e)).collect()
    })
}

/// One message that lists every dim without a value.
fn missing_sizes(module: &Module, sizes: &Sizes) -> Option<Diagnostic> {
    let missing: Vec<_> = module.dims.iter().filter(|(dim, _)| sizes[*dim].is_none()).map(|(_, decl)| decl).collect();
    let first = missing.first()?;
    let names: Vec<String> = missing.iter().map(|decl| format!("`{}`", decl.name)).collect();
    let flags: Vec<String> = missing.iter().map(|decl| format!("--size {}=8", decl.name)).collect();
    let fact = match names.as_slice() {
        [name] => format!("nothing gives the size {name} of `{}`", module.name),
        _ => format!("nothing gives the sizes {} of `{}`", names.join(", "), module.name),
    };
    let mut error = Diagnostic::error(306, "dim-undetermined", fact).at(first.span, "declared here").help(flags.join(" "));
    for decl in &missing[1..] {
        error = error.and(decl.span, "and here");
    }
    Some(error)
}

/// The value of an extent under the sizes; `None` if a divisor is 0 or a step overflows.
#[must_use]
pub fn evaluate(extent: &Extent, sizes: &Sizes) -> Option<i128> {
    extent.evaluate(&|atom| match atom {
        Atom::Dim(dim) => sizes[*dim].map(i128::from),
        _ => None,
    })
}

/// `N = 7, P = 2`: the dims of an extent with their values.
fn values_of(module: &Module, extent: &Extent, sizes: &Sizes) -> String {
    let value = |atom: Atom| match atom {
        Atom::Dim(dim) => Some(format!("{} = {}", module.dims[dim].name, sizes[dim]?)),
        _ => None,
    };
    extent.leaves().into_iter().filter_map(value).collect::<Vec<_>>().join(", ")
}

fn negative_sizes(module: &Module, sizes: &Sizes) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for (dim, decl) in module.dims.iter().filter(|(_, decl)| decl.kind == DimKind::Size) {
        if let Some(value) = sizes[dim].filter(|value| *value < 0) {
            let fact = format!("size `{}` is {value}, but a size is at least 0", decl.name);
            errors.push(Diagnostic::error(312, "negative-size", fact).at(decl.span, format!("{value} here")));
        }
    }
    errors
}

fn check_require(module: &Module, sizes: &Sizes, require: &Require) -> Option<Diagnostic> {
    // Where nothing is iterated over, nothing is accessed.
    if require.unless_empty.iter().any(|length| evaluate(length, sizes).is_some_and(|n| n <= 0)) {
        return None;
    }
    let value = evaluate(&require.value, sizes);
    let holds = value.is_some_and(|value| match require.relation {
        Relation::Zero => value == 0,
        Relation::NonZero => value != 0,
        Relation::NonNegative => value >= 0,
    });
    if holds {
        return None;
    }
    let values = values_of(module, &require.value, sizes);
    let fact = if values.is_empty() { "does not hold".to_owned() } else { format!("does not hold for {values}") };
    let found = value.map_or_else(|| "no value".to_owned(), |v| v.to_string());
    let note = format!("`{}` is {found}, and must be {} 0", spell_extent(module, &require.value), require.relation.operator());
    let error = Diagnostic::error(require.code, "size-condition", format!("{} {fact}", require.message));
    Some(error.at(require.span, "needed here").note(note))
}

fn check_axes(module: &Module, sizes: &Sizes) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for decl in module.tensors.values() {
        let mut n_elements = Some(1i128);
        for (axis, extent) in decl.axes.iter().enumerate() {
            let spelling = format!("axis {axis} of `{}`, `{}`,", decl.name, spell_extent(module, extent));
            match evaluate_size(module, sizes, extent, &spelling, decl.span) {
                Ok(size) if size < 0 => {
                    let fact = format!("{spelling} is {size}, but a size is at least 0");
                    let error = Diagnostic::error(312, "negative-size", fact).at(decl.span, format!("{size} here"));
                    errors.push(error.note(values_of(module, extent, sizes)));
                }
                // An empty axis does not make room for a huge one: strides are computed as if it had one element.
                Ok(size) => n_elements = n_elements.and_then(|n| n.checked_mul(i128::from(size.max(1)))),
                Err(error) => errors.push(*error),
            }
        }
        let n_bytes = n_elements.and_then(|n| n.checked_mul(i128::try_from(decl.dtype.bytes()).ok()?));
        if n_bytes.is_none_or(|n| n > i128::from(i64::MAX)) {
            let count = n_elements.map_or_else(|| "more than 2^127".to_owned(), |n| n.to_string());
            let fact = format!("`{}` has {count} elements of {} bytes, but at most {} bytes fit", decl.name, decl.dtype.bytes(), i64::MAX);
            errors.push(Diagnostic::error(802, "too-large", fact).at(decl.span, "too large"));
        }
    }
    errors
}

/// The value of a size, which must fit i64.
fn evaluate_size(module: &Module, sizes: &Sizes, extent: &Extent, what: &str, span: Span) -> Result<i64, Box<Diagnostic>> {
    let values = values_of(module, extent, sizes);
    match evaluate(extent, sizes) {
        Some(value) => i64::try_from(value).map_err(|_| {
            let fact = format!("{what} is {value}, but sizes are at most {}", i64::MAX);
            Box::new(Diagnostic::error(802, "too-large", fact).at(span, "too large").note(values))
        }),
        None => {
            let fact = format!("{what} divides by 0 or is too large for {values}");
            Err(Box::new(Diagnostic::error(312, "negative-size", fact).at(span, "has no value")))
        }
    }
}

/// Replaces every extent by its value.
fn substitute(module: &mut Module, sizes: &Sizes, errors: &mut Vec<Diagnostic>) {
    // Names and values of dims are wanted for messages while they are replaced.
    let original = module.clone();
    let mut literal = |extent: &mut Extent, span: Span| {
        let spelling = format!("`{}`", spell_extent(&original, extent));
        match evaluate_size(&original, sizes, extent, &spelling, span) {
            Ok(value) => *extent = Extent::from(value),
            Err(error) => errors.push(*error),
        }
    };
    for decl in module.tensors.values_mut() {
        let span = decl.span;
        decl.axes.iter_mut().chain(&mut decl.index_of).for_each(|extent| literal(extent, span));
    }
    for decl in module.indices.values_mut() {
        let span = decl.span;
        [&mut decl.lo, &mut decl.hi].into_iter().for_each(|extent| literal(extent, span));
    }
    module.visit_scalars_mut(&mut |scalar| {
        scalar.visit_mut(&mut |node| {
            let span = node.span;
            if let ScalarKind::Size(extent) = &mut node.kind {
                literal(extent, span);
            }
        });
    });
    substitute_options(&mut module.body, &mut literal);
    module.dims.clear();
    module.requires.clear();
}

fn substitute_options(body: &mut [Definition], literal: &mut dyn FnMut(&mut Extent, Span)) {
    for definition in body {
        match definition {
            Definition::Multi(multi) => multi.options.iter_mut().for_each(|(_, value)| literal(value, multi.span)),
            Definition::Scan(scan) => substitute_options(&mut scan.body, literal),
            Definition::Generate(generate) => generate.args.iter_mut().for_each(|value| literal(value, generate.span)),
            Definition::Equation(_) | Definition::Table(_) => {}
        }
    }
}

/// Formulas as tables.
fn tabulate(body: &mut Vec<Definition>, errors: &mut Vec<Diagnostic>) {
    for definition in std::mem::take(body) {
        match definition {
            Definition::Generate(generate) => match values_of_formula(&generate) {
                Ok(values) => {
                    let table = |(out, values)| Definition::Table(Table { out, values, span: generate.span });
                    body.extend(generate.results.iter().copied().zip(values).map(table));
                }
                Err(fact) => errors.push(Diagnostic::error(806, "large-constant", fact).at(generate.span, "too large for a constant")),
            },
            Definition::Scan(mut scan) => {
                tabulate(&mut scan.body, errors);
                body.push(Definition::Scan(scan));
            }
            other => body.push(other),
        }
    }
}

fn values_of_formula(generate: &Generate) -> Result<Vec<Vec<Literal>>, String> {
    let args: Option<Vec<i64>> = generate.args.iter().map(|value| i64::try_from(value.as_constant()?).ok()).collect();
    generate.generator.values(&args.unwrap_or_default())
}

#[cfg(test)]
mod tests;

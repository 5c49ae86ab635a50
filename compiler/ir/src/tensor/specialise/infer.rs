//! Sizes from the shapes of the inputs (language 4e).

use super::{Sizes, evaluate, spell_extent};
use crate::diagnostic::Diagnostic;
use crate::entity::{Dim, SecondaryMap};
use crate::near::{nearest, nearest_first};
use crate::span::Span;
use crate::tensor::{Module, TensorDecl};

/// What gave a dim its value.
#[derive(Clone)]
struct Source {
    value: i64,
    /// In words: "in `A` (axis 1)".
    place: String,
    span: Option<Span>,
}

/// Takes the sizes from the shapes of the parameters and from `given`, the sizes and `int` generics that the caller names.
///
/// `shapes` has one entry a parameter, `None` where the input is not known. A dim is taken from the axes where it stands alone;
/// every other axis is only checked, afterwards. A default is used only if nothing else gives the dim. What stays without a
/// value is `None`.
///
/// # Errors
/// * E0906 `rank-mismatch`: an input has another number of axes than its parameter.
/// * E0301 `dim-mismatch`: two places give a dim different values, or an axis is not what the dims say.
/// * E0311 `unknown-size`: `given` names no dim.
pub fn infer_sizes(module: &Module, shapes: &[Option<&[usize]>], given: &[(String, i64)]) -> Result<Sizes, Vec<Diagnostic>> {
    let mut sources: SecondaryMap<Dim, Option<Source>> = SecondaryMap::new();
    let mut errors = Vec::new();
    for (name, value) in given {
        match module.dims.iter().find(|(_, decl)| decl.name == *name) {
            Some((dim, _)) => {
                let source = Source { value: *value, place: "as given".to_owned(), span: None };
                errors.extend(unify(module, &mut sources, dim, source));
            }
            None => errors.push(unknown_size(module, name)),
        }
    }
    let inputs: Vec<(&TensorDecl, &[usize])> =
        module.params.iter().zip(shapes).filter_map(|(param, shape)| Some((module.tensors.get(*param)?, (*shape)?))).collect();
    for (decl, shape) in &inputs {
        if decl.axes.len() != shape.len() {
            errors.push(rank_mismatch(decl, shape));
            continue;
        }
        for (axis, (extent, size)) in decl.axes.iter().zip(*shape).enumerate() {
            let Some(dim) = extent.as_dim().filter(|dim| module.dims.is_valid(*dim)) else { continue };
            // A shape is of memory, so it fits.
            let value = i64::try_from(*size).unwrap_or(i64::MAX);
            let source = Source { value, place: format!("in `{}` (axis {axis})", decl.name), span: Some(decl.span) };
            errors.extend(unify(module, &mut sources, dim, source));
        }
    }
    let mut sizes = Sizes::new();
    for (dim, decl) in &module.dims {
        sizes[dim] = sources[dim].as_ref().map(|source| source.value).or(decl.default);
    }
    if errors.is_empty() {
        for (decl, shape) in &inputs {
            errors.extend(check_derived(module, &sizes, decl, shape));
        }
    }
    if errors.is_empty() { Ok(sizes) } else { Err(errors) }
}

/// Notes what gives a dim its value; an error if something else gave another.
fn unify(module: &Module, sources: &mut SecondaryMap<Dim, Option<Source>>, dim: Dim, new: Source) -> Option<Diagnostic> {
    let Some(old) = &sources[dim] else {
        sources[dim] = Some(new);
        return None;
    };
    if old.value == new.value {
        return None;
    }
    let name = &module.dims[dim].name;
    let fact = format!("dim `{name}` is {} {} but {} {}", old.value, old.place, new.value, new.place);
    let mut error = Diagnostic::error(301, "dim-mismatch", fact);
    if let Some(span) = new.span {
        error = error.at(span, format!("{} here", new.value));
    }
    let old_span = old.span.unwrap_or(module.dims[dim].span);
    let old_place = if old.span.is_some() { "here" } else { "given for this" };
    Some(error.and(old_span, format!("{} {old_place}", old.value)))
}

fn rank_mismatch(decl: &TensorDecl, shape: &[usize]) -> Diagnostic {
    let axes = |n: usize| if n == 1 { "1 axis".to_owned() } else { format!("{n} axes") };
    let fact =
        format!("`{}` has {} but the array given for it has {}, shape {shape:?}", decl.name, axes(decl.axes.len()), axes(shape.len()));
    Diagnostic::error(906, "rank-mismatch", fact).at(decl.span, format!("{} here", axes(decl.axes.len())))
}

fn check_derived(module: &Module, sizes: &Sizes, decl: &TensorDecl, shape: &[usize]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for (axis, (extent, size)) in decl.axes.iter().zip(shape).enumerate() {
        let Some(expected) = evaluate(extent, sizes).filter(|expected| i128::try_from(*size) != Ok(*expected)) else { continue };
        let fact = match extent.as_constant() {
            Some(_) => format!("axis {axis} of `{}` is {expected} but the array given for it has {size} there", decl.name),
            None => {
                let spelling = spell_extent(module, extent);
                format!("axis {axis} of `{}` is `{spelling}`, which is {expected}, but the array given for it has {size} there", decl.name)
            }
        };
        let mut error = Diagnostic::error(301, "dim-mismatch", fact).at(decl.span, format!("{expected} here"));
        let values = super::values_of(module, extent, sizes);
        if !values.is_empty() {
            error = error.note(values);
        }
        errors.push(error);
    }
    errors
}

fn unknown_size(module: &Module, name: &str) -> Diagnostic {
    let names = nearest_first(name, module.dims.values().map(|decl| decl.name.as_str()));
    let error = Diagnostic::error(311, "unknown-size", format!("`{}` has no size `{name}`", module.name));
    if names.is_empty() {
        return error.note("it has no sizes to give");
    }
    let all: Vec<String> = names.iter().map(|known| format!("`{known}`")).collect();
    let error = error.note(format!("its sizes are {}", all.join(", ")));
    match nearest(name, names) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}
